//! `use filch::net::*` and its like take no name away from whoever writes them: neither the standard library's nor the
//! crate `futures`.
//!
//! Every public module is imported by glob into a module of its own beside `futures`, which then uses the names that
//! everybody uses. It is enough that it compiles. Two names are meant to be taken, as those of their models are:
//! `filch::io` has a `Result` and an `Error`, like `std::io`; and `filch::test`, imported by `use filch::*`, is an
//! attribute of that name.

#![allow(unused_imports)]

use std::path::Path;

/// Uses names of the prelude and of `futures`, beside what was imported.
macro_rules! ordinary_code {
    () => {
        fn moved<T>(value: T) -> Box<dyn Fn() -> Option<T>>
        where
            T: Clone + Default + Send + Sync + Unpin + 'static,
        {
            Box::new(move || Some(value.clone()))
        }

        struct Guarded(String);

        impl Drop for Guarded {
            fn drop(&mut self) {
                drop(self.0.to_string());
            }
        }

        impl From<&str> for Guarded {
            fn from(text: &str) -> Guarded {
                Guarded(text.to_owned())
            }
        }

        async fn pinned<F: Future + Send>(future: F) -> Vec<F::Output> {
            let (first, second) = futures::join!(future, futures::future::ready(()));
            let () = second;
            vec![first]
        }

        pub(super) fn run() {
            assert_eq!(moved(7_u8)(), Some(7));
            drop(Guarded::from("text"));
            let outputs = futures::executor::block_on(pinned(async { 1 }));
            assert!(outputs.iter().eq([1].iter()));
            let mut stream = futures::stream::iter([1, 2]);
            let first = futures::executor::block_on(futures::StreamExt::next(&mut stream));
            assert!(matches!(first, Some(1)));
        }
    };
}

/// A module for each of filch's.
macro_rules! globs {
    ($($(#[$on:meta])* $name:ident: $($path:ident)::+;)*) => {
        $($(#[$on])* mod $name {
            use $($path)::+::*;
            ordinary_code!();
        })*

        #[test]
        fn a_glob_import_of_any_module_leaves_the_usual_names_alone() {
            $($(#[$on])* $name::run();)*
        }

        const IMPORTED: &[&str] = &[$(stringify!($($path)::+)),*];
    };
}

globs! {
    root: filch;
    root_future: filch::future;
    io: filch::io;
    io_future: filch::io::future;
    net: filch::net;
    #[cfg(unix)]
    net_unix: filch::net::unix;
    #[cfg(unix)]
    net_pipe: filch::net::unix::pipe;
    #[cfg(feature = "tls")]
    tls: filch::tls;
    #[cfg(feature = "tls")]
    tls_future: filch::tls::future;
    #[cfg(feature = "hyper")]
    http: filch::http;
    #[cfg(feature = "hyper")]
    http_rt: filch::http::rt;
    #[cfg(feature = "http")]
    http_future: filch::http::future;
    #[cfg(feature = "http")]
    http_sse: filch::http::sse;
    #[cfg(feature = "websocket")]
    http_websocket: filch::http::websocket;
    #[cfg(feature = "websocket")]
    http_websocket_future: filch::http::websocket::future;
    #[cfg(feature = "websocket")]
    http_websocket_codes: filch::http::websocket::close_code;
    #[cfg(feature = "http-client")]
    http_client: filch::http::client;
    #[cfg(feature = "http-client")]
    http_client_future: filch::http::client::future;
    testing: filch::testing;
    coop: filch::task::coop;
    time_error: filch::time::error;
    fs: filch::fs;
    fs_future: filch::fs::future;
    process: filch::process;
    process_future: filch::process::future;
    signal: filch::signal;
    signal_future: filch::signal::future;
    stream: filch::stream;
    wrappers: filch::stream::wrappers;
    wrappers_errors: filch::stream::wrappers::errors;
    sync: filch::sync;
    sync_future: filch::sync::future;
    broadcast: filch::sync::broadcast;
    broadcast_error: filch::sync::broadcast::error;
    broadcast_future: filch::sync::broadcast::future;
    mpsc: filch::sync::mpsc;
    mpsc_error: filch::sync::mpsc::error;
    watch: filch::sync::watch;
    watch_error: filch::sync::watch::error;
    watch_future: filch::sync::watch::future;
    oneshot: filch::sync::oneshot;
    oneshot_error: filch::sync::oneshot::error;
    oneshot_future: filch::sync::oneshot::future;
    task: filch::task;
    task_future: filch::task::future;
    time: filch::time;
    time_future: filch::time::future;
}

mod structures {
    use filch::future::*;
    use filch::task::*;
    use filch::*;
    use futures::prelude::*;

    /// No name is there twice.
    #[allow(
        dead_code,
        clippy::type_complexity,
        reason = "it is enough that it compiles"
    )]
    fn named(
        _: (
            TaskGroup<()>,
            LimitedGroup<()>,
            Limit<()>,
            GroupError<()>,
            GroupEnded,
        ),
        _: (
            Child<()>,
            Outcome<()>,
            JoinSet<()>,
            JoinHandle<()>,
            AbortHandle,
        ),
        _: (
            CancelToken,
            DropGuard,
            Cancelled,
            AbortOnDrop<()>,
            Shield<()>,
        ),
        _: (
            Cleanup<Ready<()>>,
            CleanupError,
            Gather<(), ()>,
            GatherResults<()>,
            When,
        ),
    ) {
    }

    type Ready<T> = futures::future::Ready<T>;

    ordinary_code!();
}

/// Where a future is called `Send`, after its method. They are named one by one, never by glob.
const WITH_SEND: [&str; 2] = ["filch::net::future", "filch::sync::mpsc::future"];

mod all_at_once {
    use filch::fs::*;
    use filch::io::*;
    use filch::net::*;
    use filch::process::*;
    use filch::signal::*;
    use filch::stream::*;
    use filch::sync::broadcast::*;
    use filch::sync::mpsc::*;
    use filch::sync::watch::*;
    use filch::sync::*;
    use filch::task::*;
    use filch::time::*;
    use filch::*;
    use futures::prelude::*;

    ordinary_code!();
}

#[test]
fn all_modules_at_once_leave_the_usual_names_alone() {
    all_at_once::run();
    structures::run();
}

/// The public modules that are declared in `file` and below, as paths.
fn declared(file: &Path, path: &str, found: &mut Vec<String>) {
    let text = std::fs::read_to_string(file).expect("a module has a file");
    let names = text.lines().filter_map(|line| {
        let name = line.trim().strip_prefix("pub mod ")?;
        name.split([';', ' '])
            .next()
            .filter(|name| !name.starts_with("__"))
    });
    for name in names {
        let path = format!("{path}::{name}");
        let folder = match file.file_stem() {
            Some(stem) if stem != "mod" && stem != "lib" => file.with_extension(""),
            _ => file.with_file_name(""),
        };
        found.push(path.clone());
        let files = [
            folder.join(format!("{name}.rs")),
            folder.join(name).join("mod.rs"),
        ];
        if let Some(file) = files.iter().find(|file| file.exists()) {
            declared(file, &path, found);
        }
    }
}

#[test]
fn no_module_is_left_out_here() {
    let mut modules = vec![String::from("filch")];
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs");
    declared(&root, "filch", &mut modules);
    let mut listed: Vec<String> = IMPORTED
        .iter()
        .chain(&WITH_SEND)
        .map(|path| path.replace(' ', ""))
        .collect();
    modules.sort();
    listed.sort();
    assert_eq!(listed, modules);
}
