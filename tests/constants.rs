//! The table of constants in docs/architecture.md says what the code says.
//!
//! Every constant of shipping code that is a duration, and every integer that steers behaviour, has a row
//! there: name, file, value. What is no such thing (a bit, a mask, an end of a list) is listed here.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Integers that are a layout, a name or an end, and no choice anybody might make otherwise.
const STRUCTURE: &[&str] = &[
    "ABORTED",
    "APART",
    "ARMED",
    "BLOCKS",
    "CAME",
    "BRANCH",
    "CHANGE",
    "CHUNK_BITS",
    "CLOSED",
    "COMPLETE",
    "COMPUTES",
    "COUNT",
    "DECLARED",
    "DIGITS",
    "DIGIT_BITS",
    "DRAINING",
    "EMPTY",
    "FAILED",
    "ID_BITS",
    "GRANTED",
    "GRANTED_LAST",
    "IDLE",
    "INDEX_BITS",
    "INDEX_MASK",
    "INFINITE",
    "JOIN",
    "JOIN_WAKER",
    "KIND",
    "LENT",
    "LEVELS",
    "LINE",
    "LISTENS",
    "MAX_PERMITS",
    "MAX_SOURCES",
    "MORE",
    "NIL",
    "NODE",
    "NONE",
    "NOTIFIED",
    "NO_PLACE",
    "ODD",
    "ONE_MORE",
    "PARKED",
    "POLLING",
    "READ_TICK_SHIFT",
    "REF",
    "REF_LIMIT",
    "RELEASED",
    "RUNNING",
    "SCHEDULED",
    "SCHED_FLAG_RESET_ON_FORK",
    "SEND_FLAGS",
    "SHELVES",
    "SHUTDOWN",
    "SIGNALS",
    "TICK_BITS",
    "TICK_MASK",
    "WAITING",
    "WORD",
    "WRITE_TICK_SHIFT",
];

/// Where shipping code lies.
const CRATES: &[&str] = &[
    "src",
    "executor/src",
    "reactor/src",
    "timer/src",
    "macros/src",
];

/// Name and file, then the value as the table writes it.
type Constants = BTreeMap<(String, String), String>;

#[test]
fn the_table_of_constants_has_every_name_and_value_of_the_code() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let table = table(&fs::read_to_string(root.join("docs/architecture.md")).unwrap());
    let code = code(root);
    let mut faults = Vec::new();
    for (key, value) in &code {
        match table.get(key) {
            None => faults.push(format!("{} in {} has no row: it is {value}", key.0, key.1)),
            Some(told) if told != value => {
                faults.push(format!("{} in {} is {value}, not {told}", key.0, key.1));
            }
            Some(_) => {}
        }
    }
    for key in table.keys().filter(|key| !code.contains_key(*key)) {
        faults.push(format!("{} in {} is in the table only", key.0, key.1));
    }
    assert!(
        faults.is_empty(),
        "docs/architecture.md, \"Constants\":\n{}",
        faults.join("\n")
    );
    assert!(
        table.len() > 60,
        "the table was not found: {} rows",
        table.len()
    );
}

#[test]
fn values_are_read_as_they_are_written() {
    for (code, told) in [
        ("Duration::from_micros(250)", "250 µs"),
        ("Duration::from_secs(2)", "2 s"),
        ("1 << 20", "1048576"),
        ("64 * 1024", "65536"),
        ("30_000", "30000"),
        ("if cfg!(all(test, filch_loom)) { 1 } else { 64 }", "64"),
        ("usize::MAX >> 3", "usize::MAX >> 3"),
    ] {
        assert_eq!(value(code), told);
    }
    let line = "pub(crate) const TENURE: Duration = Duration::from_millis(50);";
    assert_eq!(
        constant(line),
        Some(("TENURE", "Duration", "Duration::from_millis(50)"))
    );
    assert_eq!(constant("const NAME: &str = \"a\";"), None);
    assert_eq!(constant("    let constant = 5;"), None);
}

