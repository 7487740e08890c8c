//! CONNECT, plain and extended (RFC 8441).

use super::*;
use filch::http::rt::FromHyper;
use filch::http::{self, StatusCode};
use filch::io::{AsyncReadExt, AsyncWriteExt};

/// A CONNECT with these pseudo headers, whose stream stays open.
fn connect(pseudo: &[(&str, &str)]) -> Vec<u8> {
    let all = [&[(":method", "CONNECT")], pseudo].concat();
    frame(HEADERS, END_HEADERS, 1, &block(&all))
}

const PROTOCOL: (&str, &str) = (":protocol", "what");
const SCHEME: (&str, &str) = (":scheme", "http");
const PATH: (&str, &str) = (":path", "/");
const AUTHORITY: (&str, &str) = (":authority", "a:1");

#[filch::test]
async fn an_extended_connect_without_scheme_or_path_is_reset() {
    for pseudo in [[PROTOCOL, SCHEME, AUTHORITY], [PROTOCOL, PATH, AUTHORITY]] {
        assert_eq!(
            is_reset(connect(&pseudo)).await,
            PROTOCOL_ERROR,
            "{pseudo:?}"
        );
    }
}

#[filch::test]
async fn a_plain_connect_with_scheme_or_path_is_reset() {
    for pseudo in [[SCHEME, AUTHORITY], [PATH, AUTHORITY]] {
        assert_eq!(
            is_reset(connect(&pseudo)).await,
            PROTOCOL_ERROR,
            "{pseudo:?}"
        );
    }
}

#[filch::test]
async fn a_protocol_of_another_method_or_twice_is_reset() {
    assert_eq!(is_reset(get_with(&[PROTOCOL])).await, PROTOCOL_ERROR);
    let twice = connect(&[PROTOCOL, PROTOCOL, SCHEME, PATH, AUTHORITY]);
    assert_eq!(is_reset(twice).await, PROTOCOL_ERROR);
}

#[filch::test]
async fn an_unknown_protocol_is_its_handlers_matter() {
    let (server, mut client) = served(Limits::default(), |request| async move {
        let mut answer = Response::new(Body::from(request.uri().to_string()));
        if request.method() == http::Method::CONNECT {
            *answer.status_mut() = StatusCode::NOT_IMPLEMENTED;
        }
        Ok(answer)
    })
    .await;
    client
        .send(connect(&[PROTOCOL, SCHEME, PATH, AUTHORITY]))
        .await;
    assert_eq!(client.next(HEADERS).await.unwrap().status(), 501);
    assert_eq!(client.next(DATA).await.unwrap().payload, b"http://a:1/");
    drop(client);
    assert_eq!(server.end().await.finished, 1);
}

/// A tunnel to an echo, until its client's end.
async fn tunnel(mut request: Request<Body>) -> Result<Response<Body>, BodyError> {
    let upgraded = http::upgrade::on(&mut request);
    filch::spawn(async move {
        let mut stream = FromHyper::new(upgraded.await.unwrap());
        let mut buffer = [0; 64];
        while let Ok(count @ 1..) = stream.read(&mut buffer).await {
            stream.write_all(&buffer[..count]).await.unwrap();
            stream.flush().await.unwrap();
        }
        let _ = stream.close().await;
    });
    // What is said beside the tunnel is nobody's to read.
    Ok(Response::new(Body::from("unheard")))
}

#[filch::test]
async fn a_tunnel_carries_bytes_both_ways_until_its_end() {
    for pseudo in [&[AUTHORITY][..], &[PROTOCOL, SCHEME, PATH, AUTHORITY]] {
        let (server, mut client) = served(Limits::default(), tunnel).await;
        client.send(connect(pseudo)).await;
        let head = client.next(HEADERS).await.unwrap();
        assert_eq!((head.status(), head.flags & END_STREAM), (200, 0));
        for said in [b"one", b"two"] {
            client.send(frame(DATA, 0, 1, said)).await;
            assert_eq!(client.next(DATA).await.unwrap().payload, said);
        }
        client.send(frame(DATA, END_STREAM, 1, &[])).await;
        let last = client.next(DATA).await.unwrap();
        assert_eq!(
            (last.flags & END_STREAM, last.payload.len()),
            (END_STREAM, 0)
        );
        drop(client);
        let served = server.end().await;
        assert_eq!((served.finished, served.left), (1, 0));
    }
}

#[filch::test]
async fn a_connect_that_says_how_long_its_body_is_ends_the_connection() {
    let (server, mut client) = served(Limits::default(), tunnel).await;
    client
        .send(connect(&[AUTHORITY, ("content-length", "4")]))
        .await;
    // hyper gives no reason, and ends what else the client has asked for too.
    assert!(client.next(GOAWAY).await.is_none());
    assert_eq!(server.end().await.finished, 0);
}
