//! Our streams behind other crates' io traits: features `tokio-io` and `hyper`.
//!
//! Both hand out memory that need not be initialised, which futures' traits cannot say. [`uninit`] says which of our
//! streams read into it as it is, and how much is zeroed for the others. `streams` lists them all, once.

mod streams;
pub(crate) mod uninit;

#[cfg(feature = "tokio-io")]
mod tokio_io;

#[cfg(feature = "hyper")]
mod hyper;
