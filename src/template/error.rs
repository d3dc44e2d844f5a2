//! Why a template cannot be parsed or executed, in the words of Go and of Helm.

use super::{Fault, ast::Source, lex::newlines};
use std::{fmt, sync::Arc};

/// A place in a template's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// The file as Helm names it, such as `chart/templates/service.yaml`; `gotpl` in a text that `tpl` was given.
    pub file: Arc<str>,
    /// The line, from 1.
    pub line: usize,
    /// The bytes before it on its line, as Go counts columns; Go's parser tells lines only.
    pub column: Option<usize>,
    /// The line's text.
    pub text: String,
}

/// An error of a template.
#[derive(Debug, Clone)]
pub struct Error {
    kind: Kind,
}

#[derive(Debug, Clone)]
enum Kind {
    /// Go's text of a template that cannot be parsed.
    Parse { location: Location, message: String },
    /// Go's `ExecError`.
    Execution(Box<Execution>),
    /// `template: no template "x" associated with template "gotpl"`.
    Missing(String),
}

#[derive(Debug, Clone)]
struct Execution {
    location: Location,
    /// The template's name, which differs from the file's in a `define`.
    template: Arc<str>,
    /// What was evaluated, as Go prints it.
    context: String,
    message: String,
    /// What a called function said.
    cause: Option<Fault>,
}

impl Location {
    pub(super) fn new(source: &Source, position: usize) -> Self {
        let text = &source.text;
        let before = text.get(..position).unwrap_or(text);
        let start = memchr::memrchr(b'\n', before).map_or(0, |newline| newline + 1);
        let line = text.get(start..).unwrap_or_default();
        let end = memchr::memchr(b'\n', line).unwrap_or(line.len());
        Self {
            file: source.name.clone(),
            line: 1 + newlines(before),
            column: Some(before.len() - start),
            text: String::from_utf8_lossy(line.get(..end).unwrap_or_default()).into_owned(),
        }
    }
}

impl Error {
    /// What is wrong with the line of this place, in the words of Go's parser.
    pub(super) fn parse(source: &Source, position: usize, words: &str) -> Self {
        let location = Location { column: None, ..Location::new(source, position) };
        let message = format!("template: {}:{}: {words}", source.name, location.line);
        Self { kind: Kind::Parse { location, message } }
    }

    pub(super) fn missing(message: String) -> Self {
        Self { kind: Kind::Missing(message) }
    }

    pub(super) fn execution(
        location: Location,
        template: Arc<str>,
        context: String,
        message: String,
        cause: Option<Fault>,
    ) -> Self {
        Self { kind: Kind::Execution(Box::new(Execution { location, template, context, message, cause })) }
    }

    /// Where it happened and by which way: the outermost template first, each followed by what it included.
    pub fn locations(&self) -> Vec<&Location> {
        self.chain().filter_map(Self::location).collect()
    }

    fn location(&self) -> Option<&Location> {
        match &self.kind {
            Kind::Execution(execution) => Some(&execution.location),
            Kind::Parse { location, .. } => Some(location),
            Kind::Missing(_) => None,
        }
    }

    /// This error and those that caused it.
    fn chain(&self) -> impl Iterator<Item = &Self> {
        std::iter::successors(Some(self), |error| match &error.kind {
            Kind::Execution(execution) => execution.cause.as_ref()?.cause.as_deref(),
            Kind::Parse { .. } | Kind::Missing(_) => None,
        })
    }

    /// The error as Helm prints it, `cleanupParseError` and `reformatExecErrorMsg` in its `engine.go`.
    pub fn helm_message(&self) -> String {
        let full = self.to_string();
        match &self.kind {
            Kind::Parse { location, .. } => clean_parse_error(&location.file, &full),
            Kind::Missing(_) => full,
            Kind::Execution(_) => self.reformat(full),
        }
    }

