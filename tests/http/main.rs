//! `filch::http`'s server, over raw sockets: a client that may do anything.

#[path = "../common/mod.rs"]
mod common;

mod floods;
mod graceful;
mod limits;
mod raw;
mod serving;
mod two;
