//! Whether a live object is ready, by kstatus rules, pure but for the clock (a pod may be unscheduled for a while).

mod legacy;
mod pod;

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::manifest::Object;

pub use legacy::{legacy_ready, new_replica_set};
pub use pod::pod_trouble;

/// How long a pod may be unscheduled before it counts as unschedulable (kstatus `ScheduleWindow`).
const SCHEDULE_WINDOW: SignedDuration = SignedDuration::from_secs(15);

/// kstatus' verdicts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// Reconciled and ready.
    Current,
    /// On its way.
    InProgress,
    /// Will not become ready by itself.
    Failed,
    /// Being deleted.
    Terminating,
    /// Not there.
    NotFound,
    /// Cannot be told.
    Unknown,
}

impl fmt::Display for Status {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, formatter)
    }
}

/// A verdict with its reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Readiness {
    /// The verdict.
    pub status: Status,
    /// Why, in kstatus' words, for example `Available: 4/6`.
    pub message: String,
    /// Ready and wanted replicas where the kind has such numbers.
    pub replicas: Option<(u32, u32)>,
}

impl Readiness {
    /// The verdict on an object that does not exist.
    pub fn not_found() -> Self {
        verdict(Status::NotFound, "Resource not found")
    }

    /// The verdict when nothing is known yet.
    pub fn unknown() -> Self {
        verdict(Status::Unknown, "")
    }
}

/// The readiness of a live object (sigs.k8s.io/cli-utils `pkg/kstatus/status/core.go`), CRD conditions included.
pub fn readiness(object: &Object) -> Readiness {
    let mut readiness = generic(object).unwrap_or_else(|| by_kind(object, Timestamp::now()));
    readiness.replicas = replicas(object);
    readiness
}

/// The readiness of a Job that must have completed, as `--wait-for-jobs` and hooks want it
/// (helm/helm `internal/statusreaders/job_status_reader.go`).
pub fn job_readiness(object: &Object) -> Readiness {
    let wanted = integer(object, "/spec/completions").or(integer(object, "/spec/parallelism")).unwrap_or(1);
    for condition in conditions(object).filter(|condition| condition.status == "True") {
        match condition.kind {
            "Complete" => {
                return current(format!("Job Completed. succeeded: {}/{wanted}", count(object, "/status/succeeded")));
            }
            "Failed" => {
                let failed = count(object, "/status/failed");
                return verdict(Status::Failed, format!("Job Failed. failed: {failed}/{wanted}"));
            }
            _ => {}
        }
    }
    verdict(Status::InProgress, "Job in progress")
}

/// Whether a hook's object has finished: Jobs and Pods run to their end, everything else is done by being there
/// (helm/helm `pkg/kube/statuswait.go`, `WatchUntilReady`).
pub fn finished(object: &Object) -> Readiness {
    match (object.group(), object.kind()) {
        ("batch", "Job") => job_readiness(object),
        ("", "Pod") => match text(object, "/status/phase") {
            "Succeeded" => current(format!("pod {} succeeded", object.name())),
            "Failed" => verdict(Status::Failed, format!("pod {} failed", object.name())),
            _ => verdict(Status::InProgress, "Pod in progress"),
        },
        _ => current("Resource is current"),
    }
}

/// What pods say about a StatefulSet or ReplicaSet on its way: it has failed once one of them has for good
/// (kstatus `statusreaders/pod_controller.go`).
pub fn with_pods(own: Readiness, pods: &[Object]) -> Readiness {
    let lost = |pod: &&Object| {
        let transient = !text(pod, "/metadata/deletionTimestamp").is_empty() || unschedulable(pod);
        !transient && readiness(pod).status == Status::Failed
    };
    let failed = pods.iter().filter(lost).count();
    if own.status != Status::InProgress || failed == 0 {
        return own;
    }
    Readiness { status: Status::Failed, message: format!("{failed} pods have failed"), replicas: own.replicas }
}

