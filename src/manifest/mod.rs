//! The objects of a manifest: reading them, their identity, their order.

use std::{cmp::Ordering, collections::BTreeMap};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::yaml;
pub use quantity::quantity;
use split::flatten;
pub(crate) use split::{Document, split};

mod quantity;
mod split;
#[cfg(test)]
mod tests;

/// What identifies an object in a cluster: group, kind, namespace, name. The version is not part of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectKey {
    /// API group, empty for the core group.
    pub group: String,
    /// Kind, for example `Deployment`.
    pub kind: String,
    /// Namespace; empty for cluster-scoped objects or where the manifest names none.
    pub namespace: String,
    /// Object name.
    pub name: String,
}

/// One Kubernetes object as JSON, from a manifest or live.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Object {
    /// The whole object; always a JSON object with `apiVersion`, `kind` and `metadata`.
    pub value: Value,
    /// The template it came from, from Helm's `# Source:` comment.
    pub source: Option<String>,
}

impl Object {
    /// Wraps a JSON object.
    pub fn new(value: Value) -> Self {
        Self { value, source: None }
    }

    /// `apiVersion`, or empty.
    pub fn api_version(&self) -> &str {
        self.value["apiVersion"].as_str().unwrap_or_default()
    }

    /// The group part of `apiVersion`, empty for the core group.
    pub fn group(&self) -> &str {
        self.api_version().split_once('/').map_or("", |(group, _)| group)
    }

    /// `kind`, or empty.
    pub fn kind(&self) -> &str {
        self.value["kind"].as_str().unwrap_or_default()
    }

    /// `metadata.name`, or empty.
    pub fn name(&self) -> &str {
        self.value["metadata"]["name"].as_str().unwrap_or_default()
    }

    /// `metadata.namespace`, or empty.
    pub fn namespace(&self) -> &str {
        self.value["metadata"]["namespace"].as_str().unwrap_or_default()
    }

    /// `metadata.uid`, or empty for an object that is not live.
    pub fn uid(&self) -> &str {
        self.value["metadata"]["uid"].as_str().unwrap_or_default()
    }

    /// One annotation.
    pub fn annotation(&self, key: &str) -> Option<&str> {
        self.value["metadata"]["annotations"][key].as_str()
    }

    /// The identity of the object.
    pub fn key(&self) -> ObjectKey {
        ObjectKey {
            group: self.group().to_owned(),
            kind: self.kind().to_owned(),
            namespace: self.namespace().to_owned(),
            name: self.name().to_owned(),
        }
    }
}

/// Reads a manifest: every document in order, lists flattened, `# Source:` remembered. Documents are
/// told apart as Helm does; the line of an error is that of the whole manifest, its message counts as Helm's.
pub fn read(manifest: &str) -> Result<Vec<Object>, yaml::Error> {
    let mut objects = Vec::new();
    for document in split(manifest) {
        let value = yaml::from_str(document.text).map_err(|error| document.place(error))?;
        if !value.is_null() {
            let source = document.source();
            flatten(value, source, &mut objects).map_err(|error| document.place(error))?;
        }
    }
    Ok(objects)
}

/// Sorts objects into Helm's install order by kind, stable within a kind
/// (`pkg/release/v1/util/kind_sorter.go`, `InstallOrder`). Unknown kinds come last, by kind name.
pub fn install_order(objects: &mut [Object]) {
    objects.sort_by(|a, b| compare_kinds(a.kind(), b.kind()));
}

/// Sorts objects into Helm's order of uninstalling, stable within a kind (`UninstallOrder` of the same file). Unknown
/// kinds come last, by kind name.
pub fn uninstall_order(objects: &mut [Object]) {
    objects.sort_by(|a, b| compare(UNINSTALL_ORDER, a.kind(), b.kind()));
}

/// The order of two kinds as [`install_order`] has it.
pub fn compare_kinds(a: &str, b: &str) -> Ordering {
    compare(INSTALL_ORDER, a, b)
}

fn compare(order: &[&str], a: &str, b: &str) -> Ordering {
    let place = |kind: &str| order.iter().position(|known| *known == kind);
    match (place(a), place(b)) {
        (Some(a), Some(b)) => a.cmp(&b),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => a.cmp(b),
    }
}

const UNINSTALL_ORDER: &[&str] = &[
    "ValidatingWebhookConfiguration",
    "MutatingWebhookConfiguration",
    "APIService",
    "Ingress",
    "IngressClass",
    "Service",
    "CronJob",
    "Job",
    "StatefulSet",
    "HorizontalPodAutoscaler",
    "Deployment",
    "ReplicaSet",
    "ReplicationController",
    "Pod",
    "DaemonSet",
    "RoleBindingList",
    "RoleBinding",
    "RoleList",
    "Role",
    "ClusterRoleBindingList",
    "ClusterRoleBinding",
    "ClusterRoleList",
    "ClusterRole",
    "CustomResourceDefinition",
    "PersistentVolumeClaim",
    "PersistentVolume",
    "StorageClass",
    "ConfigMap",
    "SecretList",
    "Secret",
    "ServiceAccount",
    "PodDisruptionBudget",
    "PodSecurityPolicy",
    "LimitRange",
    "ResourceQuota",
    "NetworkPolicy",
    "Namespace",
    "PriorityClass",
];

const INSTALL_ORDER: &[&str] = &[
    "PriorityClass",
    "Namespace",
    "NetworkPolicy",
    "ResourceQuota",
    "LimitRange",
    "PodSecurityPolicy",
    "PodDisruptionBudget",
    "ServiceAccount",
    "Secret",
    "SecretList",
    "ConfigMap",
    "StorageClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "CustomResourceDefinition",
    "ClusterRole",
    "ClusterRoleList",
    "ClusterRoleBinding",
    "ClusterRoleBindingList",
    "Role",
    "RoleList",
    "RoleBinding",
    "RoleBindingList",
    "Service",
    "DaemonSet",
    "Pod",
    "ReplicationController",
    "ReplicaSet",
    "Deployment",
    "HorizontalPodAutoscaler",
    "StatefulSet",
    "Job",
    "CronJob",
    "IngressClass",
    "Ingress",
    "APIService",
    "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
];

/// The labels or annotations of an object as a map.
pub fn string_map(value: &Value) -> BTreeMap<String, String> {
    value
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
        .collect()
}
