//! Kubernetes through `kube`: connect, discover, read, apply, wait, watch, logs, events, access.

pub mod access;
pub mod apply;
mod blockers;
pub mod connect;
mod credentials;
pub mod discovery;
pub mod error;
mod fetch;
pub mod logs;
mod owned;
pub mod protobuf;
pub mod read;
pub mod readiness;
mod request;
pub mod schema;
mod shared;
pub mod table;
mod transport;
pub mod wait;
mod watch;

use std::sync::Arc;

pub use connect::{ConnectOptions, ContextInfo, Interactive, contexts};
pub use error::{Error, ErrorKind};
pub use fetch::{FetchError, fetch};
pub(crate) use request::in_time;

/// A connection to one cluster. Cheap to clone; all clones share discovery and connection.
#[derive(Clone)]
pub struct Cluster {
    inner: Arc<Inner>,
}

struct Inner {
    client: kube::Client,
    context: String,
    namespace: String,
    server: String,
    discovery: Arc<discovery::Cache>,
    clock: Arc<transport::Clock>,
}

impl Cluster {
    /// Wraps a client, such as the sandbox's or one to a real server.
    pub fn from_client(client: kube::Client, context: impl Into<String>, namespace: impl Into<String>) -> Self {
        Self::new(client, context.into(), namespace.into(), String::new(), Arc::default())
    }

    fn new(
        client: kube::Client,
        context: String,
        namespace: String,
        server: String,
        clock: Arc<transport::Clock>,
    ) -> Self {
        let discovery = Arc::default();
        Self { inner: Arc::new(Inner { client, context, namespace, server, discovery, clock }) }
    }

    /// The same connection with another default namespace; discovery is shared.
    #[must_use]
    pub fn with_namespace(&self, namespace: &str) -> Self {
        let inner = &*self.inner;
        Self {
            inner: Arc::new(Inner {
                client: inner.client.clone(),
                context: inner.context.clone(),
                namespace: namespace.to_owned(),
                server: inner.server.clone(),
                discovery: Arc::clone(&inner.discovery),
                clock: Arc::clone(&inner.clock),
            }),
        }
    }

    /// The kubeconfig context's name.
    pub fn context(&self) -> &str {
        &self.inner.context
    }

    /// The default namespace.
    pub fn namespace(&self) -> &str {
        &self.inner.namespace
    }

    /// The server's URL, empty for a wrapped client.
    pub fn server(&self) -> &str {
        &self.inner.server
    }

    /// Now, in seconds since 1970: by the server's clock as far as its answers told it, so that clients whose clocks differ
    /// agree.
    pub fn now(&self) -> i64 {
        self.inner.clock.now()
    }

    /// The client, for the release drivers only.
    pub(crate) fn client(&self) -> &kube::Client {
        &self.inner.client
    }

    fn discovery(&self) -> &discovery::Cache {
        &self.inner.discovery
    }
}

#[cfg(test)]
mod tests;
