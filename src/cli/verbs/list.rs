//! `list` (helm/helm `pkg/cmd/list.go`, `pkg/action/list.go`).

use std::collections::BTreeMap;

use regex::Regex;
use serde::Serialize;

use crate::{
    cli::{
        commands::{Command, Verb},
        flags::Flag,
        output,
        report::Report,
        selector::Selector,
        session::Session,
        table::Table,
        verbs,
    },
    release::{RecordMeta, Status, Storage, Summary},
    template::time,
};

/// The command.
pub const COMMAND: Command = Command {
    name: "list",
    aliases: &["ls"],
    short: "list releases",
    long: include_str!("../help/list.txt"),
    flags: |_| {
        vec![
            Flag::bool("short", "output short (quiet) listing format").short('q'),
            Flag::bool("no-headers", "don't print headers when using the default output format"),
            Flag::text(
                "time-format",
                r#"format time using golang time formatter. Example: --time-format "2006-01-02 15:04:05Z0700""#,
            ),
            Flag::bool("date", "sort by release date").short('d'),
            Flag::bool("reverse", "reverse the sort order").short('r'),
            Flag::bool("uninstalled", "show uninstalled releases (if 'helm uninstall --keep-history' was used)"),
            Flag::bool("superseded", "show superseded releases"),
            Flag::bool("uninstalling", "show releases that are currently being uninstalled"),
            Flag::bool("deployed", "show deployed releases"),
            Flag::bool("failed", "show failed releases"),
            Flag::bool("pending", "show pending releases"),
            Flag::bool("all-namespaces", "list releases across all namespaces").short('A'),
            Flag::int("max", "maximum number of releases to fetch").short('m').default("256"),
            Flag::int("offset", "next release index in the list, used to offset from start value"),
            Flag::text("filter", "a regular expression (Perl compatible). Any releases that match the expression will be included in the results")
                .short('f'),
            Flag::text(
                "selector",
                "Selector (label query) to filter on, supports '=', '==', and '!='.(e.g. -l key1=value1,key2=value2). Works only for secret(default) and configmap storage backends.",
            )
            .short('l'),
            Flag::output(),
        ]
    },
    verb: Verb::List,
    ..Command::EMPTY
};

/// Runs it.
pub async fn run(session: &Session) -> Result<(), Report> {
    let flags = &session.flags;
    let storage =
        if flags.bool("all-namespaces") { session.storage_everywhere().await? } else { session.storage().await? };
    let rows = select(session, &storage).await?;
    if flags.bool("short") {
        let names: Vec<&str> = rows.iter().map(|row| row.name.as_str()).collect();
        return session.console.print(&match flags.text("output") {
            "json" => output::json(&names),
            "yaml" => output::yaml(&names),
            _ => names.iter().map(|name| format!("{name}\n")).collect(),
        });
    }
    session.console.print(&match flags.text("output") {
        "json" => output::json(&elements(session, &rows)),
        "yaml" => output::yaml(&elements(session, &rows)),
        _ => table(session, &rows),
    })
}

/// The releases asked for, sorted and cut.
async fn select(session: &Session, storage: &Storage) -> Result<Vec<Summary>, Report> {
    let flags = &session.flags;
    let (mut metas, fetched) = wanted(session, storage).await?;
    if flags.bool("date") {
        let mut rows = verbs::summaries(session, storage, &metas).await;
        rows.sort_by_cached_key(|row| {
            let deployed = session.time(row.last_deployed.as_deref());
            let deployed = deployed.map_or(i64::MIN, |time| time.unix());
            (deployed, row.name.clone(), row.namespace.clone())
        });
        if flags.bool("reverse") {
            rows.reverse();
        }
        return Ok(cut(session, rows, fetched));
    }
    metas.sort_by_cached_key(|meta| (meta.name.clone(), meta.namespace.clone(), meta.revision));
    if flags.bool("reverse") {
        metas.reverse();
    }
    // By name nothing needs to be decoded that is not shown.
    Ok(verbs::summaries(session, storage, &cut(session, metas, fetched)).await)
}

