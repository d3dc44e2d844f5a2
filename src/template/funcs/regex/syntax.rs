//! Go's syntax of regular expressions (RE2's), read with Go's errors and written for the `regex` crate.
//!
//! The two differ in details: here `\d`, `\w`, `\s` and `\b` know ASCII alone, `\Q…\E` and octal escapes exist, `{,5}` is
//! text, two repetitions in a row are an error, and names of groups may begin with a digit.

use regex::Regex;

/// A pattern for the `regex` crate, with the names of its groups, the whole match first.
pub(super) struct Translated {
    pub pattern: String,
    pub names: Vec<Option<String>>,
}

/// The highest number of repetitions, nested ones multiplied.
const MAX_REPEAT: u32 = 1000;
/// How deep groups may nest.
const MAX_DEPTH: usize = 1000;
/// A class that matches nothing, and one that matches everything.
const NOTHING: &str = r"[^\x{0}-\x{10FFFF}]";
const EVERYTHING: &str = r"[\x{0}-\x{10FFFF}]";

/// Translates a pattern.
///
/// # Errors
/// Go's: `error parsing regexp: missing closing ): …`.
pub(super) fn translate(text: &str) -> Result<Translated, String> {
    let mut translator = Translator {
        whole: text,
        out: String::with_capacity(text.len() + 16),
        names: vec![None],
        groups: Vec::new(),
        flags: Flags::default(),
        flags_changed: false,
        has_operand: false,
        repeats: 1,
        most_repeats: 1,
    };
    let mut rest = text;
    let mut last_repeat = None;
    while let Some(first) = rest.chars().next() {
        let before = rest;
        let repeat = translator.repetition(rest)?;
        rest = match repeat {
            Some(repeat) => translator.repeat(repeat, before, last_repeat)?,
            None => translator.item(first, rest)?,
        };
        last_repeat = repeat.map(|_| before);
    }
    if !translator.groups.is_empty() {
        return Err(error("missing closing )", text));
    }
    Ok(Translated { pattern: translator.out, names: translator.names })
}

fn error(code: &str, text: &str) -> String {
    format!("error parsing regexp: {code}: `{text}`")
}

/// What stands before `rest` in `text`, of which it is the end.
fn until<'a>(text: &'a str, rest: &str) -> &'a str {
    text.get(..text.len() - rest.len()).unwrap_or(text)
}

#[derive(Clone, Copy, Default)]
struct Flags {
    fold_case: bool,
    multi_line: bool,
    dot_matches_newline: bool,
    ungreedy: bool,
}

impl Flags {
    /// Between `(?` and `)` or `:`, all of them.
    fn written(self) -> String {
        let flags =
            [(self.fold_case, 'i'), (self.multi_line, 'm'), (self.dot_matches_newline, 's'), (self.ungreedy, 'U')];
        let these = |wanted| flags.iter().filter(move |(on, _)| *on == wanted).map(|(_, letter)| *letter);
        let off: String = these(false).collect();
        these(true).chain((!off.is_empty()).then_some('-')).chain(off.chars()).collect()
    }
}

/// A group that is open.
struct Group {
    flags: Flags,
    most_repeats: u32,
}

/// A repetition: how often, and what follows its sign.
#[derive(Clone, Copy)]
struct Repeat<'a> {
    least: u32,
    most: Option<u32>,
    rest: &'a str,
}

struct Translator<'a> {
    whole: &'a str,
    out: String,
    names: Vec<Option<String>>,
    groups: Vec<Group>,
    flags: Flags,
    /// Whether the flags are not written yet. They are where the next operand begins, since a repetition after them
    /// belongs to the operand before.
    flags_changed: bool,
    /// Whether there is something that can be repeated.
    has_operand: bool,
    /// How often the last operand repeats what is in it, and the most of any operand in this group.
    repeats: u32,
    most_repeats: u32,
}

impl<'a> Translator<'a> {
    fn operand(&mut self, written: &str) {
        self.write_flags();
        self.out.push_str(written);
        self.has_operand = true;
        self.repeats = 1;
    }

    fn write_flags(&mut self) {
        if std::mem::take(&mut self.flags_changed) {
            self.out.push_str(&format!("(?{})", self.flags.written()));
        }
    }

    fn literal(&mut self, char: u32) {
        let written = class_char(char).unwrap_or_else(|| NOTHING.to_owned());
        self.operand(&written);
    }

