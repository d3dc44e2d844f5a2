//! Writing status as a controller does.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::super::{
    delete::kind_of,
    store::Store,
    write::{self, Writer},
};

/// Writes an object's status; nothing happens when it is the same.
pub(super) fn set(store: &mut Store, object: &Arc<Value>, status: Value) {
    set_as(store, object, status, "kube-controller-manager");
}

/// Writes an object's status as another manager, such as `kubelet`.
pub(super) fn set_as(store: &mut Store, object: &Arc<Value>, status: Value, manager: &str) {
    if object["status"] == status {
        return;
    }
    let Some(kind) = kind_of(store, object) else {
        return;
    };
    let mut changed = Value::clone(object);
    changed["status"] = status;
    let writer = Writer { manager: manager.to_owned(), ..Writer::controller("status") };
    report(write::update(store, &kind, object, changed, &writer));
}

/// Writes an object itself as `kube-controller-manager`.
pub(super) fn write(store: &mut Store, before: &Arc<Value>, changed: Value) {
    if let Some(kind) = kind_of(store, before) {
        report(write::update(store, &kind, before, changed, &Writer::controller("")));
    }
}

/// Creates an object as `kube-controller-manager`; `resource` names its kind.
pub(super) fn create(store: &mut Store, object: Value) -> Option<Arc<Value>> {
    let kind = kind_of(store, &object)?;
    let namespace = object["metadata"]["namespace"].as_str().unwrap_or_default().to_owned();
    report(write::create(store, &kind, &namespace, object, &Writer::controller("")))
}

/// A controller that is refused has nobody to tell but the log.
fn report(result: Result<Arc<Value>, super::super::failure::Failure>) -> Option<Arc<Value>> {
    result.inspect_err(|failure| tracing::debug!(message = %failure.message, "a simulated controller was refused")).ok()
}

/// A condition; its transition time is kept while its status stays.
pub(super) fn condition(store: &Store, old: &Value, kind: &str, status: bool, reason: &str, message: &str) -> Value {
    let word = if status { "True" } else { "False" };
    let known = old["conditions"].as_array().into_iter().flatten().find(|condition| condition["type"] == kind);
    let since =
        known.filter(|condition| condition["status"] == word).map(|condition| condition["lastTransitionTime"].clone());
    let mut condition =
        json!({ "type": kind, "status": word, "lastTransitionTime": since.unwrap_or_else(|| store.now().into()) });
    for (key, text) in [("reason", reason), ("message", message)] {
        if !text.is_empty() {
            condition[key] = text.into();
        }
    }
    condition
}

/// A status of counts, without those that are zero.
pub(super) fn counts(pairs: &[(&str, i64)]) -> Value {
    let fields: Map<String, Value> = pairs
        .iter()
        .filter(|(_, count)| *count != 0)
        .map(|(key, count)| ((*key).to_owned(), (*count).into()))
        .collect();
    Value::Object(fields)
}

/// The owner reference to a controller.
pub(super) fn owner_reference(owner: &Value) -> Value {
    json!([{
        "apiVersion": owner["apiVersion"], "kind": owner["kind"], "name": owner["metadata"]["name"], "uid": owner["metadata"]["uid"],
        "controller": true, "blockOwnerDeletion": true,
    }])
}

/// Whether `object` is controlled by `owner`.
pub(super) fn is_owned_by(object: &Value, owner: &Value) -> bool {
    let owners = object["metadata"]["ownerReferences"].as_array();
    owners.is_some_and(|owners| owners.iter().any(|reference| reference["uid"] == owner["metadata"]["uid"]))
}

/// A number of the spec or status, 0 when absent.
pub(super) fn number(value: &Value) -> i64 {
    value.as_i64().unwrap_or(0)
}
