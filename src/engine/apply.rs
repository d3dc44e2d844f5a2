//! Applying objects in waves by kind, and deleting what the target lacks.

use std::collections::HashSet;

use tokio_util::sync::CancellationToken;

use super::{
    Operation, Prepared,
    basis::fingerprint,
    definitions::await_served,
    objects::{self, Originals, as_sent, defined_kinds, group_version_kind, label},
    prepare::file_name,
    progress::{Progress, Reporter},
    recreate,
    retry::{TRIES, may_pass, patiently, pause},
};
use crate::{
    cluster::{
        self, Cluster, ErrorKind,
        apply::{Deletion, ServerSide, client_side_patch},
        read::{Target, bounded},
    },
    diff::Change,
    manifest::{Object, ObjectKey},
    release::ApplyMethod,
};

/// What applying and deleting has done so far.
#[derive(Default)]
pub(super) struct Applied {
    /// Everything applied, in order.
    pub(super) targets: Vec<Target>,
    /// What did not exist before, with its UID: `--cleanup-on-fail` deletes it.
    pub(super) created: Vec<(Target, String)>,
    /// Everything deleted.
    pub(super) deleted: Vec<Target>,
    /// Created, updated, deleted, unchanged.
    pub(super) counts: [usize; 4],
    uids: HashSet<String>,
}

impl Applied {
    fn note(&mut self, done: Done) {
        match done.change {
            Change::Create => {
                self.counts[0] += 1;
                self.created.push((done.target.clone(), done.uid.clone()));
            }
            Change::Update | Change::Recreate => self.counts[1] += 1,
            Change::Delete => self.counts[2] += 1,
            Change::None => self.counts[3] += 1,
        }
        self.uids.insert(done.uid);
        self.targets.push(done.target);
    }
}

struct Done {
    target: Target,
    change: Change,
    uid: String,
}

/// Why applying stopped.
pub(super) enum Stop {
    /// The caller asked.
    Cancelled,
    /// Objects failed; Helm's words.
    Failed(String),
}

/// Applies a prepared operation.
pub(super) struct Applier<'a> {
    pub(super) cluster: &'a Cluster,
    pub(super) prepared: &'a Prepared,
    pub(super) report: &'a Reporter,
    pub(super) cancel: &'a CancellationToken,
}

