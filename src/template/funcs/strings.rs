//! Sprig's functions on strings. Go counts bytes: what cuts a character in two leaves a [`Str::Raw`].

use std::rc::Rc;

use memchr::{memchr_iter, memmem};

use super::{
    MAX_TEXT,
    case::{camel_case, initials, lower, separated, swap_case, title, untitle, upper},
    check_text,
    lists::list_of,
};
use crate::template::{
    Context, Fault, List, Map, Str, Value, fmt,
    func::{Function, Rest, function, with_context},
};

pub(crate) fn functions() -> Vec<(&'static str, Function)> {
    vec![
        ("hello", function(|| "Hello!")),
        ("toString", function(|value: Value| text(&value))),
        ("quote", function(quote)),
        ("squote", function(squote)),
        ("cat", function(cat)),
        ("indent", function(|width: i64, text: Str| indent("", width, &text))),
        ("nindent", function(|width: i64, text: Str| indent("\n", width, &text))),
        ("replace", function(|old: Str, new: Str, text: Str| replace(&text, &old, &new))),
        ("repeat", function(|count: i64, text: Str| repeat(&text, count))),
        ("contains", function(|part: Str, text: Str| memmem::find(text.as_bytes(), part.as_bytes()).is_some())),
        ("hasPrefix", function(|part: Str, text: Str| text.as_bytes().starts_with(part.as_bytes()))),
        ("hasSuffix", function(|part: Str, text: Str| text.as_bytes().ends_with(part.as_bytes()))),
        ("trim", function(trim)),
        ("trimAll", function(trim_all)),
        ("trimall", function(trim_all)),
        ("trimPrefix", function(|part: Str, text: Str| cut(&text, text.as_bytes().strip_prefix(part.as_bytes())))),
        ("trimSuffix", function(|part: Str, text: Str| cut(&text, text.as_bytes().strip_suffix(part.as_bytes())))),
        ("trunc", function(trunc)),
        ("substr", function(substr)),
        ("upper", function(|text: Str| upper(&text))),
        ("lower", function(|text: Str| lower(&text))),
        ("title", function(|text: Str| title(&text))),
        ("untitle", function(|text: Str| untitle(&text))),
        ("swapcase", function(|text: Str| swap_case(&text))),
        ("initials", function(|text: Str| initials(&text))),
        ("camelcase", function(|text: Str| camel_case(&text.to_text()))),
        ("snakecase", function(|text: Str| separated(&text.to_text(), '_'))),
        ("kebabcase", function(|text: Str| separated(&text.to_text(), '-'))),
        ("nospace", function(no_space)),
        ("shuffle", with_context(shuffle)),
        ("abbrev", function(|width: i64, text: Str| if width < 4 { text } else { abbreviate(&text, 0, width) })),
        ("abbrevboth", function(abbreviate_both)),
        ("wrap", function(|width: i64, text: Str| wrap(text.as_bytes(), width, b"\n", false))),
        ("wrapWith", function(wrap_with)),
        ("plural", function(|one: Str, many: Str, count: i64| if count == 1 { one } else { many })),
        ("join", function(join)),
        ("split", function(|separator: Str, text: Str| numbered(split(&text, &separator, -1)))),
        ("splitn", function(|separator: Str, count: i64, text: Str| numbered(split(&text, &separator, count)))),
        ("splitList", function(|separator: Str, text: Str| List::strings(split(&text, &separator, -1)))),
    ]
}

/// Sprig's `strval`: a string as it is, bytes as a string, everything else as `%v` prints it.
pub(super) fn text(value: &Value) -> Str {
    match value {
        Value::String(text) => text.clone(),
        other => match other.bytes() {
            Some(bytes) => Str::from_bytes(bytes.into_owned()),
            None => fmt::sprint(std::slice::from_ref(other)),
        },
    }
}

