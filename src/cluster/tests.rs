//! Trouble on the way to a server, with a fake in the server's place: the transport is kube's own.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use http::{Request, Response};
use kube::client::Body;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::{
    Cluster, ConnectOptions, Error, ErrorKind,
    read::Target,
    wait::{WaitOptions, WaitStrategy},
};
use crate::manifest::ObjectKey;

type Requests = Arc<Mutex<Vec<String>>>;

/// A server that has the kinds of group `apps` and answers other requests from `answer`, which is told the URL.
fn fake(answer: impl Fn(&str) -> (u16, String) + Send + Sync + 'static) -> (Cluster, Requests) {
    let requests = Requests::default();
    let (seen, answer) = (Arc::clone(&requests), Arc::new(answer));
    let service = tower::service_fn(move |request: Request<Body>| {
        let url = request.uri().to_string();
        let (code, body) = match url.as_str() {
            "/api" => (200, json!({"versions": ["v1"]}).to_string()),
            "/apis" => (200, json!({"groups": [{"versions": [{"groupVersion": "apps/v1"}, {"groupVersion": "down/v1"}]}]}).to_string()),
            "/api/v1" => (200, json!({"resources": [
                {"name": "pods", "kind": "Pod", "namespaced": true}, {"name": "pods/log", "kind": "Pod", "namespaced": true},
            ]}).to_string()),
            "/apis/apps/v1" => (200, json!({"resources": [{"name": "deployments", "kind": "Deployment", "namespaced": true}]}).to_string()),
            "/apis/down/v1" => (503, String::new()),
            _ => answer(&url),
        };
        seen.lock().expect("not poisoned").push(url);
        let response = Response::builder().status(code).body(Body::from(body.into_bytes()));
        async move { response }
    });
    (Cluster::from_client(kube::Client::new(service, "shop"), "fake", "shop"), requests)
}

fn status(code: u16, reason: &str) -> (u16, String) {
    (code, json!({"kind": "Status", "code": code, "reason": reason, "message": format!("says {reason}")}).to_string())
}

fn web() -> Target {
    let [group, kind, namespace, name] = ["apps", "Deployment", "shop", "web"].map(str::to_owned);
    Target { api_version: "apps/v1".to_owned(), key: ObjectKey { group, kind, namespace, name } }
}

fn deployment(available: bool, version: u32) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "shop", "resourceVersion": version.to_string()},
        "status": {
            "replicas": 1, "updatedReplicas": 1, "readyReplicas": 1, "availableReplicas": u32::from(available),
            "conditions": [{"type": "Available", "status": "True"}],
        },
    })
}

fn list(object: &Value, version: &str) -> String {
    json!({"metadata": {"resourceVersion": version}, "items": [object]}).to_string()
}

#[track_caller]
fn check(error: &Error, kind: &ErrorKind, message: &str) {
    assert_eq!((&error.kind, error.message.as_str()), (kind, message));
}

#[tokio::test]
async fn answers_keep_their_kind_and_words() {
    for (code, reason, kind) in [
        (401, "Unauthorized", ErrorKind::Unauthorized),
        (403, "Forbidden", ErrorKind::Forbidden),
        (409, "Conflict", ErrorKind::Conflict),
        (429, "TooManyRequests", ErrorKind::TooManyRequests),
        (500, "InternalError", ErrorKind::Other),
    ] {
        let (cluster, _) = fake(move |_| status(code, reason));
        check(&cluster.get(&web()).await.expect_err("an error"), &kind, &format!("says {reason}"));
    }
    let (cluster, _) = fake(|_| status(404, "NotFound"));
    assert_eq!(cluster.get(&web()).await.expect("an answer"), None);
}

