//! What is kept before anything is changed: records and objects in one file that only its owner may read.

use std::{
    fs::{self, DirBuilder, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::place;
use crate::{
    engine::{Error, record::at_work, time},
    manifest::Object,
    release::{self, RecordMeta, Storage, storage::Raw},
};

/// Of the file, so that a later program knows what it reads.
const FORMAT: &str = "pilothouse-backup/v1";

/// What an object has from the server, and does not bring back.
const SERVERS: &[&str] = &[
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generation",
    "managedFields",
    "resourceVersion",
    "selfLink",
    "uid",
];

/// Records and objects as they were.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Backup {
    format: String,
    /// When it was made, RFC 3339.
    pub made: String,
    /// The cluster it is of: its URL, or the context's name.
    pub cluster: String,
    /// Where the records were: `HELM_DRIVER`'s word.
    pub driver: String,
    /// Records.
    pub records: Vec<Raw>,
    /// Whole objects, as the server gave them.
    pub objects: Vec<Value>,
}

/// What putting a backup back did to a record or an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Restored {
    /// It was not there, and is again.
    Created,
    /// It was different, and is as it was again.
    Replaced,
    /// It is there as it was.
    Same,
    /// An object of its name is there, and was left alone.
    LeftAlone,
}

impl Backup {
    /// Nothing yet, of a storage and its cluster.
    pub fn of(storage: &Storage) -> Self {
        Self {
            format: FORMAT.to_owned(),
            made: time::now(),
            cluster: place_of(storage),
            driver: storage.driver().to_owned(),
            records: Vec::new(),
            objects: Vec::new(),
        }
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty() && self.objects.is_empty()
    }

    /// Writes it into a new file of mode 0600 in `folder`, which is made where it is not there, and reads it back.
    ///
    /// # Errors
    /// One sentence on what could not be written.
    pub fn write(&self, folder: &Path) -> Result<PathBuf, Error> {
        let path = folder.join(format!("doctor-{}.json", self.made.replace(':', "")));
        let failed =
            |error: io::Error| Error::Refused(format!("nothing was changed: back up to {}: {error}", path.display()));
        let text = serde_json::to_vec(self).map_err(|error| failed(error.into()))?;
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).map_err(failed)?;
        file.write_all(&text).and_then(|()| file.sync_all()).map_err(failed)?;
        match fs::read(&path).map_err(failed)? == text {
            true => Ok(path),
            false => Err(failed(io::Error::other("what was written does not read back"))),
        }
    }

    /// Reads a file that [`Self::write`] wrote.
    ///
    /// # Errors
    /// One sentence on a file that cannot be read, or is something else.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let refused = |why: String| Error::Refused(format!("{}: {why}", path.display()));
        let text = fs::read(path).map_err(|error| refused(error.to_string()))?;
        let backup: Self =
            serde_json::from_slice(&text).map_err(|error| refused(format!("this is no backup: {error}")))?;
        match backup.format.as_str() {
            FORMAT => Ok(backup),
            other => Err(refused(format!("a backup of format {other:?}, this program reads {FORMAT:?}"))),
        }
    }
}

fn place_of(storage: &Storage) -> String {
    match storage.cluster().server() {
        "" => storage.cluster().context().to_owned(),
        server => server.to_owned(),
    }
}

/// Why a backup does not belong here; `None` where it does.
pub fn foreign(storage: &Storage, backup: &Backup) -> Option<String> {
    if backup.driver != storage.driver() && !backup.records.is_empty() {
        return Some(format!("its records are of HELM_DRIVER={}, not of {}", backup.driver, storage.driver()));
    }
    let here = place_of(storage);
    (backup.cluster != here).then(|| format!("it was made on {}, and this is {here}", backup.cluster))
}

/// What of the cluster [`restore`] would write over.
///
/// # Errors
/// Records that cannot be read; one that an operation holds which is still at work.
pub async fn overwritten(storage: &Storage, backup: &Backup) -> Result<Backup, Error> {
    let now = storage.cluster().now();
    let mut before = Backup::of(storage);
    for raw in &backup.records {
        let Some(meta) = current(storage, &raw.meta).await? else {
            continue;
        };
        if at_work(&meta, now) {
            let words = format!("nothing was changed: an operation is at work on {}/{}", meta.namespace, meta.name);
            return Err(Error::Refused(words));
        }
        let current = storage.raw(&meta).await?;
        if !current.is_same(raw) {
            before.records.push(current);
        }
    }
    Ok(before)
}

/// Puts everything back that is not there as it was. `told` hears of each record and object.
///
/// # Errors
/// The first that cannot be written; what was put back before stays.
pub async fn restore(storage: &Storage, backup: &Backup, told: &(dyn Fn(&str, Restored) + Sync)) -> Result<(), Error> {
    for raw in &backup.records {
        let done = restore_record(storage, raw).await?;
        told(&format!("{}/{}", raw.meta.namespace, raw.meta.record), done);
    }
    for value in &backup.objects {
        let object = Object::new(value.clone());
        let done = restore_object(storage, &object).await?;
        told(&place(&object.key(), ""), done);
    }
    Ok(())
}

async fn restore_record(storage: &Storage, raw: &Raw) -> Result<Restored, Error> {
    let storage = storage.in_namespace(&raw.meta.namespace);
    let Some(meta) = current(&storage, &raw.meta).await? else {
        storage.put(raw, None).await?;
        return Ok(Restored::Created);
    };
    if storage.raw(&meta).await?.is_same(raw) {
        return Ok(Restored::Same);
    }
    storage.put(raw, Some(&meta)).await?;
    Ok(Restored::Replaced)
}

/// The record of this name as it is now.
async fn current(storage: &Storage, wanted: &RecordMeta) -> Result<Option<RecordMeta>, release::Error> {
    let named = storage.in_namespace(&wanted.namespace).list(&format!("name={}", wanted.name)).await?;
    Ok(named.into_iter().find(|meta| meta.record == wanted.record))
}

async fn restore_object(storage: &Storage, object: &Object) -> Result<Restored, Error> {
    let cluster = storage.cluster();
    let target = cluster.target(object, object.namespace()).await?;
    if cluster.get(&target).await?.is_some() {
        return Ok(Restored::LeftAlone);
    }
    let mut object = object.clone();
    if let Some(fields) = object.value.as_object_mut() {
        fields.remove("status");
    }
    if let Some(metadata) = object.value["metadata"].as_object_mut() {
        SERVERS.iter().for_each(|field| drop(metadata.remove(*field)));
    }
    cluster.create(&target, &object, false).await?;
    Ok(Restored::Created)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_backup_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        let read = |text: &str| {
            fs::write(&path, text).unwrap();
            Backup::read(&path).unwrap_err().to_string().replace(&path.display().to_string(), "FILE")
        };
        assert!(read("{}").starts_with("FILE: this is no backup: missing field"));
        let newer = r#"{"format":"pilothouse-backup/v9","made":"","cluster":"","driver":"","records":[],"objects":[]}"#;
        assert_eq!(
            read(newer),
            r#"FILE: a backup of format "pilothouse-backup/v9", this program reads "pilothouse-backup/v1""#
        );
    }
}
