//! What stands in for `epoll.rs` under loom: a kernel small enough to be explored, with epoll's contract.
//!
//! A socket has a count of bytes to read, room to write, and perhaps an end. A change queues it if it is watched for
//! that; `wait` picks queued sockets up and reports what is true *then*, as the kernel does. The reactor above it is
//! the one that ships.

use super::{Interest, Token, Traits};
use crate::primitive::Mutex;
use crate::readiness::Event;
use crate::sys::Borrowed;
use loom::sync::Condvar;
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::time::Duration;

#[derive(Debug)]
pub(crate) struct Epoll {
    kernel: Mutex<Kernel>,
    changed: Condvar,
    edge: bool,
}

#[derive(Debug, Default)]
struct Kernel {
    /// By descriptor.
    sockets: [Socket; 2],
    woken: bool,
}

#[derive(Debug, Default)]
struct Socket {
    bytes: usize,
    ended: bool,
    room: usize,
    watched: Option<(Token, Interest)>,
    queued: bool,
}

impl Socket {
    fn event(&self) -> Event {
        let Some((_, interest)) = self.watched else {
            return Event::default();
        };
        Event::default()
            .and_if(interest.read && self.bytes > 0, Event::READABLE)
            .and_if(self.ended, Event::READABLE.and_if(true, Event::READ_CLOSED))
            .and_if(interest.write && self.room > 0, Event::WRITABLE)
    }

    fn queue(&mut self) {
        self.queued |= self.event() != Event::default();
    }
}

impl Epoll {
    pub(crate) fn new() -> io::Result<Epoll> {
        Ok(Epoll {
            kernel: Mutex::new(Kernel::default()),
            changed: Condvar::new(),
            edge: true,
        })
    }

    pub(crate) fn traits(&self) -> Traits {
        Traits {
            edge: self.edge,
            short_read_clears: true,
        }
    }

    pub(crate) fn add(
        &self,
        source: Borrowed<'_>,
        token: Token,
        interest: Interest,
    ) -> io::Result<()> {
        let known = self.kernel.lock().sockets[source.as_raw_fd() as usize]
            .watched
            .is_some();
        assert!(!known, "a descriptor was registered twice");
        self.modify(source, token, interest)
    }

    pub(crate) fn modify(
        &self,
        source: Borrowed<'_>,
        token: Token,
        interest: Interest,
    ) -> io::Result<()> {
        self.change(source.as_raw_fd(), |socket| {
            socket.watched = Some((token, interest))
        });
        Ok(())
    }

    pub(crate) fn delete(&self, source: Borrowed<'_>) -> io::Result<()> {
        self.change(source.as_raw_fd(), |socket| {
            (socket.watched, socket.queued) = (None, false)
        });
        Ok(())
    }

    pub(crate) fn wait(&self, events: &mut Events, timeout: Option<Duration>) -> io::Result<()> {
        events.list.clear();
        let mut kernel = self.kernel.lock();
        loop {
            for socket in kernel.sockets.iter_mut().filter(|socket| socket.queued) {
                socket.queued = false;
                let event = socket.event();
                if let Some((token, interest)) = &mut socket.watched {
                    events.list.push((*token, event));
                    if !self.edge {
                        *interest = Interest::default();
                    }
                }
            }
            let woken = std::mem::take(&mut kernel.woken);
            if woken || !events.is_empty() || timeout == Some(Duration::ZERO) {
                return Ok(());
            }
            kernel = self.changed.wait(kernel).expect("a model panicked in wait");
        }
    }

    pub(crate) fn wake(&self) -> io::Result<()> {
        self.kernel.lock().woken = true;
        self.changed.notify_all();
        Ok(())
    }

    fn change(&self, descriptor: RawFd, how: impl FnOnce(&mut Socket)) {
        let mut kernel = self.kernel.lock();
        let socket = &mut kernel.sockets[descriptor as usize];
        how(socket);
        socket.queue();
        drop(kernel);
        self.changed.notify_all();
    }
}

/// What the peers of the model's sockets do, and the operations on them.
#[cfg(test)]
impl Epoll {
    /// With interest that ends at each event.
    pub(crate) fn oneshot() -> Epoll {
        Epoll {
            edge: false,
            ..Epoll::new().expect("cannot fail")
        }
    }

    pub(crate) fn arrive(&self, descriptor: RawFd) {
        self.change(descriptor, |socket| socket.bytes += 1);
    }

    pub(crate) fn end(&self, descriptor: RawFd) {
        self.change(descriptor, |socket| socket.ended = true);
    }

    pub(crate) fn drain(&self, descriptor: RawFd) {
        self.change(descriptor, |socket| socket.room += 1);
    }

    pub(crate) fn read(&self, descriptor: RawFd, len: usize) -> io::Result<usize> {
        let socket = &mut self.kernel.lock().sockets[descriptor as usize];
        if socket.bytes == 0 && !socket.ended {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let count = socket.bytes.min(len);
        socket.bytes -= count;
        Ok(count)
    }

    pub(crate) fn write(&self, descriptor: RawFd) -> io::Result<usize> {
        let socket = &mut self.kernel.lock().sockets[descriptor as usize];
        if socket.room == 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        socket.room -= 1;
        Ok(1)
    }
}

#[derive(Debug)]
pub(crate) struct Events {
    list: Vec<(Token, Event)>,
}

impl Events {
    pub(crate) fn new() -> Events {
        Events { list: Vec::new() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub(crate) fn each(&self, mut report: impl FnMut(Token, Event)) {
        self.list
            .iter()
            .for_each(|&(token, event)| report(token, event));
    }
}
