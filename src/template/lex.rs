//! Tokens of a template, as Go 1.26's `text/template/parse/lex.go` finds them, with its error texts.

use super::ast::Span;
use memchr::memmem;

/// What a token is. Keywords come last, as in Go, since error texts print them differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// The input is wrong; [`Lexer::error`] says how.
    Error,
    Bool,
    /// A printable ASCII character without another meaning, such as a comma.
    Char,
    CharConstant,
    /// `1+2i`.
    Complex,
    Assign,
    Declare,
    Eof,
    /// A name that starts with a dot.
    Field,
    Identifier,
    LeftDelimiter,
    LeftParen,
    Number,
    Pipe,
    RawString,
    RightDelimiter,
    RightParen,
    Space,
    String,
    Text,
    /// `$` or `$name`.
    Variable,
    Block,
    Break,
    Continue,
    Dot,
    Define,
    Else,
    End,
    If,
    Nil,
    Range,
    Template,
    With,
}

/// A token: what it is and where.
#[derive(Debug, Clone, Copy)]
pub(super) struct Token<'s> {
    pub kind: Kind,
    /// The offset of its first byte.
    pub position: usize,
    pub text: &'s [u8],
}

impl Token<'_> {
    /// Where it is in the text.
    pub(super) fn span(&self) -> Span {
        Span::new(self.position..self.position + self.text.len())
    }
}

/// The lexer's place in a template.
pub(super) struct Lexer<'s> {
    input: &'s [u8],
    /// Finds left delimiters; to make it takes longer than to find the next one.
    left: memmem::Finder<'static>,
    position: usize,
    /// Where the token begins that is being read.
    start: usize,
    parens: i32,
    inside_action: bool,
    /// What is wrong, once there was a token of [`Kind::Error`].
    pub error: String,
}

const LEFT: &[u8] = b"{{";
const RIGHT: &[u8] = b"}}";
const LEFT_COMMENT: &[u8] = b"/*";
const RIGHT_COMMENT: &[u8] = b"*/";
/// The length of a trim marker: `-` and the space that must stand beside it.
const TRIM_MARKER: usize = 2;

/// Whether a byte is a letter, a digit or an underscore of ASCII.
const IS_NAME: [bool; 256] = {
    let mut is_name = [false; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        is_name[byte as usize] = byte == b'_' || byte.is_ascii_alphanumeric();
        byte += 1;
    }
    is_name
};

impl<'s> Lexer<'s> {
    pub(super) fn new(input: &'s [u8]) -> Self {
        Self {
            input,
            left: memmem::Finder::new(LEFT),
            position: 0,
            start: 0,
            parens: 0,
            inside_action: false,
            error: String::new(),
        }
    }

