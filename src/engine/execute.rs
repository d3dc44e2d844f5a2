//! Carries out a prepared operation. Every exit, cancel included, writes a final status.

use tokio_util::sync::CancellationToken;

use super::{Error, Prepared, preview::Basis, progress::Reporter};
use crate::release::{Release, Storage};

/// How it ended well.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The record as finally written.
    pub release: Release,
    /// Objects created, updated, deleted, unchanged.
    pub counts: [usize; 4],
    /// Warnings gathered.
    pub warnings: Vec<String>,
}

/// Executes. With a `basis` it first checks that what was reviewed still holds, before the record is written.
pub async fn execute(
    _storage: &Storage,
    _prepared: Prepared,
    _basis: Option<&Basis>,
    _report: &Reporter,
    _cancel: &CancellationToken,
) -> Result<Outcome, Error> {
    todo!()
}
