//! What a server-side apply would store, computed here: for when a dry-run is not allowed, and for when ownership
//! is migrated first, which a dry-run cannot follow. The rules are those of sigs.k8s.io/structured-merge-diff
//! (`merge.Updater.Apply`, `typed`): merge, then prune what Helm applied before and nobody sets now.
//!
//! Not predicted: defaults and webhooks. Owners at another apiVersion are read as if at this one.

use std::{collections::VecDeque, mem};

use serde_json::{Map, Value};

use super::{
    FIELD_MANAGER,
    fields::{FieldSet, field},
    merge_patch::drop_nulls,
    ownership::{Owner, owners},
    shape::{ListShape, Shape},
};
use crate::{
    cluster::{error::FieldConflict, schema},
    manifest::Object,
};

/// The owner of every field of an object that was never tracked (apimachinery `managedfields`).
pub(super) const BEFORE_FIRST_APPLY: &str = "before-first-apply";

/// The local estimate of a server-side apply by Helm: fields of `target` set on `live`, conflicts taken; fields removed
/// that Helm applied before, `target` lacks and no other manager owns. Where Helm migrates ownership first, `live` is
/// to be [`super::migrated`] already.
pub fn server_side_locally(live: &Object, target: &Object) -> Object {
    let plan = Plan::new(live, target, FIELD_MANAGER);
    Object { value: plan.outcome().0, source: live.source.clone() }
}

/// The fields that a server-side apply without force would be refused for: owned by others and changed by it.
/// Sorted by manager, worded as the API server words them.
pub fn local_conflicts(live: &Object, target: &Object) -> Vec<FieldConflict> {
    Plan::new(live, target, FIELD_MANAGER).conflicts()
}

/// One server-side apply, thought through.
pub(super) struct Plan<'a> {
    live: &'a Object,
    manager: &'a str,
    /// The target without what an apply cannot set.
    pub(super) target: Value,
    pub(super) owners: Vec<Owner<'a>>,
    /// What any manager owns.
    pub(super) owned: FieldSet,
}

impl<'a> Plan<'a> {
    pub(super) fn new(live: &'a Object, target: &Object, manager: &'a str) -> Self {
        let owners = owners(live);
        let mut owned = owners.iter().fold(FieldSet::default(), |all, owner| all.union(&owner.fields));
        if owners.is_empty() {
            // As an update that made the object from nothing would own it.
            let (unowned, mut removed) = (FieldSet::default(), FieldSet::default());
            let shape = Shape::of(&live.value, &unowned);
            let nothing = Value::Object(Map::new());
            differences(&nothing, &live.value, &shape, &mut owned, &mut removed);
        }
        let mut target = target.value.clone();
        if let Some(fields) = target.as_object_mut() {
            let has_status = schema::of(&live.value).is_some() || owners.iter().any(Owner::is_of_status);
            fields.retain(|name, _| name != "status" || !has_status);
            fields.insert("apiVersion".to_owned(), live.value["apiVersion"].clone());
            for name in ["namespace", "uid", "resourceVersion", "generation", "creationTimestamp", "managedFields"] {
                fields.get_mut("metadata").and_then(Value::as_object_mut).map(|metadata| metadata.remove(name));
            }
        }
        Self { live, manager, target, owners, owned }
    }

    /// The object afterwards, and the fields that the target sets to null.
    pub(super) fn outcome(&self) -> (Value, FieldSet) {
        let shape = Shape::of(&self.live.value, &self.owned);
        let (mut value, mut nulls) = (self.live.value.clone(), FieldSet::default());
        merge(&mut value, &self.target, &shape, &mut nulls);
        if let Some(last) = self.owners.iter().find(|owner| self.applied(owner)) {
            let others = self.owners.iter().filter(|owner| !self.applied(owner));
            let kept = others.fold(FieldSet::of(&self.target, &shape), |kept, owner| kept.union(&owner.fields));
            prune(&mut value, &last.fields, &kept, &shape);
        }
        (value, nulls)
    }

    /// What others own and the apply changes.
    pub(super) fn conflicts(&self) -> Vec<FieldConflict> {
        let shape = Shape::of(&self.live.value, &self.owned);
        let (outcome, mut changed) = self.outcome();
        let mut removed = FieldSet::default();
        differences(&self.live.value, &outcome, &shape, &mut changed, &mut removed);
        if self.owners.is_empty() {
            let version = self.live.api_version();
            let words = format!("conflict with {BEFORE_FIRST_APPLY:?} using {version}");
            return conflicts_with(BEFORE_FIRST_APPLY, &words, &self.owned, &changed).collect();
        }
        let others = self.owners.iter().filter(|owner| !self.applied(owner));
        let mut conflicts = Vec::new();
        for owner in others {
            let words = owner.conflict();
            conflicts.extend(conflicts_with(owner.manager(), &words, &owner.fields, &changed));
        }
        conflicts.sort_by(|left, right| (&left.manager, &left.field).cmp(&(&right.manager, &right.field)));
        conflicts
    }

