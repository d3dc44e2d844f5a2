//! Comparing, folding, summing up, hiding.

use serde_json::{Value, json};

use super::*;
use crate::{
    manifest::{self, Object},
    yaml,
};

const DEPLOYMENT: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: checkout
  namespace: payments
  labels: {app.kubernetes.io/name: checkout, helm.sh/chart: checkout-4.0.0, app.kubernetes.io/version: 2.9.0}
spec:
  replicas: 4
  template:
    metadata:
      annotations: {checksum/config: aaa}
    spec:
      containers:
      - name: sidecar
        image: registry:5000/sidecar:1.0
      - name: web
        image: registry:5000/checkout:2.9.0
        args: [--port, '8080']
        env:
        - {name: MODE, value: fast}
        - {name: OLD, value: '1'}
        ports:
        - {name: http, containerPort: 8080}
";

fn redactor() -> Redactor {
    Redactor::new([7; 32])
}

#[track_caller]
fn read(manifest: &str) -> Vec<Object> {
    manifest::read(manifest).expect("a manifest")
}

/// The change of one object after replacing parts of its manifest.
#[track_caller]
fn changed(manifest: &str, edits: &[(&str, &str)]) -> ObjectDiff {
    let edited = edits.iter().fold(manifest.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from}");
        text.replace(from, to)
    });
    object(read(manifest).first(), read(&edited).first(), &redactor())
}

#[track_caller]
fn check_summary(manifest: &str, edits: &[(&str, &str)], expected: &[&str]) {
    let summary = changed(manifest, edits).summary.into_iter().map(|highlight| {
        let [old, new] = [highlight.old, highlight.new].map(Option::unwrap_or_default);
        format!("{} | {} | {old} → {new}", highlight.what, highlight.path)
    });
    assert_eq!(summary.collect::<Vec<_>>(), expected);
}

#[track_caller]
fn check_weight(edits: &[(&str, &str)], change: Change, weight: Weight) {
    let diff = changed(DEPLOYMENT, edits);
    assert_eq!((diff.change, diff.weight), (change, weight));
}

#[test]
fn weight_folds_labels_and_checksums() {
    check_weight(&[], Change::None, Weight::Same);
    let labels =
        ("checkout-4.0.0, app.kubernetes.io/version: 2.9.0", "checkout-4.1.0, app.kubernetes.io/version: 2.9.1");
    check_weight(&[labels, ("aaa", "bbb")], Change::Update, Weight::LabelsOnly);
    check_weight(&[labels, ("replicas: 4", "replicas: 6")], Change::Update, Weight::Real);
    check_weight(&[("app.kubernetes.io/name: checkout", "app.kubernetes.io/name: shop")], Change::Update, Weight::Real);
}

#[test]
fn summary_puts_images_replicas_and_env_first() {
    let edits = [
        ("app.kubernetes.io/version: 2.9.0", "app.kubernetes.io/version: 2.9.1"),
        ("'8080'", "'9090'"),
        ("{name: OLD, value: '1'}", "{name: FEATURE_X, value: 'on'}"),
        ("value: fast", "value: slow"),
        ("replicas: 4", "replicas: 6"),
        ("checkout:2.9.0", "checkout:2.9.1"),
        ("containerPort: 8080", "containerPort: 9090"),
    ];
    let container = "spec.template.spec.containers[web]";
    check_summary(
        DEPLOYMENT,
        &edits,
        &[
            &format!("image | {container}.image | 2.9.0 → 2.9.1"),
            "replicas | spec.replicas | 4 → 6",
            &format!("env MODE | {container}.env[MODE] | fast → slow"),
            &format!("env -OLD | {container}.env[OLD] | 1 → "),
            &format!("env +FEATURE_X | {container}.env[FEATURE_X] |  → on"),
            &format!("ports | {container}.ports | {{\"containerPort\":8080,\"name\":\"http\"}} → "),
            &format!("args | {container}.args | [\"--port\",\"8080\"] → [\"--port\",\"9090\"]"),
        ],
    );
    let other_repository = [("registry:5000/checkout", "mirror:5000/checkout")];
    let path = "spec.template.spec.containers[web].image";
    let images = "registry:5000/checkout:2.9.0 → mirror:5000/checkout:2.9.0";
    check_summary(DEPLOYMENT, &other_repository, &[&format!("image | {path} | {images}")]);
    check_summary(
        DEPLOYMENT,
        &[("4.0.0", "4.1.0")],
        &["helm.sh/chart | metadata.labels[helm.sh/chart] | checkout-4.0.0 → checkout-4.1.0"],
    );
}

