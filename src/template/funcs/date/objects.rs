//! Times, durations, months, days of the week and places as templates see them, with Go's methods.

use std::{any::Any, rc::Rc};

use super::{beyond, local};
use crate::template::{
    Context, Fault, List, Object, Value,
    func::{Signature, Type},
    time::{GoDuration, GoTime, Location, MONTHS, RFC3339_NANO, STRING, WEEKDAYS},
};

/// A time as a value.
pub(in super::super) fn moment(time: GoTime) -> Value {
    Value::Object(Rc::new(time))
}

/// The time that a value is.
pub(super) fn moment_of(value: &Value) -> Option<GoTime> {
    downcast(Some(value))
}

/// A duration as a value.
pub(crate) fn span(duration: GoDuration) -> Value {
    Value::Object(Rc::new(duration))
}

fn downcast<T: Clone + 'static>(value: Option<&Value>) -> Option<T> {
    match value {
        Some(Value::Object(object)) => object.as_any().downcast_ref().cloned(),
        _ => None,
    }
}

fn integer(value: Option<&Value>) -> i64 {
    match value {
        Some(Value::Int(value) | Value::Int64(value)) => *value,
        _ => 0,
    }
}

/// A method whose results no template can take (Go's `goodFunc` of `text/template`).
fn refused(words: &'static str) -> Option<Signature> {
    Some(Signature { refused: Some(words), ..Signature::default() })
}

fn takes(parameters: &[Type]) -> Option<Signature> {
    Some(Signature::of(parameters.to_vec()))
}

