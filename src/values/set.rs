//! The grammar of `--set` and its kin: `a.b=1,c[0].d={x,y}` (helm/helm `pkg/strvals`).

use std::num::IntErrorKind;

use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use super::{Values, read::make_floats};
use crate::template::{self, fmt};

/// The greatest index of a list.
const MAX_INDEX: i64 = 65_536;
/// How many dots a name may have.
const MAX_DOTS: usize = 30;
/// How many indices a name may have; Helm has no limit here, and no chart comes near.
const MAX_INDICES: usize = 100;

/// How the text behind `=` is read.
pub enum Reading<'a> {
    /// `--set`: booleans, null and whole numbers are what they look like, everything else is a string.
    Typed,
    /// `--set-string`: always strings.
    Text,
    /// `--set-json`: JSON values.
    Json,
    /// `--set-file`: paths of files with the text; the function reads them.
    File(&'a mut dyn FnMut(&str) -> Result<String, String>),
    /// `--set-literal`: one name, and all the rest is its string; nothing is escaped.
    Literal,
}

/// Reads a line of `--set` or its kin into a table.
///
/// # Errors
/// Helm's words: `key "a" has no value`, `list must terminate with '}'`, ….
pub fn set(line: &str, reading: &mut Reading<'_>, values: &mut Values) -> Result<(), String> {
    let mut parser = Parser { rest: line, reading };
    loop {
        match parser.key(values, Depth::default()) {
            Ok(()) => {}
            Err(Stop::End) => return Ok(()),
            Err(Stop::Error(message)) => return Err(message),
        }
    }
}

/// Why reading stops. The end of the line is no error wherever it is met, even inside an index: what was read until then
/// counts.
enum Stop {
    End,
    Error(String),
}

struct Parser<'a, 'r, 'f> {
    rest: &'a str,
    reading: &'r mut Reading<'f>,
}

/// How deep inside one name a parser is.
#[derive(Clone, Copy, Default)]
struct Depth {
    dots: usize,
    indices: usize,
}

