//! Where the lines of an output come from.

use serde_json::json;

use super::{Context, Nowhere, Options, Templates, Value};

/// Each line of the output with where its first byte comes from and what was read for any of it.
fn explain(files: &[(&str, &str)], values: serde_json::Value) -> Vec<String> {
    let mut templates = Templates::new();
    let sources: Vec<_> = files.iter().map(|(name, text)| ((*name).into(), (*text).to_owned().into())).collect();
    templates.add(&sources).expect("templates");
    let options = Options { record: true, ..Options::default() };
    let mut context = Context::new(&templates, options, &Nowhere);
    let data = Value::from_json(&json!({"Values": values}));
    let output = String::from_utf8(context.execute("main.yaml", data).expect("an output")).expect("text");
    let parts = context.parts();
    assert_eq!(parts.last().map(|part| part.range.end), Some(output.len()));
    let mut start = 0;
    let mut lines = Vec::new();
    for line in output.split_inclusive('\n') {
        let range = start..start + line.len();
        start = range.end;
        let own: Vec<_> =
            parts.iter().filter(|part| part.range.start < range.end && part.range.end > range.start).collect();
        let origin = &own[0].origin;
        let way: String =
            origin.included_from.iter().map(|place| format!(" < {}:{}", place.file, place.line)).collect();
        let reads: Vec<&str> = own.iter().flat_map(|part| &part.origin.reads).map(|read| &**read).collect();
        let (file, number) = (&origin.place.file, origin.place.line);
        lines.push(format!("{} | {file}:{number}{way} | {}", line.trim_end(), reads.join(" ")));
    }
    lines
}

#[test]
fn tells_file_line_and_values() {
    let main = "a: 1\nb: {{ .Values.image.tag }}\n{{- if .Values.on }}\nc: {{ print .Values.x .Values.y }}{{ end }}\n";
    let lines = explain(&[("main.yaml", main)], json!({"image": {"tag": "v1"}, "on": true, "x": 1, "y": null}));
    assert_eq!(
        lines,
        [
            "a: 1 | main.yaml:1 | ",
            "b: v1 | main.yaml:2 | .Values.image.tag",
            "c: 1 <nil> | main.yaml:4 | .Values.x .Values.y"
        ]
    );
}

#[test]
fn follows_includes_that_are_indented() {
    let helpers = "{{ define \"labels\" }}\napp: {{ .Values.name }}\ntier: web\n{{ end }}";
    let main = "metadata:\n  {{- include \"labels\" . | nindent 2 }}\n{{ template \"labels\" . }}";
    let lines = explain(&[("_h.tpl", helpers), ("main.yaml", main)], json!({"name": "n"}));
    assert_eq!(
        lines,
        [
            "metadata: | main.yaml:1 | ",
            " | main.yaml:2 | ",
            "  app: n | _h.tpl:2 < main.yaml:2 | .Values.name",
            "  tier: web | _h.tpl:3 < main.yaml:2 | ",
            " | main.yaml:2 | ",
            " | _h.tpl:1 < main.yaml:3 | ",
            "app: n | _h.tpl:2 < main.yaml:3 | .Values.name",
            "tier: web | _h.tpl:3 < main.yaml:3 | ",
        ]
    );
}

#[test]
fn knows_values_by_other_names() {
    let main = "{{ range .Values.hosts }}{{ . }}\n{{ end }}{{ with .Values.a }}{{ .b.c }}\n{{ end }}{{ $x := .Values.a }}{{ $x.b }}<no value>";
    let lines = explain(&[("main.yaml", main)], json!({"hosts": ["h"], "a": {"b": {"c": 1}}}));
    assert_eq!(
        lines,
        [
            "h | main.yaml:1 | .Values.hosts",
            "1 | main.yaml:2 | .Values.a.b.c .Values.a",
            "map[c:1] | main.yaml:3 | .Values.a.b"
        ]
    );
}

/// A condition in an included text of many lines says nothing about each of them; all that a single word was made of
/// counts for the line that shows it.
#[test]
fn knows_what_an_included_word_was_made_of() {
    let helpers = "{{ define \"tag\" }}{{ if .Values.pinned }}{{ .Values.tag }}{{ end }}{{ end }}\
                   {{ define \"block\" }}{{ if .Values.pinned }}a: 1\nb: {{ .Values.tag }}{{ end }}{{ end }}";
    let main = "tag: {{ include \"tag\" . | quote }}\n{{ include \"block\" . | indent 2 }}";
    let lines = explain(&[("_h.tpl", helpers), ("main.yaml", main)], json!({"pinned": true, "tag": "v1"}));
    assert_eq!(
        lines,
        [
            "tag: \"v1\" | main.yaml:1 | .Values.pinned .Values.tag",
            "  a: 1 | _h.tpl:1 < main.yaml:2 | ",
            "  b: v1 | _h.tpl:2 < main.yaml:2 | .Values.tag",
        ]
    );
}
