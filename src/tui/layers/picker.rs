//! A choice out of a list: contexts, namespaces.

use crossterm::event::{KeyCode, KeyEvent};
use ratatui::{buffer::Buffer, layout::Rect};

use super::Outcome;
use crate::tui::{
    command::fuzzy,
    effect::Effect,
    shared::Shared,
    widgets::{dialog, input::LineEdit, put, safe},
};

/// What a choice leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Connect to that context.
    Context,
    /// Show that namespace.
    Namespace,
}

/// The list.
pub struct Picker {
    purpose: Purpose,
    /// Name and a word beside it.
    items: Vec<(String, String)>,
    line: LineEdit,
    chosen: usize,
}

impl Picker {
    /// A list to choose from, `current` chosen at first.
    pub fn new(purpose: Purpose, items: Vec<(String, String)>, current: &str) -> Self {
        let chosen = items.iter().position(|(name, _)| name == current).unwrap_or(0);
        Self { purpose, items, line: LineEdit::default(), chosen }
    }

    fn shown(&self) -> Vec<&(String, String)> {
        fuzzy(self.line.text(), &self.items, |item| &item.0)
    }

    /// Types, moves or chooses.
    pub fn key(&mut self, key: &KeyEvent) -> Outcome {
        let last = self.shown().len().saturating_sub(1);
        match key.code {
            KeyCode::Esc => return Outcome::close(Vec::new()),
            KeyCode::Down | KeyCode::Tab => self.chosen = (self.chosen + 1).min(last),
            KeyCode::Up | KeyCode::BackTab => self.chosen = self.chosen.saturating_sub(1),
            KeyCode::Enter => {
                let name = self.shown().get(self.chosen).map(|item| item.0.clone());
                let effect = name.map(|name| match self.purpose {
                    Purpose::Context => Effect::UseContext(name),
                    Purpose::Namespace if name == ALL => Effect::UseNamespace(String::new()),
                    Purpose::Namespace => Effect::UseNamespace(name),
                });
                return Outcome::close(effect.into_iter().collect());
            }
            _ => {
                if self.line.key(key) {
                    self.chosen = 0;
                }
            }
        }
        Outcome::stay()
    }

    /// Draws it.
    pub fn view(&self, buffer: &mut Buffer, area: Rect, shared: &Shared) {
        let theme = &shared.theme;
        let title = match self.purpose {
            Purpose::Context => "Context",
            Purpose::Namespace => "Namespace",
        };
        let inside = dialog(buffer, area, 60, self.items.len().min(20) as u16 + 3, title, theme);
        self.line.view(buffer, Rect { height: 1, ..inside }, "/ ", theme);
        let list = Rect { y: inside.y + 1, height: inside.height.saturating_sub(1), ..inside };
        let top = (self.chosen + 1).saturating_sub(list.height as usize);
        for ((index, (name, beside)), y) in self.shown().iter().enumerate().skip(top).zip(list.top()..list.bottom()) {
            let style = if index == self.chosen { theme.selected } else { theme.text };
            let used = put(buffer, list.x, y, list.width, &safe::visible(name), style);
            put(buffer, list.x + used + 2, y, list.width.saturating_sub(used + 2), &safe::visible(beside), theme.dim);
        }
    }
}

/// The row that stands for all namespaces.
pub const ALL: &str = "all namespaces";