impl Parser<'_, '_, '_> {
    /// Reads a name down to its value, and the value.
    fn key(&mut self, table: &mut Values, depth: Depth) -> Result<(), Stop> {
        let stops: &[char] = if self.is_literal() { &['=', '[', '.'] } else { &['=', '[', ',', '.'] };
        let (key, stop) = self.until(stops);
        match stop {
            None if key.is_empty() => Err(Stop::End),
            None => Err(error(format!("key {} has no value", quote(&key)))),
            Some('[') => self.indexed(table, key, depth),
            Some('=') => {
                let is_end = self.is_end();
                let value = self.value()?;
                put(table, key, value);
                if is_end { Err(Stop::End) } else { Ok(()) }
            }
            Some('.') => self.nested(table, key, Depth { dots: depth.dots + 1, ..depth }),
            Some(_) => Err(error(format!("key {} has no value (cannot end with ,)", quote(&key)))),
        }
    }

    /// `name[`: the value goes into a list.
    fn indexed(&mut self, table: &mut Values, key: String, depth: Depth) -> Result<(), Stop> {
        let index = self.index()?;
        match table.get_mut(&key) {
            Some(Value::Array(list)) => self.item(list, index, depth),
            Some(other) => Err(unexpected(other, "[]interface {}")),
            None => {
                let mut list = Vec::new();
                let outcome = self.item(&mut list, index, depth);
                put(table, key, list.into());
                outcome
            }
        }
    }

    /// `name.`: the value goes into a table.
    fn nested(&mut self, table: &mut Values, key: String, depth: Depth) -> Result<(), Stop> {
        if depth.dots > MAX_DOTS {
            let words = "value name nested level is greater than maximum supported nested level of";
            return Err(error(format!("{words} {MAX_DOTS}")));
        }
        let mut fresh = Values::new();
        let (inner, is_new) = match table.get_mut(&key) {
            Some(Value::Object(inner)) => (inner, false),
            Some(other) => return Err(unexpected(other, "map[string]interface {}")),
            None => (&mut fresh, true),
        };
        let outcome = self.key(inner, depth);
        if outcome.is_ok() && inner.is_empty() {
            return Err(error(format!("key map {} has no value", quote(&key))));
        }
        if is_new && !fresh.is_empty() {
            put(table, key, fresh.into());
        }
        outcome
    }

    /// What follows the `]` of an index.
    fn item(&mut self, list: &mut Vec<Value>, index: i64, depth: Depth) -> Result<(), Stop> {
        if index < 0 {
            return Err(error(format!("negative {index} index not allowed")));
        }
        let (text, stop) = self.until(&['[', '.', '=']);
        if !text.is_empty() {
            return Err(error(format!("unexpected data at end of array index: {}", quote_runes(&text))));
        }
        let place = usize::try_from(index).unwrap_or(usize::MAX);
        match stop {
            None => Err(Stop::End),
            Some('=') => {
                let value = self.value()?;
                put_at(list, index, value)
            }
            Some('[') if depth.indices >= MAX_INDICES => Err(error(format!("more than {MAX_INDICES} indices"))),
            Some('[') => {
                let inner_index = self.index()?;
                let depth = Depth { indices: depth.indices + 1, ..depth };
                let mut fresh = Vec::new();
                match list.get_mut(place) {
                    Some(Value::Array(inner)) => return self.item(inner, inner_index, depth),
                    None | Some(Value::Null) => self.item(&mut fresh, inner_index, depth)?,
                    Some(other) => return Err(unexpected(other, "[]interface {}")),
                }
                put_at(list, index, fresh.into())
            }
            Some(_) => {
                let Some(slot) = list.get_mut(place) else {
                    let mut fresh = Values::new();
                    self.key(&mut fresh, depth)?;
                    return put_at(list, index, fresh.into());
                };
                if !slot.is_object() {
                    *slot = Values::new().into();
                }
                slot.as_object_mut().map_or(Err(Stop::End), |inner| self.key(inner, depth))
            }
        }
    }

    /// Whether the line ends where a value should begin. `a.=` counts as an end met early, as everywhere; JSON has null
    /// for it and a literal may be empty.
    fn is_end(&self) -> bool {
        self.rest.is_empty() && !matches!(self.reading, Reading::Json | Reading::Literal)
    }

    fn index(&mut self) -> Result<i64, Stop> {
        let (text, stop) = self.until(&[']']);
        if stop.is_none() {
            return Err(Stop::End);
        }
        let problem = match text.parse::<i64>() {
            Ok(index) => return Ok(index),
            Err(problem) => problem,
        };
        let problem = match problem.kind() {
            IntErrorKind::PosOverflow | IntErrorKind::NegOverflow => "value out of range",
            _ => "invalid syntax",
        };
        Err(error(format!("error parsing index: strconv.Atoi: parsing {}: {problem}", quote(&text))))
    }

    /// The value of a name. The line may end behind `=`: an empty string.
    fn value(&mut self) -> Result<Value, Stop> {
        match self.reading {
            Reading::Json => self.json(),
            Reading::Literal => Ok(std::mem::take(&mut self.rest).into()),
            _ if self.is_end() => Ok("".into()),
            _ if self.rest.starts_with('{') => self.list(),
            _ => {
                let (text, _) = self.until(&[',']);
                self.read(text)
            }
        }
    }

    /// `{a,b}`.
    fn list(&mut self) -> Result<Value, Stop> {
        self.rest = self.rest.strip_prefix('{').unwrap_or(self.rest);
        let mut list = Vec::new();
        loop {
            let (text, stop) = self.until(&[',', '}']);
            if stop.is_none() {
                return Err(error("list must terminate with '}'"));
            }
            list.push(self.read(text)?);
            if stop == Some('}') {
                self.rest = self.rest.strip_prefix(',').unwrap_or(self.rest);
                return Ok(list.into());
            }
        }
    }

    fn read(&mut self, text: String) -> Result<Value, Stop> {
        match &mut self.reading {
            Reading::Typed => Ok(typed(text)),
            Reading::File(read) => read(&text).map(Value::from).map_err(Stop::Error),
            _ => Ok(text.into()),
        }
    }

    /// A JSON value and the comma behind it; nothing at all is null.
    fn json(&mut self) -> Result<Value, Stop> {
        if self.skip_blanks() {
            return Ok(Value::Null);
        }
        let invalid = |problem: serde_json::Error| error(problem.to_string());
        let raw = <&RawValue>::deserialize(&mut serde_json::Deserializer::from_str(self.rest)).map_err(invalid)?;
        let mut value = serde_json::from_str(raw.get()).map_err(invalid)?;
        make_floats(&mut value);
        self.rest = self.rest.get(raw.get().len()..).unwrap_or_default();
        self.skip_blanks();
        Ok(value)
    }

    /// Skips white space and one comma; says whether only that, or the end, was there.
    fn skip_blanks(&mut self) -> bool {
        self.rest = self.rest.trim_start();
        match self.rest.strip_prefix(',') {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => self.rest.is_empty(),
        }
    }

    /// The text before the first of these characters, which is consumed; `\` makes the next one ordinary, but not in literals.
    fn until(&mut self, stops: &[char]) -> (String, Option<char>) {
        let mut text = String::new();
        let mut chars = self.rest.chars();
        let mut stop = None;
        while let Some(char) = chars.next() {
            if stops.contains(&char) {
                stop = Some(char);
                break;
            }
            if char == '\\' && !self.is_literal() {
                text.extend(chars.next());
            } else {
                text.push(char);
            }
        }
        self.rest = chars.as_str();
        (text, stop)
    }

    fn is_literal(&self) -> bool {
        matches!(self.reading, Reading::Literal)
    }
}

