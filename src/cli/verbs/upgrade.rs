//! `upgrade` (helm/helm `pkg/cmd/upgrade.go`).

use super::install;
use crate::{
    cli::{
        commands::{Command, Completes, Takes, Verb},
        flags::{Flag, Kind, chart as chart_flags},
        operation::{self, DryRun},
        plan,
        report::Report,
        session::Session,
    },
    engine::{self, Options, Prepared, Reuse, Source, prepare::history},
    release::{self, Release, Status, Storage},
};

/// The command.
pub const COMMAND: Command = Command {
    name: "upgrade",
    arguments: "[RELEASE] [CHART]",
    short: "upgrade a release",
    long: include_str!("../help/upgrade.txt"),
    takes: Takes::Exactly(2),
    completes: Completes::Release,
    flags: |env| {
        let mut flags = helm_flags();
        flags.push(operation::history_max_flag(env.max_history()));
        flags.extend([chart_flags::wait(), chart_flags::wait_for_jobs()]);
        flags.extend(chart_flags::post_rendering());
        flags.extend(chart_flags::values());
        flags.extend(chart_flags::chart_source(env));
        flags.extend([operation::crds_flag(), operation::review_flag(), operation::three_way_flag()]);
        flags.push(operation::recreate_flag());
        flags.extend(plan::flags());
        flags
    },
    verb: Verb::Upgrade,
    ..Command::EMPTY
};

fn helm_flags() -> Vec<Flag> {
    vec![
        Flag::bool("create-namespace", "if --install is set, create the release namespace if not present"),
        Flag::bool("install", "if a release by this name doesn't already exist, run an install").short('i'),
        Flag::bool(
            "devel",
            "use development versions, too. Equivalent to version '>0.0.0-0'. If --version is set, this is ignored",
        ),
        install::hide_secret_flag(),
        Flag::bool("force-replace", "force resource updates by replacement"),
        Flag::bool("force", "deprecated").deprecated("use --force-replace instead").sets("force-replace"),
        Flag::bool("force-conflicts", "if set server-side apply will force changes against conflicts"),
        operation::server_side_flag(),
        Flag::bool("no-hooks", "disable pre/post upgrade hooks"),
        Flag::bool(
            "disable-openapi-validation",
            "if set, the upgrade process will not validate rendered templates against the Kubernetes OpenAPI Schema",
        ),
        Flag::bool(
            "skip-crds",
            "if set, no CRDs will be installed when an upgrade is performed with install flag enabled. By default, CRDs are installed if not already present, when an upgrade is performed with install flag enabled",
        ),
        chart_flags::timeout(),
        Flag::bool("reset-values", "when upgrading, reset the values to the ones built into the chart"),
        Flag::bool(
            "reuse-values",
            "when upgrading, reuse the last release's values and merge in any overrides from the command line via --set and -f. If '--reset-values' is specified, this is ignored",
        ),
        Flag::bool(
            "reset-then-reuse-values",
            "when upgrading, reset the values to the ones built into the chart, apply the last release's values and merge in any overrides from the command line via --set and -f. If '--reset-values' or '--reuse-values' is specified, this is ignored",
        ),
        Flag::bool(
            "rollback-on-failure",
            r#"if set, Helm will rollback the upgrade to previous success release upon failure. The --wait flag will be defaulted to "watcher" if --rollback-on-failure is set"#,
        ),
        Flag::bool("atomic", "deprecated").deprecated("use --rollback-on-failure instead").sets("rollback-on-failure"),
        Flag::bool("cleanup-on-fail", "allow deletion of new resources created in this upgrade when upgrade fails"),
        Flag::bool("render-subchart-notes", "if set, render subchart notes along with the parent"),
        Flag::bool(
            "hide-notes",
            "if set, do not show notes in upgrade output. Does not affect presence in chart metadata",
        ),
        Flag::bool("skip-schema-validation", "if set, disables JSON schema validation"),
        Flag::new(
            "labels",
            Kind::Pairs,
            "Labels that would be added to release metadata. Should be separated by comma. Original release labels will be merged with upgrade labels. You can unset label using null.",
        )
        .short('l'),
        Flag::text("description", "add a custom description"),
        Flag::bool("dependency-update", "update dependencies if they are missing before installing the chart"),
        Flag::bool("enable-dns", "enable DNS lookups when rendering templates"),
        Flag::bool(
            "take-ownership",
            "if set, upgrade will ignore the check for helm annotations and take ownership of the existing resources",
        ),
        operation::dry_run_flag(),
        Flag::output(),
    ]
}

/// Helm's words before the reason why an upgrade failed.
pub const FAILED: &str = "UPGRADE FAILED";

