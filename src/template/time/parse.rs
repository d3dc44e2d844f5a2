//! Reading a time by a Go layout (Go's `time.ParseInLocation`).

use jiff::{
    SignedDuration,
    civil::{Date, DateTime, Time},
    tz::Offset,
};

use super::{
    GoTime, Location,
    layout::{Chunk, MONTHS, OffsetStyle, Pad, WEEKDAYS, next_chunk},
};

/// What was read so far.
#[derive(Default)]
struct Parts {
    year: i16,
    month: Option<i8>,
    day: Option<i8>,
    year_day: Option<i16>,
    hour: i8,
    minute: i8,
    second: i8,
    nanosecond: i32,
    /// Whether "PM" was read.
    afternoon: Option<bool>,
    is_utc: bool,
    offset: Option<i32>,
    zone: String,
}

/// Why a piece of a text does not fit.
enum Trouble {
    /// It is not what the layout wants.
    Mismatch,
    /// It is a number beyond what it counts.
    Range(&'static str),
}

type Read<'a, T> = Result<(T, &'a str), Trouble>;

/// Reads a text by a layout: a time without a zone is at `default`, and zones are looked for at `local`.
///
/// # Errors
/// Go's words, `parsing time "x" as "2006": cannot parse "x" as "2006"`.
pub fn parse(layout: &str, text: &str, default: &Location, local: &Location) -> Result<GoTime, String> {
    let wrong = |element: &str, value: &str| {
        let [text, layout, value, element] = [text, layout, value, element].map(quote);
        format!("parsing time {text} as {layout}: cannot parse {value} as {element}")
    };
    let mut parts = Parts::default();
    let (mut rest_of_layout, mut rest) = (layout, text);
    while let Some((literal, chunk, after)) = next_chunk(rest_of_layout) {
        let word = &rest_of_layout[literal.len()..rest_of_layout.len() - after.len()];
        rest = skip(rest, literal).map_err(|(value, literal)| wrong(literal, value))?;
        let value = rest;
        rest = parts.read(chunk, value, after).map_err(|trouble| match trouble {
            Trouble::Mismatch => wrong(word, value),
            Trouble::Range(what) => format!("parsing time {}: {what} out of range", quote(text)),
        })?;
        rest_of_layout = after;
    }
    rest = skip(rest, rest_of_layout).map_err(|(value, literal)| wrong(literal, value))?;
    if !rest.is_empty() {
        return Err(format!("parsing time {}: extra text: {}", quote(text), quote(rest)));
    }
    let out_of_range = |what: &str| format!("parsing time {}: {what}", quote(text));
    let date = parts.date().map_err(out_of_range)?;
    parts.at(date, default, local).ok_or_else(|| out_of_range("year out of range"))
}

