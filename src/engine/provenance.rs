//! Where the lines of a revision's manifest come from. A record does not tell: the chart that it holds is rendered anew
//! with its values, and each line is paired with the line that it is there.

#[cfg(test)]
mod tests;

use std::{collections::HashMap, sync::Arc};

use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use super::{
    Error, browse,
    objects::label,
    world::{World, capabilities},
};
use crate::{
    chart::Chart,
    cluster::Cluster,
    diff::Redactor,
    manifest::{self, Document, Object, ObjectKey},
    release::Release,
    render::{self, Explained, Explanation, ReleaseFacts, Rendered, Request, Sources},
    values::{self, Values},
    yaml::{self, Place},
};

/// The name of a release's own values where the source of a value is told; its lines are those of `helm get values`.
const SUPPLIED: &str = "the release's values";

/// Where the lines of a revision's manifest come from.
#[derive(Debug)]
pub struct Provenance {
    documents: Vec<Stored>,
    explained: Vec<Vec<Explanation>>,
    /// Why nothing, or not all of it, can be rendered anew.
    why_missing: String,
    /// What asks the chart itself, up to the object.
    command: String,
}

/// What is told of a line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// Where it comes from, and what set the values in it; a sentence each.
    pub told: Vec<String>,
    /// What casts doubt on that, and what can be done.
    pub doubts: Vec<String>,
}

/// A document of the stored manifest.
#[derive(Debug)]
struct Stored {
    /// The line of its separator, from 0.
    start: usize,
    /// The template that Helm's comment names.
    source: String,
    /// `Kind/name`.
    object: String,
    text: String,
    /// The index of the same document rendered anew, and the lines that its lines are there; `None` where there is none.
    anew: Option<(usize, Vec<Line>)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Line {
    /// Its index in the document rendered anew, without secrets hidden.
    at: Option<usize>,
    /// How it reads there, if differently.
    anew: Option<String>,
}

/// Renders a revision's chart anew and pairs the lines of [`browse::manifest`] with what it gives.
///
/// # Errors
/// What the cluster says when it is asked what it serves; a chart that cannot be rendered is part of the answer.
pub async fn provenance(
    cluster: &Cluster,
    release: &Arc<Release>,
    redactor: &Redactor,
    cancel: &CancellationToken,
) -> Result<Provenance, Error> {
    let request = Request {
        release: facts(release),
        capabilities: capabilities(cluster).await?,
        // They held when the revision was made; schemas may be far away.
        skip_schema_validation: true,
        sub_chart_notes: false,
    };
    let (cluster, runtime) = (cluster.clone(), Handle::current());
    let (release, redactor, cancel) = (release.clone(), redactor.clone(), cancel.clone());
    let work = move || {
        let world = World { cluster: Some((cluster, runtime)), cancel, ..World::default() };
        let rendered = render_anew(&release, &request, &world, &redactor);
        Provenance::new(&release, &redactor, rendered)
    };
    tokio::task::spawn_blocking(work).await.map_err(|error| Error::Refused(error.to_string()))
}

/// What `.Release` said. A rollback has the manifest of the revision that it names; an install is revision 1 to
/// templates, also where it replaces an uninstalled release (helm/helm `pkg/action/install.go`).
fn facts(release: &Release) -> ReleaseFacts {
    let description = &release.info.description;
    let target = description.strip_prefix("Rollback to ").and_then(|revision| revision.parse().ok());
    let installed = description == "Install complete";
    let revision = if installed { 1 } else { target.unwrap_or(release.revision) };
    ReleaseFacts {
        name: release.name.clone(),
        namespace: release.namespace.clone(),
        revision,
        is_install: revision == 1,
        is_upgrade: revision != 1,
    }
}

fn render_anew(
    release: &Release,
    request: &Request,
    world: &World,
    redactor: &Redactor,
) -> Result<(Rendered, Explained), String> {
    let recorded = release.chart.raw().ok_or("the record holds no chart")?;
    let mut chart = Chart::from_record(recorded.as_bytes()).map_err(|error| error.message)?;
    let options = values::Options { files: vec![SUPPLIED.to_owned()], ..values::Options::default() };
    // Line by line what screens show as the supplied values.
    let shown = yaml::to_string(&redactor.values(&release.config.clone().into()));
    let mut read = |_: &str| Ok(shown.clone().into_bytes());
    let sources = Sources { options: &options, read: &mut read };
    let mut given: Values = release.config.clone();
    given.values_mut().for_each(values::make_floats);
    render::explain(&mut chart, &given, request, world, Some(sources)).map_err(|failure| {
        // A chart may complain of a value by quoting it; its defaults are no secret.
        redactor.quoting(&failure.error.message, &release.config.clone().into())
    })
}

impl Provenance {
    fn new(release: &Release, redactor: &Redactor, rendered: Result<(Rendered, Explained), String>) -> Self {
        let metadata = release.chart.metadata();
        let mut why_missing = if metadata.dependencies.is_empty() {
            "the recorded chart, rendered anew, gives no such object".to_owned()
        } else {
            "records hold no sub-charts, so what they give cannot be rendered anew".to_owned()
        };
        let (rendered, explained) = rendered.unwrap_or_else(|error| {
            let hint = if metadata.dependencies.is_empty() { "" } else { " (records hold no sub-charts)" };
            why_missing = format!("the recorded chart cannot be rendered anew{hint}: {error}");
            Default::default()
        });
        let mut anew = Anew::new(&rendered, redactor);
        let shown = browse::manifest(release, redactor);
        Self {
            documents: manifest::split(&shown).iter().map(|document| anew.pair(&shown, document)).collect(),
            explained: explained.documents,
            why_missing,
            command: format!(
                "ask the chart itself: pilothouse template {} CHART -n {} -f VALUES --explain",
                release.name, release.namespace
            ),
        }
    }

