//! Creating and changing objects: what every write goes through, whoever asks.
//!
//! Order as on the real server (apiserver `pkg/endpoints/handlers`, `pkg/registry/generic/registry/store.go`): defaults,
//! status reset, field ownership, allocation, validation, precondition, storage.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{
    defaults,
    failure::{Cause, Failure},
    kinds::Kind,
    managed,
    store::Store,
    validate,
};

/// Who writes and how.
#[derive(Debug, Clone, Default)]
pub(super) struct Writer {
    /// Field manager.
    pub manager: String,
    /// `status`, `scale` or empty.
    pub subresource: String,
    /// Whether to answer only.
    pub dry_run: bool,
}

impl Writer {
    /// A built-in controller that writes `status` or, with an empty subresource, the object.
    pub fn controller(subresource: &str) -> Self {
        Self { manager: "kube-controller-manager".to_owned(), subresource: subresource.to_owned(), dry_run: false }
    }
}

/// Creates an object. `namespace` is the URL's.
pub(super) fn create(
    store: &mut Store,
    kind: &Kind,
    namespace: &str,
    mut object: Value,
    writer: &Writer,
) -> Result<Arc<Value>, Failure> {
    name_object(store, kind, namespace, &mut object)?;
    let name = text(&object, "name");
    if store.get(kind, namespace, &name).is_some() {
        return Err(Failure::already_exists(kind, &name));
    }
    require_namespace(store, kind, namespace, &name)?;
    if !text(&object, "resourceVersion").is_empty() {
        return Err(Failure::bad_request("resourceVersion should not be set on objects to be created"));
    }
    begin_metadata(kind, &mut object, &store.now());
    if kind.status
        && let Some(fields) = object.as_object_mut()
    {
        fields.remove("status");
    }
    defaults::apply(kind, &mut object);
    managed::update(kind, None, &mut object, writer, &store.now());
    finish_create(store, kind, object, writer)
}

/// The second half of a create, shared with server-side apply, which has its own ownership rules.
pub(super) fn finish_create(
    store: &mut Store,
    kind: &Kind,
    mut object: Value,
    writer: &Writer,
) -> Result<Arc<Value>, Failure> {
    object["metadata"]["uid"] = new_uid(store.allocate()).into();
    defaults::allocate(store, kind, &mut object, None);
    let name = text(&object, "name");
    refuse(kind, &name, &validate::create(kind, &object))?;
    if writer.dry_run {
        return Ok(Arc::new(object));
    }
    Ok(store.put(kind, object))
}

/// Fills in what the server gives every new object.
pub(super) fn begin_metadata(kind: &Kind, object: &mut Value, now: &str) {
    object["apiVersion"] = kind.api_version().into();
    object["kind"] = kind.kind.clone().into();
    let metadata = &mut object["metadata"];
    metadata["creationTimestamp"] = now.into();
    if let Some(fields) = metadata.as_object_mut() {
        for key in ["generation", "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink"] {
            fields.remove(key);
        }
    }
    if has_generation(kind) {
        metadata["generation"] = 1.into();
    }
}

/// Replaces an object by `object`, which came from a PUT or from a patch applied to `before`.
pub(super) fn update(
    store: &mut Store,
    kind: &Kind,
    before: &Arc<Value>,
    mut object: Value,
    writer: &Writer,
) -> Result<Arc<Value>, Failure> {
    check_identity(kind, before, &object)?;
    carry_over(kind, before, &mut object, &writer.subresource);
    defaults::apply(kind, &mut object);
    // Controllers mostly write what is there already; ownership is dear to track.
    if object == **before {
        return Ok(before.clone());
    }
    managed::update(kind, Some(before), &mut object, writer, &store.now());
    finish_update(store, kind, before, object, writer)
}

