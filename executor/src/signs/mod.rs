//! What is observed about polls, threads and processors, and by whom it may be written.
//!
//! A sign is a number or a word that one side writes while it works, and that others read to decide something: the poll
//! that a worker is in, how long its polls take, whether a task tends to compute, whether looking around pays off.
//! Workers, the monitor, the idle protocol and the queues come in. Each file says who may write.
//!
//! Never in here: a decision that wakes, calls or moves anybody. Signs know no task, no queue and no other thread.

pub(crate) mod watch;

pub(crate) mod habit;

pub(crate) mod price;

pub(crate) mod look;

pub(crate) mod credit;
pub(crate) mod crowd;
pub(crate) mod pace;
pub(crate) mod rhythm;
