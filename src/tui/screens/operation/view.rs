//! Drawing *Operation*: what is done, its phases, and every object with the blocking one first.

use ratatui::{buffer::Buffer, layout::Rect, style::Style};
use unicode_width::UnicodeWidthStr;

use super::{Operation, Stage, Work};
use crate::{
    engine::{
        self, Phase,
        course::{Standing, Tracked},
    },
    tui::{
        keymap::Action,
        shared::Shared,
        widgets::{
            diff::sign,
            put, safe,
            text::{Kind, TextLine},
        },
    },
};

/// Rows above the text: heading and phases.
const HEAD: u16 = 4;
/// How much of the hooks' logs is shown.
const LOG_LINES: usize = 2_000;

/// The part of the screen below heading and phases.
pub(super) fn body(area: Rect) -> Rect {
    Rect { y: area.y + HEAD, height: area.height.saturating_sub(HEAD), ..area }
}

impl Operation {
    /// The phases in order.
    fn phases(&self) -> &'static [Phase] {
        use Phase::{Apply, Delete, Final, PostHooks, PreHooks, Record, Tests, Wait};
        match &self.work {
            Work::Test => &[Record, Tests, Final],
            Work::Change(asked) if asked.request.operation() == engine::Operation::Uninstall => {
                &[Record, PreHooks, Delete, Wait, PostHooks, Final]
            }
            Work::Change(_) => &[Record, PreHooks, Apply, Delete, Wait, PostHooks, Final],
        }
    }

    fn phase_words(&self, shared: &Shared) -> Vec<(String, Style)> {
        let theme = &shared.theme;
        let part = |phase: &Phase| {
            let words = phase.words();
            let Some(steps) = self.course.phases.get(phase) else {
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
        self.phases().iter().map(part).collect()
    }

    fn clock(&self, shared: &Shared) -> String {
        let seconds = (self.ended.unwrap_or(shared.clock) - self.began).max(0) / 1000;
        let clock = |seconds: i64| format!("{:02}:{:02}", seconds / 60, seconds % 60);
        format!("{} / {}", clock(seconds), clock(self.timeout))
    }

    pub(super) fn draw_head(&self, buffer: &mut Buffer, area: Rect, shared: &Shared) {
        let theme = &shared.theme;
        let words = self.work.words();
        let verb = match &self.stage {
            Stage::Running if self.cancelling => "Cancelling",
            Stage::Running => words.doing,
            Stage::Done(_) => words.done,
            Stage::Failed(_) => words.failed,
        };
        let title = format!(" {verb} {}{}", self.name, self.revisions(theme.glyphs.arrow));
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

    /// What follows the name in the heading.
    fn revisions(&self, arrow: &str) -> String {
        match &self.work {
            Work::Test => String::new(),
            Work::Change(asked) => match asked.request.operation() {
                engine::Operation::Rollback => format!(" {arrow} {} (as revision {})", self.to, self.revision),
                engine::Operation::Install | engine::Operation::Upgrade => format!(" (revision {})", self.revision),
                engine::Operation::Uninstall => String::new(),
            },
        }
    }

    pub(super) fn draw_phases(&self, buffer: &mut Buffer, area: Rect, shared: &Shared) {
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

    /// The text: how it ended, notes, what fails or blocks first, then what waits, then what is done, then logs.
    pub(super) fn rebuild(&mut self) {
        let mut lines = self.ending();
        lines.extend(self.notes.iter().map(|(kind, note)| TextLine::new(*kind, note)));
        let mut objects: Vec<&Tracked> = self.course.objects.iter().collect();
        objects.sort_by_key(|object| object.standing());
        lines.extend(objects.into_iter().map(object_line));
        let last = self.hook_log.len().saturating_sub(LOG_LINES);
        lines.extend(
            self.hook_log[last..].iter().map(|(hook, line)| TextLine::new(Kind::Dim, &format!("{hook} │ {line}"))),
        );
        self.text.set(lines);
    }

    fn ending(&self) -> Vec<TextLine> {
        match &self.stage {
            Stage::Running => Vec::new(),
            Stage::Done(words) => vec![TextLine::new(Kind::Good, &format!("✓ {words}"))],
            Stage::Failed(report) => {
                let message = report.message.lines().map(|line| TextLine::new(Kind::Bad, &format!("✗ {line}")));
                let hints = report.hints.iter().flat_map(|hint| hint.lines());
                message.chain(hints.map(|line| TextLine::new(Kind::Plain, &format!("  → {line}")))).collect()
            }
        }
    }
}

fn object_line(object: &Tracked) -> TextLine {
    let name = format!("{}/{}", object.key.kind, object.key.name);
    let message = object.readiness.as_ref().map_or("", |readiness| readiness.message.as_str());
    match (object.standing(), &object.failure, object.change) {
        (Standing::Failed, words, _) => {
            TextLine::new(Kind::Bad, &format!("✗ {name}   {}", words.as_deref().unwrap_or_default()))
        }
        (Standing::Done, _, Some(change)) if object.readiness.is_none() => {
            TextLine::new(Kind::Good, &format!("✓ {} {name}", sign(change)))
        }
        (Standing::Done, ..) => TextLine::new(Kind::Good, &format!("✓ {name}   {message}")),
        (Standing::Blocked | Standing::Waiting, ..) => {
            let blocker = object.blocker.as_deref().unwrap_or_default();
            let kind = if blocker.is_empty() { Kind::Plain } else { Kind::Warn };
            TextLine::new(kind, &format!("◐ {name}   {message}   {blocker}"))
        }
    }
}
