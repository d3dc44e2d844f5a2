//! Helm's YAML dialect: sigs.k8s.io/yaml over go-yaml v2, both ways; go-yaml v3 for writing alone.
//!
//! Reading resolves scalars by YAML 1.1 as Go does and passes them through JSON as Helm does;
//! writing gives Go's key order, quoting, folding and number printing byte for byte.
//!
//! Known to differ, on texts that no chart holds: Go folds U+0085 into a space on its way through JSON, sorts keys
//! of digits outside ASCII by value, reads `0b-1` as a number, takes commas and brackets into a tag (`[!a, b]`),
//! refuses `\/` and `{a: x?y}`.

mod events;
pub mod json;
mod node;
mod number;
mod plain;
mod positions;
mod read;
mod resolve;
mod scalar;
pub mod styled;
#[cfg(test)]
mod tests;
mod text;
mod write;

use node::KeptFloats;
use serde_json::Value;

pub use node::{Content, Dialect, Node, Tree};
pub use positions::Place;
pub use read::Duplicate;

/// How deep collections may nest. Go allows 10,000; the objects of a cluster never come near either,
/// and a value of this depth can be walked by plain recursion.
const MAX_DEPTH: usize = 200;

/// Why a text is not YAML, with Go's words and the place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    /// The message of sigs.k8s.io/yaml, for example
    /// `error converting YAML to JSON: yaml: line 3: mapping values are not allowed in this context`.
    /// Go counts some of its lines from zero; `line` is the true one.
    pub message: String,
    /// 1-based line, 0 when unknown.
    pub line: usize,
    /// 1-based column, 0 when unknown.
    pub column: usize,
}

/// Reads a single document, as `yaml.Unmarshal` of sigs.k8s.io/yaml does: what follows the first
/// document is not looked at. Empty text is `Null`.
pub fn from_str(text: &str) -> Result<Value, Error> {
    read(text)
}

/// As [`from_str`], into a value of any type.
///
/// # Errors
/// Those of [`from_str`].
pub fn read<T: Tree>(text: &str) -> Result<T, Error> {
    match plain::document(text) {
        Some(value) => Ok(value),
        None => read::document(text, scalar::Floats::Json).map(|(value, _)| T::from_json(value)),
    }
}

/// As [`from_str`], but of a mapping little more is kept than the fields that are wanted; the rest is only checked.
///
/// # Errors
/// Those of [`from_str`].
pub fn fields(text: &str, wanted: fn(&str) -> bool) -> Result<Value, Error> {
    plain::fields(text, wanted).map_or_else(|| from_str(text), Ok)
}

/// As [`from_str`], but whole floats (`1.0`, `1e3`) stay floats. For [`number_text`].
///
/// # Errors
/// As [`from_str`].
pub fn from_str_keeping_floats(text: &str) -> Result<Value, Error> {
    match plain::document(text) {
        Some(KeptFloats(value)) => Ok(value),
        None => read::document(text, scalar::Floats::Kept).map(|(value, _)| value),
    }
}

/// The text that sigs.k8s.io/yaml makes of a number where a Go struct wants a string.
pub fn number_text(number: &serde_json::Number) -> String {
    match number.as_f64().filter(|_| number.is_f64()).map(number::format_key) {
        None => number.to_string(),
        Some(text) => match text.as_str() {
            ".inf" => "+Inf".to_owned(),
            "-.inf" => "-Inf".to_owned(),
            _ => text,
        },
    }
}

/// Reads as [`from_str`] does, and tells the keys that a mapping has twice: the later one counts.
///
/// # Errors
/// As [`from_str`].
pub fn from_str_with_duplicates(text: &str) -> Result<(Value, Vec<Duplicate>), Error> {
    read::document(text, scalar::Floats::Json)
}

/// The text of a file.
///
/// # Errors
/// Go's words for bytes that are no UTF-8, and their place.
pub fn text(data: &[u8]) -> Result<&str, Error> {
    text::of(data)
}

/// Where the values of a text's first document stand.
///
/// # Errors
/// What is wrong with the text.
pub fn positions(text: &str) -> Result<Place, Error> {
    positions::of(text)
}

/// Writes a value as `yaml.Marshal` of sigs.k8s.io/yaml does: sorted keys, Go's quoting, a final newline.
pub fn to_string(value: &Value) -> String {
    write(value).unwrap_or_default()
}

/// As [`to_string`], for values of any type.
///
/// # Errors
/// Why the JSON step before refuses it, in Go's words: infinities, NaN, a value that holds itself.
pub fn write(value: &impl Node) -> Result<String, String> {
    write::to_string(value, Dialect::Json)
}

/// Writes a value as the encoder of go-yaml v3 does, indented by two: sequences under a key are indented, lines are
/// not folded, and no JSON step comes before.
///
/// # Errors
/// A value that holds itself.
pub fn write_pretty(value: &impl Node) -> Result<String, String> {
    write::to_string(value, Dialect::V3)
}

/// Writes a mapping as [`to_string`] does, but with its own keys in the order given; there must be one.
pub fn entries_to_string(entries: &[(&str, &Value)]) -> String {
    write::entries_to_string(entries).unwrap_or_default()
}

/// YAML's line breaks.
fn is_break(char: char) -> bool {
    matches!(char, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}
