//! Text is UTF-8, or it is refused.

use crate::tools::{BINARY, ENDS, GOES_ON, Raw, TEXT, TEXT_BEGINS, frame};

/// Characters of one to four bytes.
const GREEK: &str = "aäκόσμε\u{fffe}\u{10ffff}😀";

async fn is_refused(text: &[u8]) {
    let (raw, seen) = Raw::new().await;
    raw.send(frame(TEXT, text)).await;
    assert!(seen.recv().await.unwrap().starts_with("failed"), "{text:?}");
    raw.refused(1007).await;
}

#[filch::test]
async fn characters_of_all_lengths_come_back() {
    let (raw, _seen) = Raw::new().await;
    raw.send(frame(TEXT, GREEK.as_bytes())).await;
    raw.expect(TEXT, GREEK).await;
}

#[filch::test]
async fn characters_may_be_split_anywhere() {
    let (raw, _seen) = Raw::new().await;
    for cut in 1..GREEK.len() {
        let (one, two) = GREEK.as_bytes().split_at(cut);
        raw.send([frame(TEXT_BEGINS, one), frame(ENDS, two)].concat())
            .await;
        raw.expect(TEXT, GREEK).await;
    }
}

#[filch::test]
async fn each_byte_may_be_a_fragment() {
    let (raw, _seen) = Raw::new().await;
    raw.send(frame(TEXT_BEGINS, b"")).await;
    for byte in GREEK.bytes() {
        raw.send(frame(GOES_ON, &[byte])).await;
    }
    raw.send(frame(ENDS, b"")).await;
    raw.expect(TEXT, GREEK).await;
}

#[filch::test]
async fn a_byte_that_begins_no_character_is_refused() {
    is_refused(&[b'a', 0xff]).await;
    is_refused(&[0x80]).await;
}

#[filch::test]
async fn a_character_that_does_not_end_is_refused() {
    is_refused(&[0xce]).await;
    is_refused(&[b'a', 0xf0, 0x9f, 0x98]).await;
}

#[filch::test]
async fn a_longer_form_than_needed_is_refused() {
    is_refused(&[0xc0, 0xaf]).await;
    is_refused(&[0xe0, 0x80, 0xaf]).await;
    is_refused(&[0xf0, 0x80, 0x80, 0xaf]).await;
}

#[filch::test]
async fn halves_of_utf_16_are_refused() {
    is_refused(&[0xed, 0xa0, 0x80]).await;
    is_refused(&[0xed, 0xad, 0xbf, 0xed, 0xbf, 0xbf]).await;
}

#[filch::test]
async fn what_lies_beyond_unicode_is_refused() {
    is_refused(&[0xf4, 0x90, 0x80, 0x80]).await;
    is_refused(&[0xf8, 0x88, 0x80, 0x80, 0x80]).await;
}

#[filch::test]
async fn a_bad_fragment_is_refused_before_the_message_ends() {
    let (raw, _seen) = Raw::new().await;
    raw.send(frame(TEXT_BEGINS, &[b'a', 0xff])).await;
    raw.refused(1007).await;
}

#[filch::test]
async fn a_character_that_breaks_off_in_the_next_fragment_is_refused_there() {
    let (raw, _seen) = Raw::new().await;
    raw.send(frame(TEXT_BEGINS, &[0xf0, 0x9f])).await;
    raw.send(frame(GOES_ON, b"a")).await;
    raw.refused(1007).await;
}

#[filch::test]
async fn a_character_that_is_not_whole_at_the_last_fragments_end_is_refused() {
    let (raw, _seen) = Raw::new().await;
    raw.send([frame(TEXT_BEGINS, b"a"), frame(ENDS, &[0xce])].concat())
        .await;
    raw.refused(1007).await;
}

#[filch::test]
async fn bytes_need_be_no_text() {
    let (raw, _seen) = Raw::new().await;
    raw.send(frame(BINARY, &[0xff, 0xce])).await;
    raw.expect(BINARY, [0xff, 0xce]).await;
}
