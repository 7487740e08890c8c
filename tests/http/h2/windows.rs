//! Flow control: what is sent when, and windows that break.

use super::*;
use filch::http::{Body, Response};

/// Its answers have 100,000 bytes, more than the first window.
async fn large(initial: Option<u32>) -> (Running, Client) {
    let server = serve(Limits::default(), LONG, |_| async {
        Ok(Response::new(Body::from(vec![b'x'; 100_000])))
    })
    .await;
    let mut client = server.connect().await;
    client
        .send(
            [
                PREFACE,
                &initial.map_or(frame(SETTINGS, 0, 0, &[]), |size| setting(4, size)),
            ]
            .concat(),
        )
        .await;
    client.ask(1).await;
    client.next(HEADERS).await.unwrap();
    (server, client)
}

/// Takes so many bytes of stream 1, and sees that no more come: the answer to a ping overtakes none.
async fn takes(client: &mut Client, mut bytes: usize) {
    while bytes > 0 {
        bytes -= client.next(DATA).await.unwrap().payload.len();
    }
    client.send(frame(PING, 0, 0, b"anymore?")).await;
    loop {
        let found = client.frame().await.unwrap();
        assert_ne!(found.kind, DATA, "beyond the window");
        if found.kind == PING {
            return;
        }
    }
}

#[filch::test]
async fn an_answer_larger_than_the_window_waits_for_it_to_grow() {
    let (_server, mut client) = large(None).await;
    takes(&mut client, 65_535).await;
    client.send(window(1, 100_000)).await;
    takes(&mut client, 0).await;
    client.send(window(0, 100_000)).await;
    assert_eq!(body(&mut client, 1).await.len(), 100_000 - 65_535);
}

#[filch::test]
async fn nothing_is_sent_into_a_window_of_zero_until_it_grows() {
    let (_server, mut client) = large(Some(0)).await;
    takes(&mut client, 0).await;
    client.send(window(1, 10)).await;
    takes(&mut client, 10).await;
}

#[filch::test]
async fn settings_enlarge_the_windows_of_open_streams() {
    let (_server, mut client) = large(Some(10)).await;
    takes(&mut client, 10).await;
    client.send(setting(4, 30)).await;
    takes(&mut client, 20).await;
}

#[filch::test]
async fn settings_shrink_a_window_below_zero_and_it_has_to_grow_beyond() {
    let (_server, mut client) = large(Some(100)).await;
    takes(&mut client, 100).await;
    client.send(setting(4, 50)).await;
    client.send(window(1, 50)).await;
    takes(&mut client, 0).await;
    client.send(window(1, 7)).await;
    takes(&mut client, 7).await;
}

#[filch::test]
async fn growth_by_nothing_ends_the_connection() {
    assert_eq!(goes_away(window(0, 0)).await, PROTOCOL_ERROR);
}

#[filch::test]
async fn growth_of_a_stream_by_nothing_ends_the_connection_too() {
    let frames = [post_with(1, &[]), window(1, 0)].concat();
    assert_eq!(goes_away(frames).await, PROTOCOL_ERROR);
}

#[filch::test]
async fn a_connections_window_beyond_the_largest_ends_it() {
    assert_eq!(goes_away(window(0, 0x7fff_ffff)).await, FLOW_CONTROL_ERROR);
}

#[filch::test]
async fn a_streams_window_beyond_the_largest_resets_it() {
    let frames = [post_with(1, &[]), window(1, 0x7fff_ffff)].concat();
    assert_eq!(is_reset(frames).await, FLOW_CONTROL_ERROR);
}

#[filch::test]
async fn growth_of_a_stream_that_never_was_ends_the_connection() {
    assert_eq!(goes_away(window(9, 1)).await, PROTOCOL_ERROR);
}

#[filch::test]
async fn growth_of_a_wrong_length_ends_the_connection() {
    assert_eq!(
        goes_away(frame(WINDOW_UPDATE, 0, 0, &[0, 0, 1])).await,
        PROTOCOL_ERROR
    );
}
