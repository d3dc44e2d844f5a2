//! About a dozen believable releases with history: `assets/sandbox/releases.yaml` tells their stories, the folders beside it
//! hold their charts. They are written by the sandbox's own paths with its clock set back, in the order of their times, so
//! that objects, ownership, records and events agree as on a cluster where all this happened.

mod chart;
mod helm;
mod record;
mod story;
mod template;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{
    controllers,
    delete::kind_of,
    kinds::Kind,
    patch, server,
    store::Store,
    write::{self, Writer, text},
};
use crate::yaml;
use story::{Edition, Example, Hand};

/// How long a server keeps events.
const EVENTS_KEPT: SignedDuration = SignedDuration::from_hours(1);

/// One thing that happens to a release.
enum Step<'a> {
    Revision(&'a Edition, &'a story::Revision),
    Hand(&'a Hand),
}

/// Fills an empty store with everything that led up to `now`. An error is a mistake in the examples.
pub(super) fn populate(store: &mut Store, now: Timestamp) -> Result<(), String> {
    let examples = story::all()?;
    store.clock = Some(story::moment(now, "150d")?);
    begin(store, &examples)?;
    let mut releases: Vec<helm::Helm> = examples.iter().map(helm::Helm::new).collect();
    let editions: Vec<Vec<Edition>> = examples.iter().map(Example::editions).collect();
    let mut steps = Vec::new();
    for (index, example) in examples.iter().enumerate() {
        for (edition, revision) in editions[index].iter().zip(&example.revisions) {
            let time = story::moment(now, &revision.ago)?;
            steps.push((time, index, Step::Revision(edition, revision)));
        }
        for hand in &example.hands {
            steps.push((story::moment(now, &hand.ago)?, index, Step::Hand(hand)));
        }
    }
    steps.sort_by_key(|(time, index, _)| (*time, *index));
    for (time, index, step) in steps {
        store.clock = Some(time);
        forget_events(store, time);
        let done = match step {
            Step::Revision(edition, revision) => releases[index].revise(store, edition, revision, time),
            Step::Hand(hand) => settled(store, |store| by_hand(store, &examples[index], hand)),
        };
        done.map_err(|message| format!("{}/{}: {message}", examples[index].namespace, examples[index].name))?;
    }
    store.clock = Some(now);
    settled(store, kill_again);
    forget_events(store, now);
    store.clock = None;
    Ok(())
}

/// What was there before any release.
fn begin(store: &mut Store, examples: &[Example]) -> Result<(), String> {
    settled(store, |store| {
        server::seed(store);
        let mut namespaces: Vec<&str> = examples.iter().map(|example| example.namespace.as_str()).collect();
        namespaces.sort_unstable();
        namespaces.dedup();
        for name in namespaces {
            let namespace = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } });
            create(store, namespace, "kubectl-create")?;
        }
        let definition = yaml::from_str(include_str!("../../../assets/sandbox/cache-definition.yaml"));
        create(store, definition.map_err(|error| error.message)?, "kubectl-create").map(drop)
    })
}

/// Does something and lets the controllers come to rest.
fn settled<R>(store: &mut Store, work: impl FnOnce(&mut Store) -> R) -> R {
    let since = store.revision();
    let result = work(store);
    controllers::settle(store, since);
    result
}

fn served(store: &Store, object: &Value) -> Result<Arc<Kind>, String> {
    kind_of(store, object).ok_or_else(|| format!("no kind {}", object["kind"]))
}

/// Where an object of a release lives.
fn home<'a>(kind: &Kind, namespace: &'a str) -> &'a str {
    if kind.namespaced { namespace } else { "" }
}

fn writer(manager: &str, subresource: &str) -> Writer {
    Writer { manager: manager.to_owned(), subresource: subresource.to_owned(), dry_run: false }
}

fn create(store: &mut Store, object: Value, manager: &str) -> Result<Arc<Value>, String> {
    let kind = served(store, &object)?;
    let namespace = text(&object, "namespace");
    write::create(store, &kind, &namespace, object, &writer(manager, "")).map_err(|failure| failure.message)
}

