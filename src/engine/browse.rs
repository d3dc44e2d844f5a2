//! Reads that screens and verbs share: changes between revisions, drift, history, and what lives in the cluster.

use std::sync::Arc;

use super::{
    Error,
    basis::{self, Subject},
    objects::key_in,
    prepare,
};
pub use super::{
    gitops::gitops_owner,
    resources::{ResourceNode, health, resources},
};
use crate::{
    cluster::read::Target,
    diff::{self, Change, ObjectDiff, Redactor},
    manifest::{self, Object},
    release::{self, RecordMeta, Release, Storage},
};

/// A revision of a release: its record's metadata, and what is in it when that can be read.
pub type Revision = (RecordMeta, Result<Arc<Release>, release::Error>);

/// All revisions of a release, ascending. A record that cannot be decoded is an `Err` in its place.
pub async fn history(storage: &Storage, name: &str) -> Result<Vec<Revision>, Error> {
    let metas = storage.history(name).await?;
    let releases = storage.decode_many(&metas).await;
    Ok(metas.into_iter().zip(releases).collect())
}

/// The revision that an upgrade of a release starts from.
///
/// # Errors
/// That there is no release, or none that an upgrade can start from.
pub async fn in_force(storage: &Storage, name: &str) -> Result<Arc<Release>, Error> {
    let history = storage.history(name).await?;
    Ok(prepare::in_force(storage, &history).await?.release)
}

/// Changes from one revision's manifest to another's (hooks not included).
pub fn changes(old: Option<&Release>, new: &Release, redactor: &Redactor) -> Result<Vec<ObjectDiff>, Error> {
    let old = old.map_or(Ok(Vec::new()), recorded)?;
    Ok(diff::objects(&old, &recorded(new)?, redactor))
}

/// Differences between two releases of one chart. Their objects have other names, so what comes from the same template is
/// paired: by its kind, and by its place among those of its kind.
///
/// # Errors
/// Releases of different charts, and a manifest that cannot be read.
pub fn differences(old: &Release, new: &Release, redactor: &Redactor) -> Result<Vec<ObjectDiff>, Error> {
    let chart = |release: &Release| release.chart.metadata().name.clone();
    if chart(old) != chart(new) {
        return Err(Error::Refused(format!(
            "{} is a release of {} and {} one of {}: only releases of one chart can be compared",
            old.name,
            chart(old),
            new.name,
            chart(new)
        )));
    }
    let (before, after) = (read_manifest(old)?, read_manifest(new)?);
    let mut unpaired: Vec<&Object> = before.iter().collect();
    let same = |one: &Object, other: &Object| (&one.source, one.kind()) == (&other.source, other.kind());
    let compare = |before: Option<&Object>, after: Option<&Object>| {
        let (object, release) = if after.is_some() { (after, new) } else { (before, old) };
        let diff = diff::object(before, after, redactor);
        let key = object.map_or(diff.key.clone(), |object| key_in(object, &release.namespace));
        ObjectDiff { key, ..diff }
    };
    let mut diffs = Vec::with_capacity(after.len());
    for object in &after {
        let pair = unpaired.iter().position(|old| same(old, object)).map(|at| unpaired.remove(at));
        diffs.push(compare(pair, Some(object)));
    }
    diffs.extend(unpaired.into_iter().map(|object| compare(Some(object), None)));
    diffs.sort_by_key(|diff| diff.change == Change::None);
    Ok(diffs)
}

/// The objects of a revision's manifest. Those that name no namespace get the release's, so that revisions which
/// differ only in writing it out are paired; cluster-scoped kinds cannot be told here and get it on both sides.
fn recorded(release: &Release) -> Result<Vec<Object>, Error> {
    let mut objects = read_manifest(release)?;
    for object in &mut objects {
        let namespace = key_in(object, &release.namespace).namespace;
        if let Some(metadata) = object.value["metadata"].as_object_mut() {
            metadata.insert("namespace".to_owned(), namespace.into());
        }
    }
    Ok(objects)
}

/// The objects of a revision's manifest as they are written.
pub(super) fn read_manifest(release: &Release) -> Result<Vec<Object>, Error> {
    manifest::read(&release.manifest).map_err(|error| {
        let place = format!("the manifest of {} revision {}", release.name, release.revision);
        Error::Refused(format!("{place} cannot be read: {error}"))
    })
}

/// A revision's manifest as it is shown, its Secrets redacted.
pub fn manifest(release: &Release, redactor: &Redactor) -> String {
    redactor.manifest(release.manifest.trim_start_matches('\n'))
}

/// Drift of one object.
#[derive(Debug, Clone)]
pub struct Drift {
    /// Where it lives.
    pub target: Option<Target>,
    /// The manifest's fields as recorded → the same fields live; fields the manifest does not set are left out, except
    /// containers and keys added inside lists and maps the manifest owns.
    pub diff: ObjectDiff,
    /// Why it could not be read, if so (403 …).
    pub error: Option<String>,
}

/// Drift of a revision's objects against the live cluster: what the manifest says and the cluster does not.
pub async fn drift(storage: &Storage, release: &Release, redactor: &Redactor) -> Result<Vec<Drift>, Error> {
    let recorded = read_manifest(release)?;
    let subjects = basis::read_live(storage.cluster(), &recorded, &release.namespace).await;
    Ok(subjects.into_iter().map(|subject| drift_of(subject, redactor)).collect())
}

fn drift_of(subject: Subject<'_>, redactor: &Redactor) -> Drift {
    let recorded = subject.object;
    let (diff, error) = match &subject.live {
        Ok(Some(live)) => {
            let (recorded, live) = diff::drift(recorded, live);
            let (recorded, live) = (Object::new(recorded), Object::new(live));
            (diff::object(Some(&recorded), Some(&live), redactor), None)
        }
        Ok(None) => (diff::object(Some(recorded), None, redactor), None),
        // Nothing is claimed of what cannot be read.
        Err(error) => (diff::object(Some(recorded), Some(recorded), redactor), Some(error.to_string())),
    };
    Drift { target: subject.target.ok(), diff, error }
}
