//! Connections that are used again, and what happens when they are gone.

use super::common::rounds;
use super::{OK, Server, client};
use filch::http::Client;
use filch::http::client::{Body, Kind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

#[filch::test]
async fn requests_one_after_the_other_use_one_connection() {
    let server = Server::always(OK).await;
    let client = client();
    for _ in 0..rounds(100) {
        server.answer_to(&client).await;
    }
    assert_eq!(server.connections(), 1);
}

#[filch::test]
async fn an_answer_that_is_dropped_unread_costs_its_connection() {
    let server = Server::always("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nok").await;
    let client = client();
    for _ in 0..3 {
        drop(client.get(&server.url("/")).await.unwrap());
    }
    assert_eq!(server.connections(), 3);
}

#[filch::test]
async fn there_are_no_more_connections_than_places() {
    let (busy, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (now, peak) = (Arc::clone(&busy), Arc::clone(&most));
    let server = Server::new(move |_, connection| {
        let (now, peak) = (Arc::clone(&now), Arc::clone(&peak));
        async move {
            while connection.head().await.is_ok() {
                peak.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                filch::time::sleep(Duration::from_millis(1)).await;
                now.fetch_sub(1, Ordering::SeqCst);
                connection.send(OK).await?;
            }
            Ok(())
        }
    });
    let server = server.await;
    let client = Client::builder().no_proxy().connections_per_host(2).build();
    let all = (0..rounds(50)).map(|_| {
        let request = client.get(&server.url("/"));
        async move { request.await.unwrap().text().await.unwrap() }
    });
    for text in filch::gather_results(all).await {
        assert_eq!(text.unwrap(), "ok");
    }
    assert!(server.connections() <= 2, "{}", server.connections());
    assert!(most.load(Ordering::SeqCst) <= 2);
}

#[filch::test]
async fn a_waiter_that_gives_up_leaves_its_place_to_the_next() {
    let client = Client::builder().no_proxy().connections_per_host(1).build();
    let slow = Server::new(|_, connection| async move {
        connection.head().await?;
        connection
            .send("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nok")
            .await?;
        std::future::pending().await
    });
    let slow = slow.await;
    let held = client.get(&slow.url("/")).await.unwrap();
    let waiting = client
        .get(&slow.url("/"))
        .timeout(Duration::from_millis(20));
    assert_eq!(waiting.await.unwrap_err().kind(), Kind::Timeout);
    let next = filch::spawn(client.get(&slow.url("/")).send());
    drop(held);
    assert_eq!(next.await.unwrap().unwrap().status(), 200);
}

#[filch::test]
async fn an_idle_connection_is_closed_after_its_time() {
    let (closed, seen) = filch::sync::oneshot::channel();
    let closed = Arc::new(std::sync::Mutex::new(Some(closed)));
    let server = Server::new(move |_, connection| {
        let closed = Arc::clone(&closed);
        async move {
            connection.head().await?;
            connection.send(OK).await?;
            let ended = connection.head().await;
            let closed = closed.lock().unwrap().take();
            let _ = closed.unwrap().send(ended.map_err(|error| error.kind()));
            Ok(())
        }
    });
    let server = server.await;
    let client = Client::builder()
        .no_proxy()
        .idle_timeout(Duration::from_millis(30))
        .build();
    server.answer_to(&client).await;
    // Nobody asks for anything: the client closes it by itself.
    assert_eq!(seen.await.unwrap(), Err(std::io::ErrorKind::UnexpectedEof));
    drop(client);
}

/// Answers one request of each connection and closes it as soon as another one has come whole, without a word.
async fn forgetful(silently: bool) -> Server {
    Server::new(move |number, connection| async move {
        connection.head().await?;
        connection.send(OK).await?;
        let head = connection.head().await?;
        if head.contains("content-length: 4") {
            connection.body(4).await?;
        }
        if number > 0 {
            return connection.send(OK).await;
        }
        if !silently {
            connection.send("HTTP/1.1 2").await?;
        }
        Ok(())
    })
    .await
}

#[filch::test]
async fn a_request_is_sent_once_more_if_a_used_connection_ends_before_the_answer() {
    let server = forgetful(true).await;
    let client = client();
    for _ in 0..2 {
        let answer = client.put(&server.url("/")).body("").await.unwrap();
        assert_eq!(answer.text().await.unwrap(), "ok");
    }
    assert_eq!(server.connections(), 2);
}

#[filch::test]
async fn a_request_that_may_not_be_repeated_is_not() {
    let server = forgetful(true).await;
    let client = client();
    server.answer_to(&client).await;
    let error = client
        .post(&server.url("/"))
        .body("once")
        .await
        .unwrap_err();
    assert_eq!(error.kind(), Kind::Broken);
    assert_eq!(server.connections(), 1);
}

#[filch::test]
async fn a_body_that_cannot_be_had_again_is_not_sent_again() {
    let server = forgetful(true).await;
    let client = client();
    server.answer_to(&client).await;
    let body = http_body_util::Full::new(bytes::Bytes::from("once"));
    let error = client
        .put(&server.url("/"))
        .body(Body::stream(body))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), Kind::Broken);
}

#[filch::test]
async fn an_answer_that_has_begun_is_not_asked_for_again() {
    let server = forgetful(false).await;
    let client = client();
    server.answer_to(&client).await;
    let error = client.get(&server.url("/")).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Broken);
    assert_eq!(server.connections(), 1);
}

#[filch::test]
async fn a_new_connection_that_ends_at_once_is_no_reason_for_another() {
    let server =
        Server::new(|_, connection| async move { connection.head().await.map(drop) }).await;
    let error = client().get(&server.url("/")).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Broken);
    assert_eq!(server.connections(), 1);
}

#[filch::test]
async fn connections_that_were_closed_while_idle_are_passed_over() {
    let server = Server::new(|_, connection| async move {
        connection.head().await?;
        connection.send(OK).await
    });
    let server = server.await;
    let client = Client::builder().no_proxy().connections_per_host(1).build();
    for _ in 0..rounds(30) {
        // POST: nothing may be sent twice, so an error would show.
        match client.post(&server.url("/")).await {
            Ok(answer) => assert_eq!(answer.text().await.unwrap(), "ok"),
            Err(error) => assert_eq!(error.kind(), Kind::Broken, "{error}"),
        }
        // A GET in its place never fails.
        assert_eq!(server.answer_to(&client).await, "ok");
    }
}

#[filch::test]
async fn a_client_serves_several_runtimes_one_after_the_other() {
    let client = client();
    for _ in 0..2 {
        let client = client.clone();
        filch::spawn_blocking(move || {
            filch::run(async move {
                let server = Server::always(OK).await;
                assert_eq!(server.answer_to(&client).await, "ok");
            });
        })
        .await
        .unwrap();
    }
}

#[filch::test]
async fn a_client_is_a_service() {
    use tower_service::Service;
    let server =
        Server::always("HTTP/1.1 302 Found\r\nlocation: /\r\ncontent-length: 0\r\n\r\n").await;
    let body = http_body_util::Empty::<bytes::Bytes>::new();
    let request = http::Request::get(server.url("/")).body(body).unwrap();
    let answer = client().call(request).await.unwrap();
    assert_eq!(answer.status(), 302);
}
