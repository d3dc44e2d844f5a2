//! What every template sees as `.` (helm/helm `pkg/engine/engine.go`, `recAllTpls`), and in which order templates are
//! read and executed.

use std::{cmp::Reverse, collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use memchr::memchr_iter;

use super::files;
use crate::{
    chart::{Chart, Metadata},
    template::{List, Map, Value},
};

/// Go's name of the type of values, which is also that of `.` itself.
const VALUES: &str = "common.Values";

/// Who and where a release is, as `.Release` says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReleaseFacts {
    /// Name.
    pub name: String,
    /// Namespace.
    pub namespace: String,
    /// Revision.
    pub revision: u32,
    /// Whether it is installed, for the first time or over one that failed.
    pub is_install: bool,
    /// Whether it is upgraded.
    pub is_upgrade: bool,
}

/// A template with what it sees.
pub(super) struct Scoped {
    /// `parent/charts/child/templates/file.yaml`.
    pub(super) path: Arc<str>,
    /// `parent/charts/child/templates`.
    base_path: Arc<str>,
    /// Its text.
    pub(super) text: Bytes,
    /// What it sees; the templates of a chart share it.
    scope: Map,
}

impl Scoped {
    /// What it sees, with `.Template` set to it.
    pub(super) fn data(&self) -> Value {
        let template = Map::new();
        template.set("Name", (&*self.path).into());
        template.set("BasePath", (&*self.base_path).into());
        self.scope.set("Template", Map { type_name: VALUES, ..template }.into());
        self.scope.clone().into()
    }
}

/// The templates of a chart and its sub-charts, deepest first, as Helm reads and executes them: where two define the
/// same name, the one read last counts.
pub(super) fn templates(chart: &Chart, values: Map, release: &ReleaseFacts, capabilities: Value) -> Vec<Scoped> {
    let mut collector = Collector { release: release.scope(), capabilities, found: BTreeMap::new() };
    collector.add(chart, chart.name(), true, Map { type_name: VALUES, ..values });
    let mut found: Vec<Scoped> = collector.found.into_values().collect();
    // They lie in the order of their paths.
    found.reverse();
    found.sort_by_cached_key(|scoped| Reverse(memchr_iter(b'/', scoped.path.as_bytes()).count()));
    found
}

struct Collector {
    release: Value,
    capabilities: Value,
    found: BTreeMap<Arc<str>, Scoped>,
}

impl Collector {
    fn add(&mut self, chart: &Chart, path: &str, is_root: bool, values: Map) -> Map {
        let scope = Map { type_name: VALUES, ..Map::new() };
        let sub_charts = Map::new();
        scope.set("Chart", metadata(&chart.metadata, is_root).into());
        scope.set("Files", files::value(&chart.files));
        scope.set("Release", self.release.clone());
        scope.set("Capabilities", self.capabilities.clone());
        scope.set("Values", values.clone().into());
        scope.set("Subcharts", sub_charts.clone().into());
        for child in &chart.dependencies {
            let values = table(&values, child.name()).unwrap_or_else(|| Map { type_name: VALUES, ..Map::new() });
            let child_scope = self.add(child, &format!("{path}/charts/{}", child.name()), false, values);
            sub_charts.set(child.name(), Map { type_name: crate::template::value::ANY_MAP, ..child_scope }.into());
        }
        let base_path: Arc<str> = format!("{path}/templates").into();
        for file in &chart.templates {
            if chart.is_library() && !super::documents::is_partial(&file.name) {
                continue;
            }
            let path: Arc<str> = format!("{path}/{}", file.name).into();
            let (base_path, text) = (base_path.clone(), file.data.clone());
            self.found.insert(path.clone(), Scoped { path, base_path, text, scope: scope.clone() });
        }
        scope
    }
}

/// The table of a sub-chart in the values of its parent: the same entries, so that either sees what the other sets.
/// A name with dots is a path.
fn table(values: &Map, name: &str) -> Option<Map> {
    name.split('.').try_fold(values.clone(), |table, key| as_values(&table.get(key)?))
}

fn as_values(value: &Value) -> Option<Map> {
    match value {
        Value::Map(map) => Some(Map { type_name: VALUES, ..map.clone() }),
        _ => None,
    }
}

impl ReleaseFacts {
    fn scope(&self) -> Value {
        let release = Map::new();
        release.set("Name", self.name.as_str().into());
        release.set("Namespace", self.namespace.as_str().into());
        release.set("IsUpgrade", self.is_upgrade.into());
        release.set("IsInstall", self.is_install.into());
        release.set("Revision", Value::Int(self.revision.into()));
        release.set("Service", "Helm".into());
        release.into()
    }
}

/// `.Chart`: the fields of `Chart.yaml` by the names Go gives them.
fn metadata(metadata: &Metadata, is_root: bool) -> Map {
    let chart = Map::new();
    let texts = |items: &[String]| any(items.iter().map(|item| item.as_str().into()));
    for (name, text) in [
        ("Name", &metadata.name),
        ("Home", &metadata.home),
        ("Version", &metadata.version),
        ("Description", &metadata.description),
        ("Icon", &metadata.icon),
        ("APIVersion", &metadata.api_version),
        ("Condition", &metadata.condition),
        ("Tags", &metadata.tags),
        ("AppVersion", &metadata.app_version),
        ("KubeVersion", &metadata.kube_version),
        ("Type", &metadata.kind),
    ] {
        chart.set(name, text.as_str().into());
    }
    let annotations = Map { type_name: "map[string]string", ..Map::new() };
    for (name, value) in &metadata.annotations {
        annotations.set(name.as_str(), value.as_str().into());
    }
    chart.set("Annotations", annotations.into());
    chart.set("Sources", texts(&metadata.sources));
    chart.set("Keywords", texts(&metadata.keywords));
    chart.set("Deprecated", metadata.deprecated.into());
    chart.set("IsRoot", is_root.into());
    chart.set(
        "Maintainers",
        any(metadata.maintainers.iter().map(|maintainer| {
            fields([("Name", &maintainer.name), ("Email", &maintainer.email), ("URL", &maintainer.url)]).into()
        })),
    );
    chart.set(
        "Dependencies",
        any(metadata.dependencies.iter().map(|dependency| {
            let map = fields([
                ("Name", &dependency.name),
                ("Version", &dependency.version),
                ("Repository", &dependency.repository),
                ("Condition", &dependency.condition),
                ("Alias", &dependency.alias),
            ]);
            map.set("Tags", texts(&dependency.tags));
            map.set("Enabled", dependency.enabled.into());
            map.set("ImportValues", any(dependency.import_values.iter().map(Value::from_json_floats)));
            map.into()
        })),
    );
    chart
}

fn fields<const N: usize>(fields: [(&str, &String); N]) -> Map {
    let map = Map::new();
    for (name, text) in fields {
        map.set(name, text.as_str().into());
    }
    map
}

fn any(items: impl Iterator<Item = Value>) -> Value {
    List::any(items.collect()).into()
}
