//! `rollback` (helm/helm `pkg/cmd/rollback.go`).

use std::sync::Arc;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::{
    cli::{
        commands::{Command, Completes, Takes, Verb},
        console::Console,
        flags::{Flag, Kind, Parsed},
        report::Report,
        session::Session,
        verbs::{self, diff},
    },
    engine::{self, Basis, Options, Prepared, Progress, RollbackTarget, ServerSideMode, prepare::valid_name},
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
        flags.push(
            Flag::int("history-max", "limit the maximum number of revisions saved per release. Use 0 for no limit")
                .default(env.max_history().to_string()),
        );
        flags.extend(own_flags());
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
        Flag::text(
            "server-side",
            r#"must be "true", "false" or "auto". Object updates run in the server instead of the client ("auto" defaults the value from the previous chart release's method)"#,
        )
        .default("auto"),
        Flag::bool("no-hooks", "prevent hooks from running during rollback"),
        Flag::new(
            "timeout",
            Kind::Duration,
            "time to wait for any individual Kubernetes operation (like Jobs for hooks)",
        )
        .default("5m0s"),
        Flag::bool(
            "wait-for-jobs",
            "if set and --wait enabled, will wait until all Jobs have been completed before marking the release as successful. It will wait for as long as --timeout",
        ),
        Flag::bool(
            "cleanup-on-fail",
            "allow deletion of new resources created in this rollback when rollback fails",
        ),
        Flag::text(
            "dry-run",
            r#"simulates the operation without persisting changes. Must be one of: "none" (default), "client", or "server". '--dry-run=none' executes the operation normally and persists changes (no simulation). '--dry-run=client' simulates the operation client-side only and avoids cluster connections. '--dry-run=server' simulates the operation on the server, requiring cluster connectivity."#,
        )
        .default("none")
        .bare("unset"),
        Flag::new(
            "wait",
            Kind::Wait,
            "wait until resources are ready (up to --timeout). Use '--wait' alone for 'watcher' strategy, or specify one of: 'watcher', 'hookOnly', 'legacy'. Default when flag is omitted: 'hookOnly'.",
        )
        .default("hookOnly")
        .bare("watcher"),
    ]
}

fn own_flags() -> Vec<Flag> {
    vec![
        last_good_flag(),
        Flag::bool(
            "review",
            "preview against the live cluster first, on standard error, and stop if anything that matters moved since, or if a field belongs to someone else",
        )
        .own(),
        three_way_flag(),
    ]
}

/// `--last-good`.
pub fn last_good_flag() -> Flag {
    Flag::bool("last-good", "roll back to the newest revision below the current one that really was deployed").own()
}

/// `--three-way-custom-resources`.
pub fn three_way_flag() -> Flag {
    Flag::bool(
        "three-way-custom-resources",
        "with client-side apply, correct what was changed by hand in custom resources too",
    )
    .own()
}

/// `--dry-run`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum DryRun {
    None,
    Client,
    Server,
}