    fn applied(&self, owner: &Owner) -> bool {
        owner.is_apply_of(self.manager)
    }
}

fn conflicts_with(
    manager: &str,
    words: &str,
    theirs: &FieldSet,
    changed: &FieldSet,
) -> impl Iterator<Item = FieldConflict> {
    let paths = theirs.intersection(changed).paths().into_iter();
    paths.map(move |field| FieldConflict { field, manager: manager.to_owned(), message: words.to_owned() })
}

/// Sets what the target sets, and notes in `nulls` the fields that it takes away by a null.
fn merge(live: &mut Value, target: &Value, shape: &Shape, nulls: &mut FieldSet) {
    let atomic = shape.is_atomic_map(live) || shape.is_atomic_map(target);
    match (&mut *live, target) {
        (Value::Object(live), Value::Object(target)) if !atomic => {
            for (key, new) in target {
                let below = nulls.descend(field(key));
                merge_field(live, key, new, &shape.field(key), below);
            }
        }
        (Value::Array(old), Value::Array(new)) => {
            *old = merge_lists(mem::take(old), new, shape, nulls);
        }
        _ => live.clone_from(target),
    }
}

fn merge_field(live: &mut Map<String, Value>, key: &str, new: &Value, shape: &Shape, nulls: &mut FieldSet) {
    match (live.get_mut(key), new) {
        // Null is an empty map or list where those are merged, and no value elsewhere.
        (Some(old), Value::Null) => {
            let merged = match old {
                Value::Object(map) => !map.is_empty() && !shape.is_atomic_map(old),
                Value::Array(items) => !items.is_empty() && shape.list() != ListShape::Atomic,
                _ => false,
            };
            if !merged {
                live.remove(key);
                nulls.insert();
            }
        }
        (None, Value::Null) => {}
        (Some(old), new) => merge(old, new, shape, nulls),
        (None, new) => {
            let mut new = new.clone();
            drop_nulls(&mut new);
            live.insert(key.to_owned(), new);
        }
    }
}

/// Merges lists by their elements, or replaces an atomic one. The order is the target's, with elements
/// only live where they were between those that both have (`mergingWalker.visitListItems`).
fn merge_lists(live: Vec<Value>, target: &[Value], shape: &Shape, nulls: &mut FieldSet) -> Vec<Value> {
    let list = shape.list();
    let left = list.elements(&live, shape);
    let (Some(left), Some(right)) = (left, list.elements(target, shape)) else {
        return target.to_vec();
    };
    let mut merged_item = |index: usize| {
        let element = &right[index];
        let place = left.iter().position(|other| other == element);
        let mut item = place.map_or(Value::Null, |place| live[place].clone());
        let below = nulls.descend(element.clone());
        merge(&mut item, &target[index], &shape.element(element), below);
        item
    };
    let mut shared: VecDeque<&String> = right.iter().filter(|element| left.contains(element)).collect();
    let (mut out, mut l, mut r) = (Vec::new(), 0, 0);
    while l < left.len() || r < right.len() {
        if l < left.len() && r < right.len() {
            if left[l] == right[r] {
                out.push(merged_item(r));
                (l, r) = (l + 1, r + 1);
                shared.pop_front();
                continue;
            }
            let awaited = shared.front().is_some_and(|next| **next != left[l]);
            if right.contains(&left[l]) && awaited {
                l += 1;
                continue;
            }
        }
        if l < left.len() {
            if !right.contains(&left[l]) {
                out.push(live[l].clone());
                l += 1;
                continue;
            }
            if right[..r].contains(&left[l]) {
                l += 1;
            }
        }
        if r < right.len() {
            out.push(merged_item(r));
            if shared.front().is_some_and(|next| **next == right[r]) {
                shared.pop_front();
            }
            r += 1;
        }
    }
    out
}

