//! Schemas made ready: every keyword a [`Check`].

use std::cell::OnceCell;

use serde_json::Value;

use super::{document::address, formats::Format};
use crate::template::{Regex, compile_regex};

/// A schema, by its place among those compiled together.
pub(super) type Id = usize;

/// Schemas that refer to each other.
#[derive(Default)]
pub(super) struct Compiled<'d> {
    pub(super) nodes: Vec<Node<'d>>,
    /// Where each schema is: the URL and the root of its document, and the schema itself.
    pub(super) places: Vec<(&'d str, &'d Value, &'d Value)>,
    /// What references that depend on the way to them need of each resource.
    pub(super) resources: Vec<Anchors<'d>>,
}

/// The dynamic anchors of a resource.
#[derive(Default)]
pub(super) struct Anchors<'d> {
    pub(super) dynamic: Vec<(&'d str, Id)>,
    /// Its root, where that has `$recursiveAnchor`.
    pub(super) is_recursive: bool,
}

/// A schema.
#[derive(Default)]
pub(super) struct Node<'d> {
    /// `true` and `false` are schemas.
    pub(super) always: Option<bool>,
    pub(super) checks: Vec<Check<'d>>,
    pub(super) resource: usize,
    pub(super) recursive_anchor: bool,
    pub(super) dynamic_anchor: Option<&'d str>,
    pub(super) unevaluated_properties: Option<Id>,
    pub(super) unevaluated_items: Option<Id>,
    /// Whether nothing of a table, or a list, can be left unevaluated; how many items at least are not.
    pub(super) all_properties: bool,
    pub(super) all_items: bool,
    pub(super) first_items: usize,
}

/// A keyword, or those that work together.
pub(super) enum Check<'d> {
    Type(Types),
    Const(&'d Value),
    Enum(&'d [Value]),
    Format(&'d str, Format),
    Reference(Id),
    MinProperties(u64),
    MaxProperties(u64),
    Required(Vec<&'d str>),
    Dependencies(Vec<(&'d str, Dependency<'d>)>),
    Members {
        properties: Vec<(&'d str, Id)>,
        patterns: Vec<(Pattern<'d>, Id)>,
        others: Option<Others>,
    },
    PropertyNames(Id),
    MinItems(u64),
    MaxItems(u64),
    UniqueItems,
    /// The index of further items is counted from the first of them, as the library does.
    Items {
        first: Vec<Id>,
        others: Option<Others>,
    },
    Contains {
        schema: Id,
        min: Option<u64>,
        max: Option<u64>,
        evaluates: bool,
    },
    MinLength(u64),
    MaxLength(u64),
    Pattern(Pattern<'d>),
    Limit(Limit, f64),
    RecursiveReference(Id),
    DynamicReference(Id, Option<&'d str>),
    Not(Id),
    AllOf(Vec<Id>),
    AnyOf(Vec<Id>),
    OneOf(Vec<Id>),
    If {
        condition: Id,
        then: Option<Id>,
        otherwise: Option<Id>,
    },
}

/// What a property needs beside it.
pub(super) enum Dependency<'d> {
    Properties(Vec<&'d str>),
    Schema(Id),
}

/// What holds for the members that nothing else speaks of.
#[derive(Clone, Copy)]
pub(super) enum Others {
    Refused,
    Allowed,
    Schema(Id),
}

/// A limit of numbers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Limit {
    Minimum,
    Maximum,
    ExclusiveMinimum,
    ExclusiveMaximum,
    MultipleOf,
}

/// Some of JSON's types, in the order of their names in messages.
#[derive(Clone, Copy)]
pub(super) struct Types(u8);

/// The names of types.
pub(super) const TYPES: [&str; 7] = ["null", "boolean", "number", "integer", "string", "array", "object"];

/// A pattern, compiled when first used: its syntax has been checked with the schema.
pub(super) struct Pattern<'d> {
    pub(super) text: &'d str,
    regex: OnceCell<Option<Regex>>,
}

impl Compiled<'_> {
    /// Where a schema is, as a URL with a JSON pointer: looked for only when something is wrong.
    pub(super) fn location(&self, schema: Id) -> String {
        let Some((url, root, value)) = self.places.get(schema) else { return String::new() };
        format!("{url}#{}", path_to(root, address(value)).unwrap_or_default())
    }
}

impl Types {
    /// Those that `type` names.
    pub(super) fn of<'n>(names: impl IntoIterator<Item = &'n str>) -> Self {
        let places = names.into_iter().filter_map(|name| TYPES.iter().position(|known| *known == name));
        Self(places.fold(0, |all, place| all | (1 << place)))
    }

    /// Whether there are none.
    pub(super) fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether a type is among them.
    pub(super) fn contains(self, name: &str) -> bool {
        TYPES.iter().position(|known| *known == name).is_some_and(|place| self.0 & (1 << place) != 0)
    }

    /// `null or string`.
    pub(super) fn names(self) -> String {
        TYPES.iter().copied().filter(|name| self.contains(name)).collect::<Vec<_>>().join(" or ")
    }
}

impl<'d> Pattern<'d> {
    /// A pattern whose syntax has been checked.
    pub(super) fn new(text: &'d str) -> Self {
        Self { text, regex: OnceCell::new() }
    }

    /// Whether it is found in a text.
    pub(super) fn is_match(&self, text: &str) -> bool {
        let regex = self.regex.get_or_init(|| compile_regex(self.text).ok());
        regex.as_ref().is_some_and(|regex| regex.is_match(text))
    }
}

/// The JSON pointer to the value at an address.
fn path_to(value: &Value, target: usize) -> Option<String> {
    if address(value) == target {
        return Some(String::new());
    }
    match value {
        Value::Array(list) => {
            list.iter().enumerate().find_map(|(index, inner)| Some(format!("/{index}{}", path_to(inner, target)?)))
        }
        Value::Object(table) => table.iter().find_map(|(key, inner)| {
            let rest = path_to(inner, target)?;
            Some(format!("/{}{rest}", key.replace('~', "~0").replace('/', "~1")))
        }),
        _ => None,
    }
}
