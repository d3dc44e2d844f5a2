//! From values to text: the encoder and emitter of go-yaml (`encode.go`, `emitterc.go`, `sorter.go`), v2 after Helm's
//! JSON step or v3 by itself.

use std::{cmp::Ordering, fmt::Write as _};

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{
    is_break,
    node::{Content, Dialect, Node},
    number,
    resolve::{Scalar, is_base60, resolve},
};

/// Keys longer than this, or of several lines, are written as `? key`.
const SIMPLE_KEY_LENGTH: usize = 128;

/// A line longer than this is broken at its next space.
const WIDTH: usize = 80;

/// Base 64 is broken up into lines of so many characters.
const BINARY_LINE: usize = 70;

/// How deep values are written: one that holds itself has no end.
const MAX_DEPTH: usize = 1000;

pub(super) fn to_string(value: &impl Node, dialect: Dialect) -> Result<String, String> {
    let mut writer = Writer { dialect, ..Writer::default() };
    writer.node(value, None, Place::Start);
    writer.finish()
}

/// Writes the entries of a mapping in the order given.
pub(super) fn entries_to_string(entries: &[(&str, &impl Node)]) -> Result<String, String> {
    let mut writer = Writer::default();
    writer.mapping(entries, None, Place::Start);
    writer.finish()
}

/// Where a node is about to be written.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    /// At the very start.
    Start,
    /// After `key:`.
    Value,
    /// After an indicator (`-`, `?`, or the `:` of a long key), where a collection may start on the same line.
    Indicator,
}

#[derive(Default)]
struct Writer {
    dialect: Dialect,
    out: String,
    /// Where the current line starts in `out`.
    line_start: usize,
    /// A place in the current line, and how many characters stand before it.
    measured: (usize, usize),
    /// The last scalar ended with a line break of its own.
    line_ended: bool,
    depth: usize,
    /// Why the value cannot be written.
    refused: Option<String>,
}

/// How a scalar is written within its line.
#[derive(Clone, Copy, PartialEq)]
enum Style {
    Plain,
    SingleQuoted,
    DoubleQuoted,
}

impl Writer {
    fn finish(mut self) -> Result<String, String> {
        self.end_line();
        self.refused.map_or(Ok(self.out), Err)
    }

    fn node(&mut self, value: &impl Node, indent: Option<usize>, place: Place) {
        if self.depth > MAX_DEPTH {
            self.refused.get_or_insert_with(|| "json: unsupported value: encountered a cycle".to_owned());
        }
        if self.refused.is_some() {
            return;
        }
        self.depth += 1;
        value.content(self.dialect, |content| match content {
            Content::Map(entries) if !entries.is_empty() => {
                self.mapping(&sorted(entries, self.dialect), indent, place);
            }
            Content::List(items) if !items.is_empty() => self.sequence(items, indent, place),
            scalar => {
                if place != Place::Start {
                    self.out.push(' ');
                }
                self.scalar(scalar, indent.map_or(2, |indent| indent + 2));
            }
        });
        self.depth -= 1;
    }

    fn scalar<N>(&mut self, content: Content<'_, N>, indent: usize) {
        match content {
            Content::Null => self.out.push_str("null"),
            Content::Bool(true) => self.out.push_str("true"),
            Content::Bool(false) => self.out.push_str("false"),
            Content::Int(value) => self.display(value),
            Content::Uint(value) => self.display(value),
            Content::Float(value) => self.float(value),
            Content::Text(text) => self.string(text, Some(indent)),
            Content::Literally(text) => self.out.push_str(text),
            Content::Binary(bytes) => self.binary(bytes, indent),
            Content::List(_) => self.out.push_str("[]"),
            Content::Map(_) => self.out.push_str("{}"),
            Content::Unwritable(why) => self.refused = Some(why),
        }
    }

    fn display(&mut self, value: impl std::fmt::Display) {
        // Writing into a string cannot fail.
        let _ = write!(self.out, "{value}");
    }

    /// After Go's JSON step a whole float is an integer.
    fn float(&mut self, value: f64) {
        match number::json(value) {
            _ if self.dialect == Dialect::V3 => self.out.push_str(&number::format_v3(value)),
            Some(integer) if !integer.is_f64() => self.display(integer),
            Some(_) => self.out.push_str(&number::format_float(value)),
            None => self.refused = Some(format!("json: unsupported value: {}", number::infinity(value))),
        }
    }

