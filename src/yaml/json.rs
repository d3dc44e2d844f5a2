//! JSON with the bytes of Go's `encoding/json`.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::{Value, ser::Formatter};

/// Writes compact JSON as `json.Marshal` does. Maps must come sorted.
pub fn to_vec<T: Serialize>(value: &T) -> serde_json::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    value.serialize(&mut serde_json::Serializer::with_formatter(&mut bytes, Go))?;
    Ok(bytes)
}

/// What `encoding/json` calls the type of a value.
pub fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

struct Go;

impl Formatter for Go {
    /// Go escapes what could end a script in HTML, and JavaScript's line ends (`encoding/json` `appendString`).
    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let mut rest = fragment;
        while let Some(at) = rest.find(['<', '>', '&', '\u{2028}', '\u{2029}']) {
            let (plain, tail) = rest.split_at(at);
            writer.write_all(plain.as_bytes())?;
            let mut chars = tail.chars();
            if let Some(escaped) = chars.next() {
                write!(writer, "\\u{:04x}", u32::from(escaped))?;
            }
            rest = chars.as_str();
        }
        writer.write_all(rest.as_bytes())
    }

    /// Go writes the shortest decimal, with an exponent below 1e-6 and from 1e21 (`encoding/json` `floatEncoder`).
    fn write_f64<W: ?Sized + Write>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        let size = value.abs();
        if size == 0.0 || (1e-6..1e21).contains(&size) {
            return write!(writer, "{value}");
        }
        let text = format!("{value:e}");
        match text.split_once('e') {
            Some((digits, exponent)) if !exponent.starts_with('-') => {
                write!(writer, "{digits}e+{exponent}")
            }
            _ => writer.write_all(text.as_bytes()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: impl Serialize, go: &str) {
        assert_eq!(to_vec(&value).map(String::from_utf8).unwrap().unwrap(), go);
    }

    /// Expected bytes were printed by Go 1.26's `json.Marshal`.
    #[test]
    fn text_is_escaped_as_go_does() {
        check("a<b>&\u{2028}\u{2029}é\u{7f}/", "\"a\\u003cb\\u003e\\u0026\\u2028\\u2029é\u{7f}/\"");
        check("\"\\\u{8}\u{c}\n\r\t\u{1}\u{1f}", r#""\"\\\b\f\n\r\t\u0001\u001f""#);
        check("<<", r#""\u003c\u003c""#);
    }

    #[test]
    fn numbers_are_written_as_go_does() {
        check(1.5, "1.5");
        check(1.0, "1");
        check(-0.0, "-0");
        check(1e20, "100000000000000000000");
        check(1e21, "1e+21");
        check(1.25e22, "1.25e+22");
        check(1e-6, "0.000001");
        check(1e-7, "1e-7");
        check(-2.5e-10, "-2.5e-10");
        check(f64::MAX, "1.7976931348623157e+308");
        check(9007199254740993_u64, "9007199254740993");
    }
}
