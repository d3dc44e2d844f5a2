//! Pairing objects and comparing a pair.

use std::collections::HashMap;

use serde_json::Value;

use super::{
    Change, ObjectDiff, Redactor, Weight,
    compare::{Difference, Step, differences, is_generated},
    summary::summary,
};
use crate::{
    manifest::{Object, ObjectKey},
    yaml,
};

/// Pairs two sets by group, kind, namespace, name and compares them: what changes first, in the order of the new
/// side, then what is deleted, then what stays.
pub fn objects(old: &[Object], new: &[Object], redactor: &Redactor) -> Vec<ObjectDiff> {
    let mut unpaired: HashMap<ObjectKey, Vec<&Object>> = HashMap::new();
    for object in old.iter().rev() {
        unpaired.entry(object.key()).or_default().push(object);
    }
    let mut diffs: Vec<ObjectDiff> = Vec::with_capacity(new.len());
    for after in new {
        let before = unpaired.get_mut(&after.key()).and_then(Vec::pop);
        diffs.push(object(before, Some(after), redactor));
    }
    for before in old {
        let left = unpaired.get(&before.key()).into_iter().flatten();
        if left.into_iter().any(|object| std::ptr::eq(*object, before)) {
            diffs.push(object(Some(before), None, redactor));
        }
    }
    diffs.sort_by_key(|diff| diff.change == Change::None);
    diffs
}

/// Compares one pair. Server-generated fields (`status`, `managedFields`, `uid`, `resourceVersion`,
/// `generation`, `creationTimestamp`, `selfLink`) are left out on both sides.
pub fn object(old: Option<&Object>, new: Option<&Object>, redactor: &Redactor) -> ObjectDiff {
    let differences = match (old, new) {
        (Some(old), Some(new)) => differences(&old.value, &new.value),
        _ => Vec::new(),
    };
    let (change, weight) = match (old, new) {
        (None, None) => (Change::None, Weight::Same),
        (None, Some(_)) => (Change::Create, Weight::Real),
        (Some(_), None) => (Change::Delete, Weight::Real),
        (Some(_), Some(_)) if differences.is_empty() => (Change::None, Weight::Same),
        (Some(_), Some(_)) if differences.iter().all(is_light) => (Change::Update, Weight::LabelsOnly),
        (Some(_), Some(_)) => (Change::Update, Weight::Real),
    };
    let shown = |object: Option<&Object>| object.map_or(String::new(), |object| text(&redactor.shown(&object.value)));
    let new_text = shown(new);
    let named = new.or(old);
    ObjectDiff {
        key: named.map_or_else(empty_key, Object::key),
        api_version: named.map_or("", Object::api_version).to_owned(),
        change,
        weight,
        summary: match (old, new) {
            (Some(old), Some(new)) if change == Change::Update => {
                summary(&redactor.shown(&old.value), &redactor.shown(&new.value))
            }
            _ => Vec::new(),
        },
        old_text: if change == Change::None { new_text.clone() } else { shown(old) },
        new_text,
    }
}

fn empty_key() -> ObjectKey {
    let [group, kind, namespace, name] = [const { String::new() }; 4];
    ObjectKey { group, kind, namespace, name }
}

/// Whether only the chart's own labels, or checksums that make pods restart, differ.
pub(super) fn is_light(difference: &Difference) -> bool {
    const LABELS: [&str; 5] =
        ["helm.sh/chart", "app.kubernetes.io/version", "app.kubernetes.io/managed-by", "chart", "heritage"];
    match difference.path.as_slice() {
        [.., Step::Field(parent), Step::Field(label)] if parent == "labels" => LABELS.contains(&label.as_str()),
        [.., Step::Field(parent), Step::Field(key)] if parent == "annotations" => key.contains("checksum"),
        _ => false,
    }
}

/// An object as it is read: what it is first, then its fields as Helm sorts them, without what the server generates.
fn text(object: &Value) -> String {
    let Some(map) = object.as_object().filter(|map| !map.is_empty()) else {
        return yaml::to_string(object);
    };
    let mut metadata = map.get("metadata").cloned();
    if let Some(Value::Object(metadata)) = &mut metadata {
        metadata.retain(|key, _| !is_generated(&["metadata", key]));
    }
    let first = ["apiVersion", "kind"].into_iter().filter_map(|key| Some((key, map.get(key)?)));
    let mut entries: Vec<(&str, &Value)> = first.collect();
    entries.extend(metadata.as_ref().map(|metadata| ("metadata", metadata)));
    let rest = map
        .iter()
        .filter(|(key, _)| !["apiVersion", "kind", "metadata"].contains(&key.as_str()) && !is_generated(&[key]));
    entries.extend(rest.map(|(key, value)| (key.as_str(), value)));
    yaml::entries_to_string(&entries)
}