/// Records that match every filter, decided by their labels, and how many there were before the statuses were looked at.
async fn wanted(session: &Session, storage: &Storage) -> Result<(Vec<RecordMeta>, usize), Report> {
    let flags = &session.flags;
    let filter = match flags.text("filter") {
        "" => None,
        pattern => Some(Regex::new(pattern).map_err(|error| go_regexp_error(pattern, &error))?),
    };
    let statuses = wanted_statuses(session);
    let metas = storage.list("").await;
    let metas = metas.map_err(|error| verbs::in_words(error, "list: failed to list"))?;
    let matching = metas.into_iter().filter(|meta| filter.as_ref().is_none_or(|filter| filter.is_match(&meta.name)));
    // Only the newest revision of a release counts, except when nothing but superseded ones is asked for.
    let mut metas = if statuses == [Status::Superseded] { matching.collect() } else { newest(matching) };
    let fetched = metas.len();
    let selector = Selector::parse(flags.text("selector"))?;
    metas.retain(|meta| statuses.contains(&meta.status) && selector.matches(&storage.listed_labels(meta)));
    Ok((metas, fetched))
}

/// `--offset` and `--max`; 0 and less mean all.
fn cut<T>(session: &Session, rows: Vec<T>, fetched: usize) -> Vec<T> {
    let offset = usize::try_from(session.flags.int("offset")).unwrap_or_default();
    let limit = usize::try_from(session.flags.int("max")).ok().filter(|max| *max > 0).unwrap_or(fetched);
    rows.into_iter().skip(offset).take(limit).collect()
}

fn newest(metas: impl Iterator<Item = RecordMeta>) -> Vec<RecordMeta> {
    let mut newest: BTreeMap<(String, String), RecordMeta> = BTreeMap::new();
    for meta in metas {
        let key = (meta.namespace.clone(), meta.name.clone());
        match newest.get(&key) {
            Some(known) if known.revision > meta.revision => {}
            _ => {
                newest.insert(key, meta);
            }
        }
    }
    newest.into_values().collect()
}

fn wanted_statuses(session: &Session) -> Vec<Status> {
    let pending = [Status::PendingInstall, Status::PendingUpgrade, Status::PendingRollback];
    let by_flag = [
        ("deployed", vec![Status::Deployed]),
        ("uninstalled", vec![Status::Uninstalled]),
        ("uninstalling", vec![Status::Uninstalling]),
        ("pending", pending.to_vec()),
        ("failed", vec![Status::Failed]),
        ("superseded", vec![Status::Superseded]),
    ];
    let asked: Vec<Status> =
        by_flag.iter().filter(|(flag, _)| session.flags.bool(flag)).flat_map(|(_, of)| of.clone()).collect();
    if asked.is_empty() { by_flag.into_iter().flat_map(|(_, of)| of).collect() } else { asked }
}

#[derive(Serialize)]
struct Element<'a> {
    name: &'a str,
    namespace: &'a str,
    revision: String,
    updated: String,
    status: &'a str,
    chart: String,
    app_version: String,
}

fn elements<'a>(session: &Session, rows: &'a [Summary]) -> Vec<Element<'a>> {
    rows.iter()
        .map(|row| {
            let (chart, app_version) = verbs::chart_columns(row);
            Element {
                name: &row.name,
                namespace: &row.namespace,
                revision: row.revision.to_string(),
                updated: updated(session, row),
                status: row.status.as_str(),
                chart,
                app_version,
            }
        })
        .collect()
}

fn updated(session: &Session, row: &Summary) -> String {
    let layout = match session.flags.text("time-format") {
        "" => time::STRING,
        layout => layout,
    };
    session.time(row.last_deployed.as_deref()).map_or_else(|| "-".to_owned(), |time| time.format(layout))
}

fn table(session: &Session, rows: &[Summary]) -> String {
    let colors = session.colors();
    let mut table = Table::default();
    if !session.flags.bool("no-headers") {
        let headings = ["NAME", "NAMESPACE", "REVISION", "UPDATED", "STATUS", "CHART", "APP VERSION"];
        table.row(headings.map(|heading| colors.heading(heading)));
    }
    for row in rows {
        let (chart, app_version) = verbs::chart_columns(row);
        table.row([
            row.name.clone(),
            colors.namespace(&row.namespace),
            row.revision.to_string(),
            updated(session, row),
            colors.status(&row.status),
            chart,
            app_version,
        ]);
    }
    table.render()
}

/// Go's words for what most often is wrong with a pattern; the `regex` crate's own for the rest.
fn go_regexp_error(pattern: &str, error: &regex::Error) -> String {
    let text = error.to_string();
    let reason = text.lines().last().unwrap_or_default().trim_start_matches("error: ");
    let words = match reason {
        "unclosed group" => "missing closing )",
        "unopened group" => "unexpected )",
        "unclosed character class" => "missing closing ]",
        "repetition operator missing expression" => "missing argument to repetition operator",
        other => other,
    };
    format!("error parsing regexp: {words}: `{pattern}`")
}
