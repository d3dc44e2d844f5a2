//! Writes, as Helm makes them: server-side apply, three-way strategic merge, replace, delete.
//!
//! Only `engine` may call these (held by `tests/architecture.rs`). What a write will do is known beforehand:
//! - client-side: [`client_side_patch`], then `Cluster::patch` as a dry-run, or [`apply_patch_locally`];
//! - server-side: `Cluster::apply` as a dry-run, or [`server_side_locally`] and [`local_conflicts`];
//! - server-side with ownership to migrate first: those two on the [`migrated`] object, then
//!   `Cluster::complete` for the server's defaults.
//!
//! [`apply_as`] and [`track_update`] are the server's half of it, for the sandbox.

mod client_side;
pub mod fields;
pub(crate) mod merge_patch;
mod ownership;
mod predict;
mod requests;
mod shape;
pub(crate) mod strategic;
mod three_way;
mod tracking;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use client_side::{apply_patch_locally, client_side_patch};
pub use ownership::{migrated, migrated_managed_fields, owner_time};
pub use predict::{local_conflicts, server_side_locally};
pub use tracking::{Writer, apply_as, track_update};

/// Field manager of Helm and so of ours (helm/helm `pkg/kube/client.go`, `ManagedFieldsManager`).
pub const FIELD_MANAGER: &str = "helm";

/// How a server-side apply behaves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ServerSide {
    /// Take fields that others own.
    pub force: bool,
    /// Ask the server only.
    pub dry_run: bool,
}

/// How a deletion behaves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Deletion {
    /// Only this UID (precondition).
    pub uid: Option<String>,
    /// `Background` (Helm's default), `Foreground` or `Orphan`.
    pub propagation: Propagation,
    /// Ask the server only.
    pub dry_run: bool,
}

/// What happens to dependents of a deleted object.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Propagation {
    /// Dependents go later.
    #[default]
    Background,
    /// Dependents go first.
    Foreground,
    /// Dependents stay.
    Orphan,
}

/// A patch as the client-side method computes it.
#[derive(Debug, Clone, PartialEq)]
pub struct Patch {
    /// `application/strategic-merge-patch+json` or `application/merge-patch+json`.
    pub content_type: &'static str,
    /// The body; an empty object means nothing to do.
    pub body: Value,
}

impl Patch {
    /// Whether the patch changes nothing.
    pub fn is_empty(&self) -> bool {
        self.body.as_object().is_some_and(serde_json::Map::is_empty)
    }
}
