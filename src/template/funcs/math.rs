//! Sprig's arithmetic, and the casts of spf13/cast that it and `int`, `int64` and `float64` stand on.

use std::{borrow::Cow, cmp::Ordering};

use super::strings::text;
use crate::template::{
    Fault, Str, Value,
    func::{Function, Rest, function},
};

pub(crate) fn functions() -> Vec<(&'static str, Function)> {
    vec![
        ("int", function(|value: Value| Value::Int(to_int64(&value)))),
        ("int64", function(|value: Value| Value::Int64(to_int64(&value)))),
        ("float64", function(|value: Value| to_float64(&value))),
        ("atoi", function(|text: Str| Value::Int(atoi(&text.to_text())))),
        ("toDecimal", function(|value: Value| Value::Int64(parse_int(&text(&value).to_text(), 8).unwrap_or(0)))),
        ("add1", function(|value: Value| Value::Int64(to_int64(&value).wrapping_add(1)))),
        ("add", function(|values: Rest<Value>| Value::Int64(fold(0, &values.0, i64::wrapping_add)))),
        ("sub", function(|a: Value, b: Value| Value::Int64(to_int64(&a).wrapping_sub(to_int64(&b))))),
        ("mul", function(|a: Value, b: Rest<Value>| Value::Int64(fold(to_int64(&a), &b.0, i64::wrapping_mul)))),
        ("div", function(|a: Value, b: Value| divide(&a, &b, i64::wrapping_div))),
        ("mod", function(|a: Value, b: Value| divide(&a, &b, i64::wrapping_rem))),
        ("max", function(|a: Value, b: Rest<Value>| Value::Int64(fold(to_int64(&a), &b.0, i64::max)))),
        ("biggest", function(|a: Value, b: Rest<Value>| Value::Int64(fold(to_int64(&a), &b.0, i64::max)))),
        ("min", function(|a: Value, b: Rest<Value>| Value::Int64(fold(to_int64(&a), &b.0, i64::min)))),
        ("maxf", function(|a: Value, b: Rest<Value>| extreme(&a, &b.0, Ordering::Greater))),
        ("minf", function(|a: Value, b: Rest<Value>| extreme(&a, &b.0, Ordering::Less))),
        ("floor", function(|value: Value| to_float64(&value).floor())),
        ("ceil", function(|value: Value| to_float64(&value).ceil())),
        ("round", function(round)),
    ]
}

fn fold(first: i64, values: &[Value], combine: fn(i64, i64) -> i64) -> i64 {
    values.iter().map(to_int64).fold(first, combine)
}

fn divide(a: &Value, b: &Value, divide: fn(i64, i64) -> i64) -> Result<Value, Fault> {
    match to_int64(b) {
        0 => Err(Fault::new("runtime error: integer divide by zero")),
        b => Ok(Value::Int64(divide(to_int64(a), b))),
    }
}

/// Go's `math.Max` and `math.Min`: an infinity on the wanted side before everything, then NaN; -0 is less than 0.
fn extreme(first: &Value, values: &[Value], wanted: Ordering) -> f64 {
    let limit = if wanted.is_gt() { f64::INFINITY } else { f64::NEG_INFINITY };
    values.iter().map(to_float64).fold(to_float64(first), |a, b| {
        if a == limit || b == limit {
            limit
        } else if a.is_nan() || b.is_nan() {
            f64::NAN
        } else if b.total_cmp(&a) == wanted {
            b
        } else {
            a
        }
    })
}

/// Rounds at a decimal place: up where the part after it is `from` or more, one half if not told.
fn round(value: Value, places: i64, from: Rest<f64>) -> f64 {
    let from = from.0.first().copied().unwrap_or(0.5);
    let power = power_of_ten(places);
    let digit = power * to_float64(&value);
    (if digit.fract() >= from { digit.ceil() } else { digit.floor() }) / power
}

/// Go's `math.Pow(10, exponent)`: by squaring, a negative exponent as the inverse.
fn power_of_ten(exponent: i64) -> f64 {
    let (mut result, mut square) = (1.0, 10.0_f64);
    let mut left = exponent.unsigned_abs();
    while left > 0 && square.is_finite() {
        if left % 2 == 1 {
            result *= square;
        }
        square *= square;
        left /= 2;
    }
    let result = if left > 0 { f64::INFINITY } else { result };
    if exponent < 0 { 1.0 / result } else { result }
}

/// `cast.ToInt64`: what is no number is 0; a float loses its fraction.
pub(super) fn to_int64(value: &Value) -> i64 {
    match value {
        Value::Int(number) | Value::Int64(number) => *number,
        Value::Int32(number) => i64::from(*number),
        Value::Uint8(number) => i64::from(*number),
        Value::Uint64(number) => number.cast_signed(),
        Value::Float64(number) => truncate(*number),
        Value::Bool(truth) => i64::from(*truth),
        Value::String(text) => parse_int(trim_zero_decimal(&text.to_text()), 0).unwrap_or(0),
        _ => date_part(value).unwrap_or(0),
    }
}

