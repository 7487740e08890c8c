//! Extractors that fail as FastAPI does. axum's own answer plain text.

use crate::detail::Failure;
use crate::fault::{Fault, broken_rules};
use crate::input::{Input, Params};
use axum::RequestPartsExt;
use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, RawPathParams, Request};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use validator::Validate;

/// A body of JSON that is of the type, and keeps to what its fields ask for.
pub(crate) struct Body<T>(pub(crate) T);

impl<T: DeserializeOwned + Validate, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        let is_json = is_json(&request);
        let bytes = Bytes::from_request(request, state).await;
        let bytes = bytes.map_err(|error| Failure::new(error.status(), &error.body_text()))?;
        let body = match is_json {
            _ if bytes.is_empty() => return Err(nothing()),
            true => json_of(&bytes)?,
            // As text it is of no type that has fields.
            false => String::from_utf8_lossy(&bytes).into(),
        };
        valid("body", Input::Json(&body)).map(Body)
    }
}

/// The query, as a struct. Of a name that stands there twice, a field has the last, and a list all.
pub(crate) struct Query<T>(pub(crate) T);

impl<T: DeserializeOwned + Validate, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        let mut params = Params::new();
        for (name, text) in form_urlencoded::parse(parts.uri.query().unwrap_or("").as_bytes()) {
            params.entry(name.into()).or_default().push(text.into());
        }
        valid("query", Input::Params(&params)).map(Query)
    }
}

/// What stands between the slashes: a value where the route has one parameter, and a struct where it has more.
pub(crate) struct Path<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        let params = parts.extract::<RawPathParams>().await;
        let params = params.map_err(|error| Failure::new(error.status(), &error.body_text()))?;
        let params = params.iter();
        let params: Params = params
            .map(|(name, text)| (name.into(), vec![text.into()]))
            .collect();
        let value = match params.first_key_value() {
            Some((name, texts)) if params.len() == 1 => {
                T::deserialize(Input::Texts(texts)).map_err(|fault| fault.inside(json!(name)))
            }
            _ => T::deserialize(Input::Params(&params)),
        };
        value
            .map(Path)
            .map_err(|fault| Failure::invalid("path", vec![fault]))
    }
}

/// The value, if it is of the type, and its fields keep to what they ask for.
fn valid<T: DeserializeOwned + Validate>(place: &str, input: Input<'_>) -> Result<T, Failure> {
    let invalid = |faults| Failure::invalid(place, faults);
    let value = T::deserialize(input).map_err(|fault| invalid(vec![fault]))?;
    match value.validate() {
        Ok(()) => Ok(value),
        Err(errors) => Err(invalid(broken_rules(&errors, Some(input)))),
    }
}

/// `application/json`, or `application/` and something that ends with `+json`.
fn is_json(request: &Request) -> bool {
    let kind = request
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    let kind = kind
        .unwrap_or("")
        .split(';')
        .next()
        .unwrap_or("")
        .trim()
        .to_ascii_lowercase();
    let subtype = kind.strip_prefix("application/");
    subtype.is_some_and(|subtype| subtype == "json" || subtype.ends_with("+json"))
}

fn nothing() -> Failure {
    let fault = Fault::new("missing", "Field required".into());
    Failure::invalid("body", vec![fault])
}

fn json_of(body: &[u8]) -> Result<Value, Failure> {
    let no_text = |_| {
        Failure::new(
            StatusCode::BAD_REQUEST,
            "There was an error parsing the body",
        )
    };
    let text = std::str::from_utf8(body).map_err(no_text)?;
    serde_json::from_str(text).map_err(|error| no_json(text, &error))
}

/// Where a text ceases to be JSON. Python counts characters from its beginning, serde bytes from the line's.
fn no_json(text: &str, error: &serde_json::Error) -> Failure {
    let lines = text.split_inclusive('\n');
    let before: usize = lines
        .take(error.line().saturating_sub(1))
        .map(str::len)
        .sum();
    let bytes = before + error.column().saturating_sub(1);
    let characters = text
        .char_indices()
        .take_while(|(at, _)| *at < bytes)
        .count();
    let fault = Fault::new("json_invalid", "JSON decode error".into())
        .about(Input::Json(&json!({})))
        .with(json!({ "error": error.to_string() }))
        .inside(characters.into());
    Failure::invalid("body", vec![fault])
}
