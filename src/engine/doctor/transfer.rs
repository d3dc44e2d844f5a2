//! Moving records to another driver: all are there and read back before the first is deleted here.

use super::backup::Backup;
use crate::{
    engine::{Error, record::at_work},
    release::{self, RecordMeta, Storage, storage::Raw},
};

/// Records to move, none of which the other driver has otherwise.
pub struct Transfer {
    /// As they are here.
    pub backup: Backup,
    /// How many of them are there already, from a move that was interrupted.
    pub there: usize,
    metas: Vec<RecordMeta>,
    release: Option<String>,
}

/// Looks whether the records of the storage's namespace, or of one release, can be moved. No writes.
///
/// # Errors
/// [`Error::Refused`]: an operation is at work, or the other driver has a record of the same name that differs;
/// [`release::Error::TooLarge`].
pub async fn plan(from: &Storage, to: &Storage, release: Option<&str>) -> Result<Transfer, Error> {
    let metas = listed(from, release).await?;
    let now = from.cluster().now();
    let mut backup = Backup::of(from);
    for meta in &metas {
        if at_work(meta, now) {
            let words = format!("nothing was moved: an operation is at work on {}", meta.name);
            return Err(Error::Refused(words));
        }
        let raw = from.raw(meta).await?;
        to.check_raw(&raw).await?;
        backup.records.push(raw);
    }
    let mut there = 0;
    for meta in listed(to, release).await? {
        let Some(raw) = backup.records.iter().find(|raw| raw.meta.record == meta.record) else {
            // Of another release, or of one that was moved before and goes on there.
            continue;
        };
        if !to.raw(&meta).await?.is_same(raw) {
            let words = format!("nothing was moved: {} is in {} already, and differs", meta.record, to.driver());
            return Err(Error::Refused(words));
        }
        there += 1;
    }
    Ok(Transfer { backup, there, metas, release: release.map(str::to_owned) })
}

/// All records, or those of a release, oldest first.
async fn listed(storage: &Storage, release: Option<&str>) -> Result<Vec<RecordMeta>, release::Error> {
    let selector = release.map_or_else(String::new, |name| format!("name={name}"));
    let mut metas = storage.list(&selector).await?;
    metas.sort_by(|a, b| (&a.name, a.revision).cmp(&(&b.name, b.revision)));
    Ok(metas)
}

/// Moves what was planned: writes what is not there yet, reads everything back, and deletes it here only then. After an
/// interruption the same again goes on where it stopped.
///
/// # Errors
/// Records that cannot be written or read back; ones that were written here meanwhile, before anything is deleted.
pub async fn carry_out(from: &Storage, to: &Storage, transfer: &Transfer) -> Result<(), Error> {
    for raw in &transfer.backup.records {
        match to.put(raw, None).await {
            Err(release::Error::Exists) => {}
            written => drop(written?),
        }
    }
    verify(to, &transfer.backup.records).await?;
    let version = |meta: &RecordMeta| (meta.record.clone(), meta.resource_version.clone());
    let now: Vec<_> = listed(from, transfer.release.as_deref()).await?.iter().map(version).collect();
    if now != transfer.metas.iter().map(version).collect::<Vec<_>>() {
        let words = format!("records were written meanwhile: nothing was deleted from {}", from.driver());
        return Err(Error::Refused(words));
    }
    for meta in &transfer.metas {
        from.delete(meta).await?;
    }
    Ok(())
}

/// Whether the driver has these records as they are.
async fn verify(storage: &Storage, records: &[Raw]) -> Result<(), Error> {
    let metas = storage.list("").await?;
    for raw in records {
        let found = metas.iter().find(|meta| meta.record == raw.meta.record);
        let same = match found {
            Some(meta) => storage.raw(meta).await?.is_same(raw),
            None => false,
        };
        if !same {
            let words = format!("{} does not read back from {} as it was written", raw.meta.record, storage.driver());
            return Err(Error::Refused(format!("{words}: nothing was deleted")));
        }
    }
    Ok(())
}
