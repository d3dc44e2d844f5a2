//! What Helm reads of a rendered document: its kind, name and annotations (helm/helm `pkg/release/v1/util/manifest.go`,
//! `SimpleHead`), with Go's words for what does not fit.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::yaml;

/// Go's name of the type of `metadata`.
const METADATA: &str =
    r#"struct { Name string "json:\"name\""; Annotations map[string]string "json:\"annotations\"" }"#;

/// The fields that are read.
const FIELDS: [&str; 3] = ["apiVersion", "kind", "metadata"];

/// The head of a document.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Head {
    /// `apiVersion`.
    pub api_version: String,
    /// `kind`.
    pub kind: String,
    /// `metadata.name`.
    pub name: String,
    /// `metadata.annotations`.
    pub annotations: BTreeMap<String, String>,
}

impl Head {
    /// Reads the head of the first YAML document in a text.
    ///
    /// # Errors
    /// What is not YAML, or a field that does not fit, in Go's words; the line is 0 for the latter.
    pub fn read(text: &str) -> Result<Self, yaml::Error> {
        let document = yaml::fields(text, |key| FIELDS.iter().any(|field| key.eq_ignore_ascii_case(field)))?;
        Self::from_document(&document).map_err(|problem| yaml::Error {
            message: format!("error unmarshaling JSON: while decoding JSON: json: cannot unmarshal {problem}"),
            line: 0,
            column: 0,
        })
    }

    fn from_document(document: &Value) -> Result<Self, String> {
        let mut head = Self::default();
        for (key, value) in entries(document, "value of type util.SimpleHead")? {
            if key.eq_ignore_ascii_case("apiVersion") {
                head.api_version = text(value, "SimpleHead.apiVersion")?;
            } else if key.eq_ignore_ascii_case("kind") {
                head.kind = text(value, "SimpleHead.kind")?;
            } else if key.eq_ignore_ascii_case("metadata") {
                head.read_metadata(value)?;
            }
        }
        Ok(head)
    }

    fn read_metadata(&mut self, value: &Value) -> Result<(), String> {
        for (key, value) in entries(value, &format!("struct field SimpleHead.metadata of type {METADATA}"))? {
            if key.eq_ignore_ascii_case("name") {
                self.name = text(value, ".metadata.name")?;
            } else if key.eq_ignore_ascii_case("annotations") {
                for (key, value) in entries(value, "struct field .metadata.annotations of type map[string]string")? {
                    self.annotations.insert(key.clone(), text(value, ".metadata.annotations")?);
                }
            }
        }
        Ok(())
    }
}

/// The entries of a mapping, none of `null`; else what Go says after "cannot unmarshal".
fn entries<'a>(value: &'a Value, wanted: &str) -> Result<impl Iterator<Item = (&'a String, &'a Value)>, String> {
    let entries: Option<&Map<String, Value>> = match value {
        Value::Object(entries) => Some(entries),
        Value::Null => None,
        other => return Err(format!("{} into Go {wanted}", yaml::json::kind(other))),
    };
    Ok(entries.into_iter().flatten())
}

/// A scalar as text: sigs.k8s.io/yaml makes text of numbers and booleans where text is wanted.
fn text(value: &Value, field: &str) -> Result<String, String> {
    match value {
        Value::Null => Ok(String::new()),
        Value::String(text) => Ok(text.clone()),
        Value::Bool(_) | Value::Number(_) => Ok(value.to_string()),
        other => Err(format!("{} into Go struct field {field} of type string", yaml::json::kind(other))),
    }
}

#[cfg(test)]
mod tests {
    use super::Head;

    #[track_caller]
    fn refused(text: &str, words: &str) {
        assert_eq!(Head::read(text).unwrap_err().message, words);
    }

    /// Messages of `helm template` 4.2.4 for a template with this text.
    #[test]
    fn misfits_are_told_in_gos_words() {
        let decoding =
            |words: &str| format!("error unmarshaling JSON: while decoding JSON: json: cannot unmarshal {words}");
        refused("foo", &decoding("string into Go value of type util.SimpleHead"));
        refused("5", &decoding("number into Go value of type util.SimpleHead"));
        refused("kind: [a]\n", &decoding("array into Go struct field SimpleHead.kind of type string"));
        refused("kind: {}", &decoding("object into Go struct field SimpleHead.kind of type string"));
        refused(
            "kind: A\nmetadata: foo\n",
            &decoding(concat!(
                "string into Go struct field SimpleHead.metadata of type struct { Name string \"json:\\\"name\\\"\"; ",
                "Annotations map[string]string \"json:\\\"annotations\\\"\" }"
            )),
        );
        refused("metadata: {name: [a]}", &decoding("array into Go struct field .metadata.name of type string"));
        refused(
            "metadata: {annotations: {a: [b]}}",
            &decoding("array into Go struct field .metadata.annotations of type string"),
        );
        refused(
            "metadata: {annotations: [b]}",
            &decoding("array into Go struct field .metadata.annotations of type map[string]string"),
        );
        refused(
            "metadata: {name: {}}\napiVersion: [x]",
            &decoding("array into Go struct field SimpleHead.apiVersion of type string"),
        );
        refused("a: *x", "error converting YAML to JSON: yaml: unknown anchor 'x' referenced");
    }

    #[test]
    fn scalars_become_text_and_keys_may_have_any_case() {
        let head =
            Head::read("apiVersion: 5\nkind: true\nMetadata: {Name: x, annotations: {a: 1, b: yes, c: null}}").unwrap();
        assert_eq!((&*head.api_version, &*head.kind, &*head.name), ("5", "true", "x"));
        let annotations: Vec<_> = head.annotations.iter().map(|(key, value)| (&**key, &**value)).collect();
        assert_eq!(annotations, [("a", "1"), ("b", "true"), ("c", "")]);
    }

    #[test]
    fn comments_and_nothing_have_an_empty_head() {
        assert_eq!(Head::read("# only a comment\n"), Ok(Head::default()));
        assert_eq!(Head::read("metadata: null"), Ok(Head::default()));
    }
}
