//! `status` (helm/helm `pkg/cmd/status.go`), and the same text for `get all`.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{get, release};
use crate::{
    cli::{
        commands::{Command, Completes, Takes, Verb},
        flags::Flag,
        output,
        report::Report,
        session::Session,
    },
    cluster::table::{Column, Table},
    manifest::{self, Object},
    release::{Chart, HookEvent, Release, Storage},
    template::time::ANSIC,
};

/// The command.
pub const COMMAND: Command = Command {
    name: "status",
    arguments: "RELEASE_NAME",
    short: "display the status of the named release",
    long: include_str!("../help/status.txt"),
    takes: Takes::Exactly(1),
    completes: Completes::Release,
    flags: |_| {
        vec![Flag::int("revision", "if set, display the status of the named release with revision"), Flag::output()]
    },
    verb: Verb::Status,
    ..Command::EMPTY
};

/// Runs it.
pub async fn run(session: &Session) -> Result<(), Report> {
    let (storage, release, _) = release(session).await?;
    let format = session.flags.text("output");
    if format == "table" {
        let resources = tables(&storage, &release).await?;
        let shown = Shown { resources: resources_text(&resources), ..Shown::STATUS };
        return session.console.print(&text(session, &release, &shown));
    }
    let value = with_resources(&release, objects(&storage, &release).await?);
    session.console.print(&if format == "json" { output::json(&value) } else { output::yaml(&value) })
}

/// What of a release is shown.
pub struct Shown {
    /// Which chart it is.
    pub metadata: bool,
    /// Values, hooks and manifest too.
    pub everything: bool,
    /// Live resources as text; empty leaves them out.
    pub resources: String,
    /// The notes.
    pub notes: bool,
}

impl Shown {
    /// What `status` shows, but for the live resources.
    pub const STATUS: Self = Self { metadata: false, everything: false, resources: String::new(), notes: true };
}

/// The release as Helm's status printer writes it.
pub fn text(session: &Session, release: &Release, shown: &Shown) -> String {
    let colors = session.colors();
    let mut text = format!("NAME: {}\n", release.name);
    if let Some(time) = session.time(release.info.last_deployed.as_deref()) {
        text += &format!("LAST DEPLOYED: {}\n", time.format(ANSIC));
    }
    text += &format!("NAMESPACE: {}\n", colors.namespace(&release.namespace));
    text += &format!("STATUS: {}\n", colors.status(&release.info.status));
    text += &format!("REVISION: {}\n", release.revision);
    if shown.metadata {
        let chart = release.chart.metadata();
        text += &format!("CHART: {}\nVERSION: {}\nAPP_VERSION: {}\n", chart.name, chart.version, chart.app_version);
    }
    text += &format!("DESCRIPTION: {}\n", release.info.description);
    if !shown.resources.is_empty() {
        text += &format!("RESOURCES:\n{}\n", shown.resources);
    }
    text += &tests(session, release);
    if shown.everything {
        text += &format!("USER-SUPPLIED VALUES:\n{}\n", output::yaml(&get::supplied(release)));
        text += &format!("COMPUTED VALUES:\n{}\n", output::yaml(&get::computed(release)));
    }
    if shown.everything || release.info.description.eq_ignore_ascii_case("Dry run complete") {
        text += &format!("HOOKS:\n{}MANIFEST:\n{}\n", get::hooks_text(release), release.manifest);
    }
    if shown.notes && !release.info.notes.is_empty() {
        text += &format!("NOTES:\n{}\n", release.info.notes.trim());
    }
    text
}

/// The last run of each test; nothing for tests that never ran.
fn tests(session: &Session, release: &Release) -> String {
    let tests: Vec<_> = release.hooks.iter().filter(|hook| hook.events.contains(&HookEvent::Test)).collect();
    if tests.is_empty() {
        return "TEST SUITE: None\n".to_owned();
    }
    let runs = tests.into_iter().filter_map(|hook| {
        let started = session.time(hook.last_run.started_at.as_deref())?.format(ANSIC);
        let completed = session.time(hook.last_run.completed_at.as_deref());
        let completed = completed.map_or_else(|| super::ZERO_TIME.to_owned(), |time| time.format(ANSIC));
        Some(format!(
            "TEST SUITE:     {}\nLast Started:   {started}\nLast Completed: {completed}\nPhase:          {}\n",
            hook.name, hook.last_run.phase
        ))
    });
    runs.collect()
}

/// A release as Helm encodes it here: without its chart, with its live resources, and nothing that Helm does not know.
fn with_resources(release: &Release, resources: BTreeMap<String, Vec<Value>>) -> Release {
    let mut release = Release { chart: Chart::default(), ..encoded(release) };
    if !resources.is_empty() {
        let resources = resources.into_iter().map(|(kind, objects)| (kind, Value::Array(objects))).collect();
        release.info.unknown.insert("resources".to_owned(), Value::Object(resources));
    }
    release
}

/// A release as Helm encodes it, with nothing that Helm does not know.
pub fn encoded(release: &Release) -> Release {
    let mut release = Release { unknown: serde_json::Map::new(), ..release.clone() };
    let mut config = Value::Object(std::mem::take(&mut release.config));
    output::as_go_holds(&mut config);
    release.config = config.as_object().cloned().unwrap_or_default();
    release.hooks.iter_mut().for_each(|hook| hook.unknown.clear());
    release.info.unknown.clear();
    release
}

