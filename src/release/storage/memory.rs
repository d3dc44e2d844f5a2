//! Records in this process' memory (helm/helm `pkg/storage/driver/memory.go`).

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::object::{Stamps, Stored, user_labels};
use super::term::terms;
use super::{RecordMeta, moved, now, record_name};
use crate::release::{Error, Release, codec};
use crate::yaml;

/// Records that end with the process. Clones share them.
#[derive(Clone, Default)]
pub struct Memory(Arc<Shared>);

#[derive(Default)]
struct Shared {
    records: Mutex<Records>,
    /// Told after every write.
    written: watch::Sender<()>,
}

#[derive(Default)]
struct Records {
    /// By namespace and record.
    kept: BTreeMap<(String, String), Kept>,
    /// Counts the writes: the source of UIDs and resourceVersions.
    clock: u64,
}

struct Kept {
    meta: RecordMeta,
    payload: Vec<u8>,
}

impl Memory {
    /// Memory with the releases of YAML files, named as in `HELM_MEMORY_DRIVER_DATA`: each a list, their paths separated
    /// by colons (helm/helm `pkg/cmd/root.go`, `loadReleasesInMemory`). Empty when no path is given, where Helm refuses
    /// to do anything.
    ///
    /// # Errors
    /// [`Error::Driver`] with Helm's words for a file that cannot be read or holds something else;
    /// [`Error::Exists`] for a revision that occurs twice.
    pub fn load(paths: &str) -> Result<Self, Error> {
        let memory = Self::default();
        for path in paths.split(':').filter(|_| !paths.is_empty()) {
            let text = std::fs::read_to_string(path)
                .map_err(|error| Error::Driver(format!("Unable to read memory driver data: {path}: {error}")))?;
            for release in releases(&text)
                .map_err(|error| Error::Driver(format!("Unable to unmarshal memory driver data: {path}: {error}")))?
            {
                let namespace = if release.namespace.is_empty() { "default" } else { &release.namespace };
                memory.create(namespace, &release, &BTreeMap::new(), Stamps::now(), codec::encode(&release)?)?;
            }
        }
        Ok(memory)
    }

    /// Wakes after every write.
    pub(super) fn changes(&self) -> watch::Receiver<()> {
        self.0.written.subscribe()
    }

    pub(super) fn list(&self, namespace: &str, selector: &str) -> Result<Vec<RecordMeta>, Error> {
        let terms = terms(selector)?;
        let records = self.records();
        let metas = records.kept.values().map(|kept| &kept.meta);
        let metas = metas.filter(|meta| namespace.is_empty() || meta.namespace == namespace);
        Ok(metas.filter(|meta| terms.iter().all(|term| term.matches(meta))).cloned().collect())
    }

    pub(super) fn fetch(&self, namespace: &str, record: &str) -> Result<Stored, Error> {
        let mut records = self.records();
        let kept = records.find(namespace, record).ok_or(Error::NotFound)?;
        Ok(Stored::new(kept.meta.clone(), kept.payload.clone()))
    }

    pub(super) fn metadata(&self, meta: &RecordMeta) -> Result<RecordMeta, Error> {
        let mut records = self.records();
        let kept = records.find(&meta.namespace, &meta.record).ok_or_else(|| moved(meta))?;
        Ok(kept.meta.clone())
    }

    pub(super) fn create(
        &self,
        namespace: &str,
        release: &Release,
        annotations: &BTreeMap<String, String>,
        stamps: Stamps,
        payload: Vec<u8>,
    ) -> Result<RecordMeta, Error> {
        let mut records = self.records();
        let record = record_name(&release.name, release.revision);
        if records.find(namespace, &record).is_some() {
            return Err(Error::Exists);
        }
        let version = records.tick();
        let meta = RecordMeta {
            record: record.clone(),
            namespace: namespace.to_owned(),
            name: release.name.clone(),
            revision: release.revision,
            status: release.info.status.clone(),
            uid: version.clone(),
            resource_version: version,
            created_at: stamps.created,
            modified_at: stamps.modified.unwrap_or(stamps.created),
            writers: Vec::new(),
            annotations: annotations.clone(),
            labels: user_labels(&release.labels),
        };
        records.kept.insert((namespace.to_owned(), record), Kept { meta: meta.clone(), payload });
        self.0.written.send_replace(());
        Ok(meta)
    }

