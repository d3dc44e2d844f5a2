//! Flags as Helm declares and reads them (spf13/pflag): one declared list drives parsing, help and completion.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use crate::cluster::wait::WaitStrategy;

/// What a flag takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `--wait-for-jobs`, `--wait-for-jobs=false`.
    Bool,
    /// A whole number, Go's prefixes and underscores included.
    Int,
    /// A number.
    Float32,
    /// `1m30s`.
    Duration,
    /// Text.
    Text,
    /// Text, repeatable.
    List,
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
    /// Of [`Kind::Int`].
    Int(i64),
    /// Of [`Kind::Float32`].
    Float(f32),
    /// Of [`Kind::Duration`].
    Duration(Duration),
    /// Of [`Kind::Text`] and [`Kind::Format`].
    Text(String),
    /// Of [`Kind::List`].
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
            Kind::Int | Kind::Float32 => "0",
            Kind::Duration => "0s",
            Kind::List => "[]",
            Kind::Text | Kind::Format | Kind::Wait => "",
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
        let wrong =
            |function: &str, why: &str| format!("strconv.{function}: parsing {text:?}: {why}");
        match self.kind {
            Kind::Bool => match text {
                "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(Value::Bool(true)),
                "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(Value::Bool(false)),
                _ => Err(wrong("ParseBool", "invalid syntax")),
            },
            Kind::Int => go_int(text)
                .map(Value::Int)
                .map_err(|why| wrong("ParseInt", why)),
            Kind::Float32 => match text.parse::<f32>() {
                Ok(number) if number.is_finite() => Ok(Value::Float(number)),
                Ok(_) => Err(wrong("ParseFloat", "value out of range")),
                Err(_) => Err(wrong("ParseFloat", "invalid syntax")),
            },
            Kind::Duration => go_duration(text).map(Value::Duration),
            Kind::Text => Ok(Value::Text(text.to_owned())),
            Kind::List => Ok(Value::List(vec![text.to_owned()])),
            Kind::Format => match text {
                "table" | "json" | "yaml" => Ok(Value::Text(text.to_owned())),
                _ => Err("invalid format type".to_owned()),
            },
            Kind::Wait => match text {
                "watcher" | "true" => Ok(Value::Wait(WaitStrategy::Watcher)),
                "hookOnly" | "false" => Ok(Value::Wait(WaitStrategy::HookOnly)),
                "legacy" => Ok(Value::Wait(WaitStrategy::Legacy)),
                _ => Err(format!(
                    "invalid wait input {text:?}. Valid inputs are watcher, hookOnly, and legacy"
                )),
            },
        }
    }

    fn default_value(&self) -> Value {
        match self.kind {
            Kind::List => Value::List(list_default(&self.default)),
            _ => self
                .read(&self.default)
                .unwrap_or_else(|_| Value::Text(self.default.clone())),
        }
    }
}

/// Reads a list's default back from the form help prints, `[a,b]`.
fn list_default(text: &str) -> Vec<String> {
    let inner = text.trim_start_matches('[').trim_end_matches(']');
    inner
        .split(',')
        .filter(|item| !item.is_empty())
        .map(str::to_owned)
        .collect()
}

/// A command line's flags and arguments.
#[derive(Debug, Default)]
pub struct Parsed {
    values: BTreeMap<&'static str, Value>,
    set: BTreeSet<&'static str>,
    /// Arguments that are not flags.
    pub args: Vec<String>,
    /// What pflag and Helm say on standard error while reading, such as deprecations.
    pub notices: Vec<String>,
}

impl Parsed {
    /// A switch's value.
    pub fn bool(&self, name: &str) -> bool {
        matches!(self.values.get(name), Some(Value::Bool(true)))
    }

    /// A number's value.
    pub fn int(&self, name: &str) -> i64 {
        match self.values.get(name) {
            Some(Value::Int(number)) => *number,
            _ => 0,
        }
    }

    /// A number's value.
    pub fn float(&self, name: &str) -> f32 {
        match self.values.get(name) {
            Some(Value::Float(number)) => *number,
            _ => 0.0,
        }
    }

    /// A duration's value.
    pub fn duration(&self, name: &str) -> Duration {
        match self.values.get(name) {
            Some(Value::Duration(duration)) => *duration,
            _ => Duration::ZERO,
        }
    }

    /// A text's or format's value.
    pub fn text(&self, name: &str) -> &str {
        match self.values.get(name) {
            Some(Value::Text(text)) => text,
            _ => "",
        }
    }

