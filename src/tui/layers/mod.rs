//! What lies over a screen and takes the keys: one stack, one enum.

pub mod confirm;
pub mod help;
pub mod palette;
pub mod picker;

use crossterm::event::{KeyCode, KeyEvent};
use ratatui::{buffer::Buffer, layout::Rect};

use super::{
    effect::Effect,
    report::Report,
    shared::Shared,
    widgets::{self, input::LineEdit, put, safe},
};
pub use {confirm::Confirm, help::Help, palette::Palette, picker::Picker};

/// A layer.
pub enum Layer {
    /// Help for a place.
    Help(Help),
    /// The `:` line with completion.
    Palette(Palette),
    /// The `/` line.
    Filter(LineEdit),
    /// A choice out of a list.
    Picker(Picker),
    /// A question before something happens.
    Confirm(Confirm),
    /// An error with its hints.
    Error(Report),
}

/// What a key did to a layer.
pub struct Outcome {
    /// Whether the layer stays.
    pub stays: bool,
    /// What is to be done.
    pub effects: Vec<Effect>,
}

impl Outcome {
    /// The layer stays and nothing else happens.
    pub fn stay() -> Self {
        Self { stays: true, effects: Vec::new() }
    }

    /// The layer closes and this happens.
    pub fn close(effects: Vec<Effect>) -> Self {
        Self { stays: false, effects }
    }
}

impl Layer {
    /// Takes a key.
    pub fn key(&mut self, key: &KeyEvent, shared: &Shared) -> Outcome {
        match self {
            Self::Help(help) => help.key(key),
            Self::Palette(palette) => palette.key(key, shared),
            Self::Filter(line) => filter_key(line, key),
            Self::Picker(picker) => picker.key(key),
            Self::Confirm(confirm) => confirm.key(key),
            Self::Error(_) => Outcome::close(Vec::new()),
        }
    }

    /// Takes pasted text.
    pub fn paste(&mut self, text: &str) -> Vec<Effect> {
        match self {
            Self::Filter(line) => {
                line.insert(text);
                vec![Effect::Filter(line.text().to_owned())]
            }
            Self::Palette(palette) => {
                palette.line.insert(text);
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    /// Draws the layer over `area`; the `/` and `:` lines lie on its last row.
    pub fn view(&self, buffer: &mut Buffer, area: Rect, shared: &Shared) {
        let theme = &shared.theme;
        match self {
            Self::Help(help) => help.view(buffer, area, shared),
            Self::Palette(palette) => palette.view(buffer, area, shared),
            Self::Filter(line) => {
                let row = Rect { y: area.bottom().saturating_sub(1), height: 1, ..area };
                buffer.set_style(row, theme.text);
                widgets::blank(buffer, row, theme.text);
                line.view(buffer, row, " / ", theme);
            }
            Self::Picker(picker) => picker.view(buffer, area, shared),
            Self::Confirm(confirm) => confirm.view(buffer, area, shared),
            Self::Error(report) => view_error(report, buffer, area, shared),
        }
    }
}

fn filter_key(line: &mut LineEdit, key: &KeyEvent) -> Outcome {
    match key.code {
        KeyCode::Enter => Outcome::close(Vec::new()),
        KeyCode::Esc => Outcome::close(vec![Effect::Filter(String::new())]),
        KeyCode::Backspace if line.text().is_empty() => Outcome::close(Vec::new()),
        _ if line.key(key) => Outcome { stays: true, effects: vec![Effect::Filter(line.text().to_owned())] },
        _ => Outcome::stay(),
    }
}

fn view_error(report: &Report, buffer: &mut Buffer, area: Rect, shared: &Shared) {
    let theme = &shared.theme;
    let width = area.width.saturating_sub(4).min(96);
    let room = width.saturating_sub(4) as usize;
    let mut lines: Vec<(String, _)> = Vec::new();
    for line in report.message.lines() {
        lines.extend(widgets::wrap(&safe::visible(line), room).into_iter().map(|line| (line, theme.bad)));
    }
    for hint in &report.hints {
        let text = format!("{} {hint}", theme.glyphs.arrow);
        lines.extend(widgets::wrap(&safe::visible(&text), room).into_iter().map(|line| (line, theme.text)));
    }
    lines.push((String::new(), theme.text));
    lines.push(("any key closes this; it stays in the log (:log)".into(), theme.dim));
    let inside = widgets::dialog(buffer, area, width, lines.len() as u16 + 2, "Error", theme);
    for ((line, style), y) in lines.iter().zip(inside.top()..inside.bottom()) {
        put(buffer, inside.x, y, inside.width, line, *style);
    }
}
