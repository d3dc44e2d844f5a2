//! `rollback` (helm/helm `pkg/cmd/rollback.go`).

use crate::{
    cli::{
        commands::{Command, Completes, Takes, Verb},
        flags::{Flag, chart as chart_flags},
        operation::{self, DryRun},
        plan,
        report::Report,
        session::Session,
    },
    engine::{self, Options, Prepared, RollbackTarget, prepare::valid_name},
    release::Storage,
};

/// The command.
pub const COMMAND: Command = Command {
    name: "rollback",
    arguments: "<RELEASE> [REVISION]",
    short: "roll back a release to a previous revision",
    long: include_str!("../help/rollback.txt"),
    takes: Takes::AtLeast(1),
    completes: Completes::ReleaseAndRevisions(1),
    flags: |env| {
        let mut flags = helm_flags();
        flags.push(operation::history_max_flag(env.max_history()));
        flags.extend([last_good_flag(), operation::review_flag(), operation::three_way_flag()]);
        flags.push(operation::recreate_flag());
        flags.extend(plan::flags());
        flags
    },
    verb: Verb::Rollback,
    ..Command::EMPTY
};

fn helm_flags() -> Vec<Flag> {
    vec![
        Flag::bool("force-replace", "force resource updates by replacement"),
        Flag::bool("force", "deprecated").deprecated("use --force-replace instead"),
        Flag::bool("force-conflicts", "if set server-side apply will force changes against conflicts"),
        operation::server_side_flag(),
        Flag::bool("no-hooks", "prevent hooks from running during rollback"),
        chart_flags::timeout(),
        chart_flags::wait_for_jobs(),
        Flag::bool("cleanup-on-fail", "allow deletion of new resources created in this rollback when rollback fails"),
        operation::dry_run_flag(),
        chart_flags::wait(),
    ]
}

/// `--last-good`.
pub fn last_good_flag() -> Flag {
    Flag::bool("last-good", "roll back to the newest revision below the current one that really was deployed").own()
}

/// Runs it.
pub async fn run(session: &Session) -> Result<(), Report> {
    let flags = &session.flags;
    flags.exclusive(&["force", "force-conflicts"])?;
    flags.exclusive(&["force-replace", "force-conflicts"])?;
    let target = target(session)?;
    let dry_run = operation::dry_run(session)?;
    let storage = session.storage().await?;
    let prepared = prepare(session, &storage, target).await?;
    match dry_run {
        DryRun::None => {
            if operation::execute(session, &storage, prepared, "").await?.is_none() {
                return Ok(());
            }
        }
        DryRun::Server => drop(operation::preview(session, &storage, &prepared).await?),
        DryRun::Client if flags.bool("review") => drop(operation::preview(session, &storage, &prepared).await?),
        DryRun::Client => {}
    }
    done(session)
}

/// Says that it is rolled back.
///
/// # Errors
/// Standard output that is closed.
pub fn done(session: &Session) -> Result<(), Report> {
    session.console.print("Rollback was a success! Happy Helming!\n")
}

/// Prepares what the command line asks for, and tells what there is to know before it happens.
pub async fn prepare(session: &Session, storage: &Storage, target: RollbackTarget) -> Result<Prepared, Report> {
    let name = session.arg(0);
    if !valid_name(name) {
        return Err(Report::new(format!("prepareRollback: Release name is invalid: {name}")));
    }
    if matches!(session.flags.args.get(1).map(|revision| revision.starts_with('-')), Some(true)) {
        return Err(Report::new("invalid release revision"));
    }
    let options = Options {
        cleanup_on_fail: session.flags.bool("cleanup-on-fail"),
        history_max: usize::try_from(session.flags.int("history-max")).unwrap_or_default(),
        ..operation::options(session)?
    };
    let prepared = engine::prepare_rollback(storage, name, target, &options).await?;
    operation::warn(session, &prepared);
    Ok(prepared)
}

/// The revision asked for, by argument or `--last-good`.
pub fn target(session: &Session) -> Result<RollbackTarget, Report> {
    let Some(revision) = session.flags.args.get(1) else {
        let last_good = session.flags.bool("last-good");
        return Ok(if last_good { RollbackTarget::LastGood } else { RollbackTarget::Previous });
    };
    if session.flags.bool("last-good") {
        return Err(Report::new("a revision and --last-good exclude each other"));
    }
    let number = atoi(revision).map_err(|error| error.context("could not convert revision to a number"))?;
    Ok(match u32::try_from(number) {
        Ok(0) => RollbackTarget::Previous,
        Ok(revision) => RollbackTarget::Revision(revision),
        // Refused in `prepare`, after the release's name as Helm does, when negative; no revision is this large.
        Err(_) => RollbackTarget::Revision(u32::MAX),
    })
}

/// Go's `strconv.Atoi`.
pub fn atoi(text: &str) -> Result<i64, Report> {
    let wrong = |why: &str| Report::new(format!("strconv.Atoi: parsing {text:?}: {why}"));
    text.parse::<i64>().map_err(|error| match error.kind() {
        std::num::IntErrorKind::PosOverflow | std::num::IntErrorKind::NegOverflow => wrong("value out of range"),
        _ => wrong("invalid syntax"),
    })
}
