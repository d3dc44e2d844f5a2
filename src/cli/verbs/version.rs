//! `version` (helm/helm `pkg/cmd/version.go`).

use crate::cli::{
    commands::{Command, Verb},
    flags::Flag,
    report::Report,
    session::Session,
};

/// The Helm whose behaviour this is, for scripts that ask for it.
const HELM: &str = "v4.2.4";
/// The Kubernetes client version that Helm has.
const KUBERNETES: &str = "v1.36";

/// The command.
pub const COMMAND: Command = Command {
    name: "version",
    short: "print the helm version information",
    long: include_str!("../help/version.txt"),
    flags: |_| {
        vec![
            Flag::bool("short", "print the version number"),
            Flag::text("template", "template for version string format"),
        ]
    },
    verb: Verb::Version,
    ..Command::EMPTY
};

/// Runs it. Go's fields come first and in Go's form, because scripts look for them.
pub fn run(session: &Session) -> Result<(), Report> {
    let own = env!("CARGO_PKG_VERSION");
    if !session.flags.text("template").is_empty() {
        return Err(Report::new("--template is not built yet in pilothouse version; use --short"));
    }
    session.console.print(&if session.flags.bool("short") {
        format!("{HELM}+pilothouse.{own}\n")
    } else {
        format!(
            "version.BuildInfo{{Version:{HELM:?}, GitCommit:\"\", GitTreeState:\"\", GoVersion:\"\", KubeClientVersion:{KUBERNETES:?}, Pilothouse:\"v{own}\"}}\n"
        )
    })
}
