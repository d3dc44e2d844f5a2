//! Go layouts, and printing by them (Go's `time/format.go`).

use super::GoTime;

/// Go's `time.ANSIC`, which Helm prints in `status` and `history`.
pub const ANSIC: &str = "Mon Jan _2 15:04:05 2006";
/// Go's `time.RFC3339`.
pub const RFC3339: &str = "2006-01-02T15:04:05Z07:00";
/// Go's `time.RFC3339Nano`, how Go writes a time into JSON.
pub const RFC3339_NANO: &str = "2006-01-02T15:04:05.999999999Z07:00";
/// The layout of Go's `time.Time.String()`.
pub const STRING: &str = "2006-01-02 15:04:05.999999999 -0700 MST";

pub(super) fn format(time: &GoTime, layout: &str) -> String {
    let mut out = String::new();
    let mut rest = layout;
    while let Some((literal, chunk, after)) = next_chunk(rest) {
        out.push_str(literal);
        time.print(chunk, &mut out);
        rest = after;
    }
    out + rest
}

impl GoTime {
    fn print(&self, chunk: Chunk, out: &mut String) {
        let clock = &self.clock;
        let hour12 = match clock.hour() % 12 {
            0 => 12,
            hour => hour,
        };
        let text = match chunk {
            Chunk::Year if clock.year() < 0 => format!("-{:04}", clock.year().unsigned_abs()),
            Chunk::Year => format!("{:04}", clock.year()),
            Chunk::ShortYear => format!("{:02}", clock.year().unsigned_abs() % 100),
            Chunk::LongMonth => MONTHS[clock.month() as usize - 1].to_owned(),
            Chunk::Month => MONTHS[clock.month() as usize - 1][..3].to_owned(),
            Chunk::MonthNumber(pad) => pad.number(clock.month().into(), 2),
            Chunk::LongWeekday => self.weekday().to_owned(),
            Chunk::Weekday => self.weekday()[..3].to_owned(),
            Chunk::Day(pad) => pad.number(clock.day().into(), 2),
            Chunk::YearDay(pad) => pad.number(clock.day_of_year().into(), 3),
            Chunk::Hour => format!("{:02}", clock.hour()),
            Chunk::Hour12(pad) => pad.number(hour12.into(), 2),
            Chunk::Minute(pad) => pad.number(clock.minute().into(), 2),
            Chunk::Second(pad) => pad.number(clock.second().into(), 2),
            Chunk::Half(upper) => match (clock.hour() >= 12, upper) {
                (true, true) => "PM",
                (false, true) => "AM",
                (true, false) => "pm",
                (false, false) => "am",
            }
            .to_owned(),
            Chunk::ZoneName if self.zone.is_empty() => numeric_zone_name(self.offset.seconds()),
            Chunk::ZoneName => self.zone.clone(),
            Chunk::Offset(style) => style.print(self.offset.seconds()),
            Chunk::Fraction { separator, digits, trim } => fraction(clock.subsec_nanosecond(), separator, digits, trim),
        };
        out.push_str(&text);
    }

    fn weekday(&self) -> &'static str {
        WEEKDAYS[self.clock.weekday().to_sunday_zero_offset() as usize]
    }
}

/// What Go prints for `MST` when the zone has no name: the offset without a colon.
fn numeric_zone_name(offset: i32) -> String {
    OffsetStyle { zulu: false, colon: false, minutes: true, seconds: false }.print(offset)
}

/// Go's names of the months, January first.
pub const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
/// Go's names of the days of the week, Sunday first.
pub const WEEKDAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

#[derive(Debug, Clone, Copy)]
pub(super) enum Pad {
    None,
    Zero,
    Space,
}

impl Pad {
    /// Whether just as many digits are read as are printed.
    pub(super) fn is_fixed(self) -> bool {
        matches!(self, Self::Zero)
    }

