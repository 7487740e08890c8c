//! Limits of time on filch's timer: tower-http's `timeout`, which needs tokio's.
//!
//! | what may take so long | layer |
//! |---|---|
//! | the answer's head | [`TimeoutLayer`] |
//! | each piece of the request's body | [`RequestBodyTimeoutLayer`] |
//! | each piece of the answer's body | [`ResponseBodyTimeoutLayer`] |
//! | all of the request's body | [`RequestBodyDeadlineLayer`] |
//! | all of the answer's body | [`ResponseBodyDeadlineLayer`] |
//!
//! The server has limits of its own on bodies, as a safeguard against clients that stall:
//! [`Limits::stall`](filch::http::Limits::stall). These here are for single routes, and also for handlers that stall.

/// What every service around another one has.
macro_rules! accessors {
    () => {
        /// The service within.
        pub fn get_ref(&self) -> &S {
            &self.inner
        }

        /// The service within.
        pub fn get_mut(&mut self) -> &mut S {
            &mut self.inner
        }

        /// The service within, without the limit.
        pub fn into_inner(self) -> S {
            self.inner
        }
    };
}

mod body;
mod handler;
mod layers;

pub use body::{DeadlineBody, TimeoutBody, TimeoutError};
pub use handler::{Limited, Timeout, TimeoutLayer};
pub use layers::{
    BodyLimited, RequestBodyDeadline, RequestBodyDeadlineLayer, RequestBodyTimeout,
    RequestBodyTimeoutLayer, ResponseBodyDeadline, ResponseBodyDeadlineLayer, ResponseBodyTimeout,
    ResponseBodyTimeoutLayer,
};
