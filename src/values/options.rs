//! The flags that give values: `-f`, `--set` and its kin.

use super::{
    Values, raw,
    read::{from_bytes, make_floats, merge},
    set::{Reading, set},
};

/// What the flags of a command line say about values, each kind in its own order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// `-f`, `--values`: paths, URLs, or `-`.
    pub files: Vec<String>,
    /// `--set-json`.
    pub set_json: Vec<String>,
    /// `--set`.
    pub set: Vec<String>,
    /// `--set-string`.
    pub set_string: Vec<String>,
    /// `--set-file`. Templates see bytes that are no UTF-8; in a stored release they are U+FFFD.
    pub set_file: Vec<String>,
    /// `--set-literal`.
    pub set_literal: Vec<String>,
}

impl Options {
    /// Merges all of them in Helm's order: files, then each kind of `--set` as the fields stand above.
    /// `read` gives the bytes of a path, URL or `-`.
    ///
    /// # Errors
    /// Helm's words: `failed to parse FILE: …`, `failed parsing --set data: …`, and what `read` says.
    pub fn merge(&self, read: &mut dyn FnMut(&str) -> Result<Vec<u8>, String>) -> Result<Values, String> {
        let mut values = Values::new();
        for path in &self.files {
            let data = read(path)?;
            let over = from_bytes(&data).map_err(|error| format!("failed to parse {path}: {error}"))?;
            merge(&mut values, over);
        }
        for given in &self.set_json {
            set_json(given, &mut values)?;
        }
        let failed = |flag: &str, error: String| format!("failed parsing {flag} data: {error}");
        for given in &self.set {
            set(given, &mut Reading::Typed, &mut values).map_err(|error| failed("--set", error))?;
        }
        for given in &self.set_string {
            set(given, &mut Reading::Text, &mut values).map_err(|error| failed("--set-string", error))?;
        }
        for given in &self.set_file {
            let mut text = |path: &str| read(path).map(raw::text);
            set(given, &mut Reading::File(&mut text), &mut values).map_err(|error| failed("--set-file", error))?;
        }
        for given in &self.set_literal {
            set(given, &mut Reading::Literal, &mut values).map_err(|error| failed("--set-literal", error))?;
        }
        Ok(values)
    }
}

/// `--set-json` takes a whole object as well as `key=json`.
fn set_json(given: &str, values: &mut Values) -> Result<(), String> {
    if !given.trim().starts_with('{') {
        return set(given, &mut Reading::Json, values).map_err(|_| format!("failed parsing --set-json data {given}"));
    }
    let mut over: Values =
        serde_json::from_str(given.trim()).map_err(|_| format!("failed parsing --set-json data JSON: {given}"))?;
    over.values_mut().for_each(make_floats);
    merge(values, over);
    Ok(())
}
