//! `Chart.yaml` and `Chart.lock`: fields, reading, checks (helm/helm `pkg/chart/v2/metadata.go`, `dependency.go`).

use std::collections::{BTreeMap, BTreeSet, HashSet};

use serde::Serialize;
use serde_json::Value;

use super::{
    Error,
    decode::{Decode, Decoder, strict_problem, unmarshal},
};
use crate::{
    template::fmt::{is_print, quote},
    version::Version,
};

/// `apiVersion` of charts whose dependencies are in `requirements.yaml`.
pub const API_V1: &str = "v1";
/// `apiVersion` of today's charts.
pub const API_V2: &str = "v2";

/// `Chart.yaml`.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Metadata {
    /// The chart's name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Home page.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub home: String,
    /// Where its source is.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<String>,
    /// Version of the chart.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub version: String,
    /// One sentence on what it is.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Keywords.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub keywords: Vec<String>,
    /// Maintainers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub maintainers: Vec<Maintainer>,
    /// URL of an icon.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub icon: String,
    /// `apiVersion`: `v1` or `v2`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub api_version: String,
    /// Condition that enables the chart.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub condition: String,
    /// Tags that enable the chart.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub tags: String,
    /// Version of what the chart deploys.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub app_version: String,
    /// Whether it should not be used any more.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub deprecated: bool,
    /// Annotations.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// Constraint on the version of Kubernetes.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub kube_version: String,
    /// Dependencies.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dependencies: Vec<Dependency>,
    /// `type`: `application`, `library` or empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[serde(rename = "type")]
    pub kind: String,
    /// Which of its lists, `maintainers` and `dependencies`, were read with an empty entry: [`Metadata::validate`] refuses.
    #[serde(skip)]
    pub empty_entries: BTreeSet<&'static str>,
}

/// Who looks after a chart.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Maintainer {
    /// Name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Address.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub email: String,
    /// Page.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub url: String,
}

/// A dependency as `Chart.yaml` and `Chart.lock` name it.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Dependency {
    /// Name of the chart.
    pub name: String,
    /// Constraint on its version; in a lock the version itself.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub version: String,
    /// URL of the repository.
    pub repository: String,
    /// Paths of values, with commas: the first that is a boolean enables or disables it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub condition: String,
    /// Tags that enable or disable it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Set while a chart is processed; files rarely hold it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub enabled: bool,
    /// `import-values`: names, or tables of `child` and `parent`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub import_values: Vec<Value>,
    /// Another name for this use of the chart.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub alias: String,
    /// `depends-on`: names or aliases of those that `--wait=ordered` puts in place before. Helm does not know it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<String>,
}

/// `Chart.lock`.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Lock {
    /// When it was made, as Go writes times.
    pub generated: String,
    /// Digest of the dependencies it was made from.
    pub digest: String,
    /// The dependencies with their exact versions.
    pub dependencies: Vec<Dependency>,
}

impl Metadata {
    /// Reads `Chart.yaml` without checking it.
    ///
    /// # Errors
    /// Go's words.
    pub fn from_yaml(data: &[u8]) -> Result<Self, String> {
        let mut metadata = Self::default();
        unmarshal(data, &mut metadata).map(|()| metadata)
    }

    /// What Helm's strict reading refuses in a `Chart.yaml` that it reads otherwise.
    pub fn strict_problem(data: &[u8]) -> Option<String> {
        strict_problem::<Self>(data)
    }

    /// Cleans the texts of what cannot be printed, and checks the chart.
    ///
    /// # Errors
    /// Helm's words: `validation: …`.
    pub fn validate(&mut self) -> Result<(), Error> {
        self.sanitize();
        let problem = self.problem().map(|problem| Error::new(format!("validation: {problem}")));
        problem.map_or(Ok(()), Err)
    }

    fn sanitize(&mut self) {
        let texts = [
            &mut self.name,
            &mut self.description,
            &mut self.home,
            &mut self.icon,
            &mut self.condition,
            &mut self.tags,
            &mut self.app_version,
            &mut self.kube_version,
        ];
        let lists = self.sources.iter_mut().chain(&mut self.keywords);
        texts.into_iter().chain(lists).for_each(sanitize);
        for maintainer in &mut self.maintainers {
            [&mut maintainer.name, &mut maintainer.email, &mut maintainer.url].into_iter().for_each(sanitize);
        }
        for dependency in &mut self.dependencies {
            dependency.sanitize();
        }
    }

    fn note_empty(&mut self, list: &'static str, empty: bool) {
        if empty {
            self.empty_entries.insert(list);
        } else {
            self.empty_entries.remove(list);
        }
    }

    fn problem(&self) -> Option<String> {
        let missing = |field: &str| Some(format!("chart.metadata.{field} is required"));
        match self {
            _ if self.api_version.is_empty() => missing("apiVersion"),
            _ if self.name.is_empty() => missing("name"),
            _ if matches!(self.name.as_str(), "." | "..") => {
                Some(format!("chart.metadata.name {} is not allowed", quote(self.name.as_bytes())))
            }
            _ if self.name.contains('/') && self.name != "/" => {
                Some(format!("chart.metadata.name {} is invalid", quote(self.name.as_bytes())))
            }
            _ if self.version.is_empty() => missing("version"),
            _ if Version::parse(&self.version).is_err() => {
                Some(format!("chart.metadata.version {} is invalid", quote(self.version.as_bytes())))
            }
            _ if !matches!(self.kind.as_str(), "" | "application" | "library") => {
                Some("chart.metadata.type must be application or library".to_owned())
            }
            _ if self.empty_entries.contains("maintainers") => {
                Some("maintainers must not contain empty or null nodes".to_owned())
            }
            _ => self.dependency_problem(),
        }
    }

