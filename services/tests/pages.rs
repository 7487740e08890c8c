//! What the pages say about versions and features is what this package was compiled with.

use std::fs;

fn read(path: &str) -> String {
    let path = format!("{}/../{path}", env!("CARGO_MANIFEST_DIR"));
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A dependency of a manifest: version, whether its default features are on, features.
#[derive(Debug, PartialEq)]
struct Dependency<'a>(&'a str, bool, Vec<&'a str>);

/// What is in quotes.
fn strings(text: &str) -> impl Iterator<Item = &str> {
    text.split('"').skip(1).step_by(2)
}

/// The dependency of a line like `name = { version = "1", features = ["a", "b"] }`.
fn dependency(line: &str) -> Option<(&str, Dependency<'_>)> {
    let (name, rest) = line.split_once(" = ")?;
    let (version, features) = rest.split_once("features = [").unwrap_or((rest, ""));
    let features = strings(features).collect();
    let default = !rest.contains("default-features = false");
    Some((
        name,
        Dependency(strings(version).next()?, default, features),
    ))
}

/// What this package says of a dependency.
fn ours<'a>(manifest: &'a str, wanted: &str) -> Dependency<'a> {
    let found = manifest
        .lines()
        .filter_map(dependency)
        .find(|(name, _)| *name == wanted);
    found
        .unwrap_or_else(|| panic!("{wanted} is no dependency of services/"))
        .1
}

#[test]
fn the_table_names_the_versions_of_the_lock_file_and_the_features_of_the_manifest() {
    let (page, manifest, lock) = (
        read("docs/works-with.md"),
        read("services/Cargo.toml"),
        read("services/Cargo.lock"),
    );
    let (_, section) = page
        .split_once("\n## Databases, brokers, gRPC\n")
        .expect("the section");
    let section = section.split("\n## ").next().expect("its text");
    let mut rows = 0;
    for row in section.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        let (name, version) = (cells[1].trim_matches('`'), cells[2]);
        let locked = format!("name = \"{name}\"\nversion = \"{version}\"\n");
        assert!(
            lock.contains(&locked),
            "{name} {version} is not what services/Cargo.lock has"
        );
        let features: Vec<_> = cells[3].split('`').skip(1).step_by(2).collect();
        let Dependency(_, default, expected) = ours(&manifest, name);
        assert!(
            !default,
            "the page says nothing of default features: {name}"
        );
        assert_eq!(features, expected, "features of {name}");
        rows += 1;
    }
    assert!(rows > 0, "the table is empty");
}

#[test]
fn the_chapter_asks_for_what_this_package_has() {
    let (page, manifest) = (
        read("docs/guide/databases-and-brokers.md"),
        read("services/Cargo.toml"),
    );
    let blocks = page
        .split("```toml\n")
        .skip(1)
        .map(|rest| rest.split("```").next().expect("its text"));
    let lines = blocks
        .flat_map(str::lines)
        .filter(|line| !line.starts_with("filch = "));
    let mut checked = 0;
    for (name, Dependency(version, default, features)) in lines.filter_map(dependency) {
        let Dependency(our_version, our_default, ours) = ours(&manifest, name);
        assert_eq!((version, default), (our_version, our_default), "{name}");
        for feature in features {
            assert!(
                ours.contains(&feature),
                "compiled without {feature}: {name}"
            );
        }
        checked += 1;
    }
    assert!(checked >= 6, "{checked} dependencies were found");
}
