//! The examples hold together.

use std::{collections::BTreeMap, sync::LazyLock};

use super::*;
use crate::{
    manifest,
    release::{Release, Status, codec},
};

fn told() -> Store {
    let mut store = Store::new();
    let now = "2026-11-02T09:30:00Z".parse().expect("a time");
    populate(&mut store, now).expect("every story can be told");
    store
}

/// Told once for all tests that only look.
static TOLD: LazyLock<Store> = LazyLock::new(told);

/// Every release's revisions, oldest first.
fn histories(store: &Store) -> BTreeMap<String, Vec<Release>> {
    let mut histories: BTreeMap<String, Vec<Release>> = BTreeMap::new();
    for secret in store.list("secrets", "") {
        if secret["type"] != "helm.sh/release.v1" {
            continue;
        }
        let data = secret["data"]["release"].as_str().expect("a payload");
        let data = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, data);
        let release = codec::decode(&text(&secret, "name"), &data.expect("base64")).expect("a record");
        assert_eq!(secret["metadata"]["labels"]["status"], release.info.status.as_str());
        assert_eq!(secret["metadata"]["labels"]["version"], release.revision.to_string());
        let name = format!("{}/{}", release.namespace, release.name);
        histories.entry(name).or_default().push(release);
    }
    for history in histories.values_mut() {
        history.sort_by_key(|release| release.revision);
    }
    histories
}

fn pods<'a>(store: &'a Store, prefix: &'a str) -> impl Iterator<Item = Arc<Value>> + 'a {
    store.list("pods", "").into_iter().filter(move |pod| text(pod, "name").starts_with(prefix))
}

#[test]
fn the_last_objects_written_are_live() {
    let store = &*TOLD;
    for (name, history) in histories(store) {
        let deployed = history.iter().filter(|release| release.info.status == Status::Deployed);
        assert_eq!(deployed.clone().count(), 1, "{name} has one deployed revision");
        for release in deployed {
            for object in manifest::read(&release.manifest).expect("a manifest") {
                let kind = served(store, &object.value).expect("a kind");
                let live = store.get(&kind, home(&kind, &release.namespace), object.name());
                let owner = live.map(|live| live["metadata"]["annotations"]["meta.helm.sh/release-name"].clone());
                assert_eq!(owner, Some(release.name.clone().into()), "{name}: {}/{}", object.kind(), object.name());
            }
        }
    }
}

#[test]
fn each_telling_is_the_same() {
    let objects = |store: &Store| {
        let all = store.all();
        all.map(|(resource, object)| {
            (resource.clone(), text(object, "namespace"), text(object, "name"), object.to_string())
        })
        .collect::<std::collections::BTreeSet<_>>()
    };
    assert!(objects(&told()) == objects(&TOLD));
}

#[test]
fn what_goes_wrong_is_seen() {
    let store = &*TOLD;
    let waiting = |pod: &Arc<Value>| pod["status"]["containerStatuses"][0]["state"]["waiting"]["reason"].clone();
    let reasons: Vec<Value> = pods(store, "orders-api-").map(|pod| waiting(&pod)).collect();
    assert!(reasons.contains(&"ImagePullBackOff".into()), "{reasons:?}");
    assert!(reasons.iter().filter(|reason| reason.is_null()).count() >= 3, "the old pods serve: {reasons:?}");
    let killed =
        |pod: &Arc<Value>| pod["status"]["containerStatuses"][0]["lastState"]["terminated"]["reason"] == "OOMKilled";
    assert_eq!(pods(store, "ledger-").filter(killed).count(), 3);
    let ledger = store.find("deployments.apps", "payments", "ledger").expect("it is live");
    assert_eq!(ledger["status"]["readyReplicas"], 2, "one pod backs off");
    assert_eq!(pods(store, "search-api-").count(), 0);
    let running = |pod: &Arc<Value>| pod["status"]["phase"] == "Running";
    assert_eq!(pods(store, "node-agent-").filter(running).count(), 3);
    let runs = |name: &str, revision: usize| -> Vec<String> {
        let hooks = histories(store)[name][revision - 1].hooks.clone();
        hooks.iter().map(|hook| format!("{} {}", hook.name, hook.last_run.phase)).collect()
    };
    let tested = ["checkout-migrate Succeeded", "checkout-connection ", "checkout-smoke Failed"];
    assert_eq!(runs("payments/checkout", 3), tested);
    let untested = ["checkout-migrate Succeeded", "checkout-connection ", "checkout-smoke "];
    assert_eq!(runs("payments/checkout", 1), untested);
    assert_eq!(runs("monitoring/alerts", 2), ["alerts-migrate Failed"]);
}

/// The owner of a field, by what `kubectl` would show.
#[track_caller]
fn check_owner(store: &Store, resource: &str, (namespace, name): (&str, &str), field: &str, expected: &str) {
    let live = store.find(resource, namespace, name).expect("it is live");
    let entries = live["metadata"]["managedFields"].as_array().expect("managed fields");
    let owners: Vec<&str> = entries
        .iter()
        .filter(|entry| entry["subresource"] != "status" && entry["fieldsV1"].pointer(field).is_some())
        .filter_map(|entry| entry["manager"].as_str())
        .collect();
    assert_eq!(owners.join(","), expected, "{name}: {field}");
}

#[test]
fn hands_and_helm_own_what_they_wrote() {
    let store = &*TOLD;
    let replicas = "/f:spec/f:replicas";
    check_owner(store, "deployments.apps", ("payments", "checkout"), replicas, "kubectl");
    check_owner(store, "deployments.apps", ("payments", "ledger"), replicas, "helm");
    check_owner(store, "deployments.apps", ("prod", "storefront"), replicas, "helm-controller");
    let image = "/f:spec/f:template/f:spec/f:containers/k:{\"name\":\"worker\"}/f:image";
    check_owner(store, "deployments.apps", ("orders", "orders-worker"), image, "kubectl-set");
    check_owner(store, "caches.cache.example.com", ("prod", "session-cache"), "/f:spec/f:members", "kubectl-patch");
    check_owner(store, "secrets", ("payments", "sh.helm.release.v1.ledger.v2"), "/f:data/f:release", "Helm");
}
