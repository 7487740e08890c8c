//! Writes the function that starts the runtime around the one that the user wrote.
//!
//! ```text
//! #[doc = ".."]                            // the user's attributes, visibility and name
//! pub fn start() -> R {
//!     async fn start() -> R { .. }         // the user's function, token by token
//!     ::filch::__private::main(::filch::Runtime::builder().workers(2), start())
//! }
//! ```
//!
//! The inner item is a function, not an `async` block: only a function has a declared return type, and with it `?`, coercions such as
//! `Err(Box::new(error))` into `Box<dyn Error>`, and type errors are exactly those of the function as written.
//!
//! After an error the outer function is written without its call, so that its name exists and its body is still checked.

use proc_macro2::TokenStream;
use quote::quote;
use syn::Error;
use syn::ext::IdentExt;

use crate::Attribute;
use crate::function::Function;
use crate::options::{self, Options};

/// What an attribute with the given options makes of the item under it.
pub(crate) fn expand(attribute: Attribute, tokens: TokenStream, item: TokenStream) -> TokenStream {
    let (options, mut errors) = options::parse(attribute, tokens);
    let function = match syn::parse2::<Function>(item.clone()) {
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
    quote! { #(#errors)* #item }
}

/// The function that starts the runtime.
fn started(attribute: Attribute, options: &Options, function: &Function) -> TokenStream {
    let Function {
        attrs, vis, sig, ..
    } = function;
    let (name, output, test) = (&sig.ident, &sig.output, test_attribute(attribute));
    let (inner, call) = (function.inner(), call(attribute, options, function));
    quote! {
        #test
        #(#attrs)*
        #vis fn #name() #output {
            #inner
            #call
        }
    }
}

/// The function after an error: it exists and its body is checked, but nothing runs it.
fn not_started(attribute: Attribute, function: &Function) -> TokenStream {
    let Function {
        attrs, vis, sig, ..
    } = function;
    let (name, test, inner) = (&sig.ident, test_attribute(attribute), function.inner());
    quote! {
        #test
        #(#attrs)*
        #[allow(dead_code)]
        #vis fn #name() { #inner }
    }
}

fn test_attribute(attribute: Attribute) -> Option<TokenStream> {
    (attribute == Attribute::Test).then(|| quote! { #[::core::prelude::v1::test] })
}

/// The call that hands the user's future to the runtime.
fn call(attribute: Attribute, options: &Options, function: &Function) -> TokenStream {
    let krate = options
        .path
        .as_ref()
        .map_or_else(|| quote! { ::filch }, |path| quote! { #path });
    let (builder, name) = (builder(options, &krate), &function.sig.ident);
    match (attribute, options.local) {
        (Attribute::Main, false) => quote! { #krate::__private::main(#builder, #name()) },
        (Attribute::Main, true) => quote! { #krate::__private::main_local(#builder, #name()) },
        (Attribute::Test, local) => {
            let run = if local {
                quote! { test_local }
            } else {
                quote! { test }
            };
            let (text, timeout) = (name.unraw().to_string(), timeout(options));
            quote! {
                #krate::__private::#run(
                    ::core::concat!(::core::module_path!(), "::", #text),
                    #builder,
                    #timeout,
                    #name(),
                )
            }
        }
    }
}

/// The runtime's builder with every option that was given.
fn builder(options: &Options, krate: &TokenStream) -> TokenStream {
    let workers = options.workers.iter();
    let name = options.name.iter();
    let seed = options.seed.iter();
    quote! {
        #krate::Runtime::builder() #(.workers(#workers))* #(.thread_name(#name))* #(.seed(#seed))*
    }
}

fn timeout(options: &Options) -> TokenStream {
    let timeout = options.timeout();
    let (seconds, nanos) = (timeout.as_secs(), timeout.subsec_nanos());
    quote! { ::core::time::Duration::new(#seconds, #nanos) }
}
