//! Charts made and rendered here, in the hands of real Helm and a real cluster.

use crate::plane::{Plane, chart, plane};

/// Creates a chart of a starter in a folder of its own; the folder and the chart's path.
fn created(plane: &Plane, starter: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("shop").display().to_string();
    plane.pilothouse(&["create", &path, "--starter", starter]);
    (folder, path)
}

/// An empty chart of this name in a folder of its own; the folder and the chart's path.
fn empty(name: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(name).display().to_string();
    std::fs::create_dir_all(format!("{path}/templates")).expect("a folder");
    let metadata = format!("apiVersion: v2\nname: {name}\nversion: 1.0.0\n");
    std::fs::write(format!("{path}/Chart.yaml"), metadata).expect("a file");
    (folder, path)
}

/// Both programs print the same for these arguments.
#[track_caller]
fn check_same(plane: &Plane, args: &[&str]) {
    let (ours, theirs) = (plane.try_pilothouse(args), plane.try_helm(args));
    assert_eq!((ours.code, &ours.stdout), (theirs.code, &theirs.stdout), "{args:?}: {} {}", ours.stderr, theirs.stderr);
    assert_eq!(ours.code, 0, "{args:?}: {}", ours.stderr);
}

#[test]
fn the_shipped_starter_is_linted_rendered_and_installed() {
    let plane = plane();
    let (folder, path) = created(plane, "web-db");
    for environment in ["dev", "stage", "prod"] {
        let values = format!("{path}/values-{environment}.yaml");
        check_same(plane, &["lint", &path, "--strict", "-f", &values]);
        check_same(plane, &["template", "shop", &path, "-f", &values, "--set", "database.auth.password=pw"]);
    }
    let namespace = plane.namespace();
    let destination = folder.path().display().to_string();
    plane.pilothouse(&["package", &path, "-d", &destination]);
    let package = format!("{destination}/shop-0.1.0.tgz");
    let values = format!("{path}/values-dev.yaml");
    let install = ["install", "shop", &package, "-n", &namespace, "-f", &values, "--wait", "--timeout", "60s"];
    plane.helm(&install);
    assert_eq!(plane.object(&namespace, "deployment/shop")["status"]["readyReplicas"], 1);
    assert_eq!(plane.object(&namespace, "statefulset/shop-database")["status"]["readyReplicas"], 1);
    // The password that the cluster holds is found by `lookup` and kept.
    check_same(plane, &["template", "shop", &package, "-n", &namespace, "-f", &values, "--dry-run=server"]);
    plane.helm(&["uninstall", "shop", "-n", &namespace, "--wait"]);
}

/// What a chart asks of the cluster: its version, what it serves, what is in it.
#[test]
fn charts_see_the_cluster_as_helm_shows_it() {
    let plane = plane();
    let namespace = plane.namespace();
    let (_folder, path) = empty("asks");
    let template = r#"apiVersion: v1
kind: ConfigMap
metadata:
  name: asks
data:
  version: {{ .Capabilities.KubeVersion.Version | quote }}
  short: {{ printf "%s.%s" .Capabilities.KubeVersion.Major .Capabilities.KubeVersion.Minor | quote }}
  has: {{ list (.Capabilities.APIVersions.Has "apps/v1/Deployment") (.Capabilities.APIVersions.Has "no/v1") | toJson | quote }}
  namespace: {{ (lookup "v1" "Namespace" "" .Release.Namespace).metadata.name | quote }}
  missing: {{ lookup "v1" "Secret" .Release.Namespace "missing" | toJson | quote }}
  default: {{ (lookup "v1" "ServiceAccount" "kube-system" "default").metadata.uid | quote }}
  some: {{ gt (len (lookup "v1" "Namespace" "" "").items) 3 | quote }}
"#;
    std::fs::write(format!("{path}/templates/all.yaml"), template).expect("a file");
    let args = ["template", "asks", &path, "-n", &namespace, "--dry-run=server"];
    check_same(plane, &args);
    check_same(plane, &["template", "asks", &path, "-n", &namespace, "--validate"]);
    let printed = plane.pilothouse(&args);
    assert!(printed.contains(&format!("namespace: {namespace:?}")) && printed.contains("some: \"true\""), "{printed}");
}

