//! Why a chart cannot be rendered.

use super::documents::RenderedFile;
use crate::{chart, yaml};

/// Why a chart cannot be rendered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    /// Helm's words.
    pub message: String,
    /// What to do about it, where we know.
    pub hint: Option<String>,
    /// The place in a template or in what it gave, where it is known.
    pub excerpt: Option<Excerpt>,
}

/// A place in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excerpt {
    /// What the text is: `chart/templates/file.yaml`.
    pub source: String,
    /// 1-based line.
    pub line: usize,
    /// 1-based column, in characters; 0 for the whole line.
    pub column: usize,
    /// The line itself.
    pub text: String,
    /// Where this was included from, innermost first: `file.yaml:3`.
    pub included_from: Vec<String>,
}

impl Error {
    /// An error without a place.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None, excerpt: None }
    }

    /// What a template gave is not YAML, or no object; `start` is where its document starts in the file.
    pub(super) fn yaml(file: &RenderedFile, start: usize, error: &yaml::Error) -> Self {
        let message = format!("YAML parse error on {}: {}", file.path, error.message);
        let before = file.text.get(..start).unwrap_or_default().matches('\n').count();
        let line = before + error.line;
        let excerpt = (error.line > 0).then(|| Excerpt {
            source: format!("what {} gave", file.path),
            line,
            column: error.column,
            text: file.text.lines().nth(line - 1).unwrap_or_default().to_owned(),
            included_from: Vec::new(),
        });
        Self { message, hint: None, excerpt }
    }
}

impl From<chart::Error> for Error {
    fn from(error: chart::Error) -> Self {
        Self { message: error.message, hint: error.hint, excerpt: None }
    }
}