fn by_hand(store: &mut Store, example: &Example, hand: &Hand) -> Result<(), String> {
    let missing = || format!("no object {}", hand.object);
    let (kind, name) = hand.object.split_once('/').ok_or_else(missing)?;
    let kind = store.kinds.iter().find(|served| served.kind == kind).cloned().ok_or_else(missing)?;
    let live = store.get(&kind, home(&kind, &example.namespace), name).ok_or_else(missing)?;
    let content_type =
        if kind.custom { "application/merge-patch+json" } else { "application/strategic-merge-patch+json" };
    patch::apply(content_type, &live, &hand.patch, kind.custom)
        .and_then(|patched| write::update(store, &kind, &live, patched, &writer(&hand.manager, &hand.subresource)))
        .map(drop)
        .map_err(|failure| failure.message)
}

/// Drops events that a server would have forgotten; what still goes wrong has been told again a moment ago.
fn forget_events(store: &mut Store, now: Timestamp) {
    let Some(kind) = store.kinds.by_path("", "v1", "events").cloned() else {
        return;
    };
    for event in store.list("events", "") {
        let (namespace, name) = (text(&event, "namespace"), text(&event, "name"));
        let first: Timestamp = event["firstTimestamp"].as_str().and_then(|time| time.parse().ok()).unwrap_or(now);
        let about = text(&json!({ "metadata": event["involvedObject"] }), "name");
        let goes_on = event["type"] == "Warning" && store.find("pods", &namespace, &about).is_some();
        if goes_on {
            let minutes = now.duration_since(first).as_mins();
            let mut again = Value::clone(&event);
            again["count"] = (minutes / 4 + 1).into();
            again["lastTimestamp"] = write::stamp(now.checked_sub(SignedDuration::from_mins(1)).unwrap_or(now)).into();
            store.put(&kind, again);
        } else if now.duration_since(first) > EVENTS_KEPT {
            store.remove(&kind, &namespace, &name);
        }
    }
}

/// Pods that leak have been killed again since they started, the last time minutes ago; one is backing off just now.
fn kill_again(store: &mut Store) {
    let Some((kind, now)) = store.kinds.by_path("", "v1", "pods").cloned().zip(store.clock) else {
        return;
    };
    let ago = |minutes: i64| write::stamp(now.checked_sub(SignedDuration::from_mins(minutes)).unwrap_or(now));
    let killed =
        |pod: &Arc<Value>| pod["status"]["containerStatuses"][0]["lastState"]["terminated"]["reason"] == "OOMKilled";
    for (index, pod) in (0_i64..).zip(store.list("pods", "").into_iter().filter(killed)) {
        let mut next = Value::clone(&pod);
        let container = &mut next["status"]["containerStatuses"][0];
        let ended = ago(1 + index * 3);
        container["restartCount"] = (5 - index.min(3)).into();
        container["lastState"]["terminated"]["startedAt"] = ago(10 + index * 4).into();
        container["lastState"]["terminated"]["finishedAt"] = ended.clone().into();
        container["state"] = json!({ "running": { "startedAt": ended } });
        if index == 0 {
            back_off(&mut next["status"], &ended);
        }
        store.put(&kind, next);
    }
}

fn back_off(status: &mut Value, since: &str) {
    let container = &mut status["containerStatuses"][0];
    let message = format!("back-off 1m20s restarting failed container={}", container["name"]).replace('"', "");
    container["state"] = json!({ "waiting": { "reason": "CrashLoopBackOff", "message": message } });
    container["ready"] = false.into();
    container["started"] = false.into();
    let conditions = status["conditions"].as_array_mut().into_iter().flatten();
    for condition in
        conditions.filter(|condition| condition["type"] == "Ready" || condition["type"] == "ContainersReady")
    {
        condition["status"] = "False".into();
        condition["reason"] = "ContainersNotReady".into();
        condition["lastTransitionTime"] = since.into();
    }
}
