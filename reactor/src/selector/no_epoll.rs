//! What stands in for `epoll.rs` where there is none: a type without values. `new` says that it cannot be had.

use super::{Interest, Token, Traits};
use crate::readiness::Event;
use crate::sys::Borrowed;
use std::io;
use std::time::Duration;

#[derive(Debug)]
pub(crate) enum Epoll {}

impl Epoll {
    pub(crate) fn new() -> io::Result<Epoll> {
        Err(io::Error::new(
            io::ErrorKind::Unsupported,
            "epoll exists on Linux only",
        ))
    }

    pub(crate) fn traits(&self) -> Traits {
        match *self {}
    }

    pub(crate) fn add(&self, _: Borrowed<'_>, _: Token, _: Interest) -> io::Result<()> {
        match *self {}
    }

    pub(crate) fn modify(&self, _: Borrowed<'_>, _: Token, _: Interest) -> io::Result<()> {
        match *self {}
    }

    pub(crate) fn delete(&self, _: Borrowed<'_>) -> io::Result<()> {
        match *self {}
    }

    pub(crate) fn wait(&self, _: &mut Events, _: Option<Duration>) -> io::Result<()> {
        match *self {}
    }

    pub(crate) fn wake(&self) -> io::Result<()> {
        match *self {}
    }
}

/// Only ever made for an `Epoll`, which cannot exist.
#[derive(Debug)]
pub(crate) struct Events;

impl Events {
    pub(crate) fn new() -> Events {
        Events
    }

    pub(crate) fn is_empty(&self) -> bool {
        true
    }

    pub(crate) fn each(&self, _: impl FnMut(Token, Event)) {}
}
