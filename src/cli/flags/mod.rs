//! Flags as Helm declares and reads them (spf13/pflag): one declared list drives parsing, help and completion.

pub mod chart;
mod commas;
mod numbers;
mod parse;
pub mod source;
#[cfg(test)]
mod tests;

use std::{borrow::Cow, time::Duration};

pub use parse::{Parsed, parse};

use crate::cluster::wait::WaitStrategy;

/// What a flag takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `--wait-for-jobs`, `--wait-for-jobs=false`.
    Bool,
    /// A whole number, Go's prefixes and underscores included.
    Int,
    /// A whole number that is not negative.
    Uint,
    /// A number.
    Float32,
    /// `1m30s`.
    Duration,
    /// Text.
    Text,
    /// Text, repeatable.
    List,
    /// Texts with commas between them, repeatable.
    Strings,
    /// `key=value` with commas between them, repeatable; the values are a list of such pairs.
    Pairs,
    /// The name of a post-renderer's plugin.
    PostRenderer,
    /// Text for a post-renderer, repeatable.
    PostRendererArgs,
    /// `table`, `json`, `yaml`.
    Format,
    /// A wait strategy.
    Wait,
}

/// A flag's value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Of [`Kind::Bool`].
    Bool(bool),
    /// Of [`Kind::Int`] and [`Kind::Uint`].
    Int(i64),
    /// Of [`Kind::Float32`].
    Float(f32),
    /// Of [`Kind::Duration`].
    Duration(Duration),
    /// Of [`Kind::Text`], [`Kind::Format`] and [`Kind::PostRenderer`].
    Text(String),
    /// Of every repeatable kind.
    List(Vec<String>),
    /// Of [`Kind::Wait`].
    Wait(WaitStrategy),
}

/// One declared flag.
#[derive(Debug, Clone)]
pub struct Flag {
    /// Name without dashes.
    pub name: &'static str,
    /// One-letter form.
    pub short: Option<char>,
    /// What it takes.
    pub kind: Kind,
    /// Default as help prints it.
    pub default: String,
    /// Value of the flag when it stands alone (pflag's `NoOptDefVal`).
    pub bare: Option<&'static str>,
    /// Help text.
    pub help: Cow<'static, str>,
    /// What to use instead; deprecated flags are not in help.
    pub deprecated: Option<&'static str>,
    /// Works, but is not in help.
    pub hidden: bool,
    /// Pilothouse's own, listed apart from Helm's.
    pub own: bool,
    /// Name of the flag whose value this one sets; its own name for most.
    pub sets: &'static str,
    /// Values that completion offers.
    pub choices: &'static [&'static str],
}

impl Flag {
    /// A flag of `kind`; false, empty or zero by default.
    pub fn new(name: &'static str, kind: Kind, help: impl Into<Cow<'static, str>>) -> Self {
        let default = match kind {
            Kind::Bool => "false",
            Kind::Int | Kind::Uint | Kind::Float32 => "0",
            Kind::Duration => "0s",
            Kind::List | Kind::Strings | Kind::Pairs | Kind::PostRendererArgs => "[]",
            Kind::Text | Kind::Format | Kind::Wait | Kind::PostRenderer => "",
        };
        Self {
            name,
            short: None,
            kind,
            default: default.to_owned(),
            bare: (kind == Kind::Bool).then_some("true"),
            help: help.into(),
            deprecated: None,
            hidden: false,
            own: false,
            sets: name,
            choices: &[],
        }
    }

    /// A switch.
    pub fn bool(name: &'static str, help: impl Into<Cow<'static, str>>) -> Self {
        Self::new(name, Kind::Bool, help)
    }

    /// A flag that takes text.
    pub fn text(name: &'static str, help: impl Into<Cow<'static, str>>) -> Self {
        Self::new(name, Kind::Text, help)
    }

    /// A flag that takes a whole number.
    pub fn int(name: &'static str, help: impl Into<Cow<'static, str>>) -> Self {
        Self::new(name, Kind::Int, help)
    }

