//! WebSockets of `filch::http`: frames written by hand against the server, the client against a server written by
//! hand, both against each other, and over HTTP/2.
//!
//! Each server here accepts one connection at a time, so whoever ends is followed by another one: `Raw::ended`.

#[path = "../common/mod.rs"]
mod common;

mod client;
mod closing;
mod control;
mod dialing;
mod fragments;
mod handshake;
mod keepalive;
mod limits;
mod messages;
#[cfg(feature = "tls")]
mod secure;
mod tools;
mod two;
mod utf8;
