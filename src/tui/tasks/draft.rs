//! What a draft of an install or upgrade comes to: rendered as it is typed, and then asked of the cluster.

use std::{path::Path, sync::Arc, time::Duration};

use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::{Out, off_the_loop, operations::explained, sections_between};
use crate::{
    chart::Chart,
    diff::Redactor,
    engine::{
        self, Operation, Options, Prepared, Request, Source,
        world::{World, Zone},
    },
    release::{Release, Storage},
    tui::{
        event::News,
        report::Report,
        screens::{draft::Secrets, review},
        widgets::diff::Section,
    },
    values::{self, Values},
    yaml,
};

/// How long typing pauses before what was typed is rendered, and then before the cluster is asked.
const PAUSES: [Duration; 2] = [Duration::from_millis(200), Duration::from_millis(400)];
/// Unchanged lines around a change.
const CONTEXT: usize = 3;

/// What an install or upgrade is to be made from, as typed.
pub struct Recipe {
    /// Which of the two.
    pub operation: Operation,
    /// The release's name.
    pub name: String,
    /// The chart.
    pub chart: ChartFrom,
    /// Values, secrets shown as fingerprints or not.
    pub values: String,
    /// What stands behind the fingerprints.
    pub secrets: Secrets,
    /// Flags.
    pub options: Options,
}

/// Where a chart comes from.
#[derive(Clone)]
pub enum ChartFrom {
    /// The record of a revision.
    Recorded(Arc<Release>),
    /// A folder or an archive.
    Path(String),
}

/// What was typed, rendered.
pub struct Rendered {
    /// What asks for exactly this.
    pub request: Request,
    /// Name and version of the chart.
    pub chart: String,
    /// The revision in force and the one that will be made.
    pub revisions: (u32, u32),
    /// What changes against the manifest of the revision in force.
    pub sections: Arc<Vec<Section>>,
    /// The chart's own values.
    pub defaults: String,
}

/// What the cluster says to what was rendered.
pub struct Answer {
    /// One sentence.
    pub headline: String,
    /// What changes against live objects.
    pub sections: Vec<Section>,
    /// The dangers, a sentence each.
    pub risks: Vec<String>,
}

/// Why nothing can be rendered.
pub struct Fault {
    /// Why.
    pub report: Report,
    /// The line of the values it is about, from 1, where that is known.
    pub line: Option<usize>,
}

impl From<Report> for Fault {
    fn from(report: Report) -> Self {
        Self { report, line: None }
    }
}

/// Renders a draft, tells what it changes, and then what the cluster says to it.
pub(super) async fn follow(
    storage: Storage,
    recipe: Recipe,
    redactor: Redactor,
    out: &Out,
    cancel: &CancellationToken,
) {
    tokio::time::sleep(PAUSES[0]).await;
    let prepared = match render(&storage, recipe, &redactor, cancel).await {
        Ok((rendered, prepared)) => {
            out.send(News::Rendered(Ok(Box::new(rendered)))).await;
            prepared
        }
        Err(fault) => return out.send(News::Rendered(Err(Box::new(fault)))).await,
    };
    tokio::time::sleep(PAUSES[1]).await;
    let answer = ask(&storage, prepared, redactor).await;
    out.send(News::Answered(answer.map(Box::new))).await;
}

async fn render(
    storage: &Storage,
    recipe: Recipe,
    redactor: &Redactor,
    cancel: &CancellationToken,
) -> Result<(Rendered, Prepared), Fault> {
    let Recipe { operation, name, chart, values: text, secrets, options } = recipe;
    let values = read_values(&text, &secrets)?;
    let chart = off_the_loop(move || load(&chart)).await.and_then(|loaded| loaded)?;
    let (own, version) = (chart.metadata.name.clone(), chart.metadata.version.clone());
    let defaults = defaults(&chart);
    let source = Source {
        chart,
        values: values.clone(),
        // Who types on needs no answer any more, and rendering has a thread of its own.
        world: World { cancel: cancel.clone(), ..World::new(&Zone::default()) }.with_cluster(storage.cluster()),
        skip_schema_validation: false,
        sub_chart_notes: false,
        hide_secrets: false,
    };
    let source = Box::new(source);
    let request = if operation == Operation::Install { Request::Install(source) } else { Request::Upgrade(source) };
    let prepared = engine::prepare(storage, &name, request.clone(), &options).await;
    let prepared = explained(storage, &name, prepared).await;
    let prepared = prepared.map_err(|report| fault(report, &own, (&text, values), redactor))?;
    let (old, new) = (prepared.from.as_ref().map(|from| from.release.clone()), prepared.to.clone());
    let redactor = redactor.clone();
    let sections = off_the_loop(move || sections_between(old.as_deref(), &new, &redactor, CONTEXT)).await??;
    let revisions = (prepared.from_revision(), prepared.next.revision);
    // What is carried out asks the cluster as long as it likes.
    let request = untied(request);
    Ok((Rendered { request, chart: format!("{own} {version}"), revisions, sections, defaults }, prepared))
}

/// The request without the token of the task that made it, which ends with the next character typed.
fn untied(mut request: Request) -> Request {
    if let Request::Install(source) | Request::Upgrade(source) = &mut request {
        source.world.cancel = CancellationToken::new();
    }
    request
}

