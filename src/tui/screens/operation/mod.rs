//! A running or finished operation: phases, every object, hooks with their logs, and what blocks.

mod command;
mod view;

use std::time::Duration;

use ratatui::{buffer::Buffer, layout::Rect};

use super::{
    Part, Review, Screen,
    review::Asked,
    words::{self, Words},
};
use crate::{
    engine::{
        self, Basis, Outcome, Prepared, Progress, Request, RollbackTarget,
        course::{Course, TrackedHook},
        test::Tested,
    },
    release::HookEvent,
    tui::{
        effect::{Effect, Slot},
        event::{News, ScreenEvent},
        keymap::{Action, Place},
        log::{Entry, Mark},
        report::Report,
        shared::Shared,
        tasks::Task,
        widgets::text::{Kind, TextPane},
    },
};

const RUN: &str = "operation";

/// What is going on, or went on.
pub struct Operation {
    namespace: String,
    name: String,
    work: Work,
    to: u32,
    revision: u32,
    /// What does the same with Helm.
    command: String,
    /// What is still to be started: taken when the screen opens.
    start: Option<Start>,
    timeout: i64,
    began: i64,
    ended: Option<i64>,
    course: Course,
    notes: Vec<(Kind, String)>,
    hook_log: Vec<(String, String)>,
    cancelling: bool,
    stage: Stage,
    text: TextPane,
}

enum Work {
    /// What was reviewed.
    Change(Box<Asked>),
    /// The tests of the release.
    Test,
}

enum Start {
    Execute(Box<Prepared>, Box<Basis>),
    Test(Duration),
}

enum Stage {
    Running,
    /// It went well; a sentence.
    Done(String),
    Failed(Report),
}

impl Work {
    fn words(&self) -> &'static Words {
        match self {
            Self::Change(asked) => words::of(asked.request.operation()),
            Self::Test => &words::TEST,
        }
    }
}

impl Operation {
    /// Carries out what was reviewed, as soon as the screen opens.
    pub fn reviewed(asked: Asked, prepared: Prepared, basis: Basis) -> Self {
        let (to, revision) = (prepared.to.revision, prepared.next.revision);
        let command = command::of(&prepared, &asked.chart);
        let timeout = prepared.options.timeout;
        let kept = prepared.kept.iter().map(|object| {
            (Kind::Warn, format!("{}/{} stays: its resource policy keeps it", object.kind(), object.name()))
        });
        let notes = kept.collect();
        let (namespace, name) = (prepared.namespace.clone(), prepared.name.clone());
        // A later review starts with the flags of this one.
        let asked = Asked { options: Some(prepared.options.clone()), ..asked };
        let start = Start::Execute(Box::new(prepared), Box::new(basis));
        let operation = Self::new(&namespace, &name, Work::Change(Box::new(asked)), (command, timeout), start);
        Self { to, revision, notes, ..operation }
    }

    /// Runs the tests of a release, as soon as the screen opens.
    pub fn test(namespace: &str, name: &str, timeout: Duration) -> Self {
        let command = command::of_tests(namespace, name, timeout);
        Self::new(namespace, name, Work::Test, (command, timeout), Start::Test(timeout))
    }

    fn new(namespace: &str, name: &str, work: Work, (command, timeout): (String, Duration), start: Start) -> Self {
        Self {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            work,
            to: 0,
            revision: 0,
            command,
            timeout: i64::try_from(timeout.as_secs()).unwrap_or(i64::MAX),
            start: Some(start),
            began: 0,
            ended: None,
            course: Course::default(),
            notes: Vec::new(),
            hook_log: Vec::new(),
            cancelling: false,
            stage: Stage::Running,
            text: TextPane::default(),
        }
    }

    /// What is done, as the log and whoever wants to quit are told.
    fn sentence(&self) -> String {
        let what = format!("{} {} in {}", self.work.words().verb, self.name, self.namespace);
        match &self.work {
            Work::Change(asked) if matches!(asked.request, Request::Rollback(_)) => {
                format!("{what} to revision {}", self.to)
            }
            _ => what,
        }
    }

    fn entry(&self, mark: Mark, details: Vec<String>) -> Effect {
        Effect::Log(Entry { at: 0, mark, what: self.sentence(), command: self.command.clone(), details })
    }

    fn begin(&mut self, shared: &Shared) -> Vec<Effect> {
        let (Some(start), Some(storage)) = (self.start.take(), shared.storage_in(&self.namespace)) else {
            return Vec::new();
        };
        self.began = shared.clock;
        if !shared.context.is_empty() {
            self.command.push_str(&format!(" --kube-context {}", shared.context));
        }
        let task = match start {
            Start::Execute(prepared, basis) => Task::Execute(storage, prepared, basis),
            Start::Test(timeout) => Task::Test(storage, self.name.clone(), timeout),
        };
        vec![self.entry(Mark::Running, Vec::new()), Effect::Run(Slot::of(RUN), task)]
    }

