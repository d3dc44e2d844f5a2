//! `env` (helm/helm `pkg/cmd/env.go`).

use crate::{
    cli::{
        commands::{Command, Completes, Takes, Verb},
        report::Report,
        session::Session,
        settings,
    },
    cluster,
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
    let vars = settings::env_vars(&session.env, &session.flags, &namespace(session));
    session.console.print(&match session.arg(0) {
        "" if session.flags.args.is_empty() => {
            vars.iter().map(|(name, value)| format!("{name}=\"{value}\"\n")).collect()
        }
        name => format!("{}\n", vars.get(name).map_or("", String::as_str)),
    })
}

/// The namespace in force, without asking the cluster: the flag's, the context's, or `default`.
fn namespace(session: &Session) -> String {
    let options = settings::connect_options(&session.env, &session.flags);
    if let Some(namespace) = options.namespace.clone() {
        return namespace;
    }
    let chosen = options.context.clone();
    let contexts = cluster::contexts(&options).unwrap_or_default();
    let context = contexts.into_iter().find(|context| match &chosen {
        Some(name) => context.name == *name,
        None => context.current,
    });
    context.map(|context| context.namespace).filter(|namespace| !namespace.is_empty()).unwrap_or("default".to_owned())
}
