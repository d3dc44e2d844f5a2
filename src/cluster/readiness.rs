//! Whether a live object is ready, by kstatus rules, pure.

use crate::manifest::Object;

/// kstatus' verdicts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// Reconciled and ready.
    Current,
    /// On its way.
    InProgress,
    /// Will not become ready by itself.
    Failed,
    /// Being deleted.
    Terminating,
    /// Not there.
    NotFound,
    /// Cannot be told.
    Unknown,
}

/// A verdict with its reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Readiness {
    /// The verdict.
    pub status: Status,
    /// Why, in kstatus' words, for example `Available: 4/6`.
    pub message: String,
    /// Ready and wanted replicas where the kind has such numbers.
    pub replicas: Option<(u32, u32)>,
}

/// The readiness of a live object (sigs.k8s.io/cli-utils `pkg/kstatus/status/core.go`), CRD conditions included.
pub fn readiness(_object: &Object) -> Readiness {
    todo!()
}

/// What is wrong with a pod, in a few words: `ImagePullBackOff registry/x:1 not found`, `OOMKilled, 4 restarts`; `None` when healthy.
pub fn pod_trouble(_pod: &Object) -> Option<String> {
    todo!()
}
