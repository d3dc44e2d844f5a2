//! The kinds that the sandbox serves, and those that its CustomResourceDefinitions add.

use std::sync::Arc;

use serde_json::Value;

/// One served kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Kind {
    /// API group, empty for core.
    pub group: String,
    /// The one served version.
    pub version: String,
    /// Kind.
    pub kind: String,
    /// Plural name as in URLs.
    pub plural: String,
    /// Short names for kubectl.
    pub short: Vec<String>,
    /// Whether objects live in namespaces.
    pub namespaced: bool,
    /// Whether there is a `status` subresource.
    pub status: bool,
    /// Whether there is a `scale` subresource.
    pub scale: bool,
    /// Whether it comes from a CustomResourceDefinition.
    pub custom: bool,
}

impl Kind {
    /// `plural.group`, or `plural` for core: how the server names a resource in messages, and the key of the store.
    pub fn resource(&self) -> String {
        if self.group.is_empty() { self.plural.clone() } else { format!("{}.{}", self.plural, self.group) }
    }

    /// `Kind.group`, or `Kind` for core: how the server names a kind in validation messages.
    pub fn qualified(&self) -> String {
        if self.group.is_empty() { self.kind.clone() } else { format!("{}.{}", self.kind, self.group) }
    }

    /// `group/version`, or `version` for core.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }

    /// The kind that a CustomResourceDefinition declares, by its storage version.
    pub fn from_definition(definition: &Value) -> Option<Self> {
        let spec = &definition["spec"];
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let version = spec["versions"].as_array()?.iter().find(|version| version["storage"] == true)?;
        let short = spec["names"]["shortNames"].as_array().into_iter().flatten().filter_map(text).collect();
        Some(Self {
            group: text(&spec["group"])?,
            version: text(&version["name"])?,
            kind: text(&spec["names"]["kind"])?,
            plural: text(&spec["names"]["plural"])?,
            short,
            namespaced: spec["scope"] == "Namespaced",
            status: version["subresources"]["status"].is_object(),
            scale: false,
            custom: true,
        })
    }
}

const NAMESPACED: u8 = 1;
const STATUS: u8 = 2;
const SCALE: u8 = 4;

/// Group, version, kind, plural, short names, traits of every built-in kind.
const BUILT_IN: &[(&str, &str, &str, &str, &str, u8)] = &[
    ("", "v1", "ConfigMap", "configmaps", "cm", NAMESPACED),
    ("", "v1", "Endpoints", "endpoints", "ep", NAMESPACED),
    ("", "v1", "Event", "events", "ev", NAMESPACED),
    ("", "v1", "Namespace", "namespaces", "ns", STATUS),
    ("", "v1", "Node", "nodes", "no", STATUS),
    ("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims", "pvc", NAMESPACED | STATUS),
    ("", "v1", "Pod", "pods", "po", NAMESPACED | STATUS),
    ("", "v1", "Secret", "secrets", "", NAMESPACED),
    ("", "v1", "Service", "services", "svc", NAMESPACED | STATUS),
    ("", "v1", "ServiceAccount", "serviceaccounts", "sa", NAMESPACED),
    ("apps", "v1", "DaemonSet", "daemonsets", "ds", NAMESPACED | STATUS),
    ("apps", "v1", "Deployment", "deployments", "deploy", NAMESPACED | STATUS | SCALE),
    ("apps", "v1", "ReplicaSet", "replicasets", "rs", NAMESPACED | STATUS | SCALE),
    ("apps", "v1", "StatefulSet", "statefulsets", "sts", NAMESPACED | STATUS | SCALE),
    ("batch", "v1", "CronJob", "cronjobs", "cj", NAMESPACED | STATUS),
    ("batch", "v1", "Job", "jobs", "", NAMESPACED | STATUS),
    ("autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers", "hpa", NAMESPACED | STATUS),
    ("networking.k8s.io", "v1", "Ingress", "ingresses", "ing", NAMESPACED | STATUS),
    ("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies", "netpol", NAMESPACED),
    ("policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets", "pdb", NAMESPACED | STATUS),
    ("rbac.authorization.k8s.io", "v1", "ClusterRole", "clusterroles", "", 0),
    ("rbac.authorization.k8s.io", "v1", "ClusterRoleBinding", "clusterrolebindings", "", 0),
    ("rbac.authorization.k8s.io", "v1", "Role", "roles", "", NAMESPACED),
    ("rbac.authorization.k8s.io", "v1", "RoleBinding", "rolebindings", "", NAMESPACED),
    ("apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions", "crd,crds", STATUS),
];

/// The kinds served now. Cheap enough to search linearly: about thirty.
#[derive(Debug, Clone)]
pub(super) struct Kinds(Vec<Arc<Kind>>);

impl Kinds {
    /// The built-in kinds.
    pub fn built_in() -> Self {
        let kind = |&(group, version, kind, plural, short, traits): &(&str, &str, &str, &str, &str, u8)| {
            Arc::new(Kind {
                group: group.to_owned(),
                version: version.to_owned(),
                kind: kind.to_owned(),
                plural: plural.to_owned(),
                short: short.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect(),
                namespaced: traits & NAMESPACED != 0,
                status: traits & STATUS != 0,
                scale: traits & SCALE != 0,
                custom: false,
            })
        };
        Self(BUILT_IN.iter().map(kind).collect())
    }

    /// Every kind, groups together.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Kind>> {
        self.0.iter()
    }

    /// The kind of a URL.
    pub fn by_path(&self, group: &str, version: &str, plural: &str) -> Option<&Arc<Kind>> {
        self.0.iter().find(|kind| kind.group == group && kind.version == version && kind.plural == plural)
    }

    /// The kind of an object's `apiVersion` (its version aside) and `kind`.
    pub fn by_name(&self, api_version: &str, name: &str) -> Option<&Arc<Kind>> {
        let group = api_version.split_once('/').map_or("", |(group, _)| group);
        self.0.iter().find(|kind| kind.group == group && kind.kind == name)
    }

    /// Serves a CustomResourceDefinition's kind, in place of what it declared before.
    pub fn define(&mut self, kind: Kind) {
        self.forget(&kind.group, &kind.plural);
        self.0.push(Arc::new(kind));
    }

    /// Stops serving a custom kind.
    pub fn forget(&mut self, group: &str, plural: &str) {
        self.0.retain(|kind| !(kind.custom && kind.group == group && kind.plural == plural));
    }
}
