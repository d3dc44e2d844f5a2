//! Go's `time.Duration`.

use std::fmt;

use super::parse::quote;

/// A number of nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct GoDuration(pub i64);

const UNITS: &[(&str, u64)] = &[
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("μs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// One more than the longest duration: the negative one of as many nanoseconds exists.
const LIMIT: u64 = 1 << 63;

impl GoDuration {
    /// Go's `time.ParseDuration`: `1h15m30.918s`.
    ///
    /// # Errors
    /// Go's words.
    pub fn parse(text: &str) -> Result<Self, String> {
        let invalid = || format!("time: invalid duration {}", quote(text));
        let (negative, mut rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        if rest == "0" {
            return Ok(Self(0));
        }
        if rest.is_empty() {
            return Err(invalid());
        }
        let mut total = 0_u64;
        while !rest.is_empty() {
            let (whole, after) = split(rest, |c| !c.is_ascii_digit());
            let (fraction, after) = match after.strip_prefix('.') {
                Some(after) => split(after, |c| !c.is_ascii_digit()),
                None => ("", after),
            };
            if whole.is_empty() && fraction.is_empty() {
                return Err(invalid());
            }
            let (unit, after) = split(after, |c| c == '.' || c.is_ascii_digit());
            if unit.is_empty() {
                return Err(format!("time: missing unit in duration {}", quote(text)));
            }
            let Some((_, unit)) = UNITS.iter().find(|(name, _)| *name == unit) else {
                return Err(format!("time: unknown unit {} in duration {}", quote(unit), quote(text)));
            };
            let part = part(whole, fraction, *unit);
            total = part.and_then(|part| total.checked_add(part)).filter(|sum| *sum <= LIMIT).ok_or_else(invalid)?;
            rest = after;
        }
        match (negative, i64::try_from(total)) {
            (true, _) => Ok(Self(0_i64.wrapping_sub_unsigned(total))),
            (false, Ok(total)) => Ok(Self(total)),
            (false, Err(_)) => Err(invalid()),
        }
    }

    /// Go's `Round` to a multiple, half away from zero; at the ends of what is possible the end.
    pub fn round(self, to: Self) -> Self {
        if to.0 <= 0 {
            return self;
        }
        let (value, to) = (i128::from(self.0), i128::from(to.0));
        let rest = value.abs() % to;
        let size = value.abs() - rest + if rest * 2 < to { 0 } else { to };
        let end = if value < 0 { i64::MIN } else { i64::MAX };
        Self(i64::try_from(size * value.signum()).unwrap_or(end))
    }

    /// Go's `Truncate` to a multiple.
    pub fn truncate(self, to: Self) -> Self {
        if to.0 <= 0 { self } else { Self(self.0 - self.0 % to.0) }
    }

    /// So many of a unit of nanoseconds, as Go's `Hours`, `Minutes` and `Seconds` reckon it.
    pub fn count(self, unit: i64) -> f64 {
        (self.0 / unit) as f64 + (self.0 % unit) as f64 / unit as f64
    }
}

fn split(text: &str, at: impl FnMut(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(at).unwrap_or(text.len()))
}

/// `whole.fraction` of a unit, `None` where it is too long.
fn part(whole: &str, fraction: &str, unit: u64) -> Option<u64> {
    let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    if whole > LIMIT / unit {
        return None;
    }
    // As many digits as fit, as Go reads them: the rest would not count.
    let mut digits = (0_u64, 1_f64);
    for digit in fraction.bytes() {
        let more = digits.0.checked_mul(10).and_then(|value| value.checked_add(u64::from(digit - b'0')));
        match more.filter(|more| *more <= LIMIT && digits.0 <= (LIMIT - 1) / 10) {
            Some(more) => digits = (more, digits.1 * 10.0),
            None => break,
        }
    }
    let fraction = (digits.0 as f64 * (unit as f64 / digits.1)) as u64;
    (whole * unit).checked_add(fraction).filter(|sum| *sum <= LIMIT)
}

impl fmt::Display for GoDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = self.0.unsigned_abs();
        if self.0 < 0 {
            f.write_str("-")?;
        }
        match size {
            0 => f.write_str("0s"),
            1..1_000 => write!(f, "{size}ns"),
            1_000..1_000_000 => write!(f, "{}µs", decimal(size, 3)),
            1_000_000..1_000_000_000 => write!(f, "{}ms", decimal(size, 6)),
            _ => {
                let minutes = size / 60_000_000_000;
                if minutes >= 60 {
                    write!(f, "{}h", minutes / 60)?;
                }
                if minutes > 0 {
                    write!(f, "{}m", minutes % 60)?;
                }
                write!(f, "{}s", decimal(size % 60_000_000_000, 9))
            }
        }
    }
}

/// `value` with the point before so many digits, without zeros at its end.
fn decimal(value: u64, digits: usize) -> String {
    let unit = 10_u64.pow(digits as u32);
    let fraction = format!("{:0digits$}", value % unit);
    let text = format!("{}.{fraction}", value / unit);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
