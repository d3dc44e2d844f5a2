//! `tests/data/kstatus.json` holds objects and what kstatus 1.2.1, the version inside Helm 4.2.4, says of each:
//! the output of its `status.Compute`.

use serde_json::{Value, json};

use super::*;

#[test]
fn verdicts_are_those_of_kstatus() {
    let cases: Vec<Value> =
        serde_json::from_str(include_str!("../../../tests/data/kstatus.json")).expect("a list of cases");
    assert!(cases.len() > 80, "{} cases", cases.len());
    for case in cases {
        let ours = readiness(&Object::new(case["object"].clone()));
        let expected = (case["status"].as_str(), case["message"].as_str());
        assert_eq!((Some(ours.status.to_string().as_str()), Some(ours.message.as_str())), expected, "{}", case["name"]);
    }
}

#[track_caller]
fn check(readiness: &Readiness, status: Status, message: &str) {
    assert_eq!((readiness.status, readiness.message.as_str()), (status, message));
}

/// helm/helm `internal/statusreaders`, `job_status_reader_test.go` and `pod_status_reader_test.go`.
#[test]
fn hooks_run_to_their_end() {
    let object = |api_version: &str, kind: &str, status: Value| {
        Object::new(json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": "x"}, "status": status}))
    };
    let job = |status| finished(&object("batch/v1", "Job", status));
    check(&job(json!({"active": 1, "startTime": "2026-01-01T00:00:00Z"})), Status::InProgress, "Job in progress");
    check(
        &job(json!({"succeeded": 1, "conditions": [{"type": "Complete", "status": "True"}]})),
        Status::Current,
        "Job Completed. succeeded: 1/1",
    );
    check(
        &job(json!({"failed": 2, "conditions": [{"type": "Failed", "status": "True"}]})),
        Status::Failed,
        "Job Failed. failed: 2/1",
    );
    let pod = |phase: &str| finished(&object("v1", "Pod", json!({ "phase": phase })));
    check(&pod("Running"), Status::InProgress, "Pod in progress");
    check(&pod("Succeeded"), Status::Current, "pod x succeeded");
    check(&pod("Failed"), Status::Failed, "pod x failed");
    check(&finished(&object("v1", "ConfigMap", Value::Null)), Status::Current, "Resource is current");
}

/// kstatus `statusreaders/pod_controller_test.go`.
#[test]
fn failed_pods_fail_their_controller() {
    let pod = |metadata: Value, status: Value| {
        Object::new(json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "status": status}))
    };
    let looping = json!({"phase": "Running", "containerStatuses": [{"name": "a", "state": {"waiting": {"reason": "CrashLoopBackOff"}}}]});
    let unscheduled = json!({"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}]});
    let waiting = || in_progress("Ready: 0/1");

    let crashed = pod(json!({}), looping.clone());
    check(&with_pods(waiting(), &[crashed.clone(), crashed.clone()]), Status::Failed, "2 pods have failed");
    check(&with_pods(current("ready"), &[crashed]), Status::Current, "ready");
    let leaving = pod(json!({"deletionTimestamp": "2026-01-01T00:00:00Z"}), looping);
    check(&with_pods(waiting(), &[leaving]), Status::InProgress, "Ready: 0/1");
    check(&with_pods(waiting(), &[pod(json!({}), unscheduled)]), Status::InProgress, "Ready: 0/1");
}

#[test]
fn replicas_where_the_kind_has_them() {
    let replicas = |kind: &str, spec: Value, status: Value| {
        readiness(&Object::new(json!({"apiVersion": "apps/v1", "kind": kind, "spec": spec, "status": status}))).replicas
    };
    assert_eq!(replicas("Deployment", json!({"replicas": 6}), json!({"readyReplicas": 4})), Some((4, 6)));
    assert_eq!(replicas("StatefulSet", json!({}), json!({})), Some((0, 1)));
    assert_eq!(replicas("DaemonSet", json!({}), json!({"desiredNumberScheduled": 3, "numberReady": 2})), Some((2, 3)));
    assert_eq!(replicas("Job", json!({}), json!({})), None);
}

/// `tests/data/legacy_ready.json` holds objects, what belongs to them, and what Helm 4.2.4's `kube.ReadyChecker`
/// says of each (paused counts as ready, Jobs are checked).
#[test]
fn helm_3_verdicts_are_those_of_helm() {
    let cases: Vec<Value> =
        serde_json::from_str(include_str!("../../../tests/data/legacy_ready.json")).expect("a list of cases");
    assert!(cases.len() >= 45, "{} cases", cases.len());
    for case in cases {
        let object = Object::new(case["object"].clone());
        let related = case["related"].as_array().into_iter().flatten().cloned().map(Object::new);
        let related: Vec<_> = related.collect();
        let new_set = new_replica_set(&object, &related);
        let (ready, error) = match legacy_ready(&object, true, new_set, &related) {
            Ok(ready) => (ready, String::new()),
            Err(error) => (false, error),
        };
        assert_eq!((json!(ready), json!(error)), (case["ready"].clone(), case["error"].clone()), "{}", case["name"]);
    }
}
