//! `sandbox`: serves the embedded example cluster, so that kubectl and real Helm can look at it.

use std::net::SocketAddr;

use crate::cli::operation::until_interrupted;
use crate::{
    cli::{
        commands::{Command, Verb},
        flags::Flag,
        report::Report,
        session::Session,
    },
    sandbox::Sandbox,
};

/// The command.
pub const COMMAND: Command = Command {
    name: "sandbox",
    short: "serve the embedded example cluster over HTTP",
    long: "\nThis command serves an in-memory Kubernetes API with example releases on a loopback address, until it is\ninterrupted. It is for trying Pilothouse and is no cluster: nothing runs, and nothing stays.",
    flags: |_| {
        vec![
            Flag::text("listen", "loopback address and port to serve on; port 0 picks a free one")
                .default("127.0.0.1:0")
                .own(),
            Flag::text("write-kubeconfig", "where to write the kubeconfig; a temporary file when empty").own(),
        ]
    },
    verb: Verb::Sandbox,
    ..Command::EMPTY
};

/// Runs it until SIGINT or SIGTERM.
pub async fn run(session: &Session) -> Result<(), Report> {
    let wanted = session.flags.text("listen");
    let address: SocketAddr = wanted
        .parse()
        .map_err(|_| Report::new(format!("--listen {wanted:?} is no address")).hint("for example 127.0.0.1:6443"))?;
    if !address.ip().is_loopback() {
        let report = Report::new(format!("--listen {address} is not a loopback address"));
        return Err(report.hint("the sandbox asks for no password, so it is served on this machine only"));
    }
    let sandbox = Sandbox::with_examples().await;
    let bound = sandbox.listen(address).await.map_err(|error| Report::new(format!("listen on {address}: {error}")))?;
    let file = kubeconfig(session.flags.text("write-kubeconfig"), &Sandbox::kubeconfig(bound))
        .map_err(|error| Report::new(format!("write the kubeconfig: {error}")))?;
    session.console.print(&format!("export KUBECONFIG={}\n", file.path()))?;
    session.console.note(&format!("serving the sandbox on http://{bound}; ctrl-c ends it"));
    until_interrupted().await
}

/// The kubeconfig's file; a temporary one goes when this is dropped.
enum File {
    Named(String),
    Temporary(tempfile::NamedTempFile),
}

impl File {
    fn path(&self) -> String {
        match self {
            Self::Named(path) => path.clone(),
            Self::Temporary(file) => file.path().to_string_lossy().into_owned(),
        }
    }
}

fn kubeconfig(path: &str, text: &str) -> std::io::Result<File> {
    if !path.is_empty() {
        std::fs::write(path, text)?;
        return Ok(File::Named(path.to_owned()));
    }
    let file = tempfile::Builder::new().prefix("pilothouse-").suffix(".kubeconfig").tempfile()?;
    std::fs::write(file.path(), text)?;
    Ok(File::Temporary(file))
}
