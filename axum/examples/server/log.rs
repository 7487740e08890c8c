//! The access log, and metrics in Prometheus' text format. Both hear of each request when it has ended, so also of
//! those whose client has gone (499), and of those that a limit has ended.

use filch::Handle;
use filch::http::{RequestDone, RequestEnd, Route};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Mutex;
use std::time::Duration;

/// What is counted of requests, by route and status.
pub(crate) struct Log {
    is_printed: bool,
    requests: Mutex<BTreeMap<(String, u16), Sum>>,
}

#[derive(Default)]
struct Sum {
    count: u64,
    time: Duration,
}

impl Log {
    pub(crate) fn new(is_printed: bool) -> Log {
        Log {
            is_printed,
            requests: Mutex::default(),
        }
    }

    /// A request has ended.
    pub(crate) fn add(&self, done: &RequestDone) {
        let status = done.status.as_u16();
        if self.is_printed {
            let peer = done.connection.peer().ip();
            let peer = peer.map_or("-".to_owned(), |ip| ip.to_string());
            let (method, uri, bytes) = (&done.method, &done.uri, done.sent);
            let ms = done.took.as_secs_f64() * 1e3;
            let end = match done.end {
                RequestEnd::Finished => "",
                RequestEnd::Refused => ", ended by a limit",
                RequestEnd::Left => ", its client left",
                _ => ", cut off at the end",
            };
            eprintln!("{peer} {method} {uri} {status} {bytes} B {ms:.1} ms{end}");
        }
        let mut requests = self.requests.lock().unwrap();
        let route = done.route.as_ref().map_or("other", Route::as_str);
        let sum = requests.entry((route.to_owned(), status)).or_default();
        sum.count += 1;
        sum.time += done.took;
    }

    /// Of the requests, and of the runtime.
    pub(crate) fn metrics(&self) -> String {
        let mut text = Handle::current().metrics().to_prometheus();
        for (name, help) in [
            ("http_requests_total", "Requests that have ended"),
            ("http_request_seconds_total", "How long they took"),
        ] {
            let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} counter");
            for ((route, status), sum) in &*self.requests.lock().unwrap() {
                let value = match name {
                    "http_requests_total" => sum.count as f64,
                    _ => sum.time.as_secs_f64(),
                };
                let _ = writeln!(
                    text,
                    "{name}{{route=\"{route}\",status=\"{status}\"}} {value}"
                );
            }
        }
        text
    }
}
