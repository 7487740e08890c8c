//! Extractors that fail as FastAPI does. axum's own answer plain text.

use crate::detail::{Failure, error};
use axum::RequestPartsExt;
use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, RawPathParams, Request};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use serde_path_to_error::{Path, Segment};
use std::borrow::Cow;
use validator::{Validate, ValidationError};

/// A body of JSON that is of the type, and keeps to what its fields ask for.
pub(crate) struct Body<T>(pub(crate) T);

impl<T: DeserializeOwned + Validate, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        let bytes = Bytes::from_request(request, state).await;
        let bytes = bytes.map_err(|error| Failure::new(error.status(), &error.body_text()))?;
        let body: Value =
            serde_json::from_slice(&bytes).map_err(|fault| no_json(&bytes, &fault))?;
        let value = serde_path_to_error::deserialize(body)
            .map_err(|error| mistyped("body", error.path(), &error.inner().to_string()))?;
        valid("body", value).map(Body)
    }
}

/// The query, as a struct.
pub(crate) struct Query<T>(pub(crate) T);

impl<T: DeserializeOwned + Validate, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        let query = parts.uri.query().unwrap_or("").as_bytes();
        let fields = serde_urlencoded::Deserializer::new(form_urlencoded::parse(query));
        let value = serde_path_to_error::deserialize(fields)
            .map_err(|error| mistyped("query", error.path(), &error.inner().to_string()))?;
        valid("query", value).map(Query)
    }
}

/// The number `{id}` of the path.
pub(crate) struct Id(pub(crate) u64);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        let params = parts.extract::<RawPathParams>().await;
        let params = params.map_err(|error| Failure::new(error.status(), &error.body_text()))?;
        let (_, id) = params
            .iter()
            .find(|(name, _)| *name == "id")
            .expect("a route with {id}");
        id.parse()
            .map(Id)
            .map_err(|fault| mistyped_at("path", &[json!("id")], &format!("{fault}")))
    }
}

/// Python counts characters from the text's beginning, serde bytes from the line's.
fn no_json(body: &[u8], fault: &serde_json::Error) -> Failure {
    let lines = body.split_inclusive(|byte| *byte == b'\n');
    let before: usize = lines
        .take(fault.line().saturating_sub(1))
        .map(<[u8]>::len)
        .sum();
    let place = json!(before + fault.column().saturating_sub(1));
    Failure::invalid(vec![error(
        "body",
        &[place],
        &fault.to_string(),
        "json_invalid",
    )])
}

fn mistyped(place: &str, path: &Path, message: &str) -> Failure {
    let mut path: Vec<Value> = path
        .iter()
        .filter_map(|segment| match segment {
            Segment::Seq { index } => Some(json!(index)),
            Segment::Map { key } => Some(json!(key)),
            Segment::Enum { .. } | Segment::Unknown => None,
        })
        .collect();
    // serde names a missing field in the text alone.
    if let Some(rest) = message.strip_prefix("missing field `") {
        path.push(json!(rest.split('`').next()));
    }
    mistyped_at(place, &path, message)
}

fn mistyped_at(place: &str, path: &[Value], message: &str) -> Failure {
    Failure::invalid(vec![error(place, path, message, kind_of(message))])
}

/// pydantic's word for what serde says.
fn kind_of(message: &str) -> &'static str {
    const KINDS: [(&str, &str); 7] = [
        ("missing field", "missing"),
        ("invalid digit", "int_parsing"),
        ("was not `true` or `false`", "bool_parsing"),
        ("expected a string", "string_type"),
        ("expected a boolean", "bool_type"),
        ("expected u", "int_type"),
        ("expected struct", "model_attributes_type"),
    ];
    let found = KINDS.iter().find(|(text, _)| message.contains(text));
    found.map_or("value_error", |(_, kind)| kind)
}

/// The value, if its fields keep to what they ask for.
fn valid<T: Validate>(place: &str, value: T) -> Result<T, Failure> {
    let Err(errors) = value.validate() else {
        return Ok(value);
    };
    let fields = errors.field_errors().into_iter();
    let errors = fields.flat_map(|(field, faults)| {
        let one = move |fault: &ValidationError| {
            let (kind, message) = broken_rule(fault);
            error(place, &[json!(field)], &message, kind)
        };
        faults.iter().map(one).collect::<Vec<_>>()
    });
    Err(Failure::invalid(errors.collect()))
}

/// pydantic's word for a rule of validator's, and a text.
fn broken_rule(fault: &ValidationError) -> (&'static str, Cow<'static, str>) {
    let number = |name| fault.params.get(name).and_then(Value::as_f64);
    let length = fault
        .params
        .get("value")
        .and_then(Value::as_str)
        .map(|text| text.chars().count() as f64);
    let (kind, text) = match (&*fault.code, number("min"), number("max")) {
        ("length", Some(min), _) if length < Some(min) => {
            ("string_too_short", format!("at least {min} characters"))
        }
        ("length", _, Some(max)) => ("string_too_long", format!("at most {max} characters")),
        ("range", Some(min), _) if number("value") < Some(min) => {
            ("greater_than_equal", format!("at least {min}"))
        }
        ("range", _, Some(max)) => ("less_than_equal", format!("at most {max}")),
        _ => ("value_error", fault.code.to_string()),
    };
    (kind, fault.message.clone().unwrap_or(text.into()))
}
