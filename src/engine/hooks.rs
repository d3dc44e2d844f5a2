//! Running hooks: order, delete policies, output-log policies, deadlines (helm/helm `pkg/action/hooks.go`).

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use futures::{StreamExt, stream::FuturesUnordered};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{
    objects::{as_sent, unmapped},
    progress::{Progress, Reporter},
    record::Recorder,
    retry::patiently,
    time,
};
use crate::{
    cluster::{
        self, Cluster, ErrorKind,
        apply::{Deletion, ServerSide},
        read::Target,
    },
    manifest::{self, Object},
    release::{ApplyMethod, Hook, HookEvent, Release},
};

const BEFORE_CREATION: &str = "before-hook-creation";
const SUCCEEDED: &str = "hook-succeeded";
const FAILED: &str = "hook-failed";
/// Log lines of a failed hook's pod that go into the hints.
const HINT_LINES: usize = 10;
/// Lines of a hook's log, written before it is followed, that are told.
const LINES_TOLD: u32 = 1000;
/// Lines read ahead of the telling.
const LINES_AHEAD: usize = 64;
/// How often a running hook is looked at for pods that are not followed yet.
const LOOK: Duration = Duration::from_secs(1);
/// How long the rest of a log is awaited once its hook is over.
const LAST_LINES: Duration = Duration::from_millis(500);

/// The hooks of an event in the order they run: by weight, then name; the record holds them sorted by kind already.
pub fn ordered(hooks: &[Hook], event: &HookEvent) -> Vec<Hook> {
    positions(hooks, event).into_iter().map(|position| hooks[position].clone()).collect()
}

fn positions(hooks: &[Hook], event: &HookEvent) -> Vec<usize> {
    let mut positions: Vec<usize> = (0..hooks.len()).filter(|at| hooks[*at].events.contains(event)).collect();
    positions.sort_by(|a, b| (hooks[*a].weight, &hooks[*a].name).cmp(&(hooks[*b].weight, &hooks[*b].name)));
    positions
}

/// Helm's word for an event.
pub fn event_name(event: &HookEvent) -> &str {
    match event {
        HookEvent::PreInstall => "pre-install",
        HookEvent::PostInstall => "post-install",
        HookEvent::PreDelete => "pre-delete",
        HookEvent::PostDelete => "post-delete",
        HookEvent::PreUpgrade => "pre-upgrade",
        HookEvent::PostUpgrade => "post-upgrade",
        HookEvent::PreRollback => "pre-rollback",
        HookEvent::PostRollback => "post-rollback",
        HookEvent::Test => "test",
        HookEvent::Other(name) => name,
    }
}

/// Why hooks did not all succeed.
pub(super) struct HookFailure {
    /// Helm's words.
    pub(super) message: String,
    /// Logs of its pods and warnings about it.
    pub(super) hints: Vec<String>,
    /// Whether it is the caller who stopped it.
    pub(super) cancelled: bool,
}

impl HookFailure {
    fn new(message: String, error: &cluster::Error) -> Self {
        Self { message, hints: error.details.clone(), cancelled: error.kind == ErrorKind::Cancelled }
    }
}

/// What running hooks needs.
pub(super) struct Runner<'a> {
    pub(super) cluster: &'a Cluster,
    pub(super) namespace: &'a str,
    pub(super) timeout: Duration,
    pub(super) method: ApplyMethod,
    pub(super) report: &'a Reporter,
    pub(super) cancel: &'a CancellationToken,
}

/// A hook's object in the cluster, and the UID this run gave or found there.
struct Made {
    target: Target,
    uid: String,
}

/// The place of a hook in the release, and what it made.
type HookRan = (usize, Vec<Made>);

/// Hooks that ran, in order.
#[derive(Default)]
pub(super) struct Ran {
    succeeded: Vec<HookRan>,
    failed: Option<(HookRan, HookFailure)>,
}