    fn dependency_problem(&self) -> Option<String> {
        if self.empty_entries.contains("dependencies") {
            return Some("dependencies must not contain empty or null nodes".to_owned());
        }
        let mut seen = HashSet::new();
        for dependency in &self.dependencies {
            let allowed = |char: char| char.is_ascii_alphanumeric() || matches!(char, '_' | '-');
            if !dependency.alias.chars().all(allowed) {
                return Some(format!(
                    "dependency {} has disallowed characters in the alias",
                    quote(dependency.name.as_bytes())
                ));
            }
            if !seen.insert(dependency.key()) {
                return Some(format!(
                    "more than one dependency with name or alias {}",
                    quote(dependency.key().as_bytes())
                ));
            }
        }
        None
    }
}

impl Dependency {
    /// The name under which the parent knows it: the alias, or the chart's name.
    pub fn key(&self) -> &str {
        if self.alias.is_empty() { &self.name } else { &self.alias }
    }

    fn sanitize(&mut self) {
        let texts = [&mut self.name, &mut self.version, &mut self.repository, &mut self.condition];
        texts.into_iter().chain(&mut self.tags).for_each(sanitize);
    }
}

/// Makes every white space a blank and drops what cannot be printed.
fn sanitize(text: &mut String) {
    if text.chars().any(|char| char.is_whitespace() || !is_print(char)) {
        let spaced = text.chars().map(|char| if char.is_whitespace() { ' ' } else { char });
        *text = spaced.filter(|char| is_print(*char)).collect();
    }
}

impl Decode for Metadata {
    const TYPE: (&'static str, &'static str) = ("v2", "Metadata");
    const FIELDS: &'static [&'static str] = &[
        "name",
        "home",
        "sources",
        "version",
        "description",
        "keywords",
        "maintainers",
        "icon",
        "apiVersion",
        "condition",
        "tags",
        "appVersion",
        "deprecated",
        "annotations",
        "kubeVersion",
        "dependencies",
        "type",
    ];

    fn field(&mut self, name: &str, value: &Value, decoder: &mut Decoder) {
        match name {
            "name" => decoder.string(value, &mut self.name),
            "home" => decoder.string(value, &mut self.home),
            "sources" => decoder.strings(value, &mut self.sources),
            "version" => decoder.string(value, &mut self.version),
            "description" => decoder.string(value, &mut self.description),
            "keywords" => decoder.strings(value, &mut self.keywords),
            "maintainers" => {
                let empty = decoder.structures(value, &mut self.maintainers);
                self.note_empty("maintainers", empty);
            }
            "icon" => decoder.string(value, &mut self.icon),
            "apiVersion" => decoder.string(value, &mut self.api_version),
            "condition" => decoder.string(value, &mut self.condition),
            "tags" => decoder.string(value, &mut self.tags),
            "appVersion" => decoder.string(value, &mut self.app_version),
            "deprecated" => decoder.bool(value, &mut self.deprecated),
            "annotations" => decoder.string_map(value, &mut self.annotations),
            "kubeVersion" => decoder.string(value, &mut self.kube_version),
            "dependencies" => {
                let empty = decoder.structures(value, &mut self.dependencies);
                self.note_empty("dependencies", empty);
            }
            _ => decoder.string(value, &mut self.kind),
        }
    }
}

impl Decode for Maintainer {
    const TYPE: (&'static str, &'static str) = ("v2", "Maintainer");
    const FIELDS: &'static [&'static str] = &["name", "email", "url"];

    fn field(&mut self, name: &str, value: &Value, decoder: &mut Decoder) {
        match name {
            "name" => decoder.string(value, &mut self.name),
            "email" => decoder.string(value, &mut self.email),
            _ => decoder.string(value, &mut self.url),
        }
    }
}

impl Decode for Dependency {
    const TYPE: (&'static str, &'static str) = ("v2", "Dependency");
    const FIELDS: &'static [&'static str] =
        &["name", "version", "repository", "condition", "tags", "enabled", "import-values", "alias", "depends-on"];

    fn field(&mut self, name: &str, value: &Value, decoder: &mut Decoder) {
        match name {
            "name" => decoder.string(value, &mut self.name),
            "version" => decoder.string(value, &mut self.version),
            "repository" => decoder.string(value, &mut self.repository),
            "condition" => decoder.string(value, &mut self.condition),
            "tags" => decoder.strings(value, &mut self.tags),
            "enabled" => decoder.bool(value, &mut self.enabled),
            "import-values" => decoder.any(value, &mut self.import_values),
            "alias" => decoder.string(value, &mut self.alias),
            _ => decoder.strings(value, &mut self.depends_on),
        }
    }
}

impl Decode for Lock {
    const TYPE: (&'static str, &'static str) = ("v2", "Lock");
    const FIELDS: &'static [&'static str] = &["generated", "digest", "dependencies"];

    fn field(&mut self, name: &str, value: &Value, decoder: &mut Decoder) {
        match name {
            "generated" => decoder.time(value, &mut self.generated),
            "digest" => decoder.string(value, &mut self.digest),
            _ => {
                decoder.structures(value, &mut self.dependencies);
            }
        }
    }
}
