//! Errors as the user meets them: one message, and what to do next.

use crate::{cluster, engine, release, render};

/// An error ready to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The object and the cause, in the words of whoever noticed.
    pub message: String,
    /// What can be done next.
    pub hints: Vec<String>,
    /// Whether access rights are the cause.
    pub forbidden: bool,
    /// Whether a credential plugin has to be given the terminal.
    pub needs_terminal: bool,
}

impl Report {
    /// A report without hints.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hints: Vec::new(), forbidden: false, needs_terminal: false }
    }

    /// The report with one more hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }
}

impl From<cluster::Error> for Report {
    fn from(error: cluster::Error) -> Self {
        use cluster::ErrorKind as Kind;
        let hint = match &error.kind {
            Kind::Config => "check the kubeconfig (KUBECONFIG), or choose another context with :ctx",
            Kind::Unreachable | Kind::Timeout => {
                "is the cluster up and the VPN on? ctrl-r tries again, :ctx chooses another context"
            }
            Kind::NeedsTerminal => "ctrl-r hands it the terminal",
            Kind::Unauthorized => "log in to the cluster again, then ctrl-r",
            Kind::Forbidden => "your access rights do not cover this; :ns and :ctx choose what you may see",
            Kind::TooManyRequests => "the server asks to slow down; ctrl-r tries again",
            Kind::Gone | Kind::Conflict => "it changed meanwhile; ctrl-r reads it again",
            _ => "",
        };
        let (forbidden, needs_terminal) = (error.kind == Kind::Forbidden, error.kind == Kind::NeedsTerminal);
        let report = Self { forbidden, needs_terminal, ..Self::new(&error.message) };
        if hint.is_empty() { report } else { report.hint(hint) }
    }
}

impl From<release::Error> for Report {
    fn from(error: release::Error) -> Self {
        match error {
            release::Error::Cluster(error) => error.into(),
            release::Error::Moved { .. } | release::Error::Exists => {
                Self::new(error.to_string()).hint("someone else works on this release; ctrl-r reads it again")
            }
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
            engine::Error::Render(failure) => {
                let render::Error { message, hint, excerpt } = failure.error;
                let place = excerpt.map(|excerpt| place(&excerpt)).unwrap_or_default();
                Self { hints: place.into_iter().chain(hint).collect(), ..Self::new(message) }
            }
            error @ engine::Error::Moved(_) => Self::new(error.to_string()).hint("ctrl-r reviews it anew"),
            error => Self::new(error.to_string()),
        }
    }
}

/// Where in a template, or in what it gave, something is wrong.
fn place(excerpt: &render::Excerpt) -> Vec<String> {
    let column = if excerpt.column > 0 { format!(":{}", excerpt.column) } else { String::new() };
    let at = format!("{}:{}{column}", excerpt.source, excerpt.line);
    let text = format!("{} │ {}", excerpt.line, excerpt.text);
    let included = excerpt.included_from.iter().map(|place| format!("included from {place}"));
    [at, text].into_iter().chain(included).collect()
}