/// A server of before Kubernetes 1.26, with an aggregated API that is down.
#[tokio::test]
async fn classic_discovery_spares_what_is_not_broken() {
    let (cluster, requests) = fake(|_| status(404, "NotFound"));
    assert_eq!(cluster.resource("apps/v1", "Deployment").await.expect("served").plural, "deployments");
    check(
        &cluster.resource("apps/v1", "Deploymnet").await.expect_err("not served"),
        &ErrorKind::NoKind,
        "no matches for kind \"Deploymnet\" in version \"apps/v1\"",
    );
    let broken = cluster.resource("down/v1", "Thing").await.expect_err("down");
    assert!(broken.message.ends_with("down/v1: stale GroupVersion discovery: down/v1"), "{broken}");
    assert_eq!(requests.lock().expect("not poisoned").len(), 5, "discovered once");
}

#[tokio::test]
async fn a_watch_recovers_from_410_and_from_a_broken_connection() {
    let gone =
        json!({"type": "ERROR", "object": {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"}});
    let ready = json!({"type": "MODIFIED", "object": deployment(true, 9)});
    let answers = Mutex::new(VecDeque::from([
        (200, list(&deployment(false, 1), "1")),
        (200, format!("{gone}\n")),
        (200, list(&deployment(false, 5), "5")),
        status(500, "InternalError"),
        (200, list(&deployment(false, 7), "7")),
        (200, format!("{ready}\n")),
    ]));
    let (cluster, requests) =
        fake(move |_| answers.lock().expect("not poisoned").pop_front().unwrap_or_else(|| status(500, "Exhausted")));
    let options = WaitOptions { strategy: WaitStrategy::Watcher, jobs: false, timeout: Duration::from_secs(30) };
    cluster.wait_ready(&[web()], &options, &CancellationToken::new(), &|_| ()).await.expect("ready");
    let watches = requests.lock().expect("not poisoned");
    let from: Vec<_> = watches.iter().filter_map(|url| url.split_once("&resourceVersion=")).map(|(_, v)| v).collect();
    // The last watch ends with its answer, so one from "9" may be asked for before the readiness is seen.
    assert_eq!(from.get(..3), Some(&["1", "5", "7"][..]));
}

/// Reading one object may be allowed where listing is not.
#[tokio::test]
async fn what_may_not_be_watched_is_read() {
    let (cluster, _) = fake(|url| match url.ends_with("/deployments/web") {
        true => (200, deployment(true, 1).to_string()),
        false => status(403, "Forbidden"),
    });
    let options = WaitOptions { strategy: WaitStrategy::Watcher, jobs: false, timeout: Duration::from_secs(30) };
    cluster.wait_ready(&[web()], &options, &CancellationToken::new(), &|_| ()).await.expect("ready");

    let (cluster, _) = fake(|_| status(403, "Forbidden"));
    let refused = cluster.wait_ready(&[web()], &options, &CancellationToken::new(), &|_| ()).await;
    check(&refused.expect_err("refused"), &ErrorKind::Forbidden, "says Forbidden");
}

/// An empty kubeconfig keeps the tester's own out.
async fn connect(server: &str) -> Cluster {
    let empty = tempfile::NamedTempFile::new().expect("a file");
    let options = ConnectOptions {
        kubeconfig: vec![empty.path().to_owned()],
        api_server: Some(server.to_owned()),
        ..ConnectOptions::default()
    };
    Cluster::connect(&options).await.expect("a client")
}

/// As Helm 4.2.4 tells it after `Kubernetes cluster unreachable: `.
#[tokio::test]
async fn a_refused_connection_is_told_as_go_tells_it() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    let error = connect(&format!("http://{address}")).await.server_version().await.expect_err("refused");
    let expected = format!("Get \"http://{address}/version\": dial tcp {address}: connect: connection refused");
    check(&error, &ErrorKind::Unreachable, &expected);
}

#[tokio::test]
async fn a_server_that_never_answers_can_be_left() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let cluster = connect(&format!("http://{}", listener.local_addr().expect("an address"))).await;
    let asked = tokio::spawn(async move { cluster.server_version().await });
    let (mut connection, _) = listener.accept().await.expect("a connection");
    asked.abort();
    assert!(asked.await.expect_err("aborted").is_cancelled());
    // The connection ends with the request: reading it comes to an end.
    let mut rest = Vec::new();
    tokio::io::AsyncReadExt::read_to_end(&mut connection, &mut rest).await.expect("closed");
}
