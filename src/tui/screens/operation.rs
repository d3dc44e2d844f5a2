//! A running or finished operation: phases, every object, hooks with their logs, and what blocks.

use std::collections::BTreeMap;

use ratatui::{buffer::Buffer, layout::Rect, style::Style};
use unicode_width::UnicodeWidthStr;

use super::{Part, Review, Screen};
use crate::{
    cluster::{readiness::Status as Ready, wait::WaitStrategy},
    diff::Change,
    engine::{Basis, Outcome, Phase, Prepared, Progress, RollbackTarget, ServerSideMode},
    manifest::ObjectKey,
    tui::{
        effect::{Effect, Slot},
        event::{News, ScreenEvent},
        keymap::{Action, Place},
        log::{Entry, Mark},
        report::Report,
        shared::Shared,
        widgets::{
            diff::sign,
            put, safe,
            text::{Kind, TextLine, TextPane},
        },
    },
};

const RUN: &str = "operation";

/// The phases in order, with their words.
const PHASES: [(Phase, &str); 7] = [
    (Phase::Record, "record"),
    (Phase::PreHooks, "pre hooks"),
    (Phase::Apply, "apply"),
    (Phase::Delete, "delete"),
    (Phase::Wait, "wait"),
    (Phase::PostHooks, "post hooks"),
    (Phase::Final, "final record"),
];

/// What is going on, or went on.
pub struct Operation {
    namespace: String,
    name: String,
    to: u32,
    revision: u32,
    /// What does the same with Helm.
    command: String,
    /// What is still to be started: taken when the screen opens.
    start: Option<(Box<Prepared>, Box<Basis>)>,
    timeout: i64,
    began: i64,
    ended: Option<i64>,
    phases: BTreeMap<Phase, Steps>,
    objects: Vec<Object>,
    notes: Vec<(Kind, String)>,
    hook_log: Vec<(String, String)>,
    cancelling: bool,
    stage: Stage,
    text: TextPane,
}

#[derive(Default)]
struct Steps {
    total: usize,
    done: usize,
    finished: bool,
}

struct Object {
    key: ObjectKey,
    step: Step,
    /// Whether it is one of the release's; hooks are waited for too.
    applied: bool,
}

enum Step {
    Applied(Change),
    Waiting { message: String, blocker: Option<String>, ready: bool },
    Failed(String),
}

enum Stage {
    Running,
    Done(Box<Outcome>),
    Failed(Report),
}

impl Operation {
    /// Carries out what was reviewed, as soon as the screen opens.
    pub fn new(prepared: Prepared, basis: Basis) -> Self {
        Self {
            namespace: prepared.namespace.clone(),
            name: prepared.name.clone(),
            to: prepared.to.revision,
            revision: prepared.next.revision,
            command: helm_command(&prepared),
            timeout: i64::try_from(prepared.options.timeout.as_secs()).unwrap_or(i64::MAX),
            start: Some((Box::new(prepared), Box::new(basis))),
            began: 0,
            ended: None,
            phases: BTreeMap::new(),
            objects: Vec::new(),
            notes: Vec::new(),
            hook_log: Vec::new(),
            cancelling: false,
            stage: Stage::Running,
            text: TextPane::default(),
        }
    }

    fn words(&self) -> String {
        format!("roll back {} in {} to revision {}", self.name, self.namespace, self.to)
    }

    fn entry(&self, mark: Mark, details: Vec<String>) -> Effect {
        Effect::Log(Entry { at: 0, mark, what: self.words(), command: self.command.clone(), details })
    }

    fn begin(&mut self, shared: &Shared) -> Vec<Effect> {
        let (Some((prepared, basis)), Some(storage)) = (self.start.take(), shared.storage_in(&self.namespace)) else {
            return Vec::new();
        };
        self.began = shared.clock;
        if !shared.context.is_empty() {
            self.command.push_str(&format!(" --kube-context {}", shared.context));
        }
        let task = crate::tui::tasks::Task::Execute(storage, prepared, basis);
        vec![self.entry(Mark::Running, Vec::new()), Effect::Run(Slot::of(RUN), task)]
    }

