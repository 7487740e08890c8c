//! Calls and streams of the server: results, calls that are given up, and how server and client end.

use std::time::Duration;

use filch::sync::oneshot;
use filch::time::{FutureExt, timeout};
use filch_services::testing::{OTHER_RUNTIMES, threads_of, until_alone};
use tonic::service::Routes;
use tonic::{Code, Request, Response, Status};
use tonic_health::ServingStatus;
use tonic_health::pb::health_server::{Health, HealthServer};
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};
use tonic_health::server::{HealthReporter, health_reporter};

use crate::Server;

async fn healthy() -> (Server, HealthReporter) {
    let (reporter, service) = health_reporter();
    reporter
        .set_service_status("shop", ServingStatus::Serving)
        .await;
    (Server::start(Routes::new(service)).await, reporter)
}

fn about(service: &str) -> HealthCheckRequest {
    HealthCheckRequest {
        service: service.into(),
    }
}

/// A service whose calls wait, and tell when one begins and when its future is dropped.
struct Waits {
    begun: std::sync::Mutex<Vec<oneshot::Sender<oneshot::Receiver<()>>>>,
}

#[tonic::async_trait]
impl Health for Waits {
    async fn check(
        &self,
        _: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        let (dropped, is_dropped) = oneshot::channel::<()>();
        let begun = self
            .begun
            .lock()
            .unwrap()
            .pop()
            .expect("somebody waits for it");
        let _ = begun.send(is_dropped);
        let _dropped = dropped;
        std::future::pending().await
    }

    type WatchStream = filch::stream::Iter<std::vec::IntoIter<Result<HealthCheckResponse, Status>>>;

    async fn watch(
        &self,
        _: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let one = HealthCheckResponse { status: 1 };
        Ok(Response::new(filch::stream::iter(vec![Ok(one); 10_000])))
    }
}

#[filch::test]
async fn calls_of_many_tasks_share_a_connection_and_errors_are_the_call_s() {
    let (server, _reporter) = healthy().await;
    let client = server.client().await;
    let calls = (0..100).map(|n| {
        let mut client = client.clone();
        async move {
            (
                n,
                client
                    .check(about(if n % 2 == 0 { "shop" } else { "bar" }))
                    .await,
            )
        }
    });
    for outcome in filch::gather_results(calls).await {
        match outcome.unwrap() {
            (n, Ok(answer)) if n % 2 == 0 => {
                assert_eq!(answer.into_inner().status, ServingStatus::Serving as i32);
            }
            (_, answer) => assert_eq!(answer.unwrap_err().code(), Code::NotFound),
        }
    }
    assert!(threads_of(&OTHER_RUNTIMES).is_empty());
    drop(client);
    let served = server.stop().await;
    assert_eq!((served.connections, served.connections_cancelled), (1, 0));
    until_alone().await;
}

#[filch::test]
async fn a_stream_of_the_server_gives_each_change_until_it_is_dropped() {
    let (server, reporter) = healthy().await;
    let mut client = server.client().await;
    let mut changes = client.watch(about("shop")).await.unwrap().into_inner();
    for status in [
        ServingStatus::Serving,
        ServingStatus::NotServing,
        ServingStatus::Serving,
    ] {
        reporter.set_service_status("shop", status).await;
        let change = changes.message().await.unwrap().unwrap();
        assert_eq!(change.status, status as i32);
    }
    // Waiting for a change is given up, and waited for again.
    assert!(
        timeout(Duration::from_millis(20), changes.message())
            .await
            .is_err()
    );
    reporter
        .set_service_status("shop", ServingStatus::NotServing)
        .await;
    assert_eq!(
        changes.message().await.unwrap().unwrap().status,
        ServingStatus::NotServing as i32
    );
    drop(changes);
    assert!(
        client.check(about("shop")).await.is_ok(),
        "the connection goes on"
    );
    drop(client);
    server.stop().await;
    until_alone().await;
}

#[filch::test]
async fn a_long_stream_arrives_whole_through_the_window_of_the_connection() {
    let waits = Waits {
        begun: Vec::new().into(),
    };
    let server = Server::start(Routes::new(HealthServer::new(waits))).await;
    let mut client = server.client().await;
    let mut answers = client.watch(about("")).await.unwrap().into_inner();
    let mut count = 0;
    while let Some(answer) = answers.message().await.unwrap() {
        count += answer.status;
    }
    assert_eq!(count, 10_000);
    drop((client, answers));
    server.stop().await;
    until_alone().await;
}

#[filch::test]
async fn a_call_whose_future_is_dropped_is_dropped_at_the_server_and_the_connection_goes_on() {
    let (begun, has_begun) = oneshot::channel();
    let waits = Waits {
        begun: vec![begun].into(),
    };
    let server = Server::start(Routes::new(HealthServer::new(waits))).await;
    let mut client = server.client().await;
    let mut other = client.clone();
    let dropped = filch::select! {
        _ = client.check(about("")) => panic!("it waits"),
        dropped = has_begun => dropped.unwrap(),
    };
    dropped.await.expect_err("the server's future is dropped");
    let mut answers = other.watch(about("")).await.unwrap().into_inner();
    assert_eq!(answers.message().await.unwrap().unwrap().status, 1);
    drop((client, other, answers));
    server.stop().await;
    until_alone().await;
}

#[filch::test]
async fn a_call_in_flight_is_answered_though_the_server_stops() {
    let (server, reporter) = healthy().await;
    let mut client = server.client().await;
    let mut changes = client.watch(about("shop")).await.unwrap().into_inner();
    assert!(changes.message().await.unwrap().is_some());
    server.stop.cancel();
    // The client is told to go: it begins nothing new there, and what has begun goes on.
    while client.check(about("shop")).await.is_ok() {}
    reporter
        .set_service_status("shop", ServingStatus::NotServing)
        .await;
    assert_eq!(
        changes.message().await.unwrap().unwrap().status,
        ServingStatus::NotServing as i32
    );
    drop(changes);
    let served = server.stop().await;
    assert_eq!((served.connections, served.connections_cancelled), (1, 0));
    drop((client, reporter));
    until_alone().await;
}

#[filch::test]
async fn a_server_that_is_gone_fails_the_call_and_nothing_hangs() {
    let (begun, has_begun) = oneshot::channel();
    let waits = Waits {
        begun: vec![begun].into(),
    };
    let server = Server::start(Routes::new(HealthServer::new(waits))).await;
    let mut client = server.client().await;
    let kill = async {
        let _dropped = has_begun.await.unwrap();
        server.task.abort();
    };
    let (outcome, ()) = filch::join!(client.check(about("")), kill);
    outcome.expect_err("its connection is gone");
    let again = client
        .check(about(""))
        .timeout(Duration::from_secs(30))
        .await;
    again.expect("it does not hang").expect_err("it is closed");
    let _ = server.task.await;
    drop(client);
    until_alone().await;
}
