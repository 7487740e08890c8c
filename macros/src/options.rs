//! The options of an attribute: what stands in the parentheses of `#[filch::main(..)]`.
//!
//! Options are read one by one, and a wrong one does not hide the next: every error is collected, each at the token that is wrong.

use std::time::Duration;

use proc_macro2::{TokenStream, TokenTree};
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{Error, Ident, LitInt, LitStr, Path, Result, Token};

use crate::{Attribute, duration};

/// How long a test may take if it does not say.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(60);

/// The options of one attribute, checked; what was not given is `None`.
#[derive(Default)]
pub(crate) struct Options {
    pub(crate) workers: Option<LitInt>,
    pub(crate) name: Option<LitStr>,
    pub(crate) seed: Option<LitInt>,
    pub(crate) path: Option<Path>,
    pub(crate) local: bool,
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
    value: Option<TokenStream>,
}

/// Reads the options of `attribute`. The options are usable, with what was wrong left out, even if there are errors.
pub(crate) fn parse(attribute: Attribute, tokens: TokenStream) -> (Options, Vec<Error>) {
    let mut options = Options::default();
    let mut errors = Vec::new();
    let mut seen: Vec<Ident> = Vec::new();
    for written in split(attribute, tokens, &mut errors) {
        if seen.contains(&written.name) {
            errors.push(Error::new(
                written.name.span(),
                format!("`{}` is given twice", written.name),
            ));
            continue;
        }
        seen.push(written.name.clone());
        errors.extend(options.set(attribute, &written).err());
    }
    errors.extend(check_local(&seen));
    (options, errors)
}

/// `local` means one thread, so a number of workers contradicts it.
fn check_local(seen: &[Ident]) -> Option<Error> {
    let workers = seen.iter().find(|name| *name == "workers")?;
    seen.iter().find(|name| *name == "local")?;
    Some(Error::new(
        workers.span(),
        "`local` runs everything on one thread: `workers` has no meaning beside it",
    ))
}

/// Splits the tokens at their commas into options. What does not begin with a name is an error and left out.
fn split(attribute: Attribute, tokens: TokenStream, errors: &mut Vec<Error>) -> Vec<Written> {
    let mut all = Vec::new();
    let read = |input: ParseStream<'_>| {
        while !input.is_empty() {
            match Written::parse(attribute, input) {
                Ok(written) => all.push(written),
                Err(error) => errors.push(error),
            }
            until_comma(input)?;
            input.parse::<Option<Token![,]>>()?;
        }
        Ok(())
    };
    let result = read.parse2(tokens);
    errors.extend(result.err());
    all
}

/// Takes every token before the next comma.
fn until_comma(input: ParseStream<'_>) -> Result<TokenStream> {
    let mut tokens = TokenStream::new();
    while !input.is_empty() && !input.peek(Token![,]) {
        tokens.extend([input.parse::<TokenTree>()?]);
    }
    Ok(tokens)
}

impl Written {
    fn parse(attribute: Attribute, input: ParseStream<'_>) -> Result<Written> {
        if !input.peek(Ident::peek_any) {
            return Err(input.error(format!("expected an option: {}", known(attribute))));
        }
        let name = input.call(Ident::parse_any)?;
        if input.is_empty() || input.peek(Token![,]) {
            return Ok(Written { name, value: None });
        }
        if !input.peek(Token![=]) {
            return Err(input.error(format!("expected `=` or `,` after `{name}`")));
        }
        input.parse::<Token![=]>()?;
        Ok(Written {
            name,
            value: Some(until_comma(input)?),
        })
    }

    /// The value as a `T`, or an error that says what this option wants.
    fn value<T: syn::parse::Parse>(&self, wanted: &str) -> Result<T> {
        let message = format!("`{}` wants {wanted}", self.name);
        match &self.value {
            Some(tokens) if !tokens.is_empty() => {
                syn::parse2(tokens.clone()).map_err(|_| Error::new_spanned(tokens, message))
            }
            _ => Err(Error::new(self.name.span(), message)),
        }
    }
}

