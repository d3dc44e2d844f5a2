//! What a scalar means: YAML 1.1 as go-yaml v2 resolves it (`resolve.go`).

use std::ops::RangeInclusive;

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

/// Whether the text is a number in base 60, such as `-1:30.5`: such strings are quoted for other parsers' sake.
pub(super) fn is_base60(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let Some((first, sixtieths)) = whole.split_once(':') else {
        return false;
    };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_');
    let sixtieth = |text: &str| matches!(text.as_bytes(), [b'0'..=b'9'] | [b'0'..=b'5', b'0'..=b'9']);
    first.starts_with(|first: char| first.is_ascii_digit())
        && digits(first)
        && digits(fraction)
        && sixtieths.split(':').all(sixtieth)
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
    Timestamp(text.as_bytes()).read().is_some()
}

/// What is still to be read of a timestamp.
struct Timestamp<'t>(&'t [u8]);

impl Timestamp<'_> {
    fn read(mut self) -> Option<()> {
        let year = self.number(4..=4)?;
        self.take(b"-")?;
        let month = self.number(1..=2).filter(|month| (1..=12).contains(month))?;
        self.take(b"-")?;
        self.number(1..=2).filter(|day| (1..=days(year, month)).contains(day))?;
        if self.take(b"Tt").is_some() {
            self.time()?;
            self.zone()?;
        } else if self.take(b" ").is_some() {
            while self.take(b" ").is_some() {}
            self.time()?;
        }
        self.0.is_empty().then_some(())
    }

    fn time(&mut self) -> Option<()> {
        self.number(1..=2).filter(|hour| *hour < 24)?;
        for _ in 0..2 {
            self.take(b":")?;
            self.number(1..=2).filter(|sixtieth| *sixtieth < 60)?;
        }
        if self.take(b".,").is_some() {
            self.number(1..=usize::MAX)?;
        }
        Some(())
    }

    /// Go lets offsets of 24 hours and 60 minutes pass.
    fn zone(&mut self) -> Option<()> {
        if self.take(b"Z").is_some() {
            return Some(());
        }
        self.take(b"+-")?;
        self.number(2..=2).filter(|hours| *hours <= 24)?;
        self.take(b":")?;
        self.number(2..=2).filter(|minutes| *minutes <= 60)?;
        Some(())
    }

    /// A number of so many digits, the last nine of it.
    fn number(&mut self, digits: RangeInclusive<usize>) -> Option<u32> {
        let count = self.0.iter().take(*digits.end()).take_while(|byte| byte.is_ascii_digit()).count();
        let (number, rest) = self.0.split_at_checked(count).filter(|_| digits.contains(&count))?;
        self.0 = rest;
        Some(number.iter().fold(0, |number, digit| number % 100_000_000 * 10 + u32::from(digit - b'0')))
    }

    /// One of these bytes.
    fn take(&mut self, bytes: &[u8]) -> Option<()> {
        let (_, rest) = self.0.split_first().filter(|(first, _)| bytes.contains(first))?;
        self.0 = rest;
        Some(())
    }
}

fn days(year: u32, month: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use regex::Regex;

    use super::{is_base60, is_timestamp};

    /// go-yaml's `base60float` (`encode.go`).
    #[test]
    fn numbers_in_base_60_are_what_go_looks_for() {
        let pattern = Regex::new(r"^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?$").expect("a pattern");
        let mut texts = vec![String::new()];
        let mut count = 0;
        for _ in 0..6 {
            texts = texts.iter().flat_map(|text| "+06_:.a".chars().map(move |next| format!("{text}{next}"))).collect();
            for text in &texts {
                assert_eq!(is_base60(text), pattern.is_match(text), "{text}");
                count += usize::from(is_base60(text));
            }
        }
        assert!(count > 500, "only {count} are");
    }

    /// Answers of Go 1.26's `time.Parse` with go-yaml v2's `allowedTimestampFormats`.
    #[test]
    fn timestamps_are_those_that_go_takes() {
        for text in [
            "2024-02-29",
            "2024-1-1",
            "2024-01-02T03:04:05Z",
            "2024-01-02t3:4:5.123456789Z",
            "2024-01-02T03:04:05+24:60",
            "2024-01-02 03:04:05",
            "2024-01-02   3:4:5,5",
        ] {
            assert!(is_timestamp(text), "{text}");
        }
        for text in [
            "2023-02-29",
            "2024-13-01",
            "2024-01-00",
            "24-01-01",
            "2024-01-02T03:04:05",
            "2024-01-02T24:00:00Z",
            "2024-01-02T03:60:05Z",
            "2024-01-02T03:04:05+25:00",
            "2024-01-02T03:04:05z",
            "2024-01-02T03:04:05.Z",
            "2024-01-02\t03:04:05",
            "2024-01-02 03:04:05Z",
            "2024-01-02 ",
            "2024-01-02x",
        ] {
            assert!(!is_timestamp(text), "{text}");
        }
    }
}