/// Sprig's `strslice`: the elements that are not nil as strings; a lone value as the only element.
pub(super) fn strings(value: &Value) -> Vec<Str> {
    match list_of(value) {
        Some(list) => list.items.iter().filter(|item| !matches!(item, Value::Nil)).map(text).collect(),
        None if matches!(value, Value::Nil) => Vec::new(),
        None => vec![text(value)],
    }
}

/// A string as a key of a map.
pub(super) fn key(text: &Str) -> Rc<str> {
    match text {
        Str::Text(text) => text.clone(),
        Str::Raw(_) => text.to_text().into(),
    }
}

/// The values that are not nil, each written by `write`, with spaces between.
fn joined(values: &[Value], mut write: impl FnMut(&mut Vec<u8>, &Value)) -> Str {
    let mut out = Vec::new();
    for value in values.iter().filter(|value| !matches!(value, Value::Nil)) {
        if !out.is_empty() {
            out.push(b' ');
        }
        write(&mut out, value);
    }
    Str::from_bytes(out)
}

fn quote(values: Rest<Value>) -> Str {
    joined(&values.0, |out, value| out.extend_from_slice(fmt::quote(text(value).as_bytes()).as_bytes()))
}

fn squote(values: Rest<Value>) -> Str {
    joined(&values.0, |out, value| {
        let text = fmt::sprint(std::slice::from_ref(value));
        out.extend([b"'", text.as_bytes(), b"'"].into_iter().flatten());
    })
}

fn cat(values: Rest<Value>) -> Result<Str, Fault> {
    let shown = |value: &Value| fmt::sprint(std::slice::from_ref(value));
    let parts: Vec<Str> = values.0.iter().filter(|value| !matches!(value, Value::Nil)).map(shown).collect();
    concatenate(&parts, b" ")
}

fn join(separator: Str, value: Value) -> Result<Str, Fault> {
    concatenate(&strings(&value), separator.as_bytes())
}

fn concatenate(parts: &[Str], separator: &[u8]) -> Result<Str, Fault> {
    let parts: Vec<&[u8]> = parts.iter().map(Str::as_bytes).collect();
    let length: usize = parts.iter().map(|part| part.len()).sum();
    check_text(length.saturating_add(separator.len().saturating_mul(parts.len())))?;
    Ok(Str::from_bytes(parts.join(separator)))
}

/// Go's panic where a text would be repeated less than not at all, or this program's bound is passed.
fn repetitions(count: i64, width: usize) -> Result<usize, Fault> {
    let count = usize::try_from(count).map_err(|_| Fault::new("strings: negative Repeat count"))?;
    match count.checked_mul(width) {
        Some(length) if length <= MAX_TEXT => Ok(count),
        _ => Err(Fault::new("strings: Repeat output length overflow")),
    }
}

/// A text with so many spaces before each line.
fn indent(before: &str, width: i64, text: &Str) -> Result<Str, Fault> {
    let bytes = text.as_bytes();
    let lines = 1 + memchr_iter(b'\n', bytes).count();
    let width = repetitions(width, lines)?;
    let mut out = Vec::with_capacity(before.len() + bytes.len() + width * lines);
    out.extend_from_slice(before.as_bytes());
    let mut start = 0;
    for end in memchr_iter(b'\n', bytes).map(|found| found + 1).chain([bytes.len()]) {
        out.resize(out.len() + width, b' ');
        out.extend_from_slice(&bytes[start..end]);
        start = end;
    }
    Ok(Str::from_bytes(out))
}

fn repeat(text: &Str, count: i64) -> Result<Str, Fault> {
    let count = repetitions(count, text.as_bytes().len())?;
    Ok(Str::from_bytes(text.as_bytes().repeat(count)))
}

