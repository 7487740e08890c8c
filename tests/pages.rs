//! The pages: every chapter's code is compiled, and lines of prose fit a screen. Links are looked after where the book
//! is built.

use std::fs;
use std::path::{Path, PathBuf};

/// Characters in a line of prose. Tables, links and code may be longer.
const WIDTH: usize = 120;
/// Chapters whose code needs crates beside filch: the member `works-with` compiles them.
const NEED_OTHER_CRATES: [&str; 4] = [
    "stopping-a-server",
    "logging",
    "tokio-crates",
    "from-fastapi",
];
/// Chapters whose code talks to real servers: the package `services` runs it.
const NEED_SERVERS: [&str; 1] = ["databases-and-brokers"];

#[test]
fn every_chapter_is_in_the_index_and_its_code_is_compiled_once() {
    let index = read(&root().join("docs/guide.md"));
    let here = read(&root().join("src/lib.rs"));
    let beside = read(&root().join("works-with/src/lib.rs"));
    let services = read(&root().join("services/src/lib.rs"));
    for chapter in markdown_in("docs/guide") {
        let name = chapter.file_stem().unwrap().to_str().unwrap();
        let included = format!("docs/guide/{name}.md\")]");
        assert!(
            index.contains(&format!("(guide/{name}.md)")),
            "{name} is not in docs/guide.md"
        );
        let (place, compiled) = if NEED_OTHER_CRATES.contains(&name) {
            ("works-with/src/lib.rs", beside.contains(&included))
        } else if NEED_SERVERS.contains(&name) {
            ("services/src/lib.rs", services.contains(&included))
        } else {
            ("src/lib.rs", here.contains(&included))
        };
        assert!(compiled, "{place} does not compile the code of {name}");
    }
}

#[test]
fn lines_of_prose_fit_a_screen() {
    let mut checked = markdown_in("docs/guide");
    checked.extend(["README.md", "CHANGELOG.md", "docs/guide.md"].map(|page| root().join(page)));
    let mut long = Vec::new();
    for page in checked {
        for (number, line) in prose(&read(&page)) {
            let excepted = line.starts_with('|') || line.contains("](");
            if line.chars().count() > WIDTH && !excepted {
                long.push(format!("{}:{number}", page.display()));
            }
        }
    }
    assert!(
        long.is_empty(),
        "lines of more than {WIDTH} characters: {long:#?}"
    );
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn markdown_in(folder: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join(folder)).expect("the folder is there");
    let mut found: Vec<PathBuf> = entries
        .map(|entry| entry.expect("it can be listed").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect();
    found.sort();
    assert!(!found.is_empty(), "{folder} has no page");
    found
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The lines outside of code blocks, with their numbers.
fn prose(text: &str) -> Vec<(usize, &str)> {
    let mut in_code = false;
    let numbered = text.lines().enumerate();
    numbered
        .filter(|(_, line)| {
            let fence = line.trim_start().starts_with("```");
            in_code ^= fence;
            !in_code && !fence
        })
        .map(|(index, line)| (index + 1, line))
        .collect()
}
