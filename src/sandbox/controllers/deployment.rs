//! Deployments: a ReplicaSet a template, rolled as the strategy says.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};

use super::{
    super::{
        store::Store,
        write::{hash_suffix, text},
    },
    Next, events, gc,
    status::{self, condition, counts, number},
};

const HASH: &str = "pod-template-hash";
const REVISION: &str = "deployment.kubernetes.io/revision";

/// Rolls a Deployment one step and writes its status. The alarm is its progress deadline.
pub(super) fn reconcile(store: &mut Store, deployment: &Arc<Value>, alarm: bool) -> Next {
    let sets = owned_sets(store, deployment);
    let current = sets.iter().find(|set| same_template(set, deployment)).cloned();
    let Some(current) = current else {
        create_set(store, deployment, &sets);
        let seconds = number(&deployment["spec"]["progressDeadlineSeconds"]);
        return Next::after(Duration::from_secs(u64::try_from(seconds).unwrap_or(600)));
    };
    let old: Vec<Arc<Value>> =
        sets.into_iter().filter(|set| set["metadata"]["uid"] != current["metadata"]["uid"]).collect();
    let revision = newest_revision(&old).max(revision_of(&current));
    if deployment["metadata"]["annotations"][REVISION] != revision.to_string().as_str()
        || revision_of(&current) != revision
    {
        number_revision(store, deployment, &current, &old);
        return Next::default();
    }
    roll(store, deployment, &current, &old);
    write_status(store, deployment, alarm);
    prune(store, deployment, &old);
    Next::default()
}

fn owned_sets(store: &Store, deployment: &Value) -> Vec<Arc<Value>> {
    let sets = store.list("replicasets.apps", &text(deployment, "namespace")).into_iter();
    sets.filter(|set| status::is_owned_by(set, deployment)).collect()
}

fn same_template(set: &Value, deployment: &Value) -> bool {
    let mut template = set["spec"]["template"].clone();
    if let Some(labels) = template["metadata"]["labels"].as_object_mut() {
        labels.remove(HASH);
    }
    template == deployment["spec"]["template"]
}

fn revision_of(set: &Value) -> u64 {
    set["metadata"]["annotations"][REVISION].as_str().and_then(|text| text.parse().ok()).unwrap_or(0)
}

fn newest_revision(sets: &[Arc<Value>]) -> u64 {
    sets.iter().map(|set| revision_of(set)).max().unwrap_or(0)
}

fn create_set(store: &mut Store, deployment: &Arc<Value>, old: &[Arc<Value>]) {
    let hash = hash_suffix(&deployment["spec"]["template"]);
    let mut template = deployment["spec"]["template"].clone();
    template["metadata"]["labels"][HASH] = hash.clone().into();
    let mut selector = deployment["spec"]["selector"].clone();
    selector["matchLabels"][HASH] = hash.clone().into();
    let wanted = number(&deployment["spec"]["replicas"]);
    let first = if old.iter().all(|set| number(&set["spec"]["replicas"]) == 0) { wanted } else { 0 };
    let mut annotations = json!({
        "deployment.kubernetes.io/desired-replicas": wanted.to_string(),
        "deployment.kubernetes.io/max-replicas": (wanted + bound(deployment, "maxSurge", true)).to_string(),
    });
    annotations[REVISION] = (newest_revision(old) + 1).to_string().into();
    status::create(
        store,
        json!({
            "apiVersion": "apps/v1", "kind": "ReplicaSet",
            "metadata": {
                "name": format!("{}-{hash}", text(deployment, "name")), "namespace": text(deployment, "namespace"), "annotations": annotations,
                "labels": template["metadata"]["labels"], "ownerReferences": status::owner_reference(deployment),
            },
            "spec": { "replicas": first, "selector": selector, "template": template },
        }),
    );
}

/// Gives the current ReplicaSet the newest revision number, and the Deployment the same.
fn number_revision(store: &mut Store, deployment: &Arc<Value>, current: &Arc<Value>, old: &[Arc<Value>]) {
    let newest_old = newest_revision(old);
    let revision = if revision_of(current) > newest_old { revision_of(current) } else { newest_old + 1 };
    for object in [current, deployment] {
        let mut numbered = Value::clone(object);
        numbered["metadata"]["annotations"][REVISION] = revision.to_string().into();
        status::write(store, object, numbered);
    }
}

/// `maxSurge` or `maxUnavailable` in pods; percentages of surge round up, of unavailability down.
fn bound(deployment: &Value, key: &str, up: bool) -> i64 {
    let wanted = number(&deployment["spec"]["replicas"]);
    let value = &deployment["spec"]["strategy"]["rollingUpdate"][key];
    let Some(percent) =
        value.as_str().and_then(|text| text.strip_suffix('%')).and_then(|text| text.parse::<i64>().ok())
    else {
        return number(value);
    };
    if up { (wanted * percent + 99) / 100 } else { wanted * percent / 100 }
}

