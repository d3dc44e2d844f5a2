//! The language against what Helm gave: each line of `language.jsonl`, `grammar.jsonl` and `functions.jsonl` is
//! `[template, values, mode, output]` or `[template, values, mode, null, error]`, taken from Helm's engine (v4.2.4,
//! Go 1.26) rendering a chart `c`. The template is its file `t`, or an object of several files; the mode is empty,
//! `strict` or `lint`. The first line holds the values of the many cases that have `null` for theirs.

use super::{Context, Json, Map, Nowhere, Options, Templates, Value};
use crate::template::Error;

fn files(template: &Json) -> Vec<(String, String)> {
    let text = |json: &Json| json.as_str().expect("a text").to_owned();
    let mut files = match template {
        Json::Object(files) => files.iter().map(|(name, template)| (format!("c/{name}"), text(template))).collect(),
        template => vec![("c/t".to_owned(), text(template))],
    };
    let order = |name: &str| (name.matches('/').count(), name.to_owned());
    files.sort_by_key(|(name, _)| std::cmp::Reverse(order(name)));
    files
}

fn data(values: &Json) -> Value {
    let named = |map| Map { type_name: "common.Values", ..map };
    let (root, template) = (named(Map::new()), named(Map::new()));
    let values = match Value::from_json_floats(values) {
        Value::Map(values) => named(values),
        _ => named(Map::new()),
    };
    template.set("Name", "c/t".into());
    template.set("BasePath", "c/templates".into());
    root.set("Template", template.into());
    root.set("Values", values.into());
    root.into()
}

pub(super) fn render(template: &Json, values: &Json, options: Options) -> Result<String, Error> {
    let mut templates = Templates::new();
    let sources: Vec<_> = files(template).into_iter().map(|(name, text)| (name.into(), text.into())).collect();
    templates.add(&sources)?;
    let output = Context::new(&templates, options, &Nowhere).execute("c/t", data(values))?;
    Ok(String::from_utf8_lossy(&output).into_owned())
}

#[test]
fn executes_as_helm_does() {
    check(include_str!("language.jsonl"));
}

#[test]
fn calls_functions_as_helm_does() {
    check(include_str!("functions.jsonl"));
}

#[test]
fn parses_as_helm_does() {
    check(include_str!("grammar.jsonl"));
}

/// Files of one text are parsed once: still each error names the file that Helm names, here the one it adds last.
#[test]
fn files_of_one_text_keep_their_names() {
    let library = r#"{{ define "x" }}{{ .Values.none.deep }}{{ end }}"#;
    let template = serde_json::json!({"t": r#"{{ include "x" . }}"#, "a/_x.tpl": library, "b/_x.tpl": library});
    let error = render(&template, &Json::Null, Options::default()).expect_err("nothing has no fields");
    let message = error.helm_message();
    assert!(message.contains("c/a/_x.tpl:1:"), "{message}");
    let broken = serde_json::json!({"t": "", "a/_x.tpl": "{{ end }}", "b/_x.tpl": "{{ end }}"});
    let message = render(&broken, &Json::Null, Options::default()).expect_err("there is nothing to end").helm_message();
    assert!(message.contains("c/b/_x.tpl:1)"), "{message}");
}

#[track_caller]
fn check(table: &str) {
    let mut differences = Vec::new();
    let mut lines = table.lines();
    let shared: Json = serde_json::from_str(lines.next().expect("values")).expect("a line of JSON");
    for line in lines {
        let case: Vec<Json> = serde_json::from_str(line).expect("a line of JSON");
        let mode = case[2].as_str().expect("a mode");
        let options = Options { strict: mode == "strict", lint: mode == "lint", record: false };
        let values = if case[1].is_null() { &shared } else { &case[1] };
        let got = match render(&case[0], values, options) {
            Ok(output) => vec![Json::from(output)],
            Err(error) => vec![Json::Null, error.helm_message().into()],
        };
        if got != case[3..] {
            let (helm, here) = (Json::from(&case[3..]), Json::from(got));
            differences.push(format!("{} {} {mode}\n  Helm {helm}\n  here {here}", case[0], case[1]));
        }
    }
    assert!(differences.is_empty(), "{} differ:\n{}", differences.len(), differences.join("\n"));
}
