//! What an operation tells while it runs.

use std::sync::Arc;

use crate::{
    cluster::{readiness::Readiness, wait::WaitNews},
    diff::Change,
    manifest::ObjectKey,
};

/// The steps of an operation, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// Checking the basis and writing the pending record.
    Record,
    /// Hooks before.
    PreHooks,
    /// Applying objects.
    Apply,
    /// Deleting what the target lacks.
    Delete,
    /// Waiting for readiness.
    Wait,
    /// Hooks after.
    PostHooks,
    /// Hooks that test.
    Tests,
    /// Writing the final status.
    Final,
}

impl Phase {
    /// What screens and lists call it.
    pub fn words(self) -> &'static str {
        match self {
            Self::Record => "record",
            Self::PreHooks => "pre hooks",
            Self::Apply => "apply",
            Self::Delete => "delete",
            Self::Wait => "wait",
            Self::PostHooks => "post hooks",
            Self::Tests => "tests",
            Self::Final => "final record",
        }
    }
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Progress {
    /// A phase began; `total` counts what it has to do (0 when there is nothing).
    PhaseStarted(Phase, usize),
    /// A phase ended well.
    PhaseDone(Phase),
    /// A record was written: revision and status word.
    RecordWritten(u32, String),
    /// The objects of these charts follow: those that they depend on are ready (`--wait=ordered`).
    Stage(Vec<String>),
    /// An object was applied or deleted.
    Object(ObjectKey, Change),
    /// An object failed, in the server's words.
    ObjectFailed(ObjectKey, String),
    /// An object is waited for, to be ready or to be gone: its readiness, and what blocks it.
    Waiting(ObjectKey, Readiness, Option<String>),
    /// A hook started.
    HookStarted(String),
    /// A hook's pod wrote a line: hook, line. Told while it runs.
    HookLog(String, String),
    /// A line of the log that the hook's output-log policy asks for, told when it is over: hook, line. It came as
    /// `HookLog` before.
    HookOutput(String, String),
    /// A hook ended: name, whether it succeeded, how long in milliseconds.
    HookDone(String, bool, u64),
    /// Something worth knowing that is no failure.
    Warning(String),
    /// Cancelling: what is still being done.
    Cancelling(String),
}

impl From<WaitNews> for Progress {
    fn from(news: WaitNews) -> Self {
        Self::Waiting(news.target.key, news.readiness, news.blocker)
    }
}

/// Where progress goes. Must not block.
pub type Reporter = Arc<dyn Fn(Progress) + Send + Sync>;
