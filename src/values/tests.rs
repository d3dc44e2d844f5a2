//! Against what Helm says: tables of cases beside this file, with outcomes that Helm 4.2.4 gave.

use serde_json::Value;

use super::{Import, Options, Origins, Tree, Values, schema};

/// `options.jsonl`: the flags of values, merged by `Options.MergeValues` of helm/helm `pkg/cli/values`, whole numbers that
/// are `int64` printed without an exponent and floats with one.
#[test]
fn merges_what_flags_say() {
    let mut wrong = Vec::new();
    for line in include_str!("tests/options.jsonl").lines() {
        let case: Value = serde_json::from_str(line).expect("a case is JSON");
        let texts = |key: &str| -> Vec<String> {
            let items = case[key].as_array().map(Vec::as_slice).unwrap_or_default();
            items.iter().filter_map(Value::as_str).map(str::to_owned).collect()
        };
        let options = Options {
            files: texts("files"),
            set: texts("set"),
            set_string: texts("set_string"),
            set_file: texts("set_file"),
            set_json: texts("set_json"),
            set_literal: texts("set_literal"),
        };
        let mut read = |path: &str| match case["data"][path].as_str() {
            Some(text) => Ok(text.as_bytes().to_vec()),
            None => Err(format!("open {path}: no such file or directory")),
        };
        let found = options.merge(&mut read);
        let expected = match case["error"].as_str() {
            Some(error) => Err(error.to_owned()),
            None => Ok(case["out"].as_object().cloned().unwrap_or_default()),
        };
        if found != expected {
            wrong.push(format!("{line}\n  found {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} cases differ from Helm:\n{}", wrong.len(), wrong.join("\n"));
}

/// A chart that has a schema and nothing else.
struct Schema(Vec<u8>);

impl Tree for Schema {
    fn name(&self) -> &str {
        "chart"
    }

    fn values(&self) -> &Values {
        unreachable!("only its schema is asked for")
    }

    fn schema(&self) -> Option<&[u8]> {
        Some(&self.0)
    }

    fn dependencies(&self) -> &[Self] {
        &[]
    }
}

/// `schema.jsonl`: schemas and values, with what `ValidateAgainstSingleSchema` of helm/helm
/// `pkg/chart/common/util` said in ten runs out of ten.
#[test]
fn checks_schemas() {
    let load: schema::Load<'_> = &|url: &str| match url.strip_prefix("file://") {
        Some(path) => Err(format!("open {path}: no such file or directory")),
        None => Err(format!(
            "HTTP request failed for {url}: Get \"{url}\": dial tcp 127.0.0.1:1: connect: connection refused"
        )),
    };
    let mut wrong = Vec::new();
    for line in include_str!("tests/schema.jsonl").lines() {
        let case: Value = serde_json::from_str(line).expect("a case is JSON");
        let chart = Schema(case["schema"].to_string().into_bytes());
        let found = schema::check(&chart, &case["values"], load, &mut Vec::new()).err().unwrap_or_default();
        let found = found.strip_prefix("chart:\n").unwrap_or(&found);
        if Some(found) != case["error"].as_str() {
            wrong.push(format!("{line}\n  found {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} cases differ from Helm:\n{}", wrong.len(), wrong.join("\n"));
}

/// A chart of `values.yaml` and sub-charts.
struct Defaults {
    name: &'static str,
    text: &'static str,
    imports: Vec<Import>,
    sub_charts: Vec<Defaults>,
}

impl Tree for Defaults {
    fn name(&self) -> &str {
        self.name
    }

    fn values(&self) -> &Values {
        unreachable!("only its text is asked for")
    }

    fn schema(&self) -> Option<&[u8]> {
        None
    }

    fn values_text(&self) -> Option<&[u8]> {
        Some(self.text.as_bytes())
    }

    fn imports(&self) -> Vec<Import> {
        self.imports.clone()
    }

    fn dependencies(&self) -> &[Self] {
        &self.sub_charts
    }
}

#[test]
fn tells_where_values_come_from() {
    let import = Import { chart: "sub".to_owned(), child: "data.inner".to_owned(), parent: "mine".to_owned() };
    let sub =
        "image: {tag: v1, name: x}\nglobal:\n  own: 1\n  shared: 1\ndata:\n  inner:\n    deep: 1\nlist:\n- a\n- b: 1\n";
    let sub = Defaults { name: "sub", text: sub, imports: Vec::new(), sub_charts: Vec::new() };
    let text = "# A comment\nbase: &base\n  cpu: 1\nmore:\n  <<: *base\n  memory: 2\nsub:\n  image:\n    tag: v2\nglobal:\n  shared: 2\ngone: {a: 1}\n---\nlate: 1\n";
    let chart = Defaults { name: "top", text, imports: vec![import], sub_charts: vec![sub] };
    let options = Options {
        files: vec!["a.yaml".to_owned(), "b.yaml".to_owned()],
        set: vec!["x.y=1,servers[1].port=80".to_owned()],
        set_json: vec![r#"{"j": {"k": 1}}"#.to_owned()],
        ..Options::default()
    };
    let mut read = |path: &str| match path {
        "a.yaml" => Ok(b"x:\n  y: 0\n  z: 0\nservers:\n- port: 1\n- port: 2\n".to_vec()),
        _ => Ok(b"\n\nx: {z: 1}\ngone: null\n".to_vec()),
    };
    let origins = Origins::new(&options, &mut read, &chart);
    for (path, expected) in [
        ("x.y", Some("--set x.y")),
        ("x.z", Some("b.yaml:3")),
        ("servers.1.port", Some("--set servers.1.port")),
        ("servers.0.port", Some("a.yaml:5")),
        ("j.k", Some("--set-json j.k")),
        ("base.cpu", Some("values.yaml:3")),
        ("more.cpu", Some("values.yaml:3")),
        ("more.memory", Some("values.yaml:6")),
        ("late", Some("values.yaml:14")),
        ("gone", Some("b.yaml:4")),
        ("gone.a", None),
        ("sub.image.tag", Some("values.yaml:9")),
        ("sub.image.name", Some("charts/sub/values.yaml:1")),
        ("sub.list.1.b", Some("charts/sub/values.yaml:10")),
        ("sub.global.own", Some("charts/sub/values.yaml:3")),
        ("sub.global.shared", Some("values.yaml:11")),
        ("mine.deep", Some("charts/sub/values.yaml:7")),
        ("nowhere", None),
        ("", None),
    ] {
        let keys: Vec<&str> = path.split('.').collect();
        let found = origins.of(&keys).map(|origin| origin.to_string());
        assert_eq!(found.as_deref(), expected, "{path}");
    }
}

/// Files of `-f` with these bytes, and what `helm template -f` said of them.
#[test]
fn refuses_what_is_no_text() {
    for (data, expected) in [
        (b"a: b\xff\n".as_slice(), "invalid leading UTF-8 octet"),
        (b"a: 1\nb: \xc3\x28\n", "invalid trailing UTF-8 octet"),
        (b"x: 1\n# c\nb: \"\xe2\x82\"\n", "invalid trailing UTF-8 octet"),
        (b"\xff\xfea\x00:\x00 \x001\x00\n\x00", "incomplete UTF-16 character"),
        (b"\xfe\xff\x00a\x00:\x00 \x001", "incomplete UTF-16 character"),
        (b"a: \xed\xa0\x80\n", "invalid Unicode character"),
        (b"a: \xf5\x80\x80\x80\n", "invalid Unicode character"),
        (b"a: \xc0\x80\n", "invalid length of a UTF-8 sequence"),
        (b"a: x\x01y\n", "control characters are not allowed"),
        (b"\xc3\x28", "invalid trailing UTF-8 octet"),
    ] {
        let options = Options { files: vec!["a.yaml".to_owned()], ..Options::default() };
        let found = options.merge(&mut |_| Ok(data.to_vec())).expect_err("not text");
        let words = "failed to parse a.yaml: cannot unmarshal yaml document: error converting YAML to JSON: yaml:";
        assert_eq!(found, format!("{words} {expected}"));
    }
}
