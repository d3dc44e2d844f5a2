//! A server-side apply and the tracking of ownership as the API server does them, for the sandbox
//! (structured-merge-diff `merge.Updater`, apimachinery `managedfields`).

use serde_json::{Value, json};

use super::{
    fields::FieldSet,
    ownership::{Owner, owners},
    predict::{Plan, differences},
    shape::Shape,
};
use crate::{cluster::error::FieldConflict, manifest::Object};

/// Who writes, as `managedFields` records it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Writer<'a> {
    /// The field manager.
    pub manager: &'a str,
    /// The `apiVersion` written at.
    pub api_version: &'a str,
    /// `status`, `scale`, or empty for the object itself.
    pub subresource: &'a str,
    /// Now, in RFC 3339.
    pub time: &'a str,
}

/// Applies a configuration server-side; on nothing when `live` is absent. Ownership is recorded in the
/// result. Errors are the conflicts, which `force` takes over.
pub fn apply_as(
    live: Option<&Object>,
    config: &Object,
    writer: &Writer,
    force: bool,
) -> Result<Object, Vec<FieldConflict>> {
    let nothing = Object::new(json!({"apiVersion": config.api_version(), "kind": config.kind()}));
    let live = live.unwrap_or(&nothing);
    let plan = Plan::new(live, config, writer.manager);
    let conflicts = plan.conflicts();
    if !force && !conflicts.is_empty() {
        return Err(conflicts);
    }
    let (outcome, nulls) = plan.outcome();
    let shape = Shape::of(&live.value, &plan.owned);
    let (mut changed, mut removed) = (nulls, FieldSet::default());
    differences(&live.value, &outcome, &shape, &mut changed, &mut removed);

    let fields = FieldSet::of(&plan.target, &shape).difference(&identity());
    let same = outcome == live.value;
    let before = |owner: &&Owner| owner.is_apply_of(writer.manager);
    let kept = plan.owners.iter().find(before).filter(|owner| same && owner.fields == fields);
    let own = kept.map_or_else(|| writer.entry("Apply", &fields), |owner| owner.entry.clone());
    let others = plan.owners.iter().filter(|owner| !before(owner));
    let mut entries = left_to(others, &changed, &removed);
    if plan.owners.is_empty() {
        let untracked = Writer { manager: super::predict::BEFORE_FIRST_APPLY, ..*writer };
        let left = plan.owned.difference(&changed).difference(&removed).difference(&identity());
        entries.extend((!left.is_empty()).then(|| untracked.entry("Update", &left)));
    }
    entries.extend((!fields.is_empty()).then_some(own));
    Ok(with_entries(outcome, entries))
}

/// Records in `after` who owns what after an update, or a create when `before` is absent. An object that is
/// not tracked stays so. `managedFields` that `after` brings along count as the ones before.
#[must_use]
pub fn track_update(before: Option<&Object>, after: &Object, writer: &Writer) -> Object {
    let nothing = Object::new(json!({"apiVersion": after.api_version(), "kind": after.kind()}));
    let mut known = owners(after);
    if known.is_empty() {
        known = before.map(owners).unwrap_or_default();
    }
    if before.is_some() && known.is_empty() {
        return after.clone();
    }
    let owned = known.iter().fold(FieldSet::default(), |all, owner| all.union(&owner.fields));
    let shape = Shape::of(&after.value, &owned);
    let (mut changed, mut removed) = (FieldSet::default(), FieldSet::default());
    let (old, new) = (untracked(before.unwrap_or(&nothing)), untracked(after));
    differences(&old, &new, &shape, &mut changed, &mut removed);

    let (own, others): (Vec<&Owner>, Vec<&Owner>) = known.iter().partition(|owner| owner.is_update_of(writer));
    let mut entries = left_to(others.into_iter(), &changed, &removed);
    let fields = own.first().map_or_else(FieldSet::default, |owner| owner.fields.clone());
    let fields = fields.difference(&removed).union(&changed).difference(&identity());
    let same = own.first().filter(|owner| owner.fields == fields);
    let entry = same.map_or_else(|| writer.entry("Update", &fields), |owner| owner.entry.clone());
    entries.extend((!fields.is_empty()).then_some(entry));
    with_entries(new, entries)
}

