//! A chart: read from folders and archives, its metadata and dependencies, made and packaged.

use bytes::Bytes;

use crate::values::Values;

/// A file of a chart.
#[derive(Debug, Clone)]
pub struct File {
    /// Its path inside the chart, with `/`.
    pub name: String,
    /// What is in it.
    pub data: Bytes,
}

/// A chart with its sub-charts, as loaded.
#[derive(Debug, Clone, Default)]
pub struct Chart {
    /// `Chart.yaml`.
    pub metadata: Metadata,
    /// Everything below `templates/`, in the order of loading.
    pub templates: Vec<File>,
    /// `values.yaml`.
    pub values: Values,
    /// `values.schema.json`.
    pub schema: Option<Bytes>,
    /// Other files: what `.Files` and `crds/` read.
    pub files: Vec<File>,
    /// Every file as it was found, for `package` and `show`.
    pub raw: Vec<File>,
    /// The charts below `charts/`.
    pub dependencies: Vec<Chart>,
}

/// `Chart.yaml`.
#[derive(Debug, Clone, Default)]
pub struct Metadata {
    /// The chart's name.
    pub name: String,
}
