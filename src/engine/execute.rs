//! Carries out a prepared operation. Every exit, cancel included, writes a final status.

use std::sync::{Arc, Mutex, PoisonError};

use tokio_util::sync::CancellationToken;

use super::{
    Error, Prepared,
    apply::{Applied, Applier, Stop},
    basis,
    hooks::{HookFailure, Runner},
    objects::label,
    preview::Basis,
    progress::{Phase, Progress, Reporter},
    record::{self, Recorder},
    time,
};
use crate::{
    cluster::{
        ErrorKind, readiness,
        wait::{WaitNews, WaitOptions, WaitStrategy},
    },
    release::{HookEvent, Release, Status, Storage, history},
};

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
///
/// The future must be driven to its end: to stop early, cancel the token. It then lets requests in flight finish, writes
/// the final status and answers [`Error::Cancelled`].
pub async fn execute(
    storage: &Storage,
    prepared: Prepared,
    basis: Option<&Basis>,
    report: &Reporter,
    cancel: &CancellationToken,
) -> Result<Outcome, Error> {
    report(Progress::PhaseStarted(Phase::Record, 1));
    if let Some(basis) = basis {
        check_reviewed(storage, &prepared, basis).await?;
    }
    if cancel.is_cancelled() {
        return Err(Error::Cancelled("nothing was written".to_owned()));
    }
    let warnings = Arc::new(Mutex::new(Vec::new()));
    let report = &gathering(report.clone(), warnings.clone());
    let mut release = prepared.next.clone();
    release.info.last_deployed = Some(time::now());
    let mut recorder = Recorder::begin(storage, &release).await?;
    report(Progress::RecordWritten(release.revision, release.info.status.as_str().to_owned()));
    report(Progress::PhaseDone(Phase::Record));

    let mut run = Run { storage, prepared: &prepared, report, cancel, applied: Applied::default() };
    run.prune().await;
    let mut result = run.phases(&mut release, &mut recorder).await;
    report(Progress::PhaseStarted(Phase::Final, 1));
    match &mut result {
        Ok(()) => {
            run.supersede_deployed(release.revision).await;
            release.info.status = Status::Deployed;
        }
        Err(failure) => run.settle(failure, &mut release).await,
    }
    if let Err(error) = recorder.finish(&release).await {
        return Err(unfinished(&prepared, &release, result, &error));
    }
    report(Progress::RecordWritten(release.revision, release.info.status.as_str().to_owned()));
    report(Progress::PhaseDone(Phase::Final));
    result.map_err(|failure| failure.into_error(&release))?;
    let warnings = std::mem::take(&mut *warnings.lock().unwrap_or_else(PoisonError::into_inner));
    Ok(Outcome { release, counts: run.applied.counts, warnings })
}

/// A reporter that also keeps the warnings.
fn gathering(report: Reporter, warnings: Arc<Mutex<Vec<String>>>) -> Reporter {
    Arc::new(move |progress| {
        if let Progress::Warning(warning) = &progress {
            warnings.lock().unwrap_or_else(PoisonError::into_inner).push(warning.clone());
        }
        report(progress);
    })
}

async fn check_reviewed(storage: &Storage, prepared: &Prepared, basis: &Basis) -> Result<(), Error> {
    if let Some(words) = prepared.contradiction() {
        return Err(Error::Refused(words.to_owned()));
    }
    if !prepared.options.force_conflicts && !basis.conflicts.is_empty() {
        return Err(Error::Refused(format!("fields belong to others: {}", basis.conflicts.join("; "))));
    }
    basis::check(storage, prepared, basis).await
}

/// The final write failed: what the operation came to, and that its record does not say so.
fn unfinished(
    prepared: &Prepared,
    release: &Release,
    result: Result<(), Failure>,
    error: &crate::release::Error,
) -> Error {
    let (came_to, hints) = match result {
        Ok(()) => ("everything was applied".to_owned(), Vec::new()),
        Err(failure) => (failure.message, failure.hints),
    };
    Error::Failed {
        message: format!(
            "{came_to}, but revision {} of {} still says {}: the final status could not be written: {error}",
            release.revision,
            prepared.name,
            prepared.next.info.status.as_str()
        ),
        hints,
    }
}