/// What holds for every kind: deletion, generation, the standard conditions (kstatus `checkGenericProperties`).
fn generic(object: &Object) -> Option<Readiness> {
    if !text(object, "/metadata/deletionTimestamp").is_empty() {
        return Some(verdict(Status::Terminating, "Resource scheduled for deletion"));
    }
    if let (Some(wanted), Some(observed)) =
        (integer(object, "/metadata/generation"), integer(object, "/status/observedGeneration"))
        && wanted != observed
    {
        let kind = object.kind();
        return Some(in_progress(format!(
            "{kind} generation is {wanted}, but latest observed generation is {observed}"
        )));
    }
    conditions(object).filter(|condition| condition.status == "True").find_map(|condition| match condition.kind {
        "Reconciling" => Some(in_progress(condition.message)),
        "Stalled" => Some(verdict(Status::Failed, condition.message)),
        _ => None,
    })
}

fn by_kind(object: &Object, now: Timestamp) -> Readiness {
    match (object.group(), object.kind()) {
        ("", "Service") => service(object),
        ("", "Pod") => pod_phase(object, now),
        ("", "Secret" | "ConfigMap") | ("batch", "CronJob") => current("Resource is always ready"),
        ("", "PersistentVolumeClaim") => claim(object),
        ("apps", "StatefulSet") => stateful_set(object),
        ("apps" | "extensions", "DaemonSet") => daemon_set(object),
        ("apps" | "extensions", "Deployment") => deployment(object),
        ("apps" | "extensions", "ReplicaSet") => replica_set(object),
        ("policy", "PodDisruptionBudget") => current("AllowedDisruptions has been computed."),
        ("batch", "Job") => job(object),
        ("apiextensions.k8s.io", "CustomResourceDefinition") => definition(object),
        _ => ready_condition(object),
    }
}

/// The first rule that does not hold, in kstatus' order and words.
fn first_unmet(rules: &[(bool, String)]) -> Option<Readiness> {
    rules.iter().find(|(unmet, _)| *unmet).map(|(_, message)| in_progress(message))
}

fn deployment(object: &Object) -> Readiness {
    // Without a deadline the controller never says that progress was made.
    let deadline = integer(object, "/spec/progressDeadlineSeconds").unwrap_or(i64::from(i32::MAX));
    let mut progressing = deadline == i64::from(i32::MAX);
    let mut available = false;
    for condition in conditions(object) {
        match (condition.kind, condition.status, condition.reason) {
            ("Progressing", _, "ProgressDeadlineExceeded") => {
                return verdict(Status::Failed, "Progress deadline exceeded");
            }
            ("Progressing", "True", "NewReplicaSetAvailable") => progressing = true,
            ("Available", "True", _) => available = true,
            _ => {}
        }
    }
    let wanted = wanted_replicas(object);
    let all = count(object, "/status/replicas");
    let updated = count(object, "/status/updatedReplicas");
    let ready = count(object, "/status/readyReplicas");
    let there = count(object, "/status/availableReplicas");
    first_unmet(&[
        (wanted > all, format!("Replicas: {all}/{wanted}")),
        (wanted > updated, format!("Updated: {updated}/{wanted}")),
        (all > wanted, format!("Pending termination: {}", all - wanted)),
        (updated > there, format!("Available: {there}/{updated}")),
        (wanted > ready, format!("Ready: {ready}/{wanted}")),
        (!progressing, "ReplicaSet not Available".to_owned()),
        (!available, "Deployment not Available".to_owned()),
    ])
    .unwrap_or_else(|| current(format!("Deployment is available. Replicas: {all}")))
}

fn replica_set(object: &Object) -> Readiness {
    if conditions(object).any(|condition| condition.kind == "ReplicaFailure" && condition.status == "True") {
        return in_progress("Replica Failure condition. Check Pods");
    }
    let wanted = wanted_replicas(object);
    let all = count(object, "/status/replicas");
    let labelled = count(object, "/status/fullyLabeledReplicas");
    let there = count(object, "/status/availableReplicas");
    let ready = count(object, "/status/readyReplicas");
    first_unmet(&[
        (wanted > labelled, format!("Labelled: {labelled}/{wanted}")),
        (wanted > there, format!("Available: {there}/{wanted}")),
        (wanted > ready, format!("Ready: {ready}/{wanted}")),
        (all > wanted, format!("Pending termination: {}", all - wanted)),
    ])
    .unwrap_or_else(|| current(format!("ReplicaSet is available. Replicas: {all}")))
}

