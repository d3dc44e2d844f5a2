//! Pod logs, events, metrics.

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{Cluster, Error, read::Target};
use crate::manifest::Object;

/// One event of an object, newest first in lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventInfo {
    /// `Normal` or `Warning`.
    pub kind: String,
    /// Reason, for example `BackOff`.
    pub reason: String,
    /// Message.
    pub message: String,
    /// How often.
    pub count: u32,
    /// RFC 3339 time it was last seen.
    pub last_seen: String,
    /// `Kind/name` it is about.
    pub object: String,
}

/// Use of a container against its limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerUse {
    /// Pod.
    pub pod: String,
    /// Container.
    pub container: String,
    /// Millicores used.
    pub cpu_milli: u64,
    /// Bytes used.
    pub memory_bytes: u64,
}

impl Cluster {
    /// Streams log lines of one container (the first when empty) to `lines`, following when asked, until cancelled.
    pub async fn logs(
        &self,
        _namespace: &str,
        _pod: &str,
        _container: &str,
        _tail: u32,
        _follow: bool,
        _lines: mpsc::Sender<String>,
        _cancel: &CancellationToken,
    ) -> Result<(), Error> {
        todo!()
    }

    /// The whole log of a container, for hook output.
    pub async fn log_text(
        &self,
        _namespace: &str,
        _pod: &str,
        _container: &str,
    ) -> Result<String, Error> {
        todo!()
    }

    /// Events about an object, newest first.
    pub async fn events_of(&self, _object: &Object) -> Result<Vec<EventInfo>, Error> {
        todo!()
    }

    /// Events of a namespace, newest first.
    pub async fn events(&self, _namespace: &str) -> Result<Vec<EventInfo>, Error> {
        todo!()
    }

    /// Use of the pods of a namespace from metrics.k8s.io; empty when metrics do not answer.
    pub async fn pod_use(&self, _namespace: &str) -> Vec<ContainerUse> {
        todo!()
    }

    /// The pod targets a Job or Pod hook ran as, for reading logs.
    pub async fn hook_pods(&self, _target: &Target) -> Result<Vec<Object>, Error> {
        todo!()
    }
}