/// `cast.ToFloat64`.
pub(super) fn to_float64(value: &Value) -> f64 {
    match value {
        Value::Float64(number) => *number,
        Value::Uint64(number) => *number as f64,
        Value::String(text) => parse_float(&text.to_text()).unwrap_or(0.0),
        other => to_int64(other) as f64,
    }
}

/// Months and weekdays are the only named numbers that cast knows.
fn date_part(value: &Value) -> Option<i64> {
    match value {
        Value::Object(object) if matches!(object.type_name(), "time.Month" | "time.Weekday") => {
            Some(to_int64(&object.underlying()))
        }
        _ => None,
    }
}

/// As amd64 does it: everything out of range is the smallest number.
fn truncate(number: f64) -> i64 {
    let in_range = (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&number);
    if in_range { number as i64 } else { i64::MIN }
}

/// `1.0` without its decimals.
fn trim_zero_decimal(text: &str) -> &str {
    match text.trim_end_matches('0') {
        trimmed if trimmed.len() < text.len() => trimmed.strip_suffix('.').unwrap_or(text),
        _ => text,
    }
}

/// Go's `strconv.ParseInt`; base 0 reads prefixes, a leading zero as octal, and underscores between digits.
fn parse_int(text: &str, base: u32) -> Option<i64> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let plain = if base == 0 { without_underscores(digits)? } else { digits.into() };
    let (plain, base) = if base == 0 { detect_base(&plain) } else { (&*plain, base) };
    // A second sign is no digit, though Rust reads one.
    if !plain.starts_with(|first: char| first.is_ascii_alphanumeric()) {
        return None;
    }
    let magnitude = i128::from(u64::from_str_radix(plain, base).ok()?);
    i64::try_from(if text.starts_with('-') { -magnitude } else { magnitude }).ok()
}

fn detect_base(text: &str) -> (&str, u32) {
    match text.as_bytes() {
        [b'0', b'x' | b'X', ..] => (&text[2..], 16),
        [b'0', b'b' | b'B', ..] => (&text[2..], 2),
        [b'0', b'o' | b'O', ..] => (&text[2..], 8),
        [b'0', _, ..] => (&text[1..], 8),
        _ => (text, 10),
    }
}

/// The digits without underscores, each of which must stand between digits or after a prefix.
fn without_underscores(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains('_') {
        return Some(text.into());
    }
    let bytes = text.as_bytes();
    let has_prefix = matches!(bytes, [b'0', b'x' | b'X' | b'b' | b'B' | b'o' | b'O', ..]);
    let is_hexadecimal = matches!(bytes, [b'0', b'x' | b'X', ..]);
    let is_digit = |byte: &u8| if is_hexadecimal { byte.is_ascii_hexdigit() } else { byte.is_ascii_digit() };
    let is_between = |at: usize| {
        let before = at.checked_sub(1).and_then(|before| bytes.get(before));
        (before.is_some_and(is_digit) || (has_prefix && at == 2)) && bytes.get(at + 1).is_some_and(is_digit)
    };
    let fits = bytes.iter().enumerate().all(|(at, byte)| *byte != b'_' || is_between(at));
    fits.then(|| text.replace('_', "").into())
}

/// Go's `strconv.Atoi` without its error: 0 for no number, the nearest for one out of range.
fn atoi(text: &str) -> i64 {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return 0;
    }
    let limit = if text.starts_with('-') { i64::MIN } else { i64::MAX };
    text.parse().unwrap_or(limit)
}

/// Go's `strconv.ParseFloat`, `None` where it fails, out of range included.
fn parse_float(text: &str) -> Option<f64> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    // A second sign would be read.
    if digits.starts_with(['-', '+']) {
        return None;
    }
    let plain = without_underscores(digits)?;
    let number = match plain.as_bytes() {
        [b'0', b'x' | b'X', ..] => parse_hexadecimal(&plain)?,
        _ => plain.parse::<f64>().ok()?,
    };
    let is_word = digits.starts_with(|first: char| first.is_ascii_alphabetic());
    (number.is_finite() || is_word).then_some(if text.starts_with('-') { -number } else { number })
}

/// A hexadecimal float, whose exponent of 2 must be there: `0x1.8p3`.
fn parse_hexadecimal(text: &str) -> Option<f64> {
    let (mantissa, exponent) = text.get(2..)?.split_once(['p', 'P'])?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = [whole, fraction].concat();
    let number = u64::from_str_radix(&digits, 16).ok().filter(|_| !digits.starts_with('+'))?;
    let exponent: i32 = exponent.parse().ok()?;
    let scale = exponent.checked_sub(i32::try_from(fraction.len()).ok()?.checked_mul(4)?)?;
    Some(number as f64 * 2.0_f64.powi(scale))
}
