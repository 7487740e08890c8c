//! The options of an attribute: what stands in the parentheses of `#[filch::main(..)]`.
//!
//! Options are read one by one, and a wrong one does not hide the next: every error is collected, each at the token
//! that is wrong.

use std::iter::Peekable;
use std::time::Duration;
use std::vec::IntoIter;

use proc_macro::{Ident, Literal, TokenStream, TokenTree};

use crate::tokens::{Error, is, visible};
use crate::{Attribute, duration, literal};

/// How long a test may take if it does not say.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(60);

/// The options of one attribute, checked; what was not given is `None`.
#[derive(Default)]
pub(crate) struct Options {
    pub(crate) workers: Option<Literal>,
    pub(crate) name: Option<Literal>,
    pub(crate) seed: Option<Literal>,
    pub(crate) path: Option<TokenStream>,
    pub(crate) local: bool,
    /// Whether a test's clock is paused from the start.
    pub(crate) paused: bool,
    /// Whether there is a tokio runtime beside it.
    pub(crate) tokio: bool,
    /// How long the end of `main` may take.
    pub(crate) shutdown_timeout: Option<Duration>,
    timeout: Option<Duration>,
}

impl Options {
    pub(crate) fn timeout(&self) -> Duration {
        self.timeout.unwrap_or(DEFAULT_TIMEOUT)
    }
}

/// One option as it was written: `name` or `name = value`.
struct Written {
    name: Ident,
    value: Option<Vec<TokenTree>>,
}

type Tokens = Peekable<IntoIter<TokenTree>>;

/// Reads the options of `attribute`. The options are usable, with what was wrong left out, even if there are errors.
pub(crate) fn parse(attribute: Attribute, tokens: TokenStream) -> (Options, Vec<Error>) {
    let mut options = Options::default();
    let mut errors = Vec::new();
    let mut seen: Vec<Written> = Vec::new();
    for written in split(attribute, tokens, &mut errors) {
        if seen.iter().any(|other| other.is(&written.text())) {
            errors.push(Error::new(
                written.name.span(),
                format!("`{}` is given twice", written.name),
            ));
            continue;
        }
        errors.extend(options.set(attribute, &written).err());
        seen.push(written);
    }
    errors.extend(check_local(&seen));
    errors.extend(check_tokio(&seen));
    (options, errors)
}

/// `local` means one thread: the calling one, which nothing can be taken away from.
const ONE_THREAD: [(&str, &str); 1] = [(
    "workers",
    "`local` runs everything on one thread: `workers` has no meaning beside it",
)];

/// What contradicts `local`.
fn check_local(seen: &[Written]) -> Vec<Error> {
    let mut errors = Vec::new();
    if seen.iter().any(|option| option.is("local")) {
        for (name, message) in ONE_THREAD {
            let option = seen.iter().find(|option| option.is(name));
            errors.extend(option.map(|option| Error::new(option.name.span(), message)));
        }
    }
    errors
}

/// What `tokio` needs, and what contradicts it. One error is enough.
fn check_tokio(seen: &[Written]) -> Option<Error> {
    let option = seen.iter().find(|option| option.is("tokio"))?;
    let message = if !cfg!(feature = "tokio") {
        "`tokio` needs filch's feature of that name; in Cargo.toml: \
         filch = { version = \"0.1\", features = [\"tokio\"] }"
    } else if seen.iter().any(|option| option.is("paused")) {
        "`tokio` and `paused` exclude each other: tokio's clock is real"
    } else {
        return None;
    };
    Some(Error::new(option.name.span(), message))
}

/// Splits the tokens at their commas into options. What does not begin with a name is an error and left out.
fn split(attribute: Attribute, tokens: TokenStream, errors: &mut Vec<Error>) -> Vec<Written> {
    let mut all = Vec::new();
    let mut tokens = visible(tokens).into_iter().peekable();
    while tokens.peek().is_some() {
        match Written::parse(attribute, &mut tokens) {
            Ok(written) => all.push(written),
            Err(error) => errors.push(error),
        }
        until_comma(&mut tokens);
        tokens.next();
    }
    all
}

/// Takes every token before the next comma.
fn until_comma(tokens: &mut Tokens) -> Vec<TokenTree> {
    std::iter::from_fn(|| tokens.next_if(|token| !is(token, ','))).collect()
}

impl Written {
    fn parse(attribute: Attribute, tokens: &mut Tokens) -> Result<Written, Error> {
        let first: Vec<TokenTree> = tokens.peek().cloned().into_iter().collect();
        let [TokenTree::Ident(name)] = &*first else {
            let message = format!("expected an option: {}", known(attribute));
            return Err(Error::at(&first, message));
        };
        tokens.next();
        let value = match tokens.peek() {
            Some(token) if is(token, '=') => {
                tokens.next();
                Some(until_comma(tokens))
            }
            Some(token) if !is(token, ',') => {
                let message = format!("expected `=` or `,` after `{name}`");
                return Err(Error::new(token.span(), message));
            }
            _ => None,
        };
        Ok(Written {
            name: name.clone(),
            value,
        })
    }

    fn text(&self) -> String {
        self.name.to_string()
    }

    fn is(&self, name: &str) -> bool {
        self.text() == name
    }

    /// The error that this option wants something else.
    fn wants(&self, wanted: &str) -> Error {
        let message = format!("`{}` wants {wanted}", self.name);
        match &self.value {
            Some(tokens) if !tokens.is_empty() => Error::at(tokens, message),
            _ => Error::new(self.name.span(), message),
        }
    }

