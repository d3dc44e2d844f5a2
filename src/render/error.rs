//! Why a chart cannot be rendered.

use crate::{chart, template, yaml};

/// Why a chart cannot be rendered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    /// Helm's words.
    pub message: String,
    /// What to do about it, where we know.
    pub hint: Option<String>,
    /// The place in a template or in what it gave, where it is known.
    pub excerpt: Option<Box<Excerpt>>,
}

/// A place in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excerpt {
    /// What the text is: `chart/templates/file.yaml`.
    pub source: String,
    /// 1-based line.
    pub line: usize,
    /// 1-based column, in bytes; 0 for the whole line.
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
    pub(super) fn yaml(path: &str, text: &str, start: usize, error: &yaml::Error) -> Self {
        let message = format!("YAML parse error on {path}: {}", error.message);
        let before = text.get(..start).unwrap_or_default().matches('\n').count();
        let line = before + error.line;
        let excerpt = (error.line > 0).then(|| {
            Box::new(Excerpt {
                source: format!("what {path} gave"),
                line,
                column: error.column,
                text: text.lines().nth(line - 1).unwrap_or_default().to_owned(),
                included_from: Vec::new(),
            })
        });
        Self { message, hint: None, excerpt }
    }

    /// What a template gave is no text.
    pub(super) fn not_utf8(path: &str) -> Self {
        let why = "error converting YAML to JSON: yaml: invalid leading UTF-8 octet";
        Self::new(format!("YAML parse error on {path}: {why}"))
    }
}

impl From<chart::Error> for Error {
    fn from(error: chart::Error) -> Self {
        Self { message: error.message, hint: error.hint, excerpt: None }
    }
}

impl From<template::Error> for Error {
    fn from(error: template::Error) -> Self {
        let locations = error.locations();
        let excerpt = locations.split_last().map(|(innermost, outer)| {
            Box::new(Excerpt {
                source: innermost.file.to_string(),
                line: innermost.line,
                column: innermost.column.map_or(0, |column| column + 1),
                text: innermost.text.clone(),
                included_from: outer
                    .iter()
                    .rev()
                    .map(|location| format!("{}:{}", location.file, location.line))
                    .collect(),
            })
        });
        Self { message: error.helm_message(), hint: None, excerpt }
    }
}
