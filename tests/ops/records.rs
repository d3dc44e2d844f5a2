//! What the record drivers do: one source, run on the sandbox, on the real control plane, in memory and in a database.

use std::{collections::BTreeMap, time::Duration};

use futures::{StreamExt as _, stream::BoxStream};
use pilothouse::release::{Error, RecordMeta, Release, Status, Storage, storage::StorageEvent};

fn release(revision: u32, status: Status) -> Release {
    let mut release = Release {
        name: "kept".to_owned(),
        revision,
        labels: BTreeMap::from([("team".to_owned(), "front".to_owned())]),
        ..Release::default()
    };
    release.info.status = status;
    release.info.description = format!("revision {revision}");
    release
}

/// Writes a revision of the release `kept`.
pub async fn create(storage: &Storage, revision: u32, status: Status) -> RecordMeta {
    let holder = BTreeMap::from([("holder".to_owned(), "me".to_owned())]);
    let written = storage.create(&release(revision, status), &holder).await;
    written.expect("create")
}

async fn update(storage: &Storage, meta: &RecordMeta, status: Status) -> RecordMeta {
    let written = storage.update(meta, &release(meta.revision, status)).await;
    written.expect("update")
}

/// The next event as text, which must come soon.
pub async fn next(events: &mut BoxStream<'static, StorageEvent>) -> String {
    let wait = Duration::from_secs(20);
    let event = tokio::time::timeout(wait, events.next()).await;
    match event.expect("an event in time") {
        Some(StorageEvent::Restarted(records)) => format!("restarted with {}", records.len()),
        Some(StorageEvent::Applied(meta)) => format!("v{} {}", meta.revision, meta.status.as_str()),
        Some(StorageEvent::Gone { record, .. }) => format!("gone {record}"),
        Some(StorageEvent::Disconnected(_)) => "disconnected".to_owned(),
        Some(StorageEvent::Denied(error)) => format!("denied {error}"),
        other => format!("{other:?}"),
    }
}

/// In a namespace that holds no records yet.
pub async fn written_records_are_listed_and_read(storage: Storage) {
    let namespace = storage.namespace();
    assert!(matches!(storage.history("kept").await, Err(Error::NotFound)));
    for revision in [1, 2, 10] {
        create(&storage, revision, Status::Superseded).await;
    }
    let last = create(&storage, 11, Status::Deployed).await;
    assert_eq!((last.record.as_str(), last.namespace.as_str()), ("sh.helm.release.v1.kept.v11", namespace));
    assert_eq!(last.labels, release(1, Status::Failed).labels);
    assert!(last.created_at > 1_700_000_000 && last.modified_at == last.created_at);

    let taken = storage.create(&release(11, Status::Failed), &BTreeMap::new()).await;
    assert!(matches!(taken, Err(Error::Exists)), "{taken:?}");
    let mut history = storage.history("kept").await.expect("history");
    let revisions: Vec<_> = history.iter().map(|meta| meta.revision).collect();
    assert_eq!(revisions, [1, 2, 10, 11]);
    assert_eq!(history[3], last);
    let newest = storage.list("status!=superseded").await.expect("list");
    assert_eq!(newest, [last]);
    assert!(storage.list("name=other").await.expect("list").is_empty());
    let one = storage.list("name=kept,status=deployed").await.expect("list");
    assert_eq!(one.iter().map(|meta| meta.revision).collect::<Vec<_>>(), [11]);
    assert!(storage.in_namespace("elsewhere").list("").await.expect("list").is_empty());

    let read = storage.get("kept", 10).await.expect("get");
    assert_eq!(read.info.description, "revision 10");
    assert_eq!(read.labels, release(1, Status::Failed).labels);
    assert!(matches!(storage.get("kept", 3).await, Err(Error::NotFound)));
    assert_eq!(storage.last_good("kept", 11).await.expect("read"), Some(10));
    let summaries = storage.summaries(&history).await;
    let told: Vec<_> = summaries.into_iter().map(|s| s.expect("read").description).collect();
    assert_eq!(told, ["revision 1", "revision 2", "revision 10", "revision 11"]);

    history[3].resource_version = String::new();
    update(&storage, &newest[0], Status::Failed).await;
    let decoded = storage.decode(&history[3]).await.expect("decode");
    assert_eq!(decoded.info.status, Status::Failed);
}

/// What holds a release: the heartbeat of its holder may come in between.
pub async fn a_heartbeat_does_not_disturb(storage: Storage) {
    let meta = create(&storage, 1, Status::PendingRollback).await;
    let beat = BTreeMap::from([("beat".to_owned(), "1".to_owned())]);
    let beaten = storage.annotate(&meta, &beat).await.expect("annotate");
    assert_ne!(beaten.resource_version, meta.resource_version);
    let done = update(&storage, &meta, Status::Deployed).await;
    assert_eq!(["beat", "holder"].map(|key| done.annotations[key].as_str()), ["1", "me"]);
    let mut another = done.clone();
    another.uid = "11111111-2222-3333-4444-555555555555".to_owned();
    let annotated = storage.annotate(&another, &beat).await;
    assert!(matches!(annotated, Err(Error::Moved { .. })), "{annotated:?}");
    let deleted = storage.delete(&another).await;
    assert!(matches!(deleted, Err(Error::NotFound)), "{deleted:?}");
    storage.delete(&done).await.expect("delete");
}

/// Nobody's change is written over, whatever came in between.
pub async fn a_stranger_is_not_overwritten(storage: Storage) {
    let meta = create(&storage, 1, Status::PendingRollback).await;
    let done = update(&storage, &meta, Status::Deployed).await;
    assert_eq!((&done.status, done.created_at, &done.labels), (&Status::Deployed, meta.created_at, &meta.labels));
    assert_ne!(done.resource_version, meta.resource_version);
    let stale = storage.update(&meta, &release(1, Status::Failed)).await;
    assert!(matches!(stale, Err(Error::Moved { .. })), "{stale:?}");
    assert_eq!(storage.get("kept", 1).await.expect("get").info.status, Status::Deployed);
    // A write that left the status as it was known disturbs nobody.
    update(&storage, &done, Status::Deployed).await;
    update(&storage, &done, Status::Failed).await;

    storage.delete(&done).await.expect("delete");
    assert!(matches!(storage.delete(&done).await, Err(Error::NotFound)));
    let updated = storage.update(&done, &release(1, Status::Failed)).await;
    assert!(matches!(updated, Err(Error::Moved { .. })), "{updated:?}");
}

/// The home screen's list while a revision takes the place of another.
pub async fn the_list_is_live(storage: Storage) {
    let first = create(&storage, 1, Status::Deployed).await;
    let mut events = storage.watch("status!=superseded");
    assert_eq!(next(&mut events).await, "restarted with 1");
    let second = create(&storage, 2, Status::PendingUpgrade).await;
    assert_eq!(next(&mut events).await, "v2 pending-upgrade");
    update(&storage, &first, Status::Superseded).await;
    assert_eq!(next(&mut events).await, format!("gone {}", first.record));
    let second = update(&storage, &second, Status::Deployed).await;
    assert_eq!(next(&mut events).await, "v2 deployed");
    storage.delete(&second).await.expect("delete");
    assert_eq!(next(&mut events).await, format!("gone {}", second.record));
}
