//! Numbers and durations as Go reads them.

use std::time::Duration;

/// Go's `strconv.ParseInt(text, 0, 64)`.
pub(super) fn int(text: &str) -> Result<i64, &'static str> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let lower = digits.to_ascii_lowercase();
    let (radix, body) = match lower.get(..2) {
        Some("0x") => (16, &lower[2..]),
        Some("0o") => (8, &lower[2..]),
        Some("0b") => (2, &lower[2..]),
        Some(start) if start.starts_with('0') => (8, &lower[1..]),
        _ => (10, lower.as_str()),
    };
    // Underscores may separate digits only where the base is written out.
    let prefixed = radix != 10;
    let misplaced = body.ends_with('_') || body.contains("__") || (!prefixed && body.contains('_'));
    if misplaced || body.starts_with(['+', '-']) {
        return Err("invalid syntax");
    }
    let body = body.replace('_', "");
    let magnitude = i128::from_str_radix(&body, radix).map_err(|error| match error.kind() {
        std::num::IntErrorKind::PosOverflow => "value out of range",
        _ => "invalid syntax",
    })?;
    let value = if negative { -magnitude } else { magnitude };
    i64::try_from(value).map_err(|_| "value out of range")
}

/// Go's `strconv.ParseUint(text, 0, 64)`, as far as `i64` goes.
pub(super) fn uint(text: &str) -> Result<i64, &'static str> {
    if text.starts_with(['+', '-']) { Err("invalid syntax") } else { int(text) }
}

/// Go's `time.ParseDuration`. Negative durations, which no wait can use, become zero.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let invalid = || format!("time: invalid duration {text:?}");
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Ok(Duration::ZERO);
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut seconds = 0.0_f64;
    while !rest.is_empty() {
        let number_end = rest.find(|next: char| !next.is_ascii_digit() && next != '.').unwrap_or(rest.len());
        let number: f64 = rest[..number_end].parse().map_err(|_| invalid())?;
        rest = &rest[number_end..];
        let unit_end = rest.find(|next: char| next.is_ascii_digit() || next == '.').unwrap_or(rest.len());
        let scale = match &rest[..unit_end] {
            "" => return Err(format!("time: missing unit in duration {text:?}")),
            "ns" => 1e-9,
            "us" | "µs" | "μs" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            unit => return Err(format!("time: unknown unit {unit:?} in duration {text:?}")),
        };
        seconds += number * scale;
        rest = &rest[unit_end..];
    }
    let positive = Duration::try_from_secs_f64(seconds).map_err(|_| invalid())?;
    Ok(if negative { Duration::ZERO } else { positive })
}