    /// Writes over a record that is still as in `meta`.
    pub(super) fn replace(&self, meta: &RecordMeta, release: &Release, payload: Vec<u8>) -> Result<RecordMeta, Error> {
        self.change(meta, |kept| {
            if kept.meta.resource_version != meta.resource_version {
                return Err(moved(meta));
            }
            kept.payload = payload;
            kept.meta.status = release.info.status.clone();
            kept.meta.annotations.clone_from(&meta.annotations);
            kept.meta.labels = user_labels(&release.labels);
            kept.meta.modified_at = now();
            Ok(())
        })
    }

    pub(super) fn annotate(
        &self,
        meta: &RecordMeta,
        annotations: &BTreeMap<String, String>,
    ) -> Result<RecordMeta, Error> {
        self.change(meta, |kept| {
            kept.meta.annotations.extend(annotations.clone());
            Ok(())
        })
    }

    pub(super) fn delete(&self, meta: &RecordMeta) -> Result<(), Error> {
        let mut records = self.records();
        let found = records.find(&meta.namespace, &meta.record);
        found.filter(|kept| kept.meta.uid == meta.uid).ok_or(Error::NotFound)?;
        records.kept.remove(&(meta.namespace.clone(), meta.record.clone()));
        self.0.written.send_replace(());
        Ok(())
    }

    fn change(
        &self,
        meta: &RecordMeta,
        change: impl FnOnce(&mut Kept) -> Result<(), Error>,
    ) -> Result<RecordMeta, Error> {
        let mut records = self.records();
        let version = records.tick();
        let found = records.find(&meta.namespace, &meta.record);
        let kept = found.filter(|kept| kept.meta.uid == meta.uid).ok_or_else(|| moved(meta))?;
        change(kept)?;
        kept.meta.resource_version = version;
        self.0.written.send_replace(());
        Ok(kept.meta.clone())
    }

    fn records(&self) -> MutexGuard<'_, Records> {
        self.0.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Records {
    fn find(&mut self, namespace: &str, record: &str) -> Option<&mut Kept> {
        self.kept.get_mut(&(namespace.to_owned(), record.to_owned()))
    }

    fn tick(&mut self) -> String {
        self.clock += 1;
        self.clock.to_string()
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Memory")
    }
}

fn releases(text: &str) -> Result<Vec<Release>, String> {
    let value = yaml::from_str(text).map_err(|error| error.to_string())?;
    let releases: Option<Vec<Release>> = serde_json::from_value(value).map_err(|error| error.to_string())?;
    Ok(releases.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::release::Status;

    #[track_caller]
    fn check_refused(text: &str, expected: &str) {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let path = file.path().display().to_string();
        let error = Memory::load(&path).unwrap_err().to_string();
        assert_eq!(error.replace(&path, "FILE"), expected);
    }

    #[test]
    fn files_are_loaded_as_helm_loads_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        std::fs::write(path("a"), "- {name: web, version: 1, info: {status: superseded}, labels: {a: b}}").unwrap();
        let rest = "- {name: web, version: 2, namespace: default, info: {status: deployed}}\n\
                    - {name: db, version: 1, namespace: prod, info: {status: failed}}\n";
        std::fs::write(path("b"), rest).unwrap();
        std::fs::write(path("empty"), "").unwrap();
        let memory = Memory::load(&[path("a"), path("b"), path("empty")].join(":")).unwrap();
        let names = |namespace, selector| {
            let metas = memory.list(namespace, selector).unwrap();
            metas.iter().map(|meta| format!("{}.{}", meta.name, meta.revision)).collect::<Vec<_>>()
        };
        assert_eq!(names("", ""), ["web.1", "web.2", "db.1"]);
        assert_eq!(names("default", "status!=superseded"), ["web.2"]);
        assert_eq!(names("prod", "name=web"), [""; 0]);
        let release = codec::decode("web", memory.fetch("default", &record_name("web", 1)).unwrap().payload().unwrap());
        assert_eq!(release.unwrap().info.status, Status::Superseded);
    }

    #[test]
    fn what_is_no_list_of_releases_is_refused() {
        check_refused("a: 1", "Unable to unmarshal memory driver data: FILE: invalid type: map, expected a sequence");
        check_refused("[{name: a, version: 1}, {name: a, version: 1}]", "release: already exists");
        let missing = Memory::load("/nonexistent").unwrap_err().to_string();
        assert!(missing.starts_with("Unable to read memory driver data: /nonexistent: No such file"), "{missing}");
    }

    #[test]
    fn without_a_file_nothing_is_there() {
        assert!(Memory::load("").unwrap().list("", "").unwrap().is_empty());
    }
}
