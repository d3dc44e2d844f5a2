//! An in-memory Kubernetes API behind `kube::Client`, for trying the program and for fast tests.
//!
//! It knows the kinds of its example releases; anything else answers 501, plainly.

use std::net::SocketAddr;

/// A running in-memory API server. Cheap to clone; clones share state. Dropping the last one stops its controllers.
#[derive(Clone)]
pub struct Sandbox {}

impl Sandbox {
    /// An empty cluster with the namespaces `default` and `kube-system` and simulated controllers. Needs a tokio runtime.
    pub fn empty() -> Self {
        todo!()
    }

    /// A cluster with about a dozen believable releases with history.
    pub async fn with_examples() -> Self {
        todo!()
    }

    /// A client to it, as the user `admin`.
    pub fn client(&self) -> kube::Client {
        todo!()
    }

    /// Serves the same over plain HTTP on a loopback address until dropped; returns the bound address.
    pub async fn listen(&self, _address: SocketAddr) -> std::io::Result<SocketAddr> {
        todo!()
    }

    /// A kubeconfig for an address from `listen`.
    pub fn kubeconfig(_address: SocketAddr) -> String {
        todo!()
    }
}
