//! The short way for the YAML that charts are made of: block collections, scalars, literal and folded blocks, flow
//! collections of simple things. It builds values without a token or an event in between, which makes it
//! several times as fast; a rendering reads megabytes.
//!
//! It accepts nothing that it is not sure of: whatever is unusual or wrong is left to the reader of the whole
//! language (`read.rs`), whose answers this one's must equal.

mod block;
mod quoted;

use std::borrow::Cow;

use memchr::{memchr, memchr3_iter};
use serde_json::{Map, Value};

use super::{
    Tree,
    resolve::{Scalar, resolve},
};

/// Deeper texts are left to the reader of the whole language, which has the words for it.
const MAX_DEPTH: usize = 100;

/// Longer keys are too long for YAML.
const LONGEST_KEY: usize = 1000;

/// Whether a byte means nothing inside a plain scalar, whatever stands beside it.
const IS_ORDINARY: [bool; 256] = {
    let mut ordinary = [true; 256];
    let special = b"\n\t :#";
    let mut index = 0;
    while index < special.len() {
        ordinary[special[index] as usize] = false;
        index += 1;
    }
    ordinary
};

/// The first document of a text, `None` where the text is not as plain as that.
pub(super) fn document<T: Tree>(text: &str) -> Option<T> {
    let mut reader = Reader::start(text)?;
    let value = match reader.indent {
        None => T::from_json(Value::Null),
        Some(_) => reader.block(None)?,
    };
    reader.end()?;
    Some(value)
}

/// As [`document`], with only those fields of a mapping that are wanted.
pub(super) fn fields(text: &str, wanted: fn(&str) -> bool) -> Option<Value> {
    let mut reader = Reader::start(text)?;
    let column = reader.indent?;
    if reader.is_item() {
        return None;
    }
    let mut fields = Map::new();
    while reader.indent == Some(column) {
        let key = reader.key()?;
        if wanted(&key) {
            fields.insert(key.into_owned(), reader.value(column, true)?);
        } else {
            reader.value::<()>(column, true)?;
        }
    }
    reader.end()?;
    Some(Value::Object(fields))
}

/// Whether a text has none of the characters that YAML refuses, nor line breaks other than `\n`.
fn is_usual(text: &str) -> bool {
    // Without an early end, which is several times as fast.
    let is_control = |byte: u8| ((byte < b' ') & (byte != b'\n') & (byte != b'\t')) | (byte == 0x7f);
    let control = text.bytes().fold(false, |found, byte| found | is_control(byte));
    let bytes = text.as_bytes();
    !control && !memchr3_iter(0xc2, 0xe2, 0xef, bytes).any(|at| is_odd(&bytes[at..]))
}

/// Whether a text starts with U+0080 to U+009F, a line or paragraph separator, a byte order mark, U+FFFE or U+FFFF.
fn is_odd(text: &[u8]) -> bool {
    matches!(
        text,
        [0xc2, 0x80..=0x9f, ..]
            | [0xe2, 0x80, 0xa8 | 0xa9, ..]
            | [0xef, 0xbb, 0xbf, ..]
            | [0xef, 0xbf, 0xbe | 0xbf, ..]
    )
}

struct Reader<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    /// Where the current line starts.
    line: usize,
    /// The column of what stands at `at`, where a block node may start; `None` at the end.
    indent: Option<usize>,
    depth: usize,
}

impl<'a> Reader<'a> {
    /// At the beginning of the first document.
    fn start(text: &'a str) -> Option<Self> {
        if !is_usual(text) {
            return None;
        }
        let mut reader = Reader { text, bytes: text.as_bytes(), at: 0, line: 0, indent: None, depth: 0 };
        reader.next_line()?;
        if reader.marker() {
            text[reader.at..].starts_with('-').then_some(())?;
            reader.at += 3;
            reader.end_line()?;
            reader.next_line()?;
        }
        Some(reader)
    }

    /// A second document can hold what keeps Go from reading the first, unless there is only its marker.
    fn end(&self) -> Option<()> {
        let rest = &self.bytes[self.at..];
        (rest.is_empty() || self.at == self.line && rest.trim_ascii_end() == b"---").then_some(())
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.bytes.get(at).copied()
    }

    /// Whether a space, a line break or the end is at this place.
    fn is_blank(&self, at: usize) -> bool {
        matches!(self.byte(at), None | Some(b' ' | b'\n'))
    }

