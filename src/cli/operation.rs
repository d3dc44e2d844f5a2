//! What the verbs that change releases have in common: flags, dry runs, progress, interruption.

use std::{sync::Arc, time::Duration};

use futures::{FutureExt, future::LocalBoxFuture};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    time::MissedTickBehavior,
};
use tokio_util::sync::CancellationToken;

use super::{
    commands::Verb,
    console::Console,
    flags::{Flag, Kind},
    live::Live,
    plan,
    report::Report,
    session::Session,
    verbs::diff::text,
};
use crate::{
    cluster::wait::WaitStrategy,
    diff::visible,
    engine::{self, Basis, Crds, Options, Outcome, Prepared, Progress, Reporter, ServerSideMode},
    release::Storage,
};

/// `--dry-run`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DryRun {
    /// It is done.
    None,
    /// It is only told; the cluster is asked as little as possible.
    Client,
    /// It is only told; the cluster is asked.
    Server,
}

/// `--dry-run`.
pub fn dry_run_flag() -> Flag {
    Flag::text(
        "dry-run",
        r#"simulates the operation without persisting changes. Must be one of: "none" (default), "client", or "server". '--dry-run=none' executes the operation normally and persists changes (no simulation). '--dry-run=client' simulates the operation client-side only and avoids cluster connections. '--dry-run=server' simulates the operation on the server, requiring cluster connectivity."#,
    )
    .default("none")
    .bare("unset")
}

/// `--review`.
pub fn review_flag() -> Flag {
    Flag::bool(
        "review",
        "preview against the live cluster first, on standard error, and stop if anything that matters moved since, or if a field belongs to someone else",
    )
    .own()
}

/// `--three-way-custom-resources`.
pub fn three_way_flag() -> Flag {
    Flag::bool(
        "three-way-custom-resources",
        "with client-side apply, correct what was changed by hand in custom resources too",
    )
    .own()
}

/// `--recreate`.
pub fn recreate_flag() -> Flag {
    Flag::new(
        "recreate",
        Kind::Strings,
        "delete this object and make it anew, where a field of it cannot be changed otherwise: KIND/NAME, several with commas or the flag again; pods stay where the new object takes them over",
    )
    .own()
}

/// `--crds`.
pub fn crds_flag() -> Flag {
    let help = "what happens to the definitions in the charts' crds/ folders: \"install\" creates them with a new release, \"apply\" applies them on every install and upgrade; they are never deleted";
    Flag::text("crds", help).default("install").choices(&["install", "apply"]).own()
}

/// `--crds` and `--skip-crds`.
///
/// # Errors
/// A sentence for a value that is none, and for flags that exclude each other.
pub fn crds(session: &Session) -> Result<Crds, Report> {
    match (session.flags.text("crds"), session.flags.bool("skip-crds")) {
        ("apply", true) => Err(Report::new("--skip-crds and --crds=apply exclude each other")),
        ("apply", false) => Ok(Crds::Apply),
        ("install" | "", true) => Ok(Crds::Skip),
        ("install" | "", false) => Ok(Crds::Install),
        (other, _) => Err(Report::new(format!("invalid --crds {other:?}: must be install or apply"))),
    }
}

/// `--server-side` where it may be `auto`.
pub fn server_side_flag() -> Flag {
    Flag::text(
        "server-side",
        r#"must be "true", "false" or "auto". Object updates run in the server instead of the client ("auto" defaults the value from the previous chart release's method)"#,
    )
    .default("auto")
}

/// `--history-max`.
pub fn history_max_flag(default: i64) -> Flag {
    Flag::int("history-max", "limit the maximum number of revisions saved per release. Use 0 for no limit")
        .default(default.to_string())
}

