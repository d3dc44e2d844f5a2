//! Fields of objects: walking them, naming them, and who owns them.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::manifest::Object;

/// A step into a JSON value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// A key of a map.
    Key(String),
    /// A position of a list.
    Item(usize),
}

/// A scalar (or an empty collection) inside an object, with the way to it.
#[derive(Debug, Clone)]
pub(super) struct Leaf<'a> {
    /// The way, in this very object.
    pub(super) steps: Vec<Step>,
    /// What is there.
    pub(super) value: &'a Value,
}

/// Keys that tell the items of a list apart, the most telling first; built-in kinds merge lists by these.
const ITEM_KEYS: &[&str] =
    &["name", "mountPath", "containerPort", "port", "devicePath", "ip", "key", "topologyKey", "uid"];

/// All leaves of an object by readable path, for example `spec.template.spec.containers[web].image`. Items of lists are
/// named by their key, so that paths of two versions of an object can be compared; items without one by position.
pub(super) fn leaves(object: &Object) -> BTreeMap<String, Leaf<'_>> {
    let mut found = BTreeMap::new();
    walk(&object.value, String::new(), &mut Vec::new(), &mut found);
    found
}

fn walk<'a>(value: &'a Value, path: String, steps: &mut Vec<Step>, found: &mut BTreeMap<String, Leaf<'a>>) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (key, value) in fields {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                steps.push(Step::Key(key.clone()));
                walk(value, path, steps, found);
                steps.pop();
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for (at, item) in items.iter().enumerate() {
                steps.push(Step::Item(at));
                walk(item, format!("{path}[{}]", item_name(item, at)), steps, found);
                steps.pop();
            }
        }
        value => {
            found.insert(path, Leaf { steps: steps.clone(), value });
        }
    }
}

fn item_name(item: &Value, at: usize) -> String {
    let named = ITEM_KEYS.iter().find_map(|key| item.get(*key));
    named.map_or_else(|| at.to_string(), text)
}

/// A scalar as people write it: strings without quotes.
pub(super) fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Managers that own a field of a live object, with the time of their last write, from `managedFields`.
pub(super) fn owners(live: &Object, steps: &[Step]) -> Vec<(String, String)> {
    let entries = live.value["metadata"]["managedFields"].as_array().map_or(&[][..], Vec::as_slice);
    let owning = entries.iter().filter(|entry| owns(&entry["fieldsV1"], &live.value, steps));
    owning.map(|entry| (text(&entry["manager"]), text(&entry["time"]))).collect()
}

/// Whether a FieldsV1 set (kubernetes-sigs/structured-merge-diff `fieldpath/serialize.go`) holds the way `steps` in `live`.
fn owns(fields: &Value, live: &Value, steps: &[Step]) -> bool {
    let Some(fields) = fields.as_object() else {
        return false;
    };
    let Some((step, rest)) = steps.split_first() else {
        return true;
    };
    let (inside, live) = match step {
        Step::Key(key) => (fields.get(&format!("f:{key}")), &live[key.as_str()]),
        Step::Item(at) => {
            let item = &live[*at];
            let element = fields.iter().find(|(element, _)| names_item(element, item, *at));
            (element.map(|(_, inside)| inside), item)
        }
    };
    // A set that goes no deeper owns all below: a leaf, or an atomic list or map.
    inside.is_some_and(|inside| inside.as_object().is_some_and(serde_json::Map::is_empty) || owns(inside, live, rest))
}

fn names_item(element: &str, item: &Value, at: usize) -> bool {
    if let Some(keys) = element.strip_prefix("k:") {
        let keys: Value = serde_json::from_str(keys).unwrap_or_default();
        keys.as_object().is_some_and(|keys| keys.iter().all(|(key, value)| item.get(key) == Some(value)))
    } else if let Some(value) = element.strip_prefix("v:") {
        serde_json::from_str::<Value>(value).is_ok_and(|value| value == *item)
    } else {
        element.strip_prefix("i:").is_some_and(|place| place == at.to_string())
    }
}

