//! The drivers against a transport that answers from a script.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures::stream::{self, StreamExt as _};
use http_body::Frame;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use kube::client::Body;
use serde_json::{Value, json};

use super::*;
use crate::release::Chart;

const V1: &[u8] = include_bytes!("../../../tests/data/records/web.v1");

/// One answer of the server.
enum Answer {
    Json(u16, Value),
    /// A watch: its events, then how it ends.
    Events(Vec<Value>, End),
    /// No connection.
    Refused,
}

enum End {
    Open,
    Broken,
}

/// What was asked: method, path with query, body.
type Asked = Arc<Mutex<Vec<(String, String, Value)>>>;

fn storage(driver: Driver, namespace: &str, answers: Vec<Answer>) -> (Storage, Asked) {
    let asked = Asked::default();
    let log = Arc::clone(&asked);
    let answers = Arc::new(Mutex::new(VecDeque::from(answers)));
    let service = tower::service_fn(move |request: http::Request<Body>| {
        let (log, answers) = (Arc::clone(&log), Arc::clone(&answers));
        async move {
            let (head, body) = request.into_parts();
            let body = body.collect().await.map(http_body_util::Collected::to_bytes);
            let body = serde_json::from_slice(&body.unwrap_or_default()).unwrap_or_default();
            let (method, path) = (head.method.to_string(), head.uri.to_string());
            log.lock().unwrap().push((method, path, body));
            let answer = answers.lock().unwrap().pop_front();
            respond(answer.expect("no more requests were expected"))
        }
    });
    let cluster = Cluster::from_client(kube::Client::new(service, "default"), "test", "default");
    (Storage::new(cluster, driver, namespace), asked)
}

type AnswerBody = UnsyncBoxBody<Bytes, std::io::Error>;

fn respond(answer: Answer) -> std::io::Result<http::Response<AnswerBody>> {
    let (code, body) = match answer {
        Answer::Refused => return Err(std::io::ErrorKind::ConnectionRefused.into()),
        Answer::Json(code, value) => {
            let body = Full::new(Bytes::from(value.to_string()));
            (code, body.map_err(|never| match never {}).boxed_unsync())
        }
        Answer::Events(events, end) => {
            let lines = stream::iter(events).map(|event| Ok(Bytes::from(format!("{event}\n"))));
            let rest = match end {
                End::Open => stream::pending().boxed(),
                End::Broken => {
                    let error = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
                    stream::iter([Err(error)]).boxed()
                }
            };
            let body = StreamBody::new(lines.chain(rest).map(|line| line.map(Frame::data)));
            (200, body.boxed_unsync())
        }
    };
    let response = http::Response::builder().status(code).body(body);
    response.map_err(std::io::Error::other)
}

fn failure(code: u16, reason: &str) -> Answer {
    let status = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": format!("{reason}!"), "reason": reason, "code": code});
    Answer::Json(code, status)
}

fn object(record: &str, version: &str, labels: Value) -> Value {
    json!({"metadata": {
        "name": record, "namespace": "shop", "uid": format!("uid-{record}"), "resourceVersion": version,
        "creationTimestamp": "2026-11-21T01:00:00Z", "labels": labels,
        "managedFields": [
            {"manager": "Helm", "operation": "Update", "time": "2026-11-21T01:00:00Z"},
            {"manager": "pilothouse", "operation": "Update", "time": "2026-11-21T02:00:00Z"},
        ],
    }})
}

fn record(revision: u32, version: &str, status: &str) -> Value {
    let labels = json!({"name": "web", "owner": "helm", "status": status,
        "version": revision.to_string(), "team": "front"});
    object(&record_name("web", revision), version, labels)
}

fn stored(version: &str, release: &[u8]) -> Answer {
    let mut object = record(1, version, "deployed");
    object["data"] = json!({"release": STANDARD.encode(release)});
    Answer::Json(200, object)
}

fn page(items: &[Value], next: &str) -> Answer {
    let metadata = json!({"resourceVersion": "100", "continue": next});
    let items = if items.is_empty() { Value::Null } else { json!(items) };
    Answer::Json(200, json!({"metadata": metadata, "items": items}))
}

fn meta(revision: u32, version: &str, status: &str) -> RecordMeta {
    let object: object::Partial = serde_json::from_value(record(revision, version, status)).unwrap();
    object.metadata.into_record().unwrap()
}

fn paths(asked: &Asked) -> Vec<String> {
    let asked = asked.lock().unwrap();
    asked.iter().map(|(method, path, _)| format!("{method} {path}")).collect()
}

