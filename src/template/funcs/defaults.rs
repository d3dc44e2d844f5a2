//! Sprig's functions about emptiness.

use crate::template::{
    Value,
    func::{Function, Rest, function},
};

pub(crate) fn functions() -> Vec<(&'static str, Function)> {
    vec![
        ("default", function(default)),
        ("empty", function(|value: Value| is_empty(&value))),
        ("coalesce", function(coalesce)),
        ("all", function(|values: Rest<Value>| !values.0.iter().any(is_empty))),
        ("any", function(|values: Rest<Value>| !values.0.iter().all(is_empty))),
        ("ternary", function(|yes: Value, no: Value, choice: bool| if choice { yes } else { no })),
    ]
}

/// Sprig's `empty`: false, zero, nothing, or a collection or string without elements.
pub(super) fn is_empty(value: &Value) -> bool {
    !value.is_true()
}

fn default(default: Value, given: Rest<Value>) -> Value {
    given.0.into_iter().next().filter(|given| !is_empty(given)).unwrap_or(default)
}

fn coalesce(values: Rest<Value>) -> Value {
    values.0.into_iter().find(|value| !is_empty(value)).unwrap_or_default()
}