    /// The next token; [`Kind::Eof`] for ever once the input is read.
    pub(super) fn token(&mut self) -> Token<'s> {
        if self.inside_action { self.in_action() } else { self.in_text() }
    }

    fn rest(&self) -> &'s [u8] {
        self.input.get(self.position..).unwrap_or_default()
    }

    fn emit(&mut self, kind: Kind) -> Token<'s> {
        let text = self.input.get(self.start..self.position).unwrap_or_default();
        let token = Token { kind, position: self.start, text };
        self.start = self.position;
        token
    }

    /// Makes no token of what was passed over.
    fn ignore(&mut self) {
        self.start = self.position;
    }

    fn fail(&mut self, message: String) -> Token<'s> {
        self.error = message;
        let token = Token { kind: Kind::Error, position: self.start, text: &[] };
        self.input = &[];
        (self.start, self.position) = (0, 0);
        token
    }

    fn next(&mut self) -> Option<char> {
        let (character, length) = decode(self.rest())?;
        self.position += length;
        Some(character)
    }

    fn peek(&self) -> Option<char> {
        decode(self.rest()).map(|(character, _)| character)
    }

    fn accept(&mut self, valid: &str) -> bool {
        let found = self.peek().is_some_and(|character| valid.contains(character));
        if found {
            self.next();
        }
        found
    }

    fn accept_run(&mut self, valid: &str) {
        while self.accept(valid) {}
    }

    fn in_text(&mut self) -> Token<'s> {
        loop {
            let Some(offset) = self.left.find(self.rest()) else {
                self.position = self.input.len();
                let kind = if self.position > self.start { Kind::Text } else { Kind::Eof };
                return self.emit(kind);
            };
            if let Some(token) = self.text_before(offset) {
                return token;
            }
            if let Some(token) = self.left_delimiter() {
                return token;
            }
        }
    }

    /// The text in front of the delimiter at this offset, less what the delimiter trims; `None` if nothing is left.
    fn text_before(&mut self, offset: usize) -> Option<Token<'s>> {
        if offset == 0 {
            return None;
        }
        let end = self.position + offset;
        let after = self.input.get(end + LEFT.len()..).unwrap_or_default();
        let text = self.input.get(self.start..end).unwrap_or_default();
        let trimmed = if has_left_marker(after) { trailing_spaces(text) } else { 0 };
        self.position = end - trimmed;
        let token = self.emit(Kind::Text);
        self.position = end;
        self.ignore();
        (!token.text.is_empty()).then_some(token)
    }

    /// The delimiter here, or nothing after a comment.
    fn left_delimiter(&mut self) -> Option<Token<'s>> {
        self.position += LEFT.len();
        let marker = if has_left_marker(self.rest()) { TRIM_MARKER } else { 0 };
        if self.rest().get(marker..).is_some_and(|rest| rest.starts_with(LEFT_COMMENT)) {
            self.position += marker;
            self.ignore();
            return self.comment();
        }
        let token = self.emit(Kind::LeftDelimiter);
        self.inside_action = true;
        self.position += marker;
        self.ignore();
        self.parens = 0;
        Some(token)
    }

    fn comment(&mut self) -> Option<Token<'s>> {
        self.position += LEFT_COMMENT.len();
        let Some(length) = memmem::find(self.rest(), RIGHT_COMMENT) else {
            return Some(self.fail("unclosed comment".into()));
        };
        self.position += length + RIGHT_COMMENT.len();
        let Some(trims) = at_right_delimiter(self.rest()) else {
            return Some(self.fail("comment ends before closing delimiter".into()));
        };
        self.ignore();
        self.close(trims);
        self.ignore();
        None
    }

    /// Passes over the right delimiter and the spaces that it trims.
    fn close(&mut self, trims: bool) {
        self.position += if trims { TRIM_MARKER } else { 0 } + RIGHT.len();
        if trims {
            self.position += leading_spaces(self.rest());
        }
    }

    fn right_delimiter(&mut self, trims: bool) -> Token<'s> {
        if trims {
            self.position += TRIM_MARKER;
            self.ignore();
        }
        self.position += RIGHT.len();
        let token = self.emit(Kind::RightDelimiter);
        if trims {
            self.position += leading_spaces(self.rest());
            self.ignore();
        }
        self.inside_action = false;
        token
    }

    fn in_action(&mut self) -> Token<'s> {
        let Some(&first) = self.rest().first() else {
            return self.fail("unclosed action".into());
        };
        if IS_NAME[usize::from(first)] && !first.is_ascii_digit() {
            return self.identifier();
        }
        if let Some(trims) = at_right_delimiter(self.rest()) {
            if self.parens == 0 {
                return self.right_delimiter(trims);
            }
            return self.fail("unclosed left paren".into());
        }
        if is_space(char::from(first)) {
            return self.space();
        }
        if first.is_ascii_digit() || matches!(first, b'+' | b'-') {
            return self.number();
        }
        let character = self.peek().unwrap_or_default();
        if is_alphanumeric(character) {
            return self.identifier();
        }
        self.next();
        match character {
            '=' => self.emit(Kind::Assign),
            ':' if self.accept("=") => self.emit(Kind::Declare),
            ':' => self.fail("expected :=".into()),
            '|' => self.emit(Kind::Pipe),
            '"' => self.quoted(b'"', Kind::String, "unterminated quoted string"),
            '\'' => self.quoted(b'\'', Kind::CharConstant, "unterminated character constant"),
            '`' => self.raw_quoted(),
            '$' => self.field_or_variable(Kind::Variable),
            '.' if self.peek().is_some_and(|next| next.is_ascii_digit()) || self.rest().is_empty() => {
                self.position -= 1;
                self.number()
            }
            '.' => self.field_or_variable(Kind::Field),
            '(' => {
                self.parens += 1;
                self.emit(Kind::LeftParen)
            }
            ')' => self.right_paren(),
            printable if printable.is_ascii_graphic() => self.emit(Kind::Char),
            other => self.fail(format!("unrecognized character in action: {}", code_point(other))),
        }
    }

    fn right_paren(&mut self) -> Token<'s> {
        self.parens -= 1;
        if self.parens < 0 {
            return self.fail("unexpected right paren".into());
        }
        self.emit(Kind::RightParen)
    }

    /// A run of spaces, less the one that belongs to a trim marker behind it.
    fn space(&mut self) -> Token<'s> {
        let length = leading_spaces(self.rest());
        let last = self.position + length - 1;
        let trims = self.input.get(last..).is_some_and(|rest| at_right_delimiter(rest) == Some(true));
        if trims && length == 1 {
            return self.right_delimiter(true);
        }
        self.position = if trims { last } else { last + 1 };
        self.emit(Kind::Space)
    }

    fn identifier(&mut self) -> Token<'s> {
        self.name();
        if !self.at_terminator() {
            return self.bad_character();
        }
        let kind = match self.input.get(self.start..self.position).unwrap_or_default() {
            b"block" => Kind::Block,
            b"break" => Kind::Break,
            b"continue" => Kind::Continue,
            b"define" => Kind::Define,
            b"else" => Kind::Else,
            b"end" => Kind::End,
            b"if" => Kind::If,
            b"range" => Kind::Range,
            b"nil" => Kind::Nil,
            b"template" => Kind::Template,
            b"with" => Kind::With,
            b"true" | b"false" => Kind::Bool,
            _ => Kind::Identifier,
        };
        self.emit(kind)
    }

    fn name(&mut self) {
        self.position += self.rest().iter().take_while(|byte| IS_NAME[usize::from(**byte)]).count();
        while self.peek().is_some_and(is_alphanumeric) {
            self.next();
        }
    }

    fn bad_character(&mut self) -> Token<'s> {
        let character = code_point(self.peek().unwrap_or_default());
        self.fail(format!("bad character {character}"))
    }

    /// What follows a dot or a dollar sign.
    fn field_or_variable(&mut self, kind: Kind) -> Token<'s> {
        if self.at_terminator() {
            return self.emit(if kind == Kind::Variable { kind } else { Kind::Dot });
        }
        self.name();
        if !self.at_terminator() {
            return self.bad_character();
        }
        self.emit(kind)
    }

    /// Whether a name may end here.
    fn at_terminator(&self) -> bool {
        match self.rest() {
            [] | [b' ' | b'\t' | b'\r' | b'\n' | b'.' | b',' | b'|' | b':' | b')' | b'(', ..] => true,
            rest => rest.starts_with(RIGHT),
        }
    }

    fn quoted(&mut self, quote: u8, kind: Kind, unterminated: &str) -> Token<'s> {
        loop {
            let Some(length) = memchr::memchr3(quote, b'\\', b'\n', self.rest()) else {
                return self.fail(unterminated.into());
            };
            self.position += length;
            match self.rest() {
                [b'\n', ..] | [b'\\'] | [b'\\', b'\n', ..] => return self.fail(unterminated.into()),
                [b'\\', ..] => self.position += 2,
                _ => {
                    self.position += 1;
                    return self.emit(kind);
                }
            }
        }
    }

    fn raw_quoted(&mut self) -> Token<'s> {
        match memchr::memchr(b'`', self.rest()) {
            Some(length) => {
                self.position += length + 1;
                self.emit(Kind::RawString)
            }
            None => self.fail("unterminated raw quoted string".into()),
        }
    }

    fn number(&mut self) -> Token<'s> {
        if !self.scan_number() {
            return self.bad_number();
        }
        if !matches!(self.peek(), Some('+' | '-')) {
            return self.emit(Kind::Number);
        }
        if !self.scan_number() || self.input.get(self.position - 1) != Some(&b'i') {
            return self.bad_number();
        }
        self.emit(Kind::Complex)
    }

    fn bad_number(&mut self) -> Token<'s> {
        let text = super::fmt::quote(self.input.get(self.start..self.position).unwrap_or_default());
        self.fail(format!("bad number syntax: {text}"))
    }

    /// Not a perfect scanner, as Go's: what it accepts wrongly is refused when it is converted.
    fn scan_number(&mut self) -> bool {
        self.accept("+-");
        let mut digits = "0123456789_";
        if self.accept("0") {
            if self.accept("xX") {
                digits = "0123456789abcdefABCDEF_";
            } else if self.accept("oO") {
                digits = "01234567_";
            } else if self.accept("bB") {
                digits = "01_";
            }
        }
        self.accept_run(digits);
        if self.accept(".") {
            self.accept_run(digits);
        }
        let exponent = match digits.len() {
            11 => "eE",
            23 => "pP",
            _ => "",
        };
        if self.accept(exponent) {
            self.accept("+-");
            self.accept_run("0123456789_");
        }
        self.accept("i");
        if self.peek().is_some_and(is_alphanumeric) {
            self.next();
            return false;
        }
        true
    }
}