impl Parts {
    /// Takes what the layout's next word stands for from the start of the text.
    fn read<'a>(&mut self, chunk: Chunk, text: &'a str, layout: &str) -> Result<&'a str, Trouble> {
        Ok(match chunk {
            Chunk::Year => {
                let (digits, rest) = text.split_at_checked(4).ok_or(Trouble::Mismatch)?;
                if !digits.starts_with(|first: char| first.is_ascii_digit()) {
                    return Err(Trouble::Mismatch);
                }
                self.year = digits.parse().map_err(|_| Trouble::Mismatch)?;
                rest
            }
            Chunk::ShortYear => {
                let (digits, rest) = text.split_at_checked(2).ok_or(Trouble::Mismatch)?;
                let year: i16 = digits.parse().map_err(|_| Trouble::Mismatch)?;
                self.year = year + if year >= 69 { 1900 } else { 2000 };
                rest
            }
            Chunk::LongMonth => self.take_month(name(&MONTHS, text, usize::MAX)?),
            Chunk::Month => self.take_month(name(&MONTHS, text, 3)?),
            Chunk::MonthNumber(pad) => {
                let (month, rest) = number(text, pad.is_fixed())?;
                self.month = Some(within(month, 1..=12, "month")?);
                rest
            }
            Chunk::LongWeekday => name(&WEEKDAYS, text, usize::MAX)?.1,
            Chunk::Weekday => name(&WEEKDAYS, text, 3)?.1,
            Chunk::Day(pad) => {
                let text = if matches!(pad, Pad::Space) { text.strip_prefix(' ').unwrap_or(text) } else { text };
                let (day, rest) = number(text, pad.is_fixed())?;
                self.day = Some(day);
                rest
            }
            Chunk::YearDay(pad) => self.read_year_day(text, pad)?,
            Chunk::Hour => {
                let (hour, rest) = number(text, false)?;
                self.hour = within(hour, 0..=23, "hour")?;
                rest
            }
            Chunk::Hour12(pad) => {
                let (hour, rest) = number(text, pad.is_fixed())?;
                self.hour = within(hour, 0..=12, "hour")?;
                rest
            }
            Chunk::Minute(pad) => {
                let (minute, rest) = number(text, pad.is_fixed())?;
                self.minute = within(minute, 0..=59, "minute")?;
                rest
            }
            Chunk::Second(pad) => self.read_second(text, pad, layout)?,
            Chunk::Half(upper) => {
                let (half, rest) = text.split_at_checked(2).ok_or(Trouble::Mismatch)?;
                let halves = if upper { ["AM", "PM"] } else { ["am", "pm"] };
                let half = halves.iter().position(|known| *known == half).ok_or(Trouble::Mismatch)?;
                self.afternoon = Some(half == 1);
                rest
            }
            Chunk::ZoneName => self.read_zone(text)?,
            Chunk::Offset(style) => self.read_offset(text, style)?,
            Chunk::Fraction { digits, trim: false, .. } => {
                let (fraction, rest) = text.split_at_checked(1 + digits).ok_or(Trouble::Mismatch)?;
                self.nanosecond = nanoseconds(fraction)?;
                rest
            }
            Chunk::Fraction { .. } => self.read_fraction(text)?,
        })
    }

    fn take_month<'a>(&mut self, (index, rest): (usize, &'a str)) -> &'a str {
        self.month = Some(index as i8 + 1);
        rest
    }

    fn read_year_day<'a>(&mut self, mut text: &'a str, pad: Pad) -> Result<&'a str, Trouble> {
        if matches!(pad, Pad::Space) {
            for _ in 0..2 {
                text = text.strip_prefix(' ').unwrap_or(text);
            }
        }
        let length = text.bytes().take(3).take_while(u8::is_ascii_digit).count();
        let (digits, rest) = text.split_at(length);
        if length == 0 || pad.is_fixed() && length != 3 {
            return Err(Trouble::Mismatch);
        }
        self.year_day = Some(digits.parse().map_err(|_| Trouble::Mismatch)?);
        Ok(rest)
    }

    /// A fraction of a second is read even where the layout has none.
    fn read_second<'a>(&mut self, text: &'a str, pad: Pad, layout: &str) -> Result<&'a str, Trouble> {
        let (second, rest) = number(text, pad.is_fixed())?;
        self.second = within(second, 0..=59, "second")?;
        match next_chunk(layout) {
            Some((_, Chunk::Fraction { .. }, _)) => Ok(rest),
            _ => self.read_fraction(rest),
        }
    }

    /// Any number of digits after a point or comma, or nothing.
    fn read_fraction<'a>(&mut self, text: &'a str) -> Result<&'a str, Trouble> {
        let Some(after) = text.strip_prefix(['.', ',']) else { return Ok(text) };
        let digits = after.bytes().take_while(u8::is_ascii_digit).count();
        if digits == 0 {
            return Ok(text);
        }
        let (fraction, rest) = text.split_at(1 + digits);
        self.nanosecond = nanoseconds(fraction)?;
        Ok(rest)
    }

    fn read_zone<'a>(&mut self, text: &'a str) -> Result<&'a str, Trouble> {
        if let Some(rest) = text.strip_prefix("UTC") {
            self.is_utc = true;
            return Ok(rest);
        }
        let length = zone_length(text).ok_or(Trouble::Mismatch)?;
        let (zone, rest) = text.split_at_checked(length).ok_or(Trouble::Mismatch)?;
        self.zone = zone.to_owned();
        Ok(rest)
    }

    fn read_offset<'a>(&mut self, text: &'a str, style: OffsetStyle) -> Result<&'a str, Trouble> {
        if let Some(rest) = text.strip_prefix('Z').filter(|_| style.zulu) {
            self.is_utc = true;
            return Ok(rest);
        }
        let mut rest = text.get(1..).ok_or(Trouble::Mismatch)?;
        let mut counts = [0; 3];
        let wanted = 1 + usize::from(style.minutes) + usize::from(style.seconds);
        for (index, count) in counts.iter_mut().take(wanted).enumerate() {
            if index > 0 && style.colon {
                rest = rest.strip_prefix(':').ok_or(Trouble::Mismatch)?;
            }
            let (value, after) = number(rest, true)?;
            (*count, rest) = (i32::from(value), after);
        }
        let [hours, minutes, seconds] = counts;
        let limits = [
            (hours > 24, "time zone offset hour"),
            (minutes > 60, "time zone offset minute"),
            (seconds > 60, "time zone offset second"),
        ];
        if let Some((_, what)) = limits.into_iter().find(|(beyond, _)| *beyond) {
            return Err(Trouble::Range(what));
        }
        let size = (hours * 60 + minutes) * 60 + seconds;
        self.offset = Some(match text.as_bytes().first() {
            Some(b'+') => size,
            Some(b'-') => -size,
            _ => return Err(Trouble::Mismatch),
        });
        Ok(rest)
    }

    fn date(&self) -> Result<Date, &'static str> {
        let Some(year_day) = self.year_day else {
            let (month, day) = (self.month.unwrap_or(1), self.day.unwrap_or(1));
            return Date::new(self.year, month, day).map_err(|_| "day out of range");
        };
        let first = Date::constant(self.year, 1, 1);
        if year_day < 1 || year_day > first.days_in_year() {
            return Err("day-of-year out of range");
        }
        let day = jiff::Span::new().days(i64::from(year_day) - 1);
        let date = first.checked_add(day).map_err(|_| "day-of-year out of range")?;
        if self.month.is_some_and(|month| month != date.month()) {
            return Err("day-of-year does not match month");
        }
        if self.day.is_some_and(|day| day != date.day()) {
            return Err("day-of-year does not match day");
        }
        Ok(date)
    }

    fn at(&self, date: Date, default: &Location, local: &Location) -> Option<GoTime> {
        let hour = match (self.afternoon, self.hour) {
            (Some(true), hour) if hour < 12 => hour + 12,
            (Some(false), 12) => 0,
            (_, hour) => hour,
        };
        let time = Time::new(hour, self.minute, self.second, self.nanosecond).ok()?;
        let clock = date.to_datetime(time);
        if self.is_utc {
            return GoTime::from_clock(clock, &Location::Utc);
        }
        match self.offset {
            Some(offset) => self.at_offset(clock, offset, local),
            None if self.zone.is_empty() => GoTime::from_clock(clock, default),
            None => self.at_zone(clock, local),
        }
    }

    /// The clock of an offset, which is the local one where that is the offset there then.
    fn at_offset(&self, clock: DateTime, offset: i32, local: &Location) -> Option<GoTime> {
        let offset = Offset::from_seconds(offset).ok()?;
        let instant = offset.to_timestamp(clock).ok()?;
        let (here, name, _) = local.lookup(instant);
        if here == offset && (self.zone.is_empty() || self.zone == name) {
            return Some(GoTime::new(instant, local.clone()));
        }
        Some(GoTime::new(instant, Location::Fixed(offset, self.zone.clone())))
    }

    /// The clock of a zone known by an abbreviation: the local one if it has such a zone, else one that is nowhere.
    fn at_zone(&self, clock: DateTime, local: &Location) -> Option<GoTime> {
        let utc = Offset::UTC.to_timestamp(clock).ok()?;
        if let Some(offset) = offset_of(local, &self.zone, utc) {
            let instant = utc.checked_sub(SignedDuration::from_secs(offset.seconds().into())).ok()?;
            return Some(GoTime::new(instant, local.clone()));
        }
        let hours: i32 = self.zone.strip_prefix("GMT").and_then(|hours| hours.parse().ok()).unwrap_or_default();
        let offset = Offset::from_seconds(hours * 3600).ok()?;
        // Go keeps the instant of Greenwich and moves the clock.
        Some(GoTime::new(utc, Location::Fixed(offset, self.zone.clone())))
    }
}

