//! `doctor`: what is wrong with releases, what would repair it, and repairing it, a backup first.
//!
//! ```text
//! diagnose   reads records and objects, gives findings                        (no writes)
//! back_up    everything that the repairs will touch, into one file
//! repair     carries out those repairs whose record or object is still as it was found
//! ```
//!
//! Moving records to another driver is in [`transfer`], putting a backup back in [`backup`].

pub mod backup;
mod objects;
mod records;
mod repair;
pub mod transfer;
mod versions;

use std::{collections::BTreeMap, time::Duration};

use futures::stream::{self, StreamExt as _};

use super::{Error, browse::Revision};
use crate::{
    cluster::read::Target,
    manifest::ObjectKey,
    release::{self, RecordMeta, Storage},
};

pub use repair::{Repaired, back_up, repair};

/// Releases looked at at once. Each reads several records at a time.
const AT_ONCE: usize = 4;

/// What is asked.
#[derive(Debug, Clone)]
pub struct Question {
    /// One release; all where it is `None`.
    pub release: Option<String>,
    /// How long a record that tells of no heartbeat may be pending before it counts as abandoned.
    pub patience: Duration,
    /// Whether orphans are to be deleted when repairing.
    pub delete_orphans: bool,
}

/// What is wrong, worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Code {
    /// A record that cannot be decoded.
    Unreadable,
    /// An operation that nobody carries on with.
    Abandoned,
    /// More than one revision says that it is deployed.
    SeveralDeployed,
    /// A revision has objects of a version that is not served any more.
    RemovedVersion,
    /// A record near the limit of what Kubernetes stores.
    LargeRecord,
    /// An object of a failed revision that no later one has.
    Residue,
    /// An object of a release that has no record.
    Orphan,
}

impl Code {
    /// Its word in output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unreadable => "unreadable",
            Self::Abandoned => "abandoned",
            Self::SeveralDeployed => "several-deployed",
            Self::RemovedVersion => "removed-version",
            Self::LargeRecord => "large-record",
            Self::Residue => "residue",
            Self::Orphan => "orphan",
        }
    }
}

/// One thing that is wrong.
#[derive(Debug, Clone)]
pub struct Finding {
    /// What it is.
    pub code: Code,
    /// Namespace of the release.
    pub namespace: String,
    /// Release.
    pub release: String,
    /// Revision; 0 where it is about no single one.
    pub revision: u32,
    /// The record or the object, `Kind/name`.
    pub object: String,
    /// What is known about it, and what follows from it.
    pub explanation: String,
    /// What repairing does, or what to do by hand.
    pub proposal: String,
    repair: Option<Repair>,
}

impl Finding {
    /// About a revision.
    fn of(code: Code, meta: &RecordMeta) -> Self {
        Self {
            code,
            namespace: meta.namespace.clone(),
            release: meta.name.clone(),
            revision: meta.revision,
            object: meta.record.clone(),
            explanation: String::new(),
            proposal: String::new(),
            repair: None,
        }
    }

    /// Whether [`repair`] does something about it.
    pub fn is_repairable(&self) -> bool {
        self.repair.is_some()
    }
}

/// How a finding is repaired.
#[derive(Debug, Clone)]
enum Repair {
    /// The record is written anew.
    Edit(RecordMeta, Edit),
    /// The record is deleted.
    Remove(RecordMeta),
    /// The object is deleted, if it still has this UID.
    Delete(Target, String),
}

/// What becomes different in a record.
#[derive(Debug, Clone)]
enum Edit {
    /// It failed, for this reason.
    Fail(String),
    /// It is superseded.
    Supersede,
    /// Its objects of a version and kind are of another version.
    Serve(versions::Removed),
}

/// What was found.
#[derive(Debug, Clone, Default)]
pub struct Diagnosis {
    /// What is wrong, by release, worst first.
    pub findings: Vec<Finding>,
    /// What could not be looked at, and what is no trouble yet.
    pub notes: Vec<String>,
    /// How many releases were looked at.
    pub releases: usize,
}

impl Diagnosis {
    fn add(&mut self, mut other: Self) {
        self.findings.append(&mut other.findings);
        self.notes.append(&mut other.notes);
        self.releases += other.releases;
    }
}

/// Looks at the releases of the storage's namespace, or of all.
///
/// # Errors
/// Records that may not be listed; `release: not found` for a release of which there is neither record nor object.
pub async fn diagnose(storage: &Storage, question: &Question) -> Result<Diagnosis, Error> {
    let asked = |name: &str| question.release.as_deref().is_none_or(|release| release == name);
    let mut metas = storage.list("").await?;
    metas.sort_by(|a, b| (&a.namespace, &a.name, a.revision).cmp(&(&b.namespace, &b.name, b.revision)));
    let histories: Vec<&[RecordMeta]> = metas
        .chunk_by(|a, b| (&a.namespace, &a.name) == (&b.namespace, &b.name))
        .filter(|history| history.first().is_some_and(|meta| asked(&meta.name)))
        .collect();
    let now = storage.cluster().now();
    let looking: Vec<_> = histories.iter().map(|history| examine(storage, history, question, now)).collect();
    let mut diagnosis = Diagnosis::default();
    let mut examined = stream::iter(looking).buffered(AT_ONCE);
    while let Some(one) = examined.next().await {
        diagnosis.add(one);
    }
    diagnosis.add(objects::orphans(storage, &metas, question).await?);
    match &question.release {
        Some(_) if histories.is_empty() && diagnosis.findings.is_empty() => Err(release::Error::NotFound.into()),
        _ => Ok(diagnosis),
    }
}

/// What is wrong with one release, whose revisions are given in order.
async fn examine(storage: &Storage, history: &[RecordMeta], question: &Question, now: i64) -> Diagnosis {
    let releases = storage.decode_many(history).await;
    let revisions: Vec<Revision> = history.iter().cloned().zip(releases).collect();
    let mut diagnosis = records::examine(&revisions, question.patience, now);
    diagnosis.findings.extend(records::large(storage, history).await);
    diagnosis.add(versions::examine(storage.cluster(), &revisions).await);
    diagnosis.add(objects::residue(storage.cluster(), &revisions).await);
    diagnosis.findings.sort_by_key(|finding| finding.code);
    Diagnosis { releases: 1, ..diagnosis }
}

/// `Kind/name`, with the namespace where it is not the release's.
fn place(key: &ObjectKey, namespace: &str) -> String {
    let label = super::objects::label(key);
    if key.namespace.is_empty() || key.namespace == namespace { label } else { format!("{label} in {}", key.namespace) }
}

/// Findings by namespace and release, in their order.
pub fn by_release(findings: &[Finding]) -> BTreeMap<(&str, &str), Vec<&Finding>> {
    let mut releases: BTreeMap<_, Vec<&Finding>> = BTreeMap::new();
    for finding in findings {
        releases.entry((finding.namespace.as_str(), finding.release.as_str())).or_default().push(finding);
    }
    releases
}
