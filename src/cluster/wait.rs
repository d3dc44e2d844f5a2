//! Waiting for objects by watch.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{Cluster, Error, read::Target, readiness::Readiness};
use crate::manifest::Object;

/// Helm's `--wait` strategies.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum WaitStrategy {
    /// kstatus by watch; what a bare `--wait` means.
    Watcher,
    /// Helm 3's polling rules.
    Legacy,
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

impl Cluster {
    /// Waits until all are ready. `news` hears every change of a verdict and, every few seconds, blockers of those not ready.
    /// `Timeout` names each object that is not ready, with its blocker. `Failed` verdicts end the wait early as Helm's watcher does.
    pub async fn wait_ready(
        &self,
        _targets: &[Target],
        _options: &WaitOptions,
        _cancel: &CancellationToken,
        _news: &(dyn Fn(WaitNews) + Send + Sync),
    ) -> Result<(), Error> {
        todo!()
    }

    /// Waits until a hook's object has finished: Jobs complete or fail, Pods succeed or fail, other kinds as Helm does.
    pub async fn wait_finished(
        &self,
        _target: &Target,
        _timeout: Duration,
        _cancel: &CancellationToken,
        _news: &(dyn Fn(WaitNews) + Send + Sync),
    ) -> Result<(), Error> {
        todo!()
    }

    /// Waits until all are gone; `Timeout` names finalizers that hold them.
    pub async fn wait_deleted(
        &self,
        _targets: &[Target],
        _timeout: Duration,
        _cancel: &CancellationToken,
    ) -> Result<(), Error> {
        todo!()
    }

    /// Watches a set of live objects for the UI: calls `changed` with the new state (`None` when deleted) until cancelled; reconnects by itself.
    pub async fn watch_objects(
        &self,
        _targets: &[Target],
        _cancel: &CancellationToken,
        _changed: &(dyn Fn(Target, Option<Object>) + Send + Sync),
    ) -> Result<(), Error> {
        todo!()
    }
}
