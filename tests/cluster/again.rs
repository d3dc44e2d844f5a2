//! Releases beside each other, the same again, what others added, and what kubectl makes of our rendering.

use std::{collections::BTreeMap, fs, path::Path};

use serde_json::Value;
use tempfile::TempDir;

use crate::plane::{Plane, chart, plane};

/// Every kind that the charts here make.
const KINDS: &str = "configmap,secret,service,serviceaccount,deployment,statefulset,role,hpa,pvc";
const METHODS: [&str; 2] = ["--server-side=true", "--server-side=false"];

/// What charts made in a namespace, by kind and name: neither records nor what every namespace has.
fn objects(plane: &Plane, namespace: &str) -> BTreeMap<String, Value> {
    let text = plane.kubectl(&["get", KINDS, "-n", namespace, "-o", "json"]);
    let list: Value = serde_json::from_str(&text).expect("kubectl prints JSON");
    let items = list["items"].as_array().cloned().unwrap_or_default();
    let own = |object: &Value| {
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        object["type"] != "helm.sh/release.v1" && name != "kube-root-ca.crt" && name != "default"
    };
    let name = |object: &Value| format!("{} {}", object["kind"], object["metadata"]["name"]).replace('"', "");
    items.into_iter().filter(own).map(|object| (name(&object), object)).collect()
}

/// The resourceVersions of those whose name has this in it.
fn versions(plane: &Plane, namespace: &str, named: &str) -> BTreeMap<String, Value> {
    let all = objects(plane, namespace).into_iter().filter(|(name, _)| name.contains(named));
    all.map(|(name, object)| (name, object["metadata"]["resourceVersion"].clone())).collect()
}

#[test]
fn the_same_upgrade_again_writes_no_object() {
    let plane = plane();
    for (method, of) in [(METHODS[0], "server"), (METHODS[1], "client")] {
        let namespace = plane.namespace();
        let common = ["-n", &namespace, "--wait", "--timeout", "60s"];
        let charts = [
            ("web", "extra=true,kept=true"),
            ("stage", "role=true,secret=x,extra=true"),
            ("store", "replicas=2"),
            ("umbrella", ""),
        ];
        for (name, values) in charts {
            let chart = chart(name);
            let release = format!("{name}-{of}");
            let upgrade = ["upgrade", "--install", &release, &chart, "--set", values];
            plane.pilothouse(&[&upgrade[..], &[method], &common].concat());
            let before = versions(plane, &namespace, &release);
            assert!(!before.is_empty(), "{release} has objects");
            for _ in 0..2 {
                plane.pilothouse(&[&upgrade[..], &common].concat());
                assert_eq!(versions(plane, &namespace, &release), before, "{release}");
            }
            let differs =
                plane.try_pilothouse(&[&["diff"], &upgrade[..], &["-n", &namespace, "--detailed-exitcode"]].concat());
            assert_eq!(differs.code, 0, "{release}: {differs:?}");
        }
    }
}

/// The example of Helm's documentation for its three-way merge: versions of a chart, and what others injected in between.
fn nginx(folder: &Path, version: &str) -> String {
    let chart = folder.join(version);
    fs::create_dir_all(chart.join("templates")).expect("a folder");
    let write = |name: &str, text: &str| fs::write(chart.join(name), text).expect("written");
    write("Chart.yaml", &format!("apiVersion: v2\nname: nginx\nversion: {version}\n"));
    write(
        "templates/deployment.yaml",
        &format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {{{{ .Release.Name }}}}\nspec:\n  replicas: 1\n  \
             selector:\n    matchLabels: {{app: nginx}}\n  template:\n    metadata:\n      labels: {{app: nginx}}\n    \
             spec:\n      containers:\n      - name: nginx\n        image: registry.example/nginx:{version}\n"
        ),
    );
    chart.display().to_string()
}

#[test]
fn an_injected_sidecar_outlives_an_upgrade_as_the_preview_says() {
    let plane = plane();
    let folder = TempDir::new().expect("a folder");
    let [old, new] = ["2.0.0", "2.1.0"].map(|version| nginx(folder.path(), version));
    for method in METHODS {
        let namespace = plane.namespace();
        plane.pilothouse(&["install", "web", &old, "-n", &namespace, method]);
        let sidecar = r#"{"spec":{"template":{"spec":{"containers":[{"name":"my-injected-sidecar","image":"registry.example/cool:1"}]}}}}"#;
        plane.kubectl(&["patch", "deployment", "web", "-n", &namespace, "-p", sidecar]);

        let told = plane.pilothouse(&["diff", "upgrade", "web", &new, "-n", &namespace]);
        let changed = |mark: char| told.lines().filter(move |line| line.trim_start().starts_with(mark));
        assert!(changed('+').any(|line| line.contains("nginx:2.1.0")), "{method}: {told}");
        assert!(!changed('-').any(|line| line.contains("sidecar")), "{method}: {told}");

        plane.pilothouse(&["upgrade", "web", &new, "-n", &namespace]);
        let live = plane.object(&namespace, "deployment/web");
        let containers = live["spec"]["template"]["spec"]["containers"].as_array().expect("a list");
        let mut images: Vec<&str> = containers.iter().filter_map(|container| container["image"].as_str()).collect();
        images.sort_unstable();
        assert_eq!(images, ["registry.example/cool:1", "registry.example/nginx:2.1.0"], "{method}");
    }
}

