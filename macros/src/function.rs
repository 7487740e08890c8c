//! The function under the attribute: its head, parsed, and its body, as it came.
//!
//! The body is not parsed at all. rustc parses it where it ends up, so a body that is half typed yields rustc's own errors at
//! the user's tokens, and an editor still sees the function around it.

use proc_macro2::{Group, TokenStream};
use quote::ToTokens;
use syn::parse::{Parse, ParseStream};
use syn::{Attribute as Attr, Error, FnArg, Ident, Result, Safety, Signature, Token, Visibility};

use crate::Attribute;

/// A function whose head is well-formed Rust; whether it suits the attribute is [`Function::check`]'s to say.
pub(crate) struct Function {
    pub(crate) attrs: Vec<Attr>,
    pub(crate) vis: Visibility,
    pub(crate) sig: Signature,
    pub(crate) body: Group,
}

impl Parse for Function {
    fn parse(input: ParseStream<'_>) -> Result<Function> {
        let attrs = input.call(Attr::parse_outer)?;
        let vis = input.parse()?;
        if !starts_function(input) {
            return Err(input.error("this attribute goes on an `async fn`"));
        }
        let sig = input.parse()?;
        if !input.peek(syn::token::Brace) {
            return Err(input.error("this function needs a body for the runtime to run: `{ .. }`"));
        }
        Ok(Function {
            attrs,
            vis,
            sig,
            body: input.parse()?,
        })
    }
}

/// Whether a function's head can begin here; `const` begins a constant as well.
fn starts_function(input: ParseStream<'_>) -> bool {
    let constant = input.peek(Token![const]) && (input.peek2(Ident) || input.peek2(Token![_]));
    !constant && FIRST_TOKENS.iter().any(|first| first(input))
}

/// The tokens with which a function's head can begin.
const FIRST_TOKENS: [fn(ParseStream<'_>) -> bool; 5] = [
    |input| input.peek(Token![async]),
    |input| input.peek(Token![fn]),
    |input| input.peek(Token![unsafe]),
    |input| input.peek(Token![const]),
    |input| input.peek(Token![extern]),
];

impl Function {
    /// Everything about the function that the attribute cannot work with, each as an error at its own token.
    pub(crate) fn check(&self, attribute: Attribute) -> Vec<Error> {
        let text = attribute.text();
        let mut errors = Vec::new();
        if self.sig.asyncness.is_none() {
            errors.push(Error::new(
                self.sig.fn_token.span,
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

    /// Whether there is a `self`, which an item outside of an `impl` cannot even be written with.
    pub(crate) fn has_receiver(&self) -> bool {
        self.sig.receiver().is_some()
    }

    fn check_qualifiers(&self, text: &str) -> Option<Error> {
        let Signature {
            constness,
            safety,
            abi,
            ..
        } = &self.sig;
        let qualifiers = quote::quote! { #constness #safety #abi };
        let message = format!("a function under {text} is a plain `async fn`: remove this");
        (!qualifiers.is_empty()).then(|| Error::new_spanned(qualifiers, message))
    }

    fn check_generics(&self, text: &str) -> Option<Error> {
        let generics = &self.sig.generics;
        let message = format!(
            "a function under {text} cannot be generic: nobody calls it with types or lifetimes"
        );
        if !generics.params.is_empty() {
            let tokens = generics.to_token_stream();
            return Some(Error::new_spanned(tokens, message));
        }
        generics
            .where_clause
            .as_ref()
            .map(|clause| Error::new_spanned(clause, message))
    }

    fn check_arguments(&self, text: &str) -> Option<Error> {
        if let Some(receiver) = self.sig.receiver() {
            return Some(Error::new_spanned(
                receiver,
                format!("a function under {text} cannot take `self`: move it out of the `impl`"),
            ));
        }
        let message =
            format!("a function under {text} cannot take arguments: nobody is there to pass them");
        match self.sig.inputs.first() {
            Some(FnArg::Receiver(_)) | None => self
                .sig
                .variadic
                .as_ref()
                .map(|dots| Error::new_spanned(dots, message)),
            Some(FnArg::Typed(_)) => Some(Error::new_spanned(&self.sig.inputs, message)),
        }
    }

    /// Finds a second test attribute, with which the test would run twice or not compile.
    fn check_other_test(&self, text: &str) -> Option<Error> {
        let is_test = |attr: &&Attr| {
            attr.path()
                .segments
                .last()
                .is_some_and(|segment| segment.ident == "test")
        };
        let other = self.attrs.iter().find(is_test)?;
        Some(Error::new_spanned(
            other,
            format!("{text} already makes this function a test: remove this attribute"),
        ))
    }

    /// The function as an item of its own, to stand inside the one that starts the runtime.
    pub(crate) fn inner(&self) -> TokenStream {
        let plain = Signature {
            constness: None,
            safety: Safety::Default,
            abi: None,
            ..self.sig.clone()
        };
        let body = &self.body;
        quote::quote! {
            #[allow(clippy::unused_async)]
            #plain #body
        }
    }
}
