//! Scalars in quotes.

use std::borrow::Cow;

use memchr::{memchr2, memchr3};

use super::Reader;

impl<'a> Reader<'a> {
    pub(super) fn single_quoted(&mut self) -> Option<Cow<'a, str>> {
        let mut text = Cow::Borrowed("");
        loop {
            let start = self.at + 1;
            let rest = self.text.get(start..)?;
            let length = memchr2(b'\'', b'\n', rest.as_bytes())?;
            append(&mut text, &rest[..length]);
            self.at = start + length;
            if self.peek() == Some(b'\n') {
                self.fold(&mut text)?;
                self.at -= 1;
                continue;
            }
            self.at += 1;
            if self.peek() != Some(b'\'') {
                return Some(text);
            }
            text.to_mut().push('\'');
        }
    }

    pub(super) fn double_quoted(&mut self) -> Option<Cow<'a, str>> {
        self.at += 1;
        let mut text = Cow::Borrowed("");
        loop {
            let rest = self.text.get(self.at..)?;
            let length = memchr3(b'"', b'\\', b'\n', rest.as_bytes())?;
            append(&mut text, &rest[..length]);
            self.at += length;
            match self.peek()? {
                b'\n' => self.fold(&mut text)?,
                b'"' => {
                    self.at += 1;
                    return Some(text);
                }
                _ if self.byte(self.at + 1) == Some(b'\n') => {
                    self.at += 1;
                    let breaks = self.breaks()?;
                    text.to_mut().extend(std::iter::repeat_n('\n', breaks - 1));
                }
                _ => {
                    self.at += 1;
                    text.to_mut().push(self.escape()?);
                }
            }
        }
    }

    /// A line break inside a quoted scalar: a space, or the breaks after the first.
    fn fold(&mut self, text: &mut Cow<'a, str>) -> Option<()> {
        let before = self.text[..self.at].trim_end_matches(' ');
        // An escaped space is not white space.
        if before.ends_with(['\\', '\t']) {
            return None;
        }
        let spaces = self.at - before.len();
        let breaks = self.breaks()?;
        let text = text.to_mut();
        text.truncate(text.len() - spaces);
        match breaks {
            1 => text.push(' '),
            _ => text.extend(std::iter::repeat_n('\n', breaks - 1)),
        }
        Some(())
    }

    /// Skips line breaks inside a quoted scalar, and the spaces that the next line starts with.
    fn breaks(&mut self) -> Option<usize> {
        let mut breaks = 0;
        while self.peek() == Some(b'\n') {
            self.at += 1;
            breaks += 1;
            let start = self.at;
            self.spaces();
            let marker = self.at == start && matches!(self.peek(), Some(b'-' | b'.'));
            if marker || self.peek() == Some(b'\t') {
                return None;
            }
        }
        Some(breaks)
    }

    fn escape(&mut self) -> Option<char> {
        let byte = self.peek()?;
        self.at += 1;
        Some(match byte {
            b'n' => '\n',
            b't' => '\t',
            b'r' => '\r',
            b'"' | b'\\' | b' ' => char::from(byte),
            b'u' => {
                let digits = self.text.get(self.at..self.at + 4)?;
                self.at += 4;
                let valid = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
                char::from_u32(u32::from_str_radix(digits, 16).ok().filter(|_| valid)?)?
            }
            _ => return None,
        })
    }
}

fn append<'a>(text: &mut Cow<'a, str>, more: &'a str) {
    if text.is_empty() {
        *text = Cow::Borrowed(more);
    } else {
        text.to_mut().push_str(more);
    }
}