    fn progress(&mut self, progress: Progress) {
        match progress {
            Progress::PhaseStarted(phase, total) => {
                self.phases.insert(phase, Steps { total, ..Steps::default() });
            }
            Progress::PhaseDone(phase) => {
                let steps = self.phases.entry(phase).or_default();
                (steps.done, steps.finished) = (steps.total, true);
            }
            Progress::RecordWritten(revision, _) => self.revision = revision,
            Progress::Object(key, change) => {
                let phase = if change == Change::Delete { Phase::Delete } else { Phase::Apply };
                self.phases.entry(phase).or_default().done += 1;
                self.step(key, Step::Applied(change));
            }
            Progress::ObjectFailed(key, words) => self.step(key, Step::Failed(words)),
            Progress::Waiting(key, readiness, blocker) => {
                let ready = readiness.status == Ready::Current;
                self.step(key, Step::Waiting { message: readiness.message, blocker, ready });
                let ready =
                    |object: &&Object| object.applied && matches!(&object.step, Step::Waiting { ready: true, .. });
                let ready = self.objects.iter().filter(ready).count();
                if let Some(steps) = self.phases.get_mut(&Phase::Wait) {
                    steps.done = ready;
                }
            }
            Progress::HookStarted(name) => self.notes.push((Kind::Plain, format!("hook {name} runs"))),
            Progress::HookLog(name, line) => self.hook_log.push((name, line)),
            // Every line was shown when it was written.
            Progress::HookOutput(..) => {}
            Progress::HookDone(name, good, millis) => {
                let seconds = format!("{}.{} s", millis / 1000, millis % 1000 / 100);
                let note = if good {
                    (Kind::Good, format!("hook {name} done in {seconds}"))
                } else {
                    (Kind::Bad, format!("hook {name} failed after {seconds}"))
                };
                self.notes.push(note);
                let phase =
                    if self.phases.contains_key(&Phase::PostHooks) { Phase::PostHooks } else { Phase::PreHooks };
                self.phases.entry(phase).or_default().done += 1;
            }
            Progress::Stage(charts) => self.notes.push((Kind::Plain, format!("now {}", charts.join(", ")))),
            Progress::Warning(words) => self.notes.push((Kind::Warn, words)),
            Progress::Cancelling(words) => self.notes.push((Kind::Warn, format!("cancelling: {words}"))),
        }
    }

    fn step(&mut self, key: ObjectKey, step: Step) {
        let applied = !matches!(step, Step::Waiting { .. });
        match self.objects.iter_mut().find(|object| object.key == key) {
            Some(object) => object.step = step,
            None => self.objects.push(Object { key, step, applied }),
        }
    }

    fn executed(&mut self, result: Result<Box<Outcome>, Report>, shared: &Shared) -> Vec<Effect> {
        self.ended = Some(shared.clock);
        match result {
            Ok(outcome) => {
                self.revision = outcome.release.revision;
                let details = outcome.warnings.clone();
                self.stage = Stage::Done(outcome);
                vec![self.entry(Mark::Good, details)]
            }
            Err(report) => {
                let details = std::iter::once(report.message.clone()).chain(report.hints.iter().cloned()).collect();
                self.stage = Stage::Failed(report);
                vec![self.entry(Mark::Bad, details)]
            }
        }
    }

    fn rebuild(&mut self) {
        let mut lines = Vec::new();
        match &self.stage {
            Stage::Running => {}
            Stage::Done(outcome) => {
                let [created, updated, deleted, unchanged] = outcome.counts;
                let text = format!(
                    "✓ revision {} of {} is deployed: {created} created, {updated} updated, {deleted} deleted, {unchanged} unchanged",
                    outcome.release.revision, self.name
                );
                lines.push(TextLine::new(Kind::Good, &text));
            }
            Stage::Failed(report) => {
                lines.extend(report.message.lines().map(|line| TextLine::new(Kind::Bad, &format!("✗ {line}"))));
                lines.extend(
                    report
                        .hints
                        .iter()
                        .flat_map(|hint| hint.lines())
                        .map(|line| TextLine::new(Kind::Plain, &format!("  → {line}"))),
                );
            }
        }
        lines.extend(self.notes.iter().map(|(kind, note)| TextLine::new(*kind, note)));
        // What fails or blocks first, then what waits, then what is done.
        let mut objects: Vec<&Object> = self.objects.iter().collect();
        objects.sort_by_key(|object| match &object.step {
            Step::Failed(_) => 0,
            Step::Waiting { ready: false, blocker: Some(_), .. } => 1,
            Step::Waiting { ready: false, .. } => 2,
            _ => 3,
        });
        lines.extend(objects.into_iter().map(object_line));
        let last = self.hook_log.len().saturating_sub(2_000);
        lines.extend(
            self.hook_log[last..].iter().map(|(hook, line)| TextLine::new(Kind::Dim, &format!("{hook} │ {line}"))),
        );
        self.text.set(lines);
    }

