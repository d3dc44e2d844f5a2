//! How Kubernetes merges the lists and maps of its built-in kinds, from `assets/merge-keys.txt`.
//!
//! The table holds what Kubernetes publishes in its OpenAPI: strategic merge (`x-kubernetes-patch-strategy`,
//! `-patch-merge-key`) and server-side apply (`x-kubernetes-list-type`, `-list-map-keys`, `-map-type`).

use std::{collections::HashMap, sync::OnceLock};

use serde_json::Value;

/// What is known of one place in an object: its own merge rules, and the way to the fields below.
/// Where nothing is known the defaults hold: lists are replaced, maps merged.
#[derive(Debug, Clone, Copy)]
pub struct Node(&'static Field);

/// `x-kubernetes-list-type`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ListType {
    /// Replaced as a whole.
    #[default]
    Atomic,
    /// Scalars merged as a set.
    Set,
    /// Maps merged by [`Node::list_map_keys`].
    Map,
}

/// `x-kubernetes-map-type`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum MapType {
    /// Merged key by key.
    #[default]
    Granular,
    /// Replaced as a whole.
    Atomic,
}

/// `x-kubernetes-patch-strategy`, which may name several.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PatchStrategy {
    /// Lists are merged: maps by [`Node::merge_key`], scalars as a set.
    pub merge: bool,
    /// Maps are replaced as a whole.
    pub replace: bool,
    /// Keys that the new value lacks are cleared (`$retainKeys`).
    pub retain_keys: bool,
}

/// The node of a kind's objects, or `None` for a kind that is not built in. When this version is not in
/// the table another one of the same group and kind stands in; `extensions` finds the group its kinds moved to.
pub fn lookup(group: &str, version: &str, kind: &str) -> Option<Node> {
    let versions = table().kinds.get(kind)?;
    let exact = versions.iter().find(|entry| entry.group == group && entry.version == version);
    let entry = exact.or_else(|| versions.iter().find(|entry| entry.group == group || group == "extensions"))?;
    Some(Node(&entry.root))
}

/// [`lookup`] by an object's own `apiVersion` and `kind`.
pub fn of(object: &Value) -> Option<Node> {
    let api_version = object["apiVersion"].as_str()?;
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    lookup(group, version, object["kind"].as_str()?)
}

/// The node of every kind's `metadata`.
pub fn object_meta() -> Node {
    static OBJECT_META: Field = Field::unruled(Some("meta.v1.ObjectMeta"));
    Node(&OBJECT_META)
}

impl Node {
    /// The node of a place nothing is known about, such as a custom resource.
    pub fn unknown() -> Self {
        static UNKNOWN: Field = Field::unruled(None);
        Self(&UNKNOWN)
    }

    /// The node of a field; on a list, of a field of its elements.
    #[must_use]
    pub fn field(self, name: &str) -> Self {
        self.kind().and_then(|kind| kind.fields.get(name)).map_or_else(Self::unknown, Self)
    }

    /// The key by which strategic merge matches the elements of this list.
    pub fn merge_key(self) -> Option<&'static str> {
        self.0.merge_key
    }

    /// How strategic merge treats this list or map.
    pub fn patch_strategy(self) -> PatchStrategy {
        self.0.strategy
    }

    /// How server-side apply treats this list.
    pub fn list_type(self) -> ListType {
        self.0.list_type
    }

    /// The keys by which server-side apply matches the elements of this list, in the published order.
    pub fn list_map_keys(self) -> &'static [&'static str] {
        &self.0.list_map_keys
    }

    /// How server-side apply treats this map; of a list, its elements.
    pub fn map_type(self) -> MapType {
        match self.kind() {
            Some(kind) if kind.map_type == MapType::Atomic => MapType::Atomic,
            _ => self.0.map_type,
        }
    }

    fn kind(self) -> Option<&'static Type> {
        self.0.kind.and_then(|name| table().types.get(name))
    }
}

/// The value of a list-map key that an element leaves out. Ports' protocol is the only such key
/// (`+default="TCP"` on `ContainerPort` and `ServicePort` in k8s.io/api/core/v1); OpenAPI v2 omits defaults.
pub fn default_of_key(key: &str) -> Option<&'static str> {
    (key == "protocol").then_some("TCP")
}

/// The rules of one field.
#[derive(Debug)]
struct Field {
    /// Type of the field, or of the elements of a list.
    kind: Option<&'static str>,
    strategy: PatchStrategy,
    merge_key: Option<&'static str>,
    list_type: ListType,
    list_map_keys: Vec<&'static str>,
    map_type: MapType,
}

#[derive(Debug, Default)]
struct Type {
    map_type: MapType,
    fields: HashMap<&'static str, Field>,
}

struct Kind {
    group: &'static str,
    version: &'static str,
    root: Field,
}

#[derive(Default)]
struct Table {
    kinds: HashMap<&'static str, Vec<Kind>>,
    types: HashMap<&'static str, Type>,
}