/// Removes what is in `last` and not in `kept`, and says whether any field is left. A field counts as
/// kept while anything below it is; a list's item only when it is itself. A map that this empties is a
/// field, as in Kubernetes 1.36; a list is not, and goes.
fn prune(value: &mut Value, last: &FieldSet, kept: &FieldSet, shape: &Shape) -> bool {
    let nothing = FieldSet::default();
    match value {
        Value::Object(map) => {
            let (mut left, mut emptied) = (false, true);
            map.retain(|key, value| {
                let (element, shape) = (field(key), shape.field(key));
                let has_fields = !FieldSet::of(value, &shape).is_empty();
                let stays = match (last.below(&element), kept.below(&element)) {
                    (Some(last), Some(kept)) if !kept.is_empty() => {
                        let stays = prune(value, last, kept, &shape);
                        emptied = false;
                        left |= stays;
                        return stays;
                    }
                    (last, _) => last.is_none() || !has_fields,
                };
                emptied &= !stays;
                left |= stays && has_fields;
                stays
            });
            left || emptied
        }
        Value::Array(items) if !items.is_empty() => {
            let Some(elements) = shape.list().elements(items, shape) else {
                return true;
            };
            let mut elements = elements.into_iter();
            items.retain_mut(|item| {
                let Some(element) = elements.next() else {
                    return true;
                };
                let last = last.below(&element).unwrap_or(&nothing);
                let kept = kept.below(&element).unwrap_or(&nothing);
                let goes = last.is_member() && !kept.is_member();
                if !goes {
                    prune(item, last, kept, &shape.element(&element));
                }
                !goes
            });
            !items.is_empty()
        }
        _ => true,
    }
}

/// Adds to `changed` what `new` adds to or changes in `old`, to `removed` what it lacks.
pub(super) fn differences(old: &Value, new: &Value, shape: &Shape, changed: &mut FieldSet, removed: &mut FieldSet) {
    let mut differ = |element: String, shape: Shape, old: Option<&Value>, new: Option<&Value>| {
        let (changed, removed) = (changed.descend(element.clone()), removed.descend(element));
        match (old, new) {
            (Some(old), Some(new)) if old != new => differences(old, new, &shape, changed, removed),
            (None, Some(new)) => everything(new, &shape, changed),
            (Some(old), None) => everything(old, &shape, removed),
            _ => {}
        }
    };
    match (old, new) {
        (Value::Object(before), Value::Object(after)) if !shape.is_atomic_map(new) => {
            let added = after.keys().filter(|key| !before.contains_key(*key));
            for key in before.keys().chain(added) {
                differ(field(key), shape.field(key), before.get(key), after.get(key));
            }
        }
        (Value::Array(before), Value::Array(after)) => {
            let list = shape.list();
            let elements = (list.elements(before, shape), list.elements(after, shape));
            let (Some(left), Some(right)) = elements else {
                return changed_if(old != new, changed);
            };
            for (index, element) in left.iter().enumerate() {
                let place = right.iter().position(|other| other == element);
                let new = place.map(|place| &after[place]);
                differ(element.clone(), shape.element(element), before.get(index), new);
            }
            for (index, element) in right.iter().enumerate().filter(|(_, element)| !left.contains(element)) {
                differ(element.clone(), shape.element(element), None, after.get(index));
            }
        }
        _ => changed_if(old != new, changed),
    }
}

fn changed_if(different: bool, changed: &mut FieldSet) {
    if different {
        changed.insert();
    }
}

/// Adds a value and every field and element in it.
fn everything(value: &Value, shape: &Shape, changed: &mut FieldSet) {
    changed.insert();
    match value {
        Value::Object(map) if !shape.is_atomic_map(value) => {
            for (key, value) in map {
                everything(value, &shape.field(key), changed.descend(field(key)));
            }
        }
        Value::Array(items) => {
            let elements = shape.list().elements(items, shape).unwrap_or_default();
            for (element, item) in elements.into_iter().zip(items) {
                let shape = shape.element(&element);
                everything(item, &shape, changed.descend(element));
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `tests/data/server-side.json`: live objects with their `managedFields`, what Helm applies, and what
    /// apimachinery's `managedfields.FieldManager` (v0.36.1) says: conflicts, and by force what is stored.
    #[track_caller]
    fn check(case: &Value) {
        let (live, target) = (Object::new(case["live"].clone()), Object::new(case["target"].clone()));
        let conflicts = local_conflicts(&live, &target);
        let mut words: Vec<String> =
            conflicts.iter().map(|conflict| format!("{}: {}", conflict.message, conflict.field)).collect();
        words.sort();
        assert_eq!(Value::from(words), case["conflicts"], "conflicts of {}", case["name"]);

        let mut outcome = server_side_locally(&live, &target).value;
        if let Some(metadata) = outcome["metadata"].as_object_mut() {
            metadata.remove("managedFields");
        }
        let mut stored = case["stored"].clone();
        // Emptied maps and lists are null there, which the server does not store.
        drop_nulls(&mut stored);
        drop_nulls(&mut outcome);
        assert_eq!(outcome, stored, "outcome of {}", case["name"]);
    }

    #[test]
    fn outcomes_and_conflicts_are_those_of_structured_merge_diff() {
        let cases: Vec<Value> = serde_json::from_str(include_str!("../../../tests/data/server-side.json")).unwrap();
        assert!(cases.len() >= 50);
        for case in &cases {
            check(case);
        }
    }
}
