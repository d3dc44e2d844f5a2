//! `history` (helm/helm `pkg/cmd/history.go`).

use serde::Serialize;

use crate::{
    cli::{
        commands::{Command, Completes, Takes, Verb},
        flags::Flag,
        output,
        report::Report,
        session::Session,
        table::Table,
        verbs,
    },
    engine::prepare::{history, valid_name},
    release::Summary,
    template::time::{ANSIC, RFC3339_NANO},
};

/// The command.
pub const COMMAND: Command = Command {
    name: "history",
    aliases: &["hist"],
    arguments: "RELEASE_NAME",
    short: "fetch release history",
    long: include_str!("../help/history.txt"),
    takes: Takes::Exactly(1),
    completes: Completes::Release,
    flags: |_| {
        vec![Flag::int("max", "maximum number of revision to include in history").default("256"), Flag::output()]
    },
    verb: Verb::History,
    ..Command::EMPTY
};

#[derive(Serialize)]
struct Element {
    revision: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    updated: Option<String>,
    status: String,
    chart: String,
    app_version: String,
    description: String,
}

/// Runs it.
pub async fn run(session: &Session) -> Result<(), Report> {
    let storage = session.storage().await?;
    let name = session.arg(0);
    if !valid_name(name) {
        return Err(Report::new(format!("release name is invalid: {name}")));
    }
    let mut metas = history(&storage, name).await?;
    let max = usize::try_from(session.flags.int("max")).unwrap_or_default();
    metas.drain(..metas.len().saturating_sub(max));
    let revisions = verbs::summaries(session, &storage, &metas).await;
    session.console.print(&match session.flags.text("output") {
        "json" => output::json(&elements(session, &revisions)),
        "yaml" => output::yaml(&elements(session, &revisions)),
        _ => table(session, &revisions),
    })
}

fn elements(session: &Session, revisions: &[Summary]) -> Vec<Element> {
    revisions
        .iter()
        .map(|revision| {
            let (chart, app_version) = verbs::chart_columns(revision);
            Element {
                revision: revision.revision,
                updated: session.time(revision.last_deployed.as_deref()).map(|time| time.format(RFC3339_NANO)),
                status: revision.status.as_str().to_owned(),
                chart,
                app_version,
                description: revision.description.clone(),
            }
        })
        .collect()
}

fn table(session: &Session, revisions: &[Summary]) -> String {
    let mut table = Table::default();
    table.row(["REVISION", "UPDATED", "STATUS", "CHART", "APP VERSION", "DESCRIPTION"].map(str::to_owned));
    for revision in revisions {
        let (chart, app_version) = verbs::chart_columns(revision);
        let updated = session.time(revision.last_deployed.as_deref());
        table.row([
            revision.revision.to_string(),
            updated.map_or_else(|| verbs::ZERO_TIME.to_owned(), |time| time.format(ANSIC)),
            revision.status.as_str().to_owned(),
            chart,
            app_version,
            revision.description.clone(),
        ]);
    }
    table.render()
}
