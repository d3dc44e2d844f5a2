//! Upper, lower and title case as Go maps them, one character for one, and the cases of programmers.

use std::sync::LazyLock;

use regex::Regex;

use crate::template::Str;

/// Go's `unicode.ToUpper`. Rust's own mapping gives several characters for some of the Greek ones.
fn to_upper(char: char) -> char {
    let up = |by| char::from_u32(u32::from(char) + by).unwrap_or(char);
    match char {
        '\u{1f80}'..='\u{1f87}' | '\u{1f90}'..='\u{1f97}' | '\u{1fa0}'..='\u{1fa7}' => up(8),
        '\u{1fb3}' | '\u{1fc3}' | '\u{1ff3}' => up(9),
        _ => single(char, char.to_uppercase()),
    }
}

/// Go's `unicode.ToLower`.
fn to_lower(char: char) -> char {
    if char == 'İ' { 'i' } else { single(char, char.to_lowercase()) }
}

/// Go's `unicode.ToTitle`: upper case, except for Latin letters that are two in one, and Georgian.
fn to_title(char: char) -> char {
    match char {
        'Ǆ' | 'ǅ' | 'ǆ' => 'ǅ',
        'Ǉ' | 'ǈ' | 'ǉ' => 'ǈ',
        'Ǌ' | 'ǋ' | 'ǌ' => 'ǋ',
        'Ǳ' | 'ǲ' | 'ǳ' => 'ǲ',
        '\u{10d0}'..='\u{10ff}' => char,
        _ => to_upper(char),
    }
}

fn single(char: char, mut mapped: impl Iterator<Item = char>) -> char {
    match (mapped.next(), mapped.next()) {
        (Some(one), None) => one,
        _ => char,
    }
}

/// Go's `unicode.IsUpper`: letters only, not the Roman numbers and circled letters that Rust counts too.
fn is_upper(char: char) -> bool {
    let is_symbol = matches!(char, '\u{2160}'..='\u{216f}' | '\u{24b6}'..='\u{24cf}' | '\u{1f130}'..='\u{1f189}');
    char.is_uppercase() && !is_symbol
}

fn is_lower(char: char) -> bool {
    char.is_lowercase() && !matches!(char, '\u{345}' | '\u{2170}'..='\u{217f}' | '\u{24d0}'..='\u{24e9}')
}

/// Go's `unicode.IsTitle`: Latin letters that are two in one, and Greek capitals with a small iota.
fn is_title(char: char) -> bool {
    matches!(char, 'ǅ' | 'ǈ' | 'ǋ' | 'ǲ' | '\u{1f88}'..='\u{1f8f}' | '\u{1f98}'..='\u{1f9f}' | '\u{1fa8}'..='\u{1faf}')
        || matches!(char, '\u{1fbc}' | '\u{1fcc}' | '\u{1ffc}')
}

fn is_punctuation(char: char) -> bool {
    static PUNCTUATION: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^\p{P}").expect("a constant pattern"));
    match char {
        '$' | '+' | '<' | '=' | '>' | '^' | '`' | '|' | '~' => false,
        _ if char.is_ascii() => char.is_ascii_punctuation(),
        _ => PUNCTUATION.is_match(char.encode_utf8(&mut [0; 4])),
    }
}

/// A letter, but none of Chinese, Japanese or Korean writing.
fn is_alphabetic(char: char) -> bool {
    static LETTER: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^\p{L}").expect("a constant pattern"));
    match char {
        _ if char.is_ascii() => char.is_ascii_alphabetic(),
        '\u{3400}'..='\u{4d85}' | '\u{4e00}'..='\u{9fcc}' | '\u{20000}'..='\u{2b81d}' => false,
        _ => LETTER.is_match(char.encode_utf8(&mut [0; 4])),
    }
}

fn is_connector(char: char) -> bool {
    matches!(char, '-' | '_') || char.is_whitespace()
}

pub(super) fn upper(text: &Str) -> Str {
    mapped(text, str::to_ascii_uppercase, to_upper)
}

pub(super) fn lower(text: &Str) -> Str {
    mapped(text, str::to_ascii_lowercase, to_lower)
}

