//! Kubernetes' quantities, by value: `100m` is `0.1`, `1Gi` is `1024Mi` (apimachinery `api/resource/quantity.go`).

use serde_json::Value;

/// Whether both are quantities of the same value.
pub(super) fn same(a: &Value, b: &Value) -> bool {
    match (value(a), value(b)) {
        // The fractions of `m`, `u` and `n` are not exact in binary.
        (Some(a), Some(b)) => (a - b).abs() <= a.abs().max(b.abs()) * 1e-12,
        _ => false,
    }
}

fn value(quantity: &Value) -> Option<f64> {
    match quantity {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => parse(text),
        _ => None,
    }
}

fn parse(text: &str) -> Option<f64> {
    if !text.ends_with(|last: char| last.is_ascii_alphabetic()) {
        return number(text);
    }
    let digits = text.trim_end_matches(|last: char| last.is_ascii_alphabetic());
    let scale = match &text[digits.len()..] {
        "n" => return Some(number(digits)? / 1e9),
        "u" => return Some(number(digits)? / 1e6),
        "m" => return Some(number(digits)? / 1e3),
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        "P" => 1e15,
        "E" => 1e18,
        "Ki" => 1024.0,
        "Mi" => 1024f64.powi(2),
        "Gi" => 1024f64.powi(3),
        "Ti" => 1024f64.powi(4),
        "Pi" => 1024f64.powi(5),
        "Ei" => 1024f64.powi(6),
        _ => return None,
    };
    Some(number(digits)? * scale)
}

fn number(text: &str) -> Option<f64> {
    let shaped = text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
    text.parse().ok().filter(|_| shaped)
}
