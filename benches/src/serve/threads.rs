//! The baseline `threads`: no runtime, but one thread with an epoll that echoes, and a thread for every hog. What the
//! operating system's own time slicing makes of the same work.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;

use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};

use super::hogs;
use super::job::{Job, Protocol, TICK, encode, ready};
use crate::harness::clock::Moment;

/// Events taken per wait.
const EVENTS: usize = 256;

/// Serves TCP until the process ends.
///
/// # Errors
/// When it cannot listen, or is asked for what it does not do.
pub(super) fn serve(job: &Job) -> io::Result<()> {
    let board = job.board()?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    ready(&listener.local_addr()?.to_string())?;
    let count = job.server.hogs(job.workers);
    hogs::each(job.server.hog, count, &board, |mut held| {
        std::thread::spawn(move || {
            loop {
                held.poll();
            }
        });
    })?;
    match job.server.protocol {
        Protocol::Tcp => echo(&listener, job.server.buffer),
        Protocol::Ticks => loop {
            let (stream, _) = listener.accept()?;
            std::thread::spawn(move || tick(stream));
        },
        other => Err(io::Error::other(format!("threads do not serve {other}"))),
    }
}

/// Says how late each tick is until the other end has heard enough.
fn tick(mut stream: TcpStream) {
    let start = Moment::now();
    for tick in 1.. {
        let due = start + TICK * tick;
        std::thread::sleep(due.since(Moment::now()));
        if stream.write_all(&encode(Moment::now().since(due))).is_err() {
            return;
        }
    }
}

/// A connection's place in the list is its number in the epoll; the listener comes after all places.
fn echo(listener: &TcpListener, size: usize) -> io::Result<()> {
    const LISTENER: u64 = u64::MAX;
    listener.set_nonblocking(true)?;
    let epoll = epoll::create(CreateFlags::CLOEXEC)?;
    let data = EventData::new_u64(LISTENER);
    epoll::add(&epoll, listener, data, EventFlags::IN)?;
    let mut connections: Vec<Option<TcpStream>> = Vec::new();
    let mut buffer = vec![0; size];
    let mut events: Vec<Event> = Vec::with_capacity(EVENTS);
    loop {
        events.clear();
        match epoll::wait(&epoll, rustix::buffer::spare_capacity(&mut events), None) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        for event in &events {
            match event.data.u64() {
                LISTENER => accept(listener, &epoll, &mut connections)?,
                place => {
                    let connection = &mut connections[place as usize];
                    if let Some(stream) = connection
                        && !exchange(stream, &mut buffer).unwrap_or(false)
                    {
                        // Closing takes it out of the epoll, too.
                        *connection = None;
                    }
                }
            }
        }
    }
}

fn accept(
    listener: &TcpListener,
    epoll: &OwnedFd,
    connections: &mut Vec<Option<TcpStream>>,
) -> io::Result<()> {
    loop {
        let stream = match listener.accept() {
            Ok((stream, _)) => stream,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        };
        stream.set_nodelay(true)?;
        let free = connections.iter().position(Option::is_none);
        let place = free.unwrap_or(connections.len());
        epoll::add(
            epoll,
            &stream,
            EventData::new_u64(place as u64),
            EventFlags::IN,
        )?;
        match free {
            Some(place) => connections[place] = Some(stream),
            None => connections.push(Some(stream)),
        }
    }
}

/// Reads what is there and sends it back; false at the end of the stream. Blocks if the other end does not read, which
/// the load generator always does.
fn exchange(stream: &mut TcpStream, buffer: &mut [u8]) -> io::Result<bool> {
    let length = stream.read(buffer)?;
    stream.write_all(&buffer[..length])?;
    Ok(length > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_come_and_go_and_get_back_what_they_send() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || echo(&listener, 16));
        let mut kept = TcpStream::connect(address).unwrap();
        for turn in 0..3_u8 {
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
}
