//! `test` (helm/helm `pkg/cmd/release_testing.go`).

use futures::FutureExt;

use super::status::{self, Shown};
use crate::{
    cli::{
        commands::{Command, Completes, Takes, Verb},
        flags::{Flag, Kind, chart as chart_flags},
        operation::{self, Telling},
        report::Report,
        session::Session,
    },
    engine::test::{self, TestFilter, TestLog},
};

/// The command.
pub const COMMAND: Command = Command {
    name: "test",
    arguments: "[RELEASE]",
    short: "run tests for a release",
    long: include_str!("../help/test.txt"),
    takes: Takes::Exactly(1),
    completes: Completes::Release,
    flags: |_| {
        vec![
            chart_flags::timeout(),
            Flag::bool(
                "logs",
                "dump the logs from test pods (this runs after all tests are complete, but before any cleanup)",
            ),
            Flag::new(
                "filter",
                Kind::Strings,
                r#"specify tests by attribute (currently "name") using attribute=value syntax or '!attribute=value' to exclude a test (can specify multiple or separate values with commas: name=test1,name=test2)"#,
            ),
        ]
    },
    verb: Verb::Test,
    ..Command::EMPTY
};

/// Runs it.
pub async fn run(session: &Session) -> Result<(), Report> {
    let flags = &session.flags;
    operation::writable(session)?;
    let storage = session.storage().await?;
    let filter = filter(flags.list("filter"));
    let (timeout, with_logs) = (flags.duration("timeout"), flags.bool("logs"));
    let telling = Telling::of(session, format!("test {}", session.arg(0)));
    let (report, cancel) = (&telling.report, &telling.cancel);
    let work = test::test(&storage, session.arg(0), &filter, timeout, with_logs, report, cancel).boxed_local();
    let tested = telling.follow("", work).await??;
    let shown = Shown { notes: false, everything: flags.bool("debug"), ..Shown::STATUS };
    session.console.print(&status::text(session, &tested.release, &shown))?;
    let mut failures: Vec<Report> = tested.failure.map(Report::from).into_iter().collect();
    if with_logs {
        session.console.print("\n")?;
        failures.extend(print_logs(session, tested.logs)?);
    }
    joined(failures)
}

/// `name=` includes and `!name=` excludes; anything else says nothing, as in Helm.
fn filter(words: &[String]) -> TestFilter {
    let mut filter = TestFilter::default();
    for word in words {
        let excluded = word.strip_prefix('!').map(|rest| rest.strip_prefix([' ', '\t']).unwrap_or(rest));
        if let Some(name) = word.strip_prefix("name=") {
            filter.include.push(name.to_owned());
        } else if let Some(name) = excluded.and_then(|rest| rest.strip_prefix("name=")) {
            filter.exclude.push(name.to_owned());
        }
    }
    filter
}

/// Prints the logs; what could not be read is what comes back.
fn print_logs(session: &Session, logs: Result<Vec<TestLog>, String>) -> Result<Vec<Report>, Report> {
    let mut unread = Vec::new();
    match logs {
        Ok(logs) => {
            for log in logs {
                match log.text {
                    Ok(text) => {
                        session.console.print(&format!("POD LOGS: {} ({})\n{text}\n", log.pod, log.container))?;
                    }
                    Err(words) => unread.push(Report::new(words)),
                }
            }
        }
        Err(words) => unread.push(Report::new(words)),
    }
    Ok(unread)
}

/// Go's joining of errors: a line each.
fn joined(failures: Vec<Report>) -> Result<(), Report> {
    let join = |all: Report, one: Report| Report {
        message: format!("{}\n{}", all.message, one.message),
        hints: [all.hints, one.hints].concat(),
        ..one
    };
    failures.into_iter().reduce(join).map_or(Ok(()), Err)
}
