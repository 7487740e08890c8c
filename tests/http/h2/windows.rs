//! Flow control: what is sent when, and windows that break.

use super::*;

/// The setting of that.
const INITIAL_WINDOW: u16 = 4;

/// Its answers have 100,000 bytes, more than the first window.
async fn large(initial: u32) -> (Running, Client) {
    let (server, mut client) = served(Limits::default(), |_| async {
        Ok(Response::new(Body::from(vec![b'x'; 100_000])))
    })
    .await;
    client.send(setting(INITIAL_WINDOW, initial)).await;
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
    let (_server, mut client) = large(65_535).await;
    takes(&mut client, 65_535).await;
    client.send(window(1, 100_000)).await;
    takes(&mut client, 0).await;
    client.send(window(0, 100_000)).await;
    assert_eq!(body(&mut client, 1).await.len(), 100_000 - 65_535);
}

#[filch::test]
async fn nothing_is_sent_into_a_window_of_zero_until_it_grows() {
    let (_server, mut client) = large(0).await;
    takes(&mut client, 0).await;
    client.send(window(1, 10)).await;
    takes(&mut client, 10).await;
}

#[filch::test]
async fn settings_enlarge_the_windows_of_open_streams() {
    let (_server, mut client) = large(10).await;
    takes(&mut client, 10).await;
    client.send(setting(INITIAL_WINDOW, 30)).await;
    takes(&mut client, 20).await;
}

#[filch::test]
async fn settings_shrink_a_window_below_zero_and_it_has_to_grow_beyond() {
    let (_server, mut client) = large(100).await;
    takes(&mut client, 100).await;
    client.send(setting(INITIAL_WINDOW, 50)).await;
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
async fn settings_that_take_a_window_beyond_the_largest_end_the_connection() {
    // What is open already grows by what the new value is larger.
    let frames = [
        post_with(1, &[]),
        window(1, 0x7fff_ffff - 65_535),
        setting(INITIAL_WINDOW, 65_536),
    ];
    assert_eq!(goes_away(frames.concat()).await, FLOW_CONTROL_ERROR);
}

#[filch::test]
async fn a_connection_with_more_than_it_has_room_for_ends() {
    // Nobody reads, so nothing is given back.
    let (server, mut client) = served(Limits::default(), |request| async move {
        let _unread = request;
        std::future::pending().await
    })
    .await;
    // From here on it has room for 1 MiB, and so has each stream.
    client.next(WINDOW_UPDATE).await.unwrap();
    client.send(post_with(1, &[])).await;
    let piece = frame(DATA, 0, 1, &[b'x'; 16_384]);
    client.send(piece.repeat(65)).await;
    let away = client.next(GOAWAY).await.unwrap();
    assert_eq!(reason(&away), FLOW_CONTROL_ERROR);
    drop(client);
    assert_eq!(server.end().await.left, 1);
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
