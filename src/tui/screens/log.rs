//! What was done in this session, each with the equivalent `helm` command.

use ratatui::{buffer::Buffer, layout::Rect};

use super::Part;
use crate::tui::{
    effect::Effect,
    event::ScreenEvent,
    format,
    keymap::{Action, Place},
    log::{Entry, Mark},
    shared::Shared,
    widgets::table::{Cell, Column, Row, SortKey, Table},
};

/// The log's screen.
pub struct Log {
    table: Table<Line>,
}

struct Line {
    key: String,
    entry: Entry,
}

impl Row for Line {
    fn key(&self) -> &str {
        &self.key
    }

    fn cell(&self, column: &str, shared: &Shared) -> Cell {
        let theme = &shared.theme;
        match column {
            "age" => Cell::painted(format::age(shared.now(), self.entry.at), theme.dim),
            "what" => {
                let (glyph, style) = match self.entry.mark {
                    Mark::Running => (theme.glyphs.busy, theme.busy),
                    Mark::Good => (theme.glyphs.good, theme.good),
                    Mark::Bad => (theme.glyphs.bad, theme.bad),
                };
                Cell::painted(format!("{glyph} {}", self.entry.what), style)
            }
            _ => Cell::plain(&self.entry.command),
        }
    }

    fn sort_key(&self, _column: &str) -> SortKey {
        SortKey::Number(self.entry.at)
    }

    fn filter_text(&self, _column: &str) -> String {
        format!("{} {}", self.entry.what, self.entry.command)
    }
}

impl Default for Log {
    fn default() -> Self {
        let columns = vec![
            Column::new("age", "AGO", 4, 6, 0),
            Column::new("what", "WHAT", 20, 120, 0),
            Column::new("command", "HELM COMMAND", 10, 80, 1),
        ];
        Self { table: Table::new(columns) }
    }
}

impl Part for Log {
    fn place(&self) -> Place {
        Place::Log
    }

    fn crumbs(&self) -> Vec<String> {
        vec!["log".into()]
    }

    fn filter(&self) -> Option<String> {
        Some(self.table.filter().to_owned())
    }

    fn update(&mut self, event: ScreenEvent, _shared: &Shared) -> Vec<Effect> {
        match event {
            ScreenEvent::Filter(text) => self.table.set_filter(&text),
            ScreenEvent::Action(Action::Back) => return vec![Effect::Back],
            ScreenEvent::Action(Action::Copy) => {
                let command = self.table.selected().map(|line| line.entry.command.clone());
                let command = command.filter(|command| !command.is_empty());
                return command.map(Effect::Copy).into_iter().collect();
            }
            ScreenEvent::Action(action) => {
                self.table.act(&action);
            }
            _ => {}
        }
        Vec::new()
    }

    fn arrange(&mut self, area: Rect, shared: &Shared) -> Vec<Effect> {
        if shared.log.len() != self.table.rows().len() {
            let lines = shared.log.iter().enumerate().rev();
            let line = |(at, entry): (usize, &Entry)| Line { key: at.to_string(), entry: entry.clone() };
            self.table.set(lines.map(line).collect());
        }
        self.table.arrange(area, shared);
        Vec::new()
    }

    fn view(&self, buffer: &mut Buffer, area: Rect, shared: &Shared) {
        self.table.view(buffer, area, shared, true);
    }
}
