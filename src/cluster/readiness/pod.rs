//! What is wrong with a pod, in a few words.

use serde_json::Value;

use super::{conditions, text};
use crate::manifest::Object;

/// What is wrong with a pod, in a few words: `ImagePullBackOff registry/x:1 not found`, `OOMKilled, 4 restarts`; `None` when healthy.
pub fn pod_trouble(pod: &Object) -> Option<String> {
    if !text(pod, "/metadata/deletionTimestamp").is_empty() {
        return None;
    }
    match text(pod, "/status/phase") {
        "Succeeded" => None,
        "Failed" => Some(failed(pod)),
        _ => unscheduled(pod).or_else(|| containers(pod)).or_else(|| not_ready(pod)),
    }
}

fn failed(pod: &Object) -> String {
    let reason = text(pod, "/status/reason");
    let message = text(pod, "/status/message");
    match (reason, message) {
        ("", _) => containers(pod).unwrap_or_else(|| "Failed".to_owned()),
        (reason, "") => reason.to_owned(),
        (reason, message) => format!("{reason}: {message}"),
    }
}

fn unscheduled(pod: &Object) -> Option<String> {
    conditions(pod)
        .find(|condition| condition.kind == "PodScheduled" && condition.status == "False")
        .filter(|condition| !condition.reason.is_empty())
        .map(|condition| join(condition.reason, ": ", condition.message))
}

/// The first container in trouble, init containers first. It is named where that says something.
fn containers(pod: &Object) -> Option<String> {
    let statuses = |field: &str| pod.value["status"][field].as_array().into_iter().flatten();
    let several = statuses("containerStatuses").count() > 1;
    let init = statuses("initContainerStatuses").map(|status| (status, "init container "));
    init.chain(statuses("containerStatuses").map(|status| (status, ""))).find_map(|(status, role)| {
        let trouble = container(status)?;
        match (status["name"].as_str(), several || !role.is_empty()) {
            (Some(name), true) => Some(format!("{role}{name}: {trouble}")),
            _ => Some(trouble),
        }
    })
}

fn container(status: &Value) -> Option<String> {
    let restarts = restarts(status["restartCount"].as_u64().unwrap_or(0));
    let waiting = &status["state"]["waiting"];
    match waiting["reason"].as_str().unwrap_or_default() {
        "" | "ContainerCreating" | "PodInitializing" => {}
        "CrashLoopBackOff" => {
            // The cause first: narrow columns show no more than that.
            let end = ended(&status["lastState"]["terminated"]);
            return Some(match end {
                Some(end) => format!("{end}{restarts} (CrashLoopBackOff)"),
                None => format!("CrashLoopBackOff{restarts}"),
            });
        }
        reason => {
            return Some(join(reason, " ", waiting["message"].as_str().unwrap_or_default()));
        }
    }
    if let Some(end) = ended(&status["state"]["terminated"]) {
        return Some(format!("{end}{restarts}"));
    }
    // Running again, but memory will run out again.
    (status["lastState"]["terminated"]["reason"] == "OOMKilled").then(|| format!("OOMKilled{restarts}"))
}

/// How a container ended, if not well: `Error (exit code 1)`.
fn ended(terminated: &Value) -> Option<String> {
    let code = terminated["exitCode"].as_i64().filter(|&code| code != 0)?;
    match terminated["reason"].as_str().unwrap_or("Error") {
        "OOMKilled" => Some("OOMKilled".to_owned()),
        reason => Some(format!("{reason} (exit code {code})")),
    }
}

fn restarts(count: u64) -> String {
    match count {
        0 => String::new(),
        1 => ", 1 restart".to_owned(),
        count => format!(", {count} restarts"),
    }
}

fn not_ready(pod: &Object) -> Option<String> {
    let running = text(pod, "/status/phase") == "Running";
    if !running || conditions(pod).any(|condition| condition.kind == "Ready" && condition.status == "True") {
        return None;
    }
    let statuses = pod.value["status"]["containerStatuses"].as_array();
    let waiting: Vec<_> = statuses
        .into_iter()
        .flatten()
        .filter(|status| status["ready"] == Value::Bool(false))
        .filter_map(|status| status["name"].as_str())
        .collect();
    Some(join("not ready", ": ", &waiting.join(", ")))
}

fn join(head: &str, between: &str, tail: &str) -> String {
    if tail.is_empty() { head.to_owned() } else { format!("{head}{between}{tail}") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(status: Value, expected: Option<&str>) {
        let pod = Object::new(json!({"apiVersion": "v1", "kind": "Pod", "status": status}));
        assert_eq!(pod_trouble(&pod).as_deref(), expected);
    }

    #[test]
    fn healthy_pods_have_none() {
        check(json!({"phase": "Succeeded"}), None);
        check(
            json!({"phase": "Pending", "containerStatuses": [{"name": "web", "state": {"waiting": {"reason": "ContainerCreating"}}}]}),
            None,
        );
        check(
            json!({"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}], "containerStatuses": [
                {"name": "web", "ready": true, "restartCount": 2, "state": {"running": {}}, "lastState": {"terminated": {"reason": "Error", "exitCode": 1}}},
            ]}),
            None,
        );
    }

    #[test]
    fn images_that_cannot_be_pulled() {
        check(
            json!({"phase": "Pending", "containerStatuses": [{"name": "web", "state": {"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling image \"x:1\""}}}]}),
            Some("ImagePullBackOff Back-off pulling image \"x:1\""),
        );
        check(
            json!({"phase": "Pending",
                "initContainerStatuses": [{"name": "db", "state": {"waiting": {"reason": "ErrImagePull", "message": "not found"}}}],
                "containerStatuses": [{"name": "web", "state": {"waiting": {"reason": "PodInitializing"}}}]}),
            Some("init container db: ErrImagePull not found"),
        );
    }

    #[test]
    fn crashes_tell_the_last_end() {
        check(
            json!({"phase": "Running", "containerStatuses": [{"name": "web", "restartCount": 5, "state": {"waiting": {"reason": "CrashLoopBackOff"}},
                "lastState": {"terminated": {"reason": "Error", "exitCode": 1}}}]}),
            Some("Error (exit code 1), 5 restarts (CrashLoopBackOff)"),
        );
        check(
            json!({"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}], "containerStatuses": [
                {"name": "web", "ready": true, "restartCount": 4, "state": {"running": {}}, "lastState": {"terminated": {"reason": "OOMKilled", "exitCode": 137}}},
                {"name": "log", "ready": true, "state": {"running": {}}},
            ]}),
            Some("web: OOMKilled, 4 restarts"),
        );
    }

    #[test]
    fn pods_without_a_place_or_evicted() {
        check(
            json!({"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes are available: 1 Insufficient cpu."}]}),
            Some("Unschedulable: 0/1 nodes are available: 1 Insufficient cpu."),
        );
        check(
            json!({"phase": "Failed", "reason": "Evicted", "message": "The node was low on resource: memory."}),
            Some("Evicted: The node was low on resource: memory."),
        );
        check(
            json!({"phase": "Failed", "containerStatuses": [{"name": "job", "state": {"terminated": {"reason": "Error", "exitCode": 2}}}]}),
            Some("Error (exit code 2)"),
        );
    }

    #[test]
    fn containers_that_are_not_ready() {
        check(
            json!({"phase": "Running", "conditions": [{"type": "Ready", "status": "False"}], "containerStatuses": [
                {"name": "web", "ready": false, "state": {"running": {}}}, {"name": "log", "ready": true, "state": {"running": {}}},
            ]}),
            Some("not ready: web"),
        );
    }
}
