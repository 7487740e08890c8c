//! Reads the text of `timeout = ".."`: a decimal number and a unit, exactly, without floating point.

use std::time::Duration;

/// What a well-formed timeout looks like; ends every error message.
const EXPECTED: &str = "write a number with a unit, such as \"500ms\", \"5s\", \"1.5s\" or \"2m\"";

/// The units in the order in which they are tried: `ms` before `s` and `m`, which are parts of it.
const UNITS: [(&str, u128); 3] = [
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
];

/// Reads `text` as a duration that is longer than zero; the error says what is wrong with it and what to write
/// instead.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let unit = UNITS
        .iter()
        .find_map(|&(unit, nanos)| Some((text.strip_suffix(unit)?, nanos)));
    let Some((number, unit)) = unit else {
        return Err(format!("`{text}` does not end in a unit: {EXPECTED}"));
    };
    let nanos = nanos(number.trim_end(), unit)
        .ok_or_else(|| format!("`{text}` is not a timeout: {EXPECTED}"))?;
    if nanos == 0 {
        return Err(format!(
            "a timeout of `{text}` leaves no time at all: {EXPECTED}"
        ));
    }
    let seconds = u64::try_from(nanos / 1_000_000_000)
        .map_err(|_| format!("`{text}` is too long: {EXPECTED}"))?;
    Ok(Duration::new(seconds, (nanos % 1_000_000_000) as u32))
}

/// `number` times `unit` in nanoseconds, what is below one nanosecond cut off; `None` if `number` is not digits with
/// at most one point in between, or too large.
fn nanos(number: &str, unit: u128) -> Option<u128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let mut total = digits(whole)?.checked_mul(unit)?;
    let mut place = unit;
    if fraction.is_empty() {
        return None;
    }
    for digit in fraction.chars() {
        place /= 10;
        total = total.checked_add(u128::from(digit.to_digit(10)?) * place)?;
    }
    Some(total)
}

/// `text` as a number, if it is nothing but digits, and at least one.
fn digits(text: &str) -> Option<u128> {
    text.bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::parse;
    use std::time::Duration;

    #[test]
    fn every_unit_and_fraction_is_exact() {
        let cases = [
            ("500ms", Duration::from_millis(500)),
            ("5s", Duration::from_secs(5)),
            ("5 s", Duration::from_secs(5)),
            ("2m", Duration::from_secs(120)),
            ("1.5s", Duration::from_millis(1500)),
            ("0.1m", Duration::from_secs(6)),
            ("0.25ms", Duration::from_micros(250)),
            ("1.0000000019s", Duration::new(1, 1)),
        ];
        for (text, expected) in cases {
            assert_eq!(parse(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn everything_else_is_refused() {
        let texts = [
            "",
            "5",
            "s",
            "ms",
            ".5s",
            "5.s",
            "1.2.3s",
            "-1s",
            "+1s",
            "1e3s",
            "5h",
            "5 sec",
            "1.é5s",
            "0s",
            "0.0000000001s",
            "1s2ms",
        ];
        for text in texts {
            assert!(parse(text).is_err(), "{text}");
        }
        let huge = format!("{}s", u128::MAX);
        assert!(parse(&huge).is_err());
        assert!(parse("99999999999999999999s").is_err());
    }
}
