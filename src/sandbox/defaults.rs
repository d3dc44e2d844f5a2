//! What the server fills in and drops (kubernetes `pkg/apis/*/v1/defaults.go`, `omitempty` of its types).

use serde_json::{Map, Value, json};

use super::{kinds::Kind, quantity, store::Store, write::text};

/// Normalizes an object as decoding and defaulting do.
pub(super) fn apply(kind: &Kind, object: &mut Value) {
    if kind.custom {
        return;
    }
    drop_empty(object, kind.kind == "CustomResourceDefinition");
    match kind.kind.as_str() {
        "Pod" => pod(&mut object["spec"]),
        "Deployment" => deployment(&mut object["spec"]),
        "ReplicaSet" => replicated(&mut object["spec"]),
        "StatefulSet" => stateful_set(&mut object["spec"]),
        "DaemonSet" => daemon_set(&mut object["spec"]),
        "Job" => {
            job(&mut object["spec"]);
            label_job(object);
        }
        "CronJob" => cron_job(&mut object["spec"]),
        "Service" => service(&mut object["spec"]),
        "Secret" => secret(object),
        "PersistentVolumeClaim" => claim(&mut object["spec"]),
        "HorizontalPodAutoscaler" => autoscaler(&mut object["spec"]),
        "NetworkPolicy" => network_policy(&mut object["spec"]),
        "Namespace" => namespace(object),
        "RoleBinding" | "ClusterRoleBinding" => binding(object),
        "CustomResourceDefinition" => definition(&mut object["spec"]),
        _ => {}
    }
}

/// Sets a field where it is absent.
fn default(fields: &mut Value, key: &str, value: impl Into<Value>) {
    if fields.is_null() {
        *fields = json!({});
    }
    if let Some(fields) = fields.as_object_mut() {
        fields.entry(key).or_insert_with(|| value.into());
    }
}

fn items<'a>(fields: &'a mut Value, key: &str) -> impl Iterator<Item = &'a mut Value> {
    fields.get_mut(key).and_then(Value::as_array_mut).into_iter().flatten()
}

/// Drops nulls, empty lists, empty maps of text and false or zero scalars that the server's types omit.
fn drop_empty(value: &mut Value, keep_lists: bool) {
    const MAPS: &[&str] = &[
        "annotations",
        "labels",
        "nodeSelector",
        "matchLabels",
        "data",
        "stringData",
        "binaryData",
        "limits",
        "requests",
    ];
    const SCALARS: &[&str] = &[
        "hostNetwork",
        "hostPID",
        "hostIPC",
        "publishNotReadyAddresses",
        "tty",
        "stdin",
        "stdinOnce",
        "readOnly",
        "initialDelaySeconds",
        "minReadySeconds",
        "hostPort",
    ];
    match value {
        Value::Object(fields) => {
            fields.retain(|key, value| match value {
                Value::Null => false,
                Value::Array(list) => keep_lists || !list.is_empty(),
                Value::Object(map) => !map.is_empty() || !MAPS.contains(&key.as_str()),
                Value::Bool(false) => !SCALARS.contains(&key.as_str()),
                Value::Number(number) => number.as_i64() != Some(0) || !SCALARS.contains(&key.as_str()),
                _ => true,
            });
            fields.values_mut().for_each(|inner| drop_empty(inner, keep_lists));
        }
        Value::Array(list) => list.iter_mut().for_each(|inner| drop_empty(inner, keep_lists)),
        _ => {}
    }
}

fn pod(spec: &mut Value) {
    pod_spec(spec);
    default(spec, "enableServiceLinks", true);
    default(spec, "serviceAccountName", "default");
    default(spec, "serviceAccount", spec["serviceAccountName"].clone());
    default(spec, "preemptionPolicy", "PreemptLowerPriority");
    default(spec, "priority", 0);
    for container in items(spec, "containers") {
        let limits = container["resources"]["limits"].as_object().cloned().unwrap_or_default();
        for (resource, limit) in limits {
            default(&mut container["resources"]["requests"], &resource, limit);
        }
    }
}

fn pod_spec(spec: &mut Value) {
    default(spec, "dnsPolicy", "ClusterFirst");
    default(spec, "restartPolicy", "Always");
    default(spec, "securityContext", json!({}));
    default(spec, "terminationGracePeriodSeconds", 30);
    default(spec, "schedulerName", "default-scheduler");
    if let Some(account) = spec.get("serviceAccountName").cloned() {
        default(spec, "serviceAccount", account);
    }
    for key in ["initContainers", "containers"] {
        items(spec, key).for_each(container);
    }
    items(spec, "volumes").for_each(volume);
}