fn stateful_set(object: &Object) -> Readiness {
    if text(object, "/spec/updateStrategy/type") == "OnDelete" {
        return current("StatefulSet is using the ondelete update strategy");
    }
    let wanted = wanted_replicas(object);
    let all = count(object, "/status/replicas");
    let ready = count(object, "/status/readyReplicas");
    let updated = count(object, "/status/updatedReplicas");
    let with_current = count(object, "/status/currentReplicas");
    let unmet = first_unmet(&[
        (wanted > all, format!("Replicas: {all}/{wanted}")),
        (wanted > ready, format!("Ready: {ready}/{wanted}")),
        (all > wanted, format!("Pending termination: {}", all - wanted)),
    ]);
    if let Some(unmet) = unmet {
        return unmet;
    }
    if let Some(partition) = integer(object, "/spec/updateStrategy/rollingUpdate/partition") {
        let wanted = wanted - partition;
        return match updated < wanted {
            true => in_progress(format!("updated: {updated}/{wanted}")),
            false => current(format!("Partition rollout complete. updated: {updated}")),
        };
    }
    let revisions_differ = text(object, "/status/currentRevision") != text(object, "/status/updateRevision");
    first_unmet(&[
        (wanted > with_current, format!("current: {with_current}/{wanted}")),
        (revisions_differ, "Waiting for updated revision to match current".to_owned()),
    ])
    .unwrap_or_else(|| current(format!("All replicas scheduled as expected. Replicas: {all}")))
}

fn daemon_set(object: &Object) -> Readiness {
    let absent = |path| integer(object, path).is_none();
    let kind = object.kind();
    let wanted = count(object, "/status/desiredNumberScheduled");
    let scheduled = count(object, "/status/currentNumberScheduled");
    let updated = count(object, "/status/updatedNumberScheduled");
    let there = count(object, "/status/numberAvailable");
    let ready = count(object, "/status/numberReady");
    first_unmet(&[
        (absent("/metadata/generation"), format!("{kind} metadata.generation not found")),
        (absent("/status/observedGeneration"), format!("{kind} status.observedGeneration not found")),
        (absent("/status/desiredNumberScheduled"), "Missing .status.desiredNumberScheduled".to_owned()),
        (wanted > scheduled, format!("Current: {scheduled}/{wanted}")),
        (wanted > updated, format!("Updated: {updated}/{wanted}")),
        (wanted > there, format!("Available: {there}/{wanted}")),
        (wanted > ready, format!("Ready: {ready}/{wanted}")),
    ])
    .unwrap_or_else(|| current(format!("All replicas scheduled as expected. Replicas: {wanted}")))
}

fn pod_phase(object: &Object, now: Timestamp) -> Readiness {
    match text(object, "/status/phase") {
        "Succeeded" => current("Pod has completed successfully"),
        "Failed" => current("Pod has completed, but not successfully"),
        "Running" => {
            if conditions(object).any(|condition| condition.kind == "Ready" && condition.status == "True") {
                return current("Pod is Ready");
            }
            let looping = crash_looping(object);
            match looping.is_empty() {
                true => in_progress("Pod is running but is not Ready"),
                false => verdict(Status::Failed, format!("Containers in CrashLoop state: {}", looping.join(","))),
            }
        }
        "Pending" if unschedulable(object) => {
            let created = text(object, "/metadata/creationTimestamp").parse::<Timestamp>();
            match created.is_ok_and(|created| now - SCHEDULE_WINDOW < created) {
                true => in_progress("Pod has not been scheduled"),
                false => verdict(Status::Failed, "Pod could not be scheduled"),
            }
        }
        "Pending" => in_progress("Pod is in the Pending phase"),
        "" => in_progress("Pod phase not available"),
        phase => verdict(Status::Unknown, format!("unknown phase {phase}")),
    }
}

fn crash_looping(pod: &Object) -> Vec<&str> {
    let containers = pod.value["status"]["containerStatuses"].as_array();
    containers
        .into_iter()
        .flatten()
        .filter(|container| container["state"]["waiting"]["reason"] == "CrashLoopBackOff")
        .filter_map(|container| container["name"].as_str())
        .collect()
}

