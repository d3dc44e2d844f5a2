//! `create` (helm/helm `pkg/cmd/create.go`).

use std::path::{Path, PathBuf};

use crate::{
    chart,
    cli::{
        commands::{Command, Completes, Takes, Verb},
        flags::Flag,
        report::Report,
        session::Session,
    },
    template::clean_path,
};

/// The command.
pub const COMMAND: Command = Command {
    name: "create",
    arguments: "NAME",
    short: "create a new chart with the given name",
    long: include_str!("../help/create.txt"),
    takes: Takes::Exactly(1),
    completes: Completes::Files(1),
    flags: |_| {
        vec![
            Flag::text("starter", "the name or absolute path to Helm starter scaffold").short('p'),
            Flag::text("chart-api-version", "chart API version to use (v2 or v3)").default("v2").hidden(),
        ]
    },
    verb: Verb::Create,
    ..Command::EMPTY
};

/// Runs it.
pub fn run(session: &Session) -> Result<(), Report> {
    let path = session.arg(0);
    session.console.print(&format!("Creating {path}\n"))?;
    match session.flags.text("chart-api-version") {
        "v2" | "" => {}
        "v3" => {
            return Err(Report::new("charts of apiVersion v3 are experimental in Helm and not built in pilothouse"));
        }
        other => {
            return Err(Report::new(format!("unsupported chart API version: {other} (supported: v2, v3)")));
        }
    }
    let (folder, name) = split(path);
    let starter = session.flags.text("starter");
    let own = session.env.data(&format!("starters/{starter}"));
    let warnings = match starter {
        "" => chart::create(chart::Starter::Helm, &name, &folder)?,
        "web-db" if !Path::new(&own).exists() => chart::create(chart::Starter::WebDb, &name, &folder)?,
        _ => {
            let path = if Path::new(starter).is_absolute() { PathBuf::from(starter) } else { PathBuf::from(own) };
            let notices = chart::create_from(&path, &name, &folder)?;
            notices.iter().for_each(|notice| session.console.note(&notice.to_string()));
            Vec::new()
        }
    };
    warnings.iter().try_for_each(|warning| session.console.print(&format!("{warning}\n")))
}

/// Go's `filepath.Dir` and `filepath.Base`.
fn split(path: &str) -> (PathBuf, String) {
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let folder = if folder.is_empty() && path.starts_with('/') { "/" } else { folder };
    let trimmed = path.trim_end_matches('/');
    let name = match trimmed.rsplit('/').next().unwrap_or_default() {
        "" if path.is_empty() => ".",
        "" => "/",
        name => name,
    };
    (clean_path(folder).into(), name.to_owned())
}