fn container(container: &mut Value) {
    let image = container["image"].as_str().unwrap_or_default();
    let last = image.rsplit('/').next().unwrap_or_default();
    let floating = !image.contains('@') && last.split_once(':').is_none_or(|(_, tag)| tag == "latest");
    default(container, "imagePullPolicy", if floating { "Always" } else { "IfNotPresent" });
    default(container, "terminationMessagePath", "/dev/termination-log");
    default(container, "terminationMessagePolicy", "File");
    default(container, "resources", json!({}));
    quantity::canonicalize_all(&mut container["resources"]);
    items(container, "ports").for_each(|port| default(port, "protocol", "TCP"));
    for key in ["livenessProbe", "readinessProbe", "startupProbe"] {
        if let Some(found) = container.get_mut(key) {
            probe(found);
        }
    }
    for key in ["postStart", "preStop"] {
        if let Some(found) = container.get_mut("lifecycle").and_then(|hooks| hooks.get_mut(key)) {
            http_get(found);
        }
    }
    for variable in items(container, "env") {
        if let Some(reference) = variable.get_mut("valueFrom").and_then(|from| from.get_mut("fieldRef")) {
            default(reference, "apiVersion", "v1");
        }
        if let Some(fields) =
            variable.as_object_mut().filter(|fields| fields.get("value").is_some_and(|text| text == ""))
        {
            fields.remove("value");
        }
    }
}

fn probe(probe: &mut Value) {
    for (key, value) in [("timeoutSeconds", 1), ("periodSeconds", 10), ("successThreshold", 1), ("failureThreshold", 3)]
    {
        default(probe, key, value);
    }
    http_get(probe);
}

fn http_get(handler: &mut Value) {
    if let Some(get) = handler.get_mut("httpGet") {
        default(get, "path", "/");
        default(get, "scheme", "HTTP");
    }
}

fn volume(volume: &mut Value) {
    for key in ["secret", "configMap", "projected", "downwardAPI"] {
        if let Some(source) = volume.get_mut(key) {
            default(source, "defaultMode", 420);
            downward(source);
            items(source, "sources").for_each(projection);
        }
    }
    if let Some(path) = volume.get_mut("hostPath") {
        default(path, "type", "");
    }
    let sourced = volume.as_object().is_some_and(|fields| fields.len() > 1);
    if !sourced {
        default(volume, "emptyDir", json!({}));
    }
}

/// One source of a projected volume.
fn projection(source: &mut Value) {
    if let Some(token) = source.get_mut("serviceAccountToken") {
        default(token, "expirationSeconds", 3600);
    }
    if let Some(fields) = source.get_mut("downwardAPI") {
        downward(fields);
    }
}

fn downward(source: &mut Value) {
    for item in items(source, "items") {
        if let Some(reference) = item.get_mut("fieldRef") {
            default(reference, "apiVersion", "v1");
        }
    }
}

fn template(spec: &mut Value) {
    default(spec, "template", json!({}));
    default(&mut spec["template"], "metadata", json!({}));
    pod_spec(&mut spec["template"]["spec"]);
}

fn replicated(spec: &mut Value) {
    default(spec, "replicas", 1);
    template(spec);
}

fn deployment(spec: &mut Value) {
    replicated(spec);
    default(spec, "revisionHistoryLimit", 10);
    default(spec, "progressDeadlineSeconds", 600);
    default(spec, "strategy", json!({}));
    let strategy = &mut spec["strategy"];
    default(strategy, "type", "RollingUpdate");
    if strategy["type"] == "RollingUpdate" {
        default(strategy, "rollingUpdate", json!({}));
        default(&mut strategy["rollingUpdate"], "maxSurge", "25%");
        default(&mut strategy["rollingUpdate"], "maxUnavailable", "25%");
    }
}

fn stateful_set(spec: &mut Value) {
    replicated(spec);
    default(spec, "revisionHistoryLimit", 10);
    default(spec, "podManagementPolicy", "OrderedReady");
    default(spec, "serviceName", "");
    default(spec, "persistentVolumeClaimRetentionPolicy", json!({}));
    default(&mut spec["persistentVolumeClaimRetentionPolicy"], "whenDeleted", "Retain");
    default(&mut spec["persistentVolumeClaimRetentionPolicy"], "whenScaled", "Retain");
    default(spec, "updateStrategy", json!({}));
    default(&mut spec["updateStrategy"], "type", "RollingUpdate");
    if spec["updateStrategy"]["type"] == "RollingUpdate" {
        default(&mut spec["updateStrategy"], "rollingUpdate", json!({}));
        default(&mut spec["updateStrategy"]["rollingUpdate"], "partition", 0);
    }
    for template in items(spec, "volumeClaimTemplates") {
        default(template, "apiVersion", "v1");
        default(template, "kind", "PersistentVolumeClaim");
        claim(&mut template["spec"]);
        default(template, "status", json!({ "phase": "Pending" }));
    }
}

