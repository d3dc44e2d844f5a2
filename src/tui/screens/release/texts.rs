//! The texts of a revision: manifest, values, notes, chart. Made in a task, since they can be long.

use serde_json::Value;

use crate::{
    diff::{self, Line, Redactor},
    engine::browse,
    release::Release,
    tui::widgets::{
        safe,
        text::{Kind, TextLine},
    },
    yaml,
};

/// Which values are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Shown {
    /// What was given to Helm.
    #[default]
    Supplied,
    /// What the templates saw.
    Computed,
    /// Supplied values against those of the revision before.
    Difference,
}

impl Shown {
    /// The one after it, round and round.
    #[must_use]
    pub fn next(self) -> Self {
        match self {
            Self::Supplied => Self::Computed,
            Self::Computed => Self::Difference,
            Self::Difference => Self::Supplied,
        }
    }

    /// Its name.
    pub fn word(self) -> &'static str {
        match self {
            Self::Supplied => "supplied",
            Self::Computed => "computed",
            Self::Difference => "difference",
        }
    }
}

fn lines(kind: Kind, text: &str) -> Vec<TextLine> {
    safe::lines(text).into_iter().map(|text| TextLine { text, kind, right: None }).collect()
}

fn or_word(lines: Vec<TextLine>, word: &str) -> Vec<TextLine> {
    if lines.is_empty() { vec![TextLine::new(Kind::Dim, word)] } else { lines }
}

/// The manifest, its Secrets redacted.
pub fn manifest(release: &Release, redactor: &Redactor) -> Vec<TextLine> {
    or_word(lines(Kind::Yaml, &browse::manifest(release, redactor)), "the manifest is empty")
}

/// Values of a revision; the difference is to those of `before`.
pub fn values(release: &Release, before: Option<&Release>, shown: Shown, redactor: &Redactor) -> Vec<TextLine> {
    let text = |values: serde_json::Map<String, Value>| match values.is_empty() {
        true => String::new(),
        false => yaml::to_string(&redactor.values(&Value::Object(values))),
    };
    match shown {
        Shown::Supplied => or_word(lines(Kind::Yaml, &text(release.config.clone())), "no values were supplied"),
        Shown::Computed => or_word(lines(Kind::Yaml, &text(release.computed_values())), "there are no values"),
        Shown::Difference => {
            let old = before.map(|before| text(before.config.clone())).unwrap_or_default();
            let found = difference(&old, &text(release.config.clone()));
            or_word(found, "the supplied values are the same as before")
        }
    }
}

fn difference(old: &str, new: &str) -> Vec<TextLine> {
    let mut found = Vec::new();
    for hunk in diff::hunks(old, new, 3) {
        if !hunk.path.is_empty() {
            found.push(TextLine::new(Kind::Dim, &format!("@ {}", hunk.path)));
        }
        found.extend(hunk.lines.iter().map(|line| match line {
            Line::Context(text) => TextLine::new(Kind::Plain, &format!("  {text}")),
            Line::Removed(text) => TextLine::new(Kind::Removed, &format!("- {text}")),
            Line::Added(text) => TextLine::new(Kind::Added, &format!("+ {text}")),
        }));
    }
    found
}

/// The notes.
pub fn notes(release: &Release) -> Vec<TextLine> {
    or_word(lines(Kind::Plain, release.info.notes.trim_end()), "this revision has no notes")
}

/// Metadata, dependencies, templates and readme of the chart.
pub fn chart(release: &Release) -> Vec<TextLine> {
    let chart = &release.chart;
    if chart.is_absent() {
        return vec![TextLine::new(Kind::Warn, "the record has no chart")];
    }
    let meta = chart.metadata();
    let fields = [
        ("name", meta.name.as_str()),
        ("version", &meta.version),
        ("app version", &meta.app_version),
        ("description", &meta.description),
        ("type", &meta.kind),
        ("kube version", &meta.kube_version),
        ("home", &meta.home),
        ("sources", &meta.sources.join(" ")),
    ];
    let mut found = Vec::new();
    for (name, text) in fields.iter().filter(|(_, text)| !text.is_empty()) {
        found.push(TextLine::new(Kind::Plain, &format!("{name:<14}{text}")));
    }
    if meta.deprecated {
        found.push(TextLine::new(Kind::Warn, "this chart is deprecated"));
    }
    heading(&mut found, "Dependencies", meta.dependencies.len());
    for dependency in &meta.dependencies {
        let line =
            format!("{} {}  {}  {}", dependency.name, dependency.version, dependency.repository, dependency.condition);
        found.push(TextLine::new(Kind::Plain, line.trim_end()));
    }
    let templates = chart.templates();
    heading(&mut found, "Templates", templates.len());
    found.extend(templates.iter().map(|(path, text)| TextLine::new(Kind::Plain, &format!("{path}  {} B", text.len()))));
    let files = chart.files();
    let readme = files.iter().find(|(path, _)| path.eq_ignore_ascii_case("readme.md"));
    if let Some((path, text)) = readme {
        heading(&mut found, path, 1);
        found.extend(lines(Kind::Plain, text));
    }
    found
}

fn heading(found: &mut Vec<TextLine>, title: &str, count: usize) {
    if count > 0 {
        found.push(TextLine::default());
        found.push(TextLine::new(Kind::Heading, title));
    }
}
