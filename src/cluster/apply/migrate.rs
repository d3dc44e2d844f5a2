//! Moving field ownership from client-side to server-side apply.

use serde_json::{Value, json};

use super::migrated_managed_fields;
use crate::manifest::Object;

/// The JSON patch that migrates `live`, `None` when there is nothing to do. It replaces the
/// resourceVersion by itself, so that a change in between is a conflict.
pub(super) fn json_patch(live: &Object) -> Option<Value> {
    let fields = migrated_managed_fields(live)?;
    Some(json!([
        {"op": "replace", "path": "/metadata/managedFields", "value": fields},
        {"op": "replace", "path": "/metadata/resourceVersion", "value": live.value["metadata"]["resourceVersion"]},
    ]))
}
