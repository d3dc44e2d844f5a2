//! The record drivers on the sandbox, and what only it can be asked for: watches that break.

#[path = "ops/records.rs"]
mod records;

use pilothouse::{
    cluster::Cluster,
    release::{Driver, Status, Storage, storage::Memory},
    sandbox::{Fault, Sandbox},
};
use records::next;

fn cluster(sandbox: &Sandbox) -> Cluster {
    Cluster::from_client(sandbox.client(), "sandbox", "default")
}

fn storage(driver: Driver) -> (Storage, Sandbox) {
    let sandbox = Sandbox::empty();
    (Storage::new(cluster(&sandbox), driver, "default"), sandbox)
}

#[tokio::test]
async fn written_records_are_listed_and_read() {
    for driver in [Driver::Secrets, Driver::ConfigMaps, Driver::Memory(Memory::default())] {
        let (storage, _sandbox) = storage(driver);
        records::written_records_are_listed_and_read(storage).await;
    }
}

#[tokio::test]
async fn a_heartbeat_does_not_disturb() {
    for driver in [Driver::Secrets, Driver::Memory(Memory::default())] {
        let (storage, _sandbox) = storage(driver);
        records::a_heartbeat_does_not_disturb(storage).await;
    }
}

#[tokio::test]
async fn a_stranger_is_not_overwritten() {
    for driver in [Driver::Secrets, Driver::Memory(Memory::default())] {
        let (storage, _sandbox) = storage(driver);
        records::a_stranger_is_not_overwritten(storage).await;
    }
}

#[tokio::test]
async fn the_list_is_live() {
    let (storage, _sandbox) = storage(Driver::Secrets);
    records::the_list_is_live(storage).await;
}

#[tokio::test]
async fn a_list_in_memory_is_made_anew_after_every_write() {
    let (storage, _sandbox) = storage(Driver::Memory(Memory::default()));
    let mut events = storage.in_namespace("").watch("status!=superseded");
    assert_eq!(next(&mut events).await, "restarted with 0");
    let first = records::create(&storage, 1, Status::Deployed).await;
    assert_eq!(next(&mut events).await, "restarted with 1");
    storage.delete(&first).await.expect("delete");
    assert_eq!(next(&mut events).await, "restarted with 0");
}

#[tokio::test]
async fn a_list_recovers_from_broken_watches_and_lost_history() {
    let sandbox = Sandbox::empty();
    let mut events = Storage::new(cluster(&sandbox), Driver::Secrets, "").watch("");
    assert_eq!(next(&mut events).await, "restarted with 0");
    let later = tokio::spawn(async move {
        let told = [next(&mut events).await, next(&mut events).await];
        (told, events)
    });
    // The watch must be open before it can break.
    while !later.is_finished() {
        sandbox.break_watches();
        tokio::task::yield_now().await;
    }
    let (told, mut events) = later.await.expect("no panic");
    assert_eq!(told, ["disconnected", "Some(Connected)"]);

    let is_watch = |request: &http::request::Parts| request.uri.to_string().contains("watch=true");
    sandbox.set_fault(move |request| is_watch(request).then_some(Fault::Disconnect));
    sandbox.break_watches();
    assert_eq!(next(&mut events).await, "disconnected");
    let storage = Storage::new(cluster(&sandbox), Driver::Secrets, "default");
    records::create(&storage, 1, Status::Deployed).await;
    sandbox.compact();
    sandbox.clear_fault();
    let mut told = next(&mut events).await;
    while !told.starts_with("restarted") {
        told = next(&mut events).await;
    }
    assert_eq!(told, "restarted with 1");
}

#[tokio::test]
async fn who_may_not_list_everywhere_may_watch_one_namespace() {
    let sandbox = Sandbox::empty();
    let client = sandbox.client_as("operator");
    let everywhere = Storage::new(Cluster::from_client(client, "sandbox", "default"), Driver::Secrets, "");
    let denied = next(&mut everywhere.watch("")).await;
    assert!(denied.starts_with("denied secrets is forbidden"), "{denied}");
    let one = everywhere.in_namespace("default");
    assert_eq!(next(&mut one.watch("")).await, "restarted with 0");
}
