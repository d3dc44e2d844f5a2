//! Kubernetes through `kube`: connect, discover, read, apply, wait, watch, logs, events, access.

pub mod access;
pub mod apply;
pub mod connect;
pub mod discovery;
pub mod error;
pub mod logs;
pub mod read;
pub mod readiness;
pub mod schema;
pub mod wait;

use std::sync::Arc;

pub use connect::{ConnectOptions, ContextInfo, contexts};
pub use error::{Error, ErrorKind};

/// A connection to one cluster. Cheap to clone; all clones share discovery and connection.
#[derive(Clone)]
pub struct Cluster {
    inner: Arc<Inner>,
}

struct Inner {
    client: kube::Client,
    context: String,
    namespace: String,
    discovery: discovery::Cache,
}

impl Cluster {
    /// Wraps a client, such as the sandbox's or one to a real server.
    pub fn from_client(
        client: kube::Client,
        context: impl Into<String>,
        namespace: impl Into<String>,
    ) -> Self {
        Self {
            inner: Arc::new(Inner {
                client,
                context: context.into(),
                namespace: namespace.into(),
                discovery: discovery::Cache::default(),
            }),
        }
    }

    /// The same connection with another default namespace; discovery is shared where possible.
    #[must_use]
    pub fn with_namespace(&self, _namespace: &str) -> Self {
        todo!()
    }

    /// The kubeconfig context's name.
    pub fn context(&self) -> &str {
        &self.inner.context
    }

    /// The default namespace.
    pub fn namespace(&self) -> &str {
        &self.inner.namespace
    }

    /// The client, for the release drivers only.
    pub(crate) fn client(&self) -> &kube::Client {
        &self.inner.client
    }

    pub(crate) fn discovery(&self) -> &discovery::Cache {
        &self.inner.discovery
    }
}
