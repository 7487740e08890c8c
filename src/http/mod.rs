//! HTTP by other crates: what they ask of a runtime is in [`rt`].

pub mod rt;