    /// Anything but a repetition, at the start of the text.
    fn item(&mut self, first: char, rest: &'a str) -> Result<&'a str, String> {
        let after = &rest[first.len_utf8()..];
        match first {
            '(' if after.starts_with('?') => return self.extended_group(rest),
            '(' => {
                self.open("(")?;
                self.names.push(None);
            }
            ')' => self.close()?,
            '|' => {
                self.out.push('|');
                self.flags_changed = true;
                self.has_operand = false;
            }
            '^' | '$' | '.' => self.operand(first.encode_utf8(&mut [0; 4])),
            '[' => return self.class(rest),
            '\\' => return self.escape(rest),
            _ => self.literal(first.into()),
        }
        Ok(after)
    }

    fn open(&mut self, written: &str) -> Result<(), String> {
        if self.groups.len() == MAX_DEPTH {
            return Err(error("expression nests too deeply", self.whole));
        }
        self.write_flags();
        self.out.push_str(written);
        self.groups.push(Group { flags: self.flags, most_repeats: self.most_repeats });
        self.most_repeats = 1;
        self.has_operand = false;
        Ok(())
    }

    fn close(&mut self) -> Result<(), String> {
        let group = self.groups.pop().ok_or_else(|| error("unexpected )", self.whole))?;
        self.out.push(')');
        self.flags = group.flags;
        self.flags_changed = false;
        self.repeats = self.most_repeats;
        self.most_repeats = group.most_repeats.max(self.repeats);
        self.has_operand = true;
        Ok(())
    }

    /// `(?P<name>…)`, `(?<name>…)`, `(?flags)` and `(?flags:…)`.
    fn extended_group(&mut self, rest: &'a str) -> Result<&'a str, String> {
        let named = rest.strip_prefix("(?P<").or_else(|| rest.strip_prefix("(?<"));
        if let Some(after) = named.filter(|after| !after.is_empty()) {
            let Some((name, after)) = after.split_once('>') else {
                return Err(error("invalid named capture", rest));
            };
            if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
                return Err(error("invalid named capture", until(rest, after)));
            }
            self.open("(")?;
            self.names.push(Some(name.to_owned()));
            return Ok(after);
        }
        let mut flags = self.flags;
        let mut left = rest[2..].chars();
        let (mut on, mut saw_flag) = (true, false);
        while let Some(char) = left.next() {
            match char {
                'i' => flags.fold_case = on,
                'm' => flags.multi_line = on,
                's' => flags.dot_matches_newline = on,
                'U' => flags.ungreedy = on,
                '-' if on => on = false,
                ':' if on || saw_flag => {
                    self.open(&format!("(?{}:", flags.written()))?;
                    self.flags = flags;
                    return Ok(left.as_str());
                }
                ')' if on || saw_flag => {
                    self.flags = flags;
                    self.flags_changed = true;
                    return Ok(left.as_str());
                }
                _ => break,
            }
            saw_flag = char != '-';
        }
        Err(error("invalid or unsupported Perl syntax", until(rest, left.as_str())))
    }

    /// The repetition that begins here, if one does; `{` may be text.
    fn repetition(&self, rest: &'a str) -> Result<Option<Repeat<'a>>, String> {
        let simple = |least, most| Ok(Some(Repeat { least, most, rest: &rest[1..] }));
        match rest.as_bytes().first() {
            Some(b'*') => simple(0, None),
            Some(b'+') => simple(1, None),
            Some(b'?') => simple(0, Some(1)),
            Some(b'{') => counted(rest),
            _ => Ok(None),
        }
    }

    fn repeat(&mut self, repeat: Repeat<'a>, before: &'a str, last: Option<&'a str>) -> Result<&'a str, String> {
        let after = repeat.rest.strip_prefix('?').unwrap_or(repeat.rest);
        if let Some(last) = last {
            return Err(error("invalid nested repetition operator", until(last, after)));
        }
        let sign = until(before, after);
        if !self.has_operand {
            return Err(error("missing argument to repetition operator", sign));
        }
        if before.starts_with('{') {
            let times = repeat.most.unwrap_or(repeat.least);
            self.repeats = if times == 0 { 1 } else { self.repeats.saturating_mul(times) };
            if times >= 2 && self.repeats > MAX_REPEAT {
                return Err(error("invalid repeat count", sign));
            }
        }
        self.most_repeats = self.most_repeats.max(self.repeats);
        self.out.push_str(sign);
        Ok(after)
    }

    /// An escape outside a class.
    fn escape(&mut self, rest: &'a str) -> Result<&'a str, String> {
        let Some(letter) = rest[1..].chars().next() else {
            return Err(error("trailing backslash at end of expression", ""));
        };
        let after = &rest[1 + letter.len_utf8()..];
        match letter {
            'A' => self.operand(r"\A"),
            'z' => self.operand(r"\z"),
            'b' => self.operand(r"(?-u:\b)"),
            'B' => self.operand(r"(?-u:\B)"),
            'C' => return Err(error("invalid escape sequence", until(rest, after))),
            'Q' => {
                let (text, after) = after.split_once(r"\E").unwrap_or((after, ""));
                text.chars().for_each(|char| self.literal(char.into()));
                return Ok(after);
            }
            _ => {
                if let Some((written, after)) = class_escape(rest)? {
                    self.operand(&format!("[{written}]"));
                    return Ok(after);
                }
                let (char, after) = character_escape(rest)?;
                self.literal(char);
                return Ok(after);
            }
        }
        Ok(after)
    }

    /// A class in brackets.
    fn class(&mut self, rest: &'a str) -> Result<&'a str, String> {
        let is_negated = rest.starts_with("[^");
        let mut left = &rest[if is_negated { 2 } else { 1 }..];
        let mut written = String::new();
        let mut first = true;
        while first || !left.starts_with(']') {
            first = false;
            if let Some((name, after)) = named_class(left)? {
                written.push_str(name);
                left = after;
            } else if let Some((escape, after)) = class_escape(left)? {
                written.push_str(&escape);
                left = after;
            } else {
                let start = left;
                let (low, after) = class_member(left, rest)?;
                let (mut high, mut after) = (low, after);
                if let Some(next) = after.strip_prefix('-').filter(|next| !next.is_empty() && !next.starts_with(']')) {
                    (high, after) = class_member(next, rest)?;
                }
                if high < low {
                    return Err(error("invalid character class range", until(start, after)));
                }
                written.push_str(&class_range(low, high));
                left = after;
            }
        }
        match (written.is_empty(), is_negated) {
            (true, false) => self.operand(NOTHING),
            (true, true) => self.operand(EVERYTHING),
            (false, false) => self.operand(&format!("[{written}]")),
            (false, true) => self.operand(&format!("[^{written}]")),
        }
        Ok(&left[1..])
    }
}

/// `{2}`, `{2,}` or `{2,3}`; anything else is text.
fn counted(text: &str) -> Result<Option<Repeat<'_>>, String> {
    let read = || {
        let (least, rest) = integer(text.strip_prefix('{')?)?;
        let (most, rest) = match rest.strip_prefix(',') {
            None => (Some(least), rest),
            Some(rest) if rest.starts_with('}') => (None, rest),
            Some(rest) => integer(rest).map(|(most, rest)| (Some(most), rest))?,
        };
        Some(Repeat { least, most, rest: rest.strip_prefix('}')? })
    };
    let Some(repeat) = read() else {
        return Ok(None);
    };
    let Repeat { least, most, rest } = repeat;
    if least.max(most.unwrap_or(0)) > MAX_REPEAT || most.is_some_and(|most| most < least) {
        return Err(error("invalid repeat count", until(text, rest)));
    }
    Ok(Some(repeat))
}

/// A number without leading zeros; too large a one is the largest.
fn integer(text: &str) -> Option<(u32, &str)> {
    let length = text.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, rest) = text.split_at(length);
    if digits.is_empty() || (length > 1 && digits.starts_with('0')) {
        return None;
    }
    Some((digits.parse().unwrap_or(u32::MAX), rest))
}

/// One character as a member of a class or a literal, escaped where it could mean something; `None` for a surrogate, which
/// no text has.
fn class_char(char: u32) -> Option<String> {
    let char = char::from_u32(char)?;
    let is_plain = char.is_ascii_alphanumeric() || !char.is_ascii();
    Some(if is_plain { char.into() } else { format!(r"\x{{{:X}}}", u32::from(char)) })
}

/// A range of a class, without the surrogates in it.
fn class_range(low: u32, high: u32) -> String {
    let low = if (0xd800..0xe000).contains(&low) { 0xe000 } else { low };
    let high = if (0xd800..0xe000).contains(&high) { 0xd7ff } else { high };
    match (class_char(low), class_char(high)) {
        (Some(one), Some(_)) if low == high => one,
        (Some(low_char), Some(high_char)) if low < high => format!("{low_char}-{high_char}"),
        _ => String::new(),
    }
}

/// One character of a class.
fn class_member<'a>(text: &'a str, class: &str) -> Result<(u32, &'a str), String> {
    match text.chars().next() {
        None => Err(error("missing closing ]", class)),
        Some('\\') => character_escape(text),
        Some(char) => Ok((char.into(), &text[char.len_utf8()..])),
    }
}

/// `[:alnum:]` and its like, which the `regex` crate knows as well.
fn named_class(text: &str) -> Result<Option<(&str, &str)>, String> {
    const NAMES: &[&str] = &[
        "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space", "upper",
        "word", "xdigit",
    ];
    let Some((name, rest)) = text.strip_prefix("[:").and_then(|inner| inner.split_once(":]")) else {
        return Ok(None);
    };
    let whole = until(text, rest);
    if NAMES.contains(&name.strip_prefix('^').unwrap_or(name)) {
        Ok(Some((whole, rest)))
    } else {
        Err(error("invalid character class range", whole))
    }
}

/// `\d`, `\pL` and their like as members of a class.
fn class_escape(text: &str) -> Result<Option<(String, &str)>, String> {
    let mut chars = text.chars();
    let written = match (chars.next(), chars.next()) {
        (Some('\\'), Some('p' | 'P')) => return unicode_class(text).map(Some),
        (Some('\\'), Some('d')) => "0-9",
        (Some('\\'), Some('D')) => "[^0-9]",
        (Some('\\'), Some('s')) => r"\t\n\x0C\r\x20",
        (Some('\\'), Some('S')) => r"[^\t\n\x0C\r\x20]",
        (Some('\\'), Some('w')) => "0-9A-Za-z_",
        (Some('\\'), Some('W')) => "[^0-9A-Za-z_]",
        _ => return Ok(None),
    };
    Ok(Some((written.to_owned(), chars.as_str())))
}

/// `\pN`, `\p{Greek}`, `\P{^Lu}`: categories and scripts of Unicode.
fn unicode_class(text: &str) -> Result<(String, &str), String> {
    let after = &text[2..];
    let (name, rest) = match after.strip_prefix('{') {
        Some(inner) => inner.split_once('}').ok_or_else(|| error("invalid character class range", text))?,
        None => after.split_at(after.chars().next().map_or(0, char::len_utf8)),
    };
    let is_negated = text.starts_with(r"\P") != name.starts_with('^');
    let name = name.strip_prefix('^').unwrap_or(name);
    let plain: String = name.chars().filter(|char| !matches!(char, '_' | '-' | ' ')).collect();
    let is_word = !plain.is_empty() && plain.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let candidates = match plain.to_ascii_lowercase().as_str() {
        special @ ("any" | "ascii" | "assigned" | "lc") => vec![special.to_owned()],
        _ => vec![format!("gc={plain}"), format!("sc={plain}")],
    };
    let sign = if is_negated { 'P' } else { 'p' };
    let mut classes = candidates.iter().map(|name| format!(r"\{sign}{{{name}}}"));
    let known = classes.find(|class| is_word && Regex::new(class).is_ok());
    known.map(|class| (class, rest)).ok_or_else(|| error("invalid character class range", until(text, rest)))
}

/// An escape that stands for one character.
fn character_escape(text: &str) -> Result<(u32, &str), String> {
    let mut chars = text.chars();
    chars.next();
    let Some(letter) = chars.next() else {
        return Err(error("trailing backslash at end of expression", ""));
    };
    let rest = chars.as_str();
    let char = match letter {
        'a' => '\x07',
        'f' => '\x0c',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\x0b',
        '0' => return Ok(octal(&text[1..])),
        '1'..='7' if rest.starts_with(|next: char| next.is_digit(8)) => return Ok(octal(&text[1..])),
        'x' => return hexadecimal(text),
        _ if letter.is_ascii() && !letter.is_ascii_alphanumeric() => letter,
        _ => return Err(error("invalid escape sequence", until(text, rest))),
    };
    Ok((char.into(), rest))
}

/// Up to three octal digits.
fn octal(text: &str) -> (u32, &str) {
    let length = text.bytes().take(3).take_while(|byte| matches!(byte, b'0'..=b'7')).count();
    let (digits, rest) = text.split_at(length);
    (u32::from_str_radix(digits, 8).unwrap_or(0), rest)
}

/// `\x7F` or `\x{10FFFF}`.
fn hexadecimal(text: &str) -> Result<(u32, &str), String> {
    let mut chars = text[2..].chars();
    let invalid = |chars: &std::str::Chars<'_>| error("invalid escape sequence", until(text, chars.as_str()));
    let first = chars.next();
    if first != Some('{') {
        let second = if first.is_some() { chars.next() } else { None };
        let digits = first.and_then(|char| char.to_digit(16)).zip(second.and_then(|char| char.to_digit(16)));
        return digits.map(|(high, low)| (high * 16 + low, chars.as_str())).ok_or_else(|| invalid(&chars));
    }
    let (mut value, mut count) = (0, 0);
    loop {
        match chars.next() {
            Some('}') if count > 0 => return Ok((value, chars.as_str())),
            Some(char) if char.is_ascii_hexdigit() => {
                value = value * 16 + char.to_digit(16).unwrap_or(0);
                count += 1;
                if value > 0x10_ffff {
                    return Err(invalid(&chars));
                }
            }
            _ => return Err(invalid(&chars)),
        }
    }
}
