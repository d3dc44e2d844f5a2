//! From the text of a scalar to its value, and back to Go's words for it.

use base64::{Engine, engine::general_purpose::STANDARD};
use libyaml_safer::Mark;
use serde_json::Value;

use super::{
    Error,
    events::failure,
    number,
    resolve::{Scalar, resolve},
};

const TAG_PREFIX: &str = "tag:yaml.org,2002:";

/// What becomes of floats that are whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Floats {
    /// Integers, as in JSON.
    Json,
    /// They stay floats.
    Kept,
}

/// The value of a scalar by its tag, or by its text where it is plain and has none.
pub(super) fn scalar(tag: Option<&str>, text: String, plain: bool, floats: Floats, mark: Mark) -> Result<Value, Error> {
    let tag = tag.unwrap_or_default();
    match tag.strip_prefix(TAG_PREFIX) {
        None if !tag.is_empty() || !plain => Ok(Value::String(text)),
        None => to_value(resolve(&text), text, floats, mark),
        Some(wanted @ ("bool" | "int" | "float" | "null" | "timestamp")) => tagged(wanted, text, floats, mark),
        Some("binary") => match STANDARD.decode(text.replace(['\r', '\n'], "")) {
            Ok(bytes) => Ok(Value::String(String::from_utf8_lossy(&bytes).into_owned())),
            Err(_) => Err(failure(mark, "yaml: !!binary value contains invalid base64 data")),
        },
        Some(_) => Ok(Value::String(text)),
    }
}

fn tagged(wanted: &str, text: String, floats: Floats, mark: Mark) -> Result<Value, Error> {
    let scalar = match resolve(&text) {
        Scalar::Int(value) if wanted == "float" => Scalar::Float(value as f64),
        other => other,
    };
    if &scalar.tag()[2..] != wanted {
        return Err(failure(mark, &format!("yaml: cannot decode {} `{text}` as a !!{wanted}", scalar.tag())));
    }
    to_value(scalar, text, floats, mark)
}

fn to_value(scalar: Scalar, text: String, floats: Floats, mark: Mark) -> Result<Value, Error> {
    Ok(match scalar {
        Scalar::Null => Value::Null,
        Scalar::Bool(value) => Value::Bool(value),
        Scalar::Int(value) => value.into(),
        Scalar::Uint(value) => value.into(),
        Scalar::Float(value) if floats == Floats::Kept && value.is_finite() => value.into(),
        Scalar::Float(value) => match number::json(value) {
            Some(number) => Value::Number(number),
            None => {
                return Err(failure(mark, &format!("json: unsupported value: {}", number::infinity(value))));
            }
        },
        Scalar::Timestamp | Scalar::Str => Value::String(text),
    })
}

/// Go's words for a null as a key.
pub(super) fn unsupported_key(mark: Mark, value: &Value) -> Error {
    let value = if value.is_null() { "<nil>".to_owned() } else { go_syntax(value) };
    failure(mark, &format!("unsupported map key of type: %!s(<nil>), key: <nil>, value: {value}"))
}

/// A value as Go's `%#v` prints it after decoding.
pub(super) fn go_syntax(value: &Value) -> String {
    match value {
        Value::Null => "interface {}(nil)".to_owned(),
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(go_syntax).collect();
            format!("[]interface {{}}{{{}}}", items.join(", "))
        }
        Value::Object(map) => {
            let pairs: Vec<_> = map.iter().map(|(key, value)| format!("{key:?}:{}", go_syntax(value))).collect();
            format!("map[interface {{}}]interface {{}}{{{}}}", pairs.join(", "))
        }
        other => other.to_string(),
    }
}
