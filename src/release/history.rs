//! Rules over a release's revisions.

use super::{RecordMeta, Status};

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
    let deployed = history.iter().filter(|record| record.status == Status::Deployed);
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Statuses of revisions 1, 2, …, the limit, what to keep, and the revisions that go.
    #[track_caller]
    fn check_prune(statuses: &str, max: usize, keep: &[u32], expected: &[u32]) {
        let history: Vec<_> = (1..)
            .zip(statuses.split(' '))
            .map(|(revision, status)| RecordMeta { revision, status: Status::from(status), ..RecordMeta::default() })
            .collect();
        let pruned = prune(&history, max, keep);
        let revisions: Vec<_> = pruned.iter().map(|record| record.revision).collect();
        assert_eq!(revisions, expected);
    }

    #[test]
    fn the_oldest_make_room_for_one_more() {
        check_prune("superseded superseded deployed", 0, &[], &[]);
        check_prune("superseded superseded deployed", 4, &[], &[]);
        check_prune("superseded superseded deployed", 3, &[], &[1]);
        check_prune("superseded superseded deployed", 1, &[], &[1, 2]);
    }

    #[test]
    fn the_deployed_one_and_those_to_keep_stay() {
        check_prune("deployed failed failed failed", 2, &[], &[2, 3, 4]);
        check_prune("superseded superseded deployed", 2, &[1], &[2]);
        check_prune("deployed deployed failed", 3, &[], &[1]);
    }

    #[test]
    fn descriptions_of_failure_are_known() {
        let good = |description| was_deployed(&Status::Superseded, description);
        assert!(good("Upgrade complete"));
        assert!(good("Rollback to 3"));
        assert!(good("deployed by \"ci\" after build 3 failed: flaky"));
        assert!(!good("Release \"a\" failed: context deadline exceeded"));
        assert!(!good("Rollback \"a\" failed: x"));
        assert!(!good("Preparing upgrade"));
        assert!(!was_deployed(&Status::Failed, "Install complete"));
    }
}