fn table() -> &'static Table {
    static TABLE: OnceLock<Table> = OnceLock::new();
    TABLE.get_or_init(|| Table::parse(include_str!("../../assets/merge-keys.txt")))
}

impl Table {
    fn parse(text: &'static str) -> Self {
        let mut table = Self::default();
        let mut open = "";
        for line in text.lines() {
            let mut words = line.split_whitespace();
            match words.next() {
                Some("kind") if !line.starts_with(' ') => table.add_kind(words),
                Some("type") if !line.starts_with(' ') => {
                    open = words.next().unwrap_or_default();
                    let map_type = words.next().map_or(MapType::Granular, |_| MapType::Atomic);
                    table.types.insert(open, Type { map_type, ..Type::default() });
                }
                Some(name) if line.starts_with(' ') => {
                    table.types.entry(open).or_default().fields.insert(name, Field::parse(words));
                }
                _ => {}
            }
        }
        table
    }

    fn add_kind(&mut self, mut words: impl Iterator<Item = &'static str>) {
        if let (Some(api_version), Some(kind), Some(root)) = (words.next(), words.next(), words.next()) {
            let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
            self.kinds.entry(kind).or_default().push(Kind { group, version, root: Field::unruled(Some(root)) });
        }
    }
}

impl Field {
    const fn unruled(kind: Option<&'static str>) -> Self {
        Self {
            kind,
            strategy: PatchStrategy { merge: false, replace: false, retain_keys: false },
            merge_key: None,
            list_type: ListType::Atomic,
            list_map_keys: Vec::new(),
            map_type: MapType::Granular,
        }
    }

    fn parse(mut words: impl Iterator<Item = &'static str>) -> Self {
        let mut field = Self::unruled(words.next());
        for rule in words {
            match rule.split_once('=') {
                Some(("patch", patch)) => field.parse_patch(patch),
                Some(("list", "set")) => field.list_type = ListType::Set,
                Some(("list", list)) => {
                    field.list_type = ListType::Map;
                    field.list_map_keys = list.trim_start_matches("map:").split(',').collect();
                }
                Some(("map", _)) => field.map_type = MapType::Atomic,
                _ => {}
            }
        }
        field
    }

    fn parse_patch(&mut self, patch: &'static str) {
        let (strategies, key) = patch.split_once(':').map_or((patch, None), |(left, right)| (left, Some(right)));
        self.merge_key = key;
        for strategy in strategies.split(',') {
            match strategy {
                "merge" => self.strategy.merge = true,
                "replace" => self.strategy.replace = true,
                "retainKeys" => self.strategy.retain_keys = true,
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rules of the field at a path, in the words of the published OpenAPI.
    #[track_caller]
    fn check(kind: (&str, &str, &str), path: &str, expected: &str) {
        let node = path.split('.').fold(lookup(kind.0, kind.1, kind.2).expect("a built-in kind"), Node::field);
        let strategy = node.patch_strategy();
        let mut words = Vec::new();
        for (set, word) in
            [(strategy.merge, "merge"), (strategy.replace, "replace"), (strategy.retain_keys, "retainKeys")]
        {
            words.extend(set.then(|| word.to_owned()));
        }
        words.extend(node.merge_key().map(|key| format!("by {key}")));
        match node.list_type() {
            ListType::Atomic => {}
            ListType::Set => words.push("set".to_owned()),
            ListType::Map => words.push(format!("map {}", node.list_map_keys().join(","))),
        }
        words.extend((node.map_type() == MapType::Atomic).then(|| "atomic".to_owned()));
        assert_eq!(words.join(" "), expected, "{kind:?} {path}");
    }

    #[test]
    fn rules_are_those_kubernetes_publishes() {
        let deployment = ("apps", "v1", "Deployment");
        check(deployment, "spec.template.spec.containers", "merge by name map name");
        check(deployment, "spec.template.spec.containers.ports", "merge by containerPort map containerPort,protocol");
        check(deployment, "spec.template.spec.volumes", "merge retainKeys by name map name");
        check(deployment, "spec.template.spec.tolerations", "");
        check(deployment, "spec.template.spec.nodeSelector", "atomic");
        check(deployment, "spec.selector", "atomic");
        check(deployment, "spec.strategy", "retainKeys");
        check(deployment, "metadata.finalizers", "merge set");
        check(deployment, "metadata.labels", "");
        check(("", "v1", "Service"), "spec.ports", "merge by port map port,protocol");
        check(("", "v1", "Service"), "spec.no.such.field", "");
    }

    #[test]
    fn another_version_stands_in() {
        check(("apps", "v1beta2", "Deployment"), "spec.strategy", "retainKeys");
        check(("extensions", "v1beta1", "Deployment"), "spec.strategy", "retainKeys");
        assert!(lookup("example.com", "v1", "Deployment").is_none());
        assert!(of(&serde_json::json!({"apiVersion": "v1", "kind": "Widget"})).is_none());
    }
}