impl Runner<'_> {
    /// Runs the hooks of an event one after another, notes each run in the release's record, and deletes afterwards what
    /// the hooks' policies say.
    pub(super) async fn run(
        &self,
        event: &HookEvent,
        release: &mut Release,
        recorder: &mut Recorder,
    ) -> Result<(), HookFailure> {
        let ran = self.run_all(event, &|_| true, release, recorder).await;
        self.clean_up(release, ran).await
    }

    /// Runs the hooks of an event that are `wanted`, up to the first that fails. What they made is still there.
    pub(super) async fn run_all(
        &self,
        event: &HookEvent,
        wanted: &(dyn Fn(&Hook) -> bool + Sync),
        release: &mut Release,
        recorder: &mut Recorder,
    ) -> Ran {
        let mut ran = Ran::default();
        let mut positions = positions(&release.hooks, event);
        positions.retain(|at| wanted(&release.hooks[*at]));
        for at in positions {
            let started = Instant::now();
            let name = release.hooks[at].name.clone();
            (self.report)(Progress::HookStarted(name.clone()));
            let mut made = Vec::new();
            let ended = self.run_one(event, release, at, recorder, &mut made).await;
            let took = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
            (self.report)(Progress::HookDone(name, ended.is_ok(), took));
            match ended {
                Ok(()) => ran.succeeded.push((at, made)),
                Err(failure) => {
                    ran.failed = Some(((at, made), failure));
                    break;
                }
            }
        }
        ran
    }

    /// Deletes what hooks made, where their policies say so, and tells the logs of those that succeeded.
    pub(super) async fn clean_up(&self, release: &Release, ran: Ran) -> Result<(), HookFailure> {
        if let Some(((at, made), failure)) = ran.failed {
            if let Err(error) = self.delete_after(&release.hooks[at], FAILED, &made).await {
                (self.report)(Progress::Warning(format!("error deleting the hook resource on hook failure: {error}")));
            }
            for (at, made) in &ran.succeeded {
                self.delete_after(&release.hooks[*at], SUCCEEDED, made).await.map_err(plain)?;
            }
            return Err(failure);
        }
        for (at, made) in ran.succeeded.iter().rev() {
            let hook = &release.hooks[*at];
            self.output_logs(hook, SUCCEEDED, made).await;
            self.delete_after(hook, SUCCEEDED, made).await.map_err(plain)?;
        }
        Ok(())
    }

    async fn run_one(
        &self,
        event: &HookEvent,
        release: &mut Release,
        at: usize,
        recorder: &mut Recorder,
        made: &mut Vec<Made>,
    ) -> Result<(), HookFailure> {
        if release.hooks[at].delete_policies.is_empty() {
            release.hooks[at].delete_policies.push(BEFORE_CREATION.to_owned());
        }
        let objects = self.place(event, &release.hooks[at]).await?;
        self.delete_before(&release.hooks[at], &objects).await.map_err(plain)?;

        let hook = &mut release.hooks[at];
        hook.last_run.started_at = Some(time::now());
        hook.last_run.completed_at = None;
        "Running".clone_into(&mut hook.last_run.phase);
        if let Err(error) = recorder.update(release).await {
            (self.report)(Progress::Warning(format!("the record does not show that a hook runs: {error}")));
        }

        let hook = &mut release.hooks[at];
        let created = self.create(&objects, made).await;
        let ran = match created {
            Ok(()) => self.wait(hook, made).await,
            Err(error) => {
                let message = format!("warning: Hook {} {} failed: {}", event_name(event), hook.path, error.message);
                Err(HookFailure::new(message, &error))
            }
        };
        hook.last_run.completed_at = Some(time::now());
        if ran.is_ok() { "Succeeded" } else { "Failed" }.clone_into(&mut hook.last_run.phase);
        ran
    }

    /// Reads a hook's manifest and finds where its objects live.
    async fn place(&self, event: &HookEvent, hook: &Hook) -> Result<Vec<(Target, Object)>, HookFailure> {
        let prefix = format!("unable to build kubernetes object for {} hook {}", event_name(event), hook.path);
        let objects = manifest::read(&hook.manifest).map_err(|error| HookFailure {
            message: format!("{prefix}: {error}"),
            hints: Vec::new(),
            cancelled: false,
        })?;
        let mut placed = Vec::with_capacity(objects.len());
        for object in objects {
            let target = patiently(|| self.cluster.target(&object, self.namespace)).await;
            let target = target.map_err(|error| {
                let error = unmapped(&object, error);
                HookFailure::new(format!("{prefix}: {error}"), &error)
            })?;
            let sent = as_sent(&object, &target);
            placed.push((target, sent));
        }
        Ok(placed)
    }

    async fn create(&self, objects: &[(Target, Object)], made: &mut Vec<Made>) -> Result<(), cluster::Error> {
        for (target, object) in objects {
            // Only POST makes a name from generateName.
            let created = if self.method == ApplyMethod::ServerSide && !object.name().is_empty() {
                let applied = patiently(|| self.cluster.apply(target, object, ServerSide::default())).await;
                applied.map_err(|error| super::apply::server_side_words(target, error))
            } else {
                self.cluster.create(target, object, false).await
            }?;
            let mut target = target.clone();
            created.name().clone_into(&mut target.key.name);
            made.push(Made { target, uid: created.uid().to_owned() });
        }
        Ok(())
    }

    async fn wait(&self, hook: &Hook, made: &[Made]) -> Result<(), HookFailure> {
        for Made { target, .. } in made {
            let news = |news: cluster::wait::WaitNews| (self.report)(news.into());
            let over = CancellationToken::new();
            let finish = async {
                let finished = self.cluster.wait_finished(target, self.timeout, self.cancel, &news).await;
                over.cancel();
                finished
            };
            let (finished, ()) = tokio::join!(finish, self.tell_logs(&hook.name, target, &over));
            let Err(error) = finished else {
                continue;
            };
            let mut failure = HookFailure::new(error.message.clone(), &error);
            failure.hints = self.hints(target).await;
            self.output_logs(hook, FAILED, made).await;
            return Err(failure);
        }
        Ok(())
    }

    /// Tells what a hook's pods write until it is over. Trouble in reading logs fails nothing.
    async fn tell_logs(&self, hook: &str, target: &Target, over: &CancellationToken) {
        let mut known = HashSet::new();
        let mut streams = FuturesUnordered::new();
        loop {
            // A hook may end before its pods were seen, so the last look comes after its end.
            let last = over.is_cancelled();
            for (pod, container) in self.containers(target).await {
                let run = starts(&pod, &container).map(|starts| (pod.uid().to_owned(), container.clone(), starts));
                if run.is_some_and(|run| known.insert(run)) {
                    streams.push(self.follow(hook, pod, container));
                }
            }
            if last {
                break;
            }
            tokio::select! {
                () = over.cancelled() => {}
                () = tokio::time::sleep(LOOK) => {}
                Some(()) = streams.next() => {}
            }
        }
        let rest = async { while streams.next().await.is_some() {} };
        // A log that does not end with its container must not hold up the operation.
        let _ = tokio::time::timeout(LAST_LINES, rest).await;
    }

    async fn follow(&self, hook: &str, pod: Object, container: String) {
        let (lines, mut written) = mpsc::channel(LINES_AHEAD);
        let read = self.cluster.logs(pod.namespace(), pod.name(), &container, LINES_TOLD, true, lines, self.cancel);
        let tell = async {
            while let Some(line) = written.recv().await {
                (self.report)(Progress::HookLog(hook.to_owned(), line));
            }
        };
        let _ = tokio::join!(read, tell);
    }

    /// Deletes what an earlier run left, and waits until it is gone.
    async fn delete_before(&self, hook: &Hook, objects: &[(Target, Object)]) -> Result<(), cluster::Error> {
        let named = objects.iter().filter(|(target, _)| !target.key.name.is_empty());
        let targets: Vec<Target> = named.map(|(target, _)| target.clone()).collect();
        self.delete(hook, BEFORE_CREATION, targets.into_iter().map(|target| (target, None)).collect()).await
    }

    /// Deletes what this run made.
    async fn delete_after(&self, hook: &Hook, policy: &str, made: &[Made]) -> Result<(), cluster::Error> {
        self.delete(hook, policy, made.iter().map(|made| (made.target.clone(), Some(made.uid.clone()))).collect()).await
    }

    async fn delete(
        &self,
        hook: &Hook,
        policy: &str,
        targets: Vec<(Target, Option<String>)>,
    ) -> Result<(), cluster::Error> {
        // A CustomResourceDefinition takes every object of its kind with it; Helm never deletes one as a hook.
        if hook.kind == "CustomResourceDefinition" || !hook.delete_policies.iter().any(|own| own == policy) {
            return Ok(());
        }
        let mut gone = Vec::new();
        for (target, uid) in targets {
            let deletion = Deletion { uid, ..Deletion::default() };
            if patiently(|| self.cluster.delete(&target, &deletion)).await? {
                gone.push(target);
            }
        }
        self.cluster.wait_deleted(&gone, self.timeout, self.cancel, &|_| ()).await
    }

    /// Tells the log of a hook's pods when its policy asks for it. Trouble in reading logs fails nothing.
    async fn output_logs(&self, hook: &Hook, policy: &str, made: &[Made]) {
        if !hook.output_log_policies.iter().any(|own| own == policy) {
            return;
        }
        for Made { target, .. } in made {
            for (pod, container) in self.containers(target).await {
                match self.cluster.log_text(pod.namespace(), pod.name(), &container).await {
                    Ok(text) => {
                        for line in text.lines() {
                            (self.report)(Progress::HookOutput(hook.name.clone(), line.to_owned()));
                        }
                    }
                    Err(error) => {
                        (self.report)(Progress::Warning(format!(
                            "error outputting logs of hook {}: {error}",
                            hook.name
                        )));
                    }
                }
            }
        }
    }

    async fn containers(&self, target: &Target) -> Vec<(Object, String)> {
        let pods = self.cluster.hook_pods(target).await.unwrap_or_default();
        let named = |pod: Object| {
            let containers = pod.value["spec"]["containers"].as_array().cloned().unwrap_or_default();
            containers
                .into_iter()
                .map(move |container| (pod.clone(), container["name"].as_str().unwrap_or_default().to_owned()))
        };
        pods.into_iter().flat_map(named).collect()
    }

    /// The last log lines of a failed hook's pods, and warnings about it.
    async fn hints(&self, target: &Target) -> Vec<String> {
        let mut hints = Vec::new();
        for (pod, container) in self.containers(target).await {
            if let Some(trouble) = cluster::readiness::pod_trouble(&pod) {
                hints.push(format!("Pod/{}: {trouble}", pod.name()));
            }
            if let Ok(text) = self.cluster.log_text(pod.namespace(), pod.name(), &container).await {
                let lines: Vec<&str> = text.lines().collect();
                let last = &lines[lines.len().saturating_sub(HINT_LINES)..];
                hints.extend(last.iter().map(|line| format!("{}/{container}: {line}", pod.name())));
            }
        }
        if let Ok(Some(live)) = self.cluster.get(target).await
            && let Ok(events) = self.cluster.events_of(&live).await
        {
            let warnings = events.into_iter().filter(|event| event.kind == "Warning");
            hints.extend(warnings.map(|event| format!("{}: {}: {}", event.object, event.reason, event.message)));
        }
        hints
    }
}

