//! Sprig's questions about types: what `%T` and `reflect.Kind` say, and `reflect.DeepEqual`.

use std::rc::Rc;

use crate::template::{
    Str, Value,
    func::{Function, function},
};

/// How deep values are compared or copied; only a map that holds itself is deeper.
pub(super) const MAX_DEPTH: usize = 1000;

pub(crate) fn functions() -> Vec<(&'static str, Function)> {
    vec![
        ("typeOf", function(|value: Value| value.type_name().into_owned())),
        ("typeIs", function(|target: Str, value: Value| target.to_text() == value.type_name())),
        ("typeIsLike", function(type_is_like)),
        ("kindOf", function(|value: Value| value.kind())),
        ("kindIs", function(|target: Str, value: Value| target.to_text() == value.kind())),
        ("deepEqual", function(|one: Value, other: Value| deep_equal(&one, &other))),
    ]
}

fn type_is_like(target: Str, value: Value) -> bool {
    let (target, name) = (target.to_text(), value.type_name());
    target == name || name.strip_prefix('*') == Some(&*target)
}

/// Go's `reflect.DeepEqual`: types count, and a nil slice is no empty one.
pub(super) fn deep_equal(one: &Value, other: &Value) -> bool {
    equal_within(one, other, MAX_DEPTH)
}

fn equal_within(one: &Value, other: &Value, depth: usize) -> bool {
    let Some(depth) = depth.checked_sub(1) else {
        // As Go, which takes for equal what it is comparing already.
        return true;
    };
    match (one, other) {
        (Value::Nil, Value::Nil) => true,
        (Value::Bool(one), Value::Bool(other)) => one == other,
        (Value::Int(one), Value::Int(other)) | (Value::Int64(one), Value::Int64(other)) => one == other,
        (Value::Int32(one), Value::Int32(other)) => one == other,
        (Value::Uint8(one), Value::Uint8(other)) => one == other,
        (Value::Uint64(one), Value::Uint64(other)) => one == other,
        (Value::Float64(one), Value::Float64(other)) => one == other,
        (Value::String(one), Value::String(other)) => one == other,
        (Value::List(one), Value::List(other)) => {
            one.element == other.element
                && one.is_nil == other.is_nil
                && one.items.len() == other.items.len()
                && (one.items.is_same(&other.items)
                    || one.items.iter().zip(&*other.items).all(|(one, other)| equal_within(one, other, depth)))
        }
        (Value::Map(one), Value::Map(other)) => {
            if one.type_name != other.type_name {
                return false;
            }
            if Rc::ptr_eq(&one.entries, &other.entries) {
                return true;
            }
            let (one, other) = (one.entries.borrow(), other.entries.borrow());
            one.len() == other.len()
                && one.iter().zip(other.iter()).all(|((key, value), (other_key, other_value))| {
                    key == other_key && equal_within(value, other_value, depth)
                })
        }
        (Value::Object(one), Value::Object(other)) => {
            Rc::ptr_eq(one, other) || (one.type_name() == other.type_name() && one.display() == other.display())
        }
        _ => false,
    }
}
