//! Carries out a prepared operation. Every exit, cancel included, writes a final status.

mod failure;
mod recover;
mod setup;
mod uninstall;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use tokio_util::sync::CancellationToken;

use self::failure::Failure;
use super::{
    Error, Operation, Options, Prepared,
    apply::{Applied, Applier, Stop},
    basis,
    hooks::{HookFailure, Runner},
    objects::label,
    preview::Basis,
    progress::{Phase, Progress, Reporter},
    record::{self, Recorder},
    retry::persistently,
    time,
};
use crate::{
    cluster::{
        readiness,
        wait::{WaitNews, WaitOptions, WaitStrategy},
    },
    release::{ApplyMethod, Hook, HookEvent, RecordMeta, Release, Status, Storage, history},
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

/// Executes. With a `basis` it first checks that what was reviewed still holds, before anything is written.
///
/// The future must be driven to its end: to stop early, cancel the token. It then lets requests in flight finish, writes
/// the final status and answers [`Error::Cancelled`].
///
/// # Errors
/// [`Error::Moved`] before anything is written; [`Error::Failed`] and [`Error::Cancelled`] after, with the record saying so.
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
    let run = Run { storage, prepared: &prepared, report, cancel, applied: Applied::default() };
    let done = match prepared.operation {
        Operation::Uninstall => run.uninstall().await,
        _ => run.put_in_place().await,
    };
    let done = match done {
        Err(error) if prepared.options.rollback_on_failure => recover::after(storage, &prepared, error, report).await,
        done => done,
    };
    let warnings = std::mem::take(&mut *warnings.lock().unwrap_or_else(PoisonError::into_inner));
    done.map(|outcome| Outcome { warnings, ..outcome })
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

struct Run<'a> {
    storage: &'a Storage,
    prepared: &'a Prepared,
    report: &'a Reporter,
    cancel: &'a CancellationToken,
    applied: Applied,
}

