//! What is wrong with a chart, in Helm's words (helm/helm `pkg/chart/v2/lint`): one file a family of rules.

mod addresses;
mod chart_file;
mod crds;
mod dependencies;
mod deprecations;
mod names;
mod templates;
mod values;

use std::fmt;

use bytes::Bytes;

use super::KubeVersion;
use crate::{
    chart::{self, Chart},
    template::Env,
    values::{Notice, Values},
};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Could be better.
    Info,
    /// Against convention, or probably not meant.
    Warning,
    /// The chart will not install.
    Error,
}

/// What a rule found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// How bad it is.
    pub severity: Severity,
    /// The file or folder it is about.
    pub path: String,
    /// What it is.
    pub text: String,
}

/// What stands under a name in a chart's folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// Nothing.
    Missing,
    /// A folder.
    Folder,
    /// A file and what is in it, or why that cannot be read.
    File(Result<Bytes, String>),
}

/// A chart's folder as the rules see it.
#[derive(Debug)]
pub struct Subject {
    /// Its absolute path, for messages.
    pub path: String,
    /// `Chart.yaml`.
    pub chart_yaml: Entry,
    /// `values.yaml`.
    pub values: Entry,
    /// `values.schema.json`.
    pub schema: Entry,
    /// `templates`.
    pub templates: Entry,
    /// `crds`.
    pub crds: Entry,
    /// The chart that was loaded from it, if that was possible.
    pub chart: Result<Chart, chart::Error>,
}

/// What a chart is held against.
#[derive(Debug)]
pub struct Rules<'a> {
    /// What the user gave.
    pub values: &'a Values,
    /// The namespace of `.Release`.
    pub namespace: &'a str,
    /// `--kube-version`.
    pub kube_version: Option<KubeVersion>,
    /// Whether values may break the charts' schemas.
    pub skip_schema_validation: bool,
}

/// What the rules found so far.
struct Linter<'a> {
    subject: &'a Subject,
    rules: &'a Rules<'a>,
    messages: Vec<Message>,
    log: Vec<Notice>,
}

/// What was found, and what Helm logs on the way.
#[derive(Debug)]
pub struct Findings {
    /// What the rules found.
    pub messages: Vec<Message>,
    /// Helm's log.
    pub log: Vec<Notice>,
}

/// Holds a chart against every rule.
pub fn lint(subject: &Subject, rules: &Rules<'_>, env: &dyn Env) -> Findings {
    let mut linter = Linter { subject, rules, messages: Vec::new(), log: Vec::new() };
    linter.chart_file();
    linter.values(env);
    linter.templates(env);
    linter.dependencies();
    linter.crds();
    Findings { messages: linter.messages, log: linter.log }
}

impl Linter<'_> {
    /// Notes what a rule found; whether it found nothing.
    fn rule(&mut self, severity: Severity, path: &str, problem: Option<String>) -> bool {
        let is_fine = problem.is_none();
        self.messages.extend(problem.map(|text| Message { severity, path: path.to_owned(), text }));
        is_fine
    }

    fn error(&mut self, path: &str, problem: Option<String>) -> bool {
        self.rule(Severity::Error, path, problem)
    }

    fn warning(&mut self, path: &str, problem: Option<String>) -> bool {
        self.rule(Severity::Warning, path, problem)
    }

    fn info(&mut self, path: &str, problem: Option<String>) -> bool {
        self.rule(Severity::Info, path, problem)
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Info => "INFO",
            Severity::Warning => "WARNING",
            Severity::Error => "ERROR",
        };
        write!(f, "[{severity}] {}: {}", self.path, self.text)
    }
}

/// A problem, where there is one.
fn when(is_problem: bool, text: impl FnOnce() -> String) -> Option<String> {
    is_problem.then(text)
}
