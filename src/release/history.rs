//! Rules over a release's revisions.

use super::{RecordMeta, Release};

/// The newest revision below the current one that really was deployed: `deployed`, or `superseded` without a recorded
/// failure. What the UI and `--last-good` roll back to.
pub fn last_good(_history: &[Release]) -> Option<u32> {
    todo!()
}

/// Records to prune so that at most `max` remain after one more is written, oldest first; never one of `keep`
/// nor the deployed one (helm/helm `pkg/storage/storage.go`, `removeLeastRecent`). 0 means no limit.
pub fn prune(_history: &[RecordMeta], _max: usize, _keep: &[u32]) -> Vec<RecordMeta> {
    todo!()
}
