//! What can go wrong when talking to a cluster.

use std::error::Error as StdError;

/// The cause, for deciding what to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ErrorKind {
    /// No usable kubeconfig, context or credential helper.
    Config,
    /// A credential plugin must own the terminal (`interactiveMode: Always`), and may not here.
    NeedsTerminal,
    /// The server does not answer.
    Unreachable,
    /// 401: no or expired credentials.
    Unauthorized,
    /// 403.
    Forbidden,
    /// 404 of an object.
    NotFound,
    /// The kind or version is not served.
    NoKind,
    /// 409 AlreadyExists.
    AlreadyExists,
    /// 409 Conflict without field conflicts: changed by someone else in between.
    Conflict,
    /// 409 of a server-side apply: these fields belong to others.
    FieldConflicts(Vec<FieldConflict>),
    /// 422 or 400: the server refuses the object.
    Invalid,
    /// 410: a resourceVersion is too old.
    Gone,
    /// 429.
    TooManyRequests,
    /// A deadline passed.
    Timeout,
    /// The caller cancelled.
    Cancelled,
    /// Anything else, 5xx included.
    Other,
}

/// One field that another manager owns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldConflict {
    /// The field in dotted form as the server names it, for example `.spec.replicas`.
    pub field: String,
    /// The owner, for example `kubectl-edit`.
    pub manager: String,
    /// The server's whole sentence on it.
    pub message: String,
}

/// An error of the cluster, with the server's words.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    /// The cause.
    pub kind: ErrorKind,
    /// HTTP status code, 0 when there was no answer.
    pub code: u16,
    /// The server's or the transport's message, unchanged.
    pub message: String,
    /// `Retry-After` of a 429 or 503, in seconds.
    pub retry_after: Option<u32>,
    /// What helps to understand it, a line each: what blocks a wait, finalizers, the nearest kind.
    pub details: Vec<String>,
}

impl Error {
    /// An error without an HTTP answer.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, code: 0, message: message.into(), retry_after: None, details: Vec::new() }
    }

    /// The same error with further lines of explanation.
    #[must_use]
    pub fn with_details(mut self, details: impl IntoIterator<Item = String>) -> Self {
        self.details.extend(details);
        self
    }

    /// The caller cancelled.
    pub(super) fn cancelled() -> Self {
        Self::new(ErrorKind::Cancelled, "context canceled")
    }

    /// Whether trying the same again later may help: no answer, 429, or a server in trouble.
    pub fn is_transient(&self) -> bool {
        matches!(self.kind, ErrorKind::Unreachable | ErrorKind::TooManyRequests)
            || (self.code >= 500 && self.code != 501)
    }
}

impl From<kube::Error> for Error {
    fn from(error: kube::Error) -> Self {
        match error {
            kube::Error::Api(status) => Self::from(*status),
            kube::Error::Auth(error) => Self::new(ErrorKind::Unauthorized, chain(&error)),
            kube::Error::InferConfig(_)
            | kube::Error::RustlsTls(_)
            | kube::Error::TlsRequired
            | kube::Error::ProxyProtocolUnsupported { .. }
            | kube::Error::ProxyProtocolDisabled { .. } => Self::new(ErrorKind::Config, chain(&error)),
            kube::Error::Service(source) => match source.downcast::<Self>() {
                // Our own layers (credential plugins) answer in our own terms.
                Ok(own) => *own,
                Err(source) => Self::new(ErrorKind::Unreachable, transport_message(source.as_ref())),
            },
            kube::Error::HyperError(source) => Self::new(ErrorKind::Unreachable, transport_message(&source)),
            kube::Error::ReadEvents(source) => Self::new(ErrorKind::Unreachable, transport_message(&source)),
            other => Self::new(ErrorKind::Other, chain(&other)),
        }
    }
}

impl From<kube::core::Status> for Error {
    fn from(status: kube::core::Status) -> Self {
        let retry_after = status.details.as_ref().map(|details| details.retry_after_seconds).filter(|&n| n > 0);
        let kind = kind_of(&status);
        let message = match status.message.is_empty() {
            true => format!("the server answered {}", status.code),
            false => status.message,
        };
        Self { kind, code: status.code, message, retry_after, details: Vec::new() }
    }
}

/// Reasons come first, because one code has several (`k8s.io/apimachinery/pkg/apis/meta/v1`, `StatusReason`).
fn kind_of(status: &kube::core::Status) -> ErrorKind {
    match (status.reason.as_str(), status.code) {
        ("AlreadyExists", _) => ErrorKind::AlreadyExists,
        ("Conflict", _) | (_, 409) => {
            let conflicts = field_conflicts(status);
            if conflicts.is_empty() { ErrorKind::Conflict } else { ErrorKind::FieldConflicts(conflicts) }
        }
        ("Unauthorized", _) | (_, 401) => ErrorKind::Unauthorized,
        ("Forbidden", _) | (_, 403) => ErrorKind::Forbidden,
        ("NotFound", _) | (_, 404) => ErrorKind::NotFound,
        ("Expired" | "Gone", _) | (_, 410) => ErrorKind::Gone,
        ("TooManyRequests", _) | (_, 429) => ErrorKind::TooManyRequests,
        ("Invalid" | "BadRequest", _) | (_, 400 | 413 | 415 | 422) => ErrorKind::Invalid,
        _ => ErrorKind::Other,
    }
}