fn read_values(text: &str, secrets: &Secrets) -> Result<Values, Fault> {
    let mut values = values::from_yaml(text).map_err(|message| {
        // What is missing at the end is missed behind the last line.
        let last = text.lines().count().max(1);
        let line = yaml::from_str(text).err().map(|error| error.line.min(last)).filter(|line| *line > 0);
        Fault { report: Report::new(message), line }
    })?;
    secrets.restore(&mut values).map_err(|fingerprint| {
        let line = text.lines().position(|line| line.contains(&fingerprint)).map(|at| at + 1);
        let report = Report::new(format!("{fingerprint} stands for no value that was here"));
        Fault { report: report.hint("a fingerprint is no value: type the value, or reveal secrets to copy one"), line }
    })?;
    Ok(values)
}

fn load(from: &ChartFrom) -> Result<Chart, Report> {
    match from {
        ChartFrom::Recorded(release) => recorded(release),
        ChartFrom::Path(path) => {
            let (words, path) = (path.as_str(), Path::new(path));
            if !path.exists() {
                let report = Report::new(format!("there is no chart at {words:?}"));
                return Err(
                    report.hint("charts come from folders and archives; repositories and OCI registries come later")
                );
            }
            let chart = Chart::load(path).map_err(of_chart)?;
            chart.check_kind().map_err(of_chart)?;
            chart.check_dependencies().map_err(of_chart)?;
            Ok(chart)
        }
    }
}

fn recorded(release: &Release) -> Result<Chart, Report> {
    let json = release.chart.raw().ok_or_else(|| Report::new("the record holds no chart").hint(TYPE_PATH))?;
    let chart = Chart::from_record(json.as_bytes()).map_err(of_chart)?;
    let missing = chart.missing_dependencies().join(", ");
    if missing.is_empty() {
        return Ok(chart);
    }
    let message = format!("records hold no sub-charts, and this chart has some: {missing}");
    Err(Report::new(message).hint(TYPE_PATH))
}

const TYPE_PATH: &str = "type the path of the chart, a folder or an archive, into the field above";

fn of_chart(error: crate::chart::Error) -> Report {
    let report = Report::new(error.message);
    error.hint.into_iter().fold(report, Report::hint)
}

/// The chart's `values.yaml` as it was written, or as a record has it.
fn defaults(chart: &Chart) -> String {
    let written = chart.raw.iter().find(|file| file.name == "values.yaml");
    match written {
        Some(file) => String::from_utf8_lossy(&file.data).into_owned(),
        None if chart.values.is_empty() => String::new(),
        None => yaml::to_string(&Value::Object(chart.values.clone())),
    }
}

/// A failure with the line of the values that it is about, and without the secrets that it quotes.
fn fault(report: Report, chart: &str, (text, values): (&str, Values), redactor: &Redactor) -> Fault {
    let line = schema_line(&report.message, chart, text);
    let values = Value::Object(values);
    let quoting = |words: &String| redactor.quoting(words, &values);
    let report =
        Report { message: quoting(&report.message), hints: report.hints.iter().map(quoting).collect(), ..report };
    Fault { report, line }
}

/// The line of what a schema complains of first: `- at '/image/tag': …` under the name of its chart, which is `own` or a
/// sub-chart's. A value that is missing is looked for where it belongs.
fn schema_line(message: &str, own: &str, text: &str) -> Option<usize> {
    let (head, rest) = message.split_once("\n- at '")?;
    let chart = head.lines().next_back()?.strip_suffix(':')?;
    let places = yaml::positions(text).ok()?;
    let mut place = if chart == own { &places } else { places.get(chart)? };
    let mut line = None;
    for key in rest.split_once('\'')?.0.split('/').skip(1) {
        let Some(next) = place.get(&key.replace("~1", "/").replace("~0", "~")) else { break };
        (place, line) = (next, Some(next.line));
    }
    line
}

async fn ask(storage: &Storage, prepared: Prepared, redactor: Redactor) -> Result<Answer, Report> {
    let preview = engine::preview(storage, &prepared, &redactor).await;
    let preview = explained(storage, &prepared.next.name, preview).await?;
    off_the_loop(move || Answer {
        headline: preview.headline.clone(),
        sections: preview.objects.iter().map(|object| review::section(object, &preview, CONTEXT)).collect(),
        risks: preview.risks.iter().map(|risk| risk.message.clone()).collect(),
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(message: &str, line: Option<usize>) {
        let text = "replicas: many\nimage:\n  tag: 1\n  \"a/b\": true\nredis:\n  port: x\n";
        assert_eq!(schema_line(message, "web", text), line);
    }

    #[test]
    fn what_a_schema_complains_of_is_found_in_the_values() {
        let words = "values don't meet the specifications of the schema(s) in the following chart(s):\n";
        check(&format!("{words}web:\n- at '/replicas': got string, want integer\n"), Some(1));
        check(&format!("{words}web:\n- at '/image/a~1b': got boolean, want string\n"), Some(4));
        check(&format!("{words}web:\n- at '/image': missing property 'repository'\n"), Some(2));
        check(&format!("{words}web:\n- at '': missing property 'name'\n"), None);
        check(&format!("{words}redis:\n- at '/port': got string, want integer\n"), Some(6));
        check("template: web/templates/web.yaml:3:4: executing …", None);
    }
}
