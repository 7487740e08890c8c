//! Programs that end by themselves: the tour, the twins of Python programs, the demo, a crawler, jobs.

use super::tools::*;

#[test]
fn the_tour_prints_what_the_python_programs_print() {
    let tour = output("tour", &[]);
    assert!(tour.status.success(), "{}", text(&tour.stderr));
    let expected = [
        ("hello", "hello, world"),
        ("one after the other", "hello, world"),
        ("together", "hello, world"),
        (
            "results of several",
            "2 6 24, Task A: factorial(2) = 2, Task B: factorial(3) = 6, Task C: factorial(4) = 24",
        ),
        ("an error caught", "that was not a number"),
        ("every outcome", "1, 3, no number"),
        ("a timeout", "timeout!"),
        ("a cancelled task", "cancelled"),
        (
            "a blocking call",
            "blocking complete, both are done, start blocking",
        ),
        ("a group", "Both tasks have completed now., hello, world"),
        ("a group that fails", "out of order"),
        ("a group that ends early", "terminated"),
        ("a shield", "saved, took too long"),
        (
            "a limit that moves",
            "Looks like we haven't finished on time.",
        ),
        ("the first of several", "done: 1, pending: 1"),
        ("as they complete", "1, 2, 3"),
        ("from another thread", "7"),
        ("who is there", "forever"),
        ("an event", "... got it!, waiting for it ..."),
        ("a lock", "10"),
        ("a condition", "took bread"),
        ("a semaphore", "at most 2"),
        ("a barrier", "End of *preparation phase*, barrier passed"),
        ("workers and a queue", "3 workers, cancelled: True"),
        (
            "an echo server and its client",
            "Close the connection, Close the connection, Received 'Hello World!\\n', \
             Received: 'Hello World!\\n', Send: 'Hello World!', Send: 'Hello World!\\n'",
        ),
        ("a program's output", "hello from a program"),
        (
            "trio: a nursery",
            "  child1: exiting!,   child1: started! sleeping now...,   child2: exiting!, \
             \x20 child2: started! sleeping now..., parent: all done!, parent: spawning child1..., \
             parent: spawning child2..., parent: started!, parent: waiting for children to finish...",
        ),
        ("trio: move on", "gave up: True"),
        (
            "trio: channels",
            "got value 'message 0', got value 'message 1', got value 'message 2'",
        ),
        ("trio: several producers and consumers", "6 values"),
    ];
    let printed = text(&tour.stdout).split("\n-- ").skip(1).map(section);
    let expected = expected.map(|(title, lines)| (title, lines.to_owned()));
    assert_eq!(printed.collect::<Vec<_>>(), expected);
}

