//! The release record: Helm's type, its codec, its storage drivers, rules of history.

pub mod chart;
pub mod codec;
pub mod history;
pub mod record;
pub mod storage;

mod values;

pub use chart::{Chart, ChartMetadata};
pub use codec::Summary;
pub use record::{ApplyMethod, Hook, HookEvent, HookRun, Info, Release, Status};
pub use storage::{Driver, RecordMeta, Storage};

/// What is wrong with records or their storage.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// No such release or revision, in Helm's words (`release: not found`).
    #[error("release: not found")]
    NotFound,
    /// The record exists already (`release: already exists`): someone else took this revision.
    #[error("release: already exists")]
    Exists,
    /// `NAME has no deployed releases`.
    #[error("{0:?} has no deployed releases")]
    NoDeployed(String),
    /// The record cannot be decoded: truncated, corrupt or not Helm's.
    #[error("record {record}: {message}")]
    Corrupt {
        /// Object name of the record.
        record: String,
        /// What is wrong and where.
        message: String,
    },
    /// The record is larger than Kubernetes stores; told before anything is written.
    #[error(
        "record {record} would be {bytes} bytes, and Kubernetes stores no more than 1048576: before compression, {parts}"
    )]
    TooLarge {
        /// Object name of the record.
        record: String,
        /// Size of the record, encoded.
        bytes: usize,
        /// What it is made of, in bytes, largest first: what to trim.
        parts: String,
    },
    /// The record changed under us: its status or resourceVersion is not what was read.
    #[error("record {record} was changed by someone else")]
    Moved {
        /// Object name of the record.
        record: String,
    },
    /// The cluster answered with an error.
    #[error(transparent)]
    Cluster(#[from] crate::cluster::Error),
    /// The database of the records refuses, or is not there.
    #[error("{0}")]
    Database(String),
    /// The database of the records does not answer now, which may pass.
    #[error("{0}")]
    Unanswered(String),
    /// The environment names no driver, or one whose data cannot be read.
    #[error("{0}")]
    Driver(String),
}

#[cfg(test)]
mod tests;
