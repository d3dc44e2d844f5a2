//! A chart's values: what the user gave over what the charts hold, down the tree of sub-charts
//! (helm/helm `pkg/chart/common/util/coalesce.go`).
//!
//! This works on the values of templates, whose tables are shared as Go's maps are: below `global` a chart and its
//! sub-charts hold the same tables from the second level on, so that a default of one shows in the others.

use std::rc::Rc;

use super::{GLOBAL, Import, Notice, Values, raw};
use crate::template::fmt::{quote, sprintf};
use crate::template::{List, Map, Str, Value};

/// A chart as merging sees it.
pub trait Tree: Sized {
    /// Its name, which is its key in the values of its parent.
    fn name(&self) -> &str;
    /// Its own values.
    fn values(&self) -> &Values;
    /// Its JSON Schema.
    fn schema(&self) -> Option<&[u8]>;
    /// The text of its `values.yaml`; `None` where only the values are known, as in a record.
    fn values_text(&self) -> Option<&[u8]> {
        None
    }
    /// What its values take from those of its sub-charts.
    fn imports(&self) -> Vec<Import> {
        Vec::new()
    }
    /// Its sub-charts.
    fn dependencies(&self) -> &[Self];
}

/// What becomes of null.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nulls {
    /// It removes a default and is gone itself, as templates see it.
    Remove,
    /// It stays, for a later merge.
    Keep,
}

/// Merges the values of a chart and its sub-charts below the given ones, in place: what is given wins.
/// What Helm logs on the way is added to `log`, a message each.
///
/// # Errors
/// Helm's words: `type mismatch on SUB-CHART: …`.
pub fn coalesce(chart: &impl Tree, given: &Map, nulls: Nulls, log: &mut Vec<Notice>) -> Result<(), String> {
    Merge { nulls, log }.chart(chart, given, "")
}

/// Merges a table below another one, in place.
pub fn coalesce_tables(over: &Map, base: &Map, nulls: Nulls, log: &mut Vec<Notice>) {
    Merge { nulls, log }.tables(over, base, "");
}

struct Merge<'a> {
    nulls: Nulls,
    log: &'a mut Vec<Notice>,
}

impl Merge<'_> {
    fn note(&mut self, message: String) {
        self.log.push(Notice::info(message));
    }

    fn chart(&mut self, chart: &impl Tree, given: &Map, prefix: &str) -> Result<(), String> {
        let path = join(prefix, chart.name());
        self.own_values(chart, given, &path);
        for sub_chart in chart.dependencies() {
            let name = sub_chart.name();
            let values = match given.get(name) {
                Some(Value::Map(values)) => values,
                Some(other) => return Err(format!("type mismatch on {name}: {}", print("%t", other))),
                None => {
                    let values = Map::new();
                    given.set(name, Value::Map(values.clone()));
                    values
                }
            };
            self.globals(&values, given, &path);
            self.chart(sub_chart, &values, &path)?;
        }
        Ok(())
    }

    /// Merges the chart's own values below the given ones.
    fn own_values(&mut self, chart: &impl Tree, given: &Map, path: &str) {
        for (key, default) in chart.values() {
            match given.get(key) {
                None => self.add_default(given, key, default),
                Some(Value::Nil) if self.nulls == Nulls::Remove => {
                    given.entries.borrow_mut().remove(key.as_str());
                }
                Some(Value::Map(over)) => match default {
                    serde_json::Value::Object(base) => {
                        // Nulls inside a sub-chart's table have still to meet the sub-chart's own defaults.
                        let is_sub_chart = chart.dependencies().iter().any(|sub_chart| sub_chart.name() == key);
                        let nulls = if is_sub_chart { Nulls::Keep } else { self.nulls };
                        Merge { nulls, log: self.log }.defaults(&over, base, &join(path, key));
                    }
                    serde_json::Value::Null => {}
                    _ => self.note(format!("warning: skipped value for {path}.{key}: Not a table.")),
                },
                Some(_) => {}
            }
        }
    }

    /// As [`Merge::tables`], for a table that nobody else holds: what it does not add is not even made a value.
    fn defaults(&mut self, over: &Map, base: &Values, path: &str) {
        for (key, default) in base {
            match (over.get(key), default) {
                (None, default) => self.add_default(over, key, default),
                (Some(_), serde_json::Value::Null) => {}
                (Some(Value::Nil), _) => {
                    if self.nulls == Nulls::Remove {
                        over.entries.borrow_mut().remove(key.as_str());
                    }
                }
                (Some(Value::Map(over)), serde_json::Value::Object(base)) => {
                    self.defaults(&over, base, &join(path, key));
                }
                (Some(_), serde_json::Value::Object(_)) => self.no_table(&join(path, key), self.default(default)),
                (Some(Value::Map(_)), default) => self.is_table(&join(path, key), self.default(default)),
                (Some(_), _) => {}
            }
        }
    }

    fn no_table(&mut self, path: &str, default: Value) {
        let default = print("%v", default);
        self.note(format!("warning: cannot overwrite table with non table for {path} ({default})"));
    }

    fn is_table(&mut self, path: &str, default: Value) {
        let default = print("%v", default);
        self.note(format!("warning: destination for {path} is a table. Ignoring non-table value ({default})"));
    }

    /// A chart's default as a value, without the nulls that remove.
    fn default(&self, default: &serde_json::Value) -> Value {
        let value = Value::from_json(default);
        if let (Nulls::Remove, Value::Map(table)) = (self.nulls, &value) {
            remove_nulls(table);
        }
        value
    }

    fn add_default(&self, given: &Map, key: &str, default: &serde_json::Value) {
        if default.is_null() && self.nulls == Nulls::Remove {
            return;
        }
        given.set(key, self.default(default));
    }

    /// Hands `global` of a chart down to a sub-chart. Nulls stay: the sub-chart's own merge removes them.
    fn globals(&mut self, sub_chart: &Map, parent: &Map, prefix: &str) {
        let Some(into) = global_of(sub_chart) else {
            self.note(format!("warning: skipping globals because destination {GLOBAL} is not a table."));
            return;
        };
        let Some(from) = global_of(parent) else {
            self.note(format!("warning: skipping globals because source {GLOBAL} is not a table."));
            return;
        };
        for (key, value) in from.snapshot() {
            match (value, into.get(&key)) {
                (Value::Map(table), None) => into.set(key, Value::Map(shallow_copy(&table))),
                (Value::Map(table), Some(Value::Map(own))) => {
                    let copy = shallow_copy(&table);
                    Merge { nulls: Nulls::Keep, log: self.log }.tables(&copy, &own, &join(prefix, &key));
                    into.set(key, Value::Map(copy));
                }
                (Value::Map(_), Some(_)) => {
                    self.note(format!(
                        "Conflict: cannot merge map onto non-map for {}. Skipping.",
                        quote(key.as_bytes())
                    ));
                }
                (_, Some(Value::Map(_))) => self.note(format!("key {key} is table. Skipping")),
                (value, _) => into.set(key, value),
            }
        }
        sub_chart.set(GLOBAL, Value::Map(into));
    }

    fn tables(&mut self, over: &Map, base: &Map, path: &str) {
        if Rc::ptr_eq(&over.entries, &base.entries) {
            return;
        }
        let defaults = base.snapshot();
        // Go writes the nulls into the base as well, which somebody else may hold: see `import-values`.
        for (key, _) in over.entries.borrow().iter().filter(|(_, value)| matches!(value, Value::Nil)) {
            base.set(key.clone(), Value::Nil);
        }
        for (key, value) in defaults {
            match (over.get(&key), value) {
                (None, value) => over.set(key, value),
                (Some(Value::Map(over)), Value::Map(base)) => self.tables(&over, &base, &join(path, &key)),
                (Some(Value::Nil), Value::Nil) => {}
                // A null of the user takes away a default.
                (Some(Value::Nil), _) if self.nulls == Nulls::Remove => {
                    over.entries.borrow_mut().remove(&key);
                }
                (Some(Value::Nil), _) => {}
                (Some(_), Value::Map(base)) => self.no_table(&join(path, &key), Value::Map(base)),
                (Some(Value::Map(_)), Value::Nil) => {}
                (Some(Value::Map(_)), value) => self.is_table(&join(path, &key), value),
                (Some(_), _) => {}
            }
        }
    }
}

