//! Following live objects: list, then watch, and recover from whatever ends a watch.

use std::{collections::HashMap, time::Duration};

use futures::{StreamExt, stream::FuturesUnordered};
use http::Method;
use kube::core::WatchEvent;
use serde_json::Value;
use tokio::sync::mpsc::UnboundedSender;
use tokio_util::sync::CancellationToken;

use super::{
    Cluster, Error, ErrorKind,
    read::Target,
    request::{build, collection_path, in_time, with_query},
};
use crate::manifest::Object;

const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Between reads of objects that may be read but not watched.
const POLL: Duration = Duration::from_secs(2);

/// The server ends a watch after this many seconds; silence beyond it means that the connection is dead.
const WATCH_SECONDS: u64 = 290;
const SILENCE: Duration = Duration::from_secs(WATCH_SECONDS + 10);

/// The state of an object now: `None` when it does not exist.
pub(super) struct Sighting {
    pub(super) target: Target,
    pub(super) object: Option<Object>,
}

/// Objects of one kind in one namespace, followed by one watch.
struct Group {
    targets: Vec<Target>,
    sightings: UnboundedSender<Sighting>,
}

impl Group {
    fn tell(&self, target: &Target, object: Option<Object>) {
        // Nobody listens any more only when this future is about to be dropped.
        let _ = self.sightings.send(Sighting { target: target.clone(), object });
    }

    fn tell_by_name(&self, value: Value, exists: bool) {
        let object = Object::new(value);
        if let Some(target) = self.targets.iter().find(|target| target.key.name == object.name()) {
            self.tell(target, exists.then_some(object));
        }
    }

    /// What to list and watch: one object by name, and no release records among Secrets.
    fn selector(&self) -> String {
        match self.targets.as_slice() {
            [one] => format!("metadata.name={}", one.key.name),
            [first, ..] if first.key.kind == "Secret" && first.key.group.is_empty() => {
                "type!=helm.sh/release.v1".to_owned()
            }
            _ => String::new(),
        }
    }
}

/// Futures that tell of sightings. Each ends only with an error that trying again does not help.
pub(super) type Followers<'a> = FuturesUnordered<futures::future::BoxFuture<'a, Error>>;

impl Cluster {
    /// Watches a set of live objects for the UI: calls `changed` with the new state (`None` when deleted) until
    /// cancelled; reconnects by itself. Kinds that may not be read are silent; an error only when none may.
    pub async fn watch_objects(
        &self,
        targets: &[Target],
        cancel: &CancellationToken,
        changed: &(dyn Fn(Target, Option<Object>) + Send + Sync),
    ) -> Result<(), Error> {
        let (sender, mut sightings) = tokio::sync::mpsc::unbounded_channel();
        let mut followers = self.follow(targets, &sender);
        drop(sender);
        let mut last = None;
        loop {
            tokio::select! {
                () = cancel.cancelled() => return Ok(()),
                Some(seen) = sightings.recv() => changed(seen.target, seen.object),
                ended = followers.next(), if !followers.is_empty() => last = ended.or(last),
                else => return last.map_or(Ok(()), Err),
            }
        }
    }

    /// One follower a kind and namespace.
    pub(super) fn follow(&self, targets: &[Target], sightings: &UnboundedSender<Sighting>) -> Followers<'_> {
        let mut groups: HashMap<_, Vec<Target>> = HashMap::new();
        for target in targets {
            let group = (&target.api_version, &target.key.kind, &target.key.namespace);
            groups.entry(group).or_default().push(target.clone());
        }
        groups
            .into_values()
            .map(|targets| {
                let group = Group { targets, sightings: sightings.clone() };
                Box::pin(self.follow_group(group)) as futures::future::BoxFuture<'_, Error>
            })
            .collect()
    }

    async fn follow_group(&self, group: Group) -> Error {
        let mut pause = FIRST_PAUSE;
        loop {
            let error = match self.list_and_watch(&group, &mut pause).await {
                Ok(()) => continue,
                Err(error) => error,
            };
            match error.kind {
                ErrorKind::Gone => continue,
                // The rights to list and watch may be missing where the right to read is there.
                ErrorKind::Forbidden => return self.poll(&group).await,
                ErrorKind::NoKind => group.targets.iter().for_each(|target| group.tell(target, None)),
                _ if error.is_transient() || error.code == 404 => {}
                _ => return error,
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Tells of everything, then of every change. Ends well when the server has forgotten where we were.
    async fn list_and_watch(&self, group: &Group, pause: &mut Duration) -> Result<(), Error> {
        let Some(first) = group.targets.first() else {
            return Ok(());
        };
        let resource = self.resource(&first.api_version, &first.key.kind).await?;
        let path = collection_path(&resource, &first.key.namespace);
        let path = with_query(&path, &[("fieldSelector", &group.selector())]);
        let (objects, mut version) = self.list_all(&resource, &path).await?;
        let mut found: HashMap<String, Object> =
            objects.into_iter().map(|object| (object.name().to_owned(), object)).collect();
        for target in &group.targets {
            group.tell(target, found.remove(&target.key.name));
        }
        let seconds = WATCH_SECONDS.to_string();
        loop {
            let query = [
                ("watch", "true"),
                ("allowWatchBookmarks", "true"),
                ("timeoutSeconds", &seconds),
                ("resourceVersion", &version),
            ];
            let path = with_query(&path, &query);
            let request = build(Method::GET, &path, &[], Vec::new())?;
            let begun = in_time(&Method::GET, &path, self.client().request_events::<Value>(request)).await;
            let mut events = Box::pin(begun?);
            let mut heard = false;
            while let Ok(Some(event)) = tokio::time::timeout(SILENCE, events.as_mut().next()).await {
                heard = true;
                *pause = FIRST_PAUSE;
                if let Some(newer) = tell_event(group, event?)? {
                    version = newer;
                }
            }
            if !heard {
                // A watch that ends without a word may do so again at once.
                tokio::time::sleep(*pause).await;
                *pause = (*pause * 2).min(LONGEST_PAUSE);
            }
        }
    }

    /// Reads each object again and again; ends when that is forbidden too.
    async fn poll(&self, group: &Group) -> Error {
        loop {
            let answers = self.get_many(&group.targets).await;
            for (target, answer) in group.targets.iter().zip(answers) {
                match answer {
                    Ok(object) => group.tell(target, object),
                    Err(error) if error.is_transient() => {}
                    Err(error) => return error,
                }
            }
            tokio::time::sleep(POLL).await;
        }
    }
}

/// Passes a change on; the resourceVersion it brings.
fn tell_event(group: &Group, event: WatchEvent<Value>) -> Result<Option<String>, Error> {
    let (value, exists) = match event {
        WatchEvent::Added(value) | WatchEvent::Modified(value) => (value, true),
        WatchEvent::Deleted(value) => (value, false),
        WatchEvent::Bookmark(bookmark) => return Ok(Some(bookmark.metadata.resource_version)),
        WatchEvent::Error(status) => return Err(Error::from(*status)),
    };
    let version = value["metadata"]["resourceVersion"].as_str().map(str::to_owned);
    group.tell_by_name(value, exists);
    Ok(version)
}
