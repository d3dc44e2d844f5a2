//! Kubeconfig, contexts, in-cluster, `--kube-*` flags, impersonation.

use std::path::PathBuf;

use super::{Cluster, Error};

/// Where and as whom to connect: Helm's `--kube-*` flags after flags and environment were merged.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ConnectOptions {
    /// Kubeconfig files in order of precedence; empty means `~/.kube/config`, then in-cluster.
    pub kubeconfig: Vec<PathBuf>,
    /// Context name.
    pub context: Option<String>,
    /// Namespace; the context's own otherwise.
    pub namespace: Option<String>,
    /// `--kube-apiserver`.
    pub api_server: Option<String>,
    /// `--kube-token`.
    pub token: Option<String>,
    /// `--kube-as-user`.
    pub as_user: Option<String>,
    /// `--kube-as-group`.
    pub as_groups: Vec<String>,
    /// `--kube-ca-file`.
    pub ca_file: Option<PathBuf>,
    /// `--kube-tls-server-name`.
    pub tls_server_name: Option<String>,
    /// `--kube-insecure-skip-tls-verify`.
    pub insecure: bool,
    /// `--qps`; 0 means no client-side limit.
    pub qps: f32,
    /// `--burst-limit`.
    pub burst: u32,
    /// Whether an interactive credential plugin may own the terminal.
    pub interactive: bool,
}

/// One context of the kubeconfig.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContextInfo {
    /// Context name.
    pub name: String,
    /// Cluster name.
    pub cluster: String,
    /// Default namespace.
    pub namespace: String,
    /// Whether it is the current one.
    pub current: bool,
}

/// The contexts of a kubeconfig, sorted by name.
pub fn contexts(_options: &ConnectOptions) -> Result<Vec<ContextInfo>, Error> {
    todo!()
}

impl Cluster {
    /// Reads the configuration and makes a client; sends no request yet.
    pub async fn connect(_options: &ConnectOptions) -> Result<Self, Error> {
        todo!()
    }

    /// The server's version, for example `v1.36.1`. The cheapest request, so also the reachability check.
    pub async fn server_version(&self) -> Result<String, Error> {
        todo!()
    }
}
