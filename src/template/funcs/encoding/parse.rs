//! Go's `encoding/json`, reading: `json.Unmarshal` into an `interface {}`, with its errors.

use crate::template::{Fault, List, Map, Value, fmt};

/// How deep collections may nest. Go allows 10,000.
const MAX_DEPTH: usize = 1000;

/// Reads a text.
///
/// # Errors
/// Go's words, for example `invalid character '}' looking for beginning of value`.
pub(super) fn json(text: &[u8]) -> Result<Value, Fault> {
    let mut parser = Parser { text, at: 0 };
    let value = parser.value(0)?;
    match parser.next_solid() {
        None => Ok(value),
        Some(byte) => Err(invalid(byte, "after top-level value")),
    }
}

struct Parser<'a> {
    text: &'a [u8],
    at: usize,
}

fn end() -> Fault {
    Fault::new("unexpected end of JSON input")
}

/// Go takes bytes for characters here.
fn invalid(byte: u8, context: &str) -> Fault {
    let shown = match byte {
        b'\'' => "\\'".to_owned(),
        b'"' => "\"".to_owned(),
        _ => fmt::quote(char::from(byte).encode_utf8(&mut [0; 4]).as_bytes()).trim_matches('"').to_owned(),
    };
    Fault::new(format!("invalid character '{shown}' {context}"))
}

impl Parser<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    /// The byte here; at the end a space, which is how Go finds what is unfinished.
    fn here(&self) -> u8 {
        self.peek().unwrap_or(b' ')
    }

    /// The next byte that is no white space, still unread.
    fn next_solid(&mut self) -> Option<u8> {
        while matches!(self.peek()?, b' ' | b'\t' | b'\r' | b'\n') {
            self.at += 1;
        }
        self.peek()
    }

    fn value(&mut self, depth: usize) -> Result<Value, Fault> {
        if depth > MAX_DEPTH {
            return Err(Fault::new("exceeded max depth"));
        }
        match self.next_solid().ok_or_else(end)? {
            b'{' => self.object(depth),
            b'[' => self.array(depth),
            b'"' => Ok(self.string()?.into()),
            b'n' => self.literal("null", Value::Nil),
            b't' => self.literal("true", Value::Bool(true)),
            b'f' => self.literal("false", Value::Bool(false)),
            b'-' | b'0'..=b'9' => self.number(),
            other => Err(invalid(other, "looking for beginning of value")),
        }
    }

    fn literal(&mut self, word: &str, value: Value) -> Result<Value, Fault> {
        for wanted in word.bytes() {
            if self.here() != wanted {
                let context = format!("in literal {word} (expecting '{}')", char::from(wanted));
                return Err(invalid(self.here(), &context));
            }
            self.at += 1;
        }
        Ok(value)
    }

    fn number(&mut self) -> Result<Value, Fault> {
        let start = self.at;
        if self.here() == b'-' {
            self.at += 1;
        }
        if self.here() == b'0' {
            self.at += 1;
        } else {
            self.digits("in numeric literal")?;
        }
        if self.here() == b'.' {
            self.at += 1;
            self.digits("after decimal point in numeric literal")?;
        }
        if matches!(self.here(), b'e' | b'E') {
            self.at += 1;
            if matches!(self.here(), b'+' | b'-') {
                self.at += 1;
            }
            self.digits("in exponent of numeric literal")?;
        }
        let text = String::from_utf8_lossy(&self.text[start..self.at]);
        match text.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(Value::Float64(number)),
            _ => Err(Fault::new(format!("json: cannot unmarshal number {text} into Go value of type float64"))),
        }
    }

    /// One digit or more.
    fn digits(&mut self, context: &str) -> Result<(), Fault> {
        if !self.here().is_ascii_digit() {
            return Err(invalid(self.here(), context));
        }
        while self.here().is_ascii_digit() {
            self.at += 1;
        }
        Ok(())
    }

    fn array(&mut self, depth: usize) -> Result<Value, Fault> {
        self.at += 1;
        let mut items = Vec::new();
        if self.next_solid().ok_or_else(end)? == b']' {
            self.at += 1;
            return Ok(List::any(items).into());
        }
        loop {
            items.push(self.value(depth + 1)?);
            let byte = self.next_solid().ok_or_else(end)?;
            self.at += 1;
            match byte {
                b',' => {}
                b']' => return Ok(List::any(items).into()),
                other => return Err(invalid(other, "after array element")),
            }
        }
    }

    fn object(&mut self, depth: usize) -> Result<Value, Fault> {
        self.at += 1;
        let entries = Map::new();
        let mut byte = self.next_solid().ok_or_else(end)?;
        while byte != b'}' || !entries.is_empty() {
            if byte != b'"' {
                return Err(invalid(byte, "looking for beginning of object key string"));
            }
            let key = self.string()?;
            match self.next_solid().ok_or_else(end)? {
                b':' => self.at += 1,
                other => return Err(invalid(other, "after object key")),
            }
            entries.set(key, self.value(depth + 1)?);
            match self.next_solid().ok_or_else(end)? {
                b',' => self.at += 1,
                b'}' => break,
                other => return Err(invalid(other, "after object key:value pair")),
            }
            byte = self.next_solid().ok_or_else(end)?;
        }
        self.at += 1;
        Ok(entries.into())
    }

    /// A string; bytes that are no UTF-8 become U+FFFD.
    fn string(&mut self) -> Result<String, Fault> {
        self.at += 1;
        let mut out = String::new();
        loop {
            let rest = &self.text[self.at..];
            let length = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | ..b' ')).ok_or_else(end)?;
            for chunk in rest[..length].utf8_chunks() {
                out.push_str(chunk.valid());
                out.extend(std::iter::repeat_n('\u{fffd}', chunk.invalid().len()));
            }
            self.at += length + 1;
            match rest[length] {
                b'"' => return Ok(out),
                b'\\' => out.push(self.escape()?),
                other => return Err(invalid(other, "in string literal")),
            }
        }
    }

    fn escape(&mut self) -> Result<char, Fault> {
        let byte = self.here();
        self.at += 1;
        Ok(match byte {
            b'"' | b'\\' | b'/' => char::from(byte),
            b'b' => '\x08',
            b'f' => '\x0c',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.surrogates(),
            other => return Err(invalid(other, "in string escape code")),
        })
    }

    /// The character of `\uXXXX`, or of two that are a pair.
    fn surrogates(&mut self) -> Result<char, Fault> {
        let high = self.hexadecimal()?;
        let start = self.at;
        if (0xd800..0xdc00).contains(&high) && self.text[start..].starts_with(b"\\u") {
            self.at += 2;
            let low = self.hexadecimal()?;
            if (0xdc00..0xe000).contains(&low) {
                let code = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
                return Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            self.at = start;
        }
        Ok(char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn hexadecimal(&mut self) -> Result<u32, Fault> {
        let mut code = 0;
        for _ in 0..4 {
            let byte = self.here();
            let digit = char::from(byte).to_digit(16);
            code = code * 16 + digit.ok_or_else(|| invalid(byte, "in \\u hexadecimal character escape"))?;
            self.at += 1;
        }
        Ok(code)
    }
}
