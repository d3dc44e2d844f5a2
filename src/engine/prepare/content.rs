//! A chart becomes what a record holds (helm/helm `pkg/action/{install,upgrade}.go`).

use std::{collections::BTreeSet, sync::Arc};

use serde_json::{Map, Value, value::RawValue};

use crate::{
    chart::{self, Chart},
    engine::{Error, world::World},
    manifest::{self, Object},
    release::{self, Hook, HookEvent, HookRun, Release},
    render::{self, Capabilities, ReleaseFacts, Rendered, Request},
    values::{self, Notice, Values},
};

/// What a release is made from.
#[derive(Clone)]
pub struct Source {
    /// The chart with its sub-charts.
    pub chart: Chart,
    /// The values given for it.
    pub values: Values,
    /// Clock, randomness and what `lookup` asks.
    pub world: World,
    /// `--skip-schema-validation`.
    pub skip_schema_validation: bool,
    /// `--render-subchart-notes`.
    pub sub_chart_notes: bool,
    /// `--hide-secret` of a dry run: the manifest says where a Secret would stand.
    pub hide_secrets: bool,
}

/// What was rendered of a chart, in the form of a record.
pub(super) struct Content {
    pub(super) chart: release::Chart,
    pub(super) config: Values,
    pub(super) manifest: String,
    pub(super) hooks: Vec<Hook>,
    pub(super) notes: String,
    /// Of `crds/`, not yet read: path and content of each file.
    pub(super) crds: Vec<(String, bytes::Bytes)>,
    pub(super) log: Vec<Notice>,
}

impl Content {
    /// Puts it into a release.
    pub(super) fn fill(&mut self, release: &mut Release) {
        release.chart = self.chart.clone();
        release.config = std::mem::take(&mut self.config);
        release.manifest = std::mem::take(&mut self.manifest);
        release.hooks = std::mem::take(&mut self.hooks);
        release.info.notes = std::mem::take(&mut self.notes);
    }
}

/// Renders a chart on a thread of its own, since `lookup` waits for the cluster.
///
/// # Errors
/// [`Error::Render`].
pub(super) async fn render(source: Source, facts: ReleaseFacts, capabilities: Capabilities) -> Result<Content, Error> {
    let work = tokio::task::spawn_blocking(move || render_here(source, facts, capabilities));
    work.await.map_err(|error| Error::Refused(format!("rendering ended early: {error}")))?
}

fn render_here(source: Source, release: ReleaseFacts, capabilities: Capabilities) -> Result<Content, Error> {
    let Source { mut chart, mut values, world, skip_schema_validation, sub_chart_notes, hide_secrets } = source;
    let request = Request { release, capabilities, skip_schema_validation, sub_chart_notes };
    let rendered = render::render(&mut chart, &values, &request, &world);
    let rendered = rendered.map_err(|failure| Error::Render(Box::new(failure)))?;
    values::raw::make_text(&mut values);
    Ok(Content {
        chart: recorded(&chart)?,
        config: values,
        manifest: if hide_secrets { without_secrets(&rendered) } else { rendered.manifest(false) },
        crds: rendered.crds,
        hooks: rendered.hooks.into_iter().map(hook).collect(),
        notes: rendered.notes,
        log: rendered.log,
    })
}

/// The manifest with a sentence in the place of each Secret.
fn without_secrets(rendered: &Rendered) -> String {
    let mut manifest = String::new();
    for document in &rendered.documents {
        let secret = document.head.kind == "Secret" && document.head.api_version == "v1";
        let hidden = "# HIDDEN: The Secret output has been suppressed";
        render::push(&mut manifest, &document.path, if secret { hidden } else { document.text() });
    }
    manifest
}

/// The API versions and kinds that the definitions of a chart and of its enabled sub-charts will add: Helm creates them
/// before it asks the cluster what it serves, and here nothing is written before the review.
pub(super) fn defined_versions(chart: &Chart, values: &Values) -> Vec<String> {
    let mut chart = chart.clone();
    // What is wrong with dependencies is told when the chart is rendered.
    let _ = chart::process_dependencies(&mut chart, values, &mut Vec::new());
    let mut versions = BTreeSet::new();
    for (_, file) in chart.crds() {
        let text = String::from_utf8_lossy(&file.data);
        for object in manifest::read(&text).unwrap_or_default() {
            let spec = &object.value["spec"];
            let (group, kind) = (&spec["group"], &spec["names"]["kind"]);
            for version in spec["versions"].as_array().into_iter().flatten() {
                if let (Some(group), Some(version), Some(kind)) =
                    (group.as_str(), version["name"].as_str(), kind.as_str())
                {
                    versions.insert(format!("{group}/{version}"));
                    versions.insert(format!("{group}/{version}/{kind}"));
                }
            }
        }
    }
    versions.into_iter().collect()
}

/// The objects of each file of `crds/`.
///
/// # Errors
/// Helm's words for a broken one.
pub(super) fn definitions(crds: &[(String, bytes::Bytes)]) -> Result<Vec<(String, Vec<Object>)>, Error> {
    let read = |(path, data): &(String, bytes::Bytes)| {
        let refused = |why: String| Error::Refused(format!("failed to install CRD {}: {why}", file_name(path)));
        let objects = manifest::read(&String::from_utf8_lossy(data)).map_err(|error| refused(error.to_string()))?;
        if objects.is_empty() {
            return Err(refused("resources are empty".to_owned()));
        }
        Ok((path.clone(), objects))
    };
    crds.iter().map(read).collect()
}

/// The path inside its chart, by which Helm calls a file of `crds/`.
pub(in crate::engine) fn file_name(path: &str) -> &str {
    path.rfind("/crds/").map_or(path, |at| &path[at + 1..])
}

fn recorded(chart: &Chart) -> Result<release::Chart, Error> {
    let refused = |why: String| Error::Refused(format!("the chart cannot be recorded: {why}"));
    let json = chart.to_record().map_err(|error| refused(error.to_string()))?;
    let json = String::from_utf8(json).map_err(|error| refused(error.to_string()))?;
    let raw = RawValue::from_string(json).map_err(|error| refused(error.to_string()))?;
    Ok(release::Chart::new(Arc::from(raw)))
}

fn hook(hook: render::Hook) -> Hook {
    Hook {
        manifest: hook.document.text().to_owned(),
        name: hook.document.head.name,
        kind: hook.document.head.kind,
        path: hook.document.path.to_string(),
        events: hook.events.into_iter().map(HookEvent::from).collect(),
        last_run: HookRun::default(),
        weight: hook.weight,
        delete_policies: hook.delete_policies,
        output_log_policies: hook.output_log_policies,
        unknown: Map::<String, Value>::new(),
    }
}