    /// `-o, --output`, as every verb with formats has it.
    pub fn output() -> Self {
        Self::new(
            "output",
            Kind::Format,
            "prints the output in the specified format. Allowed values: table, json, yaml",
        )
        .short('o')
        .default("table")
        .choices(&[
            "json\tOutput result in JSON format",
            "table\tOutput result in human-readable format",
            "yaml\tOutput result in YAML format",
        ])
    }

    /// With a one-letter form.
    #[must_use]
    pub fn short(mut self, letter: char) -> Self {
        self.short = Some(letter);
        self
    }

    /// With a default.
    #[must_use]
    pub fn default(mut self, default: impl Into<String>) -> Self {
        self.default = default.into();
        self
    }

    /// With a value for standing alone.
    #[must_use]
    pub fn bare(mut self, value: &'static str) -> Self {
        self.bare = Some(value);
        self
    }

    /// Deprecated in favour of `instead`.
    #[must_use]
    pub fn deprecated(mut self, instead: &'static str) -> Self {
        self.deprecated = Some(instead);
        self.hidden = true;
        self
    }

    /// Another spelling of the flag `name`.
    #[must_use]
    pub fn sets(mut self, name: &'static str) -> Self {
        self.sets = name;
        self
    }

    /// With values to complete.
    #[must_use]
    pub fn choices(mut self, choices: &'static [&'static str]) -> Self {
        self.choices = choices;
        self
    }

    /// Pilothouse's own.
    #[must_use]
    pub fn own(mut self) -> Self {
        self.own = true;
        self
    }

    /// Works, but is not in help.
    #[must_use]
    pub fn hidden(mut self) -> Self {
        self.hidden = true;
        self
    }

    /// The value `text` stands for, or Go's words on why not.
    fn read(&self, text: &str) -> Result<Value, String> {
        let wrong = |function: &str, why: &str| format!("strconv.{function}: parsing {text:?}: {why}");
        match self.kind {
            Kind::Bool => match text {
                "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(Value::Bool(true)),
                "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(Value::Bool(false)),
                _ => Err(wrong("ParseBool", "invalid syntax")),
            },
            Kind::Int => numbers::int(text).map(Value::Int).map_err(|why| wrong("ParseInt", why)),
            Kind::Uint => numbers::uint(text).map(Value::Int).map_err(|why| wrong("ParseUint", why)),
            Kind::Float32 => match text.parse::<f32>() {
                Ok(number) if number.is_finite() => Ok(Value::Float(number)),
                Ok(_) => Err(wrong("ParseFloat", "value out of range")),
                Err(_) => Err(wrong("ParseFloat", "invalid syntax")),
            },
            Kind::Duration => numbers::duration(text).map(Value::Duration),
            Kind::Text | Kind::PostRenderer => Ok(Value::Text(text.to_owned())),
            Kind::List | Kind::PostRendererArgs => Ok(Value::List(vec![text.to_owned()])),
            Kind::Strings => commas::fields(text).map(Value::List),
            Kind::Pairs => commas::pairs(text).map(Value::List),
            Kind::Format => match text {
                "table" | "json" | "yaml" => Ok(Value::Text(text.to_owned())),
                _ => Err("invalid format type".to_owned()),
            },
            Kind::Wait => match text {
                "watcher" | "true" => Ok(Value::Wait(WaitStrategy::Watcher)),
                "hookOnly" | "false" => Ok(Value::Wait(WaitStrategy::HookOnly)),
                "legacy" => Ok(Value::Wait(WaitStrategy::Legacy)),
                "ordered" => Ok(Value::Wait(WaitStrategy::Ordered)),
                _ => Err(format!("invalid wait input {text:?}. Valid inputs are watcher, hookOnly, and legacy")),
            },
        }
    }

    fn default_value(&self) -> Value {
        match self.kind {
            Kind::List | Kind::Strings | Kind::Pairs | Kind::PostRendererArgs => {
                Value::List(list_default(&self.default))
            }
            _ => self.read(&self.default).unwrap_or_else(|_| Value::Text(self.default.clone())),
        }
    }
}

/// Reads a list's default back from the form help prints, `[a,b]`.
fn list_default(text: &str) -> Vec<String> {
    let inner = text.trim_start_matches('[').trim_end_matches(']');
    inner.split(',').filter(|item| !item.is_empty()).map(str::to_owned).collect()
}
