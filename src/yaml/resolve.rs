//! What a scalar means: YAML 1.1 as go-yaml v2 resolves it (`resolve.go`).

use std::sync::LazyLock;

use regex::Regex;

/// A scalar after resolution.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Scalar {
    Null,
    Bool(bool),
    Int(i64),
    /// Above `i64::MAX`.
    Uint(u64),
    Float(f64),
    /// Go keeps the text when it decodes into an interface.
    Timestamp,
    Str,
}

impl Scalar {
    /// The short tag, as Go's errors name it.
    pub(super) fn tag(self) -> &'static str {
        match self {
            Self::Null => "!!null",
            Self::Bool(_) => "!!bool",
            Self::Int(_) | Self::Uint(_) => "!!int",
            Self::Float(_) => "!!float",
            Self::Timestamp => "!!timestamp",
            Self::Str => "!!str",
        }
    }
}

/// Resolves the text of a plain scalar without a tag.
pub(super) fn resolve(text: &str) -> Scalar {
    match text.as_bytes().first() {
        None => Scalar::Null,
        Some(b'0'..=b'9' | b'+' | b'-') => number(text),
        Some(b'.') => dotted(text),
        Some(b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O' | b'~') => word(text),
        Some(_) => Scalar::Str,
    }
}

/// Whether the text is a number in base 60: such strings are quoted for other parsers' sake.
pub(super) fn is_base60(text: &str) -> bool {
    static BASE60: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?$").expect("a constant pattern")
    });
    let starts = matches!(text.as_bytes().first(), Some(b'0'..=b'9' | b'+' | b'-'));
    starts && text.contains(':') && BASE60.is_match(text)
}

fn word(text: &str) -> Scalar {
    match text {
        "~" | "null" | "Null" | "NULL" => Scalar::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => Scalar::Bool(true),
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => Scalar::Bool(false),
        _ => Scalar::Str,
    }
}

fn dotted(text: &str) -> Scalar {
    match text {
        ".nan" | ".NaN" | ".NAN" => Scalar::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" => Scalar::Float(f64::INFINITY),
        _ => float(text),
    }
}

fn number(text: &str) -> Scalar {
    match text {
        "+.inf" | "+.Inf" | "+.INF" => return Scalar::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => return Scalar::Float(f64::NEG_INFINITY),
        _ if is_timestamp(text) => return Scalar::Timestamp,
        _ => {}
    }
    let plain = text.replace('_', "");
    integer(&plain).unwrap_or_else(|| float(&plain))
}

/// Go's `strconv.ParseInt(s, 0, 64)`, then `ParseUint`: the prefixes `0x`, `0o`, `0b` and the old octal `0`.
fn integer(text: &str) -> Option<Scalar> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let (radix, digits) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &digits[2..]),
        [b'0', b'o' | b'O', ..] => (8, &digits[2..]),
        [b'0', b'b' | b'B', ..] => (2, &digits[2..]),
        [b'0', _, ..] => (8, &digits[1..]),
        _ => (10, digits),
    };
    // Rust would take a second sign.
    if !digits.starts_with(|first: char| first.is_ascii_hexdigit()) {
        return None;
    }
    let magnitude = u64::from_str_radix(digits, radix).ok()?;
    if negative {
        return 0i64.checked_sub_unsigned(magnitude).map(Scalar::Int);
    }
    match i64::try_from(magnitude) {
        Ok(value) => Some(Scalar::Int(value)),
        // `ParseUint` takes no sign.
        Err(_) if text.starts_with('+') => None,
        Err(_) => Some(Scalar::Uint(magnitude)),
    }
}

/// Decimal floats of go-yaml's `yamlStyleFloat`; those out of range stay strings.
fn float(text: &str) -> Scalar {
    let shaped = text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
    match text.parse::<f64>() {
        Ok(value) if shaped && value.is_finite() => Scalar::Float(value),
        _ => Scalar::Str,
    }
}

/// The subset of timestamps that go-yaml v2 takes, by the rules of Go's `time.Parse`.
fn is_timestamp(text: &str) -> bool {
    static TIMESTAMP: LazyLock<Regex> = LazyLock::new(|| {
        let time = r"(\d\d?):(\d\d?):(\d\d?)(?:[.,]\d+)?";
        Regex::new(&format!(r"^(?-u)(\d{{4}})-(\d\d?)-(\d\d?)(?:[Tt]{time}(?:Z|[+-](\d\d):(\d\d))| +{time})?$"))
            .expect("a constant pattern")
    });
    let bytes = text.as_bytes();
    if bytes.len() < 8 || bytes[4] != b'-' || !bytes[..4].iter().all(u8::is_ascii_digit) {
        return false;
    }
    let Some(parts) = TIMESTAMP.captures(text) else {
        return false;
    };
    let part = |index: usize| parts.get(index).and_then(|part| part.as_str().parse::<u32>().ok()).unwrap_or(0);
    let [year, month, day] = [part(1), part(2), part(3)];
    (1..=12).contains(&month)
        && (1..=days(year, month)).contains(&day)
        && [4, 9].into_iter().all(|hour| part(hour) < 24)
        && [5, 6, 10, 11].into_iter().all(|sixtieth| part(sixtieth) < 60)
        // Go lets offsets of 24 hours and 60 minutes pass.
        && part(7) <= 24
        && part(8) <= 60
}

fn days(year: u32, month: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        _ => 31,
    }
}