    /// Bytes that are no text; base 64 longer than a line is broken up.
    fn binary(&mut self, bytes: &[u8], indent: usize) {
        self.out.push_str("!!binary ");
        let text = STANDARD.encode(bytes);
        if text.len() < BINARY_LINE {
            return self.out.push_str(&text);
        }
        let mut lines = String::with_capacity(text.len() + text.len() / BINARY_LINE + 1);
        for (index, char) in text.chars().enumerate() {
            if index > 0 && index % BINARY_LINE == 0 {
                lines.push('\n');
            }
            lines.push(char);
        }
        lines.push('\n');
        self.literal(&lines, indent);
    }

    fn mapping(&mut self, entries: &[(&str, &impl Node)], parent: Option<usize>, place: Place) {
        let indent = parent.map_or(0, |parent| parent + 2);
        for (index, &(key, value)) in entries.iter().enumerate() {
            self.start_entry(index == 0, indent, place);
            if key.len() <= SIMPLE_KEY_LENGTH && !key.contains(is_break) {
                self.string(key, None);
                self.out.push(':');
                self.node(value, Some(indent), Place::Value);
            } else {
                self.out.push_str("? ");
                self.string(key, Some(indent + 2));
                self.new_line(indent);
                self.out.push(':');
                self.node(value, Some(indent), Place::Indicator);
            }
        }
    }

    /// Sequences under a key are not indented by v2.
    fn sequence(&mut self, items: &[impl Node], parent: Option<usize>, place: Place) {
        let indent = match parent {
            None => 0,
            Some(parent) if place == Place::Value && self.dialect == Dialect::Json => parent,
            Some(parent) => parent + 2,
        };
        for (index, item) in items.iter().enumerate() {
            self.start_entry(index == 0, indent, place);
            self.out.push('-');
            self.node(item, Some(indent), Place::Indicator);
        }
    }

    fn start_entry(&mut self, first: bool, indent: usize, place: Place) {
        match place {
            Place::Start if first => {}
            Place::Indicator if first => self.out.push(' '),
            _ => self.new_line(indent),
        }
    }

    fn end_line(&mut self) {
        if !std::mem::take(&mut self.line_ended) {
            self.out.push('\n');
        }
    }

    fn new_line(&mut self, indent: usize) {
        self.end_line();
        self.indent(indent);
    }

    fn indent(&mut self, indent: usize) {
        self.line_start = self.out.len();
        self.measured = (self.line_start, 0);
        const SPACES: &str = "                                ";
        match SPACES.get(..indent) {
            Some(spaces) => self.out.push_str(spaces),
            None => self.out.extend(std::iter::repeat_n(' ', indent)),
        }
    }

    /// Writes a string; without an indent, as a key that must stay on its line.
    fn string(&mut self, text: &str, indent: Option<usize>) {
        if is_simple(text) && resolve(text) == Scalar::Str && (indent.is_none() || self.fits(text)) {
            return self.out.push_str(text);
        }
        let plain = resolve(text) == Scalar::Str && !is_base60(text);
        let shape = Shape::of(text, self.dialect);
        let style = match indent {
            Some(indent) if text.contains('\n') && shape.block_allowed => {
                return self.literal(text, indent);
            }
            _ if text.contains('\n') || !plain => Style::DoubleQuoted,
            _ if shape.plain_allowed => Style::Plain,
            _ if shape.single_quoted_allowed => Style::SingleQuoted,
            _ => Style::DoubleQuoted,
        };
        match style {
            Style::Plain => self.flow(text, indent, style),
            Style::SingleQuoted | Style::DoubleQuoted => {
                let quote = if style == Style::SingleQuoted { '\'' } else { '"' };
                self.out.push(quote);
                self.flow(text, indent, style);
                self.out.push(quote);
            }
        }
    }

    fn literal(&mut self, text: &str, indent: usize) {
        self.out.push('|');
        if text.starts_with(' ') || text.starts_with(is_break) {
            self.out.push('2');
        }
        let mut from_end = text.chars().rev();
        match (from_end.next().is_some_and(is_break), from_end.next().is_none_or(is_break)) {
            (false, _) => self.out.push('-'),
            (true, true) => self.out.push('+'),
            (true, false) => {}
        }
        self.out.push('\n');
        for line in text.split_inclusive(is_break) {
            if !line.starts_with(is_break) {
                self.indent(indent);
            }
            self.out.push_str(line);
        }
        self.line_ended = text.ends_with(is_break);
    }

