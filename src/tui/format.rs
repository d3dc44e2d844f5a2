//! Times and statuses in few columns.

use std::time::Duration;

use ratatui::style::Style;

use super::theme::Theme;
use crate::release::Status;

/// Seconds since 1970 of an RFC 3339 time as records store it; `None` for anything else.
pub fn seconds(time: &str) -> Option<i64> {
    time.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_second)
}

/// How long ago, in one unit: `42s`, `14m`, `3h`, `21d`, `2y`.
pub fn age(now: i64, then: i64) -> String {
    let seconds = now.saturating_sub(then).max(0);
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m", seconds / 60),
        3_600..86_400 => format!("{}h", seconds / 3_600),
        86_400..63_072_000 => format!("{}d", seconds / 86_400),
        _ => format!("{}y", seconds / 31_536_000),
    }
}

/// A duration in the largest unit that is whole, `5m`.
pub fn whole(duration: Duration) -> String {
    match duration.as_secs() {
        seconds if seconds % 3_600 == 0 => format!("{}h", seconds / 3_600),
        seconds if seconds % 60 == 0 => format!("{}m", seconds / 60),
        seconds => format!("{seconds}s"),
    }
}

/// Glyph, word and paint of a status.
pub fn status(status: &Status, theme: &Theme) -> (String, Style) {
    let glyphs = &theme.glyphs;
    let (glyph, style) = match status {
        Status::Deployed => (glyphs.good, theme.good),
        Status::Failed => (glyphs.bad, theme.bad),
        status if status.is_pending() => (glyphs.busy, theme.warn),
        Status::Uninstalling => (glyphs.busy, theme.warn),
        _ => (glyphs.idle, theme.dim),
    };
    (format!("{glyph} {}", super::widgets::safe::visible(status.as_str())), style)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_have_one_unit() {
        let ages: Vec<String> =
            [0, 59, 60, 3_599, 3_600, 90_000, 63_071_999, 63_072_000].iter().map(|ago| age(*ago, 0)).collect();
        assert_eq!(ages, ["0s", "59s", "1m", "59m", "1h", "1d", "729d", "2y"]);
        assert_eq!(age(5, 9), "0s");
    }

    #[test]
    fn times_as_go_writes_them() {
        assert_eq!(seconds("2026-01-01T00:00:00.123456789Z"), Some(1_767_225_600));
        assert_eq!(seconds("2026-01-01T02:00:00+02:00"), Some(1_767_225_600));
        assert_eq!(seconds("yesterday"), None);
    }
}
