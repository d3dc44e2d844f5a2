//! How an operation goes, as a list at the end of a terminal that is drawn again and again (`Console::draw`). The
//! terminal stays as it is: nothing is read from it, no mode of it is changed, so nothing has to be given back.

use std::{
    cmp::Reverse,
    sync::{Mutex, PoisonError},
    time::Instant,
};

use super::{
    console::{Console, Size},
    output::Colors,
    session::Session,
};
use crate::{
    cluster::readiness::Readiness,
    diff::{Change, fit, visible},
    engine::{
        Progress,
        course::{Course, Standing, Tracked, TrackedHook},
    },
};

/// Lines at most, beside the heading.
const LINES: usize = 12;
/// Columns at most that names take.
const NAMES: usize = 44;

/// An operation on a terminal.
pub struct Live {
    /// What is done to what: `upgrade web`.
    title: String,
    console: Console,
    colors: Colors,
    began: Instant,
    course: Mutex<Course>,
}

impl Live {
    /// `None` where lines are printed instead: standard error is no terminal, or one that only prints, or is full of
    /// `--debug`.
    pub fn of(session: &Session, title: String) -> Option<Self> {
        let dumb = matches!(session.env.get("TERM"), "" | "dumb");
        let is_on = session.env.error_terminal && !dumb && !session.flags.bool("debug");
        is_on.then(|| Self {
            title,
            console: session.console.clone(),
            colors: Colors(session.flags.text("color") != "never"),
            began: Instant::now(),
            course: Mutex::default(),
        })
    }

    /// Takes the next step in, to be drawn soon.
    pub fn hear(&self, progress: &Progress) {
        self.course.lock().unwrap_or_else(PoisonError::into_inner).hear(progress);
    }

    /// Draws it as it is now.
    pub fn draw(&self) {
        self.paint(None);
    }

    /// Draws how it ended, and leaves that on the terminal.
    pub fn end(&self, good: bool) {
        self.paint(Some(good));
        self.console.leave();
    }

    fn paint(&self, ended: Option<bool>) {
        let course = self.course.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let size = Size::of_terminal();
        let list = List { title: &self.title, course: &course, ended, seconds: self.began.elapsed().as_secs() };
        self.console.draw(&list.lines(size, self.colors), size);
    }
}

/// What is drawn of a course.
struct List<'a> {
    title: &'a str,
    course: &'a Course,
    /// Whether it went well, once it is over.
    ended: Option<bool>,
    seconds: u64,
}

struct Row {
    standing: Standing,
    /// Whether nothing happened to it, so that it gives way to others.
    dull: bool,
    told: (usize, usize),
    name: String,
    state: String,
    /// Why it failed, or what blocks it: a line of its own.
    reason: String,
}

