//! JSON merge patch (RFC 7386), as Helm computes it for custom resources: evanphx/json-patch
//! `CreateMergePatch`, `MergePatch`, and apimachinery's `jsonmergepatch.CreateThreeWayJSONMergePatch`.

use serde_json::{Map, Value};

type Object = Map<String, Value>;

/// The patch that turns `original` into `modified`.
pub(crate) fn create(original: &Object, modified: &Object) -> Object {
    let mut patch = Object::new();
    for (key, new) in modified {
        match (original.get(key), new) {
            (Some(Value::Object(old)), Value::Object(new)) => {
                let below = create(old, new);
                if !below.is_empty() {
                    patch.insert(key.clone(), Value::Object(below));
                }
            }
            (Some(old), new) if old == new => {}
            (_, new) => {
                patch.insert(key.clone(), new.clone());
            }
        }
    }
    let gone = original.keys().filter(|key| !modified.contains_key(*key));
    patch.extend(gone.map(|key| (key.clone(), Value::Null)));
    patch
}

/// Additions and changes from `current`, deletions from `original`.
pub(crate) fn create_three_way(original: &Object, modified: &Object, current: &Object) -> Object {
    let mut patch = only_deletions(create(original, modified));
    apply(&mut patch, without_deletions(create(current, modified)));
    patch
}

/// Merges a patch into an object; `null` removes a key.
pub(crate) fn apply(object: &mut Object, patch: Object) {
    for (key, change) in patch {
        match (object.get_mut(&key), change) {
            (_, Value::Null) => {
                object.remove(&key);
            }
            (Some(Value::Object(below)), Value::Object(change)) => apply(below, change),
            (_, mut change) => {
                drop_nulls(&mut change);
                object.insert(key, change);
            }
        }
    }
}

/// Removes nulls at any depth: a patch's deletions of what was never there.
pub(super) fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|_, value| !value.is_null());
            map.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

fn only_deletions(patch: Object) -> Object {
    let keep = |(key, value)| match value {
        Value::Null => Some((key, Value::Null)),
        Value::Object(below) => Some((key, Value::Object(only_deletions(below)))).filter(is_not_empty),
        _ => None,
    };
    patch.into_iter().filter_map(keep).collect()
}

/// An empty map that was there before is a value; one that becomes empty here was a patch of deletions only.
fn without_deletions(patch: Object) -> Object {
    let keep = |(key, value)| match value {
        Value::Null => None,
        Value::Object(below) if !below.is_empty() => {
            Some((key, Value::Object(without_deletions(below)))).filter(is_not_empty)
        }
        value => Some((key, value)),
    };
    patch.into_iter().filter_map(keep).collect()
}

fn is_not_empty((_, value): &(String, Value)) -> bool {
    value.as_object().is_some_and(|map| !map.is_empty())
}
