//! Format strings: `%[2]*.[1]d` and the marks of what is wrong with them.

use super::{super::Value, printer::Printer};

/// Appends the format with its verbs replaced.
pub(super) fn format(out: &mut Vec<u8>, format: &[u8], values: &[Value]) {
    let mut reader = Reader { format, at: 0, values, next: 0, reordered: false, good: true };
    let mut printer = Printer::new(out);
    while reader.text(&mut printer) {
        if !reader.verb(&mut printer) {
            break;
        }
    }
    if !reader.reordered && reader.next < values.len() {
        printer.clear_flags();
        printer.extra(&values[reader.next..]);
    }
}

/// Widths and precisions beyond this are not taken.
const LARGEST: i64 = 1_000_000;

struct Reader<'a> {
    format: &'a [u8],
    at: usize,
    values: &'a [Value],
    /// The argument that the next verb takes.
    next: usize,
    /// Whether an argument was asked for by its number.
    reordered: bool,
    /// Whether the numbers of the verb at hand name arguments.
    good: bool,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.format.get(self.at).copied()
    }

    /// Copies up to the next verb; false at the end.
    fn text(&mut self, printer: &mut Printer<'_>) -> bool {
        let rest = self.format.get(self.at..).unwrap_or_default();
        let length = rest.iter().position(|byte| *byte == b'%').unwrap_or(rest.len());
        printer.raw(&rest[..length]);
        self.at += length + 1;
        length < rest.len()
    }

    /// Prints one verb, whose `%` was read; false where the format ends within it.
    fn verb(&mut self, printer: &mut Printer<'_>) -> bool {
        self.good = true;
        self.flags(printer);
        let mut after_index = self.index();
        after_index = self.width(printer, after_index);
        after_index = self.precision(printer, after_index);
        if !after_index {
            self.index();
        }
        let Some(verb) = self.char() else {
            printer.raw(b"%!(NOVERB)");
            return false;
        };
        match self.values.get(self.next) {
            _ if verb == '%' => printer.raw(b"%"),
            _ if !self.good => printer.mark(verb, "(BADINDEX)"),
            None => printer.mark(verb, "(MISSING)"),
            Some(value) => {
                printer.go_syntax(verb);
                printer.argument(value, verb);
                self.next += 1;
            }
        }
        true
    }

    fn flags(&mut self, printer: &mut Printer<'_>) {
        printer.clear_flags();
        while let Some(byte) = self.peek() {
            match byte {
                b'#' => printer.flags.sharp = true,
                b'0' => printer.flags.zero = true,
                b'+' => printer.flags.plus = true,
                b'-' => printer.flags.minus = true,
                b' ' => printer.flags.space = true,
                _ => return,
            }
            self.at += 1;
        }
    }

    fn char(&mut self) -> Option<char> {
        let rest = self.format.get(self.at..)?;
        let chunk = rest.utf8_chunks().next()?;
        let char = chunk.valid().chars().next();
        self.at += char.map_or(1, char::len_utf8);
        Some(char.unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    /// A number in brackets; whether there was one.
    fn index(&mut self) -> bool {
        if self.peek() != Some(b'[') {
            return false;
        }
        self.reordered = true;
        let rest = &self.format[self.at..];
        let Some(close) = rest.iter().position(|byte| *byte == b']').filter(|_| rest.len() >= 3) else {
            self.good = false;
            self.at += 1;
            return false;
        };
        let (number, length) = number(&rest[1..close]);
        self.at += close + 1;
        let Some(number) = number.filter(|_| length == close - 1) else {
            self.good = false;
            return false;
        };
        match usize::try_from(number - 1).ok().filter(|index| *index < self.values.len()) {
            Some(index) => self.next = index,
            None => self.good = false,
        }
        true
    }

    fn width(&mut self, printer: &mut Printer<'_>, after_index: bool) -> bool {
        if self.peek() == Some(b'*') {
            self.at += 1;
            let width = self.integer();
            if width.is_none() {
                printer.raw(b"%!(BADWIDTH)");
            }
            if width.is_some_and(|width| width < 0) {
                printer.flags.minus = true;
                printer.flags.zero = false;
            }
            printer.flags.width = width.map(|width| width.unsigned_abs() as usize);
            return false;
        }
        printer.flags.width = self.number();
        if after_index && printer.flags.width.is_some() {
            self.good = false;
        }
        after_index
    }

    fn precision(&mut self, printer: &mut Printer<'_>, after_index: bool) -> bool {
        // A point at the very end is the verb.
        if self.peek() != Some(b'.') || self.at + 1 >= self.format.len() {
            return after_index;
        }
        self.at += 1;
        if after_index {
            self.good = false;
        }
        let after_index = self.index();
        if self.peek() == Some(b'*') {
            self.at += 1;
            printer.flags.precision = self.integer().and_then(|precision| usize::try_from(precision).ok());
            if printer.flags.precision.is_none() {
                printer.raw(b"%!(BADPREC)");
            }
            return false;
        }
        printer.flags.precision = Some(self.number().unwrap_or(0));
        after_index
    }

    /// The digits here, as a number.
    fn number(&mut self) -> Option<usize> {
        let (number, length) = number(self.format.get(self.at..).unwrap_or_default());
        self.at += length;
        number.and_then(|number| usize::try_from(number).ok())
    }

    /// The next argument as a width or precision.
    fn integer(&mut self) -> Option<i64> {
        let value = self.values.get(self.next)?;
        self.next += 1;
        let integer = match value {
            Value::Int(value) | Value::Int64(value) => Some(*value),
            Value::Int32(value) => Some(i64::from(*value)),
            Value::Uint8(value) => Some(i64::from(*value)),
            Value::Uint64(value) => i64::try_from(*value).ok(),
            _ => None,
        };
        integer.filter(|integer| (-LARGEST..=LARGEST).contains(integer))
    }
}

/// The number that a text starts with, and its length; a number that is too large takes the whole text and is none.
fn number(text: &[u8]) -> (Option<i64>, usize) {
    let mut number = None;
    for (index, byte) in text.iter().enumerate() {
        if !byte.is_ascii_digit() {
            return (number, index);
        }
        if number.is_some_and(|number| number > LARGEST) {
            return (None, text.len());
        }
        number = Some(number.unwrap_or(0) * 10 + i64::from(byte - b'0'));
    }
    (number, text.len())
}
