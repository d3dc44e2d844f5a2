//! Helm's release as JSON, with every field kept (helm/helm `pkg/release/v1`).
//!
//! Fields stand in the order in which Go writes them, so that [`super::codec::encode`] gives Helm's bytes.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use super::chart::Chart;

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
        matches!(self, Self::PendingInstall | Self::PendingUpgrade | Self::PendingRollback)
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

impl Serialize for Status {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Status {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::from(or_default::<_, String>(deserializer)?.as_str()))
    }
}

/// How a revision was applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum ApplyMethod {
    /// `csa`; also what an absent field means.
    #[default]
    #[serde(rename = "csa")]
    ClientSide,
    /// `ssa`.
    #[serde(rename = "ssa")]
    ServerSide,
}

impl ApplyMethod {
    /// Helm's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ClientSide => "csa",
            Self::ServerSide => "ssa",
        }
    }
}

/// One revision of a release.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Release {
    /// Name.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[serde(deserialize_with = "or_default")]
    pub name: String,
    /// Times, status, description, notes.
    #[serde(deserialize_with = "or_default")]
    pub info: Info,
    /// The chart, undecoded until asked.
    #[serde(skip_serializing_if = "Chart::is_absent")]
    pub chart: Chart,
    /// Supplied values.
    #[serde(skip_serializing_if = "Map::is_empty")]
    #[serde(deserialize_with = "or_default")]
    pub config: Map<String, Value>,
    /// Rendered manifest.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[serde(deserialize_with = "or_default")]
    pub manifest: String,
    /// Hooks, tests included.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[serde(deserialize_with = "or_default")]
    pub hooks: Vec<Hook>,
    /// Revision number; Helm's `version`.
    #[serde(rename = "version")]
    #[serde(skip_serializing_if = "is_zero")]
    #[serde(deserialize_with = "or_default")]
    pub revision: u32,
    /// Namespace.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[serde(deserialize_with = "or_default")]
    pub namespace: String,
    /// `apply_method`; `None` when the record has no such field (older Helm).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[serde(deserialize_with = "apply_method")]
    pub apply_method: Option<ApplyMethod>,
    /// The record's own labels (Helm's system labels left out); they live on the record's object, not in its JSON.
    #[serde(skip)]
    pub labels: BTreeMap<String, String>,
    /// Top-level fields this version does not know, kept.
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

/// `info` of a release. Times are RFC 3339 text exactly as stored (Go prints nanoseconds and zone); `None` when absent or zero.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Info {
    /// `first_deployed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[serde(deserialize_with = "time")]
    pub first_deployed: Option<String>,
    /// `last_deployed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[serde(deserialize_with = "time")]
    pub last_deployed: Option<String>,
    /// `deleted`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[serde(deserialize_with = "time")]
    pub deleted: Option<String>,
    /// `description`.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[serde(deserialize_with = "or_default")]
    pub description: String,
    /// `status`.
    pub status: Status,
    /// `notes`.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[serde(deserialize_with = "or_default")]
    pub notes: String,
    /// Fields this version does not know, kept.
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

/// When a hook runs (helm/helm `pkg/release/v1/hook.go`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HookEvent {
    /// `pre-install`.
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

impl HookEvent {
    /// Helm's word.
    pub fn as_str(&self) -> &str {
        match self {
            Self::PreInstall => "pre-install",
            Self::PostInstall => "post-install",
            Self::PreDelete => "pre-delete",
            Self::PostDelete => "post-delete",
            Self::PreUpgrade => "pre-upgrade",
            Self::PostUpgrade => "post-upgrade",
            Self::PreRollback => "pre-rollback",
            Self::PostRollback => "post-rollback",
            Self::Test => "test",
            Self::Other(word) => word,
        }
    }
}

impl From<&str> for HookEvent {
    fn from(word: &str) -> Self {
        match word {
            "pre-install" => Self::PreInstall,
            "post-install" => Self::PostInstall,
            "pre-delete" => Self::PreDelete,
            "post-delete" => Self::PostDelete,
            "pre-upgrade" => Self::PreUpgrade,
            "post-upgrade" => Self::PostUpgrade,
            "pre-rollback" => Self::PreRollback,
            "post-rollback" => Self::PostRollback,
            "test" => Self::Test,
            other => Self::Other(other.to_owned()),
        }
    }
}

impl Serialize for HookEvent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for HookEvent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::from(String::deserialize(deserializer)?.as_str()))
    }
}

/// One hook of a release.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Hook {
    /// Object name.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[serde(deserialize_with = "or_default")]
    pub name: String,
    /// Kind.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[serde(deserialize_with = "or_default")]
    pub kind: String,
    /// Template path.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[serde(deserialize_with = "or_default")]
    pub path: String,
    /// Manifest text.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[serde(deserialize_with = "or_default")]
    pub manifest: String,
    /// Events it fires on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[serde(deserialize_with = "or_default")]
    pub events: Vec<HookEvent>,
    /// How it went last time; always written.
    #[serde(deserialize_with = "or_default")]
    pub last_run: HookRun,
    /// Weight.
    #[serde(skip_serializing_if = "is_zero")]
    #[serde(deserialize_with = "or_default")]
    pub weight: i64,
    /// `hook-succeeded`, `hook-failed`, `before-hook-creation`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[serde(deserialize_with = "or_default")]
    pub delete_policies: Vec<String>,
    /// `hook-succeeded`, `hook-failed`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[serde(deserialize_with = "or_default")]
    pub output_log_policies: Vec<String>,
    /// Fields this version does not know, kept.
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

/// The last run of a hook; Helm's `HookExecution`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct HookRun {
    /// `started_at`, RFC 3339 as stored; `None` when it never ran.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[serde(deserialize_with = "time")]
    pub started_at: Option<String>,
    /// `completed_at`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[serde(deserialize_with = "time")]
    pub completed_at: Option<String>,
    /// `Unknown`, `Running`, `Succeeded`, `Failed` or empty.
    #[serde(deserialize_with = "or_default")]
    pub phase: String,
    /// Fields this version does not know, kept.
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

/// `null` reads as the zero value, as in Go.
pub(super) fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// A time as text. Helm 3 wrote unset times as empty text, Go's zero time means unset too.
pub(super) fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let text: Option<String> = Option::deserialize(deserializer)?;
    Ok(text.filter(|text| !text.is_empty() && text != "0001-01-01T00:00:00Z"))
}

/// A word other than `ssa` and `csa` means client-side to Helm, like no word at all.
fn apply_method<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<ApplyMethod>, D::Error> {
    let word: Option<String> = Option::deserialize(deserializer)?;
    Ok(match word.as_deref() {
        Some("ssa") => Some(ApplyMethod::ServerSide),
        Some("csa") => Some(ApplyMethod::ClientSide),
        _ => None,
    })
}

fn is_zero<T: Default + PartialEq>(number: &T) -> bool {
    *number == T::default()
}