/// Why an operation did not succeed, and what its record says.
struct Failure {
    /// Helm's words on the command line.
    message: String,
    /// Helm's words in the record.
    description: String,
    hints: Vec<String>,
    /// Whether the current revision may be half overwritten, so that it is no longer `deployed`.
    half_applied: bool,
    cancelled: bool,
}

impl Failure {
    fn applying(name: &str, stop: Stop, phase: &str) -> Self {
        let (message, cancelled) = match stop {
            Stop::Failed(words) => (words, false),
            Stop::Cancelled => (format!("cancelled while {phase}"), true),
        };
        let description = format!("Rollback {name:?} failed: {message}");
        Self { message, description, hints: Vec::new(), half_applied: true, cancelled }
    }

    fn hook(name: &str, event: &HookEvent, failure: HookFailure) -> Self {
        let HookFailure { message, hints, cancelled } = failure;
        let event = super::hooks::event_name(event);
        let why = if cancelled {
            format!("cancelled during {event} hooks")
        } else {
            format!("{event} hooks failed: {message}")
        };
        let description = format!("Rollback {name:?} failed: {why}");
        Self { message: if cancelled { why } else { message }, description, hints, half_applied: false, cancelled }
    }

    fn early(name: &str, error: crate::cluster::Error) -> Self {
        let description = format!("Rollback {name:?} failed: {}", error.message);
        Self { message: error.message, description, hints: error.details, half_applied: false, cancelled: false }
    }

    fn into_error(self, release: &Release) -> Error {
        if self.cancelled {
            return Error::Cancelled(format!("{}; revision {} is marked failed", self.message, release.revision));
        }
        Error::Failed { message: self.message, hints: self.hints }
    }
}

struct Run<'a> {
    storage: &'a Storage,
    prepared: &'a Prepared,
    report: &'a Reporter,
    cancel: &'a CancellationToken,
    applied: Applied,
}