/// The offset that goes by this abbreviation at a place around this time.
fn offset_of(location: &Location, name: &str, utc: jiff::Timestamp) -> Option<Offset> {
    let (Location::Local(zone) | Location::Named(zone)) = location else {
        let (offset, known, _) = location.lookup(utc);
        return (known == name).then_some(offset);
    };
    let now = zone.to_offset_info(utc);
    let around = zone.preceding(utc).take(2).chain(zone.following(utc).take(2));
    let around = around.map(|change| (change.offset(), change.abbreviation().to_owned()));
    let named: Vec<Offset> = std::iter::once((now.offset(), now.abbreviation().to_owned()))
        .chain(around)
        .filter(|(_, known)| known == name)
        .map(|(offset, _)| offset)
        .collect();
    let holds = |offset: &&Offset| {
        let then = utc.checked_sub(SignedDuration::from_secs(offset.seconds().into()));
        then.is_ok_and(|then| location.lookup(then).1 == name)
    };
    named.iter().find(holds).or(named.first()).copied()
}

/// What follows the layout's literal text. Any number of spaces stands for spaces.
///
/// # Errors
/// The texts that do not fit.
fn skip<'a, 'b>(mut text: &'a str, mut literal: &'b str) -> Result<&'a str, (&'a str, &'b str)> {
    while let Some(wanted) = literal.chars().next() {
        let found = text.chars().next();
        if wanted == ' ' {
            if found.is_some_and(|found| found != ' ') {
                return Err((text, literal));
            }
            (literal, text) = (literal.trim_start_matches(' '), text.trim_start_matches(' '));
            continue;
        }
        if found != Some(wanted) {
            return Err((text, literal));
        }
        (literal, text) = (&literal[wanted.len_utf8()..], &text[wanted.len_utf8()..]);
    }
    Ok(text)
}