fn unschedulable(pod: &Object) -> bool {
    conditions(pod).any(|condition| {
        condition.kind == "PodScheduled" && condition.status == "False" && condition.reason == "Unschedulable"
    })
}

/// A running Job counts as ready; [`job_readiness`] wants it completed.
fn job(object: &Object) -> Readiness {
    let ended = job_readiness(object);
    if ended.status != Status::InProgress {
        return ended;
    }
    if text(object, "/status/startTime").is_empty() {
        return in_progress("Job not started");
    }
    let [succeeded, active, failed] =
        ["/status/succeeded", "/status/active", "/status/failed"].map(|path| count(object, path));
    current(format!("Job in progress. success:{succeeded}, active: {active}, failed: {failed}"))
}

fn service(object: &Object) -> Readiness {
    if text(object, "/spec/type") == "LoadBalancer" && text(object, "/spec/clusterIP").is_empty() {
        return in_progress("ClusterIP not set. Service type: LoadBalancer");
    }
    current("Service is ready")
}

fn claim(object: &Object) -> Readiness {
    match object.value.pointer("/status/phase").and_then(Value::as_str).unwrap_or("unknown") {
        "Bound" => current("PVC is Bound"),
        phase => in_progress(format!("PVC is not Bound. phase: {phase}")),
    }
}

fn definition(object: &Object) -> Readiness {
    for condition in conditions(object) {
        match (condition.kind, condition.status) {
            ("NamesAccepted", "False") => return verdict(Status::Failed, condition.message),
            ("Established", "False") if condition.reason != "Installing" => {
                return verdict(Status::Failed, condition.message);
            }
            ("Established", "True") => return current("CRD is established"),
            _ => {}
        }
    }
    in_progress("Install in progress")
}

fn ready_condition(object: &Object) -> Readiness {
    let ready = conditions(object).filter(|condition| condition.kind == "Ready");
    for condition in ready {
        match condition.status {
            "True" => return current("Resource is Ready"),
            "False" | "Unknown" => return in_progress(condition.message),
            _ => {}
        }
    }
    current("Resource is current")
}

fn replicas(object: &Object) -> Option<(u32, u32)> {
    let (ready, wanted) = match object.kind() {
        "DaemonSet" => (count(object, "/status/numberReady"), integer(object, "/status/desiredNumberScheduled")?),
        "Deployment" | "ReplicaSet" | "StatefulSet" | "ReplicationController" => {
            (count(object, "/status/readyReplicas"), wanted_replicas(object))
        }
        _ => return None,
    };
    Some((u32::try_from(ready).ok()?, u32::try_from(wanted).ok()?))
}

struct Condition<'a> {
    kind: &'a str,
    status: &'a str,
    reason: &'a str,
    message: &'a str,
}

fn conditions(object: &Object) -> impl Iterator<Item = Condition<'_>> {
    let all = object.value["status"]["conditions"].as_array();
    all.into_iter().flatten().map(|condition| {
        let field = |name: &str| condition[name].as_str().unwrap_or_default();
        Condition { kind: field("type"), status: field("status"), reason: field("reason"), message: field("message") }
    })
}

fn integer(object: &Object, path: &str) -> Option<i64> {
    object.value.pointer(path)?.as_i64()
}

fn count(object: &Object, path: &str) -> i64 {
    integer(object, path).unwrap_or(0)
}

/// The controllers take one replica where none is given.
fn wanted_replicas(object: &Object) -> i64 {
    integer(object, "/spec/replicas").unwrap_or(1)
}

fn text<'a>(object: &'a Object, path: &str) -> &'a str {
    object.value.pointer(path).and_then(Value::as_str).unwrap_or_default()
}

fn current(message: impl Into<String>) -> Readiness {
    verdict(Status::Current, message)
}

fn in_progress(message: impl Into<String>) -> Readiness {
    verdict(Status::InProgress, message)
}

fn verdict(status: Status, message: impl Into<String>) -> Readiness {
    Readiness { status, message: message.into(), replicas: None }
}

#[cfg(test)]
mod tests;
