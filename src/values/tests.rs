//! Against what Helm says: tables of cases beside this file, with outcomes that Helm 4.2.4 gave.

use serde_json::Value;

use super::{Options, Tree, Values, schema};

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
