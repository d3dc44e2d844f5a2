//! Server-side apply, field ownership, conflicts. Expected texts are those of the real API server.

use http::Method;
use serde_json::{Value, json};

use super::{Sandbox, get, post, send};

const PATH: &str = "/api/v1/namespaces/default/configmaps/settings";
const DEPLOYMENT: &str = "/apis/apps/v1/namespaces/default/deployments/web";
const MERGE: &str = "application/merge-patch+json";

async fn apply(client: &kube::Client, path: &str, query: &str, object: Value) -> (u16, Value) {
    send(client, Method::PATCH, &format!("{path}?{query}"), "application/apply-patch+yaml", &object).await
}

fn settings(data: Value) -> Value {
    json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "settings" }, "data": data })
}

fn web(replicas: Option<u32>) -> Value {
    let labels = json!({ "app": "web" });
    let pod = json!({ "containers": [{ "name": "web", "image": "nginx:1.25" }] });
    let mut spec =
        json!({ "selector": { "matchLabels": labels }, "template": { "metadata": { "labels": labels }, "spec": pod } });
    if let Some(replicas) = replicas {
        spec["replicas"] = replicas.into();
    }
    json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "web" }, "spec": spec })
}

#[tokio::test]
async fn fields_that_are_no_longer_applied_go_unless_another_owns_them() {
    let sandbox = Sandbox::empty();
    let client = sandbox.client();
    let (code, _) = apply(&client, PATH, "fieldManager=helm", settings(json!({ "a": "1", "b": "2", "c": "3" }))).await;
    assert_eq!(code, 201);
    apply(&client, PATH, "fieldManager=other", settings(json!({ "b": "2" }))).await;
    let (code, object) = apply(&client, PATH, "fieldManager=helm", settings(json!({ "a": "1" }))).await;
    assert_eq!((code, &object["data"]), (200, &json!({ "a": "1", "b": "2" })));
}

#[tokio::test]
async fn the_same_again_changes_nothing() {
    let sandbox = Sandbox::empty();
    let client = sandbox.client();
    let (_, first) = apply(&client, PATH, "fieldManager=helm", settings(json!({ "a": "1" }))).await;
    let (_, second) = apply(&client, PATH, "fieldManager=helm", settings(json!({ "a": "1" }))).await;
    assert_eq!(first, second);
}

#[tokio::test]
async fn a_conflict_names_the_owner_and_force_takes_the_field() {
    let sandbox = Sandbox::empty();
    let client = sandbox.client();
    apply(&client, PATH, "fieldManager=helm", settings(json!({ "a": "1" }))).await;
    let edit = json!({ "data": { "a": "2" } });
    send(&client, Method::PATCH, &format!("{PATH}?fieldManager=kubectl-edit"), MERGE, &edit).await;
    let (code, refused) = apply(&client, PATH, "fieldManager=helm", settings(json!({ "a": "3" }))).await;
    assert_eq!(code, 409, "{refused}");
    let cause = &refused["details"]["causes"][0];
    assert_eq!((&cause["reason"], &cause["field"]), (&json!("FieldManagerConflict"), &json!(".data.a")));
    let expected = "Apply failed with 1 conflict: conflict with \"kubectl-edit\" using v1: .data.a";
    assert_eq!(refused["message"], expected);
    let (code, taken) = apply(&client, PATH, "fieldManager=helm&force=true", settings(json!({ "a": "3" }))).await;
    assert_eq!((code, &taken["data"]["a"]), (200, &json!("3")));
}

#[tokio::test]
async fn a_dry_run_stores_nothing() {
    let sandbox = Sandbox::empty();
    let client = sandbox.client();
    let (code, _) = apply(&client, PATH, "fieldManager=helm&dryRun=All", settings(json!({ "a": "1" }))).await;
    assert_eq!((code, get(&client, PATH).await.0), (201, 404));
}

#[tokio::test]
async fn scaling_takes_the_replicas_from_their_applier() {
    let sandbox = Sandbox::empty();
    let client = sandbox.client();
    apply(&client, DEPLOYMENT, "fieldManager=helm", web(Some(3))).await;
    let scale = json!({ "spec": { "replicas": 0 } });
    let (code, _) =
        send(&client, Method::PATCH, &format!("{DEPLOYMENT}/scale?fieldManager=kubectl"), MERGE, &scale).await;
    assert_eq!(code, 200);
    let (code, refused) = apply(&client, DEPLOYMENT, "fieldManager=helm", web(Some(3))).await;
    assert_eq!(code, 409);
    let words = refused["message"].as_str().unwrap_or_default();
    assert_eq!(
        words,
        "Apply failed with 1 conflict: conflict with \"kubectl\" with subresource \"scale\" using apps/v1: .spec.replicas"
    );
}

#[tokio::test]
async fn a_selector_cannot_change() {
    let sandbox = Sandbox::empty();
    let client = sandbox.client();
    post(&client, "/apis/apps/v1/namespaces/default/deployments", web(None)).await;
    let labels = json!({ "app": "other" });
    let patch =
        json!({ "spec": { "selector": { "matchLabels": labels }, "template": { "metadata": { "labels": labels } } } });
    let (code, refused) = send(&client, Method::PATCH, DEPLOYMENT, MERGE, &patch).await;
    assert_eq!(code, 422);
    assert_eq!(
        refused["message"],
        "Deployment.apps \"web\" is invalid: spec.selector: Invalid value: {\"matchLabels\":{\"app\":\"other\"}}: field is immutable"
    );
}
