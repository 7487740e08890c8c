//! Reads the heads of answers over HTTP/2 (RFC 7541), as far as the servers here write them.
//!
//! A client that has no room for a table of the connection's own is sent none of it, so that each head is readable by
//! itself: `Client::greet` says so.

use super::two::{Frame, HEADERS};

/// Bits of a code, the first code of so many, and the signs that have them in order.
const CODES: [(u32, u32, &[u8]); 4] = [
    (5, 0x00, b"012aceiost"),
    (6, 0x14, b" %-./3456789=A_bdfghlmnpru"),
    (7, 0x5c, b":BCDEFGHIJKLMNOPQRSTUVWYjkqvwxyz"),
    (8, 0xf8, b"&*,;XZ"),
];

impl Frame {
    /// The fields of a head that is whole.
    pub(crate) fn fields(&self) -> Vec<(String, String)> {
        assert_eq!(self.kind, HEADERS, "{self:?}");
        let mut block = &self.payload[..];
        let mut fields = Vec::new();
        while let Some(&first) = block.first() {
            match first {
                0x80.. => {
                    let (name, value) = known(integer(&mut block, 7));
                    fields.push((name.to_owned(), value.to_owned()));
                }
                // The size of the table, which is none.
                0x20..0x40 => assert_eq!(integer(&mut block, 5), 0),
                _ => {
                    let name = match integer(&mut block, if first < 0x40 { 4 } else { 6 }) {
                        0 => text(&mut block),
                        place => known(place).0.to_owned(),
                    };
                    fields.push((name, text(&mut block)));
                }
            }
        }
        fields
    }

    pub(crate) fn field(&self, name: &str) -> Option<String> {
        let mut fields = self.fields().into_iter();
        fields
            .find(|(found, _)| found == name)
            .map(|(_, value)| value)
    }

    pub(crate) fn status(&self) -> u16 {
        self.field(":status").unwrap().parse().unwrap()
    }
}

/// A place in the table that everybody has.
fn known(place: usize) -> (&'static str, &'static str) {
    match place {
        8 => (":status", "200"),
        9 => (":status", "204"),
        10 => (":status", "206"),
        11 => (":status", "304"),
        12 => (":status", "400"),
        13 => (":status", "404"),
        14 => (":status", "500"),
        28 => ("content-length", ""),
        33 => ("date", ""),
        53 => ("retry-after", ""),
        _ => panic!("place {place} is not expected in an answer"),
    }
}

/// A number whose first byte has room for so many bits.
fn integer(block: &mut &[u8], bits: u32) -> usize {
    let mask = (1 << bits) - 1;
    let mut number = usize::from(take(block) & mask);
    if number < usize::from(mask) {
        return number;
    }
    for shift in (0..).step_by(7) {
        let byte = take(block);
        number += usize::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            break;
        }
    }
    number
}

fn text(block: &mut &[u8]) -> String {
    let is_coded = block[0] & 0x80 != 0;
    let length = integer(block, 7);
    let (bytes, rest) = block.split_at(length);
    *block = rest;
    match is_coded {
        true => decoded(bytes),
        false => String::from_utf8(bytes.to_vec()).unwrap(),
    }
}

fn take(block: &mut &[u8]) -> u8 {
    let (&first, rest) = block.split_first().expect("the head goes on");
    *block = rest;
    first
}

/// Huffman's code. What is left at the end is ones, and no sign.
fn decoded(bytes: &[u8]) -> String {
    let (mut code, mut length, mut text) = (0, 0, String::new());
    for bit in bytes
        .iter()
        .flat_map(|byte| (0..8).rev().map(move |at| u32::from(byte >> at & 1)))
    {
        (code, length) = (code << 1 | bit, length + 1);
        let signs = CODES.iter().find(|(bits, ..)| *bits == length);
        let place =
            signs.and_then(|(_, first, signs)| signs.get(code.wrapping_sub(*first) as usize));
        if let Some(&sign) = place {
            text.push(char::from(sign));
            (code, length) = (0, 0);
        }
    }
    assert_eq!(code, (1 << length) - 1, "{text:?} has an end");
    text
}

#[test]
fn heads_are_read_as_they_are_written() {
    let head = |payload: &[u8]| Frame {
        kind: HEADERS,
        flags: 0,
        stream: 1,
        payload: payload.to_vec(),
    };
    // From the appendix of the standard: `302`, and a date.
    let found = head(&[
        0x20, 0x48, 0x82, 0x64, 0x02, 0x61, 0x96, 0xd0, 0x7a, 0xbe, 0x94, 0x10, 0x54, 0xd4, 0x44,
        0xa8, 0x20, 0x05, 0x95, 0x04, 0x0b, 0x81, 0x66, 0xe0, 0x82, 0xa6, 0x2d, 0x1b, 0xff,
    ]);
    assert_eq!(found.status(), 302);
    assert_eq!(
        found.field("date").unwrap(),
        "Mon, 21 Oct 2013 20:13:21 GMT"
    );
    // Plain, and a name that no table has.
    let found = head(b"\x89\x00\x01x\x03yes");
    assert_eq!(found.status(), 204);
    assert_eq!(found.field("x").unwrap(), "yes");
    assert_eq!(found.field("y"), None);
}