fn mapped(text: &Str, ascii: fn(&str) -> String, other: fn(char) -> char) -> Str {
    let text = text.to_text();
    if text.is_ascii() { ascii(&text).into() } else { text.chars().map(other).collect::<String>().into() }
}

/// Go's `strings.Title`: an apostrophe ends a word, an underscore does not.
pub(super) fn title(text: &Str) -> String {
    let mut previous = ' ';
    let change = |char: char| {
        let last = std::mem::replace(&mut previous, char);
        let separates =
            if last.is_ascii() { !last.is_ascii_alphanumeric() && last != '_' } else { last.is_whitespace() };
        if separates { to_title(char) } else { char }
    };
    text.to_text().chars().map(change).collect()
}

pub(super) fn untitle(text: &Str) -> String {
    let mut starts = true;
    let change = |char: char| {
        let begins = starts && !char.is_whitespace();
        starts = char.is_whitespace();
        if begins { to_lower(char) } else { char }
    };
    text.to_text().chars().map(change).collect()
}

/// goutils' `SwapCase`: a small letter becomes title case where it begins a word.
pub(super) fn swap_case(text: &Str) -> String {
    let mut begins = true;
    let change = |char: char| {
        let begun = std::mem::replace(&mut begins, char.is_whitespace());
        if is_upper(char) || is_title(char) {
            to_lower(char)
        } else if is_lower(char) {
            if begun { to_title(char) } else { to_upper(char) }
        } else {
            char
        }
    };
    text.to_text().chars().map(change).collect()
}

/// The first byte of each word: goutils looks at bytes as if they were characters.
pub(super) fn initials(text: &Str) -> String {
    let mut begins = true;
    let is_first = |char: &char| std::mem::replace(&mut begins, char.is_whitespace()) && !char.is_whitespace();
    text.as_bytes().iter().map(|byte| char::from(*byte)).filter(is_first).collect()
}

/// xstrings' `ToPascalCase`: `http_server` becomes `HttpServer`.
pub(super) fn camel_case(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    let mut current = None;
    let mut was_upper = false;
    for char in chars.by_ref() {
        if !is_connector(char) {
            was_upper = is_upper(char);
            current = Some(to_upper(char));
            break;
        }
        out.push(char);
    }
    let Some(mut current) = current else {
        // Of connectors alone the last is written twice.
        out.extend(text.chars().next_back());
        return out;
    };
    for char in chars {
        let previous = std::mem::replace(&mut current, char);
        match (is_connector(previous), is_connector(char)) {
            (true, true) => out.push(previous),
            (true, false) => {
                was_upper = is_upper(char);
                current = to_upper(char);
            }
            (false, _) => {
                was_upper &= is_upper(char);
                current = if was_upper { to_lower(char) } else { char };
                out.push(previous);
            }
        }
    }
    out.push(current);
    out
}

/// What xstrings takes for one word.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Word {
    /// Nothing, or nothing but bytes that are no text.
    Invalid,
    Number,
    Upper,
    Alphabet,
    Connector,
    Punctuation,
    Other,
}

impl Word {
    /// Whether a connector is written before this word after another one.
    fn wants_connector(self) -> bool {
        !matches!(self, Self::Connector | Self::Punctuation)
    }
}

/// Words in turn, and what is written of them.
struct Words<'a> {
    rest: &'a str,
    out: String,
    connector: char,
}

/// xstrings' `ToSnakeCase` and `ToKebabCase`: `HTTPServer` becomes `http_server`, `http2xx` becomes `http_2xx`.
pub(super) fn separated(text: &str, connector: char) -> String {
    let mut words = Words { rest: text, out: String::with_capacity(text.len() + 8), connector };
    let (mut kind, mut word) = words.next();
    while !words.rest.is_empty() {
        if kind != Word::Connector {
            words.write(kind, word);
        }
        let (previous, last) = (kind, word);
        (kind, word) = words.next();
        match previous {
            Word::Number => (kind, word) = words.write_alphanumeric(kind, word),
            Word::Connector => words.write(previous, last),
            Word::Punctuation => {}
            _ if kind == Word::Number => (kind, word) = words.write_after_word(kind, word),
            _ if kind.wants_connector() => words.out.push(connector),
            _ => {}
        }
    }
    words.write(kind, word);
    words.out
}

