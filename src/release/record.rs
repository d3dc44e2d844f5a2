//! Helm's release as JSON, with every field kept (helm/helm `pkg/release/v1`).

use std::collections::BTreeMap;

use serde_json::{Map, Value, value::RawValue};

/// Status of a revision (helm/helm `pkg/release/common/status.go`).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub enum Status {
    /// `unknown`, also for an empty status.
    #[default]
    Unknown,
    /// `deployed`.
    Deployed,
    /// `uninstalled`.
    Uninstalled,
    /// `superseded`.
    Superseded,
    /// `failed`.
    Failed,
    /// `uninstalling`.
    Uninstalling,
    /// `pending-install`.
    PendingInstall,
    /// `pending-upgrade`.
    PendingUpgrade,
    /// `pending-rollback`.
    PendingRollback,
    /// A status this version does not know; kept as it is.
    Other(String),
}

impl Status {
    /// Helm's word.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Unknown => "unknown",
            Self::Deployed => "deployed",
            Self::Uninstalled => "uninstalled",
            Self::Superseded => "superseded",
            Self::Failed => "failed",
            Self::Uninstalling => "uninstalling",
            Self::PendingInstall => "pending-install",
            Self::PendingUpgrade => "pending-upgrade",
            Self::PendingRollback => "pending-rollback",
            Self::Other(word) => word,
        }
    }

    /// Whether an operation holds the release.
    pub fn is_pending(&self) -> bool {
        matches!(
            self,
            Self::PendingInstall | Self::PendingUpgrade | Self::PendingRollback
        )
    }
}

impl From<&str> for Status {
    fn from(word: &str) -> Self {
        match word {
            "" | "unknown" => Self::Unknown,
            "deployed" => Self::Deployed,
            "uninstalled" => Self::Uninstalled,
            "superseded" => Self::Superseded,
            "failed" => Self::Failed,
            "uninstalling" => Self::Uninstalling,
            "pending-install" => Self::PendingInstall,
            "pending-upgrade" => Self::PendingUpgrade,
            "pending-rollback" => Self::PendingRollback,
            other => Self::Other(other.to_owned()),
        }
    }
}

/// How a revision was applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ApplyMethod {
    /// `csa`; also what an absent field means.
    #[default]
    ClientSide,
    /// `ssa`.
    ServerSide,
}

/// One revision of a release.
#[derive(Debug, Clone, Default)]
pub struct Release {
    /// Name.
    pub name: String,
    /// Namespace.
    pub namespace: String,
    /// Revision number; Helm's `version`.
    pub revision: u32,
    /// Times, status, description, notes.
    pub info: Info,
    /// The chart, undecoded until asked.
    pub chart: Chart,
    /// Supplied values.
    pub config: Map<String, Value>,
    /// Rendered manifest.
    pub manifest: String,
    /// Hooks, tests included.
    pub hooks: Vec<Hook>,
    /// The record's own labels (Helm's system labels left out).
    pub labels: BTreeMap<String, String>,
    /// `apply_method`; `None` when the record has no such field (older Helm).
    pub apply_method: Option<ApplyMethod>,
    /// Top-level fields this version does not know, kept.
    pub unknown: Map<String, Value>,
}

/// `info` of a release. Times are RFC 3339 text exactly as stored (Go prints nanoseconds and zone); `None` when absent or zero.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Info {
    /// `first_deployed`.
    pub first_deployed: Option<String>,
    /// `last_deployed`.
    pub last_deployed: Option<String>,
    /// `deleted`.
    pub deleted: Option<String>,
    /// `description`.
    pub description: String,
    /// `status`.
    pub status: Status,
    /// `notes`.
    pub notes: String,
    /// Fields this version does not know, kept.
    pub unknown: Map<String, Value>,
}

/// The chart inside a record: raw JSON; parts are decoded when asked.
#[derive(Debug, Clone, Default)]
pub struct Chart {
    /// The JSON as stored; `None` when the record has no chart.
    pub raw: Option<std::sync::Arc<RawValue>>,
}

/// Chart metadata as far as lists and screens show it.
#[derive(Debug, Clone, Default, PartialEq, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ChartMetadata {
    /// Name.
    pub name: String,
    /// Version.
    pub version: String,
    /// `appVersion`.
    pub app_version: String,
    /// Description.
    pub description: String,
    /// `apiVersion`.
    pub api_version: String,
    /// `type`.
    #[serde(rename = "type")]
    pub kind: String,
    /// `kubeVersion`.
    pub kube_version: String,
    /// Home page.
    pub home: String,
    /// Sources.
    pub sources: Vec<String>,
    /// Whether deprecated.
    pub deprecated: bool,
    /// Annotations.
    pub annotations: BTreeMap<String, String>,
    /// Dependencies.
    pub dependencies: Vec<ChartDependency>,
}

/// One dependency named in Chart.yaml.
#[derive(Debug, Clone, Default, PartialEq, serde::Deserialize)]
#[serde(default)]
pub struct ChartDependency {
    /// Name.
    pub name: String,
    /// Version constraint.
    pub version: String,
    /// Repository.
    pub repository: String,
    /// Alias.
    pub alias: String,
    /// Condition.
    pub condition: String,
}

impl Chart {
    /// `Chart.yaml` of the chart, decoded without touching templates and files.
    pub fn metadata(&self) -> ChartMetadata {
        todo!()
    }

    /// Default values of the chart.
    pub fn values(&self) -> Map<String, Value> {
        todo!()
    }

    /// Path and content (lossy UTF-8) of every template.
    pub fn templates(&self) -> Vec<(String, String)> {
        todo!()
    }

    /// Path and content (lossy UTF-8) of every other file, such as README.md.
    pub fn files(&self) -> Vec<(String, String)> {
        todo!()
    }
}

/// When a hook runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HookEvent {
    /// `pre-install` and its eight siblings.
    PreInstall,
    /// `post-install`.
    PostInstall,
    /// `pre-delete`.
    PreDelete,
    /// `post-delete`.
    PostDelete,
    /// `pre-upgrade`.
    PreUpgrade,
    /// `post-upgrade`.
    PostUpgrade,
    /// `pre-rollback`.
    PreRollback,
    /// `post-rollback`.
    PostRollback,
    /// `test`.
    Test,
    /// An event this version does not know; kept.
    Other(String),
}

/// One hook of a release.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Hook {
    /// Object name.
    pub name: String,
    /// Kind.
    pub kind: String,
    /// Template path.
    pub path: String,
    /// Manifest text.
    pub manifest: String,
    /// Events it fires on.
    pub events: Vec<HookEvent>,
    /// `started_at` of the last run, RFC 3339 as stored.
    pub started_at: Option<String>,
    /// `completed_at` of the last run.
    pub completed_at: Option<String>,
    /// `phase` of the last run: `Unknown`, `Running`, `Succeeded`, `Failed` or empty.
    pub phase: String,
    /// Weight.
    pub weight: i64,
    /// `hook-succeeded`, `hook-failed`, `before-hook-creation`.
    pub delete_policies: Vec<String>,
    /// `hook-succeeded`, `hook-failed`.
    pub output_log_policies: Vec<String>,
    /// Fields this version does not know, kept.
    pub unknown: Map<String, Value>,
}

impl Release {
    /// The values a render would have seen: chart defaults under supplied ones, sub-charts' defaults under their
    /// names, nulls deleting (what `helm get values --all` prints).
    pub fn computed_values(&self) -> Map<String, Value> {
        todo!()
    }
}