impl Object for GoTime {
    fn type_name(&self) -> &'static str {
        "time.Time"
    }

    fn kind(&self) -> &'static str {
        "struct"
    }

    fn method(&self, name: &str) -> Option<Signature> {
        match name {
            "Year" | "Month" | "Day" | "Weekday" | "Hour" | "Minute" | "Second" | "Nanosecond" | "YearDay" | "Unix"
            | "UnixMilli" | "UnixMicro" | "UnixNano" | "UTC" | "Local" | "Location" | "IsZero" | "IsDST" | "String"
            | "GoString" | "MarshalJSON" | "MarshalText" => takes(&[]),
            "Format" => takes(&[Type::String]),
            "Add" | "Truncate" | "Round" => takes(&[Type::Duration]),
            "AddDate" => takes(&[Type::Int; 3]),
            "Sub" | "Before" | "After" | "Equal" | "Compare" => takes(&[Type::Object("time.Time")]),
            "In" => takes(&[Type::Object("*time.Location")]),
            "Date" => refused("function Date has 3 return values; should be 1 or 2"),
            "Clock" => refused("function Clock has 3 return values; should be 1 or 2"),
            "ISOWeek" => refused("invalid function signature for ISOWeek: second return value should be error; is int"),
            "Zone" => refused("invalid function signature for Zone: second return value should be error; is int"),
            "ZoneBounds" => {
                refused("invalid function signature for ZoneBounds: second return value should be error; is time.Time")
            }
            _ => None,
        }
    }

    fn call(&self, name: &str, arguments: &[Value], context: &Context<'_>) -> Result<Value, Fault> {
        let clock = self.clock();
        let order = || moment_of(arguments.first().unwrap_or(&Value::Nil)).map(|other| self.compare(&other));
        let duration = || downcast(arguments.first()).unwrap_or(GoDuration(0));
        let checked = |time: Option<GoTime>| time.map(moment).ok_or_else(beyond);
        Ok(match name {
            "Year" => Value::Int(clock.year().into()),
            "Month" => Value::Object(Rc::new(Month(clock.month()))),
            "Day" => Value::Int(clock.day().into()),
            "Weekday" => Value::Object(Rc::new(Weekday(clock.weekday().to_sunday_zero_offset()))),
            "Hour" => Value::Int(clock.hour().into()),
            "Minute" => Value::Int(clock.minute().into()),
            "Second" => Value::Int(clock.second().into()),
            "Nanosecond" => Value::Int(clock.subsec_nanosecond().into()),
            "YearDay" => Value::Int(clock.day_of_year().into()),
            "Unix" => Value::Int64(self.unix()),
            "UnixMilli" => Value::Int64(self.nanoseconds().div_euclid(1_000_000) as i64),
            "UnixMicro" => Value::Int64(self.nanoseconds().div_euclid(1_000) as i64),
            "UnixNano" => Value::Int64(self.nanoseconds() as i64),
            "UTC" => moment(self.at(Location::Utc)),
            "Local" => moment(self.at(local(context))),
            "Location" => Value::Object(Rc::new(self.location().clone())),
            "In" => moment(self.at(
                downcast(arguments.first()).ok_or_else(|| Fault::new("time: missing Location in call to Time.In"))?,
            )),
            "IsZero" => self.is_zero().into(),
            "IsDST" => self.is_summer().into(),
            "Format" => {
                let layout = arguments.first().and_then(Value::as_str).map(|layout| layout.to_text());
                self.format(&layout.unwrap_or_default()).into()
            }
            "GoString" => self.go_string().into(),
            "MarshalJSON" => bytes(&format!("\"{}\"", self.format(RFC3339_NANO))),
            "MarshalText" => bytes(&self.format(RFC3339_NANO)),
            "Add" => return checked(self.add(duration())),
            "Truncate" => return checked(self.to_multiple(duration(), false)),
            "Round" => return checked(self.to_multiple(duration(), true)),
            "AddDate" => {
                let [years, months, days] = [0, 1, 2].map(|index| integer(arguments.get(index)));
                return checked(self.add_date(years, months, days));
            }
            "Sub" => {
                span(self.since(&moment_of(arguments.first().unwrap_or(&Value::Nil)).unwrap_or_else(GoTime::zero)))
            }
            "Before" => order().is_some_and(|order| order.is_lt()).into(),
            "After" => order().is_some_and(|order| order.is_gt()).into(),
            "Equal" => order().is_some_and(|order| order.is_eq()).into(),
            "Compare" => Value::Int(order().map_or(0, |order| order as i64)),
            _ => self.display().into(),
        })
    }

    fn display(&self) -> String {
        self.format(STRING)
    }

    /// A time's JSON form.
    fn underlying(&self) -> Value {
        self.format(RFC3339_NANO).into()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

fn bytes(text: &str) -> Value {
    let items = text.bytes().map(Value::Uint8).collect();
    List { element: "uint8", items, is_nil: false }.into()
}

impl Object for GoDuration {
    fn type_name(&self) -> &'static str {
        "time.Duration"
    }

    fn kind(&self) -> &'static str {
        "int64"
    }

    fn method(&self, name: &str) -> Option<Signature> {
        match name {
            "String" | "Hours" | "Minutes" | "Seconds" | "Milliseconds" | "Microseconds" | "Nanoseconds" | "Abs" => {
                takes(&[])
            }
            "Round" | "Truncate" => takes(&[Type::Duration]),
            _ => None,
        }
    }

    fn call(&self, name: &str, arguments: &[Value], _: &Context<'_>) -> Result<Value, Fault> {
        const SECOND: i64 = 1_000_000_000;
        let other = || downcast(arguments.first()).unwrap_or(Self(0));
        Ok(match name {
            "Hours" => self.count(3600 * SECOND).into(),
            "Minutes" => self.count(60 * SECOND).into(),
            "Seconds" => self.count(SECOND).into(),
            "Milliseconds" => Value::Int64(self.0 / 1_000_000),
            "Microseconds" => Value::Int64(self.0 / 1_000),
            "Nanoseconds" => Value::Int64(self.0),
            "Abs" => span(Self(self.0.saturating_abs())),
            "Round" => span(self.round(other())),
            "Truncate" => span(self.truncate(other())),
            _ => self.display().into(),
        })
    }

    fn display(&self) -> String {
        self.to_string()
    }

    fn underlying(&self) -> Value {
        Value::Int64(self.0)
    }

    fn is_true(&self) -> bool {
        self.0 != 0
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Object for Location {
    fn type_name(&self) -> &'static str {
        "*time.Location"
    }

    fn kind(&self) -> &'static str {
        "ptr"
    }

    fn method(&self, name: &str) -> Option<Signature> {
        (name == "String").then(Signature::default)
    }

    fn call(&self, _: &str, _: &[Value], _: &Context<'_>) -> Result<Value, Fault> {
        Ok(self.display().into())
    }

    fn display(&self) -> String {
        self.name().to_owned()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// Go's `time.Month`, from 1.
#[derive(Clone)]
struct Month(i8);

/// Go's `time.Weekday`, from 0 for Sunday.
#[derive(Clone)]
struct Weekday(i8);

/// Both are integers with a name.
macro_rules! named_integer {
    ($type:ty, $name:literal, $names:expr, $first:literal) => {
        impl Object for $type {
            fn type_name(&self) -> &'static str {
                $name
            }

            fn kind(&self) -> &'static str {
                "int"
            }

            fn method(&self, name: &str) -> Option<Signature> {
                (name == "String").then(Signature::default)
            }

            fn call(&self, _: &str, _: &[Value], _: &Context<'_>) -> Result<Value, Fault> {
                Ok(self.display().into())
            }

            fn display(&self) -> String {
                let name = usize::try_from(self.0 - $first).ok().and_then(|index| $names.get(index));
                name.copied().unwrap_or_default().to_owned()
            }

            fn underlying(&self) -> Value {
                Value::Int(self.0.into())
            }

            fn is_true(&self) -> bool {
                self.0 != 0
            }

            fn as_any(&self) -> &dyn Any {
                self
            }
        }
    };
}

named_integer!(Month, "time.Month", MONTHS, 1);
named_integer!(Weekday, "time.Weekday", WEEKDAYS, 0);
