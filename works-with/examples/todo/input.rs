//! What a client sent, read as pydantic reads it: `"5"` is a number where one is asked for. A fault says where it is.

use crate::fault::Fault;
use serde::de::{self, DeserializeSeed, Deserializer, IntoDeserializer, Visitor};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The parameters of a query or a path. One that stands there more than once has more than one text.
pub(crate) type Params = BTreeMap<String, Vec<Value>>;

#[derive(Clone, Copy)]
pub(crate) enum Input<'a> {
    Json(&'a Value),
    Params(&'a Params),
    /// One parameter.
    Texts(&'a [Value]),
}

impl<'a> Input<'a> {
    /// As a fault shows it.
    pub(crate) fn shown(self) -> Value {
        match self {
            Input::Json(value) => value.clone(),
            Input::Params(params) => {
                let fields = params.iter();
                fields
                    .map(|(name, texts)| (name.clone(), Input::Texts(texts).shown()))
                    .collect()
            }
            Input::Texts(texts) => texts.last().cloned().unwrap_or_default(),
        }
    }

    /// What stands at this field or index of it.
    pub(crate) fn at(self, step: &Value) -> Option<Input<'a>> {
        match (self, step) {
            (Input::Json(value), Value::String(name)) => value.get(name).map(Input::Json),
            (Input::Json(value), _) => value.get(step.as_u64()? as usize).map(Input::Json),
            (Input::Params(params), _) => {
                let texts = params.get(step.as_str()?)?;
                Some(Input::Texts(texts))
            }
            (Input::Texts(_), _) => None,
        }
    }

    fn fault(self, kind: &'static str, text: &str) -> Fault {
        Fault::new(kind, text.into()).about(self)
    }

    /// A whole number.
    fn whole(self) -> Result<i128, Fault> {
        match self.shown() {
            Value::Number(number) => match number.as_f64().filter(|_| number.is_f64()) {
                None => Ok(number.as_i128().expect("a whole number")),
                Some(float) if float.fract() == 0.0 => Ok(float as i128),
                Some(_) => Err(self.fault(
                    "int_from_float",
                    "Input should be a valid integer, got a number with a fractional part",
                )),
            },
            Value::String(text) => whole(&text).ok_or_else(|| {
                self.fault(
                    "int_parsing",
                    "Input should be a valid integer, unable to parse string as an integer",
                )
            }),
            Value::Bool(flag) => Ok(flag.into()),
            _ => Err(self.fault("int_type", "Input should be a valid integer")),
        }
    }

    fn float(self) -> Result<f64, Fault> {
        match self.shown() {
            Value::Number(number) => Ok(number.as_f64().expect("a number of JSON")),
            Value::String(text) => text.trim().parse().map_err(|_| {
                self.fault(
                    "float_parsing",
                    "Input should be a valid number, unable to parse string as a number",
                )
            }),
            Value::Bool(flag) => Ok(f64::from(u8::from(flag))),
            _ => Err(self.fault("float_type", "Input should be a valid number")),
        }
    }

    fn flag(self) -> Result<bool, Fault> {
        let text = match self.shown() {
            Value::Bool(flag) => return Ok(flag),
            Value::Number(number) if number.as_f64().is_some_and(|n| n.fract() == 0.0) => {
                number.as_f64().unwrap_or_default().to_string()
            }
            Value::String(text) => text.to_lowercase(),
            _ => return Err(self.fault("bool_type", "Input should be a valid boolean")),
        };
        match &*text {
            "1" | "true" | "t" | "yes" | "y" | "on" => Ok(true),
            "0" | "false" | "f" | "no" | "n" | "off" => Ok(false),
            _ => Err(self.fault(
                "bool_parsing",
                "Input should be a valid boolean, unable to interpret input",
            )),
        }
    }

    fn text(self) -> Result<String, Fault> {
        match self.shown() {
            Value::String(text) => Ok(text),
            _ => Err(self.fault("string_type", "Input should be a valid string")),
        }
    }

    fn items(self) -> Result<&'a [Value], Fault> {
        match self {
            Input::Json(Value::Array(items)) => Ok(items),
            Input::Texts(texts) => Ok(texts),
            _ => Err(self.fault("list_type", "Input should be a valid list")),
        }
    }

    fn fields(self) -> Option<Vec<(&'a str, Input<'a>)>> {
        match self {
            Input::Json(Value::Object(fields)) => {
                let fields = fields.iter();
                Some(
                    fields
                        .map(|(name, value)| (&**name, Input::Json(value)))
                        .collect(),
                )
            }
            Input::Params(params) => {
                let params = params.iter();
                Some(
                    params
                        .map(|(name, texts)| (&**name, Input::Texts(texts)))
                        .collect(),
                )
            }
            _ => None,
        }
    }
}

