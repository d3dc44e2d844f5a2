//! `metrics.k8s.io`: believable use of pods.

use serde_json::{Value, json};

use super::{
    failure::Failure,
    path, quantity,
    select::Selector,
    store::Store,
    write::{stamp, text},
};

/// Answers a read of pod or node metrics.
pub(super) fn answer(
    store: &Store,
    resource: &str,
    namespace: &str,
    name: &str,
    labels: &str,
) -> Result<Value, Failure> {
    if resource != "pods" {
        return Err(Failure::not_served(&format!("{resource}.metrics.k8s.io")));
    }
    let Some(kind) = store.kinds.by_path("", "v1", "pods") else {
        return Err(Failure::not_served("pods"));
    };
    if !name.is_empty() {
        let pod = store.get(kind, namespace, name).ok_or_else(|| {
            let message = format!("podmetrics.metrics.k8s.io \"{namespace}/{name}\" not found");
            Failure::new(404, "NotFound", message)
        })?;
        return Ok(pod_use(&pod));
    }
    let selector = Selector::parse(kind, labels, path::Query::default().get(""))?;
    let pods = store.list("pods", namespace);
    let items: Vec<Value> =
        pods.iter().filter(|pod| running(pod) && selector.matches(pod)).map(|pod| pod_use(pod)).collect();
    Ok(json!({ "kind": "PodMetricsList", "apiVersion": "metrics.k8s.io/v1beta1", "metadata": {}, "items": items }))
}

fn running(pod: &Value) -> bool {
    pod["status"]["phase"] == "Running"
}

fn pod_use(pod: &Value) -> Value {
    let containers: Vec<Value> = pod["spec"]["containers"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|container| container_use(pod, container))
        .collect();
    json!({
        "kind": "PodMetrics", "apiVersion": "metrics.k8s.io/v1beta1",
        "metadata": { "name": text(pod, "name"), "namespace": text(pod, "namespace"), "creationTimestamp": stamp(jiff::Timestamp::now()), "labels": pod["metadata"]["labels"] },
        "timestamp": stamp(jiff::Timestamp::now()), "window": "15s", "containers": containers,
    })
}

/// A leaking image stands close to its memory limit; others use a steady share, differing from pod to pod.
fn container_use(pod: &Value, container: &Value) -> Value {
    let leaks = super::controllers::images::leaks(container["image"].as_str().unwrap_or_default());
    let spread = text(pod, "uid").bytes().map(u64::from).sum::<u64>() % 20;
    let share = |percent: u64, whole: u64| whole * percent / 100;
    let limit = |key: &str| {
        container["resources"]["limits"][key]
            .as_str()
            .or_else(|| container["resources"]["requests"][key].as_str())
            .unwrap_or_default()
    };
    let memory = quantity::units(limit("memory")).max(64 << 20);
    let cpu = quantity::milli(limit("cpu")).max(50);
    let (memory, cpu) = if leaks {
        (share(91 + spread % 8, memory), share(45 + spread, cpu))
    } else {
        (share(35 + spread, memory), share(10 + spread, cpu))
    };
    json!({ "name": container["name"], "usage": { "cpu": format!("{}n", cpu * 1_000_000), "memory": format!("{}Ki", memory >> 10) } })
}
