//! `assets/sandbox/releases.yaml` as data.

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::release::{ApplyMethod, Status};

/// How Helm applied a release.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Method {
    /// Server-side.
    #[default]
    Ssa,
    /// Client-side, and recorded so.
    Csa,
    /// Client-side, by a Helm that did not record it.
    Helm3,
}

impl Method {
    /// What the record says.
    pub fn recorded(self) -> Option<ApplyMethod> {
        match self {
            Self::Ssa => Some(ApplyMethod::ServerSide),
            Self::Csa => Some(ApplyMethod::ClientSide),
            Self::Helm3 => None,
        }
    }
}

/// One release and what happened to it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Example {
    /// Release name.
    pub name: String,
    /// Namespace.
    pub namespace: String,
    /// Chart name.
    pub chart: String,
    /// The folder under `assets/sandbox/charts` that the chart is made of.
    pub base: String,
    /// The chart's description.
    pub about: String,
    /// How it is applied.
    #[serde(default)]
    pub method: Method,
    /// Who writes it when it is not Helm itself.
    #[serde(default)]
    pub writer: Option<String>,
    /// What the chart's `values.yaml` has on top of its base's.
    #[serde(default)]
    pub defaults: Map<String, Value>,
    /// Its sub-chart.
    #[serde(default)]
    pub dependency: Option<Dependency>,
    /// Oldest first.
    pub revisions: Vec<Revision>,
    /// Changes past Helm.
    #[serde(default)]
    pub hands: Vec<Hand>,
}

/// A sub-chart; its base has the same name.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Dependency {
    /// Name.
    pub name: String,
    /// Version.
    pub version: String,
    /// `appVersion`.
    pub app: String,
}

/// One revision as it is told.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Revision {
    /// How long before the start.
    pub ago: String,
    /// Chart version; that of the revision before when absent.
    #[serde(default)]
    pub version: Option<String>,
    /// `appVersion`; that of the revision before when absent.
    #[serde(default)]
    pub app: Option<String>,
    /// Merged over the values of the revision before.
    #[serde(default)]
    pub values: Map<String, Value>,
    /// The revision it rolled back to.
    #[serde(default)]
    pub rollback: Option<usize>,
    /// Status that it ended with; deployed when absent.
    #[serde(default)]
    pub status: Option<String>,
    /// What went wrong.
    #[serde(default)]
    pub description: String,
    /// Whether its objects were written.
    #[serde(default = "yes")]
    pub applied: bool,
    /// Annotations of the record.
    #[serde(default)]
    pub annotations: Map<String, Value>,
}

fn yes() -> bool {
    true
}

/// A change by hand.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Hand {
    /// How long before the start.
    pub ago: String,
    /// Field manager.
    pub manager: String,
    /// Subresource that was written.
    #[serde(default)]
    pub subresource: String,
    /// `Kind/name`.
    pub object: String,
    /// What kubectl sent: strategic for built-in kinds, a merge for custom ones.
    pub patch: Value,
}

/// What a revision comes down to once its history is followed.
#[derive(Debug, Clone)]
pub(super) struct Edition {
    /// Revision number.
    pub number: usize,
    /// Chart version.
    pub version: String,
    /// `appVersion`.
    pub app: String,
    /// Supplied values.
    pub values: Map<String, Value>,
    /// `install`, `upgrade` or `rollback`.
    pub action: &'static str,
    /// Status at its end.
    pub status: Status,
    /// Helm's words about it.
    pub description: String,
}

/// Every example.
pub(super) fn all() -> Result<Vec<Example>, String> {
    serde_yaml::from_str(include_str!("../../../assets/sandbox/releases.yaml")).map_err(|error| error.to_string())
}

impl Example {
    /// Its revisions with nothing left to look up.
    pub fn editions(&self) -> Vec<Edition> {
        let mut editions: Vec<Edition> = Vec::new();
        for revision in &self.revisions {
            let edition = self.edition(revision, &editions);
            editions.push(edition);
        }
        editions
    }

    fn edition(&self, revision: &Revision, before: &[Edition]) -> Edition {
        let target = match revision.rollback {
            Some(number) => before.get(number - 1),
            None => before.last(),
        };
        let known = |get: fn(&Edition) -> &String| target.map(get).cloned().unwrap_or_default();
        let status = revision.status.as_deref().unwrap_or("deployed");
        let (action, done) = match (target, revision.rollback) {
            (None, _) => ("install", "Install complete".to_owned()),
            (_, Some(number)) => ("rollback", format!("Rollback to {number}")),
            _ => ("upgrade", "Upgrade complete".to_owned()),
        };
        let description = match status {
            "failed" => format!("Upgrade {:?} failed: {}", self.name, revision.description),
            "pending-upgrade" => "Preparing upgrade".to_owned(),
            _ => done,
        };
        let mut values = target.map(|edition| edition.values.clone()).unwrap_or_default();
        merge(&mut values, &revision.values);
        Edition {
            number: before.len() + 1,
            version: revision.version.clone().unwrap_or_else(|| known(|edition| &edition.version)),
            app: revision.app.clone().unwrap_or_else(|| known(|edition| &edition.app)),
            values,
            action,
            status: Status::from(status),
            description,
        }
    }
}

/// Merges values as Helm does: maps key by key, null takes away.
pub(super) fn merge(target: &mut Map<String, Value>, over: &Map<String, Value>) {
    for (key, value) in over {
        match (target.get_mut(key), value) {
            (_, Value::Null) => drop(target.remove(key)),
            (Some(Value::Object(inner)), Value::Object(value)) => merge(inner, value),
            _ => drop(target.insert(key.clone(), value.clone())),
        }
    }
}

/// The moment so long before `now`: numbers with `d`, `h` or `m`, such as `2d4h`.
pub(super) fn moment(now: Timestamp, ago: &str) -> Result<Timestamp, String> {
    let wrong = || format!("{ago:?} is no age");
    let (mut minutes, mut number) = (0_i64, 0_i64);
    for letter in ago.chars() {
        let unit = match letter {
            'd' => 24 * 60,
            'h' => 60,
            'm' => 1,
            _ => {
                let digit = letter.to_digit(10).ok_or_else(wrong)?;
                number = number * 10 + i64::from(digit);
                continue;
            }
        };
        minutes += number * unit;
        number = 0;
    }
    now.checked_sub(SignedDuration::from_mins(minutes)).map_err(|_| wrong())
}