fn body(asked: &Asked, request: usize) -> Value {
    asked.lock().unwrap()[request].2.clone()
}

fn chosen(driver: &str) -> Result<Driver, Error> {
    Driver::from_env(|name| if name == "HELM_DRIVER" { driver } else { "" })
}

#[test]
fn drivers_are_named_as_helm_names_them() {
    for name in ["", "secret", "secrets"] {
        assert!(matches!(chosen(name), Ok(Driver::Secrets)), "{name:?}");
    }
    for name in ["configmap", "configmaps"] {
        assert!(matches!(chosen(name), Ok(Driver::ConfigMaps)), "{name:?}");
    }
    assert!(matches!(chosen("memory"), Ok(Driver::Memory(_))));
    for name in ["etcd", "Secret", "SQL"] {
        assert_eq!(chosen(name).unwrap_err().to_string(), format!("unknown driver {name:?}"));
    }
}

#[tokio::test]
async fn a_list_follows_its_pages_and_leaves_out_what_is_no_record() {
    let foreign = object("helm-config", "1", json!({"owner": "helm"}));
    let unlabelled = object("sh.helm.release.v1.old.one.v12", "7", json!({"version": "twelve"}));
    let (storage, asked) = storage(
        Driver::Secrets,
        "",
        vec![page(&[record(1, "5", "deployed"), foreign], "more"), page(&[unlabelled], "")],
    );
    let records = storage.list("status!=superseded").await.unwrap();
    assert_eq!(
        records[0],
        RecordMeta {
            record: "sh.helm.release.v1.web.v1".into(),
            namespace: "shop".into(),
            name: "web".into(),
            revision: 1,
            status: Status::Deployed,
            uid: "uid-sh.helm.release.v1.web.v1".into(),
            resource_version: "5".into(),
            created_at: 1_795_222_800,
            modified_at: 0,
            writers: vec![
                ("pilothouse".into(), "2026-11-21T02:00:00Z".into()),
                ("Helm".into(), "2026-11-21T01:00:00Z".into()),
            ],
            annotations: BTreeMap::new(),
            labels: [("team".to_owned(), "front".to_owned())].into(),
        }
    );
    assert_eq!((records[1].name.as_str(), records[1].revision), ("old.one", 12));
    assert_eq!(records[1].status, Status::Unknown);
    assert_eq!(records.len(), 2);
    let first = "GET /api/v1/secrets?&labelSelector=owner%3Dhelm%2Cstatus%21%3Dsuperseded&limit=500";
    assert_eq!(paths(&asked), [first.to_owned(), format!("{first}&continue=more")]);
}

#[tokio::test]
async fn pages_that_expired_are_listed_at_once() {
    let all = [record(1, "5", "deployed"), record(2, "6", "failed")];
    let (storage, asked) =
        storage(Driver::ConfigMaps, "shop", vec![page(&all[..1], "more"), failure(410, "Expired"), page(&all, "")]);
    assert_eq!(storage.list("").await.unwrap().len(), 2);
    let last = "GET /api/v1/namespaces/shop/configmaps?&labelSelector=owner%3Dhelm";
    assert_eq!(paths(&asked)[2], last);
}

#[tokio::test]
async fn history_is_in_order_of_numbers() {
    let records = [10, 9, 1].map(|revision| record(revision, "5", "superseded"));
    let (storage, _) = storage(Driver::Secrets, "shop", vec![page(&records, ""), page(&[], "")]);
    let revisions: Vec<_> = storage.history("web").await.unwrap().iter().map(|r| r.revision).collect();
    assert_eq!(revisions, [1, 9, 10]);
    assert!(matches!(storage.history("web").await, Err(Error::NotFound)));
}

#[tokio::test]
async fn a_record_is_fetched_once_per_version() {
    let (storage, asked) = storage(Driver::Secrets, "shop", vec![stored("5", V1), stored("6", V1)]);
    let decoded = storage.decode(&meta(1, "5", "deployed")).await.unwrap();
    assert_eq!(decoded.labels, [("team".to_owned(), "front".to_owned())].into());
    let again = storage.in_namespace("other").decode(&meta(1, "5", "deployed")).await.unwrap();
    assert!(Arc::ptr_eq(&decoded, &again));
    let summary = storage.summary(&meta(1, "5", "deployed")).await.unwrap();
    assert_eq!(summary.chart_version, "1.2.3");
    assert_eq!(paths(&asked).len(), 1);
    storage.decode(&meta(1, "6", "deployed")).await.unwrap();
    assert_eq!(paths(&asked).len(), 2);
}

