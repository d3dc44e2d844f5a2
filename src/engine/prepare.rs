//! What an operation will do, fixed before anything is read from live objects.

use std::{sync::Arc, time::Duration};

use super::Error;
use crate::{
    cluster::wait::WaitStrategy,
    manifest::Object,
    release::{ApplyMethod, Hook, RecordMeta, Release, Storage},
};

/// Which revision to go back to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum RollbackTarget {
    /// Helm's: the current revision minus one; the only revision again where there is just one.
    #[default]
    Previous,
    /// The newest one below the current that really was deployed.
    LastGood,
    /// This one.
    Revision(u32),
}

/// `--server-side` of rollback.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ServerSideMode {
    /// As the target revision was applied.
    #[default]
    Auto,
    /// Server-side.
    True,
    /// Client-side.
    False,
}

/// Every flag of `helm rollback`, and ours.
#[derive(Debug, Clone, PartialEq)]
pub struct RollbackOptions {
    /// Where to.
    pub target: RollbackTarget,
    /// Bound of each hook and of the wait.
    pub timeout: Duration,
    /// `--wait`.
    pub wait: WaitStrategy,
    /// `--wait-for-jobs`.
    pub wait_for_jobs: bool,
    /// `--no-hooks`.
    pub no_hooks: bool,
    /// `--force-replace`.
    pub force_replace: bool,
    /// `--force-conflicts`, and "take these fields" in Review.
    pub force_conflicts: bool,
    /// `--server-side`.
    pub server_side: ServerSideMode,
    /// `--cleanup-on-fail`.
    pub cleanup_on_fail: bool,
    /// `--history-max`; 0 means no limit.
    pub history_max: usize,
    /// `--three-way-custom-resources`: drift in custom resources is corrected client-side too.
    pub three_way_custom_resources: bool,
}

impl Default for RollbackOptions {
    fn default() -> Self {
        Self {
            target: RollbackTarget::default(),
            timeout: Duration::from_secs(300),
            wait: WaitStrategy::HookOnly,
            wait_for_jobs: false,
            no_hooks: false,
            force_replace: false,
            force_conflicts: false,
            server_side: ServerSideMode::Auto,
            cleanup_on_fail: false,
            history_max: 10,
            three_way_custom_resources: false,
        }
    }
}

/// A rollback ready to preview or execute. Holds the bytes that execute will apply.
#[derive(Clone)]
pub struct Prepared {
    /// Release name.
    pub name: String,
    /// Release namespace.
    pub namespace: String,
    /// The newest revision.
    pub from: Arc<Release>,
    /// Metadata of its record: UID, revision and status belong to the basis.
    pub from_meta: RecordMeta,
    /// The revision gone back to.
    pub to: Arc<Release>,
    /// The record that will be written, not yet timed.
    pub next: Release,
    /// Objects to apply, in install order, ownership labels and annotations set.
    pub objects: Vec<Object>,
    /// Deletion baseline: objects of revisions from the last deployed through the newest that `objects` lacks, `keep` left out.
    pub deletions: Vec<Object>,
    /// The current revision's objects, originals of the three-way merge.
    pub originals: Vec<Object>,
    /// Hooks that run, in order: (pre, post).
    pub pre_hooks: Vec<Hook>,
    /// Hooks after the apply.
    pub post_hooks: Vec<Hook>,
    /// Method of this operation.
    pub method: ApplyMethod,
    /// Whether the method differs from the current revision's.
    pub method_switch: bool,
    /// Options as asked.
    pub options: RollbackOptions,
    /// Things to tell before going on: target failed, a pending record's age and writer, one revision re-applied.
    pub warnings: Vec<String>,
    /// All revisions' metadata when prepared, ascending.
    pub history: Vec<RecordMeta>,
}

/// Prepares a rollback of `name` in the storage's namespace. No writes.
pub async fn prepare_rollback(
    _storage: &Storage,
    _name: &str,
    _options: &RollbackOptions,
) -> Result<Prepared, Error> {
    todo!()
}
