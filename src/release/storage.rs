//! Storage drivers: Secrets and ConfigMaps in the cluster.

use std::collections::BTreeMap;

use futures::stream::BoxStream;

use super::{Error, Release, Status};
use crate::cluster::Cluster;

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
    /// Reads `HELM_DRIVER`'s value. `memory` and `sql` answer one clear sentence until they exist.
    pub fn parse(_name: &str) -> Result<Self, Error> {
        todo!()
    }
}

/// A record's metadata, from its labels: all the home screen needs before decoding.
#[derive(Debug, Clone, PartialEq, Eq)]
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
}

/// Records of one cluster in one namespace, or in all when `namespace` is empty. Cheap to clone; clones share the cache.
#[derive(Clone)]
pub struct Storage {
    cluster: Cluster,
    driver: Driver,
    namespace: String,
}

impl Storage {
    /// Records of `namespace`; of all namespaces when it is empty.
    pub fn new(cluster: Cluster, driver: Driver, namespace: impl Into<String>) -> Self {
        Self {
            cluster,
            driver,
            namespace: namespace.into(),
        }
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
    pub fn in_namespace(&self, _namespace: &str) -> Self {
        todo!()
    }

    /// Metadata of records matching a label selector on top of `owner=helm`, paged, metadata only.
    /// `status!=superseded` gives the home screen, `name=N` a history, `""` everything.
    pub async fn list(&self, _selector: &str) -> Result<Vec<RecordMeta>, Error> {
        todo!()
    }

    /// A live list for the UI: `list` then watch; 410 and disconnects recover by themselves.
    pub fn watch(&self, _selector: &str) -> BoxStream<'static, StorageEvent> {
        todo!()
    }

    /// One record decoded; cached by UID and resourceVersion when `meta` is known.
    pub async fn decode(&self, _meta: &RecordMeta) -> Result<std::sync::Arc<Release>, Error> {
        todo!()
    }

    /// Many records decoded in parallel (bounded), in order; a corrupt one is an `Err` in its place.
    pub async fn decode_many(
        &self,
        _metas: &[RecordMeta],
    ) -> Vec<Result<std::sync::Arc<Release>, Error>> {
        todo!()
    }

    /// One revision by name and number; fresh from the server.
    pub async fn get(&self, _name: &str, _revision: u32) -> Result<Release, Error> {
        todo!()
    }

    /// Metadata of a release's revisions, ascending. Empty history is `NotFound`.
    pub async fn history(&self, _name: &str) -> Result<Vec<RecordMeta>, Error> {
        todo!()
    }

    /// Writes a new record with Helm's name, type and labels plus `annotations`; `Exists` when the revision is taken.
    pub async fn create(
        &self,
        _release: &Release,
        _annotations: &BTreeMap<String, String>,
    ) -> Result<RecordMeta, Error> {
        todo!()
    }

    /// Replaces a record, with its resourceVersion as precondition. On 409 re-reads once; if the status there is still
    /// the one in `meta` it writes again, else `Moved`.
    pub async fn update(
        &self,
        _meta: &RecordMeta,
        _release: &Release,
    ) -> Result<RecordMeta, Error> {
        todo!()
    }

    /// Sets annotations only (the heartbeat).
    pub async fn annotate(
        &self,
        _meta: &RecordMeta,
        _annotations: &BTreeMap<String, String>,
    ) -> Result<RecordMeta, Error> {
        todo!()
    }

    /// Deletes a record.
    pub async fn delete(&self, _meta: &RecordMeta) -> Result<(), Error> {
        todo!()
    }
}
