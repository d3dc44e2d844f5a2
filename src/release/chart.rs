//! The chart inside a record, decoded part by part.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value, value::RawValue};

use super::record::or_default;

/// The chart inside a record: raw JSON; parts are decoded when asked. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Chart {
    raw: Option<Arc<RawValue>>,
    metadata: Arc<OnceLock<ChartMetadata>>,
}

/// Chart metadata as far as lists and screens show it.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
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
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
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
    /// A chart from its JSON as Helm stores it (helm/helm `pkg/chart/v2/chart.go`).
    pub fn new(raw: Arc<RawValue>) -> Self {
        Self { raw: Some(raw), metadata: Arc::default() }
    }

    /// The JSON as stored; `None` when the record has no chart.
    pub fn raw(&self) -> Option<&str> {
        self.raw.as_deref().map(RawValue::get)
    }

    /// Whether the record has no chart.
    pub fn is_absent(&self) -> bool {
        self.raw.is_none()
    }

    /// `Chart.yaml` of the chart, decoded once and without touching templates and files. Empty when there is none.
    pub fn metadata(&self) -> &ChartMetadata {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Part {
            #[serde(deserialize_with = "or_default")]
            metadata: ChartMetadata,
        }
        self.metadata.get_or_init(|| self.part::<Part>().metadata)
    }

    /// Default values of the chart; sub-charts' imported ones included, as Helm stores them.
    pub fn values(&self) -> Map<String, Value> {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Part {
            #[serde(deserialize_with = "or_default")]
            values: Map<String, Value>,
        }
        self.part::<Part>().values
    }

    /// Path and content (lossy UTF-8) of every template.
    pub fn templates(&self) -> Vec<(String, String)> {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Part {
            #[serde(deserialize_with = "or_default")]
            templates: Vec<File>,
        }
        contents(self.part::<Part>().templates)
    }

    /// Path and content (lossy UTF-8) of every other file, such as README.md.
    pub fn files(&self) -> Vec<(String, String)> {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Part {
            #[serde(deserialize_with = "or_default")]
            files: Vec<File>,
        }
        contents(self.part::<Part>().files)
    }

    /// Path and size of every template, and of every other file, in bytes.
    pub fn sizes(&self) -> [Vec<(String, usize)>; 2] {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Part {
            #[serde(deserialize_with = "or_default")]
            templates: Vec<File>,
            #[serde(deserialize_with = "or_default")]
            files: Vec<File>,
        }
        // Four letters of base64 are three bytes.
        let sizes = |files: Vec<File>| files.into_iter().map(|file| (file.name, file.data.len() / 4 * 3)).collect();
        let Part { templates, files } = self.part();
        [sizes(templates), sizes(files)]
    }

    /// Some fields of the chart; the zero value when they are not what Helm writes.
    fn part<'a, T: Deserialize<'a> + Default>(&'a self) -> T {
        let part = self.raw().map(serde_json::from_str).transpose();
        part.ok().flatten().unwrap_or_default()
    }
}

/// A file of a chart; Go writes bytes as base64 and no bytes as `null`.
#[derive(Default, Deserialize)]
#[serde(default)]
struct File {
    #[serde(deserialize_with = "or_default")]
    name: String,
    #[serde(deserialize_with = "or_default")]
    data: String,
}

fn contents(files: Vec<File>) -> Vec<(String, String)> {
    let text = |data: &str| {
        let bytes = STANDARD.decode(data).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    };
    files.into_iter().map(|file| (file.name, text(&file.data))).collect()
}

impl Serialize for Chart {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.raw.as_deref().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Chart {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Option::<Box<RawValue>>::deserialize(deserializer)?;
        Ok(raw.map(|raw| Self::new(raw.into())).unwrap_or_default())
    }
}
