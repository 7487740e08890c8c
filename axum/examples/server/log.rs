//! The access log, and metrics in Prometheus' text format.

use crate::app::State;
use axum::extract::{self, MatchedPath, Request};
use axum::middleware::Next;
use axum::response::Response;
use filch::Handle;
use filch::http::ConnInfo;
use filch::time::Instant;
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

    fn add(&self, route: &str, status: u16, time: Duration) {
        let mut requests = self.requests.lock().unwrap();
        let sum = requests.entry((route.to_owned(), status)).or_default();
        sum.count += 1;
        sum.time += time;
    }

    pub(crate) fn metrics(&self) -> String {
        let mut text = String::from(
            "# TYPE http_requests_total counter\n# TYPE http_request_seconds_total counter\n",
        );
        for ((route, status), Sum { count, time }) in &*self.requests.lock().unwrap() {
            let labels = format!("{{route=\"{route}\",status=\"{status}\"}}");
            let _ = writeln!(text, "http_requests_total{labels} {count}");
            let _ = writeln!(
                text,
                "http_request_seconds_total{labels} {:.6}",
                time.as_secs_f64()
            );
        }
        let metrics = Handle::current().metrics();
        let polls = metrics
            .workers
            .iter()
            .map(|worker| worker.polls)
            .sum::<u64>()
            + metrics.spare.polls;
        for (name, kind, value) in [
            ("filch_tasks", "gauge", metrics.tasks as u64),
            ("filch_polls_total", "counter", polls),
            ("filch_slow_polls_total", "counter", metrics.slow_polls),
            ("filch_rescues_total", "counter", metrics.rescues),
            ("filch_stuck_workers", "gauge", metrics.stuck_workers as u64),
            ("filch_io_sources", "gauge", metrics.io_sources as u64),
        ] {
            let _ = writeln!(text, "# TYPE {name} {kind}\n{name} {value}");
        }
        text
    }
}

/// Around each request: counts it, and prints a line if it is asked to.
pub(crate) async fn requests(
    extract::State(state): extract::State<State>,
    request: Request,
    next: Next,
) -> Response {
    let start = Instant::now();
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map(|path| path.as_str().to_owned());
    let line = state.log.is_printed.then(|| {
        let peer = request
            .extensions()
            .get::<ConnInfo>()
            .and_then(|info| info.peer().ip());
        let peer = peer.map_or("-".to_owned(), |ip| ip.to_string());
        format!("{peer} {} {}", request.method(), request.uri())
    });
    let response = next.run(request).await;
    let (status, time) = (response.status().as_u16(), start.elapsed());
    state
        .log
        .add(route.as_deref().unwrap_or("other"), status, time);
    if let Some(line) = line {
        eprintln!("{line} {status} {:.1} ms", time.as_secs_f64() * 1e3);
    }
    response
}
