//! What a server-side apply would store, computed here: for when a dry-run is not allowed, and for when ownership
//! is migrated first, which a dry-run cannot follow. The rules are those of sigs.k8s.io/structured-merge-diff
//! (`merge.Updater.Apply`, `typed`): merge, then prune what Helm applied before and nobody sets now.
//!
//! Not predicted: defaults and webhooks. Owners at another apiVersion are read as if at this one.

use std::{collections::VecDeque, mem};

use serde_json::{Map, Value};

use super::{
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
const BEFORE_FIRST_APPLY: &str = "before-first-apply";

/// The local estimate of a server-side apply by Helm: fields of `target` set on `live`, conflicts taken; fields removed
/// that Helm applied before, `target` lacks and no other manager owns. Where Helm migrates ownership first, `live` is
/// to be [`super::migrated`] already.
pub fn server_side_locally(live: &Object, target: &Object) -> Object {
    let plan = Plan::new(live, target);
    Object {
        value: plan.outcome(),
        source: live.source.clone(),
    }
}

/// The fields that a server-side apply without force would be refused for: owned by others and changed by it.
/// Sorted by manager, worded as the API server words them.
pub fn local_conflicts(live: &Object, target: &Object) -> Vec<FieldConflict> {
    let plan = Plan::new(live, target);
    let shape = Shape::of(&live.value, &plan.owned);
    let mut changed = FieldSet::default();
    changes(&live.value, &plan.outcome(), &shape, &mut changed);
    let conflict = |manager: &str, words: &str, theirs: &FieldSet| {
        let paths = theirs.intersection(&changed).paths().into_iter();
        let conflict = |field| FieldConflict {
            field,
            manager: manager.to_owned(),
            message: words.to_owned(),
        };
        paths.map(conflict).collect::<Vec<_>>()
    };
    if plan.owners.is_empty() {
        return conflict(
            BEFORE_FIRST_APPLY,
            &format!("conflict with {BEFORE_FIRST_APPLY:?}"),
            &plan.owned,
        );
    }
    let others = plan.owners.iter().filter(|owner| !owner.is_helm_apply());
    let mut conflicts: Vec<_> = others
        .flat_map(|owner| conflict(owner.manager(), &owner.conflict(), &owner.fields))
        .collect();
    conflicts
        .sort_by(|left, right| (&left.manager, &left.field).cmp(&(&right.manager, &right.field)));
    conflicts
}

/// One server-side apply, thought through.
struct Plan<'a> {
    live: &'a Object,
    /// The target without what an apply cannot set.
    target: Value,
    owners: Vec<Owner<'a>>,
    /// What any manager owns.
    owned: FieldSet,
}

impl<'a> Plan<'a> {
    fn new(live: &'a Object, target: &Object) -> Self {
        let owners = owners(live);
        let mut owned = owners
            .iter()
            .fold(FieldSet::default(), |all, owner| all.union(&owner.fields));
        if owners.is_empty() {
            owned = FieldSet::of(&live.value, &Shape::of(&live.value, &FieldSet::default()));
        }
        let mut target = target.value.clone();
        if let Some(fields) = target.as_object_mut() {
            let has_status =
                schema::of(&live.value).is_some() || owners.iter().any(Owner::is_of_status);
            fields.retain(|name, _| name != "status" || !has_status);
            fields.insert("apiVersion".to_owned(), live.value["apiVersion"].clone());
            for name in [
                "namespace",
                "uid",
                "resourceVersion",
                "generation",
                "creationTimestamp",
                "managedFields",
            ] {
                fields
                    .get_mut("metadata")
                    .and_then(Value::as_object_mut)
                    .map(|metadata| metadata.remove(name));
            }
        }
        Self {
            live,
            target,
            owners,
            owned,
        }
    }

    fn outcome(&self) -> Value {
        let shape = Shape::of(&self.live.value, &self.owned);
        let mut value = self.live.value.clone();
        merge(&mut value, &self.target, &shape);
        if let Some(last) = self.owners.iter().find(|owner| owner.is_helm_apply()) {
            let others = self.owners.iter().filter(|owner| !owner.is_helm_apply());
            let kept = others.fold(FieldSet::of(&self.target, &shape), |kept, owner| {
                kept.union(&owner.fields)
            });
            prune(&mut value, &last.fields, &kept, &shape);
        }
        value
    }
}

fn merge(live: &mut Value, target: &Value, shape: &Shape) {
    match (&mut *live, target) {
        (Value::Object(_), Value::Object(_)) if shape.is_atomic_map(target) => {
            live.clone_from(target)
        }
        (Value::Object(live), Value::Object(target)) => {
            for (key, new) in target {
                merge_field(live, key, new, &shape.field(key));
            }
        }
        (Value::Array(old), Value::Array(new)) => match merge_lists(mem::take(old), new, shape) {
            Some(merged) => *old = merged,
            None => live.clone_from(target),
        },
        _ => live.clone_from(target),
    }
}

