//! The function under the attribute: its head, taken apart, and its body, as it came.
//!
//! rustc has read the item before any attribute sees it, so its tokens are in order and nothing here is a grammar.
//! The body is not read at all. rustc parses it where it ends up, so a body that is half typed yields rustc's own
//! errors at the user's tokens, and an editor still sees the function around it.

use std::iter::Peekable;
use std::vec::IntoIter;

use proc_macro::{Delimiter, Group, Ident, TokenStream, TokenTree};

use crate::Attribute;
use crate::tokens::{Error, group, is, is_word, visible};

/// A function; whether it suits the attribute is [`Function::check`]'s to say.
pub(crate) struct Function {
    /// Each with its `#`.
    attrs: Vec<(TokenTree, Group)>,
    pub(crate) vis: Vec<TokenTree>,
    /// `const`, `unsafe`, `extern ".."`.
    qualifiers: Vec<TokenTree>,
    asyncness: Option<TokenTree>,
    fn_token: TokenTree,
    pub(crate) name: Ident,
    generics: Vec<TokenTree>,
    inputs: Group,
    /// With its arrow.
    pub(crate) output: Vec<TokenTree>,
    where_clause: Vec<TokenTree>,
    body: Group,
}

type Tokens = Peekable<IntoIter<TokenTree>>;

const NO_BODY: &str = "this function needs a body for the runtime to run: `{ .. }`";

impl Function {
    pub(crate) fn parse(item: TokenStream) -> Result<Function, Error> {
        let mut tokens = visible(item).into_iter().peekable();
        let attrs = attributes(&mut tokens);
        let vis = visibility(&mut tokens);
        let first: Vec<TokenTree> = tokens.peek().cloned().into_iter().collect();
        let unsuitable = || Error::at(&first, "this attribute goes on an `async fn`");
        let (asyncness, qualifiers) = qualifiers(&mut tokens);
        let is_fn = |token: &TokenTree| is_word(token, "fn");
        let fn_token = tokens.next_if(is_fn).ok_or_else(unsuitable)?;
        let Some(TokenTree::Ident(name)) = tokens.next() else {
            return Err(unsuitable());
        };
        let is_inputs = |token: &TokenTree| group(token, Delimiter::Parenthesis).is_some();
        let generics = until(&mut tokens, is_inputs);
        let inputs = tokens
            .next()
            .and_then(|it| group(&it, Delimiter::Parenthesis));
        let inputs = inputs.ok_or_else(unsuitable)?;
        let (output, where_clause, body) = tail(tokens)?;
        Ok(Function {
            attrs,
            vis,
            qualifiers,
            asyncness,
            fn_token,
            name,
            generics,
            inputs,
            output,
            where_clause,
            body,
        })
    }
}

fn attributes(tokens: &mut Tokens) -> Vec<(TokenTree, Group)> {
    let mut attrs = Vec::new();
    while let Some(sign) = tokens.next_if(|token| is(token, '#')) {
        let group = tokens.next().and_then(|it| group(&it, Delimiter::Bracket));
        attrs.extend(group.map(|group| (sign, group)));
    }
    attrs
}

/// `pub`, `pub(..)`, nothing, or the same as a fragment of a `macro_rules!` macro.
fn visibility(tokens: &mut Tokens) -> Vec<TokenTree> {
    let fragment = |token: &TokenTree| matches!(token, TokenTree::Group(group) if group.delimiter() == Delimiter::None);
    let Some(public) = tokens.next_if(|token| is_word(token, "pub") || fragment(token)) else {
        return Vec::new();
    };
    let is_public = is_word(&public, "pub");
    let is_place = |token: &TokenTree| is_public && group(token, Delimiter::Parenthesis).is_some();
    let place = tokens.next_if(is_place);
    [public].into_iter().chain(place).collect()
}

/// What stands before `fn`: `async`, and the rest.
fn qualifiers(tokens: &mut Tokens) -> (Option<TokenTree>, Vec<TokenTree>) {
    let (mut asyncness, mut others) = (None, Vec::new());
    let words = ["async", "const", "unsafe", "safe", "extern"];
    let is_qualifier = |token: &TokenTree| {
        matches!(token, TokenTree::Literal(_)) || words.iter().any(|word| is_word(token, word))
    };
    while let Some(token) = tokens.next_if(is_qualifier) {
        if is_word(&token, "async") {
            asyncness = Some(token);
        } else {
            others.push(token);
        }
    }
    (asyncness, others)
}

/// Takes every token before the first of which `end` is true.
fn until(tokens: &mut Tokens, end: impl Fn(&TokenTree) -> bool) -> Vec<TokenTree> {
    std::iter::from_fn(|| tokens.next_if(|token| !end(token))).collect()
}