fn roll(store: &mut Store, deployment: &Arc<Value>, current: &Arc<Value>, old: &[Arc<Value>]) {
    let wanted = number(&deployment["spec"]["replicas"]);
    let sum = |key: fn(&Value) -> i64| old.iter().map(|set| key(set)).sum::<i64>();
    let old_total = sum(|set| number(&set["spec"]["replicas"]));
    let old_pods = sum(|set| number(&set["status"]["replicas"]));
    let current_wanted = number(&current["spec"]["replicas"]);
    if deployment["spec"]["strategy"]["type"] == "Recreate" {
        old.iter().for_each(|set| scale(store, deployment, set, 0));
        if old_pods == 0 {
            scale(store, deployment, current, wanted);
        }
        return;
    }
    if current_wanted > wanted || old_total == 0 {
        return scale(store, deployment, current, wanted);
    }
    // Rounding may leave no room at all; the real controller then lets one pod be unavailable.
    let surge = bound(deployment, "maxSurge", true);
    let unavailable = bound(deployment, "maxUnavailable", false).max(i64::from(surge == 0));
    let room = (wanted + surge - old_total - current_wanted).clamp(0, wanted - current_wanted);
    scale(store, deployment, current, current_wanted + room);
    let ready = sum(|set| number(&set["status"]["readyReplicas"])) + number(&current["status"]["readyReplicas"]);
    // Old pods that never became ready can go at once.
    let mut spare = (ready - (wanted - unavailable)).max(0);
    for set in old {
        let (replicas, ready) = (number(&set["spec"]["replicas"]), number(&set["status"]["readyReplicas"]));
        let unready = (replicas - ready).max(0);
        let down = unready + spare.min(ready);
        spare -= down - unready;
        scale(store, deployment, set, replicas - down);
    }
}

fn scale(store: &mut Store, deployment: &Value, set: &Arc<Value>, replicas: i64) {
    let before = number(&set["spec"]["replicas"]);
    if before == replicas {
        return;
    }
    let mut scaled = Value::clone(set);
    scaled["spec"]["replicas"] = replicas.into();
    scaled["metadata"]["annotations"]["deployment.kubernetes.io/desired-replicas"] =
        number(&deployment["spec"]["replicas"]).to_string().into();
    status::write(store, set, scaled);
    let direction = if replicas > before { "up" } else { "down" };
    let message = format!("Scaled {direction} replica set {} from {before} to {replicas}", text(set, "name"));
    events::record(store, deployment, "deployment-controller", "Normal", "ScalingReplicaSet", &message);
}

fn write_status(store: &mut Store, deployment: &Arc<Value>, deadline: bool) {
    let Some(live) = store.find("deployments.apps", &text(deployment, "namespace"), &text(deployment, "name")) else {
        return;
    };
    let sets = owned_sets(store, &live);
    let total = |key: &str| sets.iter().map(|set| number(&set["status"][key])).sum::<i64>();
    let current = sets.iter().find(|set| same_template(set, &live)).cloned().unwrap_or_default();
    let wanted = number(&live["spec"]["replicas"]);
    let (replicas, available, updated) =
        (total("replicas"), total("availableReplicas"), number(&current["status"]["replicas"]));
    let mut now = counts(&[
        ("observedGeneration", number(&live["metadata"]["generation"])),
        ("replicas", replicas),
        ("updatedReplicas", updated),
        ("readyReplicas", total("readyReplicas")),
        ("availableReplicas", available),
        ("unavailableReplicas", (wanted - available).max(0)),
    ]);
    let old = &live["status"];
    let enough = available >= wanted - bound(&live, "maxUnavailable", false);
    let mut availability = if enough {
        condition(store, old, "Available", true, "MinimumReplicasAvailable", "Deployment has minimum availability.")
    } else {
        condition(
            store,
            old,
            "Available",
            false,
            "MinimumReplicasUnavailable",
            "Deployment does not have minimum availability.",
        )
    };
    let name = text(&current, "name");
    let complete = updated == wanted && replicas == wanted && available == wanted;
    let overdue = deadline
        || old["conditions"]
            .as_array()
            .is_some_and(|list| list.iter().any(|c| c["reason"] == "ProgressDeadlineExceeded"));
    let (going, reason, message) = if complete {
        (true, "NewReplicaSetAvailable", format!("ReplicaSet \"{name}\" has successfully progressed."))
    } else if overdue && updated_is_stuck(&current) {
        (false, "ProgressDeadlineExceeded", format!("ReplicaSet \"{name}\" has timed out progressing."))
    } else {
        (true, "ReplicaSetUpdated", format!("ReplicaSet \"{name}\" is progressing."))
    };
    let mut progress = condition(store, old, "Progressing", going, reason, &message);
    progress["lastUpdateTime"] = update_time(store, old, &progress);
    availability["lastUpdateTime"] = update_time(store, old, &availability);
    now["conditions"] = json!([availability, progress]);
    status::set(store, &live, now);
}

fn updated_is_stuck(current: &Value) -> bool {
    number(&current["status"]["availableReplicas"]) < number(&current["spec"]["replicas"])
}

fn update_time(store: &Store, old: &Value, new: &Value) -> Value {
    let same = |known: &&Value| known["type"] == new["type"] && known["reason"] == new["reason"];
    let known = old["conditions"].as_array().into_iter().flatten().find(same);
    known.map_or_else(|| store.now().into(), |known| known["lastUpdateTime"].clone())
}

/// Deletes empty old ReplicaSets beyond the history limit, oldest first.
fn prune(store: &mut Store, deployment: &Value, old: &[Arc<Value>]) {
    let limit = usize::try_from(number(&deployment["spec"]["revisionHistoryLimit"])).unwrap_or(10);
    let mut empty: Vec<&Arc<Value>> = old
        .iter()
        .filter(|set| number(&set["spec"]["replicas"]) == 0 && number(&set["status"]["replicas"]) == 0)
        .collect();
    empty.sort_by_key(|set| revision_of(set));
    let surplus = empty.len().saturating_sub(limit);
    for set in empty.into_iter().take(surplus) {
        gc::delete(store, set, "Background");
    }
}