    fn running_now(&self) -> bool {
        matches!(self.stage, Stage::Running)
    }

    fn phase_words(&self, shared: &Shared) -> Vec<(String, Style)> {
        let theme = &shared.theme;
        let part = |(phase, words): &(Phase, &str)| {
            let Some(steps) = self.phases.get(phase) else {
                return (format!("{} {words}", theme.glyphs.idle), theme.dim);
            };
            let count = if steps.total > 0 {
                format!(" {}/{}", steps.done.min(steps.total), steps.total)
            } else {
                String::new()
            };
            match (steps.finished, &self.stage) {
                (true, _) => (format!("{} {words}{count}", theme.glyphs.good), theme.good),
                (false, Stage::Failed(_)) => (format!("{} {words}{count}", theme.glyphs.bad), theme.bad),
                (false, _) => (format!("{} {words}{count}", theme.glyphs.busy), theme.busy),
            }
        };
        PHASES.iter().map(part).collect()
    }

    fn clock(&self, shared: &Shared) -> String {
        let seconds = (self.ended.unwrap_or(shared.clock) - self.began).max(0) / 1000;
        let clock = |seconds: i64| format!("{:02}:{:02}", seconds / 60, seconds % 60);
        format!("{} / {}", clock(seconds), clock(self.timeout))
    }

    fn draw_head(&self, buffer: &mut Buffer, area: Rect, shared: &Shared) {
        let theme = &shared.theme;
        let verb = match &self.stage {
            Stage::Running if self.cancelling => "Cancelling",
            Stage::Running => "Rolling back",
            Stage::Done(_) => "Rolled back",
            Stage::Failed(_) => "Could not roll back",
        };
        let title = format!(" {verb} {} {} {} (as revision {})", self.name, theme.glyphs.arrow, self.to, self.revision);
        let used = put(buffer, area.x, area.y, area.width, &safe::visible(&title), theme.heading);
        let hint = match (self.cancelling, self.running_now()) {
            (true, true) => "the final status will be written ",
            (false, true) => &format!("{} cancels (runs on if you leave) ", shared.keymap.key_of(&Action::Cancel)),
            _ => "",
        };
        let room = usize::from(area.width.saturating_sub(used + 2));
        let clock = format!("{} ", self.clock(shared));
        let long = format!("{clock} {hint}");
        // The hint gives way first where there is little room; the footer has the key, too.
        let side = if long.width() <= room { long } else { clock };
        let width = (side.width() as u16).min(area.width);
        put(buffer, area.right() - width, area.y, width, &side, theme.dim);
    }

    fn draw_phases(&self, buffer: &mut Buffer, area: Rect, shared: &Shared) {
        let (mut x, mut y) = (area.x + 1, area.y);
        for (text, style) in self.phase_words(shared) {
            let width = text.chars().count() as u16;
            if x + width > area.right() {
                (x, y) = (area.x + 1, y + 1);
            }
            if y < area.bottom() {
                x += put(buffer, x, y, width, &text, style) + 3;
            }
        }
    }
}

