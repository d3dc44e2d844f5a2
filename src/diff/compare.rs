//! Which fields of two objects differ.

use serde_json::{Map, Value};

use super::lists;

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// A field.
    Field(String),
    /// An item of a list, by its name or place.
    Item(String),
}

/// One field that differs; the deepest one that both sides can be compared at.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Difference<'a> {
    pub(super) path: Vec<Step>,
    pub(super) old: Option<&'a Value>,
    pub(super) new: Option<&'a Value>,
}

/// Every difference, in the order of the keys. Fields that the server generates are left out.
pub(super) fn differences<'a>(old: &'a Value, new: &'a Value) -> Vec<Difference<'a>> {
    let mut walk = Walk { path: Vec::new(), found: Vec::new() };
    walk.value(Some(old), Some(new));
    walk.found
}

/// `spec.template.spec.containers[web].image`, `metadata.labels[helm.sh/chart]`.
pub(super) fn display(path: &[Step]) -> String {
    let mut text = String::new();
    for step in path {
        match step {
            Step::Field(name) if name.contains(['.', '/']) => text += &format!("[{name}]"),
            Step::Field(name) if text.is_empty() => text += name,
            Step::Field(name) => text += &format!(".{name}"),
            Step::Item(name) => text += &format!("[{name}]"),
        }
    }
    text
}

/// Whether the server generates this field.
pub(super) fn is_generated(path: &[&str]) -> bool {
    matches!(
        path,
        ["status"]
            | [
                "metadata",
                "managedFields" | "uid" | "resourceVersion" | "generation" | "creationTimestamp" | "selfLink"
            ]
    )
}

struct Walk<'a> {
    path: Vec<Step>,
    found: Vec<Difference<'a>>,
}

impl<'a> Walk<'a> {
    fn value(&mut self, old: Option<&'a Value>, new: Option<&'a Value>) {
        match (old, new) {
            (Some(Value::Object(old)), Some(Value::Object(new))) => self.fields(Some(old), Some(new)),
            // Where a map of settings comes or goes, each of its keys does.
            (Some(Value::Object(map)), None) if self.is_settings() => self.fields(Some(map), None),
            (None, Some(Value::Object(map))) if self.is_settings() => self.fields(None, Some(map)),
            (Some(Value::Array(old_items)), Some(Value::Array(new_items))) if old_items != new_items => {
                self.items(old, new, old_items, new_items);
            }
            _ if old != new => self.found.push(Difference { path: self.path.clone(), old, new }),
            _ => {}
        }
    }

    fn is_settings(&self) -> bool {
        let settings = ["data", "stringData", "binaryData", "labels", "annotations"];
        matches!(self.path.last(), Some(Step::Field(name)) if settings.contains(&name.as_str()))
    }

    fn fields(&mut self, old: Option<&'a Map<String, Value>>, new: Option<&'a Map<String, Value>>) {
        let added = |key: &&String| old.is_none_or(|old| !old.contains_key(*key));
        let keys = old.into_iter().flat_map(Map::keys).chain(new.into_iter().flat_map(Map::keys).filter(added));
        for key in keys {
            let generated = match self.path.as_slice() {
                [] => is_generated(&[key]),
                [Step::Field(parent)] => is_generated(&[parent, key]),
                _ => false,
            };
            if !generated {
                let step = Step::Field(key.clone());
                self.step(step, old.and_then(|old| old.get(key)), new.and_then(|new| new.get(key)));
            }
        }
    }

    fn items(
        &mut self,
        old: Option<&'a Value>,
        new: Option<&'a Value>,
        old_items: &'a [Value],
        new_items: &'a [Value],
    ) {
        let Some(names) = lists::names([old_items, new_items].into_iter()) else {
            let objects = |items: &[Value]| items.iter().all(Value::is_object);
            if !objects(old_items) || !objects(new_items) {
                return self.found.push(Difference { path: self.path.clone(), old, new });
            }
            for place in 0..old_items.len().max(new_items.len()) {
                self.step(Step::Item(place.to_string()), old_items.get(place), new_items.get(place));
            }
            return;
        };
        for (name, item) in names[0].iter().zip(old_items) {
            let other = names[1].iter().position(|other| other == name).map(|at| &new_items[at]);
            self.step(Step::Item(name.clone()), Some(item), other);
        }
        for (name, item) in names[1].iter().zip(new_items).filter(|(name, _)| !names[0].contains(name)) {
            self.step(Step::Item(name.clone()), None, Some(item));
        }
        if same_set(&names) && names[0] != names[1] {
            // Only the order tells the two apart, and order may matter.
            self.found.push(Difference { path: self.path.clone(), old, new });
        }
    }

    fn step(&mut self, step: Step, old: Option<&'a Value>, new: Option<&'a Value>) {
        self.path.push(step);
        self.value(old, new);
        self.path.pop();
    }
}

fn same_set(names: &[Vec<String>]) -> bool {
    let sorted = |names: &Vec<String>| {
        let mut names = names.clone();
        names.sort_unstable();
        names
    };
    sorted(&names[0]) == sorted(&names[1])
}
