//! `env` (helm/helm `pkg/cmd/env.go`).

use crate::cli::{
    commands::{Command, Completes, Takes, Verb},
    report::Report,
    session::Session,
    settings,
};

/// The command.
pub const COMMAND: Command = Command {
    name: "env",
    short: "helm client environment information",
    long: "\nEnv prints out all the environment information in use by Helm.",
    takes: Takes::AtMost(1),
    completes: Completes::EnvNames,
    verb: Verb::Env,
    ..Command::EMPTY
};

/// Runs it.
pub fn run(session: &Session) -> Result<(), Report> {
    let vars = settings::env_vars(&session.env, &session.flags, &session.offline_namespace());
    session.console.print(&match session.arg(0) {
        "" if session.flags.args.is_empty() => {
            vars.iter().map(|(name, value)| format!("{name}=\"{value}\"\n")).collect()
        }
        name => format!("{}\n", vars.get(name).map_or("", String::as_str)),
    })
}
