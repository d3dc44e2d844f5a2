//! What is wrong with records themselves.

use std::time::Duration;

use super::{Code, Diagnosis, Edit, Finding, Repair};
use crate::{
    engine::{
        Operation,
        browse::Revision,
        record::{self, Life},
    },
    release::{RecordMeta, Status, Storage, storage},
};

/// From this share of the limit on a record is large: one that grows as charts do is over it soon.
const LARGE: f64 = 0.8;

/// Records that cannot be read, that nobody carries on with, and that contradict one another.
pub(super) fn examine(revisions: &[Revision], patience: Duration, now: i64) -> Diagnosis {
    let mut diagnosis = Diagnosis::default();
    let readable = revisions.iter().any(|(_, release)| release.is_ok());
    for (meta, release) in revisions {
        match release {
            Err(error) => diagnosis.findings.push(unreadable(meta, &error.to_string(), readable)),
            Ok(_) if held_by(&meta.status).is_some() => pending(meta, patience, now, &mut diagnosis),
            Ok(_) => {}
        }
    }
    diagnosis.findings.extend(several_deployed(revisions));
    diagnosis
}

fn unreadable(meta: &RecordMeta, why: &str, others: bool) -> Finding {
    let explanation = format!(
        "{why}. Helm passes over it when it lists revisions, and then fails to write revision {} again",
        meta.revision
    );
    let (proposal, repair) = match others {
        true => ("delete the record; the other revisions stay".to_owned(), Some(Repair::Remove(meta.clone()))),
        false => {
            let by_hand = "it is the only record: put one back from a backup of your own, or delete it by hand and \
                           install again with --take-ownership";
            (by_hand.to_owned(), None)
        }
    };
    Finding { explanation, proposal, repair, ..Finding::of(Code::Unreadable, meta) }
}

/// The operation that holds a record of this status.
fn held_by(status: &Status) -> Option<Operation> {
    [Operation::Install, Operation::Upgrade, Operation::Rollback, Operation::Uninstall]
        .into_iter()
        .find(|operation| operation.status() == *status)
}

/// A record that an operation holds: abandoned, or not yet known to be.
fn pending(meta: &RecordMeta, patience: Duration, now: i64, diagnosis: &mut Diagnosis) {
    let Some(operation) = held_by(&meta.status) else {
        return;
    };
    let Some(told) = record::held(meta, now) else {
        return;
    };
    let quiet = match record::life(meta, now) {
        Life::Beats => None,
        Life::Stopped(quiet) => Some(quiet),
        Life::Silent(quiet) => Some(quiet).filter(|quiet| *quiet >= patience.as_secs().try_into().unwrap_or(i64::MAX)),
    };
    let Some(quiet) = quiet else {
        let place = format!("{}/{}", meta.namespace, meta.name);
        diagnosis.notes.push(format!("{place}: {told}; it is left alone"));
        return;
    };
    let ago = crate::engine::time::age(quiet);
    let why = format!("abandoned: whoever held it was last heard {ago} before pilothouse doctor marked it failed");
    diagnosis.findings.push(Finding {
        explanation: format!("{told}. While it is the newest revision, Helm refuses to upgrade"),
        proposal: format!(
            "mark revision {} failed; the next upgrade or rollback goes on from what was deployed before",
            meta.revision
        ),
        repair: Some(Repair::Edit(meta.clone(), Edit::Fail(operation.failed(&meta.name, &why)))),
        ..Finding::of(Code::Abandoned, meta)
    });
}

fn several_deployed(revisions: &[Revision]) -> Vec<Finding> {
    let deployed: Vec<&Revision> =
        revisions.iter().filter(|(meta, release)| meta.status == Status::Deployed && release.is_ok()).collect();
    let Some(((newest, _), older)) = deployed.split_last() else {
        return Vec::new();
    };
    let finding = |(meta, _): &&Revision| Finding {
        explanation: format!(
            "revision {} is deployed too: a client that was stopped could not mark this one superseded",
            newest.revision
        ),
        proposal: format!("mark revision {} superseded", meta.revision),
        repair: Some(Repair::Edit(meta.clone(), Edit::Supersede)),
        ..Finding::of(Code::SeveralDeployed, meta)
    };
    older.iter().map(finding).collect()
}

