//! Go's own functions (`text/template/funcs.go`), except `and` and `or`, which the evaluator
//! short-circuits, and `slice`, which is Sprig's.

use std::rc::Rc;

use crate::template::{
    Fault, Map, Str, Value, fmt,
    func::{Function, Rest, function},
};

pub(crate) fn functions() -> Vec<(&'static str, Function)> {
    vec![
        ("eq", function(|first: Value, others: Rest<Value>| eq(&first, &others.0))),
        ("ne", function(|a: Value, b: Value| eq(&a, &[b]).map(|equal| !equal))),
        ("lt", function(|a: Value, b: Value| lt(&a, &b))),
        ("le", function(|a: Value, b: Value| le(&a, &b))),
        ("gt", function(|a: Value, b: Value| le(&a, &b).map(|le| !le))),
        ("ge", function(|a: Value, b: Value| lt(&a, &b).map(|lt| !lt))),
        ("not", function(|value: Value| !value.is_true())),
        ("len", function(length)),
        ("index", function(index)),
        ("print", function(|values: Rest<Value>| fmt::sprint(&values.0))),
        ("println", function(|values: Rest<Value>| fmt::sprintln(&values.0))),
        ("printf", function(|format: Str, values: Rest<Value>| fmt::sprintf(&format, &values.0))),
        ("html", function(|values: Rest<Value>| html(printed(&values.0)))),
        ("js", function(|values: Rest<Value>| js(printed(&values.0)))),
        ("urlquery", function(|values: Rest<Value>| url_query(printed(&values.0)))),
    ]
}

/// Why `call` fails: no value of a chart is a function. `name` is the source of the first argument.
pub(crate) fn call(name: &str, callee: &Value) -> Fault {
    match callee {
        Value::Nil => Fault::new("call of nil"),
        _ => Fault::new(format!("non-function {name} of type {}", callee.type_name())),
    }
}

/// What Go's comparisons see in a value.
enum Basic {
    Bool(bool),
    Int(i64),
    Uint(u64),
    Float(f64),
    String(Str),
    None,
}

impl Basic {
    fn of(value: &Value) -> Self {
        match value {
            Value::Bool(value) => Self::Bool(*value),
            Value::Int(value) | Value::Int64(value) => Self::Int(*value),
            Value::Int32(value) => Self::Int(i64::from(*value)),
            Value::Uint8(value) => Self::Uint(u64::from(*value)),
            Value::Uint64(value) => Self::Uint(*value),
            Value::Float64(value) => Self::Float(*value),
            Value::String(value) => Self::String(value.clone()),
            Value::Object(object) if !matches!(object.kind(), "ptr" | "struct" | "map" | "slice") => {
                match object.underlying() {
                    Value::Object(_) => Self::None,
                    plain => Self::of(&plain),
                }
            }
            _ => Self::None,
        }
    }
}

fn incompatible(a: &Value, b: &Value) -> Fault {
    Fault::new(format!("incompatible types for comparison: {} and {}", a.type_name(), b.type_name()))
}

