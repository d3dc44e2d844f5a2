//! Generates `assets/merge-keys.txt` from Kubernetes' published OpenAPI.
//!
//! `UPDATE_MERGE_KEYS=path/to/swagger.json cargo test --test merge_keys` writes the file anew, from
//! `api/openapi-spec/swagger.json` of a Kubernetes release or a server's `/openapi/v2`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use serde_json::{Value, json};

const HEADER: &str = "\
# How Kubernetes merges lists and maps, kind by kind; read by src/cluster/schema.rs.
# Generated from Kubernetes' published OpenAPI by tests/merge_keys.rs; do not edit.
#
# kind GROUP/VERSION KIND TYPE
# type TYPE [map=atomic]
#  FIELD TYPE-OF-FIELD-OR-ELEMENTS [patch=STRATEGY,..:MERGE-KEY] [list=set | list=map:KEY,..] [map=atomic]
# `-`: nothing in there has a rule.
# Lists without a rule are atomic, maps without one granular.
";

/// The committed table for an OpenAPI v2 document.
pub fn generate(openapi: &Value) -> String {
    let definitions = Definitions::new(openapi);
    let kinds = definitions.kinds();
    let mut out = HEADER.to_owned();
    for (group_version, kind, name) in &kinds {
        out.push_str(&format!("kind {group_version} {kind} {}\n", short(name)));
    }
    for name in definitions.reachable(kinds.iter().map(|(_, _, name)| *name)) {
        let definition = definitions.all[name];
        out.push_str(&format!("type {}{}\n", short(name), rule(definition, "map")));
        for field in definitions.fields(definition) {
            out.push_str(&format!(" {} {}{}\n", field.name, field.leads_to.map_or("-".to_owned(), short), field.rules));
        }
    }
    out
}

struct Definitions<'a> {
    all: BTreeMap<&'a str, &'a Value>,
    /// Definitions that carry a rule or lead to one.
    useful: BTreeSet<&'a str>,
}

struct Field<'a> {
    name: &'a str,
    rules: String,
    leads_to: Option<&'a str>,
}

impl<'a> Definitions<'a> {
    fn new(openapi: &'a Value) -> Self {
        let all = openapi["definitions"].as_object().into_iter().flatten().map(|(name, value)| (name.as_str(), value));
        let mut definitions = Self { all: all.collect(), useful: BTreeSet::new() };
        loop {
            let has_rule =
                |definition| !rule(definition, "map").is_empty() || !definitions.fields(definition).is_empty();
            let useful =
                definitions.all.iter().filter(|(_, definition)| has_rule(definition)).map(|(name, _)| *name).collect();
            if definitions.useful == useful {
                return definitions;
            }
            definitions.useful = useful;
        }
    }

    /// `group/version`, kind and definition of every kind whose objects have `ObjectMeta`, sorted.
    fn kinds(&self) -> Vec<(String, &'a str, &'a str)> {
        let mut kinds = Vec::new();
        for (name, definition) in &self.all {
            let [kind] = definition["x-kubernetes-group-version-kind"].as_array().map_or(&[][..], Vec::as_slice) else {
                continue;
            };
            let metadata = reference(&definition["properties"]["metadata"]).unwrap_or_default();
            if metadata.ends_with(".ObjectMeta") {
                let text = |key: &str| kind[key].as_str().unwrap_or_default();
                let group = if text("group").is_empty() { String::new() } else { format!("{}/", text("group")) };
                kinds.push((group + text("version"), kind["kind"].as_str().unwrap_or_default(), *name));
            }
        }
        kinds.sort_unstable();
        kinds
    }