/// What follows the arguments: return type, `where` clause and, as the last token, the body.
fn tail(mut tokens: Tokens) -> Result<(Vec<TokenTree>, Vec<TokenTree>, Group), Error> {
    let Some(last) = tokens.next_back() else {
        return Err(Error::at(&[], NO_BODY));
    };
    let body = group(&last, Delimiter::Brace).ok_or_else(|| Error::new(last.span(), NO_BODY))?;
    let output = until(&mut tokens, |token| is_word(token, "where"));
    Ok((output, tokens.collect(), body))
}

impl Function {
    /// Everything about the function that the attribute cannot work with, each as an error at its own token.
    pub(crate) fn check(&self, attribute: Attribute) -> Vec<Error> {
        let text = attribute.text();
        let mut errors = Vec::new();
        if self.asyncness.is_none() {
            errors.push(Error::new(
                self.fn_token.span(),
                format!("{text} needs an `async fn`: put `async` before `fn`"),
            ));
        }
        errors.extend(self.check_qualifiers(text));
        errors.extend(self.check_generics(text));
        errors.extend(self.check_arguments(text));
        if attribute == Attribute::Test {
            errors.extend(self.check_other_test(text));
        }
        errors
    }

    /// Its name without the `r#` of one that is a keyword.
    pub(crate) fn plain_name(&self) -> String {
        let name = self.name.to_string();
        name.strip_prefix("r#").unwrap_or(&name).to_owned()
    }

    /// Whether it has an output that says something.
    pub(crate) fn returns_something(&self) -> bool {
        let unit = |token: &TokenTree| {
            group(token, Delimiter::Parenthesis).is_some_and(|it| it.stream().is_empty())
        };
        match &*self.output {
            [] => false,
            // After the two tokens of the arrow.
            [_, _, only] => !unit(only),
            _ => true,
        }
    }

    /// Whether there is a `self`, which an item outside of an `impl` cannot even be written with.
    pub(crate) fn has_receiver(&self) -> bool {
        self.receiver().is_some()
    }

    /// `self`, `&'a mut self` or `self: ..`.
    fn receiver(&self) -> Option<Vec<TokenTree>> {
        let inputs = self.inputs.stream().into_iter();
        let first: Vec<TokenTree> = inputs.take_while(|token| !is(token, ',')).collect();
        let mut before_type = first.iter().take_while(|token| !is(token, ':'));
        before_type
            .any(|token| is_word(token, "self"))
            .then_some(first)
    }

    fn check_qualifiers(&self, text: &str) -> Option<Error> {
        let message = format!("a function under {text} is a plain `async fn`: remove this");
        (!self.qualifiers.is_empty()).then(|| Error::at(&self.qualifiers, message))
    }

    fn check_generics(&self, text: &str) -> Option<Error> {
        let message = format!(
            "a function under {text} cannot be generic: nobody calls it with types or lifetimes"
        );
        // Two are the brackets alone.
        let found = [&self.generics, &self.where_clause]
            .into_iter()
            .find(|tokens| tokens.len() > 2)?;
        Some(Error::at(found, message))
    }

    fn check_arguments(&self, text: &str) -> Option<Error> {
        if let Some(receiver) = self.receiver() {
            return Some(Error::at(
                &receiver,
                format!("a function under {text} cannot take `self`: move it out of the `impl`"),
            ));
        }
        let inputs: Vec<TokenTree> = self.inputs.stream().into_iter().collect();
        let message =
            format!("a function under {text} cannot take arguments: nobody is there to pass them");
        (!inputs.is_empty()).then(|| Error::at(&inputs, message))
    }

    /// Finds a second test attribute, with which the test would run twice or not compile.
    fn check_other_test(&self, text: &str) -> Option<Error> {
        let is_test = |(_, attr): &&(TokenTree, Group)| {
            let tokens = visible(attr.stream());
            let path = tokens
                .iter()
                .take_while(|token| matches!(token, TokenTree::Ident(_)) || is(token, ':'));
            path.last().is_some_and(|last| is_word(last, "test"))
        };
        let (sign, attr) = self.attrs.iter().find(is_test)?;
        Some(Error::at(
            &[sign.clone(), attr.clone().into()],
            format!("{text} already makes this function a test: remove this attribute"),
        ))
    }

    /// The attributes, for the function that starts the runtime.
    pub(crate) fn attrs(&self) -> TokenStream {
        let attrs = self.attrs.iter().cloned();
        attrs
            .flat_map(|(sign, group)| [sign, group.into()])
            .collect()
    }

    /// The function as an item of its own, to stand inside the one that starts the runtime.
    pub(crate) fn inner(&self) -> TokenStream {
        let groups = [self.inputs.clone().into(), self.body.clone().into()];
        let [inputs, body]: [TokenTree; 2] = groups;
        let head = [self.fn_token.clone(), self.name.clone().into()];
        let mut inner: TokenStream = "#[allow(clippy::unused_async)]"
            .parse()
            .expect("an attribute");
        inner.extend(self.asyncness.iter().cloned().chain(head));
        inner.extend(self.generics.iter().cloned().chain([inputs]));
        inner.extend(self.output.iter().chain(&self.where_clause).cloned());
        inner.extend([body]);
        inner
    }
}
