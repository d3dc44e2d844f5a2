//! Kubernetes' quantities, by value: `100m` is `0.1`, `1Gi` is `1024Mi` (apimachinery `api/resource/quantity.go`).

use serde_json::Value;

use crate::manifest;

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
        Value::String(text) => manifest::quantity(text),
        _ => None,
    }
}