#[test]
fn items_are_found_wherever_they_stand() {
    let service = "apiVersion: v1\nkind: Service\nmetadata: {name: dns}\nspec:\n  type: NodePort\n  ports:\n  - {port: 53, protocol: UDP, targetPort: 53}\n  - {port: 53, targetPort: 53}\n";
    check_summary(
        service,
        &[("NodePort", "LoadBalancer"), ("protocol: UDP, targetPort: 53", "protocol: UDP, targetPort: 5353")],
        &["ports | spec.ports | 53 → 5353", "type | spec.type | NodePort → LoadBalancer"],
    );
    let swapped = read(
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: a}, {name: b}]}\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: b}, {name: a}]}\n",
    );
    let diff = object(swapped.first(), swapped.last(), &redactor());
    assert_eq!((diff.weight, &*diff.summary[0].path), (Weight::Real, "spec.containers"));
}

#[test]
fn server_generated_fields_are_left_out() {
    let live = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "data": {"b": "2", "a": "1"}, "status": {"x": 1},
        "metadata": {"name": "c", "uid": "u", "resourceVersion": "5", "generation": 2, "selfLink": "/c",
            "creationTimestamp": "2026-01-01T00:00:00Z", "managedFields": [{"manager": "helm"}]},
    });
    let manifest = read("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {a: '1', b: '2'}\n");
    let diff = object(manifest.first(), Some(&Object::new(live)), &redactor());
    assert_eq!((diff.change, diff.weight), (Change::None, Weight::Same));
    let text = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: c\ndata:\n  a: \"1\"\n  b: \"2\"\n";
    assert_eq!((&*diff.old_text, &*diff.new_text), (text, text));
}

#[test]
fn sets_are_paired_by_group_kind_namespace_and_name() {
    let one = |api: &str, kind: &str, name: &str, data: &str| {
        format!("---\napiVersion: {api}\nkind: {kind}\nmetadata: {{name: {name}}}\ndata: {{x: '{data}'}}\n")
    };
    let old = [
        one("v1", "A", "same", "1"),
        one("a/v1", "A", "b", "1"),
        one("v1", "A", "gone", "1"),
        one("v1", "A", "b", "1"),
    ];
    let new = [
        one("v1", "A", "same", "1"),
        one("v1", "A", "fresh", "1"),
        one("a/v2", "A", "b", "1"),
        one("v1", "A", "b", "2"),
    ];
    let diffs = objects(&read(&old.concat()), &read(&new.concat()), &redactor());
    let found: Vec<_> = diffs.iter().map(|diff| (&*diff.api_version, &*diff.key.name, diff.change)).collect();
    let expected = [
        ("v1", "fresh", Change::Create),
        ("a/v2", "b", Change::Update),
        ("v1", "b", Change::Update),
        ("v1", "gone", Change::Delete),
        ("v1", "same", Change::None),
    ];
    assert_eq!(found, expected);
    assert_eq!((diffs[0].old_text.is_empty(), diffs[3].new_text.is_empty()), (true, true));
}

#[track_caller]
fn check_hunks(old: &str, new: &str, context: usize, expected: &[(usize, usize, &str, &[&str])]) {
    let found = hunks(old, new, context).into_iter().map(|hunk| {
        let lines = hunk.lines.into_iter().map(|line| match line {
            Line::Context(text) => format!(" {text}"),
            Line::Removed(text) => format!("-{text}"),
            Line::Added(text) => format!("+{text}"),
        });
        (hunk.old_start, hunk.new_start, hunk.path, lines.collect::<Vec<_>>())
    });
    let expected: Vec<_> = expected
        .iter()
        .map(|(old, new, path, lines)| {
            (*old, *new, (*path).to_owned(), lines.iter().map(|line| (*line).to_owned()).collect())
        })
        .collect();
    assert_eq!(found.collect::<Vec<_>>(), expected);
}

