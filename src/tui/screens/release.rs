//! One release: its revisions, and tabs that follow the selected one.

use ratatui::{buffer::Buffer, layout::Rect};

use super::Part;
use crate::tui::{
    effect::Effect,
    event::ScreenEvent,
    keymap::{Action, Place},
    shared::Shared,
};

/// One release: its revisions, and tabs that follow the selected one.
#[derive(Default)]
pub struct ReleaseScreen {}

impl ReleaseScreen {
    /// A release; with `live` its drift is shown first.
    pub fn new(_namespace: &str, _name: &str, _live: bool) -> Self {
        Self::default()
    }
}

impl Part for ReleaseScreen {
    fn place(&self) -> Place {
        Place::Release
    }

    fn crumbs(&self) -> Vec<String> {
        Vec::new()
    }

    fn update(&mut self, event: ScreenEvent, _shared: &Shared) -> Vec<Effect> {
        match event {
            ScreenEvent::Action(Action::Back) => vec![Effect::Back],
            _ => Vec::new(),
        }
    }

    fn arrange(&mut self, _area: Rect, _shared: &Shared) -> Vec<Effect> {
        Vec::new()
    }

    fn view(&self, _buffer: &mut Buffer, _area: Rect, _shared: &Shared) {}
}