    fn spaces(&mut self) {
        self.at += self.bytes[self.at..].iter().take_while(|byte| **byte == b' ').count();
    }

    /// `---` or `...` in the first column.
    fn marker(&self) -> bool {
        self.at == self.line
            && self.bytes.get(self.at..self.at + 3).is_some_and(|start| start == b"---" || start == b"...")
            && self.is_blank(self.at + 3)
    }

    /// Goes to the next line that says something; `at` is at the start of a line.
    fn next_line(&mut self) -> Option<()> {
        loop {
            self.line = self.at;
            self.spaces();
            match self.peek() {
                None => break self.indent = None,
                Some(b'\n') => self.at += 1,
                Some(b'#') => self.skip_line(),
                Some(b'\t' | b'%') => return None,
                Some(_) if self.marker() => break self.indent = None,
                Some(_) => break self.indent = Some(self.at - self.line),
            }
        }
        Some(())
    }

    fn skip_line(&mut self) {
        self.at = self.end_of_line().map_or(self.bytes.len(), |end| end + 1);
    }

    /// Where the line break of this line is.
    fn end_of_line(&self) -> Option<usize> {
        memchr(b'\n', &self.bytes[self.at..]).map(|length| self.at + length)
    }

    /// Nothing but a comment may follow on this line.
    fn end_line(&mut self) -> Option<()> {
        let start = self.at;
        self.spaces();
        match self.peek() {
            None => {}
            Some(b'\n') => self.at += 1,
            Some(b'#') if self.at > start => self.skip_line(),
            Some(_) => return None,
        }
        Some(())
    }

    /// Whether `- ` is here.
    fn is_item(&self) -> bool {
        self.peek() == Some(b'-') && self.is_blank(self.at + 1)
    }

    /// The block node that starts here, below a collection in this column; outside of any it is no plain scalar.
    fn block<T: Tree>(&mut self, parent: Option<usize>) -> Option<T> {
        let column = self.indent?;
        if self.is_item() {
            return self.sequence(column);
        }
        let start = self.at;
        match self.key() {
            Some(key) => self.mapping(column, key),
            None => {
                self.at = start;
                let has_ends = matches!(self.peek(), Some(b'[' | b'{' | b'"' | b'\''));
                self.value(parent.or(has_ends.then_some(0))?, false)
            }
        }
    }

    fn enter(&mut self) -> Option<()> {
        self.depth += 1;
        (self.depth <= MAX_DEPTH).then_some(())
    }

    fn sequence<T: Tree>(&mut self, column: usize) -> Option<T> {
        self.enter()?;
        let mut items = Vec::new();
        while self.indent == Some(column) && self.is_item() {
            self.at += 1;
            let item = self.item(column)?;
            if T::IS_KEPT {
                items.push(item);
            }
        }
        self.depth -= 1;
        Some(T::list(items))
    }

    /// What follows a `-`: a collection may start on the same line.
    fn item<T: Tree>(&mut self, column: usize) -> Option<T> {
        self.spaces();
        let inner = self.at - self.line;
        if self.is_item() {
            self.indent = Some(inner);
            return self.sequence(inner);
        }
        let start = self.at;
        match self.key() {
            Some(key) => self.mapping(inner, key),
            None => {
                self.at = start;
                self.value(column, false)
            }
        }
    }

    fn mapping<T: Tree>(&mut self, column: usize, first: Cow<'a, str>) -> Option<T> {
        self.enter()?;
        let mut entries = Vec::new();
        let mut key = first;
        loop {
            let value = self.value(column, true)?;
            if T::IS_KEPT {
                entries.push((key, value));
            }
            if self.indent != Some(column) {
                break;
            }
            key = self.key()?;
        }
        self.depth -= 1;
        Some(T::map(entries))
    }

