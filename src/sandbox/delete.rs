//! Deleting: preconditions, finalizers, what happens to dependents.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{failure::Failure, kinds::Kind, store::Store, write::text};

/// `DeleteOptions`, from body and query.
#[derive(Debug, Clone, Default)]
pub(super) struct DeleteOptions {
    /// Only this UID.
    pub uid: Option<String>,
    /// Only this version.
    pub resource_version: Option<String>,
    /// `Background`, `Foreground` or `Orphan`; empty for the kind's default.
    pub propagation: String,
    /// Whether to answer only.
    pub dry_run: bool,
}

impl DeleteOptions {
    /// Reads the body's options; the query's come on top.
    pub fn read(body: &Value, query: &super::path::Query) -> Self {
        let text = |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        let asked = query.get("propagationPolicy");
        Self {
            uid: text(&body["preconditions"]["uid"]),
            resource_version: text(&body["preconditions"]["resourceVersion"]),
            propagation: if asked.is_empty() {
                text(&body["propagationPolicy"]).unwrap_or_default()
            } else {
                asked.to_owned()
            },
            dry_run: query.dry_run() || body["dryRun"][0] == "All",
        }
    }
}

/// Deletes an object. Answers its last state and whether it is gone: finalizers and dependents may hold it.
pub(super) fn delete(
    store: &mut Store,
    kind: &Kind,
    live: &Arc<Value>,
    options: &DeleteOptions,
) -> Result<(Arc<Value>, bool), Failure> {
    check(kind, live, options)?;
    let finalizers = finalizers_after(store, kind, live, options);
    if options.dry_run {
        return Ok((live.clone(), finalizers.is_empty()));
    }
    if options.propagation == "Orphan" || (options.propagation.is_empty() && kind.kind == "Job") {
        orphan(store, &text(live, "uid"));
    }
    if finalizers.is_empty() && kind.kind != "Namespace" {
        store.remove(kind, &text(live, "namespace"), &text(live, "name"));
        return Ok((live.clone(), true));
    }
    if !live["metadata"]["deletionTimestamp"].is_null() {
        return Ok((live.clone(), false));
    }
    let mut dying = Value::clone(live);
    dying["metadata"]["deletionTimestamp"] = store.now().into();
    dying["metadata"]["deletionGracePeriodSeconds"] = 0.into();
    if !finalizers.is_empty() {
        dying["metadata"]["finalizers"] = finalizers.into();
    }
    if kind.kind == "Namespace" {
        dying["status"]["phase"] = "Terminating".into();
    }
    Ok((store.put(kind, dying), false))
}

/// The preconditions (apiserver `pkg/registry/rest/delete.go`, `BeforeDelete`).
fn check(kind: &Kind, live: &Value, options: &DeleteOptions) -> Result<(), Failure> {
    let wanted = [
        (&options.uid, "uid", "UID", "deleted and then recreated"),
        (&options.resource_version, "resourceVersion", "ResourceVersion", "modified"),
    ];
    for (wanted, key, word, fate) in wanted {
        let actual = text(live, key);
        if let Some(wanted) = wanted.as_ref().filter(|wanted| **wanted != actual) {
            let why = format!(
                "the {word} in the precondition ({wanted}) does not match the {word} in record ({actual}). The object might have been {fate}"
            );
            return Err(Failure::conflict(kind, &text(live, "name"), &why).naming_kind(kind));
        }
    }
    Ok(())
}

/// The object's own finalizers, and `foregroundDeletion` while dependents have to go first.
fn finalizers_after(store: &Store, kind: &Kind, live: &Value, options: &DeleteOptions) -> Vec<Value> {
    let mut finalizers = live["metadata"]["finalizers"].as_array().cloned().unwrap_or_default();
    if kind.kind == "Namespace" {
        return finalizers;
    }
    let waits = options.propagation == "Foreground" && !dependents(store, &text(live, "uid")).is_empty();
    if waits && !finalizers.contains(&json!("foregroundDeletion")) {
        finalizers.push("foregroundDeletion".into());
    }
    finalizers
}

/// Objects that name an owner by UID, with their resource.
pub(super) fn dependents(store: &Store, uid: &str) -> Vec<(String, Arc<Value>)> {
    let owned = |object: &Value| {
        let owners = object["metadata"]["ownerReferences"].as_array();
        owners.is_some_and(|owners| owners.iter().any(|owner| owner["uid"] == uid))
    };
    store
        .all()
        .filter(|(_, object)| owned(object))
        .map(|(resource, object)| (resource.clone(), object.clone()))
        .collect()
}

fn orphan(store: &mut Store, uid: &str) {
    for (_, dependent) in dependents(store, uid) {
        let Some(kind) = kind_of(store, &dependent) else {
            continue;
        };
        let mut freed = Value::clone(&dependent);
        if let Some(owners) = freed["metadata"]["ownerReferences"].as_array_mut() {
            owners.retain(|owner| owner["uid"] != uid);
            if owners.is_empty()
                && let Some(metadata) = freed["metadata"].as_object_mut()
            {
                metadata.remove("ownerReferences");
            }
        }
        store.put(&kind, freed);
    }
}

/// The kind of a stored object.
pub(super) fn kind_of(store: &Store, object: &Value) -> Option<Arc<Kind>> {
    let api_version = object["apiVersion"].as_str()?;
    store.kinds.by_name(api_version, object["kind"].as_str()?).cloned()
}