    fn reachable(&self, roots: impl Iterator<Item = &'a str>) -> BTreeSet<&'a str> {
        let mut reached = BTreeSet::new();
        let mut open: Vec<&str> = roots.filter(|name| self.useful.contains(name)).collect();
        while let Some(name) = open.pop() {
            if reached.insert(name) {
                open.extend(self.fields(self.all[name]).into_iter().filter_map(|field| field.leads_to));
            }
        }
        reached
    }

    /// The fields of a definition that have rules or lead to some.
    fn fields(&self, definition: &'a Value) -> Vec<Field<'a>> {
        let properties = definition["properties"].as_object().into_iter().flatten();
        properties.filter_map(|(name, property)| self.field(name, property)).collect()
    }

    fn field(&self, name: &'a str, property: &'a Value) -> Option<Field<'a>> {
        let rules = format!("{}{}{}", patch(property), list(property), rule(property, "map"));
        let leads_to = match property.get("items") {
            // Nothing looks into a list that is replaced as a whole.
            Some(_) if rules.is_empty() => None,
            Some(items) => reference(items),
            None => reference(property),
        };
        let leads_to = leads_to.filter(|target| self.useful.contains(target));
        (leads_to.is_some() || !rules.is_empty()).then_some(Field { name, rules, leads_to })
    }
}

fn reference(schema: &Value) -> Option<&str> {
    schema["$ref"].as_str()?.strip_prefix("#/definitions/")
}

/// Group, version and name: what is left of `io.k8s.api.apps.v1.Deployment` is `apps.v1.Deployment`.
fn short(definition: &str) -> String {
    let parts: Vec<&str> = definition.split('.').collect();
    parts[parts.len().saturating_sub(3)..].join(".")
}

fn patch(property: &Value) -> String {
    let strategy = property["x-kubernetes-patch-strategy"].as_str();
    let key = property["x-kubernetes-patch-merge-key"].as_str();
    match (strategy, key) {
        (None, None) => String::new(),
        (strategy, None) => format!(" patch={}", strategy.unwrap_or_default()),
        (strategy, Some(key)) => format!(" patch={}:{key}", strategy.unwrap_or_default()),
    }
}

fn list(property: &Value) -> String {
    match property["x-kubernetes-list-type"].as_str() {
        Some("set") => " list=set".to_owned(),
        Some("map") => {
            let keys = property["x-kubernetes-list-map-keys"].as_array().into_iter().flatten();
            format!(" list=map:{}", keys.filter_map(Value::as_str).collect::<Vec<_>>().join(","))
        }
        _ => String::new(),
    }
}

fn rule(schema: &Value, name: &str) -> String {
    match schema[format!("x-kubernetes-{name}-type")].as_str() {
        Some("atomic") => format!(" {name}=atomic"),
        _ => String::new(),
    }
}

#[test]
fn keeps_only_what_has_rules_or_leads_to_some() {
    let document = json!({"definitions": {
        "io.k8s.api.apps.v1.Deployment": {
            "properties": {
                "metadata": {"$ref": "#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"},
                "spec": {"$ref": "#/definitions/io.k8s.api.apps.v1.DeploymentSpec"},
            },
            "x-kubernetes-group-version-kind": [{"group": "apps", "kind": "Deployment", "version": "v1"}],
        },
        "io.k8s.api.apps.v1.DeploymentSpec": {"properties": {
            "replicas": {"type": "integer"},
            "containers": {
                "items": {"$ref": "#/definitions/io.k8s.api.core.v1.Container"},
                "x-kubernetes-list-map-keys": ["name", "port"], "x-kubernetes-list-type": "map",
                "x-kubernetes-patch-merge-key": "name", "x-kubernetes-patch-strategy": "merge,retainKeys",
            },
            "tolerations": {"items": {"$ref": "#/definitions/io.k8s.api.core.v1.Container"}},
        }},
        "io.k8s.api.core.v1.Container": {"properties": {"args": {"type": "array"}}, "x-kubernetes-map-type": "atomic"},
        "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta": {"properties": {"name": {"type": "string"}}},
    }});
    let table = generate(&document);
    let expected = "\
kind apps/v1 Deployment apps.v1.Deployment
type apps.v1.Deployment
 spec apps.v1.DeploymentSpec
type apps.v1.DeploymentSpec
 containers core.v1.Container patch=merge,retainKeys:name list=map:name,port
type core.v1.Container map=atomic
";
    assert_eq!(table.strip_prefix(HEADER), Some(expected));
}

#[test]
fn regenerate() {
    let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/merge-keys.txt");
    if let Some(source) = std::env::var_os("UPDATE_MERGE_KEYS") {
        let document = serde_json::from_slice(&fs::read(source).unwrap()).unwrap();
        fs::write(&committed, generate(&document)).unwrap();
    }
    assert!(fs::read_to_string(committed).unwrap().starts_with(HEADER), "run with UPDATE_MERGE_KEYS=swagger.json");
}