/// One or two digits, or just two.
fn number(text: &str, fixed: bool) -> Read<'_, i8> {
    let length = text.bytes().take(2).take_while(u8::is_ascii_digit).count();
    let (digits, rest) = text.split_at(length);
    if length == 0 || fixed && length == 1 {
        return Err(Trouble::Mismatch);
    }
    Ok((digits.parse().map_err(|_| Trouble::Mismatch)?, rest))
}

fn within(value: i8, range: std::ops::RangeInclusive<i8>, what: &'static str) -> Result<i8, Trouble> {
    if range.contains(&value) { Ok(value) } else { Err(Trouble::Range(what)) }
}

/// Which of these names, cut to a length, the text starts with in whatever case.
fn name<'a>(names: &[&str], text: &'a str, length: usize) -> Read<'a, usize> {
    let found = names.iter().enumerate().find_map(|(index, name)| {
        let name = name.get(..length).unwrap_or(name);
        let (start, rest) = text.split_at_checked(name.len())?;
        start.eq_ignore_ascii_case(name).then_some((index, rest))
    });
    found.ok_or(Trouble::Mismatch)
}

/// The nanoseconds of `.5` or `,123456`; digits beyond the ninth do not count.
fn nanoseconds(fraction: &str) -> Result<i32, Trouble> {
    let digits = fraction.strip_prefix(['.', ',']).ok_or(Trouble::Mismatch)?;
    let digits = digits.get(..9).unwrap_or(digits);
    if !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return Err(Trouble::Mismatch);
    }
    format!("{digits:0<9}").parse().map_err(|_| Trouble::Mismatch)
}

/// How long the abbreviation of a zone at the start of a text is.
fn zone_length(text: &str) -> Option<usize> {
    if text.starts_with("ChST") || text.starts_with("MeST") {
        return Some(4);
    }
    if let Some(offset) = text.strip_prefix("GMT") {
        return Some(3 + signed_offset(offset).unwrap_or_default());
    }
    if text.len() >= 3 && text.starts_with(['+', '-']) {
        return signed_offset(text);
    }
    let capitals = text.bytes().take(6).take_while(u8::is_ascii_uppercase).count();
    let is_zone = match capitals {
        3 => true,
        4 => text.as_bytes().get(3) == Some(&b'T') || text.starts_with("WITA"),
        5 => text.as_bytes().get(4) == Some(&b'T'),
        _ => false,
    };
    is_zone.then_some(capitals)
}

/// How long `+3` or `-10` at the start of a text is.
fn signed_offset(text: &str) -> Option<usize> {
    let after = text.strip_prefix(['+', '-'])?;
    let digits = after.bytes().take_while(u8::is_ascii_digit).count();
    let hours: u32 = after.get(..digits)?.parse().ok()?;
    (hours <= 23).then_some(1 + digits)
}

/// How Go's `time` quotes a text in its errors: by bytes whatever is not plain ASCII.
pub(super) fn quote(text: &str) -> String {
    let mut quoted = String::from("\"");
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' => quoted.extend(['\\', char::from(byte)]),
            b' '..128 => quoted.push(char::from(byte)),
            _ => quoted += &format!("\\x{byte:02x}"),
        }
    }
    quoted + "\""
}