impl Options {
    fn set(&mut self, attribute: Attribute, written: &Written) -> Result<()> {
        match written.name.to_string().as_str() {
            "workers" => self.workers = Some(workers(written)?),
            "name" => self.name = Some(name(written)?),
            "seed" => {
                self.seed = Some(number::<u64>(
                    written,
                    "a number that fits in 64 bits, such as `seed = 42`",
                )?)
            }
            "crate" => self.path = Some(path(written)?),
            "local" => self.local = local(written)?,
            "timeout" if attribute == Attribute::Test => self.timeout = Some(timeout(written)?),
            other => return Err(Error::new(written.name.span(), unknown(attribute, other))),
        }
        Ok(())
    }
}

/// An integer literal whose value a `T` can hold.
fn number<T: std::str::FromStr>(written: &Written, wanted: &str) -> Result<LitInt>
where
    T::Err: std::fmt::Display,
{
    let literal: LitInt = written.value(wanted)?;
    let out_of_range = || Error::new(literal.span(), format!("`{}` wants {wanted}", written.name));
    literal.base10_parse::<T>().map_err(|_| out_of_range())?;
    Ok(LitInt::new(literal.base10_digits(), literal.span()))
}

fn workers(written: &Written) -> Result<LitInt> {
    let literal = number::<u32>(written, "a number of threads, such as `workers = 4`")?;
    if literal.base10_digits().bytes().all(|digit| digit == b'0') {
        return Err(Error::new(
            literal.span(),
            "`workers = 0` would run nothing: at least one worker is needed",
        ));
    }
    Ok(literal)
}

fn name(written: &Written) -> Result<LitStr> {
    let literal: LitStr = written.value("a string, such as `name = \"api\"`")?;
    if literal.value().contains('\0') {
        return Err(Error::new(
            literal.span(),
            "the name of a thread cannot contain a NUL character",
        ));
    }
    Ok(literal)
}

fn path(written: &Written) -> Result<Path> {
    let wanted = "a path without quotes, such as `crate = my_crate::filch`";
    let Some(tokens) = written.value.as_ref().filter(|tokens| !tokens.is_empty()) else {
        return Err(Error::new(
            written.name.span(),
            format!("`crate` wants {wanted}"),
        ));
    };
    let read = Path::parse_mod_style.parse2(tokens.clone());
    read.map_err(|_| Error::new_spanned(tokens, format!("`crate` wants {wanted}")))
}

fn local(written: &Written) -> Result<bool> {
    match &written.value {
        None => Ok(true),
        Some(tokens) => {
            let span = tokens
                .clone()
                .into_iter()
                .next()
                .map_or(written.name.span(), |token| token.span());
            Err(Error::new(
                span,
                "`local` takes no value: write `local` alone, or leave it out",
            ))
        }
    }
}

fn timeout(written: &Written) -> Result<Duration> {
    let literal: LitStr = written.value("a string with a unit, such as `timeout = \"5s\"`")?;
    duration::parse(&literal.value()).map_err(|message| Error::new(literal.span(), message))
}

/// The options there are.
fn known(attribute: Attribute) -> &'static str {
    match attribute {
        Attribute::Main => "`workers`, `name`, `seed`, `local` or `crate`",
        Attribute::Test => "`workers`, `name`, `seed`, `local`, `timeout` or `crate`",
    }
}

/// What to say about an option that does not exist; names from other runtimes' attributes get the name they have here.
fn unknown(attribute: Attribute, name: &str) -> String {
    let hint = match name {
        "worker_threads" | "threads" => "; the number of threads is `workers = n` here",
        "flavor" => "; a runtime on one thread is `local` here",
        "timeout" => "; a timeout is for #[filch::test]",
        _ => "",
    };
    format!(
        "{} has no option `{name}`: it knows {}{hint}",
        attribute.text(),
        known(attribute)
    )
}