/// What the Python program of a page prints; nothing where there is no Python.
#[cfg(unix)]
fn python(page: &str) -> Option<String> {
    let path = format!("{}/docs/guide/{page}.md", env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(path).expect("a page");
    let program = page.split("```python\n").nth(1).expect("a program");
    let program = program.split("```").next().expect("its end");
    let ran = std::process::Command::new("python3")
        .args(["-c", program])
        .output();
    let ran = ran.ok()?;
    assert!(ran.status.success(), "{}", text(&ran.stderr));
    Some(text(&ran.stdout).to_owned())
}

/// The example prints this, and so does its twin on the page.
#[cfg(unix)]
fn twins(example: &str, page: &str, expected: &str) {
    let printed = output(example, &[]);
    assert!(printed.status.success(), "{}", text(&printed.stderr));
    assert_eq!(text(&printed.stdout), expected);
    if let Some(printed) = python(page) {
        assert_eq!(printed, expected);
    }
}

#[cfg(unix)]
#[test]
fn a_childs_output_is_streamed_as_in_python() {
    let expected = "child: line 1\nchild: line 2\nchild: line 3\nexit code 3\n";
    twins("child-output", "running-programs", expected);
}

#[cfg(unix)]
#[test]
fn a_rollback_is_awaited_as_in_python() {
    twins("rollback", "cancellation", "begin\nrollback\ntimeout\n");
}

/// A section's title and its lines in alphabetical order: tasks that sleep for 100 and 200 ms need not wake up in that
/// order on a busy machine, nor in time.
fn section(text: &str) -> (&str, String) {
    let (title, rest) = text.split_once('\n').expect("a title");
    let is_certain = |line: &&str| !line.is_empty() && !line.contains(" moments: ");
    let mut lines: Vec<&str> = rest.lines().filter(is_certain).collect();
    lines.sort_unstable();
    (title, lines.join(", "))
}

#[test]
fn the_demo_measures_the_server_alone_and_beside_a_task() {
    let demo = output("server-demo", &[]);
    assert!(demo.status.success(), "{}", text(&demo.stderr));
    let printed = text(&demo.stdout);
    for who in ["alone ", "beside a task "] {
        let line = printed
            .lines()
            .find(|line| line.starts_with(who))
            .expect("a line of figures");
        let rate: f64 = line[who.len()..]
            .split_whitespace()
            .next()
            .expect("a figure")
            .parse()
            .expect("a rate");
        assert!(rate > 0.0, "{line}");
        assert!(
            line.contains("p50") && line.contains("p99.9") && line.contains("max"),
            "{line}"
        );
    }
    assert!(
        !printed.contains("computed 0 times") && printed.contains("computed "),
        "{printed}"
    );
}

#[test]
fn a_crawler_gets_each_page_once_and_gives_up_where_there_is_no_hope() {
    let output = output("crawler", &["--pages", "40", "--limit", "4"]);
    assert!(output.status.success(), "{output:?}");
    let text = text(&output.stdout);
    let mut lines = text.lines();
    // 39 links down the tree, 40 back to its root, one to nowhere and one to what is broken. Of the retries 16 are of
    // busy pages, 4 of others that end in the middle, 1 of the one that does not answer, 8 of the broken one; a loaded
    // machine may add some.
    let first = lines.next().expect("a summary");
    let retries = first.strip_prefix("40 pages, 81 links, ");
    let retries = retries.and_then(|rest| rest.strip_suffix(" retries"));
    let retries: u32 = retries.expect(first).parse().expect("a number");
    assert!(retries >= 29, "{text}");
    assert_eq!(lines.next(), Some("gave up on /broken: status 500"));
    assert_eq!(lines.next(), Some("gave up on /nowhere: status 404"));
    let most = lines
        .next()
        .and_then(|line| line.strip_prefix("the site saw at most "));
    let most = most.and_then(|line| line.strip_suffix(" at a time"));
    let most: usize = most.expect("what the site saw").parse().expect("a number");
    assert!((1..=4).contains(&most), "{text}");
    assert_eq!(lines.next(), None);
}

#[test]
fn jobs_are_done_by_priority_and_among_equals_in_order() {
    let input = "5 0 0 report\n1 0 0 login\n5 0 0 mail\n0 0 0 alarm\n";
    let printed = output_for("jobs", &["--workers", "1"], input);
    let expected = "done alarm\ndone login\ndone report\ndone mail\ndrained: 4 done\n";
    assert_eq!(printed, expected);
}

#[test]
fn a_delayed_job_comes_when_its_time_has_come_though_it_is_more_urgent() {
    let input = "0 2000 0 later\ngo\n9 0 0 now\n5 10 0 soon\n";
    let printed = output_for("jobs", &["--workers", "1"], input);
    assert_eq!(
        printed,
        "done now\ndone soon\ndone later\ndrained: 3 done\n"
    );
}

#[test]
fn a_drain_does_all_that_was_taken_in_and_a_line_that_is_no_job_is_refused() {
    let jobs: String = (0..100)
        .map(|number| format!("{} {} 1 job-{number}\n", number % 3, number % 20))
        .collect();
    let printed = output_for("jobs", &["--workers", "8"], &format!("1 soon\n{jobs}"));
    let refused = printed
        .lines()
        .filter(|line| line.starts_with("refused "))
        .count();
    assert_eq!(refused, 1, "{printed}");
    let mut done: Vec<&str> = printed
        .lines()
        .filter_map(|line| line.strip_prefix("done "))
        .collect();
    done.sort_unstable();
    done.dedup();
    assert_eq!(done.len(), 100, "{printed}");
    assert!(printed.ends_with("drained: 100 done\n"), "{printed}");
}
