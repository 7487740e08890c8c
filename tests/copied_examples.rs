//! The examples of the crates behind `filch`, as a user sees and copies them: they name `filch` and nothing else.
//!
//! Where they stand, a hidden line gives the crate at hand the name `filch`, so that they are tested there too. Here
//! that line is taken away, and what is left of each has to compile in a crate that depends on `filch` alone.

use std::fmt::Write;
use std::path::{Path, PathBuf};

/// The crates whose items `filch` exports.
const BEHIND: [&str; 3] = ["executor/src", "reactor/src", "timer/src"];

/// What no user can write.
const FOREIGN: [&str; 4] = [
    "filch_executor::",
    "filch_reactor::",
    "filch_timer::",
    "TaskBuilder",
];

/// One example: where it is, and its lines without the comment's marks.
struct Example {
    place: String,
    lines: Vec<String>,
}

impl Example {
    /// The lines that a reader sees.
    fn visible(&self) -> impl Iterator<Item = &String> {
        self.lines.iter().filter(|line| hidden(line).is_none())
    }

    /// Whether it speaks of what `filch` exports: the others are for those who work on the crates themselves.
    fn is_for_users(&self) -> bool {
        self.lines.iter().any(|line| stands_in(line))
            || self.visible().any(|line| line.contains("filch::"))
    }

    /// Those of the feature `tokio`, of which only the documentation's tests know.
    fn needs_a_feature(&self) -> bool {
        self.visible().any(|line| line.contains("tokio"))
            || self.visible().any(|line| line.contains("filch::guest"))
    }

    /// The example in a function, as rustdoc puts it into one, without what stands in for `filch`.
    fn program(&self, number: usize) -> String {
        let body: Vec<&str> = self
            .lines
            .iter()
            .map(|line| hidden(line).unwrap_or(line))
            .collect();
        let mut body = body.join("\n");
        if let Some(start) = body.find("mod filch {") {
            let end = start + closing(&body[start..]);
            body.replace_range(start..=end, "");
        }
        let body = body.replace("extern crate filch_executor as filch;", "");
        let body = body.replace("extern crate filch_reactor as filch;", "");
        let output = match body.trim_end().ends_with("(())") {
            true => "-> Result<(), impl std::fmt::Debug>",
            false => "",
        };
        format!(
            "#[allow(dead_code)]\nfn example_{number}() {output} {{\n// {}\n{body}\n}}\n",
            self.place
        )
    }
}

/// What a hidden line holds, if it is one.
fn hidden(line: &str) -> Option<&str> {
    let line = line.trim_start();
    line.strip_prefix("# ").or((line == "#").then_some(""))
}

fn stands_in(line: &str) -> bool {
    line.contains("as filch;") || line.contains("mod filch {")
}

/// Where the block that `text` begins with ends.
fn closing(text: &str) -> usize {
    let mut depth = 0_usize;
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 1 => return at,
            '}' => depth -= 1,
            _ => {}
        }
    }
    panic!("an open block in {text}");
}

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

/// The examples of one file: what stands in its documentation between fences of Rust.
fn examples_of(file: &Path, found: &mut Vec<Example>) {
    let text = std::fs::read_to_string(file).expect("a source can be read");
    let mut open: Option<(bool, Example)> = None;
    for (number, line) in text.lines().enumerate() {
        let line = line.trim_start();
        let Some(line) = line
            .strip_prefix("///")
            .or_else(|| line.strip_prefix("//!"))
        else {
            continue;
        };
        let line = line.strip_prefix(' ').unwrap_or(line);
        let fence = line.trim_start().strip_prefix("```");
        match (fence, &mut open) {
            (Some(kind), None) => {
                let place = format!("{}:{}", file.display(), number + 1);
                open = Some((
                    kind != "text",
                    Example {
                        place,
                        lines: Vec::new(),
                    },
                ));
            }
            (Some(_), Some(_)) => {
                let (rust, example) = open.take().expect("just seen");
                found.extend(rust.then_some(example));
            }
            (None, Some((_, example))) => example.lines.push(line.to_owned()),
            (None, None) => {}
        }
    }
    assert!(
        open.is_none(),
        "a fence is not closed in {}",
        file.display()
    );
}

fn examples() -> Vec<Example> {
    let (mut files, mut found) = (Vec::new(), Vec::new());
    for folder in BEHIND {
        sources(
            &Path::new(env!("CARGO_MANIFEST_DIR")).join(folder),
            &mut files,
        );
    }
    files.sort();
    files.iter().for_each(|file| examples_of(file, &mut found));
    found
}

#[test]
fn no_example_shows_a_crate_that_users_do_not_have() {
    let examples = examples();
    assert!(
        examples.len() > 15,
        "only {} examples were found",
        examples.len()
    );
    for example in &examples {
        for line in example.visible() {
            let foreign = FOREIGN.iter().find(|name| line.contains(*name));
            assert!(foreign.is_none(), "{}: {line}", example.place);
        }
    }
}

#[test]
fn every_example_compiles_with_filch_alone() {
    let examples = examples();
    let alone = |it: &&Example| it.is_for_users() && !it.needs_a_feature();
    let examples: Vec<&Example> = examples.iter().filter(alone).collect();
    for item in [
        "filch::blocking(",
        "filch::cpu(",
        "filch::task_local!",
        "filch::task::Builder",
        "filch::Selector",
    ] {
        let shown = examples
            .iter()
            .any(|it| it.visible().any(|line| line.contains(item)));
        assert!(shown, "no example of {item}");
    }
    let mut program = String::from("fn main() {}\n");
    for (number, example) in examples.iter().enumerate() {
        write!(program, "{}", example.program(number)).expect("a String takes everything");
    }
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("copied_examples.rs");
    std::fs::write(&path, program).expect("the program can be written");
    trybuild::TestCases::new().pass(path);
}
