//! Reading a command line against declared flags, as pflag does.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::{Flag, Kind, Value};
use crate::cluster::wait::WaitStrategy;

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

    /// The pairs of a flag of keys and values; the last of a key wins.
    pub fn pairs(&self, name: &str) -> BTreeMap<String, String> {
        let pairs = self.list(name).iter().filter_map(|pair| pair.split_once('='));
        pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
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
        let mut set: Vec<&str> = group.iter().copied().filter(|name| self.is_set(name)).collect();
        set.sort_unstable();
        if set.len() < 2 {
            return Ok(());
        }
        let group = group.join(" ");
        let set = set.join(" ");
        Err(format!("if any flags in the group [{group}] are set none of the others can be; [{set}] were all set"))
    }
}

/// Reads arguments against declared flags as pflag does: flags and arguments mixed, `-n=x`, `-nx`, combined letters,
/// `--`. The error is pflag's sentence.
pub fn parse(flags: &[Flag], args: &[String]) -> Result<Parsed, String> {
    let mut parser = Parser { flags, parsed: Parsed::default() };
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
            None if argument.len() > 1 && argument.starts_with('-') => parser.short(&argument[1..], &mut rest)?,
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
        let flag = self.flags.iter().find(|flag| flag.name == name).ok_or(format!("unknown flag: --{name}"))?;
        let value = match (value, flag.bare) {
            (Some(value), _) | (None, Some(value)) => value,
            (None, None) => rest.next().ok_or(format!("flag needs an argument: --{name}"))?,
        };
        self.set(flag, value)
    }

    /// A series of letters, such as `-vvv`, `-n=x` or `-nx`.
    fn short(&mut self, letters: &str, rest: &mut Rest<'_>) -> Result<(), String> {
        let mut letters = letters;
        while let Some(letter) = letters.chars().next() {
            let after = &letters[letter.len_utf8()..];
            let unknown = || format!("unknown shorthand flag: {letter:?} in -{letters}");
            let flag = self.flags.iter().find(|flag| flag.short == Some(letter)).ok_or_else(unknown)?;
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

    /// There is one post-renderer; an empty name is none, and leaves one that was given before.
    fn once(&self, flag: &Flag, value: Value) -> Result<Value, String> {
        let before = self.parsed.text(flag.name);
        match &value {
            Value::Text(_) if flag.kind != Kind::PostRenderer || before.is_empty() => Ok(value),
            Value::Text(text) if text.is_empty() => Ok(Value::Text(before.to_owned())),
            Value::Text(_) => Err(format!("cannot specify --{} flag more than once", flag.name)),
            _ => Ok(value),
        }
    }

    fn set(&mut self, flag: &'a Flag, text: &str) -> Result<(), String> {
        let value = flag.read(text).and_then(|value| self.once(flag, value)).map_err(|why| {
            let name =
                flag.short.map_or_else(|| format!("--{}", flag.name), |letter| format!("-{letter}, --{}", flag.name));
            format!("invalid argument {text:?} for {name:?} flag: {why}")
        })?;
        if let Some(notice) = wait_notice(flag, text) {
            self.parsed.notices.push(notice);
        }
        if let (Some(instead), true) = (flag.deprecated, !self.parsed.set.contains(flag.name)) {
            self.parsed.notices.push(format!("Flag --{} has been deprecated, {instead}", flag.name));
        }
        match (self.parsed.values.get_mut(flag.sets), value) {
            // The first value replaces a list's default, later ones add to it.
            (Some(Value::List(list)), Value::List(more)) if self.parsed.set.contains(flag.sets) => list.extend(more),
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
    let message = format!("--wait={text} is deprecated (boolean value) and can be replaced with --wait={instead}");
    Some(format!("level=WARN msg={message:?}"))
}