impl List<'_> {
    /// The lines, none of them wider than the terminal, all of them together lower.
    fn lines(&self, size: Size, colors: Colors) -> Vec<String> {
        let (rows, left_out) = chosen(self.rows(), LINES.min(size.rows.saturating_sub(4)));
        // A line that fills the last column breaks on some terminals.
        let width = size.columns.saturating_sub(1);
        let names = rows.iter().map(|row| columns(&row.name)).max().unwrap_or_default().min(NAMES).min(width / 2);
        let line = |indent: &str, glyph: (&str, &str), text: &str| {
            let text = fit(text.trim_end(), width.saturating_sub(indent.len() + 2)).into_owned();
            format!("{indent}{} {text}", colors.paint(glyph.1, "0", glyph.0))
        };
        let mut lines = vec![line("", self.glyph(), &self.heading())];
        for row in rows {
            let name = fit(&row.name, names).into_owned();
            let blank = " ".repeat(names.saturating_sub(columns(&name)) + 2);
            lines.push(line("  ", glyph(row.standing), &format!("{name}{blank}{}", row.state)));
            if !row.reason.is_empty() {
                lines.push(fit(&format!("    → {}", row.reason), width).into_owned());
            }
        }
        if left_out > 0 {
            lines.push(fit(&format!("  … and {left_out} more"), width).into_owned());
        }
        lines
    }

    fn rows(&self) -> Vec<Row> {
        let own = |object: &&Tracked| object.change.is_some() || object.standing() != Standing::Done;
        let objects = self.course.objects.iter().filter(own).map(object);
        objects.chain(self.course.hooks.iter().map(hook)).collect()
    }

    fn glyph(&self) -> (&'static str, &'static str) {
        let failed = self.course.hooks.iter().any(|hook| hook.standing() == Standing::Failed);
        match self.ended {
            None => glyph(Standing::Waiting),
            Some(good) => glyph(if good && !failed { Standing::Done } else { Standing::Failed }),
        }
    }

    fn heading(&self) -> String {
        let course = self.course;
        let mut parts = vec![match (course.undoes, self.ended) {
            (true, None) => format!("{} failed, and is being undone", self.title),
            (true, Some(_)) => format!("{} failed, and was undone", self.title),
            (false, _) => self.title.to_owned(),
        }];
        match (self.ended, &course.record, course.phase) {
            // The record of an uninstalled release is gone by then.
            (Some(_), Some((_, status)), _) if status == "uninstalling" => {}
            (Some(_), Some((revision, status)), _) => parts.push(format!("revision {revision} {status}")),
            (None, _, Some(phase)) => {
                let steps = course.phases.get(&phase).copied().unwrap_or_default();
                let count = match steps.total {
                    0 => String::new(),
                    total => format!(" {}/{total}", steps.done.min(total)),
                };
                parts.push(format!("{}{count}", phase.words()));
                parts.extend((!course.charts.is_empty()).then(|| course.charts.join(", ")));
            }
            _ => {}
        }
        parts.extend(self.ended.and_then(|_| self.counts()));
        parts.push(format!("{}:{:02}", self.seconds / 60, self.seconds % 60));
        visible(&parts.join(" · ")).into_owned()
    }

    /// `2 created, 31 unchanged`.
    fn counts(&self) -> Option<String> {
        let count = |change| self.course.objects.iter().filter(|object| object.change == Some(change)).count();
        let all = [Change::Create, Change::Update, Change::Recreate, Change::Delete, Change::None];
        let told = all.into_iter().map(|change| (count(change), word(change)));
        let told: Vec<String> =
            told.filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
        (!told.is_empty()).then(|| told.join(", "))
    }
}

/// The rows that fit into so many lines, in their order, and how many do not. What needs attention is chosen before what
/// is done, and then what happened last.
fn chosen(mut rows: Vec<Row>, lines: usize) -> (Vec<Row>, usize) {
    rows.sort_by_key(|row| (row.standing, row.dull, Reverse(row.told.1)));
    let mut taken = 0;
    let fits = |row: &&Row| {
        taken += 1 + usize::from(!row.reason.is_empty());
        taken <= lines
    };
    let count = rows.iter().take_while(fits).count();
    let left_out = rows.split_off(count).len();
    rows.sort_by_key(|row| row.told.0);
    (rows, left_out)
}

fn object(object: &Tracked) -> Row {
    let standing = object.standing();
    let done = object.change.filter(|_| standing == Standing::Done).map(word);
    let waits = object.readiness.as_ref().and_then(|readiness| readiness_words(readiness, object.change, standing));
    let parts: Vec<String> = done.map(str::to_owned).into_iter().chain(waits).collect();
    Row {
        standing,
        dull: object.change == Some(Change::None),
        told: object.told,
        name: one_line(&format!("{}/{}", object.key.kind, object.key.name)),
        state: one_line(&parts.join(" · ")),
        reason: one_line(object.failure.as_deref().or(object.blocker.as_deref()).unwrap_or_default()),
    }
}

fn hook(hook: &TrackedHook) -> Row {
    let state = match (hook.took(), hook.standing()) {
        (Some(took), Standing::Done) => format!("done in {took}"),
        (Some(took), _) => format!("failed after {took}"),
        (None, _) => hook.line.clone(),
    };
    Row {
        standing: hook.standing(),
        dull: false,
        told: hook.told,
        name: one_line(&format!("hook {}", hook.name)),
        state: one_line(&state),
        reason: String::new(),
    }
}

/// `2/3 ready`, or what the kind has to say while it waits for something else.
fn readiness_words(readiness: &Readiness, change: Option<Change>, standing: Standing) -> Option<String> {
    let done = standing == Standing::Done;
    match (change, readiness.replicas) {
        (Some(Change::Delete), _) if done => Some("gone".to_owned()),
        (Some(Change::Delete), _) => Some("is being deleted".to_owned()),
        (_, Some((ready, wanted))) if done || ready < wanted => Some(format!("{ready}/{wanted} ready")),
        _ => Some(readiness.message.clone()).filter(|message| !done && !message.is_empty()),
    }
}