    fn number(self, value: i64, width: usize) -> String {
        match self {
            Self::None => value.to_string(),
            Self::Zero => format!("{value:0width$}"),
            Self::Space => format!("{value:width$}"),
        }
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) struct OffsetStyle {
    /// `Z` for UTC.
    pub(super) zulu: bool,
    pub(super) colon: bool,
    pub(super) minutes: bool,
    pub(super) seconds: bool,
}

impl OffsetStyle {
    fn print(self, offset: i32) -> String {
        if self.zulu && offset == 0 {
            return "Z".to_owned();
        }
        let sign = if offset < 0 { '-' } else { '+' };
        let colon = if self.colon { ":" } else { "" };
        let seconds = offset.abs();
        let mut text = format!("{sign}{:02}", seconds / 3600);
        if self.minutes {
            text += &format!("{colon}{:02}", seconds / 60 % 60);
        }
        if self.seconds {
            text += &format!("{colon}{:02}", seconds % 60);
        }
        text
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Chunk {
    Year,
    ShortYear,
    LongMonth,
    Month,
    MonthNumber(Pad),
    LongWeekday,
    Weekday,
    Day(Pad),
    YearDay(Pad),
    Hour,
    Hour12(Pad),
    Minute(Pad),
    Second(Pad),
    Half(bool),
    ZoneName,
    Offset(OffsetStyle),
    Fraction { separator: char, digits: usize, trim: bool },
}

/// Layout words in the order they must be tried: a longer word before its prefix.
const WORDS: &[(&str, Chunk)] = &[
    ("January", Chunk::LongMonth),
    ("Jan", Chunk::Month),
    ("Monday", Chunk::LongWeekday),
    ("Mon", Chunk::Weekday),
    ("MST", Chunk::ZoneName),
    ("2006", Chunk::Year),
    ("_2006", Chunk::Year),
    ("__2", Chunk::YearDay(Pad::Space)),
    ("_2", Chunk::Day(Pad::Space)),
    ("002", Chunk::YearDay(Pad::Zero)),
    ("01", Chunk::MonthNumber(Pad::Zero)),
    ("02", Chunk::Day(Pad::Zero)),
    ("03", Chunk::Hour12(Pad::Zero)),
    ("04", Chunk::Minute(Pad::Zero)),
    ("05", Chunk::Second(Pad::Zero)),
    ("06", Chunk::ShortYear),
    ("15", Chunk::Hour),
    ("1", Chunk::MonthNumber(Pad::None)),
    ("2", Chunk::Day(Pad::None)),
    ("3", Chunk::Hour12(Pad::None)),
    ("4", Chunk::Minute(Pad::None)),
    ("5", Chunk::Second(Pad::None)),
    ("PM", Chunk::Half(true)),
    ("pm", Chunk::Half(false)),
    ("-07:00:00", offset(false, true, true, true)),
    ("-070000", offset(false, false, true, true)),
    ("-07:00", offset(false, true, true, false)),
    ("-0700", offset(false, false, true, false)),
    ("-07", offset(false, false, false, false)),
    ("Z07:00:00", offset(true, true, true, true)),
    ("Z070000", offset(true, false, true, true)),
    ("Z07:00", offset(true, true, true, false)),
    ("Z0700", offset(true, false, true, false)),
    ("Z07", offset(true, false, false, false)),
];

const fn offset(zulu: bool, colon: bool, minutes: bool, seconds: bool) -> Chunk {
    Chunk::Offset(OffsetStyle { zulu, colon, minutes, seconds })
}

/// The literal before the first layout word, the word, and what follows it.
pub(super) fn next_chunk(layout: &str) -> Option<(&str, Chunk, &str)> {
    layout.char_indices().find_map(|(at, _)| {
        let here = &layout[at..];
        if let Some((chunk, length)) = fraction_chunk(here) {
            return Some((&layout[..at], chunk, &here[length..]));
        }
        let (word, chunk) = WORDS.iter().find(|(word, _)| matches_word(here, word))?;
        // "_2006" is an underscore followed by a year, not a padded day.
        let literal = if *word == "_2006" { at + 1 } else { at };
        Some((&layout[..literal], *chunk, &here[word.len()..]))
    })
}

fn matches_word(here: &str, word: &str) -> bool {
    // "Jan" and "Mon" count only when no lower-case letter goes on with them ("Month" is literal text).
    let whole = matches!(word, "Jan" | "Mon");
    here.strip_prefix(word).is_some_and(|after| !whole || !after.starts_with(|next: char| next.is_ascii_lowercase()))
}

/// `.000`, `,000`, `.999`: a run of one digit after a separator, not followed by another digit.
fn fraction_chunk(here: &str) -> Option<(Chunk, usize)> {
    let separator = here.chars().next().filter(|first| matches!(first, '.' | ','))?;
    let digit = here[1..].chars().next().filter(|digit| matches!(digit, '0' | '9'))?;
    let digits = here[1..].chars().take_while(|next| *next == digit).count();
    if here[1 + digits..].starts_with(|next: char| next.is_ascii_digit()) {
        return None;
    }
    Some((Chunk::Fraction { separator, digits, trim: digit == '9' }, 1 + digits))
}

fn fraction(nanoseconds: i32, separator: char, digits: usize, trim: bool) -> String {
    let all = format!("{nanoseconds:09}");
    let mut text: String = all.chars().take(digits).collect();
    if trim {
        text.truncate(text.trim_end_matches('0').len());
        if text.is_empty() {
            return text;
        }
    }
    format!("{separator}{text}")
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;

    /// Expected texts were printed by Go 1.26's `time` package, in UTC unless the case says otherwise.
    #[track_caller]
    fn check(stored: &str, zone: &str, layout: &str, expected: &str) {
        let zone = TimeZone::get(zone).unwrap();
        assert_eq!(GoTime::parse(stored, &zone).unwrap().format(layout), expected);
    }

    const STORED: &str = "2026-11-21T01:16:52.584892786Z";

    #[test]
    fn go_string() {
        check(STORED, "UTC", STRING, "2026-11-21 01:16:52.584892786 +0000 UTC");
        check(STORED, "Europe/Berlin", STRING, "2026-11-21 01:16:52.584892786 +0000 UTC");
        check("2026-11-21T02:16:55.3446+01:00", "UTC", STRING, "2026-11-21 02:16:55.3446 +0100 +0100");
        check("2026-11-21T02:16:55.3446+01:00", "Europe/Berlin", STRING, "2026-11-21 02:16:55.3446 +0100 CET");
        check("2026-11-21T02:16:55+00:00", "Europe/Berlin", STRING, "2026-11-21 02:16:55 +0000 +0000");
        check("2026-11-20T20:46:00-04:30", "UTC", STRING, "2026-11-20 20:46:00 -0430 -0430");
    }

    #[test]
    fn layouts() {
        check("2026-01-05T15:04:05Z", "UTC", ANSIC, "Mon Jan  5 15:04:05 2026");
        check(STORED, "UTC", RFC3339, "2026-11-21T01:16:52Z");
        check("2026-11-21T02:16:55.120+01:00", "UTC", RFC3339_NANO, "2026-11-21T02:16:55.12+01:00");
        check(STORED, "UTC", "2006-01-02 15:04:05Z0700", "2026-11-21 01:16:52Z");
        check(STORED, "UTC", "Monday, 02-Jan-06 3:04PM MST", "Saturday, 21-Nov-26 1:16AM UTC");
        check(STORED, "UTC", "January _2 002 __2 .000 ,999999 Month", "November 21 325 325 .584 ,584892 Month");
        check(STORED, "UTC", "-07:00 -07 _2006 03h4m5s pm", "+00:00 +00 _2026 01h16m52s am");
        check(STORED, "UTC", "Janet Jan. 0 .0001 15.05 05.00x 2006.01", "Janet Nov. 0 .0011 01.52 52.58x 2026.11");
    }

    #[test]
    fn zero_and_rubbish_are_no_time() {
        assert_eq!(GoTime::parse("0001-01-01T00:00:00Z", &TimeZone::UTC), None);
        assert_eq!(GoTime::parse("", &TimeZone::UTC), None);
        assert_eq!(GoTime::parse("yesterday", &TimeZone::UTC), None);
    }
}
