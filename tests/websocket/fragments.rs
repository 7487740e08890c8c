//! Messages in several frames.

use crate::common::rounds;
use crate::tools::{
    BINARY, BINARY_BEGINS, ENDS, GOES_ON, PING, PONG, Raw, TEXT, TEXT_BEGINS, breaks, frame, gives,
    masked,
};

#[filch::test]
async fn a_text_in_two_frames_is_one() {
    let (raw, seen) = Raw::new().await;
    raw.send(frame(TEXT_BEGINS, b"frag")).await;
    raw.send(frame(ENDS, b"ment")).await;
    raw.expect(TEXT, b"fragment").await;
    assert_eq!(seen.recv().await.unwrap(), "text");
}

#[filch::test]
async fn bytes_in_many_frames_are_one() {
    let (raw, _seen) = Raw::new().await;
    let count = rounds(300);
    raw.send(frame(BINARY_BEGINS, &[1])).await;
    for _ in 0..count {
        raw.send(frame(GOES_ON, &[2])).await;
    }
    raw.send(frame(ENDS, &[3])).await;
    let (first, bytes) = raw.read().await;
    assert_eq!((first, bytes.len()), (BINARY, count + 2));
    assert_eq!((bytes[0], bytes[count], bytes[count + 1]), (1, 2, 3));
}

#[filch::test]
async fn empty_fragments_are_an_empty_message() {
    let frames = [
        frame(TEXT_BEGINS, b""),
        frame(GOES_ON, b""),
        frame(ENDS, b""),
    ];
    gives(&frames, &[(TEXT, b"")]).await;
}

#[filch::test]
async fn an_empty_last_fragment_ends_the_message() {
    let frames = [frame(TEXT_BEGINS, b"all"), frame(ENDS, b"")];
    gives(&frames, &[(TEXT, b"all")]).await;
}

#[filch::test]
async fn a_ping_between_fragments_is_answered_before_the_message() {
    let (raw, _seen) = Raw::new().await;
    raw.send(frame(TEXT_BEGINS, b"one")).await;
    raw.send(frame(PING, b"there?")).await;
    raw.expect(PONG, b"there?").await;
    raw.send(frame(ENDS, b" two")).await;
    raw.expect(TEXT, b"one two").await;
}

#[filch::test]
async fn fragments_and_pings_byte_by_byte_are_understood() {
    let (raw, _seen) = Raw::new().await;
    let all = [
        frame(TEXT_BEGINS, b"a"),
        frame(PING, b"1"),
        frame(GOES_ON, b"b"),
        frame(PING, b"2"),
        frame(ENDS, b"c"),
    ];
    for byte in all.concat() {
        raw.send([byte]).await;
    }
    raw.expect(PONG, b"1").await;
    raw.expect(PONG, b"2").await;
    raw.expect(TEXT, b"abc").await;
}

#[filch::test]
async fn a_pong_between_fragments_is_passed_over() {
    let frames = [
        frame(TEXT_BEGINS, b"a"),
        frame(PONG, b"?"),
        frame(ENDS, b"b"),
    ];
    gives(&frames, &[(TEXT, b"ab")]).await;
}

#[filch::test]
async fn a_last_frame_of_nothing_is_refused() {
    breaks(&[frame(ENDS, b"x")]).await;
}

#[filch::test]
async fn a_frame_that_goes_on_with_nothing_is_refused() {
    breaks(&[frame(GOES_ON, b"x")]).await;
}

#[filch::test]
async fn a_frame_that_goes_on_after_the_end_is_refused() {
    let (raw, _seen) = Raw::new().await;
    raw.send([frame(TEXT_BEGINS, b"a"), frame(ENDS, b"b")].concat())
        .await;
    raw.expect(TEXT, b"ab").await;
    raw.send(frame(ENDS, b"c")).await;
    raw.refused(1002).await;
}

#[filch::test]
async fn a_text_within_a_text_is_refused() {
    breaks(&[frame(TEXT_BEGINS, b"x"), frame(TEXT, b"y")]).await;
}

#[filch::test]
async fn bytes_that_begin_within_a_text_are_refused() {
    breaks(&[frame(TEXT_BEGINS, b"x"), frame(BINARY_BEGINS, b"y")]).await;
}

#[filch::test]
async fn each_fragment_has_a_mask_of_its_own() {
    let frames = [
        masked(BINARY_BEGINS, b"ab", Some([1, 2, 3, 4])),
        masked(ENDS, b"cd", Some([9, 8, 7, 6])),
    ];
    gives(&frames, &[(BINARY, b"abcd")]).await;
}
