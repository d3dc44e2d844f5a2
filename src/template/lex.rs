//! Tokens of a template, as Go 1.26's `text/template/parse/lex.go` finds them, with its error texts.
//!
//! In Go, a space in an action is a token of its own. Here each token remembers the space in front of it, which halves
//! their number.

use std::sync::LazyLock;

use super::ast::{Position, Span};
use memchr::memmem;
use regex::Regex;

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

/// A token: what it is and where. Small enough for two registers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Token {
    /// Where the space in front of it begins, or the token itself where there is none.
    pub space: Position,
    /// Where it is in the text.
    pub span: Span,
    pub kind: Kind,
}

impl Token {
    /// The offset of its first byte.
    pub(super) fn position(self) -> Position {
        self.span.start()
    }

    /// Whether there is space in front of it, in the same action.
    pub(super) fn is_spaced(self) -> bool {
        self.space != self.position()
    }
}

/// The lexer's place in a template.
pub(super) struct Lexer<'s> {
    input: &'s [u8],
    position: usize,
    /// Where the space begins in front of the token that is being read.
    space: usize,
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

/// A class of bytes: letters, digits and the underscore of ASCII.
const NAME: u8 = 1;
/// A class of bytes: what Go's lexer takes for space.
const SPACE: u8 = 2;
/// A class of bytes: those behind which a name has ended.
const TERMINATOR: u8 = 4;

/// The classes of each byte.
const CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        classes[byte as usize] = match byte {
            b'_' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => NAME,
            b' ' | b'\t' | b'\r' | b'\n' => SPACE | TERMINATOR,
            b'.' | b',' | b'|' | b':' | b')' | b'(' => TERMINATOR,
            _ => 0,
        };
        byte += 1;
    }
    classes
};

impl<'s> Lexer<'s> {
    pub(super) fn new(input: &'s [u8]) -> Self {
        Self { input, position: 0, space: 0, start: 0, parens: 0, inside_action: false, error: String::new() }
    }

    /// The next token; [`Kind::Eof`] for ever once the input is read.
    // Apart from the parser's lookahead, which is inlined in many places.
    #[inline(never)]
    pub(super) fn token(&mut self) -> Token {
        if self.inside_action { self.in_action() } else { self.in_text() }
    }