impl Run<'_> {
    /// Install, upgrade and rollback: a new revision is applied.
    async fn put_in_place(mut self) -> Result<Outcome, Error> {
        let prepared = self.prepared;
        self.storage.check_size(&record::grown(&prepared.next)).await?;
        self.set_up().await?;
        let mut release = prepared.next.clone();
        let now = time::now();
        release.info.first_deployed.get_or_insert_with(|| now.clone());
        release.info.last_deployed = Some(now);
        let mut recorder = Recorder::begin(self.storage, &release).await?;
        self.recorded(&release);
        (self.report)(Progress::PhaseDone(Phase::Record));

        self.prune().await;
        let mut result = self.phases(&mut release, &mut recorder).await;
        (self.report)(Progress::PhaseStarted(Phase::Final, 1));
        match &mut result {
            Ok(()) => self.succeed(&mut release).await,
            Err(failure) => self.settle(failure, &mut release).await,
        }
        if let Err(error) = recorder.finish(&release).await {
            return Err(failure::unfinished(prepared, &release, result, &error));
        }
        self.recorded(&release);
        (self.report)(Progress::PhaseDone(Phase::Final));
        result.map_err(|failure| failure.into_error(&release))?;
        Ok(Outcome { release, counts: self.applied.counts, warnings: Vec::new() })
    }

    fn recorded(&self, release: &Release) {
        (self.report)(Progress::RecordWritten(release.revision, release.info.status.as_str().to_owned()));
    }

    fn applier(&self) -> Applier<'_> {
        let Self { storage, prepared, report, cancel, .. } = self;
        Applier { cluster: storage.cluster(), prepared, report, cancel }
    }

    async fn phases(&mut self, release: &mut Release, recorder: &mut Recorder) -> Result<(), Failure> {
        let prepared = self.prepared;
        self.redefine().await?;
        self.applier().check_kinds().await.map_err(|error| Failure::early(prepared, error))?;

        self.hooks(Phase::PreHooks, &prepared.operation.before(), &prepared.pre_hooks, release, recorder).await?;

        (self.report)(Progress::PhaseStarted(Phase::Apply, prepared.objects.len()));
        self.apply().await?;
        (self.report)(Progress::PhaseDone(Phase::Apply));

        self.delete().await.map_err(|stop| Failure::applying(prepared, stop, "deleting"))?;
        self.wait().await?;
        self.hooks(Phase::PostHooks, &prepared.operation.after(), &prepared.post_hooks, release, recorder).await
    }

    /// Applies everything, stage by stage where sub-charts are ordered: those that others depend on have to be ready first.
    async fn apply(&mut self) -> Result<(), Failure> {
        let prepared = self.prepared;
        let mut before = Vec::new();
        for (charts, objects) in prepared.stages() {
            if !before.is_empty() {
                let waited = self.wait().await;
                waited.map_err(|failure| failure.between(prepared, &before, &charts))?;
            }
            if !charts.is_empty() {
                (self.report)(Progress::Stage(charts.clone()));
            }
            let mut applied = std::mem::take(&mut self.applied);
            let all = self.applier().apply_all(&objects, &mut applied).await;
            self.applied = applied;
            all.map_err(|stop| Failure::applying(prepared, stop, "applying"))?;
            before = charts;
        }
        Ok(())
    }

    async fn delete(&mut self) -> Result<(), Stop> {
        (self.report)(Progress::PhaseStarted(Phase::Delete, self.prepared.deletions.len()));
        let mut applied = std::mem::take(&mut self.applied);
        let deleted = self.applier().delete_all(&mut applied).await;
        self.applied = applied;
        deleted?;
        (self.report)(Progress::PhaseDone(Phase::Delete));
        Ok(())
    }

    async fn hooks(
        &self,
        phase: Phase,
        event: &HookEvent,
        hooks: &[Hook],
        release: &mut Release,
        recorder: &mut Recorder,
    ) -> Result<(), Failure> {
        let prepared = self.prepared;
        (self.report)(Progress::PhaseStarted(phase, hooks.len()));
        if self.cancel.is_cancelled() {
            let failure = HookFailure { message: String::new(), hints: Vec::new(), cancelled: true };
            return Err(Failure::hook(prepared, event, failure));
        }
        if !hooks.is_empty() {
            let uninstalls = prepared.operation == Operation::Uninstall;
            let runner = Runner {
                cluster: self.storage.cluster(),
                namespace: &prepared.namespace,
                timeout: prepared.options.timeout,
                // Helm makes the hooks of an uninstall on the server, whatever the release was applied with.
                method: if uninstalls { ApplyMethod::ServerSide } else { prepared.method },
                report: self.report,
                cancel: self.cancel,
            };
            let ran = runner.run(event, release, recorder).await;
            ran.map_err(|failure| Failure::hook(prepared, event, failure))?;
        }
        (self.report)(Progress::PhaseDone(phase));
        Ok(())
    }

    async fn wait(&self) -> Result<(), Failure> {
        let options = &self.prepared.options;
        let targets = &self.applied.targets;
        // Only a release that is really there can be kept, so Helm waits where it might have to go back.
        let strategy = match options.wait {
            WaitStrategy::HookOnly if options.rollback_on_failure => WaitStrategy::Watcher,
            strategy => strategy,
        };
        let waits = strategy != WaitStrategy::HookOnly;
        (self.report)(Progress::PhaseStarted(Phase::Wait, if waits { targets.len() } else { 0 }));
        if waits {
            let blockers = Mutex::new(BTreeMap::new());
            let news = |news: WaitNews| {
                let mut blockers = blockers.lock().unwrap_or_else(PoisonError::into_inner);
                let blocker = news.blocker.clone().filter(|_| news.readiness.status != readiness::Status::Current);
                match blocker {
                    Some(blocker) => blockers.insert(label(&news.target.key), blocker),
                    None => blockers.remove(&label(&news.target.key)),
                };
                (self.report)(news.into());
            };
            let bounds = WaitOptions { strategy, jobs: options.wait_for_jobs, timeout: options.timeout };
            let waited = self.storage.cluster().wait_ready(targets, &bounds, self.cancel, &news).await;
            if let Err(error) = waited {
                let blockers = blockers.into_inner().unwrap_or_else(PoisonError::into_inner);
                return Err(Failure::unready(self.prepared, &error, blockers));
            }
        }
        (self.report)(Progress::PhaseDone(Phase::Wait));
        Ok(())
    }

    /// Notes success in the records.
    async fn succeed(&self, release: &mut Release) {
        let Options { description, .. } = &self.prepared.options;
        let words = match self.prepared.operation {
            Operation::Install => "Install complete",
            Operation::Upgrade => "Upgrade complete",
            Operation::Rollback | Operation::Uninstall => release.info.description.as_str(),
        };
        release.info.description = if description.is_empty() { words } else { description }.to_owned();
        match (self.prepared.operation, &self.prepared.from) {
            (Operation::Upgrade, Some(from)) => self.supersede(&from.meta, &from.release).await,
            (Operation::Rollback, _) => self.supersede_deployed(release.revision).await,
            _ => {}
        }
        release.info.status = Status::Deployed;
    }

    /// Notes a failure in the records, as Helm does, and cleans up when asked.
    async fn settle(&self, failure: &mut Failure, release: &mut Release) {
        let prepared = self.prepared;
        release.info.status = Status::Failed;
        release.info.description.clone_from(&failure.description);
        let rolls_back = prepared.operation == Operation::Rollback;
        if let (true, Some(from)) = (rolls_back && failure.half_applied, &prepared.from) {
            self.supersede(&from.meta, &from.release).await;
        }
        let cleans = prepared.operation == Operation::Upgrade || failure.half_applied;
        if prepared.options.cleanup_on_fail
            && cleans
            && let Err(words) = self.applier().clean_up(&self.applied).await
        {
            let why = if rolls_back { String::new() } else { format!("{}: ", failure.message) };
            failure.message = format!(
                "an error occurred while cleaning up resources. original {} error: {why}unable to cleanup resources: {words}",
                prepared.operation.verb()
            );
        }
    }

    async fn supersede(&self, meta: &RecordMeta, release: &Release) {
        if let Err(error) = record::supersede(self.storage, meta, release).await {
            self.warn(format!("revision {} could not be marked superseded: {error}", meta.revision));
        }
    }

    /// Marks every other deployed revision superseded.
    async fn supersede_deployed(&self, own: u32) {
        let Prepared { name, history, .. } = self.prepared;
        let selector = format!("name={name},status=deployed");
        // Where the cluster does not tell them, those are marked that were deployed before.
        let metas = persistently(|| self.storage.list(&selector)).await.unwrap_or_else(|_| history.clone());
        let deployed = |meta: &&RecordMeta| meta.status == Status::Deployed && meta.name == *name;
        for meta in metas.iter().filter(deployed).filter(|meta| meta.revision != own) {
            match persistently(|| self.storage.decode(meta)).await {
                Ok(release) => self.supersede(meta, &release).await,
                Err(error) => self.warn(format!("revision {} could not be marked superseded: {error}", meta.revision)),
            }
        }
    }

    /// Removes the oldest records beyond `--history-max`; never the target nor the last good revision.
    async fn prune(&self) {
        let Prepared { history: metas, options, to, newest, .. } = self.prepared;
        let Some(newest) = newest else { return };
        let installs = self.prepared.operation == Operation::Install;
        if installs || options.history_max == 0 || metas.len() < options.history_max {
            return;
        }
        let mut keep = vec![to.revision, newest.revision, self.prepared.from_revision()];
        let good = self.storage.last_good(&self.prepared.name, newest.revision + 1).await;
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
