//! Values: read, set, merged, scoped to sub-charts, checked against schemas.

mod coalesce;
mod json_path;
mod notice;
mod options;
mod origins;
pub mod raw;
mod read;
pub mod schema;
mod set;
#[cfg(test)]
mod tests;

use serde_json::{Map, Value};

pub use coalesce::{Nulls, Tree, coalesce, coalesce_tables, copy, from_json, to_json};
pub use json_path::JsonPath;
pub use notice::{Level, Notice};
pub use options::Options;
pub use origins::{Import, Origin, Origins};
pub use read::{documents, from_bytes, from_yaml, make_floats, merge, table};
pub use set::{Reading, set};

/// A table of values. Whole numbers that YAML or JSON gave are floats here (`1.0`), as Go's JSON step leaves them; integers
/// come from `--set` alone, as Go's `int64`. Templates can tell them apart.
pub type Values = Map<String, Value>;

/// The key below which every chart of a tree sees the same values.
pub const GLOBAL: &str = "global";
