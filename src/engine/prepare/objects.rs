//! Which objects an operation applies, and which it deletes.

use std::{collections::BTreeSet, sync::Arc};

use crate::{
    cluster::{Cluster, ErrorKind},
    engine::{
        Error,
        basis::read_live,
        objects::{self, key_in, unmapped},
    },
    manifest::{self, Object},
    release::{RecordMeta, Release, Status, Storage},
};

async fn decode(storage: &Storage, metas: &[RecordMeta], warnings: &mut Vec<String>) -> Vec<Arc<Release>> {
    let mut releases = Vec::with_capacity(metas.len());
    for (meta, decoded) in metas.iter().zip(storage.decode_many(metas).await) {
        match decoded {
            Ok(release) => releases.push(release),
            Err(error) => warnings.push(format!("revision {} cannot be read: {error}", meta.revision)),
        }
    }
    releases
}

/// The revisions whose objects may be in the cluster, newest first: from the last deployed one through the newest.
/// Where a failed rollback left none deployed, the last good one stands in for it, and without that the oldest.
pub(super) async fn deletion_baseline(
    storage: &Storage,
    history: &[RecordMeta],
    warnings: &mut Vec<String>,
) -> Vec<Arc<Release>> {
    let Some(newest) = history.last() else {
        return Vec::new();
    };
    let start = match history.iter().rposition(|meta| meta.status == Status::Deployed) {
        Some(start) => start,
        None => {
            // One that cannot be told leaves all revisions in the baseline: more to look at, nothing missed.
            let good = storage.last_good(&newest.name, newest.revision + 1).await;
            let good = good.unwrap_or_default();
            history.iter().position(|meta| Some(meta.revision) == good).unwrap_or(0)
        }
    };
    let mut releases = decode(storage, &history[start..], warnings).await;
    releases.reverse();
    releases
}

/// Objects of the baseline that the target lacks, each in its newest form, without those that are to be kept.
pub(super) fn missing_from(
    objects: &[Object],
    baseline: &[Arc<Release>],
    namespace: &str,
    warnings: &mut Vec<String>,
) -> Vec<Object> {
    let mut seen: BTreeSet<_> = objects.iter().map(|object| key_in(object, namespace)).collect();
    let mut missing = Vec::new();
    for release in baseline {
        match manifest::read(&release.manifest) {
            Ok(recorded) => {
                for object in recorded {
                    let unseen = seen.insert(key_in(&object, namespace));
                    if unseen && !objects::is_kept(&object) && !object.name().is_empty() {
                        missing.push(object);
                    }
                }
            }
            Err(error) => warnings.push(format!(
                "the manifest of revision {} cannot be read, so objects that only it had stay: {error}",
                release.revision
            )),
        }
    }
    missing
}

/// The objects of a release's manifest, in install order and marked as its own. `words` come before what is wrong with it.
pub(super) fn target_objects(release: &Release, words: &str) -> Result<Vec<Object>, Error> {
    let mut objects = manifest::read(&release.manifest).map_err(|error| Error::Refused(format!("{words}: {error}")))?;
    for object in &mut objects {
        if object.name().is_empty() {
            return Err(Error::Refused(nameless(object)));
        }
        objects::own(object, &release.name, &release.namespace);
    }
    manifest::install_order(&mut objects);
    Ok(objects)
}

/// The objects of the revision in force, as it recorded them.
pub(super) fn originals(from: &Release) -> Result<Vec<Object>, Error> {
    manifest::read(&from.manifest).map_err(|error| {
        Error::Refused(format!("unable to build kubernetes objects from current release manifest: {error}"))
    })
}

/// Refuses objects of versions and kinds that are neither served nor `defined` by the release itself, all of them in
/// the words of cli-runtime, after `words`. Nothing else is asked of the server, as Helm asks nothing else.
pub(super) async fn check_kinds(
    cluster: &Cluster,
    objects: &[Object],
    defined: &BTreeSet<(String, String)>,
    words: &str,
) -> Result<(), Error> {
    let mut unserved = Vec::new();
    let mut hints = Vec::new();
    for object in objects {
        let Err(error) = cluster.resource(object.api_version(), object.kind()).await else {
            continue;
        };
        if error.kind != ErrorKind::NoKind {
            return Err(error.into());
        }
        if defined.contains(&(object.group().to_owned(), object.kind().to_owned())) {
            continue;
        }
        let error = unmapped(object, error);
        if !unserved.contains(&error.message) {
            unserved.push(error.message);
        }
        hints.extend(error.details);
    }
    let why = match unserved.as_slice() {
        [] => return Ok(()),
        [one] => one.clone(),
        many => format!("[{}]", many.join(", ")),
    };
    let message = if words.is_empty() { why } else { format!("{words}: {why}") };
    Err(Error::Failed { message, hints })
}

/// Those of `objects` that exist in the cluster, as they will be: marked as the release's own already, or any with
/// `take_ownership` (helm/helm `pkg/action/validate.go`).
///
/// # Errors
/// Helm's words for an object that is another's, or that cannot be read.
pub(super) async fn existing(
    cluster: &Cluster,
    objects: &[Object],
    release: &Release,
    take_ownership: bool,
) -> Result<Vec<Object>, Error> {
    let mut existing = Vec::new();
    for subject in read_live(cluster, objects, &release.namespace).await {
        if subject.object.value["metadata"]["generateName"].as_str().is_some_and(|name| !name.is_empty()) {
            let words = "metadata.name and metadata.generateName cannot both be set";
            return Err(Error::Refused(words.to_owned()));
        }
        // A kind that the release itself defines has no objects yet.
        let Ok(target) = &subject.target else { continue };
        match &subject.live {
            Ok(None) => {}
            Ok(Some(live)) => {
                if !take_ownership && let Some(why) = objects::not_owned(live, &release.name, &release.namespace) {
                    return Err(Error::Refused(objects::foreign(target, &why)));
                }
                existing.push(subject.object.clone());
            }
            Err(error) => {
                let resource = objects::resource_string(target);
                let words = format!("could not get information about the resource {resource}: {error}");
                return Err(Error::Refused(words));
            }
        }
    }
    Ok(existing)
}

fn nameless(object: &Object) -> String {
    let template = object.source.as_deref().unwrap_or("the manifest");
    let kind = object.kind();
    if object.value["metadata"]["generateName"].is_string() {
        format!("{template}: {kind} has metadata.generateName, which only hooks may have: give it a metadata.name")
    } else {
        format!("{template}: {kind} has no metadata.name")
    }
}
