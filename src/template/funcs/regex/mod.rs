//! Sprig's functions on regular expressions, with Go's syntax and Go's rules of iteration and expansion.

mod engine;
mod syntax;

use std::{borrow::Cow, cell::RefCell, collections::HashMap, ops::Range, rc::Rc};

use engine::Groups;
pub(crate) use engine::Regex;

use super::check_text;
use crate::template::{
    Fault, List, Str, fmt,
    func::{Function, function},
    lex::is_alphanumeric,
};

/// How many patterns are kept. Charts make some from values, but hardly so many.
const MAX_PATTERNS: usize = 1000;

/// A compiled pattern.
struct Pattern {
    regex: Regex,
    /// The names of the groups, the whole match first.
    names: Vec<Option<String>>,
    is_empty: bool,
}

/// Whether a pattern is Go's syntax.
///
/// # Errors
/// Go's words: `error parsing regexp: …`.
pub(crate) fn check(pattern: &str) -> Result<(), String> {
    syntax::translate(pattern).map(|_| ())
}

/// A pattern of Go's syntax, for other rooms.
///
/// # Errors
/// Go's words: `error parsing regexp: …`.
pub(crate) fn compile(pattern: &str) -> Result<Regex, String> {
    Pattern::compile(&pattern.into()).map(|pattern| pattern.regex)
}

pub(crate) fn functions() -> Vec<(&'static str, Function)> {
    let patterns = Rc::new(Patterns::default());
    let known = patterns.clone();
    let is_match = move |pattern: Str, text: Str| known.get(&pattern).is_ok_and(|it| it.is_match(&text));
    let known = patterns.clone();
    let must_match = move |pattern: Str, text: Str| known.get(&pattern).map(|it| it.is_match(&text));
    let mut functions = vec![
        ("regexQuoteMeta", function(|text: Str| quote_meta(&text))),
        ("regexMatch", function(is_match)),
        ("mustRegexMatch", function(must_match)),
    ];
    let mut twins = |names: [&'static str; 2], make: &dyn Fn(Twin) -> Function| {
        for (name, panics) in names.into_iter().zip([true, false]) {
            functions.push((name, make(Twin { patterns: patterns.clone(), panics })));
        }
    };
    twins(["regexFind", "mustRegexFind"], &|twin| {
        function(move |pattern: Str, text: Str| twin.get(&pattern).map(|it| it.first(&text)))
    });
    twins(["regexFindAll", "mustRegexFindAll"], &|twin| {
        function(move |pattern: Str, text: Str, limit: i64| twin.get(&pattern).map(|it| it.all(&text, limit)))
    });
    twins(["regexSplit", "mustRegexSplit"], &|twin| {
        function(move |pattern: Str, text: Str, limit: i64| twin.get(&pattern).map(|it| it.split(&text, limit)))
    });
    twins(["regexReplaceAll", "mustRegexReplaceAll"], &|twin| {
        function(move |pattern: Str, text: Str, new: Str| twin.get(&pattern)?.replace(&text, &new, true))
    });
    twins(["regexReplaceAllLiteral", "mustRegexReplaceAllLiteral"], &|twin| {
        function(move |pattern: Str, text: Str, new: Str| twin.get(&pattern)?.replace(&text, &new, false))
    });
    functions
}

/// Patterns by their text, for the functions made by one call of [`functions`]: one rendering compiles a pattern once.
#[derive(Default)]
struct Patterns(RefCell<HashMap<Str, Result<Rc<Pattern>, Fault>>>);

impl Patterns {
    fn get(&self, text: &Str) -> Result<Rc<Pattern>, Fault> {
        if let Some(known) = self.0.borrow().get(text) {
            return known.clone();
        }
        let compiled = Pattern::compile(text).map(Rc::new).map_err(Fault::new);
        let mut patterns = self.0.borrow_mut();
        if patterns.len() >= MAX_PATTERNS {
            patterns.clear();
        }
        patterns.insert(text.clone(), compiled.clone());
        compiled
    }
}

/// One of two functions that differ in how they tell of a bad pattern: `regexFind` panics in Go, `mustRegexFind` returns
/// the error.
struct Twin {
    patterns: Rc<Patterns>,
    panics: bool,
}

impl Twin {
    fn get(&self, text: &Str) -> Result<Rc<Pattern>, Fault> {
        self.patterns.get(text).map_err(|fault| if self.panics { panic_words(text, &fault) } else { fault })
    }
}