/// The newest record where it is near the limit: the next revision will be about as large. Older ones stay as they are.
pub(super) async fn large(storage: &Storage, history: &[RecordMeta]) -> Option<Finding> {
    let (meta, limit) = (history.last()?, storage.size_limit()?);
    let bytes = storage.raw(meta).await.ok()?.payload.len();
    if (bytes as f64) < limit as f64 * LARGE {
        return None;
    }
    let parts = match storage.decode(meta).await {
        Ok(release) => format!("; before compression, {}", storage::parts(&release)),
        Err(_) => String::new(),
    };
    Some(Finding {
        explanation: format!("the record is {bytes} bytes of the {limit} that Kubernetes stores{parts}"),
        proposal: "leave out of the chart, by .helmignore, what no template reads, or keep records in a database \
                   (--move-to sql)"
            .to_owned(),
        ..Finding::of(Code::LargeRecord, meta)
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        engine::record::{HEARTBEAT, HOLDER},
        release::{self, Release},
    };

    const NOW: i64 = 1_767_319_445;
    const PATIENCE: Duration = Duration::from_secs(600);

    fn revision(revision: u32, status: &str, written: &str) -> Revision {
        let meta = RecordMeta {
            name: "web".to_owned(),
            namespace: "shop".to_owned(),
            record: storage::record_name("web", revision),
            revision,
            status: Status::from(status),
            writers: vec![("Helm".to_owned(), written.to_owned())],
            ..RecordMeta::default()
        };
        (meta, Ok(Arc::new(Release::default())))
    }

    fn beating(mut revision: Revision, beat: &str) -> Revision {
        revision.0.writers[0].0 = "pilothouse".to_owned();
        revision.0.annotations.insert(HOLDER.to_owned(), "pilothouse[7]".to_owned());
        revision.0.annotations.insert(HEARTBEAT.to_owned(), beat.to_owned());
        revision
    }

    /// Codes with revisions, and how many notes.
    #[track_caller]
    fn check(revisions: &[Revision], findings: &[(Code, u32)], notes: usize) {
        let diagnosis = examine(revisions, PATIENCE, NOW);
        let found: Vec<_> = diagnosis.findings.iter().map(|finding| (finding.code, finding.revision)).collect();
        assert_eq!((found.as_slice(), diagnosis.notes.len()), (findings, notes), "{diagnosis:?}");
    }

    /// `NOW` is 2026-01-02T02:04:05Z.
    #[test]
    fn abandoned_is_what_does_not_beat_or_is_old() {
        let held = |status, at| vec![revision(1, "deployed", "2026-01-01T00:00:00Z"), revision(2, status, at)];
        check(&held("pending-upgrade", "2026-01-02T01:50:00Z"), &[(Code::Abandoned, 2)], 0);
        check(&held("pending-upgrade", "2026-01-02T02:00:00Z"), &[], 1);
        check(&held("uninstalling", "2026-01-02T00:00:00Z"), &[(Code::Abandoned, 2)], 0);
        check(&held("failed", "2026-01-02T00:00:00Z"), &[], 0);
        let beats = |at: &str| [beating(revision(1, "pending-install", at), at)];
        check(&beats("2026-01-02T02:03:34Z"), &[(Code::Abandoned, 1)], 0);
        check(&beats("2026-01-02T02:03:36Z"), &[], 1);
    }

    #[test]
    fn only_the_newest_stays_deployed() {
        let at = "2026-01-01T00:00:00Z";
        let three = [revision(1, "deployed", at), revision(2, "failed", at), revision(3, "deployed", at)];
        check(&three, &[(Code::SeveralDeployed, 1)], 0);
        check(&three[1..], &[], 0);
    }

    #[test]
    fn a_record_that_cannot_be_read_goes_only_where_another_stays() {
        let damaged = |number| {
            let (meta, _) = revision(number, "superseded", "2026-01-01T00:00:00Z");
            let error = release::Error::Corrupt { record: meta.record.clone(), message: "cut off".to_owned() };
            (meta, Err(error))
        };
        let alone = examine(&[damaged(1)], PATIENCE, NOW);
        assert!(!alone.findings[0].is_repairable());
        let among = examine(&[damaged(1), revision(2, "deployed", "2026-01-01T00:00:00Z")], PATIENCE, NOW);
        assert!(among.findings[0].is_repairable());
    }
}
