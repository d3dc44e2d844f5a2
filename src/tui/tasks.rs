//! Work off the loop: one place starts it, every task has a generation and a cancel token.

mod draft;
mod operations;

use std::{collections::HashMap, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures::{FutureExt, StreamExt};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

pub use self::draft::{Answer, ChartFrom, Fault, Recipe, Rendered};
use super::{
    effect::Slot,
    event::{Event, News},
    highlight::Highlighter,
    report::Report,
    screens::ScreenId,
    widgets::{
        diff::Section,
        text::{Kind, TextLine},
    },
};
use crate::{
    cluster::{self, Cluster, ConnectOptions, contexts, logs::EventInfo, read::Target},
    diff::Redactor,
    engine::{self, Basis, Options, Prepared, Request, browse, provenance::provenance},
    manifest::Object,
    release::{RecordMeta, Release, Storage},
    sandbox::Sandbox,
};

/// Work to do. Grouped by domain, as the news it brings.
pub enum Task {
    // Connection
    /// Make a connection.
    Connect(Box<ConnectOptions>),
    /// Start the sandbox with its example releases and connect to it.
    Sandbox,
    /// Ask the server's version.
    Version(Cluster),
    /// Read the kubeconfig's contexts.
    Contexts(Box<ConnectOptions>),
    /// List namespaces.
    Namespaces(Cluster),

    // Records
    /// Follow the newest records of the storage's namespace (all when empty).
    Watch(Storage),
    /// Chart and app of a record.
    Summary(Storage, Box<RecordMeta>),
    /// Decode a record.
    Decode(Storage, Box<RecordMeta>),
    /// Health and drift of a release.
    Condition(Storage, Box<RecordMeta>, Redactor),
    /// A release's revisions.
    History(Storage, String),
    /// Follow a release's revisions by name.
    WatchHistory(Storage, String),

    // One release
    /// Changes from one revision to another, with so much context.
    Changes(Option<Arc<Release>>, Arc<Release>, Redactor, usize),
    /// Drift of a revision from the live cluster, with so much context.
    Drift(Storage, Arc<Release>, Redactor, usize),
    /// What the newest revision changed; a sentence.
    LastChange(Storage, Box<RecordMeta>, Redactor),
    /// Where the lines of a revision's manifest come from.
    Provenance(Cluster, Arc<Release>, Redactor),
    /// The resources of a revision, live; with `true` after a moment, because something changed and more may follow.
    Resources(Storage, Arc<Release>, bool),
    /// Follow live objects.
    WatchObjects(Cluster, Vec<Target>),
    /// Events about an object.
    Events(Cluster, Box<Object>),
    /// Follow a container's log: namespace, pod, container.
    Logs(Cluster, String, String, String),
    /// The log of what ran as a hook: the hook's object, the release's namespace.
    HookLog(Cluster, Box<Object>, String),
    /// Make a text in the background.
    Text(Box<dyn FnOnce() -> Vec<TextLine> + Send>),

    // Operations
    /// Find the revision that an upgrade starts from.
    InForce(Storage, String),
    /// Render what is typed of an install or upgrade, then ask the cluster.
    Draft(Storage, Box<Recipe>, Redactor),
    /// Prepare and preview what is asked for.
    Preview(Storage, String, Request, Options, Redactor),
    /// Carry out what was prepared, if the basis still holds.
    Execute(Storage, Box<Prepared>, Box<Basis>),
    /// Run a release's tests.
    Test(Storage, String, Duration),

    // The program itself
    /// Put a text on the clipboard with the platform's own tool.
    Copy(String),
    /// Load the syntax definitions.
    LoadSyntax,
}

impl Task {
    /// What somebody waits on while it runs; `None` for what goes on in the background.
    pub fn label(&self) -> Option<String> {
        Some(match self {
            Self::Connect(_) | Self::Version(_) => "the cluster's answer".into(),
            Self::Sandbox => "the sandbox".into(),
            Self::History(_, name) => format!("the revisions of {name}"),
            Self::Changes(_, new, ..) => format!("changes of revision {}", new.revision),
            Self::Drift(_, release, ..) => format!("live objects of {}", release.name),
            Self::Resources(_, release, false) => format!("resources of {}", release.name),
            Self::Events(..) => "events".into(),
            Self::Logs(_, _, pod, _) => format!("the log of {pod}"),
            Self::HookLog(_, object, _) => format!("the log of {}", object.name()),
            Self::InForce(_, name) => format!("the record of {name}"),
            Self::Preview(_, name, ..) => format!("the preview of {name}"),
            _ => return None,
        })
    }

    /// Whether it ends by itself only: a cancelled operation still writes its final status.
    fn ends_itself(&self) -> bool {
        matches!(self, Self::Execute(..) | Self::Test(..))
    }

    /// Whether it goes on for as long as somebody looks.
    fn is_endless(&self) -> bool {
        matches!(
            self,
            Self::Watch(_) | Self::WatchHistory(..) | Self::WatchObjects(..) | Self::Logs(..) | Self::HookLog(..)
        )
    }
}

struct Running {
    generation: u64,
    cancel: CancellationToken,
    ends_itself: bool,
    endless: bool,
}

struct Message {
    owner: ScreenId,
    slot: Slot,
    generation: u64,
    news: Option<News>,
}

/// The running tasks.
pub struct Tasks {
    running: HashMap<(ScreenId, Slot), Running>,
    generation: u64,
    sender: mpsc::Sender<Message>,
    receiver: mpsc::Receiver<Message>,
}

/// How many messages may wait for the loop.
const QUEUE: usize = 256;

impl Default for Tasks {
    fn default() -> Self {
        let (sender, receiver) = mpsc::channel(QUEUE);
        Self { running: HashMap::new(), generation: 0, sender, receiver }
    }
}

impl Tasks {
    /// Starts a task; the one before in the slot is cancelled and what it still says is dropped.
    pub fn run(&mut self, owner: ScreenId, slot: Slot, task: Task) {
        self.cancel(owner, &slot);
        self.generation += 1;
        let cancel = CancellationToken::new();
        let (ends_itself, endless) = (task.ends_itself(), task.is_endless());
        let running = Running { generation: self.generation, cancel: cancel.clone(), ends_itself, endless };
        self.running.insert((owner, slot.clone()), running);
        let out = Out { owner, slot, generation: self.generation, sender: self.sender.clone() };
        tokio::spawn(async move {
            let work = AssertUnwindSafe(carry_out(task, &out, &cancel)).catch_unwind();
            let ended = if ends_itself { Some(work.await) } else { cancel.run_until_cancelled(work).await };
            if let Some(Err(_)) = ended {
                let report = Report::new("a task of this program failed; its log file says where");
                out.send(News::Broken(report)).await;
            }
            out.message(None).await;
        });
    }

    /// Whether a task runs in a slot.
    pub fn has(&self, owner: ScreenId, slot: &Slot) -> bool {
        self.running.contains_key(&(owner, slot.clone()))
    }

    /// Cancels the task in a slot. An operation is asked to end and is heard until it has.
    pub fn cancel(&mut self, owner: ScreenId, slot: &Slot) {
        let key = (owner, slot.clone());
        if let Some(running) = self.running.get(&key) {
            running.cancel.cancel();
            if !running.ends_itself {
                self.running.remove(&key);
            }
        }
    }

    /// Cancels all tasks of an owner.
    pub fn cancel_all(&mut self, owner: ScreenId) {
        let slots: Vec<Slot> =
            self.running.keys().filter(|(known, _)| *known == owner).map(|(_, slot)| slot.clone()).collect();
        for slot in slots {
            self.cancel(owner, &slot);
        }
    }

    /// Whether anything runs that ends by itself.
    pub fn is_busy(&self) -> bool {
        self.running.values().any(|running| !running.endless)
    }

    /// The next thing a current task tells.
    pub async fn next(&mut self) -> Event {
        loop {
            let message = self.receiver.recv().await;
            if let Some(event) = message.and_then(|message| self.accept(message)) {
                return event;
            }
        }
    }

    /// The next thing that is there already.
    pub fn ready(&mut self) -> Option<Event> {
        self.next().now_or_never()
    }

    /// Drops what stale generations say.
    fn accept(&mut self, message: Message) -> Option<Event> {
        let Message { owner, slot, generation, news } = message;
        let key = (owner, slot);
        if self.running.get(&key).is_none_or(|running| running.generation != generation) {
            return None;
        }
        match news {
            Some(news) => Some(Event::News(key.0, key.1, news)),
            None => {
                self.running.remove(&key);
                Some(Event::Ended(key.0, key.1))
            }
        }
    }
}

/// Where a task's news go.
#[derive(Clone)]
struct Out {
    owner: ScreenId,
    slot: Slot,
    generation: u64,
    sender: mpsc::Sender<Message>,
}

impl Out {
    async fn send(&self, news: News) {
        self.message(Some(news)).await;
    }

    async fn message(&self, news: Option<News>) {
        let message = Message { owner: self.owner, slot: self.slot.clone(), generation: self.generation, news };
        // The loop is gone only when the program ends; then nobody needs the news.
        let _ = self.sender.send(message).await;
    }
}

async fn carry_out(task: Task, out: &Out, cancel: &CancellationToken) {
    let news = match task {
        Task::Connect(options) => News::Connected(Cluster::connect(&options).await.map_err(Report::from), None),
        Task::Sandbox => {
            let sandbox = Sandbox::with_examples().await;
            News::Connected(Ok(Cluster::from_client(sandbox.client(), "sandbox", "default")), Some(sandbox))
        }
        Task::Version(cluster) => News::Version(cluster.server_version().await.map_err(Report::from)),
        Task::Contexts(options) => News::Contexts(contexts(&options).map_err(Report::from)),
        Task::Namespaces(cluster) => News::Namespaces(cluster.namespaces().await.map_err(Report::from)),
        Task::Watch(storage) => return follow(&storage, "status!=superseded", out).await,
        Task::WatchHistory(storage, name) => {
            return follow(&storage, &format!("name={name}"), out).await;
        }
        Task::Summary(storage, meta) => {
            let summary = storage.summary(&meta).await.map(Box::new).map_err(Report::from);
            News::Summary(meta, summary)
        }
        Task::Decode(storage, meta) => {
            let decoded = storage.decode(&meta).await.map_err(Report::from);
            News::Decoded(meta, decoded)
        }
        Task::Condition(storage, meta, redactor) => {
            let found = condition(&storage, &meta, &redactor).await.map_err(Report::from);
            News::Condition(meta, found)
        }
        Task::History(storage, name) => News::History(storage.history(&name).await.map_err(Report::from)),
        Task::Changes(old, new, redactor, context) => {
            let work = move || sections_between(old.as_deref(), &new, &redactor, context);
            News::Changes(off_the_loop(work).await.and_then(|found| found))
        }
        Task::Drift(storage, release, redactor, context) => {
            News::Changes(drift_sections(&storage, &release, &redactor, context).await.map_err(Report::from))
        }
        Task::LastChange(storage, meta, redactor) => News::Text(
            last_change(&storage, &meta, redactor)
                .await
                .unwrap_or_else(|report| vec![TextLine::new(Kind::Bad, &report.message)]),
        ),
        Task::Provenance(cluster, release, redactor) => {
            let found = provenance(&cluster, &release, &redactor, cancel).await;
            News::Provenance(found.map(Box::new).map_err(Report::from))
        }
        Task::Resources(storage, release, again) => {
            if again {
                tokio::time::sleep(MOMENT).await;
            }
            News::Resources(browse::resources(&storage, &release).await.map_err(Report::from))
        }
        Task::WatchObjects(cluster, targets) => {
            return watch_objects(cluster, targets, out.clone(), cancel.clone()).await;
        }
        Task::Events(cluster, object) => News::ObjectEvents(events(&cluster, &object).await),
        Task::Logs(cluster, namespace, pod, container) => {
            return logs(cluster, [namespace, pod, container], out.clone(), cancel.clone()).await;
        }
        Task::HookLog(cluster, object, namespace) => {
            News::LogEnded(hook_log(&cluster, &object, &namespace, out, cancel).await)
        }
        Task::Text(work) => match off_the_loop(work).await {
            Ok(lines) => News::Text(lines),
            Err(report) => News::Text(vec![TextLine::new(Kind::Bad, &report.message)]),
        },
        Task::InForce(storage, name) => News::InForce(browse::in_force(&storage, &name).await.map_err(Report::from)),
        Task::Draft(storage, recipe, redactor) => {
            return draft::follow(storage, *recipe, redactor, out, cancel).await;
        }
        Task::Preview(storage, name, request, options, redactor) => {
            let previewed = operations::preview(&storage, &name, request, &options, &redactor).await;
            News::Previewed(previewed.map(Box::new))
        }
        Task::Execute(storage, prepared, basis) => {
            return operations::execute(storage, *prepared, *basis, out, cancel.clone()).await;
        }
        Task::Test(storage, name, timeout) => {
            return operations::test(storage, name, timeout, out, cancel.clone()).await;
        }
        Task::Copy(text) => match super::clipboard::copy(&text).await {
            Some(tool) => News::Copied(tool),
            None => News::NoClipboard(text),
        },
        Task::LoadSyntax => match off_the_loop(Highlighter::load).await {
            Ok(Some(highlighter)) => News::Highlighter(Arc::new(highlighter)),
            _ => return,
        },
    };
    out.send(news).await;
}

/// Runs what takes the processor for a while on a thread of its own.
async fn off_the_loop<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Report> {
    tokio::task::spawn_blocking(work).await.map_err(|error| Report::new(error.to_string()))
}

async fn follow(storage: &Storage, selector: &str, out: &Out) {
    let mut events = storage.watch(selector);
    while let Some(event) = events.next().await {
        out.send(News::Records(storage.namespace().to_owned(), Box::new(event))).await;
    }
}

async fn condition(
    storage: &Storage,
    meta: &RecordMeta,
    redactor: &Redactor,
) -> Result<((u32, u32), usize), engine::Error> {
    let release = storage.decode(meta).await?;
    let nodes = browse::resources(storage, &release).await?;
    let drift = browse::drift(storage, &release, redactor).await?;
    let drifted = drift.iter().filter(|object| object.diff.weight == crate::diff::Weight::Real).count();
    Ok((browse::health(&nodes), drifted))
}

fn sections_between(
    old: Option<&Release>,
    new: &Release,
    redactor: &Redactor,
    context: usize,
) -> Result<Arc<Vec<Section>>, Report> {
    let changes = browse::changes(old, new, redactor).map_err(Report::from)?;
    Ok(Arc::new(changes.iter().map(|object| Section::new(object, context)).collect()))
}

async fn drift_sections(
    storage: &Storage,
    release: &Release,
    redactor: &Redactor,
    context: usize,
) -> Result<Arc<Vec<Section>>, engine::Error> {
    let drift = browse::drift(storage, release, redactor).await?;
    Ok(Arc::new(drift.iter().map(|object| Section::drift(object, context)).collect()))
}

/// How long changes gather before a tree is read anew.
const MOMENT: Duration = Duration::from_millis(500);

/// How long a selection stands before its details are read: whoever runs through a list asks for nothing.
const PAUSE: Duration = Duration::from_millis(120);

async fn last_change(storage: &Storage, meta: &RecordMeta, redactor: Redactor) -> Result<Vec<TextLine>, Report> {
    tokio::time::sleep(PAUSE).await;
    let history = storage.history(&meta.name).await?;
    let before = history.iter().rev().find(|known| known.revision < meta.revision).cloned();
    let new = storage.decode(meta).await?;
    let old = match &before {
        Some(before) => Some(storage.decode(before).await?),
        None => None,
    };
    let notes = new.info.notes.clone();
    let description = new.info.description.clone();
    let found = off_the_loop(move || sections_between(old.as_deref(), &new, &redactor, 0)).await??;
    let changed = found.iter().filter(|section| section.weight == crate::diff::Weight::Real);
    let title = match before {
        Some(before) => format!("{} {} ← {}", meta.name, meta.revision, before.revision),
        None => format!("{} {}, the oldest revision kept", meta.name, meta.revision),
    };
    let mut lines = vec![TextLine::new(Kind::Heading, &format!("{title}  {description}"))];
    lines.extend(changed.map(|section| TextLine::new(section.kind(), &section.headline())));
    let same = found.iter().filter(|section| section.weight != crate::diff::Weight::Real).count();
    lines.push(TextLine::new(Kind::Dim, &format!("= {same} objects unchanged")));
    lines.push(TextLine::default());
    lines.extend(notes.lines().map(|line| TextLine::new(Kind::Plain, line)));
    Ok(lines)
}

async fn watch_objects(cluster: Cluster, targets: Vec<Target>, out: Out, cancel: CancellationToken) {
    let (sender, mut receiver) = mpsc::unbounded_channel();
    let changed = move |target: Target, object: Option<Object>| {
        // Nobody listens any more once the task is cancelled.
        let _ = sender.send((target, object));
    };
    let forward = async {
        while let Some((target, object)) = receiver.recv().await {
            out.send(News::Touched(target, object.map(Box::new))).await;
        }
    };
    tokio::select! {
        _ = cluster.watch_objects(&targets, &cancel, &changed) => {}
        () = forward => {}
    }
}

async fn events(cluster: &Cluster, object: &Object) -> Result<Vec<EventInfo>, Report> {
    cluster.events_of(object).await.map_err(Report::from)
}

async fn logs(cluster: Cluster, [namespace, pod, container]: [String; 3], out: Out, cancel: CancellationToken) {
    let result = follow_log(&cluster, [&namespace, &pod, &container], &out, &cancel).await;
    out.send(News::LogEnded(result.map_err(Report::from))).await;
}

/// Tells the last lines of a log and those to come.
async fn follow_log(
    cluster: &Cluster,
    [namespace, pod, container]: [&str; 3],
    out: &Out,
    cancel: &CancellationToken,
) -> Result<(), cluster::Error> {
    let (sender, mut receiver) = mpsc::channel(QUEUE);
    let read = cluster.logs(namespace, pod, container, 500, true, sender, cancel);
    let forward = async {
        let mut lines = Vec::new();
        while receiver.recv_many(&mut lines, QUEUE).await > 0 {
            out.send(News::LogLines(std::mem::take(&mut lines))).await;
        }
    };
    tokio::join!(read, forward).0
}

/// The logs of a hook's pods, which go on where it still runs.
async fn hook_log(
    cluster: &Cluster,
    object: &Object,
    namespace: &str,
    out: &Out,
    cancel: &CancellationToken,
) -> Result<(), Report> {
    let target = cluster.target(object, namespace).await?;
    let pods = cluster.hook_pods(&target).await?;
    if pods.is_empty() {
        return Err(Report::new(format!("{}/{} has no pod any more, so no log", target.key.kind, target.key.name)));
    }
    for pod in pods {
        follow_log(cluster, [pod.namespace(), pod.name(), ""], out, cancel).await?;
    }
    Ok(())
}
