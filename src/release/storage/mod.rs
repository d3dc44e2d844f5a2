//! Storage drivers: Secrets and ConfigMaps in the cluster.

mod cache;
mod object;
mod requests;
mod watch;

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::stream::{self, BoxStream, StreamExt as _};
use kube::api::{DeleteParams, Patch, PatchParams, Preconditions};
use serde_json::json;

pub use object::record_name;
use object::{Partial, Stored};
use requests::{FIELD_MANAGER, blocking, lost, moved, now, post, record_of};

use super::{Error, Release, Status, Summary, codec, history};
use crate::cluster::{Cluster, ErrorKind};

/// Records fetched and decoded at a time.
const IN_FLIGHT: usize = 8;

/// Where records live: `HELM_DRIVER`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Driver {
    /// `secret`, `secrets` or empty.
    #[default]
    Secrets,
    /// `configmap`, `configmaps`.
    ConfigMaps,
}

impl Driver {
    /// Reads `HELM_DRIVER`'s value (helm/helm `pkg/action/action.go`, `Init`). `memory` and `sql` answer one clear
    /// sentence until they exist.
    pub fn parse(name: &str) -> Result<Self, Error> {
        match name {
            "" | "secret" | "secrets" => Ok(Self::Secrets),
            "configmap" | "configmaps" => Ok(Self::ConfigMaps),
            "memory" | "sql" => Err(Error::Driver(format!(
                "the storage driver {name:?} is not available in this version; use \"secret\" or \"configmap\""
            ))),
            _ => Err(Error::Driver(format!("unknown driver {name:?}"))),
        }
    }

    /// Plural resource name, as in URLs and access checks.
    pub fn resource(self) -> &'static str {
        match self {
            Self::Secrets => "secrets",
            Self::ConfigMaps => "configmaps",
        }
    }
}

/// A record's metadata, from its labels: all the home screen needs before decoding.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
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
    driver: Driver,
    namespace: String,
    cache: Arc<cache::Cache>,
}

impl Storage {
    /// Records of `namespace`; of all namespaces when it is empty.
    pub fn new(cluster: Cluster, driver: Driver, namespace: impl Into<String>) -> Self {
        Self { cluster, driver, namespace: namespace.into(), cache: Arc::default() }
    }

    /// The cluster behind it.
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// The driver.
    pub fn driver(&self) -> Driver {
        self.driver
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

    /// Metadata of records matching a label selector on top of `owner=helm`, paged, metadata only.
    /// `status!=superseded` gives the home screen, `name=N` a history, `""` everything.
    pub async fn list(&self, selector: &str) -> Result<Vec<RecordMeta>, Error> {
        Ok(self.list_at(selector).await?.0)
    }

    /// A live list for the UI: `list` then watch; 410 and disconnects recover by themselves.
    pub fn watch(&self, selector: &str) -> BoxStream<'static, StorageEvent> {
        watch::watch(self.clone(), selector)
    }

    /// One record decoded; cached by UID and resourceVersion.
    pub async fn decode(&self, meta: &RecordMeta) -> Result<Arc<Release>, Error> {
        if let Some(release) = self.cache.get(&meta.uid, &meta.resource_version) {
            return Ok(release);
        }
        self.fetch(&meta.namespace, &meta.record, &meta.resource_version).await
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
        let body = self.fetch_body(&meta.namespace, &meta.record, &meta.resource_version).await?;
        let (driver, record) = (self.driver, meta.clone());
        blocking(&meta.record, move || read(&record, Stored::read(driver, &body)?.payload()?)).await
    }

    /// Many summaries in parallel (bounded), in order, of which only the beginning is decoded; one that is corrupt there
    /// is an `Err` in its place.
    pub async fn summaries(&self, metas: &[RecordMeta]) -> Vec<Result<Summary, Error>> {
        let decoding = metas.iter().map(|meta| self.peek(meta));
        stream::iter(decoding.collect::<Vec<_>>()).buffered(IN_FLIGHT).collect().await
    }

    /// One revision by name and number; fresh from the server. Without a namespace, from the cluster's default one.
    pub async fn get(&self, name: &str, revision: u32) -> Result<Release, Error> {
        let namespace = match self.namespace.as_str() {
            "" => self.cluster.namespace(),
            namespace => namespace,
        };
        let release = self.fetch(namespace, &record_name(name, revision), "").await?;
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

    /// Writes a new record with Helm's name, type and labels plus `annotations`; `Exists` when the revision is taken.
    pub async fn create(&self, release: &Release, annotations: &BTreeMap<String, String>) -> Result<RecordMeta, Error> {
        let record = record_name(&release.name, release.revision);
        let metadata = json!({"name": record, "annotations": annotations});
        let body = self.body(release, vec![("createdAt", now())], metadata).await?;
        let namespace = match self.namespace.as_str() {
            "" => &release.namespace,
            namespace => namespace,
        };
        let request = self.collection(namespace).create(&post(), body);
        match self.send::<Partial>(request).await {
            Err(error) if error.kind == ErrorKind::AlreadyExists => Err(Error::Exists),
            written => record_of(&record, written?),
        }
    }

    /// Replaces a record, with its resourceVersion as precondition. On 409 re-reads once; if the status there is still
    /// the one in `meta` it writes again, else `Moved`.
    pub async fn update(&self, meta: &RecordMeta, release: &Release) -> Result<RecordMeta, Error> {
        match self.replace(meta, release).await {
            Err(Error::Moved { .. }) => {}
            done => return done,
        }
        let current = self.metadata(meta).await?;
        if current.uid != meta.uid || current.status != meta.status {
            return Err(moved(meta));
        }
        self.replace(&current, release).await
    }

    /// Sets annotations only (the heartbeat).
    pub async fn annotate(
        &self,
        meta: &RecordMeta,
        annotations: &BTreeMap<String, String>,
    ) -> Result<RecordMeta, Error> {
        let patch = json!({"metadata": {"uid": meta.uid, "annotations": annotations}});
        let params = PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
        let collection = self.collection(&meta.namespace);
        let request = collection.patch_metadata(&meta.record, &params, &Patch::Merge(patch));
        let written = self.send::<Partial>(request).await;
        record_of(&meta.record, written.map_err(|error| lost(meta, error))?)
    }

    /// Deletes a record; `NotFound` when it is gone already or another took its place.
    pub async fn delete(&self, meta: &RecordMeta) -> Result<(), Error> {
        let params = DeleteParams {
            preconditions: Some(Preconditions { uid: Some(meta.uid.clone()), resource_version: None }),
            ..DeleteParams::default()
        };
        let request = self.collection(&meta.namespace).delete(&meta.record, &params);
        match self.send::<serde::de::IgnoredAny>(request).await {
            Err(error) if matches!(error.kind, ErrorKind::NotFound | ErrorKind::Conflict) => Err(Error::NotFound),
            done => done.map(|_| ()).map_err(Error::from),
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

#[cfg(test)]
mod tests;
