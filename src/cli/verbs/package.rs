//! `package` (helm/helm `pkg/cmd/package.go`, `pkg/action/package.go`).

use std::{fs, path::Path};

use crate::{
    chart::{self, Chart},
    cli::{
        commands::{Command, Completes, Takes, Verb},
        flags::{self, Flag},
        report::Report,
        session::Session,
        settings::Env,
    },
    version::Version,
};

/// The command.
pub const COMMAND: Command = Command {
    name: "package",
    arguments: "[CHART_PATH] [...]",
    short: "package a chart directory into a chart archive",
    long: include_str!("../help/package.txt"),
    takes: Takes::Any,
    completes: Completes::Files(usize::MAX),
    flags: own_flags,
    verb: Verb::Package,
    ..Command::EMPTY
};

fn own_flags(env: &Env) -> Vec<Flag> {
    let mut flags = flags::source::credentials();
    flags.extend([
        Flag::bool("sign", "use a PGP private key to sign this package"),
        Flag::text("key", "name of the key to use when signing. Used if --sign is true"),
        flags::source::keyring(env, "location of a public keyring"),
        Flag::text(
            "passphrase-file",
            r#"location of a file which contains the passphrase for the signing key. Use "-" in order to read from stdin."#,
        ),
        Flag::text("version", "set the version on the chart to this semver version"),
        Flag::text("app-version", "set the appVersion on the chart to this version"),
        Flag::text("destination", "location to write the chart.").short('d').default("."),
        Flag::bool("dependency-update", r#"update dependencies from "Chart.yaml" to dir "charts/" before packaging"#)
            .short('u'),
    ]);
    flags
}

/// Runs it.
pub fn run(session: &Session) -> Result<(), Report> {
    let flags = &session.flags;
    if flags.args.is_empty() {
        return Err(Report::new("need at least one argument, the path to the chart"));
    }
    if flags.bool("sign") {
        return Err(match (flags.text("key"), flags.text("keyring")) {
            ("", _) => Report::new("--key is required for signing a package"),
            (_, "") => Report::new("--keyring is required for signing a package"),
            _ => Report::new("signing is not built yet in pilothouse package; use helm package --sign"),
        });
    }
    flags.args.iter().try_for_each(|path| package(session, path))
}

fn package(session: &Session, path: &str) -> Result<(), Report> {
    let flags = &session.flags;
    let folder = std::path::absolute(path).map_err(|error| Report::new(error.to_string()))?;
    fs::metadata(path).map_err(|error| Report::new(format!("stat {path}: {}", chart::go_words(&error))))?;
    if flags.bool("dependency-update") {
        let updated = chart::update(&folder, flags.bool("debug"), &mut |_| {})?;
        updated.notices.iter().for_each(|notice| session.console.note(&notice.to_string()));
    }
    let mut chart = Chart::load_folder(&folder)?;
    chart.notices.iter().for_each(|notice| session.console.note(&notice.to_string()));
    let metadata = &mut chart.metadata;
    let given = |name, target: &mut String| match flags.text(name) {
        "" => {}
        text => text.clone_into(target),
    };
    given("version", &mut metadata.version);
    Version::parse(&metadata.version)?;
    given("app-version", &mut metadata.app_version);
    let missing = chart.missing_dependencies();
    if !missing.is_empty() {
        let missing = missing.join(", ");
        return Err(Report::new(format!("found in Chart.yaml, but missing in charts/ directory: {missing}")));
    }
    let destination = match flags.text("destination") {
        "." => std::path::absolute(".").map_err(|error| Report::new(error.to_string()))?,
        destination => Path::new(destination).to_owned(),
    };
    let saved = chart.save(&destination).map_err(|error| Report::from(error).context("failed to save"))?;
    session.console.print(&format!("Successfully packaged chart and saved it to: {}\n", saved.display()))
}
