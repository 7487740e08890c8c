//! The pages that go through asyncio and tokio name by name: every counterpart that they name exists, and no row is
//! empty.

// Some of them are Unix' own.
#![cfg(unix)]

mod methods;
#[allow(unused_imports)]
mod paths;

use std::fs;
use std::path::Path;

use methods::METHODS;
use paths::{OF_FEATURES, PATHS};

const PAGES: [&str; 2] = ["docs/asyncio-names.md", "docs/tokio-names.md"];

/// The cells of each row.
fn rows(page: &str) -> Vec<Vec<String>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(page);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{page}: {error}"));
    let rows: Vec<Vec<String>> = text
        .lines()
        .filter(|line| line.starts_with('|') && !line.starts_with("|---"))
        .map(|line| {
            line.trim_matches('|')
                .split('|')
                .map(|cell| cell.trim().to_owned())
                .collect()
        })
        .collect();
    assert!(rows.len() > 100, "{page} has {} rows", rows.len());
    rows
}

/// What stands between backticks.
fn code(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

fn is_method(name: &str) -> bool {
    name.starts_with(char::is_uppercase) && name.contains("::")
}

#[test]
fn every_counterpart_that_the_pages_name_exists() {
    for page in PAGES {
        for row in rows(page) {
            for name in row[1..].iter().flat_map(|cell| code(cell)) {
                if name.starts_with("filch::") {
                    let known = PATHS.contains(&name) || OF_FEATURES.contains(&name);
                    assert!(known, "{page} names {name}, which is not compiled here");
                }
            }
            for name in code(&row[1]).filter(|name| is_method(name)) {
                assert!(
                    METHODS.contains(&name),
                    "{page} names {name}, which is not compiled here"
                );
            }
        }
    }
}

#[test]
fn no_row_is_empty_and_one_without_a_counterpart_says_why() {
    for page in PAGES {
        for row in rows(page) {
            assert_eq!(row.len(), 3, "{page}: {row:?}");
            let is_named = code(&row[1]).next().is_some() || row[1] == "filch";
            let is_explained = row[1] == "none" && !row[2].is_empty();
            assert!(
                !row[0].is_empty() && (is_named || is_explained),
                "{page}: {row:?}"
            );
        }
    }
}
