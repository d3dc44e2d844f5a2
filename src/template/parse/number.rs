//! Constants: Go's rules for which types the text of a number can become (`newNumber` in `parse/node.go` and
//! `idealConstant` in `exec.go`).

use super::{
    super::{
        ast::{Ideal, Number, Span},
        fmt::quote,
    },
    unquote::unquote_character,
};

/// The constant in single quotes.
pub(super) fn character(text: &[u8], written: Span) -> Result<Number, String> {
    let (number, is_whole) = unquote_character(text).ok_or("invalid syntax")?;
    if !is_whole {
        return Err(format!("malformed character constant: {}", String::from_utf8_lossy(text)));
    }
    let integer = i64::from(number);
    Ok(Number { integer: Some(integer), float: Some(f64::from(number)), ideal: Some(Ideal::Int), written })
}

/// The constant written with digits.
///
/// # Errors
/// Go's words, or that complex numbers have no place here: nothing that Helm registers takes one.
pub(super) fn number(text: &[u8], written: Span) -> Result<Number, String> {
    if let Some(integer) = small_decimal(text) {
        return Ok(whole(integer, written));
    }
    let text = String::from_utf8_lossy(text);
    if text.ends_with('i') {
        return Err(format!("complex numbers are not supported: {}", quote(text.as_bytes())));
    }
    if let Some(integer) = parse_integer(&text) {
        return Ok(whole(integer, written));
    }
    let float = parse_float(&text).filter(|float| float.is_finite());
    let float = float.ok_or_else(|| format!("illegal number syntax: {}", quote(text.as_bytes())))?;
    if !text.contains(['.', 'e', 'E', 'p', 'P']) {
        return Err(format!("integer overflow: {}", quote(text.as_bytes())));
    }
    Ok(Number { integer: exact(float), float: Some(float), ideal: ideal_float(&text, float), written })
}

/// What nearly all constants are: a few decimal digits, to which none of the rules below apply.
fn small_decimal(text: &[u8]) -> Option<i128> {
    let add = |number, digit: &u8| digit.is_ascii_digit().then(|| number * 10 + i128::from(digit - b'0'));
    match text {
        [b'0'] | [b'1'..=b'9', ..] if text.len() < 10 => text.iter().try_fold(0, add),
        _ => None,
    }
}

/// An integer, or one so large that only a float can hold it.
fn whole(integer: i128, written: Span) -> Number {
    let small = i64::try_from(integer).ok();
    let float = integer as f64;
    Number { integer: small, float: Some(float), ideal: small.map(|_| Ideal::Int), written }
}

/// Hexadecimal digits without an exponent look like a float's `e`, but are an integer's.
fn ideal_float(text: &str, float: f64) -> Option<Ideal> {
    let is_hexadecimal = text.len() > 2 && (text.starts_with("0x") || text.starts_with("0X"));
    if is_hexadecimal && !text.contains(['p', 'P']) {
        return exact(float).map(|_| Ideal::Int);
    }
    Some(Ideal::Float64)
}

fn exact(float: f64) -> Option<i64> {
    let integer = float as i64;
    let is_exact = integer as f64 == float && integer != i64::MAX;
    is_exact.then_some(integer)
}

/// Go's `strconv.ParseInt` and `ParseUint` with base 0, for what fits either.
fn parse_integer(text: &str) -> Option<i128> {
    let (negative, unsigned) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let (radix, digits) = match unsigned.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &unsigned[2..]),
        [b'0', b'b' | b'B', ..] => (2, &unsigned[2..]),
        [b'0', b'o' | b'O', ..] => (8, &unsigned[2..]),
        [b'0', _, ..] => (8, &unsigned[1..]),
        _ => (10, unsigned),
    };
    if !underscores_ok(unsigned) || digits.starts_with(['+', '-']) {
        return None;
    }
    let number = i128::from_str_radix(&digits.replace('_', ""), radix).ok()?;
    let number = if negative { -number } else { number };
    // Only an unsigned number may go beyond the signed ones, and it takes no sign.
    let limit = if unsigned.len() == text.len() { i128::from(u64::MAX) } else { i128::from(i64::MAX) };
    (i128::from(i64::MIN)..=limit).contains(&number).then_some(number)
}

/// Whether underscores stand only between digits, or between a prefix and a digit.
fn underscores_ok(unsigned: &str) -> bool {
    if !unsigned.contains('_') {
        return true;
    }
    let bytes = unsigned.as_bytes();
    let has_prefix = matches!(bytes, [b'0', b'x' | b'X' | b'b' | b'B' | b'o' | b'O', ..]);
    let is_digit = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_hexdigit);
    let body = if has_prefix { &bytes[1..] } else { bytes };
    body.iter().enumerate().all(|(index, &byte)| {
        let after_digit =
            index.checked_sub(1).is_some_and(|before| is_digit(body.get(before)) || (has_prefix && before == 0));
        byte != b'_' || (after_digit && is_digit(body.get(index + 1)))
    })
}

/// Go's `strconv.ParseFloat`, for what the lexer lets through.
fn parse_float(text: &str) -> Option<f64> {
    let (negative, unsigned) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    if !underscores_ok(unsigned) {
        return None;
    }
    let plain = unsigned.replace('_', "");
    let float = match plain.strip_prefix("0x").or(plain.strip_prefix("0X")) {
        Some(hexadecimal) => parse_hexadecimal(hexadecimal)?,
        None if plain.starts_with(|first: char| first.is_ascii_digit() || first == '.') => plain.parse().ok()?,
        None => return None,
    };
    Some(if negative { -float } else { float })
}

/// `1.8p3`: Go demands the exponent.
fn parse_hexadecimal(text: &str) -> Option<f64> {
    let (mantissa, exponent) = text.split_once(['p', 'P'])?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    // More digits than these are beyond what a constant in a chart needs, and would need rounding by hand.
    let number = u64::from_str_radix(&digits, 16).ok().filter(|number| *number < 1 << 53)?;
    let shift = exponent.parse::<i32>().ok()? - 4 * i32::try_from(fraction.len()).ok()?;
    let float = number as f64;
    Some(float * 2_f64.powi(shift))
}
