//! What docs/works-with.md says about versions and features is what this package was compiled with, and
//! every program on it is one that runs.

use std::collections::BTreeMap;
use std::fs;

/// A file of the repository.
fn read(path: &str) -> String {
    let path = format!("{}/../{path}", env!("CARGO_MANIFEST_DIR"));
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The pages in a folder, which need not be there.
fn markdown_in(folder: &str) -> Vec<String> {
    let Ok(entries) = fs::read_dir(format!("{}/../{folder}", env!("CARGO_MANIFEST_DIR"))) else {
        return Vec::new();
    };
    let names = entries.map(|entry| {
        entry
            .expect("an entry")
            .file_name()
            .into_string()
            .expect("a name")
    });
    names
        .filter(|name| name.ends_with(".md"))
        .map(|name| format!("{folder}/{name}"))
        .collect()
}

fn page() -> String {
    read("docs/works-with.md")
}

/// The fenced blocks of a page: what is written after the fence, and the text.
fn blocks(page: &str) -> Vec<(&str, &str)> {
    let parts: Vec<_> = page.split("```").collect();
    assert!(parts.len() % 2 == 1, "a fence is not closed");
    parts
        .iter()
        .skip(1)
        .step_by(2)
        .map(|block| block.split_once('\n').expect("a line"))
        .collect()
}

/// A dependency as a line of a manifest asks for it.
#[derive(Debug)]
struct Wanted<'a> {
    name: &'a str,
    version: &'a str,
    default_features: bool,
    features: Vec<&'a str>,
}

impl<'a> Wanted<'a> {
    fn new(line: &'a str) -> Wanted<'a> {
        let (name, rest) = line
            .split_once(" = ")
            .unwrap_or_else(|| panic!("no dependency: {line}"));
        let quoted = |text: &'a str| text.split('"').skip(1).step_by(2);
        let (version, features) = rest.split_once("features = [").unwrap_or((rest, ""));
        Wanted {
            name,
            version: quoted(version)
                .next()
                .unwrap_or_else(|| panic!("no version: {line}")),
            default_features: !rest.contains("default-features = false"),
            features: quoted(features).collect(),
        }
    }
}

/// What this package depends on, by name.
fn ours(manifest: &str) -> BTreeMap<&str, Wanted<'_>> {
    let (_, dependencies) = manifest
        .split_once("[dependencies]\n")
        .expect("the section");
    let lines = dependencies.lines().take_while(|line| !line.is_empty());
    lines
        .filter(|line| !is_of_this_repository(line))
        .map(Wanted::new)
        .map(|ours| (ours.name, ours))
        .collect()
}

/// As [`ours`], with what is only for tests and examples.
fn all_of_ours(manifest: &str) -> BTreeMap<&str, Wanted<'_>> {
    let (_, tests) = manifest
        .split_once("[dev-dependencies]\n")
        .expect("the section");
    let tests = tests.lines().take_while(|line| !line.is_empty());
    let mut all: BTreeMap<_, _> = tests.map(Wanted::new).map(|one| (one.name, one)).collect();
    all.extend(ours(manifest));
    all
}

/// It has the version that is here.
fn is_of_this_repository(line: &str) -> bool {
    line.starts_with("filch = ") || line.starts_with("filch-axum = ")
}

#[test]
fn the_page_asks_for_no_more_than_this_package_has() {
    let manifest = read("works-with/Cargo.toml");
    let mut unused = ours(&manifest);
    let ours = ours(&manifest);
    let page = page();
    let manifests = blocks(&page)
        .into_iter()
        .filter(|(kind, _)| *kind == "toml");
    // filch itself stands there where a feature of it is needed.
    let others = |line: &&str| !is_of_this_repository(line);
    for line in manifests.flat_map(|(_, text)| text.lines()).filter(others) {
        let wanted = Wanted::new(line);
        let ours = ours
            .get(wanted.name)
            .unwrap_or_else(|| panic!("not compiled here: {line}"));
        assert_eq!(wanted.version, ours.version, "{line}");
        assert_eq!(wanted.default_features, ours.default_features, "{line}");
        for feature in wanted.features {
            assert!(
                ours.features.contains(&feature),
                "compiled without {feature}: {line}"
            );
        }
        unused.remove(wanted.name);
    }
    assert!(
        unused.is_empty(),
        "the page does not say how these are used: {unused:?}"
    );
}

#[test]
fn every_other_page_asks_for_the_same_versions() {
    let manifest = read("works-with/Cargo.toml");
    let ours = all_of_ours(&manifest);
    for path in ["README.md".into()]
        .into_iter()
        .chain(markdown_in("docs"))
        .chain(markdown_in("docs/guide"))
    {
        let page = read(&path);
        let manifests = blocks(&page)
            .into_iter()
            .filter(|(kind, _)| *kind == "toml");
        for line in manifests.flat_map(|(_, text)| text.lines()) {
            let name = line.split(" = ").next().expect("a part");
            if let Some(ours) = ours.get(name) {
                assert_eq!(Wanted::new(line).version, ours.version, "{path}: {line}");
            }
        }
    }
}

#[test]
fn the_page_names_the_versions_of_the_lock_file() {
    let (page, manifest, lock) = (page(), read("works-with/Cargo.toml"), read("Cargo.lock"));
    let (_, versions) = page
        .split_once("## Versions\n")
        .expect("a section with the versions");
    let versions = versions.split("\n## ").next().expect("its text");
    let mut named = Vec::new();
    for row in versions.lines().filter_map(|line| line.strip_prefix("| `")) {
        let (name, rest) = row.split_once("` | ").expect("a name");
        let version = rest.split(" |").next().expect("a version");
        let locked = format!("name = \"{name}\"\nversion = \"{version}\"\n");
        assert!(
            lock.contains(&locked),
            "{name} {version} is not the version in Cargo.lock"
        );
        named.push(name);
    }
    assert_eq!(named, ours(&manifest).into_keys().collect::<Vec<_>>());
}

#[test]
fn every_program_runs() {
    for (kind, text) in blocks(&page()) {
        assert!(
            matches!(kind, "rust" | "toml" | "text"),
            "`{kind}` is not compiled and run:\n{text}"
        );
        if kind == "rust" {
            assert!(
                text.contains("#[filch::main]\nasync fn main()"),
                "no complete program:\n{text}"
            );
        }
    }
}
