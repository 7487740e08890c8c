//! Pipes in memory, files, processes and signals: no byte, child or descriptor is lost.

use super::{Row, SOON, each, later, ready, row};
use filch::fs;
use filch::io::{AsyncReadExt, BufReader, ReadLimitExt, duplex};
use filch::process::{Command, Stdio};
use filch::signal::{SignalKind, Signals};
use filch::task::WaitKind;
use filch::testing::{Cut, Report};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

const BYTES: &[u8] = b"filch";

/// A file of this process, with `BYTES` in it.
#[derive(Clone)]
pub(super) struct Scratch(pub(super) Arc<PathBuf>);

impl Scratch {
    pub(super) fn new() -> Scratch {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("filch-cut-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, BYTES).unwrap();
        Scratch(Arc::new(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if Arc::strong_count(&self.0) == 1 {
            let _ = std::fs::remove_file(&*self.0);
        }
    }
}

/// What is done to a file leaves it as it was, or with the whole of `after` in it.
fn file(after: &'static [u8], run: impl AsyncFn(PathBuf) + Clone + 'static) -> Report {
    each(
        Scratch::new,
        move |scratch: Scratch| {
            let run = run.clone();
            async move { run(scratch.0.to_path_buf()).await }
        },
        async |scratch: Scratch, cut: Cut| {
            let found = fs::read(&*scratch.0).await.unwrap();
            // A call that has begun goes on, on its thread, and may not be over yet.
            let may_be = [BYTES, after, b""];
            assert!(may_be.contains(&&found[..]), "{found:?}");
            assert!(!cut.is_finished() || found == after);
        },
    )
}

/// A child that runs for a minute, unless it is killed.
fn child(run: impl AsyncFn(&mut Command) + Clone + 'static) -> Report {
    each(
        || (),
        move |()| {
            let run = run.clone();
            async move {
                let mut command = Command::new("sleep");
                command.arg("60").kill_on_drop(true).stdin(Stdio::null());
                run(&mut command).await;
            }
        },
        async |(), _| (),
    )
}

pub(super) const ROWS: &[Row] = &[
    row("io::future::CopyAll", WaitKind::Duplex, || {
        each(
            || (),
            async |()| {
                let ((mut from, into), (mut out, mut end)) = (duplex(2), duplex(2));
                let fed =
                    async move { filch::io::AsyncWriteExt::write_all(&mut from, BYTES).await };
                filch::spawn(fed);
                let read = async move {
                    let mut all = Vec::new();
                    end.read_to_end(&mut all).await.unwrap();
                    all
                };
                let reader = filch::spawn(read);
                assert_eq!(filch::io::copy(into, &mut out).await.unwrap(), 5);
                drop(out);
                assert_eq!(reader.await.unwrap(), BYTES);
            },
            async |(), _| (),
        )
    }),
    row("io::future::CopyBidirectional", WaitKind::Duplex, || {
        each(
            || (),
            async |()| {
                let ((mut one, a), (b, two)) = (duplex(2), duplex(2));
                let (mut a, mut b) = (a, b);
                filch::spawn(async move {
                    drop(filch::io::AsyncWriteExt::write_all(&mut one, BYTES).await);
                });
                later(move || drop(two));
                let _ = filch::io::copy_bidirectional(&mut a, &mut b).await;
            },
            async |(), _| (),
        )
    }),
    row("io::future::ReadUntilLimit", WaitKind::Duplex, || {
        each(
            || (),
            async |()| {
                let (mut one, two) = duplex(2);
                filch::spawn(async move {
                    drop(filch::io::AsyncWriteExt::write_all(&mut one, b"a line\n").await);
                });
                let (mut reader, mut line) = (BufReader::new(two), Vec::new());
                assert_eq!(
                    reader.read_until_limit(b'\n', &mut line, 99).await.unwrap(),
                    7
                );
            },
            async |(), _| (),
        )
    }),
    row("io::future::ReadLineLimit", WaitKind::Duplex, || {
        each(
            || (),
            async |()| {
                let (mut one, two) = duplex(2);
                filch::spawn(async move {
                    drop(filch::io::AsyncWriteExt::write_all(&mut one, b"a line\n").await);
                });
                let (mut reader, mut line) = (BufReader::new(two), String::new());
                assert_eq!(reader.read_line_limit(&mut line, 99).await.unwrap(), 7);
            },
            async |(), _| (),
        )
    }),
    // The call may be over before anybody asks.
    ready("fs::future::Operation", || {
        file(b"anew", async |path| {
            fs::write(path, b"anew").await.unwrap()
        })
    }),
    row("fs::future::Exclusively", WaitKind::File, || {
        file(b"", async |path| {
            let mut file = fs::File::options().write(true).open(path).await.unwrap();
            file.set_len(0).await.unwrap();
            file.sync_all().await.unwrap();
        })
    }),
    // What is in memory is there at once.
    ready("fs::future::Rewind", || {
        file(BYTES, async |path| {
            let mut file = fs::File::open(path).await.unwrap();
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes).await.unwrap();
            file.rewind().await.unwrap();
            file.read_to_end(&mut bytes).await.unwrap();
            assert_eq!(bytes.len(), 10);
        })
    }),
    // What is in memory is there at once.
    ready("fs::future::IntoStd", || {
        file(BYTES, async |path| {
            drop(fs::File::open(path).await.unwrap().into_std().await)
        })
    }),
    // What is in memory is there at once.
    ready("fs::future::NextEntry", || {
        file(BYTES, async |path| {
            let mut entries = fs::read_dir(path.parent().unwrap()).await.unwrap();
            assert!(entries.next_entry().await.unwrap().is_some());
        })
    }),
    ready("process::future::Wait", || {
        each(
            || (),
            async |()| {
                let mut child = Command::new("true").spawn().unwrap();
                assert!(child.wait().await.unwrap().success());
            },
            async |(), _| (),
        )
    }),
    row("process::future::Kill", WaitKind::Child, || {
        child(async |command| {
            let mut child = command.spawn().unwrap();
            child.kill().await.unwrap();
            // Its status is kept.
            assert!(!child.wait().await.unwrap().success());
        })
    }),
    row("process::future::Stop", WaitKind::Child, || {
        child(async |command| {
            let mut child = command.spawn().unwrap();
            assert!(!child.stop(SOON).await.unwrap().success());
        })
    }),
    // The child may have ended already.
    ready("process::future::Status", || {
        each(
            || (),
            async |()| assert!(Command::new("true").status().await.unwrap().success()),
            async |(), _| (),
        )
    }),
    row("process::future::WaitWithOutput", WaitKind::Read, || {
        each(
            || (),
            async |()| {
                let output = Command::new("echo").arg("filch").output().await.unwrap();
                assert_eq!(output.stdout, b"filch\n");
            },
            async |(), _| (),
        )
    }),
    row("signal::future::Recv", WaitKind::Signal, || {
        each(
            || (),
            async |()| {
                let mut signals = Signals::new([SignalKind::window_change()]).unwrap();
                // By default it does nothing.
                later(|| {
                    let own = rustix::process::getpid();
                    rustix::process::kill_process(own, rustix::process::Signal::WINCH).unwrap();
                });
                assert_eq!(signals.recv().await.unwrap(), SignalKind::window_change());
            },
            async |(), _| (),
        )
    }),
    row("signal::future::Arrival", WaitKind::Signal, || {
        // It never comes.
        each(
            || (),
            async |()| drop(filch::signal::terminate().await),
            async |(), _| (),
        )
    }),
];

/// What no run has left: a child of this process, or a descriptor.
#[test]
fn no_child_is_left_as_a_zombie() {
    let children = || {
        let tasks = std::fs::read_dir("/proc/self/task").unwrap();
        let of_each = tasks.map(|task| task.unwrap().path().join("children"));
        of_each
            .filter_map(|path| std::fs::read_to_string(path).ok())
            .collect::<String>()
    };
    let rows = ROWS.iter().filter(|row| row.name.starts_with("process::"));
    super::all_of(&rows.copied().collect::<Vec<_>>());
    super::common::wait_until("all children are waited for", || children().is_empty());
}