impl Run<'_> {
    async fn phases(&mut self, release: &mut Release, recorder: &mut Recorder) -> Result<(), Failure> {
        let prepared = self.prepared;
        let name = prepared.name.as_str();
        let applier = Applier { cluster: self.storage.cluster(), prepared, report: self.report, cancel: self.cancel };
        applier.check_kinds().await.map_err(|error| Failure::early(name, error))?;

        self.hooks(Phase::PreHooks, &HookEvent::PreRollback, prepared.pre_hooks.len(), release, recorder).await?;

        (self.report)(Progress::PhaseStarted(Phase::Apply, prepared.objects.len()));
        let applied = applier.apply_all(&mut self.applied).await;
        applied.map_err(|stop| Failure::applying(name, stop, "applying"))?;
        (self.report)(Progress::PhaseDone(Phase::Apply));

        (self.report)(Progress::PhaseStarted(Phase::Delete, prepared.deletions.len()));
        let deleted = applier.delete_all(&mut self.applied).await;
        deleted.map_err(|stop| Failure::applying(name, stop, "deleting"))?;
        (self.report)(Progress::PhaseDone(Phase::Delete));

        self.wait().await?;
        self.hooks(Phase::PostHooks, &HookEvent::PostRollback, prepared.post_hooks.len(), release, recorder).await
    }

    async fn hooks(
        &self,
        phase: Phase,
        event: &HookEvent,
        total: usize,
        release: &mut Release,
        recorder: &mut Recorder,
    ) -> Result<(), Failure> {
        (self.report)(Progress::PhaseStarted(phase, total));
        if self.cancel.is_cancelled() {
            let failure = HookFailure { message: String::new(), hints: Vec::new(), cancelled: true };
            return Err(Failure::hook(&self.prepared.name, event, failure));
        }
        if total > 0 {
            let runner = Runner {
                cluster: self.storage.cluster(),
                namespace: &self.prepared.namespace,
                timeout: self.prepared.options.timeout,
                method: self.prepared.method,
                report: self.report,
                cancel: self.cancel,
            };
            let ran = runner.run(event, release, recorder).await;
            ran.map_err(|failure| Failure::hook(&self.prepared.name, event, failure))?;
        }
        (self.report)(Progress::PhaseDone(phase));
        Ok(())
    }

    async fn wait(&self) -> Result<(), Failure> {
        let options = &self.prepared.options;
        let targets = &self.applied.targets;
        let waits = options.wait != WaitStrategy::HookOnly;
        (self.report)(Progress::PhaseStarted(Phase::Wait, if waits { targets.len() } else { 0 }));
        if waits {
            let blockers = Mutex::new(std::collections::BTreeMap::new());
            let news = |news: WaitNews| {
                let mut blockers = blockers.lock().unwrap_or_else(PoisonError::into_inner);
                let blocker = news.blocker.clone().filter(|_| news.readiness.status != readiness::Status::Current);
                match blocker {
                    Some(blocker) => blockers.insert(label(&news.target.key), blocker),
                    None => blockers.remove(&label(&news.target.key)),
                };
                (self.report)(Progress::Waiting(news.target.key, news.readiness, news.blocker));
            };
            let bounds = WaitOptions { strategy: options.wait, jobs: options.wait_for_jobs, timeout: options.timeout };
            let waited = self.storage.cluster().wait_ready(targets, &bounds, self.cancel, &news).await;
            if let Err(error) = waited {
                let blockers = blockers.into_inner().unwrap_or_else(PoisonError::into_inner);
                return Err(self.unready(&error, blockers));
            }
        }
        (self.report)(Progress::PhaseDone(Phase::Wait));
        Ok(())
    }

    fn unready(&self, error: &crate::cluster::Error, blockers: std::collections::BTreeMap<String, String>) -> Failure {
        let name = &self.prepared.name;
        let cancelled = error.kind == ErrorKind::Cancelled;
        let why = if cancelled { "cancelled while waiting".to_owned() } else { error.message.clone() };
        Failure {
            message: if cancelled { why.clone() } else { format!("release {name} failed: {why}") },
            description: format!("Release {name:?} failed: {why}"),
            hints: blockers.into_iter().map(|(object, blocker)| format!("{object}: {blocker}")).collect(),
            half_applied: false,
            cancelled,
        }
    }

    /// Notes a failure in the records, as Helm does, and cleans up when asked.
    async fn settle(&mut self, failure: &mut Failure, release: &mut Release) {
        release.info.status = Status::Failed;
        release.info.description.clone_from(&failure.description);
        if !failure.half_applied {
            return;
        }
        let Prepared { from, from_meta, .. } = self.prepared;
        if let Err(error) = record::supersede(self.storage, from_meta, from).await {
            self.warn(format!("revision {} could not be marked superseded: {error}", from.revision));
        }
        if self.prepared.options.cleanup_on_fail {
            let applier = Applier {
                cluster: self.storage.cluster(),
                prepared: self.prepared,
                report: self.report,
                cancel: self.cancel,
            };
            if let Err(words) = applier.clean_up(&self.applied).await {
                failure.message = format!(
                    "an error occurred while cleaning up resources. original rollback error: unable to cleanup resources: {words}"
                );
            }
        }
    }

    /// Marks every other deployed revision superseded.
    async fn supersede_deployed(&self, own: u32) {
        let metas = match self.storage.list(&format!("name={},status=deployed", self.prepared.name)).await {
            Ok(metas) => metas,
            Err(error) => {
                return self.warn(format!("earlier revisions could not be marked superseded: {error}"));
            }
        };
        for meta in metas.iter().filter(|meta| meta.revision != own && meta.name == self.prepared.name) {
            let superseded = match self.storage.decode(meta).await {
                Ok(release) => record::supersede(self.storage, meta, &release).await,
                Err(error) => Err(error),
            };
            if let Err(error) = superseded {
                self.warn(format!("revision {} could not be marked superseded: {error}", meta.revision));
            }
        }
    }

    /// Removes the oldest records beyond `--history-max`; never the target nor the last good revision.
    async fn prune(&self) {
        let Prepared { history: metas, options, to, from, .. } = self.prepared;
        if options.history_max == 0 || metas.len() < options.history_max {
            return;
        }
        let mut keep = vec![to.revision, from.revision];
        let good = self.storage.last_good(&self.prepared.name, from.revision).await;
        keep.extend(good.unwrap_or_default());
        for meta in history::prune(metas, options.history_max, &keep) {
            if let Err(error) = self.storage.delete(&meta).await {
                self.warn(format!("revision {} could not be pruned: {error}", meta.revision));
            }
        }
    }

    fn warn(&self, warning: String) {
        (self.report)(Progress::Warning(warning));
    }
}
