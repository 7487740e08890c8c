//! The little of parsing and writing tokens that two attributes need.
//!
//! The general crates for it would be a third of what a program compiles before it first runs.

use proc_macro::{Delimiter, Group, Ident, Literal, Punct, Spacing, Span, TokenStream, TokenTree};

/// What is wrong, and with which tokens.
pub(crate) struct Error {
    start: Span,
    end: Span,
    message: String,
}

impl Error {
    pub(crate) fn new(span: Span, message: impl Into<String>) -> Error {
        Error {
            start: span,
            end: span,
            message: message.into(),
        }
    }

    /// An error at all of `tokens`, or at the attribute if there are none.
    pub(crate) fn at(tokens: &[TokenTree], message: impl Into<String>) -> Error {
        let span = |token: Option<&TokenTree>| token.map_or(Span::call_site(), TokenTree::span);
        Error {
            start: span(tokens.first()),
            end: span(tokens.last()),
            message: message.into(),
        }
    }

    /// `::core::compile_error! { ".." }`; rustc takes the span from its first to its last token.
    pub(crate) fn to_compile_error(&self) -> TokenStream {
        let colon = |spacing| at(self.start, Punct::new(':', spacing));
        let mut message = Literal::string(&self.message);
        message.set_span(self.end);
        let message = TokenTree::from(message).into();
        TokenStream::from_iter([
            colon(Spacing::Joint),
            colon(Spacing::Alone),
            Ident::new("core", self.start).into(),
            colon(Spacing::Joint),
            colon(Spacing::Alone),
            Ident::new("compile_error", self.start).into(),
            at(self.start, Punct::new('!', Spacing::Alone)),
            at(self.end, Group::new(Delimiter::Brace, message)),
        ])
    }
}

fn at(span: Span, token: impl Into<TokenTree>) -> TokenTree {
    let mut token = token.into();
    token.set_span(span);
    token
}

/// The tokens of `template`, in which every `$name` is replaced by the value of that name.
pub(crate) fn fill(template: &str, values: &[(&str, TokenStream)]) -> TokenStream {
    let template = template.parse().expect("a template is made of Rust tokens");
    fill_stream(template, values)
}

fn fill_stream(template: TokenStream, values: &[(&str, TokenStream)]) -> TokenStream {
    let mut filled = TokenStream::new();
    let mut rest = template.into_iter();
    while let Some(token) = rest.next() {
        match token {
            TokenTree::Group(group) => {
                let inner = fill_stream(group.stream(), values);
                filled.extend([TokenTree::from(Group::new(group.delimiter(), inner))]);
            }
            token if is(&token, '$') => {
                let name = rest.next().expect("a name after `$`").to_string();
                let value = values.iter().find(|(known, _)| *known == name);
                filled.extend(value.expect("a value for every name").1.clone());
            }
            token => filled.extend([token]),
        }
    }
    filled
}

/// Whether `token` is this sign.
pub(crate) fn is(token: &TokenTree, sign: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == sign)
}

/// Whether `token` is this word.
pub(crate) fn is_word(token: &TokenTree, word: &str) -> bool {
    matches!(token, TokenTree::Ident(ident) if ident.to_string() == word)
}

/// `token` as a group with these delimiters. A fragment of a `macro_rules!` macro stands in invisible ones: they are
/// seen through.
pub(crate) fn group(token: &TokenTree, delimiter: Delimiter) -> Option<Group> {
    match token {
        TokenTree::Group(group) if group.delimiter() == delimiter => Some(group.clone()),
        TokenTree::Group(outer) if outer.delimiter() == Delimiter::None => {
            match &*visible(outer.stream()) {
                [token] => group(token, delimiter),
                _ => None,
            }
        }
        _ => None,
    }
}

/// The tokens of `stream`; if all of it stands in invisible delimiters, those in them.
pub(crate) fn visible(stream: TokenStream) -> Vec<TokenTree> {
    let tokens: Vec<TokenTree> = stream.into_iter().collect();
    match &*tokens {
        [TokenTree::Group(group)] if group.delimiter() == Delimiter::None => {
            visible(group.stream())
        }
        _ => tokens,
    }
}