#[test]
fn hunks_know_their_place() {
    let old = "spec:\n  replicas: 4\n  template:\n    spec:\n      containers:\n      - args:\n        - a\n        image: x:1\n        name: web\n      - image: y\n        name: other\n  text: |\n    key:\n      value\n    end\n";
    let new = old.replace("x:1", "x:2").replace("value", "other");
    check_hunks(
        old,
        &new,
        1,
        &[
            (
                7,
                7,
                "spec.template.spec.containers[web]",
                &["         - a", "-        image: x:1", "+        image: x:2", "         name: web"],
            ),
            (13, 13, "spec.text", &["     key:", "-      value", "+      other", "     end"]),
        ],
    );
    check_hunks(
        "a:\n  list:\n  - b: 1\n  - b: 2\n",
        "a:\n  list:\n  - b: 1\n  - b: 3\n  - b: 4\n",
        0,
        &[(4, 4, "a.list", &["-  - b: 2", "+  - b: 3", "+  - b: 4"])],
    );
    check_hunks(
        "a:\n- c: 1\n- c:\n    d: 2\n",
        "a:\n- c: 1\n- c:\n    d: 3\n",
        0,
        &[(4, 4, "a[1].c", &["-    d: 2", "+    d: 3"])],
    );
    check_hunks("a: 1\nb: 2\n", "a: 1\nb: 3\n", usize::MAX, &[(1, 1, "", &[" a: 1", "-b: 2", "+b: 3"])]);
    let script = "a:\n- |\n  b: 1\n  c:\n    d\n- e: 1\n";
    check_hunks(script, &script.replace("d", "D"), 0, &[(5, 5, "a[0]", &["-    d", "+    D"])]);
    check_hunks("", "a: 1\n", 3, &[(1, 1, "", &["+a: 1"])]);
    check_hunks("a: 1\n", "a: 1\n", 3, &[]);
}

const SECRET: &str =
    "apiVersion: v1\nkind: Secret\nmetadata:\n  name: s\ndata:\n  TOKEN: aHVudGVyMg==\n  BROKEN: '%%'\n";

#[test]
fn secrets_become_fingerprints() {
    let diff = changed(SECRET, &[("aHVudGVyMg==", "aHVudGVyMw==")]);
    let [old, new] = ["hunter2", "hunter3"].map(|content| redactor().fingerprint(content));
    assert_ne!(old, new);
    assert!(old.starts_with("«fingerprint ") && old.len() == "«fingerprint 12345678»".len());
    assert_eq!(diff.summary[0].what, "data TOKEN");
    assert_eq!((diff.summary[0].old.as_ref(), diff.summary[0].new.as_ref()), (Some(&old), Some(&new)));
    for text in [&diff.old_text, &diff.new_text] {
        assert!(!text.contains("aHVudGVy") && !text.contains("%%"), "{text}");
    }
    // The same content, written plainly.
    let plain = read(&SECRET.replace("data:", "stringData:").replace("aHVudGVyMg==", "hunter2"));
    assert!(diff.old_text.contains(&old) && object(None, plain.first(), &redactor()).new_text.contains(&old));
    // Another run, another key; and on demand everything.
    assert_ne!(Redactor::new([8; 32]).fingerprint("hunter2"), old);
    assert_eq!(redactor().revealed().object(&read(SECRET)[0].value), read(SECRET)[0].value);
}

#[test]
fn what_kubectl_kept_of_a_secret_is_hidden() {
    let mut secret = read(SECRET)[0].value.clone();
    secret["metadata"]["annotations"] =
        json!({"kubectl.kubernetes.io/last-applied-configuration": "hunter2", "a": "b"});
    let shown = redactor().object(&secret);
    assert_eq!(shown["metadata"]["annotations"]["a"], "b");
    assert!(!shown.to_string().contains("hunter2"));
}

