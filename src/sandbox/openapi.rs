//! As much of OpenAPI v3 as kubectl and Helm need to leave validation to the server: for every kind that PATCH takes
//! `fieldValidation` (cli-runtime `pkg/resource/query_param_verifier_v3.go`). Without schemas, clients patch by their built-in ones.

use http::Response;
use serde_json::{Map, Value, json};

use super::{
    api::{self, Body},
    kinds::{Kind, Kinds},
};

/// `/openapi/v3`: where the document of each group version is.
pub(super) fn index(kinds: &Kinds) -> Response<Body> {
    let paths: Map<String, Value> = kinds
        .iter()
        .map(|kind| {
            let path = root(kind);
            let url = format!("/openapi/v3/{path}");
            (path, json!({ "serverRelativeURL": url }))
        })
        .collect();
    api::json(200, &json!({ "paths": paths }))
}

/// The document of a group version; `None` when nothing of it is served. `path` is `api/v1`, `apis/apps/v1`.
pub(super) fn document(kinds: &Kinds, path: &str) -> Option<Response<Body>> {
    let paths: Map<String, Value> = kinds
        .iter()
        .filter(|kind| root(kind) == path)
        .map(|kind| {
            let operation = json!({
                "parameters": [{ "name": "fieldValidation", "in": "query", "schema": { "type": "string" } }],
                "x-kubernetes-group-version-kind": { "group": kind.group, "version": kind.version, "kind": kind.kind },
                "responses": {},
            });
            let namespace = if kind.namespaced { "namespaces/{namespace}/" } else { "" };
            (format!("/{path}/{namespace}{}/{{name}}", kind.plural), json!({ "patch": operation }))
        })
        .collect();
    let info = json!({ "title": "Pilothouse sandbox", "version": "v1.36.1" });
    (!paths.is_empty()).then(|| api::json(200, &json!({ "openapi": "3.0.0", "info": info, "paths": paths })))
}

fn root(kind: &Kind) -> String {
    let prefix = if kind.group.is_empty() { "api" } else { "apis" };
    format!("{prefix}/{}", kind.api_version())
}