    /// What is known of a line of [`browse::manifest`], from 0.
    pub fn of(&self, line: usize) -> Answer {
        let after = self.documents.partition_point(|document| document.start <= line);
        let Some(document) = after.checked_sub(1).and_then(|index| self.documents.get(index)) else {
            return Answer { told: Explanation::Separator.tell(), doubts: Vec::new() };
        };
        let line = line - document.start;
        let Some((index, lines)) = &document.anew else {
            return self.missing(document, line, &self.why_missing);
        };
        let Some((line, at)) = lines.get(line).and_then(|line| Some((line, line.at?))) else {
            return self.missing(document, line, "rendered anew, the object has no such line");
        };
        let explained = self.explained.get(*index).map(Vec::as_slice).unwrap_or_default();
        let explanation = render::pushed(explained).nth(at).unwrap_or(&Explanation::Separator);
        Answer { told: explanation.tell(), doubts: line.anew.iter().flat_map(|text| differs(text)).collect() }
    }

    fn missing(&self, document: &Stored, line: usize, why: &str) -> Answer {
        let told = match document.source.as_str() {
            "" => "comes from a template that the manifest does not name".to_owned(),
            source => {
                let below = source.split_once('/').map_or(source, |(_, below)| below);
                format!("comes from {below}, as the manifest says")
            }
        };
        let what =
            path_of(&document.text, line).map_or("LINE".to_owned(), |path| format!("{}:{path}", document.object));
        Answer { told: vec![told], doubts: vec![why.to_owned(), format!("{} {what}", self.command)] }
    }
}

fn differs(anew: &str) -> [String; 2] {
    [
        format!("rendered anew, this line reads: {}", anew.trim()),
        "what is random, or taken from time, cluster or a post-renderer, differs each time".to_owned(),
    ]
}

/// The documents rendered anew, each once as it is and once with secrets hidden.
struct Anew {
    raw: Vec<String>,
    shown: Vec<String>,
    sources: Vec<String>,
    /// Those that were not paired yet.
    left: HashMap<ObjectKey, Vec<usize>>,
}

impl Anew {
    fn new(rendered: &Rendered, redactor: &Redactor) -> Self {
        let raw = rendered.manifest(false);
        let shown = redactor.manifest(&raw);
        let mut left: HashMap<ObjectKey, Vec<usize>> = HashMap::new();
        let texts = |text: &str| manifest::split(text).iter().map(|document| document.text.to_owned()).collect();
        let raw: Vec<String> = texts(&raw);
        for (index, text) in raw.iter().enumerate() {
            left.entry(key_of(text)).or_default().push(index);
        }
        let sources = rendered.documents.iter().map(|document| document.path.to_string()).collect();
        Self { raw, shown: texts(&shown), sources, left }
    }