#[test]
fn values_under_telling_keys_are_hidden() {
    let values = json!({
        "auth": {"password": "p", "existingSecret": "name", "enabled": true}, "apiKey": "k", "api_key": 5,
        "db": [{"credentials": {"user": "u", "parts": ["x"]}}], "secret": {"create": true, "empty": ""},
        "tls": {"key": "-----BEGIN RSA PRIVATE KEY-----"}, "imagePullSecrets": [{"name": "regcred"}],
        "env": [{"name": "DB_PASSWORD", "value": "p"}, {"name": "MODE", "value": "fast"}], "tokenPath": "/t",
    });
    let hidden = |text: &str| redactor().fingerprint(text);
    let expected = json!({
        "auth": {"password": hidden("p"), "existingSecret": "name", "enabled": true}, "apiKey": hidden("k"), "api_key": hidden("5"),
        "db": [{"credentials": {"user": hidden("u"), "parts": [hidden("x")]}}], "secret": {"create": true, "empty": ""},
        "tls": {"key": hidden("-----BEGIN RSA PRIVATE KEY-----")}, "imagePullSecrets": [{"name": "regcred"}],
        "env": [{"name": "DB_PASSWORD", "value": hidden("p")}, {"name": "MODE", "value": "fast"}], "tokenPath": "/t",
    });
    assert_eq!(redactor().values(&values), expected);
    assert_eq!(redactor().revealed().values(&values), values);
}

#[test]
fn manifests_keep_everything_but_secrets() {
    let plain = "# Source: a.yaml\nkind: ConfigMap\nmetadata: {name: Secret}   # odd\n";
    let broken = "kind: Secret\ndata: {a: 'hunter2\n";
    let list = "kind: List\nitems:\n- {kind: Secret, stringData: {a: hunter2}}\n- {kind: Pod}\n";
    let text = format!("---\n{plain}---\n# Source: s.yaml\n{SECRET}---\n{plain}--- \n{list}---\n{broken}");
    let shown = redactor().manifest(&text);
    let secret = yaml::to_string(&redactor().object(&read(SECRET)[0].value));
    assert!(shown.starts_with(&format!("---\n{plain}---\n# Source: s.yaml\n{secret}---\n{plain}--- \n")), "{shown}");
    assert!(!shown.contains("hunter2") && shown.contains("kind: Pod") && shown.contains("# not shown"), "{shown}");
    assert_eq!(redactor().revealed().manifest(&text), text);
}

/// Drift from a manifest to the same with edits made to what the server has; `expected` are its summaries.
#[track_caller]
fn check_drift(manifest: &str, live: &Value, expected: &[&str]) {
    let recorded = read(manifest).remove(0);
    let (left, right) = drift(&recorded, &Object::new(live.clone()));
    let diff = object(Some(&Object::new(left)), Some(&Object::new(right)), &redactor().revealed());
    let found = diff.summary.into_iter().map(|highlight| {
        let [old, new] = [highlight.old, highlight.new].map(Option::unwrap_or_default);
        format!("{}: {old} → {new}", highlight.path)
    });
    assert_eq!(found.collect::<Vec<_>>(), expected);
}

const RECORDED: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop, labels: {app: web}, creationTimestamp: null}
spec:
  replicas: 3
  paused: false
  strategy: {type: RollingUpdate}
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      securityContext: {}
      nodeSelector: null
      containers:
      - name: web
        image: web:1
        command: [run]
        env: [{name: A, value: '1'}, {name: EMPTY, value: ''}]
        ports: [{containerPort: 80}]
        livenessProbe: {httpGet: {path: /, port: 80}}
        resources: {limits: {cpu: 0.1, memory: 1Gi}}
      volumes: [{name: tmp, emptyDir: {sizeLimit: 1024Mi}}]
";

/// What a server makes of [`RECORDED`], in the way of the real one.
fn live() -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "status": {"replicas": 3},
        "metadata": {"name": "web", "namespace": "shop", "uid": "u", "finalizers": ["x/y"], "labels": {"app": "web", "app.kubernetes.io/managed-by": "Helm"}},
        "spec": {
            "replicas": 3, "progressDeadlineSeconds": 600, "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%"}},
            "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"app": "web"}, "annotations": {"kubectl.kubernetes.io/restartedAt": "now"}}, "spec": {
                "dnsPolicy": "ClusterFirst", "securityContext": {},
                "containers": [{
                    "name": "web", "image": "web:1", "imagePullPolicy": "IfNotPresent", "command": ["run"], "env": [{"name": "A", "value": "1"}, {"name": "EMPTY"}],
                    "ports": [{"containerPort": 80, "protocol": "TCP"}], "livenessProbe": {"httpGet": {"path": "/", "port": 80, "scheme": "HTTP"}, "periodSeconds": 10},
                    "resources": {"limits": {"cpu": "100m", "memory": "1024Mi"}},
                }],
                "volumes": [{"name": "tmp", "emptyDir": {"sizeLimit": "1Gi"}}],
            }},
        },
    })
}

