//! How figures are made and reported. Nothing here knows what a row does.
//!
//! In reading order: [`options`] is what was asked for; [`clock`] and [`plan`] measure passes inside a child; [`child`]
//! is the child's main; [`sample`] is what a child prints and a report holds; [`stats`] summarises, [`even`] judges;
//! [`process`] starts children, [`contender`] says whose; [`server`] and [`measure`] make a row's figures of them,
//! interleaved, and [`runner`] the whole run; [`fair`] says what a server's hogs are due; [`report`], [`compare`],
//! [`against`] and [`plot`] show the result; [`syscalls`] counts system calls on request, [`calls`] those of
//! HTTP by name, [`instructions`] what a request costs outside the kernel.

pub(crate) mod against;
pub(crate) mod calls;
pub(crate) mod child;
pub(crate) mod clock;
pub(crate) mod compare;
pub(crate) mod contender;
pub(crate) mod even;
pub(crate) mod fair;
pub(crate) mod instructions;
pub(crate) mod measure;
pub(crate) mod options;
pub(crate) mod plan;
pub(crate) mod plot;
pub(crate) mod process;
pub(crate) mod report;
pub(crate) mod runner;
pub(crate) mod sample;
pub(crate) mod server;
pub(crate) mod stats;
pub(crate) mod syscalls;
