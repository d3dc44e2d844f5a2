//! What a manifest says and the cluster does not.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Map, Value};

use super::{compare::is_generated, lists, quantity};
use crate::manifest::Object;

/// The fields that a recorded object sets → the same fields live. Where both agree, by value, the recorded side is in
/// both. What only the live object has is left out, for the server and its controllers fill in much, except:
/// - items of lists the manifest fills (an injected container, variable or port),
/// - keys of maps the manifest fills and that act as a whole: `data`, selectors.
///
/// Labels, annotations and finalizers of others are no drift. A Secret's `stringData` is compared as `data`.
pub fn drift(recorded: &Object, live: &Object) -> (Value, Value) {
    let mut recorded_value = recorded.value.clone();
    let mut live_value = live.value.clone();
    if recorded.kind() == "Secret" {
        fold_string_data(&mut recorded_value);
        fold_string_data(&mut live_value);
    }
    let mut view = View { kind: recorded.kind(), path: Vec::new() };
    view.both(&recorded_value, &live_value)
}

/// Folds a Secret's `stringData` into `data` as the server does, and writes all of `data` alike.
pub fn fold_string_data(secret: &mut Value) {
    let Some(secret) = secret.as_object_mut() else {
        return;
    };
    let take = |secret: &mut Map<String, Value>, field| match secret.remove(field) {
        Some(Value::Object(map)) => map,
        _ => Map::new(),
    };
    let mut data = take(secret, "data");
    for value in data.values_mut() {
        let content = value.as_str().and_then(|text| STANDARD.decode(text.replace(['\r', '\n'], "")).ok());
        if let Some(content) = content {
            *value = STANDARD.encode(content).into();
        }
    }
    for (key, value) in take(secret, "stringData") {
        let value = value.as_str().map_or(value.clone(), |text| STANDARD.encode(text).into());
        data.insert(key, value);
    }
    if !data.is_empty() {
        secret.insert("data".to_owned(), data.into());
    }
}

struct View<'a> {
    kind: &'a str,
    /// The fields on the way; items of lists do not count.
    path: Vec<&'a str>,
}

impl<'a> View<'a> {
    fn both(&mut self, recorded: &'a Value, live: &'a Value) -> (Value, Value) {
        match (recorded, live) {
            (Value::Object(recorded), Value::Object(live)) => self.fields(recorded, live),
            (Value::Array(recorded), Value::Array(live)) => self.items(recorded, live),
            _ if self.same(recorded, live) => (recorded.clone(), recorded.clone()),
            _ => (recorded.clone(), live.clone()),
        }
    }

    fn fields(&mut self, recorded: &'a Map<String, Value>, live: &'a Map<String, Value>) -> (Value, Value) {
        let (mut left, mut right) = (Map::new(), Map::new());
        for (key, value) in recorded {
            self.path.push(key);
            match live.get(key) {
                _ if value.is_null() || is_generated(&self.path) => {}
                Some(_) if is_unset(value) && self.is_filled_in() => {}
                Some(other) => {
                    let (value, other) = self.both(value, other);
                    left.insert(key.clone(), value);
                    right.insert(key.clone(), other);
                }
                // The server does not store what is empty, nor namespaces of what has none.
                None if is_unset(value) || self.path == ["metadata", "namespace"] => {}
                None => {
                    left.insert(key.clone(), value.clone());
                }
            }
            self.path.pop();
        }
        if self.acts_as_a_whole() {
            right.extend(
                live.iter()
                    .filter(|(key, _)| !recorded.contains_key(*key))
                    .map(|(key, value)| (key.clone(), value.clone())),
            );
        }
        (left.into(), right.into())
    }

    fn items(&mut self, recorded: &'a [Value], live: &'a [Value]) -> (Value, Value) {
        let Some(names) = lists::names([recorded, live].into_iter()) else {
            return self.unnamed(recorded, live);
        };
        let (mut left, mut right) = (Vec::new(), Vec::new());
        for (name, item) in names[0].iter().zip(recorded) {
            match names[1].iter().position(|other| other == name) {
                Some(at) => {
                    let (item, other) = self.both(item, &live[at]);
                    left.push(item);
                    right.push(other);
                }
                None => left.push(item.clone()),
            }
        }
        let added = names[1].iter().zip(live).filter(|(name, item)| !names[0].contains(name) && !self.is_servers(item));
        right.extend(added.map(|(_, item)| item.clone()));
        (left.into(), right.into())
    }

    /// Lists without a natural key: objects by place, values as a whole.
    fn unnamed(&mut self, recorded: &'a [Value], live: &'a [Value]) -> (Value, Value) {
        if recorded.iter().any(Value::is_object) {
            let (mut left, mut right) = (Vec::new(), Vec::new());
            for (item, other) in recorded.iter().zip(live) {
                let (item, other) = self.both(item, other);
                left.push(item);
                right.push(other);
            }
            left.extend(recorded.iter().skip(live.len()).cloned());
            right.extend(live.iter().skip(recorded.len()).cloned());
            return (left.into(), right.into());
        }
        let agree = match self.path.first() {
            Some(&"metadata") => recorded.iter().all(|item| live.contains(item)),
            _ => recorded.len() == live.len() && recorded.iter().zip(live).all(|(item, other)| self.same(item, other)),
        };
        (recorded.into(), if agree { recorded.into() } else { live.into() })
    }

    /// Whether two values mean the same to the server. The version an object is read in may be another.
    fn same(&self, recorded: &Value, live: &Value) -> bool {
        recorded == live || self.path == ["apiVersion"] || (self.is_quantity() && quantity::same(recorded, live))
    }

    fn is_quantity(&self) -> bool {
        const MAPS: [&str; 7] = ["limits", "requests", "capacity", "hard", "default", "defaultRequest", "podFixed"];
        const FIELDS: [&str; 5] = ["sizeLimit", "averageValue", "divisor", "memory", "cpu"];
        match self.path.as_slice() {
            ["data" | "stringData" | "metadata", ..] => false,
            [.., parent, field] => {
                MAPS.contains(parent) || FIELDS.contains(field) || (*parent, *field) == ("target", "value")
            }
            _ => false,
        }
    }

    /// Fields that are left empty for the server or a controller to fill in.
    fn is_filled_in(&self) -> bool {
        matches!(self.path.last(), Some(&("clusterIP" | "clusterIPs" | "nodePort" | "caBundle" | "rules")))
    }

    fn acts_as_a_whole(&self) -> bool {
        match self.path.as_slice() {
            ["data" | "binaryData"] | [.., "matchLabels" | "nodeSelector"] => true,
            ["spec", "selector"] => self.kind == "Service",
            _ => false,
        }
    }

    /// Items that the server itself adds to a list.
    fn is_servers(&self, item: &Value) -> bool {
        match (self.kind, self.path.as_slice()) {
            (_, ["metadata", ..]) | ("ServiceAccount", _) => true,
            ("Pod", ["spec", "volumes"]) => {
                item["name"].as_str().is_some_and(|name| name.starts_with("kube-api-access-"))
            }
            ("Pod", ["spec", .., "volumeMounts"]) => {
                item["mountPath"] == "/var/run/secrets/kubernetes.io/serviceaccount"
            }
            ("Pod", ["spec", "tolerations"]) => {
                matches!(item["key"].as_str(), Some("node.kubernetes.io/not-ready" | "node.kubernetes.io/unreachable"))
            }
            _ => false,
        }
    }
}

/// Whether a manifest's value says nothing: the server does not store it.
fn is_unset(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.values().all(is_unset),
        Value::Bool(true) => false,
    }
}
