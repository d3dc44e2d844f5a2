//! What Helm does to the cluster for a revision, in its order.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::{
    super::{
        delete::{self, DeleteOptions},
        patch,
        path::Route,
        ssa,
        store::Store,
        write::{self, text},
    },
    chart, create, home, record, served, settled,
    story::{Edition, Example, Method, Revision},
    writer,
};
use crate::{
    cluster::apply::client_side_patch,
    manifest::{self, Object},
    release::{Release, Status},
    yaml,
};

/// A release as it grows.
pub(super) struct Helm<'a> {
    example: &'a Example,
    /// Its records so far.
    history: Vec<Release>,
    /// The objects written last.
    applied: Vec<Object>,
}

impl<'a> Helm<'a> {
    /// Before the first revision.
    pub fn new(example: &'a Example) -> Self {
        Self { example, history: Vec::new(), applied: Vec::new() }
    }

    /// Installs, upgrades or rolls back at `time`.
    pub fn revise(
        &mut self,
        store: &mut Store,
        edition: &Edition,
        revision: &Revision,
        time: Timestamp,
    ) -> Result<(), String> {
        let rendered = chart::render(self.example, edition)?;
        let began = self.history.first().and_then(|first| first.info.first_deployed.as_deref());
        let first = began.and_then(|text| text.parse().ok()).unwrap_or(time);
        let mut release = record::release(self.example, edition, &rendered, (first, time))?;
        if !edition.status.is_pending() {
            self.run_hooks(store, &mut release, &format!("pre-{}", edition.action), time)?;
        }
        if revision.applied {
            let objects = manifest::read(&rendered.manifest).map_err(|error| error.message)?;
            settled(store, |store| self.write_all(store, objects))?;
            self.run_hooks(store, &mut release, &format!("post-{}", edition.action), time)?;
        }
        let end = time.checked_add(SignedDuration::from_secs(21)).unwrap_or(time);
        self.write_record(store, &release, revision, end)?;
        if edition.status == Status::Deployed {
            self.supersede(store, end)?;
        }
        self.history.push(release);
        Ok(())
    }

    /// Who writes the records, and who the objects: Helm names itself differently to each.
    fn managers(&self) -> (&str, &str) {
        match &self.example.writer {
            Some(writer) => (writer, writer),
            None => ("Helm", "helm"),
        }
    }

    fn write_record(
        &self,
        store: &mut Store,
        release: &Release,
        revision: &Revision,
        time: Timestamp,
    ) -> Result<(), String> {
        let mut secret = record::secret(release, time)?;
        if !revision.annotations.is_empty() {
            secret["metadata"]["annotations"] = revision.annotations.clone().into();
        }
        create(store, secret, self.managers().0).map(drop)
    }

    /// What was deployed is so no more.
    fn supersede(&mut self, store: &mut Store, time: Timestamp) -> Result<(), String> {
        let manager = self.managers().0.to_owned();
        for release in self.history.iter_mut().filter(|release| release.info.status == Status::Deployed) {
            release.info.status = Status::Superseded;
            let secret = record::secret(release, time)?;
            let kind = served(store, &secret)?;
            if let Some(live) = store.get(&kind, &release.namespace, &text(&secret, "name")) {
                write::update(store, &kind, &live, secret, &writer(&manager, "")).map_err(|failure| failure.message)?;
            }
        }
        Ok(())
    }

    /// Runs the Jobs of an event and notes how they went.
    fn run_hooks(&self, store: &mut Store, release: &mut Release, event: &str, time: Timestamp) -> Result<(), String> {
        for hook in release.hooks.iter_mut().filter(|hook| hook.events.iter().any(|known| known.as_str() == event)) {
            let mut job = yaml::from_str(&hook.manifest).map_err(|error| error.message)?;
            job["metadata"]["namespace"] = self.example.namespace.clone().into();
            remove(store, &job)?;
            settled(store, |store| create(store, job.clone(), self.managers().1))?;
            let ended = store.find("jobs.batch", &self.example.namespace, &hook.name);
            let succeeded = ended.is_some_and(|job| job["status"]["succeeded"].as_u64() > Some(0));
            hook.last_run = record::run(time, succeeded);
            let policy = if succeeded { "hook-succeeded" } else { "hook-failed" };
            if hook.delete_policies.iter().any(|known| known == policy) {
                remove(store, &job)?;
            }
        }
        Ok(())
    }

    fn write_all(&mut self, store: &mut Store, objects: Vec<Object>) -> Result<(), String> {
        for object in &objects {
            let before = self.applied.iter().find(|other| other.key() == object.key());
            self.write(store, before, object)?;
        }
        for gone in &self.applied {
            if !objects.iter().any(|object| object.key() == gone.key()) {
                remove(store, &self.owned(store, gone)?.value)?;
            }
        }
        self.applied = objects;
        Ok(())
    }

    /// The object as Helm sends it: in its namespace, and known as the release's.
    fn owned(&self, store: &Store, object: &Object) -> Result<Object, String> {
        let mut value = object.value.clone();
        let kind = served(store, &value)?;
        let metadata = &mut value["metadata"];
        if kind.namespaced {
            metadata["namespace"] = self.example.namespace.clone().into();
        }
        metadata["annotations"]["meta.helm.sh/release-name"] = self.example.name.clone().into();
        metadata["annotations"]["meta.helm.sh/release-namespace"] = self.example.namespace.clone().into();
        Ok(Object::new(value))
    }

    fn write(&self, store: &mut Store, before: Option<&Object>, object: &Object) -> Result<(), String> {
        let target = self.owned(store, object)?;
        let kind = served(store, &target.value)?;
        let namespace = home(&kind, &self.example.namespace).to_owned();
        let writer = writer(self.managers().1, "");
        if self.example.method == Method::Ssa {
            let route = Route { kind, namespace, name: target.name().to_owned(), subresource: String::new() };
            let applied = ssa::apply(store, &route, target.value, &writer, false);
            return applied.map(drop).map_err(|failure| failure.message);
        }
        let Some(live) = store.get(&kind, &namespace, target.name()) else {
            return create(store, target.value, self.managers().1).map(drop);
        };
        let before = before.map(|before| self.owned(store, before)).transpose()?;
        let patch = client_side_patch(before.as_ref(), &target, &Object::new(Value::clone(&live)), false)
            .map_err(|error| error.message)?;
        patch::apply(patch.content_type, &live, &patch.body, kind.custom)
            .and_then(|patched| write::update(store, &kind, &live, patched, &writer))
            .map(drop)
            .map_err(|failure| failure.message)
    }
}

/// Deletes an object, and what it owns, where it exists.
fn remove(store: &mut Store, object: &Value) -> Result<(), String> {
    let kind = served(store, object)?;
    let namespace = text(object, "namespace");
    let Some(live): Option<Arc<Value>> = store.get(&kind, &namespace, &text(object, "name")) else {
        return Ok(());
    };
    let options = DeleteOptions { propagation: "Background".to_owned(), ..DeleteOptions::default() };
    settled(store, |store| delete::delete(store, &kind, &live, &options)).map(drop).map_err(|failure| failure.message)
}