#[tokio::test]
async fn one_damaged_record_spares_the_others() {
    let mut empty = record(2, "5", "deployed");
    empty["data"] = Value::Null;
    let (storage, _) = storage(
        Driver::Secrets,
        "shop",
        vec![Answer::Json(200, empty), stored("5", V1), stored("5", b"%"), failure(404, "NotFound")],
    );
    let metas = [2, 1, 3, 4].map(|revision| meta(revision, "5", "deployed"));
    let decoded = storage.summaries(&metas).await;
    let error = |n: usize| decoded[n].as_ref().unwrap_err().to_string();
    assert_eq!(error(0), "record sh.helm.release.v1.web.v2: its data has no key `release`");
    assert_eq!(decoded[1].as_ref().unwrap().name, "web");
    assert!(error(2).starts_with("record sh.helm.release.v1.web.v3: not base64"));
    assert_eq!(error(3), "release: not found");
}

/// A Secret as Go writes it: k8s.io/api `Secret.Marshal` in a `runtime.Unknown`.
#[test]
fn a_server_may_answer_in_protobuf() {
    let secret = [
        b"k8s\0\x0a\x0c\x0a\x02v1\x12\x06Secret\x12\x7e".as_slice(),
        b"\x0a\x56\x0a\x19sh.helm.release.v1.web.v1\x12\0\x1a\0\x22\0\x2a\0\x32\0\x38\0\x42\0",
        b"\x5a\x0d\x0a\x05owner\x12\x04helm\x5a\x12\x0a\x06status\x12\x08deployedr\x03a/br\x03c/d",
        b"\x12\x10\x0a\x07release\x12\x05H4sIA\x1a\x12helm.sh/release.v1\x1a\0\x22\0",
    ]
    .concat();
    let stored = Stored::read(Kind::Secret, &secret).unwrap();
    assert_eq!(stored.metadata.name, "sh.helm.release.v1.web.v1");
    assert_eq!(stored.metadata.labels["status"], "deployed");
    assert_eq!(stored.payload().unwrap(), b"H4sIA");
    let error = Stored::read(Kind::Secret, &secret[..60]).unwrap_err();
    assert!(error.to_string().contains("cut off"), "{error}");
}

#[tokio::test]
async fn config_maps_hold_the_text_itself() {
    let mut object = record(1, "5", "deployed");
    object["data"] = json!({"release": String::from_utf8_lossy(V1)});
    let (storage, asked) = storage(Driver::ConfigMaps, "", vec![Answer::Json(200, object)]);
    assert_eq!(storage.get("web", 1).await.unwrap().revision, 1);
    let path = "GET /api/v1/namespaces/default/configmaps/sh.helm.release.v1.web.v1";
    assert_eq!(paths(&asked), [path]);
}

fn release() -> Release {
    Release {
        name: "web".into(),
        namespace: "shop".into(),
        revision: 2,
        labels: [("team".to_owned(), "front".to_owned()), ("owner".to_owned(), "me".to_owned())].into(),
        chart: Chart::default(),
        ..Release::default()
    }
}

/// The object is Helm's: see the one that real Helm wrote in `tests/cluster/records.rs`.
#[tokio::test]
async fn a_new_record_is_posted_as_helm_does() {
    let answers = vec![Answer::Json(201, record(2, "9", "unknown")), failure(409, "AlreadyExists")];
    let (storage, asked) = storage(Driver::Secrets, "shop", answers);
    let annotations = [("holder".to_owned(), "me".to_owned())].into();
    let written = storage.create(&release(), &annotations).await.unwrap();
    assert_eq!(written.resource_version, "9");
    let mut sent = body(&asked, 0);
    let created = sent["metadata"]["labels"]["createdAt"].take();
    assert!(created.as_str().is_some_and(|seconds| seconds.parse::<i64>().is_ok()));
    let data = sent["data"]["release"].take();
    let payload = STANDARD.decode(data.as_str().unwrap()).unwrap();
    assert_eq!(codec::decode("web", &payload).unwrap().revision, 2);
    assert_eq!(
        sent,
        json!({
            "apiVersion": "v1", "kind": "Secret", "type": "helm.sh/release.v1", "data": {"release": null},
            "metadata": {
                "name": "sh.helm.release.v1.web.v2",
                "annotations": {"holder": "me"},
                "labels": {"name": "web", "owner": "helm", "status": "unknown", "version": "2",
                    "team": "front", "createdAt": null},
            },
        })
    );
    let taken = storage.create(&release(), &annotations).await;
    assert!(matches!(taken, Err(Error::Exists)));
    let path = "POST /api/v1/namespaces/shop/secrets?&fieldManager=pilothouse";
    assert_eq!(paths(&asked), [path; 2]);
}