    fn progress(&mut self, progress: Progress) {
        self.course.hear(&progress);
        let note = match progress {
            Progress::RecordWritten(revision, _) => {
                self.revision = revision;
                return;
            }
            Progress::HookLog(name, line) => {
                self.hook_log.push((name, line));
                return;
            }
            Progress::HookStarted(name) => (Kind::Plain, format!("hook {name} runs")),
            Progress::HookDone(name, good, _) => {
                let took = self.course.hooks.last().and_then(TrackedHook::took).unwrap_or_default();
                match good {
                    true => (Kind::Good, format!("hook {name} done in {took}")),
                    false => (Kind::Bad, format!("hook {name} failed after {took}")),
                }
            }
            Progress::Stage(charts) => (Kind::Plain, format!("now {}", charts.join(", "))),
            Progress::Warning(words) => (Kind::Warn, words),
            Progress::Cancelling(words) => (Kind::Warn, format!("cancelling: {words}")),
            // Every line of a hook's log was shown when it was written.
            _ => return,
        };
        self.notes.push(note);
    }

    fn executed(&mut self, result: Result<Box<Outcome>, Report>, shared: &Shared) -> Vec<Effect> {
        match result {
            Ok(outcome) => {
                self.revision = outcome.release.revision;
                let words = self.outcome(&outcome);
                self.end(Ok(words), outcome.warnings, shared)
            }
            Err(report) => self.end(Err(report), Vec::new(), shared),
        }
    }

    /// How it went well.
    fn outcome(&self, outcome: &Outcome) -> String {
        let [created, updated, deleted, unchanged] = outcome.counts;
        match &self.work {
            Work::Change(asked) if asked.request.operation() == engine::Operation::Uninstall => {
                let kept = asked.options.as_ref().is_some_and(|options| options.keep_history);
                let history = if kept { "its history is kept" } else { "its history is gone" };
                format!("{} is uninstalled: {deleted} deleted, {history}", self.name)
            }
            _ => format!(
                "revision {} of {} is deployed: {created} created, {updated} updated, {deleted} deleted, {unchanged} unchanged",
                self.revision, self.name
            ),
        }
    }

    fn tested(&mut self, result: Result<Box<Tested>, Report>, shared: &Shared) -> Vec<Effect> {
        let ended = result.and_then(|tested| match tested.failure {
            Some(error) => Err(error.into()),
            None => {
                let tests = tested.release.hooks.iter().filter(|hook| hook.events.contains(&HookEvent::Test));
                Ok(match tests.count() {
                    0 => format!("{} has no tests", self.name),
                    1 => format!("the test of {} succeeded", self.name),
                    count => format!("the {count} tests of {} succeeded", self.name),
                })
            }
        });
        self.end(ended, Vec::new(), shared)
    }

    fn end(&mut self, ended: Result<String, Report>, warnings: Vec<String>, shared: &Shared) -> Vec<Effect> {
        self.ended = Some(shared.clock);
        match ended {
            Ok(words) => {
                self.stage = Stage::Done(words);
                vec![self.entry(Mark::Good, warnings)]
            }
            Err(report) => {
                let details = std::iter::once(report.message.clone()).chain(report.hints.iter().cloned()).collect();
                self.stage = Stage::Failed(report);
                vec![self.entry(Mark::Bad, details)]
            }
        }
    }

    fn running_now(&self) -> bool {
        matches!(self.stage, Stage::Running)
    }

    /// Reviews anew what was reviewed, or tests again.
    fn again(&self) -> Screen {
        match &self.work {
            Work::Test => {
                let timeout = Duration::from_secs(self.timeout.unsigned_abs());
                Screen::Operation(Box::new(Self::test(&self.namespace, &self.name, timeout)))
            }
            Work::Change(asked) => {
                let mut asked = Asked::clone(asked);
                // "The last good one" was found then; it stays the same one.
                if let Request::Rollback(target) = &mut asked.request {
                    *target = RollbackTarget::Revision(self.to);
                }
                Screen::Review(Box::new(Review::new(asked)))
            }
        }
    }
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
        self.running_now().then(|| self.sentence())
    }

    fn update(&mut self, event: ScreenEvent, shared: &Shared) -> Vec<Effect> {
        let effects = match event {
            ScreenEvent::Opened => self.begin(shared),
            ScreenEvent::News(_, News::Progress(progress)) => {
                self.progress(*progress);
                Vec::new()
            }
            ScreenEvent::News(_, News::Executed(result)) => self.executed(result, shared),
            ScreenEvent::News(_, News::Tested(result)) => self.tested(result, shared),
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
                return vec![Effect::Replace(Box::new(self.again()))];
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
        self.text.arrange(view::body(area), shared);
        Vec::new()
    }

    fn view(&self, buffer: &mut Buffer, area: Rect, shared: &Shared) {
        self.draw_head(buffer, Rect { height: 1, ..area }, shared);
        let text = view::body(area);
        let phases = Rect { y: area.y + 1, height: text.y.saturating_sub(area.y + 1), ..area };
        self.draw_phases(buffer, phases, shared);
        self.text.view(buffer, text, &shared.theme, true);
    }
}
