//! Sets of fields, as `managedFields` records them in FieldsV1, with the operations of
//! sigs.k8s.io/structured-merge-diff `fieldpath.Set`.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::shape::{ListShape, Shape};

/// A set of paths into an object: a tree of path elements, each of which may be a member itself.
///
/// Elements are written as FieldsV1 writes them: `f:NAME`, `k:{"KEY":VALUE,…}`, `v:VALUE`, `i:INDEX`;
/// keys are sorted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FieldSet {
    member: bool,
    below: BTreeMap<String, FieldSet>,
}

impl FieldSet {
    /// Reads FieldsV1. Anything that is not an object is the empty set.
    pub fn from_json(fields: &Value) -> Self {
        let below =
            fields.as_object().into_iter().flatten().filter(|(element, _)| *element != ".").map(|(element, below)| {
                let mut set = Self::from_json(below);
                set.member |= below.as_object().is_some_and(Map::is_empty);
                (canonical(element), set)
            });
        Self { member: fields.get(".").is_some(), below: below.collect() }
    }

    /// Writes FieldsV1.
    pub fn to_json(&self) -> Value {
        let below = self.below.iter().filter(|(_, set)| !set.is_empty());
        let mut map: Map<String, Value> = below.map(|(element, set)| (element.clone(), set.to_json())).collect();
        if self.member && !map.is_empty() {
            map.insert(".".to_owned(), json!({}));
        }
        Value::Object(map)
    }

    /// The fields that a value of this shape sets.
    pub(super) fn of(value: &Value, shape: &Shape) -> Self {
        let mut set = Self::default();
        set.add(value, shape);
        set
    }

    /// Whether no path is in the set.
    pub fn is_empty(&self) -> bool {
        !self.member && self.below.values().all(Self::is_empty)
    }

    /// Whether the very path of these elements is a member.
    pub fn contains(&self, path: &[&str]) -> bool {
        match path {
            [] => self.member,
            [element, rest @ ..] => self.below.get(*element).is_some_and(|set| set.contains(rest)),
        }
    }

    /// Paths in either set.
    #[must_use]
    pub fn union(mut self, other: &Self) -> Self {
        self.member |= other.member;
        for (element, theirs) in other.below.iter().filter(|(_, set)| !set.is_empty()) {
            let ours = self.below.remove(element).unwrap_or_default();
            self.below.insert(element.clone(), ours.union(theirs));
        }
        self
    }

    /// Paths in both sets.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let both =
            |(element, ours): (&String, &Self)| Some((element.clone(), ours.intersection(other.below.get(element)?)));
        let below = self.below.iter().filter_map(both).filter(|(_, set)| !set.is_empty());
        Self { member: self.member && other.member, below: below.collect() }
    }

    /// Paths of this set that are not in the other; parents and children of theirs stay.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        let less = |(element, ours): (&String, &Self)| match other.below.get(element) {
            Some(theirs) => (element.clone(), ours.difference(theirs)),
            None => (element.clone(), ours.clone()),
        };
        let below = self.below.iter().map(less).filter(|(_, set)| !set.is_empty());
        Self { member: self.member && !other.member, below: below.collect() }
    }

    /// The paths as the API server words them: `.spec.containers[name="web"].image`.
    pub fn paths(&self) -> Vec<String> {
        let mut paths = Vec::new();
        self.collect_paths("", &mut paths);
        paths
    }

    pub(super) fn is_member(&self) -> bool {
        self.member
    }

    pub(super) fn below(&self, element: &str) -> Option<&Self> {
        self.below.get(element)
    }

    pub(super) fn elements(&self) -> impl Iterator<Item = &str> {
        self.below.keys().map(String::as_str)
    }

    /// The set below an element, made when there is none.
    pub(super) fn descend(&mut self, element: String) -> &mut Self {
        self.below.entry(element).or_default()
    }

    pub(super) fn insert(&mut self) {
        self.member = true;
    }

    fn add(&mut self, value: &Value, shape: &Shape) {
        match value {
            Value::Object(map) if !map.is_empty() && !shape.is_atomic_map(value) => {
                for (key, value) in map {
                    self.descend(field(key)).add(value, &shape.field(key));
                }
            }
            Value::Array(items) => match shape.list().elements(items, shape) {
                Some(elements) => elements.into_iter().zip(items).for_each(|(element, item)| {
                    let shape = shape.element(&element);
                    let set = self.descend(element);
                    set.add(item, &shape);
                    set.member = true;
                }),
                None => self.member = true,
            },
            _ => self.member = true,
        }
    }

    fn collect_paths(&self, prefix: &str, paths: &mut Vec<String>) {
        for (element, set) in &self.below {
            let path = format!("{prefix}{}", words(element));
            if set.member {
                paths.push(path.clone());
            }
            set.collect_paths(&path, paths);
        }
    }
}

