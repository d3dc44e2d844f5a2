//! What changed between two sets of objects: pairing, semantic folding, line hunks, summary, redaction.

mod compare;
mod drift;
mod hunks;
mod lists;
mod object;
mod quantity;
mod redact;
mod summary;
#[cfg(test)]
mod tests;
mod visible;

use crate::manifest::ObjectKey;

pub use drift::{drift, fold_string_data};
pub use hunks::hunks;
pub use object::{object, objects};
pub use redact::{FINGERPRINT, Redactor};
pub use visible::{fit, visible};

/// What happens to one object. The words are those of `diff -o json`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    /// It exists only on the new side.
    Create,
    /// It exists on both sides and differs.
    Update,
    /// It is deleted and made anew.
    Recreate,
    /// It exists only on the old side.
    Delete,
    /// Both sides are the same.
    None,
}

/// How much of a change deserves attention.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// No difference.
    Same,
    /// Only chart labels (`helm.sh/chart`, `app.kubernetes.io/version`, managed-by …) or checksum annotations differ.
    LabelsOnly,
    /// Anything else.
    Real,
}

/// One line of a diff, without a line break.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// The same on both sides.
    Context(String),
    /// Only on the old side.
    Removed(String),
    /// Only on the new side.
    Added(String),
}

/// A run of lines around changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hunk {
    /// 1-based first line on the old side, and on the new side.
    pub old_start: usize,
    /// 1-based first line on the new side.
    pub new_start: usize,
    /// YAML path that encloses the first changed line, for example `spec.template.spec.containers[web]`.
    pub path: String,
    /// The lines, context included.
    pub lines: Vec<Line>,
}

/// The change of one object.
#[derive(Debug, Clone, PartialEq)]
pub struct ObjectDiff {
    /// Identity.
    pub key: ObjectKey,
    /// API version on the new side, on the old side for a deletion.
    pub api_version: String,
    /// What happens.
    pub change: Change,
    /// How much it matters.
    pub weight: Weight,
    /// Changed field paths worth a word in a heading: `image`, `replicas`, `env` … first.
    pub summary: Vec<Highlight>,
    /// Old side as YAML text, redacted; empty for a creation. Hunks are computed from the texts on demand.
    pub old_text: String,
    /// New side as YAML text, redacted; empty for a deletion.
    pub new_text: String,
}

/// One change that belongs in a heading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Highlight {
    /// `image`, `replicas`, `env +FEATURE_X`, `resources`, `ports`, `type`, `data -KEY` or the last path segment.
    pub what: String,
    /// The field's path, for example `spec.template.spec.containers[web].image`.
    pub path: String,
    /// Old value, redacted; `None` when it was absent. Images show only their tags where the rest is the same.
    pub old: Option<String>,
    /// New value, redacted; `None` when it is gone.
    pub new: Option<String>,
}
