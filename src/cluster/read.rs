//! Live reads: single, batched per kind, owned pods, namespaces.

use super::{Cluster, Error};
use crate::manifest::{Object, ObjectKey};

/// Where an object lives once scope is known: what a read or write needs.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Target {
    /// `apiVersion` to use on the wire.
    pub api_version: String,
    /// Identity with the namespace resolved: default filled in, dropped for cluster-scoped kinds.
    pub key: ObjectKey,
}

/// One namespace of the home screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamespaceInfo {
    /// Name.
    pub name: String,
    /// `Active` or `Terminating`.
    pub phase: String,
}

impl Cluster {
    /// Resolves scope and namespace of a manifest's object. When its version is not served any more the
    /// served one of the same group and kind is used. `NoKind` when none is.
    pub async fn target(
        &self,
        _object: &Object,
        _default_namespace: &str,
    ) -> Result<Target, Error> {
        todo!()
    }

    /// One live object, `None` when it does not exist.
    pub async fn get(&self, _target: &Target) -> Result<Option<Object>, Error> {
        todo!()
    }

    /// Live objects for many targets, in their order; batched per kind and namespace where that is cheaper,
    /// at most 16 requests at once. One error per target, so a 403 on one kind spares the others.
    pub async fn get_many(&self, _targets: &[Target]) -> Vec<Result<Option<Object>, Error>> {
        todo!()
    }

    /// Pods that belong to a live object, through owner references and, for a Service, its selector.
    pub async fn pods_of(&self, _object: &Object) -> Result<Vec<Object>, Error> {
        todo!()
    }

    /// Direct dependents of a live object by owner reference: ReplicaSets of a Deployment, Jobs of a CronJob, pods.
    pub async fn owned_by(&self, _object: &Object) -> Result<Vec<Object>, Error> {
        todo!()
    }

    /// All objects of a kind in a namespace (all namespaces when empty), with a label selector.
    pub async fn list(
        &self,
        _api_version: &str,
        _kind: &str,
        _namespace: &str,
        _labels: &str,
    ) -> Result<Vec<Object>, Error> {
        todo!()
    }

    /// All namespaces, sorted.
    pub async fn namespaces(&self) -> Result<Vec<NamespaceInfo>, Error> {
        todo!()
    }
}
