//! Lists and watches: pages, metadata only, versions that are too old, bookmarks. And what is refused.

use http::Request;
use http_body_util::BodyExt;
use serde_json::{Value, json};

use super::{Fault, Sandbox, get, post};

const CONFIG: &str = "/api/v1/namespaces/default/configmaps";
const METADATA: &str = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json";

/// A sandbox with so many ConfigMaps.
async fn with_objects(number: usize) -> (Sandbox, kube::Client) {
    let sandbox = Sandbox::empty();
    let client = sandbox.client();
    for index in 0..number {
        post(&client, CONFIG, json!({ "metadata": { "name": format!("c{index}") }, "data": { "a": "b" } })).await;
    }
    (sandbox, client)
}

/// The first so many lines of an answer, each of them JSON; fewer when it ends.
async fn lines(client: &kube::Client, path: &str, accept: &str, number: usize) -> Vec<Value> {
    let request = Request::get(path).header("accept", accept).body(Vec::new().into()).expect("a request");
    let mut body = client.send(request).await.expect("an answer").into_body();
    let mut text = Vec::new();
    let newlines = |text: &[u8]| text.iter().filter(|byte| **byte == b'\n').count();
    while newlines(&text) < number {
        let Some(frame) = body.frame().await else { break };
        text.extend(frame.expect("a frame").into_data().expect("data"));
    }
    let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| serde_json::from_slice(line).expect("JSON")).collect()
}

fn names(list: &Value) -> Vec<&str> {
    list["items"].as_array().into_iter().flatten().filter_map(|item| item["metadata"]["name"].as_str()).collect()
}

#[tokio::test]
async fn a_long_list_comes_in_pages() {
    let (sandbox, client) = with_objects(5).await;
    let (_, first) = get(&client, &format!("{CONFIG}?limit=2")).await;
    assert_eq!((names(&first), &first["metadata"]["remainingItemCount"]), (vec!["c0", "c1"], &json!(3)));
    let resume = first["metadata"]["continue"].as_str().expect("a token").to_owned();
    let (_, second) = get(&client, &format!("{CONFIG}?limit=3&continue={resume}")).await;
    assert_eq!((names(&second), &second["metadata"]["continue"]), (vec!["c2", "c3", "c4"], &Value::Null));
    assert_eq!(second["metadata"]["resourceVersion"], first["metadata"]["resourceVersion"]);
    post(&client, CONFIG, json!({ "metadata": { "name": "later" } })).await;
    sandbox.compact();
    let (code, expired) = get(&client, &format!("{CONFIG}?limit=3&continue={resume}")).await;
    assert_eq!((code, &expired["reason"]), (410, &json!("Expired")));
}

#[tokio::test]
async fn metadata_is_listed_and_watched_alone() {
    let (_sandbox, client) = with_objects(1).await;
    let list = lines(&client, CONFIG, METADATA, 1).await.remove(0);
    assert_eq!((&list["kind"], names(&list)), (&json!("PartialObjectMetadataList"), vec!["c0"]));
    assert_eq!((&list["items"][0]["kind"], &list["items"][0]["data"]), (&json!("PartialObjectMetadata"), &Value::Null));
    let event = lines(&client, &format!("{CONFIG}?watch=1"), METADATA, 1).await.remove(0);
    assert_eq!((&event["type"], &event["object"]["kind"]), (&json!("ADDED"), &json!("PartialObjectMetadata")));
    assert_eq!((&event["object"]["metadata"]["name"], &event["object"]["data"]), (&json!("c0"), &Value::Null));
}

#[tokio::test]
async fn a_bookmark_ends_the_initial_events() {
    let (_sandbox, client) = with_objects(2).await;
    let path =
        format!("{CONFIG}?watch=1&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan");
    let events = lines(&client, &path, "application/json", 3).await;
    let types: Vec<&Value> = events.iter().map(|event| &event["type"]).collect();
    assert_eq!(types, ["ADDED", "ADDED", "BOOKMARK"]);
    assert_eq!(events[2]["object"]["metadata"]["annotations"], json!({ "k8s.io/initial-events-end": "true" }));
}

