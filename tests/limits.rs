//! docs/guide/http-limits.md: the defaults that it names are the code's, and the tests that it names are there.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Where else a default is: its name on the page, the file, the constant.
const ELSEWHERE: [(&str, &str, &str); 5] = [
    (
        "Config::max_message_size",
        "src/http/websocket/mod.rs",
        "LARGEST",
    ),
    (
        "Config::max_frame_size",
        "src/http/websocket/mod.rs",
        "LARGEST",
    ),
    ("Config::ping", "src/http/websocket/mod.rs", "PING"),
    (
        "handshake_timeout",
        "src/tls/handshake.rs",
        "HANDSHAKE_LIMIT",
    ),
    ("ProxyListener", "src/http/listener/proxied.rs", "PATIENCE"),
];

#[test]
fn each_limit_is_on_the_page_with_its_default() {
    let page = read("docs/guide/http-limits.md");
    let rows = rows(&page);
    let limits = defaults();
    assert!(limits.len() >= 15, "the limits were not found: {limits:?}");
    for (name, default) in &limits {
        let of_it = rows.iter().filter(|row| names(row, name));
        let told: Vec<&str> = of_it.map(|row| row[1]).collect();
        assert!(!told.is_empty(), "`{name}` has no row");
        assert!(
            told.iter().all(|told| told == default),
            "`{name}` is {default}, not {told:?}"
        );
    }
    for row in rows.iter().filter(|row| row.len() == 5) {
        let known = limits.iter().any(|(name, _)| names(row, name));
        assert!(known, "nobody has the limit {}", row[0]);
        // Of a limit in time, and of no size.
        if row[1].ends_with(" s") {
            assert!(row[3].starts_with(row[1]), "{} after {}", row[0], row[3]);
        }
    }
}

#[test]
fn the_table_beside_the_code_has_the_same_defaults() {
    let code = read("src/http/limits.rs");
    for (name, default) in own() {
        let row = format!("/// | [`{name}`](Limits::{name}) | ");
        let rows: Vec<&str> = code
            .lines()
            .filter_map(|line| line.strip_prefix(&row))
            .collect();
        assert!(!rows.is_empty(), "`{name}` has no row");
        for told in rows {
            let rest = told.strip_prefix(&default);
            let ends = rest.is_some_and(|rest| rest.starts_with(' '));
            assert!(ends, "`{name}` is {default}, not {told}");
        }
    }
}

#[test]
fn each_row_names_tests_that_are_there() {
    let page = read("docs/guide/http-limits.md");
    let mut named = BTreeSet::new();
    for row in rows(&page) {
        let tests: Vec<_> = row.last().unwrap().split(", ").collect();
        for test in tests {
            let test = test.trim_matches('`');
            let (file, name) = test
                .split_once("::")
                .unwrap_or_else(|| panic!("{row:?} has no test"));
            let source = read(file);
            let at = source.find(&format!("async fn {name}("));
            let before = at.map(|at| source[..at].trim_end());
            let is_test = before.is_some_and(|before| {
                before.ends_with("#[filch::test]") || before.ends_with("#[filch::test(paused)]")
            });
            assert!(is_test, "{file} has no test {name}");
            named.insert(test.to_owned());
        }
    }
    assert!(named.len() > 40, "the rows were not found: {named:?}");
}

#[test]
fn defaults_are_read_as_the_page_writes_them() {
    for (code, told) in [
        ("10_000", "10,000"),
        ("200", "200"),
        ("64 * 1024", "64 KiB"),
        ("Some(16 * 1024 * 1024)", "16 MiB"),
        ("16 << 20", "16 MiB"),
        ("Some(Duration::from_secs(60))", "60 s"),
        ("None", "none"),
    ] {
        assert_eq!(default(code), told);
    }
}

/// The cells of all tables, without their heads.
fn rows(page: &str) -> Vec<Vec<&str>> {
    let lines: Vec<&str> = page.lines().collect();
    let is_row = |at: &usize| lines[*at].starts_with("| ");
    let is_head = |at: &usize| {
        lines
            .get(at + 1)
            .is_some_and(|next| next.starts_with("|---"))
    };
    let rows = (0..lines.len()).filter(|at| is_row(at) && !is_head(at));
    rows.map(|at| {
        let cells = lines[at].trim_matches('|').split('|');
        cells.map(str::trim).collect()
    })
    .collect()
}

/// A row of a table of limits, of this one.
fn names(row: &[&str], limit: &str) -> bool {
    row.len() == 5 && row[0].starts_with(&format!("`{limit}`"))
}

/// Names and defaults.
fn defaults() -> Vec<(String, String)> {
    let mut all = own();
    for (name, file, constant) in ELSEWHERE {
        let source = read(file);
        let line = source
            .lines()
            .find(|line| line.contains(&format!("const {constant}: ")))
            .unwrap_or_else(|| panic!("{file} has no {constant}"));
        let (_, code) = line.trim_end_matches(';').split_once(" = ").unwrap();
        all.push((name.to_owned(), default(code)));
    }
    all
}

/// Those of `Limits`.
fn own() -> Vec<(String, String)> {
    let code = read("src/http/limits.rs");
    let (_, fields) = code.split_once("fn default() -> Limits {").unwrap();
    let (fields, _) = fields.split_once("\n    }\n").unwrap();
    let fields = fields
        .lines()
        .filter_map(|line| line.trim().trim_end_matches(',').split_once(": "));
    fields
        .map(|(name, code)| (name.to_owned(), default(code)))
        .collect()
}

/// An expression as the page writes it.
fn default(code: &str) -> String {
    let code = code
        .strip_prefix("Some(")
        .and_then(|code| code.strip_suffix(')'))
        .unwrap_or(code);
    if code == "None" {
        return "none".to_owned();
    }
    if let Some(seconds) = code.strip_prefix("Duration::from_secs(") {
        return format!("{} s", seconds.trim_end_matches(')'));
    }
    let code = code.replace('_', "");
    for (end, unit) in [
        (" * 1024 * 1024", "MiB"),
        (" << 20", "MiB"),
        (" * 1024", "KiB"),
    ] {
        if let Some(count) = code.strip_suffix(end) {
            return format!("{count} {unit}");
        }
    }
    match code.len() {
        ..=3 => code,
        length => format!("{},{}", &code[..length - 3], &code[length - 3..]),
    }
}

fn read(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
