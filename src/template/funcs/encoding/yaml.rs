//! Values as YAML, and back.

use std::borrow::Cow;

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::{
    template::{
        Fault, List, Map, Str, Value,
        time::{GoTime, RFC3339_NANO},
    },
    yaml::{self, Content, Dialect, Node, Tree},
};

/// `yaml.Marshal` of sigs.k8s.io/yaml, without the last line break.
///
/// # Errors
/// Go's words for what JSON, which is a step on the way, does not have.
pub(crate) fn write(value: &Value) -> Result<String, Fault> {
    let mut text = yaml::write(value).map_err(|why| match why.starts_with("json: ") {
        true => Fault::new(format!("error marshaling into JSON: {why}")),
        false => Fault::new(why),
    })?;
    text.pop();
    Ok(text)
}

/// The encoder of go-yaml v3, without the last line break.
///
/// # Errors
/// A value that holds itself.
pub(super) fn write_pretty(value: &Value) -> Result<String, Fault> {
    let mut text = yaml::write_pretty(value).map_err(Fault::new)?;
    text.pop();
    Ok(text)
}

/// `yaml.Unmarshal` of sigs.k8s.io/yaml, before it minds the type wanted.
///
/// # Errors
/// Go's words.
pub(super) fn read(text: &Str) -> Result<Value, Fault> {
    yaml::read(&text.to_text()).map_err(|error| Fault::new(error.message))
}

impl Node for Value {
    fn content<R>(&self, dialect: Dialect, take: impl FnOnce(Content<'_, Self>) -> R) -> R {
        match self {
            _ if dialect == Dialect::V3 => pretty_content(self, take),
            Self::Nil => take(Content::Null),
            Self::Bool(value) => take(Content::Bool(*value)),
            Self::Int(value) | Self::Int64(value) => take(Content::Int(*value)),
            Self::Int32(value) => take(Content::Int(i64::from(*value))),
            Self::Uint8(value) => take(Content::Uint(u64::from(*value))),
            Self::Uint64(value) => take(Content::Uint(*value)),
            Self::Float64(value) => take(Content::Float(*value)),
            Self::String(Str::Text(text)) => take(text_content(text)),
            // As in JSON, each byte that is no UTF-8 is a U+FFFD.
            Self::String(Str::Raw(bytes)) => {
                let text: String = bytes
                    .utf8_chunks()
                    .flat_map(|chunk| {
                        chunk.valid().chars().chain(std::iter::repeat_n('\u{fffd}', chunk.invalid().len()))
                    })
                    .collect();
                take(text_content(&text))
            }
            Self::List(list) if list.is_nil => take(Content::Null),
            Self::List(list) => match self.bytes() {
                Some(bytes) => take(Content::Text(&STANDARD.encode(bytes))),
                None => take(Content::List(&list.items)),
            },
            Self::Map(map) => {
                let entries = map.entries.borrow();
                match entries.keys().find_map(|key| refused(key)) {
                    Some(why) => take(Content::Unwritable(why)),
                    None => take(Content::Map(entries.iter().map(|(key, value)| (&**key, value)).collect())),
                }
            }
            Self::Object(object) => match (object.bytes(), object.underlying()) {
                (Some(bytes), _) => take(Content::Text(&STANDARD.encode(bytes))),
                (None, Self::Object(_)) => take(Content::Null),
                (None, plain) => plain.content(dialect, take),
            },
        }
    }
}

/// What go-yaml v3 sees of a value: bytes are numbers, nil slices empty, and any text is written.
fn pretty_content<R>(value: &Value, take: impl FnOnce(Content<'_, Value>) -> R) -> R {
    match value {
        Value::String(Str::Text(text)) => take(Content::Text(text)),
        Value::String(Str::Raw(bytes)) => take(Content::Binary(bytes)),
        Value::List(list) => take(Content::List(&list.items)),
        Value::Map(map) => {
            let entries = map.entries.borrow();
            take(Content::Map(entries.iter().map(|(key, value)| (&**key, value)).collect()))
        }
        Value::Object(object) => match (object.bytes(), object.as_any().downcast_ref::<GoTime>()) {
            (Some(bytes), _) => take(Content::List(&bytes.iter().copied().map(Value::Uint8).collect::<Vec<_>>())),
            (None, Some(time)) => take(Content::Literally(&time.format(RFC3339_NANO))),
            (None, None) => match object.underlying() {
                Value::Object(_) => take(Content::Null),
                plain => plain.content(Dialect::V3, take),
            },
        },
        plain => plain.content(Dialect::Json, take),
    }
}

/// A YAML text as Helm's JSON step leaves it: every number a float.
impl Tree for Value {
    fn from_json(json: serde_json::Value) -> Self {
        Self::from_json_floats(&json)
    }

    fn text(text: &str) -> Self {
        text.into()
    }

    fn list(items: Vec<Self>) -> Self {
        List::any(items).into()
    }

    fn map(entries: Vec<(Cow<'_, str>, Self)>) -> Self {
        entries.into_iter().map(|(key, value)| (key.into(), value)).collect::<Map>().into()
    }
}

fn text_content<N>(text: &str) -> Content<'_, N> {
    refused(text).map_or(Content::Text(text), Content::Unwritable)
}

/// Go reads the JSON as YAML on the way, which knows no control characters.
fn refused(text: &str) -> Option<String> {
    let control = |char| matches!(char, '\x7f'..='\u{84}' | '\u{86}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}');
    let suspect = text.bytes().any(|byte| byte >= 0x7f);
    (suspect && text.contains(control)).then(|| "yaml: control characters are not allowed".to_owned())
}
