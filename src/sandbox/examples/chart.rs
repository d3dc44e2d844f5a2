//! The example charts: their files, what they render to, and how a record keeps them.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json, value::RawValue};

use super::{
    story::{Edition, Example, merge},
    template::Scope,
};
use crate::{
    manifest::{self, Object},
    release::Chart,
    yaml,
};

/// A chart's files, shared by charts that differ in name, version and defaults only.
struct Base {
    name: &'static str,
    values: &'static str,
    readme: &'static str,
    notes: &'static str,
    helpers: &'static str,
    templates: &'static [(&'static str, &'static str)],
}

macro_rules! file {
    ($base:literal, $file:literal) => {
        include_str!(concat!("../../../assets/sandbox/charts/", $base, "/", $file))
    };
}

macro_rules! base {
    ($base:literal, $notes:expr, $readme:expr, [$($template:literal),*]) => {
        Base {
            name: $base,
            values: file!($base, "values.yaml"),
            readme: $readme,
            notes: $notes,
            helpers: file!($base, "templates/_helpers.tpl"),
            templates: &[$(($template, include_str!(concat!("../../../assets/sandbox/charts/", $base, "/templates/", $template)))),*],
        }
    };
    ($base:literal, [$($template:literal),*]) => {
        base!($base, file!($base, "templates/NOTES.txt"), file!($base, "README.md"), [$($template),*])
    };
}

const BASES: &[Base] = &[
    base!(
        "service",
        [
            "configmap.yaml",
            "deployment.yaml",
            "hpa.yaml",
            "ingress.yaml",
            "migrate.yaml",
            "networkpolicy.yaml",
            "pdb.yaml",
            "secret.yaml",
            "service.yaml",
            "serviceaccount.yaml",
            "smoke.yaml",
            "tests/connection.yaml"
        ]
    ),
    base!("database", ["backup.yaml", "secret.yaml", "service.yaml", "statefulset.yaml"]),
    base!("agent", ["configmap.yaml", "daemonset.yaml", "rbac.yaml", "serviceaccount.yaml"]),
    base!("schedule", ["configmap.yaml", "cronjob.yaml"]),
    base!("cache", ["cache.yaml"]),
    base!("redis", "", "", ["deployment.yaml", "service.yaml"]),
];

/// What a chart renders to.
pub(super) struct Rendered {
    /// The manifest, in Helm's install order.
    pub manifest: String,
    /// Hooks: path, text, object; by weight.
    pub hooks: Vec<(String, String, Object)>,
    /// Notes.
    pub notes: String,
}

/// Renders a revision of an example.
pub(super) fn render(example: &Example, edition: &Edition) -> Result<Rendered, String> {
    let base = base(&example.base)?;
    let mut values = defaults(example)?;
    merge(&mut values, &edition.values);
    let chart = json!({ "Name": example.chart, "Version": edition.version, "AppVersion": edition.app });
    let release = json!({ "Name": example.name, "Namespace": example.namespace, "Service": "Helm" });
    let dot = json!({ "Values": values, "Chart": chart, "Release": release });
    let mut documents = documents(base, &dot, &example.chart)?;
    if let Some(part) = &example.dependency {
        let chart = json!({ "Name": part.name, "Version": part.version, "AppVersion": part.app });
        let dot = json!({ "Values": values[&part.name], "Chart": chart, "Release": release });
        let folder = format!("{}/charts/{}", example.chart, part.name);
        documents.extend(self::documents(self::base(&part.name)?, &dot, &folder)?);
    }
    let is_hook = |object: &Object| object.annotation("helm.sh/hook").is_some();
    let (hooks, plain): (Vec<_>, Vec<_>) = documents.into_iter().partition(|(_, _, object)| is_hook(object));
    let mut order: Vec<Object> = plain.iter().map(|(_, _, object)| object.clone()).collect();
    manifest::install_order(&mut order);
    let text = |object: &Object| {
        let found = plain.iter().find(|(_, _, other)| other.key() == object.key());
        found.map(|(path, text, _)| format!("---\n# Source: {path}\n{text}\n"))
    };
    Ok(Rendered {
        manifest: order.iter().filter_map(text).collect(),
        hooks,
        notes: scope(base, &dot).render(base.notes),
    })
}

fn base(name: &str) -> Result<&'static Base, String> {
    let found = BASES.iter().find(|base| base.name == name);
    found.ok_or_else(|| format!("there is no chart {name}"))
}

fn scope<'a>(base: &'a Base, dot: &'a Value) -> Scope<'a> {
    Scope { dot, helpers: base.helpers, variables: Default::default() }
}

/// Path, text and object of everything that a chart renders.
fn documents(base: &Base, dot: &Value, folder: &str) -> Result<Vec<(String, String, Object)>, String> {
    let mut documents = Vec::new();
    for (file, template) in base.templates {
        let path = format!("{folder}/templates/{file}");
        for text in scope(base, dot).render(template).split("\n---\n") {
            let text = text.trim();
            if text.is_empty() {
                continue;
            }
            let value = yaml::from_str(text).map_err(|error| format!("{path}: {error}\n{text}"))?;
            documents.push((path.clone(), text.to_owned(), Object::new(value)));
        }
    }
    Ok(documents)
}

/// The chart's own values.
fn defaults(example: &Example) -> Result<Map<String, Value>, String> {
    let read = |name: &str| {
        let value = yaml::from_str(base(name)?.values).map_err(|error| format!("{name}: {error}"))?;
        Ok::<_, String>(value.as_object().cloned().unwrap_or_default())
    };
    let mut values = read(&example.base)?;
    merge(&mut values, &example.defaults);
    if let Some(part) = &example.dependency {
        values.insert(part.name.clone(), read(&part.name)?.into());
    }
    Ok(values)
}

/// The chart as a record keeps it (helm/helm `pkg/chart/v2/chart.go`); sub-charts are only named there.
pub(super) fn stored(example: &Example, edition: &Edition) -> Result<Chart, String> {
    let base = base(&example.base)?;
    let file = |name: &str, text: &str| json!({ "name": name, "data": STANDARD.encode(text) });
    let mut templates: Vec<Value> =
        base.templates.iter().map(|(name, text)| file(&format!("templates/{name}"), text)).collect();
    templates.push(file("templates/NOTES.txt", base.notes));
    templates.push(file("templates/_helpers.tpl", base.helpers));
    let mut metadata = json!({
        "name": example.chart, "version": edition.version, "description": example.about, "apiVersion": "v2",
        "appVersion": edition.app, "type": "application",
    });
    if let Some(part) = &example.dependency {
        let repository = "https://charts.example.com";
        metadata["dependencies"] =
            json!([{ "name": part.name, "version": part.version, "repository": repository, "enabled": true }]);
    }
    let chart = json!({
        "metadata": metadata, "lock": null, "templates": templates, "values": defaults(example)?, "schema": null,
        "schemamodtime": "0001-01-01T00:00:00Z", "files": [file("README.md", &base.readme.replace("CHART", &example.chart))],
    });
    RawValue::from_string(chart.to_string()).map(|raw| Chart::new(raw.into())).map_err(|error| error.to_string())
}
