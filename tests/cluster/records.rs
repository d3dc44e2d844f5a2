//! Records: what real Helm wrote we read, what we write real Helm takes up, and the list stays live.

use std::collections::BTreeMap;

use futures::StreamExt as _;
use ops::next;
use pilothouse::release::{Driver, Error, RecordMeta, Release, Status, Storage, codec};
use serde_json::{Value, json};

use crate::plane::{chart, plane};

#[path = "../ops/records.rs"]
pub mod ops;

async fn storage(driver: &str, namespace: &str) -> Storage {
    let driver = Driver::from_env(|name| if name == "HELM_DRIVER" { driver } else { "" }).expect("a driver");
    Storage::new(plane().cluster("test", namespace).await, driver, namespace)
}

/// `helm ARGS -n NAMESPACE` with records where `driver` keeps them.
#[track_caller]
fn helm(driver: &str, namespace: &str, args: &str) -> String {
    let plane = plane();
    let program = plane.helm_path();
    plane.shell(&format!("HELM_DRIVER={driver} {} {args} -n {namespace}", program.display()))
}

fn install(driver: &str) -> String {
    let namespace = plane().namespace();
    let args = "--labels team=front --set replicas=3";
    helm(driver, &namespace, &format!("install web {} {args}", chart("web")));
    namespace
}

/// The object as stored, without what the server and the clock decide.
fn object(driver: &str, namespace: &str, record: &str) -> Value {
    let mut object = plane().object(namespace, &format!("{driver}/{record}"));
    let metadata = object["metadata"].as_object_mut().expect("it exists");
    metadata.retain(|key, _| matches!(key.as_str(), "name" | "namespace" | "labels"));
    let labels = metadata["labels"].as_object_mut().expect("labels");
    labels.retain(|key, _| !matches!(key.as_str(), "createdAt" | "modifiedAt"));
    object
}

async fn newest(storage: &Storage, name: &str) -> RecordMeta {
    let history = storage.history(name).await.expect("history");
    history.last().expect("not empty").clone()
}

/// Takes the newest revision of Helm and writes it again as the next one.
async fn write_next(storage: &Storage, status: Status) -> (RecordMeta, Release) {
    let newest = newest(storage, "web").await;
    let mut release = storage.get("web", newest.revision).await.expect("get");
    release.revision += 1;
    release.info.status = status;
    let holder = BTreeMap::from([("holder".to_owned(), "me".to_owned())]);
    let meta = storage.create(&release, &holder).await.expect("create");
    (meta, release)
}

async fn our_object_is_helms(driver: &str) {
    let namespace = install(driver);
    let storage = storage(driver, &namespace).await;
    let (meta, release) = write_next(&storage, Status::Deployed).await;
    assert_eq!(meta.writers[0].0, "pilothouse");
    let mut helms = object(driver, &namespace, "sh.helm.release.v1.web.v1");
    let mut ours = object(driver, &namespace, &meta.record);
    assert_eq!(helms["metadata"]["labels"]["team"], "front");
    for object in [&mut helms, &mut ours] {
        object["data"] = Value::Null;
        object["metadata"]["name"] = Value::Null;
        object["metadata"]["labels"]["version"] = Value::Null;
    }
    assert_eq!(ours, helms);
    assert_eq!(storage.get("web", 2).await.expect("get").labels, release.labels);
    let taken = storage.create(&release, &BTreeMap::new()).await;
    assert!(matches!(taken, Err(Error::Exists)), "{taken:?}");
}

#[tokio::test]
async fn our_secret_is_helms() {
    our_object_is_helms("secrets").await;
}

#[tokio::test]
async fn our_config_map_is_helms() {
    our_object_is_helms("configmaps").await;
}

