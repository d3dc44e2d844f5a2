//! Making pods from templates, and ReplicaSets, which do little else.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{
    super::{
        store::Store,
        write::{suffix, text},
    },
    Next, events, gc,
    status::{self, counts, number},
};

/// The pods that an object controls and that are not going away, by name.
pub(super) fn owned(store: &Store, owner: &Value) -> Vec<Arc<Value>> {
    let pods = store.list("pods", &text(owner, "namespace")).into_iter();
    pods.filter(|pod| status::is_owned_by(pod, owner) && pod["metadata"]["deletionTimestamp"].is_null()).collect()
}

/// Whether a pod is ready.
pub(super) fn is_ready(pod: &Value) -> bool {
    let conditions = pod["status"]["conditions"].as_array();
    conditions
        .is_some_and(|list| list.iter().any(|condition| condition["type"] == "Ready" && condition["status"] == "True"))
}

/// Creates a pod of a template for its owner. Without a name one is generated from the owner's.
pub(super) fn create(
    store: &mut Store,
    owner: &Value,
    template: &Value,
    name: Option<String>,
    labels: &[(&str, &str)],
) {
    let mut metadata =
        json!({ "namespace": owner["metadata"]["namespace"], "ownerReferences": status::owner_reference(owner) });
    for key in ["labels", "annotations"] {
        if !template["metadata"][key].is_null() {
            metadata[key] = template["metadata"][key].clone();
        }
    }
    for (key, value) in labels {
        metadata["labels"][*key] = (*value).into();
    }
    if name.is_none() {
        metadata["generateName"] = format!("{}-", text(owner, "name")).into();
    }
    metadata["name"] = name.unwrap_or_else(|| format!("{}-{}", text(owner, "name"), suffix(store.allocate()))).into();
    let component = match owner["kind"].as_str() {
        Some("ReplicaSet") => "replicaset-controller",
        Some("StatefulSet") => "statefulset-controller",
        Some("DaemonSet") => "daemonset-controller",
        _ => "job-controller",
    };
    let message = format!("Created pod: {}", metadata["name"].as_str().unwrap_or_default());
    let pod = json!({ "apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"] });
    if status::create(store, pod).is_some() {
        events::record(store, owner, component, "Normal", "SuccessfulCreate", &message);
    }
}

/// Keeps a ReplicaSet's number of pods.
pub(super) fn reconcile_replica_set(store: &mut Store, set: &Arc<Value>) -> Next {
    let mut pods = owned(store, set);
    let wanted = usize::try_from(number(&set["spec"]["replicas"])).unwrap_or(0);
    for _ in pods.len()..wanted {
        create(store, set, &set["spec"]["template"], None, &[]);
    }
    if pods.len() > wanted {
        // Pods that are not ready go first, as with the real controller.
        pods.sort_by_key(|pod| is_ready(pod));
        let surplus = pods.len() - wanted;
        for pod in pods.iter().take(surplus) {
            let message = format!("Deleted pod: {}", text(pod, "name"));
            gc::delete(store, pod, "Background");
            events::record(store, set, "replicaset-controller", "Normal", "SuccessfulDelete", &message);
        }
    }
    let pods = owned(store, set);
    let ready = count(pods.iter().filter(|pod| is_ready(pod)).count());
    let mut now = counts(&[
        ("fullyLabeledReplicas", count(pods.len())),
        ("readyReplicas", ready),
        ("availableReplicas", ready),
        ("observedGeneration", number(&set["metadata"]["generation"])),
    ]);
    now["replicas"] = pods.len().into();
    status::set(store, set, now);
    Next::default()
}

/// A length as the API counts.
pub(super) fn count(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}
