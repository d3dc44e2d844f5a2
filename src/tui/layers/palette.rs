//! The `:` line: every action by name, with completion.

use crossterm::event::{KeyCode, KeyEvent};
use ratatui::{buffer::Buffer, layout::Rect};

use super::Outcome;
use crate::tui::{
    command::{self, fuzzy},
    effect::Effect,
    keymap::Place,
    shared::Shared,
    widgets::{blank, input::LineEdit, put},
};

/// The line and its completions.
pub struct Palette {
    /// What is typed.
    pub line: LineEdit,
    place: Place,
    /// The completion chosen with up, down or tab; `None` while typing.
    chosen: Option<usize>,
}

impl Palette {
    /// An empty line at a place.
    pub fn new(place: Place) -> Self {
        Self { line: LineEdit::default(), place, chosen: None }
    }

    fn completions(&self, shared: &Shared) -> Vec<(String, String)> {
        let all = command::candidates(self.line.text(), self.place, shared);
        fuzzy(self.line.text(), &all, |item| &item.0).into_iter().cloned().collect()
    }

    /// What enter runs: the chosen completion; else what is typed, completed where it is only a beginning.
    fn choice(&self, found: &[(String, String)]) -> String {
        let typed = self.line.text().trim();
        let begun = |text: &&String| text.starts_with(typed) || !command::is_complete(typed);
        let exact = found.iter().any(|(text, _)| text == typed);
        let known = command::is_complete(typed) && !typed.contains(' ');
        let chosen = match self.chosen {
            Some(at) => found.get(at).map(|(text, _)| text),
            None if exact || known => None,
            None => found.iter().map(|(text, _)| text).find(begun),
        };
        chosen.map_or(typed, String::as_str).to_owned()
    }

    /// Types, completes or runs.
    pub fn key(&mut self, key: &KeyEvent, shared: &Shared) -> Outcome {
        let found = self.completions(shared);
        match key.code {
            KeyCode::Esc => return Outcome::close(Vec::new()),
            KeyCode::Backspace if self.line.text().is_empty() => return Outcome::close(Vec::new()),
            KeyCode::Enter => {
                let text = self.choice(&found);
                return Outcome::close(vec![Effect::Command(text)]);
            }
            KeyCode::Down => {
                self.chosen = Some(self.chosen.map_or(0, |at| (at + 1).min(found.len().saturating_sub(1))))
            }
            KeyCode::Up => self.chosen = self.chosen.and_then(|at| at.checked_sub(1)),
            KeyCode::Tab => {
                if let Some((text, _)) = found.get(self.chosen.unwrap_or(0)) {
                    self.line = LineEdit::new(&format!("{text} "));
                    self.chosen = None;
                }
            }
            _ => {
                if self.line.key(key) {
                    self.chosen = None;
                }
            }
        }
        Outcome::stay()
    }

    /// Draws the line on the last row and completions above it.
    pub fn view(&self, buffer: &mut Buffer, area: Rect, shared: &Shared) {
        let theme = &shared.theme;
        let found = self.completions(shared);
        let rows = (found.len() as u16).min(10).min(area.height.saturating_sub(2));
        let line = Rect { y: area.bottom().saturating_sub(1), height: 1, ..area };
        let list = Rect { y: line.y.saturating_sub(rows), height: rows, width: area.width.min(70), ..area };
        blank(buffer, line, theme.text);
        blank(buffer, list, theme.text);
        self.line.view(buffer, line, " : ", theme);
        let top = (self.chosen.unwrap_or(0) + 1).saturating_sub(rows as usize);
        for ((index, (text, help)), y) in found.iter().enumerate().skip(top).zip(list.top()..list.bottom()) {
            let style = if self.chosen == Some(index) { theme.selected } else { theme.text };
            put(buffer, list.x + 3, y, 24, text, style);
            put(buffer, list.x + 29, y, list.width.saturating_sub(29), help, theme.dim);
        }
    }
}
