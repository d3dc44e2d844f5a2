//! Numbers as the English of golang.org/x/text prints them: `65,535`, `1.5×10²¹`.

/// A whole number.
pub(super) fn whole(number: impl std::fmt::Display) -> String {
    grouped(&number.to_string())
}

/// What `%v` prints of a float: few digits plainly, others in powers of ten.
pub(super) fn float(number: f64) -> String {
    if number == 0.0 {
        return "0".to_owned();
    }
    let scientific = format!("{:e}", number.abs());
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let power: i32 = exponent.parse().unwrap_or_default();
    let sign = if number < 0.0 { "-" } else { "" };
    if (-4..6).contains(&power) {
        let plain = number.abs().to_string();
        let (whole, fraction) = plain.split_once('.').map_or((plain.as_str(), None), |(a, b)| (a, Some(b)));
        let fraction = fraction.map(|fraction| format!(".{fraction}")).unwrap_or_default();
        return format!("{sign}{}{fraction}", grouped(whole));
    }
    let minus = if power < 0 { "⁻" } else { "" };
    let power: String = format!("{:02}", power.unsigned_abs()).chars().map(superscript).collect();
    format!("{sign}{digits}×10{minus}{power}")
}

/// Whether a number is a multiple of another one, both taken as the decimal fractions that they are written as.
pub(super) fn is_multiple(number: f64, of: f64) -> bool {
    let ((a, a_power), (b, b_power)) = (decimal(number), decimal(of));
    if b == 0 {
        return false;
    }
    let low = a_power.min(b_power);
    let scaled = |digits: i128, power: i32| digits.checked_mul(10_i128.checked_pow(power.abs_diff(low))?);
    match (scaled(a, a_power), scaled(b, b_power)) {
        (Some(a), Some(b)) => a % b == 0,
        _ => (number / of).fract() == 0.0,
    }
}

/// Digits and a power of ten.
fn decimal(number: f64) -> (i128, i32) {
    let text = format!("{number:e}");
    let (digits, power) = text.split_once('e').unwrap_or((&text, "0"));
    let fraction = digits.split_once('.').map_or(0, |(_, fraction)| i32::try_from(fraction.len()).unwrap_or_default());
    let power: i32 = power.parse().unwrap_or_default();
    (digits.replace('.', "").parse().unwrap_or_default(), power - fraction)
}

fn grouped(digits: &str) -> String {
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

fn superscript(digit: char) -> char {
    match digit {
        '1' => '¹',
        '2' => '²',
        '3' => '³',
        '4' => '⁴',
        '5' => '⁵',
        '6' => '⁶',
        '7' => '⁷',
        '8' => '⁸',
        '9' => '⁹',
        _ => '⁰',
    }
}
