//! `filch::http`'s server, over raw sockets: a client that may do anything.

#[path = "../common/mod.rs"]
mod common;

mod defaults;
mod floods;
mod futures;
mod graceful;
mod h2;
mod hook;
mod hpack;
mod layers;
mod leaving;
mod limits;
mod one;
mod raw;
mod restarts;
mod serving;
#[cfg(feature = "tls")]
mod tls;
mod tools;
mod two;