#[test]
fn one_name_in_two_namespaces_is_two_releases() {
    let plane = plane();
    let [one, other] = [plane.namespace(), plane.namespace()];
    let wait = ["--wait", "--timeout", "60s"];
    for namespace in [&one, &other] {
        plane.pilothouse(&[&["install", "web", &chart("web"), "-n", namespace][..], &wait].concat());
    }
    let before = versions(plane, &other, "");
    plane.pilothouse(&["upgrade", "web", &chart("web"), "-n", &one, "--set", "replicas=1,extra=true"]);
    plane.pilothouse(&["rollback", "web", "-n", &one]);
    plane.pilothouse(&["uninstall", "web", "-n", &one]);
    assert_eq!(objects(plane, &one).len(), 0);
    assert_eq!(versions(plane, &other, ""), before);
    let listed = plane.pilothouse(&["list", "-n", &other, "-q"]);
    assert_eq!(listed.trim(), "web");
}

#[test]
fn one_chart_three_times_in_a_namespace_is_three_releases() {
    let plane = plane();
    let namespace = plane.namespace();
    let names = ["one", "two", "three"];
    for name in names {
        plane.pilothouse(&["install", name, &chart("web"), "-n", &namespace, "--wait", "--timeout", "60s"]);
    }
    let before = ["one", "three"].map(|name| versions(plane, &namespace, name));
    plane.pilothouse(&["upgrade", "two", &chart("web"), "-n", &namespace, "--set", "replicas=1,extra=true"]);
    plane.pilothouse(&["uninstall", "two", "-n", &namespace]);
    assert_eq!(["one", "three"].map(|name| versions(plane, &namespace, name)), before);
    assert!(versions(plane, &namespace, "two").is_empty());
}

/// An object without what differs from server to server and from tool to tool.
fn content(mut object: Value) -> Value {
    object["status"] = Value::Null;
    let fields = ["managedFields", "uid", "resourceVersion", "creationTimestamp", "generation", "namespace"];
    let marks =
        ["meta.helm.sh/", "kubectl.kubernetes.io/", "deployment.kubernetes.io/", "app.kubernetes.io/managed-by"];
    if let Some(metadata) = object["metadata"].as_object_mut() {
        metadata.retain(|field, _| !fields.contains(&field.as_str()));
        for kind in ["labels", "annotations"] {
            let mut left = metadata.remove(kind).unwrap_or_default();
            if let Some(left) = left.as_object_mut() {
                left.retain(|key, _| !marks.iter().any(|mark| key.starts_with(mark)));
                metadata.extend((!left.is_empty()).then(|| (kind.to_owned(), Value::Object(left.clone()))));
            }
        }
    }
    if let Some(spec) = object["spec"].as_object_mut() {
        spec.retain(|field, value| !field.starts_with("clusterIP") || value == "None");
    }
    object
}

#[test]
fn what_kubectl_applies_of_our_rendering_is_what_install_makes() {
    let plane = plane();
    for (name, values) in
        [("web", "extra=true,hpa=true"), ("stage", "role=true,secret=x"), ("store", ""), ("stack", "")]
    {
        let chart = chart(name);
        let [installed, applied] = [plane.namespace(), plane.namespace()];
        plane.pilothouse(&["install", "rel", &chart, "-n", &installed, "--set", values, "--no-hooks"]);
        let program = env!("CARGO_BIN_EXE_pilothouse");
        let kubectl = plane.kubectl_path().display().to_string();
        plane.shell(&format!(
            "set -o pipefail; {program} template rel {chart} -n {applied} --set '{values}' --no-hooks | {kubectl} apply -n {applied} -f -"
        ));
        let of = |namespace: &str| -> BTreeMap<String, Value> {
            objects(plane, namespace).into_iter().map(|(name, object)| (name, content(object))).collect()
        };
        let (ours, theirs) = (of(&installed), of(&applied));
        assert!(!ours.is_empty());
        assert_eq!(ours, theirs, "{name}");
    }
}
