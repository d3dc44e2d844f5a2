//! What can go wrong when talking to a cluster.

/// The cause, for deciding what to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ErrorKind {
    /// No usable kubeconfig, context or credential helper.
    Config,
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
}

impl Error {
    /// An error without an HTTP answer.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            code: 0,
            message: message.into(),
            retry_after: None,
        }
    }
}

impl From<kube::Error> for Error {
    fn from(_error: kube::Error) -> Self {
        todo!()
    }
}