impl<'a> Words<'a> {
    /// Takes the next word from the rest.
    fn next(&mut self) -> (Word, &'a str) {
        let (kind, length) = next_word(self.rest);
        let (word, rest) = self.rest.split_at(length);
        self.rest = rest;
        (kind, word)
    }

    fn write(&mut self, kind: Word, word: &str) {
        if !matches!(kind, Word::Upper | Word::Connector) {
            return self.out.push_str(word);
        }
        let connector = self.connector;
        let change = |char| match char {
            _ if is_connector(char) => connector,
            _ if is_upper(char) => to_lower(char),
            _ => char,
        };
        self.out.extend(word.chars().map(change));
    }

    /// Numbers and small letters are one word; gives the word after them.
    fn write_alphanumeric(&mut self, mut kind: Word, mut word: &'a str) -> (Word, &'a str) {
        while matches!(kind, Word::Alphabet | Word::Number) {
            self.write(kind, word);
            (kind, word) = self.next();
        }
        if kind.wants_connector() && kind != Word::Invalid {
            self.out.push(self.connector);
        }
        (kind, word)
    }

    /// A number after a word belongs to it, unless small letters follow: `Bld4Floor` is `bld4_floor`, `HTTP2xx` is
    /// `http_2xx`.
    fn write_after_word(&mut self, kind: Word, number: &'a str) -> (Word, &'a str) {
        if self.rest.is_empty() {
            return (kind, number);
        }
        let (kind, word) = self.next();
        if kind == Word::Alphabet {
            self.out.push(self.connector);
            self.write(Word::Number, number);
            return self.write_alphanumeric(kind, word);
        }
        self.write(Word::Number, number);
        if kind.wants_connector() {
            self.out.push(self.connector);
        }
        (kind, word)
    }
}

/// The kind and length of the first word.
fn next_word(text: &str) -> (Word, usize) {
    let (first, size) = next_valid(text, char::REPLACEMENT_CHARACTER);
    let run = |is_part: &dyn Fn(char) -> bool| size + run_length(&text[size..], first, is_part);
    let is_small = |char| is_alphabetic(char) && !is_upper(char);
    match first {
        char::REPLACEMENT_CHARACTER => (Word::Invalid, size),
        _ if is_connector(first) => (Word::Connector, run(&is_connector)),
        _ if is_punctuation(first) => (Word::Punctuation, run(&is_punctuation)),
        _ if is_upper(first) => (Word::Upper, size + after_capital(&text[size..], first, &is_small)),
        _ if is_alphabetic(first) => (Word::Alphabet, run(&is_small)),
        _ if first.is_numeric() => (Word::Number, run(&char::is_numeric)),
        _ => {
            let is_other =
                |char: char| !is_connector(char) && !is_alphabetic(char) && !char.is_numeric() && !is_punctuation(char);
            (Word::Other, run(&is_other))
        }
    }
}

/// How much of the text after a capital belongs to its word: in `HTTPStatus` the `S` belongs to the next.
fn after_capital(text: &str, first: char, is_small: &dyn Fn(char) -> bool) -> usize {
    let (next, _) = next_valid(text, first);
    if !is_upper(next) {
        return if is_alphabetic(next) { run_length(text, first, is_small) } else { 0 };
    }
    let length = run_length(text, first, &is_upper);
    let rest = &text[length..];
    let last = text[..length].chars().next_back().map_or(0, char::len_utf8);
    if !rest.is_empty() && is_alphabetic(next_valid(rest, first).0) { length - last } else { length }
}

/// How many bytes from the start are such characters; what is no text belongs to the character after it.
fn run_length(text: &str, first: char, is_part: &dyn Fn(char) -> bool) -> usize {
    let (mut length, mut last) = (0, first);
    while length < text.len() {
        let (next, size) = next_valid(&text[length..], last);
        if !is_part(next) {
            break;
        }
        (length, last) = (length + size, next);
    }
    length
}

/// The first character that is text, `previous` where there is none, and where it ends.
fn next_valid(text: &str, previous: char) -> (char, usize) {
    let found = text.char_indices().find(|(_, char)| *char != char::REPLACEMENT_CHARACTER);
    found.map_or((previous, text.len()), |(at, char)| (char, at + char.len_utf8()))
}
