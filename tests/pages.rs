//! The pages: every link leads somewhere, every chapter's code is compiled somewhere, and lines of prose fit a screen.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Characters in a line of prose. Tables, links and code may be longer.
const WIDTH: usize = 120;
/// Chapters whose code needs crates beside filch: the member `works-with` compiles them.
const NEED_OTHER_CRATES: [&str; 2] = ["stopping-a-server", "logging"];
/// Not there in every checkout: the page of other crates comes with that member.
const BESIDE: &str = "docs/works-with.md";

#[test]
fn every_link_between_pages_leads_to_a_page_and_a_heading() {
    let mut broken = Vec::new();
    for page in pages() {
        for target in links(&read(&page)) {
            if !leads_somewhere(&page, &target) {
                broken.push(format!("{}: {target}", page.display()));
            }
        }
    }
    assert!(broken.is_empty(), "links that lead nowhere: {broken:#?}");
}

#[test]
fn every_chapter_is_in_the_index_and_its_code_is_compiled_once() {
    let index = read(&root().join("docs/guide.md"));
    let here = read(&root().join("src/lib.rs"));
    let beside = fs::read_to_string(root().join("works-with/src/lib.rs"));
    for chapter in markdown_in("docs/guide") {
        let name = chapter.file_stem().unwrap().to_str().unwrap();
        let included = format!("docs/guide/{name}.md\")]");
        assert!(
            index.contains(&format!("(guide/{name}.md)")),
            "{name} is not in docs/guide.md"
        );
        let (place, compiled) = match NEED_OTHER_CRATES.contains(&name) {
            false => ("src/lib.rs", here.contains(&included)),
            true => (
                "works-with/src/lib.rs",
                beside
                    .as_ref()
                    .map_or(true, |text| text.contains(&included)),
            ),
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

/// All pages of the repository that people read.
fn pages() -> Vec<PathBuf> {
    let mut pages = vec![root().join("README.md"), root().join("CHANGELOG.md")];
    pages.push(root().join("benches/README.md"));
    pages.extend(markdown_in("docs"));
    pages.extend(markdown_in("docs/guide"));
    pages
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

/// What stands in the parentheses of `[text](target)`.
fn links(text: &str) -> Vec<String> {
    let mut targets = Vec::new();
    for (_, line) in prose(text) {
        let parts = line.split("](").skip(1);
        targets.extend(parts.filter_map(|part| Some(part.split_once(')')?.0.to_owned())));
    }
    targets
}

fn leads_somewhere(page: &Path, target: &str) -> bool {
    if target.starts_with("http") {
        return true;
    }
    let (file, heading) = target.split_once('#').unwrap_or((target, ""));
    let file = match file {
        "" => page.to_owned(),
        file => page.parent().unwrap().join(file),
    };
    let Ok(file) = file.canonicalize() else {
        return target_is_beside(target) && !root().join(BESIDE).exists();
    };
    heading.is_empty() || headings(&read(&file)).contains(heading)
}

fn target_is_beside(target: &str) -> bool {
    target.split('#').next().unwrap().ends_with("works-with.md")
}

/// The names under which a code host and the book know a page's headings.
fn headings(text: &str) -> BTreeSet<String> {
    let titles = prose(text).into_iter().filter_map(|(_, line)| {
        let title = line.trim_start_matches('#');
        (title.len() < line.len()).then_some(title.trim())
    });
    titles.map(anchor).collect()
}

fn anchor(title: &str) -> String {
    let kept = title.to_lowercase().replace(' ', "-");
    kept.chars()
        .filter(|c| c.is_alphanumeric() || "-_".contains(*c))
        .collect()
}
