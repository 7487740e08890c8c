//! Prose is read in windows of some width: no line of it is longer than 120 characters. Tables, links, output and code
//! may be.

use std::path::{Path, PathBuf};

const MOST: usize = 120;

/// Where comments are looked at.
const FOLDERS: [&str; 6] = [
    "src",
    "macros/src",
    "reactor/src",
    "reactor/examples",
    "timer/src",
    "timer/tests",
];

fn sources(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("the sources are there") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// Whether a line is a comment's prose: not a row of a table, and not one long word such as an address.
fn is_prose(line: &str) -> bool {
    let text = line.trim_start_matches(['/', '!', ' ']);
    line.starts_with("//") && !text.starts_with('|') && text.contains(' ')
}

#[test]
fn no_line_of_prose_is_too_long() {
    let mut files = Vec::new();
    for folder in FOLDERS {
        sources(
            &Path::new(env!("CARGO_MANIFEST_DIR")).join(folder),
            &mut files,
        );
    }
    let mut long = Vec::new();
    for file in &files {
        let text = std::fs::read_to_string(file).expect("a source can be read");
        let lines = text.lines().enumerate();
        let found =
            lines.filter(|(_, line)| line.chars().count() > MOST && is_prose(line.trim_start()));
        long.extend(found.map(|(number, _)| format!("{}:{}", file.display(), number + 1)));
    }
    assert!(files.len() > 80, "only {} files were found", files.len());
    assert!(
        long.is_empty(),
        "wrap at {MOST} characters:\n{}",
        long.join("\n")
    );
}
