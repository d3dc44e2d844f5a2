//! Storage drivers: Secrets and ConfigMaps in the cluster, this process' memory, a database.

mod cache;
mod memory;
mod object;
mod raw;
mod requests;
mod size;
mod sql;
mod term;
mod watch;

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt as _};
use serde::{Deserialize, Serialize};

pub use memory::Memory;
use object::{Kind, Stamps, Stored};
pub use object::{SYSTEM_LABELS, record_name};
pub use raw::Raw;
use requests::Objects;
pub use size::parts;
pub use sql::Sql;

use super::{Error, Release, Status, Summary, codec, history};
use crate::cluster::Cluster;

/// Records fetched and decoded at a time.
const IN_FLIGHT: usize = 8;

/// Where records live: `HELM_DRIVER`.
#[derive(Debug, Clone, Default)]
pub enum Driver {
    /// `secret`, `secrets` or empty.
    #[default]
    Secrets,
    /// `configmap`, `configmaps`.
    ConfigMaps,
    /// `memory`: gone with the process. Clones share the records.
    Memory(Memory),
    /// `sql`: PostgreSQL.
    Sql(Sql),
}

impl Driver {
    /// The driver that the environment chooses, read through `env`: `HELM_DRIVER` (helm/helm `pkg/action/action.go`, `Init`)
    /// and what belongs to it.
    ///
    /// # Errors
    /// [`Error::Driver`] for a word that names no driver, for data of `memory` that cannot be read, and for a connection
    /// string of `sql` that cannot be understood.
    pub fn from_env<'a>(env: impl Fn(&str) -> &'a str) -> Result<Self, Error> {
        match env("HELM_DRIVER") {
            "" | "secret" | "secrets" => Ok(Self::Secrets),
            "configmap" | "configmaps" => Ok(Self::ConfigMaps),
            "memory" => Ok(Self::Memory(Memory::load(env("HELM_MEMORY_DRIVER_DATA"))?)),
            "sql" => Ok(Self::Sql(Sql::new(env("HELM_DRIVER_SQL_CONNECTION_STRING"), env)?)),
            name => Err(Error::Driver(format!("unknown driver {name:?}"))),
        }
    }
}

/// A record's metadata, from its labels: all the home screen needs before decoding.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordMeta {
    /// Object name, `sh.helm.release.v1.NAME.vN`.
    pub record: String,
    /// Namespace of the record and so of the release.
    pub namespace: String,
    /// Release name.
    pub name: String,
    /// Revision.
    pub revision: u32,
    /// Status from the label.
    pub status: Status,
    /// UID of the record object.
    pub uid: String,
    /// resourceVersion of the record object.
    pub resource_version: String,
    /// Seconds since 1970 of creation.
    pub created_at: i64,
    /// Seconds since 1970 of the `modifiedAt` label (or `createdAt`), 0 when absent.
    pub modified_at: i64,
    /// Managers that wrote the record and when (from managedFields), newest first: `(manager, RFC 3339)`.
    pub writers: Vec<(String, String)>,
    /// Annotations of the record: our operations keep holder and heartbeat here.
    pub annotations: BTreeMap<String, String>,
    /// Labels that are not Helm's own.
    pub labels: BTreeMap<String, String>,
}

/// A change in the list of records.
#[derive(Debug, Clone)]
pub enum StorageEvent {
    /// The whole list, after a start or a recovery.
    Restarted(Vec<RecordMeta>),
    /// A record came or changed.
    Applied(RecordMeta),
    /// A record went, or no longer matches the selector (became superseded).
    Gone {
        /// Namespace.
        namespace: String,
        /// Object name.
        record: String,
    },
    /// The watch broke and is being restored.
    Disconnected(String),
    /// The watch works again.
    Connected,
    /// The server refuses (401, 403); the stream ends here. Watching one namespace at a time may still be allowed.
    Denied(Error),
}

/// Records of one cluster in one namespace, or in all when `namespace` is empty. Cheap to clone; clones share the cache.
#[derive(Clone)]
pub struct Storage {
    cluster: Cluster,
    backend: Backend,
    namespace: String,
    cache: Arc<cache::Cache>,
}

#[derive(Clone)]
enum Backend {
    Objects(Objects),
    Memory(Memory),
    Sql(Sql),
}

/// A record as it was fetched.
enum Fetched {
    /// An object, to be taken apart where it is decoded.
    Object(Kind, Bytes),
    /// A record that was never an object.
    Stored(Stored),
}

