//! Values as TOML, as BurntSushi/toml 1.6 writes them, what stands directly in a table before the tables in it; and
//! back.

mod cursor;
mod read;
mod scalar;

pub(super) use read::read;
pub(super) use scalar::Zones;

use super::super::reflect::MAX_DEPTH;
use crate::template::{Fault, Value, fmt};

/// Go's panic on nil.
const NOTHING: &str = "reflect: call of reflect.Value.Type on zero Value";

/// `toml.Encoder.Encode`.
///
/// # Errors
/// The encoder's words for what TOML has no form for.
pub(super) fn write(value: &Value) -> Result<String, Fault> {
    if let Value::Nil = value {
        return Err(Fault::new(NOTHING));
    }
    let mut writer = Writer { out: String::new(), keys: Vec::new() };
    writer.entry(&plain(value))?;
    Ok(writer.out)
}

/// As [`write`], with the error as the text; only Go's panic stays one.
pub(super) fn write_or_tell(value: &Value) -> Result<String, Fault> {
    write(value).or_else(|fault| if fault.message == NOTHING { Err(fault) } else { Ok(fault.message) })
}

struct Writer {
    out: String,
    /// The path of tables, as it is written in their heads.
    keys: Vec<String>,
}

/// What TOML makes of a value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Nothing,
    Plain,
    Table,
    Tables,
}

impl Form {
    fn of(value: &Value, depth: usize) -> Result<Self, Fault> {
        let depth = depth.checked_sub(1).ok_or_else(too_deep)?;
        let list = match value {
            Value::Nil => return Ok(Self::Nothing),
            Value::Map(_) => return Ok(Self::Table),
            Value::List(list) if list.is_nil => return Ok(Self::Nothing),
            Value::List(list) => list,
            _ => return Ok(Self::Plain),
        };
        let mut form = if list.items.is_empty() { Self::Plain } else { Self::Tables };
        for item in list.items.iter() {
            match Self::of(&plain(item), depth)? {
                Self::Nothing => return Err(Fault::new("toml: cannot encode array with nil element")),
                Self::Table => {}
                Self::Plain | Self::Tables => form = Self::Plain,
            }
        }
        Ok(form)
    }

    fn is_table(self) -> bool {
        matches!(self, Self::Table | Self::Tables)
    }
}

impl Writer {
    /// A value at the path of keys.
    fn entry(&mut self, value: &Value) -> Result<(), Fault> {
        match (Form::of(value, MAX_DEPTH)?, value) {
            (Form::Table, _) => {
                if self.keys.len() == 1 {
                    self.new_line();
                }
                if !self.keys.is_empty() {
                    self.out.push_str(&format!("{}[{}]", self.indent(), self.keys.join(".")));
                    self.new_line();
                }
                self.table(value)
            }
            (Form::Tables, Value::List(_)) if self.keys.is_empty() => {
                Err(Fault::new("toml: top-level values must be Go maps or structs"))
            }
            (Form::Tables, Value::List(list)) => list.items.iter().try_for_each(|item| {
                self.new_line();
                self.out.push_str(&format!("{}[[{}]]", self.indent(), self.keys.join(".")));
                self.new_line();
                self.table(&plain(item))
            }),
            _ => {
                if let Some(key) = self.keys.last() {
                    self.out.push_str(&format!("{}{key} = ", self.indent()));
                }
                self.element(value)?;
                if !self.keys.is_empty() {
                    self.new_line();
                }
                Ok(())
            }
        }
    }

    /// The entries of a table: plain ones first.
    fn table(&mut self, table: &Value) -> Result<(), Fault> {
        for (key, value) in sorted(table)? {
            if Form::of(&value, MAX_DEPTH)? == Form::Nothing {
                continue;
            }
            if self.keys.len() == MAX_DEPTH {
                return Err(too_deep());
            }
            self.keys.push(quoted_key(&key));
            let result = self.entry(&value);
            self.keys.pop();
            result?;
        }
        Ok(())
    }

    /// A value in one line.
    fn element(&mut self, value: &Value) -> Result<(), Fault> {
        match value {
            Value::Float64(number) if number.is_nan() => self.out.push_str("nan"),
            Value::Float64(number) if number.is_infinite() => {
                self.out.push_str(if *number < 0.0 { "-inf" } else { "inf" });
            }
            Value::Float64(number) => {
                let text = fmt::shortest(*number);
                self.out.push_str(&text);
                self.out.push_str(if text.contains(['e', '.']) { "" } else { ".0" });
            }
            Value::String(text) => self.out.push_str(&quoted(&text.to_text())),
            Value::List(list) => {
                self.out.push('[');
                for (index, item) in list.items.iter().enumerate() {
                    self.out.push_str(if index > 0 { ", " } else { "" });
                    self.element(&plain(item))?;
                }
                self.out.push(']');
            }
            Value::Map(_) => self.inline_table(value)?,
            Value::Nil => {}
            other => self.out.push_str(&fmt::sprint(std::slice::from_ref(other)).to_text()),
        }
        Ok(())
    }

    /// A table in one line; a nil entry leaves its comma out, but not that before it.
    fn inline_table(&mut self, table: &Value) -> Result<(), Fault> {
        let entries = sorted(table)?;
        let last = entries.len().saturating_sub(1);
        self.out.push('{');
        for (index, (key, value)) in entries.into_iter().enumerate() {
            if Form::of(&value, MAX_DEPTH)? == Form::Nothing {
                continue;
            }
            self.out.push_str(&format!("{} = ", quoted_key(&key)));
            self.element(&value)?;
            self.out.push_str(if index < last { ", " } else { "" });
        }
        self.out.push('}');
        Ok(())
    }

    fn indent(&self) -> String {
        "  ".repeat(self.keys.len().saturating_sub(1))
    }

    fn new_line(&mut self) {
        if !self.out.is_empty() {
            self.out.push('\n');
        }
    }
}

fn too_deep() -> Fault {
    Fault::new("a value is nested too deeply, or holds itself")
}

/// The value under a named type.
fn plain(value: &Value) -> Value {
    match value {
        Value::Object(object) => match object.underlying() {
            Value::Nil => object.display().into(),
            underlying => underlying,
        },
        other => other.clone(),
    }
}

/// The entries of a table by name, those that are tables themselves last.
fn sorted(table: &Value) -> Result<Vec<(std::rc::Rc<str>, Value)>, Fault> {
    let (mut direct, mut tables) = (Vec::new(), Vec::new());
    if let Value::Map(map) = table {
        for (key, value) in map.snapshot() {
            let value = plain(&value);
            if Form::of(&value, MAX_DEPTH)?.is_table() { tables.push((key, value)) } else { direct.push((key, value)) }
        }
    }
    direct.append(&mut tables);
    Ok(direct)
}

fn quoted_key(key: &str) -> String {
    let is_bare = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    if is_bare { key.to_owned() } else { quoted(key) }
}

fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for char in text.chars() {
        match char {
            '"' | '\\' => out.extend(['\\', char]),
            '\x08' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\x0c' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            '\0'..='\x1f' | '\x7f' => out.push_str(&format!("\\u{:04x}", u32::from(char))),
            _ => out.push(char),
        }
    }
    out.push('"');
    out
}
