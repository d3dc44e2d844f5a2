//! Objects that no revision in force has: left by failed revisions, or by releases whose records are gone.

use std::collections::{BTreeMap, BTreeSet};

use super::{Code, Diagnosis, Finding, Question, Repair, place};
use crate::{
    cluster::{Cluster, read::Target},
    engine::{
        Error, basis,
        browse::{Revision, read_manifest},
        objects::{self, key_in},
        record::is_held,
    },
    manifest::Object,
    release::{Driver, RecordMeta, Release, Status, Storage, history},
};

/// Objects of failed revisions that live on although a later revision was deployed without them.
pub(super) async fn residue(cluster: &Cluster, revisions: &[Revision]) -> Diagnosis {
    let Some((in_force, (newest, _))) = in_force(revisions).zip(revisions.last()) else {
        return Diagnosis::default();
    };
    let mut diagnosis = Diagnosis::default();
    if is_held(newest) {
        // What an operation still has to do looks the same.
        return diagnosis;
    }
    let (before, since) = revisions.split_at(in_force);
    let owned = match owned(since) {
        Ok(owned) => owned,
        Err(error) => {
            let place = format!("{}/{}", newest.namespace, newest.name);
            diagnosis.notes.push(format!("{place}: what failed revisions left behind cannot be told: {error}"));
            return diagnosis;
        }
    };
    let keys: BTreeSet<_> = owned.iter().map(|object| key_in(object, &newest.namespace)).collect();
    let mut seen = keys;
    for (meta, release) in before.iter().rev() {
        let Some(failed) = release.as_ref().ok().filter(|release| never_deployed(meta, release)) else {
            continue;
        };
        let mut left = read_manifest(failed).unwrap_or_default();
        left.retain(|object| seen.insert(key_in(object, &newest.namespace)) && !objects::is_kept(object));
        for (target, live) in living(cluster, &left, meta).await {
            if !is_moved(cluster, &owned, &live, &newest.namespace).await {
                diagnosis.findings.push(residue_of(meta, target, &live));
            }
        }
    }
    diagnosis
}

/// Where the revision stands that is in force: the newest that was deployed, or behind the last one where all is
/// uninstalled.
fn in_force(revisions: &[Revision]) -> Option<usize> {
    if revisions.last().is_some_and(|(meta, _)| meta.status == Status::Uninstalled) {
        return Some(revisions.len());
    }
    revisions.iter().rposition(|(meta, release)| match release {
        Ok(release) => history::was_deployed(&meta.status, &release.info.description),
        Err(_) => meta.status == Status::Deployed,
    })
}

fn never_deployed(meta: &RecordMeta, release: &Release) -> bool {
    meta.status != Status::Uninstalled && !history::was_deployed(&meta.status, &release.info.description)
}

/// Everything that these revisions have.
fn owned(revisions: &[Revision]) -> Result<Vec<Object>, Error> {
    let mut owned = Vec::new();
    for (_, release) in revisions {
        owned.extend(read_manifest(release.as_ref().map_err(|error| error.clone())?)?);
    }
    Ok(owned)
}

/// Those objects that live and are the release's own, unless they are to be kept.
async fn living(cluster: &Cluster, objects: &[Object], meta: &RecordMeta) -> Vec<(Target, Object)> {
    let subjects = basis::read_live(cluster, objects, &meta.namespace).await;
    let pairs = subjects.into_iter().filter_map(|subject| Some((subject.target.ok()?, subject.live.ok()??)));
    pairs
        .filter(|(_, live)| objects::is_owned_by(live, &meta.name, &meta.namespace) && !objects::is_kept(live))
        .collect()
}

/// Whether an object lives on under another group or version, as one of those that are owned.
async fn is_moved(cluster: &Cluster, owned: &[Object], live: &Object, namespace: &str) -> bool {
    let alike: Vec<Object> =
        owned.iter().filter(|object| object.kind() == live.kind() && object.name() == live.name()).cloned().collect();
    let found = basis::read_live(cluster, &alike, namespace).await;
    found.iter().any(|subject| matches!(&subject.live, Ok(Some(other)) if other.uid() == live.uid()))
}

