//! How an operation fails: Helm's words for the command line and for the record.

use std::collections::BTreeMap;

use crate::{
    cluster::{self, ErrorKind},
    engine::{Error, Operation, Prepared, apply::Stop, hooks::HookFailure},
    release::{HookEvent, Release},
};

/// The final write failed: what the operation came to, and that its record does not say so.
pub(super) fn unfinished(
    prepared: &Prepared,
    release: &Release,
    result: Result<(), Failure>,
    error: &crate::release::Error,
) -> Error {
    let (came_to, mut hints) = match result {
        Ok(()) if prepared.operation == Operation::Uninstall => ("everything was deleted".to_owned(), Vec::new()),
        Ok(()) => ("everything was applied".to_owned(), Vec::new()),
        Err(failure) => (failure.message, failure.hints),
    };
    let Prepared { name, namespace, .. } = prepared;
    hints.push(format!("half a minute from now pilothouse doctor {name} -n {namespace} --repair marks it failed"));
    Error::Failed {
        message: format!(
            "{came_to}, but revision {} of {} still says {}: the final status could not be written: {error}",
            release.revision,
            prepared.name,
            prepared.next.info.status.as_str()
        ),
        hints,
    }
}

/// Why an operation did not succeed, and what its record says.
pub(super) struct Failure {
    /// Helm's words on the command line.
    pub(super) message: String,
    /// Helm's words in the record.
    pub(super) description: String,
    pub(super) hints: Vec<String>,
    /// Whether the current revision may be half overwritten, so that it is no longer `deployed`.
    pub(super) half_applied: bool,
    pub(super) cancelled: bool,
}

impl Failure {
    /// What applying or deleting came to.
    pub(super) fn applying(prepared: &Prepared, stop: Stop, phase: &str) -> Self {
        let (message, cancelled) = match stop {
            Stop::Failed(words) => (words, false),
            Stop::Cancelled => (format!("cancelled while {phase}"), true),
        };
        let description = prepared.operation.failed(&prepared.name, &message);
        Self { message, description, hints: Vec::new(), half_applied: true, cancelled }
    }

    /// What the hooks of an event came to.
    pub(super) fn hook(prepared: &Prepared, event: &HookEvent, failure: HookFailure) -> Self {
        let HookFailure { message, hints, cancelled } = failure;
        let why = if cancelled {
            format!("cancelled during {} hooks", event.as_str())
        } else {
            prepared.operation.hooks_failed(event, &message)
        };
        let description = prepared.operation.failed(&prepared.name, &why);
        // Of a rollback's hook, Helm prints the failure alone.
        let message = if prepared.operation == Operation::Rollback && !cancelled { message } else { why };
        Self { message, description, hints, half_applied: false, cancelled }
    }

    /// What was found before anything was applied.
    pub(super) fn early(prepared: &Prepared, error: cluster::Error) -> Self {
        let description = prepared.operation.failed(&prepared.name, &error.message);
        let cancelled = error.kind == ErrorKind::Cancelled;
        Self { message: error.message, description, hints: error.details, half_applied: false, cancelled }
    }

    /// Objects that are not ready, with what blocks them.
    pub(super) fn unready(prepared: &Prepared, error: &cluster::Error, blockers: BTreeMap<String, String>) -> Self {
        let name = &prepared.name;
        let cancelled = error.kind == ErrorKind::Cancelled;
        let why = if cancelled { "cancelled while waiting".to_owned() } else { error.message.clone() };
        let (message, description) = match prepared.operation {
            Operation::Rollback if !cancelled => {
                (format!("release {name} failed: {why}"), format!("Release {name:?} failed: {why}"))
            }
            Operation::Rollback => (why.clone(), format!("Release {name:?} failed: {why}")),
            operation => (why.clone(), operation.failed(name, &why)),
        };
        let hints = blockers.into_iter().map(|(object, blocker)| format!("{object}: {blocker}")).collect();
        Self { message, description, hints, half_applied: false, cancelled }
    }

    /// Charts that are not ready, so that those after them were not applied.
    pub(super) fn between(self, prepared: &Prepared, before: &[String], after: &[String]) -> Self {
        let (before, after) = (before.join(", "), after.join(", "));
        let message = format!("{before} did not become ready, so {after} was not applied: {}", self.message);
        let description = prepared.operation.failed(&prepared.name, &message);
        Self { message, description, half_applied: true, ..self }
    }

    /// The error of an operation whose record says so already.
    pub(super) fn into_error(self, release: &Release) -> Error {
        if self.cancelled {
            return Error::Cancelled(format!("{}; revision {} is marked failed", self.message, release.revision));
        }
        Error::Failed { message: self.message, hints: self.hints }
    }
}
