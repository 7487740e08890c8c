//! The peer `epoll`: the loop that one would write by hand, as many threads as the runtimes have workers. It has no
//! tasks, timers, queues or fairness, so what it takes is the floor: kernel, C library and the copy of the bytes.
//!
//! The first loop accepts and hands the connections out in turn; each stays with its loop for good. A loop sleeps in
//! its own epoll, level-triggered, and reads once per event. A UDP socket is one loop's, as it is one task's elsewhere.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};

use super::job::{Job, Protocol, Server, ready};
use crate::harness::clock;

/// Events taken per wait.
const EVENTS: usize = 256;

/// What is accepted, as the loops need it.
trait Listener: AsFd {
    type Stream: Read + Write + AsFd + AsRawFd + Send + 'static;

    /// The next connection, if one waits; ready to be read from without blocking.
    fn next(&self) -> io::Result<Option<Self::Stream>>;
}

impl Listener for TcpListener {
    type Stream = TcpStream;

    fn next(&self) -> io::Result<Option<TcpStream>> {
        let stream = unless_empty(self.accept())?.map(|(stream, _)| stream);
        stream
            .iter()
            .try_for_each(|stream| stream.set_nodelay(true))?;
        Ok(stream)
    }
}

impl Listener for UnixListener {
    type Stream = UnixStream;

    fn next(&self) -> io::Result<Option<UnixStream>> {
        Ok(unless_empty(self.accept())?.map(|(stream, _)| stream))
    }
}

fn unless_empty<T>(outcome: io::Result<T>) -> io::Result<Option<T>> {
    match outcome {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
        Err(error) => Err(error),
    }
}

/// Serves until the process ends.
///
/// # Errors
/// When it cannot listen.
pub(super) fn serve(job: &Job) -> io::Result<()> {
    match job.server.protocol {
        Protocol::Tcp => {
            let listener = TcpListener::bind("127.0.0.1:0")?;
            ready(&listener.local_addr()?.to_string())?;
            listener.set_nonblocking(true)?;
            streams(listener, job.workers, job.server)
        }
        Protocol::Unix => {
            let listener = UnixListener::bind(&job.path)?;
            ready(&job.path.display().to_string())?;
            listener.set_nonblocking(true)?;
            streams(listener, job.workers, job.server)
        }
        Protocol::Udp => {
            let socket = UdpSocket::bind("127.0.0.1:0")?;
            ready(&socket.local_addr()?.to_string())?;
            datagrams(&socket, job.server.buffer)
        }
        Protocol::Ticks => Err(io::Error::other("the bare loop has no timers")),
        Protocol::Http => Err(io::Error::other("the bare loop speaks no HTTP")),
    }
}

fn streams<L: Listener>(listener: L, threads: usize, server: Server) -> io::Result<()> {
    let loops: Vec<Arc<Loop<L::Stream>>> = (0..threads)
        .map(|_| Loop::new().map(Arc::new))
        .collect::<io::Result<_>>()?;
    for one in &loops[1..] {
        let one = Arc::clone(one);
        std::thread::spawn(move || one.run(server, || Ok(())).expect("the bare loop failed"));
    }
    let data = EventData::new_u64(LISTENER);
    epoll::add(&loops[0].epoll, &listener, data, EventFlags::IN)?;
    let mut turn = (0..threads).cycle();
    loops[0].run(server, || {
        while let Some(stream) = listener.next()? {
            loops[turn.next().unwrap_or(0)].admit(stream)?;
        }
        Ok(())
    })
}

/// The listener's number in the epoll of the first loop; a connection's is its descriptor's.
const LISTENER: u64 = u64::MAX;

/// What one thread looks after.
struct Loop<S> {
    epoll: OwnedFd,
    /// Connections that are in the epoll, and that the loop has not heard of yet.
    fresh: Mutex<VecDeque<S>>,
}

impl<S: Read + Write + AsFd + AsRawFd> Loop<S> {
    fn new() -> io::Result<Loop<S>> {
        Ok(Loop {
            epoll: epoll::create(CreateFlags::CLOEXEC)?,
            fresh: Mutex::default(),
        })
    }

