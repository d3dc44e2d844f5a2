//! The live list of records: list, then watch, and recover.

use std::time::Duration;

use futures::stream::{self, BoxStream, StreamExt as _};
use kube::api::WatchParams;
use kube::core::WatchEvent;
use tokio::sync::watch;
use tokio::time::Instant;

use super::object::Partial;
use super::requests::{Objects, label_selector};
use super::{Storage, StorageEvent};
use crate::cluster::{Error, ErrorKind};
use crate::release;

const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// A watch that ends sooner than this is broken.
const SHORTEST_WATCH: Duration = Duration::from_secs(1);

/// The server ends a watch after this many seconds; silence beyond it means that the connection is dead.
const WATCH_SECONDS: u32 = 290;
const SILENCE: Duration = Duration::from_secs(WATCH_SECONDS as u64 + 10);

type Events = BoxStream<'static, Result<WatchEvent<Partial>, kube::Error>>;

/// Never ends by itself, except after [`StorageEvent::Denied`].
pub(super) fn watch(objects: Objects, namespace: &str, selector: &str) -> BoxStream<'static, StorageEvent> {
    let (namespace, selector) = (namespace.to_owned(), selector.to_owned());
    let watcher = Watcher { objects, namespace, selector, state: State::List, pause: None, failures: 0 };
    stream::unfold(watcher, |mut watcher| async move {
        let event = watcher.next().await?;
        Some((event, watcher))
    })
    .boxed()
}

/// For records that cannot be watched: the list, and anew whenever this process has written. Others' writes are seen by
/// whoever lists again.
pub(super) fn list_again(
    storage: Storage,
    selector: &str,
    changes: watch::Receiver<()>,
) -> BoxStream<'static, StorageEvent> {
    let selector = selector.to_owned();
    stream::unfold((changes, Some(Duration::ZERO)), move |(mut changes, pause)| {
        let (storage, selector) = (storage.clone(), selector.clone());
        async move {
            match pause {
                Some(pause) => tokio::time::sleep(pause).await,
                None => changes.changed().await.ok()?,
            }
            changes.mark_unchanged();
            let (event, pause) = match storage.list(&selector).await {
                Ok(records) => (StorageEvent::Restarted(records), None),
                Err(error) => {
                    let pause = pause.unwrap_or_default() * 2;
                    (StorageEvent::Disconnected(error.to_string()), Some(pause.clamp(FIRST_PAUSE, LONGEST_PAUSE)))
                }
            };
            Some((event, (changes, pause)))
        }
    })
    .boxed()
}

struct Watcher {
    objects: Objects,
    namespace: String,
    selector: String,
    state: State,
    /// To sit out before the next attempt.
    pause: Option<Duration>,
    /// Attempts that failed one after another.
    failures: u32,
}

enum State {
    List,
    /// Watch from this resourceVersion.
    Resume(String),
    Watching {
        version: String,
        events: Events,
        since: Instant,
    },
    Denied,
}

impl Watcher {
    async fn next(&mut self) -> Option<StorageEvent> {
        loop {
            if let Some(pause) = self.pause.take() {
                tokio::time::sleep(pause).await;
            }
            let news = match std::mem::replace(&mut self.state, State::Denied) {
                State::Denied => return None,
                State::List => self.list().await,
                State::Resume(version) => self.resume(version).await,
                State::Watching { version, events, since } => self.watch(version, events, since).await,
            };
            if let Some(event) = news {
                return Some(event);
            }
        }
    }

    async fn list(&mut self) -> Option<StorageEvent> {
        match self.objects.list(&self.namespace, &self.selector).await {
            Ok((records, version)) => {
                self.failures = 0;
                self.state = State::Resume(version);
                Some(StorageEvent::Restarted(records))
            }
            Err(error) => self.failed(error, State::List),
        }
    }

    async fn resume(&mut self, version: String) -> Option<StorageEvent> {
        match open(&self.objects, &self.namespace, &self.selector, &version).await {
            Ok(events) => {
                let event = (self.failures > 0).then_some(StorageEvent::Connected);
                self.state = State::Watching { version, events, since: Instant::now() };
                event
            }
            Err(error) => self.failed(error, State::Resume(version)),
        }
    }

    async fn watch(&mut self, version: String, mut events: Events, since: Instant) -> Option<StorageEvent> {
        let partial = match tokio::time::timeout(SILENCE, events.next()).await {
            Ok(Some(Ok(event))) => event,
            Ok(Some(Err(error))) => return self.failed(Error::from(error), State::Resume(version)),
            Ok(None) if since.elapsed() > SHORTEST_WATCH => {
                self.state = State::Resume(version);
                return None;
            }
            Ok(None) | Err(_) => {
                let error = Error::new(ErrorKind::Unreachable, "the watch ended without a word");
                return self.failed(error, State::Resume(version));
            }
        };
        let (object, gone) = match partial {
            WatchEvent::Added(object) | WatchEvent::Modified(object) => (object, false),
            WatchEvent::Deleted(object) => (object, true),
            WatchEvent::Bookmark(bookmark) => {
                let version = bookmark.metadata.resource_version;
                self.heard(version, events, since);
                return None;
            }
            WatchEvent::Error(status) => {
                let error = Error::from(kube::Error::Api(status));
                return self.failed(error, State::Resume(version));
            }
        };
        let metadata = object.metadata;
        self.heard(metadata.resource_version.clone(), events, since);
        if gone {
            let (namespace, record) = (metadata.namespace, metadata.name);
            return Some(StorageEvent::Gone { namespace, record });
        }
        metadata.into_record().map(StorageEvent::Applied)
    }

    fn heard(&mut self, version: String, events: Events, since: Instant) {
        self.failures = 0;
        self.state = State::Watching { version, events, since };
    }

    /// Decides how to go on after `error`: list anew, give up, or try `again` after a pause.
    fn failed(&mut self, error: impl Into<release::Error>, again: State) -> Option<StorageEvent> {
        let error = error.into();
        let kind = match &error {
            release::Error::Cluster(error) => error.kind.clone(),
            _ => ErrorKind::Other,
        };
        match kind {
            ErrorKind::Gone if !matches!(again, State::List) => {
                self.state = State::List;
                None
            }
            ErrorKind::Unauthorized | ErrorKind::Forbidden => Some(StorageEvent::Denied(error)),
            _ => {
                self.state = again;
                let pause = FIRST_PAUSE * 2_u32.saturating_pow(self.failures.min(16));
                self.pause = Some(pause.min(LONGEST_PAUSE));
                self.failures += 1;
                Some(StorageEvent::Disconnected(error.to_string()))
            }
        }
    }
}

async fn open(objects: &Objects, namespace: &str, selector: &str, version: &str) -> Result<Events, Error> {
    let params = WatchParams::default().labels(&label_selector(selector)).timeout(WATCH_SECONDS);
    let request = objects.collection(namespace).watch_metadata(&params, version);
    let request = request.map_err(kube::Error::BuildRequest)?;
    Ok(objects.cluster.client().request_events::<Partial>(request).await?.boxed())
}
