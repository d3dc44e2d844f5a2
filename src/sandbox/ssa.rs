//! Server-side apply.

use std::sync::Arc;

use serde_json::Value;

use super::{
    defaults,
    failure::Failure,
    kinds::Kind,
    managed,
    path::Route,
    store::Store,
    write::{self, Writer, text},
};

/// Applies a configuration; creates the object where it is absent. Answers 201 or 200.
pub(super) fn apply(
    store: &mut Store,
    route: &Route,
    mut config: Value,
    writer: &Writer,
    force: bool,
) -> Result<(u16, Arc<Value>), Failure> {
    if !config["metadata"]["managedFields"].is_null() {
        return Err(Failure::bad_request("metadata.managedFields must be nil"));
    }
    if text(&config, "name").is_empty() {
        config["metadata"]["name"] = route.name.clone().into();
    }
    let kind = &route.kind;
    write::name_object(store, kind, &route.namespace, &mut config)?;
    if let Some(fields) = config.as_object_mut().filter(|_| kind.status && route.subresource.is_empty()) {
        fields.remove("status");
    }
    match store.get(kind, &route.namespace, &route.name) {
        None => create(store, route, config, writer).map(|object| (201, object)),
        Some(live) => update(store, kind, &live, config, (writer, force)).map(|object| (200, object)),
    }
}

fn create(store: &mut Store, route: &Route, config: Value, writer: &Writer) -> Result<Arc<Value>, Failure> {
    let kind = &route.kind;
    if !text(&config, "uid").is_empty() {
        let why = format!(
            "uid mismatch: the provided object specified uid {}, and no existing object was found",
            text(&config, "uid")
        );
        return Err(Failure::conflict(kind, &route.name, &why));
    }
    write::require_namespace(store, kind, &route.namespace, &route.name)?;
    let mut object = managed::apply(kind, None, config, writer, false, &store.now())?;
    // Ownership rules leave identity aside.
    object["metadata"]["name"] = route.name.clone().into();
    if kind.namespaced {
        object["metadata"]["namespace"] = route.namespace.clone().into();
    }
    write::begin_metadata(kind, &mut object, &store.now());
    defaults::apply(kind, &mut object);
    write::finish_create(store, kind, object, writer)
}

fn update(
    store: &mut Store,
    kind: &Kind,
    live: &Arc<Value>,
    config: Value,
    (writer, force): (&Writer, bool),
) -> Result<Arc<Value>, Failure> {
    write::check_identity(kind, live, &config)?;
    let mut object = managed::apply(kind, Some(live), config, writer, force, &store.now())?;
    write::carry_over(kind, live, &mut object, &writer.subresource);
    defaults::apply(kind, &mut object);
    write::finish_update(store, kind, live, object, writer)
}
