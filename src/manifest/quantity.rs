//! The number that a Kubernetes quantity stands for.

/// The number of `250m`, `128Mi` or `2e3`; `None` for what is no quantity
/// (apimachinery `pkg/api/resource/suffix.go`). Fractions are as exact as binary allows.
pub fn quantity(text: &str) -> Option<f64> {
    if !text.ends_with(|last: char| last.is_ascii_alphabetic()) {
        return number(text);
    }
    let digits = text.trim_end_matches(|last: char| last.is_ascii_alphabetic());
    let scale = match &text[digits.len()..] {
        "n" => return Some(number(digits)? / 1e9),
        "u" => return Some(number(digits)? / 1e6),
        "m" => return Some(number(digits)? / 1e3),
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        "P" => 1e15,
        "E" => 1e18,
        "Ki" => 1024.0,
        "Mi" => 1024f64.powi(2),
        "Gi" => 1024f64.powi(3),
        "Ti" => 1024f64.powi(4),
        "Pi" => 1024f64.powi(5),
        "Ei" => 1024f64.powi(6),
        _ => return None,
    };
    Some(number(digits)? * scale)
}

fn number(text: &str) -> Option<f64> {
    let shaped = text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
    text.parse().ok().filter(|_| shaped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities() {
        let read = ["250m", "1", "12345678n", "1.5Gi", "2e3", "128Mi", "1k", "x", "", "5Xi"].map(quantity);
        let expected = [
            Some(0.25),
            Some(1.0),
            Some(0.012_345_678),
            Some(1_610_612_736.0),
            Some(2000.0),
            Some(134_217_728.0),
            Some(1000.0),
            None,
            None,
            None,
        ];
        assert_eq!(read, expected);
    }
}