    /// A list's values.
    pub fn list(&self, name: &str) -> &[String] {
        match self.values.get(name) {
            Some(Value::List(list)) => list,
            _ => &[],
        }
    }

    /// A wait strategy's value.
    pub fn wait(&self, name: &str) -> WaitStrategy {
        match self.values.get(name) {
            Some(Value::Wait(strategy)) => *strategy,
            _ => WaitStrategy::HookOnly,
        }
    }

    /// Whether the flag was on the command line.
    pub fn is_set(&self, name: &str) -> bool {
        self.set.contains(name)
    }

    /// Cobra's refusal when more than one flag of a group is set.
    pub fn exclusive(&self, group: &[&str]) -> Result<(), String> {
        let mut set: Vec<&str> = group
            .iter()
            .copied()
            .filter(|name| self.is_set(name))
            .collect();
        set.sort_unstable();
        if set.len() < 2 {
            return Ok(());
        }
        let group = group.join(" ");
        let set = set.join(" ");
        Err(format!(
            "if any flags in the group [{group}] are set none of the others can be; [{set}] were all set"
        ))
    }
}

/// Reads arguments against declared flags as pflag does: flags and arguments mixed, `-n=x`, `-nx`, combined letters,
/// `--`. The error is pflag's sentence.
pub fn parse(flags: &[Flag], args: &[String]) -> Result<Parsed, String> {
    let mut parser = Parser {
        flags,
        parsed: Parsed::default(),
    };
    for flag in flags.iter().filter(|flag| flag.sets == flag.name) {
        parser.parsed.values.insert(flag.name, flag.default_value());
    }
    let mut rest = args.iter();
    while let Some(argument) = rest.next() {
        match argument.strip_prefix("--") {
            Some("") => {
                parser.parsed.args.extend(rest.by_ref().cloned());
            }
            Some(long) => parser.long(argument, long, &mut rest)?,
            None if argument.len() > 1 && argument.starts_with('-') => {
                parser.short(&argument[1..], &mut rest)?
            }
            None => parser.parsed.args.push(argument.clone()),
        }
    }
    Ok(parser.parsed)
}

struct Parser<'a> {
    flags: &'a [Flag],
    parsed: Parsed,
}

type Rest<'a> = std::slice::Iter<'a, String>;

impl<'a> Parser<'a> {
    fn long(&mut self, argument: &str, long: &str, rest: &mut Rest<'_>) -> Result<(), String> {
        if long.starts_with(['-', '=']) {
            return Err(format!("bad flag syntax: {argument}"));
        }
        let (name, value) = match long.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (long, None),
        };
        let flag = self
            .flags
            .iter()
            .find(|flag| flag.name == name)
            .ok_or(format!("unknown flag: --{name}"))?;
        let value = match (value, flag.bare) {
            (Some(value), _) | (None, Some(value)) => value,
            (None, None) => rest
                .next()
                .ok_or(format!("flag needs an argument: --{name}"))?,
        };
        self.set(flag, value)
    }

    /// A series of letters, such as `-vvv`, `-n=x` or `-nx`.
    fn short(&mut self, letters: &str, rest: &mut Rest<'_>) -> Result<(), String> {
        let mut letters = letters;
        while let Some(letter) = letters.chars().next() {
            let after = &letters[letter.len_utf8()..];
            let unknown = || format!("unknown shorthand flag: {letter:?} in -{letters}");
            let flag = self
                .flags
                .iter()
                .find(|flag| flag.short == Some(letter))
                .ok_or_else(unknown)?;
            let (value, next) = match (after.strip_prefix('='), flag.bare) {
                (Some(value), _) if !value.is_empty() => (value, ""),
                (_, Some(value)) => (value, after),
                (_, None) if !after.is_empty() => (after, ""),
                (_, None) => {
                    let missing = || format!("flag needs an argument: {letter:?} in -{letters}");
                    (rest.next().ok_or_else(missing)?.as_str(), "")
                }
            };
            self.set(flag, value)?;
            letters = next;
        }
        Ok(())
    }

    fn set(&mut self, flag: &'a Flag, text: &str) -> Result<(), String> {
        let value = flag.read(text).map_err(|why| {
            let name = flag.short.map_or_else(
                || format!("--{}", flag.name),
                |letter| format!("-{letter}, --{}", flag.name),
            );
            format!("invalid argument {text:?} for {name:?} flag: {why}")
        })?;
        if let Some(notice) = wait_notice(flag, text) {
            self.parsed.notices.push(notice);
        }
        if let (Some(instead), true) = (flag.deprecated, !self.parsed.set.contains(flag.name)) {
            self.parsed.notices.push(format!(
                "Flag --{} has been deprecated, {instead}",
                flag.name
            ));
        }
        match (self.parsed.values.get_mut(flag.sets), value) {
            // The first value replaces a list's default, later ones add to it.
            (Some(Value::List(list)), Value::List(more)) if self.parsed.set.contains(flag.sets) => {
                list.extend(more)
            }
            (_, value) => {
                self.parsed.values.insert(flag.sets, value);
            }
        }
        self.parsed.set.insert(flag.name);
        Ok(())
    }
}

