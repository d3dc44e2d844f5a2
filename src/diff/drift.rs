//! What a manifest says and the cluster does not.

use serde_json::Value;

use crate::manifest::Object;

/// todo
pub fn drift(recorded: &Object, live: &Object) -> (Value, Value) {
    (recorded.value.clone(), live.value.clone())
}