/// The second half of an update, shared with server-side apply.
pub(super) fn finish_update(
    store: &mut Store,
    kind: &Kind,
    before: &Arc<Value>,
    mut object: Value,
    writer: &Writer,
) -> Result<Arc<Value>, Failure> {
    defaults::allocate(store, kind, &mut object, Some(before));
    let name = text(before, "name");
    refuse(kind, &name, &validate::update(kind, before, &object))?;
    if has_generation(kind) && body_changed(before, &object) {
        object["metadata"]["generation"] = (before["metadata"]["generation"].as_u64().unwrap_or(0) + 1).into();
    }
    if managed::same_but_for_time(before, &object) {
        return Ok(before.clone());
    }
    if writer.dry_run {
        return Ok(Arc::new(object));
    }
    let dying = !object["metadata"]["deletionTimestamp"].is_null();
    if dying
        && object["metadata"]["finalizers"].as_array().is_none_or(Vec::is_empty)
        && !namespace_has_finalizers(kind, &object)
    {
        store.remove(kind, &text(&object, "namespace"), &name);
        return Ok(Arc::new(object));
    }
    Ok(store.put(kind, object))
}

fn namespace_has_finalizers(kind: &Kind, object: &Value) -> bool {
    kind.kind == "Namespace" && object["spec"]["finalizers"].as_array().is_some_and(|list| !list.is_empty())
}

fn refuse(kind: &Kind, name: &str, causes: &[Cause]) -> Result<(), Failure> {
    if causes.is_empty() { Ok(()) } else { Err(Failure::invalid(kind, name, causes)) }
}

/// Settles name and namespace of an object to be created.
pub(super) fn name_object(store: &mut Store, kind: &Kind, namespace: &str, object: &mut Value) -> Result<(), Failure> {
    let stated = object["kind"].as_str().unwrap_or(&kind.kind);
    if stated != kind.kind {
        return Err(Failure::bad_request(format!(
            "{} in version {:?} cannot be handled as a {}",
            stated, kind.version, kind.kind
        )));
    }
    if !object["metadata"].is_object() {
        object["metadata"] = json!({});
    }
    let own = text(object, "namespace");
    if kind.namespaced {
        if !own.is_empty() && own != namespace {
            let why = "the namespace of the provided object does not match the namespace sent on the request";
            return Err(Failure::bad_request(why));
        }
        object["metadata"]["namespace"] = namespace.into();
    } else if let Some(metadata) = object["metadata"].as_object_mut() {
        metadata.remove("namespace");
    }
    let prefix = text(object, "generateName");
    if text(object, "name").is_empty() {
        if prefix.is_empty() {
            return Err(Failure::invalid(
                kind,
                "",
                &[Cause::required("metadata.name", "name or generateName is required")],
            ));
        }
        object["metadata"]["name"] = format!("{prefix}{}", suffix(store.allocate())).into();
    }
    Ok(())
}

/// A namespaced object needs a namespace that is there and stays.
pub(super) fn require_namespace(store: &Store, kind: &Kind, namespace: &str, name: &str) -> Result<(), Failure> {
    if !kind.namespaced {
        return Ok(());
    }
    let Some(home) = store.find("namespaces", "", namespace) else {
        let mut failure = Failure::new(404, "NotFound", format!("namespaces {namespace:?} not found"));
        failure.details = json!({ "name": namespace, "kind": "namespaces" });
        return Err(failure);
    };
    if home["metadata"]["deletionTimestamp"].is_null() {
        return Ok(());
    }
    let why = format!("unable to create new content in namespace {namespace} because it is being terminated");
    let mut failure = Failure::forbidden(kind, name, &why);
    failure.details["causes"] = json!([{
        "reason": "NamespaceTerminating", "message": format!("namespace {namespace} is being terminated"), "field": "metadata.namespace",
    }]);
    Err(failure)
}

/// Name, UID and version of a write have to be those of the object it is about.
pub(super) fn check_identity(kind: &Kind, before: &Value, object: &Value) -> Result<(), Failure> {
    let name = text(before, "name");
    let stated = text(object, "name");
    if stated != name {
        let why = format!("the name of the object ({stated}) does not match the name on the URL ({name})");
        return Err(Failure::bad_request(why));
    }
    let (uid, stated) = (text(before, "uid"), text(object, "uid"));
    if !stated.is_empty() && stated != uid {
        let place = [kind.plural.as_str(), &text(before, "namespace"), &name];
        let key = place.map(|part| if part.is_empty() { String::new() } else { format!("/{part}") }).concat();
        let why = format!(
            "StorageError: invalid object, Code: 4, Key: /registry{key}, ResourceVersion: 0, AdditionalErrorMsg: \
             Precondition failed: UID in precondition: {stated}, UID in object meta: {uid}"
        );
        return Err(Failure::conflict(kind, &name, &why));
    }
    let version = text(object, "resourceVersion");
    if !version.is_empty() && version != text(before, "resourceVersion") {
        return Err(Failure::modified(kind, &name));
    }
    Ok(())
}

