//! `version` (helm/helm `pkg/cmd/version.go`).

use std::rc::Rc;

use crate::{
    cli::{
        commands::{Command, Verb},
        flags::Flag,
        report::Report,
        session::Session,
    },
    engine::world::World,
    render, template,
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
    let template = session.flags.text("template");
    if !template.is_empty() {
        let info = [
            ("Version", HELM),
            ("GitCommit", ""),
            ("GitTreeState", ""),
            ("GoVersion", ""),
            ("KubeClientVersion", KUBERNETES),
            ("Pilothouse", concat!("v", env!("CARGO_PKG_VERSION"))),
        ];
        let info = template::Map::from_iter(info.map(|(name, value)| (Rc::from(name), template::Value::from(value))));
        let text = render::text("_", template, info.into(), &World::new(&session.env.zone));
        return session.console.print(&text.map_err(|error| Report::new(error.message))?);
    }
    session.console.print(&if session.flags.bool("short") {
        format!("{HELM}+pilothouse.{own}\n")
    } else {
        format!(
            "version.BuildInfo{{Version:{HELM:?}, GitCommit:\"\", GitTreeState:\"\", GoVersion:\"\", KubeClientVersion:{KUBERNETES:?}, Pilothouse:\"v{own}\"}}\n"
        )
    })
}
