//! Who owns which fields of a live object, and moving ownership from client-side to server-side apply.

use serde_json::{Value, json};

use super::{FIELD_MANAGER, fields::FieldSet, tracking::Writer};
use crate::manifest::Object;

/// What each manager of a live object owns, as one entry of `managedFields` says.
pub(super) struct Owner<'a> {
    pub(super) entry: &'a Value,
    pub(super) fields: FieldSet,
}

/// The owners of a live object's fields.
pub(super) fn owners(live: &Object) -> Vec<Owner<'_>> {
    entries(live).iter().map(|entry| Owner { entry, fields: FieldSet::from_json(&entry["fieldsV1"]) }).collect()
}

impl Owner<'_> {
    /// Whether this is what a manager applied, server-side.
    pub(super) fn is_apply_of(&self, manager: &str) -> bool {
        is_of(self.entry, manager, "Apply", "")
    }

    /// Whether this is what a writer owns by updates.
    pub(super) fn is_update_of(&self, writer: &Writer) -> bool {
        is_of(self.entry, writer.manager, "Update", writer.subresource)
            && self.entry["apiVersion"] == writer.api_version
    }

    pub(super) fn is_of_status(&self) -> bool {
        self.entry["subresource"] == "status"
    }

    pub(super) fn manager(&self) -> &str {
        self.entry["manager"].as_str().unwrap_or_default()
    }

    /// The server's words for a conflict with this owner (apimachinery `managedfields/internal/conflict.go`).
    pub(super) fn conflict(&self) -> String {
        let text = |key: &str| self.entry[key].as_str().unwrap_or_default();
        let mut words = format!("conflict with {:?}", self.manager());
        if !text("subresource").is_empty() {
            words += &format!(" with subresource {:?}", text("subresource"));
        }
        if text("operation") == "Update" {
            words += &format!(" using {}", text("apiVersion"));
        }
        words
    }
}

/// When a manager last changed its fields: RFC 3339, from `managedFields`.
pub fn owner_time(live: &Object, manager: &str) -> Option<String> {
    let entries = entries(live).iter().filter(|entry| entry["manager"] == manager);
    entries.filter_map(|entry| entry["time"].as_str()).max().map(str::to_owned)
}

/// `managedFields` of a live object after Helm's migration from client-side to server-side
/// (client-go `csaupgrade.UpgradeManagedFieldsPatch` for the manager `helm`): `None` when there is nothing to migrate.
///
/// Helm's own `Apply` entry takes in what its `Update` entry of the same apiVersion owns; without one,
/// its first `Update` entry becomes it. `Update` entries of Helm are gone after that.
pub fn migrated_managed_fields(live: &Object) -> Option<Value> {
    let mut entries = entries(live).to_vec();
    let first_update = entries.iter().position(|entry| is_helm(entry, "Update"))?;
    let index = entries.iter().position(|entry| is_helm(entry, "Apply")).unwrap_or(first_update);
    let version = entries[index]["apiVersion"].clone();
    let update = entries.iter().find(|entry| is_helm(entry, "Update") && entry["apiVersion"] == version);

    let mut fields = FieldSet::from_json(&entries[index]["fieldsV1"]);
    if let Some(update) = update {
        fields = fields.union(&FieldSet::from_json(&update["fieldsV1"]));
    }
    entries[index]["fieldsV1"] = fields.to_json();
    entries[index]["operation"] = json!("Apply");
    entries.retain(|entry| !is_helm(entry, "Update"));
    Some(Value::Array(entries))
}

/// A live object as it is after the migration; unchanged when there is nothing to migrate.
#[must_use]
pub fn migrated(live: &Object) -> Object {
    let mut object = live.clone();
    if let Some(fields) = migrated_managed_fields(live) {
        object.value["metadata"]["managedFields"] = fields;
    }
    object
}

/// The JSON patch that migrates `live`, `None` when there is nothing to do. It replaces the
/// resourceVersion by itself, so that a change in between is a conflict.
pub(super) fn migration(live: &Object) -> Option<Value> {
    let fields = migrated_managed_fields(live)?;
    Some(json!([
        {"op": "replace", "path": "/metadata/managedFields", "value": fields},
        {"op": "replace", "path": "/metadata/resourceVersion", "value": live.value["metadata"]["resourceVersion"]},
    ]))
}

fn entries(live: &Object) -> &[Value] {
    live.value["metadata"]["managedFields"].as_array().map_or(&[], Vec::as_slice)
}

fn is_helm(entry: &Value, operation: &str) -> bool {
    is_of(entry, FIELD_MANAGER, operation, "")
}

fn is_of(entry: &Value, manager: &str, operation: &str, subresource: &str) -> bool {
    let own = entry["subresource"].as_str().unwrap_or_default();
    entry["manager"] == manager && entry["operation"] == operation && own == subresource
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `tests/data/migration.json`: managedFields before and after client-go's `UpgradeManagedFieldsPatch`
    /// (v0.36.1); `after` is null where it makes no patch.
    #[test]
    fn ownership_moves_as_client_go_moves_it() {
        let cases: Vec<Value> = serde_json::from_str(include_str!("../../../tests/data/migration.json")).unwrap();
        assert!(cases.len() >= 8);
        for case in cases {
            let live = Object::new(json!({"metadata": {"name": "x", "managedFields": case["before"]}}));
            assert_eq!(migrated_managed_fields(&live).unwrap_or(Value::Null), case["after"], "{}", case["name"]);
        }
    }

    #[test]
    fn the_latest_time_of_an_owner_counts() {
        let entry = |manager: &str, time: &str| json!({"manager": manager, "time": time});
        let fields = json!([
            entry("a", "2026-01-01T00:00:00Z"),
            entry("b", "2026-03-01T00:00:00Z"),
            entry("a", "2026-02-01T00:00:00Z")
        ]);
        let live = Object::new(json!({"metadata": {"managedFields": fields}}));
        assert_eq!(owner_time(&live, "a").as_deref(), Some("2026-02-01T00:00:00Z"));
        assert_eq!(owner_time(&live, "c"), None);
    }
}
