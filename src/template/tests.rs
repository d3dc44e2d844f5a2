//! Functions against what Go gave: each line of `tests/*.jsonl` is `[function, arguments, result]` or
//! `[function, arguments, null, error]`, taken from templates that real Helm's functions (v4.2.4, Go 1.26) executed.
//! JSON's own types stand for nil, `bool`, `string` and `[]interface {}`; `{"float64": "1e+06"}`, `{"map": {…}}` and the
//! like for the rest, so that types are compared as well.

mod language;
mod limits;
mod provenance;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value as Json, json};

use super::{Context, Env, Fault, List, Map, Options, Str, Templates, Value, funcs, value::ANY_MAP};

struct Nowhere;

impl Env for Nowhere {
    fn now(&self) -> i128 {
        0
    }
    fn random(&self, _: &mut [u8]) {}
}

/// Runs a table, and tells all that differ at once.
#[track_caller]
fn check(table: &str) {
    let functions: std::collections::HashMap<_, _> = funcs::all().collect();
    let templates = Templates::new();
    let mut differences = Vec::new();
    for line in table.lines() {
        let case: Vec<Json> = serde_json::from_str(line).expect("a line of JSON");
        let name = case[0].as_str().expect("a function's name");
        let arguments: Vec<Value> = case[1].as_array().expect("arguments").iter().map(decode).collect();
        let mut context = Context::new(&templates, Options::default(), &Nowhere);
        let body = &functions.get(name).expect(name).body;
        let (got, expected) = match body(&mut context, &arguments) {
            Ok(value) => (json!([encode(&value)]), json!(&case[2..])),
            Err(Fault { message, .. }) => (json!([null, message]), json!(&case[2..])),
        };
        if got != expected {
            differences.push(format!("{name} {}\n  Go   {expected}\n  here {got}", case[1]));
        }
    }
    assert!(differences.is_empty(), "{} differ:\n{}", differences.len(), differences.join("\n"));
}

fn decode(json: &Json) -> Value {
    let text = |json: &Json| json.as_str().expect("a text").to_owned();
    let bytes = |json: &Json| STANDARD.decode(text(json)).expect("base 64");
    match json {
        Json::Array(items) => List::any(items.iter().map(decode).collect()).into(),
        Json::Object(tagged) => {
            let (tag, content) = tagged.iter().next().expect("a type");
            match tag.as_str() {
                "int" => Value::Int(text(content).parse().expect("an int")),
                "int64" => Value::Int64(text(content).parse().expect("an int64")),
                "int32" => Value::Int32(text(content).parse().expect("an int32")),
                "uint8" => Value::Uint8(text(content).parse().expect("a byte")),
                "uint64" => Value::Uint64(text(content).parse().expect("a uint64")),
                "float64" => Value::Float64(text(content).parse().expect("a float64")),
                "raw" => Str::from_bytes(bytes(content)).into(),
                "bytes" => {
                    let items = bytes(content).into_iter().map(Value::Uint8).collect();
                    List { element: "uint8", items, is_nil: false }.into()
                }
                "nil" => List { is_nil: true, ..List::any(Vec::new()) }.into(),
                "strings" => List::strings(content.as_array().expect("strings").iter().map(decode)).into(),
                "map" => {
                    let map = Map::new();
                    for (key, value) in content.as_object().expect("a map") {
                        map.set(key.as_str(), decode(value));
                    }
                    map.into()
                }
                other => panic!("unknown type {other}"),
            }
        }
        plain => Value::from_json(plain),
    }
}

fn int(value: &Value) -> i64 {
    if let Value::Int(number) = value { *number } else { panic!("not an int") }
}

fn encode(value: &Value) -> Json {
    match value {
        Value::Nil => Json::Null,
        Value::Bool(value) => json!(value),
        Value::Int(value) => json!({"int": value.to_string()}),
        Value::Int64(value) => json!({"int64": value.to_string()}),
        Value::Int32(value) => json!({"int32": value.to_string()}),
        Value::Uint8(value) => json!({"uint8": value.to_string()}),
        Value::Uint64(value) => json!({"uint64": value.to_string()}),
        Value::Float64(value) => json!({"float64": super::fmt::shortest(*value)}),
        Value::String(Str::Text(text)) => json!(**text),
        Value::String(Str::Raw(bytes)) => json!({"raw": STANDARD.encode(bytes)}),
        Value::List(List { is_nil: true, element, .. }) => json!({"nil": element}),
        Value::List(list) => match (value.bytes(), list.items.iter().map(encode).collect::<Vec<_>>()) {
            (Some(bytes), _) => json!({"bytes": STANDARD.encode(bytes)}),
            (None, items) => match list.element {
                "string" => json!({"strings": items}),
                "int" => json!({"ints": list.items.iter().map(int).collect::<Vec<_>>()}),
                ANY_MAP => json!({"maps": items}),
                "[]interface {}" => json!({"lists": items}),
                _ => json!(items),
            },
        },
        Value::Map(map) => {
            let entries: serde_json::Map<_, _> =
                map.snapshot().iter().map(|(key, value)| (key.to_string(), encode(value))).collect();
            json!({if map.type_name == ANY_MAP { "map" } else { map.type_name }: entries})
        }
        Value::Object(object) => json!({"other": format!("{} {}", object.type_name(), object.display())}),
    }
}

#[test]
fn prints_as_go() {
    check(include_str!("tests/fmt.jsonl"));
}

#[test]
fn compares_indexes_and_escapes_as_go() {
    check(include_str!("tests/builtin.jsonl"));
}

#[test]
fn base_64_and_32_as_go() {
    check(include_str!("tests/base.jsonl"));
}

#[test]
fn json_as_go() {
    check(include_str!("tests/json.jsonl"));
}

#[test]
fn yaml_as_go() {
    check(include_str!("tests/yaml.jsonl"));
}

#[test]
fn pretty_yaml_as_go() {
    check(include_str!("tests/pretty.jsonl"));
}

#[test]
fn strings_as_go() {
    check(include_str!("tests/strings.jsonl"));
}

#[test]
fn lists_as_go() {
    check(include_str!("tests/lists.jsonl"));
}

#[test]
fn maps_as_go() {
    check(include_str!("tests/dicts.jsonl"));
}

#[test]
fn defaults_types_numbers_paths_and_urls_as_go() {
    check(include_str!("tests/values.jsonl"));
}

#[test]
fn regular_expressions_as_go() {
    check(include_str!("tests/regex.jsonl"));
}

#[test]
fn semantic_versions_as_go() {
    check(include_str!("tests/semver.jsonl"));
}

#[test]
fn sums_and_derives_as_go() {
    check(include_str!("tests/crypto.jsonl"));
}

#[test]
fn toml_as_go() {
    check(include_str!("tests/toml.jsonl"));
}

#[test]
fn reads_toml_as_go() {
    check(include_str!("tests/from_toml.jsonl"));
}

/// `names.txt` lists the functions that Helm's engine registers, and Go's own.
#[test]
fn accepts_every_function_that_helm_accepts() {
    let names: Vec<&str> = include_str!("tests/names.txt").lines().collect();
    let templates = Templates::new();
    let is_missing = |name: &&&str| !templates.names.contains_key(name.as_bytes());
    let missing: Vec<&&str> = names.iter().filter(is_missing).collect();
    assert!(missing.is_empty(), "missing: {missing:?}");
    let known = templates.names.keys().map(|name| str::from_utf8(name).expect("a name"));
    let unknown: Vec<&str> = known.filter(|name| !names.contains(name)).collect();
    assert!(unknown.is_empty(), "Helm has no {unknown:?}");
}
