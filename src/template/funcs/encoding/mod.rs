//! Values as YAML, JSON, TOML, base 64 and base 32, and back: Helm's functions (`pkg/engine/funcs.go`) where it has
//! its own, Sprig's else.

mod base;
mod json;
mod parse;
mod toml;
mod yaml;

pub(super) use base::bytes64;
pub(crate) use yaml::write as to_yaml;

use json::Style;

use super::date;
use crate::template::{
    Context, Fault, List, Map, Str, Value,
    func::{Function, function, with_context},
};

const COMPACT: Style = Style { html: true, pretty: false };
const PRETTY: Style = Style { html: true, pretty: true };
const RAW: Style = Style { html: false, pretty: false };

pub(crate) fn functions() -> Vec<(&'static str, Function)> {
    vec![
        ("toYaml", function(|value: Value| yaml::write(&value).unwrap_or_default())),
        ("mustToYaml", function(|value: Value| yaml::write(&value))),
        ("toYamlPretty", function(|value: Value| yaml::write_pretty(&value).unwrap_or_default())),
        ("fromYaml", function(|text: Str| or_error(from_yaml_map(&text)))),
        ("fromYamlArray", function(|text: Str| or_first(from_yaml_list(&text)))),
        ("toToml", function(|value: Value| toml::write_or_tell(&value))),
        ("mustToToml", function(|value: Value| toml::write(&value))),
        ("fromToml", with_context(from_toml)),
        ("toJson", function(|value: Value| json::write(&value, COMPACT).unwrap_or_default())),
        ("mustToJson", function(|value: Value| json::write(&value, COMPACT))),
        ("toPrettyJson", function(|value: Value| json::write(&value, PRETTY).unwrap_or_default())),
        ("mustToPrettyJson", function(|value: Value| json::write(&value, PRETTY))),
        ("toRawJson", function(|value: Value| json::write(&value, RAW))),
        ("mustToRawJson", function(|value: Value| json::write(&value, RAW))),
        ("fromJson", function(|text: Str| or_error(from_json_map(&text)))),
        ("fromJsonArray", function(|text: Str| or_first(from_json_list(&text)))),
        ("mustFromJson", function(|text: Str| parse::json(text.as_bytes()))),
        ("b64enc", function(base::encode64)),
        ("b64dec", function(base::decode64)),
        ("b32enc", function(base::encode32)),
        ("b32dec", function(base::decode32)),
    ]
}

/// A map, or one that holds the error under `Error`.
fn or_error(result: Result<Map, Fault>) -> Map {
    result.unwrap_or_else(|fault| {
        let map = Map::new();
        map.set("Error", fault.message.into());
        map
    })
}

/// A list, or one that holds the error.
fn or_first(result: Result<List, Fault>) -> List {
    result.unwrap_or_else(|fault| List::any(vec![fault.message.into()]))
}

/// What a JSON decoder says of a value of another type than wanted.
fn mismatch(value: &Value, wanted: &str) -> Fault {
    let found = match value {
        Value::Bool(_) => "bool",
        Value::Float64(_) => "number",
        Value::String(_) => "string",
        Value::List(_) => "array",
        _ => "object",
    };
    Fault::new(format!("json: cannot unmarshal {found} into Go value of type {wanted}"))
}

fn map(value: Value) -> Result<Map, Fault> {
    match value {
        Value::Map(map) => Ok(map),
        Value::Nil => Ok(Map::new()),
        other => Err(mismatch(&other, "map[string]interface {}")),
    }
}

fn list(value: Value) -> Result<List, Fault> {
    match value {
        Value::List(list) => Ok(list),
        Value::Nil => Ok(List { is_nil: true, ..List::any(Vec::new()) }),
        other => Err(mismatch(&other, "[]interface {}")),
    }
}

fn while_decoding(fault: Fault) -> Fault {
    Fault::new(format!("error unmarshaling JSON: while decoding JSON: {}", fault.message))
}

fn from_yaml_map(text: &Str) -> Result<Map, Fault> {
    map(yaml::read(text)?).map_err(while_decoding)
}

fn from_yaml_list(text: &Str) -> Result<List, Fault> {
    let list = list(yaml::read(text)?).map_err(while_decoding)?;
    // A null leaves the empty slice that stood there.
    Ok(List { is_nil: false, ..list })
}

/// Times without a zone are where the machine is.
fn from_toml(context: &mut Context<'_>, text: Str) -> Map {
    let offset = date::now(context).offset();
    or_error(toml::read(&text, &toml::Zones { local: date::local(context), offset }))
}

fn from_json_map(text: &Str) -> Result<Map, Fault> {
    map(parse::json(text.as_bytes())?)
}

fn from_json_list(text: &Str) -> Result<List, Fault> {
    list(parse::json(text.as_bytes())?)
}
