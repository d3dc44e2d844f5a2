//! How items of lists are named, so that the same item is found on both sides wherever it stands.

use serde_json::Value;

/// The fields that tell items apart, by preference; each must be there and differ between all items.
/// The first are those of ports, whose names may change (Kubernetes' merge keys, and what such lists use otherwise).
const KEYS: [&[&str]; 15] = [
    &["containerPort", "protocol"],
    &["port", "protocol"],
    &["name"],
    &["mountPath"],
    &["devicePath"],
    &["topologyKey"],
    &["key", "operator", "effect"],
    &["key"],
    &["ip"],
    &["host"],
    &["uid"],
    &["type"],
    &["path"],
    &["namespace"],
    &["kind", "name"],
];

/// Names for the items of lists that belong together, or `None` when they have no natural key.
pub(super) fn names<'a>(lists: impl Iterator<Item = &'a [Value]> + Clone) -> Option<Vec<Vec<String>>> {
    KEYS.iter().find_map(|fields| lists.clone().map(|list| named_by(list, fields)).collect())
}

fn named_by(list: &[Value], fields: &[&str]) -> Option<Vec<String>> {
    let mut names: Vec<String> = Vec::with_capacity(list.len());
    for item in list {
        let name = name(item.as_object()?, fields)?;
        names.push(name);
    }
    let mut distinct: Vec<&String> = names.iter().collect();
    distinct.sort_unstable();
    distinct.dedup();
    (distinct.len() == list.len()).then_some(names)
}

/// `8080`, `53/UDP`, `web`: the first field, and the others where they are set and say something.
fn name(item: &serde_json::Map<String, Value>, fields: &[&str]) -> Option<String> {
    let mut name = scalar(item.get(*fields.first()?)?)?;
    for field in &fields[1..] {
        match item.get(*field).and_then(scalar) {
            Some(value) if !(*field == "protocol" && value == "TCP") => name = format!("{name}/{value}"),
            _ => {}
        }
    }
    Some(name)
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
