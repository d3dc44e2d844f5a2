//! Numbers as Go prints them: `strconv.FormatFloat` with `g`, and the numbers of `encoding/json`.

use serde_json::Number;

/// `strconv.FormatFloat(value, 'g', -1, 64)` for finite values: `1e+06`, `0.5`, `1e-05`.
pub(super) fn format_float(value: f64) -> String {
    from_scientific(&format!("{value:e}"), &format!("{value}"))
}

/// As [`format_float`], with infinities and NaN as YAML has them: go-yaml v3's floats.
pub(super) fn format_v3(value: f64) -> String {
    match value {
        _ if value.is_nan() => ".nan".to_owned(),
        f64::INFINITY => ".inf".to_owned(),
        f64::NEG_INFINITY => "-.inf".to_owned(),
        _ => format_float(value),
    }
}

/// `strconv.FormatFloat(value, 'g', -1, 32)`, which sigs.k8s.io/yaml uses for keys, infinities and NaN as YAML.
pub(super) fn format_key(value: f64) -> String {
    let value = value as f32;
    match value {
        _ if value.is_nan() => ".nan".to_owned(),
        f32::INFINITY => ".inf".to_owned(),
        f32::NEG_INFINITY => "-.inf".to_owned(),
        _ => from_scientific(&format!("{value:e}"), &format!("{value}")),
    }
}

/// Chooses between `d.ddde±dd` and plain decimals as Go's `%g` with shortest digits does.
fn from_scientific(scientific: &str, decimal: &str) -> String {
    let (digits, exponent) = scientific.split_once('e').unwrap_or((scientific, "0"));
    match exponent.parse::<i32>() {
        Ok(exponent) if !(-4..6).contains(&exponent) => {
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{digits}e{sign}{:02}", exponent.abs())
        }
        _ => decimal.to_owned(),
    }
}

/// The JSON number that `encoding/json` writes for a float, read back: whole floats become integers.
/// `None` for infinities and NaN, which JSON does not have.
pub(super) fn json(value: f64) -> Option<Number> {
    if !value.is_finite() {
        return None;
    }
    // Rust prints the shortest digits without an exponent, as Go's JSON does below 1e21.
    let text = format!("{value}");
    if let Ok(integer) = text.parse::<i64>() {
        return Some(integer.into());
    }
    match text.parse::<u64>() {
        Ok(integer) => Some(integer.into()),
        Err(_) => Number::from_f64(value),
    }
}

/// Go's name of a number that JSON does not have.
pub(super) fn infinity(value: f64) -> &'static str {
    match value {
        f64::INFINITY => "+Inf",
        f64::NEG_INFINITY => "-Inf",
        _ => "NaN",
    }
}
