//! Who takes part in a run: filch, the peers that are there and, with `--against`, another build of filch and this one
//! a second time.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::options::{Error, RunOptions};
use super::process;
use super::sample::{AGAIN, OTHER};
use crate::rows::Row;
use crate::runtimes::Peer;
use crate::runtimes::peer::Found;

/// One who takes part.
#[derive(Clone, Debug)]
pub(crate) struct Contender {
    /// What reports call it.
    pub(crate) name: &'static str,
    /// Whose code it runs: what a child is asked for.
    pub(crate) peer: Peer,
    /// Where that code is.
    pub(crate) found: Found,
}

impl Contender {
    /// A peer by its own name.
    pub(crate) fn peer(peer: Peer, found: Found) -> Contender {
        Contender {
            name: peer.name(),
            peer,
            found,
        }
    }

    fn filch(name: &'static str, found: Found) -> Contender {
        Contender {
            name,
            peer: Peer::Filch,
            found,
        }
    }
}

/// The asked-for peers that are there; the others are named on standard error. The other build comes between the two
/// runs of this one.
pub(crate) fn find(
    options: &RunOptions,
    rows: &[Row],
    against: Option<&OtherBuild>,
) -> Vec<Contender> {
    let mut contenders = Vec::new();
    for &peer in &options.peers {
        if !rows.iter().any(|row| row.includes(peer)) {
            eprintln!(
                "{peer} is skipped: it takes part in server rows only, and none was asked for"
            );
            continue;
        }
        match peer.find() {
            Found::Missing(why) => eprintln!("{peer} is skipped: {why}"),
            found => contenders.push(Contender::peer(peer, found)),
        }
    }
    if let Some(other) = against {
        let builds = [
            Contender::filch(OTHER, Found::Build(other.binary.clone())),
            Contender::filch(AGAIN, Found::Linked),
        ];
        contenders.splice(1..1, builds);
    }
    contenders
}

/// The binary of another commit.
#[derive(Debug)]
pub(crate) struct OtherBuild {
    /// Where it is.
    pub(crate) binary: PathBuf,
    /// What it says of each row that it knows, by name: unit and description.
    rows: HashMap<String, String>,
}

impl OtherBuild {
    /// Asks the binary for its rows, with the `list` that every build has.
    ///
    /// # Errors
    /// When there is no such file, or it is no build of this harness.
    pub(crate) fn ask(binary: &Path) -> Result<OtherBuild, Error> {
        let binary = std::fs::canonicalize(binary)
            .map_err(|error| format!("--against {}: {error}", binary.display()))?;
        let not_ours = |why: &str| format!("{} is no filch-bench: {why}", binary.display());
        let listed = process::output(Command::new(&binary).arg("list"))
            .map_err(|error| not_ours(&error.to_string()))?;
        let rows = parse_list(&listed);
        if rows.is_empty() {
            return Err(not_ours("its `list` has no rows").into());
        }
        Ok(OtherBuild { binary, rows })
    }

    /// Takes out of `rows` those that the two builds cannot be compared on, and says of each why.
    pub(crate) fn drop_unknown(&self, rows: &mut Vec<Row>) -> Vec<(String, String)> {
        let skipped: Vec<(String, String)> = rows
            .iter()
            .filter_map(|row| Some((row.full_name(), self.objection(row)?)))
            .collect();
        rows.retain(|row| self.objection(row).is_none());
        skipped
    }

    fn objection(&self, row: &Row) -> Option<String> {
        match self.rows.get(&row.full_name()) {
            None => Some("the other build does not know it".to_owned()),
            Some(said) if !said.starts_with(&format!("{} ", row.unit)) => Some(format!(
                "its figure is {} here and another in the other build",
                row.unit
            )),
            Some(_) => None,
        }
    }
}

/// A group stands at the beginning of a line; a row is indented, its name first.
fn parse_list(listed: &str) -> HashMap<String, String> {
    let rows = listed.lines().filter_map(|line| line.strip_prefix("  "));
    rows.filter_map(|line| line.trim().split_once(' '))
        .map(|(name, said)| (name.to_owned(), said.trim().to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows;

    const LIST: &str = "wake\n  wake/yield       ns/yield       200 tasks that yield\n\
                        echo\n  echo/tcp_64_c1   µs             TCP echo\n";

    fn other() -> OtherBuild {
        OtherBuild {
            binary: PathBuf::from("/other"),
            rows: parse_list(LIST),
        }
    }

    fn rows(names: &[&str]) -> Vec<Row> {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        rows::select(&names).unwrap()
    }

    #[test]
    fn rows_that_the_other_build_does_not_know_are_dropped_and_named() {
        let mut chosen = rows(&["wake/yield", "local/yield"]);
        let skipped = other().drop_unknown(&mut chosen);
        assert_eq!(chosen.len(), 1);
        assert_eq!(skipped[0].0, "local/yield");
        assert!(skipped[0].1.contains("does not know"));
    }

    #[test]
    fn a_row_with_another_unit_is_dropped() {
        let mut chosen = rows(&["echo/tcp_64_c1"]);
        let skipped = other().drop_unknown(&mut chosen);
        assert!(chosen.is_empty());
        assert!(skipped[0].1.contains("requests/s here"), "{skipped:?}");
    }

    #[test]
    fn this_build_knows_all_its_own_rows() {
        let mut all = rows::all();
        let count = all.len();
        let listed: String = all
            .iter()
            .map(|row| format!("{}\n", super::super::report::listed(row)))
            .collect();
        let own = OtherBuild {
            binary: PathBuf::new(),
            rows: parse_list(&listed),
        };
        assert_eq!(own.drop_unknown(&mut all), []);
        assert_eq!(all.len(), count);
    }

    #[test]
    fn what_is_no_build_of_the_harness_is_refused() {
        let refused = |path: &str| OtherBuild::ask(Path::new(path)).unwrap_err().to_string();
        assert!(refused("/bin/true").contains("no filch-bench"));
        assert!(refused("/no/such/file").contains("--against"));
    }

    #[test]
    fn the_other_build_runs_between_the_two_runs_of_this_one() {
        let options = RunOptions {
            peers: vec![Peer::Filch, Peer::Smol],
            ..RunOptions::default()
        };
        let names = |against: Option<&OtherBuild>| {
            let found = find(&options, &rows(&["wake/yield"]), against);
            found
                .iter()
                .map(|contender| contender.name)
                .collect::<Vec<_>>()
        };
        assert_eq!(names(Some(&other())), ["filch", OTHER, AGAIN, "smol"]);
        assert_eq!(names(None), ["filch", "smol"]);
    }
}