/// The charts of these tests, as Helm prints them.
#[test]
fn the_test_charts_render_as_helm_renders_them() {
    let plane = plane();
    for name in ["web", "store", "gadget", "umbrella"] {
        let path = chart(name);
        for flags in [&["--include-crds"][..], &["--no-hooks"], &["--is-upgrade", "--skip-tests"], &["--debug"]] {
            check_same(plane, &[&["template", "rel", &path], flags].concat());
        }
    }
}

/// Both programs refuse these arguments in the same words.
#[track_caller]
fn check_refused(plane: &Plane, args: &[&str]) {
    let (ours, theirs) = (plane.try_pilothouse(args), plane.try_helm(args));
    let words =
        |err: &str| err.split("Error: ").nth(1).map(|words| words.split("\n  hint: ").next().map(str::to_owned));
    let trimmed = |err: &str| words(err).flatten().map(|words| words.trim().to_owned());
    assert_eq!(
        (ours.code, ours.stdout, trimmed(&ours.stderr)),
        (theirs.code, theirs.stdout, trimmed(&theirs.stderr)),
        "{args:?}"
    );
    assert_eq!(ours.code, 1, "{args:?}");
}

/// What the server is asked about a rendering before it is printed.
#[test]
fn renderings_are_checked_on_the_server_as_helm_checks_them() {
    let plane = plane();
    let namespace = plane.namespace();
    let (_folder, path) = empty("odd");
    let print = |documents: &str| {
        std::fs::write(format!("{path}/templates/all.yaml"), documents).expect("a file");
        ["template", "odd", path.as_str(), "-n", namespace.as_str()]
    };
    let foo = "apiVersion: bar/v1\nkind: Foo\nmetadata: {name: foo}\n";
    let deployment = "---\napiVersion: apps/v7\nkind: Deployment\nmetadata: {name: dep, namespace: far}\n";
    let foreign = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: default}\n";
    let hook = "apiVersion: bar/v1\nkind: Foo\nmetadata: {name: foo, annotations: {helm.sh/hook: pre-install}}\n";
    let fields = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: odd}\nnonsense: true\ndata: {a: [1]}\n";
    for refused in [
        foo,
        &format!("{foo}{deployment}---\n{foo}"),
        foreign,
        "apiVersion: v1\nkind: Namespace\nmetadata: {name: default}\n",
        "apiVersion: v1\nkind: Secret\n",
        "apiVersion: v1\nkind: Secret\nmetadata: {name: a, generateName: b-}\n",
    ] {
        let args = print(refused);
        check_refused(plane, &[&args[..], &["--dry-run=server"]].concat());
        check_refused(plane, &[&args[..], &["--validate", "--disable-openapi-validation"]].concat());
        check_same(plane, &args);
    }
    for (taken, flag) in [
        (hook, "--dry-run=server"),
        (fields, "--validate"),
        ("apiVersion: v1\nkind: Secret\nmetadata: {generateName: b-}\n", "--validate"),
    ] {
        check_same(plane, &[&print(taken)[..], &[flag]].concat());
    }
    for flag in ["--is-upgrade", "--take-ownership"] {
        check_same(plane, &[&print(foreign)[..], &["--validate", flag]].concat());
    }
}

/// A keystore given by `--set-file` is no text: templates see its bytes, the record holds what JSON can.
#[test]
fn bytes_of_a_file_reach_templates() {
    let plane = plane();
    let (folder, path) = empty("store");
    let bytes = folder.path().join("store.jks").display().to_string();
    std::fs::write(&bytes, b"ab\xff\xfe\x80z").expect("a file");
    let template = r#"apiVersion: v1
kind: Secret
metadata:
  name: store
data:
  bytes: {{ .Values.keys.store | b64enc }}
stringData:
  length: {{ len .Values.keys.store | quote }}
  quoted: {{ .Values.keys.store | quote | b64enc }}
  json: {{ toJson .Values | b64enc }}
  list: {{ index .Values.list 0 | sha256sum }}
"#;
    std::fs::write(format!("{path}/templates/store.yaml"), template).expect("a file");
    let set = format!("keys.store={bytes},list[0]={bytes}");
    check_same(plane, &["template", "store", &path, "--set-file", &set]);
    let records = [Plane::pilothouse, Plane::helm].map(|run| {
        let namespace = plane.namespace();
        run(plane, &["install", "store", &path, "-n", &namespace, "--set-file", &set]);
        assert_eq!(plane.object(&namespace, "secret/store")["data"]["bytes"], "YWL//oB6");
        plane.helm(&["get", "values", "store", "-n", &namespace, "-o", "json"])
    });
    assert_eq!(records[0], records[1]);
}