/// Helm still takes booleans for `--wait`, with a warning.
fn wait_notice(flag: &Flag, text: &str) -> Option<String> {
    let instead = match (flag.kind, text) {
        (Kind::Wait, "true") => "watcher",
        (Kind::Wait, "false") => "hookOnly",
        _ => return None,
    };
    let message = format!(
        "--wait={text} is deprecated (boolean value) and can be replaced with --wait={instead}"
    );
    Some(format!("level=WARN msg={message:?}"))
}

/// Go's `strconv.ParseInt(text, 0, 64)`.
fn go_int(text: &str) -> Result<i64, &'static str> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let lower = digits.to_ascii_lowercase();
    let (radix, body) = match lower.get(..2) {
        Some("0x") => (16, &lower[2..]),
        Some("0o") => (8, &lower[2..]),
        Some("0b") => (2, &lower[2..]),
        Some(start) if start.starts_with('0') => (8, &lower[1..]),
        _ => (10, lower.as_str()),
    };
    // Underscores may separate digits only where the base is written out.
    let prefixed = radix != 10;
    let misplaced = body.ends_with('_') || body.contains("__") || (!prefixed && body.contains('_'));
    if misplaced || body.starts_with(['+', '-']) {
        return Err("invalid syntax");
    }
    let body = body.replace('_', "");
    let magnitude = i128::from_str_radix(&body, radix).map_err(|error| match error.kind() {
        std::num::IntErrorKind::PosOverflow => "value out of range",
        _ => "invalid syntax",
    })?;
    let value = if negative { -magnitude } else { magnitude };
    i64::try_from(value).map_err(|_| "value out of range")
}

