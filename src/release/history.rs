//! Rules over a release's revisions.

use super::{RecordMeta, Release, Status};

/// The newest revision below the current one that really was deployed: `deployed`, or `superseded` without a recorded
/// failure. What the UI and `--last-good` roll back to.
pub fn last_good(history: &[Release]) -> Option<u32> {
    let current = history.iter().map(|release| release.revision).max()?;
    let before = history.iter().filter(|release| release.revision < current);
    before
        .filter(|release| was_deployed(&release.info.status, &release.info.description))
        .map(|release| release.revision)
        .max()
}

/// Whether a revision with this status and description was once deployed with success. A failed or unfinished revision
/// becomes `superseded` when a rollback away from it fails, and keeps its description
/// (helm/helm `pkg/action/{install,upgrade,rollback}.go`).
pub fn was_deployed(status: &Status, description: &str) -> bool {
    match status {
        Status::Deployed => true,
        Status::Superseded => !tells_of_failure(description),
        _ => false,
    }
}

/// Helm's descriptions of revisions that failed (`Upgrade "x" failed: …`) or never got to an end.
fn tells_of_failure(description: &str) -> bool {
    let failed = ["Release \"", "Upgrade \"", "Rollback \""]
        .into_iter()
        .filter_map(|operation| description.strip_prefix(operation))
        .any(|rest| rest.contains("\" failed: "));
    let unfinished = ["Initial install underway", "Preparing upgrade"].contains(&description);
    failed || unfinished || description.starts_with("failed to render resource: ")
}

/// Records to prune so that at most `max` remain after one more is written, oldest first; never one of `keep`
/// nor the deployed one (helm/helm `pkg/storage/storage.go`, `removeLeastRecent`). 0 means no limit.
pub fn prune(history: &[RecordMeta], max: usize, keep: &[u32]) -> Vec<RecordMeta> {
    if max == 0 {
        return Vec::new();
    }
    let excess = history.len().saturating_sub(max - 1);
    let deployed = history
        .iter()
        .filter(|record| record.status == Status::Deployed);
    let deployed = deployed.map(|record| record.revision).max();
    let mut records: Vec<_> = history
        .iter()
        .filter(|record| Some(record.revision) != deployed && !keep.contains(&record.revision))
        .cloned()
        .collect();
    records.sort_by_key(|record| record.revision);
    records.truncate(excess);
    records
}
