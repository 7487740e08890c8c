//! What stands in for a selector that is not there: a type without values. `new` says why it cannot be had.
//!
//! On Linux that is polling, unless the feature is on; elsewhere it is epoll. So there is never more than one.

use super::{Interest, Token, Traits};
use crate::readiness::Event;
use crate::sys::Borrowed;
use std::io;
use std::time::Duration;

const WHY: &str = if cfg!(target_os = "linux") {
    "the selector \"polling\" was asked for (`Builder::selector`, FILCH_SELECTOR) and is not compiled in: on Linux it \
     needs filch's feature `polling`, in Cargo.toml `features = [\"polling\"]`"
} else {
    "epoll exists on Linux only"
};

#[derive(Debug)]
pub(crate) enum Absent {}

impl Absent {
    pub(crate) fn new() -> io::Result<Absent> {
        Err(io::Error::new(io::ErrorKind::Unsupported, WHY))
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

/// Only ever made for an `Absent`, which cannot exist.
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
