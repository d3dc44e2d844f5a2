//! The sandbox through `kube`, as the rest of the program meets it. What is expected here is what a real API server 1.36
//! with its controllers does.

mod deletes;
mod lists;
mod objects;
mod ssa;

use std::time::Duration;

use http::{Method, Request};
use serde_json::{Value, json};

use super::{Fault, Sandbox};

const MERGE: &str = "application/merge-patch+json";

/// Sends a request and answers code and body.
async fn send(client: &kube::Client, method: Method, path: &str, content_type: &str, body: &Value) -> (u16, Value) {
    let bytes = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    let request = Request::builder().method(method).uri(path).header("content-type", content_type).body(bytes.into());
    let response = client.send(request.expect("a request")).await.expect("an answer");
    let code = response.status().as_u16();
    let bytes = response.into_body().collect_bytes().await.expect("a body");
    (code, serde_json::from_slice(&bytes).unwrap_or_else(|_| String::from_utf8_lossy(&bytes).into_owned().into()))
}

async fn get(client: &kube::Client, path: &str) -> (u16, Value) {
    send(client, Method::GET, path, "application/json", &Value::Null).await
}

async fn post(client: &kube::Client, path: &str, body: Value) -> (u16, Value) {
    send(client, Method::POST, path, "application/json", &body).await
}

/// Waits until an object looks as wanted.
#[track_caller]
fn until<'a>(
    client: &'a kube::Client,
    path: &'a str,
    wanted: impl Fn(&Value) -> bool + 'a,
) -> impl Future<Output = Value> + 'a {
    let place = std::panic::Location::caller();
    async move {
        let poll = async {
            loop {
                let (_, object) = get(client, path).await;
                if wanted(&object) {
                    return object;
                }
                tokio::task::yield_now().await;
            }
        };
        match tokio::time::timeout(Duration::from_secs(10), poll).await {
            Ok(object) => object,
            Err(_) => panic!("{place}: {path} never became as wanted: {}", get(client, path).await.1),
        }
    }
}

/// A Deployment `web`.
fn deployment(image: &str, replicas: u32) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "web" },
        "spec": {
            "replicas": replicas, "selector": { "matchLabels": { "app": "web" } },
            "template": {
                "metadata": { "labels": { "app": "web" } },
                "spec": { "containers": [{ "name": "web", "image": image }] },
            },
        },
    })
}

/// Whether a Deployment has rolled out with so many pods.
fn is_done(replicas: i64) -> impl Fn(&Value) -> bool {
    move |object| {
        let status = &object["status"];
        let counts = ["replicas", "updatedReplicas", "availableReplicas"];
        status["observedGeneration"] == object["metadata"]["generation"]
            && counts.iter().all(|key| status[key].as_i64().unwrap_or(0) == replicas)
    }
}