    /// The characters of a scalar, folded at spaces where the line is too long.
    fn flow(&mut self, text: &str, indent: Option<usize>, style: Style) {
        // Go asks whether the whole text starts with a byte order mark and then escapes all of it.
        let escape_all = text.starts_with('\u{feff}');
        let fold_to = indent.filter(|_| !self.fits(text));
        if style == Style::Plain && fold_to.is_none() {
            return self.out.push_str(text);
        }
        let mut previous = None;
        let mut chars = text.chars().peekable();
        while let Some(char) = chars.next() {
            let next = chars.peek().copied();
            if let Some(indent) = fold_to
                && char == ' '
                && previous != Some(' ')
                && (style == Style::Plain || (previous.is_some() && next.is_some()))
                && (style == Style::DoubleQuoted || next != Some(' '))
                && self.column() > WIDTH
            {
                self.new_line(indent);
                if next == Some(' ') {
                    self.out.push('\\');
                }
            } else {
                match style {
                    Style::Plain => self.out.push(char),
                    Style::SingleQuoted => self.single_quoted(char, previous, indent),
                    Style::DoubleQuoted if escape_all => escape(&mut self.out, char),
                    Style::DoubleQuoted => double_quoted(&mut self.out, char),
                }
            }
            previous = Some(char);
        }
    }

    /// Whether the line need not be broken, which v3 never does.
    fn fits(&self, text: &str) -> bool {
        self.dialect == Dialect::V3 || self.out.len() - self.line_start + text.len() <= WIDTH
    }

    fn single_quoted(&mut self, char: char, previous: Option<char>, indent: Option<usize>) {
        if let Some(indent) = indent
            && previous.is_some_and(is_break)
            && !is_break(char)
        {
            self.indent(indent);
        }
        if char == '\'' {
            self.out.push('\'');
        }
        self.out.push(char);
    }

    fn column(&mut self) -> usize {
        let (place, before) = self.measured;
        let column = before + self.out[place..].chars().count();
        self.measured = (self.out.len(), column);
        column
    }
}

/// A character within double quotes.
pub(super) fn double_quoted(out: &mut String, char: char) {
    if !is_printable(char) || is_break(char) || matches!(char, '"' | '\\') {
        escape(out, char);
    } else {
        out.push(char);
    }
}

pub(super) fn escape(out: &mut String, char: char) {
    let short = match char {
        '\0' => '0',
        '\x07' => 'a',
        '\x08' => 'b',
        '\t' => 't',
        '\n' => 'n',
        '\x0b' => 'v',
        '\x0c' => 'f',
        '\r' => 'r',
        '\x1b' => 'e',
        '"' | '\\' => char,
        '\u{85}' => 'N',
        '\u{a0}' => '_',
        '\u{2028}' => 'L',
        '\u{2029}' => 'P',
        _ => {
            let code = u32::from(char);
            out.push_str(&match code {
                ..=0xff => format!("\\x{code:02X}"),
                0x100..=0xffff => format!("\\u{code:04X}"),
                _ => format!("\\U{code:08X}"),
            });
            return;
        }
    };
    out.push('\\');
    out.push(short);
}

/// Which styles a string may take.
pub(super) struct Shape {
    /// Outside brackets.
    pub(super) plain_allowed: bool,
    /// Within brackets.
    pub(super) flow_plain_allowed: bool,
    pub(super) single_quoted_allowed: bool,
    pub(super) block_allowed: bool,
    /// It has line breaks.
    pub(super) multiline: bool,
}