/// The value at a path as the server names it in conflicts, for example
/// `.spec.template.spec.containers[name="web"].image` (structured-merge-diff `fieldpath/element.go`, `String`).
/// Keys are written without quotes there, so one that holds dots is found by trying the longest first.
pub(super) fn lookup<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    if path.is_empty() {
        return Some(value);
    }
    if let Some(rest) = path.strip_prefix('.') {
        let ends = |key: &str| rest.strip_prefix(key).filter(|rest| rest.is_empty() || rest.starts_with(['.', '[']));
        let mut keys: Vec<&String> = value.as_object()?.keys().filter(|key| ends(key).is_some()).collect();
        keys.sort_by_key(|key| std::cmp::Reverse(key.len()));
        return keys.into_iter().find_map(|key| lookup(&value[key.as_str()], ends(key)?));
    }
    let (selector, rest) = selector(path)?;
    let items = value.as_array()?;
    let item = items.iter().enumerate().find(|(at, item)| selects(selector, item, *at))?.1;
    lookup(item, rest)
}

/// Splits `[name="web"].image` into `name="web"` and `.image`; brackets inside quotes do not count.
fn selector(path: &str) -> Option<(&str, &str)> {
    let inner = path.strip_prefix('[')?;
    let mut quoted = false;
    let mut escaped = false;
    for (at, c) in inner.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => quoted = !quoted,
            ']' if !quoted => return Some((&inner[..at], &inner[at + 1..])),
            _ => {}
        }
    }
    None
}

fn selects(selector: &str, item: &Value, at: usize) -> bool {
    if let Some(value) = selector.strip_prefix('=') {
        return serde_json::from_str::<Value>(value).is_ok_and(|value| value == *item);
    }
    if let Ok(place) = selector.parse::<usize>() {
        return place == at;
    }
    // Values of list keys hold no commas.
    selector.split(',').all(|pair| {
        let Some((key, value)) = pair.split_once('=') else {
            return false;
        };
        serde_json::from_str::<Value>(value).is_ok_and(|value| item.get(key) == Some(&value))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn deployment() -> Object {
        Object::new(json!({
            "metadata": {
                "annotations": {"example.com/a.b": "x"},
                "managedFields": [
                    {"manager": "helm", "time": "2026-01-01T00:00:00Z", "fieldsV1": {
                        "f:spec": {"f:template": {"f:spec": {"f:containers": {"k:{\"name\":\"web\"}": {".": {}, "f:name": {}, "f:args": {}}}}}}}},
                    {"manager": "kubectl-scale", "time": "2026-01-02T00:00:00Z", "subresource": "scale", "fieldsV1": {"f:spec": {"f:replicas": {}}}},
                ],
            },
            "spec": {"replicas": 8, "template": {"spec": {"containers": [
                {"name": "web", "image": "web:1", "args": ["a"], "ports": [{"containerPort": 80, "protocol": "TCP"}]}]}}},
        }))
    }

    #[test]
    fn leaves_are_named_by_the_keys_of_lists() {
        let object = deployment();
        let leaves = leaves(&object);
        assert_eq!(leaves["spec.replicas"].value, &json!(8));
        assert_eq!(leaves["spec.template.spec.containers[web].image"].value, &json!("web:1"));
        assert_eq!(leaves["spec.template.spec.containers[web].ports[80].protocol"].value, &json!("TCP"));
    }

    #[track_caller]
    fn check_owners(path: &str, expected: &[&str]) {
        let object = deployment();
        let leaves = leaves(&object);
        let owners: Vec<String> =
            owners(&object, &leaves[path].steps).into_iter().map(|(manager, _)| manager).collect();
        assert_eq!(owners, expected, "{path}");
    }

    #[test]
    fn owners_are_read_from_managed_fields() {
        check_owners("spec.replicas", &["kubectl-scale"]);
        check_owners("spec.template.spec.containers[web].args[0]", &["helm"]);
        check_owners("spec.template.spec.containers[web].image", &[]);
    }

    #[track_caller]
    fn check_lookup(path: &str, expected: Option<Value>) {
        assert_eq!(lookup(&deployment().value, path), expected.as_ref(), "{path}");
    }

    #[test]
    fn the_server_s_paths_are_followed() {
        check_lookup(".spec.replicas", Some(json!(8)));
        check_lookup(".spec.template.spec.containers[name=\"web\"].image", Some(json!("web:1")));
        check_lookup(
            ".spec.template.spec.containers[name=\"web\"].ports[containerPort=80,protocol=\"TCP\"].protocol",
            Some(json!("TCP")),
        );
        check_lookup(".metadata.annotations.example.com/a.b", Some(json!("x")));
        check_lookup(".spec.template.spec.containers[name=\"db\"].image", None);
    }
}
