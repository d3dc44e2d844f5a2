//! What execute would do to the live cluster, object by object. No writes.

use std::collections::BTreeMap;

use super::{Error, Prepared};
use crate::{
    cluster::{error::FieldConflict, read::Target},
    diff::{Change, ObjectDiff, Redactor},
    manifest::Object,
    release::Storage,
};

/// What a preview rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub enum Confidence {
    /// Only stored manifests: live objects could not be read.
    #[serde(rename = "stored manifests")]
    StoredManifests,
    /// Live objects, compared by our own merge: dry-run is forbidden.
    #[serde(rename = "live objects")]
    LiveObjects,
    /// The server's own dry-run.
    #[serde(rename = "live server dry-run")]
    ServerDryRun,
}

/// A danger worth reading first.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Risk {
    /// Stable short name: `immutable-field`, `removed-api`, `drift-overwritten`, `field-conflict`, `hpa-replicas`,
    /// `config-not-picked-up`, `service-selector`, `statefulset-claims`, `volume-deleted`, `crd-left-alone`,
    /// `gitops`, `hooks-not-undone`, `method-switch`, `pending`, `unverifiable`, `admission`.
    pub code: String,
    /// The sentence shown.
    pub message: String,
    /// `Kind/name` it is about; empty for the whole operation.
    pub object: String,
}

/// What is predicted for one object.
#[derive(Debug, Clone)]
pub struct ObjectPreview {
    /// Where it lives.
    pub target: Target,
    /// What happens.
    pub change: Change,
    /// Live now (`None` when absent).
    pub live: Option<Object>,
    /// Predicted after execute (`None` when deleted or not predictable).
    pub predicted: Option<Object>,
    /// Live → predicted, redacted.
    pub diff: ObjectDiff,
    /// Fields others own that a server-side apply would refuse, with when they took them and both values.
    pub conflicts: Vec<ConflictDetail>,
    /// Pods this change restarts.
    pub restarts: u32,
    /// What goes wrong when the server is asked (immutable field, admission …), in its words.
    pub refusal: Option<String>,
    /// What this object's prediction rests on.
    pub confidence: Confidence,
}

/// A conflict as Review lists it.
#[derive(Debug, Clone, PartialEq)]
pub struct ConflictDetail {
    /// Field and owner as the server named them.
    pub conflict: FieldConflict,
    /// RFC 3339 time the owner last wrote, empty when unknown.
    pub since: String,
    /// Value now, redacted.
    pub live: String,
    /// Value wanted, redacted.
    pub wanted: String,
}

/// What the reviewed facts were: if these no longer hold, execute stops.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Basis {
    /// UID, revision and status word of the newest record.
    pub record: (String, u32, String),
    /// Per object: UID (empty when absent) and hash of it without `status`, `managedFields`, `resourceVersion`, `generation`.
    pub objects: BTreeMap<String, (String, String)>,
    /// Fields that others own and that were not asked to be taken: a reviewed execute refuses while there are any.
    pub conflicts: Vec<String>,
}

/// The preview of an operation.
#[derive(Debug, Clone)]
pub struct Preview {
    /// Release, namespace, from, to.
    pub release: String,
    /// Namespace.
    pub namespace: String,
    /// Revision now.
    pub from: u32,
    /// Revision gone back to.
    pub to: u32,
    /// Objects: changed ones first, then unchanged.
    pub objects: Vec<ObjectPreview>,
    /// Hooks that will run: `pre-rollback Job/db-migrate (weight -5)`.
    pub hooks: Vec<String>,
    /// Dangers, worst first.
    pub risks: Vec<Risk>,
    /// The facts it rests on.
    pub basis: Basis,
    /// The weakest confidence of any object.
    pub confidence: Confidence,
    /// `3 objects change, 1 is deleted, 44 stay · Deployment/checkout restarts 6 pods · hook … runs`.
    pub headline: String,
}

/// Previews a prepared operation against the live cluster. No writes; at most 16 requests at once.
pub async fn preview(
    _storage: &Storage,
    _prepared: &Prepared,
    _redactor: &Redactor,
) -> Result<Preview, Error> {
    todo!()
}

/// The stable JSON form of a preview, also `diff -o json`.
pub fn to_json(_preview: &Preview) -> serde_json::Value {
    todo!()
}