/// Keeps what a client cannot change by this write.
pub(super) fn carry_over(kind: &Kind, before: &Value, object: &mut Value, subresource: &str) {
    if subresource == "status" {
        let status = object["status"].take();
        let managed = object["metadata"]["managedFields"].take();
        *object = before.clone();
        object["status"] = status;
        object["metadata"]["managedFields"] = managed;
        return;
    }
    object["apiVersion"] = kind.api_version().into();
    object["kind"] = kind.kind.clone().into();
    let kept = [
        "namespace",
        "uid",
        "resourceVersion",
        "creationTimestamp",
        "generation",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
    ];
    for key in kept {
        set_or_remove(&mut object["metadata"], key, &before["metadata"][key]);
    }
    if kind.status {
        set_or_remove(object, "status", &before["status"]);
    }
}

fn set_or_remove(object: &mut Value, key: &str, value: &Value) {
    let Some(fields) = object.as_object_mut() else {
        return;
    };
    if value.is_null() {
        fields.remove(key);
    } else {
        fields.insert(key.to_owned(), value.clone());
    }
}

/// Whether the server counts generations of this kind.
fn has_generation(kind: &Kind) -> bool {
    let without = [
        "ConfigMap",
        "Endpoints",
        "Event",
        "Namespace",
        "Node",
        "PersistentVolumeClaim",
        "Secret",
        "Service",
        "ServiceAccount",
        "HorizontalPodAutoscaler",
        "ClusterRole",
        "ClusterRoleBinding",
        "Role",
        "RoleBinding",
    ];
    !without.contains(&kind.kind.as_str())
}

fn body_changed(before: &Value, after: &Value) -> bool {
    let body = |object: &Value| -> usize {
        object.as_object().into_iter().flatten().filter(|(key, _)| *key != "metadata" && *key != "status").count()
    };
    let changed = |(key, value): (&String, &Value)| key != "metadata" && key != "status" && before[key] != *value;
    body(before) != body(after)
        || after.as_object().into_iter().flatten().any(changed)
        || before["metadata"]["deletionTimestamp"] != after["metadata"]["deletionTimestamp"]
}

/// A text of the metadata, empty when absent.
pub(super) fn text(object: &Value, key: &str) -> String {
    object["metadata"][key].as_str().unwrap_or_default().to_owned()
}

/// A time as the server writes it.
pub(super) fn stamp(time: jiff::Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// A UUID that looks random, the same for the same number: what the sandbox gives out comes out the same every time.
pub(super) fn new_uid(number: u32) -> String {
    let digest = <sha2::Sha256 as sha2::Digest>::digest(number.to_be_bytes());
    let hex: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    // Version and variant stand where RFC 9562 has them.
    format!("{}-{}-4{}-a{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..])
}

/// Five letters as the server appends to generated names; different for every number below 27⁵.
pub(super) fn suffix(number: u32) -> String {
    const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    // A multiplier prime to 27⁵ spreads neighbours apart.
    let mut rest = (u64::from(number) * 7_368_787 + 5_040_229) % 14_348_907;
    let mut letters = String::new();
    for _ in 0..5 {
        letters.push(char::from(LETTERS[(rest % 27) as usize]));
        rest /= 27;
    }
    letters
}

/// A short stable hash in the letters of [`suffix`], for template hashes.
pub(super) fn hash_suffix(value: &Value) -> String {
    const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    let digest = <sha2::Sha256 as sha2::Digest>::digest(value.to_string().as_bytes());
    digest.iter().take(10).map(|byte| char::from(LETTERS[usize::from(*byte) % LETTERS.len()])).collect()
}