/// The `global` of a chart's values, empty where there is none; `None` where it is something else than a table.
fn global_of(values: &Map) -> Option<Map> {
    match values.get(GLOBAL) {
        None => Some(Map::new()),
        Some(Value::Map(global)) => Some(global),
        Some(_) => None,
    }
}

fn shallow_copy(table: &Map) -> Map {
    table.entries.borrow().clone().into()
}

fn remove_nulls(table: &Map) {
    table.entries.borrow_mut().retain(|_, value| match value {
        Value::Nil => false,
        Value::Map(inner) => {
            remove_nulls(inner);
            true
        }
        _ => true,
    });
}

fn print(format: &str, value: Value) -> String {
    sprintf(&format.into(), &[value]).to_text().into_owned()
}

fn join(prefix: &str, key: &str) -> String {
    if prefix.is_empty() { key.to_owned() } else { format!("{prefix}.{key}") }
}

/// A table that shares nothing with this one.
pub fn copy(table: &Map) -> Map {
    table.entries.borrow().iter().map(|(key, value)| (key.clone(), copy_value(value))).collect()
}

fn copy_value(value: &Value) -> Value {
    match value {
        Value::Map(table) => Value::Map(copy(table)),
        Value::List(list) => {
            let items = list.items.iter().map(copy_value).collect();
            Value::List(List { items, ..list.clone() })
        }
        other => other.clone(),
    }
}

/// A table as templates compute with it.
pub fn from_json(values: &Values) -> Map {
    let text = |text: &str| raw::bytes(text).map_or_else(|| text.into(), |bytes| Str::from_slice(&bytes));
    values.iter().map(|(key, value)| (key.as_str().into(), Value::from_json_with(value, &text))).collect()
}

/// A table of templates as values that can be stored.
pub fn to_json(table: &Map) -> Values {
    table.entries.borrow().iter().map(|(key, value)| (key.as_ref().to_owned(), json_of(value))).collect()
}

fn json_of(value: &Value) -> serde_json::Value {
    match value {
        Value::Bool(value) => (*value).into(),
        Value::Int64(number) => (*number).into(),
        Value::Float64(number) => (*number).into(),
        Value::String(text) => text.to_text().into(),
        Value::List(list) => list.items.iter().map(json_of).collect(),
        Value::Map(table) => to_json(table).into(),
        // Values hold nothing else.
        _ => serde_json::Value::Null,
    }
}
