//! DaemonSets: a pod a node.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{
    super::{
        store::Store,
        write::{hash_suffix, text},
    },
    Next, gc,
    pods::{self, count, is_ready},
    status::{self, number},
};

const HASH: &str = "controller-revision-hash";

/// Keeps a current pod on every node, replacing one at a time.
pub(super) fn reconcile(store: &mut Store, set: &Arc<Value>) -> Next {
    let hash = hash_suffix(&set["spec"]["template"]);
    let nodes: Vec<String> = store.list("nodes", "").iter().map(|node| text(node, "name")).collect();
    let found = pods::owned(store, set);
    for node in &nodes {
        if !found.iter().any(|pod| pod["spec"]["nodeName"] == node.as_str()) {
            let mut template = set["spec"]["template"].clone();
            template["spec"]["affinity"] = on_node(node);
            template["spec"]["nodeName"] = node.clone().into();
            pods::create(store, set, &template, None, &[(HASH, &hash), ("pod-template-generation", "1")]);
        }
    }
    let outdated = found.iter().find(|pod| pod["metadata"]["labels"][HASH] != hash.as_str());
    let all_ready = found.len() >= nodes.len()
        && found.iter().all(|pod| is_ready(pod) || pod["metadata"]["labels"][HASH] != hash.as_str());
    if let Some(pod) = outdated.filter(|_| all_ready && set["spec"]["updateStrategy"]["type"] == "RollingUpdate") {
        gc::delete(store, pod, "Background");
    }
    write_status(store, set, &hash, count(nodes.len()));
    Next::default()
}

fn on_node(node: &str) -> Value {
    let terms = json!([{ "matchFields": [{ "key": "metadata.name", "operator": "In", "values": [node] }] }]);
    json!({ "nodeAffinity": { "requiredDuringSchedulingIgnoredDuringExecution": { "nodeSelectorTerms": terms } } })
}

fn write_status(store: &mut Store, set: &Arc<Value>, hash: &str, nodes: i64) {
    let Some(live) = store.find("daemonsets.apps", &text(set, "namespace"), &text(set, "name")) else {
        return;
    };
    let found = pods::owned(store, &live);
    let ready = count(found.iter().filter(|pod| is_ready(pod)).count());
    let updated = count(found.iter().filter(|pod| pod["metadata"]["labels"][HASH] == hash).count());
    let mut now = json!({
        "currentNumberScheduled": found.len(), "desiredNumberScheduled": nodes, "numberMisscheduled": 0, "numberReady": ready,
        "observedGeneration": number(&live["metadata"]["generation"]),
    });
    for (key, value) in
        [("numberAvailable", ready), ("updatedNumberScheduled", updated), ("numberUnavailable", (nodes - ready).max(0))]
    {
        if value > 0 {
            now[key] = value.into();
        }
    }
    status::set(store, &live, now);
}