    /// From any thread. It is in the list before its first event, so whoever gets that finds it.
    fn admit(&self, stream: S) -> io::Result<()> {
        let mut fresh = self.fresh.lock().unwrap_or_else(PoisonError::into_inner);
        let data = EventData::new_u64(stream.as_raw_fd() as u64);
        epoll::add(&self.epoll, &stream, data, EventFlags::IN)?;
        fresh.push_back(stream);
        Ok(())
    }

    fn run(&self, server: Server, mut accept: impl FnMut() -> io::Result<()>) -> io::Result<()> {
        let mut connections: Vec<Option<S>> = Vec::new();
        let mut buffer = vec![0; server.buffer];
        let mut events: Vec<Event> = Vec::with_capacity(EVENTS);
        loop {
            wait(&self.epoll, &mut events)?;
            for event in &events {
                if event.data.u64() == LISTENER {
                    accept()?;
                    continue;
                }
                let place = event.data.u64() as usize;
                if connections.get(place).is_none_or(Option::is_none) {
                    self.learn(&mut connections);
                }
                if let Some(Some(stream)) = connections.get_mut(place)
                    && !exchange(stream, &mut buffer, server).unwrap_or(false)
                {
                    // Closing takes it out of the epoll, too.
                    connections[place] = None;
                }
            }
        }
    }

    fn learn(&self, connections: &mut Vec<Option<S>>) {
        let mut fresh = self.fresh.lock().unwrap_or_else(PoisonError::into_inner);
        for stream in fresh.drain(..) {
            let place = stream.as_raw_fd() as usize;
            if connections.len() <= place {
                connections.resize_with(place + 1, || None);
            }
            connections[place] = Some(stream);
        }
    }
}

fn wait(epoll: &OwnedFd, events: &mut Vec<Event>) -> io::Result<()> {
    events.clear();
    match epoll::wait(epoll, rustix::buffer::spare_capacity(events), None) {
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Reads what is there and sends it back; false at the end of the stream. Blocks if the other end does not read, which
/// the load generator always does.
fn exchange(
    stream: &mut (impl Read + Write),
    buffer: &mut [u8],
    server: Server,
) -> io::Result<bool> {
    let length = stream.read(buffer)?;
    clock::rounds(server.rounds);
    stream.write_all(&buffer[..length])?;
    Ok(length > 0)
}

fn datagrams(socket: &UdpSocket, size: usize) -> io::Result<()> {
    let epoll = epoll::create(CreateFlags::CLOEXEC)?;
    socket.set_nonblocking(true)?;
    epoll::add(&epoll, socket, EventData::new_u64(0), EventFlags::IN)?;
    let mut buffer = vec![0; size];
    let mut events: Vec<Event> = Vec::with_capacity(EVENTS);
    loop {
        wait(&epoll, &mut events)?;
        while let Some((length, from)) = unless_empty(socket.recv_from(&mut buffer))? {
            // A datagram that does not fit into the other end's buffer is lost, as datagrams are.
            unless_empty(socket.send_to(&buffer[..length], from))?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_of_all_loops_get_back_what_they_send() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        listener.set_nonblocking(true).unwrap();
        let server = Server {
            buffer: 16,
            ..Server::default()
        };
        std::thread::spawn(move || streams(listener, 2, server));
        let mut kept = TcpStream::connect(address).unwrap();
        for turn in 0..4_u8 {
            let mut fresh = TcpStream::connect(address).unwrap();
            for stream in [&mut kept, &mut fresh] {
                // More than fits into the server's buffer at once.
                let sent = [turn; 40];
                stream.write_all(&sent).unwrap();
                let mut got = [0xff; 40];
                stream.read_exact(&mut got).unwrap();
                assert_eq!(got, sent);
            }
        }
    }

    #[test]
    fn datagrams_come_back() {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        std::thread::spawn(move || datagrams(&socket, 100));
        let client = UdpSocket::bind("127.0.0.1:0").unwrap();
        client.send_to(b"hello", address).unwrap();
        let mut got = [0; 100];
        assert_eq!(client.recv(&mut got).unwrap(), 5);
    }
}