fn word(change: Change) -> &'static str {
    match change {
        Change::Create => "created",
        Change::Update => "updated",
        Change::Recreate => "made anew",
        Change::Delete => "deleted",
        Change::None => "unchanged",
    }
}

/// A mark and its colour.
fn glyph(standing: Standing) -> (&'static str, &'static str) {
    match standing {
        Standing::Failed => ("✗", "31"),
        Standing::Blocked => ("◐", "31"),
        Standing::Waiting => ("◐", "33"),
        Standing::Done => ("✓", "32"),
    }
}

/// A text of the cluster on one line, with everything visible that would steer the terminal.
fn one_line(text: &str) -> String {
    visible(&text.lines().collect::<Vec<_>>().join(" ")).into_owned()
}

fn columns(text: &str) -> usize {
    unicode_width::UnicodeWidthStr::width(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{cluster::readiness::Status, engine::Phase, manifest::ObjectKey};

    fn key(kind: &str, name: &str) -> ObjectKey {
        let [group, namespace] = [const { String::new() }; 2];
        ObjectKey { group, kind: kind.to_owned(), namespace, name: name.to_owned() }
    }

    fn waiting(name: &str, ready: (u32, u32), blocker: Option<&str>) -> Progress {
        let status = if ready.0 == ready.1 { Status::Current } else { Status::InProgress };
        let readiness = Readiness { status, message: String::new(), replicas: Some(ready) };
        Progress::Waiting(key("Deployment", name), readiness, blocker.map(str::to_owned))
    }

    #[track_caller]
    fn check(steps: &[Progress], ended: Option<bool>, size: (usize, usize), expected: &str) {
        let mut course = Course::default();
        steps.iter().for_each(|step| course.hear(step));
        let list = List { title: "upgrade web", course: &course, ended, seconds: 67 };
        let lines = list.lines(Size { columns: size.0, rows: size.1 }, Colors(false));
        assert!(lines.iter().all(|line| columns(line) < size.0), "too wide: {lines:#?}");
        assert!(lines.len() < size.1, "too high: {lines:#?}");
        assert_eq!(lines.join("\n"), expected);
    }

    #[test]
    fn a_list_says_what_is_done_and_what_is_waited_for() {
        let steps = [
            Progress::PhaseStarted(Phase::PreHooks, 1),
            Progress::HookStarted("migrate".to_owned()),
            Progress::HookDone("migrate".to_owned(), true, 1250),
            Progress::PhaseStarted(Phase::Apply, 3),
            Progress::Object(key("ConfigMap", "web"), Change::None),
            Progress::Object(key("Deployment", "web"), Change::Update),
            Progress::Object(key("Deployment", "api"), Change::Create),
            Progress::PhaseStarted(Phase::Wait, 3),
            waiting("web", (1, 3), Some("web-6f: ImagePullBackOff\nevil\u{1b}[31m")),
            waiting("api", (2, 2), None),
        ];
        let expected = "\
◐ upgrade web · wait 1/3 · 1:07
  ✓ hook migrate    done in 1.2 s
  ✓ ConfigMap/web   unchanged
  ◐ Deployment/web  1/3 ready
    → web-6f: ImagePullBackOff evil␛[31m
  ✓ Deployment/api  created · 2/2 ready";
        check(&steps, None, (80, 24), expected);
        let ended = [&steps[..7], &[Progress::RecordWritten(3, "deployed".to_owned())]].concat();
        let expected = "\
✓ upgrade web · revision 3 deployed · 1 created, 1 updated, 1 unchanged · 1:07
  ✓ hook migrate    done in 1.2 s
  ✓ ConfigMap/web   unchanged
  ✓ Deployment/web  updated
  ✓ Deployment/api  created";
        check(&ended, Some(true), (80, 24), expected);
    }

    #[test]
    fn little_room_is_left_to_what_needs_attention() {
        let mut steps = vec![Progress::PhaseStarted(Phase::Apply, 9)];
        for number in 1..=8 {
            let change = if number == 2 { Change::Update } else { Change::None };
            steps.push(Progress::Object(key("ConfigMap", &format!("config-{number}")), change));
        }
        steps.push(Progress::ObjectFailed(key("Secret", "web"), "is forbidden: no".to_owned()));
        let expected = "\
◐ upgrade web · apply 8…
  ✓ ConfigMap/c…  updat…
  ✗ Secret/web
    → is forbidden: no
  … and 7 more";
        check(&steps, None, (25, 7), expected);
    }
}
