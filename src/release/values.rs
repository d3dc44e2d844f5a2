//! The values a render saw: what `helm get values --all` prints.

use serde_json::{Map, Value};

use super::Release;

impl Release {
    /// Chart defaults under supplied values, nulls deleting, as Helm computes them from a record
    /// (helm/helm `pkg/chart/common/util/coalesce.go`, `CoalesceValues`). A record does not hold sub-charts: of
    /// their defaults it knows those that Helm merged into the chart's own when it was installed.
    pub fn computed_values(&self) -> Map<String, Value> {
        let mut values = self.config.clone();
        for (key, default) in self.chart.values() {
            under_values(&mut values, key, default);
        }
        values
    }
}

/// Puts one default of the chart under the supplied values (`coalesceValues`).
fn under_values(values: &mut Map<String, Value>, key: String, mut default: Value) {
    match values.get_mut(&key) {
        Some(Value::Null) => {
            values.remove(&key);
        }
        Some(Value::Object(table)) => {
            if let Value::Object(mut defaults) = default {
                drop_nulls(&mut defaults);
                under_table(table, defaults);
            }
        }
        Some(_) => {}
        None => {
            if let Value::Object(defaults) = &mut default {
                drop_nulls(defaults);
            }
            if !default.is_null() {
                values.insert(key, default);
            }
        }
    }
}

/// The same inside a table (`coalesceTablesFullKey`). A null stays where the chart has no default to delete.
fn under_table(values: &mut Map<String, Value>, defaults: Map<String, Value>) {
    for (key, default) in defaults {
        match (values.get_mut(&key), default) {
            (Some(Value::Null), _) => {
                values.remove(&key);
            }
            (Some(Value::Object(table)), Value::Object(defaults)) => under_table(table, defaults),
            (Some(_), _) => {}
            (None, default) => {
                values.insert(key, default);
            }
        }
    }
}

fn drop_nulls(table: &mut Map<String, Value>) {
    table.retain(|_, value| !value.is_null());
    for value in table.values_mut() {
        if let Value::Object(inner) = value {
            drop_nulls(inner);
        }
    }
}