fn merge_field(live: &mut Map<String, Value>, key: &str, new: &Value, shape: &Shape) {
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
            }
        }
        (None, Value::Null) => {}
        (Some(old), new) => merge(old, new, shape),
        (None, new) => {
            let mut new = new.clone();
            drop_nulls(&mut new);
            live.insert(key.to_owned(), new);
        }
    }
}

/// Merges lists by their elements; `None` when the target replaces the live list. The order is the target's, with
/// elements only live where they were between those that both have (`mergingWalker.visitListItems`).
fn merge_lists(live: Vec<Value>, target: &[Value], shape: &Shape) -> Option<Vec<Value>> {
    let list = shape.list();
    let (left, right) = (list.elements(&live, shape)?, list.elements(target, shape)?);
    let place = |element: &String| left.iter().position(|other| other == element);
    let merged_item = |index: usize| {
        let element = &right[index];
        let mut item = place(element).map_or(Value::Null, |place| live[place].clone());
        merge(&mut item, &target[index], &shape.element(element));
        item
    };
    let mut shared: VecDeque<&String> = right
        .iter()
        .filter(|element| left.contains(element))
        .collect();
    let (mut out, mut l, mut r) = (Vec::new(), 0, 0);
    while l < left.len() || r < right.len() {
        if l < left.len() && r < right.len() {
            if left[l] == right[r] {
                out.push(merged_item(r));
                (l, r) = (l + 1, r + 1);
                shared.pop_front();
                continue;
            }
            if right.contains(&left[l]) && shared.front().is_some_and(|next| **next != left[l]) {
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
    Some(out)
}

/// Removes what is in `last` and not in `kept`. A field counts as kept while anything below it is; a list's
/// item only when it is itself.
fn prune(value: &mut Value, last: &FieldSet, kept: &FieldSet, shape: &Shape) {
    let nothing = FieldSet::default();
    let below = |set: &'_ FieldSet, element: &str| set.below(element).cloned().unwrap_or_default();
    match value {
        Value::Object(map) => {
            let keys: Vec<String> = map.keys().cloned().collect();
            for key in keys {
                let element = field(&key);
                let Some(last) = last.below(&element) else {
                    continue;
                };
                let kept = kept.below(&element).unwrap_or(&nothing);
                if kept.is_empty() {
                    map.remove(&key);
                } else if let Some(value) = map.get_mut(&key) {
                    prune(value, last, kept, &shape.field(&key));
                    if is_emptied(value, last) {
                        map.remove(&key);
                    }
                }
            }
        }
        Value::Array(items) => {
            let Some(elements) = shape.list().elements(items, shape) else {
                return;
            };
            let mut elements = elements.into_iter();
            items.retain_mut(|item| {
                let Some(element) = elements.next() else {
                    return true;
                };
                let (last, kept) = (below(last, &element), below(kept, &element));
                if last.is_member() && !kept.is_member() {
                    return false;
                }
                prune(item, &last, &kept, &shape.element(&element));
                true
            });
        }
        _ => {}
    }
}

/// Whether pruning left nothing of a map or list.
fn is_emptied(value: &Value, last: &FieldSet) -> bool {
    let empty =
        value.as_object().is_some_and(Map::is_empty) || value.as_array().is_some_and(Vec::is_empty);
    empty && last.elements().next().is_some()
}

/// Adds to `changed` what `new` adds to or changes in `old`.
fn changes(old: &Value, new: &Value, shape: &Shape, changed: &mut FieldSet) {
    match (old, new) {
        (Value::Object(before), Value::Object(after)) if !shape.is_atomic_map(new) => {
            for (key, new) in after {
                let shape = shape.field(key);
                match before.get(key) {
                    Some(old) if old == new => {}
                    Some(old) => changes(old, new, &shape, changed.descend(field(key))),
                    None => everything(new, &shape, changed.descend(field(key))),
                }
            }
        }
        (Value::Array(before), Value::Array(after)) => {
            let list = shape.list();
            match (list.elements(before, shape), list.elements(after, shape)) {
                (Some(left), Some(right)) => {
                    for (element, new) in right.into_iter().zip(after) {
                        let shape = shape.element(&element);
                        match left.iter().position(|other| *other == element) {
                            Some(place) => {
                                changes(&before[place], new, &shape, changed.descend(element))
                            }
                            None => everything(new, &shape, changed.descend(element)),
                        }
                    }
                }
                _ if old != new => changed.insert(),
                _ => {}
            }
        }
        _ if old != new => changed.insert(),
        _ => {}
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
            for (element, item) in shape
                .list()
                .elements(items, shape)
                .into_iter()
                .flatten()
                .zip(items)
            {
                everything(item, &shape.element(&element), changed.descend(element));
            }
        }
        _ => {}
    }
}
