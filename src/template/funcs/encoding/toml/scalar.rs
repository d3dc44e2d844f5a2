//! Numbers, dates and booleans of TOML, as BurntSushi/toml 1.6 takes them.

use jiff::tz::Offset;

use super::cursor::{Cursor, Trouble};
use crate::template::{
    Value, fmt,
    funcs::date::moment,
    time::{self, Location, RFC3339_NANO},
};

/// Where times are that say nothing of it.
pub(in super::super) struct Zones {
    /// The zone of the machine.
    pub local: Location,
    /// What it is away from Greenwich now.
    pub offset: Offset,
}

/// A value that is no string, array or table; its first character is `first`, which was read.
pub(super) fn read(cursor: &mut Cursor<'_>, first: Option<char>, zones: &Zones) -> Result<Value, Trouble> {
    match first {
        Some('0'..='9') => {
            cursor.back();
            return number_or_date(cursor, zones);
        }
        Some('.') => return Err(cursor.error("floats must start with a digit, not '.'")),
        Some('i' | 'n')
            if (cursor.accept('n')? && cursor.accept('f')?) || (cursor.accept('a')? && cursor.accept('n')?) =>
        {
            return float(cursor);
        }
        Some('-' | '+') => return signed(cursor),
        _ => {}
    }
    match first {
        Some(char) if char.is_alphabetic() => {
            cursor.back();
            boolean(cursor)
        }
        None => Err(cursor.error("unexpected EOF; expected value")),
        Some('\n') => Err(cursor.error_before("expected value but found '\\n' instead")),
        found => Err(cursor.unexpected("expected value but found ", found, " instead")),
    }
}

fn boolean(cursor: &mut Cursor<'_>) -> Result<Value, Trouble> {
    cursor.start();
    cursor.skip(char::is_alphabetic)?;
    match cursor.token() {
        "true" => Ok(Value::Bool(true)),
        "false" => Ok(Value::Bool(false)),
        other => Err(cursor.error(format!("expected value but found {} instead", fmt::quote(other.as_bytes())))),
    }
}

fn number_or_date(cursor: &mut Cursor<'_>, zones: &Zones) -> Result<Value, Trouble> {
    let is_zero = cursor.next()? == Some('0');
    if is_zero {
        let found = cursor.next()?;
        let (what, radix) = match found {
            Some('b') => ("a binary", 2),
            Some('o') => ("an octal", 8),
            Some('x') => ("a hexadecimal", 16),
            _ => ("", 0),
        };
        if radix > 0 {
            let digit = cursor.peek()?;
            if !digit.is_some_and(|char| char.is_digit(radix)) {
                let (start, digit) = (cursor.token(), digit.unwrap_or('\0'));
                return Err(cursor.error(format!("not {what} number: '{start}{digit}'")));
            }
            cursor.skip(|char| char.is_digit(radix) || char == '_')?;
            return integer(cursor);
        }
        cursor.back();
        // A date starts with two digits.
        if !found.is_some_and(|char| char.is_ascii_digit()) {
            return decimal(cursor);
        }
    }
    cursor.skip(|char| char.is_ascii_digit())?;
    match cursor.peek()? {
        Some('-' | ':') => {
            let part = |char: char| char.is_ascii_digit() || "-:Tt .Zz+".contains(char);
            cursor.skip(part)?;
            date(cursor, zones)
        }
        _ => decimal(cursor),
    }
}

/// A number after its sign.
fn signed(cursor: &mut Cursor<'_>) -> Result<Value, Trouble> {
    let found = cursor.next()?;
    match found {
        Some(first @ ('i' | 'n')) => {
            let (second, third) = if first == 'i' { ('n', 'f') } else { ('a', 'n') };
            if !cursor.accept(second)? || !cursor.accept(third)? {
                return Err(cursor.error(format!("invalid float: '{}'", cursor.token())));
            }
            float(cursor)
        }
        Some('0') => match cursor.peek()? {
            Some(letter @ ('b' | 'o' | 'x')) => {
                let start = cursor.token();
                Err(cursor.error(format!("cannot use sign with non-decimal numbers: '{start}{letter}'")))
            }
            _ => decimal(cursor),
        },
        Some('.') => Err(cursor.error("floats must start with a digit, not '.'")),
        Some('1'..='9') => decimal(cursor),
        _ => Err(cursor.unexpected("expected a digit but got ", found, "")),
    }
}