fn object_line(object: &Object) -> TextLine {
    let name = format!("{}/{}", object.key.kind, object.key.name);
    match &object.step {
        Step::Applied(change) => TextLine::new(Kind::Good, &format!("✓ {} {name}", sign(*change))),
        Step::Failed(words) => TextLine::new(Kind::Bad, &format!("✗ {name}   {words}")),
        Step::Waiting { ready: true, message, .. } => TextLine::new(Kind::Good, &format!("✓ {name}   {message}")),
        Step::Waiting { message, blocker, .. } => {
            let blocker = blocker.as_deref().unwrap_or_default();
            let kind = if blocker.is_empty() { Kind::Plain } else { Kind::Warn };
            TextLine::new(kind, &format!("◐ {name}   {message}   {blocker}"))
        }
    }
}

/// The command that does the same with Helm.
fn helm_command(prepared: &Prepared) -> String {
    let options = &prepared.options;
    let mut command =
        format!("helm rollback {} {} --namespace {}", prepared.name, prepared.to.revision, prepared.namespace);
    let mut flag = |on: bool, words: &str| {
        if on {
            command.push(' ');
            command.push_str(words);
        }
    };
    flag(options.wait != WaitStrategy::HookOnly, "--wait");
    flag(options.wait_for_jobs, "--wait-for-jobs");
    flag(options.timeout.as_secs() != 300, &format!("--timeout {}s", options.timeout.as_secs()));
    flag(options.no_hooks, "--no-hooks");
    flag(options.server_side == ServerSideMode::True, "--server-side=true");
    flag(options.server_side == ServerSideMode::False, "--server-side=false");
    flag(options.force_conflicts, "--force-conflicts");
    flag(options.force_replace, "--force-replace");
    flag(options.cleanup_on_fail, "--cleanup-on-fail");
    flag(options.history_max != 10, &format!("--history-max {}", options.history_max));
    command
}

impl Part for Operation {
    fn place(&self) -> Place {
        Place::Operation
    }

    fn crumbs(&self) -> Vec<String> {
        vec![self.namespace.clone(), self.name.clone(), "operation".into()]
    }

    fn filter(&self) -> Option<String> {
        Some(self.text.searched().to_owned())
    }

    fn running(&self) -> Option<String> {
        self.running_now().then(|| self.words())
    }

    fn update(&mut self, event: ScreenEvent, shared: &Shared) -> Vec<Effect> {
        let effects = match event {
            ScreenEvent::Opened => self.begin(shared),
            ScreenEvent::News(_, News::Progress(progress)) => {
                self.progress(*progress);
                Vec::new()
            }
            ScreenEvent::News(_, News::Executed(result)) => self.executed(result, shared),
            ScreenEvent::Filter(text) => {
                self.text.search(&text);
                return Vec::new();
            }
            ScreenEvent::Action(Action::Back) => return vec![Effect::Back],
            ScreenEvent::Action(Action::Cancel) if self.running_now() => {
                self.cancelling = true;
                vec![Effect::Cancel(Slot::of(RUN))]
            }
            ScreenEvent::Action(Action::Refresh) if !self.running_now() => {
                let review = Review::rollback(&self.namespace, &self.name, RollbackTarget::Revision(self.to));
                return vec![Effect::Replace(Box::new(Screen::Review(Box::new(review))))];
            }
            ScreenEvent::Action(Action::Copy) => return vec![Effect::Copy(self.text.text())],
            ScreenEvent::Action(Action::Pager) => {
                return vec![Effect::Pager(self.text.text().into())];
            }
            ScreenEvent::Action(action) => {
                self.text.act(&action);
                return Vec::new();
            }
            _ => return Vec::new(),
        };
        self.rebuild();
        effects
    }

    fn arrange(&mut self, area: Rect, shared: &Shared) -> Vec<Effect> {
        self.text.arrange(body(area), shared);
        Vec::new()
    }

    fn view(&self, buffer: &mut Buffer, area: Rect, shared: &Shared) {
        self.draw_head(buffer, Rect { height: 1, ..area }, shared);
        self.draw_phases(buffer, Rect { y: area.y + 1, height: HEAD - 1, ..area }, shared);
        self.text.view(buffer, body(area), &shared.theme, true);
    }
}

/// Rows above the text: heading and phases.
const HEAD: u16 = 4;

fn body(area: Rect) -> Rect {
    Rect { y: area.y + HEAD, height: area.height.saturating_sub(HEAD), ..area }
}
