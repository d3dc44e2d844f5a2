//! Times as Go has them: an instant and the place whose clock shows it (Go's `time` package).

mod duration;
mod layout;
mod parse;

pub use duration::GoDuration;
pub use layout::{ANSIC, MONTHS, RFC3339, RFC3339_NANO, STRING, WEEKDAYS};
pub use parse::parse;

use std::cmp::Ordering;

use jiff::{
    SignedDuration, Timestamp,
    civil::{self, DateTime},
    tz::{Offset, TimeZone},
};

use super::fmt::quote;

/// Go's zero time, 0001-01-01T00:00:00Z, in seconds since 1970.
const ZERO: i64 = -62_135_596_800;

/// Where a time is shown: Go's `*time.Location`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// Greenwich.
    Utc,
    /// The zone of the machine.
    Local(TimeZone),
    /// A zone by its IANA name.
    Named(TimeZone),
    /// A fixed number of seconds east of Greenwich, with a name that may be empty.
    Fixed(Offset, String),
}

impl Location {
    /// Go's `time.LoadLocation`: `None` for a zone that the machine does not know.
    pub fn load(name: &str, local: &TimeZone) -> Option<Self> {
        match name {
            "" | "UTC" => Some(Self::Utc),
            "Local" => Some(Self::Local(local.clone())),
            // Go looks for a file of just this name; jiff does not mind its case.
            _ => TimeZone::get(name).ok().filter(|zone| zone.iana_name() == Some(name)).map(Self::Named),
        }
    }

    /// What `String` of it gives.
    pub fn name(&self) -> &str {
        match self {
            Self::Utc => "UTC",
            Self::Local(_) => "Local",
            Self::Named(zone) => zone.iana_name().unwrap_or_default(),
            Self::Fixed(_, name) => name,
        }
    }

    /// The offset then, the zone's abbreviation, and whether it is summer time.
    fn lookup(&self, instant: Timestamp) -> (Offset, String, bool) {
        match self {
            Self::Utc => (Offset::UTC, "UTC".to_owned(), false),
            Self::Local(zone) | Self::Named(zone) => {
                let info = zone.to_offset_info(instant);
                (info.offset(), info.abbreviation().to_owned(), info.dst().is_dst())
            }
            Self::Fixed(offset, name) => (*offset, name.clone(), false),
        }
    }
}

/// An instant with the place it is shown in: Go's `time.Time`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoTime {
    instant: Timestamp,
    location: Location,
    clock: DateTime,
    offset: Offset,
    /// Abbreviation; empty for a zone known only by its offset, which Go prints as a number.
    zone: String,
}

impl GoTime {
    /// This instant in this place.
    pub fn new(instant: Timestamp, location: Location) -> Self {
        let (offset, zone, _) = location.lookup(instant);
        Self { clock: offset.to_datetime(instant), instant, location, offset, zone }
    }

    /// Go's zero time.
    pub fn zero() -> Self {
        Self::new(Timestamp::constant(ZERO, 0), Location::Utc)
    }

    /// Reads an RFC 3339 text. As in Go, an offset that is the local one at that instant takes the local zone's name.
    /// `None` for anything else, and for Go's zero time.
    pub fn parse(text: &str, local: &TimeZone) -> Option<Self> {
        let time = parse(RFC3339, text, &Location::Utc, &Location::Local(local.clone())).ok()?;
        (!time.is_zero()).then_some(time)
    }

    /// Go's `time.Date`: this clock in this place. `None` beyond the years that can be reckoned with.
    pub fn from_clock(clock: DateTime, location: &Location) -> Option<Self> {
        let guess = Offset::UTC.to_timestamp(clock).ok()?;
        let (mut offset, ..) = location.lookup(guess);
        if !offset.is_zero() {
            // Near a change of the clocks the guess may be on its wrong side.
            let utc = guess.checked_sub(SignedDuration::from_secs(offset.seconds().into())).ok()?;
            (offset, ..) = location.lookup(utc);
        }
        let instant = guess.checked_sub(SignedDuration::from_secs(offset.seconds().into())).ok()?;
        Some(Self::new(instant, location.clone()))
    }

