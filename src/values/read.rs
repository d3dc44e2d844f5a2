//! Texts of values: `values.yaml` of charts, files of `-f`.

use serde_json::Value;

use super::Values;
use crate::yaml;

/// Reads the documents of a text, later ones over earlier ones (`LoadValues` of helm/helm `pkg/chart/v2/loader/load.go`).
///
/// # Errors
/// Helm's words: `cannot unmarshal yaml document: …`, `error reading yaml document: …`.
pub fn from_yaml(text: &str) -> Result<Values, String> {
    let mut values = Values::new();
    for document in documents(text).map_err(|error| format!("error reading yaml document: {error}"))? {
        let table = table(document).map_err(|error| format!("cannot unmarshal yaml document: {error}"))?;
        merge(&mut values, table);
    }
    Ok(values)
}

/// As [`from_yaml`], from the bytes of a file.
///
/// # Errors
/// Those of [`from_yaml`], and `cannot unmarshal yaml document: …` for bytes that are no UTF-8.
pub fn from_bytes(data: &[u8]) -> Result<Values, String> {
    from_yaml(yaml::text(data).map_err(|error| format!("cannot unmarshal yaml document: {error}"))?)
}

/// Puts one table over another: tables merge, everything else replaces, null too.
pub fn merge(base: &mut Values, over: Values) {
    for (key, value) in over {
        match (base.get_mut(&key), value) {
            (Some(Value::Object(base)), Value::Object(over)) => merge(base, over),
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
}

/// Makes every number a float, as `json.Unmarshal` reads it.
pub fn make_floats(value: &mut Value) {
    match value {
        Value::Number(number) if !number.is_f64() => *value = number.as_f64().into(),
        Value::Array(items) => items.iter_mut().for_each(make_floats),
        Value::Object(entries) => entries.values_mut().for_each(make_floats),
        _ => {}
    }
}

/// Cuts at lines that begin with `---`, wherever they are, as `NewYAMLReader` of k8s.io/apimachinery does.
///
/// # Errors
/// Kubernetes' words for a separator with something behind it.
pub fn documents(text: &str) -> Result<Vec<&str>, String> {
    let mut documents = Vec::new();
    let mut start = 0;
    let mut end = 0;
    for line in text.split_inclusive('\n') {
        let next = end + line.len();
        if let Some(rest) = line.strip_prefix("---") {
            let rest = rest.trim();
            if !rest.is_empty() && !rest.starts_with('#') {
                return Err(format!("invalid Yaml document separator: {rest}"));
            }
            if end > start {
                documents.extend(text.get(start..end));
                start = next;
            }
        }
        end = next;
    }
    documents.extend(text.get(start..end));
    Ok(documents)
}

/// Reads a single document, `ReadValues` of helm/helm `pkg/chart/common/values.go`.
///
/// # Errors
/// Go's words.
pub fn table(document: &str) -> Result<Values, String> {
    let found = match yaml::from_str(document).map_err(|error| error.message)? {
        Value::Object(mut table) => {
            table.values_mut().for_each(make_floats);
            return Ok(table);
        }
        Value::Null => return Ok(Values::new()),
        Value::Array(_) => "array",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
    };
    let into = "Go value of type map[string]interface {}";
    Err(format!("error unmarshaling JSON: while decoding JSON: json: cannot unmarshal {found} into {into}"))
}
