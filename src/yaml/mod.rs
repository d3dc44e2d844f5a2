//! Helm's YAML dialect: sigs.k8s.io/yaml over go-yaml v2, both ways.
//!
//! Reading resolves scalars by YAML 1.1 as Go does and passes them through JSON as Helm does;
//! writing gives Go's key order, quoting, folding and number printing byte for byte.

use serde_json::Value;

/// Why a text is not YAML, with Go's words and the place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    /// Go's message, for example `yaml: line 3: mapping values are not allowed in this context`.
    pub message: String,
    /// 1-based line, 0 when unknown.
    pub line: usize,
    /// 1-based column, 0 when unknown.
    pub column: usize,
}

/// One document of a YAML stream.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// The value after Helm's JSON step: integers stay integers, keys are strings.
    pub value: Value,
    /// 1-based line of the document's first content in the stream.
    pub line: usize,
}

/// Reads a single document, as `yaml.Unmarshal` of sigs.k8s.io/yaml does. Empty text is `Null`.
pub fn from_str(_text: &str) -> Result<Value, Error> {
    todo!()
}

/// Reads every document of a stream; empty documents are left out.
pub fn documents(_text: &str) -> Result<Vec<Document>, Error> {
    todo!()
}

/// Writes a value as `yaml.Marshal` of sigs.k8s.io/yaml does: sorted keys, Go's quoting, a final newline.
pub fn to_string(_value: &Value) -> String {
    todo!()
}
