//! YAML into structs as sigs.k8s.io/yaml and Go's `encoding/json` do: keys in any case, numbers and booleans taken as
//! text where text is wanted, `null` for nothing, and Go's words for what does not fit.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::{template::fmt::quote, yaml};

/// A struct that can be read from YAML, into what it already holds.
pub(super) trait Decode: Default {
    /// Go's name of the type, and of its package: `v2`, `Metadata`.
    const TYPE: (&'static str, &'static str);

    /// The names of its fields.
    const FIELDS: &'static [&'static str];

    /// Reads one of [`Decode::FIELDS`].
    fn field(&mut self, name: &str, value: &Value, decoder: &mut Decoder);
}

/// Reads a document into a struct. Fields that the document does not name stay as they are.
///
/// # Errors
/// Go's words: what is not YAML, or the first field that does not fit (the others are read nonetheless).
pub(super) fn unmarshal<T: Decode>(data: &[u8], target: &mut T) -> Result<(), String> {
    from_json(&parse(data)?, target).map_err(|error| format!("error unmarshaling JSON: while decoding JSON: {error}"))
}

/// What strict reading of a document would refuse: keys that stand twice, or the first field that the struct has not.
pub(super) fn strict_problem<T: Decode>(data: &[u8]) -> Option<String> {
    let (document, duplicates) = yaml::from_str_with_duplicates(text(data).ok()?).ok()?;
    if !duplicates.is_empty() {
        let line = |duplicate: &yaml::Duplicate| {
            format!("\n  line {}: key {} already set in map", duplicate.line, quote(duplicate.key.as_bytes()))
        };
        let lines: String = duplicates.iter().map(line).collect();
        return Some(format!("error converting YAML to JSON: yaml: unmarshal errors:{lines}"));
    }
    let mut decoder = Decoder { is_strict: true, ..Decoder::default() };
    decoder.structure(&document, &mut T::default());
    decoder.error.map(|error| format!("error unmarshaling JSON: while decoding JSON: {error}"))
}

/// Reads a JSON value into a struct.
///
/// # Errors
/// Go's words for the first field that does not fit; the others are read nonetheless.
pub(super) fn from_json<T: Decode>(value: &Value, target: &mut T) -> Result<(), String> {
    let mut decoder = Decoder::default();
    decoder.structure(value, target);
    decoder.error.map_or(Ok(()), Err)
}

/// The document as a plain value.
fn parse(data: &[u8]) -> Result<Value, String> {
    yaml::from_str_keeping_floats(text(data)?).map_err(|error| error.message)
}

/// The text of a file, which YAML wants to be UTF-8.
pub(super) fn text(data: &[u8]) -> Result<&str, String> {
    yaml::text(data).map_err(|error| error.message)
}

/// A time of RFC 3339 as Go writes it, or Go's words on why it is none.
fn time(text: &str) -> Result<String, String> {
    const LAYOUT: &str = "2006-01-02T15:04:05Z07:00";
    let mut rest = text;
    for part in ["2006", "-", "01", "-", "02", "T", "15", ":", "04", ":", "05"] {
        let (head, tail) = rest.split_at_checked(part.len()).unwrap_or(("", rest));
        let fits = if part.len() == 1 {
            head == part
        } else {
            !head.is_empty() && head.bytes().all(|byte| byte.is_ascii_digit())
        };
        if !fits {
            let (text, rest, part) = (quote(text.as_bytes()), quote(rest.as_bytes()), quote(part.as_bytes()));
            return Err(format!("parsing time {text} as {}: cannot parse {rest} as {part}", quote(LAYOUT.as_bytes())));
        }
        rest = tail;
    }
    let end = rest.strip_prefix('.').map_or(0, |rest| 1 + rest.bytes().take_while(u8::is_ascii_digit).count());
    let (fraction, zone) = rest.split_at_checked(end).unwrap_or_default();
    let known = text.parse::<Timestamp>().is_ok() && (zone == "Z" || zone.len() == 6);
    if !known {
        let (text, rest) = (quote(text.as_bytes()), quote(zone.as_bytes()));
        return Err(format!("parsing time {text} as {}: cannot parse {rest} as \"Z07:00\"", quote(LAYOUT.as_bytes())));
    }
    let (seconds, _) = text.split_at(text.len() - rest.len());
    let fraction = fraction.trim_end_matches('0').trim_end_matches('.');
    let zone = if zone == "+00:00" { "Z" } else { zone };
    Ok(format!("{seconds}{fraction}{zone}"))
}