    /// A key with its colon, on one line.
    fn key(&mut self) -> Option<Cow<'a, str>> {
        let start = self.at;
        let key = match self.peek()? {
            b'"' | b'\'' => self.line_quoted()?,
            _ => as_key(self.plain_key()?)?,
        };
        self.spaces();
        if self.peek() != Some(b':') || !self.is_blank(self.at + 1) || self.at - start > LONGEST_KEY {
            return None;
        }
        self.at += 1;
        Some(key)
    }

    fn plain_key(&mut self) -> Option<&'a str> {
        self.starts_plain().then_some(())?;
        let start = self.at;
        let mut end = start;
        loop {
            end = self.word().unwrap_or(end);
            match self.peek()? {
                b'\n' | b'\t' => return None,
                b'#' if end < self.at => return None,
                b':' if self.is_blank(self.at + 1) => return Some(&self.text[start..end]),
                b' ' => self.at += 1,
                _ => {
                    self.at += 1;
                    end = self.at;
                }
            }
        }
    }

    /// Passes over characters that mean nothing in a plain scalar, and tells where they end if there are any.
    fn word(&mut self) -> Option<usize> {
        let length = self.bytes[self.at..].iter().take_while(|byte| IS_ORDINARY[usize::from(**byte)]).count();
        self.at += length;
        (length > 0).then_some(self.at)
    }

    /// Whether a plain scalar starts here, beyond doubt.
    fn starts_plain(&self) -> bool {
        match self.peek() {
            Some(b'-' | b':') => !self.is_blank(self.at + 1) && self.byte(self.at + 1) != Some(b'\t'),
            Some(byte) => {
                byte.is_ascii_alphanumeric()
                    || byte >= 0x80
                    || matches!(byte, b'_' | b'/' | b'.' | b'(' | b'$' | b'~' | b'+' | b'^' | b'<' | b'=' | b'\\')
            }
            None => false,
        }
    }

    /// What follows `:` or `-`; the collection that these belong to stands in this column.
    fn value<T: Tree>(&mut self, column: usize, in_mapping: bool) -> Option<T> {
        let before = self.at;
        self.spaces();
        let value = match self.peek() {
            None | Some(b'\n') => return self.below(column, in_mapping),
            Some(b'#') if self.at > before || !in_mapping => return self.below(column, in_mapping),
            Some(b'|') => self.literal(column)?,
            Some(b'>') => self.folded(column)?,
            Some(b'"') => T::text(&self.quoted_value(Self::double_quoted)?),
            Some(b'\'') => T::text(&self.quoted_value(Self::single_quoted)?),
            Some(b'[' | b'{') => {
                let value = self.flow()?;
                self.end_line()?;
                value
            }
            Some(_) => scalar(self.plain(column)?)?,
        };
        self.next_line()?;
        Some(value)
    }

    fn quoted_value(&mut self, read: impl Fn(&mut Self) -> Option<Cow<'a, str>>) -> Option<Cow<'a, str>> {
        let text = read(self)?;
        self.end_line()?;
        Some(text)
    }

    /// A value on the lines below, or none.
    fn below<T: Tree>(&mut self, column: usize, in_mapping: bool) -> Option<T> {
        self.skip_line();
        self.next_line()?;
        match self.indent {
            Some(indent) if indent > column => self.block(Some(column)),
            Some(indent) if indent == column && in_mapping && self.is_item() => self.sequence(column),
            _ => Some(T::from_json(Value::Null)),
        }
    }

    /// A plain scalar, which goes on as long as lines stand deeper than this column. Stops at the start of a line.
    fn plain(&mut self, column: usize) -> Option<Cow<'a, str>> {
        self.starts_plain().then_some(())?;
        let (first, mut commented) = self.plain_line()?;
        let mut text = Cow::Borrowed(first);
        loop {
            let line = self.at;
            let mut breaks = 0;
            let mut start = line;
            loop {
                self.spaces();
                if self.peek() != Some(b'\n') {
                    break;
                }
                self.at += 1;
                start = self.at;
                breaks += 1;
            }
            let ends = match self.peek() {
                None | Some(b'#') => true,
                Some(b'\t') => return None,
                Some(_) => self.at - start <= column,
            };
            if ends {
                self.at = line;
                return Some(text);
            }
            if commented {
                return None;
            }
            let more;
            (more, commented) = self.plain_line()?;
            let text = text.to_mut();
            match breaks {
                0 => text.push(' '),
                _ => text.extend(std::iter::repeat_n('\n', breaks)),
            }
            text.push_str(more);
        }
    }

    /// The rest of a line of a plain scalar, and whether a comment ended it.
    fn plain_line(&mut self) -> Option<(&'a str, bool)> {
        let start = self.at;
        let mut end = start;
        loop {
            end = self.word().unwrap_or(end);
            match self.peek() {
                None => return Some((&self.text[start..end], false)),
                Some(b'\n') => {
                    self.at += 1;
                    return Some((&self.text[start..end], false));
                }
                Some(b'#') if end < self.at => {
                    self.skip_line();
                    return Some((&self.text[start..end], true));
                }
                Some(b'\t') => return None,
                Some(b':') if self.is_blank(self.at + 1) => return None,
                Some(b' ') => self.at += 1,
                Some(_) => {
                    self.at += 1;
                    end = self.at;
                }
            }
        }
    }

    /// A flow collection, or a scalar on one line inside one.
    fn flow<T: Tree>(&mut self) -> Option<T> {
        Some(match self.peek()? {
            b'[' => {
                self.enter()?;
                let mut items = Vec::new();
                self.flow_entries(b']', |reader| reader.flow().map(|item| items.push(item)))?;
                T::list(items)
            }
            b'{' => {
                self.enter()?;
                let mut entries = Vec::new();
                self.flow_entries(b'}', |reader| reader.flow_entry().map(|entry| entries.push(entry)))?;
                T::map(entries)
            }
            b'"' | b'\'' => T::text(&self.line_quoted()?),
            _ => scalar(self.flow_plain()?.into())?,
        })
    }

    /// A scalar in quotes on one line.
    fn line_quoted(&mut self) -> Option<Cow<'a, str>> {
        let start = self.at;
        let text = if self.peek() == Some(b'"') { self.double_quoted()? } else { self.single_quoted()? };
        (!self.text[start..self.at].contains('\n')).then_some(text)
    }

    /// Spaces, line breaks and comments between the parts of a flow collection.
    fn flow_space(&mut self) -> Option<()> {
        loop {
            let start = self.at;
            self.spaces();
            match self.peek()? {
                b'\n' => {
                    self.at += 1;
                    // What stands in the first column may be more than a part.
                    if !matches!(self.peek()?, b' ' | b'\n' | b'#' | b']' | b'}') {
                        return None;
                    }
                }
                b'#' if self.at > start || self.bytes[self.at - 1] == b'\n' => self.at = self.end_of_line()?,
                b'#' | b'\t' => return None,
                _ => return Some(()),
            }
        }
    }

    fn flow_entries(&mut self, close: u8, mut entry: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.at += 1;
        self.flow_space()?;
        while self.peek()? != close {
            entry(self)?;
            self.flow_space()?;
            match self.peek()? {
                b',' => self.at += 1,
                byte if byte == close => break,
                _ => return None,
            }
            // Without a space after it, a comma may be a part of something else.
            if !matches!(self.peek()?, b' ' | b'\n' | b'"' | b'\'') {
                return None;
            }
            self.flow_space()?;
        }
        self.at += 1;
        self.depth -= 1;
        Some(())
    }

    fn flow_entry<T: Tree>(&mut self) -> Option<(Cow<'a, str>, T)> {
        let (start, is_quoted) = (self.at, matches!(self.peek()?, b'"' | b'\''));
        let key = if is_quoted { self.line_quoted()? } else { as_key(self.flow_plain()?)? };
        let has_space = self.byte(self.at + 1) == Some(b' ');
        if self.peek() != Some(b':') || !(has_space || is_quoted) || self.at - start > LONGEST_KEY {
            return None;
        }
        self.at += 1;
        self.spaces();
        Some((key, self.flow()?))
    }

    fn flow_plain(&mut self) -> Option<&'a str> {
        let start = self.at;
        let first = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'/' | b'.');
        if !first(self.peek()?) {
            return None;
        }
        while self.peek().is_some_and(|byte| first(byte) || byte == b'-') {
            self.at += 1;
        }
        Some(&self.text[start..self.at])
    }
}

fn scalar<T: Tree>(text: Cow<'_, str>) -> Option<T> {
    Some(match resolve(&text) {
        Scalar::Str | Scalar::Timestamp => T::text(&text),
        Scalar::Null => T::from_json(Value::Null),
        Scalar::Bool(value) => T::from_json(Value::Bool(value)),
        Scalar::Int(value) => T::from_json(value.into()),
        Scalar::Uint(value) => T::from_json(value.into()),
        Scalar::Float(value) => T::float(value)?,
    })
}

/// A plain scalar as a key.
fn as_key(text: &str) -> Option<Cow<'_, str>> {
    match resolve(text) {
        Scalar::Str | Scalar::Timestamp if text != "<<" => Some(text.into()),
        Scalar::Bool(value) => Some(value.to_string().into()),
        Scalar::Int(value) => Some(value.to_string().into()),
        Scalar::Uint(value) => Some(value.to_string().into()),
        _ => None,
    }
}