fn daemon_set(spec: &mut Value) {
    template(spec);
    default(spec, "revisionHistoryLimit", 10);
    default(spec, "updateStrategy", json!({}));
    default(&mut spec["updateStrategy"], "type", "RollingUpdate");
    if spec["updateStrategy"]["type"] == "RollingUpdate" {
        default(&mut spec["updateStrategy"], "rollingUpdate", json!({}));
        default(&mut spec["updateStrategy"]["rollingUpdate"], "maxSurge", 0);
        default(&mut spec["updateStrategy"]["rollingUpdate"], "maxUnavailable", 1);
    }
}

fn job(spec: &mut Value) {
    template(spec);
    if spec.get("completions").is_none() && spec.get("parallelism").is_none() {
        default(spec, "completions", 1);
    }
    default(spec, "parallelism", 1);
    default(spec, "backoffLimit", 6);
    default(spec, "completionMode", "NonIndexed");
    default(spec, "suspend", false);
    default(spec, "podReplacementPolicy", "TerminatingOrFailed");
    default(spec, "manualSelector", false);
}

/// A Job without labels gets those of its pods.
fn label_job(job: &mut Value) {
    let labels = job["spec"]["template"]["metadata"]["labels"].clone();
    if labels.is_object() {
        default(&mut job["metadata"], "labels", labels);
    }
}

fn cron_job(spec: &mut Value) {
    default(spec, "concurrencyPolicy", "Allow");
    default(spec, "suspend", false);
    default(spec, "successfulJobsHistoryLimit", 3);
    default(spec, "failedJobsHistoryLimit", 1);
    default(&mut spec["jobTemplate"], "metadata", json!({}));
    template(&mut spec["jobTemplate"]["spec"]);
}

fn service(spec: &mut Value) {
    default(spec, "type", "ClusterIP");
    default(spec, "sessionAffinity", "None");
    for port in items(spec, "ports") {
        default(port, "protocol", "TCP");
        default(port, "targetPort", port["port"].clone());
    }
    let kind = spec["type"].as_str().unwrap_or_default().to_owned();
    if kind != "ExternalName" {
        default(spec, "internalTrafficPolicy", "Cluster");
    }
    if kind == "NodePort" || kind == "LoadBalancer" {
        default(spec, "externalTrafficPolicy", "Cluster");
    }
    if kind == "LoadBalancer" {
        default(spec, "allocateLoadBalancerNodePorts", true);
    }
}

fn secret(object: &mut Value) {
    default(object, "type", "Opaque");
    let Some(plain) = object.as_object_mut().and_then(|fields| fields.remove("stringData")) else {
        return;
    };
    for (key, value) in plain.as_object().into_iter().flatten() {
        let text = value.as_str().unwrap_or_default();
        let encoded = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, text);
        default(object, "data", json!({}));
        object["data"][key] = encoded.into();
    }
}

fn claim(spec: &mut Value) {
    default(spec, "volumeMode", "Filesystem");
    quantity::canonicalize_all(&mut spec["resources"]);
}

fn autoscaler(spec: &mut Value) {
    default(spec, "minReplicas", 1);
    let cpu = json!([{ "type": "Resource", "resource": { "name": "cpu", "target": { "type": "Utilization", "averageUtilization": 80 } } }]);
    default(spec, "metrics", cpu);
}

fn network_policy(spec: &mut Value) {
    let types = if spec.get("egress").is_some() { json!(["Ingress", "Egress"]) } else { json!(["Ingress"]) };
    default(spec, "policyTypes", types);
    for direction in ["ingress", "egress"] {
        for rule in items(spec, direction) {
            items(rule, "ports").for_each(|port| default(port, "protocol", "TCP"));
        }
    }
}

fn namespace(object: &mut Value) {
    let name = object["metadata"]["name"].clone();
    default(&mut object["metadata"], "labels", json!({}));
    object["metadata"]["labels"]["kubernetes.io/metadata.name"] = name;
    // A namespace that is going away has lost its finalizer on purpose.
    if object["metadata"]["deletionTimestamp"].is_null() {
        default(&mut object["spec"], "finalizers", json!(["kubernetes"]));
    }
    default(&mut object["status"], "phase", "Active");
}