/// A related pod's key.
const PODS: &str = "v1/Pod(related)";

/// Live objects by `version/Kind`; objects that are not there or cannot be read are left out, as Helm does.
async fn objects(storage: &Storage, release: &Release) -> Result<BTreeMap<String, Vec<Value>>, Report> {
    let cluster = storage.cluster();
    let mut found: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    let mut selectors = Vec::new();
    for object in recorded(release)? {
        let target = cluster.target(&object, storage.namespace()).await?;
        let Ok(Some(live)) = cluster.get(&target).await else {
            continue;
        };
        found.entry(kind_key(&target.api_version, &target.key.kind)).or_default().push(live.value);
        if let Some(selector) = new_selector(&object, &mut selectors)
            && let Ok(pods) = cluster.pod_list(&target.key.namespace, &selector).await
        {
            found.entry(PODS.to_owned()).or_default().push(pods);
        }
    }
    Ok(found)
}

type Tables = Vec<(String, Vec<Table>)>;

/// Tables by `version/Kind`, in the manifest's order (Helm's is random).
async fn tables(storage: &Storage, release: &Release) -> Result<Tables, Report> {
    let cluster = storage.cluster();
    let mut found = Tables::new();
    let mut selectors = Vec::new();
    for object in recorded(release)? {
        let target = cluster.target(&object, storage.namespace()).await?;
        let Ok(Some(table)) = cluster.table(&target).await else {
            continue;
        };
        add(&mut found, &kind_key(&target.api_version, &target.key.kind), table);
        if let Some(selector) = new_selector(&object, &mut selectors)
            && let Ok(pods) = cluster.pod_table(&target.key.namespace, &selector).await
        {
            add(&mut found, PODS, pods);
        }
    }
    Ok(found)
}

fn add(found: &mut Tables, kind: &str, table: Table) {
    match found.iter_mut().find(|(known, _)| known == kind) {
        Some((_, tables)) => tables.push(table),
        None => found.push((kind.to_owned(), vec![table])),
    }
}

fn recorded(release: &Release) -> Result<Vec<Object>, Report> {
    manifest::read(&release.manifest).map_err(|error| Report::new(error.to_string()))
}

/// `v1/Deployment`: the version without its group.
fn kind_key(api_version: &str, kind: &str) -> String {
    format!("{}/{kind}", api_version.rsplit('/').next().unwrap_or_default())
}

/// The pod selector of a workload's manifest, once: workloads that share one show their pods once.
fn new_selector(object: &Object, seen: &mut Vec<String>) -> Option<String> {
    let selector = &object.value["spec"]["selector"];
    let labels = match object.kind() {
        "ReplicaSet" | "Deployment" | "StatefulSet" | "DaemonSet" | "Job" => selector["matchLabels"].as_object()?,
        "ReplicationController" => selector.as_object()?,
        _ => return None,
    };
    let pairs: Vec<String> =
        labels.iter().map(|(key, value)| Some(format!("{key}={}", value.as_str()?))).collect::<Option<_>>()?;
    let selector = pairs.join(",");
    let new = !seen.contains(&selector);
    new.then(|| {
        seen.push(selector.clone());
        selector
    })
}

/// Tables as kubectl's printer writes them, one after the other: headings only where the columns change.
fn resources_text(tables: &Tables) -> String {
    let mut text = String::new();
    let mut last: Option<&[Column]> = None;
    for (kind, tables) in tables {
        text += &format!("==> {kind}\n");
        for table in tables {
            let headings = last != Some(&table.column_definitions);
            text += &table_text(table, headings);
            if !table.rows.is_empty() {
                last = Some(&table.column_definitions);
            }
        }
        text.push('\n');
    }
    text
}

/// One table, aligned by itself: columns at least 6 wide, 3 blanks between (`k8s.io/cli-runtime` printers).
fn table_text(table: &Table, headings: bool) -> String {
    if table.rows.is_empty() {
        return String::new();
    }
    let shown: Vec<usize> =
        (0..table.column_definitions.len()).filter(|column| table.column_definitions[*column].priority == 0).collect();
    let heading = shown.iter().map(|column| table.column_definitions[*column].name.to_uppercase()).collect();
    let rows =
        table.rows.iter().map(|row| shown.iter().filter_map(|column| row.cells.get(*column)).map(cell).collect());
    let lines: Vec<Vec<String>> = headings.then_some(heading).into_iter().chain(rows).collect();
    let width = |column: usize| {
        let widest = lines.iter().filter_map(|line| line.get(column)).map(|cell| cell.chars().count()).max();
        (widest.unwrap_or_default() + 3).max(6)
    };
    let mut text = String::new();
    for line in &lines {
        for (column, cell) in line.iter().enumerate() {
            let width = if column + 1 == line.len() { 0 } else { width(column) };
            text += &format!("{cell:width$}");
        }
        text.push('\n');
    }
    text
}

/// A cell on one line, control characters made visible.
fn cell(value: &Value) -> String {
    let text = match value {
        Value::Null => return String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let line = match text.split_once(['\n', '\r', '\u{c}']) {
        Some((first, _)) => format!("{first}..."),
        None => text,
    };
    line.replace('\u{1b}', "^[").replace('\r', "\\r")
}
