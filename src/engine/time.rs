//! The clock, as records and messages write it.

use jiff::Timestamp;

/// Now, as Go writes a time into JSON: RFC 3339 with as many fractional digits as needed.
pub(super) fn now() -> String {
    Timestamp::now().to_string()
}

/// Now, in seconds since 1970.
pub(super) fn now_seconds() -> i64 {
    Timestamp::now().as_second()
}

/// Seconds since 1970 as RFC 3339.
pub(super) fn text(seconds: i64) -> String {
    Timestamp::from_second(seconds).unwrap_or_default().to_string()
}

/// An RFC 3339 text in seconds since 1970.
pub(super) fn seconds(text: &str) -> Option<i64> {
    text.parse::<Timestamp>().ok().map(Timestamp::as_second)
}

/// A length of time in its largest unit, as `kubectl` shows ages: `41s`, `14m`, `3h`, `21d`.
pub(super) fn age(seconds: i64) -> String {
    match seconds.max(0) {
        seconds @ 0..120 => format!("{seconds}s"),
        seconds @ 120..7200 => format!("{}m", seconds / 60),
        seconds @ 7200..172_800 => format!("{}h", seconds / 3600),
        seconds => format!("{}d", seconds / 86400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_use_their_largest_unit() {
        let ages: Vec<String> = [-5, 41, 119, 120, 7199, 7200, 172_799, 172_800].iter().map(|s| age(*s)).collect();
        assert_eq!(ages, ["0s", "41s", "119s", "2m", "119m", "2h", "47h", "2d"]);
    }

    #[test]
    fn times_read_what_go_writes() {
        assert_eq!(seconds("2026-01-02T03:04:05.123456789+01:00"), Some(1_767_319_445));
        assert_eq!(seconds("yesterday"), None);
    }
}
