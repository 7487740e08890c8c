//! Whether each of the 90 behaviours has a row, and each test and each refused program that a row names exists.

use std::fs;
use std::path::Path;

const TABLE: &str = "docs/asyncio-behaviours.md";

/// A row without a test may say that it has none yet.
const OWED: &str = "Owed: ";

/// What a program cannot say names one that is not compiled: `tests/macros.rs` compares what the compiler says of all
/// that are in this folder.
const CANNOT: [&str; 2] = ["annot occur: ", "tests/ui/cannot/"];

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
        let refused = refused_programs(behaviour).chain(refused_programs(shown));
        let refused: Vec<_> = refused.collect();
        let is_there = |file: &str| root.join(file).with_extension("stderr").exists();
        let missing = refused.iter().filter(|file| !is_there(file));
        wrong.extend(missing.map(|file| format!("{number}: {file} has no error")));
        let cannot = [behaviour, shown]
            .iter()
            .any(|cell| cell.contains(CANNOT[0]));
        if cannot == refused.is_empty() {
            wrong.push(format!(
                "{number}: a reason and a refused program go together"
            ));
        }
        let is_shown = !tests.is_empty() || !refused.is_empty() || shown.contains(OWED);
        if behaviour.trim().is_empty() || !is_shown {
            wrong.push(format!("{number}: neither a test nor a reason"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn refused_programs(cell: &str) -> impl Iterator<Item = &str> {
    let quoted = cell.split('`');
    quoted.filter(|part| part.starts_with(CANNOT[1]) && part.ends_with(".rs"))
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
