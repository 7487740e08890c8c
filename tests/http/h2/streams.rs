//! Streams: their numbers, their states, many at once.

use super::*;

#[filch::test]
async fn data_of_a_stream_that_never_was_ends_the_connection() {
    assert_eq!(goes_away(frame(DATA, 0, 5, b"x")).await, PROTOCOL_ERROR);
}

#[filch::test]
async fn data_of_the_connection_itself_ends_it() {
    assert_eq!(goes_away(frame(DATA, 0, 0, b"x")).await, PROTOCOL_ERROR);
}

const STREAM: u8 = RST_STREAM;
const CONNECTION: u8 = GOAWAY;

/// What these frames end, and for which reason. It is looked for after the answer to a request, if there is one.
async fn ended(client: &mut Client, frames: impl AsRef<[u8]>) -> (u8, u32) {
    client.send(frames).await;
    loop {
        let found = client.frame().await.expect("a reason is given");
        if matches!(found.kind, STREAM | CONNECTION) {
            return (found.kind, reason(&found));
        }
    }
}

fn data() -> Vec<u8> {
    frame(DATA, 0, 1, b"x")
}

fn head() -> Vec<u8> {
    frame(HEADERS, END_STREAM | END_HEADERS, 1, GET)
}

fn cancel() -> Vec<u8> {
    frame(RST_STREAM, 0, 1, &8_u32.to_be_bytes())
}

#[filch::test]
async fn what_comes_after_a_requests_end_while_it_is_answered() {
    for (more, what, why) in [
        (data(), CONNECTION, PROTOCOL_ERROR),
        (head(), CONNECTION, PROTOCOL_ERROR),
    ] {
        let (server, mut client) = served(Limits::default(), |_| std::future::pending()).await;
        client.ask(1).await;
        assert_eq!(ended(&mut client, more).await, (what, why));
        drop(client);
        assert_eq!(server.end().await.finished, 0);
    }
}

#[filch::test]
async fn what_comes_after_a_requests_end_when_it_was_answered() {
    for (more, what, why) in [
        (data(), STREAM, STREAM_CLOSED),
        (head(), CONNECTION, PROTOCOL_ERROR),
    ] {
        let (_server, mut client) = greeted(Limits::default()).await;
        answers(&mut client, 1).await;
        assert_eq!(ended(&mut client, more).await, (what, why));
    }
}

#[filch::test]
async fn resets_and_growth_of_a_stream_that_was_answered_are_passed_over() {
    for more in [cancel(), window(1, 1)] {
        let (_server, mut client) = greeted(Limits::default()).await;
        answers(&mut client, 1).await;
        client.send(more).await;
        answers(&mut client, 3).await;
    }
}

#[filch::test]
async fn what_a_client_sends_on_a_stream_that_it_has_reset() {
    for (more, what, why) in [
        (data(), STREAM, STREAM_CLOSED),
        (head(), CONNECTION, PROTOCOL_ERROR),
    ] {
        let (_server, mut client) = greeted(Limits::default()).await;
        let frames = [post_with(1, &[]), cancel(), more].concat();
        assert_eq!(ended(&mut client, frames).await, (what, why));
    }
}

#[filch::test]
async fn a_reset_of_a_stream_that_never_was_ends_the_connection() {
    assert_eq!(
        goes_away(frame(RST_STREAM, 0, 5, &[0; 4])).await,
        PROTOCOL_ERROR
    );
}

#[filch::test]
async fn a_reset_of_the_connection_itself_or_of_a_wrong_length_ends_it() {
    assert_eq!(
        goes_away(frame(RST_STREAM, 0, 0, &[0; 4])).await,
        PROTOCOL_ERROR
    );
    let short = [post_with(1, &[]), frame(RST_STREAM, 0, 1, &[0; 3])].concat();
    assert_eq!(goes_away(short).await, PROTOCOL_ERROR);
}

#[filch::test]
async fn a_stream_with_an_even_number_ends_the_connection() {
    let ask = frame(HEADERS, END_STREAM | END_HEADERS, 2, GET);
    assert_eq!(goes_away(ask).await, PROTOCOL_ERROR);
}

#[filch::test]
async fn a_number_that_was_passed_over_ends_the_connection() {
    let ask = |stream| frame(HEADERS, END_STREAM | END_HEADERS, stream, GET);
    assert_eq!(goes_away([ask(5), ask(3)].concat()).await, PROTOCOL_ERROR);
}

#[filch::test]
async fn many_streams_are_answered_each_with_its_own_body() {
    let (server, mut client) = greeted(Limits::default()).await;
    let streams: Vec<u32> = (0..100).map(|number| 2 * number + 1).collect();
    for stream in &streams {
        client.send(post_with(*stream, &[])).await;
    }
    // The last one first.
    for stream in streams.iter().rev() {
        client
            .send(frame(
                DATA,
                END_STREAM,
                *stream,
                stream.to_string().as_bytes(),
            ))
            .await;
        assert_eq!(
            body(&mut client, *stream).await,
            format!("POST / {stream}").as_bytes()
        );
    }
    drop(client);
    assert_eq!(server.end().await.finished, 100);
}