/// The flags that `install`, `upgrade` and `rollback` share, as options. A flag that a command does not have is off.
///
/// # Errors
/// Helm's words for an unknown `--server-side`; a sentence for an order of sub-charts that nothing tells.
pub fn options(session: &Session) -> Result<Options, Report> {
    let flags = &session.flags;
    let from_record = matches!(session.path.command().verb, Verb::Rollback | Verb::Uninstall);
    if from_record && flags.wait("wait") == WaitStrategy::Ordered {
        let why = "--wait=ordered is for install and upgrade: a record does not hold the order of its sub-charts";
        return Err(Report::new(why));
    }
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
        three_way_custom_resources: flags.bool("three-way-custom-resources"),
        recreate: flags.list("recreate").to_vec(),
        ..Options::default()
    })
}

/// Helm's reading of `--dry-run`, with its warnings.
///
/// # Errors
/// Helm's words for a value that is none; a sentence where `--read-only` forbids what is not a dry run, and for a plan,
/// which is none either.
pub fn dry_run(session: &Session) -> Result<DryRun, Report> {
    let dry_run = read_dry_run(session)?;
    check_changes(session, dry_run == DryRun::None)?;
    Ok(dry_run)
}

/// Refuses changes under `--read-only`, and to plan what would not be done. A plan itself changes nothing.
///
/// # Errors
/// Then, and flags of plans that make no sense.
pub fn check_changes(session: &Session, changes: bool) -> Result<(), Report> {
    match plan::asked(session)? {
        Some(_) if !changes => {
            Err(Report::new("--plan-out does nothing to the cluster by itself: leave out --dry-run"))
        }
        None if changes => writable(session),
        _ => Ok(()),
    }
}

/// Refuses or warns of `--dry-run` of `template`, which never does anything.
///
/// # Errors
/// Helm's words for a value that is none, and for one that asks to do it.
pub fn check_dry_run_of_template(session: &Session) -> Result<(), Report> {
    if read_dry_run(session)? == DryRun::None {
        let value = session.flags.text("dry-run");
        return Err(Report::new(format!("invalid dry-run value ({value:?}). Must be \"server\" or \"client\"")));
    }
    Ok(())
}