/// Runs it.
pub async fn run(session: &Session) -> Result<(), Report> {
    let flags = &session.flags;
    flags.exclusive(&["force", "force-conflicts"])?;
    flags.exclusive(&["force-replace", "force-conflicts"])?;
    let target = target(session)?;
    let dry_run = dry_run(session)?;
    if flags.bool("read-only") && dry_run == DryRun::None {
        return Err(Report::new("rollback is refused: --read-only"));
    }
    let storage = session.storage().await?;
    let prepared = prepare(session, &storage, target).await?;
    let review = flags.bool("review");
    let basis =
        if review || dry_run == DryRun::Server { Some(preview(session, &storage, &prepared).await?) } else { None };
    if dry_run == DryRun::None {
        let basis = basis.filter(|_| review);
        execute(session, &storage, prepared, basis).await?;
    }
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
    // Asked for here too, so that the server's refusal is told as Helm tells it.
    verbs::history(storage, name).await?;
    let options = options(&session.flags)?;
    let prepared = engine::prepare_rollback(storage, name, target, &options).await?;
    prepared.warnings.iter().for_each(|warning| session.console.note(&format!("WARNING: {warning}")));
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

fn options(flags: &Parsed) -> Result<Options, Report> {
    let server_side = match flags.text("server-side") {
        "auto" | "" => ServerSideMode::Auto,
        "true" => ServerSideMode::True,
        "false" => ServerSideMode::False,
        other => {
            return Err(Report::new(format!("invalid/unknown release server-side apply method: {other}")));
        }
    };
    Ok(Options {
        timeout: flags.duration("timeout"),
        wait: flags.wait("wait"),
        wait_for_jobs: flags.bool("wait-for-jobs"),
        no_hooks: flags.bool("no-hooks"),
        force_replace: flags.bool("force-replace") || flags.bool("force"),
        force_conflicts: flags.bool("force-conflicts"),
        server_side,
        cleanup_on_fail: flags.bool("cleanup-on-fail"),
        history_max: usize::try_from(flags.int("history-max")).unwrap_or_default(),
        three_way_custom_resources: flags.bool("three-way-custom-resources"),
        ..Options::default()
    })
}

/// Helm's reading of `--dry-run`, with its warnings (`pkg/cmd/helpers.go`).
fn dry_run(session: &Session) -> Result<DryRun, Report> {
    let warn = |message: String| session.console.note(&format!("level=WARN msg={message:?}"));
    let boolean = |value: &str, instead: &str| {
        warn(format!("boolean '--dry-run={value}' flag is deprecated and must be replaced with '--dry-run={instead}'"));
    };
    Ok(match session.flags.text("dry-run") {
        "none" => DryRun::None,
        "client" => DryRun::Client,
        "server" => DryRun::Server,
        "unset" => {
            warn("--dry-run is deprecated and should be replaced with '--dry-run=client'".to_owned());
            DryRun::Client
        }
        value @ ("1" | "t" | "T" | "true" | "TRUE" | "True") => {
            boolean(value, "client");
            DryRun::Client
        }
        value @ ("0" | "f" | "F" | "false" | "FALSE" | "False") => {
            boolean(value, "none");
            DryRun::None
        }
        value => {
            let message = format!("invalid dry-run value ({value:?}). Must be \"none\", \"server\", or \"client\"");
            return Err(Report::new(message));
        }
    })
}

/// Prints the preview on standard error; refuses what execute would only find out midway.
async fn preview(session: &Session, storage: &Storage, prepared: &Prepared) -> Result<Basis, Report> {
    let redactor = session.redactor()?;
    let preview = engine::preview(storage, prepared, &redactor).await?;
    session.console.note(diff::preview_text(&preview, &diff::Style::plain()).trim_end());
    let conflicts: Vec<String> = preview
        .objects
        .iter()
        .flat_map(|object| object.conflicts.iter().map(move |detail| (object, detail)))
        .map(|(object, detail)| {
            let conflict = &detail.conflict;
            format!(
                "{}/{}: {} belongs to {}",
                object.target.key.kind, object.target.key.name, conflict.field, conflict.manager
            )
        })
        .collect();
    if session.flags.bool("review") && !conflicts.is_empty() && !prepared.options.force_conflicts {
        let report = Report::new(format!("fields belong to others: {}", conflicts.join("; ")));
        return Err(report.hint("--force-conflicts takes them"));
    }
    Ok(preview.basis)
}

async fn execute(session: &Session, storage: &Storage, prepared: Prepared, basis: Option<Basis>) -> Result<(), Report> {
    let console = session.console.clone();
    let debug = session.flags.bool("debug");
    let reporter: engine::Reporter = Arc::new(move |progress| tell(&console, debug, progress));
    let cancel = CancellationToken::new();
    let work = engine::execute(storage, prepared, basis.as_ref(), &reporter, &cancel);
    interruptible(&session.console, &cancel, work).await??;
    Ok(())
}

/// What of the progress is printed: warnings and the logs that hooks' policies ask for always, the rest with `--debug`.
fn tell(console: &Console, debug: bool, progress: Progress) {
    match progress {
        Progress::Warning(text) => console.note(&format!("WARNING: {text}")),
        Progress::HookOutput(_, line) => console.note(&line),
        Progress::Cancelling(text) => console.note(&format!("cancelling: {text}")),
        other if debug => console.note(&format!("level=DEBUG msg={:?}", format!("{other:?}"))),
        _ => {}
    }
}

/// Lets work run to its end; the first SIGINT or SIGTERM cancels it properly, the next gives up on it.
async fn interruptible<T>(
    console: &Console,
    cancel: &CancellationToken,
    work: impl Future<Output = T>,
) -> Result<T, Report> {
    let listen = |kind| signal(kind).map_err(|error| Report::new(format!("signals cannot be received: {error}")));
    let (mut interrupt, mut terminate) = (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
    tokio::pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return Ok(done),
            () = either(&mut interrupt, &mut terminate) => {
                if cancel.is_cancelled() {
                    return Err(Report::interrupted());
                }
                console.note("cancelling: the final status is being written; once more to give up on that");
                cancel.cancel();
            }
        }
    }
}

async fn either(one: &mut Signal, other: &mut Signal) {
    tokio::select! {
        _ = one.recv() => {}
        _ = other.recv() => {}
    }
}

/// Until SIGINT or SIGTERM.
pub async fn until_interrupted() -> Result<(), Report> {
    let cancel = CancellationToken::new();
    let quiet = Console::new(std::io::sink(), std::io::sink());
    interruptible(&quiet, &cancel, cancel.cancelled()).await
}