    /// The value's tokens, of which there may be none.
    fn tokens(&self) -> Vec<TokenTree> {
        visible(self.value.iter().flatten().cloned().collect())
    }

    /// The value, if it is a literal.
    fn literal(&self) -> Option<Literal> {
        match &*self.tokens() {
            [TokenTree::Literal(literal)] => Some(literal.clone()),
            _ => None,
        }
    }

    /// The value as a whole number, or an error that says what this option wants.
    fn integer(&self, wanted: &str) -> Result<(Literal, u64), Error> {
        let read = |literal: Literal| {
            let value = literal::integer(&literal.to_string())?;
            let mut plain = Literal::u64_unsuffixed(value);
            plain.set_span(literal.span());
            Some((plain, value))
        };
        self.literal()
            .and_then(read)
            .ok_or_else(|| self.wants(wanted))
    }

    /// The value as a string, or an error that says what this option wants.
    fn string(&self, wanted: &str) -> Result<(Literal, String), Error> {
        let read =
            |literal: Literal| Some((literal.clone(), literal::string(&literal.to_string())?));
        self.literal()
            .and_then(read)
            .ok_or_else(|| self.wants(wanted))
    }
}

impl Options {
    fn set(&mut self, attribute: Attribute, written: &Written) -> Result<(), Error> {
        match written.text().as_str() {
            "workers" => self.workers = Some(workers(written)?),
            "name" => self.name = Some(name(written)?),
            "seed" => self.seed = Some(seed(written)?),
            "crate" => self.path = Some(path(written)?),
            "local" => self.local = alone(written)?,
            "tokio" => self.tokio = alone(written)?,
            "paused" if attribute == Attribute::Test => self.paused = alone(written)?,
            "timeout" if attribute == Attribute::Test => self.timeout = Some(timeout(written)?),
            "shutdown_timeout" if attribute == Attribute::Main => {
                self.shutdown_timeout = Some(timeout(written)?);
            }
            other => return Err(Error::new(written.name.span(), unknown(attribute, other))),
        }
        Ok(())
    }
}

fn workers(written: &Written) -> Result<Literal, Error> {
    let wanted = "a number of threads, such as `workers = 4`";
    match written.integer(wanted)? {
        (literal, 0) => Err(Error::new(
            literal.span(),
            "`workers = 0` would run nothing: at least one worker is needed",
        )),
        (literal, count) if u32::try_from(count).is_ok() => Ok(literal),
        _ => Err(written.wants(wanted)),
    }
}

fn seed(written: &Written) -> Result<Literal, Error> {
    let wanted = "a number that fits in 64 bits, such as `seed = 42`";
    Ok(written.integer(wanted)?.0)
}

fn name(written: &Written) -> Result<Literal, Error> {
    let (literal, value) = written.string("a string, such as `name = \"api\"`")?;
    if value.contains('\0') {
        return Err(Error::new(
            literal.span(),
            "the name of a thread cannot contain a NUL character",
        ));
    }
    Ok(literal)
}

/// Names with `::` between them, and perhaps before them.
fn path(written: &Written) -> Result<TokenStream, Error> {
    let tokens = written.tokens();
    let mut rest = after_colons(&tokens).unwrap_or(&tokens);
    while let [TokenTree::Ident(_), more @ ..] = rest {
        match after_colons(more) {
            Some(more) => rest = more,
            None if more.is_empty() => return Ok(tokens.into_iter().collect()),
            None => break,
        }
    }
    Err(written.wants("a path without quotes, such as `crate = my_crate::filch`"))
}

/// What follows `::`, if `tokens` begin with it.
fn after_colons(tokens: &[TokenTree]) -> Option<&[TokenTree]> {
    match tokens {
        [first, second, rest @ ..] if is(first, ':') && is(second, ':') => Some(rest),
        _ => None,
    }
}

/// An option that is there or not.
fn alone(written: &Written) -> Result<bool, Error> {
    let name = &written.name;
    match &written.value {
        None => Ok(true),
        Some(tokens) => Err(Error::new(
            tokens.first().map_or(name.span(), TokenTree::span),
            format!("`{name}` takes no value: write `{name}` alone, or leave it out"),
        )),
    }
}

fn timeout(written: &Written) -> Result<Duration, Error> {
    let (literal, text) = written.string(&format!(
        "a string with a unit, such as `{} = \"5s\"`",
        written.name
    ))?;
    duration::parse(&text).map_err(|message| Error::new(literal.span(), message))
}

/// The options there are.
fn known(attribute: Attribute) -> &'static str {
    match attribute {
        Attribute::Main => {
            "`workers`, `name`, `seed`, `shutdown_timeout`, `local`, `tokio` or `crate`"
        }
        Attribute::Test => {
            "`workers`, `name`, `seed`, `local`, `paused`, `tokio`, `timeout` or `crate`"
        }
    }
}

/// What to say about an option that does not exist; names from other runtimes' attributes get the name they have
/// here.
fn unknown(attribute: Attribute, name: &str) -> String {
    let hint = match name {
        "worker_threads" | "threads" => "; the number of threads is `workers = n` here",
        "flavor" => "; a runtime on one thread is `local` here",
        "timeout" => {
            "; a timeout is for #[filch::test], and `shutdown_timeout` for the end of `main`"
        }
        "paused" => "; a paused clock is for #[filch::test]",
        "start_paused" => "; a clock that is paused from the start is `paused` here",
        "shutdown_timeout" => "; a test's `timeout` is that of its end, too",
        _ => "",
    };
    format!(
        "{} has no option `{name}`: it knows {}{hint}",
        attribute.text(),
        known(attribute)
    )
}