/// Text that hardly compresses.
fn noise(bytes: usize) -> String {
    let mut state = 1_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        char::from(b' ' + u8::try_from((state >> 33) % 94).unwrap_or_default())
    };
    (0..bytes).map(|_| next()).collect()
}

#[tokio::test]
async fn a_record_too_large_is_not_sent() {
    let (storage, asked) = storage(Driver::Secrets, "shop", vec![]);
    let mut release = release();
    release.manifest = noise(2 << 20);
    release.info.notes = "short".to_owned();
    let refused = storage.create(&release, &BTreeMap::new()).await;
    let message = refused.unwrap_err().to_string();
    assert!(message.starts_with("record sh.helm.release.v1.web.v2 would be "), "{message}");
    assert!(message.contains("before compression, manifest 2097152, notes 5"), "{message}");
    assert!(paths(&asked).is_empty());
}

#[tokio::test]
async fn an_update_survives_a_heartbeat_in_between() {
    let mut beaten = record(2, "6", "pending-rollback");
    beaten["metadata"]["annotations"] = json!({"beat": "2"});
    let answers =
        vec![failure(409, "Conflict"), Answer::Json(200, beaten), Answer::Json(200, record(2, "7", "deployed"))];
    let (storage, asked) = storage(Driver::Secrets, "shop", answers);
    let written = storage.update(&meta(2, "5", "pending-rollback"), &release()).await.unwrap();
    assert_eq!(written.resource_version, "7");
    let sent = [0, 2].map(|request| body(&asked, request)["metadata"].clone());
    assert_eq!(sent[0]["resourceVersion"], "5");
    assert_eq!(sent[0]["uid"], "uid-sh.helm.release.v1.web.v2");
    assert_eq!(sent[0]["labels"]["createdAt"], "1795222800");
    assert_eq!(sent[1]["resourceVersion"], "6");
    assert_eq!(sent[1]["annotations"], json!({"beat": "2"}));
}

#[track_caller]
fn check_moved<T: std::fmt::Debug>(result: Result<T, Error>) {
    let error = result.unwrap_err().to_string();
    assert_eq!(error, "record sh.helm.release.v1.web.v2 was changed by someone else");
}

#[tokio::test]
async fn a_record_changed_by_others_is_not_overwritten() {
    let mut replaced = record(2, "6", "pending-rollback");
    replaced["metadata"]["uid"] = json!("another");
    let answers = vec![
        failure(409, "Conflict"),
        Answer::Json(200, record(2, "6", "failed")),
        failure(409, "Conflict"),
        Answer::Json(200, replaced),
        failure(404, "NotFound"),
        failure(404, "NotFound"),
        failure(409, "Conflict"),
    ];
    let (storage, asked) = storage(Driver::Secrets, "shop", answers);
    let meta = meta(2, "5", "pending-rollback");
    check_moved(storage.update(&meta, &release()).await);
    check_moved(storage.update(&meta, &release()).await);
    check_moved(storage.update(&meta, &release()).await);
    check_moved(storage.annotate(&meta, &BTreeMap::new()).await);
    assert_eq!(paths(&asked).len(), 7);
}

#[tokio::test]
async fn only_the_very_record_is_deleted() {
    let mut another = record(2, "6", "failed");
    another["metadata"]["uid"] = json!("another");
    let answers = vec![
        Answer::Json(200, json!({"kind": "Status"})),
        failure(409, "Conflict"),
        Answer::Json(200, another),
        failure(409, "Conflict"),
        Answer::Json(200, record(2, "6", "failed")),
    ];
    let (storage, asked) = storage(Driver::Secrets, "shop", answers);
    storage.delete(&meta(2, "5", "failed")).await.unwrap();
    let sent = body(&asked, 0);
    assert_eq!(sent["preconditions"], json!({"uid": "uid-sh.helm.release.v1.web.v2"}));
    let gone = storage.delete(&meta(2, "5", "failed")).await;
    assert!(matches!(gone, Err(Error::NotFound)));
    let there = storage.delete(&meta(2, "5", "failed")).await;
    assert!(matches!(there, Err(Error::Cluster(_))), "{there:?}");
}

