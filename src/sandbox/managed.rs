//! Field ownership: `metadata.managedFields`, kept by the rules of [`crate::cluster::apply`].

use serde_json::{Value, json};

use super::{failure::Failure, kinds::Kind, write::Writer};
use crate::{
    cluster::{apply, error::FieldConflict},
    manifest::Object,
};

/// Records what an update (or a create, without `before`) changed as owned by its writer.
pub(super) fn update(kind: &Kind, before: Option<&Value>, object: &mut Value, writer: &Writer, now: &str) {
    let before = before.map(|before| Object::new(before.clone()));
    let after = Object::new(object.take());
    let api_version = kind.api_version();
    *object = apply::track_update(before.as_ref(), &after, &as_owner(writer, &api_version, now)).value;
}

/// A server-side apply of `config` to `live`, with the ownership it leads to.
pub(super) fn apply(
    kind: &Kind,
    live: Option<&Value>,
    config: Value,
    writer: &Writer,
    force: bool,
    now: &str,
) -> Result<Value, Failure> {
    let live = live.map(|live| Object::new(live.clone()));
    let api_version = kind.api_version();
    apply::apply_as(live.as_ref(), &Object::new(config), &as_owner(writer, &api_version, now), force)
        .map(|object| object.value)
        .map_err(|conflicts| refusal(&conflicts))
}

fn as_owner<'a>(writer: &'a Writer, api_version: &'a str, now: &'a str) -> apply::Writer<'a> {
    apply::Writer { manager: &writer.manager, api_version, subresource: &writer.subresource, time: now }
}

/// The refusal of an apply (apimachinery `pkg/util/managedfields/internal/conflict.go`).
fn refusal(conflicts: &[FieldConflict]) -> Failure {
    let message = match conflicts {
        [only] => format!("Apply failed with 1 conflict: {}: {}", only.message, only.field),
        _ => {
            let mut owners: Vec<&str> = conflicts.iter().map(|conflict| conflict.message.as_str()).collect();
            owners.sort_unstable();
            owners.dedup();
            let of = |owner: &str| {
                let fields = conflicts.iter().filter(|conflict| conflict.message == owner);
                let lines: String = fields.map(|conflict| format!("\n- {}", conflict.field)).collect();
                format!("{}:{lines}", owner.replacen("conflict with", "conflicts with", 1))
            };
            let lists: Vec<String> = owners.into_iter().map(of).collect();
            format!("Apply failed with {} conflicts: {}", conflicts.len(), lists.join("\n"))
        }
    };
    let cause = |conflict: &FieldConflict| json!({ "reason": "FieldManagerConflict", "message": conflict.message, "field": conflict.field });
    let mut failure = Failure::new(409, "Conflict", message);
    failure.details = json!({ "causes": conflicts.iter().map(cause).collect::<Vec<_>>() });
    failure
}

/// Whether a write would change nothing but times of ownership.
pub(super) fn same_but_for_time(before: &Value, after: &Value) -> bool {
    same_except("metadata", before, after, |before, after| {
        same_except("managedFields", before, after, |before, after| {
            let entries = |list: &Value| list.as_array().map_or(0, Vec::len);
            let timeless = |index: usize| same_except("time", &before[index], &after[index], |_, _| true);
            entries(before) == entries(after) && (0..entries(before)).all(timeless)
        })
    })
}

/// Whether two values are equal but for one field, which `same` compares.
fn same_except(field: &str, before: &Value, after: &Value, same: impl Fn(&Value, &Value) -> bool) -> bool {
    let (Some(old), Some(new)) = (before.as_object(), after.as_object()) else {
        return before == after;
    };
    let equal = |(key, value): (&String, &Value)| {
        let other = new.get(key);
        if key == field { same(value, other.unwrap_or(&Value::Null)) } else { other == Some(value) }
    };
    old.len() == new.len() && old.iter().all(equal)
}