/// How often a container was started again; `None` while it waits for its first start.
fn starts(pod: &Object, container: &str) -> Option<u64> {
    let statuses = pod.value["status"]["containerStatuses"].as_array()?;
    let status = statuses.iter().find(|status| status["name"] == container)?;
    let state = &status["state"];
    let started = state["running"].is_object() || state["terminated"].is_object();
    started.then(|| status["restartCount"].as_u64().unwrap_or_default())
}

fn plain(error: cluster::Error) -> HookFailure {
    HookFailure::new(error.message.clone(), &error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hook(name: &str, weight: i64, event: HookEvent) -> Hook {
        Hook { name: name.to_owned(), weight, events: vec![event], ..Hook::default() }
    }

    #[test]
    fn hooks_run_by_weight_then_name_and_else_as_recorded() {
        let mut first = hook("same", 0, HookEvent::PreRollback);
        "ServiceAccount".clone_into(&mut first.kind);
        let mut second = hook("same", 0, HookEvent::PreRollback);
        "Job".clone_into(&mut second.kind);
        let hooks = [
            hook("z", -5, HookEvent::PreRollback),
            first,
            second,
            hook("a", 0, HookEvent::PreRollback),
            hook("post", -9, HookEvent::PostRollback),
        ];
        let order: Vec<(String, String)> =
            ordered(&hooks, &HookEvent::PreRollback).into_iter().map(|hook| (hook.name, hook.kind)).collect();
        let expected = [("z", ""), ("a", ""), ("same", "ServiceAccount"), ("same", "Job")];
        assert_eq!(order, expected.map(|(name, kind)| (name.to_owned(), kind.to_owned())));
    }
}
