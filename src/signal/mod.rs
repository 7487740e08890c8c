//! Signals: being told to stop, and whatever else is sent to a process.
//!
//! [`ctrl_c`] and [`terminate`] wait for one; [`Signals`] gives all that come, of any kinds. While somebody waits for a
//! signal it is delivered, to each who waits; several of one kind that come before they are taken are one, as the
//! system itself does it.
//!
//! **When nobody waits, a signal does what it does by default.** So after `ctrl_c().await` the next Ctrl-C ends the
//! program, unless another `ctrl_c()` has been called by then: a program that hangs while it cleans up can be ended by
//! who has started it. That happens in the signal's handler, and needs no thread of the runtime: it ends the program
//! though every worker is stuck. Signals that were ignored when the program began (`nohup`) stay so when nobody waits.
//!
//! A signal belongs to the process: every runtime of it hears the same ones. The chapter "Stopping a server" of the
//! guide has a whole program.

pub(crate) mod bell;
pub(crate) mod interest;
mod kind;
mod signals;

pub use kind::SignalKind;
pub use signals::{Signals, ctrl_c, terminate};

pub mod future {
    //! Futures of this module that nobody has to name but who keeps one in a struct.

    pub use super::signals::{Arrival, Recv};
}
