//! Deleting: preconditions, finalizers, what becomes of dependents. Expected texts are those of the real API server.

use http::Method;
use serde_json::{Value, json};

use super::{MERGE, Sandbox, deployment, get, is_done, post, send, until};

const CONFIG: &str = "/api/v1/namespaces/default/configmaps";
const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/default/deployments";
const SETS: &str = "/apis/apps/v1/namespaces/default/replicasets";
const PODS: &str = "/api/v1/namespaces/default/pods";

async fn delete(client: &kube::Client, path: &str, options: Value) -> (u16, Value) {
    send(client, Method::DELETE, path, "application/json", &options).await
}

/// A client of a sandbox in which a Deployment with two pods runs.
async fn with_deployment(sandbox: &Sandbox) -> (kube::Client, String) {
    let client = sandbox.client();
    post(&client, DEPLOYMENTS, deployment("nginx:1.25", 2)).await;
    let path = format!("{DEPLOYMENTS}/web");
    until(&client, &path, is_done(2)).await;
    (client, path)
}

fn count(list: &Value) -> usize {
    list["items"].as_array().map_or(0, Vec::len)
}

#[tokio::test]
async fn only_the_object_that_was_meant_is_deleted() {
    let sandbox = Sandbox::empty();
    let client = sandbox.client();
    let (_, object) = post(&client, CONFIG, json!({ "metadata": { "name": "a" } })).await;
    let uid = object["metadata"]["uid"].as_str().expect("a UID");
    let path = format!("{CONFIG}/a");
    let (code, refused) = delete(&client, &path, json!({ "preconditions": { "uid": "x" } })).await;
    let why = format!(
        "Operation cannot be fulfilled on ConfigMap \"a\": the UID in the precondition (x) does not match the UID in record ({uid}). \
         The object might have been deleted and then recreated"
    );
    assert_eq!(
        (code, &refused["message"], &refused["details"]),
        (409, &json!(why), &json!({ "name": "a", "kind": "ConfigMap" }))
    );
    let (code, _) = delete(&client, &path, json!({ "preconditions": { "uid": uid } })).await;
    assert_eq!((code, get(&client, &path).await.0), (200, 404));
}

#[tokio::test]
async fn a_foreground_deletion_waits_for_the_pods() {
    let sandbox = Sandbox::empty();
    let (client, path) = with_deployment(&sandbox).await;
    let (code, dying) = delete(&client, &path, json!({ "propagationPolicy": "Foreground" })).await;
    assert_eq!((code, &dying["metadata"]["finalizers"]), (200, &json!(["foregroundDeletion"])));
    assert!(dying["metadata"]["deletionTimestamp"].is_string());
    until(&client, &path, |answer| answer["code"] == 404).await;
    assert_eq!((count(&get(&client, SETS).await.1), count(&get(&client, PODS).await.1)), (0, 0));
}

#[tokio::test]
async fn orphans_stay_and_forget_their_owner() {
    let sandbox = Sandbox::empty();
    let (client, path) = with_deployment(&sandbox).await;
    assert_eq!(delete(&client, &path, json!({ "propagationPolicy": "Orphan" })).await.0, 200);
    until(&client, &path, |answer| answer["code"] == 404).await;
    let (_, sets) = get(&client, SETS).await;
    assert_eq!((count(&sets), &sets["items"][0]["metadata"]["ownerReferences"]), (1, &Value::Null));
    assert_eq!(count(&get(&client, PODS).await.1), 2);
}

#[tokio::test]
async fn a_finalizer_holds_an_object_until_it_is_taken_away() {
    let sandbox = Sandbox::empty();
    let client = sandbox.client();
    post(&client, CONFIG, json!({ "metadata": { "name": "a", "finalizers": ["example.com/hold"] } })).await;
    let path = format!("{CONFIG}/a");
    let (code, held) = delete(&client, &path, Value::Null).await;
    assert_eq!((code, held["metadata"]["deletionTimestamp"].is_string()), (200, true));
    assert_eq!(get(&client, &path).await.0, 200);
    let freed = json!({ "metadata": { "finalizers": null } });
    assert_eq!(send(&client, Method::PATCH, &path, MERGE, &freed).await.0, 200);
    assert_eq!(get(&client, &path).await.0, 404);
}
