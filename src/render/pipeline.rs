//! From a chart and values to what is installed (helm/helm `pkg/action/install.go`, `renderResources` of
//! `pkg/action/action.go`).

use std::borrow::Cow;

use bytes::Bytes;

use super::{
    Capabilities, Document, Error, Head, Hook, ReleaseFacts, RenderedFile, capabilities, documents, engine, post_render,
};
use crate::{
    chart::{self, Chart},
    template::{Env, Map, Options},
    values::{self, Notice, Nulls, Values, schema},
    version::{Constraint, Version},
};

/// How the file with notes is called, in any folder.
const NOTES: &str = "NOTES.txt";

/// What is asked for, beside chart and values.
#[derive(Debug, Clone)]
pub struct Request {
    /// `.Release`.
    pub release: ReleaseFacts,
    /// `.Capabilities`.
    pub capabilities: Capabilities,
    /// Whether values may break the charts' schemas.
    pub skip_schema_validation: bool,
    /// Whether the notes of sub-charts are wanted too.
    pub sub_chart_notes: bool,
}

/// A chart, rendered.
#[derive(Debug, Clone, Default)]
pub struct Rendered {
    /// The files of `crds/`, which are not rendered: path and content.
    pub crds: Vec<(String, Bytes)>,
    /// Documents of the manifest, in the order of installing.
    pub documents: Vec<Document>,
    /// Hooks.
    pub hooks: Vec<Hook>,
    /// Documents that name hooks which Helm does not know; they are left out.
    pub skipped: Vec<Document>,
    /// Notes for the user.
    pub notes: String,
    /// What Helm logs on the way.
    pub log: Vec<Notice>,
}

/// Why a chart is not rendered, with what Helm can show of it under `--debug`.
#[derive(Debug, Clone)]
pub struct Failure {
    /// Why.
    pub error: Error,
    /// Files as far as they came; `None` where Helm failed before it began to render.
    pub partial: Option<Box<Rendered>>,
}

/// Renders a chart. Sub-charts that are disabled are taken out of it, and what it imports of them goes into its values.
///
/// # Errors
/// Everything that is wrong with the chart or the values, in Helm's words.
pub fn render(chart: &mut Chart, given: &Values, request: &Request, env: &dyn Env) -> Result<Rendered, Failure> {
    render_files(chart, given, request, env, Options::default()).map(|(rendered, _)| rendered)
}

/// As [`render`], with the files that the documents come from.
pub(super) fn render_files(
    chart: &mut Chart,
    given: &Values,
    request: &Request,
    env: &dyn Env,
    options: Options,
) -> Result<(Rendered, Vec<RenderedFile>), Failure> {
    let early = |error: Error| Failure { error, partial: None };
    let late = |error: Error| Failure { error, partial: Some(Box::default()) };
    let mut log = Vec::new();
    chart::process_dependencies(chart, given, &mut log)
        .map_err(|error| early(Error::new(format!("chart dependencies processing failed: {error}"))))?;
    let values = values::from_json(given);
    values::coalesce(chart, &values, Nulls::Remove, &mut log).map_err(|error| early(Error::new(error)))?;
    if !request.skip_schema_validation {
        check_schemas(chart, &values, env, &mut log).map_err(early)?;
    }
    check_kubernetes(chart, &request.capabilities).map_err(late)?;
    let capabilities = capabilities::value(request.capabilities.clone());
    let files = engine::execute(chart, values, &request.release, capabilities, options, env, &mut log).map_err(late)?;
    let (files, notes) = take_notes(files, chart.name(), request.sub_chart_notes);
    let files = post_render::apply(files, env).map_err(late)?;
    match documents::sort(&files) {
        Ok(sorted) => {
            let rendered = Rendered {
                log: log.into_iter().chain(sorted.skipped.iter().map(Document::skipping)).collect(),
                crds: chart.crds().into_iter().map(|(path, file)| (path, file.data.clone())).collect(),
                documents: sorted.documents,
                hooks: sorted.hooks,
                skipped: sorted.skipped,
                notes,
            };
            Ok((rendered, files))
        }
        Err(error) => Err(Failure { error, partial: Some(Box::new(unsorted(files))) }),
    }
}