/// What `regexp.MustCompile` panics with.
fn panic_words(pattern: &Str, fault: &Fault) -> Fault {
    let text = pattern.to_text();
    let fits = |char: char| char == '\t' || (!char.is_control() && !matches!(char, '`' | '\u{feff}'));
    let quoted = match pattern {
        Str::Text(_) if text.chars().all(fits) => format!("`{text}`"),
        _ => fmt::quote(pattern.as_bytes()),
    };
    Fault::new(format!("regexp: Compile({quoted}): {}", fault.message))
}

impl Pattern {
    fn compile(text: &Str) -> Result<Self, String> {
        let source = text.to_text();
        if let Err(fault) = std::str::from_utf8(text.as_bytes()) {
            let rest = String::from_utf8_lossy(text.as_bytes().get(fault.valid_up_to()..).unwrap_or_default());
            return Err(format!("error parsing regexp: invalid UTF-8: `{rest}`"));
        }
        let translated = syntax::translate(&source)?;
        let regex = Regex::new(&translated.pattern)
            .map_err(|_| format!("error parsing regexp: expression too large: `{source}`"))?;
        Ok(Self { regex, names: translated.names, is_empty: source.is_empty() })
    }

    fn is_match(&self, text: &Str) -> bool {
        self.regex.is_match(&readable(text).0)
    }

    /// Calls `deliver` with each match, as Go's `allMatches` does: no empty match right after another match, and the
    /// search goes on character by character.
    fn each(&self, text: &Str, limit: usize, mut deliver: impl FnMut(&Found<'_>)) {
        let (text, origins) = readable(text);
        let mut groups = Groups::default();
        let (mut at, mut count, mut last_end) = (0, 0, None);
        while count < limit && at <= text.len() {
            let Some(Range { start, end }) = self.regex.find_at(&text, at, &mut groups) else {
                break;
            };
            if !text.is_char_boundary(start) {
                // Between the bytes of a character is a place without a word boundary only for bytes.
                at = start + 1;
                continue;
            }
            let is_refused = start == end && last_end == Some(end);
            let next = text.get(at..).and_then(|rest| rest.chars().next());
            at = if end == at { at + next.map_or(1, char::len_utf8) } else { end };
            last_end = Some(end);
            if !is_refused {
                count += 1;
                deliver(&Found { groups: &groups, origins: origins.as_deref() });
            }
        }
    }

    fn spans(&self, text: &Str, limit: i64) -> Vec<(usize, usize)> {
        let mut spans = Vec::new();
        self.each(text, usize::try_from(limit).unwrap_or(usize::MAX), |found| spans.extend(found.group(0)));
        spans
    }

    fn first(&self, text: &Str) -> Str {
        part(text, self.spans(text, 1).first().copied().unwrap_or_default())
    }

    fn all(&self, text: &Str, limit: i64) -> List {
        strings(self.spans(text, limit).into_iter().map(|span| part(text, span)).collect(), true)
    }

    /// Go's `Regexp.Split`.
    fn split(&self, text: &Str, limit: i64) -> List {
        if limit == 0 {
            return strings(Vec::new(), true);
        }
        let length = text.as_bytes().len();
        if length == 0 && !self.is_empty {
            return strings(vec!["".into()], false);
        }
        let mut parts = Vec::new();
        let (mut begin, mut end) = (0, 0);
        for (match_start, match_end) in self.spans(text, limit) {
            if limit > 0 && parts.len() as i64 >= limit - 1 {
                break;
            }
            end = match_start;
            if match_end != 0 {
                parts.push(part(text, (begin, end)));
            }
            begin = match_end;
        }
        if end != length {
            parts.push(part(text, (begin, length)));
        }
        strings(parts, false)
    }

    /// All matches replaced; `expands` says whether `$1` and `${name}` stand for groups.
    fn replace(&self, text: &Str, new: &Str, expands: bool) -> Result<Str, Fault> {
        let bytes = text.as_bytes();
        let mut out = Vec::with_capacity(bytes.len());
        let mut end = 0;
        let expands = expands && new.as_bytes().contains(&b'$');
        let new = new.to_text();
        self.each(text, usize::MAX, |found| {
            let Some((start, next)) = found.group(0).filter(|_| check_text(out.len()).is_ok()) else { return };
            out.extend_from_slice(bytes.get(end..start).unwrap_or_default());
            end = next;
            if expands {
                self.expand(&mut out, &new, bytes, found);
            } else {
                out.extend_from_slice(new.as_bytes());
            }
        });
        out.extend_from_slice(bytes.get(end..).unwrap_or_default());
        check_text(out.len())?;
        Ok(Str::from_bytes(out))
    }

    /// Go's `Regexp.Expand`: a name is as long as it can be, so that `$1x` is the group `1x`; `$$` is a dollar.
    fn expand(&self, out: &mut Vec<u8>, template: &str, text: &[u8], found: &Found<'_>) {
        let mut rest = template;
        while let Some((before, after)) = rest.split_once('$') {
            out.extend_from_slice(before.as_bytes());
            rest = after;
            if let Some(after) = after.strip_prefix('$') {
                out.push(b'$');
                rest = after;
            } else if let Some((name, after)) = group_name(after) {
                let (start, end) = self.group(name, found).unwrap_or_default();
                out.extend_from_slice(text.get(start..end).unwrap_or_default());
                rest = after;
            } else {
                out.push(b'$');
            }
        }
        out.extend_from_slice(rest.as_bytes());
    }

    /// What the group of this number or name matched.
    fn group(&self, name: &str, found: &Found<'_>) -> Option<(usize, usize)> {
        let is_number = name.bytes().all(|byte| byte.is_ascii_digit()) && (name.len() == 1 || !name.starts_with('0'));
        if is_number {
            return found.group(name.parse().ok()?);
        }
        let named = self.names.iter().enumerate().filter(|(_, known)| known.as_deref() == Some(name));
        named.filter_map(|(index, _)| found.group(index)).next()
    }
}

/// A match.
struct Found<'a> {
    groups: &'a Groups,
    origins: Option<&'a [usize]>,
}