impl Applier<'_> {
    /// Resolves every object once before anything is applied, as Helm builds its manifests first. Kinds that this
    /// release itself defines are left to their wave. The error is in Helm's words.
    pub(super) async fn check_kinds(&self) -> Result<(), cluster::Error> {
        let defined = defined_kinds(&self.prepared.objects);
        for object in &self.prepared.objects {
            let Err(error) = self.cluster.target(object, &self.prepared.namespace).await else {
                continue;
            };
            let own = (object.group().to_owned(), object.kind().to_owned());
            if error.kind != ErrorKind::NoKind || !defined.contains(&own) {
                return Err(unbuilt(object, error));
            }
        }
        Ok(())
    }

    /// Applies objects: kinds in install order one after another, the objects of a kind at once.
    ///
    /// What fails stops as little as it does in Helm (helm/helm `pkg/kube/client.go`, `Create` and `update`), so that both
    /// leave the same behind: an install tries every object, an upgrade or rollback goes on after an object that could
    /// not be changed, and stops after the wave of one that could not be created.
    pub(super) async fn apply_all(&self, objects: &[&Object], applied: &mut Applied) -> Result<(), Stop> {
        if let Some(words) = self.prepared.contradiction() {
            return Err(Stop::Failed(words.to_owned()));
        }
        let defined = defined_kinds(&self.prepared.objects);
        let mut failures = Vec::new();
        for wave in objects.chunk_by(|a, b| a.kind() == b.kind()) {
            if self.cancel.is_cancelled() {
                return Err(Stop::Cancelled);
            }
            let results = bounded(wave.iter().map(|object| self.apply_one(object))).await;
            let mut stopped_by = None;
            for result in results {
                match result {
                    Ok(done) => applied.note(done),
                    Err(failed) => {
                        applied.created.extend(failed.created);
                        match failed.goes_on || self.only_creates() {
                            true => failures.push(failed.words),
                            false => stopped_by = stopped_by.or(Some(failed.words)),
                        }
                    }
                }
            }
            if let Some(words) = stopped_by {
                return Err(Stop::Failed(words));
            }
            if self.cancel.is_cancelled() {
                return Err(Stop::Cancelled);
            }
            if wave.first().is_some_and(|object| object.kind() == "CustomResourceDefinition") {
                self.await_established(applied, &defined).await?;
            }
        }
        if failures.is_empty() {
            return Ok(());
        }
        Err(Stop::Failed(failures.join(if self.only_creates() { "\n" } else { " && " })))
    }

    /// Whether Helm takes its short way: an install that takes nothing over.
    fn only_creates(&self) -> bool {
        self.prepared.operation == Operation::Install && self.prepared.originals.is_empty()
    }

    /// Custom resources of this release need their definitions established and discovered.
    async fn await_established(
        &self,
        applied: &Applied,
        defined: &std::collections::BTreeSet<(String, String)>,
    ) -> Result<(), Stop> {
        let own = |object: &Object| defined.contains(&(object.group().to_owned(), object.kind().to_owned()));
        if !self.prepared.objects.iter().any(own) {
            return Ok(());
        }
        let definitions: Vec<Target> =
            applied.targets.iter().filter(|target| target.key.kind == "CustomResourceDefinition").cloned().collect();
        let served = await_served(self.cluster, &definitions, defined, self.cancel).await;
        served.map_err(|error| match error.kind {
            ErrorKind::Cancelled => Stop::Cancelled,
            _ => Stop::Failed(error.message),
        })
    }

    /// Applies an object of `crds/`, whoever made it (`--crds=apply`).
    pub(super) async fn define(&self, path: &str, object: &Object) -> Result<Target, cluster::Error> {
        let applied = self.apply_one(object).await.map(|done| done.target);
        applied.map_err(|failed| {
            let message = format!("failed to apply CRD {}: {}", file_name(path), failed.words);
            cluster::Error { message, ..failed.cause }
        })
    }

    async fn apply_one(&self, object: &Object) -> Result<Done, Failed> {
        let mut tried = 1;
        let mut before = Before::default();
        loop {
            let failed = match self.try_one(object, &mut before).await {
                Ok(done) => {
                    (self.report)(Progress::Object(done.target.key.clone(), done.change));
                    return Ok(done);
                }
                Err(failed) => failed,
            };
            let again = failed.cause.kind == ErrorKind::Conflict || may_pass(&failed.cause);
            if !again || tried == TRIES || self.cancel.is_cancelled() {
                (self.report)(Progress::ObjectFailed(object.key(), failed.words.clone()));
                return Err(failed);
            }
            tokio::select! {
                () = self.cancel.cancelled() => {}
                () = tokio::time::sleep(pause(&failed.cause, tried)) => {}
            }
            tried += 1;
        }
    }

    /// One try, from a fresh read on, so that trying again is always safe. What was there `before` is remembered across
    /// tries, for a creation whose answer got lost.
    async fn try_one(&self, object: &Object, before: &mut Before) -> Result<Done, Failed> {
        let target = self.cluster.target(object, &self.prepared.namespace).await.map_err(|error| {
            let error = unbuilt(object, error);
            Failed::new(error.message.clone(), error)
        })?;
        let object = as_sent(object, &target);
        let live =
            self.cluster.get(&target).await.map_err(|error| {
                Failed::new(format!("could not get information about the resource: {error}"), error)
            })?;
        if let Some(live) = &live
            && !before.was_absent
            && let Some(why) = self.foreign(&target, live)
        {
            let error = cluster::Error::new(ErrorKind::AlreadyExists, why);
            return Err(Failed::new(error.message.clone(), error));
        }
        let live = match live {
            Some(live) if before.is_doomed(&live, recreate::is_asked(&self.prepared.options, &target.key)) => {
                self.make_way(&target, &live, &object).await?;
                None
            }
            live => live,
        };
        let Some(live) = live else {
            before.was_absent = true;
            let created = self.create(&target, &object).await.map_err(|failed| Failed {
                words: self.uncreated(&failed.words),
                created: Some((target.clone(), String::new())),
                ..failed
            })?;
            return Ok(Done { uid: created.uid().to_owned(), target, change: before.creation() });
        };
        let after = self.update(&target, &object, &live).await.map_err(|failed| Failed { goes_on: true, ..failed })?;
        let change = match (before.was_absent, fingerprint(&live) == fingerprint(&after)) {
            (true, _) => before.creation(),
            (false, true) => Change::None,
            (false, false) => Change::Update,
        };
        Ok(Done { uid: after.uid().to_owned(), target, change })
    }

    /// Helm's words for a creation that failed: an install that takes nothing over has none.
    fn uncreated(&self, why: &str) -> String {
        if self.only_creates() { why.to_owned() } else { format!("failed to create resource: {why}") }
    }

    /// Helm's words for an object that is another's and came up since the operation was prepared. A rollback has no
    /// such check, as Helm's has none.
    fn foreign(&self, target: &Target, live: &Object) -> Option<String> {
        let Prepared { operation, name, namespace, options, originals, .. } = self.prepared;
        let known = || Originals::new(originals, namespace).by_key(target).is_some() || self.prepared.defines(target);
        if *operation == Operation::Rollback || options.take_ownership || known() {
            return None;
        }
        objects::not_owned(live, name, namespace).map(|why| objects::foreign(target, &why))
    }

    /// Deletes an object that is to be made anew, by the rules of every deletion.
    async fn make_way(&self, target: &Target, live: &Object, object: &Object) -> Result<(), Failed> {
        let Self { cluster, prepared, cancel, .. } = self;
        let done = match why_not_deleted(live, prepared) {
            Some(why) => Err(cluster::Error::new(ErrorKind::Forbidden, why)),
            None => recreate::make_way(cluster, target, (live, object), &prepared.options, cancel).await,
        };
        let name = label(&target.key);
        done.map_err(|error| Failed::new(format!("{name} cannot be made anew: {}", error.message), error))
    }

    async fn create(&self, target: &Target, object: &Object) -> Result<Object, Failed> {
        if self.prepared.method == ApplyMethod::ServerSide {
            self.apply_server_side(target, object).await
        } else {
            let created = self.cluster.create(target, object, false).await;
            created.map_err(|error| Failed::new(error.message.clone(), error))
        }
    }

    async fn update(&self, target: &Target, object: &Object, live: &Object) -> Result<Object, Failed> {
        if self.prepared.method == ApplyMethod::ServerSide {
            if self.prepared.migrates(target) {
                self.migrate(target, live).await?;
            }
            return self.apply_server_side(target, object).await;
        }
        if self.prepared.options.force_replace {
            let replaced = self.cluster.replace(target, object, false).await;
            return replaced.map_err(|error| Failed::new(format!("failed to replace object: {error}"), error));
        }
        let originals = Originals::new(&self.prepared.originals, &self.prepared.namespace);
        // Helm takes the cluster's state as the baseline of an object that the current revision does not have.
        let original = originals.find(self.cluster, target, live).await.unwrap_or_else(|| live.clone());
        let three_way = self.prepared.three_way();
        let patch = client_side_patch(Some(&original), object, live, three_way)
            .map_err(|error| Failed::new(format!("failed to create patch: {error}"), error))?;
        if patch.is_empty() {
            return Ok(live.clone());
        }
        self.cluster.patch(target, &patch, false).await.map_err(|error| {
            Failed::new(format!("cannot patch {:?} with kind {}: {error}", target.key.name, target.key.kind), error)
        })
    }

    async fn migrate(&self, target: &Target, live: &Object) -> Result<Object, Failed> {
        self.cluster.migrate_field_managers(target, live).await.map_err(|error| {
            let words = format!(
                "failed to patch object to upgrade CSA field manager {}/{} {}: {error}",
                target.key.namespace,
                target.key.name,
                group_version_kind(target)
            );
            Failed::new(words, error)
        })
    }

    async fn apply_server_side(&self, target: &Target, object: &Object) -> Result<Object, Failed> {
        let options = ServerSide { force: self.prepared.options.force_conflicts, dry_run: false };
        let applied = self.cluster.apply(target, object, options).await;
        applied.map_err(|error| Failed::new(server_side_words(target, error.clone()).message, error))
    }

    /// Deletes what the target lacks. Never what this operation applied under another name, what is kept, what another
    /// release owns, or what was made anew since it was read.
    pub(super) async fn delete_all(&self, applied: &mut Applied) -> Result<(), Stop> {
        if self.cancel.is_cancelled() {
            return Err(Stop::Cancelled);
        }
        let uids = &applied.uids;
        let mut deleted = Vec::new();
        let mut failures = Vec::new();
        for wave in self.prepared.deletions.chunk_by(|a, b| a.kind() == b.kind()) {
            for result in bounded(wave.iter().map(|object| self.delete_one(object, uids))).await {
                match result {
                    Ok(target) => deleted.extend(target),
                    Err(words) => failures.push(words),
                }
            }
        }
        applied.counts[2] += deleted.len();
        applied.deleted.append(&mut deleted);
        if failures.is_empty() { Ok(()) } else { Err(Stop::Failed(failures.join(" && "))) }
    }

    /// `None` where there was nothing to delete or it stays.
    async fn delete_one(&self, object: &Object, applied: &HashSet<String>) -> Result<Option<Target>, String> {
        let warn = |why: String| {
            (self.report)(Progress::Warning(format!("{} stays: {why}", label(&object.key()))));
            Ok(None)
        };
        let failed = |key: ObjectKey, error: cluster::Error| {
            let ObjectKey { namespace, name, kind, .. } = &key;
            let words = format!("failed to delete resource namespace={namespace}, name={name}, kind={kind}: {error}");
            (self.report)(Progress::ObjectFailed(key, words.clone()));
            Err(words)
        };
        let target = match patiently(|| self.cluster.target(object, &self.prepared.namespace)).await {
            Ok(target) => target,
            // A kind that is gone took its objects with it.
            Err(error) if error.kind == ErrorKind::NoKind => return Ok(None),
            // Helm leaves it where it is, for good: the next revision would not know of it any more.
            Err(error) if error.is_transient() => return failed(object.key(), error),
            Err(error) => return warn(error.message),
        };
        let live = match patiently(|| self.cluster.get(&target)).await {
            Ok(Some(live)) => live,
            Ok(None) => return Ok(None),
            Err(error) if error.is_transient() => return failed(target.key, error),
            Err(error) => return warn(format!("it cannot be read: {error}")),
        };
        if applied.contains(live.uid()) {
            return Ok(None);
        }
        if let Some(why) = why_not_deleted(&live, self.prepared) {
            return warn(why);
        }
        let deletion =
            Deletion { uid: Some(live.uid().to_owned()), propagation: self.prepared.options.cascade, dry_run: false };
        match patiently(|| self.cluster.delete(&target, &deletion)).await {
            Ok(_) => {
                (self.report)(Progress::Object(target.key.clone(), Change::Delete));
                Ok(Some(target))
            }
            Err(error) => failed(target.key, error),
        }
    }

    /// `--cleanup-on-fail`: deletes what this operation created.
    pub(super) async fn clean_up(&self, applied: &Applied) -> Result<(), String> {
        let mut failures = Vec::new();
        for (target, uid) in &applied.created {
            let uid = Some(uid.clone()).filter(|uid| !uid.is_empty());
            let deletion = Deletion { uid, ..Deletion::default() };
            match patiently(|| self.cluster.delete(target, &deletion)).await {
                Ok(_) => (self.report)(Progress::Object(target.key.clone(), Change::Delete)),
                Err(error) => failures.push(error.message),
            }
        }
        if failures.is_empty() { Ok(()) } else { Err(failures.join(", ")) }
    }
}