    /// Finds a stored document among them: the same object, from the same template where several claim to be it.
    fn pair(&mut self, whole: &str, document: &Document<'_>) -> Stored {
        let key = key_of(document.text);
        let object = label(&key);
        let source = document.source().unwrap_or_default();
        let candidates = self.left.get_mut(&key);
        let found = candidates.filter(|candidates| !candidates.is_empty()).map(|candidates| {
            let same = candidates.iter().position(|index| self.sources.get(*index) == Some(&source));
            candidates.remove(same.unwrap_or_default())
        });
        let texts = found.and_then(|index| Some((index, self.shown.get(index)?, self.raw.get(index)?)));
        let anew = texts.map(|(index, shown, raw)| (index, pair_lines(document.text, shown, raw)));
        let start = whole.get(..document.offset).unwrap_or_default().matches('\n').count();
        Stored { start, source, object, text: document.text.to_owned(), anew }
    }
}

/// The identity of a document's object; that of nothing where it is none.
fn key_of(text: &str) -> ObjectKey {
    Object::new(yaml::from_str(text).unwrap_or_default()).key()
}

/// Pairs the lines of a stored document with those of the same object rendered anew: `shown` as it would be stored and
/// shown, `raw` with its secrets. Where the texts differ, a line is found by the path of what stands there.
fn pair_lines(stored: &str, shown: &str, raw: &str) -> Vec<Line> {
    if stored == shown && shown == raw {
        return (0..stored.split('\n').count()).map(|at| Line { at: Some(at), anew: None }).collect();
    }
    let places = |text: &str| yaml::positions(text).unwrap_or_default();
    let (from, to_shown, to_raw) = (places(stored), places(shown), places(raw));
    let shown: Vec<&str> = shown.split('\n').collect();
    let count = raw.split('\n').count();
    let pair = |(index, text): (usize, &str)| {
        let anew = same_line(&from, index, &to_shown).and_then(|at| shown.get(at));
        Line {
            at: same_line(&from, index, &to_raw).filter(|at| anew.is_some() && *at < count),
            anew: anew.filter(|anew| anew.trim() != text.trim()).map(|anew| (*anew).to_owned()),
        }
    };
    stored.split('\n').enumerate().map(pair).collect()
}

/// The line, from 0, of what stands on a line of another text. What comes before the first key stays where it is.
fn same_line(from: &Place, line: usize, to: &Place) -> Option<usize> {
    let Some((path, start)) = from.path_to(line + 1) else {
        return Some(line);
    };
    let place = path.iter().try_fold(to, |place, key| place.get(key))?;
    Some(place.line + line - start)
}

/// The path of what stands on a document's line, as `--explain` takes it: `spec.containers[0].image`.
fn path_of(text: &str, line: usize) -> Option<String> {
    let (path, _) = yaml::positions(text).ok()?.path_to(line + 1)?;
    let mut written = String::new();
    for key in &path {
        match key {
            key if key.parse::<usize>().is_ok() => written.push_str(&format!("[{key}]")),
            key if key.contains(['.', '[']) => written.push_str(&format!("[\"{key}\"]")),
            key if written.is_empty() => written.push_str(key),
            key => written.push_str(&format!(".{key}")),
        }
    }
    Some(written)
}
