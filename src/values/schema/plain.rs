//! What a value is in itself, without the schemas of its members (santhosh-tekuri/jsonschema 6, `validator.go`,
//! `kind/kind.go`), with what is said of it.

use serde_json::{Number, Value};

use super::{
    node::{Check, Limit},
    numbers,
};
use crate::template::fmt::quote as go_quote;

/// What is wrong with a value in itself. A quick run hears only that something is.
pub(super) fn problem(check: &Check<'_>, value: &Value, quick: bool) -> Option<String> {
    let problem =
        |is_wrong: bool, message: &dyn Fn() -> String| is_wrong.then(|| if quick { String::new() } else { message() });
    match (check, value) {
        (Check::Type(types), value) => {
            let name = type_name(value);
            let fits = types.contains(name) || (name == "number" && types.contains("integer") && is_integer(value));
            problem(!fits, &|| format!("got {name}, want {}", types.names()))
        }
        (Check::Const(want), value) => problem(!equal(value, want), &|| match want {
            Value::Array(_) | Value::Object(_) => "'const' failed".to_owned(),
            want => format!("value must be {}", display(want)),
        }),
        (Check::Enum(values), value) => {
            problem(!values.iter().any(|known| equal(known, value)), &|| one_of_text(values))
        }
        (Check::Format(name, format), Value::String(text)) => {
            let wrong = format(text).err()?;
            Some(format!("{} is not valid {name}: {wrong}", quote(text)))
        }
        (Check::MinLength(want), Value::String(text)) => below("minLength", text.chars().count(), *want),
        (Check::MaxLength(want), Value::String(text)) => above("maxLength", text.chars().count(), *want),
        (Check::Pattern(pattern), Value::String(text)) => problem(!pattern.is_match(text), &|| {
            format!("{} does not match pattern {}", quote(text), quote(pattern.text))
        }),
        (Check::Limit(limit, want), Value::Number(number)) => {
            let got = number.as_f64().unwrap_or_default();
            let (name, fits) = match limit {
                Limit::Minimum => ("minimum", got >= *want),
                Limit::Maximum => ("maximum", got <= *want),
                Limit::ExclusiveMinimum => ("exclusiveMinimum", got > *want),
                Limit::ExclusiveMaximum => ("exclusiveMaximum", got < *want),
                Limit::MultipleOf => ("multipleOf", numbers::is_multiple(got, *want)),
            };
            problem(!fits, &|| format!("{name}: got {}, want {}", numbers::float(got), numbers::float(*want)))
        }
        _ => None,
    }
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn is_integer(value: &Value) -> bool {
    value.as_f64().is_some_and(|number| number.fract() == 0.0)
}

/// Numbers are equal by what they are worth.
fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => equal_numbers(a, b),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| equal(a, b)))
        }
        (a, b) => a == b,
    }
}

fn equal_numbers(a: &Number, b: &Number) -> bool {
    match (a.as_i64(), b.as_i64()) {
        (Some(a), Some(b)) => a == b,
        _ => a.as_f64() == b.as_f64(),
    }
}

/// The first item that an earlier one equals.
pub(super) fn duplicates(list: &[Value]) -> Option<(usize, usize)> {
    let earlier = |(index, item): (usize, &Value)| {
        let first = list.iter().take(index).position(|other| equal(other, item))?;
        Some((first, index))
    };
    list.iter().enumerate().find_map(earlier)
}

pub(super) fn below(name: &str, got: usize, want: u64) -> Option<String> {
    ((got as u64) < want).then(|| counts(name, got, want))
}

pub(super) fn above(name: &str, got: usize, want: u64) -> Option<String> {
    ((got as u64) > want).then(|| counts(name, got, want))
}

fn counts(name: &str, got: usize, want: u64) -> String {
    format!("{name}: got {}, want {}", numbers::whole(got), numbers::whole(want))
}

pub(super) fn contained(name: &str, matched: &[usize], want: u64) -> String {
    let want = numbers::whole(want);
    if matched.is_empty() {
        return format!("{name} {want} items required to match contains schema, but none matched");
    }
    let places: Vec<String> = matched.iter().map(usize::to_string).collect();
    let (count, places) = (numbers::whole(matched.len()), places.join(" "));
    format!("{name} {want} items required to match contains schema, but matched {count} items at {places}")
}

fn one_of_text(values: &[Value]) -> String {
    if values.iter().any(|value| value.is_array() || value.is_object()) {
        return "'enum' failed".to_owned();
    }
    match values {
        [one] => format!("value must be {}", display(one)),
        _ => format!("value must be one of {}", values.iter().map(display).collect::<Vec<_>>().join(", ")),
    }
}

fn display(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::String(text) => quote(text),
        other => other.to_string(),
    }
}

pub(super) fn quoted(texts: &[&str]) -> String {
    texts.iter().map(|text| quote(text)).collect::<Vec<_>>().join(", ")
}

/// In single quotes, otherwise as Go quotes.
pub(super) fn quote(text: &str) -> String {
    let quoted = go_quote(text.as_bytes()).replace("\\\"", "\"").replace('\'', "\\'");
    let inner = quoted.strip_prefix('"').and_then(|inner| inner.strip_suffix('"')).unwrap_or(&quoted);
    format!("'{inner}'")
}