/// `tests/live.json` is what a real API server (1.36) with its controllers made of `tests/recorded.yaml`.
#[test]
fn what_a_real_server_fills_in_is_no_drift() {
    let live: Vec<Value> = serde_json::from_str(include_str!("tests/live.json")).expect("JSON");
    let recorded = read(include_str!("tests/recorded.yaml"));
    assert_eq!(recorded.len(), live.len());
    for (recorded, live) in recorded.iter().zip(live) {
        let (left, right) = drift(recorded, &Object::new(live));
        assert_eq!(left, right, "{}", recorded.kind());
        assert_eq!(left["kind"], recorded.kind());
    }
}

#[test]
fn what_the_server_fills_in_is_no_drift() {
    check_drift(RECORDED, &live(), &[]);
}

#[test]
fn what_hands_change_is_drift() {
    let pod = "/spec/template/spec";
    let mut scaled = live();
    scaled["spec"]["replicas"] = json!(0);
    check_drift(RECORDED, &scaled, &["spec.replicas: 3 → 0"]);
    let mut edited = live();
    edited.pointer_mut(pod).expect("a pod")["containers"][0]["image"] = json!("web:2");
    edited.pointer_mut(pod).expect("a pod")["containers"][0]["resources"]["limits"]["cpu"] = json!("200m");
    edited["metadata"]["labels"]["app"] = json!("shop");
    let container = "spec.template.spec.containers[web]";
    check_drift(
        RECORDED,
        &edited,
        &[
            &format!("{container}.image: 1 → 2"),
            &format!("{container}.resources: 0.1 → 200m"),
            "metadata.labels.app: web → shop",
        ],
    );
    let mut injected = live();
    let containers = &mut injected.pointer_mut(pod).expect("a pod")["containers"];
    containers[0]["env"] = json!([{"name": "B", "value": "2"}]);
    containers.as_array_mut().expect("a list").push(json!({"name": "proxy"}));
    check_drift(
        RECORDED,
        &injected,
        &[
            &format!("{container}.env[A]: 1 → "),
            &format!("{container}.env[EMPTY]:  → "),
            &format!("{container}.env[B]:  → 2"),
            "spec.template.spec.containers[proxy]:  → {\"name\":\"proxy\"}",
        ],
    );
}

#[test]
fn data_and_selectors_act_as_a_whole() {
    let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {a: '1'}\ndata: {b: Mg==, a: eA==}\n";
    let live = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"a": "MQ==", "b": "Mg=="}, "type": "Opaque"});
    check_drift(secret, &live, &[]);
    let live = json!({"kind": "Secret", "data": {"a": "MQ==", "b": "Mw==", "c": "MQ=="}, "apiVersion": "v1", "metadata": {"name": "s"}});
    check_drift(secret, &live, &["data.b: Mg== → Mw==", "data.c:  → MQ=="]);
    let service = "apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {clusterIP: '', selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}\n";
    let mut live = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"},
        "spec": {"clusterIP": "10.0.0.1", "selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8080, "protocol": "TCP", "nodePort": 30000}]},
    });
    check_drift(service, &live, &[]);
    live["spec"]["selector"]["canary"] = json!("yes");
    check_drift(service, &live, &["spec.selector.canary:  → yes"]);
}

#[test]
fn quantities_compare_by_value() {
    for (a, b, same) in [
        (json!("100m"), json!(0.1), true),
        (json!("300m"), json!("0.3"), true),
        (json!("1Gi"), json!("1024Mi"), true),
        (json!("1e3"), json!("1k"), true),
        (json!("1E"), json!("1000P"), true),
        (json!("1G"), json!("1Gi"), false),
        (json!("100m"), json!("100M"), false),
        (json!("inf"), json!("inf"), false),
        (json!("1Zi"), json!("1Zi"), false),
    ] {
        assert_eq!(quantity::same(&a, &b), same, "{a} {b}");
    }
}
