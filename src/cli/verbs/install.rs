//! `install` (helm/helm `pkg/cmd/install.go`).

use std::time::{SystemTime, UNIX_EPOCH};

use super::status::{self, Shown};
use crate::{
    cli::{
        charts,
        commands::{Command, Completes, Takes, Verb},
        flags::{Flag, chart as chart_flags},
        operation::{self, DryRun},
        output, plan,
        report::Report,
        session::Session,
    },
    engine::{self, Options, Prepared, ServerSideMode, Source, world::World},
    release::{Release, Storage},
    render::{self, Capabilities},
};

/// The command.
pub const COMMAND: Command = Command {
    name: "install",
    arguments: "[NAME] [CHART]",
    short: "install a chart",
    long: include_str!("../help/install.txt"),
    takes: Takes::AtLeast(1),
    completes: Completes::Nothing,
    flags: |env| {
        let mut flags = chart_flags::install(env);
        flags.extend([
            hide_secret_flag(),
            operation::dry_run_flag(),
            Flag::output(),
            operation::crds_flag(),
            operation::review_flag(),
            operation::three_way_flag(),
        ]);
        flags.extend(plan::flags());
        flags
    },
    verb: Verb::Install,
    ..Command::EMPTY
};

/// `--hide-secret`.
pub fn hide_secret_flag() -> Flag {
    Flag::bool("hide-secret", "hide Kubernetes Secrets when also using the --dry-run flag")
}

/// Helm's words before the reason why an install failed.
pub const FAILED: &str = "INSTALLATION FAILED";

/// Runs it.
pub async fn run(session: &Session) -> Result<(), Report> {
    let flags = &session.flags;
    flags.exclusive(&["force-replace", "force-conflicts"])?;
    flags.exclusive(&["force", "force-conflicts"])?;
    let dry_run = operation::dry_run(session)?;
    let options = options(session)?;
    let name = name_and_chart(session, None, &World::new(&session.env.zone));
    let installed = async { install(session, name?, dry_run, options).await };
    match installed.await.map_err(|report: Report| report.context(FAILED))? {
        Some(release) => print(session, &release),
        None => Ok(()),
    }
}

/// The flags of `install` as options.
///
/// # Errors
/// As [`installing`].
pub fn options(session: &Session) -> Result<Options, Report> {
    let flags = &session.flags;
    Ok(Options {
        replace: flags.bool("replace"),
        create_namespace: flags.bool("create-namespace"),
        server_side: if flags.bool("server-side") { ServerSideMode::True } else { ServerSideMode::False },
        ..installing(session)?
    })
}

/// The flags of `install`, which `upgrade --install` has too, as options.
///
/// # Errors
/// Helm's words for an unknown `--server-side`.
pub fn installing(session: &Session) -> Result<Options, Report> {
    let flags = &session.flags;
    Ok(Options {
        rollback_on_failure: flags.bool("rollback-on-failure") || flags.bool("atomic"),
        take_ownership: flags.bool("take-ownership"),
        description: flags.text("description").to_owned(),
        labels: flags.pairs("labels"),
        crds: operation::crds(session)?,
        ..operation::options(session)?
    })
}

/// Installs, and gives the release as it was recorded or, in a dry run, as it would be; `None` where only a plan was written.
///
/// # Errors
/// Helm's words, without those that name the command.
pub async fn install(
    session: &Session,
    (name, chart): (String, String),
    dry_run: DryRun,
    options: Options,
) -> Result<Option<Release>, Report> {
    let options = Options { dry_run: dry_run != DryRun::None, ..options };
    let source = source(session, &chart)?;
    if dry_run == DryRun::Client {
        let namespace = session.offline_namespace();
        let offline = engine::offline_install(&name, &namespace, source, Capabilities::default(), &options);
        let (release, log) = offline.await?;
        log.iter().for_each(|notice| session.console.note(&notice.to_string()));
        return Ok(Some(release));
    }
    let storage = session.storage().await?;
    refuse_hiding(session, &options)?;
    let prepared = prepare(session, &storage, &name, source, &options).await?;
    if dry_run == DryRun::Server {
        if !prepared.definitions.is_empty() {
            let words = "This chart or one of its subcharts contains CRDs. Rendering may fail or contain inaccuracies.";
            session.console.note(&format!("level=WARN msg={words:?}"));
        }
        return Ok(Some(prepared.rehearsed()));
    }
    let cancelled = format!("Release {} has been cancelled.\n", session.arg(0));
    let done = operation::execute(session, &storage, prepared, &cancelled).await?;
    Ok(done.map(|outcome| outcome.release))
}