fn binding(object: &mut Value) {
    default(&mut object["roleRef"], "apiGroup", "rbac.authorization.k8s.io");
    for subject in items(object, "subjects") {
        if subject["kind"] != "ServiceAccount" {
            default(subject, "apiGroup", "rbac.authorization.k8s.io");
        }
    }
}

fn definition(spec: &mut Value) {
    default(spec, "conversion", json!({ "strategy": "None" }));
    let kind = spec["names"]["kind"].as_str().unwrap_or_default().to_owned();
    default(&mut spec["names"], "listKind", format!("{kind}List"));
    default(&mut spec["names"], "singular", kind.to_lowercase());
}

/// Hands out what only the server can: addresses, ports, selectors; keeps what `before` was given.
pub(super) fn allocate(store: &mut Store, kind: &Kind, object: &mut Value, before: Option<&Value>) {
    match kind.kind.as_str() {
        "Service" => allocate_service(store, object, before),
        "Job" if before.is_none() => select_job(object),
        "Pod" if before.is_none() => {
            object["status"] = json!({ "phase": "Pending", "qosClass": quality(&object["spec"]) });
        }
        "PersistentVolumeClaim" if before.is_none() => object["status"] = json!({ "phase": "Pending" }),
        "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet" | "CronJob" if before.is_none() => {
            object["status"] = json!({});
        }
        "Ingress" if before.is_none() => object["status"] = json!({ "loadBalancer": {} }),
        _ => {}
    }
}

fn allocate_service(store: &mut Store, object: &mut Value, before: Option<&Value>) {
    default(object, "status", json!({ "loadBalancer": {} }));
    let spec = &mut object["spec"];
    if spec["type"] == "ExternalName" {
        return;
    }
    if let Some(before) = before {
        for key in ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"] {
            if !before["spec"][key].is_null() {
                default(spec, key, before["spec"][key].clone());
            }
        }
    }
    let number = store.allocate();
    default(spec, "clusterIP", format!("10.96.{}.{}", number / 250 % 250, number % 250 + 2));
    default(spec, "clusterIPs", json!([spec["clusterIP"].clone()]));
    default(spec, "ipFamilies", json!(["IPv4"]));
    default(spec, "ipFamilyPolicy", "SingleStack");
    if spec["type"] == "NodePort" || spec["type"] == "LoadBalancer" {
        let old_ports = before.map(|before| before["spec"]["ports"].clone()).unwrap_or_default();
        for port in items(spec, "ports") {
            let same = |old: &&Value| old["port"] == port["port"] && old["protocol"] == port["protocol"];
            let old = old_ports.as_array().into_iter().flatten().find(same);
            let kept = old.map(|old| old["nodePort"].clone()).filter(|number| !number.is_null());
            default(port, "nodePort", kept.unwrap_or_else(|| (30_000 + store.allocate() * 7 % 2768).into()));
        }
    }
}

/// The labels and selector that tie a Job's pods to it (kubernetes `pkg/registry/batch/job/strategy.go`).
fn select_job(object: &mut Value) {
    object["status"] = json!({});
    let (uid, name) = (text(object, "uid"), text(object, "name"));
    let spec = &mut object["spec"];
    if spec["manualSelector"] == true {
        return;
    }
    spec["selector"] = json!({ "matchLabels": { "batch.kubernetes.io/controller-uid": uid } });
    default(&mut spec["template"]["metadata"], "labels", json!({}));
    for (key, value) in [("controller-uid", &uid), ("job-name", &name)] {
        spec["template"]["metadata"]["labels"][key] = value.clone().into();
        spec["template"]["metadata"]["labels"][format!("batch.kubernetes.io/{key}")] = value.clone().into();
    }
}

/// The quality of service class of a pod (kubernetes `pkg/apis/core/helper/qos`).
fn quality(spec: &Value) -> &'static str {
    let containers = spec["containers"].as_array().map(Vec::as_slice).unwrap_or_default();
    let empty = Map::new();
    let of = |container: &Value, key: &str| container["resources"][key].as_object().unwrap_or(&empty).clone();
    if containers.iter().all(|container| of(container, "limits").is_empty() && of(container, "requests").is_empty()) {
        return "BestEffort";
    }
    let guaranteed = containers.iter().all(|container| {
        let (limits, requests) = (of(container, "limits"), of(container, "requests"));
        ["cpu", "memory"].iter().all(|key| limits.contains_key(*key) && requests.get(*key) == limits.get(*key))
    });
    if guaranteed { "Guaranteed" } else { "Burstable" }
}