impl Rendered {
    /// The manifest as it is stored and printed, each document under the path of its template.
    pub fn manifest(&self, with_crds: bool) -> String {
        let length = self.entries(with_crds).map(|(path, text)| path.len() + text.len() + 20).sum();
        let mut manifest = String::with_capacity(length);
        for (path, text) in self.entries(with_crds) {
            push(&mut manifest, path, &text);
        }
        manifest
    }

    /// The documents of the manifest in order, each with the path of its template, CRDs before the others.
    pub fn entries(&self, with_crds: bool) -> impl Iterator<Item = (&str, Cow<'_, str>)> {
        let crds = if with_crds { self.crds.as_slice() } else { &[] };
        let crds = crds.iter().map(|(path, data)| (path.as_str(), text_of(data)));
        crds.chain(self.documents.iter().map(|document| (&*document.path, document.text().into())))
    }
}

/// The text of a file. The lossy way is several times as slow, also where nothing is lost.
pub(super) fn text_of(data: &[u8]) -> Cow<'_, str> {
    std::str::from_utf8(data).map_or_else(|_| String::from_utf8_lossy(data), Cow::Borrowed)
}

/// Adds a document as Helm prints it.
pub fn push(manifest: &mut String, path: &str, text: &str) {
    manifest.extend(pieces(path, text));
}

/// The pieces of a document as Helm prints it.
pub fn pieces<'a>(path: &'a str, text: &'a str) -> [&'a str; 5] {
    ["---\n# Source: ", path, "\n", text, "\n"]
}

/// Whether the values are what the charts' schemas want.
pub(super) fn check_schemas(chart: &Chart, values: &Map, env: &dyn Env, log: &mut Vec<Notice>) -> Result<(), Error> {
    if !schema::has_schema(chart) {
        return Ok(());
    }
    let values = values::to_json(values).into();
    schema::check(chart, &values, &|url| env.schema(url), log).map_err(|problems| {
        let words = "values don't meet the specifications of the schema(s) in the following chart(s):";
        Error::new(format!("{words}\n{problems}"))
    })
}

/// Whether the chart takes this version of Kubernetes.
fn check_kubernetes(chart: &Chart, capabilities: &Capabilities) -> Result<(), Error> {
    let wanted = &chart.metadata.kube_version;
    let found = &capabilities.kube_version;
    let fits = match (Constraint::parse(wanted), Version::parse(found.for_constraints())) {
        (Ok(constraint), Ok(version)) => constraint.check(&version),
        _ => false,
    };
    if wanted.is_empty() || fits {
        return Ok(());
    }
    let found = &found.version;
    Err(Error::new(format!("chart requires kubeVersion: {wanted} which is incompatible with Kubernetes {found}")))
}

/// Takes the notes out of the files, which come back sorted by path.
fn take_notes(files: Vec<RenderedFile>, chart: &str, with_sub_charts: bool) -> (Vec<RenderedFile>, String) {
    let own = format!("{chart}/templates/{NOTES}");
    let (mut notes, mut files): (Vec<_>, Vec<_>) = files.into_iter().partition(|file| file.path.ends_with(NOTES));
    files.sort_by(|a, b| a.path.cmp(&b.path));
    notes.sort_by(|a, b| a.path.cmp(&b.path));
    let mut text = String::new();
    for file in notes.iter().filter(|file| with_sub_charts || *file.path == *own) {
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&file.text);
    }
    (files, text)
}

/// The files as they are, for the user to look at.
fn unsorted(files: Vec<RenderedFile>) -> Rendered {
    let document = |file: RenderedFile| {
        let range = 0..file.text.len();
        let is_empty = file.text.trim().is_empty();
        (!is_empty).then(|| Document { path: file.path, file: file.text, range, head: Head::default() })
    };
    Rendered { documents: files.into_iter().filter_map(document).collect(), ..Rendered::default() }
}
