//! Where an object's lists and maps are merged and where they are replaced: by the table for built-in
//! kinds; for custom resources by what the live object's `managedFields` show.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::fields::{FieldSet, field};
use crate::cluster::schema::{self, ListType, MapType, Node};

/// The merge rules at one place of an object.
#[derive(Clone, Copy)]
pub(super) struct Shape<'a> {
    node: Node,
    /// Whether the table knows this place.
    known: bool,
    /// Whether this is the object itself.
    root: bool,
    /// What managers own here and below.
    owned: Option<&'a FieldSet>,
}

/// How a list is merged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ListShape {
    /// Replaced as a whole.
    Atomic,
    /// Scalars as a set.
    Set,
    /// Maps by these keys.
    Map(Vec<String>),
}

impl<'a> Shape<'a> {
    /// The shape of an object, with the fields that any manager owns.
    pub(super) fn of(object: &Value, owned: &'a FieldSet) -> Self {
        let node = schema::of(object);
        Self { node: node.unwrap_or_else(Node::unknown), known: node.is_some(), root: true, owned: Some(owned) }
    }

    pub(super) fn field(&self, name: &str) -> Self {
        let owned = self.owned.and_then(|owned| owned.below(&field(name)));
        if self.root && name == "metadata" {
            return Self { node: schema::object_meta(), known: true, root: false, owned };
        }
        Self { node: self.node.field(name), known: self.known, root: false, owned }
    }

    /// The shape of a list's item.
    pub(super) fn element(&self, element: &str) -> Self {
        Self { owned: self.owned.and_then(|owned| owned.below(element)), ..*self }
    }

    pub(super) fn list(&self) -> ListShape {
        if self.known {
            return match self.node.list_type() {
                ListType::Atomic => ListShape::Atomic,
                ListType::Set => ListShape::Set,
                ListType::Map => {
                    ListShape::Map(self.node.list_map_keys().iter().map(|key| (*key).to_owned()).collect())
                }
            };
        }
        let elements = || self.owned.into_iter().flat_map(FieldSet::elements);
        let keys: BTreeSet<String> = elements().filter_map(keys_of).flatten().collect();
        if !keys.is_empty() {
            ListShape::Map(keys.into_iter().collect())
        } else if elements().any(|element| element.starts_with("v:")) {
            ListShape::Set
        } else {
            ListShape::Atomic
        }
    }

    /// Whether this map is replaced as a whole.
    pub(super) fn is_atomic_map(&self, map: &Value) -> bool {
        if self.known {
            return self.node.map_type() == MapType::Atomic;
        }
        // A map that is owned while none of its keys are is one leaf.
        let leaf = self.owned.is_some_and(|owned| owned.is_member() && owned.elements().next().is_none());
        leaf && map.as_object().is_some_and(|map| !map.is_empty())
    }

    pub(super) fn default_of_key(&self, key: &str) -> Option<Value> {
        schema::default_of_key(key).filter(|_| self.known).map(Value::from)
    }
}

fn keys_of(element: &str) -> Option<impl Iterator<Item = String>> {
    let keys: Map<String, Value> = serde_json::from_str(element.strip_prefix("k:")?).ok()?;
    Some(keys.into_iter().map(|(key, _)| key))
}
