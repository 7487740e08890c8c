//! What the reactor costs in system calls, to be looked at with strace:
//!
//! ```text
//! cargo build -p filch-reactor --example system_calls
//! strace -f -c target/debug/examples/system_calls epoll echo 10000
//! strace -f -c target/debug/examples/system_calls epoll connections 1000
//! ```
//!
//! With `--features polling` there is the other selector to compare with.
//!
//! `echo` answers requests on one connection, one event per wait. Both ends run in this one thread, so each request is
//! two `recvfrom` and two `sendto`, of which the peer makes one each. `connections` accepts connections, waits for one
//! request on each, answers and closes.

use filch_reactor::{Direction, Io, Reactor};
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [selector, what, count] = arguments.as_slice() else {
        return Err(io::Error::other(
            "usage: system_calls epoll|polling echo|connections COUNT",
        ));
    };
    let reactor = Arc::new(Reactor::new(selector.parse().map_err(io::Error::other)?)?);
    let count = count.parse().map_err(io::Error::other)?;
    println!("{count} times {what} with {}", reactor.selector());
    match what.as_str() {
        "echo" => echo(&reactor, count),
        _ => connections(&reactor, count),
    }
}

fn echo(reactor: &Arc<Reactor>, count: usize) -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let (io, mut peer) = connect(reactor, &listener)?;
    (0..count).try_for_each(|_| serve(&io, &mut peer))
}

fn connections(reactor: &Arc<Reactor>, count: usize) -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    for _ in 0..count {
        let (io, mut peer) = connect(reactor, &listener)?;
        serve(&io, &mut peer)?;
    }
    Ok(())
}

fn connect(
    reactor: &Arc<Reactor>,
    listener: &TcpListener,
) -> io::Result<(Io<TcpStream>, TcpStream)> {
    let peer = TcpStream::connect(listener.local_addr()?)?;
    let (ours, _) = listener.accept()?;
    ours.set_nonblocking(true)?;
    Ok((Io::new(Arc::clone(reactor), ours), peer))
}

/// One request, read as a stream does it, and answered.
fn serve(io: &Io<TcpStream>, peer: &mut TcpStream) -> io::Result<()> {
    let mut cx = Context::from_waker(Waker::noop());
    let (mut buffer, mut sent) = ([0; 64], false);
    let count = loop {
        match io.source().poll_ready(Direction::Read, None, &mut cx) {
            Poll::Ready(ready) => {
                let ready = ready?;
                match io.get_ref().read(&mut buffer) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        io.source().clear(ready)
                    }
                    Ok(count) if count < buffer.len() => {
                        io.source().clear_short(ready);
                        break count;
                    }
                    result => break result?,
                }
            }
            Poll::Pending => {
                // Only now does the request come, so that the server has to wait for it.
                if !std::mem::replace(&mut sent, true) {
                    peer.write_all(b"request")?;
                }
                let reactor = io.source().reactor();
                reactor
                    .try_lock()
                    .expect("nobody else polls")
                    .wait(None, &mut Vec::new())?;
            }
        }
    };
    io.get_ref().write_all(&buffer[..count])?;
    peer.read_exact(&mut buffer[..count])
}