/// How many lines end in this text.
pub(super) fn newlines(text: &[u8]) -> usize {
    memchr::memchr_iter(b'\n', text).count()
}

/// The first character and its length, U+FFFD and 1 where the bytes are not UTF-8.
pub(super) fn decode(bytes: &[u8]) -> Option<(char, usize)> {
    let first = *bytes.first()?;
    if first.is_ascii() {
        return Some((char::from(first), 1));
    }
    let head = bytes.get(..bytes.len().min(4)).unwrap_or_default();
    let valid = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(head.get(..error.valid_up_to()).unwrap_or_default()).unwrap_or_default(),
    };
    Some(valid.chars().next().map_or((char::REPLACEMENT_CHARACTER, 1), |character| (character, character.len_utf8())))
}

fn is_space(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\r' | '\n')
}

fn is_alphanumeric(character: char) -> bool {
    character == '_' || character.is_alphanumeric()
}

fn spaces<'b>(bytes: impl Iterator<Item = &'b u8>) -> usize {
    bytes.take_while(|&&byte| is_space(char::from(byte))).count()
}

fn leading_spaces(bytes: &[u8]) -> usize {
    spaces(bytes.iter())
}

fn trailing_spaces(bytes: &[u8]) -> usize {
    spaces(bytes.iter().rev())
}

fn has_left_marker(bytes: &[u8]) -> bool {
    matches!(bytes, [b'-', space, ..] if is_space(char::from(*space)))
}

/// Whether the right delimiter is here, and if so whether it trims.
fn at_right_delimiter(bytes: &[u8]) -> Option<bool> {
    match bytes {
        [space, b'-', b'}', b'}', ..] if is_space(char::from(*space)) => Some(true),
        [b'}', b'}', ..] => Some(false),
        _ => None,
    }
}

/// Go's `%#U`: `U+0021 '!'`, without the character where it cannot be printed.
fn code_point(character: char) -> String {
    let number = format!("U+{:04X}", u32::from(character));
    if super::fmt::is_print(character) { format!("{number} '{character}'") } else { number }
}
