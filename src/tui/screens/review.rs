//! The confirm screen is the preview.

use ratatui::{buffer::Buffer, layout::Rect};

use super::Part;
use crate::engine::RollbackTarget;
use crate::tui::{
    effect::Effect,
    event::ScreenEvent,
    keymap::{Action, Place},
    shared::Shared,
};

/// The confirm screen is the preview.
pub struct Review {
    namespace: String,
    name: String,
    target: RollbackTarget,
}

impl Review {
    /// A review of rolling a release back.
    pub fn rollback(
        namespace: impl Into<String>,
        name: impl Into<String>,
        target: RollbackTarget,
    ) -> Self {
        Self {
            namespace: namespace.into(),
            name: name.into(),
            target,
        }
    }
}

impl Part for Review {
    fn place(&self) -> Place {
        Place::Review
    }

    fn crumbs(&self) -> Vec<String> {
        let target = match self.target {
            RollbackTarget::Revision(revision) => format!("roll back to {revision}"),
            _ => "roll back".into(),
        };
        vec![self.namespace.clone(), self.name.clone(), target]
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
