//! StatefulSets: numbered pods, one after the other, each with its claims.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{
    super::{
        store::Store,
        write::{hash_suffix, text},
    },
    Next, gc,
    pods::{self, count, is_ready},
    status::{self, counts, number},
};

const HASH: &str = "controller-revision-hash";

/// Creates, replaces or deletes the next pod, then writes the status.
pub(super) fn reconcile(store: &mut Store, set: &Arc<Value>) -> Next {
    let revision = format!("{}-{}", text(set, "name"), hash_suffix(&set["spec"]["template"]));
    let wanted = number(&set["spec"]["replicas"]);
    step(store, set, &revision, wanted);
    write_status(store, set, &revision);
    Next::default()
}

fn ordinal(pod: &Value) -> i64 {
    text(pod, "name").rsplit_once('-').and_then(|(_, number)| number.parse().ok()).unwrap_or(0)
}

fn step(store: &mut Store, set: &Arc<Value>, revision: &str, wanted: i64) {
    let mut found = pods::owned(store, set);
    found.sort_by_key(|pod| ordinal(pod));
    let parallel = set["spec"]["podManagementPolicy"] == "Parallel";
    for number in 0..wanted {
        match found.iter().find(|pod| ordinal(pod) == number) {
            None => {
                create(store, set, revision, number);
                if !parallel {
                    return;
                }
            }
            Some(pod) if !is_ready(pod) && !parallel && is_current(pod, revision) => return,
            Some(_) => {}
        }
    }
    if let Some(last) = found.iter().rev().find(|pod| ordinal(pod) >= wanted) {
        return gc::delete(store, last, "Background");
    }
    let rolls = set["spec"]["updateStrategy"]["type"] == "RollingUpdate";
    let partition = number(&set["spec"]["updateStrategy"]["rollingUpdate"]["partition"]);
    let outdated = found.iter().rev().find(|pod| !is_current(pod, revision) && ordinal(pod) >= partition);
    // One at a time: a pod that is not ready, unless it is itself outdated, holds the rest.
    let held = found.iter().any(|pod| is_current(pod, revision) && !is_ready(pod));
    if let Some(pod) = outdated.filter(|_| rolls && !held) {
        gc::delete(store, pod, "Background");
    }
}

fn is_current(pod: &Value, revision: &str) -> bool {
    pod["metadata"]["labels"][HASH] == revision
}

fn create(store: &mut Store, set: &Arc<Value>, revision: &str, number: i64) {
    let name = format!("{}-{number}", text(set, "name"));
    let mut template = set["spec"]["template"].clone();
    template["spec"]["hostname"] = name.clone().into();
    if set["spec"]["serviceName"] != "" {
        template["spec"]["subdomain"] = set["spec"]["serviceName"].clone();
    }
    for claim in set["spec"]["volumeClaimTemplates"].as_array().into_iter().flatten() {
        let volume = claim["metadata"]["name"].clone();
        let claim_name = format!("{}-{name}", volume.as_str().unwrap_or_default());
        create_claim(store, set, claim, &claim_name);
        if !template["spec"]["volumes"].is_array() {
            template["spec"]["volumes"] = json!([]);
        }
        if let Some(volumes) = template["spec"]["volumes"].as_array_mut() {
            volumes.push(json!({ "name": volume, "persistentVolumeClaim": { "claimName": claim_name } }));
        }
    }
    let index = number.to_string();
    let labels = [
        (HASH, revision),
        ("statefulset.kubernetes.io/pod-name", name.as_str()),
        ("apps.kubernetes.io/pod-index", index.as_str()),
    ];
    pods::create(store, set, &template, Some(name.clone()), &labels);
}

fn create_claim(store: &mut Store, set: &Value, claim: &Value, name: &str) {
    let namespace = text(set, "namespace");
    if store.find("persistentvolumeclaims", &namespace, name).is_some() {
        return;
    }
    let labels = set["spec"]["selector"]["matchLabels"].clone();
    status::create(
        store,
        json!({
            "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": { "name": name, "namespace": namespace, "labels": labels },
            "spec": claim["spec"],
        }),
    );
}

fn write_status(store: &mut Store, set: &Arc<Value>, revision: &str) {
    let Some(live) = store.find("statefulsets.apps", &text(set, "namespace"), &text(set, "name")) else {
        return;
    };
    let found = pods::owned(store, &live);
    let ready = count(found.iter().filter(|pod| is_ready(pod)).count());
    let updated = count(found.iter().filter(|pod| is_current(pod, revision)).count());
    let all = count(found.len());
    let wanted = number(&live["spec"]["replicas"]);
    let done = updated == all && all == wanted && ready == wanted;
    let known = live["status"]["currentRevision"].as_str().unwrap_or(revision);
    let current = if done { revision } else { known }.to_owned();
    let on_current = found.iter().filter(|pod| is_current(pod, &current)).count();
    let mut now = counts(&[
        ("observedGeneration", number(&live["metadata"]["generation"])),
        ("readyReplicas", ready),
        ("currentReplicas", count(on_current)),
        ("updatedReplicas", updated),
    ]);
    now["replicas"] = all.into();
    now["availableReplicas"] = ready.into();
    now["collisionCount"] = 0.into();
    now["currentRevision"] = current.into();
    now["updateRevision"] = revision.into();
    status::set(store, &live, now);
}
