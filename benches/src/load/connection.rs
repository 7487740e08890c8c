//! One connection: requests that go out and answers that come back, as far as the socket goes.

use std::collections::VecDeque;
use std::io;
use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, recv, send};

use super::asked::Asked;
use crate::harness::clock::Moment;

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
    pub(super) fn begin(&mut self, due: Moment, asked: &Asked) -> io::Result<()> {
        self.due = Some(due);
        self.number += 1;
        self.sent = 0;
        self.received = 0;
        self.send_more(asked)
    }

    /// Goes on after an event: takes what came, sends what is left. True when the answer is complete.
    pub(super) fn proceed(&mut self, asked: &Asked, buffer: &mut [u8]) -> io::Result<bool> {
        if self.due.is_none() {
            return Ok(false);
        }
        let whole = self.receive_more(asked, buffer)?;
        self.send_more(asked)?;
        Ok(whole)
    }

    fn send_more(&mut self, asked: &Asked) -> io::Result<()> {
        let request = asked.request(self.number);
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
    fn receive_more(&mut self, asked: &Asked, buffer: &mut [u8]) -> io::Result<bool> {
        loop {
            let wanted = asked.wanted(self.received).min(buffer.len());
            if wanted == 0 {
                return Ok(true);
            }
            let length = match recv(&self.socket, &mut buffer[..wanted], RecvFlags::empty()) {
                Ok((0, _)) => {
                    return Err(io::Error::other(
                        "the server closed a connection in the middle of a request",
                    ));
                }
                Ok((length, _)) => length,
                Err(Errno::AGAIN) => return Ok(false),
                Err(error) => return Err(error.into()),
            };
            let whole = asked.check(self.number, self.received, &buffer[..length])?;
            self.received += length;
            if whole || length < wanted {
                return Ok(whole);
            }
        }
    }
}