fn residue_of(meta: &RecordMeta, target: Target, live: &Object) -> Finding {
    Finding {
        object: place(&target.key, &meta.namespace),
        explanation: format!(
            "revision {} made it and failed; no later revision has it, and nothing deletes it, not even an uninstall",
            meta.revision
        ),
        proposal: "delete it".to_owned(),
        repair: Some(Repair::Delete(target, live.uid().to_owned())),
        ..Finding::of(Code::Residue, meta)
    }
}

/// Objects whose annotations name a release that has no record: in the storage's namespace and cluster-scoped, or
/// everywhere. `metas` are all records there.
pub(super) async fn orphans(storage: &Storage, metas: &[RecordMeta], question: &Question) -> Result<Diagnosis, Error> {
    let mut diagnosis = Diagnosis::default();
    let cluster = storage.cluster();
    let (labelled, untold) = cluster.labelled(storage.namespace(), objects::OWNED).await?;
    if let Some(first) = untold.first() {
        let others = if untold.len() > 1 { format!(" and {} other kinds", untold.len() - 1) } else { String::new() };
        diagnosis.notes.push(format!("orphans may be missing: objects of kind {first}{others} cannot be listed"));
    }
    let mut releases: BTreeMap<(String, String), Vec<Object>> = BTreeMap::new();
    for object in labelled {
        // Dependents carry copies of their owner's annotations.
        let is_dependent = object.value["metadata"]["ownerReferences"].as_array().is_some_and(|all| !all.is_empty());
        let Some((name, namespace)) = objects::owner(&object).filter(|_| !is_dependent) else {
            continue;
        };
        let asked = question.release.as_deref().is_none_or(|release| release == name);
        let here = storage.namespace().is_empty() || storage.namespace() == namespace;
        let known = || metas.iter().any(|meta| meta.name == name && meta.namespace == namespace);
        if asked && here && !objects::is_kept(&object) && !known() {
            releases.entry((namespace.to_owned(), name.to_owned())).or_default().push(object);
        }
    }
    for ((namespace, name), objects) in releases {
        match elsewhere(storage, &namespace, &name).await {
            Some(note) => diagnosis.notes.push(format!("{namespace}/{name}: {note}")),
            None => {
                let orphan = |object| orphan(&namespace, &name, &object, question.delete_orphans);
                diagnosis.findings.extend(objects.into_iter().map(orphan));
            }
        }
    }
    Ok(diagnosis)
}

/// Why a release without a record here may be one all the same: its records lie where another driver keeps them.
async fn elsewhere(storage: &Storage, namespace: &str, name: &str) -> Option<String> {
    for (word, driver) in [("secrets", Driver::Secrets), ("configmaps", Driver::ConfigMaps)] {
        let other = Storage::new(storage.cluster().clone(), driver, namespace);
        match other.list(&format!("name={name}")).await {
            Ok(found) if found.is_empty() => {}
            Ok(_) => return Some(format!("its records are in {word}")),
            Err(error) => return Some(format!("whether it has records in {word} cannot be told: {error}")),
        }
    }
    None
}

fn orphan(namespace: &str, name: &str, object: &Object, delete: bool) -> Finding {
    let target = Target { api_version: object.api_version().to_owned(), key: object.key() };
    let meta = RecordMeta { namespace: namespace.to_owned(), name: name.to_owned(), ..RecordMeta::default() };
    Finding {
        object: place(&target.key, namespace),
        explanation: format!("its annotations name release {name} of {namespace}, which has no record there"),
        proposal: match delete {
            true => "delete it".to_owned(),
            false => format!(
                "--repair --delete-orphans deletes it, where no database has records of {name}; \
                 install {name} --take-ownership takes it over"
            ),
        },
        repair: delete.then(|| Repair::Delete(target, object.uid().to_owned())),
        ..Finding::of(Code::Orphan, &meta)
    }
}
