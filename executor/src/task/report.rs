//! The line on standard error for a panic that nobody will hear of otherwise.

use super::cleanup_error::CleanupError;
use super::error::JoinError;
use super::raw::Header;
use crate::foreign::{self, hint, panic_message};
use crate::sys::standard_error::say;
use std::any::Any;

/// Nobody will observe this error: if it is a panic, that is not passed over in silence.
pub(super) fn unobserved(error: JoinError, task: &Header) {
    if let Some((payload, listener)) = error.into_unheard() {
        match listener.and_then(|listener| listener.upgrade()) {
            Some(runtime) => runtime.unobserved_panic(task, &*payload),
            None => unobserved_panic(task, &*payload),
        }
        foreign::dispose(payload);
    }
}

/// Says on standard error what nobody else will be told.
#[cold]
pub fn report(text: std::fmt::Arguments<'_>) {
    say(format_args!("filch: {text}"));
}

/// Says that a cleanup failed that no group has waited for.
#[cold]
pub fn unreported(failure: &CleanupError) {
    say(format_args!("filch: {failure}"));
}

/// Says that a task panicked and that nobody awaited it. The panic hook has already printed where.
pub(crate) fn unobserved_panic(header: &Header, panic: &(dyn Any + Send)) {
    let name = header
        .name()
        .map(|name| format!(" '{name}'"))
        .unwrap_or_default();
    let message = panic_message(panic).unwrap_or("(no message)");
    let hint = hint(message);
    say(format_args!(
        "filch: task {}{name}, spawned at {}, panicked and nobody awaited its JoinHandle: {message}{hint}",
        header.id, header.spawned_at
    ));
}
