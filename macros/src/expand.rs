//! Writes the function that starts the runtime around the one that the user wrote.
//!
//! ```text
//! #[doc = ".."]                            // the user's attributes, visibility and name
//! pub fn start() -> R {
//!     async fn start() -> R { .. }         // the user's function, token by token
//!     ::filch::__private::main(::filch::Runtime::builder().workers(2), None, start())
//! }
//! ```
//!
//! The inner item is a function, not an `async` block: only a function has a declared return type, and with it `?`,
//! coercions such as `Err(Box::new(error))` into `Box<dyn Error>`, and type errors are exactly those of the function
//! as written.
//!
//! Who returns what can end a process (`main`, and a test that returns something) does so inside the task: the outer
//! function then returns the exit code that `Termination::report` gave there. So what the body returns, such as a
//! `Box<dyn Error>`, need not be `Send`.
//!
//! After an error the outer function is written without its call, so that its name exists and its body is still
//! checked.

use std::time::Duration;

use proc_macro::{Literal, TokenStream, TokenTree};

use crate::Attribute;
use crate::function::Function;
use crate::options::{self, Options};
use crate::tokens::{Error, fill};

/// What an attribute with the given options makes of the item under it.
pub(crate) fn expand(attribute: Attribute, tokens: TokenStream, item: TokenStream) -> TokenStream {
    let (options, mut errors) = options::parse(attribute, tokens);
    let function = match Function::parse(item.clone()) {
        Ok(function) => function,
        Err(error) => {
            errors.push(error);
            return with_errors(item, &errors);
        }
    };
    errors.extend(function.check(attribute));
    if function.has_receiver() {
        return with_errors(item, &errors);
    }
    if errors.is_empty() {
        started(attribute, &options, &function)
    } else {
        with_errors(not_started(attribute, &function), &errors)
    }
}

/// The item, and every error beside it.
fn with_errors(item: TokenStream, errors: &[Error]) -> TokenStream {
    let errors = errors.iter().map(Error::to_compile_error);
    errors.chain([item]).collect()
}

/// The function that starts the runtime.
fn started(attribute: Attribute, options: &Options, function: &Function) -> TokenStream {
    fill(
        "$test $attrs $vis fn $name() $output { $inner $call }",
        &[
            ("test", test_attribute(attribute)),
            ("attrs", function.attrs()),
            ("vis", function.vis.iter().cloned().collect()),
            ("name", name(function)),
            ("output", output(attribute, options, function)),
            ("inner", function.inner()),
            ("call", call(attribute, options, function)),
        ],
    )
}

/// The function after an error: it exists and its body is checked, but nothing runs it.
fn not_started(attribute: Attribute, function: &Function) -> TokenStream {
    fill(
        "$test $attrs #[allow(dead_code)] $vis fn $name() { $inner }",
        &[
            ("test", test_attribute(attribute)),
            ("attrs", function.attrs()),
            ("vis", function.vis.iter().cloned().collect()),
            ("name", name(function)),
            ("inner", function.inner()),
        ],
    )
}

/// Whether the body's output is reported inside the task, and only an exit code leaves it.
fn reports(attribute: Attribute, options: &Options, function: &Function) -> bool {
    let ends_a_process = attribute == Attribute::Test || function.plain_name() == "main";
    ends_a_process && !options.local && function.returns_something()
}

fn output(attribute: Attribute, options: &Options, function: &Function) -> TokenStream {
    match reports(attribute, options, function) {
        true => fill("-> ::std::process::ExitCode", &[]),
        false => function.output.iter().cloned().collect(),
    }
}

fn test_attribute(attribute: Attribute) -> TokenStream {
    match attribute {
        Attribute::Main => TokenStream::new(),
        Attribute::Test => fill("#[::core::prelude::v1::test]", &[]),
    }
}

fn name(function: &Function) -> TokenStream {
    TokenTree::from(function.name.clone()).into()
}

/// The call that hands the user's future to the runtime.
fn call(attribute: Attribute, options: &Options, function: &Function) -> TokenStream {
    let krate = options.path.clone().unwrap_or_else(|| fill("::filch", &[]));
    let run = match (
        attribute,
        options.local,
        reports(attribute, options, function),
    ) {
        (Attribute::Main, true, _) => "main_local",
        (Attribute::Main, false, false) => "main",
        (Attribute::Main, false, true) => "main_reported",
        (Attribute::Test, true, _) => "test_local",
        (Attribute::Test, false, false) => "test",
        (Attribute::Test, false, true) => "test_reported",
    };
    let template = match attribute {
        Attribute::Main => "$crate::__private::$run($builder, $limit, $name())",
        Attribute::Test => "$crate::__private::$run($text, $builder, $timeout, $name())",
    };
    let values = [
        ("builder", builder(options, &krate)),
        ("crate", krate),
        ("name", name(function)),
        ("text", text(function)),
        ("run", fill(run, &[])),
        ("limit", limit(options.shutdown_timeout)),
        ("timeout", duration(options.timeout())),
    ];
    fill(template, &values)
}

/// The test's whole name, as the test harness writes it.
fn text(function: &Function) -> TokenStream {
    let name = Literal::string(&function.plain_name());
    let values = [("name", TokenTree::from(name).into())];
    fill(
        "::core::concat!(::core::module_path!(), \"::\", $name)",
        &values,
    )
}

/// The runtime's builder with every option that was given.
fn builder(options: &Options, krate: &TokenStream) -> TokenStream {
    let mut builder = fill("$crate::Runtime::builder()", &[("crate", krate.clone())]);
    let calls = [
        (".workers($value)", &options.workers),
        (".thread_name($value)", &options.name),
        (".seed($value)", &options.seed),
    ];
    for (call, value) in calls {
        let value = value.iter().cloned().map(TokenTree::from);
        for value in value {
            builder.extend(fill(call, &[("value", value.into())]));
        }
    }
    if options.paused {
        builder.extend(fill(".start_paused(true)", &[]));
    }
    if options.tokio {
        builder.extend(fill(".tokio(true)", &[]));
    }
    builder
}

fn limit(limit: Option<Duration>) -> TokenStream {
    match limit.map(duration) {
        Some(limit) => fill("::core::option::Option::Some($limit)", &[("limit", limit)]),
        None => fill("::core::option::Option::None", &[]),
    }
}

fn duration(duration: Duration) -> TokenStream {
    let seconds = TokenTree::from(Literal::u64_unsuffixed(duration.as_secs()));
    let nanos = TokenTree::from(Literal::u32_unsuffixed(duration.subsec_nanos()));
    let values = [("seconds", seconds.into()), ("nanos", nanos.into())];
    fill("::core::time::Duration::new($seconds, $nanos)", &values)
}
