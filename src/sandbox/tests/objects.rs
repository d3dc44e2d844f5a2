//! Creating, reading, changing and deleting objects; controllers that follow.

use http::Method;
use serde_json::{Value, json};

use super::{MERGE, Sandbox, deployment, get, is_done, post, send, until};

const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/default/deployments";

#[tokio::test]
async fn a_deployment_rolls_to_a_new_image() {
    let sandbox = Sandbox::empty();
    let client = sandbox.client();
    let (code, created) = post(&client, DEPLOYMENTS, deployment("nginx:1.25", 3)).await;
    assert_eq!((code, &created["spec"]["strategy"]["rollingUpdate"]["maxSurge"]), (201, &json!("25%")));
    let path = format!("{DEPLOYMENTS}/web");
    until(&client, &path, is_done(3)).await;
    let patch =
        json!({ "spec": { "template": { "spec": { "containers": [{ "name": "web", "image": "nginx:1.26" }] } } } });
    let (code, changed) = send(&client, Method::PATCH, &path, MERGE, &patch).await;
    assert_eq!((code, &changed["metadata"]["generation"]), (200, &json!(2)));
    let done = until(&client, &path, is_done(3)).await;
    assert_eq!(done["metadata"]["annotations"]["deployment.kubernetes.io/revision"], "2");
    let (_, pods) = get(&client, "/api/v1/namespaces/default/pods?labelSelector=app%3Dweb").await;
    let images: Vec<&Value> =
        pods["items"].as_array().expect("pods").iter().map(|pod| &pod["spec"]["containers"][0]["image"]).collect();
    assert_eq!(images, ["nginx:1.26"; 3]);
}

#[tokio::test]
async fn a_deleted_deployment_takes_its_pods_along() {
    let sandbox = Sandbox::empty();
    let client = sandbox.client();
    post(&client, DEPLOYMENTS, deployment("nginx:1.25", 2)).await;
    let path = format!("{DEPLOYMENTS}/web");
    until(&client, &path, is_done(2)).await;
    let (code, status) = send(&client, Method::DELETE, &path, "application/json", &Value::Null).await;
    assert_eq!((code, &status["status"]), (200, &json!("Success")));
    until(&client, "/api/v1/namespaces/default/pods", |list| list["items"].as_array().is_some_and(Vec::is_empty)).await;
}

#[tokio::test]
async fn refusals_are_in_the_servers_words() {
    let sandbox = Sandbox::empty();
    let client = sandbox.client();
    let (code, missing) = get(&client, &format!("{DEPLOYMENTS}/web")).await;
    assert_eq!((code, &missing["message"]), (404, &json!("deployments.apps \"web\" not found")));
    post(&client, DEPLOYMENTS, deployment("nginx:1.25", 1)).await;
    let (code, twice) = post(&client, DEPLOYMENTS, deployment("nginx:1.25", 1)).await;
    assert_eq!((code, &twice["message"]), (409, &json!("deployments.apps \"web\" already exists")));
    let (code, nowhere) =
        post(&client, "/api/v1/namespaces/nowhere/configmaps", json!({ "metadata": { "name": "x" } })).await;
    assert_eq!((code, &nowhere["message"]), (404, &json!("namespaces \"nowhere\" not found")));
    let (code, unknown) = get(&client, "/apis/storage.k8s.io/v1/storageclasses").await;
    assert_eq!((code, &unknown["reason"]), (501, &json!("NotImplemented")));
}

#[tokio::test]
async fn what_is_left_out_is_filled_in_as_by_the_server() {
    let sandbox = Sandbox::empty();
    let client = sandbox.client();
    let pod = json!({
        "containers": [{
            "name": "c", "image": "nginx:1.25", "env": [{ "name": "EMPTY", "value": "" }],
            "lifecycle": { "preStop": { "httpGet": { "port": 80 } } },
        }],
        "volumes": [
            { "name": "host", "hostPath": { "path": "/x" } },
            { "name": "token", "projected": { "sources": [{ "serviceAccountToken": { "path": "t" } }] } },
            { "name": "labels", "downwardAPI": { "items": [{ "path": "l", "fieldRef": { "fieldPath": "metadata.labels" } }] } },
        ],
        "restartPolicy": "Never",
    });
    let job = json!({ "metadata": { "name": "once" }, "spec": { "template": { "spec": pod } } });
    let (code, job) = post(&client, "/apis/batch/v1/namespaces/default/jobs", job).await;
    assert_eq!((code, &job["spec"]["manualSelector"]), (201, &json!(false)));
    let spec = &job["spec"]["template"]["spec"];
    let container = &spec["containers"][0];
    assert_eq!(container["env"], json!([{ "name": "EMPTY" }]));
    assert_eq!(container["lifecycle"]["preStop"]["httpGet"], json!({ "path": "/", "port": 80, "scheme": "HTTP" }));
    assert_eq!(spec["volumes"][0]["hostPath"], json!({ "path": "/x", "type": "" }));
    let token = json!({ "path": "t", "expirationSeconds": 3600 });
    assert_eq!(spec["volumes"][1]["projected"]["sources"][0]["serviceAccountToken"], token);
    let labels = json!({ "apiVersion": "v1", "fieldPath": "metadata.labels" });
    assert_eq!(spec["volumes"][2]["downwardAPI"]["items"][0]["fieldRef"], labels);
}
