//! What the apply room predicts and knows is what a real API server does and publishes.

use std::collections::BTreeSet;

use pilothouse::{
    cluster::{
        Cluster, ErrorKind,
        apply::{
            Deletion, ServerSide, apply_patch_locally, client_side_patch, local_conflicts, migrated,
            migrated_managed_fields, owner_time, server_side_locally,
        },
        read::Target,
    },
    manifest::Object,
};
use serde_json::{Value, json};

use crate::plane::plane;

#[path = "../merge_keys.rs"]
mod merge_keys;

/// Every rule the server publishes is in `assets/merge-keys.txt`. The file knows more: kinds that are off by default.
#[test]
fn merge_keys_are_those_the_server_publishes() {
    let published = plane().kubectl(&["get", "--raw", "/openapi/v2"]);
    let mut published: Value = serde_json::from_str(&published).expect("JSON");
    let definitions = published["definitions"].as_object_mut().expect("definitions");
    definitions.retain(|name, _| name.starts_with("io.k8s."));
    let published = merge_keys::generate(&published);
    let committed = rules(include_str!("../../assets/merge-keys.txt"));
    let missing: Vec<String> = rules(&published).difference(&committed).cloned().collect();
    assert!(missing.is_empty(), "not in the table: {missing:#?}");
}

/// The lines of the table, each field with its type.
fn rules(table: &str) -> BTreeSet<String> {
    let mut open = "";
    let lines = table.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            if let Some(field) = line.strip_prefix(' ') {
                return format!("{open}: {field}");
            }
            open = line;
            line.to_owned()
        })
        .collect()
}

/// One kind of object, two states of a chart, and what hands do to it in between.
struct Matrix {
    first: Value,
    second: Value,
    /// Arguments of kubectl; `{}` is the object.
    hands: Vec<Vec<&'static str>>,
}

