//! Help for a place, drawn from the live keymap.

use crossterm::event::{KeyCode, KeyEvent};
use ratatui::{buffer::Buffer, layout::Rect};

use super::Outcome;
use crate::tui::{
    keymap::{KeyPress, Place},
    shared::Shared,
    widgets::{dialog, put},
};

/// The help layer.
pub struct Help {
    place: Place,
    top: usize,
}

impl Help {
    /// Help for a place.
    pub fn new(place: Place) -> Self {
        Self { place, top: 0 }
    }

    /// Scrolls or closes.
    pub fn key(&mut self, key: &KeyEvent) -> Outcome {
        match key.code {
            KeyCode::Down | KeyCode::Char('j') => self.top += 1,
            KeyCode::Up | KeyCode::Char('k') => self.top = self.top.saturating_sub(1),
            KeyCode::PageDown | KeyCode::Char(' ') => self.top += 10,
            KeyCode::PageUp => self.top = self.top.saturating_sub(10),
            _ => return Outcome::close(Vec::new()),
        }
        Outcome::stay()
    }

    /// Draws it.
    pub fn view(&self, buffer: &mut Buffer, area: Rect, shared: &Shared) {
        let theme = &shared.theme;
        let rows: Vec<_> = shared.keymap.rows().filter(|(spec, _)| spec.applies(self.place)).collect();
        let inside = dialog(buffer, area, 74, rows.len() as u16 + 4, "Help", theme);
        let list = Rect { height: inside.height.saturating_sub(2), ..inside };
        let top = self.top.min(rows.len().saturating_sub(list.height as usize));
        for ((spec, keys), y) in rows.iter().skip(top).zip(list.top()..list.bottom()) {
            let keys = keys.iter().map(KeyPress::to_string).collect::<Vec<_>>().join(" ");
            let style = if spec.mutates && shared.read_only.is_some() { theme.dim } else { theme.text };
            put(buffer, list.x, y, 14, &keys, theme.accent);
            put(buffer, list.x + 15, y, list.width.saturating_sub(33), spec.help, style);
            put(buffer, list.right().saturating_sub(17), y, 17, &format!(":{}", spec.name), theme.dim);
        }
        let foot = "j k scroll · any other key closes · keys are changed in config.yaml";
        put(buffer, inside.x, inside.bottom().saturating_sub(1), inside.width, foot, theme.dim);
    }
}
