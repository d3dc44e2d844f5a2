//! The flags of `helm rollback`, in two namespaces: one is rolled back by real Helm, the other by us.

use serde_json::{Value, json};

use crate::plane::{Plane, Ran, chart, plane, raw};

/// A release's revisions, what a hand then does, and the flags it is rolled back with.
struct Scene {
    revisions: Vec<Vec<Value>>,
    hand: &'static [&'static str],
    flags: &'static [&'static str],
}

fn object(api_version: &str, kind: &str, name: &str, more: Value) -> Value {
    let mut object = json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": name}});
    for (field, value) in more.as_object().into_iter().flatten() {
        object[field] = value.clone();
    }
    object
}

fn config(name: &str, value: &str) -> Value {
    object("v1", "ConfigMap", name, json!({"data": {"key": value}}))
}

fn service(app: &str) -> Value {
    object("v1", "Service", "web", json!({"spec": {"selector": {"app": app}, "ports": [{"port": 80}]}}))
}

fn deployment(image: &str) -> Value {
    let containers = json!([{"name": "web", "image": format!("registry.example/{image}")}]);
    let template = json!({"metadata": {"labels": {"app": "web"}}, "spec": {"containers": containers}});
    let spec = json!({"replicas": 1, "selector": {"matchLabels": {"app": "web"}}, "template": template});
    object("apps/v1", "Deployment", "web", json!({"spec": spec}))
}

fn job(image: &str) -> Value {
    let containers = json!([{"name": "work", "image": format!("registry.example/{image}")}]);
    let template = json!({"spec": {"restartPolicy": "Never", "containers": containers}});
    object("batch/v1", "Job", "work", json!({"spec": {"backoffLimit": 0, "template": template}}))
}

fn hook(image: &str) -> Value {
    let mut hook = job(image);
    hook["metadata"]["annotations"] = json!({"helm.sh/hook": "pre-rollback"});
    hook
}

fn scenes() -> Vec<Scene> {
    let plain = || {
        vec![
            vec![deployment("web:1"), config("a", "1"), service("a"), hook("migrate:fail")],
            vec![deployment("web:2"), config("a", "2"), service("b"), config("gone", "2")],
        ]
    };
    let moved = || vec![vec![deployment("web:1"), config("a", "1")], vec![deployment("web:2"), config("a", "2")]];
    let scale: &[&str] = &["scale", "deploy/web", "--replicas=5"];
    let take: &[&str] = &["set", "image", "deploy/web", "web=registry.example/hand:1"];
    let freeze: &[&str] = &["patch", "configmap/b", "-p", "{\"immutable\":true}"];
    let add: &[&str] = &["patch", "configmap/a", "-p", "{\"data\":{\"hand\":\"was here\"}}"];
    let still = vec![vec![config("a", "1"), service("a")], vec![config("a", "2"), service("b"), config("gone", "2")]];
    let many = (1..=5).map(|number| vec![config("a", &number.to_string())]).collect();
    let frozen =
        vec![vec![config("a", "1"), config("b", "1"), config("fresh", "1")], vec![config("a", "2"), config("b", "2")]];
    let with_job = |image: &str| vec![vec![config("a", "1"), job(image)], vec![config("a", "2")]];
    let unready = vec![vec![deployment("web:not-found")], vec![deployment("web:2")]];
    vec![
        Scene { revisions: plain(), hand: scale, flags: &["--no-hooks"] },
        // Without a Deployment, whose controller's writes would now and then get in the way of Helm's replacing.
        Scene { revisions: still, hand: add, flags: &["--force-replace"] },
        Scene { revisions: moved(), hand: take, flags: &[] },
        Scene { revisions: moved(), hand: take, flags: &["--force-conflicts"] },
        Scene { revisions: moved(), hand: take, flags: &["--dry-run=client"] },
        Scene { revisions: frozen, hand: freeze, flags: &["--cleanup-on-fail"] },
        Scene { revisions: many, hand: &[], flags: &["--history-max=3"] },
        Scene { revisions: with_job("work:ok"), hand: &[], flags: &["--wait", "--wait-for-jobs", "--timeout=60s"] },
        Scene { revisions: with_job("work:fail"), hand: &[], flags: &["--wait", "--wait-for-jobs", "--timeout=60s"] },
        // Without --wait-for-jobs it is a matter of moments whether either still sees a failing Job as one that is at work.
        Scene { revisions: with_job("work:ok"), hand: &[], flags: &["--wait", "--timeout=60s"] },
        Scene { revisions: unready, hand: &[], flags: &["--wait", "--timeout=4s"] },
    ]
}

/// Installs and upgrades with real Helm, and lets the hand do its work.
fn prepare(plane: &Plane, method: &str, scene: &Scene) -> String {
    let namespace = plane.namespace();
    let (chart, server_side) = (chart("raw"), format!("--server-side={method}"));
    for (number, objects) in scene.revisions.iter().enumerate() {
        let raw = raw(objects);
        let verb: &[&str] = if number == 0 { &["install", &server_side] } else { &["upgrade"] };
        plane.helm(&[verb, &["web", &chart, "-n", &namespace, "--set-json", &raw]].concat());
    }
    if !scene.hand.is_empty() {
        plane.kubectl(&[scene.hand, &["-n", &namespace]].concat());
    }
    namespace
}

/// What was said, the records, and the objects, without the namespace's name.
fn outcome(plane: &Plane, namespace: &str, ran: &Ran) -> Vec<String> {
    // Both may add lines of their own: Helm its log's, we our hints.
    let error = ran.stderr.split_once("Error: ").map_or("", |(_, error)| error);
    let error = error.lines().take_while(|line| !line.contains("hint: "));
    let mut told = vec![ran.code.to_string(), ran.stdout.clone()];
    told.extend(error.map(str::to_owned));
    let history = plane.helm(&["history", "web", "-n", namespace, "-o", "json"]);
    let history: Vec<Value> = serde_json::from_str(&history).expect("helm prints JSON");
    told.extend(history.iter().map(|row| format!("{} {} {}", row["revision"], row["status"], row["description"])));
    let objects = plane.object(namespace, "configmaps,deployments,services,jobs");
    let items = objects["items"].as_array().into_iter().flatten();
    for object in items.filter(|object| object["metadata"]["name"] != "kube-root-ca.crt") {
        let spec = &object["spec"];
        let image = &spec["template"]["spec"]["containers"][0]["image"];
        let facts = [&object["kind"], &object["metadata"]["name"], &object["data"], &spec["replicas"], image];
        told.push(format!("{facts:?} {}", spec["selector"]["app"]));
    }
    told.into_iter().map(|line| line.replace(namespace, "NAMESPACE")).collect()
}

fn check(method: &str) {
    let plane = plane();
    for scene in scenes() {
        let (theirs, ours) = (prepare(plane, method, &scene), prepare(plane, method, &scene));
        let expected = plane.try_helm(&[&["rollback", "web", "-n", &theirs], scene.flags].concat());
        let ran = plane.try_pilothouse(&[&["rollback", "web", "-n", &ours], scene.flags].concat());
        let expected = outcome(plane, &theirs, &expected);
        assert_eq!(outcome(plane, &ours, &ran), expected, "{method} {:?}: {}", scene.flags, ran.stderr);
    }
}

#[test]
fn come_out_as_with_helm_client_side() {
    check("false");
}

#[test]
fn come_out_as_with_helm_server_side() {
    check("true");
}
