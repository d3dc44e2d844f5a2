//! Go's `encoding/json`, writing.

use std::fmt::Write as _;

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::template::{Fault, Str, Value};

/// How deep values are written; Go reports a value that holds itself at about this depth.
const MAX_DEPTH: usize = 1000;

/// How to write.
#[derive(Clone, Copy)]
pub(super) struct Style {
    /// Whether `<`, `>` and `&` are escaped.
    pub(super) html: bool,
    /// Whether the text is laid out with two spaces.
    pub(super) pretty: bool,
}

/// `json.Marshal`.
///
/// # Errors
/// Go's words for infinities, NaN and values that hold themselves.
pub(super) fn write(value: &Value, style: Style) -> Result<String, Fault> {
    let mut writer = Writer { out: String::new(), style };
    writer.value(value, 0)?;
    Ok(writer.out)
}

struct Writer {
    out: String,
    style: Style,
}

impl Writer {
    fn value(&mut self, value: &Value, depth: usize) -> Result<(), Fault> {
        if depth > MAX_DEPTH {
            let name = value.type_name();
            return Err(Fault::new(format!("json: unsupported value: encountered a cycle via {name}")));
        }
        match value {
            Value::Nil => self.out.push_str("null"),
            Value::Bool(value) => self.display(value),
            Value::Int(value) | Value::Int64(value) => self.display(value),
            Value::Int32(value) => self.display(value),
            Value::Uint8(value) => self.display(value),
            Value::Uint64(value) => self.display(value),
            Value::Float64(value) => self.out.push_str(&float(*value)?),
            Value::String(text) => self.string(text),
            Value::List(list) if list.is_nil => self.out.push_str("null"),
            Value::List(list) => match value.bytes() {
                Some(bytes) => self.bytes(&bytes),
                None => {
                    let items = list.items.iter();
                    self.collection('[', ']', depth, items, |writer, item| writer.value(item, depth + 1))?;
                }
            },
            Value::Map(map) => {
                let entries = map.entries.borrow();
                self.collection('{', '}', depth, entries.iter(), |writer, (key, value)| {
                    writer.text(key);
                    writer.out.push_str(if writer.style.pretty { ": " } else { ":" });
                    writer.value(value, depth + 1)
                })?;
            }
            Value::Object(object) => match object.bytes() {
                Some(bytes) => self.bytes(bytes),
                None => self.value(&object.underlying(), depth + 1)?,
            },
        }
        Ok(())
    }

    fn collection<T>(
        &mut self,
        open: char,
        close: char,
        depth: usize,
        items: impl ExactSizeIterator<Item = T>,
        mut write: impl FnMut(&mut Self, T) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        self.out.push(open);
        let filled = items.len() > 0;
        for (index, item) in items.enumerate() {
            if index > 0 {
                self.out.push(',');
            }
            self.new_line(depth + 1);
            write(self, item)?;
        }
        if filled {
            self.new_line(depth);
        }
        self.out.push(close);
        Ok(())
    }

    fn new_line(&mut self, depth: usize) {
        if self.style.pretty {
            self.out.push('\n');
            self.out.extend(std::iter::repeat_n("  ", depth));
        }
    }

    fn display(&mut self, value: impl std::fmt::Display) {
        // Writing into a string cannot fail.
        let _ = write!(self.out, "{value}");
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.out.push('"');
        STANDARD.encode_string(bytes, &mut self.out);
        self.out.push('"');
    }

    fn string(&mut self, text: &Str) {
        match text {
            Str::Text(text) => self.text(text),
            Str::Raw(bytes) => {
                self.out.push('"');
                for chunk in bytes.utf8_chunks() {
                    self.escaped(chunk.valid());
                    self.out.extend(std::iter::repeat_n("\\ufffd", chunk.invalid().len()));
                }
                self.out.push('"');
            }
        }
    }

    fn text(&mut self, text: &str) {
        self.out.push('"');
        self.escaped(text);
        self.out.push('"');
    }

    fn escaped(&mut self, text: &str) {
        let mut copied = 0;
        for (at, char) in text.char_indices() {
            let short = match char {
                '"' | '\\' => char,
                '\n' => 'n',
                '\r' => 'r',
                '\t' => 't',
                '\x08' => 'b',
                '\x0c' => 'f',
                '<' | '>' | '&' if !self.style.html => continue,
                ..' ' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' if char != ' ' => 'u',
                _ => continue,
            };
            self.out.push_str(&text[copied..at]);
            self.out.extend(['\\', short]);
            if short == 'u' {
                let _ = write!(self.out, "{:04x}", u32::from(char));
            }
            copied = at + char.len_utf8();
        }
        self.out.push_str(&text[copied..]);
    }
}

/// A float as `encoding/json` writes it: with an exponent below 1e-6 and from 1e21 on.
fn float(value: f64) -> Result<String, Fault> {
    if !value.is_finite() {
        let name = crate::template::fmt::shortest(value);
        return Err(Fault::new(format!("json: unsupported value: {name}")));
    }
    let magnitude = value.abs();
    if magnitude != 0.0 && !(1e-6..1e21).contains(&magnitude) {
        let text = format!("{value:e}");
        return Ok(if magnitude >= 1e21 { text.replace('e', "e+") } else { text });
    }
    Ok(value.to_string())
}
