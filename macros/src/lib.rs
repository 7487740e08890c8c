//! The attribute macros of the filch runtime: `#[filch::main]` and `#[filch::test]`.
//!
//! Users meet them as re-exports of `filch`, never here: the code they expand to names `::filch::__private`, which
//! only `filch` has (or, with `crate = path`, whatever stands at that path). This crate knows no runtime. It reads an
//! attribute's options (`options`), reads the function under it (`function`) and writes the function that starts a
//! runtime (`expand`).
//!
//! Two promises to whoever writes `async fn` under an attribute:
//!
//! - **The body is the user's.** It is carried over token by token with its spans, unparsed, as the body of an `async
//!   fn` of the same name and return type. Type errors, hints and completion are those of the function as it stands
//!   in the file, also while it is half typed.
//! - **A misuse is one error, at the token that is wrong.** The function is still there after an error, so that
//!   nothing else fails because of it.

mod duration;
mod literal;
mod tokens;

mod function;
mod options;

mod expand;

use proc_macro::TokenStream;

/// Which attribute is being expanded.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Attribute {
    Main,
    Test,
}

impl Attribute {
    /// The attribute as users write it, for messages.
    fn text(self) -> &'static str {
        match self {
            Attribute::Main => "#[filch::main]",
            Attribute::Test => "#[filch::test]",
        }
    }
}

/// Runs an `async fn main` on a filch runtime.
///
/// The function's body becomes the root future, as with `filch::run`: it must be `Send` and runs as a task, the
/// calling thread is one of the workers meanwhile, and when it ends all tasks that are left are cancelled and waited
/// for. Any function without arguments can carry the attribute; one that is not called `main` starts its runtime each
/// time it is called.
///
/// `main` may return whatever can end a process, such as `std::io::Result<()>`, `Result<(), Box<dyn Error>>` or
/// `ExitCode`; it is reported as soon as the body has ended, before the other tasks are waited for. A function of
/// another name returns its value to its caller on another thread, so the value must be `Send`.
///
/// # A body that is not `Send`
///
/// rustc then says "future cannot be sent between threads safely" and shows which value is held across which `.await`.
/// Where it says "implementation of `Send` is not general enough" instead, it has lost track of a closure's lifetimes,
/// often those of an `async |..|` closure that borrows; nothing is wrong with the body. Either way
/// `#[filch::main(local)]` runs it, and so does `Runtime::block_on`, beside tasks that use every core.
///
/// # Options
///
/// | option | meaning | default |
/// |---|---|---|
/// | `workers = 4` | how many threads run tasks at a time, at least 1 | `FILCH_WORKERS`, else the CPUs available to the process |
/// | `name = "api"` | name of the runtime's threads | chosen by the runtime |
/// | `seed = 42` | seed of every random choice the runtime makes | drawn afresh each time |
/// | `shutdown_timeout = "10s"` | how long the end may take, in `ms`, `s` or `m`; what has not ended then is named on standard error and left behind; beside `local`, futures are dropped in any case | for ever |
/// | `local` | run on a `LocalRuntime`: one thread, FIFO order, futures need not be `Send`; excludes `workers` | |
/// | `tokio` | a tokio runtime beside it, for crates that need one; with filch's feature `tokio` | |
/// | `crate = path` | where `filch` is found, for crates that re-export it | `::filch` |
///
/// # Panics
///
/// The function panics if the runtime cannot be started (for example because the process may open no more
/// descriptors), if it is called inside a runtime, and with the body's own panic if the body panics.
///
/// # Example
///
/// ```
/// #[filch::main(workers = 2, name = "greeter")]
/// async fn main() -> std::io::Result<()> {
///     let greeting = filch::spawn(async { "hello" });
///     println!("{}", greeting.await?);
///     Ok(())
/// }
/// ```
///
/// `Self` cannot be named inside the function, which becomes an item of its own: keep it outside of `impl` blocks.
#[proc_macro_attribute]
pub fn main(options: TokenStream, item: TokenStream) -> TokenStream {
    expand::expand(Attribute::Main, options, item)
}

/// Makes an `async fn` a test that runs on a filch runtime of its own, and fails it when it hangs.
///
/// The body must be `Send` and runs as a task named after the test while the test's thread waits for it. A test that
/// has not ended after its timeout fails with a dump of the runtime's tasks: the name of each, where it was spawned,
/// what it waits for, since when, and where in the source. `#[should_panic]`, `#[ignore]` and the other attributes of
/// a test work as usual, and so does returning a `Result`, of whatever error.
///
/// # Options
///
/// Those of [`#[filch::main]`](macro@main) but `shutdown_timeout`, and `timeout = "5s"`: how long the test may take, in
/// `ms`, `s` or `m`, fractions allowed (`"1.5s"`); the default is 60 s. `tokio` excludes a clock that is `paused`.
///
/// With `local` the body runs on the test's own thread, which cannot be taken away from it. A `local` test that hangs
/// therefore **ends the whole test process** after its dump, with exit code 101: the tests that have not run yet do
/// not run.
///
/// # Panics
///
/// The test panics, and thereby fails, if the body panics (with the body's own panic, for `#[should_panic(expected =
/// ..)]`), if it does not end in time, or if the runtime cannot be started or stopped.
///
/// # Example
///
/// ```
/// #[filch::test(timeout = "5s")]
/// async fn answers() {
///     let answer = filch::spawn(async { 6 * 7 });
///     assert_eq!(answer.await.unwrap(), 42);
/// }
/// ```
#[proc_macro_attribute]
pub fn test(options: TokenStream, item: TokenStream) -> TokenStream {
    expand::expand(Attribute::Test, options, item)
}