/// The rows of the section "Constants": `| NAME | file | value | ..`.
fn table(page: &str) -> Constants {
    let section = page.split("\n## Constants\n").nth(1).unwrap_or_default();
    let section = section.split("\n## ").next().unwrap_or_default();
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| {
        let mut cells = row
            .split('|')
            .skip(1)
            .map(|cell| cell.trim().trim_matches('`').to_owned());
        let mut next = || cells.next().unwrap_or_default();
        let (name, file, told) = (next(), next(), next());
        ((name, file), told.replace(',', ""))
    })
    .collect()
}

/// The same from the code.
fn code(root: &Path) -> Constants {
    let mut found = Constants::new();
    for file in CRATES.iter().flat_map(|folder| sources(&root.join(folder))) {
        let name = file
            .strip_prefix(root)
            .unwrap()
            .to_str()
            .unwrap()
            .replace('\\', "/");
        let text = fs::read_to_string(&file).unwrap();
        for line in statements(shipping(&text)) {
            let Some((constant, _, expression)) = constant(&line) else {
                continue;
            };
            if !STRUCTURE.contains(&constant) {
                found.insert((constant.to_owned(), name.clone()), value(expression));
            }
        }
    }
    found
}

/// All Rust files of shipping code under `folder`.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() {
            if name != "tests" && name != "model" {
                files.extend(sources(&path));
            }
        } else if name.ends_with(".rs")
            && !["miri.rs", "tests.rs", "testing.rs", "model.rs", "models.rs"]
                .contains(&name.as_str())
        {
            files.push(path);
        }
    }
    files
}

/// The file without its test module, which comes last.
fn shipping(text: &str) -> &str {
    let end = ["\n#[cfg(test)]\nmod ", "\n#[cfg(all(test"]
        .iter()
        .filter_map(|mark| text.find(mark))
        .min();
    &text[..end.unwrap_or(text.len())]
}

/// Lines, joined where a constant goes on in the next one.
fn statements(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = String::new();
    for line in text.lines().map(str::trim) {
        if open.is_empty() && !(line.contains("const ") && line.contains(": ")) {
            continue;
        }
        open.push_str(line);
        open.push(' ');
        if line.ends_with(';') || line.is_empty() || line.starts_with("//") {
            found.push(std::mem::take(&mut open).trim().to_owned());
        }
    }
    found
}

/// Name, type and expression of a constant that is a duration or an integer.
fn constant(line: &str) -> Option<(&str, &str, &str)> {
    let rest = line.trim_start();
    let rest = rest.strip_prefix("pub").map_or(rest, |rest| {
        rest.trim_start_matches("(crate)")
            .trim_start_matches("(super)")
            .trim_start()
    });
    let rest = rest.strip_prefix("const ")?;
    let (name, rest) = rest.split_once(": ")?;
    let (kind, expression) = rest.split_once(" = ")?;
    let known = [
        "Duration", "usize", "u8", "u16", "u32", "u64", "u128", "i32", "i64", "f32", "f64",
    ];
    known
        .contains(&kind)
        .then(|| (name, kind, expression.trim_end_matches(';').trim()))
}

/// An expression as the table writes it: `250 µs`, `1048576`.
fn value(expression: &str) -> String {
    let shipped = expression
        .split_once("else {")
        .map_or(expression, |(_, rest)| rest.trim_end_matches('}'));
    let shipped = shipped.trim().replace('_', "");
    for (function, unit) in [
        ("nanos", "ns"),
        ("micros", "µs"),
        ("millis", "ms"),
        ("secs", "s"),
    ] {
        let call = format!("Duration::from{function}(");
        if let Some(argument) = shipped.strip_prefix(&call) {
            return format!("{} {unit}", value(argument.trim_end_matches(')')));
        }
    }
    number(&shipped).map_or_else(|| expression.to_owned(), |number| number.to_string())
}

/// Of `64`, `64 * 1024`, `1 << 20`.
fn number(expression: &str) -> Option<u64> {
    if let Some((left, right)) = expression.split_once(" << ") {
        return Some(number(left)? << number(right)?);
    }
    if let Some((left, right)) = expression.split_once(" * ") {
        return Some(number(left)? * number(right)?);
    }
    expression.parse().ok()
}
