//! One thing that is wrong with a request, in pydantic's words.

use crate::input::Input;
use serde::de;
use serde_json::{Value, json};
use std::fmt;
use validator::{ValidationError, ValidationErrors, ValidationErrorsKind};

#[derive(Debug)]
pub(crate) struct Fault {
    kind: &'static str,
    text: String,
    /// From the inside to the outside.
    path: Vec<Value>,
    input: Option<Value>,
    context: Value,
}

impl Fault {
    pub(crate) fn new(kind: &'static str, text: String) -> Fault {
        Fault {
            kind,
            text,
            path: Vec::new(),
            input: None,
            context: Value::Null,
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
        Fault { context, ..self }
    }

    /// What it is about, unless that is known.
    pub(crate) fn about(mut self, input: Input<'_>) -> Fault {
        self.input.get_or_insert_with(|| input.shown());
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
        if !self.context.is_null() {
            told["ctx"] = self.context;
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
pub(crate) fn broken_rules(errors: &ValidationErrors, input: Input<'_>) -> Vec<Fault> {
    let mut fields: Vec<_> = errors.errors().iter().collect();
    fields.sort_by_key(|(field, _)| *field);
    let faults = fields.into_iter().flat_map(|(field, kind)| {
        let step = json!(field);
        let inner = input.at(&step);
        let faults = match (kind, inner) {
            (ValidationErrorsKind::Field(errors), _) => errors
                .iter()
                .map(|error| broken_rule(error, inner))
                .collect(),
            (ValidationErrorsKind::Struct(errors), Some(inner)) => broken_rules(errors, inner),
            (ValidationErrorsKind::List(items), Some(inner)) => in_items(items, inner),
            (_, None) => Vec::new(),
        };
        faults
            .into_iter()
            .map(move |fault| fault.inside(step.clone()))
    });
    faults.collect()
}

fn in_items<'a>(
    items: impl IntoIterator<Item = (&'a usize, &'a Box<ValidationErrors>)>,
    input: Input<'_>,
) -> Vec<Fault> {
    let of_item = |(index, errors): (&usize, &Box<ValidationErrors>)| -> Vec<Fault> {
        let step = json!(index);
        let faults = input.at(&step).map(|item| broken_rules(errors, item));
        let faults = faults.unwrap_or_default().into_iter();
        faults.map(|fault| fault.inside(step.clone())).collect()
    };
    items.into_iter().flat_map(of_item).collect()
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
    let broken: [(&str, &'static str, fn(f64, f64) -> bool); 4] = [
        ("min", "greater_than_equal", |value, min| value < min),
        ("exclusive_min", "greater_than", |value, min| value <= min),
        ("max", "less_than_equal", |value, max| value > max),
        ("exclusive_max", "less_than", |value, max| value >= max),
    ];
    broken.into_iter().find_map(|(name, kind, outside)| {
        let bound = error.params.get(name)?;
        outside(value, bound.as_f64()?).then(|| Fault::bound(kind, bound))
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
    let (words, key) = if is_short {
        ("at least", "min_length")
    } else {
        ("at most", "max_length")
    };
    let s = if bound == 1 { "" } else { "s" };
    let fault = match (is_text, is_short) {
        (true, _) => {
            let kind = if is_short {
                "string_too_short"
            } else {
                "string_too_long"
            };
            let text = format!("String should have {words} {bound} character{s}");
            Fault::new(kind, text).with(json!({ key: bound }))
        }
        (false, _) => {
            let kind = if is_short { "too_short" } else { "too_long" };
            let text =
                format!("List should have {words} {bound} item{s} after validation, not {length}");
            let context = json!({ "field_type": "List", key: bound, "actual_length": length });
            Fault::new(kind, text).with(context)
        }
    };
    Some(fault)
}
