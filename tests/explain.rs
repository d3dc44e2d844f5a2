//! `template --explain`, on a small chart with a sub-chart, an included text, a loop, a hook and a CRD.

use std::{fs, path::Path, process::Command};

const FILES: [(&str, &str); 9] = [
    ("web/Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.0.0\n"),
    ("web/values.yaml", "image:\n  name: nginx\n  tag: old\nports:\n- 80\n- 443\ncache:\n  size: 2\n"),
    ("web/templates/_helpers.tpl", "{{ define \"labels\" -}}\napp: web\nrelease: {{ .Values.track }}\n{{- end }}\n"),
    (
        "web/templates/deployment.yaml",
        "\n\nkind: Deployment\nmetadata:\n  name: web\n  labels:\n    {{- include \"labels\" . | nindent 4 }}\nspec:\n  image: {{ .Values.image.name }}:{{ .Values.image.tag }}\n  ports:\n  {{- range .Values.ports }}\n  - port: {{ . }}\n  {{- end }}\n",
    ),
    (
        "web/templates/test.yaml",
        "kind: Pod\nmetadata:\n  name: t\n  annotations: {helm.sh/hook: test}\nargs: [{{ .Values.image.tag }}]\n",
    ),
    ("web/crds/gadget.yaml", "kind: CustomResourceDefinition\nmetadata:\n  name: gadgets\n"),
    ("web/charts/cache/Chart.yaml", "apiVersion: v2\nname: cache\nversion: 1.0.0\n"),
    ("web/charts/cache/values.yaml", "size: 1\nmode: lru\n"),
    (
        "web/charts/cache/templates/config.yaml",
        "kind: ConfigMap\nmetadata:\n  name: cache\ndata:\n  size: {{ .Values.size }}\n  mode: {{ .Values.mode }}\n",
    ),
];

/// Standard output and error of `template web … --explain wanted`.
fn explain(arguments: &str) -> (String, String) {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in FILES.into_iter().chain([("prod.yaml", "image:\n  tag: new\n")]) {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap_or(Path::new("/"))).unwrap();
        fs::write(path, text).unwrap();
    }
    let ran = Command::new(env!("CARGO_BIN_EXE_pilothouse"))
        .args(["template", "r", "web"])
        .args(arguments.split(' '))
        .current_dir(folder.path())
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (text(ran.stdout), text(ran.stderr))
}

#[track_caller]
fn explains(arguments: &str, expected: &str) {
    assert_eq!(explain(arguments), (expected.to_owned(), String::new()));
}

#[test]
fn tells_template_and_values_of_a_path() {
    explains(
        "-f prod.yaml --explain spec.image",
        "19:   image: nginx:new\n  comes from templates/deployment.yaml:9\n  .Values.image.name, set by values.yaml:2\n  .Values.image.tag, set by prod.yaml:2\n",
    );
    explains(
        "--set image.tag=x --explain Deployment/web:spec.image",
        "19:   image: nginx:x\n  comes from templates/deployment.yaml:9\n  .Values.image.name, set by values.yaml:2\n  .Values.image.tag, set by --set image.tag\n",
    );
}

#[test]
fn follows_includes_and_loops() {
    explains(
        "--explain metadata.labels.release",
        "17:     release: \n  comes from templates/_helpers.tpl:3 (included from templates/deployment.yaml:7)\n  .Values.track, not set\n",
    );
    explains(
        "--explain spec.ports[1].port",
        "22:   - port: 443\n  comes from templates/deployment.yaml:12\n  .Values.ports, set by values.yaml:4\n",
    );
}

#[test]
fn knows_sub_charts_hooks_and_crds() {
    explains("--explain ConfigMap/cache:data", "6: data:\n  comes from charts/cache/templates/config.yaml:4\n");
    explains(
        "--explain data.size",
        "7:   size: 2\n  comes from charts/cache/templates/config.yaml:5\n  .Values.size, set by values.yaml:8\n",
    );
    explains(
        "--explain data.mode",
        "8:   mode: lru\n  comes from charts/cache/templates/config.yaml:6\n  .Values.mode, set by charts/cache/values.yaml:2\n",
    );
    explains(
        "-s templates/test.yaml --explain args",
        "7: args: [old]\n  comes from templates/test.yaml:5\n  .Values.image.tag, set by values.yaml:3\n",
    );
    explains(
        "--include-crds --explain CustomResourceDefinition/gadgets:metadata.name",
        "5:   name: gadgets\n  comes from crds/gadget.yaml:3 as it is\n",
    );
    explains("--explain 1", "1: ---\n  written between documents, by no template\n");
}

#[test]
fn says_what_is_not_there() {
    for (wanted, words) in [
        ("99", "there is no line 99: the manifest has 30 lines"),
        ("0", "there is no line 0: the manifest has 30 lines"),
        ("spec.nothing", "there is no spec.nothing in the manifest"),
        ("Service/web:spec.image", "there is no Service/web:spec.image in the manifest"),
    ] {
        assert_eq!(explain(&format!("--explain {wanted}")), (String::new(), format!("Error: {words}\n")));
    }
}
