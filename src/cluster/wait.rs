//! Waiting for objects by watch.

use std::{collections::HashMap, time::Duration};

use futures::{
    FutureExt, StreamExt,
    future::{BoxFuture, OptionFuture},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use super::{
    Cluster, Error, ErrorKind,
    blockers::{Findings, held},
    read::{Target, bounded},
    readiness::{Readiness, Status, finished, job_readiness, legacy_ready, new_replica_set, readiness, with_pods},
    watch::Sighting,
};
use crate::manifest::Object;

/// Between looks at what blocks objects that are not ready.
const LOOK: Duration = Duration::from_secs(2);

/// What Helm takes for no timeout (helm/helm `pkg/kube/statuswait.go`, `DefaultStatusWatcherTimeout`).
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

/// The strategies of `--wait`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum WaitStrategy {
    /// kstatus by watch; what a bare `--wait` means.
    Watcher,
    /// Helm 3's polling rules.
    Legacy,
    /// As `Watcher`, and each sub-chart before those that depend on it (Pilothouse's own).
    Ordered,
    /// Only hooks are waited for; the default.
    #[default]
    HookOnly,
}

/// What to wait for.
#[derive(Debug, Clone, PartialEq)]
pub struct WaitOptions {
    /// Rules to judge by.
    pub strategy: WaitStrategy,
    /// Whether Jobs must have completed.
    pub jobs: bool,
    /// The bound of this wait.
    pub timeout: Duration,
}

/// News while waiting.
#[derive(Debug, Clone, PartialEq)]
pub struct WaitNews {
    /// The object it is about.
    pub target: Target,
    /// Its readiness now.
    pub readiness: Readiness,
    /// What blocks it, from events and pods: `web-6f: ImagePullBackOff …`.
    pub blocker: Option<String>,
}

type News<'a> = &'a (dyn Fn(WaitNews) + Send + Sync);

impl Cluster {
    /// Waits until all are ready. `news` hears every change of a verdict and, every few seconds, blockers of those
    /// not ready. `Timeout` names each object that is not ready, in Helm's words, with its blocker in the details.
    /// Failed ones do not hold up the others: the wait ends once every object is ready or has failed.
    pub async fn wait_ready(
        &self,
        targets: &[Target],
        options: &WaitOptions,
        cancel: &CancellationToken,
        news: &(dyn Fn(WaitNews) + Send + Sync),
    ) -> Result<(), Error> {
        let judge = if options.jobs { ready_with_jobs } else { ready };
        match options.strategy {
            WaitStrategy::HookOnly => Ok(()),
            WaitStrategy::Watcher | WaitStrategy::Ordered => {
                self.wait(Wait::new(targets, judge, Goal::Ready, news), options.timeout, cancel).await
            }
            WaitStrategy::Legacy => self.wait_legacy(targets, options, cancel, news).await,
        }
    }

    /// Waits until a hook's object has finished: Jobs complete or fail, Pods succeed or fail, other kinds are done
    /// by being there.
    pub async fn wait_finished(
        &self,
        target: &Target,
        timeout: Duration,
        cancel: &CancellationToken,
        news: &(dyn Fn(WaitNews) + Send + Sync),
    ) -> Result<(), Error> {
        let wait = Wait::new(std::slice::from_ref(target), finished, Goal::Ready, news);
        self.wait(wait, timeout, cancel).await
    }

    /// Waits until all are gone; `Timeout` names finalizers that hold them. `news` hears of them as `wait_ready` tells, and
    /// that they are not found in the end.
    pub async fn wait_deleted(
        &self,
        targets: &[Target],
        timeout: Duration,
        cancel: &CancellationToken,
        news: &(dyn Fn(WaitNews) + Send + Sync),
    ) -> Result<(), Error> {
        self.wait(Wait::new(targets, readiness, Goal::Gone, news), timeout, cancel).await
    }