fn field_conflicts(status: &kube::core::Status) -> Vec<FieldConflict> {
    let causes = status.details.iter().flat_map(|details| &details.causes);
    causes
        .filter(|cause| cause.reason == "FieldManagerConflict")
        .map(|cause| FieldConflict {
            field: cause.field.clone(),
            manager: quoted(&cause.message).unwrap_or_default(),
            message: cause.message.clone(),
        })
        .collect()
}

/// The first Go-quoted string of a sentence: `conflict with "kubectl-edit" using apps/v1`.
fn quoted(sentence: &str) -> Option<String> {
    let start = sentence.find('"')?;
    let mut characters = sentence[start + 1..].chars();
    let mut text = String::new();
    loop {
        match characters.next()? {
            '"' => return Some(text),
            '\\' => text.push(characters.next()?),
            other => text.push(other),
        }
    }
}

/// Go's words where users know them by heart, otherwise the chain of causes.
fn transport_message(error: &(dyn StdError + 'static)) -> String {
    let io = causes(error).find_map(|cause| cause.downcast_ref::<std::io::Error>()).map(std::io::Error::kind);
    match io {
        Some(std::io::ErrorKind::ConnectionRefused) => "connect: connection refused".to_owned(),
        Some(std::io::ErrorKind::ConnectionReset) => "read: connection reset by peer".to_owned(),
        Some(std::io::ErrorKind::TimedOut) => "i/o timeout".to_owned(),
        _ => chain(error),
    }
}

/// The error, its cause, the cause of that, and so on.
fn causes<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    let mut next = Some(error);
    std::iter::from_fn(move || {
        let this = next?;
        next = this.source();
        Some(this)
    })
}

/// All messages of an error and its causes, each said once.
pub(super) fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut message = error.to_string();
    for cause in causes(error).skip(1) {
        let text = cause.to_string();
        if !message.contains(&text) {
            message.push_str(": ");
            message.push_str(&text);
        }
    }
    message
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(status: serde_json::Value, kind: &ErrorKind, code: u16) {
        let status: kube::core::Status = serde_json::from_value(status).expect("a Status");
        let error = Error::from(kube::Error::Api(Box::new(status)));
        assert_eq!((&error.kind, error.code), (kind, code), "{error:?}");
    }

    #[test]
    fn reasons_and_codes() {
        check(json!({"code": 401, "reason": "Unauthorized", "message": "Unauthorized"}), &ErrorKind::Unauthorized, 401);
        check(json!({"code": 403, "reason": "Forbidden"}), &ErrorKind::Forbidden, 403);
        check(json!({"code": 404, "reason": "NotFound"}), &ErrorKind::NotFound, 404);
        check(json!({"code": 409, "reason": "AlreadyExists"}), &ErrorKind::AlreadyExists, 409);
        check(json!({"code": 409, "reason": "Conflict"}), &ErrorKind::Conflict, 409);
        check(json!({"code": 410, "reason": "Expired"}), &ErrorKind::Gone, 410);
        check(json!({"code": 422, "reason": "Invalid"}), &ErrorKind::Invalid, 422);
        check(json!({"code": 429, "reason": "TooManyRequests"}), &ErrorKind::TooManyRequests, 429);
        check(json!({"code": 503, "reason": "ServiceUnavailable"}), &ErrorKind::Other, 503);
        // A proxy that answers without a Status: kube fills in the code.
        check(json!({"code": 401, "reason": "Failed to parse error data"}), &ErrorKind::Unauthorized, 401);
    }

    /// The answer of kube-apiserver 1.36 to `kubectl apply --server-side` of a field scaled by hand.
    #[test]
    fn conflicts_name_field_and_manager() {
        let status = json!({
            "code": 409, "reason": "Conflict", "message": "Apply failed with 2 conflicts",
            "details": {"causes": [
                {"reason": "FieldManagerConflict", "message": "conflict with \"kubectl\" with subresource \"scale\" using apps/v1", "field": ".spec.replicas"},
                {"reason": "FieldManagerConflict", "message": "conflict with \"a \\\"b\\\"\" using apps/v1", "field": ".spec.paused"},
            ]},
        });
        let conflict = |field: &str, manager: &str, message: &str| FieldConflict {
            field: field.to_owned(),
            manager: manager.to_owned(),
            message: message.to_owned(),
        };
        let expected = vec![
            conflict(".spec.replicas", "kubectl", "conflict with \"kubectl\" with subresource \"scale\" using apps/v1"),
            conflict(".spec.paused", "a \"b\"", "conflict with \"a \\\"b\\\"\" using apps/v1"),
        ];
        check(status, &ErrorKind::FieldConflicts(expected), 409);
    }

    #[test]
    fn retry_after_is_kept() {
        let status = json!({"code": 429, "reason": "TooManyRequests", "details": {"retryAfterSeconds": 7}});
        let status: kube::core::Status = serde_json::from_value(status).expect("a Status");
        let error = Error::from(status);
        assert_eq!(error.retry_after, Some(7));
        assert!(error.is_transient());
    }
}
