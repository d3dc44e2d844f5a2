//! Home: namespaces and releases.

use ratatui::{buffer::Buffer, layout::Rect};

use super::Part;
use crate::tui::{
    effect::Effect,
    event::ScreenEvent,
    keymap::{Action, Place},
    shared::Shared,
};

/// Home: namespaces and releases.
#[derive(Default)]
pub struct Releases {}

impl Part for Releases {
    fn place(&self) -> Place {
        Place::Releases
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
