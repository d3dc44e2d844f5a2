//! The operations on a release, and where Helm words or runs them differently.

use serde::{Deserialize, Serialize};

use crate::release::{HookEvent, Status};

/// What is done to a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Operation {
    /// A release's first revision, or one in the place of an uninstalled or failed one (`--replace`).
    Install,
    /// A new revision from a chart.
    Upgrade,
    /// A new revision from an older one.
    Rollback,
    /// Everything of the release goes.
    Uninstall,
}

impl Operation {
    /// Its verb on the command line.
    pub fn verb(self) -> &'static str {
        match self {
            Self::Install => "install",
            Self::Upgrade => "upgrade",
            Self::Rollback => "rollback",
            Self::Uninstall => "uninstall",
        }
    }

    /// The event of the hooks that run before it.
    pub fn before(self) -> HookEvent {
        match self {
            Self::Install => HookEvent::PreInstall,
            Self::Upgrade => HookEvent::PreUpgrade,
            Self::Rollback => HookEvent::PreRollback,
            Self::Uninstall => HookEvent::PreDelete,
        }
    }

    /// The event of the hooks that run after it.
    pub fn after(self) -> HookEvent {
        match self {
            Self::Install => HookEvent::PostInstall,
            Self::Upgrade => HookEvent::PostUpgrade,
            Self::Rollback => HookEvent::PostRollback,
            Self::Uninstall => HookEvent::PostDelete,
        }
    }

    /// The status of the record that holds the release meanwhile.
    pub fn status(self) -> Status {
        match self {
            Self::Install => Status::PendingInstall,
            Self::Upgrade => Status::PendingUpgrade,
            Self::Rollback => Status::PendingRollback,
            Self::Uninstall => Status::Uninstalling,
        }
    }

    /// Helm's description of a revision that failed (helm/helm `pkg/action/{install,upgrade,rollback}.go`).
    pub(super) fn failed(self, name: &str, why: &str) -> String {
        let what = match self {
            Self::Install | Self::Uninstall => "Release",
            Self::Upgrade => "Upgrade",
            Self::Rollback => "Rollback",
        };
        format!("{what} {name:?} failed: {why}")
    }

    /// Helm's words around what a hook of `event` failed with. A rollback has them in its record only.
    pub(super) fn hooks_failed(self, event: &HookEvent, why: &str) -> String {
        match self {
            Self::Install => format!("failed {}: {why}", event.as_str()),
            Self::Upgrade | Self::Rollback => format!("{} hooks failed: {why}", event.as_str()),
            Self::Uninstall => why.to_owned(),
        }
    }
}