    fn reformat(&self, full: String) -> String {
        let mut tokens = full.splitn(3, ": ").skip(1);
        let (Some(location), Some(rest)) = (tokens.next(), tokens.next()) else {
            return full;
        };
        if let Some(message) = wrapped(rest) {
            return format!("execution error at ({location}): {message}");
        }
        let mut traces: Vec<Trace> = Vec::new();
        for error in self.chain() {
            let Some(trace) = Trace::parse(&error.head()) else {
                return full;
            };
            if traces.last() != Some(&trace) {
                traces.push(trace);
            }
            // `include` hands on the error of its template as it is; another function's words are an error of their own.
            if let Kind::Execution(execution) = &error.kind
                && let Some(Fault { message, cause }) = &execution.cause
                && !(message.is_empty() && cause.is_some())
            {
                let Some(trace) = Trace::parse(message) else {
                    return full;
                };
                traces.push(trace);
            }
        }
        let lines: String = traces.iter().map(Trace::print).collect();
        lines.trim().to_owned()
    }

    /// The error's text up to where that of its cause begins, which is all that Helm keeps of it.
    fn head(&self) -> String {
        let mut head = self.own_text();
        if self.chain().nth(1).is_some() {
            head.push_str("template: ");
        }
        head
    }

    fn own_text(&self) -> String {
        match &self.kind {
            Kind::Parse { message, .. } | Kind::Missing(message) => message.clone(),
            Kind::Execution(execution) => {
                let Execution { location: Location { file, line, column, .. }, template, context, message, cause } =
                    &**execution;
                let template = super::fmt::quote(template.as_bytes());
                let said = cause.as_ref().map_or("", |fault| &fault.message);
                let column = column.unwrap_or_default();
                format!("template: {file}:{line}:{column}: executing {template} at <{context}>: {message}{said}")
            }
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.chain().try_for_each(|error| f.write_str(&error.own_text()))
    }
}

impl std::error::Error for Error {}

/// One error after the other, since a chain may be longer than the stack.
impl Drop for Execution {
    fn drop(&mut self) {
        let mut next = self.cause.take().and_then(|fault| fault.cause);
        while let Some(error) = next {
            next = match error.kind {
                Kind::Execution(mut execution) => execution.cause.take().and_then(|fault| fault.cause),
                Kind::Parse { .. } | Kind::Missing(_) => None,
            };
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        self.cause.as_ref().map_or(Ok(()), |cause| cause.fmt(f))
    }
}

fn clean_parse_error(file: &str, full: &str) -> String {
    let mut tokens = full.split(": ").skip(1);
    match tokens.next() {
        None => format!("parse error in ({file}): {full}"),
        Some(location) => format!("parse error at ({location}): {}", tokens.last().unwrap_or(location)),
    }
}

pub(super) const WARNING_START: &str = "HELM_ERR_START";
pub(super) const WARNING_END: &str = "HELM_ERR_END";

/// What `required` or `fail` said, wherever in the chain it was.
fn wrapped(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once(WARNING_START)?;
    rest.rsplit_once(WARNING_END).map(|(message, _)| message)
}

/// One step of the chain as Helm prints it.
#[derive(PartialEq, Eq, Default)]
struct Trace {
    location: String,
    message: String,
    executed: String,
}

impl Trace {
    fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix("template: ")?;
        if rest.starts_with("no template ") {
            return Some(Self { message: text.into(), ..Self::default() });
        }
        Self::parse_executing(rest).or_else(|| Self::parse_simple(rest))
    }

    fn parse_executing(rest: &str) -> Option<Self> {
        let (location, after) = rest.split_once(": executing ")?;
        let (function, after) = after.strip_prefix('"')?.split_once('"')?;
        let (context, message) = after.strip_prefix(" at <")?.split_once(">: ")?;
        Some(Self {
            location: location.into(),
            message: before_next(message),
            executed: format!("executing \"{function}\" at <{context}>:"),
        })
    }

    fn parse_simple(rest: &str) -> Option<Self> {
        let (location, message) = rest.rsplit_once(": ")?;
        Some(Self { location: location.into(), message: before_next(message), executed: String::new() })
    }

    fn print(&self) -> String {
        let mut lines = String::new();
        if !self.location.is_empty() {
            lines += &format!("{}\n  ", self.location);
        }
        if !self.executed.is_empty() {
            lines += &format!("{}\n    ", self.executed);
        }
        if !self.message.is_empty() {
            lines += &format!("{}\n", self.message);
        }
        lines
    }
}

fn before_next(message: &str) -> String {
    message.split_once(" template:").map_or(message, |(own, _)| own).into()
}
