//! Operations on releases: prepare → preview → execute, and the reads that screens and verbs share.
//!
//! ```text
//! prepare   load, validate, order, pair with the current revision           (no writes)
//! preview   live objects + server dry-run by the method execute will use    (no writes)
//! execute   checks the basis, writes the pending record, applies, waits, final status
//! ```
//!
//! A rollback, reviewed and then done, on the embedded sandbox (a real cluster is [`crate::cluster::Cluster::connect`] away):
//!
//! ```
//! use std::sync::Arc;
//!
//! use pilothouse::{
//!     cluster::Cluster,
//!     diff::Redactor,
//!     engine::{Options, Progress, Reporter, RollbackTarget, execute, prepare_rollback, preview},
//!     release::{Driver, Status, Storage},
//!     sandbox::Sandbox,
//! };
//! use tokio_util::sync::CancellationToken;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let sandbox = Sandbox::with_examples().await;
//! let cluster = Cluster::from_client(sandbox.client(), "sandbox", "prod");
//! let storage = Storage::new(cluster, Driver::Secrets, "prod");
//!
//! let prepared = prepare_rollback(&storage, "my-app", RollbackTarget::LastGood, &Options::default()).await?;
//! let (from, to) = (prepared.from_revision(), prepared.to.revision);
//!
//! // Secrets are shown as fingerprints, made with a key of one's own.
//! let review = preview(&storage, &prepared, &Redactor::new([7; 32])).await?;
//! println!("{from} → {to}: {}", review.headline);
//! for risk in &review.risks {
//!     println!("! {}", risk.message);
//! }
//!
//! let report: Reporter = Arc::new(|step| {
//!     if let Progress::Object(key, change) = step {
//!         println!("{}/{} {change:?}", key.kind, key.name);
//!     }
//! });
//! let done = execute(&storage, prepared, Some(&review.basis), &report, &CancellationToken::new()).await?;
//! assert_eq!(done.release.revision, from + 1);
//! assert_eq!(done.release.info.status, Status::Deployed);
//! assert_eq!(done.release.info.description, format!("Rollback to {to}"));
//! # Ok(())
//! # }
//! ```

mod apply;
mod basis;
pub mod browse;
pub mod course;
mod definitions;
pub mod doctor;
pub mod execute;
mod fields;
mod gitops;
pub mod hints;
pub mod hooks;
mod objects;
mod operation;
mod options;
pub mod plan;
pub mod post_render;
mod predict;
pub mod prepare;
pub mod preview;
pub mod progress;
pub mod provenance;
pub mod record;
pub mod recreate;
mod resources;
mod retry;
mod risks;
pub mod test;
mod time;
pub mod world;

pub use execute::{Outcome, execute};
pub use operation::Operation;
pub use options::{Crds, Options, Reuse, ServerSideMode};
pub use plan::Plan;
pub use prepare::{
    Prepared, Recorded, Request, RollbackTarget, Source, offline_install, prepare, prepare_install, prepare_rollback,
    prepare_uninstall, prepare_upgrade,
};
pub use preview::{Basis, Confidence, Preview, Risk, preview};
pub use progress::{Phase, Progress, Reporter};

/// Why an operation did not succeed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// Records or storage.
    #[error(transparent)]
    Release(#[from] crate::release::Error),
    /// The cluster.
    #[error(transparent)]
    Cluster(#[from] crate::cluster::Error),
    /// Helm's words for a request that cannot be: unknown revision, invalid name …
    #[error("{0}")]
    Refused(String),
    /// The release to uninstall is not there.
    #[error("uninstall: Release not loaded: {0}: release: not found")]
    NotLoaded(String),
    /// A rollback asked for the last good revision, and there is none.
    #[error("no revision below {0} was deployed successfully")]
    NoGood(u32),
    /// The chart cannot be rendered.
    #[error("{}", .0.error.message)]
    Render(Box<crate::render::Failure>),
    /// The reviewed basis no longer holds: each line says what moved.
    #[error("changed since the review: {}", .0.join("; "))]
    Moved(Vec<String>),
    /// A plan that cannot be read, or is not for this cluster.
    #[error(transparent)]
    Plan(#[from] plan::Error),
    /// Something failed; if it was midway, the final status was written. Message in Helm's words, blockers as hints.
    #[error("{message}")]
    Failed {
        /// Helm's words.
        message: String,
        /// What blocked: object, condition, events, pods' reasons, hook logs.
        hints: Vec<String>,
    },
    /// Cancelled; the final status was written.
    #[error("cancelled: {0}")]
    Cancelled(String),
}

impl Error {
    /// With Helm's words before the message, as Go wraps errors.
    fn context(self, words: &str) -> Self {
        match self {
            Self::Refused(message) => Self::Refused(format!("{words}: {message}")),
            Self::Release(crate::release::Error::Cluster(error)) | Self::Cluster(error) => {
                Self::Cluster(crate::cluster::Error { message: format!("{words}: {}", error.message), ..error })
            }
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::{diff::Redactor, release::Storage};

    /// Screens run operations as tasks: this compiles only while their futures may move between threads.
    fn _tasks(storage: &Storage, prepared: &Prepared, redactor: &Redactor, report: &Reporter) {
        fn task(_: impl Future + Send) {}
        let cancel = CancellationToken::new();
        task(prepare_rollback(storage, "", RollbackTarget::LastGood, &prepared.options));
        task(preview(storage, prepared, redactor));
        task(execute(storage, prepared.clone(), None, report, &cancel));
        task(browse::resources(storage, &prepared.to));
    }
}