#[tokio::test]
async fn a_watch_from_a_forgotten_version_is_told_so() {
    let (sandbox, client) = with_objects(2).await;
    let (_, list) = get(&client, CONFIG).await;
    let version = list["metadata"]["resourceVersion"].as_str().expect("a version");
    post(&client, CONFIG, json!({ "metadata": { "name": "later" } })).await;
    let path = format!("{CONFIG}?watch=1&resourceVersion={version}");
    let event = lines(&client, &path, "application/json", 1).await.remove(0);
    assert_eq!((&event["type"], &event["object"]["metadata"]["name"]), (&json!("ADDED"), &json!("later")));
    sandbox.compact();
    // It ends of itself after the error.
    let events = lines(&client, &path, "application/json", usize::MAX).await;
    assert_eq!((events.len(), &events[0]["type"], &events[0]["object"]["code"]), (1, &json!("ERROR"), &json!(410)));
}

#[tokio::test]
async fn a_fault_comes_instead_of_the_answer() {
    let (sandbox, client) = with_objects(1).await;
    sandbox.set_fault(|request| {
        let status = Fault::Status { code: 429, message: "too many requests".to_owned(), retry_after: Some(1) };
        match request.uri.path() {
            path if path.ends_with("/c0") => Some(status),
            path if path.ends_with("/c1") => Some(Fault::Disconnect),
            _ => None,
        }
    });
    let (code, status) = get(&client, &format!("{CONFIG}/c0")).await;
    assert_eq!(
        (code, &status["message"], &status["reason"]),
        (429, &json!("too many requests"), &json!("TooManyRequests"))
    );
    let request = Request::get(format!("{CONFIG}/c1")).body(Vec::new().into()).expect("a request");
    assert!(client.send(request).await.is_err());
    assert_eq!(get(&client, CONFIG).await.0, 200);
    sandbox.clear_fault();
    assert_eq!(get(&client, &format!("{CONFIG}/c0")).await.0, 200);
}

#[tokio::test]
async fn restricted_users_are_refused_in_the_servers_words() {
    let (sandbox, _) = with_objects(1).await;
    let reader = sandbox.client_as("reader");
    assert_eq!(get(&reader, CONFIG).await.0, 200);
    let (code, refused) = post(&reader, CONFIG, json!({ "metadata": { "name": "x" } })).await;
    let why = "configmaps is forbidden: User \"reader\" cannot create resource \"configmaps\" in API group \"\" in the namespace \"default\"";
    assert_eq!((code, &refused["message"], &refused["reason"]), (403, &json!(why), &json!("Forbidden")));
    let (code, refused) = get(&sandbox.client_as("operator"), "/apis/apps/v1/deployments").await;
    let why = "deployments.apps is forbidden: User \"operator\" cannot list resource \"deployments\" in API group \"apps\" at the cluster scope";
    assert_eq!((code, &refused["message"]), (403, &json!(why)));
    assert_eq!(get(&sandbox.client_as("tenant"), CONFIG).await.0, 403);
    assert_eq!(get(&sandbox.client_as("nobody"), "/api/v1/namespaces").await.0, 403);
}

#[tokio::test]
async fn what_the_sandbox_does_not_know_it_says_plainly() {
    let (_sandbox, client) = with_objects(0).await;
    for path in ["/apis/storage.k8s.io/v1/storageclasses", "/apis/example.com/v1/namespaces/default/widgets/a"] {
        let (code, status) = get(&client, path).await;
        let message = format!("the sandbox does not serve {path}");
        assert_eq!((code, &status["reason"], &status["message"]), (501, &json!("NotImplemented"), &json!(message)));
    }
    let (code, status) = get(&client, &format!("{CONFIG}?fieldSelector=data.a%3Db")).await;
    let message = "\"data.a\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\"";
    assert_eq!((code, &status["message"]), (400, &json!(message)));
}
