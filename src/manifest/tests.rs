//! Reading manifests and their order.

use super::*;

#[track_caller]
fn check(manifest: &str, expected: &[(&str, &str, Option<&str>)]) {
    let objects = read(manifest).expect("a manifest");
    let found: Vec<_> = objects.iter().map(|object| (object.kind(), object.name(), object.source.as_deref())).collect();
    assert_eq!(found, expected);
}

#[test]
fn documents_are_told_apart_as_helm_does() {
    check("", &[]);
    check("---\n# Source: a/templates/empty.yaml\n---\n\n", &[]);
    check(
        "---\n# Source: a/templates/x.yaml\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: x\ndata:\n  y: |\n    ---\n    z\n\
         ---\n# Source: a/charts/b/templates/y.yaml\n# note\n\nkind: Secret\napiVersion: v1\nmetadata: {name: z}\n",
        &[("ConfigMap", "x", Some("a/templates/x.yaml")), ("Secret", "z", Some("a/charts/b/templates/y.yaml"))],
    );
    // Helm forgives a separator that runs into the first key.
    check(
        "---apiVersion: v1\nkind: A\n--- \nkind: B\r\n---\r\nkind: C\r\n",
        &[("A", "", None), ("B", "", None), ("C", "", None)],
    );
}

#[test]
fn lists_are_flattened() {
    check(
        "# Source: l.yaml\napiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Pod, metadata: {name: p}}\n\
         - apiVersion: v1\n  kind: List\n  items:\n  - {apiVersion: v1, kind: Service, metadata: {name: s}}\n",
        &[("Pod", "p", Some("l.yaml")), ("Service", "s", Some("l.yaml"))],
    );
    check("apiVersion: v1\nkind: ConfigMapList\nitems:\n- metadata: {name: c}\n", &[("ConfigMap", "c", None)]);
    check("apiVersion: v1\nkind: Odd\nitems: {a: 1}\nmetadata: {name: o}\n", &[("Odd", "o", None)]);
}

#[test]
fn errors_name_the_line_of_the_whole_manifest() {
    let error = read("---\nkind: A\n---\nkind: B\nmetadata:\n  name: x: y\n").expect_err("two colons");
    assert_eq!(
        error.message,
        "error converting YAML to JSON: yaml: line 4: mapping values are not allowed in this context"
    );
    assert_eq!((error.line, error.column), (6, 10));
    assert_eq!(read("kind: A\n---\na: 1\n").expect_err("no kind").to_string(), "Object 'Kind' is missing");
    assert!(read("just words").is_err());
}

#[test]
fn install_order_is_by_kind_then_by_place() {
    let mut objects =
        read("kind: Zed\n---\nkind: Deployment\nmetadata: {name: a}\n---\nkind: Alpha\n---\nkind: Service\n---\nkind: Deployment\nmetadata: {name: b}\n---\nkind: Namespace\n")
            .expect("a manifest");
    install_order(&mut objects);
    let order: Vec<_> = objects.iter().map(|object| format!("{}{}", object.kind(), object.name())).collect();
    assert_eq!(order, ["Namespace", "Service", "Deploymenta", "Deploymentb", "Alpha", "Zed"]);
}
