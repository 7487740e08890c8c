//! Says which servers the environment names, so that tests without one are counted as ignored:
//!
//! ```ignore
//! #[cfg_attr(not(postgres), ignore = "no FILCH_POSTGRES")]
//! ```
//!
//! With `FILCH_SERVERS=required` none is ignored: what is missing fails.

use std::env;

const SERVERS: [(&str, &str); 4] = [
    ("FILCH_POSTGRES", "postgres"),
    ("FILCH_REDIS", "redis"),
    ("FILCH_AMQP", "amqp"),
    ("FILCH_NATS", "nats"),
];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=FILCH_SERVERS");
    let required = env::var("FILCH_SERVERS").is_ok_and(|value| value == "required");
    for (variable, name) in SERVERS {
        println!("cargo::rerun-if-env-changed={variable}");
        println!("cargo::rustc-check-cfg=cfg({name})");
        if required || env::var(variable).is_ok() {
            println!("cargo::rustc-cfg={name}");
        }
    }
}
