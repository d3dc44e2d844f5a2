//! The simulated controllers: one task that reacts to the store's changes and sleeps while there are none.
//!
//! Each controller is a function of the store and one object, called when that object or one that it owns changed.
//! What takes time (a pod that starts, a Job that runs) comes back as an alarm.

mod autoscaler;
mod daemon_set;
mod deployment;
mod events;
mod gc;
pub(super) mod images;
mod job;
mod pod;
mod pods;
mod simple;
mod stateful_set;
mod status;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use serde_json::Value;
use tokio::time::Instant;

use super::{
    Pace, Shared,
    delete::kind_of,
    store::{Change, Store},
};

/// An object to look at: resource, namespace, name.
type Key = (String, String, String);

/// What a controller wants next.
#[derive(Debug, Default)]
struct Next {
    /// Be called as an alarm after this time.
    alarm: Option<Duration>,
}

impl Next {
    fn after(delay: Duration) -> Self {
        Self { alarm: Some(delay) }
    }
}

#[derive(Debug, Default)]
struct Queue {
    position: u64,
    /// Whether each key is due as an alarm.
    keys: BTreeMap<Key, bool>,
    alarms: BTreeMap<(Instant, u64), Key>,
    /// Tells alarms of one moment apart.
    serial: u64,
}

/// Runs the controllers until the sandbox is dropped.
pub(super) fn start(shared: &Arc<Shared>) {
    let shared = shared.clone();
    let stop = shared.stop.clone();
    tokio::spawn(async move { stop.run_until_cancelled(run(shared)).await });
}

async fn run(shared: Arc<Shared>) {
    let mut revision = shared.revision.subscribe();
    let mut queue = Queue { position: shared.with_store(|store| store.revision()), ..Queue::default() };
    loop {
        revision.mark_unchanged();
        let worked = shared.with_store(|store| queue.step(store, shared.pace));
        if worked {
            // Requests get their turn between two steps.
            tokio::task::yield_now().await;
            continue;
        }
        let next = queue.alarms.keys().next().map(|(time, _)| *time);
        tokio::select! {
            changed = revision.changed() => if changed.is_err() { return },
            () = sleep_until(next) => queue.ring(Instant::now()),
        }
    }
}

async fn sleep_until(time: Option<Instant>) {
    match time {
        Some(time) => tokio::time::sleep_until(time).await,
        None => std::future::pending().await,
    }
}

/// Lets the controllers of a store come to rest at once; for building examples.
pub(super) fn settle(store: &mut Store, since: u64) {
    let mut queue = Queue { position: since, ..Queue::default() };
    // Far more than any example needs; a mistake in one must not hang the program.
    for _ in 0..500 {
        if queue.step(store, Pace::default()) {
            continue;
        }
        // Alarms ring in the order of their times: pods are up before a deadline passes.
        let Some((first, _)) = queue.alarms.keys().next().copied() else {
            return;
        };
        queue.ring(first + Duration::from_secs(1));
    }
}

impl Queue {
    /// Moves alarms that are due into the queue.
    fn ring(&mut self, now: Instant) {
        let later = self.alarms.split_off(&(now + Duration::from_nanos(1), 0));
        for key in std::mem::replace(&mut self.alarms, later).into_values() {
            self.keys.insert(key, true);
        }
    }

    /// Takes in what changed and looks at every queued object once; whether there was anything to do.
    fn step(&mut self, store: &mut Store, pace: Pace) -> bool {
        self.collect(store);
        let keys = std::mem::take(&mut self.keys);
        let worked = !keys.is_empty();
        for (key, alarm) in keys {
            if let Some(delay) = reconcile(store, &key, alarm, pace).alarm {
                self.serial += 1;
                self.alarms.insert((Instant::now() + delay, self.serial), key);
            }
        }
        worked
    }

    fn collect(&mut self, store: &mut Store) {
        let changes: Vec<Change> = store.changes_after(self.position).cloned().collect();
        self.position = store.revision();
        for change in changes {
            let Some(object) = change.after.as_ref().or(change.before.as_ref()) else {
                continue;
            };
            self.enqueue_related(&change, object, store);
            if change.after.is_none() {
                gc::owner_gone(store, object);
            }
        }
    }

    fn enqueue_related(&mut self, change: &Change, object: &Value, store: &Store) {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let namespace = text(&object["metadata"]["namespace"]);
        let mut add = |resource: String, namespace: &str, name: String| {
            self.keys.entry((resource, namespace.to_owned(), name)).or_default();
        };
        if change.after.is_some() {
            add(change.resource.clone(), &namespace, text(&object["metadata"]["name"]));
        } else if !namespace.is_empty() {
            add("namespaces".to_owned(), "", namespace.clone());
        }
        for owner in object["metadata"]["ownerReferences"].as_array().into_iter().flatten() {
            if let Some(kind) = kind_of(store, owner) {
                add(kind.resource(), &namespace, text(&owner["name"]));
            }
        }
        // An autoscaler follows its target, a budget its pods.
        let watchers = match change.resource.as_str() {
            "deployments.apps" | "statefulsets.apps" => "horizontalpodautoscalers.autoscaling",
            "pods" => "poddisruptionbudgets.policy",
            _ => return,
        };
        for watcher in store.list(watchers, &namespace) {
            add(watchers.to_owned(), &namespace, text(&watcher["metadata"]["name"]));
        }
    }
}

fn reconcile(store: &mut Store, (resource, namespace, name): &Key, alarm: bool, pace: Pace) -> Next {
    let Some(object) = store.find(resource, namespace, name) else {
        return Next::default();
    };
    if !object["metadata"]["deletionTimestamp"].is_null() && resource != "namespaces" {
        return gc::dying(store, &object);
    }
    match resource.as_str() {
        "deployments.apps" => deployment::reconcile(store, &object, alarm),
        "replicasets.apps" => pods::reconcile_replica_set(store, &object),
        "statefulsets.apps" => stateful_set::reconcile(store, &object),
        "daemonsets.apps" => daemon_set::reconcile(store, &object),
        "jobs.batch" => job::reconcile(store, &object, alarm),
        "pods" => pod::reconcile(store, &object, alarm, pace),
        "horizontalpodautoscalers.autoscaling" => autoscaler::reconcile(store, &object),
        "namespaces" => simple::namespace(store, &object),
        "persistentvolumeclaims" => simple::claim(store, &object),
        "services" => simple::service(store, &object),
        "ingresses.networking.k8s.io" => simple::ingress(store, &object),
        "poddisruptionbudgets.policy" => simple::budget(store, &object),
        "customresourcedefinitions.apiextensions.k8s.io" => simple::definition(store, &object),
        _ => simple::custom(store, &object),
    }
}
