//! The server's validation, as far as operations on releases meet it
//! (kubernetes `pkg/apis/*/validation`): required names and the immutable fields.

use serde_json::Value;

use super::{failure::Cause, kinds::Kind, write::text};

/// What is wrong with a new object.
pub(super) fn create(kind: &Kind, object: &Value) -> Vec<Cause> {
    let mut causes = name(object);
    causes.extend(body(kind, object));
    causes
}

/// What is wrong with an update.
pub(super) fn update(kind: &Kind, before: &Value, object: &Value) -> Vec<Cause> {
    let mut causes = body(kind, object);
    causes.extend(immutable(kind, before, object));
    causes
}

fn name(object: &Value) -> Vec<Cause> {
    let name = text(object, "name");
    let plain = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit();
    let edges = name.starts_with(plain) && name.ends_with(plain);
    // Role names may hold colons; nothing else that the sandbox serves does.
    let letters = name.chars().all(|letter| plain(letter) || matches!(letter, '-' | '.' | ':'));
    if edges && letters && name.len() <= 253 {
        return Vec::new();
    }
    let rule = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and \
                end with an alphanumeric character (e.g. 'example.com', regex used for validation is \
                '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
    vec![Cause::invalid("metadata.name", &format!("{name:?}"), rule)]
}

fn body(kind: &Kind, object: &Value) -> Vec<Cause> {
    let spec = &object["spec"];
    match kind.kind.as_str() {
        "Pod" => pod_spec(spec, "spec"),
        "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet" => workload(spec),
        "Job" => pod_template_of_job(spec, "spec.template.spec"),
        "CronJob" => pod_template_of_job(&spec["jobTemplate"]["spec"], "spec.jobTemplate.spec.template.spec"),
        "Service" if spec["ports"].is_null() && spec["clusterIP"] != "None" && spec["type"] != "ExternalName" => {
            vec![Cause::required("spec.ports", "")]
        }
        "HorizontalPodAutoscaler" if spec["maxReplicas"].as_i64().unwrap_or(0) < 1 => {
            let value = spec["maxReplicas"].as_i64().unwrap_or(0).to_string();
            vec![Cause::invalid("spec.maxReplicas", &value, "must be greater than 0")]
        }
        _ => Vec::new(),
    }
}

fn workload(spec: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    let replicas = spec["replicas"].as_i64().unwrap_or(0);
    if replicas < 0 {
        causes.push(Cause::invalid("spec.replicas", &replicas.to_string(), "must be greater than or equal to 0"));
    }
    let labels = &spec["template"]["metadata"]["labels"];
    if spec["selector"].is_null() {
        causes.push(Cause::required("spec.selector", ""));
    } else if !super::select::label_selector_matches(&spec["selector"], labels) {
        let why = "`selector` does not match template `labels`";
        causes.push(Cause::invalid("spec.template.metadata.labels", &labels.to_string(), why));
    }
    causes.extend(pod_spec(&spec["template"]["spec"], "spec.template.spec"));
    causes
}

fn pod_template_of_job(spec: &Value, path: &str) -> Vec<Cause> {
    let pod = &spec["template"]["spec"];
    let mut causes = Vec::new();
    if pod["restartPolicy"] == "Always" {
        causes.push(Cause::required(format!("{path}.restartPolicy"), "valid values: \"OnFailure\", \"Never\""));
    }
    causes.extend(pod_spec(pod, path));
    causes
}

fn pod_spec(spec: &Value, path: &str) -> Vec<Cause> {
    let containers = spec["containers"].as_array().map(Vec::as_slice).unwrap_or_default();
    if containers.is_empty() {
        return vec![Cause::required(format!("{path}.containers"), "")];
    }
    let mut causes = Vec::new();
    for (index, container) in containers.iter().enumerate() {
        for key in ["name", "image"] {
            if container[key].as_str().unwrap_or_default().is_empty() {
                causes.push(Cause::required(format!("{path}.containers[{index}].{key}"), ""));
            }
        }
        let policy = container["imagePullPolicy"].as_str().unwrap_or_default();
        let policies = ["Always", "IfNotPresent", "Never"];
        if !policies.contains(&policy) {
            causes.push(Cause::unsupported(format!("{path}.containers[{index}].imagePullPolicy"), policy, &policies));
        }
    }
    causes
}

fn immutable(kind: &Kind, before: &Value, object: &Value) -> Vec<Cause> {
    let fixed = |path: &str| {
        let at = |object: &Value| path.split('.').fold(object, |value, key| &value[key]).clone();
        let (old, new) = (at(before), at(object));
        (old != new).then(|| Cause::invalid(path, &new.to_string(), "field is immutable"))
    };
    let all = |paths: &[&str]| paths.iter().filter_map(|path| fixed(path)).collect();
    match kind.kind.as_str() {
        "Deployment" | "DaemonSet" | "ReplicaSet" => all(&["spec.selector"]),
        "Job" => all(&[
            "spec.completions",
            "spec.selector",
            "spec.template",
            "spec.completionMode",
            "spec.podReplacementPolicy",
        ]),
        "StatefulSet" => stateful_set(&before["spec"], &object["spec"]),
        "Service" => cluster_address(before, object),
        "Secret" if before["type"] != object["type"] => all(&["type"]),
        "Secret" | "ConfigMap" if before["immutable"] == true => {
            let changed = ["data", "binaryData", "stringData"].iter().any(|key| before[key] != object[key]);
            let why = "field is immutable when `immutable` is set";
            if changed { vec![Cause::forbidden("data", why)] } else { Vec::new() }
        }
        "PersistentVolumeClaim" => claim(&before["spec"], &object["spec"]),
        "RoleBinding" | "ClusterRoleBinding" if before["roleRef"] != object["roleRef"] => {
            vec![Cause::invalid("roleRef", &object["roleRef"].to_string(), "cannot change roleRef")]
        }
        "Pod" => pod(&before["spec"], &object["spec"]),
        _ => Vec::new(),
    }
}

fn without(spec: &Value, keys: &[&str]) -> Value {
    let mut spec = spec.clone();
    if let Some(fields) = spec.as_object_mut() {
        fields.retain(|key, _| !keys.contains(&key.as_str()));
    }
    spec
}

fn stateful_set(before: &Value, after: &Value) -> Vec<Cause> {
    let free = [
        "replicas",
        "ordinals",
        "template",
        "updateStrategy",
        "revisionHistoryLimit",
        "persistentVolumeClaimRetentionPolicy",
        "minReadySeconds",
    ];
    if without(before, &free) == without(after, &free) {
        return Vec::new();
    }
    let why = "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', \
               'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";
    vec![Cause::forbidden("spec", why)]
}

fn cluster_address(before: &Value, after: &Value) -> Vec<Cause> {
    let (old, new) = (&before["spec"]["clusterIPs"][0], &after["spec"]["clusterIPs"][0]);
    if before["spec"]["type"] == "ExternalName" || after["spec"]["type"] == "ExternalName" || old == new {
        return Vec::new();
    }
    let value = after["spec"]["clusterIPs"].to_string();
    vec![Cause::invalid("spec.clusterIPs[0]", &value, "may not change once set")]
}

fn claim(before: &Value, after: &Value) -> Vec<Cause> {
    let free = ["resources", "volumeName", "volumeAttributesClassName"];
    if without(before, &free) == without(after, &free) {
        return Vec::new();
    }
    let why =
        "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims";
    vec![Cause::forbidden("spec", why)]
}

fn pod(before: &Value, after: &Value) -> Vec<Cause> {
    let fixed = |spec: &Value| {
        let mut spec =
            without(spec, &["activeDeadlineSeconds", "tolerations", "terminationGracePeriodSeconds", "nodeName"]);
        for key in ["containers", "initContainers"] {
            for container in spec.get_mut(key).and_then(Value::as_array_mut).into_iter().flatten() {
                container["image"] = Value::Null;
            }
        }
        spec
    };
    if fixed(before) == fixed(after) {
        return Vec::new();
    }
    let why = "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,\
               `spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),\
               `spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";
    vec![Cause::forbidden("spec", why)]
}
