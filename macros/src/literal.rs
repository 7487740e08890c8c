//! Reads the text of a literal as it stands in the source: whole numbers and strings.

/// The endings that a whole number may carry; they say nothing about its value.
const SUFFIXES: [&str; 12] = [
    "u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32", "i64", "i128", "isize",
];

/// The value of a whole number such as `4`, `1_000`, `0x10` or `4u8`; `None` if it is none, or too large.
pub(crate) fn integer(literal: &str) -> Option<u64> {
    let (digits, radix) = match literal.get(..2) {
        Some("0x") => (&literal[2..], 16),
        Some("0o") => (&literal[2..], 8),
        Some("0b") => (&literal[2..], 2),
        _ => (literal, 10),
    };
    let suffix = |suffix: &&str| digits.strip_suffix(*suffix);
    let digits = SUFFIXES.iter().find_map(suffix).unwrap_or(digits);
    let digits = digits.replace('_', "");
    // `from_str_radix` would take a sign.
    let plain = digits.chars().all(|digit| digit.is_digit(radix));
    plain.then(|| u64::from_str_radix(&digits, radix).ok())?
}

/// The value of a string, plain or raw; `None` if it is not one.
pub(crate) fn string(literal: &str) -> Option<String> {
    match literal.strip_prefix('r') {
        Some(raw) => {
            let inner = raw.trim_start_matches('#');
            let marks = &raw[..raw.len() - inner.len()];
            let inner = inner.strip_suffix(marks)?;
            Some(inner.strip_prefix('"')?.strip_suffix('"')?.to_owned())
        }
        None => unescape(literal.strip_prefix('"')?.strip_suffix('"')?),
    }
}

/// `text` with its escapes replaced by what they stand for.
fn unescape(text: &str) -> Option<String> {
    let mut value = String::new();
    let mut rest = text.chars();
    while let Some(char) = rest.next() {
        if char != '\\' {
            value.push(char);
            continue;
        }
        match rest.next()? {
            // The end of a line, and the white space at the beginning of the next, are left out.
            '\n' => rest = rest.as_str().trim_start().chars(),
            'x' => value.push(code(rest.by_ref().take(2))?),
            'u' => value.push(code(rest.by_ref().take_while(|char| *char != '}').skip(1))?),
            short => value.push(shorthand(short)?),
        }
    }
    Some(value)
}

fn code(digits: impl Iterator<Item = char>) -> Option<char> {
    let digits: String = digits.filter(|digit| *digit != '_').collect();
    char::from_u32(u32::from_str_radix(&digits, 16).ok()?)
}

fn shorthand(char: char) -> Option<char> {
    Some(match char {
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        '0' => '\0',
        '\\' | '\'' | '"' => char,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::{integer, string};

    #[test]
    fn whole_numbers_are_read_in_every_notation() {
        let cases = [
            ("0", Some(0)),
            ("4", Some(4)),
            ("1_000", Some(1000)),
            ("0x1F", Some(31)),
            ("0b1_0u8", Some(2)),
            ("0o17", Some(15)),
            ("7usize", Some(7)),
            ("18446744073709551615", Some(u64::MAX)),
            ("18446744073709551616", None),
            ("2.0", None),
            ("1e3", None),
            ("u8", None),
            ("\"2\"", None),
            ("'2'", None),
            ("2f32", None),
            ("é", None),
        ];
        for (literal, expected) in cases {
            assert_eq!(integer(literal), expected, "{literal}");
        }
    }

    #[test]
    fn strings_are_read_with_their_escapes() {
        let cases = [
            (r#""""#, Some("")),
            (r#""api""#, Some("api")),
            (r#""a\0b\n\t\\\"\'""#, Some("a\0b\n\t\\\"'")),
            (r#""\x41\u{e9}\u{1_F600}""#, Some("Aé\u{1F600}")),
            ("\"one \\\n      line\"", Some("one line")),
            ("r\"a\\0\"", Some("a\\0")),
            ("r#\"a\"b\"#", Some("a\"b")),
            ("5", None),
            ("'a'", None),
            ("b\"a\"", None),
            ("c\"a\"", None),
            ("\"a\"x", None),
        ];
        for (literal, expected) in cases {
            assert_eq!(string(literal).as_deref(), expected, "{literal}");
        }
    }
}
