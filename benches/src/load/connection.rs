//! One connection: requests that go out and answers that come back, as far as the socket goes.

use std::collections::VecDeque;
use std::io;
use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, recv, send};

use crate::harness::clock::Moment;

/// How many different requests there are; a prime, so that neighbours differ.
const VARIANTS: usize = 251;

/// All requests of one size: each is a different window of one sequence of bytes that never repeats within a window's
/// neighbourhood, so an answer to another request, or one out of place, differs.
#[derive(Debug)]
pub(super) struct Pattern {
    bytes: Vec<u8>,
    size: usize,
}

impl Pattern {
    pub(super) fn new(size: usize) -> Pattern {
        let mut generator = fastrand::Rng::with_seed(0x0066_696c_6368);
        Pattern {
            bytes: (0..size + VARIANTS).map(|_| generator.u8(..)).collect(),
            size,
        }
    }

    fn request(&self, number: usize) -> &[u8] {
        let start = number % VARIANTS;
        &self.bytes[start..start + self.size]
    }
}

/// One connection and the request that is under way on it.
#[derive(Debug)]
pub(super) struct Connection {
    /// The socket.
    pub(super) socket: OwnedFd,
    /// When the request under way was due, if one is.
    pub(super) due: Option<Moment>,
    /// When those were due that wait behind it.
    pub(super) waiting: VecDeque<Moment>,
    number: usize,
    sent: usize,
    received: usize,
}

impl Connection {
    pub(super) fn new(socket: OwnedFd, first: usize) -> Connection {
        Connection {
            socket,
            due: None,
            waiting: VecDeque::new(),
            number: first,
            sent: 0,
            received: 0,
        }
    }

    /// Sends the next request, as far as the socket takes it now.
    pub(super) fn begin(&mut self, due: Moment, pattern: &Pattern) -> io::Result<()> {
        self.due = Some(due);
        self.number += 1;
        self.sent = 0;
        self.received = 0;
        self.send_more(pattern)
    }

    /// Goes on after an event: takes what came, sends what is left. True when the answer is complete.
    pub(super) fn proceed(&mut self, pattern: &Pattern, buffer: &mut [u8]) -> io::Result<bool> {
        if self.due.is_none() {
            return Ok(false);
        }
        self.receive_more(pattern, buffer)?;
        self.send_more(pattern)?;
        Ok(self.received == pattern.size)
    }

    fn send_more(&mut self, pattern: &Pattern) -> io::Result<()> {
        let request = pattern.request(self.number);
        while self.sent < request.len() {
            match send(&self.socket, &request[self.sent..], SendFlags::NOSIGNAL) {
                Ok(length) => self.sent += length,
                Err(Errno::AGAIN) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Edge-triggered, but a short read has emptied the socket: what comes later is a new event.
    fn receive_more(&mut self, pattern: &Pattern, buffer: &mut [u8]) -> io::Result<()> {
        let expected = pattern.request(self.number);
        while self.received < expected.len() {
            let wanted = (expected.len() - self.received).min(buffer.len());
            let length = match recv(&self.socket, &mut buffer[..wanted], RecvFlags::empty()) {
                Ok((0, _)) => {
                    return Err(io::Error::other(
                        "the server closed a connection in the middle of a request",
                    ));
                }
                Ok((length, _)) => length,
                Err(Errno::AGAIN) => return Ok(()),
                Err(error) => return Err(error.into()),
            };
            if buffer[..length] != expected[self.received..self.received + length] {
                return Err(io::Error::other(format!(
                    "an answer differs from its request of {} bytes",
                    pattern.size
                )));
            }
            self.received += length;
            if length < wanted {
                return Ok(());
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_of_neighbouring_numbers_differ() {
        let pattern = Pattern::new(64);
        for number in 0..VARIANTS {
            assert_ne!(pattern.request(number), pattern.request(number + 1));
            assert_eq!(pattern.request(number).len(), 64);
        }
    }
}