impl ListShape {
    /// The path elements of a list's items; `None` when the list is one leaf, or an item lacks its keys.
    pub(super) fn elements(&self, items: &[Value], shape: &Shape) -> Option<Vec<String>> {
        if *self == Self::Atomic {
            return None;
        }
        items.iter().map(|item| self.element(item, shape)).collect()
    }

    fn element(&self, item: &Value, shape: &Shape) -> Option<String> {
        match self {
            Self::Atomic => None,
            Self::Set => (!item.is_array() && !item.is_object() && !item.is_null()).then(|| format!("v:{item}")),
            Self::Map(keys) => {
                let item = item.as_object()?;
                let value = |key: &String| item.get(key).cloned().or_else(|| shape.default_of_key(key));
                let found: BTreeMap<&String, Value> = keys.iter().filter_map(|key| Some((key, value(key)?))).collect();
                (!found.is_empty()).then(|| key_element(&found))
            }
        }
    }
}

/// The path element of a map's field.
pub(super) fn field(name: &str) -> String {
    format!("f:{name}")
}

fn key_element<K: AsRef<str>>(keys: &BTreeMap<K, Value>) -> String {
    let pairs: Vec<String> = keys.iter().map(|(key, value)| format!("{}:{value}", Value::from(key.as_ref()))).collect();
    format!("k:{{{}}}", pairs.join(","))
}

/// The one spelling of an element: keys sorted, JSON as this program writes it.
fn canonical(element: &str) -> String {
    let parsed = |text: &str| serde_json::from_str::<Value>(text).ok();
    match element.split_once(':') {
        Some(("k", keys)) => match parsed(keys) {
            Some(Value::Object(keys)) => key_element(&keys.into_iter().collect()),
            _ => element.to_owned(),
        },
        Some(("v", value)) => parsed(value).map_or_else(|| element.to_owned(), |value| format!("v:{value}")),
        _ => element.to_owned(),
    }
}

fn words(element: &str) -> String {
    match element.split_once(':') {
        Some(("f", name)) => format!(".{name}"),
        Some(("v", value)) => format!("[={value}]"),
        Some(("k", keys)) => {
            let keys: BTreeMap<String, Value> = serde_json::from_str(keys).unwrap_or_default();
            let pairs: Vec<String> = keys.iter().map(|(key, value)| format!("{key}={value}")).collect();
            format!("[{}]", pairs.join(","))
        }
        Some((_, rest)) => format!("[{rest}]"),
        None => element.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(fields: Value) -> FieldSet {
        FieldSet::from_json(&fields)
    }

    #[test]
    fn fields_v1_is_read_and_written() {
        // From a Deployment on a real API server.
        let fields = json!({"f:spec": {"f:replicas": {}, "f:template": {"f:spec": {"f:containers": {
            "k:{\"name\":\"web\"}": {".": {}, "f:image": {}, "f:ports": {
                ".": {}, "k:{\"containerPort\":80,\"protocol\":\"TCP\"}": {".": {}, "f:containerPort": {}},
            }},
        }}}}});
        let read = set(fields.clone());
        assert_eq!(read.to_json(), fields);
        assert!(read.contains(&["f:spec", "f:replicas"]));
        assert!(!read.contains(&["f:spec"]));
        let container = ".spec.template.spec.containers[name=\"web\"]";
        let expected = [
            ".spec.replicas".to_owned(),
            container.to_owned(),
            format!("{container}.image"),
            format!("{container}.ports"),
            format!("{container}.ports[containerPort=80,protocol=\"TCP\"]"),
            format!("{container}.ports[containerPort=80,protocol=\"TCP\"].containerPort"),
        ];
        assert_eq!(read.paths(), expected);
        assert_eq!(
            set(json!({"f:metadata": {"f:finalizers": {"v:\"a\"": {}}}})).paths(),
            [".metadata.finalizers[=\"a\"]"]
        );
    }

    #[test]
    fn elements_have_one_spelling() {
        let here = set(json!({"k:{\"a\":\"x&y\",\"b\":1}": {}}));
        assert_eq!(here, set(json!({"k:{\"b\": 1, \"a\": \"x\\u0026y\"}": {}})));
    }

    /// As `fieldpath/set_test.go` has it: a parent and its child are different paths.
    #[test]
    fn sets_combine_path_by_path() {
        let (left, right) = (set(json!({"f:a": {".": {}, "f:b": {}}})), set(json!({"f:a": {}, "f:c": {}})));
        assert_eq!(left.clone().union(&right).paths(), [".a", ".a.b", ".c"]);
        assert_eq!(left.intersection(&right).paths(), [".a"]);
        assert_eq!(left.difference(&right).paths(), [".a.b"]);
        assert_eq!(right.difference(&left).paths(), [".c"]);
        assert!(left.difference(&left).is_empty());
    }
}
