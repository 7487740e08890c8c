//! Whether every name that a `future` module exports has a row, or a reason why not.

use super::{Row, channels, structure, sync};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// What has no row, and why.
const NOT: &[(&str, &str)] = &[
    ("future::Cleanup", "a guard; its `Finish` has a row"),
    ("future::CleanupOutput", "a trait of outputs"),
    (
        "future::DropGuard",
        "a guard that cancels a token when it is dropped",
    ),
    (
        "future::Limit",
        "makes a group; its `GroupRun` and `SpawnLimited` have rows",
    ),
    (
        "io::future::WriteAllBuf",
        "only with the feature `bytes`; tests/messages.rs drops it in the midst",
    ),
    (
        "future::RunUntilCancelled",
        "its `RunUntil`, with another output",
    ),
    (
        "http::client::future::Chunk",
        "polls the body, which keeps what it has read",
    ),
    (
        "http::future::Dial",
        "a channel's `Reserve`, which has a row",
    ),
    (
        "http::future::NextData",
        "as its `NextFrame`: tests/http/futures.rs gives one up",
    ),
    (
        "http::future::NextFrame",
        "polls the body, which keeps what it has read",
    ),
    ("http::future::ReadBytes", "has the body, and drops it"),
    ("http::future::ReadText", "as its `ReadBytes`"),
    (
        "http::future::TestAnswer",
        "a request over a connection of hyper's; tests/http/futures.rs gives one up",
    ),
    (
        "http::client::future::Answer",
        "a request over a connection of hyper's; tests/http_client/pool.rs gives one up",
    ),
    ("http::websocket::future::Close", "as its `SendMessage`"),
    (
        "http::websocket::future::Connect",
        "connections and limits of time, which have rows; tests/websocket/dialing.rs cuts it off",
    ),
    (
        "http::websocket::future::ConnectOver",
        "reads and writes of the stream it is given, which have rows",
    ),
    (
        "http::websocket::future::Open",
        "waits for hyper's `OnUpgrade`, and holds nothing else",
    ),
    (
        "http::websocket::future::Recv",
        "polls the socket, which keeps what it has read",
    ),
    (
        "http::websocket::future::SendMessage",
        "needs a connection of hyper's; its cancel safety is said at `WebSocket::send`",
    ),
    ("time::future::Hold", "a guard of the clock"),
    (
        "tls::future::Handshake",
        "reads and writes of the stream it is given, and a limit of time, which have rows",
    ),
];

#[test]
fn every_future_has_a_row_or_says_why_not() {
    let mut rows: Vec<Row> = [channels::ROWS, sync::ROWS, structure::ROWS].concat();
    #[cfg(unix)]
    rows.extend(
        [
            super::sockets::ROWS,
            super::system::ROWS,
            super::messages::ROWS,
        ]
        .concat(),
    );
    let mut named: BTreeSet<String> = rows.iter().map(|row| row.name.to_owned()).collect();
    assert_eq!(named.len(), rows.len(), "two rows of one name");
    named.extend(NOT.iter().map(|(name, _)| (*name).to_owned()));
    let exported = exported();
    assert!(exported.len() > 80, "{exported:?}");
    let missing: Vec<_> = exported.difference(&named).collect();
    assert!(
        missing.is_empty() || cfg!(not(unix)),
        "no row: {missing:#?}"
    );
    let unknown = named
        .iter()
        .filter(|name| name.contains("future::") && !exported.contains(*name));
    let unknown: Vec<_> = unknown.collect();
    assert!(
        unknown.is_empty(),
        "nothing of these names is exported: {unknown:#?}"
    );
}

/// The names in `future` modules, by their public paths.
fn exported() -> BTreeSet<String> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut names = BTreeSet::new();
    let mut folders = vec![src.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = fs::read_to_string(&path).unwrap();
            let module = module(path.strip_prefix(&src).unwrap());
            if path.file_name().is_some_and(|name| name == "future.rs") {
                let structs = text
                    .lines()
                    .filter_map(|line| line.trim_start().strip_prefix("pub struct "));
                names.extend(structs.map(|rest| format!("{module}::{}", first_word(rest))));
            }
            let Some(at) = text.find("mod future {") else {
                continue;
            };
            let block = &text[at..];
            let block = &block[..block.find("\n}").unwrap()];
            let uses = block
                .split("pub use ")
                .skip(1)
                .map(|rest| rest.split(';').next().unwrap());
            for name in uses.flat_map(names_of) {
                names.insert(format!("{module}future::{name}"));
            }
        }
    }
    names
}

/// `sync/mpsc/mod.rs` is `sync::mpsc::`. What lies in `net::unix` is public in `net`.
fn module(file: &Path) -> String {
    let path = file.with_extension("");
    let parts = path.iter().map(|part| part.to_str().unwrap());
    let parts = parts.filter(|part| !["mod", "lib", "unix"].contains(part));
    let path: String = parts.map(|part| format!("{part}::")).collect();
    match path.strip_suffix("future::") {
        Some(module) => format!("{module}future"),
        None => path,
    }
}

fn names_of(used: &str) -> Vec<String> {
    let last = used.rsplit("::").next().unwrap();
    let list = match used.split_once('{') {
        Some((_, list)) => list,
        None => last,
    };
    let words = list.split([',', '}', '\n']).map(str::trim);
    words
        .filter(|word| !word.is_empty() && *word != "*")
        .map(str::to_owned)
        .collect()
}

fn first_word(text: &str) -> &str {
    text.split(|c: char| !c.is_alphanumeric()).next().unwrap()
}