/// Prepares an install, and tells what there is to know before it happens.
///
/// # Errors
/// Those of [`engine::prepare_install`].
pub async fn prepare(
    session: &Session,
    storage: &Storage,
    name: &str,
    source: Source,
    options: &Options,
) -> Result<Prepared, Report> {
    let source = Source { world: source.world.with_cluster(storage.cluster()), ..source };
    let prepared = engine::prepare_install(storage, name, source, options).await?;
    operation::warn(session, &prepared);
    Ok(prepared)
}

/// `--hide-secret` without a dry run (helm/helm `pkg/action/install.go`).
///
/// # Errors
/// Then.
pub fn refuse_hiding(session: &Session, options: &Options) -> Result<(), Report> {
    if session.flags.bool("hide-secret") && !options.dry_run {
        return Err(Report::new("hiding Kubernetes secrets requires a dry-run mode"));
    }
    Ok(())
}

/// The chart and values of the command line.
///
/// # Errors
/// Helm's words for what cannot be found or read.
pub fn source(session: &Session, chart: &str) -> Result<Source, Report> {
    let flags = &session.flags;
    let path = charts::locate(session, chart)?;
    let values = charts::values(session)?;
    Ok(Source {
        chart: charts::load(session, &path)?,
        values,
        world: World {
            dns: flags.bool("enable-dns"),
            post_renderer: charts::post_renderer(session)?,
            ..World::new(&session.env.zone)
        },
        skip_schema_validation: flags.bool("skip-schema-validation"),
        sub_chart_notes: flags.bool("render-subchart-notes"),
        hide_secrets: flags.bool("hide-secret"),
    })
}

/// Prints a release as `status` does, in the format asked for.
///
/// # Errors
/// Standard output that is closed.
pub fn print(session: &Session, release: &Release) -> Result<(), Report> {
    let text = match session.flags.text("output") {
        "json" => output::json(&status::encoded(release)),
        "yaml" => output::yaml(&status::encoded(release)),
        _ => {
            let shown = Shown {
                metadata: false,
                everything: session.flags.bool("debug"),
                resources: String::new(),
                notes: !session.flags.bool("hide-notes"),
            };
            status::text(session, release, &shown)
        }
    };
    session.console.print(&text)
}

/// The release's name and the chart, from arguments and flags; a name is made up where the flags say so, or it is
/// `fallback` (`NameAndChart` of helm/helm `pkg/action/install.go`). `world` is what a template of the name sees.
///
/// # Errors
/// Helm's words for names given twice, or not at all.
pub fn name_and_chart(session: &Session, fallback: Option<&str>, world: &World) -> Result<(String, String), Report> {
    let template = session.flags.text("name-template");
    let refused = |flag: &str| Err(Report::new(format!("cannot set --{flag} and also specify a name")));
    match session.flags.args.as_slice() {
        [_, _, rest @ ..] if !rest.is_empty() => {
            Err(Report::new(format!("expected at most two arguments, unexpected arguments: {}", rest.join(", "))))
        }
        [_, _, ..] if session.flags.bool("generate-name") => refused("generate-name"),
        [_, _, ..] if !template.is_empty() => refused("name-template"),
        [name, chart, ..] => Ok((name.clone(), chart.clone())),
        [chart] if !template.is_empty() => {
            let name = render::name(template, world).map_err(|error| Report::new(error.message))?;
            Ok((name, chart.clone()))
        }
        rest => {
            let chart = rest.first().cloned().unwrap_or_default();
            match fallback {
                Some(name) => Ok((name.to_owned(), chart)),
                None if session.flags.bool("generate-name") => Ok((generated(&chart), chart)),
                None => Err(Report::new("must either provide a name or specify --generate-name")),
            }
        }
    }
}

/// A name from a chart's path and the time, `nginx-1700000000`.
fn generated(chart: &str) -> String {
    let base = chart.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let base = if matches!(base, "" | ".") { "chart" } else { base };
    let base = base.split('.').next().unwrap_or_default();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    format!("{base}-{}", now.as_secs())
}