/// Runs it.
pub async fn run(session: &Session) -> Result<(), Report> {
    let flags = &session.flags;
    flags.exclusive(&["force-replace", "force-conflicts"])?;
    flags.exclusive(&["force", "force-conflicts"])?;
    let dry_run = operation::dry_run(session)?;
    let options = Options { dry_run: dry_run != DryRun::None, ..options(session)? };
    if flags.bool("install")
        && let Some(options) = installing_instead(session).await?
    {
        if flags.text("output") == "table" && flags.text("plan-out").is_empty() {
            session.console.print(&format!("Release {:?} does not exist. Installing it now.\n", session.arg(0)))?;
        }
        let named = (session.arg(0).to_owned(), session.arg(1).to_owned());
        return match install::install(session, named, dry_run, options).await? {
            Some(release) => install::print(session, &release),
            None => Ok(()),
        };
    }
    let source = install::source(session, session.arg(1))?;
    let upgraded = upgrade(session, source, dry_run, options).await;
    match upgraded.map_err(|report| report.context(FAILED))? {
        Some(release) => done(session, &release),
        None => Ok(()),
    }
}

/// Says that it is upgraded, and prints the release.
///
/// # Errors
/// Standard output that is closed.
pub fn done(session: &Session, release: &Release) -> Result<(), Report> {
    if session.flags.text("output") == "table" {
        session.console.print(&format!("Release {:?} has been upgraded. Happy Helming!\n", release.name))?;
    }
    install::print(session, release)
}

/// Upgrades, and gives the release as [`install::install`] does.
async fn upgrade(
    session: &Session,
    source: Source,
    dry_run: DryRun,
    options: Options,
) -> Result<Option<Release>, Report> {
    let storage = session.storage().await?;
    install::refuse_hiding(session, &options)?;
    let source = match dry_run {
        DryRun::Client => source,
        _ => Source { world: source.world.with_cluster(storage.cluster()), ..source },
    };
    let prepared = prepare(session, &storage, source, &options).await?;
    if dry_run == DryRun::Server {
        operation::preview(session, &storage, &prepared).await?;
    }
    if options.dry_run {
        return Ok(Some(prepared.rehearsed()));
    }
    let cancelled = format!("Release {} has been cancelled.\n", session.arg(0));
    let done = operation::execute(session, &storage, prepared, &cancelled).await?;
    Ok(done.map(|outcome| outcome.release))
}

/// Prepares an upgrade, and tells what there is to know before it happens.
///
/// # Errors
/// Those of [`engine::prepare_upgrade`].
pub async fn prepare(
    session: &Session,
    storage: &Storage,
    source: Source,
    options: &Options,
) -> Result<Prepared, Report> {
    let prepared = engine::prepare_upgrade(storage, session.arg(0), source, options).await?;
    operation::warn(session, &prepared);
    Ok(prepared)
}

/// The flags of an upgrade as options.
///
/// # Errors
/// As [`install::installing`].
pub fn options(session: &Session) -> Result<Options, Report> {
    let flags = &session.flags;
    Ok(Options {
        cleanup_on_fail: flags.bool("cleanup-on-fail"),
        history_max: usize::try_from(flags.int("history-max")).unwrap_or_default(),
        reuse: reuse(session),
        ..install::installing(session)?
    })
}

/// The flags of an upgrade as options of an install, where `--install` has to install instead.
///
/// # Errors
/// Helm's words for records that cannot be listed, and those of [`install::installing`].
pub async fn installing_instead(session: &Session) -> Result<Option<Options>, Report> {
    let Some(replace) = absent(session).await? else { return Ok(None) };
    let create_namespace = session.flags.bool("create-namespace");
    Ok(Some(Options { replace, create_namespace, ..install::installing(session)? }))
}

/// Whether `--install` has to install: there is no release, or its newest revision is uninstalled, which is `true`.
async fn absent(session: &Session) -> Result<Option<bool>, Report> {
    match history(&session.storage().await?, session.arg(0)).await {
        Err(release::Error::NotFound) => Ok(Some(false)),
        history => {
            let newest = history?.pop().map(|meta| meta.status);
            Ok((newest == Some(Status::Uninstalled)).then_some(true))
        }
    }
}

fn reuse(session: &Session) -> Reuse {
    let on = |flag| session.flags.bool(flag);
    if on("reset-values") {
        Reuse::Reset
    } else if on("reuse-values") {
        Reuse::Values
    } else if on("reset-then-reuse-values") {
        Reuse::OverNewDefaults
    } else {
        Reuse::WhenNoneGiven
    }
}
