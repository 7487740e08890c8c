//! Whether each of the 90 behaviours has a row, and each test that a row names exists.

use std::fs;
use std::path::Path;

const TABLE: &str = "docs/asyncio-behaviours.md";

/// A row without a test says why, in one of these ways.
const WHY_NOT: [&str; 2] = ["Owed: ", "Cannot occur: "];

#[test]
fn every_behaviour_has_a_row_and_every_test_that_is_named_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join(TABLE)).unwrap();
    let rows = page.lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| ")?.split(" | ");
        let number: usize = cells.next()?.parse().ok()?;
        Some((number, cells.next()?, cells.next()?.trim_end_matches(" |")))
    });
    let rows: Vec<_> = rows.collect();
    let numbers: Vec<_> = rows.iter().map(|(number, ..)| *number).collect();
    assert!(numbers.iter().copied().eq(1..=90), "{numbers:?}");
    let mut wrong = Vec::new();
    for (number, behaviour, shown) in rows {
        let tests: Vec<_> = shown
            .split('`')
            .filter(|part| part.contains(".rs::"))
            .collect();
        wrong.extend(
            tests
                .iter()
                .filter(|test| !exists(root, test))
                .map(|test| format!("{number}: there is no test {test}")),
        );
        let says_why = WHY_NOT.iter().any(|why| shown.contains(why));
        if behaviour.trim().is_empty() || (tests.is_empty() && !says_why) {
            wrong.push(format!("{number}: neither a test nor a reason"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// `tests/file.rs::name`: a test, and no other function, of that name.
fn exists(root: &Path, test: &str) -> bool {
    let (file, name) = test.split_once("::").unwrap();
    let Ok(text) = fs::read_to_string(root.join(file)) else {
        return false;
    };
    let Some(at) = text.find(&format!("fn {name}(")) else {
        return false;
    };
    // Its attributes stand in the lines before.
    let before = text[..at].rsplit("\n\n").next().unwrap();
    before.contains("test")
}