#[tokio::test]
async fn helm_goes_on_from_our_records() {
    let namespace = install("secrets");
    let storage = storage("secrets", &namespace).await;
    let (meta, mut release) = write_next(&storage, Status::PendingUpgrade).await;
    release.info.status = Status::Deployed;
    release.info.description = "<ours> & done".to_owned();
    storage.update(&meta, &release).await.expect("update");
    let helm = |args: &str| helm("secrets", &namespace, args);
    let history: Value = serde_json::from_str(&helm("history web -o json")).expect("JSON");
    assert_eq!(history[1]["description"], "<ours> & done");
    assert_eq!(history[1]["status"], "deployed");
    assert!(helm("get manifest web --revision 2").contains("kind: Deployment"));
    helm("rollback web 2");
    let metas = storage.history("web").await.expect("history");
    let statuses: Vec<_> = metas.iter().map(|meta| meta.status.as_str()).collect();
    assert_eq!(statuses, ["superseded", "superseded", "deployed"]);
    assert_eq!(metas[2].writers[0].0, "Helm");
    assert_eq!(metas[2].labels["team"], "front");
    assert_eq!(storage.last_good("web", 3).await.expect("read"), Some(2));
}

#[tokio::test]
async fn written_records_are_listed_and_read() {
    for driver in ["secrets", "configmaps"] {
        ops::written_records_are_listed_and_read(storage(driver, &plane().namespace()).await).await;
    }
}

#[tokio::test]
async fn a_heartbeat_does_not_disturb() {
    ops::a_heartbeat_does_not_disturb(storage("secrets", &plane().namespace()).await).await;
}

#[tokio::test]
async fn a_stranger_is_not_overwritten() {
    ops::a_stranger_is_not_overwritten(storage("secrets", &plane().namespace()).await).await;
}

#[tokio::test]
async fn the_list_is_live() {
    ops::the_list_is_live(storage("secrets", &plane().namespace()).await).await;
}

#[tokio::test]
async fn every_record_is_written_back_as_helm_wrote_it() {
    let namespace = plane().namespace();
    let storage = storage("secrets", &namespace).await;
    for name in ["web", "store", "gadget", "umbrella"] {
        let args = format!("install {name} {} --no-hooks", chart(name));
        helm("secrets", &namespace, &args);
        let meta = newest(&storage, name).await;
        let release = storage.decode(&meta).await.expect("decode");
        let unzip = |encoded: &str| plane().shell(&format!("base64 -d <<<{encoded} | gunzip"));
        let ours = String::from_utf8(codec::encode(&release).expect("encode")).expect("ASCII");
        let data = plane().object(&namespace, &format!("secret/{}", meta.record));
        let data = data["data"]["release"].as_str().expect("data").to_owned();
        let helms = plane().shell(&format!("base64 -d <<<{data}"));
        assert_eq!(unzip(&ours), unzip(&helms));

        let args = format!("get values {name} --all -o json");
        let printed: Value = serde_json::from_str(&helm("secrets", &namespace, &args)).expect("JSON");
        assert_eq!(json!(release.computed_values()), printed, "{name}");
    }
}

#[tokio::test]
async fn the_list_follows_helm() {
    let namespace = install("secrets");
    let storage = storage("secrets", &namespace).await;
    let mut events = storage.watch("status!=superseded");
    assert_eq!(next(&mut events).await, "restarted with 1");
    // Helm runs beside, so that the watch is open while it writes.
    let chart = chart("web");
    let helm =
        tokio::task::spawn_blocking(move || helm("secrets", &namespace, &format!("upgrade web {chart} --no-hooks")));
    assert_eq!(next(&mut events).await, "v2 pending-upgrade");
    assert_eq!(next(&mut events).await, "gone sh.helm.release.v1.web.v1");
    assert_eq!(next(&mut events).await, "v2 deployed");
    helm.await.expect("helm upgrade");
}

#[tokio::test]
async fn who_may_not_list_everywhere_may_watch_one_namespace() {
    let cluster = plane().cluster("reader", "walk").await;
    let mut everywhere = Storage::new(cluster, Driver::Secrets, "");
    let mut events = everywhere.watch("");
    let denied = next(&mut events).await;
    assert!(denied.starts_with("denied secrets is forbidden: User \"reader\""), "{denied}");
    assert!(events.next().await.is_none(), "the stream ends");
    everywhere = everywhere.in_namespace("walk");
    let listed = next(&mut everywhere.watch("")).await;
    assert!(listed.starts_with("restarted with"), "{listed}");
}
