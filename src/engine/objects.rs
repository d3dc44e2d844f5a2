//! What Helm writes on objects and reads from them, and where they live.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::{
    cluster::{self, Cluster, ErrorKind, read::Target},
    manifest::{Object, ObjectKey},
};

/// Label that Helm sets to `Helm` on every object (helm/helm `pkg/action/validate.go`).
const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
const RELEASE_NAME: &str = "meta.helm.sh/release-name";
const RELEASE_NAMESPACE: &str = "meta.helm.sh/release-namespace";
/// Annotation that keeps an object from being deleted when its value is `keep`.
const RESOURCE_POLICY: &str = "helm.sh/resource-policy";

/// The identity of an object with the release's namespace where the manifest names none, so that revisions that
/// differ only in writing it out are paired. Scope is not known here: cluster-scoped objects get it too, on both sides.
pub(super) fn key_in(object: &Object, namespace: &str) -> ObjectKey {
    let mut key = object.key();
    if key.namespace.is_empty() {
        key.namespace = namespace.to_owned();
    }
    key
}

/// `Kind/name`, as screens and messages call an object.
pub(super) fn label(key: &ObjectKey) -> String {
    format!("{}/{}", key.kind, key.name)
}

/// Whether the object carries `helm.sh/resource-policy: keep`.
pub(super) fn is_kept(object: &Object) -> bool {
    object.annotation(RESOURCE_POLICY) == Some("keep")
}

/// Sets Helm's ownership label and annotations.
pub(super) fn own(object: &mut Object, release: &str, namespace: &str) {
    set_metadata(object, "labels", MANAGED_BY, "Helm");
    set_metadata(object, "annotations", RELEASE_NAME, release);
    set_metadata(object, "annotations", RELEASE_NAMESPACE, namespace);
}

/// Why an object does not count as a release's own; `None` where it does (helm/helm `pkg/action/validate.go`,
/// `checkOwnership`).
pub(super) fn not_owned(object: &Object, release: &str, namespace: &str) -> Option<String> {
    let label = object.value["metadata"]["labels"][MANAGED_BY].as_str();
    let wanted = [
        ("label", MANAGED_BY, label, "Helm"),
        ("annotation", RELEASE_NAME, object.annotation(RELEASE_NAME), release),
        ("annotation", RELEASE_NAMESPACE, object.annotation(RELEASE_NAMESPACE), namespace),
    ];
    let wrong = wanted.into_iter().filter_map(|(what, key, found, wanted)| {
        let why = match found {
            Some(found) if found == wanted => return None,
            Some(found) => format!("key {key:?} must equal {wanted:?}: current value is {found:?}"),
            None => format!("missing key {key:?}: must be set to {wanted:?}"),
        };
        Some(format!("{what} validation error: {why}"))
    });
    let wrong: Vec<String> = wrong.collect();
    (!wrong.is_empty()).then(|| format!("invalid ownership metadata; {}", wrong.join("; ")))
}

/// Helm's words for an object that exists and is another's.
pub(super) fn foreign(target: &Target, why: &str) -> String {
    format!("{} exists and cannot be imported into the current release: {why}", resource_string(target))
}

/// How Helm calls an object in these words.
pub(super) fn resource_string(target: &Target) -> String {
    format!("{} {:?} in namespace {:?}", target.key.kind, target.key.name, target.key.namespace)
}

/// Selects everything that Helm manages, as far as labels tell.
pub(super) const OWNED: &str = "app.kubernetes.io/managed-by=Helm";

/// The release that the ownership annotations name, and its namespace.
pub(super) fn owner(object: &Object) -> Option<(&str, &str)> {
    object.annotation(RELEASE_NAME).zip(object.annotation(RELEASE_NAMESPACE))
}

/// Whether the ownership annotations name this release.
pub(super) fn is_owned_by(object: &Object, release: &str, namespace: &str) -> bool {
    owner(object) == Some((release, namespace))
}

fn set_metadata(object: &mut Object, map: &str, key: &str, text: &str) {
    let Some(metadata) = metadata_mut(object) else {
        return;
    };
    let entries = metadata.entry(map).or_insert(Value::Null);
    if !entries.is_object() {
        *entries = Value::Object(Map::new());
    }
    if let Some(entries) = entries.as_object_mut() {
        entries.insert(key.to_owned(), Value::from(text));
    }
}

fn metadata_mut(object: &mut Object) -> Option<&mut Map<String, Value>> {
    object.value.as_object_mut()?.entry("metadata").or_insert_with(|| Value::Object(Map::new())).as_object_mut()
}

/// The object as it is sent: served version, namespace written out, and dropped for cluster-scoped kinds
/// (as cli-runtime's `SetNamespace` visitor does for Helm).
pub(super) fn as_sent(object: &Object, target: &Target) -> Object {
    let mut sent = object.clone();
    if let Some(fields) = sent.value.as_object_mut() {
        fields.insert("apiVersion".to_owned(), Value::from(target.api_version.as_str()));
    }
    if let Some(metadata) = metadata_mut(&mut sent) {
        if target.key.namespace.is_empty() {
            metadata.remove("namespace");
        } else {
            metadata.insert("namespace".to_owned(), Value::from(target.key.namespace.as_str()));
        }
    }
    sent
}

