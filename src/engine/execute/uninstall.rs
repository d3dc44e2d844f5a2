//! Uninstalling (helm/helm `pkg/action/uninstall.go`).

use super::{Error, Failure, Outcome, Phase, Progress, Recorder, Run, failure};
use crate::{
    cluster::wait::{WaitNews, WaitStrategy},
    engine::{apply::Stop, retry::persistently, time},
    release::{Release, Status},
};

impl Run<'_> {
    /// Deletes everything of the release and its records, or keeps these as `uninstalled`.
    pub(super) async fn uninstall(mut self) -> Result<Outcome, Error> {
        let prepared = self.prepared;
        let mut release = prepared.next.clone();
        let Some(newest) = &prepared.newest else {
            return Err(Error::NotLoaded(prepared.name.clone()));
        };
        if newest.status == Status::Uninstalled {
            self.purge().await.map_err(purging)?;
            return Ok(Outcome { release, counts: self.applied.counts, warnings: Vec::new() });
        }
        release.info.deleted = Some(time::now());
        let mut recorder = Recorder::take(self.storage, newest, &release).await?;
        self.recorded(&release);
        (self.report)(Progress::PhaseDone(Phase::Record));

        let gone = self.remove(&mut release, &mut recorder).await;
        (self.report)(Progress::PhaseStarted(Phase::Final, 1));
        let mut errors = match gone {
            Ok(errors) => errors,
            Err(failure) => {
                release.info.status = Status::Failed;
                release.info.description.clone_from(&failure.description);
                if let Err(error) = recorder.finish(&release).await {
                    return Err(failure::unfinished(prepared, &release, Err(failure), &error));
                }
                self.recorded(&release);
                return Err(failure.into_error(&release));
            }
        };
        release.info.status = Status::Uninstalled;
        release.info.description = match prepared.options.description.as_str() {
            "" => "Uninstallation complete".to_owned(),
            description => description.to_owned(),
        };
        let purged = if prepared.options.keep_history { None } else { Some(self.purge().await) };
        if let Some(Err(error)) = &purged {
            errors.push(format!("uninstall: Failed to purge the release: {error}"));
        }
        if !matches!(purged, Some(Ok(()))) {
            let finished = recorder.finish(&release).await;
            finished.map_err(|error| failure::unfinished(prepared, &release, Ok(()), &error))?;
            self.recorded(&release);
            self.supersede_deployed(release.revision).await;
        }
        (self.report)(Progress::PhaseDone(Phase::Final));
        if !errors.is_empty() {
            let message = format!("uninstallation completed with {} error(s): {}", errors.len(), errors.join("; "));
            return Err(Error::Failed { message, hints: Vec::new() });
        }
        Ok(Outcome { release, counts: self.applied.counts, warnings: Vec::new() })
    }

    /// Hooks, deletions, and hooks again. What goes wrong once everything is deleted is told at the end.
    async fn remove(&mut self, release: &mut Release, recorder: &mut Recorder) -> Result<Vec<String>, Failure> {
        let prepared = self.prepared;
        let mut errors = Vec::new();
        self.hooks(Phase::PreHooks, &prepared.operation.before(), &prepared.pre_hooks, release, recorder).await?;
        if let Err(stop) = self.delete().await {
            let hints = match &stop {
                Stop::Failed(words) => vec![words.clone()],
                Stop::Cancelled => Vec::new(),
            };
            let mut failure = Failure::applying(prepared, stop, "deleting");
            if !failure.cancelled {
                failure.message = format!("failed to delete release: {}", prepared.name);
                failure.hints = hints;
            }
            return Err(failure);
        }
        if prepared.options.wait != WaitStrategy::HookOnly {
            (self.report)(Progress::PhaseStarted(Phase::Wait, self.applied.deleted.len()));
            let cluster = self.storage.cluster();
            let news = |news: WaitNews| (self.report)(news.into());
            let timeout = prepared.options.timeout;
            let waited = cluster.wait_deleted(&self.applied.deleted, timeout, self.cancel, &news).await;
            errors.extend(waited.err().map(|error| error.message));
            (self.report)(Progress::PhaseDone(Phase::Wait));
        }
        let hooks =
            self.hooks(Phase::PostHooks, &prepared.operation.after(), &prepared.post_hooks, release, recorder).await;
        errors.extend(hooks.err().map(|failure| failure.message));
        Ok(errors)
    }

    /// Deletes all records, oldest first, so that what is left of a purge that stops can still be uninstalled.
    async fn purge(&self) -> Result<(), crate::release::Error> {
        for meta in &self.prepared.history {
            match persistently(|| self.storage.delete(meta)).await {
                // Deleted by another, or by a try whose answer got lost.
                Err(crate::release::Error::NotFound) => {}
                done => done?,
            }
        }
        Ok(())
    }
}

fn purging(error: crate::release::Error) -> Error {
    let message = format!("uninstall: Failed to purge the release: {error}");
    Error::Failed { message, hints: Vec::new() }
}