/// `cmdGetDryRunFlagStrategy` of helm/helm `pkg/cmd/helpers.go`.
fn read_dry_run(session: &Session) -> Result<DryRun, Report> {
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

/// Refuses to change anything under `--read-only`.
///
/// # Errors
/// Then.
pub fn writable(session: &Session) -> Result<(), Report> {
    if session.flags.bool("read-only") {
        return Err(Report::new(format!("{} is refused: --read-only", session.path.command().name)));
    }
    Ok(())
}

/// Prints a preview on standard error.
///
/// # Errors
/// For a review or a plan, what execute would only find out midway: fields that belong to others.
pub async fn preview(session: &Session, storage: &Storage, prepared: &Prepared) -> Result<Basis, Report> {
    let redactor = session.redactor()?;
    let preview = engine::preview(storage, prepared, &redactor).await?;
    session.console.note(text::preview(&preview, &text::Style::plain()).trim_end());
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
    let binds = session.flags.bool("review") || !session.flags.text("plan-out").is_empty();
    if binds && !conflicts.is_empty() && !prepared.options.force_conflicts {
        let report = Report::new(format!("fields belong to others: {}", conflicts.join("; ")));
        return Err(report.hint("--force-conflicts takes them"));
    }
    Ok(preview.basis)
}

/// Carries out what was prepared, after a preview where `--review` asks for one; `None` where only a plan was asked for,
/// which is written. `cancelled` is printed when the user interrupts it.
///
/// # Errors
/// Those of the operation.
pub async fn execute(
    session: &Session,
    storage: &Storage,
    prepared: Prepared,
    cancelled: &str,
) -> Result<Option<Outcome>, Report> {
    if let Some(asked) = plan::asked(session)? {
        plan::save(session, storage, prepared, &asked).await?;
        return Ok(None);
    }
    let basis = match session.flags.bool("review") {
        true => Some(preview(session, storage, &prepared).await?),
        false => None,
    };
    let telling = Telling::of(session, format!("{} {}", prepared.operation.verb(), prepared.name));
    let work = engine::execute(storage, prepared, basis.as_ref(), &telling.report, &telling.cancel).boxed_local();
    Ok(Some(telling.follow(cancelled, work).await??))
}

/// How often what is drawn of an operation is brought up to date.
const REDRAW: Duration = Duration::from_millis(100);

/// Where an operation is told, a list on a terminal and lines anywhere else, and what cancels it.
pub struct Telling {
    /// Hears of every step.
    pub report: Reporter,
    /// Cancels it.
    pub cancel: CancellationToken,
    console: Console,
    live: Option<Arc<Live>>,
}

impl Telling {
    /// For an operation that is called so.
    pub fn of(session: &Session, title: String) -> Self {
        let console = session.console.clone();
        let live = Live::of(session, title).map(Arc::new);
        let (noted, listed, debug) = (console.clone(), live.clone(), session.flags.bool("debug"));
        let report = move |progress: Progress| {
            if let Some(live) = &listed {
                live.hear(&progress);
            }
            tell(&noted, listed.is_some(), debug, progress);
        };
        Self { report: Arc::new(report), cancel: CancellationToken::new(), console, live }
    }

    /// Lets the operation run to its end, as [`interruptible`] does, and draws how it goes. It is on the heap, since every
    /// future around it would hold its whole state once more.
    ///
    /// # Errors
    /// As [`interruptible`].
    pub async fn follow<T, E>(
        &self,
        cancelled: &str,
        mut work: LocalBoxFuture<'_, Result<T, E>>,
    ) -> Result<Result<T, E>, Report> {
        let Some(live) = &self.live else {
            return interruptible(&self.console, &self.cancel, cancelled, work).await;
        };
        let drawn = async {
            let mut ticks = tokio::time::interval(REDRAW);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                tokio::select! {
                    done = &mut work => return done,
                    _ = ticks.tick() => live.draw(),
                }
            }
        };
        let done = interruptible(&self.console, &self.cancel, cancelled, drawn).await;
        live.end(matches!(done, Ok(Ok(_))));
        done
    }
}

/// Tells what there is to know before an operation begins.
pub fn warn(session: &Session, prepared: &Prepared) {
    prepared.log.iter().for_each(|notice| session.console.note(&notice.to_string()));
    prepared.warnings.iter().for_each(|warning| session.console.note(&format!("WARNING: {warning}")));
}

/// What of the progress is printed: warnings and the logs that hooks' policies ask for always, the rest with `--debug`.
/// A terminal gets nothing of the cluster's that could steer it.
fn tell(console: &Console, terminal: bool, debug: bool, progress: Progress) {
    let note = |line: &str| match terminal {
        true => line.lines().for_each(|line| console.note(&visible(line))),
        false => console.note(line),
    };
    match progress {
        Progress::Warning(text) => note(&format!("WARNING: {text}")),
        Progress::HookOutput(_, line) => note(&line),
        Progress::Cancelling(text) => note(&format!("cancelling: {text}")),
        other if debug => console.note(&format!("level=DEBUG msg={:?}", format!("{other:?}"))),
        _ => {}
    }
}

/// Lets work run to its end; the first SIGINT or SIGTERM cancels it properly, the next gives up on it. `cancelled` is
/// printed at the first.
///
/// # Errors
/// [`Report::interrupted`] at the second.
pub async fn interruptible<T>(
    console: &Console,
    cancel: &CancellationToken,
    cancelled: &str,
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
                console.print(cancelled)?;
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
///
/// # Errors
/// Signals that cannot be received.
pub async fn until_interrupted() -> Result<(), Report> {
    let cancel = CancellationToken::new();
    let quiet = Console::new(std::io::sink(), std::io::sink());
    interruptible(&quiet, &cancel, "", cancel.cancelled()).await
}