/// Go's text of a GroupVersionKind: `apps/v1, Kind=Deployment`, `/v1, Kind=ConfigMap`.
pub(super) fn group_version_kind(target: &Target) -> String {
    let slash = if target.api_version.contains('/') { "" } else { "/" };
    format!("{slash}{}, Kind={}", target.api_version, target.key.kind)
}

/// The error of finding where an object lives, in the words of cli-runtime (`pkg/resource/mapper.go`) where its kind is
/// not served.
pub(super) fn unmapped(object: &Object, error: cluster::Error) -> cluster::Error {
    if error.kind != ErrorKind::NoKind {
        return error;
    }
    let message = format!(
        "resource mapping not found for name: {:?} namespace: {:?} from \"\": {}\nensure CRDs are installed first",
        object.name(),
        object.namespace(),
        error.message
    );
    cluster::Error { message, ..error }
}

/// Groups and kinds that CustomResourceDefinitions among these objects define.
pub(super) fn defined_kinds<'a>(objects: impl IntoIterator<Item = &'a Object>) -> BTreeSet<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    objects
        .into_iter()
        .filter(|object| object.kind() == "CustomResourceDefinition")
        .map(|object| (text(&object.value["spec"]["group"]), text(&object.value["spec"]["names"]["kind"])))
        .collect()
}

/// The current revision's objects, found by identity and then by live UID.
pub(super) struct Originals<'a> {
    objects: &'a [Object],
    namespace: &'a str,
}

impl<'a> Originals<'a> {
    pub(super) fn new(objects: &'a [Object], namespace: &'a str) -> Self {
        Self { objects, namespace }
    }

    /// The original of a target, in the form it would be sent in. An object that moved to another API group is found
    /// when what lives under the old name has the UID of `live`.
    pub(super) async fn find(&self, cluster: &Cluster, target: &Target, live: &Object) -> Option<Object> {
        if let Some(original) = self.by_key(target) {
            return Some(as_sent(original, target));
        }
        for candidate in self.objects {
            if candidate.kind() != target.key.kind || candidate.name() != target.key.name {
                continue;
            }
            let Ok(place) = cluster.target(candidate, self.namespace).await else {
                continue;
            };
            if let Ok(Some(found)) = cluster.get(&place).await
                && !found.uid().is_empty()
                && found.uid() == live.uid()
            {
                return Some(as_sent(candidate, target));
            }
        }
        None
    }

    /// The original with the same group, kind, namespace and name.
    pub(super) fn by_key(&self, target: &Target) -> Option<&'a Object> {
        let wanted = &target.key;
        self.objects.iter().find(|object| {
            let key = key_in(object, self.namespace);
            key.group == wanted.group
                && key.kind == wanted.kind
                && key.name == wanted.name
                && (wanted.namespace.is_empty() || key.namespace == wanted.namespace)
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn target(api_version: &str, kind: &str, namespace: &str) -> Target {
        let object = Object::new(
            json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": "x", "namespace": namespace}}),
        );
        Target { api_version: api_version.to_owned(), key: object.key() }
    }

    #[test]
    fn ownership_is_set_over_what_the_chart_wrote() {
        let mut object = Object::new(json!({"metadata": {"name": "x", "labels": {MANAGED_BY: "me", "a": "b"}}}));
        own(&mut object, "web", "shop");
        assert_eq!(
            object.value["metadata"],
            json!({
                "name": "x",
                "labels": {"a": "b", "app.kubernetes.io/managed-by": "Helm"},
                "annotations": {"meta.helm.sh/release-name": "web", "meta.helm.sh/release-namespace": "shop"},
            })
        );
        assert!(is_owned_by(&object, "web", "shop"));
        assert!(!is_owned_by(&object, "web", "other"));
    }

    #[test]
    fn sent_objects_name_their_namespace_unless_cluster_scoped() {
        let object =
            Object::new(json!({"apiVersion": "apps/v1beta1", "kind": "Deployment", "metadata": {"name": "x"}}));
        let sent = as_sent(&object, &target("apps/v1", "Deployment", "shop"));
        assert_eq!(
            sent.value,
            json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "x", "namespace": "shop"}})
        );
        let back = as_sent(&sent, &target("apps/v1", "Deployment", ""));
        assert_eq!(back.value["metadata"], json!({"name": "x"}));
    }

    #[test]
    fn kinds_are_written_as_go_writes_them() {
        assert_eq!(group_version_kind(&target("apps/v1", "Deployment", "")), "apps/v1, Kind=Deployment");
        assert_eq!(group_version_kind(&target("v1", "ConfigMap", "")), "/v1, Kind=ConfigMap");
    }
}
