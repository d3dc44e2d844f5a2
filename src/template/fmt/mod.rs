//! Go's package `fmt` for the values of templates: `Sprint`, `Sprintln`, `Sprintf`, and what an action prints.

mod float;
mod format;
mod printer;
mod quote;

pub(crate) use float::shortest;
pub(crate) use quote::{is_print, quote, quoted_rune};

use super::{Str, Value};
use printer::Printer;

/// Appends what `{{ value }}` prints.
pub(crate) fn print(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::String(text) => out.extend_from_slice(text.as_bytes()),
        Value::Nil => out.extend_from_slice(b"<no value>"),
        // A pointer is followed before it is printed.
        Value::Object(object) if object.kind() == "ptr" => {
            let text = object.print();
            out.extend_from_slice(text.strip_prefix('&').unwrap_or(&text).as_bytes());
        }
        Value::Object(object) => out.extend_from_slice(object.print().as_bytes()),
        _ => Printer::new(out).argument(value, 'v'),
    }
}

/// `fmt.Sprint`: a space between operands where neither is a string.
pub(crate) fn sprint(values: &[Value]) -> Str {
    let mut out = Vec::new();
    let mut after_string = true;
    for value in values {
        let string = is_string(value);
        if !after_string && !string {
            out.push(b' ');
        }
        Printer::new(&mut out).argument(value, 'v');
        after_string = string;
    }
    Str::from_bytes(out)
}

/// `fmt.Sprintln`: a space between all operands, and a line break.
pub(crate) fn sprintln(values: &[Value]) -> Str {
    let mut out = Vec::new();
    for (index, value) in values.iter().enumerate() {
        if index > 0 {
            out.push(b' ');
        }
        Printer::new(&mut out).argument(value, 'v');
    }
    out.push(b'\n');
    Str::from_bytes(out)
}

/// `fmt.Sprintf`.
pub(crate) fn sprintf(format: &Str, values: &[Value]) -> Str {
    let mut out = Vec::with_capacity(format.as_bytes().len() + 16 * values.len());
    format::format(&mut out, format.as_bytes(), values);
    Str::from_bytes(out)
}

fn is_string(value: &Value) -> bool {
    match value {
        Value::String(_) => true,
        Value::Object(object) => object.kind() == "string",
        _ => false,
    }
}
