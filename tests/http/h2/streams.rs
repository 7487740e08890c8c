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

#[filch::test]
async fn data_after_the_end_of_a_request_ends_the_connection_or_the_stream() {
    let (_server, mut client) = greeted(Limits::default()).await;
    client.ask(1).await;
    body(&mut client, 1).await;
    client.send(frame(DATA, 0, 1, b"x")).await;
    let said = loop {
        let found = client.frame().await.unwrap();
        if matches!(found.kind, RST_STREAM | GOAWAY) {
            break reason(&found);
        }
    };
    assert!([PROTOCOL_ERROR, STREAM_CLOSED].contains(&said), "{said}");
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
