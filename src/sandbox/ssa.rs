//! Server-side apply.

use std::sync::Arc;

use serde_json::Value;

use super::{
    failure::Failure,
    path::Route,
    store::Store,
    write::{self, Writer},
};

/// Applies a configuration; creates the object where it is absent. Answers 201 or 200.
pub(super) fn apply(
    store: &mut Store,
    route: &Route,
    config: Value,
    writer: &Writer,
    _force: bool,
) -> Result<(u16, Arc<Value>), Failure> {
    match store.get(&route.kind, &route.namespace, &route.name) {
        None => write::create(store, &route.kind, &route.namespace, config, writer)
            .map(|object| (201, object)),
        Some(live) => {
            let patched = super::patch::apply(
                "application/strategic-merge-patch+json",
                &live,
                &config,
                false,
            )?;
            write::update(store, &route.kind, &live, patched, writer).map(|object| (200, object))
        }
    }
}
