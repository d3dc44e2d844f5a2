//! `dependency list|build|update` (helm/helm `pkg/cmd/dependency*.go`, `pkg/action/dependency.go`).

use std::path::{Path, PathBuf};

use crate::{
    chart::{self, Chart},
    cli::{
        commands::{Command, Completes, Takes, Verb},
        flags::{self, Flag, Kind},
        report::Report,
        session::Session,
        settings::Env,
        table::Table,
    },
    template::{clean_path, fmt::quote},
};

/// The command.
pub const COMMAND: Command = Command {
    name: "dependency",
    aliases: &["dep", "dependencies"],
    short: "manage a chart's dependencies",
    long: include_str!("../help/dependency.txt"),
    children: &[
        Command {
            name: "list",
            aliases: &["ls"],
            short: "list the dependencies for the given chart",
            long: include_str!("../help/dependency-list.txt"),
            flags: |_| {
                vec![Flag::new("max-col-width", Kind::Uint, "maximum column width for output table").default("80")]
            },
            verb: Verb::DependencyList,
            ..ONE_CHART
        },
        Command {
            name: "update",
            aliases: &["up"],
            short: "update charts/ based on the contents of Chart.yaml",
            long: include_str!("../help/dependency-update.txt"),
            verb: Verb::DependencyUpdate,
            ..ONE_CHART
        },
        Command {
            name: "build",
            short: "rebuild the charts/ directory based on the Chart.lock file",
            long: include_str!("../help/dependency-build.txt"),
            verb: Verb::DependencyBuild,
            ..ONE_CHART
        },
    ],
    ..Command::EMPTY
};

const ONE_CHART: Command = Command {
    arguments: "CHART",
    takes: Takes::AtMost(1),
    completes: Completes::Files(usize::MAX),
    flags: fetch_flags,
    ..Command::EMPTY
};

fn fetch_flags(env: &Env) -> Vec<Flag> {
    let mut flags = flags::source::credentials();
    flags.extend([
        Flag::bool("verify", "verify the packages against signatures"),
        flags::source::keyring(env, "keyring containing public keys"),
        Flag::bool("skip-refresh", "do not refresh the local repository cache"),
    ]);
    flags
}

/// `dependency update`.
pub fn update(session: &Session) -> Result<(), Report> {
    fill(session, chart::update)
}

/// `dependency build`.
pub fn build(session: &Session) -> Result<(), Report> {
    fill(session, chart::build)
}

type Fill = fn(&Path, bool, chart::Say) -> Result<Chart, chart::Error>;

fn fill(session: &Session, fill: Fill) -> Result<(), Report> {
    let mut closed = Ok(());
    let mut say = |text: &str| {
        if closed.is_ok() {
            closed = session.console.print(text);
        }
    };
    let chart = fill(&chart_path(session), session.flags.bool("debug"), &mut say)?;
    chart.notices.iter().for_each(|notice| session.console.note(&notice.to_string()));
    closed
}

/// `dependency list`.
pub fn list(session: &Session) -> Result<(), Report> {
    let path = chart_path(session);
    let chart = Chart::load_any(&path)?;
    chart.notices.iter().for_each(|notice| session.console.note(&notice.to_string()));
    if chart.metadata.dependencies.is_empty() {
        let charts = path.join("charts");
        return session.console.print(&format!("WARNING: no dependencies at {}\n", charts.display()));
    }
    let mut table = Table::default();
    table.limit(usize::try_from(session.flags.int("max-col-width")).unwrap_or_default());
    table.row(["NAME", "VERSION", "REPOSITORY", "STATUS"].map(str::to_owned));
    for dependency in &chart.metadata.dependencies {
        let status = chart.dependency_status(&path, dependency).to_owned();
        let [name, version, repository] = [&dependency.name, &dependency.version, &dependency.repository];
        table.row([name.clone(), version.clone(), repository.clone(), status]);
    }
    session.console.print(&format!("{}\n{}", table.render(), unwanted(&path, &chart)))
}

/// Warnings about charts that are there and that nothing wants.
fn unwanted(path: &Path, chart: &Chart) -> String {
    let mut warnings = String::new();
    for entry in chart::vendored(path) {
        if !entry.is_dir() && entry.extension().is_none_or(|extension| extension != "tgz") {
            continue;
        }
        let name = quote(entry.to_string_lossy().as_bytes());
        match Chart::load_any(&entry) {
            Err(_) => warnings += &format!("WARNING: {name} is not a chart.\n"),
            Ok(found) if chart.metadata.dependencies.iter().all(|wanted| wanted.name != found.name()) => {
                warnings += &format!("WARNING: {name} is not in Chart.yaml.\n");
            }
            Ok(_) => {}
        }
    }
    warnings
}

/// The chart's path, this folder where none is given.
fn chart_path(session: &Session) -> PathBuf {
    PathBuf::from(clean_path(session.arg(0)))
}
