//! Values: read, set, merged, scoped to sub-charts, checked against schemas.

use serde_json::{Map, Value};

/// A table of values. Whole numbers that YAML or JSON gave are floats here (`1.0`), as Go's JSON step leaves them; integers
/// come from `--set` alone, as Go's `int64`. Templates can tell them apart.
pub type Values = Map<String, Value>;
