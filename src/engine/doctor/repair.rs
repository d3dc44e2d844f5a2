//! Carrying out repairs.

use std::collections::BTreeMap;

use super::{Edit, Finding, Repair, backup::Backup};
use crate::{
    cluster::{
        ErrorKind,
        apply::Deletion,
        read::{Target, bounded},
    },
    engine::{Error, objects::label},
    release::{self, RecordMeta, Release, Status, Storage},
};

/// What became of one repair: the record or object, and why it was not done.
#[derive(Debug, Clone)]
pub struct Repaired {
    /// `NAMESPACE/RECORD` or `Kind/name`.
    pub object: String,
    /// What was done, or why not.
    pub done: Result<&'static str, String>,
}

/// Everything that repairing these findings touches, as it is now.
///
/// # Errors
/// Something that cannot be read: nothing may be repaired then.
pub async fn back_up(storage: &Storage, findings: &[Finding]) -> Result<Backup, Error> {
    let mut backup = Backup::of(storage);
    for meta in records(findings).into_values() {
        backup.records.push(storage.raw(meta).await?);
    }
    for finding in findings {
        if let Some(Repair::Delete(target, _)) = &finding.repair
            && let Some(live) = storage.cluster().get(target).await?
        {
            backup.objects.push(live.value);
        }
    }
    Ok(backup)
}

/// Records that repairs write or delete, by namespace and name.
fn records(findings: &[Finding]) -> BTreeMap<(&str, &str), &RecordMeta> {
    let metas = findings.iter().filter_map(|finding| match &finding.repair {
        Some(Repair::Edit(meta, _) | Repair::Remove(meta)) => Some(meta),
        _ => None,
    });
    metas.map(|meta| ((meta.namespace.as_str(), meta.record.as_str()), meta)).collect()
}

/// Carries out what can be repaired. A record that was written since it was looked at, be it by a heartbeat, and an object
/// that was made anew are left alone; one that fails keeps none of the others from being tried.
pub async fn repair(storage: &Storage, findings: &[Finding]) -> Vec<Repaired> {
    let mut edits: BTreeMap<(&str, &str), Vec<&Edit>> = BTreeMap::new();
    for finding in findings {
        if let Some(Repair::Edit(meta, edit)) = &finding.repair {
            edits.entry((&meta.namespace, &meta.record)).or_default().push(edit);
        }
    }
    let written = bounded(records(findings).into_iter().map(async |(key, meta)| {
        let (done, result) = match edits.get(&key) {
            Some(edits) => ("written anew", write(storage, meta, edits).await),
            None => ("deleted", storage.delete(meta).await),
        };
        let object = format!("{}/{}", meta.namespace, meta.record);
        Repaired { object, done: result.map(|()| done).map_err(|error| error.to_string()) }
    }));
    let mut repaired = written.await;
    let deletions = findings.iter().filter_map(|finding| match &finding.repair {
        Some(Repair::Delete(target, uid)) => Some((target, uid)),
        _ => None,
    });
    repaired.extend(bounded(deletions.map(|(target, uid)| delete(storage, target, uid))).await);
    repaired
}

async fn write(storage: &Storage, meta: &RecordMeta, edits: &[&Edit]) -> Result<(), release::Error> {
    let mut release = Release::clone(&*storage.decode(meta).await?);
    for edit in edits {
        match edit {
            Edit::Fail(description) => {
                release.info.status = Status::Failed;
                release.info.description.clone_from(description);
            }
            Edit::Supersede => release.info.status = Status::Superseded,
            Edit::Serve(removed) => {
                release.manifest = removed.in_manifest(&release.manifest).unwrap_or(release.manifest);
            }
        }
    }
    storage.replace(meta, &release).await.map(drop)
}

async fn delete(storage: &Storage, target: &Target, uid: &str) -> Repaired {
    let deletion = Deletion { uid: Some(uid.to_owned()), ..Deletion::default() };
    let done = match storage.cluster().delete(target, &deletion).await {
        Ok(true) => Ok("deleted"),
        Ok(false) => Ok("gone already"),
        Err(error) if error.kind == ErrorKind::Conflict => Err("it was made anew since".to_owned()),
        Err(error) => Err(error.message),
    };
    Repaired { object: label(&target.key), done }
}
