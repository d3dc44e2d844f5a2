//! What a command says when it fails.

use crate::{chart, cluster, diff::visible, engine, release, render};

/// How a failure ends the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `Error: …`, exit code 1.
    Error,
    /// Helm logs it instead, exit code 1.
    Logged,
    /// `diff --detailed-exitcode` found changes, or `doctor` something wrong: no more is printed, exit code 2.
    Found,
    /// Interrupted for the second time: nothing is printed, the exit code is that of a program ended by SIGINT.
    Interrupted,
    /// Nobody reads standard output any more: nothing is printed, the exit code is that of a program ended by SIGPIPE.
    Closed,
}

/// A failure, ready to print.
#[derive(Debug, Clone)]
pub struct Report {
    /// How it ends the program.
    pub kind: Kind,
    /// Helm's sentence, where Helm has one.
    pub message: String,
    /// The place it is about; shown on a terminal.
    pub excerpt: Option<Box<render::Excerpt>>,
    /// What to do about it; only where Pilothouse knows more than Helm says.
    pub hints: Vec<String>,
}

impl Report {
    /// An error with a sentence.
    pub fn new(message: impl Into<String>) -> Self {
        Self { kind: Kind::Error, message: message.into(), excerpt: None, hints: Vec::new() }
    }

    /// A failure that Helm logs.
    pub fn logged(message: impl Into<String>) -> Self {
        Self { kind: Kind::Logged, ..Self::new(message) }
    }

    /// `diff --detailed-exitcode` found changes, or `doctor` something wrong.
    pub fn found() -> Self {
        Self { kind: Kind::Found, ..Self::new("") }
    }

    /// Interrupted for the second time.
    pub fn interrupted() -> Self {
        Self { kind: Kind::Interrupted, ..Self::new("") }
    }

    /// Standard output is closed.
    pub fn closed() -> Self {
        Self { kind: Kind::Closed, ..Self::new("") }
    }

    /// With a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// With Helm's words before the message, as Go wraps errors: `list: failed to list: …`.
    #[must_use]
    pub fn context(mut self, words: &str) -> Self {
        self.message = format!("{words}: {}", self.message);
        self
    }

    /// Whether it has a sentence of its own.
    pub fn is_told(&self) -> bool {
        matches!(self.kind, Kind::Error)
    }

    /// The exit code.
    pub fn exit_code(&self) -> u8 {
        match self.kind {
            Kind::Error | Kind::Logged => 1,
            Kind::Found => 2,
            Kind::Interrupted => 130,
            Kind::Closed => 141,
        }
    }

    /// What goes to standard error; a terminal gets the place as well.
    pub fn lines(&self, terminal: bool) -> Vec<String> {
        let head = match self.kind {
            Kind::Error => format!("Error: {}", self.message),
            Kind::Logged => self.message.clone(),
            Kind::Found | Kind::Interrupted | Kind::Closed => return Vec::new(),
        };
        let excerpt = self.excerpt.as_deref().filter(|_| terminal).map(place).unwrap_or_default();
        let hints = self.hints.iter().map(|hint| format!("  hint: {}", safe(hint)));
        std::iter::once(head).chain(excerpt).chain(hints).collect()
    }
}

/// A hint may quote what the cluster says.
fn safe(text: &str) -> String {
    text.split('\n').map(visible).collect::<Vec<_>>().join("\n")
}

/// The line of an excerpt with a caret under the place, and where it was included from.
fn place(excerpt: &render::Excerpt) -> Vec<String> {
    let number = excerpt.line.to_string();
    let margin = " ".repeat(number.len());
    let mut lines = vec![
        format!("{margin}--> {}:{number}", excerpt.source),
        format!("{margin} |"),
        format!("{number} | {}", excerpt.text),
    ];
    if let Some(before) = excerpt.column.checked_sub(1) {
        let before = excerpt.text.get(..before).unwrap_or_default();
        let blank: String = before.chars().map(|char| if char == '\t' { '\t' } else { ' ' }).collect();
        lines.push(format!("{margin} | {blank}^"));
    }
    lines.extend(excerpt.included_from.iter().map(|place| format!("{margin} = included from {place}")));
    lines
}

impl From<String> for Report {
    fn from(message: String) -> Self {
        Self::new(message)
    }
}

impl From<chart::Error> for Report {
    fn from(error: chart::Error) -> Self {
        Self { hints: error.hint.into_iter().collect(), ..Self::new(error.message) }
    }
}

impl From<render::Error> for Report {
    fn from(error: render::Error) -> Self {
        Self { hints: error.hint.into_iter().collect(), excerpt: error.excerpt, ..Self::new(error.message) }
    }
}

impl From<engine::plan::Error> for Report {
    fn from(error: engine::plan::Error) -> Self {
        Self::new(error.to_string())
    }
}

impl From<cluster::Error> for Report {
    fn from(error: cluster::Error) -> Self {
        match error.kind {
            // What client-go says for a 401 without a body that says more.
            cluster::ErrorKind::Unauthorized => Self::new("the server has asked for the client to provide credentials"),
            _ => Self { hints: error.details, ..Self::new(error.message) },
        }
    }
}

impl From<release::Error> for Report {
    fn from(error: release::Error) -> Self {
        match error {
            release::Error::Cluster(error) => error.into(),
            error @ release::Error::TooLarge { .. } => Self::new(error.to_string()).hint(
                "leave out of the chart, by .helmignore, what no template reads; a database (HELM_DRIVER=sql) has no such limit",
            ),
            error => Self::new(error.to_string()),
        }
    }
}

impl From<engine::Error> for Report {
    fn from(error: engine::Error) -> Self {
        match error {
            engine::Error::Release(error) => error.into(),
            engine::Error::Cluster(error) => error.into(),
            engine::Error::Failed { message, hints } => Self { hints, ..Self::new(message) },
            error => Self::new(error.to_string()),
        }
    }
}