fn decimal(cursor: &mut Cursor<'_>) -> Result<Value, Trouble> {
    cursor.skip(|char| char.is_ascii_digit() || char == '_')?;
    if !matches!(cursor.peek()?, Some('.' | 'e' | 'E')) {
        return integer(cursor);
    }
    cursor.skip(|char| char.is_ascii_digit() || "_.-+eE".contains(char))?;
    float(cursor)
}

/// The token as an integer.
fn integer(cursor: &Cursor<'_>) -> Result<Value, Trouble> {
    let text = cursor.token();
    let invalid = |why: &str| cursor.error(format!("Invalid integer {}: {why}", fmt::quote(text.as_bytes())));
    if !underscores_fit(text) {
        return Err(invalid("underscores must be surrounded by digits"));
    }
    if has_leading_zero(text) {
        return Err(invalid("cannot have leading zeroes"));
    }
    let plain = text.replace('_', "");
    let number = match plain.get(..2) {
        Some("0b") => i64::from_str_radix(&plain[2..], 2),
        Some("0o") => i64::from_str_radix(&plain[2..], 8),
        Some("0x") => i64::from_str_radix(&plain[2..], 16),
        _ => plain.parse(),
    };
    number.map(Value::Int64).map_err(|_| cursor.error(format!("{text} is out of range for int64")))
}

/// The token as a float.
fn float(cursor: &Cursor<'_>) -> Result<Value, Trouble> {
    let text = cursor.token();
    let quoted = || fmt::quote(text.as_bytes());
    let invalid = |why: &str| cursor.error(format!("Invalid float {}: {why}", quoted()));
    let mut parts = text.split(['.', 'e', 'E']).filter(|part| !part.is_empty()).peekable();
    let starts_with_zero = parts.peek().is_some_and(|part| has_leading_zero(part));
    if !parts.all(underscores_fit) {
        return Err(invalid("underscores must be surrounded by digits"));
    }
    if starts_with_zero {
        return Err(invalid("cannot have leading zeroes"));
    }
    if text.split('.').skip(1).any(|after| !after.starts_with(|char: char| char.is_ascii_digit())) {
        return Err(invalid("'.' must be followed by one or more digits"));
    }
    match text.replace('_', "").parse::<f64>() {
        Ok(number) if number.is_infinite() && !text.contains("inf") => {
            Err(cursor.error(format!("{text} is out of range for float64")))
        }
        Ok(number) => Ok(Value::Float64(number)),
        Err(_) => Err(cursor.error(format!("Invalid float value: {}", quoted()))),
    }
}

fn has_leading_zero(text: &str) -> bool {
    match text.as_bytes() {
        [b'0', second, ..] => !b"box".contains(second),
        [b'-' | b'+', b'0', _, ..] => true,
        _ => false,
    }
}

fn underscores_fit(text: &str) -> bool {
    let is_digit = |char: Option<char>| char.is_some_and(|char| char.is_ascii_hexdigit());
    let mut before = None;
    for char in text.chars() {
        if char == '_' && !is_digit(before) {
            return false;
        }
        before = Some(char);
    }
    is_digit(before) || text.ends_with("inf") || text.ends_with("nan")
}

/// The token as a date, a time, or both.
fn date(cursor: &Cursor<'_>, zones: &Zones) -> Result<Value, Trouble> {
    let text = cursor.token().trim().replace('z', "Z").replace(['t', ' '], "T");
    let fixed = |name: &str| Location::Fixed(zones.offset, name.to_owned());
    let layouts = [
        (RFC3339_NANO, zones.local.clone()),
        ("2006-01-02T15:04:05.999999999", fixed("datetime-local")),
        ("2006-01-02", fixed("date-local")),
        ("15:04:05.999999999", fixed("time-local")),
        ("2006-01-02T15:04Z07:00", zones.local.clone()),
        ("2006-01-02T15:04", fixed("datetime-local")),
        ("15:04", fixed("time-local")),
    ];
    let mut times =
        layouts.iter().filter_map(|(layout, zone)| Some((time::parse(layout, &text, zone, zone).ok()?, layout)));
    match times.next() {
        Some((time, layout)) if has_all_digits(&text, layout) => Ok(moment(time)),
        _ => Err(cursor.error(format!("invalid datetime: {}", fmt::quote(text.as_bytes())))),
    }
}

/// Whether the separators stand where the layout has them: Go reads hours of one digit, which TOML has not.
fn has_all_digits(text: &str, layout: &str) -> bool {
    let whole = layout.bytes().zip(text.bytes()).take_while(|(wanted, _)| !matches!(wanted, b'.' | b'Z'));
    whole.into_iter().all(|(wanted, found)| wanted.is_ascii_digit() || wanted == found)
}
