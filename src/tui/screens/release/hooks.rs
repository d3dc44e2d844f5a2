//! The hooks of a revision: when they run, how they went, their manifest or log.

use std::sync::Arc;

use ratatui::{buffer::Buffer, layout::Rect};

use crate::{
    manifest,
    release::{Hook, HookEvent, Release},
    tui::{
        effect::{Effect, Slot},
        event::News,
        format,
        keymap::Action,
        shared::Shared,
        tasks::Task,
        widgets::{
            put, safe,
            table::{Cell, Column, Row, SortKey, Table},
            text::{Kind, TextLine, TextPane},
        },
    },
};

struct HookRow {
    key: String,
    hook: Hook,
}

impl Row for HookRow {
    fn key(&self) -> &str {
        &self.key
    }

    fn cell(&self, column: &str, shared: &Shared) -> Cell {
        let theme = &shared.theme;
        let run = &self.hook.last_run;
        match column {
            "hook" => Cell::plain(safe::visible(&format!("{}/{}", self.hook.kind, self.hook.name))),
            "events" => Cell::plain(safe::visible(&events(&self.hook))),
            "weight" => Cell::plain(self.hook.weight.to_string()),
            "delete" => Cell::painted(safe::visible(&self.hook.delete_policies.join(" ")), theme.dim),
            "phase" => match run.phase.as_str() {
                "Succeeded" => Cell::painted(format!("{} succeeded", theme.glyphs.good), theme.good),
                "Failed" => Cell::painted(format!("{} failed", theme.glyphs.bad), theme.bad),
                "Running" => Cell::painted(format!("{} running", theme.glyphs.busy), theme.busy),
                _ => Cell::painted(format!("{} never ran", theme.glyphs.idle), theme.dim),
            },
            _ => {
                let started = run.started_at.as_deref().and_then(format::seconds);
                Cell::painted(started.map(|then| format::age(shared.now(), then)).unwrap_or_default(), theme.dim)
            }
        }
    }

    fn sort_key(&self, _column: &str) -> SortKey {
        SortKey::Number(self.hook.weight)
    }

    fn filter_text(&self, _column: &str) -> String {
        format!("{}/{} {}", self.hook.kind, self.hook.name, events(&self.hook))
    }
}

fn events(hook: &Hook) -> String {
    hook.events.iter().map(HookEvent::as_str).collect::<Vec<_>>().join(" ")
}

/// The tab.
pub struct Hooks {
    table: Table<HookRow>,
    text: TextPane,
    log: bool,
    shown: String,
    namespace: String,
}

impl Default for Hooks {
    fn default() -> Self {
        let columns = vec![
            Column::new("hook", "HOOK", 16, 50, 0),
            Column::new("events", "EVENTS", 12, 40, 1),
            Column::new("weight", "WEIGHT", 6, 7, 3).right(),
            Column::new("phase", "LAST RUN", 12, 14, 0),
            Column::new("age", "AGO", 4, 5, 2).right(),
            Column::new("delete", "DELETED", 10, 44, 4),
        ];
        Self {
            table: Table::new(columns),
            text: TextPane::default(),
            log: false,
            shown: String::new(),
            namespace: String::new(),
        }
    }
}

impl Hooks {
    /// Shows the hooks of a revision, in the order they run.
    pub fn set(&mut self, release: &Arc<Release>) {
        let mut hooks = release.hooks.clone();
        hooks.sort_by(|left, right| (left.weight, &left.name).cmp(&(right.weight, &right.name)));
        let row = |hook: Hook| HookRow { key: format!("{}/{}/{}", hook.kind, hook.name, hook.path), hook };
        self.table.set(hooks.into_iter().map(row).collect());
        self.namespace = release.namespace.clone();
        self.shown.clear();
    }

    /// Shows the selected hook's manifest, or asks for its log.
    pub fn wanted(&mut self, shared: &Shared) -> Option<Effect> {
        let row = self.table.selected()?;
        let key = format!("{} {} {}", self.log, shared.revealed, row.key);
        if key == self.shown {
            return None;
        }
        self.shown = key;
        self.text = TextPane::default();
        if !self.log {
            self.text = TextPane::yaml(shared.redactor().manifest(&row.hook.manifest).trim_start());
            return Some(Effect::Cancel(Slot::of("below")));
        }
        let object = manifest::read(&row.hook.manifest).ok()?.into_iter().next()?;
        let cluster = shared.storage.as_ref()?.cluster().clone();
        Some(Effect::Run(Slot::of("below"), Task::HookLog(cluster, Box::new(object), self.namespace.clone())))
    }

    /// Takes news about the log.
    pub fn news(&mut self, news: News) {
        match news {
            News::LogLines(lines) => self.text.append(lines.iter().map(|line| TextLine::new(Kind::Plain, line))),
            News::LogEnded(Err(report)) => self.text.append([TextLine::new(Kind::Bad, &report.message)]),
            News::LogEnded(Ok(())) => self.text.append([TextLine::new(Kind::Dim, "— end of the log —")]),
            _ => {}
        }
    }

    /// Moves, or turns between manifest and log.
    pub fn act(&mut self, action: &Action) -> bool {
        match action {
            Action::Logs => {
                self.log = !self.log;
                true
            }
            Action::Wrap | Action::SearchNext | Action::SearchPrevious => self.text.act(action),
            Action::Mark => false,
            action => self.table.act(action),
        }
    }

    /// Filters the hooks.
    pub fn set_filter(&mut self, text: &str) {
        self.table.set_filter(text);
    }

    /// The filter.
    pub fn filter(&self) -> &str {
        self.table.filter()
    }

    /// What is below, for copying and the pager.
    pub fn text(&self) -> String {
        self.text.text()
    }

    fn areas(area: Rect) -> (Rect, Rect) {
        let upper = area.height / 3;
        (Rect { height: upper, ..area }, Rect { y: area.y + upper, height: area.height - upper, ..area })
    }

    /// Fixes places.
    pub fn arrange(&mut self, area: Rect, shared: &Shared) {
        let (upper, lower) = Self::areas(area);
        self.table.arrange(upper, shared);
        self.text.arrange(Rect { y: lower.y + 1, height: lower.height.saturating_sub(1), ..lower }, shared);
    }

    /// Draws it.
    pub fn view(&self, buffer: &mut Buffer, area: Rect, shared: &Shared, focused: bool) {
        let theme = &shared.theme;
        if self.table.rows().is_empty() {
            put(buffer, area.x + 1, area.y, area.width, "this revision has no hooks", theme.dim);
            return;
        }
        let (upper, lower) = Self::areas(area);
        self.table.view(buffer, upper, shared, focused);
        put(buffer, lower.x, lower.y, lower.width, &theme.glyphs.horizontal.repeat(lower.width as usize), theme.dim);
        let title = if self.log { " Log  (L manifest) " } else { " Manifest  (L log) " };
        put(buffer, lower.x + 1, lower.y, lower.width.saturating_sub(1), title, theme.heading);
        let body = Rect { y: lower.y + 1, height: lower.height.saturating_sub(1), ..lower };
        self.text.view(buffer, body, theme, false);
    }
}
