//! The garbage collector: dependents of what is gone or going.

use std::sync::Arc;

use serde_json::Value;

use super::{
    super::{
        delete::{self, DeleteOptions, dependents, kind_of},
        store::Store,
        write::text,
    },
    Next, status,
};

/// Deletes the dependents of an object that is gone, unless another owner is left.
pub(super) fn owner_gone(store: &mut Store, owner: &Value) {
    let uid = text(owner, "uid");
    for (_, dependent) in dependents(store, &uid) {
        let others = dependent["metadata"]["ownerReferences"].as_array().into_iter().flatten();
        let kept = others.filter(|other| other["uid"] != uid.as_str()).any(|other| exists(store, &dependent, other));
        if !kept {
            delete(store, &dependent, "Background");
        }
    }
}

fn exists(store: &Store, dependent: &Value, owner: &Value) -> bool {
    let Some(kind) = kind_of(store, owner) else {
        return false;
    };
    let namespace = if kind.namespaced { text(dependent, "namespace") } else { String::new() };
    let found = store.get(&kind, &namespace, owner["name"].as_str().unwrap_or_default());
    found.is_some_and(|found| found["metadata"]["uid"] == owner["uid"])
}

/// Deletes an object as a controller does.
pub(super) fn delete(store: &mut Store, object: &Arc<Value>, propagation: &str) {
    let Some(kind) = kind_of(store, object) else {
        return;
    };
    let options = DeleteOptions { propagation: propagation.to_owned(), ..DeleteOptions::default() };
    if let Err(failure) = delete::delete(store, &kind, object, &options) {
        tracing::debug!(message = %failure.message, "the simulated garbage collector was refused");
    }
}

/// An object whose deletion waits for its dependents: they go first, then its finalizer.
pub(super) fn dying(store: &mut Store, object: &Arc<Value>) -> Next {
    let finalizers = object["metadata"]["finalizers"].as_array().cloned().unwrap_or_default();
    if !finalizers.iter().any(|finalizer| finalizer == "foregroundDeletion") {
        return Next::default();
    }
    let waiting = dependents(store, &text(object, "uid"));
    if waiting.is_empty() {
        let mut freed = Value::clone(object);
        freed["metadata"]["finalizers"] =
            finalizers.into_iter().filter(|finalizer| finalizer != "foregroundDeletion").collect();
        status::write(store, object, freed);
    }
    for (_, dependent) in waiting {
        delete(store, &dependent, "Foreground");
    }
    Next::default()
}
