//! A line being typed.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::{buffer::Buffer, layout::Rect, style::Modifier};
use unicode_width::UnicodeWidthStr;

use super::{put, safe};
use crate::tui::theme::Theme;

/// A line being typed, with its cursor (a byte position).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LineEdit {
    text: String,
    at: usize,
}

impl LineEdit {
    /// A line that starts with a text, the cursor at its end.
    pub fn new(text: &str) -> Self {
        Self { text: text.to_owned(), at: text.len() }
    }

    /// What was typed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Inserts a text at the cursor; only its first line, made safe.
    pub fn insert(&mut self, text: &str) {
        let line = safe::visible(text.lines().next().unwrap_or_default()).into_owned();
        self.text.insert_str(self.at, &line);
        self.at += line.len();
    }

    /// Edits; false when the key is none of a line's.
    pub fn key(&mut self, key: &KeyEvent) -> bool {
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Char('a') if control => self.at = 0,
            KeyCode::Char('e') if control => self.at = self.text.len(),
            KeyCode::Char('u') if control => {
                self.text.drain(..self.at);
                self.at = 0;
            }
            KeyCode::Char('w') if control => {
                let start = self.text[..self.at].trim_end().rfind(' ').map_or(0, |space| space + 1);
                self.text.drain(start..self.at);
                self.at = start;
            }
            KeyCode::Char(character) if !control => self.insert(character.encode_utf8(&mut [0; 4])),
            KeyCode::Backspace => {
                let start = self.before();
                self.text.drain(start..self.at);
                self.at = start;
            }
            KeyCode::Delete => {
                let end = self.after();
                self.text.drain(self.at..end);
            }
            KeyCode::Left => self.at = self.before(),
            KeyCode::Right => self.at = self.after(),
            KeyCode::Home => self.at = 0,
            KeyCode::End => self.at = self.text.len(),
            _ => return false,
        }
        true
    }

    fn before(&self) -> usize {
        self.text[..self.at].char_indices().next_back().map_or(0, |(index, _)| index)
    }

    fn after(&self) -> usize {
        self.text[self.at..].chars().next().map_or(self.at, |character| self.at + character.len_utf8())
    }

    /// Draws prompt and line with a block cursor; a long line scrolls.
    pub fn view(&self, buffer: &mut Buffer, area: Rect, prompt: &str, theme: &Theme) {
        let used = put(buffer, area.x, area.y, area.width, prompt, theme.accent);
        let room = area.width.saturating_sub(used);
        let column = self.text[..self.at].width();
        let left = column.saturating_sub(room.saturating_sub(1) as usize);
        let x = area.x + used;
        put(buffer, x, area.y, room, &safe::slice(&self.text, left, room as usize), theme.text);
        let cursor = Rect { x: x + (column - left) as u16, y: area.y, width: 1, height: 1 };
        if room > 0 && buffer.area.contains(cursor.as_position()) {
            buffer.set_style(cursor, theme.text.add_modifier(Modifier::REVERSED));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn editing_keeps_whole_characters() {
        let mut line = LineEdit::new("größe");
        for code in
            [KeyCode::Left, KeyCode::Left, KeyCode::Backspace, KeyCode::Char('ü'), KeyCode::Home, KeyCode::Delete]
        {
            assert!(line.key(&KeyEvent::from(code)));
        }
        assert_eq!(line.text(), "rüße");
        line.key(&KeyEvent::new(KeyCode::Char('e'), KeyModifiers::CONTROL));
        line.insert(" two\nthree");
        line.key(&KeyEvent::new(KeyCode::Char('w'), KeyModifiers::CONTROL));
        assert_eq!(line.text(), "rüße ");
        assert!(!line.key(&KeyEvent::from(KeyCode::Enter)));
    }
}