/// Where in the structs reading is, and what went wrong first.
#[derive(Default)]
pub(super) struct Decoder {
    path: Vec<&'static str>,
    structure: &'static str,
    error: Option<String>,
    /// Whether a field that the struct has not is an error.
    is_strict: bool,
}

impl Decoder {
    /// A struct of Go's, into what is there.
    pub(super) fn structure<T: Decode>(&mut self, value: &Value, target: &mut T) {
        let entries = match value {
            Value::Object(entries) => entries,
            Value::Null => return,
            other => return self.mismatch(other, &format!("{}.{}", T::TYPE.0, T::TYPE.1)),
        };
        let outer = std::mem::replace(&mut self.structure, T::TYPE.1);
        for (key, value) in entries {
            let Some(name) = T::FIELDS.iter().find(|name| name.eq_ignore_ascii_case(key)) else {
                if self.is_strict {
                    self.fail(format!("json: unknown field {}", quote(key.as_bytes())));
                }
                continue;
            };
            self.path.push(name);
            target.field(name, value, self);
            self.path.pop();
        }
        self.structure = outer;
    }

    /// Go's `string`.
    pub(super) fn string(&mut self, value: &Value, target: &mut String) {
        match value {
            Value::Null => {}
            Value::String(text) => target.clone_from(text),
            Value::Bool(_) => *target = value.to_string(),
            Value::Number(number) => *target = yaml::number_text(number),
            other => self.mismatch(other, "string"),
        }
    }

    /// Go's `bool`.
    pub(super) fn bool(&mut self, value: &Value, target: &mut bool) {
        match value {
            Value::Null => {}
            Value::Bool(value) => *target = *value,
            other => self.mismatch(other, "bool"),
        }
    }

    /// Go's `time.Time`, kept as Go writes it again: without zeros at the end of a second's fraction.
    pub(super) fn time(&mut self, value: &Value, target: &mut String) {
        match value {
            Value::Null => {}
            Value::String(text) => match time(text) {
                Ok(time) => *target = time,
                Err(error) => self.fail(error),
            },
            _ => self.fail("Time.UnmarshalJSON: input is not a JSON string".to_owned()),
        }
    }

    /// Go's `[]string`.
    pub(super) fn strings(&mut self, value: &Value, target: &mut Vec<String>) {
        let Some(items) = self.items(value, "[]string") else { return target.clear() };
        *target = items
            .iter()
            .map(|item| {
                let mut text = String::new();
                self.string(item, &mut text);
                text
            })
            .collect();
    }

    /// Go's `map[string]string`: added to what is there.
    pub(super) fn string_map(&mut self, value: &Value, target: &mut BTreeMap<String, String>) {
        let entries: &Map<String, Value> = match value {
            Value::Object(entries) => entries,
            Value::Null => return target.clear(),
            other => return self.mismatch(other, "map[string]string"),
        };
        for (key, value) in entries {
            let mut text = String::new();
            self.string(value, &mut text);
            target.insert(key.clone(), text);
        }
    }

    /// Go's slice of pointers to structs, without its empty elements. Tells whether there were any.
    pub(super) fn structures<T: Decode>(&mut self, value: &Value, target: &mut Vec<T>) -> bool {
        target.clear();
        let items = self.items(value, &format!("[]*{}.{}", T::TYPE.0, T::TYPE.1)).unwrap_or_default();
        for item in items.iter().filter(|item| !item.is_null()) {
            let mut element = T::default();
            self.structure(item, &mut element);
            target.push(element);
        }
        target.len() < items.len()
    }

    /// Go's `[]any`.
    pub(super) fn any(&mut self, value: &Value, target: &mut Vec<Value>) {
        match self.items(value, "[]interface {}") {
            Some(items) => *target = items.to_vec(),
            None => target.clear(),
        }
    }

    fn items<'a>(&mut self, value: &'a Value, wanted: &str) -> Option<&'a [Value]> {
        match value {
            Value::Array(items) => return Some(items),
            Value::Null => {}
            other => self.mismatch(other, wanted),
        }
        None
    }

    fn mismatch(&mut self, value: &Value, wanted: &str) {
        let found = yaml::json::kind(value);
        let place = match self.structure {
            "" => "value".to_owned(),
            structure => format!("struct field {structure}.{}", self.path.join(".")),
        };
        self.fail(format!("json: cannot unmarshal {found} into Go {place} of type {wanted}"));
    }

    /// Remembers an error, unless there was one before.
    pub(super) fn fail(&mut self, message: String) {
        self.error.get_or_insert(message);
    }
}
