//! What is measured: the table of rows, one file per group.
//!
//! A micro row is a function over [`crate::runtimes::Runtime`] that runs inside a child process; a server row says what
//! server to start and what load to put on it. Names do not change: saved runs are compared by them.

mod alone;
mod blockers;
mod blocking;
mod countdown;
mod echo;
mod foreign;
mod groups;
#[cfg(feature = "http")]
mod http;
mod local;
mod locks;
mod meeting;
mod memory;
mod mixed;
mod plain;
mod row;
mod select;
mod spawn;
mod start;
mod system;
mod timer;
#[cfg(feature = "tls")]
mod tls;
mod wake;

pub(crate) use row::{Figure, Row, Work};

/// All rows, in the order they are measured and reported.
pub(crate) fn all() -> Vec<Row> {
    [
        spawn::rows(),
        foreign::rows(),
        wake::rows(),
        locks::rows(),
        alone::rows(),
        meeting::rows(),
        groups::rows(),
        select::rows(),
        plain::rows(),
        local::rows(),
        timer::rows(),
        blocking::rows(),
        system::rows(),
        #[cfg(feature = "tls")]
        tls::rows(),
        echo::rows(),
        mixed::rows(),
        #[cfg(feature = "http")]
        http::rows(),
        blockers::rows(),
        memory::rows(),
        start::rows(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The rows that any of `names` picks: a group, `group/name`, or the start of one that ends in `*`. No name picks all.
///
/// # Errors
/// Names what picks nothing.
pub(crate) fn select(names: &[String]) -> Result<Vec<Row>, String> {
    let rows = all();
    if let Some(name) = names
        .iter()
        .find(|name| !rows.iter().any(|row| picks(name, row)))
    {
        return Err(format!(
            "no row or group is named \"{name}\"; `list` shows them all"
        ));
    }
    Ok(rows
        .into_iter()
        .filter(|row| names.is_empty() || names.iter().any(|name| picks(name, row)))
        .collect())
}

fn picks(name: &str, row: &Row) -> bool {
    let full = row.full_name();
    match name.strip_suffix('*') {
        Some(start) => full.starts_with(start),
        None => name == row.group || name == full,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::runtimes::Peer;

    #[test]
    fn no_two_rows_share_a_name() {
        let rows = all();
        let names: HashSet<String> = rows.iter().map(Row::full_name).collect();
        assert_eq!(names.len(), rows.len());
    }

    #[test]
    fn a_group_a_row_and_a_prefix_select() {
        let names = |picked: &[&str]| {
            let picked: Vec<String> = picked.iter().map(|&name| name.to_owned()).collect();
            select(&picked)
                .unwrap()
                .iter()
                .map(Row::full_name)
                .collect::<Vec<_>>()
        };
        assert!(names(&["wake"]).contains(&"wake/yield".to_owned()));
        assert_eq!(names(&["wake/yield"]), ["wake/yield"]);
        assert!(names(&["wake/mpsc*"]).len() >= 4);
        assert_eq!(names(&[]).len(), all().len());
    }

    #[test]
    fn threads_take_part_where_they_only_echo() {
        let threads: Vec<String> = all()
            .iter()
            .filter(|row| row.includes(Peer::Threads))
            .map(Row::full_name)
            .collect();
        let takes_part = |name: &str| threads.iter().any(|row| row == name);
        assert!(takes_part("mixed/compute_20") && takes_part("mixed/interval_compute_20"));
        assert!(!takes_part("wake/yield") && !takes_part("udp/64_c1"));
        assert!(!takes_part("echo/timeout_64_c10"));
    }

    #[test]
    fn a_name_that_picks_nothing_is_an_error() {
        assert!(
            select(&["nonsense".to_owned()])
                .unwrap_err()
                .contains("nonsense")
        );
    }
}
