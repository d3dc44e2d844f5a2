//! `apply`: the second stage of `--plan-out`.

use futures::FutureExt;

use super::{install, rollback, uninstall, upgrade};
use crate::{
    cli::{
        commands::{Command, Completes, Takes, Verb},
        flags::{Flag, Kind},
        operation::{self, Telling},
        plan,
        report::Report,
        session::Session,
    },
    engine::{self, Operation, Plan},
};

/// The command.
pub const COMMAND: Command = Command {
    name: "apply",
    arguments: "FILE",
    short: "do exactly what a plan says",
    long: include_str!("../help/apply.txt"),
    takes: Takes::Exactly(1),
    completes: Completes::Files(1),
    flags: |_| {
        vec![
            Flag::new("identity", Kind::List, "file with the age identity that opens the plan (can specify multiple)")
                .short('i'),
            Flag::output(),
        ]
    },
    verb: Verb::Apply,
    ..Command::EMPTY
};

/// Runs it.
pub async fn run(session: &Session) -> Result<(), Report> {
    operation::writable(session)?;
    let plan = plan::read(session)?;
    let (planned, namespace) = (&plan.prepared.namespace, session.flags.text("namespace"));
    if session.flags.is_set("namespace") && namespace != planned {
        let why = format!("the plan is for namespace {planned:?}: leave out --namespace {namespace}");
        return Err(Report::new(why));
    }
    let storage = session.storage_in(planned).await?;
    plan.check(&storage).await?;

    let Plan { made, prepared, basis, .. } = plan;
    operation::warn(session, &prepared);
    let (operation, name) = (prepared.operation, prepared.name.clone());
    let kept = uninstall::kept(&prepared);
    let cancelled = match operation {
        Operation::Install | Operation::Upgrade => format!("Release {name} has been cancelled.\n"),
        Operation::Rollback | Operation::Uninstall => String::new(),
    };
    let telling = Telling::of(session, format!("{} {name}", operation.verb()));
    let work = engine::execute(&storage, prepared, Some(&basis), &telling.report, &telling.cancel).boxed_local();
    let done = telling.follow(&cancelled, work).await?;
    let release = done.map_err(|error| refused(operation, &made, error))?.release;
    match operation {
        Operation::Install => install::print(session, &release),
        Operation::Upgrade => upgrade::done(session, &release),
        Operation::Rollback => rollback::done(session),
        Operation::Uninstall => uninstall::done(session, &name, &kept),
    }
}

/// Why it was not done: what moved, or the operation's own words.
fn refused(operation: Operation, made: &str, error: engine::Error) -> Report {
    match (error, operation) {
        (engine::Error::Moved(lines), _) => {
            let report = Report::new(format!("changed since the plan was made at {made}: {}", lines.join("; ")));
            report.hint("nothing was written: make the plan again")
        }
        (error, Operation::Install) => Report::from(error).context(install::FAILED),
        (error, Operation::Upgrade) => Report::from(error).context(upgrade::FAILED),
        (error, Operation::Rollback | Operation::Uninstall) => error.into(),
    }
}
