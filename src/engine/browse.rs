//! Reads that screens and verbs share: changes between revisions, drift, resources.

use super::Error;
use crate::{
    cluster::{read::Target, readiness::Readiness},
    diff::{ObjectDiff, Redactor},
    manifest::Object,
    release::{Release, Storage},
};

/// Changes from one revision's manifest to another's (hooks not included).
pub fn changes(
    _old: Option<&Release>,
    _new: &Release,
    _redactor: &Redactor,
) -> Result<Vec<ObjectDiff>, Error> {
    todo!()
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
pub async fn drift(
    _storage: &Storage,
    _release: &Release,
    _redactor: &Redactor,
) -> Result<Vec<Drift>, Error> {
    todo!()
}

/// A node of the resources tree.
#[derive(Debug, Clone)]
pub struct ResourceNode {
    /// Where it lives.
    pub target: Target,
    /// Live object, `None` when missing or not readable.
    pub live: Option<Object>,
    /// Its readiness.
    pub readiness: Readiness,
    /// Trouble in a few words (pods), or why it could not be read.
    pub trouble: Option<String>,
    /// Use against limits for pods, `120Mi / 128Mi`, where metrics answer.
    pub usage: Option<String>,
    /// Dependents: ReplicaSets are skipped, their pods shown under the Deployment.
    pub children: Vec<ResourceNode>,
}

/// Objects of a revision with live status, and their pods.
pub async fn resources(_storage: &Storage, _release: &Release) -> Result<Vec<ResourceNode>, Error> {
    todo!()
}

/// Health of a release: ready and total objects that have a notion of readiness.
pub fn health(_nodes: &[ResourceNode]) -> (u32, u32) {
    todo!()
}

/// Which GitOps controller owns live objects or wrote the record, from tracking labels and annotations and managers:
/// `Flux HelmRelease payments/checkout`, `Argo CD application checkout`. Nothing is claimed otherwise.
pub fn gitops_owner(_live: &[&Object], _writers: &[(String, String)]) -> Option<String> {
    todo!()
}
