//! The flags of operations.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    cluster::{apply::Propagation, wait::WaitStrategy},
    release::ApplyMethod,
};

/// `--server-side`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ServerSideMode {
    /// As the revision before was applied, or for a rollback the target revision; an install is server-side.
    #[default]
    Auto,
    /// Server-side.
    True,
    /// Client-side.
    False,
}

impl ServerSideMode {
    /// The method asked for, which is `auto` where that is left open.
    pub(super) fn method(self, auto: ApplyMethod) -> ApplyMethod {
        match self {
            Self::Auto => auto,
            Self::True => ApplyMethod::ServerSide,
            Self::False => ApplyMethod::ClientSide,
        }
    }
}

/// Which of the values given before an upgrade keeps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reuse {
    /// Those given before, where none are given now.
    #[default]
    WhenNoneGiven,
    /// `--reset-values`: none.
    Reset,
    /// `--reuse-values`: all of them, over the defaults of the chart that is deployed.
    Values,
    /// `--reset-then-reuse-values`: all of them, over the defaults of the new chart.
    OverNewDefaults,
}

/// What happens to the definitions in the charts' `crds/` folders. Nothing ever deletes them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Crds {
    /// An install creates them, an upgrade leaves them as they are: Helm's way.
    #[default]
    Install,
    /// `--crds=apply`: they are applied as objects are, before these.
    Apply,
    /// `--skip-crds`: nothing.
    Skip,
}

/// The flags of `install`, `upgrade`, `rollback` and `uninstall`, and ours. Each operation reads those it knows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// Bound of each hook and of each wait.
    pub timeout: Duration,
    /// `--wait`.
    pub wait: WaitStrategy,
    /// `--wait-for-jobs`.
    pub wait_for_jobs: bool,
    /// `--no-hooks`.
    pub no_hooks: bool,
    /// `--force-replace`.
    pub force_replace: bool,
    /// `--force-conflicts`, and "take these fields" in Review.
    pub force_conflicts: bool,
    /// `--server-side`.
    pub server_side: ServerSideMode,
    /// `--cleanup-on-fail`.
    pub cleanup_on_fail: bool,
    /// `--rollback-on-failure`: a failed upgrade goes back, a failed install is uninstalled.
    pub rollback_on_failure: bool,
    /// `--take-ownership`: objects that exist and are not marked as this release's are taken over.
    pub take_ownership: bool,
    /// `--history-max`; 0 means no limit.
    pub history_max: usize,
    /// `--description`; Helm's own words when empty.
    pub description: String,
    /// `--labels`; an upgrade removes those that are `null`.
    pub labels: BTreeMap<String, String>,
    /// `--dry-run`: it will not be executed, so a name in use does not matter.
    pub dry_run: bool,
    /// `--replace` of install.
    pub replace: bool,
    /// `--create-namespace`.
    pub create_namespace: bool,
    /// `--crds` and `--skip-crds`.
    pub crds: Crds,
    /// `--reuse-values` and its kin.
    pub reuse: Reuse,
    /// `--keep-history` of uninstall.
    pub keep_history: bool,
    /// `--cascade` of uninstall.
    pub cascade: Propagation,
    /// `--three-way-custom-resources`: drift in custom resources is corrected client-side too.
    pub three_way_custom_resources: bool,
    /// `--recreate`: objects that are deleted and made anew, as `Kind/name`.
    pub recreate: Vec<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(300),
            wait: WaitStrategy::HookOnly,
            wait_for_jobs: false,
            no_hooks: false,
            force_replace: false,
            force_conflicts: false,
            server_side: ServerSideMode::Auto,
            cleanup_on_fail: false,
            rollback_on_failure: false,
            take_ownership: false,
            history_max: 10,
            description: String::new(),
            labels: BTreeMap::new(),
            dry_run: false,
            replace: false,
            create_namespace: false,
            crds: Crds::default(),
            reuse: Reuse::default(),
            keep_history: false,
            cascade: Propagation::Background,
            three_way_custom_resources: false,
            recreate: Vec::new(),
        }
    }
}