impl Found<'_> {
    /// Where a group is in the text as it was given.
    fn group(&self, index: usize) -> Option<(usize, usize)> {
        let origin = |at: usize| self.origins.map_or(at, |origins| origins.get(at).copied().unwrap_or(at));
        self.groups.get(index).map(|found| (origin(found.start), origin(found.end)))
    }
}

/// A text to search in: Go sees U+FFFD for each byte that is no UTF-8. Where there are such bytes, also where each byte of
/// it comes from.
fn readable(text: &Str) -> (Cow<'_, str>, Option<Vec<usize>>) {
    let bytes = match text {
        Str::Text(text) => return (text.as_ref().into(), None),
        Str::Raw(bytes) => bytes,
    };
    let (mut readable, mut origins) = (String::with_capacity(bytes.len()), Vec::with_capacity(bytes.len()));
    let mut at = 0;
    for chunk in bytes.utf8_chunks() {
        readable.push_str(chunk.valid());
        origins.extend(at..at + chunk.valid().len());
        at += chunk.valid().len();
        for _ in chunk.invalid() {
            readable.push(char::REPLACEMENT_CHARACTER);
            origins.extend([at; char::REPLACEMENT_CHARACTER.len_utf8()]);
            at += 1;
        }
    }
    origins.push(at);
    (readable.into(), Some(origins))
}

/// The name after a dollar, in braces or not, and what follows it.
fn group_name(text: &str) -> Option<(&str, &str)> {
    let inner = text.strip_prefix('{').unwrap_or(text);
    let end = inner.find(|char: char| !is_alphanumeric(char)).unwrap_or(inner.len());
    let (name, rest) = inner.split_at(end);
    let rest = if inner.len() < text.len() { rest.strip_prefix('}')? } else { rest };
    (!name.is_empty()).then_some((name, rest))
}

fn strings(items: Vec<Str>, nil_where_empty: bool) -> List {
    List { is_nil: nil_where_empty && items.is_empty(), ..List::strings(items) }
}

fn part(text: &Str, (start, end): (usize, usize)) -> Str {
    Str::from_bytes(text.as_bytes().get(start..end).unwrap_or_default().to_vec())
}

/// Go's `regexp.QuoteMeta`.
fn quote_meta(text: &Str) -> Str {
    let mut out = Vec::with_capacity(text.as_bytes().len());
    for byte in text.as_bytes() {
        if br"\.+*?()|[]{}^$".contains(byte) {
            out.push(b'\\');
        }
        out.push(*byte);
    }
    Str::from_bytes(out)
}
