//! System calls of this crate: blocking a thread on one word, when it gets a processor, and what it does.
//!
//! Contract, whichever system: `wait` returns when `word` no longer holds `expected`, when `wake_one`
//! was called on it, when `timeout` has passed, or for no reason. While a `Prompt` lives, its thread's
//! timeouts are as precise, and its waits for a processor as short, as the system can make them; `set_prompt` ends
//! and renews the latter half, for a thread (0: the calling one) that is going to compute for long.
//! `thread_number`, never 0, names the calling thread for
//! `cpu_time`, the processor time that it has used, and `is_asleep`, whether it waits for something and not for
//! a processor; `waits_for_ever`, whether that is something of the process, such as a lock, without a time limit;
//! `own_cpu_time` and `own_usage` are about the calling thread. `processors` says how many threads of the
//! process can run at once. Where these are `None`, the system does not say.

pub(crate) mod standard_error;
mod usage;

#[cfg(any(test, not(target_os = "linux")))]
mod bucket;
#[cfg(all(target_os = "linux", not(miri), not(all(test, filch_loom))))]
mod linux;
#[cfg(miri)]
mod miri;
#[cfg(all(test, filch_loom))]
mod model;
#[cfg(all(not(target_os = "linux"), not(miri), not(all(test, filch_loom))))]
mod other;

#[cfg(all(target_os = "linux", not(miri), not(all(test, filch_loom))))]
pub(crate) use linux::{
    Prompt, TELLS_CPU_TIME, cpu_time, is_asleep, own_cpu_time, own_usage, processors, set_prompt,
    thread_number, wait, waits_for_ever, wake_one,
};
#[cfg(miri)]
pub(crate) use miri::{
    Prompt, TELLS_CPU_TIME, cpu_time, is_asleep, own_cpu_time, own_usage, processors, set_prompt,
    thread_number, wait, waits_for_ever, wake_one,
};
#[cfg(all(test, filch_loom))]
pub(crate) use model::{
    Prompt, TELLS_CPU_TIME, cpu_time, is_asleep, own_cpu_time, own_usage, processors, set_prompt,
    thread_number, wait, waits_for_ever, wake_one,
};
#[cfg(all(not(target_os = "linux"), not(miri), not(all(test, filch_loom))))]
pub(crate) use other::{
    Prompt, TELLS_CPU_TIME, cpu_time, is_asleep, own_cpu_time, own_usage, processors, set_prompt,
    thread_number, wait, waits_for_ever, wake_one,
};

pub(crate) use usage::Usage;
