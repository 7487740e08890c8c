//! What the tests share: where the servers are, waiting for a condition, and what must not be left behind.

use std::fs;
use std::time::Duration;

use filch::net::TcpStream;
use filch::task::TaskInfo;

/// Where a server is: the URL in the environment variable of this name.
///
/// # Panics
///
/// If there is none. A test that may do without is ignored then, which `build.rs` explains.
pub fn server(variable: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| {
        panic!("{variable} is not set: .ci/servers COMMAND starts the servers and sets it")
    })
}

/// Host and port of a URL.
///
/// # Panics
///
/// If the URL has none.
pub fn address(url: &str) -> &str {
    let (_, rest) = url.split_once("://").expect("a scheme");
    let authority = rest.split('/').next().expect("a part");
    authority.rsplit('@').next().expect("a part")
}

/// A stream to the server of a URL.
///
/// # Panics
///
/// If nobody listens there.
pub async fn stream_to(url: &str) -> TcpStream {
    let stream = TcpStream::connect(address(url)).await.expect("it listens");
    stream.set_nodelay(true).expect("it is a socket");
    stream
}

/// Between two looks at a condition that a test waits for. How long the condition may take is the test's own limit.
pub async fn pause() {
    filch::time::sleep(Duration::from_millis(5)).await;
}

/// Waits until the test's own task is the only one of its runtime.
pub async fn until_alone() {
    while filch::task::all().len() > 1 {
        pause().await;
    }
}

/// The tasks that are there, as a message for a test that fails.
pub fn tasks() -> String {
    let lines = filch::task::all();
    lines
        .iter()
        .map(TaskInfo::to_string)
        .collect::<Vec<_>>()
        .join("\n")
}

/// The process's threads whose names begin with one of these.
///
/// # Panics
///
/// Where there is no `/proc`.
pub fn threads_of(names: &[&str]) -> Vec<String> {
    let threads = fs::read_dir("/proc/self/task").expect("Linux has it");
    threads
        // A thread may have ended meanwhile.
        .filter_map(|thread| fs::read_to_string(thread.ok()?.path().join("comm")).ok())
        .filter(|thread| names.iter().any(|name| thread.starts_with(name)))
        .collect()
}

/// Others' runtimes, whose threads a client that runs on filch does not start.
pub const OTHER_RUNTIMES: [&str; 4] = ["tokio", "async-io", "smol", "blocking"];