fn replace(text: &Str, old: &Str, new: &Str) -> Result<Str, Fault> {
    let (bytes, old, new) = (text.as_bytes(), old.as_bytes(), new.as_bytes());
    if old.is_empty() {
        // Go puts the new text around and between the characters.
        let edge = || std::iter::once(Str::from(""));
        let parts: Vec<Str> = edge().chain(split(text, &"".into(), -1)).chain(edge()).collect();
        return if bytes.is_empty() { Ok(Str::from_bytes(new.to_vec())) } else { concatenate(&parts, new) };
    }
    let finder = memmem::Finder::new(old);
    let count = finder.find_iter(bytes).count();
    if count == 0 {
        return Ok(text.clone());
    }
    check_text(bytes.len().saturating_add(count.saturating_mul(new.len())))?;
    let mut out = Vec::with_capacity(bytes.len() - count * old.len() + count * new.len());
    let mut end = 0;
    for start in finder.find_iter(bytes) {
        out.extend_from_slice(&bytes[end..start]);
        out.extend_from_slice(new);
        end = start + old.len();
    }
    out.extend_from_slice(&bytes[end..]);
    Ok(Str::from_bytes(out))
}

/// A part of a text, which stays as it is where there is none.
fn cut(text: &Str, part: Option<&[u8]>) -> Str {
    match part {
        Some(part) if part.len() < text.as_bytes().len() => Str::from_bytes(part.to_vec()),
        _ => text.clone(),
    }
}

fn trim(text: Str) -> Str {
    match &text {
        Str::Text(inner) => cut(&text, Some(inner.trim().as_bytes())),
        Str::Raw(bytes) => cut(&text, Some(bytes.trim_ascii())),
    }
}

fn trim_all(characters: Str, text: Str) -> Str {
    match &text {
        Str::Text(inner) => {
            let characters = characters.to_text();
            cut(&text, Some(inner.trim_matches(|char| characters.contains(char)).as_bytes()))
        }
        Str::Raw(bytes) => {
            let is_trimmed = |byte: &u8| byte.is_ascii() && characters.as_bytes().contains(byte);
            let start = bytes.iter().take_while(|byte| is_trimmed(byte)).count();
            let end = bytes.len() - bytes[start..].iter().rev().take_while(|byte| is_trimmed(byte)).count();
            cut(&text, bytes.get(start..end))
        }
    }
}

/// The first bytes, or the last where the count is negative.
fn trunc(count: i64, text: Str) -> Str {
    let bytes = text.as_bytes();
    let length = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
    let part = if count < 0 { bytes.get(bytes.len().saturating_sub(length)..) } else { bytes.get(..length) };
    cut(&text, part)
}

fn substr(start: i64, end: i64, text: Str) -> Result<Str, Fault> {
    let bytes = text.as_bytes();
    let length = bytes.len() as i64;
    let out_of_range = |range: String| Fault::new(format!("runtime error: slice bounds out of range {range}"));
    let (from, to) = match (start, end) {
        (..0, ..0) => return Err(out_of_range(format!("[:{end}]"))),
        (..0, _) if end > length => return Err(out_of_range(format!("[:{end}] with length {length}"))),
        (..0, _) => (0, end),
        _ if end < 0 || end > length => (start, length),
        _ => (start, end),
    };
    if from > to {
        return Err(out_of_range(format!("[{from}:{to}]")));
    }
    Ok(cut(&text, bytes.get(from as usize..to as usize)))
}

/// goutils looks at bytes as if they were characters; a text without spaces stays as it is.
fn no_space(text: Str) -> Str {
    let is_space = |byte: &u8| char::from(*byte).is_whitespace();
    if !text.as_bytes().iter().any(is_space) {
        return text;
    }
    let kept = text.as_bytes().iter().filter(|byte| !is_space(byte));
    kept.map(|byte| char::from(*byte)).collect::<String>().into()
}

fn shuffle(context: &mut Context<'_>, text: Str) -> String {
    let mut chars: Vec<char> = text.to_text().chars().collect();
    for last in (1..chars.len()).rev() {
        let mut bytes = [0; 8];
        context.env.random(&mut bytes);
        let other = u64::from_le_bytes(bytes) % (last as u64 + 1);
        chars.swap(last, other as usize);
    }
    chars.into_iter().collect()
}

fn abbreviate_both(left: i64, right: i64, text: Str) -> Str {
    if right < 4 || (left > 0 && right < 7) { text } else { abbreviate(&text, left, right) }
}