/// Helm's words for an object of the target that has no place in the cluster.
fn unbuilt(object: &Object, error: cluster::Error) -> cluster::Error {
    let error = objects::unmapped(object, error);
    let message = format!("unable to build kubernetes objects from new release manifest: {}", error.message);
    cluster::Error { message, ..error }
}

/// Why a live object that the target lacks is left alone; `None` when it may be deleted.
pub(super) fn why_not_deleted(live: &Object, prepared: &Prepared) -> Option<String> {
    if objects::is_kept(live) {
        Some("its helm.sh/resource-policy is keep".to_owned())
    } else if !objects::is_owned_by(live, &prepared.name, &prepared.namespace) {
        Some(format!("its annotations do not name release {}/{}", prepared.namespace, prepared.name))
    } else {
        None
    }
}

/// Helm's words around a failed server-side apply (helm/helm `pkg/kube/client.go`, `patchResourceServerSide`).
pub(super) fn server_side_words(target: &Target, error: cluster::Error) -> cluster::Error {
    let what = format!("{}/{} {}", target.key.namespace, target.key.name, group_version_kind(target));
    let message = match &error.kind {
        _ if error.code == 415 => format!("server-side apply not available on the server: {}", error.message),
        ErrorKind::Conflict | ErrorKind::FieldConflicts(_) => {
            format!("conflict occurred while applying object {what}: {}", error.message)
        }
        _ => format!("server-side apply failed for object {what}: {}", error.message),
    };
    cluster::Error { message, ..error }
}

/// What was in the place of an object before the first try.
#[derive(Default)]
struct Before {
    was_absent: bool,
    /// The UID of what is deleted to be made anew.
    doomed: Option<String>,
}

impl Before {
    /// Whether this is what is to be made anew, not what has been made already.
    fn is_doomed(&mut self, live: &Object, is_asked: bool) -> bool {
        is_asked && !self.was_absent && self.doomed.get_or_insert_with(|| live.uid().to_owned()) == live.uid()
    }

    fn creation(&self) -> Change {
        if self.doomed.is_some() { Change::Recreate } else { Change::Create }
    }
}

/// An object that could not be applied.
struct Failed {
    words: String,
    cause: cluster::Error,
    /// A creation that was tried: the object may exist all the same.
    created: Option<(Target, String)>,
    /// It exists and could not be changed, which keeps nothing else from being applied.
    goes_on: bool,
}

impl Failed {
    fn new(words: String, cause: cluster::Error) -> Self {
        Self { words, cause, created: None, goes_on: false }
    }
}
