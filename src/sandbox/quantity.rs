//! Quantities of resources as the server stores them: `0.1` becomes `100m`, `1024Mi` becomes `1Gi`
//! (apimachinery `pkg/api/resource/quantity.go`, `CanonicalizeBytes`), what is below a thousandth becomes one
//! (kubernetes `pkg/apis/core/v1/defaults.go`, `SetDefaults_ResourceList`).

use serde_json::Value;

/// Canonicalizes every quantity of a `resources` object.
pub(super) fn canonicalize_all(resources: &mut Value) {
    for key in ["limits", "requests"] {
        let Some(quantities) = resources.get_mut(key).and_then(Value::as_object_mut) else {
            continue;
        };
        for quantity in quantities.values_mut() {
            let text = quantity.as_str().map_or_else(|| quantity.to_string(), str::to_owned);
            *quantity = canonical(&text).unwrap_or(text).into();
        }
    }
}

/// The canonical form; `None` for what is no quantity, and for exponents, which the server keeps as they are.
fn canonical(text: &str) -> Option<String> {
    let (nanos, binary) = parse(text)?;
    let nanos = nanos + (-nanos).rem_euclid(1_000_000);
    let whole = nanos % 1_000_000_000 == 0;
    if binary && whole {
        let value = nanos / 1_000_000_000;
        if value.abs() >= 1024 {
            return Some(largest(
                value,
                &[
                    ("Ei", 1 << 60),
                    ("Pi", 1 << 50),
                    ("Ti", 1 << 40),
                    ("Gi", 1 << 30),
                    ("Mi", 1 << 20),
                    ("Ki", 1 << 10),
                    ("", 1),
                ],
            ));
        }
    }
    const DECIMAL: &[(&str, i128)] = &[
        ("E", 1_000_000_000_000_000_000_000_000_000),
        ("P", 1_000_000_000_000_000_000_000_000),
        ("T", 1_000_000_000_000_000_000_000),
        ("G", 1_000_000_000_000_000_000),
        ("M", 1_000_000_000_000_000),
        ("k", 1_000_000_000_000),
        ("", 1_000_000_000),
        ("m", 1_000_000),
    ];
    Some(largest(nanos, DECIMAL))
}

/// Writes a number with the largest unit that leaves no fraction.
fn largest(value: i128, units: &[(&str, i128)]) -> String {
    if value == 0 {
        return "0".to_owned();
    }
    let unit = units.iter().find(|(_, size)| value % size == 0);
    unit.map_or_else(|| value.to_string(), |(suffix, size)| format!("{}{suffix}", value / size))
}

/// A quantity in billionths, and whether it was written with a binary suffix; `None` when it is none.
pub(super) fn parse(text: &str) -> Option<(i128, bool)> {
    let split = text.find(|letter: char| !matches!(letter, '0'..='9' | '.' | '-' | '+')).unwrap_or(text.len());
    let (number, suffix) = text.split_at(split);
    let (multiplier, binary): (i128, bool) = match suffix {
        "n" => (1, false),
        "u" => (1_000, false),
        "m" => (1_000_000, false),
        "" => (1_000_000_000, false),
        "k" => (1_000_000_000_000, false),
        "M" => (1_000_000_000_000_000, false),
        "G" => (1_000_000_000_000_000_000, false),
        "T" => (1_000_000_000_000_000_000_000, false),
        "Ki" => (1_000_000_000 << 10, true),
        "Mi" => (1_000_000_000 << 20, true),
        "Gi" => (1_000_000_000 << 30, true),
        "Ti" => (1_000_000_000 << 40, true),
        _ => return None,
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let scale = 10_i128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let digits: i128 = format!("{whole}{fraction}").parse().ok()?;
    Some((digits.checked_mul(multiplier)? / scale, binary))
}

/// A quantity in whole units, rounded down; 0 when it is none.
pub(super) fn units(text: &str) -> u64 {
    parse(text).and_then(|(nanos, _)| u64::try_from(nanos / 1_000_000_000).ok()).unwrap_or(0)
}

/// A quantity in thousandths, rounded down; 0 when it is none.
pub(super) fn milli(text: &str) -> u64 {
    parse(text).and_then(|(nanos, _)| u64::try_from(nanos / 1_000_000).ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::canonical;

    #[test]
    fn quantities_are_written_as_the_server_writes_them() {
        // Expected values: what a real API server 1.36 returned for these as the memory limits of a pod.
        let cases = [
            ("0.1", "100m"),
            ("1000m", "1"),
            ("1024Mi", "1Gi"),
            ("1500Mi", "1500Mi"),
            ("2", "2"),
            ("0.5Gi", "512Mi"),
            ("1.5Gi", "1536Mi"),
            ("128M", "128M"),
            ("1000M", "1G"),
            ("0", "0"),
            ("512", "512"),
            ("1.5", "1500m"),
            ("100u", "1m"),
            ("100n", "1m"),
            ("1.5Mi", "1536Ki"),
            ("1025Ki", "1025Ki"),
            ("1.1Gi", "1181116006400m"),
            ("0.1Gi", "107374182400m"),
            ("2048", "2048"),
            ("1Ki", "1Ki"),
            ("0.5Ki", "512"),
            ("10.0", "10"),
        ];
        for (given, stored) in cases {
            assert_eq!(canonical(given).as_deref(), Some(stored), "{given}");
        }
    }
}