/// goutils' `AbbreviateFull`: at most `width` bytes, with dots for what is left out before `offset` and at the end.
fn abbreviate(text: &Str, offset: i64, width: i64) -> Str {
    let bytes = text.as_bytes();
    let length = bytes.len() as i64;
    if length <= width {
        return text.clone();
    }
    let offset = offset.min(length);
    let offset = if length.wrapping_sub(offset) < width - 3 { length - (width - 3) } else { offset };
    let part = |from: i64, to: i64| bytes.get(from.max(0) as usize..to.max(0) as usize).unwrap_or_default();
    if offset <= 4 {
        return Str::from_bytes([part(0, width - 3), b"..."].concat());
    }
    if width < 7 {
        return "".into();
    }
    if offset + width - 3 < length {
        let middle = abbreviate(&Str::from_bytes(part(offset, length).to_vec()), 0, width - 3);
        return Str::from_bytes([b"...", middle.as_bytes()].concat());
    }
    Str::from_bytes([b"...", part(length - (width - 3), length)].concat())
}

fn wrap_with(width: i64, line_break: Str, text: Str) -> Result<Str, Fault> {
    let (bytes, line_break) = (text.as_bytes(), line_break.as_bytes());
    check_text(bytes.len().saturating_mul(1 + line_break.len()))?;
    Ok(wrap(bytes, width, if line_break.is_empty() { b"\n" } else { line_break }, true))
}

/// goutils' `WrapCustom`: spaces end words, and spaces at the start of a line go.
fn wrap(text: &[u8], width: i64, line_break: &[u8], breaks_words: bool) -> Str {
    let width = usize::try_from(width).unwrap_or(0).max(1);
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while rest.len() > width {
        if rest.starts_with(b" ") {
            rest = &rest[1..];
            continue;
        }
        let (head, tail) = rest.split_at(width);
        let (line, next) = match rest[..=width].iter().rposition(|byte| *byte == b' ') {
            Some(space) => (&rest[..space], &rest[space + 1..]),
            None if breaks_words => (head, tail),
            None => match tail.iter().position(|byte| *byte == b' ') {
                Some(space) => (&rest[..width + space], &tail[space + 1..]),
                None => break,
            },
        };
        out.extend_from_slice(line);
        out.extend_from_slice(line_break);
        rest = next;
    }
    out.extend_from_slice(rest);
    Str::from_bytes(out)
}

/// Go's `strings.SplitN`: all parts where `limit` is negative, none where it is 0.
fn split(text: &Str, separator: &Str, limit: i64) -> Vec<Str> {
    let (mut rest, separator) = (text.as_bytes(), separator.as_bytes());
    let mut parts = Vec::new();
    let limit = if limit < 0 { usize::MAX } else { limit as usize };
    if limit == 0 || (separator.is_empty() && rest.is_empty()) {
        return parts;
    }
    while parts.len() + 1 < limit {
        let (end, next) = match separator {
            [] => match first_character(rest) {
                length if length < rest.len() => (length, length),
                _ => break,
            },
            _ => match memmem::find(rest, separator) {
                Some(at) => (at, at + separator.len()),
                None => break,
            },
        };
        parts.push(Str::from_bytes(rest[..end].to_vec()));
        rest = &rest[next..];
    }
    parts.push(Str::from_bytes(rest.to_vec()));
    parts
}

/// The length of the first character; a byte that is no UTF-8 is one.
fn first_character(bytes: &[u8]) -> usize {
    let start = &bytes[..bytes.len().min(4)];
    start.utf8_chunks().next().map_or(0, |chunk| chunk.valid().chars().next().map_or(1, char::len_utf8))
}

/// Parts as Sprig's `split` gives them: `_0`, `_1` and so on.
fn numbered(parts: Vec<Str>) -> Map {
    let entry = |(index, part)| (format!("_{index}").into(), Value::String(part));
    let entries: Map = parts.into_iter().enumerate().map(entry).collect();
    Map { type_name: "map[string]string", ..entries }
}