/// Go's `time.ParseDuration`. Negative durations, which no wait can use, become zero.
fn go_duration(text: &str) -> Result<Duration, String> {
    let invalid = || format!("time: invalid duration {text:?}");
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Ok(Duration::ZERO);
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut seconds = 0.0_f64;
    while !rest.is_empty() {
        let number_end = rest
            .find(|next: char| !next.is_ascii_digit() && next != '.')
            .unwrap_or(rest.len());
        let number: f64 = rest[..number_end].parse().map_err(|_| invalid())?;
        rest = &rest[number_end..];
        let unit_end = rest
            .find(|next: char| next.is_ascii_digit() || next == '.')
            .unwrap_or(rest.len());
        let scale = match &rest[..unit_end] {
            "" => return Err(format!("time: missing unit in duration {text:?}")),
            "ns" => 1e-9,
            "us" | "µs" | "μs" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            unit => return Err(format!("time: unknown unit {unit:?} in duration {text:?}")),
        };
        seconds += number * scale;
        rest = &rest[unit_end..];
    }
    let positive = Duration::try_from_secs_f64(seconds).map_err(|_| invalid())?;
    Ok(if negative { Duration::ZERO } else { positive })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags() -> Vec<Flag> {
        vec![
            Flag::bool("short", "").short('q'),
            Flag::bool("date", "").short('d'),
            Flag::int("max", "").short('m').default("256"),
            Flag::text("filter", "").short('f'),
            Flag::new("kube-as-group", Kind::List, ""),
            Flag::new("timeout", Kind::Duration, "").default("5m0s"),
            Flag::new("wait", Kind::Wait, "")
                .default("hookOnly")
                .bare("watcher"),
            Flag::new("qps", Kind::Float32, ""),
            Flag::text("dry-run", "").default("none").bare("unset"),
            Flag::bool("force", "").deprecated("use --force-replace instead"),
            Flag::output(),
        ]
    }

    fn read(line: &str) -> Result<Parsed, String> {
        let args: Vec<String> = line
            .split(' ')
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect();
        parse(&flags(), &args)
    }

    /// Expected sentences are the real helm's for the same flags.
    #[track_caller]
    fn check_error(line: &str, expected: &str) {
        assert_eq!(read(line).map(|parsed| parsed.args).unwrap_err(), expected);
    }

    #[test]
    fn values_in_every_spelling() {
        for line in [
            "-m=7",
            "-m7",
            "-m 7",
            "--max=7",
            "--max 7",
            "-qdm7",
            "--max 0x7 -q",
            "-m 9 --max=7",
        ] {
            assert_eq!(read(line).unwrap().int("max"), 7, "{line}");
        }
        assert_eq!(read("").unwrap().int("max"), 256);
        assert!(!read("-q --short=false").unwrap().bool("short"));
        assert!(read("--short=T").unwrap().bool("short"));
        assert_eq!(read("--dry-run server").unwrap().text("dry-run"), "unset");
        assert_eq!(read("--dry-run=server").unwrap().text("dry-run"), "server");
        assert_eq!(
            read("--wait x").unwrap().wait("wait"),
            WaitStrategy::Watcher
        );
        assert_eq!(
            read("--timeout 1h2m3.5s").unwrap().duration("timeout"),
            Duration::from_millis(3_723_500)
        );
        assert_eq!(
            read("--timeout=-3s").unwrap().duration("timeout"),
            Duration::ZERO
        );
        assert_eq!(
            read("--kube-as-group a --kube-as-group b,c")
                .unwrap()
                .list("kube-as-group"),
            ["a", "b,c"]
        );
        assert_eq!(read("-f= -q").unwrap().text("filter"), "=");
    }

    #[test]
    fn arguments_stand_anywhere() {
        assert_eq!(
            read("web -q - 3 --max 2 x -- -d --max").unwrap().args,
            ["web", "-", "3", "x", "-d", "--max"]
        );
    }

    #[test]
    fn errors_in_pflags_words() {
        check_error("--foo", "unknown flag: --foo");
        check_error("--foo=1", "unknown flag: --foo");
        check_error("-x", "unknown shorthand flag: 'x' in -x");
        check_error("-qax", "unknown shorthand flag: 'a' in -ax");
        check_error("--max", "flag needs an argument: --max");
        check_error("-qm", "flag needs an argument: 'm' in -m");
        check_error("--=x", "bad flag syntax: --=x");
        check_error("---x", "bad flag syntax: ---x");
        check_error(
            "--max=x",
            r#"invalid argument "x" for "-m, --max" flag: strconv.ParseInt: parsing "x": invalid syntax"#,
        );
        check_error(
            "--max=08",
            r#"invalid argument "08" for "-m, --max" flag: strconv.ParseInt: parsing "08": invalid syntax"#,
        );
        check_error(
            "--max=99999999999999999999",
            r#"invalid argument "99999999999999999999" for "-m, --max" flag: strconv.ParseInt: parsing "99999999999999999999": value out of range"#,
        );
        check_error(
            "--short=x",
            r#"invalid argument "x" for "-q, --short" flag: strconv.ParseBool: parsing "x": invalid syntax"#,
        );
        check_error(
            "--qps=x",
            r#"invalid argument "x" for "--qps" flag: strconv.ParseFloat: parsing "x": invalid syntax"#,
        );
        check_error(
            "--timeout=x",
            r#"invalid argument "x" for "--timeout" flag: time: invalid duration "x""#,
        );
        check_error(
            "--timeout=5",
            r#"invalid argument "5" for "--timeout" flag: time: missing unit in duration "5""#,
        );
        check_error(
            "--timeout=5d",
            r#"invalid argument "5d" for "--timeout" flag: time: unknown unit "d" in duration "5d""#,
        );
        check_error(
            "-o foo",
            r#"invalid argument "foo" for "-o, --output" flag: invalid format type"#,
        );
        check_error(
            "--wait=foo",
            r#"invalid argument "foo" for "--wait" flag: invalid wait input "foo". Valid inputs are watcher, hookOnly, and legacy"#,
        );
    }

    #[test]
    fn notices() {
        assert_eq!(
            read("--force").unwrap().notices,
            ["Flag --force has been deprecated, use --force-replace instead"]
        );
        assert_eq!(
            read("--wait=true").unwrap().notices,
            [
                r#"level=WARN msg="--wait=true is deprecated (boolean value) and can be replaced with --wait=watcher""#
            ]
        );
    }

    #[test]
    fn groups_exclude() {
        let parsed = read("--short --date").unwrap();
        assert_eq!(
            parsed.exclusive(&["short", "date"]).unwrap_err(),
            "if any flags in the group [short date] are set none of the others can be; [date short] were all set"
        );
        assert_eq!(parsed.exclusive(&["short", "max"]), Ok(()));
    }
}