/// An empty name sets nothing.
fn put(table: &mut Values, key: String, value: Value) {
    if !key.is_empty() {
        table.insert(key, value);
    }
}

fn put_at(list: &mut Vec<Value>, index: i64, value: Value) -> Result<(), Stop> {
    let place = match usize::try_from(index) {
        Ok(place) if index <= MAX_INDEX => place,
        _ => {
            let words = format!("index of {index} is greater than maximum supported index of {MAX_INDEX}");
            return Err(error(words));
        }
    };
    if list.len() <= place {
        list.resize(place + 1, Value::Null);
    }
    if let Some(slot) = list.get_mut(place) {
        *slot = value;
    }
    Ok(())
}

fn typed(text: String) -> Value {
    if text.eq_ignore_ascii_case("true") {
        return true.into();
    }
    if text.eq_ignore_ascii_case("false") {
        return false.into();
    }
    if text.eq_ignore_ascii_case("null") {
        return Value::Null;
    }
    // What starts with a zero may be a number with meaning in its zeros, a telephone's or a file mode's.
    match text.parse::<i64>() {
        Ok(number) if text == "0" || !text.starts_with('0') => number.into(),
        _ => text.into(),
    }
}

/// What Go's type assertion says when it panics, caught by Helm.
fn unexpected(found: &Value, wanted: &str) -> Stop {
    let found = go_type(found);
    error(format!("unable to parse key: interface conversion: interface {{}} is {found}, not {wanted}"))
}

pub(super) fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "nil",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_i64() => "int64",
        Value::Number(_) => "float64",
        Value::String(_) => "string",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    }
}

fn error(message: impl Into<String>) -> Stop {
    Stop::Error(message.into())
}

fn quote(text: &str) -> String {
    fmt::quote(text.as_bytes())
}

/// Go holds this text as a slice of runes, and quotes each of them.
fn quote_runes(text: &str) -> String {
    let runes = text.chars().map(|char| template::Value::Int32(i32::try_from(u32::from(char)).unwrap_or_default()));
    fmt::sprintf(&"%q".into(), &[template::List::any(runes.collect()).into()]).to_text().into_owned()
}