    async fn wait(&self, mut wait: Wait<'_>, timeout: Duration, cancel: &CancellationToken) -> Result<(), Error> {
        let deadline = Instant::now() + if timeout.is_zero() { DEFAULT_TIMEOUT } else { timeout };
        let (sender, mut sightings) = tokio::sync::mpsc::unbounded_channel();
        let mut followers = self.follow(&targets_of(&wait), &sender);
        let mut ticks = tokio::time::interval_at(Instant::now() + LOOK, LOOK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut look = OptionFuture::<BoxFuture<'_, _>>::from(None);
        let mut looking = false;
        while !wait.is_over() {
            tokio::select! {
                () = cancel.cancelled() => return Err(wait.failure(Some(Error::cancelled()))),
                () = tokio::time::sleep_until(deadline) => {
                    let exceeded = Error::new(ErrorKind::Timeout, "context deadline exceeded");
                    return Err(wait.failure(Some(exceeded)));
                }
                Some(error) = followers.next() => return Err(error),
                Some(sighting) = sightings.recv() => wait.see(sighting),
                Some(findings) = &mut look, if looking => {
                    looking = false;
                    wait.learn(findings);
                }
                _ = ticks.tick(), if !looking => {
                    looking = true;
                    look = Some(self.look(wait.unready()).boxed()).into();
                }
            }
        }
        if wait.objects.iter().all(|waited| waited.reached(wait.goal)) { Ok(()) } else { Err(wait.failure(None)) }
    }

    async fn look(&self, objects: Vec<(usize, Object)>) -> Vec<(usize, Findings)> {
        let asked = objects.iter().map(|(place, object)| async { (*place, self.findings(object).await) });
        bounded(asked).await
    }

    /// Helm 3's way: asks every two seconds. Its error at the deadline says nothing but that.
    async fn wait_legacy(
        &self,
        targets: &[Target],
        options: &WaitOptions,
        cancel: &CancellationToken,
        news: News<'_>,
    ) -> Result<(), Error> {
        let deadline = Instant::now() + if options.timeout.is_zero() { DEFAULT_TIMEOUT } else { options.timeout };
        let mut wait = Wait::new(targets, readiness, Goal::Ready, news);
        let poll = async {
            loop {
                if self.legacy_round(&mut wait, options.jobs).await? {
                    return Ok(());
                }
                tokio::time::sleep(LOOK).await;
            }
        };
        let bounded = async { tokio::time::timeout_at(deadline, poll).await };
        match cancel.run_until_cancelled(bounded).await {
            Some(Ok(ended)) => ended,
            Some(Err(_)) => {
                Err(Error::new(ErrorKind::Timeout, "context deadline exceeded").with_details(wait.details()))
            }
            None => Err(Error::cancelled().with_details(wait.details())),
        }
    }

    /// Whether all are ready now. Trouble that may pass counts as not ready.
    async fn legacy_round(&self, wait: &mut Wait<'_>, jobs: bool) -> Result<bool, Error> {
        let targets = targets_of(wait);
        let answers = self.get_many(&targets).await;
        let mut all = true;
        for (target, answer) in targets.into_iter().zip(answers) {
            let object = match answer {
                Err(error) if !error.is_transient() => return Err(error),
                answer => answer.ok().flatten(),
            };
            let ready = match &object {
                Some(object) => self.legacy_judge(object, jobs).await?,
                None => false,
            };
            all &= ready;
            wait.see(Sighting { target, object });
        }
        if !all {
            let findings = self.look(wait.unready()).await;
            wait.learn(findings);
        }
        Ok(all)
    }

    async fn legacy_judge(&self, object: &Object, jobs: bool) -> Result<bool, Error> {
        let dependents = match object.kind() {
            "Deployment" | "ReplicaSet" | "ReplicationController" => self.owned_by(object).await?,
            _ => Vec::new(),
        };
        let new_set = if object.kind() == "Deployment" { new_replica_set(object, &dependents) } else { None };
        legacy_ready(object, jobs, new_set, &dependents).map_err(|message| Error::new(ErrorKind::Other, message))
    }
}

fn targets_of(wait: &Wait<'_>) -> Vec<Target> {
    wait.objects.iter().map(|waited| waited.target.clone()).collect()
}

/// A paused Deployment is not waited for (helm/helm `pkg/kube/statuswait.go`, `wait`).
fn ready(object: &Object) -> Readiness {
    let mut verdict = readiness(object);
    if (object.group(), object.kind()) == ("apps", "Deployment") && object.value["spec"]["paused"] == Value::Bool(true)
    {
        verdict.status = Status::Current;
        "Deployment is paused".clone_into(&mut verdict.message);
    }
    verdict
}

fn ready_with_jobs(object: &Object) -> Readiness {
    match (object.group(), object.kind()) {
        ("batch", "Job") => job_readiness(object),
        _ => ready(object),
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Goal {
    Ready,
    Gone,
}

/// What is known of the objects waited for.
struct Wait<'a> {
    objects: Vec<Waited>,
    places: HashMap<Target, usize>,
    judge: fn(&Object) -> Readiness,
    goal: Goal,
    news: News<'a>,
}

struct Waited {
    target: Target,
    object: Option<Object>,
    readiness: Readiness,
    blocker: Option<String>,
    /// Whether the server has said anything on it yet.
    seen: bool,
}

impl Waited {
    fn reached(&self, goal: Goal) -> bool {
        match goal {
            Goal::Ready => self.readiness.status == Status::Current,
            Goal::Gone => self.seen && self.object.is_none(),
        }
    }

    /// Helm's sentence (helm/helm `pkg/kube/statuswait.go`).
    fn complaint(&self, goal: Goal) -> String {
        let state = if goal == Goal::Ready { "not ready" } else { "still exists" };
        let key = &self.target.key;
        let Readiness { status, message, .. } = &self.readiness;
        format!("resource {}/{}/{} {state}. status: {status}, message: {message}", key.kind, key.namespace, key.name)
    }
}

impl<'a> Wait<'a> {
    fn new(targets: &[Target], judge: fn(&Object) -> Readiness, goal: Goal, news: News<'a>) -> Self {
        let mut wait = Self { objects: Vec::new(), places: HashMap::new(), judge, goal, news };
        for target in targets {
            if wait.places.insert(target.clone(), wait.objects.len()).is_none() {
                let target = target.clone();
                let readiness = Readiness::unknown();
                wait.objects.push(Waited { target, object: None, readiness, blocker: None, seen: false });
            }
        }
        wait
    }

    fn is_over(&self) -> bool {
        let settled = |waited: &Waited| {
            waited.reached(self.goal) || (self.goal == Goal::Ready && waited.readiness.status == Status::Failed)
        };
        self.objects.iter().all(settled)
    }

    fn see(&mut self, sighting: Sighting) {
        let Some(&place) = self.places.get(&sighting.target) else {
            return;
        };
        let readiness = match &sighting.object {
            Some(object) => (self.judge)(object),
            // What never was there is unknown to Helm, what went is not found.
            None if self.goal == Goal::Gone || self.objects[place].object.is_some() => Readiness::not_found(),
            None => self.objects[place].readiness.clone(),
        };
        let waited = &mut self.objects[place];
        waited.object = sighting.object;
        waited.seen = true;
        let blocker = waited.blocker.take().filter(|_| !matches!(readiness.status, Status::Current | Status::NotFound));
        self.update(place, readiness, blocker);
    }

    fn learn(&mut self, findings: Vec<(usize, Findings)>) {
        for (place, Findings { blocker, pods }) in findings {
            let waited = &self.objects[place];
            let counts_pods = matches!(waited.target.key.kind.as_str(), "StatefulSet" | "ReplicaSet");
            let own = waited.readiness.clone();
            let readiness = if counts_pods { with_pods(own, &pods) } else { own };
            let blocker = blocker.filter(|_| readiness.status != Status::Current);
            self.update(place, readiness, blocker);
        }
    }

    fn update(&mut self, place: usize, readiness: Readiness, blocker: Option<String>) {
        let waited = &mut self.objects[place];
        let changed = waited.readiness != readiness || waited.blocker != blocker;
        (waited.readiness, waited.blocker) = (readiness, blocker);
        if changed {
            (self.news)(WaitNews {
                target: waited.target.clone(),
                readiness: waited.readiness.clone(),
                blocker: waited.blocker.clone(),
            });
        }
    }

    fn unready(&self) -> Vec<(usize, Object)> {
        let open = self.objects.iter().enumerate().filter(|(_, waited)| !waited.reached(self.goal));
        open.filter_map(|(place, waited)| Some((place, waited.object.clone()?))).collect()
    }

    /// Every complaint, and why the wait ended before all was well.
    fn failure(&self, end: Option<Error>) -> Error {
        let open = self.objects.iter().filter(|waited| !waited.reached(self.goal));
        let mut lines: Vec<_> = open.map(|waited| waited.complaint(self.goal)).collect();
        let kind = end.as_ref().map_or(ErrorKind::Other, |end| end.kind.clone());
        lines.extend(end.map(|end| end.message));
        Error::new(kind, lines.join("\n")).with_details(self.details())
    }

    /// A line for each object that something is known to block.
    fn details(&self) -> Vec<String> {
        let open = self.objects.iter().filter(|waited| !waited.reached(self.goal));
        open.filter_map(|waited| {
            let blocker = waited.blocker.clone().or_else(|| held(waited.object.as_ref()?))?;
            Some(format!("{}/{}: {blocker}", waited.target.key.kind, waited.target.key.name))
        })
        .collect()
    }
}