/// `a == b || a == c || …`.
pub(crate) fn eq(first: &Value, others: &[Value]) -> Result<bool, Fault> {
    if others.is_empty() {
        return Err(Fault::new("missing argument for comparison"));
    }
    for other in others {
        if equal(first, other)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn equal(a: &Value, b: &Value) -> Result<bool, Fault> {
    Ok(match (Basic::of(a), Basic::of(b)) {
        (Basic::Bool(a), Basic::Bool(b)) => a == b,
        (Basic::Int(a), Basic::Int(b)) => a == b,
        (Basic::Uint(a), Basic::Uint(b)) => a == b,
        (Basic::Float(a), Basic::Float(b)) => a == b,
        (Basic::String(a), Basic::String(b)) => a == b,
        (Basic::Int(int), Basic::Uint(uint)) | (Basic::Uint(uint), Basic::Int(int)) => u64::try_from(int) == Ok(uint),
        (Basic::None, Basic::None) => return equal_references(a, b),
        _ if matches!(a, Value::Nil) || matches!(b, Value::Nil) => false,
        _ => return Err(incompatible(a, b)),
    })
}

/// Nil, maps, slices, structs and pointers.
fn equal_references(a: &Value, b: &Value) -> Result<bool, Fault> {
    let is_nil = |value: &Value| match value {
        Value::Nil => true,
        Value::List(list) => list.is_nil,
        _ => false,
    };
    let shown =
        |value: &Value, verb: &str| fmt::sprintf(&verb.into(), std::slice::from_ref(value)).to_text().into_owned();
    if a.kind() != b.kind() && !matches!((a, b), (Value::Nil, _) | (_, Value::Nil)) {
        return Err(Fault::new(format!(
            "non-comparable types {}: {}, {}: {}",
            shown(a, "%s"),
            a.type_name(),
            b.type_name(),
            shown(b, "%v")
        )));
    }
    if is_nil(a) || is_nil(b) {
        return Ok(is_nil(a) == is_nil(b));
    }
    match (a, b) {
        (Value::Object(a), Value::Object(b)) if a.kind() == "ptr" => Ok(Rc::ptr_eq(a, b)),
        (Value::Object(a), Value::Object(b)) if a.kind() == "struct" => {
            Ok(a.type_name() == b.type_name() && a.display() == b.display())
        }
        _ => Err(Fault::new(format!("non-comparable type {}: {}", shown(b, "%s"), b.type_name()))),
    }
}

fn lt(a: &Value, b: &Value) -> Result<bool, Fault> {
    let invalid = || Fault::new("invalid type for comparison");
    Ok(match (Basic::of(a), Basic::of(b)) {
        (Basic::None, _) | (_, Basic::None) | (Basic::Bool(_), Basic::Bool(_)) => return Err(invalid()),
        (Basic::Int(a), Basic::Int(b)) => a < b,
        (Basic::Uint(a), Basic::Uint(b)) => a < b,
        (Basic::Float(a), Basic::Float(b)) => a < b,
        (Basic::String(a), Basic::String(b)) => a.as_bytes() < b.as_bytes(),
        (Basic::Int(a), Basic::Uint(b)) => u64::try_from(a).is_ok_and(|a| a < b) || a < 0,
        (Basic::Uint(a), Basic::Int(b)) => u64::try_from(b).is_ok_and(|b| a < b),
        _ => return Err(incompatible(a, b)),
    })
}

fn le(a: &Value, b: &Value) -> Result<bool, Fault> {
    Ok(lt(a, b)? || equal(a, b)?)
}

fn length(value: Value) -> Result<Value, Fault> {
    let length = match plain(&value) {
        Value::String(text) => text.as_bytes().len(),
        Value::List(list) => list.items.len(),
        Value::Map(map) => map.len(),
        Value::Nil => return Err(Fault::new("len of nil pointer")),
        _ => return Err(Fault::new(format!("len of type {}", value.type_name()))),
    };
    Ok(Value::Int(length as i64))
}

/// The collection under a named type; a pointer or a struct is none.
fn plain(value: &Value) -> Value {
    match value {
        Value::Object(object) if matches!(object.kind(), "map" | "slice" | "string") => object.underlying(),
        other => other.clone(),
    }
}

/// A value as an index of something with so many elements.
fn position(index: &Value, length: usize) -> Result<usize, Fault> {
    let number = match Basic::of(index) {
        Basic::Int(number) => number,
        Basic::Uint(number) => number as i64,
        _ if matches!(index, Value::Nil) => return Err(Fault::new("cannot index slice/array with nil")),
        _ => return Err(Fault::new(format!("cannot index slice/array with type {}", index.type_name()))),
    };
    let position = usize::try_from(number).ok().filter(|position| *position <= length);
    position.ok_or_else(|| Fault::new(format!("index out of range: {number}")))
}

fn index(item: Value, indexes: Rest<Value>) -> Result<Value, Fault> {
    if matches!(item, Value::Nil) {
        return Err(Fault::new("index of untyped nil"));
    }
    indexes.0.iter().try_fold(item, |item, index| match plain(&item) {
        Value::String(text) => {
            let byte = text.as_bytes().get(position(index, text.as_bytes().len())?).copied();
            byte.map(Value::Uint8).ok_or_else(|| Fault::new("reflect: string index out of range"))
        }
        Value::List(list) => {
            let element = list.items.get(position(index, list.items.len())?).cloned();
            element.ok_or_else(|| Fault::new("reflect: slice index out of range"))
        }
        Value::Map(map) => entry(&map, index),
        Value::Nil => Err(Fault::new("index of nil pointer")),
        _ => Err(Fault::new(format!("can't index item of type {}", item.type_name()))),
    })
}

fn entry(map: &Map, key: &Value) -> Result<Value, Fault> {
    match key {
        Value::String(key) => Ok(map.get(&key.to_text()).unwrap_or_else(|| match map.type_name {
            "map[string]string" => "".into(),
            _ => Value::Nil,
        })),
        Value::Nil => Err(Fault::new("value is nil; should be of type string")),
        _ => Err(Fault::new(format!("value has type {}; should be string", key.type_name()))),
    }
}

/// The arguments of an escaping function as text: alone, or as `print` joins them.
fn printed(values: &[Value]) -> Str {
    if let [Value::String(text)] = values {
        return text.clone();
    }
    let shown: Vec<Value> = values
        .iter()
        .map(|value| match value {
            Value::Nil => "<no value>".into(),
            other => other.clone(),
        })
        .collect();
    fmt::sprint(&shown)
}

fn html(text: Str) -> Str {
    let mut out = Vec::with_capacity(text.as_bytes().len());
    for byte in text.as_bytes() {
        match byte {
            0 => out.extend("\u{fffd}".bytes()),
            b'"' => out.extend(b"&#34;"),
            b'\'' => out.extend(b"&#39;"),
            b'&' => out.extend(b"&amp;"),
            b'<' => out.extend(b"&lt;"),
            b'>' => out.extend(b"&gt;"),
            other => out.push(*other),
        }
    }
    Str::from_bytes(out)
}

fn js(text: Str) -> Str {
    let mut out = Vec::with_capacity(text.as_bytes().len());
    for chunk in text.as_bytes().utf8_chunks() {
        for char in chunk.valid().chars() {
            let escaped = match char {
                '\\' | '\'' | '"' => format!("\\{char}"),
                '<' | '>' | '&' | '=' | '\0'..='\x1f' => format!("\\u{:04X}", u32::from(char)),
                _ if char.is_ascii() || fmt::is_print(char) => {
                    out.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
                    continue;
                }
                _ => format!("\\u{:04X}", u32::from(char)),
            };
            out.extend_from_slice(escaped.as_bytes());
        }
        out.extend_from_slice(chunk.invalid());
    }
    Str::from_bytes(out)
}

/// `url.QueryEscape`.
fn url_query(text: Str) -> String {
    let mut out = String::with_capacity(text.as_bytes().len());
    for byte in text.as_bytes() {
        match byte {
            b' ' => out.push('+'),
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(*byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}
