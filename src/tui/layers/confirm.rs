//! A question before something happens. What happens is an effect; saying no is chosen first.

use crossterm::event::{KeyCode, KeyEvent};
use ratatui::{buffer::Buffer, layout::Rect};

use super::Outcome;
use crate::tui::{
    effect::Effect,
    shared::Shared,
    widgets::{dialog, input::LineEdit, put, safe, wrap},
};

/// The question.
pub struct Confirm {
    /// Heading.
    title: String,
    /// What it is about, a sentence a line.
    body: Vec<String>,
    /// Answers with what they do; the first does nothing.
    answers: Vec<(String, Vec<Effect>)>,
    chosen: usize,
    /// A name that must be typed before any answer but the first counts.
    demanded: Option<String>,
    typed: LineEdit,
}

impl Confirm {
    /// A question whose first answer, chosen at first, is `no` and does nothing.
    pub fn new(title: impl Into<String>, body: Vec<String>, no: &str) -> Self {
        let answers = vec![(no.to_owned(), Vec::new())];
        Self { title: title.into(), body, answers, chosen: 0, demanded: None, typed: LineEdit::default() }
    }

    /// One more answer.
    #[must_use]
    pub fn answer(mut self, label: impl Into<String>, effects: Vec<Effect>) -> Self {
        self.answers.push((label.into(), effects));
        self
    }

    /// Answers other than the first need this name typed.
    #[must_use]
    pub fn demand(mut self, name: &str) -> Self {
        self.demanded = Some(name.to_owned());
        self
    }

    /// Chooses, types or answers.
    pub fn key(&mut self, key: &KeyEvent) -> Outcome {
        let count = self.answers.len();
        match key.code {
            KeyCode::Esc => return Outcome::close(Vec::new()),
            KeyCode::Left | KeyCode::BackTab => self.chosen = (self.chosen + count - 1) % count,
            KeyCode::Right | KeyCode::Tab => self.chosen = (self.chosen + 1) % count,
            KeyCode::Enter if self.chosen == 0 || self.granted() => {
                return Outcome::close(std::mem::take(&mut self.answers[self.chosen].1));
            }
            _ if self.demanded.is_some() => {
                self.typed.key(key);
            }
            KeyCode::Char('h') => self.chosen = (self.chosen + count - 1) % count,
            KeyCode::Char('l') => self.chosen = (self.chosen + 1) % count,
            _ => {}
        }
        Outcome::stay()
    }

    fn granted(&self) -> bool {
        self.demanded.as_ref().is_none_or(|name| name == self.typed.text())
    }

    /// Draws it.
    pub fn view(&self, buffer: &mut Buffer, area: Rect, shared: &Shared) {
        let theme = &shared.theme;
        let width = area.width.saturating_sub(4).min(76);
        let room = width.saturating_sub(4) as usize;
        let mut lines: Vec<String> = self.body.iter().flat_map(|line| wrap(&safe::visible(line), room)).collect();
        if let Some(name) = &self.demanded {
            lines.push(format!("type {} to go on:", safe::visible(name)));
        }
        let extra = if self.demanded.is_some() { 5 } else { 4 };
        let inside = dialog(buffer, area, width, lines.len() as u16 + extra, &self.title, theme);
        let mut y = inside.y;
        for line in lines.iter().take(inside.height.saturating_sub(extra - 2) as usize) {
            put(buffer, inside.x, y, inside.width, line, theme.text);
            y += 1;
        }
        if self.demanded.is_some() && y < inside.bottom() {
            self.typed.view(buffer, Rect { y, height: 1, ..inside }, "> ", theme);
        }
        let mut x = inside.x;
        for (index, (label, _)) in self.answers.iter().enumerate() {
            let style = match () {
                () if index == self.chosen => theme.selected,
                () if index > 0 && !self.granted() => theme.dim,
                () => theme.text,
            };
            let room = inside.right().saturating_sub(x);
            x += put(buffer, x, inside.bottom().saturating_sub(1), room, &format!("[ {label} ]"), style) + 2;
        }
    }
}