/// Python takes spaces around a number, underscores within, and `.0` behind it.
fn whole(text: &str) -> Option<i128> {
    let text = text.trim();
    let text = match text.split_once('.') {
        Some((before, zeros)) if zeros.bytes().all(|digit| digit == b'0') => before,
        _ => text,
    };
    let within = !text.starts_with('_') && !text.ends_with('_') && !text.contains("__");
    within.then(|| text.replace('_', "").parse().ok())?
}

/// A type of numbers that is narrower than Python's has bounds, which are told of as if the field had set them.
macro_rules! whole {
    ($($method:ident $number:ty, $visit:ident;)*) => { $(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
            let number = self.whole()?;
            let bounded = <$number>::try_from(number).map_err(|_| {
                let fault = match number < 0 {
                    true => Fault::bound("greater_than_equal", &json!(<$number>::MIN)),
                    false => Fault::bound("less_than_equal", &json!(<$number>::MAX)),
                };
                fault.about(self)
            });
            visitor.$visit(bounded?)
        }
    )* };
}

/// What is the same for several of serde's types.
macro_rules! read {
    ($($read:ident, $visit:ident: $($method:ident)*;)*) => { $( $(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
            visitor.$visit(self.$read()?)
        }
    )* )* };
}

impl<'de> Deserializer<'de> for Input<'de> {
    type Error = Fault;

    whole! {
        deserialize_i8 i8, visit_i8;
        deserialize_i16 i16, visit_i16;
        deserialize_i32 i32, visit_i32;
        deserialize_i64 i64, visit_i64;
        deserialize_u8 u8, visit_u8;
        deserialize_u16 u16, visit_u16;
        deserialize_u32 u32, visit_u32;
        deserialize_u64 u64, visit_u64;
    }

    read! {
        float, visit_f64: deserialize_f32 deserialize_f64;
        flag, visit_bool: deserialize_bool;
        text, visit_string: deserialize_char deserialize_str deserialize_string;
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_seq(Items(self.items()?, 0))
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let wrong = || self.fault("dict_type", "Input should be a valid dictionary");
        visitor.visit_map(Fields(self.fields().ok_or_else(wrong)?, 0))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &str,
        _: &[&str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        const WRONG: &str = "Input should be a valid dictionary or object to extract fields from";
        let wrong = || self.fault("model_attributes_type", WRONG);
        let fields = Fields(self.fields().ok_or_else(wrong)?, 0);
        // A field that is missing is a fault of the whole.
        visitor.visit_map(fields).map_err(|fault| fault.about(self))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self {
            Input::Json(Value::Null) => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    /// An enum whose variants have no fields goes by its name. The others are read as serde_json does.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let done = match self.shown() {
            Value::String(text) => visitor.visit_enum(text.into_deserializer()),
            value => value
                .deserialize_enum(name, variants, visitor)
                .map_err(de::Error::custom),
        };
        done.map_err(|fault: Fault| fault.about(self))
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self {
            Input::Params(_) | Input::Json(Value::Object(_)) => self.deserialize_map(visitor),
            Input::Json(Value::Array(_)) => self.deserialize_seq(visitor),
            Input::Json(Value::Null) => visitor.visit_unit(),
            _ => {
                let read = self.shown().deserialize_any(visitor);
                read.map_err(|error| <Fault as de::Error>::custom(error).about(self))
            }
        }
    }

    serde::forward_to_deserialize_any! {
        bytes byte_buf unit unit_struct tuple_struct identifier ignored_any
    }
}

/// The fields of an object, and how many were read.
struct Fields<'a>(Vec<(&'a str, Input<'a>)>, usize);

impl<'de> de::MapAccess<'de> for Fields<'de> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Fault> {
        let Some((name, value)) = self.0.get(self.1) else {
            return Ok(None);
        };
        self.1 += 1;
        let key = seed.deserialize(de::value::BorrowedStrDeserializer::new(name));
        key.map(Some).map_err(|fault: Fault| fault.about(*value))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        let (name, value) = self.0[self.1 - 1];
        let value = seed.deserialize(value);
        value.map_err(|fault| fault.inside(json!(name)))
    }
}

/// The items of a list, and how many were read.
struct Items<'a>(&'a [Value], usize);

impl<'de> de::SeqAccess<'de> for Items<'de> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Fault> {
        let Some(item) = self.0.get(self.1) else {
            return Ok(None);
        };
        let index = self.1;
        self.1 += 1;
        let item = seed.deserialize(Input::Json(item));
        item.map(Some).map_err(|fault| fault.inside(json!(index)))
    }
}