impl Shape {
    pub(super) fn of(text: &str, dialect: Dialect) -> Self {
        let mut indicators = text.starts_with("---") || text.starts_with("...");
        let (mut breaks, mut special, mut space_break, mut break_space) = (false, false, false, false);
        let (mut tabs, mut flow_indicators) = (false, false);
        let mut previous = None;
        let mut chars = text.chars().peekable();
        while let Some(char) = chars.next() {
            let before_blank = matches!(chars.peek(), None | Some(' ' | '\t'));
            indicators |= match (previous, char) {
                (
                    None,
                    '#' | ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%' | '@' | '`',
                ) => true,
                (None, '?' | '-') | (_, ':') => before_blank,
                (Some(previous), '#') => is_blank(previous),
                _ => false,
            };
            flow_indicators |= matches!(char, ',' | '?' | '[' | ']' | '{' | '}' | ':');
            match char {
                '\t' if dialect == Dialect::V3 => tabs = true,
                _ => special |= !is_printable(char),
            }
            breaks |= is_break(char);
            space_break |= previous == Some(' ') && is_break(char);
            break_space |= previous.is_some_and(is_break) && char == ' ';
            previous = Some(char);
        }
        let loose = |char: char| char == ' ' || is_break(char);
        let edges = text.starts_with(loose) || text.ends_with(loose);
        let plain_allowed = !(indicators || breaks || tabs || special || edges);
        Self {
            plain_allowed,
            flow_plain_allowed: plain_allowed && !flow_indicators && !text.is_empty(),
            single_quoted_allowed: !(tabs || special || space_break || break_space),
            block_allowed: !(special || space_break || text.ends_with(' ')),
            multiline: breaks,
        }
    }
}

pub(super) fn is_blank(char: char) -> bool {
    matches!(char, ' ' | '\t') || is_break(char)
}

/// Go's emitter knows no characters beyond the basic plane.
fn is_printable(char: char) -> bool {
    matches!(char, '\n' | ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fefe}' | '\u{ff00}'..='\u{fffd}')
}

/// Whether a text is plainly a plain scalar, unless it is a word that means something else: most strings are.
fn is_simple(text: &str) -> bool {
    let [first, rest @ ..] = text.as_bytes() else {
        return false;
    };
    (first.is_ascii_alphabetic() || matches!(first, b'_' | b'/'))
        && rest.iter().all(|byte| matches!(byte, b' '..=b'~') && !matches!(byte, b':' | b'#'))
        && !rest.ends_with(b" ")
}

/// Puts entries that are sorted by their bytes into go-yaml's key order.
fn sorted<N>(entries: Vec<(&str, N)>, dialect: Dialect) -> Vec<(&str, N)> {
    let natural = |a: &str, b: &str| natural(a, b, dialect);
    if entries.is_sorted_by(|(a, _), (b, _)| natural(b, a) != Ordering::Less) {
        return entries;
    }
    let mut sorted: Vec<(&str, N)> = Vec::with_capacity(entries.len());
    for (key, value) in entries {
        // The order is not transitive ("a12" < "a1b" < "a2" < "a12"), which the standard sort may refuse.
        let at = match sorted.last() {
            Some((last, _)) if natural(key, last) == Ordering::Less => {
                sorted.partition_point(|(other, _)| natural(other, key) == Ordering::Less)
            }
            _ => sorted.len(),
        };
        sorted.insert(at, (key, value));
    }
    sorted
}

/// go-yaml's natural order: runs of digits by value, other characters before letters; in v3 after them if a digit
/// stands before.
fn natural(a: &str, b: &str, dialect: Dialect) -> Ordering {
    let same = a.char_indices().zip(b.chars()).find(|((_, a), b)| a != b);
    let Some(((at, first_a), first_b)) = same else {
        return a.len().cmp(&b.len());
    };
    let letters_first = dialect == Dialect::V3 && a[..at].ends_with(|char: char| char.is_ascii_digit());
    match (first_a.is_alphabetic(), first_b.is_alphabetic()) {
        (true, true) => return first_a.cmp(&first_b),
        (true, false) if !letters_first => return Ordering::Greater,
        (false, true) if !letters_first => return Ordering::Less,
        (true, false) => return Ordering::Less,
        (false, true) => return Ordering::Greater,
        (false, false) => {}
    }
    // A zero inside a number counts as a digit only after a digit that is not zero.
    let inside = (first_a == '0' || first_b == '0')
        && a[..at].bytes().rev().take_while(u8::is_ascii_digit).any(|digit| digit != b'0');
    let (number_a, length_a) = digits(&a[at..], inside);
    let (number_b, length_b) = digits(&b[at..], inside);
    number_a.cmp(&number_b).then(length_a.cmp(&length_b)).then(first_a.cmp(&first_b))
}

fn digits(text: &str, inside: bool) -> (i64, usize) {
    let run = text.bytes().take_while(u8::is_ascii_digit);
    run.fold((i64::from(inside), 0), |(value, length), digit| {
        (value.wrapping_mul(10).wrapping_add(i64::from(digit - b'0')), length + 1)
    })
}
