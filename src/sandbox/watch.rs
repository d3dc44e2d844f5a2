//! Watches: a stream of changes from the store's log.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use bytes::Bytes;
use futures::stream;
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use serde_json::{Value, json};
use tokio::time::Instant;
use tower::BoxError;

use super::{
    Shared,
    api::Body,
    failure::Failure,
    path::{Query, Route},
    select::Selector,
    server::{Shape, shaped},
    store::{Change, Store},
};

/// How long a watch lasts when the client does not say; the real server picks 30 to 60 minutes.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(45 * 60);

struct Watch {
    shared: Arc<Shared>,
    route: Route,
    selector: Selector,
    shape: Shape,
    bookmarks: bool,
    /// Version up to which everything was sent.
    position: u64,
    pending: VecDeque<Bytes>,
    deadline: Instant,
    finished: bool,
    revision: tokio::sync::watch::Receiver<u64>,
    breaks: tokio::sync::watch::Receiver<u32>,
}

/// Starts a watch. `resourceVersion` empty or 0 begins with the present objects, as `sendInitialEvents` does.
pub(super) fn start(shared: &Arc<Shared>, route: &Route, selector: Selector, query: &Query, shape: Shape) -> Body {
    let version = query.number("resourceVersion").unwrap_or(0);
    let initial = query.is("sendInitialEvents");
    let timeout =
        query.number("timeoutSeconds").filter(|seconds| *seconds > 0).map_or(DEFAULT_TIMEOUT, Duration::from_secs);
    let mut watch = Watch {
        shared: shared.clone(),
        route: route.clone(),
        selector,
        shape,
        bookmarks: query.is("allowWatchBookmarks"),
        position: version,
        pending: VecDeque::new(),
        deadline: Instant::now() + timeout,
        finished: false,
        revision: shared.revision.subscribe(),
        breaks: shared.breaks.subscribe(),
    };
    if version == 0 || initial {
        watch.send_present(initial);
    }
    let events = stream::unfold(watch, |mut watch| async move {
        let event = watch.next().await?;
        Some((event.map(Frame::data), watch))
    });
    BodyExt::boxed_unsync(StreamBody::new(events))
}

impl Watch {
    async fn next(&mut self) -> Option<Result<Bytes, BoxError>> {
        loop {
            if let Some(line) = self.pending.pop_front() {
                return Some(Ok(line));
            }
            if self.finished {
                return None;
            }
            self.collect();
            if !self.pending.is_empty() {
                continue;
            }
            let stop = self.shared.stop.clone();
            tokio::select! {
                changed = self.revision.changed() => self.finished = changed.is_err(),
                _ = self.breaks.changed() => {
                    self.finished = true;
                    return Some(Err("connection reset by the sandbox".into()));
                }
                () = stop.cancelled() => self.finished = true,
                () = tokio::time::sleep_until(self.deadline) => {
                    self.finished = true;
                    self.bookmark(false);
                }
            }
        }
    }

    fn send_present(&mut self, mark_end: bool) {
        let (objects, revision) = self.shared.with_store(|store| (self.present(store), store.revision()));
        for object in objects {
            self.event("ADDED", &object);
        }
        self.position = revision;
        if mark_end {
            self.bookmark(true);
        }
    }

    fn present(&self, store: &Store) -> Vec<Arc<Value>> {
        let objects = store.list(&self.route.kind.resource(), &self.route.namespace);
        objects.into_iter().filter(|object| self.wants(object)).collect()
    }

    /// Queues an event for every change since `position` that the watcher is to see.
    fn collect(&mut self) {
        self.revision.mark_unchanged();
        let resource = self.route.kind.resource();
        let (changes, revision, compacted) = self.shared.with_store(|store| {
            let changes = store.changes_after(self.position).filter(|change| change.resource == resource);
            (changes.cloned().collect::<Vec<Change>>(), store.revision(), store.compacted())
        });
        if self.position < compacted {
            let gone = Failure::expired(format!("too old resource version: {} ({compacted})", self.position));
            self.line(&json!({ "type": "ERROR", "object": gone.status() }));
            self.finished = true;
            return;
        }
        for change in changes {
            self.change(change);
        }
        self.position = revision;
    }

    /// An object that comes to match the selector is new to the watcher, one that ceases to is gone.
    fn change(&mut self, change: Change) {
        let before = change.before.filter(|object| self.wants(object));
        let after = change.after.filter(|object| self.wants(object));
        match (before, after) {
            (None, Some(object)) => self.event("ADDED", &object),
            (Some(_), Some(object)) => self.event("MODIFIED", &object),
            (Some(object), None) => {
                let mut last = Value::clone(&object);
                last["metadata"]["resourceVersion"] = change.revision.to_string().into();
                self.event("DELETED", &last);
            }
            (None, None) => {}
        }
    }

    fn wants(&self, object: &Value) -> bool {
        let namespace = &self.route.namespace;
        (namespace.is_empty() || object["metadata"]["namespace"] == namespace.as_str())
            && (self.route.name.is_empty() || object["metadata"]["name"] == self.route.name.as_str())
            && self.selector.matches(object)
    }

    fn event(&mut self, kind: &str, object: &Value) {
        self.line(&json!({ "type": kind, "object": shaped(object, self.shape) }));
    }

    /// Tells how far the watcher has come, so that it can resume there.
    fn bookmark(&mut self, end_of_initial: bool) {
        if !self.bookmarks && !end_of_initial {
            return;
        }
        let kind = &self.route.kind;
        let mut object = json!({
            "apiVersion": kind.api_version(), "kind": kind.kind, "metadata": { "resourceVersion": self.position.to_string() },
        });
        if end_of_initial {
            object["metadata"]["annotations"] = json!({ "k8s.io/initial-events-end": "true" });
        }
        self.line(&json!({ "type": "BOOKMARK", "object": shaped(&object, self.shape) }));
    }

    fn line(&mut self, event: &Value) {
        self.pending.push_back(Bytes::from(format!("{event}\n")));
    }
}
