//! A chart: read from folders and archives, its metadata and dependencies, made and packaged.

mod archive;
mod create;
mod decode;
mod dependencies;
mod expand;
mod folder;
mod ignore;
mod load;
mod metadata;
mod misspelt;
mod order;
mod package;
mod record;
mod status;
mod tar;
#[cfg(test)]
mod tests;
mod update;

use bytes::Bytes;
use jiff::Timestamp;

pub use create::{Starter, create, create_from};
pub use dependencies::process_dependencies;
pub use expand::expand;
pub use folder::go_words;
pub use ignore::path_matches;
pub use metadata::{API_V1, API_V2, Dependency, Lock, Maintainer, Metadata};
pub use order::Order;
pub use status::vendored;
pub use update::{Say, build, update};

use crate::values::{Notice, Values};

/// A file of a chart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct File {
    /// Its path inside the chart, with `/`.
    pub name: String,
    /// What is in it.
    pub data: Bytes,
    /// When it was last changed, as the folder or the archive says.
    pub modified: Option<Timestamp>,
}

/// A chart with its sub-charts, as loaded.
#[derive(Debug, Clone, Default)]
pub struct Chart {
    /// `Chart.yaml`.
    pub metadata: Metadata,
    /// When `Chart.yaml` was last changed.
    pub modified: Option<Timestamp>,
    /// `Chart.lock`, or `requirements.lock` of old charts.
    pub lock: Option<Lock>,
    /// Everything below `templates/`, in the order of loading.
    pub templates: Vec<File>,
    /// `values.yaml`.
    pub values: Values,
    /// `values.schema.json`.
    pub schema: Option<File>,
    /// Other files: what `.Files` and `crds/` read.
    pub files: Vec<File>,
    /// Every file as it was found, for `package` and `show`.
    pub raw: Vec<File>,
    /// The charts below `charts/`.
    pub dependencies: Vec<Chart>,
    /// What Helm logs while loading this chart and its sub-charts.
    pub notices: Vec<Notice>,
}

/// Why a chart cannot be loaded, made or packaged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    /// Helm's words.
    pub message: String,
    /// What to do about it, where we know.
    pub hint: Option<String>,
}

impl Chart {
    /// The chart's name.
    pub fn name(&self) -> &str {
        &self.metadata.name
    }

    /// Whether this is a library chart, of which nothing is rendered.
    pub fn is_library(&self) -> bool {
        self.metadata.kind.eq_ignore_ascii_case("library")
    }

    /// The files of `crds/`, this chart's first, each with the path of its chart: `parent/charts/child/crds/x.yaml`.
    pub fn crds(&self) -> Vec<(String, &File)> {
        let mut crds = Vec::new();
        self.collect_crds(self.name(), &mut crds);
        crds
    }

    fn collect_crds<'a>(&'a self, path: &str, crds: &mut Vec<(String, &'a File)>) {
        let is_manifest = |name: &str| {
            let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
            matches!(extension.as_deref(), Some("yaml" | "yml" | "json"))
        };
        let own = self.files.iter().filter(|file| file.name.starts_with("crds/") && is_manifest(&file.name));
        crds.extend(own.map(|file| (format!("{path}/{}", file.name), file)));
        for dependency in &self.dependencies {
            dependency.collect_crds(&format!("{path}/charts/{}", dependency.name()), crds);
        }
    }
}

impl Error {
    fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None }
    }

    /// Puts the words of an outer step before these.
    fn within(self, outer: impl std::fmt::Display) -> Self {
        Self { message: format!("{outer}: {}", self.message), ..self }
    }
}
