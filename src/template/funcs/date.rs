//! Sprig's dates. The present and the local zone come from the world.

mod objects;

use jiff::{Timestamp, tz::TimeZone};

use crate::template::{
    Context, Fault, Str, Value,
    func::{Argument, Function, Type, function, with_context},
    time::{self, GoDuration, GoTime, Location},
};
pub(super) use objects::moment;
use objects::moment_of;

pub(crate) use objects::span;

pub(crate) fn functions() -> Vec<(&'static str, Function)> {
    const DAY: &str = "2006-01-02";
    let date = |context: &mut Context<'_>, layout: Str, date: Value| in_zone(context, &layout, &date, "Local");
    let html = |context: &mut Context<'_>, date: Value| in_zone(context, &DAY.into(), &date, "Local");
    let html_in_zone =
        |context: &mut Context<'_>, date: Value, zone: Str| in_zone(context, &DAY.into(), &date, &zone.to_text());
    vec![
        ("now", with_context(|context: &mut Context<'_>| moment(now(context)))),
        ("date", with_context(date)),
        ("dateInZone", with_context(date_in_zone)),
        ("date_in_zone", with_context(date_in_zone)),
        ("htmlDate", with_context(html)),
        ("htmlDateInZone", with_context(html_in_zone)),
        ("dateModify", function(modify)),
        ("date_modify", function(modify)),
        ("mustDateModify", function(must_modify)),
        ("must_date_modify", function(must_modify)),
        (
            "toDate",
            with_context(|context: &mut Context<'_>, layout: Str, text: Str| {
                moment(read(context, &layout, &text).unwrap_or_else(|_| GoTime::zero()))
            }),
        ),
        (
            "mustToDate",
            with_context(|context: &mut Context<'_>, layout: Str, text: Str| {
                read(context, &layout, &text).map(moment).map_err(Fault::new)
            }),
        ),
        ("unixEpoch", function(|time: Moment| time.0.unix().to_string())),
        ("ago", with_context(ago)),
        ("duration", function(duration)),
        ("durationRound", with_context(round)),
    ]
}

/// A parameter of the type `time.Time`.
struct Moment(GoTime);

impl Argument for Moment {
    const TYPE: Type = Type::Object("time.Time");
    fn take(value: &Value) -> Self {
        Self(moment_of(value).unwrap_or_else(GoTime::zero))
    }
}

pub(super) fn local(context: &Context<'_>) -> Location {
    Location::Local(local_zone(context))
}

fn local_zone(context: &Context<'_>) -> TimeZone {
    TimeZone::get(&context.env.zone()).unwrap_or(TimeZone::UTC)
}

pub(super) fn now(context: &Context<'_>) -> GoTime {
    let instant = Timestamp::from_nanosecond(context.env.now()).unwrap_or_default();
    GoTime::new(instant, local(context))
}

/// A time, or seconds since 1970 of any kind of integer but Go's float, or else the present.
fn instant(context: &Context<'_>, date: &Value) -> GoTime {
    let seconds = match date {
        Value::Int64(seconds) | Value::Int(seconds) => *seconds,
        Value::Int32(seconds) => i64::from(*seconds),
        other => return moment_of(other).unwrap_or_else(|| now(context)),
    };
    Timestamp::from_second(seconds).map_or_else(|_| GoTime::zero(), |instant| GoTime::new(instant, local(context)))
}

fn date_in_zone(context: &mut Context<'_>, layout: Str, date: Value, zone: Str) -> String {
    in_zone(context, &layout, &date, &zone.to_text())
}

fn in_zone(context: &Context<'_>, layout: &Str, date: &Value, zone: &str) -> String {
    let location = Location::load(zone, &local_zone(context)).unwrap_or(Location::Utc);
    instant(context, date).at(location).format(&layout.to_text())
}

fn modify(duration: Str, time: Moment) -> Result<Value, Fault> {
    match GoDuration::parse(&duration.to_text()) {
        Ok(duration) => added(&time.0, duration),
        Err(_) => Ok(moment(time.0)),
    }
}

fn must_modify(duration: Str, time: Moment) -> Result<Value, Fault> {
    added(&time.0, GoDuration::parse(&duration.to_text()).map_err(Fault::new)?)
}

fn added(time: &GoTime, duration: GoDuration) -> Result<Value, Fault> {
    time.add(duration).map(moment).ok_or_else(beyond)
}

/// Go reckons on for ever.
fn beyond() -> Fault {
    Fault::new("a time before the year -9999 or after the year 9999")
}

fn read(context: &Context<'_>, layout: &Str, text: &Str) -> Result<GoTime, String> {
    let local = local(context);
    time::parse(&layout.to_text(), &text.to_text(), &local, &local)
}

fn ago(context: &mut Context<'_>, date: Value) -> String {
    const SECOND: GoDuration = GoDuration(1_000_000_000);
    // Sprig has no case for a rune here.
    let then = if matches!(date, Value::Int32(_)) { now(context) } else { instant(context, &date) };
    now(context).since(&then).round(SECOND).to_string()
}

fn duration(seconds: Value) -> String {
    let seconds = match &seconds {
        Value::Int64(seconds) => *seconds,
        Value::String(text) => integer(&text.to_text()),
        _ => 0,
    };
    GoDuration(seconds.wrapping_mul(1_000_000_000)).to_string()
}

/// `strconv.ParseInt` without its error: what is too big is the biggest.
fn integer(text: &str) -> i64 {
    use std::num::IntErrorKind::{NegOverflow, PosOverflow};
    text.parse().unwrap_or_else(|error: std::num::ParseIntError| match error.kind() {
        PosOverflow => i64::MAX,
        NegOverflow => i64::MIN,
        _ => 0,
    })
}

fn round(context: &mut Context<'_>, duration: Value) -> String {
    let duration = match &duration {
        Value::String(text) => GoDuration::parse(&text.to_text()).unwrap_or(GoDuration(0)),
        Value::Int64(nanoseconds) => GoDuration(*nanoseconds),
        other => moment_of(other).map_or(GoDuration(0), |time| now(context).since(&time)),
    };
    const SECONDS: &[(&str, u64)] =
        &[("y", 31_536_000), ("mo", 2_592_000), ("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)];
    let size = duration.0.unsigned_abs();
    let units = SECONDS.iter().map(|(name, seconds)| (name, seconds * 1_000_000_000));
    let unit = units.into_iter().find(|(_, unit)| size > *unit);
    unit.map_or_else(|| "0s".to_owned(), |(name, unit)| format!("{}{name}", size / unit))
}

#[cfg(test)]
mod tests {
    use crate::template::funcs::testing::{check, render};

    #[test]
    fn dates_as_go() {
        check(include_str!("../tests/dates.jsonl"));
    }

    #[test]
    fn the_present_is_the_worlds() {
        let seen = |text: &str| render(text).unwrap();
        assert_eq!(seen("{{ now.Unix }} {{ now.Hour }}"), "1795223812 2");
        assert_eq!(seen(r#"{{ now | date "2006-01-02 15:04" }}"#), "2026-11-21 02:16");
        assert_eq!(seen("{{ htmlDate .f }} {{ htmlDate nil }}"), "2026-11-21 2026-11-21");
        assert_eq!(seen("{{ ago (int64 1795220211) }} {{ ago now }} {{ ago .f }}"), "1h0m2s 0s 0s");
        assert_eq!(seen(r#"{{ durationRound (now | date_modify "-49h") }}"#), "2d");
    }
}
