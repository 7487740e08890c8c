//! One thing that is wrong with a request, in pydantic's words.

use crate::input::Input;
use serde::de;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt;
use validator::{ValidationError, ValidationErrors, ValidationErrorsKind};

#[derive(Debug)]
pub(crate) struct Fault {
    kind: &'static str,
    text: String,
    /// From the inside to the outside.
    path: Vec<Value>,
    input: Option<Box<Value>>,
    context: Option<Box<Value>>,
}

impl Fault {
    pub(crate) fn new(kind: &'static str, text: String) -> Fault {
        Fault {
            kind,
            text,
            path: Vec::new(),
            input: None,
            context: None,
        }
    }

    /// A number that is out of its range.
    pub(crate) fn bound(kind: &'static str, bound: &Value) -> Fault {
        let (words, key) = match kind {
            "greater_than" => ("greater than", "gt"),
            "greater_than_equal" => ("greater than or equal to", "ge"),
            "less_than" => ("less than", "lt"),
            _ => ("less than or equal to", "le"),
        };
        // A rule may have `1.0` where its field has whole numbers.
        let whole = bound
            .as_f64()
            .filter(|float| bound.is_f64() && float.fract() == 0.0);
        let bound = whole.map_or(bound.clone(), |float| json!(float as i64));
        Fault::new(kind, format!("Input should be {words} {bound}")).with(json!({ key: bound }))
    }

    pub(crate) fn with(self, context: Value) -> Fault {
        let context = Some(context.into());
        Fault { context, ..self }
    }

    /// What it is about, unless that is known.
    pub(crate) fn about(mut self, input: Input<'_>) -> Fault {
        self.input.get_or_insert_with(|| input.shown().into());
        self
    }

    /// It is within this field, or item.
    pub(crate) fn inside(mut self, step: Value) -> Fault {
        self.path.push(step);
        self
    }

    /// An item of FastAPI's list.
    pub(crate) fn told(self) -> Value {
        let loc: Vec<Value> = self.path.into_iter().rev().collect();
        let mut told =
            json!({ "type": self.kind, "loc": loc, "msg": self.text, "input": self.input });
        if let Some(context) = self.context {
            told["ctx"] = *context;
        }
        told
    }
}

/// What serde's derived code finds.
impl de::Error for Fault {
    fn custom<T: fmt::Display>(text: T) -> Fault {
        let text = format!("Value error, {text}");
        Fault::new("value_error", text).with(json!({ "error": {} }))
    }

    fn missing_field(field: &'static str) -> Fault {
        Fault::new("missing", "Field required".into()).inside(field.into())
    }

    fn unknown_field(field: &str, _: &'static [&'static str]) -> Fault {
        let text = "Extra inputs are not permitted";
        Fault::new("extra_forbidden", text.into()).inside(field.into())
    }

    fn unknown_variant(_: &str, variants: &'static [&'static str]) -> Fault {
        let mut expected = String::new();
        for (index, variant) in variants.iter().enumerate() {
            let between = match index {
                0 => "",
                _ if index + 1 == variants.len() => " or ",
                _ => ", ",
            };
            expected += &format!("{between}'{variant}'");
        }
        let text = format!("Input should be {expected}");
        Fault::new("enum", text).with(json!({ "expected": expected }))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Fault {}

/// What validator finds in a value, whose input this was.
pub(crate) fn broken_rules(errors: &ValidationErrors, input: Option<Input<'_>>) -> Vec<Fault> {
    let mut fields: Vec<_> = errors.errors().iter().collect();
    fields.sort_by_key(|(field, _)| *field);
    let mut broken = Vec::new();
    for (field, kind) in fields {
        let step = json!(field);
        let inner = input.and_then(|input| input.at(&step));
        let faults = match kind {
            ValidationErrorsKind::Field(errors) => {
                let errors = errors.iter();
                errors.map(|error| broken_rule(error, inner)).collect()
            }
            ValidationErrorsKind::Struct(errors) => broken_rules(errors, inner),
            ValidationErrorsKind::List(items) => in_items(items, inner),
        };
        broken.extend(faults.into_iter().map(|fault| fault.inside(step.clone())));
    }
    broken
}

fn in_items(
    items: &BTreeMap<usize, Box<ValidationErrors>>,
    input: Option<Input<'_>>,
) -> Vec<Fault> {
    let mut broken = Vec::new();
    for (index, errors) in items {
        let step = json!(index);
        let faults = broken_rules(errors, input.and_then(|input| input.at(&step)));
        broken.extend(faults.into_iter().map(|fault| fault.inside(step.clone())));
    }
    broken
}

fn broken_rule(error: &ValidationError, input: Option<Input<'_>>) -> Fault {
    let fault = match &*error.code {
        "length" => length(error),
        "range" => range(error),
        _ => None,
    };
    // A message of the field's own is what pydantic shows of a `ValueError`.
    let own = || de::Error::custom(error.message.as_ref().unwrap_or(&error.code));
    let fault = fault
        .filter(|_| error.message.is_none())
        .unwrap_or_else(own);
    match input {
        Some(input) => fault.about(input),
        None => fault,
    }
}

fn range(error: &ValidationError) -> Option<Fault> {
    let value = error.params.get("value")?.as_f64()?;
    type IsBroken = fn(f64, f64) -> bool;
    let rules: [(&str, &'static str, IsBroken); 4] = [
        ("min", "greater_than_equal", |value, min| value < min),
        ("exclusive_min", "greater_than", |value, min| value <= min),
        ("max", "less_than_equal", |value, max| value > max),
        ("exclusive_max", "less_than", |value, max| value >= max),
    ];
    rules.into_iter().find_map(|(name, kind, is_broken)| {
        let bound = error.params.get(name)?;
        is_broken(value, bound.as_f64()?).then(|| Fault::bound(kind, bound))
    })
}

fn length(error: &ValidationError) -> Option<Fault> {
    let number = |name| error.params.get(name).and_then(Value::as_u64);
    let (length, is_text) = match error.params.get("value")? {
        Value::String(text) => (text.chars().count() as u64, true),
        value => (value.as_array()?.len() as u64, false),
    };
    let (is_short, bound) = match (number("min"), number("max")) {
        (Some(min), _) if length < min => (true, min),
        (_, Some(max)) => (false, max),
        _ => return None,
    };
    let s = if bound == 1 { "" } else { "s" };
    let (words, key, kind) = match (is_short, is_text) {
        (true, true) => ("at least", "min_length", "string_too_short"),
        (true, false) => ("at least", "min_length", "too_short"),
        (false, true) => ("at most", "max_length", "string_too_long"),
        (false, false) => ("at most", "max_length", "too_long"),
    };
    let (text, context) = if is_text {
        let text = format!("String should have {words} {bound} character{s}");
        (text, json!({ key: bound }))
    } else {
        let text =
            format!("List should have {words} {bound} item{s} after validation, not {length}");
        (
            text,
            json!({ "field_type": "List", key: bound, "actual_length": length }),
        )
    };
    Some(Fault::new(kind, text).with(context))
}
