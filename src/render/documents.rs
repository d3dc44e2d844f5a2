//! Rendered files become documents and hooks, in Helm's order (helm/helm `pkg/release/v1/util/manifest_sorter.go`).

use std::{ops::Range, sync::Arc};

use super::{Error, Head};
use crate::{
    manifest,
    template::{Part, parallel},
    values::Notice,
};

/// The annotation that makes a document a hook, with its events.
pub(super) const EVENTS_ANNOTATION: &str = "helm.sh/hook";
const WEIGHT_ANNOTATION: &str = "helm.sh/hook-weight";
const DELETE_ANNOTATION: &str = "helm.sh/hook-delete-policy";
const OUTPUT_LOG_ANNOTATION: &str = "helm.sh/hook-output-log-policy";

/// The events that hooks can name.
const EVENTS: [&str; 9] = [
    "pre-install",
    "post-install",
    "pre-delete",
    "post-delete",
    "pre-upgrade",
    "post-upgrade",
    "pre-rollback",
    "post-rollback",
    "test",
];
/// Helm 2's name of `test`.
const OLD_TEST: &str = "test-success";

/// A rendered file: the path of its template and its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenderedFile {
    /// `chart/templates/file.yaml`.
    pub path: Arc<str>,
    /// What the template gave.
    pub text: Arc<String>,
    /// Whether it gave text; other bytes are U+FFFD.
    pub is_utf8: bool,
    /// Where it comes from, if that was recorded.
    pub parts: Vec<Part>,
}

/// A document of the manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// The template it came from.
    pub path: Arc<str>,
    /// What the template gave, which all its documents share.
    pub file: Arc<String>,
    /// Where in it this document stands, in bytes, without the separator before it.
    pub range: Range<usize>,
    /// Kind, name and annotations.
    pub head: Head,
}

/// A hook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hook {
    /// The document.
    pub document: Document,
    /// The events it fires on.
    pub events: Vec<&'static str>,
    /// Its place among the hooks of an event.
    pub weight: i64,
    /// When it is deleted, as written.
    pub delete_policies: Vec<String>,
    /// When its log is shown, as written.
    pub output_log_policies: Vec<String>,
}

/// Everything that was rendered but notes and partials.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sorted {
    /// Documents of the manifest, in the order of installing.
    pub documents: Vec<Document>,
    /// Hooks, in the order of installing by kind.
    pub hooks: Vec<Hook>,
    /// Documents that say they are hooks, of events that Helm does not know: it leaves them out without a word.
    pub skipped: Vec<Document>,
}

/// Splits files, which are sorted by path, into documents and sorts these.
///
/// # Errors
/// `YAML parse error on FILE: …`.
pub fn sort(files: &[RenderedFile]) -> Result<Sorted, Error> {
    let found: Vec<_> = files.iter().filter(|file| !is_partial(&file.path)).flat_map(find).collect();
    let bytes = found.iter().map(|found| found.as_ref().map_or(0, |found| found.text.len())).sum();
    let mut sorted = Sorted::default();
    for document in parallel::map(&found, bytes, |found| found.clone().and_then(Found::read)) {
        sorted.add(document?);
    }
    sorted.documents.sort_by(|a, b| manifest::compare_kinds(&a.head.kind, &b.head.kind));
    sorted.hooks.sort_by(|a, b| manifest::compare_kinds(&a.document.head.kind, &b.document.head.kind));
    Ok(sorted)
}

/// A document in a file, not read yet.
#[derive(Clone, Copy)]
struct Found<'a> {
    path: &'a Arc<str>,
    file: &'a Arc<String>,
    start: usize,
    text: &'a str,
}

/// The documents of a file.
fn find(file: &RenderedFile) -> Vec<Result<Found<'_>, Error>> {
    let path = &file.path;
    if !file.is_utf8 {
        return vec![Err(Error::not_utf8(path))];
    }
    let file = &file.text;
    let trimmed = file.trim_start();
    let documents = manifest::split(trimmed).into_iter().map(|part| {
        let text = part.text.trim_start();
        let start = file.len() - trimmed.len() + part.offset + (part.text.len() - text.len());
        Ok(Found { path, file, start, text })
    });
    documents.collect()
}

impl Found<'_> {
    fn read(self) -> Result<Document, Error> {
        let head = Head::read(self.text).map_err(|error| Error::yaml(self.path, self.file, self.start, &error))?;
        let range = self.start..self.start + self.text.len();
        Ok(Document { path: self.path.clone(), file: self.file.clone(), range, head })
    }
}

/// Whether a template is only there to be included.
pub(super) fn is_partial(path: &str) -> bool {
    path.rsplit('/').next().unwrap_or_default().starts_with('_')
}

impl Sorted {
    fn add(&mut self, document: Document) {
        let Some(events) = document.head.annotations.get(EVENTS_ANNOTATION) else {
            return self.documents.push(document);
        };
        match events.split(',').map(event).collect() {
            Some(events) => self.hooks.push(Hook::new(document, events)),
            None => self.skipped.push(document),
        }
    }
}

impl Document {
    /// Its text.
    pub fn text(&self) -> &str {
        self.file.get(self.range.clone()).unwrap_or_default()
    }

    /// What Helm logs of a document that it leaves out.
    pub(super) fn skipping(&self) -> Notice {
        let hooks = self.head.annotations.get(EVENTS_ANNOTATION).cloned().unwrap_or_default();
        Notice { facts: vec![("hookTypes", hooks)], ..Notice::info("skipping unknown hooks") }
    }
}

impl Hook {
    fn new(document: Document, events: Vec<&'static str>) -> Self {
        let annotations = &document.head.annotations;
        let policies = |name: &str| match annotations.get(name) {
            Some(policies) => policies.split(',').map(|policy| policy.trim().to_lowercase()).collect(),
            None => Vec::new(),
        };
        let weight = annotations.get(WEIGHT_ANNOTATION).and_then(|weight| weight.parse().ok()).unwrap_or_default();
        Self {
            events,
            weight,
            delete_policies: policies(DELETE_ANNOTATION),
            output_log_policies: policies(OUTPUT_LOG_ANNOTATION),
            document,
        }
    }

    /// Whether it is a test.
    pub fn is_test(&self) -> bool {
        self.events.contains(&"test")
    }
}

fn event(text: &str) -> Option<&'static str> {
    match text.trim().to_lowercase().as_str() {
        OLD_TEST => Some("test"),
        text => EVENTS.into_iter().find(|event| *event == text),
    }
}