#[tokio::test]
async fn the_last_good_revision_is_found_without_reading_all() {
    let failed: &[u8] = include_bytes!("../../../tests/data/records/web.v6");
    let records = [
        record(1, "5", "superseded"),
        record(2, "5", "superseded"),
        record(3, "5", "superseded"),
        record(4, "5", "failed"),
        record(5, "5", "deployed"),
    ];
    let answers = vec![page(&records, ""), stored("5", failed), stored("5", V1)];
    let (storage, asked) = storage(Driver::Secrets, "shop", answers);
    assert_eq!(storage.last_good("web", 5).await.unwrap(), Some(2));
    assert_eq!(paths(&asked).len(), 3);
}

fn event(kind: &str, object: &Value) -> Value {
    json!({"type": kind, "object": object})
}

fn bookmark(version: &str) -> Value {
    let metadata = json!({"resourceVersion": version});
    event("BOOKMARK", &json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata}))
}

fn told(event: StorageEvent) -> String {
    match event {
        StorageEvent::Restarted(records) => format!("restarted with {}", records.len()),
        StorageEvent::Applied(meta) => format!("v{} {}", meta.revision, meta.status.as_str()),
        StorageEvent::Gone { namespace, record } => format!("gone {namespace}/{record}"),
        StorageEvent::Disconnected(_) => "disconnected".to_owned(),
        StorageEvent::Connected => "connected".to_owned(),
        StorageEvent::Denied(error) => format!("denied: {error}"),
    }
}

/// What a watch tells, up to as many events as are expected, and what it asked.
#[track_caller]
fn check_watch(answers: Vec<Answer>, expected: &[&str]) -> Vec<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let (events, paths) = runtime.unwrap().block_on(async {
        let (storage, asked) = storage(Driver::Secrets, "shop", answers);
        let events = storage.watch("status!=superseded").take(expected.len() + 1);
        let wait = std::time::Duration::from_secs(5);
        let mut told: Vec<String> = Vec::new();
        tokio::pin!(events);
        while told.len() < expected.len()
            && let Ok(Some(event)) = tokio::time::timeout(wait, events.next()).await
        {
            told.push(self::told(event));
        }
        (told, paths(&asked))
    });
    assert_eq!(events, expected);
    paths
}

#[test]
fn a_watch_tells_what_comes_changes_and_goes() {
    let events = vec![
        event("ADDED", &record(2, "101", "pending-upgrade")),
        event("MODIFIED", &record(2, "102", "deployed")),
        event("ADDED", &object("foreign", "103", json!({}))),
        event("DELETED", &record(1, "104", "superseded")),
    ];
    check_watch(
        vec![page(&[record(1, "5", "deployed")], ""), Answer::Events(events, End::Open)],
        &["restarted with 1", "v2 pending-upgrade", "v2 deployed", "gone shop/sh.helm.release.v1.web.v1"],
    );
}

#[test]
fn a_broken_watch_goes_on_where_it_was() {
    let asked = check_watch(
        vec![
            Answer::Refused,
            page(&[], ""),
            Answer::Events(vec![bookmark("140")], End::Broken),
            Answer::Refused,
            Answer::Events(vec![event("ADDED", &record(1, "150", "deployed"))], End::Open),
        ],
        &["disconnected", "restarted with 0", "disconnected", "disconnected", "connected", "v1 deployed"],
    );
    assert!(asked[4].contains("resourceVersion=140"), "{asked:?}");
    assert!(asked[4].contains("allowWatchBookmarks=true"), "{asked:?}");
}

#[test]
fn a_watch_that_is_too_old_lists_anew() {
    let Answer::Json(_, expired) = failure(410, "Expired") else { unreachable!() };
    check_watch(
        vec![
            page(&[], ""),
            Answer::Events(vec![event("ERROR", &expired)], End::Open),
            page(&[record(1, "5", "deployed")], ""),
            failure(410, "Expired"),
            page(&[], ""),
            Answer::Events(vec![], End::Open),
        ],
        &["restarted with 0", "restarted with 1", "restarted with 0"],
    );
}

#[test]
fn a_refused_watch_ends() {
    check_watch(vec![failure(403, "Forbidden")], &["denied: Forbidden!"]);
    check_watch(vec![page(&[], ""), failure(401, "Unauthorized")], &["restarted with 0", "denied: Unauthorized!"]);
}
