//! Go's `strconv.FormatFloat` for 64 bits.

/// `strconv.FormatFloat(value, 'g', -1, 64)`: what `%v` prints.
pub(crate) fn shortest(value: f64) -> String {
    format(value, 'g', None)
}

/// `strconv.FormatFloat(value, verb, precision, 64)`, `None` for the fewest digits that read back the same.
pub(super) fn format(value: f64, verb: char, precision: Option<usize>) -> String {
    if !value.is_finite() {
        return if value.is_nan() {
            "NaN"
        } else if value > 0.0 {
            "+Inf"
        } else {
            "-Inf"
        }
        .to_owned();
    }
    match (verb, precision) {
        ('e' | 'E', None) => exponent(&format!("{value:e}"), verb),
        ('e' | 'E', Some(precision)) => exponent(&format!("{value:.precision$e}"), verb),
        ('f', None) => format!("{value}"),
        ('f', Some(precision)) => format!("{value:.precision$}"),
        ('b', _) => binary(value),
        ('x' | 'X', _) => hexadecimal(value, verb, precision),
        (_, None) => general(&format!("{value:e}"), verb, 6, true),
        (_, Some(precision)) => {
            let precision = precision.max(1);
            general(&format!("{value:.*e}", precision - 1), verb, precision, false)
        }
    }
}

/// Go writes an exponent with its sign and at least two digits.
fn exponent(scientific: &str, verb: char) -> String {
    let (digits, exponent) = parts(scientific);
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}{verb}{sign}{:02}", exponent.abs())
}

fn parts(scientific: &str) -> (&str, i32) {
    let (digits, exponent) = scientific.split_once('e').unwrap_or((scientific, "0"));
    (digits, exponent.parse().unwrap_or(0))
}

/// `%g`: an exponent where it is less than -4 or not less than the precision, no zeros at the end.
fn general(scientific: &str, verb: char, precision: usize, shortest: bool) -> String {
    let (digits, power) = parts(scientific);
    let digits = if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { digits };
    let count = digits.bytes().filter(u8::is_ascii_digit).count();
    // A number that needs fewer digits than the precision has its threshold at its own digits, unless it is whole.
    let whole = i32::try_from(count).is_ok_and(|count| count > power);
    let threshold = if !shortest && precision > count && whole { count } else { precision };
    if power < -4 || i32::try_from(threshold).is_ok_and(|threshold| power >= threshold) {
        return exponent(&format!("{digits}e{power}"), if verb == 'G' { 'E' } else { 'e' });
    }
    decimal(digits, power)
}

/// `-1.25` and a power of ten, written out.
fn decimal(digits: &str, power: i32) -> String {
    let (sign, digits) = digits.strip_prefix('-').map_or(("", digits), |digits| ("-", digits));
    let plain: String = digits.chars().filter(char::is_ascii_digit).collect();
    match usize::try_from(power) {
        Err(_) => format!("{sign}0.{}{plain}", "0".repeat(power.unsigned_abs() as usize - 1)),
        Ok(power) if plain.len() <= power + 1 => format!("{sign}{plain}{}", "0".repeat(power + 1 - plain.len())),
        Ok(power) => format!("{sign}{}.{}", &plain[..=power], &plain[power + 1..]),
    }
}

/// The bits: mantissa and exponent so that the value is mantissa × 2^exponent.
fn bits(value: f64) -> (u64, i64) {
    let bits = value.to_bits();
    let exponent = ((bits >> 52) & 0x7ff) as i64;
    let fraction = bits & ((1 << 52) - 1);
    if exponent == 0 { (fraction, -1074) } else { (fraction | 1 << 52, exponent - 1075) }
}

/// `%b`: `4503599627370496p-52`.
fn binary(value: f64) -> String {
    let (mantissa, exponent) = bits(value);
    format!("{}{mantissa}p{exponent:+}", if value.is_sign_negative() { "-" } else { "" })
}

/// `%x`: `0x1.8p+01`.
fn hexadecimal(value: f64, verb: char, precision: Option<usize>) -> String {
    let (mut mantissa, mut exponent) = bits(value);
    if mantissa == 0 {
        exponent = 0;
    } else {
        // One bit before the point, 60 after it.
        let shift = mantissa.leading_zeros().saturating_sub(3);
        mantissa <<= shift;
        exponent += 60 - i64::from(shift);
    }
    if let Some(precision) = precision.filter(|precision| *precision < 15) {
        let cut = 60 - 4 * precision as u32;
        let (rest, kept) = (mantissa & ((1 << cut) - 1), mantissa >> cut);
        let half = 1 << (cut - 1);
        let up = rest > half || (rest == half && kept & 1 == 1);
        mantissa = (kept + u64::from(up)) << cut;
        if mantissa >> 61 != 0 {
            mantissa >>= 1;
            exponent += 1;
        }
    }
    let digits = format!("{:015x}", mantissa & ((1 << 60) - 1));
    let digits = match precision {
        None => digits.trim_end_matches('0').to_owned(),
        Some(precision) => digits.chars().chain(std::iter::repeat('0')).take(precision).collect(),
    };
    let point = if digits.is_empty() { "" } else { "." };
    let sign = if value.is_sign_negative() { "-" } else { "" };
    let exponent_sign = if exponent < 0 { '-' } else { '+' };
    let text = format!("{sign}0x{}{point}{digits}p{exponent_sign}{:02}", mantissa >> 60, exponent.abs());
    if verb == 'X' { text.to_uppercase() } else { text }
}
