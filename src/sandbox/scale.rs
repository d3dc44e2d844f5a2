//! The `scale` subresource (`autoscaling/v1`).

use serde_json::{Value, json};

use super::{failure::Failure, kinds::Kind, write::text};

/// The `Scale` of a workload.
pub(super) fn of(object: &Value) -> Value {
    let metadata: serde_json::Map<String, Value> = ["name", "namespace", "uid", "resourceVersion", "creationTimestamp"]
        .iter()
        .map(|key| ((*key).to_owned(), object["metadata"][key].clone()))
        .collect();
    let labels = object["spec"]["selector"]["matchLabels"].as_object().into_iter().flatten();
    let selector: Vec<String> =
        labels.map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default())).collect();
    json!({
        "kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": metadata,
        "spec": { "replicas": object["spec"]["replicas"] },
        "status": { "replicas": object["status"]["replicas"].as_i64().unwrap_or(0), "selector": selector.join(",") },
    })
}

/// The workload with the replicas of a `Scale`.
pub(super) fn scaled(kind: &Kind, live: &Value, scale: &Value) -> Result<Value, Failure> {
    let version = text(scale, "resourceVersion");
    if !version.is_empty() && version != text(live, "resourceVersion") {
        return Err(Failure::modified(kind, &text(live, "name")));
    }
    let mut object = live.clone();
    object["spec"]["replicas"] = scale["spec"]["replicas"].as_i64().unwrap_or(0).into();
    Ok(object)
}