fn patched(patch: &'static str) -> Vec<&'static str> {
    vec!["patch", "{}", "--type=merge", "--field-manager=kubectl-edit", "-p", patch]
}

fn json_patched(patch: &'static str) -> Vec<&'static str> {
    vec!["patch", "{}", "--type=json", "--field-manager=kubectl-edit", "-p", patch]
}

fn labelled() -> Vec<&'static str> {
    vec!["label", "{}", "tier=hand", "hand=x", "--overwrite"]
}

fn pod(image: &str, env: &Value) -> Value {
    json!({
        "metadata": {"labels": {"app": "web"}, "annotations": {"checksum": image}},
        "spec": {
            "containers": [{
                "name": "web", "image": image, "env": env, "args": ["--fast", image],
                "ports": [{"containerPort": 80, "name": "http"}, {"containerPort": 53, "protocol": "UDP", "name": "dns"}],
                "resources": {"limits": {"cpu": "1", "memory": "1Gi"}},
                "volumeMounts": [{"name": "data", "mountPath": "/data"}],
            }],
            "volumes": [{"name": "data", "emptyDir": {}}],
            "nodeSelector": {"disk": "fast"},
        },
    })
}

fn deployment() -> Matrix {
    let web = |replicas: Value, labels: Value, template: Value| {
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"labels": labels},
            "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": "web"}}, "template": template},
        })
    };
    let mut second = pod("web:2", &json!([{"name": "A", "value": "2"}]));
    second["spec"]["containers"][0]["ports"] = json!([{"containerPort": 8080, "name": "http"}]);
    second["spec"]["containers"][0]["resources"] = json!({"limits": {"cpu": "2"}});
    second["spec"]["tolerations"] = json!([{"key": "a", "operator": "Exists"}]);
    second["spec"].as_object_mut().expect("a map").remove("nodeSelector");
    Matrix {
        first: web(
            json!(3),
            json!({"tier": "front", "old": "yes"}),
            pod("web:1", &json!([{"name": "A", "value": "1"}, {"name": "B", "value": "1"}])),
        ),
        second: web(Value::Null, json!({"tier": "back"}), second),
        hands: vec![
            vec!["scale", "{}", "--replicas=0"],
            vec!["set", "image", "{}", "web=hand:1"],
            vec!["set", "env", "{}", "A=hand", "HAND=1"],
            vec!["set", "resources", "{}", "--limits=cpu=5,memory=5Gi"],
            labelled(),
            json_patched(
                r#"[{"op": "add", "path": "/spec/template/spec/containers/0", "value": {"name": "sidecar", "image": "s:1"}}]"#,
            ),
            json_patched(r#"[{"op": "remove", "path": "/spec/template/spec/containers/0/env"}]"#),
            patched(r#"{"spec": {"strategy": {"type": "Recreate", "rollingUpdate": null}}}"#),
            patched(r#"{"spec": {"template": {"spec": {"tolerations": [{"key": "hand", "operator": "Exists"}]}}}}"#),
        ],
    }
}

fn service() -> Matrix {
    let service = |spec: Value| json!({"apiVersion": "v1", "kind": "Service", "metadata": {"annotations": {"a": "1"}}, "spec": spec});
    Matrix {
        first: service(json!({
            "selector": {"app": "web", "track": "old"},
            "ports": [{"name": "http", "port": 80, "targetPort": "http"}, {"name": "dns", "port": 53, "protocol": "UDP"}],
        })),
        second: service(json!({
            "selector": {"app": "web"},
            "ports": [{"name": "web", "port": 80, "targetPort": 8080}, {"name": "dns", "port": 53, "protocol": "UDP"}, {"name": "dns-tcp", "port": 53}],
        })),
        hands: vec![
            labelled(),
            json_patched(r#"[{"op": "add", "path": "/spec/ports/-", "value": {"name": "hand", "port": 99}}]"#),
            json_patched(r#"[{"op": "replace", "path": "/spec/ports/0/targetPort", "value": 1234}]"#),
            patched(r#"{"spec": {"selector": {"app": "hand"}}}"#),
            vec!["annotate", "{}", "a=hand", "b=hand", "--overwrite"],
        ],
    }
}

fn config_map() -> Matrix {
    let map = |data: Value| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"finalizers": ["example.com/a"]}, "data": data});
    let mut second = map(json!({"a": "2", "c": "3"}));
    second["metadata"]["finalizers"] = json!(["example.com/b"]);
    Matrix {
        first: map(json!({"a": "1", "b": "2"})),
        second,
        hands: vec![
            patched(r#"{"data": {"a": "hand", "x": "hand"}}"#),
            patched(r#"{"data": {"b": "hand"}}"#),
            patched(r#"{"data": null}"#),
            json_patched(r#"[{"op": "add", "path": "/metadata/finalizers/-", "value": "example.com/hand"}]"#),
            labelled(),
        ],
    }
}

fn secret() -> Matrix {
    let secret = |data: Value| json!({"apiVersion": "v1", "kind": "Secret", "type": "Opaque", "data": data});
    Matrix {
        first: secret(json!({"password": "b25l", "user": "bWU="})),
        second: secret(json!({"password": "dHdv"})),
        hands: vec![
            patched(r#"{"data": {"password": "aGFuZA=="}}"#),
            patched(r#"{"data": {"user": "aGFuZA==", "x": "eA=="}}"#),
            labelled(),
        ],
    }
}

fn stateful_set() -> Matrix {
    let set = |replicas: u32, template: Value| {
        json!({
            "apiVersion": "apps/v1", "kind": "StatefulSet",
            "spec": {
                "replicas": replicas, "serviceName": "web", "selector": {"matchLabels": {"app": "web"}}, "template": template,
                "volumeClaimTemplates": [{"metadata": {"name": "claim"}, "spec": {
                    "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}},
                }}],
            },
        })
    };
    Matrix {
        first: set(2, pod("web:1", &json!([{"name": "A", "value": "1"}]))),
        second: set(3, pod("web:2", &json!([{"name": "B", "value": "1"}]))),
        hands: vec![
            vec!["scale", "{}", "--replicas=0"],
            vec!["set", "image", "{}", "web=hand:1"],
            patched(r#"{"spec": {"updateStrategy": {"type": "OnDelete", "rollingUpdate": null}}}"#),
        ],
    }
}

/// A custom resource with every kind of list and map, and a part without a schema.
fn widget() -> Matrix {
    let widget = |spec: Value| json!({"apiVersion": "apply.example/v1", "kind": "Widget", "metadata": {"finalizers": ["example.com/a"]}, "spec": spec});
    Matrix {
        first: widget(json!({
            "size": 1, "tags": ["a", "b"], "parts": [{"name": "x", "count": 1}, {"name": "y", "count": 1}],
            "order": ["one", "two"], "place": {"row": 1, "seat": 2}, "options": {"deep": {"er": 1}, "gone": true},
        })),
        second: widget(json!({
            "tags": ["b", "c"], "parts": [{"name": "y", "count": 2}, {"name": "z", "count": 1}],
            "order": ["two"], "place": {"row": 2}, "options": {"deep": {"er": 2}},
        })),
        hands: vec![
            patched(r#"{"spec": {"size": 9, "options": {"hand": true, "deep": {"hand": 1}}}}"#),
            patched(r#"{"spec": {"order": ["hand"], "place": {"row": 7}}}"#),
            json_patched(
                r#"[{"op": "add", "path": "/spec/parts/0", "value": {"name": "hand", "count": 1}}, {"op": "add", "path": "/spec/tags/-", "value": "hand"}]"#,
            ),
            json_patched(r#"[{"op": "replace", "path": "/spec/parts/1/count", "value": 5}]"#),
            labelled(),
        ],
    }
}

const WIDGETS: &str = r#"{
  "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "widgets.apply.example"},
  "spec": {
    "group": "apply.example", "scope": "Namespaced", "names": {"kind": "Widget", "plural": "widgets"},
    "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": {
      "type": "object", "properties": {
        "size": {"type": "integer"},
        "tags": {"type": "array", "items": {"type": "string"}, "x-kubernetes-list-type": "set"},
        "order": {"type": "array", "items": {"type": "string"}},
        "parts": {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"], "items": {
          "type": "object", "required": ["name"], "properties": {"name": {"type": "string"}, "count": {"type": "integer"}}}},
        "place": {"type": "object", "x-kubernetes-map-type": "atomic", "properties": {"row": {"type": "integer"}, "seat": {"type": "integer"}}},
        "options": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}
      }}}}}}]
  }
}"#;

#[tokio::test(flavor = "multi_thread")]
async fn deployments_are_predicted() {
    check(deployment()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn services_are_predicted() {
    check(service()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn config_maps_are_predicted() {
    check(config_map()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_are_predicted() {
    check(secret()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stateful_sets_are_predicted() {
    check(stateful_set()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn custom_resources_are_predicted() {
    plane().shell(&format!(
        "kubectl apply -f - <<'E'\n{WIDGETS}\nE\nkubectl wait --for=condition=Established crd/widgets.apply.example"
    ));
    check(widget()).await;
}

/// Every hand's edit, on an object that Helm wrote by either method; then the second state of the chart, then
/// the first: both server-side, and where Helm wrote client-side also by its patch.
async fn check(matrix: Matrix) {
    let namespace = plane().namespace();
    let cluster = plane().cluster("test", &namespace).await;
    let mut hands = matrix.hands.clone();
    hands.push(Vec::new());
    for (number, hand) in hands.iter().enumerate() {
        for method in ["client", "server", "patch"] {
            let name = format!("x{number}-{method}");
            let case = Case { cluster: &cluster, label: format!("{name}: {}", hand.join(" ")), name };
            let target = case.write(&matrix.first, &namespace, method == "server").await;
            case.edit(&target, hand);
            if method == "patch" {
                case.check_patch(&target, &matrix.first, &matrix.second).await;
                case.check_patch(&target, &matrix.second, &matrix.first).await;
            } else {
                case.check(&target, &matrix.second, "second").await;
                case.check(&target, &matrix.first, "first").await;
            }
        }
    }
}

struct Case<'a> {
    cluster: &'a Cluster,
    name: String,
    label: String,
}

impl Case<'_> {
    fn object(&self, state: &Value) -> Object {
        let mut value = state.clone();
        value["metadata"]["name"] = json!(self.name);
        Object::new(value)
    }

    async fn write(&self, state: &Value, namespace: &str, server_side: bool) -> Target {
        let object = self.object(state);
        let target = self.cluster.target(&object, namespace).await.expect("served");
        let written = if server_side {
            self.cluster.apply(&target, &object, ServerSide::default()).await
        } else {
            self.cluster.create(&target, &object, false).await
        };
        written.unwrap_or_else(|error| panic!("{}: {error}", self.label));
        target
    }

    fn edit(&self, target: &Target, hand: &[&str]) {
        if hand.is_empty() {
            return;
        }
        let object = format!("{}/{}", target.key.kind.to_lowercase(), self.name);
        let mut arguments = vec!["-n", &target.key.namespace];
        arguments.extend(hand.iter().map(|argument| match *argument {
            "{}" => object.as_str(),
            argument => argument,
        }));
        plane().kubectl(&arguments);
    }

    /// The client-side patch, applied here and by the server.
    async fn check_patch(&self, target: &Target, original: &Value, state: &Value) {
        let (original, object) = (self.object(original), self.object(state));
        let live = self.live(target).await;
        let patch = client_side_patch(Some(&original), &object, &live, false).expect("a patch");
        let predicted = apply_patch_locally(&live, &patch).expect("a sound patch");
        let completed = self.cluster.complete(target, &predicted).await;
        let completed = completed.unwrap_or_else(|error| panic!("{}: {error}", self.label));
        let stored = self.cluster.patch(target, &patch, false).await;
        let stored = stored.unwrap_or_else(|error| panic!("{}: {error}", self.label));
        assert_eq!(comparable(&completed), comparable(&stored), "{}: outcome of {}", self.label, patch.body);
    }

    async fn live(&self, target: &Target) -> Object {
        self.cluster.get(target).await.expect("readable").expect("there")
    }

    async fn check(&self, target: &Target, state: &Value, step: &str) {
        let object = self.object(state);
        let label = format!("{} → {step}", self.label);
        let live = self.live(target).await;
        let before = migrated(&live);
        let after = self.cluster.migrate_field_managers(target, &live).await.expect("migrates");
        assert_eq!(owned(&before), owned(&after), "{label}: migrated managedFields");
        assert_eq!(migrated_managed_fields(&after), None, "{label}: nothing left to migrate");

        let predicted_conflicts = local_conflicts(&before, &object);
        let predicted = server_side_locally(&before, &object);
        let completed = self.cluster.complete(target, &predicted).await;
        let completed = completed.unwrap_or_else(|error| panic!("{label}: {error}\n{:#}", predicted.value));

        let mut conflicts = match self.cluster.apply(target, &object, ServerSide::default()).await {
            Ok(_) => Vec::new(),
            Err(error) => match error.kind {
                ErrorKind::FieldConflicts(conflicts) => conflicts,
                kind => panic!("{label}: {kind:?} {}", error.message),
            },
        };
        conflicts.sort_by(|left, right| (&left.manager, &left.field).cmp(&(&right.manager, &right.field)));
        assert_eq!(predicted_conflicts, conflicts, "{label}: conflicts");
        for conflict in &conflicts {
            assert!(owner_time(&live, &conflict.manager).is_some(), "{label}: {conflict:?} has a time");
        }
        let force = ServerSide { force: true, dry_run: false };
        let stored = self.cluster.apply(target, &object, force).await.expect("applies by force");
        assert_eq!(comparable(&completed), comparable(&stored), "{label}: outcome");
    }
}

/// Helm's entries of `managedFields`; controllers write theirs at any time.
fn owned(object: &Object) -> Vec<Value> {
    let entries = object.value["metadata"]["managedFields"].as_array();
    let entries = entries.into_iter().flatten().cloned();
    entries.filter(|entry| entry["manager"] == "helm").collect()
}

/// The object without what the server counts and controllers write.
fn comparable(object: &Object) -> Value {
    let mut value = object.value.clone();
    value.as_object_mut().expect("an object").remove("status");
    let metadata = value["metadata"].as_object_mut().expect("metadata");
    for field in ["resourceVersion", "generation", "managedFields"] {
        metadata.remove(field);
    }
    if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
        annotations.remove("deployment.kubernetes.io/revision");
    }
    value
}

#[tokio::test(flavor = "multi_thread")]
async fn deletions_hold_to_their_uid() {
    let namespace = plane().namespace();
    let cluster = plane().cluster("test", &namespace).await;
    let case = Case { cluster: &cluster, name: "gone".to_owned(), label: "delete".to_owned() };
    let state = json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "1"}});
    let target = case.write(&state, &namespace, false).await;
    let uid = case.live(&target).await.uid().to_owned();
    let deletion = |uid: &str, dry_run| Deletion { uid: Some(uid.to_owned()), dry_run, ..Deletion::default() };

    let refused = cluster.delete(&target, &deletion("another", false)).await.expect_err("another UID");
    assert_eq!(refused.kind, ErrorKind::Conflict);
    assert_eq!(cluster.delete(&target, &deletion(&uid, true)).await.ok(), Some(true));
    assert_eq!(case.live(&target).await.uid(), uid, "a dry-run deletes nothing");
    assert_eq!(cluster.delete(&target, &deletion(&uid, false)).await.ok(), Some(true));
    assert_eq!(cluster.delete(&target, &deletion(&uid, false)).await.ok(), Some(false));
}
