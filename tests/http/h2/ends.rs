//! GOAWAY, and connections that end.

use super::*;

#[filch::test]
async fn a_client_that_goes_away_is_still_answered() {
    let (server, mut client) = greeted(Limits::default()).await;
    client.send(post_with(1, &[])).await;
    client.send(frame(GOAWAY, 0, 0, &[0; 8])).await;
    client.send(frame(DATA, END_STREAM, 1, b"last")).await;
    assert_eq!(body(&mut client, 1).await, b"POST / last");
    drop(client);
    assert_eq!(server.end().await.finished, 1);
}

#[filch::test]
async fn a_goaway_that_is_too_short_or_of_a_stream_ends_the_connection() {
    assert_eq!(
        goes_away(frame(GOAWAY, 0, 0, &[0; 7])).await,
        PROTOCOL_ERROR
    );
    assert_eq!(
        goes_away(frame(GOAWAY, 0, 1, &[0; 8])).await,
        PROTOCOL_ERROR
    );
}

#[filch::test]
async fn a_request_after_the_last_goaway_is_not_answered() {
    let (server, mut client) = greeted(Limits::default()).await;
    client.send(post_with(1, &[])).await;
    client.next(SETTINGS).await.unwrap();
    server.stop.cancel();
    client.next(GOAWAY).await.unwrap();
    client.next(GOAWAY).await.unwrap();
    client.ask(3).await;
    client.send(frame(DATA, END_STREAM, 1, b"old")).await;
    assert_eq!(body(&mut client, 1).await, b"POST / old");
    while let Some(found) = client.frame().await {
        assert_ne!(found.stream, 3);
    }
    assert_eq!(server.ended().await.finished, 1);
}

#[filch::test]
async fn a_client_that_goes_in_the_midst_of_a_frame_leaves_nothing_behind() {
    let (server, mut client) = greeted(Limits::default()).await;
    client.send(post_with(1, &[])).await;
    // Its answer says that the request has been read.
    client.send(frame(PING, 0, 0, b"is it in")).await;
    client.next(PING).await.unwrap();
    client.send(&frame(DATA, 0, 1, b"half a frame")[..12]).await;
    drop(client);
    let served = server.end().await;
    // The handler saw a body that breaks off, and may have answered that.
    assert_eq!((served.finished + served.left, served.cancelled), (1, 0));
}
