//! The releases of the sandbox as the program reads them.

use std::collections::BTreeMap;

use pilothouse::{
    cluster::Cluster,
    diff::{Redactor, Weight},
    engine::browse,
    release::{Driver, Storage},
    sandbox::Sandbox,
};

/// Name, statuses of the revisions from the first, and what the newest one says that the cluster does not.
const RELEASES: &[(&str, &str, &[&str])] = &[
    ("dev/my-app", "superseded superseded deployed", &[]),
    // Its hook failed before anything was written.
    ("monitoring/alerts", "deployed failed", &["Deployment/alerts"]),
    ("monitoring/node-agent", "superseded deployed", &[]),
    ("orders/orders-api", "superseded deployed failed", &[]),
    ("orders/orders-worker", "superseded deployed", &["Deployment/orders-worker"]),
    ("payments/checkout", "superseded superseded failed superseded deployed", &["Deployment/checkout"]),
    ("payments/checkout-db", "superseded superseded deployed", &[]),
    ("payments/ledger", "superseded deployed", &[]),
    ("prod/my-app", "superseded superseded deployed", &[]),
    ("prod/session-cache", "superseded deployed", &["Cache/session-cache"]),
    ("prod/storefront", "superseded superseded deployed", &[]),
    ("search/search-api", "deployed", &["Deployment/search-api"]),
    ("search/search-index", "superseded deployed", &[]),
    // Whoever upgraded it is gone.
    ("search/search-sync", "deployed pending-upgrade", &["ConfigMap/search-sync", "CronJob/search-sync"]),
    ("vault/vault-agent", "superseded deployed", &[]),
];

#[tokio::test]
async fn each_release_has_its_history_and_its_drift() {
    let now = "2026-11-02T09:30:00Z".parse().expect("a time");
    let sandbox = Sandbox::with_examples_at(now).await;
    let cluster = Cluster::from_client(sandbox.client(), "sandbox", "default");
    let storage = Storage::new(cluster, Driver::Secrets, "");
    let mut records = storage.list("").await.expect("records");
    records.sort_by_key(|record| record.revision);
    let mut statuses: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut newest = BTreeMap::new();
    for (record, release) in records.iter().zip(storage.decode_many(&records).await) {
        let release = release.expect("it decodes");
        assert_eq!(release.info.status, record.status);
        let name = format!("{}/{}", record.namespace, record.name);
        statuses.entry(name.clone()).or_default().push(release.info.status.as_str().to_owned());
        newest.insert(name, release);
    }
    let mut told = Vec::new();
    for (name, release) in &newest {
        let drift = browse::drift(&storage, release, &Redactor::new([0; 32])).await;
        let changed = drift.expect("drift").into_iter().filter(|drift| drift.diff.weight == Weight::Real);
        let mut objects: Vec<String> =
            changed.map(|drift| format!("{}/{}", drift.diff.key.kind, drift.diff.key.name)).collect();
        objects.sort();
        told.push((name.as_str(), statuses[name].join(" "), objects));
    }
    let expected: Vec<_> = RELEASES
        .iter()
        .map(|(name, statuses, drift)| {
            (*name, (*statuses).to_owned(), drift.iter().map(|object| (*object).to_owned()).collect())
        })
        .collect();
    assert_eq!(told, expected);
}