impl Writer<'_> {
    fn entry(&self, operation: &str, fields: &FieldSet) -> Value {
        let mut entry = json!({
            "manager": self.manager, "operation": operation, "apiVersion": self.api_version,
            "time": self.time, "fieldsType": "FieldsV1", "fieldsV1": fields.to_json(),
        });
        if !self.subresource.is_empty() {
            entry["subresource"] = json!(self.subresource);
        }
        entry
    }
}

/// The entries of others, less what was changed and removed.
fn left_to<'a>(others: impl Iterator<Item = &'a Owner<'a>>, changed: &FieldSet, removed: &FieldSet) -> Vec<Value> {
    let left = |owner: &Owner| {
        let fields = owner.fields.difference(changed).difference(removed);
        let mut entry = owner.entry.clone();
        entry["fieldsV1"] = fields.to_json();
        (!fields.is_empty()).then_some(entry)
    };
    others.filter_map(left).collect()
}

/// An object with these `managedFields`, in the server's order.
fn with_entries(mut value: Value, mut entries: Vec<Value>) -> Object {
    let order = |entry: &Value| {
        ["operation", "time", "manager", "apiVersion", "subresource"]
            .map(|key| entry[key].as_str().unwrap_or_default().to_owned())
    };
    entries.sort_by_key(order);
    if let Some(metadata) = value["metadata"].as_object_mut() {
        metadata.insert("managedFields".to_owned(), Value::Array(entries));
    }
    Object::new(value)
}

fn untracked(object: &Object) -> Value {
    let mut value = object.value.clone();
    if let Some(metadata) = value.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("managedFields");
    }
    value
}

/// What nobody owns (apimachinery `managedfields/internal/stripmeta.go`).
fn identity() -> FieldSet {
    FieldSet::from_json(&json!({
        "f:apiVersion": {}, "f:kind": {},
        "f:metadata": {
            ".": {}, "f:name": {}, "f:namespace": {}, "f:creationTimestamp": {}, "f:selfLink": {}, "f:uid": {},
            "f:clusterName": {}, "f:generation": {}, "f:managedFields": {}, "f:resourceVersion": {},
        },
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ownership without times, in no order.
    fn entries(object: &Value) -> Vec<String> {
        let entries = object["metadata"]["managedFields"].as_array().cloned().unwrap_or_default();
        let timeless = |mut entry: Value| {
            entry.as_object_mut().unwrap().remove("time");
            entry.to_string()
        };
        let mut entries: Vec<String> = entries.into_iter().map(timeless).collect();
        entries.sort();
        entries
    }

    /// Replays the steps that made the live object of a case of `tests/data/server-side.json`, then its apply;
    /// ownership must be as apimachinery's `managedfields.FieldManager` (v0.36.1) records it.
    #[track_caller]
    fn check(case: &Value) {
        let target = Object::new(case["target"].clone());
        let mut live: Option<Object> = None;
        for step in case["steps"].as_array().unwrap() {
            let (manager, object) = (step[0].as_str().unwrap(), Object::new(step[2].clone()));
            let api_version = target.api_version();
            let writer = Writer { manager, api_version, subresource: "", time: "2026-01-01T00:00:00Z" };
            let mut next = match step[1].as_str().unwrap() {
                "Apply" => apply_as(live.as_ref(), &object, &writer, true).unwrap(),
                "Update" => track_update(live.as_ref(), &object, &writer),
                "migrate" => super::super::migrated(live.as_ref().unwrap()),
                _ => Object::new(untracked(live.as_ref().unwrap())),
            };
            next.value["metadata"]["uid"] = json!("u");
            live = Some(next);
        }
        let live = live.unwrap();
        assert_eq!(entries(&live.value), entries(&case["live"]), "live of {}", case["name"]);

        let api_version = target.api_version();
        let writer = Writer { manager: "helm", api_version, subresource: "", time: "2026-01-01T00:00:00Z" };
        let stored = apply_as(Some(&live), &target, &writer, true).unwrap();
        let expected = json!({"metadata": {"managedFields": case["storedFields"]}});
        assert_eq!(entries(&stored.value), entries(&expected), "stored of {}", case["name"]);
    }

    #[test]
    fn ownership_is_recorded_as_the_server_records_it() {
        let cases: Vec<Value> = serde_json::from_str(include_str!("../../../tests/data/server-side.json")).unwrap();
        for case in &cases {
            check(case);
        }
    }
}