impl Storage {
    /// Records of `namespace`; of all namespaces when it is empty.
    pub fn new(cluster: Cluster, driver: Driver, namespace: impl Into<String>) -> Self {
        let objects = |kind| Backend::Objects(Objects { cluster: cluster.clone(), kind });
        let backend = match driver {
            Driver::Secrets => objects(Kind::Secret),
            Driver::ConfigMaps => objects(Kind::ConfigMap),
            Driver::Memory(memory) => Backend::Memory(memory),
            Driver::Sql(sql) => Backend::Sql(sql),
        };
        Self { cluster, backend, namespace: namespace.into(), cache: Arc::default() }
    }

    /// The cluster of the releases, whose records may live elsewhere.
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// Where records live, as `HELM_DRIVER` calls it.
    pub fn driver(&self) -> &'static str {
        match &self.backend {
            Backend::Objects(objects) => objects.kind.resource(),
            Backend::Memory(_) => "memory",
            Backend::Sql(_) => "sql",
        }
    }

    /// The namespace, empty for all.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The same cluster and cache, another namespace.
    #[must_use]
    pub fn in_namespace(&self, namespace: &str) -> Self {
        Self { namespace: namespace.to_owned(), ..self.clone() }
    }

    /// Metadata of records matching a selector, without their bodies: `status!=superseded` gives the home screen, `name=N`
    /// a history, `""` everything. With Secrets and ConfigMaps any label may be selected by, otherwise `name` and `status`.
    pub async fn list(&self, selector: &str) -> Result<Vec<RecordMeta>, Error> {
        match &self.backend {
            Backend::Objects(objects) => Ok(objects.list(&self.namespace, selector).await?.0),
            Backend::Memory(memory) => memory.list(&self.namespace, selector),
            Backend::Sql(sql) => sql.list(&self.namespace, selector).await,
        }
    }

    /// A live list for the UI: `list` then watch; 410 and disconnects recover by themselves. Where nothing can be watched
    /// (see [`Self::is_watched`]), the list comes anew after every write of this process.
    pub fn watch(&self, selector: &str) -> BoxStream<'static, StorageEvent> {
        match &self.backend {
            Backend::Objects(objects) => watch::watch(objects.clone(), &self.namespace, selector),
            Backend::Memory(memory) => watch::list_again(self.clone(), selector, memory.changes()),
            Backend::Sql(sql) => watch::list_again(self.clone(), selector, sql.changes()),
        }
    }

    /// Whether [`Self::watch`] tells of others' writes too. A database tells of none, and asking it over and over would cost
    /// more than whoever looks at an idle screen wants to spend.
    pub fn is_watched(&self) -> bool {
        !matches!(self.backend, Backend::Sql(_))
    }

    /// A record's labels as Helm's lists have them: Helm's own beside the user's, as far as the driver of Helm brings them
    /// (helm/helm `pkg/storage/driver`, `List`).
    pub fn listed_labels(&self, meta: &RecordMeta) -> BTreeMap<String, String> {
        let mut labels = meta.labels.clone();
        match &self.backend {
            Backend::Objects(_) => {
                labels.extend(own_labels(meta));
                labels.extend(stamp(meta));
            }
            Backend::Memory(_) => {}
            Backend::Sql(_) => labels.extend(own_labels(meta)),
        }
        labels
    }

    /// A record's labels as Helm has those of a release it looked up by name (helm/helm `pkg/storage/driver`, `Query`).
    pub fn labels_by_name(&self, meta: &RecordMeta) -> BTreeMap<String, String> {
        match &self.backend {
            Backend::Objects(_) => self.listed_labels(meta),
            Backend::Memory(_) | Backend::Sql(_) => meta.labels.clone(),
        }
    }

    /// One record decoded; cached by UID and resourceVersion.
    pub async fn decode(&self, meta: &RecordMeta) -> Result<Arc<Release>, Error> {
        if let Some(release) = self.cache.get(&meta.uid, &meta.resource_version) {
            return Ok(release);
        }
        self.read(&meta.namespace, &meta.record, &meta.resource_version).await
    }

    /// Many records decoded in parallel (bounded), in order; a corrupt one is an `Err` in its place.
    pub async fn decode_many(&self, metas: &[RecordMeta]) -> Vec<Result<Arc<Release>, Error>> {
        // Collected first: a lazy stream of borrowing closures is not `Send` to the compiler.
        let decoding: Vec<_> = metas.iter().map(|meta| self.decode(meta)).collect();
        stream::iter(decoding).buffered(IN_FLIGHT).collect().await
    }

    /// What lists show of one record. All of it is read, so that damage anywhere is noticed.
    pub async fn summary(&self, meta: &RecordMeta) -> Result<Summary, Error> {
        self.summarise(meta, |meta, data| codec::decode_summary(&meta.record, data)).await
    }

    async fn peek(&self, meta: &RecordMeta) -> Result<Summary, Error> {
        self.summarise(meta, |meta, data| codec::peek_summary(&meta.record, data, &meta.namespace, meta.revision)).await
    }

    async fn summarise(
        &self,
        meta: &RecordMeta,
        read: fn(&RecordMeta, &[u8]) -> Result<Summary, Error>,
    ) -> Result<Summary, Error> {
        if let Some(release) = self.cache.get(&meta.uid, &meta.resource_version) {
            return Ok(Summary::of(&release));
        }
        let fetched = self.fetch(&meta.namespace, &meta.record, &meta.resource_version).await?;
        let record = meta.clone();
        blocking(&meta.record, move || read(&record, fetched.stored()?.payload()?)).await
    }

    /// Many summaries in parallel (bounded), in order, of which only the beginning is decoded; one that is corrupt there
    /// is an `Err` in its place.
    pub async fn summaries(&self, metas: &[RecordMeta]) -> Vec<Result<Summary, Error>> {
        let decoding = metas.iter().map(|meta| self.peek(meta));
        stream::iter(decoding.collect::<Vec<_>>()).buffered(IN_FLIGHT).collect().await
    }

    /// A record as it is now, or at least as new as resourceVersion `since`.
    async fn fetch(&self, namespace: &str, record: &str, since: &str) -> Result<Fetched, Error> {
        match &self.backend {
            Backend::Objects(objects) => {
                let body = objects.fetch(namespace, record, since).await?;
                Ok(Fetched::Object(objects.kind, body))
            }
            Backend::Memory(memory) => memory.fetch(namespace, record).map(Fetched::Stored),
            Backend::Sql(sql) => sql.fetch(namespace, record).await.map(Fetched::Stored),
        }
    }

    /// Fetches and decodes a record, and remembers it.
    async fn read(&self, namespace: &str, record: &str, since: &str) -> Result<Arc<Release>, Error> {
        let fetched = self.fetch(namespace, record, since).await?;
        let (cache, name) = (Arc::clone(&self.cache), record.to_owned());
        blocking(record, move || {
            let stored = fetched.stored()?;
            let mut release = codec::decode(&name, stored.payload()?)?;
            release.labels = object::user_labels(&stored.metadata.labels);
            let release = Arc::new(release);
            cache.put(&stored.metadata.uid, &stored.metadata.resource_version, &release);
            Ok(release)
        })
        .await
    }

    /// One revision by name and number; fresh from the server. Without a namespace, from the cluster's default one.
    pub async fn get(&self, name: &str, revision: u32) -> Result<Release, Error> {
        let namespace = match self.namespace.as_str() {
            "" => self.cluster.namespace(),
            namespace => namespace,
        };
        let release = self.read(namespace, &record_name(name, revision), "").await?;
        Ok(Release::clone(&release))
    }

    /// Metadata of a release's revisions, ascending. Empty history is `NotFound`. Needs a namespace: releases of
    /// different namespaces may share a name.
    pub async fn history(&self, name: &str) -> Result<Vec<RecordMeta>, Error> {
        let mut records = self.list(&format!("name={name}")).await?;
        if records.is_empty() {
            return Err(Error::NotFound);
        }
        records.sort_by_key(|record| record.revision);
        Ok(records)
    }

    /// The newest revision before `below` that really was deployed: `deployed`, or `superseded` without a recorded
    /// failure. What the UI and `--last-good` roll back to. Decodes no more than it must.
    pub async fn last_good(&self, name: &str, below: u32) -> Result<Option<u32>, Error> {
        let records = self.history(name).await?;
        for meta in records.iter().rev().filter(|meta| meta.revision < below) {
            if self.was_deployed(meta).await? {
                return Ok(Some(meta.revision));
            }
        }
        Ok(None)
    }

    /// Writes a new record with Helm's name, type and labels; `Exists` when the revision is taken. The `annotations` are
    /// kept where the driver has a place for them.
    pub async fn create(&self, release: &Release, annotations: &BTreeMap<String, String>) -> Result<RecordMeta, Error> {
        let namespace = match (self.namespace.as_str(), release.namespace.as_str()) {
            ("", "") => "default",
            ("", namespace) | (namespace, _) => namespace,
        };
        let payload = self.payload(release).await?;
        self.insert(namespace, release, annotations, Stamps::now(), payload).await
    }

    async fn insert(
        &self,
        namespace: &str,
        release: &Release,
        annotations: &BTreeMap<String, String>,
        stamps: Stamps,
        payload: Vec<u8>,
    ) -> Result<RecordMeta, Error> {
        match &self.backend {
            Backend::Objects(objects) => objects.create(namespace, release, annotations, stamps, &payload).await,
            Backend::Memory(memory) => memory.create(namespace, release, annotations, stamps, payload),
            Backend::Sql(sql) => sql.create(namespace, release, stamps, &payload).await,
        }
    }

    /// Replaces a record if it is still the one in `meta`. When it was written since, it is read once more; if the status
    /// there is still the one in `meta` it is replaced, else `Moved`.
    pub async fn update(&self, meta: &RecordMeta, release: &Release) -> Result<RecordMeta, Error> {
        let payload = self.payload(release).await?;
        match self.overwrite(meta, release, payload.clone()).await {
            Err(Error::Moved { .. }) => {}
            done => return done,
        }
        let current = match &self.backend {
            Backend::Objects(objects) => objects.metadata(meta).await?,
            Backend::Memory(memory) => memory.metadata(meta)?,
            Backend::Sql(sql) => sql.metadata(meta).await?,
        };
        if current.uid != meta.uid || current.status != meta.status {
            return Err(moved(meta));
        }
        self.overwrite(&current, release, payload).await
    }

    /// Like [`Self::update`], but gives up at once when the record was written since, be it by a heartbeat.
    pub async fn replace(&self, meta: &RecordMeta, release: &Release) -> Result<RecordMeta, Error> {
        let payload = self.payload(release).await?;
        self.overwrite(meta, release, payload).await
    }

    async fn overwrite(&self, meta: &RecordMeta, release: &Release, payload: Vec<u8>) -> Result<RecordMeta, Error> {
        match &self.backend {
            Backend::Objects(objects) => objects.replace(meta, release, &payload).await,
            Backend::Memory(memory) => memory.replace(meta, release, payload),
            Backend::Sql(sql) => sql.replace(meta, release, &payload).await,
        }
    }

    /// What is stored of a release, which is ASCII; refused where the driver has no room for it.
    async fn payload(&self, release: &Release) -> Result<Vec<u8>, Error> {
        let (owned, limit) = (release.clone(), self.size_limit());
        blocking(&record_name(&release.name, release.revision), move || size::encode(&owned, limit)).await
    }

    /// Sets annotations only (the heartbeat), where the driver has a place for them.
    pub async fn annotate(
        &self,
        meta: &RecordMeta,
        annotations: &BTreeMap<String, String>,
    ) -> Result<RecordMeta, Error> {
        match &self.backend {
            Backend::Objects(objects) => objects.annotate(meta, annotations).await,
            Backend::Memory(memory) => memory.annotate(meta, annotations),
            Backend::Sql(_) => Ok(meta.clone()),
        }
    }

    /// Deletes a record; `NotFound` when it is gone already or another took its place.
    pub async fn delete(&self, meta: &RecordMeta) -> Result<(), Error> {
        match &self.backend {
            Backend::Objects(objects) => objects.delete(meta).await,
            Backend::Memory(memory) => memory.delete(meta),
            Backend::Sql(sql) => sql.delete(meta).await,
        }
    }

    /// A superseded record has to be read: its description tells. One that cannot be read is nothing to go back to.
    async fn was_deployed(&self, meta: &RecordMeta) -> Result<bool, Error> {
        if meta.status != Status::Superseded {
            return Ok(meta.status == Status::Deployed);
        }
        match self.summary(meta).await {
            Ok(summary) => Ok(history::was_deployed(&summary.status, &summary.description)),
            Err(Error::Corrupt { .. } | Error::NotFound) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

impl Fetched {
    fn stored(self) -> Result<Stored, Error> {
        match self {
            Self::Object(kind, body) => Stored::read(kind, &body),
            Self::Stored(stored) => Ok(stored),
        }
    }
}

/// The labels that tell which release and revision a record is of.
fn own_labels(meta: &RecordMeta) -> [(String, String); 4] {
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    [
        pair("name", &meta.name),
        pair("owner", "helm"),
        pair("status", meta.status.as_str()),
        pair("version", &meta.revision.to_string()),
    ]
}

/// When a record was written, as a label: one that is still pending was only created, any other was written again since.
fn stamp(meta: &RecordMeta) -> Option<(String, String)> {
    let written = if meta.status.is_pending() { "createdAt" } else { "modifiedAt" };
    (meta.modified_at != 0).then(|| (written.to_owned(), meta.modified_at.to_string()))
}

/// Coding takes milliseconds of pure computing, too long for the threads that serve the screen.
async fn blocking<T: Send + 'static>(
    record: &str,
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| {
        Err(Error::Corrupt { record: record.to_owned(), message: format!("it was not coded: {error}") })
    })
}

fn moved(meta: &RecordMeta) -> Error {
    Error::Moved { record: meta.record.clone() }
}

fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

#[cfg(test)]
mod tests;
