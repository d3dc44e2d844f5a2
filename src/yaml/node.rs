//! What can be written as YAML and read from it, whatever type holds it.

use std::borrow::Cow;

use serde_json::Value;

use super::number;

/// Which of Go's writers is meant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Dialect {
    /// `yaml.Marshal` of sigs.k8s.io/yaml: what JSON leaves of a value, by go-yaml v2.
    #[default]
    Json,
    /// The encoder of go-yaml v3, indented by two.
    V3,
}

/// A value that can be written.
pub trait Node: Sized {
    /// Calls `take` with what this value holds; its parts need not outlive the call.
    fn content<R>(&self, dialect: Dialect, take: impl FnOnce(Content<'_, Self>) -> R) -> R;
}

/// What a [`Node`] holds.
pub enum Content<'a, N> {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A whole number above `i64::MAX`.
    Uint(u64),
    /// Any other number.
    Float(f64),
    /// A string.
    Text(&'a str),
    /// A text that is never quoted: a time.
    Literally(&'a str),
    /// Bytes that are no text.
    Binary(&'a [u8]),
    /// A sequence.
    List(&'a [N]),
    /// A mapping, sorted by key.
    Map(Vec<(&'a str, &'a N)>),
    /// What cannot be written, and why.
    Unwritable(String),
}

impl Node for Value {
    fn content<R>(&self, _: Dialect, take: impl FnOnce(Content<'_, Self>) -> R) -> R {
        take(match self {
            Self::Null => Content::Null,
            Self::Bool(value) => Content::Bool(*value),
            Self::Number(number) => match (number.as_i64(), number.as_u64()) {
                (Some(value), _) => Content::Int(value),
                (None, Some(value)) => Content::Uint(value),
                (None, None) => Content::Float(number.as_f64().unwrap_or_default()),
            },
            Self::String(text) => Content::Text(text),
            Self::Array(items) => Content::List(items),
            Self::Object(map) => Content::Map(map.iter().map(|(key, value)| (key.as_str(), value)).collect()),
        })
    }
}

/// A value that reading builds.
pub trait Tree: Sized {
    /// Whether anything of the value is kept: what is only checked is not gathered either.
    const IS_KEPT: bool = true;
    /// The value of what JSON holds.
    fn from_json(json: Value) -> Self;
    /// A float, which JSON writes without a point where it is whole; `None` for what JSON cannot write.
    fn float(value: f64) -> Option<Self> {
        Some(Self::from_json(Value::Number(number::json(value)?)))
    }
    /// A string.
    fn text(text: &str) -> Self;
    /// A sequence.
    fn list(items: Vec<Self>) -> Self;
    /// A mapping; of equal keys the last counts.
    fn map(entries: Vec<(Cow<'_, str>, Self)>) -> Self;
}

impl Tree for Value {
    fn from_json(json: Value) -> Self {
        json
    }

    fn text(text: &str) -> Self {
        Self::String(text.to_owned())
    }

    fn list(items: Vec<Self>) -> Self {
        Self::Array(items)
    }

    fn map(entries: Vec<(Cow<'_, str>, Self)>) -> Self {
        Self::Object(entries.into_iter().map(|(key, value)| (key.into_owned(), value)).collect())
    }
}

/// A value that is only checked.
impl Tree for () {
    const IS_KEPT: bool = false;

    fn from_json(_: Value) {}

    fn text(_: &str) {}

    fn list(_: Vec<()>) {}

    fn map(_: Vec<(Cow<'_, str>, ())>) {}
}

/// A value in which whole floats stay floats.
pub(super) struct KeptFloats(pub(super) Value);

impl Tree for KeptFloats {
    fn from_json(json: Value) -> Self {
        Self(json)
    }

    fn float(value: f64) -> Option<Self> {
        value.is_finite().then(|| Self(value.into()))
    }

    fn text(text: &str) -> Self {
        Self(Value::text(text))
    }

    fn list(items: Vec<Self>) -> Self {
        Self(items.into_iter().map(|item| item.0).collect())
    }

    fn map(entries: Vec<(Cow<'_, str>, Self)>) -> Self {
        Self(entries.into_iter().map(|(key, value)| (key, value.0)).collect())
    }
}
