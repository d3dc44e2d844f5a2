//! Documents of a manifest, told apart as Helm tells them.

use memchr::{memchr_iter, memmem};
use serde_json::{Map, Value};

use super::Object;
use crate::yaml;

/// One document's text inside a manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Document<'a> {
    /// The text after the separator.
    pub(crate) text: &'a str,
    /// Byte offset of `text` in the manifest.
    pub(crate) offset: usize,
    /// Lines of the manifest before `text`.
    lines_before: usize,
}

impl Document<'_> {
    /// The template named by Helm's `# Source:` comment.
    pub(crate) fn source(&self) -> Option<String> {
        let mut comments = self.text.lines().map(str::trim).take_while(|line| line.is_empty() || line.starts_with('#'));
        comments.find_map(|line| line.strip_prefix("# Source: ")).map(str::to_owned)
    }

    /// The same error with its line counted from the start of the manifest.
    pub(super) fn place(&self, error: yaml::Error) -> yaml::Error {
        yaml::Error { line: error.line.max(1) + self.lines_before, ..error }
    }
}

/// Splits at every line that starts with `---`, with or without something after it
/// (helm/helm `pkg/release/v1/util/manifest.go`, `SplitManifests`). Blank documents are left out.
pub(crate) fn split(manifest: &str) -> Vec<Document<'_>> {
    let mut documents = Vec::new();
    let mut offset = 0;
    let mut lines_before = 0;
    while offset < manifest.len() {
        let rest = &manifest[offset..];
        let separator = rest.strip_prefix("---").map_or(0, |after| 3 + blanks(after));
        let end = memmem::find(&rest.as_bytes()[separator..], b"\n---").map_or(rest.len(), |at| separator + at + 1);
        let text = &rest[separator..end];
        if !text.trim().is_empty() {
            documents.push(Document { text, offset: offset + separator, lines_before });
        }
        lines_before += memchr_iter(b'\n', text.as_bytes()).count();
        offset += end;
    }
    documents
}

fn blanks(text: &str) -> usize {
    text.len() - text.trim_start_matches([' ', '\t']).len()
}

/// Adds the objects of one document: the items of a list, or the document itself. Items without a kind take
/// it from the list (apimachinery `unstructured/helpers.go`).
pub(super) fn flatten(value: Value, source: Option<String>, objects: &mut Vec<Object>) -> Result<(), yaml::Error> {
    let Value::Object(mut map) = value else {
        return Err(refusal("a document of a manifest must be a mapping"));
    };
    let items = match map.get_mut("items") {
        Some(Value::Array(items)) => std::mem::take(items),
        _ => return single(map, source, objects),
    };
    let item_kind = map.get("kind").and_then(Value::as_str).and_then(|kind| kind.strip_suffix("List"));
    for mut item in items {
        if let (Value::Object(fields), Some(kind)) = (&mut item, item_kind)
            && !(fields.contains_key("kind") && fields.contains_key("apiVersion"))
        {
            fields.insert("kind".to_owned(), kind.into());
            fields.insert("apiVersion".to_owned(), map.get("apiVersion").cloned().unwrap_or_default());
        }
        flatten(item, source.clone(), objects)?;
    }
    Ok(())
}

fn single(map: Map<String, Value>, source: Option<String>, objects: &mut Vec<Object>) -> Result<(), yaml::Error> {
    match map.get("kind").and_then(Value::as_str) {
        None | Some("") => Err(refusal("Object 'Kind' is missing")),
        Some(_) => {
            objects.push(Object { value: Value::Object(map), source });
            Ok(())
        }
    }
}

fn refusal(words: &str) -> yaml::Error {
    yaml::Error { message: words.to_owned(), line: 0, column: 0 }
}
