//! Helm 3's rules, for `--wait=legacy` (helm/helm `pkg/kube/ready.go`).

use serde_json::Value;

use super::{conditions, count, integer, text, wanted_replicas};
use crate::manifest::Object;

/// Whether an object is ready by Helm 3's rules; a failed Job is an error, in Helm's words.
///
/// `new_set` is a Deployment's current ReplicaSet (see [`new_replica_set`]), `pods` are those of a ReplicaSet or
/// ReplicationController; other kinds need neither.
pub fn legacy_ready(
    object: &Object,
    check_jobs: bool,
    new_set: Option<&Object>,
    pods: &[Object],
) -> Result<bool, String> {
    Ok(match (object.group(), object.kind()) {
        ("", "Pod") => pod_ready(object),
        ("batch", "Job") if check_jobs => return job_ready(object),
        ("apps", "Deployment") => {
            is_true(object, "/spec/paused") || new_set.is_some_and(|set| deployment_ready(set, object))
        }
        ("", "PersistentVolumeClaim") => text(object, "/status/phase") == "Bound",
        ("", "Service") => service_ready(object),
        ("apps", "DaemonSet") => daemon_set_ready(object),
        ("apiextensions.k8s.io", "CustomResourceDefinition") => definition_ready(object),
        ("apps", "StatefulSet") => stateful_set_ready(object),
        ("apps", "ReplicaSet") | ("", "ReplicationController") => observed(object) && pods.iter().all(pod_ready),
        _ => true,
    })
}

/// A Deployment's current ReplicaSet: the oldest whose template equals the Deployment's but for the hash label
/// (k8s.io/kubectl `deployment/util`, `FindNewReplicaSet`).
pub fn new_replica_set<'a>(deployment: &Object, sets: &'a [Object]) -> Option<&'a Object> {
    let wanted = template(deployment);
    let same = sets.iter().filter(|set| template(set) == wanted);
    same.min_by_key(|set| (text(set, "/metadata/creationTimestamp"), set.name()))
}

fn template(object: &Object) -> Value {
    let mut template = object.value["spec"]["template"].clone();
    if let Some(labels) = template.pointer_mut("/metadata/labels").and_then(Value::as_object_mut) {
        labels.remove("pod-template-hash");
    }
    template
}

fn observed(object: &Object) -> bool {
    count(object, "/status/observedGeneration") == count(object, "/metadata/generation")
}

fn is_true(object: &Object, path: &str) -> bool {
    object.value.pointer(path) == Some(&Value::Bool(true))
}

fn pod_ready(pod: &Object) -> bool {
    conditions(pod).any(|condition| condition.kind == "Ready" && condition.status == "True")
}

fn job_ready(job: &Object) -> Result<bool, String> {
    // The server fills in 6 where the manifest has no limit.
    if count(job, "/status/failed") > integer(job, "/spec/backoffLimit").unwrap_or(6) {
        return Err(format!("job is failed: {}/{}", job.namespace(), job.name()));
    }
    let wanted = integer(job, "/spec/completions");
    Ok(wanted.is_none_or(|wanted| count(job, "/status/succeeded") >= wanted))
}

fn deployment_ready(set: &Object, deployment: &Object) -> bool {
    observed(set)
        && observed(deployment)
        && count(set, "/status/readyReplicas") >= wanted_replicas(deployment) - max_unavailable(deployment)
}

/// k8s.io/kubectl `deployment/util`, `MaxUnavailable`: rounded down, but one where neither field leaves room.
fn max_unavailable(deployment: &Object) -> i64 {
    let wanted = wanted_replicas(deployment);
    if text(deployment, "/spec/strategy/type") != "RollingUpdate" || wanted == 0 {
        return 0;
    }
    let field = |name| &deployment.value["spec"]["strategy"]["rollingUpdate"][name];
    let surge = scaled(field("maxSurge"), wanted, true).unwrap_or(0);
    let unavailable = scaled(field("maxUnavailable"), wanted, false).unwrap_or(0);
    if surge == 0 && unavailable == 0 { 1 } else { unavailable.min(wanted) }
}

/// A number or a percentage of `whole`; `None` when it is neither.
fn scaled(value: &Value, whole: i64, round_up: bool) -> Option<i64> {
    if let Some(number) = value.as_i64() {
        return Some(number);
    }
    let percent: i64 = value.as_str()?.strip_suffix('%')?.parse().ok()?;
    let hundredfold = percent.checked_mul(whole)?;
    Some(if round_up { (hundredfold + 99) / 100 } else { hundredfold / 100 })
}

fn service_ready(service: &Object) -> bool {
    match text(service, "/spec/type") {
        "ExternalName" => true,
        _ if text(service, "/spec/clusterIP").is_empty() => false,
        "LoadBalancer" => {
            let has = |path| service.value.pointer(path).and_then(Value::as_array).is_some_and(|list| !list.is_empty());
            has("/spec/externalIPs") || has("/status/loadBalancer/ingress")
        }
        _ => true,
    }
}

fn daemon_set_ready(set: &Object) -> bool {
    if !observed(set) {
        return false;
    }
    if text(set, "/spec/updateStrategy/type") != "RollingUpdate" {
        return true;
    }
    let wanted = count(set, "/status/desiredNumberScheduled");
    let max = &set.value["spec"]["updateStrategy"]["rollingUpdate"]["maxUnavailable"];
    let max = scaled(max, wanted, true).unwrap_or(wanted);
    count(set, "/status/updatedNumberScheduled") == wanted && count(set, "/status/numberReady") >= wanted - max
}

/// A conflict of names counts as ready, so that the process goes on.
fn definition_ready(definition: &Object) -> bool {
    conditions(definition).any(|condition| {
        matches!((condition.kind, condition.status), ("Established", "True") | ("NamesAccepted", "False"))
    })
}

fn stateful_set_ready(set: &Object) -> bool {
    if !observed(set) {
        return false;
    }
    if text(set, "/spec/updateStrategy/type") != "RollingUpdate" {
        return true;
    }
    let partition = count(set, "/spec/updateStrategy/rollingUpdate/partition");
    let wanted = wanted_replicas(set);
    count(set, "/status/updatedReplicas") >= wanted - partition
        && count(set, "/status/readyReplicas") == wanted
        && (partition != 0 || text(set, "/status/currentRevision") == text(set, "/status/updateRevision"))
}