    /// The same instant elsewhere.
    pub fn at(&self, location: Location) -> Self {
        Self::new(self.instant, location)
    }

    /// Where it is shown.
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// How far east of Greenwich that is.
    pub fn offset(&self) -> Offset {
        self.offset
    }

    /// What the clock shows there.
    pub fn clock(&self) -> DateTime {
        self.clock
    }

    /// Seconds since 1970.
    pub fn unix(&self) -> i64 {
        // Go rounds down, jiff towards 1970.
        self.instant.as_nanosecond().div_euclid(1_000_000_000) as i64
    }

    /// Nanoseconds since 1970.
    pub fn nanoseconds(&self) -> i128 {
        self.instant.as_nanosecond()
    }

    /// Whether it is Go's zero time.
    pub fn is_zero(&self) -> bool {
        self.instant == Timestamp::constant(ZERO, 0)
    }

    /// Whether it is summer time.
    pub fn is_summer(&self) -> bool {
        self.location.lookup(self.instant).2
    }

    /// Which of two instants is earlier, wherever they are shown.
    pub fn compare(&self, other: &Self) -> Ordering {
        self.instant.cmp(&other.instant)
    }

    /// Go's `Add`; `None` beyond the years that can be reckoned with.
    pub fn add(&self, duration: GoDuration) -> Option<Self> {
        let instant = self.instant.checked_add(SignedDuration::from_nanos(duration.0)).ok()?;
        Some(Self::new(instant, self.location.clone()))
    }

    /// Go's `Sub`: the time since `other`, or the longest that Go knows.
    pub fn since(&self, other: &Self) -> GoDuration {
        let difference = self.instant.as_nanosecond() - other.instant.as_nanosecond();
        let longest = if difference < 0 { i64::MIN } else { i64::MAX };
        GoDuration(i64::try_from(difference).unwrap_or(longest))
    }

    /// Go's `AddDate`, where the 31st of a month of 30 days is the 1st of the next.
    pub fn add_date(&self, years: i64, months: i64, days: i64) -> Option<Self> {
        let (year, month) = (i64::from(self.clock.year()), i64::from(self.clock.month()));
        let months = year.checked_add(years)?.checked_mul(12)?.checked_add(month - 1)?.checked_add(months)?;
        let year = i16::try_from(months.div_euclid(12)).ok()?;
        let first = civil::Date::new(year, (months.rem_euclid(12) + 1) as i8, 1).ok()?;
        let days = i64::from(self.clock.day() - 1).checked_add(days)?;
        let date = first.checked_add(jiff::Span::new().try_days(days).ok()?).ok()?;
        Self::from_clock(date.to_datetime(self.clock.time()), &self.location)
    }

    /// Go's `Truncate` (or `Round`) to a multiple of a duration since the zero time.
    pub fn to_multiple(&self, of: GoDuration, round: bool) -> Option<Self> {
        if of.0 <= 0 {
            return Some(self.clone());
        }
        let since_zero = self.instant.as_nanosecond() - i128::from(ZERO) * 1_000_000_000;
        let rest = since_zero.rem_euclid(of.0.into()) as i64;
        let up = round && i128::from(rest) * 2 >= of.0.into();
        self.add(GoDuration(if up { of.0 - rest } else { -rest }))
    }

    /// Go's `GoString`: the expression that makes this time.
    pub fn go_string(&self) -> String {
        let clock = self.clock;
        let month = MONTHS.get(usize::try_from(clock.month() - 1).unwrap_or_default()).copied().unwrap_or_default();
        let place = match &self.location {
            Location::Utc => "time.UTC".to_owned(),
            Location::Local(_) => "time.Local".to_owned(),
            other => format!("time.Location({})", quote(other.name().as_bytes())),
        };
        let date = format!("{}, time.{month}, {}", clock.year(), clock.day());
        let time = format!("{}, {}, {}, {}", clock.hour(), clock.minute(), clock.second(), clock.subsec_nanosecond());
        format!("time.Date({date}, {time}, {place})")
    }

    /// Prints by a Go layout.
    pub fn format(&self, layout: &str) -> String {
        layout::format(self, layout)
    }
}