    fn rest(&self) -> &'s [u8] {
        self.input.get(self.position..).unwrap_or_default()
    }

    fn here(&self) -> Option<u8> {
        self.input.get(self.position).copied()
    }

    /// Begins a token that has no space in front of it.
    fn begin(&mut self) {
        self.start = self.position;
        self.space = self.position;
    }

    fn emit(&self, kind: Kind) -> Token {
        Token { space: Position::new(self.space), span: Span::new(self.start..self.position), kind }
    }

    /// A token of so many bytes.
    fn emit_next(&mut self, length: usize, kind: Kind) -> Token {
        self.position += length;
        self.emit(kind)
    }

    #[cold]
    fn fail(&mut self, message: impl Into<String>) -> Token {
        self.error = message.into();
        self.position = self.start;
        let token = self.emit(Kind::Error);
        self.input = &[];
        self.position = 0;
        token
    }

    /// The character here, however many bytes it takes.
    fn peek(&self) -> Option<(char, usize)> {
        decode(self.rest())
    }

    /// Passes over the bytes of a class.
    fn skip(&mut self, class: u8) {
        let mut position = self.position;
        while self.input.get(position).is_some_and(|byte| is(*byte, class)) {
            position += 1;
        }
        self.position = position;
    }

    fn accept(&mut self, valid: &[u8]) -> bool {
        let found = self.here().is_some_and(|byte| valid.contains(&byte));
        self.position += usize::from(found);
        found
    }

    fn accept_run(&mut self, valid: &[u8]) {
        while self.accept(valid) {}
    }

    // Apart from actions, whose tokens need fewer registers saved.
    #[inline(never)]
    fn in_text(&mut self) -> Token {
        loop {
            let rest = self.rest();
            self.begin();
            let Some(length) = find_left(rest) else {
                return self.emit_next(rest.len(), if rest.is_empty() { Kind::Eof } else { Kind::Text });
            };
            let delimiter = self.position + length;
            let trims = has_left_marker(rest.get(length + LEFT.len()..).unwrap_or_default());
            let text = rest.get(..length).unwrap_or_default();
            let left = length - if trims { trailing_spaces(text) } else { 0 };
            if left > 0 {
                let token = self.emit_next(left, Kind::Text);
                self.position = delimiter;
                return token;
            }
            self.position = delimiter;
            if let Some(token) = self.left_delimiter(trims) {
                return token;
            }
        }
    }

    /// The delimiter here, or nothing after a comment.
    fn left_delimiter(&mut self, trims: bool) -> Option<Token> {
        self.begin();
        let token = self.emit_next(LEFT.len(), Kind::LeftDelimiter);
        self.position += if trims { TRIM_MARKER } else { 0 };
        if self.rest().starts_with(LEFT_COMMENT) {
            return self.comment();
        }
        self.inside_action = true;
        self.parens = 0;
        Some(token)
    }

    fn comment(&mut self) -> Option<Token> {
        self.begin();
        self.position += LEFT_COMMENT.len();
        let Some(length) = memmem::find(self.rest(), RIGHT_COMMENT) else {
            return Some(self.fail("unclosed comment"));
        };
        self.position += length + RIGHT_COMMENT.len();
        let Some(trims) = at_right_delimiter(self.rest()) else {
            return Some(self.fail("comment ends before closing delimiter"));
        };
        self.position += if trims { TRIM_MARKER } else { 0 } + RIGHT.len();
        if trims {
            self.skip(SPACE);
        }
        None
    }

    fn in_action(&mut self) -> Token {
        self.space = self.position;
        self.skip(SPACE);
        self.start = self.position;
        let rest = self.rest();
        let Some(&first) = rest.first() else {
            return self.fail("unclosed action");
        };
        match first {
            b'_' | b'a'..=b'z' | b'A'..=b'Z' => self.identifier(),
            b'.' if matches!(rest, [_] | [_, b'0'..=b'9', ..]) => self.number(),
            b'.' => self.field_or_variable(Kind::Field),
            b'$' => self.field_or_variable(Kind::Variable),
            b'}' if rest.starts_with(RIGHT) => self.right_delimiter(false),
            b'-' if self.space < self.start && rest.starts_with(b"-}}") => self.right_delimiter(true),
            b'+' | b'-' | b'0'..=b'9' => self.number(),
            b'"' => self.quoted(b'"', Kind::String, "unterminated quoted string"),
            b'\'' => self.quoted(b'\'', Kind::CharConstant, "unterminated character constant"),
            b'`' => self.raw_quoted(),
            b'(' => {
                self.parens += 1;
                self.emit_next(1, Kind::LeftParen)
            }
            b')' => self.right_paren(),
            b'|' => self.emit_next(1, Kind::Pipe),
            b'=' => self.emit_next(1, Kind::Assign),
            b':' if rest.starts_with(b":=") => self.emit_next(2, Kind::Declare),
            b':' => self.fail("expected :="),
            b'!'..=b'~' => self.emit_next(1, Kind::Char),
            _ => match self.peek() {
                Some((character, _)) if is_alphanumeric(character) => self.identifier(),
                other => self.bad_character("unrecognized character in action:", other),
            },
        }
    }

    /// The delimiter here. One that trims begins with the last space, which was passed over, and the `-` here.
    fn right_delimiter(&mut self, trims: bool) -> Token {
        self.start -= usize::from(trims);
        let is_spaced = self.space < self.start;
        if self.parens > 0 {
            return self.fail("unclosed left paren");
        }
        self.start += if trims { TRIM_MARKER } else { 0 };
        if !is_spaced {
            self.space = self.start;
        }
        self.position = self.start;
        let token = self.emit_next(RIGHT.len(), Kind::RightDelimiter);
        if trims {
            self.skip(SPACE);
        }
        self.inside_action = false;
        token
    }

    fn right_paren(&mut self) -> Token {
        self.parens -= 1;
        if self.parens < 0 {
            return self.fail("unexpected right paren");
        }
        self.emit_next(1, Kind::RightParen)
    }

    fn identifier(&mut self) -> Token {
        self.name();
        if !self.at_terminator() {
            return self.bad_character("bad character", self.peek());
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

    /// Passes over letters, digits and underscores.
    fn name(&mut self) {
        self.skip(NAME);
        if self.here().is_some_and(|byte| !byte.is_ascii()) {
            self.name_beyond_ascii();
        }
    }

    #[cold]
    fn name_beyond_ascii(&mut self) {
        while let Some((character, length)) = self.peek()
            && is_alphanumeric(character)
        {
            self.position += length;
        }
    }

    #[cold]
    fn bad_character(&mut self, message: &str, character: Option<(char, usize)>) -> Token {
        let (character, _) = character.unwrap_or_default();
        self.fail(format!("{message} {}", code_point(character)))
    }

    /// A dot or a dollar sign, and the name behind it.
    fn field_or_variable(&mut self, kind: Kind) -> Token {
        self.position += 1;
        self.name();
        if !self.at_terminator() {
            return self.bad_character("bad character", self.peek());
        }
        let is_dot = kind == Kind::Field && self.position == self.start + 1;
        self.emit(if is_dot { Kind::Dot } else { kind })
    }

    /// Whether a name may end here.
    fn at_terminator(&self) -> bool {
        match self.here() {
            Some(b'}') => self.rest().starts_with(RIGHT),
            here => here.is_none_or(|byte| is(byte, TERMINATOR)),
        }
    }

    fn quoted(&mut self, quote: u8, kind: Kind, unterminated: &str) -> Token {
        self.position += 1;
        loop {
            let Some(length) = memchr::memchr3(quote, b'\\', b'\n', self.rest()) else {
                return self.fail(unterminated);
            };
            self.position += length;
            match self.rest() {
                [b'\n', ..] | [b'\\'] | [b'\\', b'\n', ..] => return self.fail(unterminated),
                [b'\\', ..] => self.position += 2,
                _ => return self.emit_next(1, kind),
            }
        }
    }

    fn raw_quoted(&mut self) -> Token {
        self.position += 1;
        match memchr::memchr(b'`', self.rest()) {
            Some(length) => self.emit_next(length + 1, Kind::RawString),
            None => self.fail("unterminated raw quoted string"),
        }
    }

    fn number(&mut self) -> Token {
        if !self.scan_number() {
            return self.bad_number();
        }
        if !matches!(self.here(), Some(b'+' | b'-')) {
            return self.emit(Kind::Number);
        }
        if !self.scan_number() || self.input.get(self.position - 1) != Some(&b'i') {
            return self.bad_number();
        }
        self.emit(Kind::Complex)
    }

    fn bad_number(&mut self) -> Token {
        let text = super::fmt::quote(self.input.get(self.start..self.position).unwrap_or_default());
        self.fail(format!("bad number syntax: {text}"))
    }

    /// Not a perfect scanner, as Go's: what it accepts wrongly is refused when it is converted.
    fn scan_number(&mut self) -> bool {
        self.accept(b"+-");
        let mut digits: &[u8] = b"0123456789_";
        let mut exponent: &[u8] = b"eE";
        if self.accept(b"0") {
            if self.accept(b"xX") {
                (digits, exponent) = (b"0123456789abcdefABCDEF_", b"pP");
            } else if self.accept(b"oO") {
                (digits, exponent) = (b"01234567_", b"");
            } else if self.accept(b"bB") {
                (digits, exponent) = (b"01_", b"");
            }
        }
        self.accept_run(digits);
        if self.accept(b".") {
            self.accept_run(digits);
        }
        if self.accept(exponent) {
            self.accept(b"+-");
            self.accept_run(b"0123456789_");
        }
        self.accept(b"i");
        match self.peek() {
            Some((character, length)) if is_alphanumeric(character) => {
                self.position += length;
                false
            }
            _ => true,
        }
    }
}

/// How many actions there are about: half as many as braces, which are counted fast, but no more than fit in well.
pub(super) fn count_actions(text: &[u8]) -> usize {
    let braces = memchr::memchr_iter(LEFT[0], text).count();
    (braces / LEFT.len()).min(text.len() / 16)
}

/// Where the next left delimiter is. Single braces are so rare in templates that to look for one is the fastest way.
fn find_left(text: &[u8]) -> Option<usize> {
    memchr::memchr_iter(LEFT[0], text).find(|&offset| text.get(offset + 1) == Some(&LEFT[1]))
}

fn is(byte: u8, class: u8) -> bool {
    CLASSES[usize::from(byte)] & class != 0
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

/// Go's `isAlphaNumeric`: Rust's `char::is_alphanumeric` takes marks and numbers that are no digits as well.
pub(super) fn is_alphanumeric(character: char) -> bool {
    static LETTER_OR_DIGIT: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"^[\p{L}\p{Nd}]").expect("a constant pattern"));
    match character {
        _ if character.is_ascii() => character == '_' || character.is_ascii_alphanumeric(),
        _ => character.is_alphanumeric() && LETTER_OR_DIGIT.is_match(character.encode_utf8(&mut [0; 4])),
    }
}

fn trailing_spaces(bytes: &[u8]) -> usize {
    bytes.iter().rev().take_while(|byte| is(**byte, SPACE)).count()
}

fn has_left_marker(bytes: &[u8]) -> bool {
    matches!(bytes, [b'-', space, ..] if is(*space, SPACE))
}

/// Whether the right delimiter is here, and if so whether it trims.
fn at_right_delimiter(bytes: &[u8]) -> Option<bool> {
    match bytes {
        [space, b'-', b'}', b'}', ..] if is(*space, SPACE) => Some(true),
        [b'}', b'}', ..] => Some(false),
        _ => None,
    }
}

/// Go's `%#U`: `U+0021 '!'`, without the character where it cannot be printed.
fn code_point(character: char) -> String {
    let number = format!("U+{:04X}", u32::from(character));
    if super::fmt::is_print(character) { format!("{number} '{character}'") } else { number }
}
