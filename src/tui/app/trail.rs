//! Which screen is shown: opening, going back and forward, forgetting.

use super::{App, Flash};
use crate::tui::{
    effect::{Effect, Job},
    event::ScreenEvent,
    screens::{Releases, Screen, ScreenId},
};

impl App {
    pub(super) fn show_operation(&mut self) -> Vec<Job> {
        let mut found = self.screens.iter().filter(|(_, screen)| matches!(screen, Screen::Operation(_)));
        match found.next_back().map(|(id, _)| *id) {
            Some(id) => return self.go_to(id),
            None => self.set_flash(Flash::bad("no operation was started in this session")),
        }
        Vec::new()
    }

    fn go_to(&mut self, id: ScreenId) -> Vec<Job> {
        if self.shown() == id {
            return Vec::new();
        }
        self.trail.truncate(self.at + 1);
        self.trail.push(id);
        self.at = self.trail.len() - 1;
        self.tell(id, ScreenEvent::Shown)
    }

    /// Back or forward over the visited screens.
    pub(super) fn walk(&mut self, forward: bool) -> Vec<Job> {
        let to = if forward { self.at + 1 } else { self.at.wrapping_sub(1) };
        if to >= self.trail.len() {
            return Vec::new();
        }
        self.at = to;
        self.tell(self.shown(), ScreenEvent::Shown)
    }

    /// Opens a screen after the shown one, or in its place; screens ahead are forgotten unless something runs in them.
    pub(super) fn show(&mut self, screen: Screen, replace: bool) -> Vec<Job> {
        let id = self.next_id;
        self.next_id += 1;
        self.screens.insert(id, screen);
        let keep = if replace { self.at } else { self.at + 1 };
        self.trail.truncate(keep);
        self.trail.push(id);
        self.at = self.trail.len() - 1;
        let mut jobs = self.forget_unreachable();
        jobs.extend(self.tell(id, ScreenEvent::Opened));
        jobs
    }

    fn forget_unreachable(&mut self) -> Vec<Job> {
        let trail = &self.trail;
        let gone: Vec<ScreenId> = self
            .screens
            .iter()
            .filter(|(id, screen)| !trail.contains(id) && !matches!(screen, Screen::Operation(_)))
            .map(|(id, _)| *id)
            .collect();
        let mut jobs = Vec::new();
        for owner in gone {
            self.screens.remove(&owner);
            self.shared.waiting.retain(|(known, _), _| *known != owner);
            jobs.push(Job { owner, effect: Effect::CancelAll });
        }
        jobs
    }

    /// Back to a fresh home screen; every other screen is forgotten, operations go on.
    pub(super) fn home(&mut self) -> Vec<Job> {
        self.trail.clear();
        self.at = 0;
        let id = self.next_id;
        self.next_id += 1;
        self.screens.insert(id, Screen::Releases(Box::<Releases>::default()));
        self.trail.push(id);
        let mut jobs = self.forget_unreachable();
        jobs.extend(self.tell(id, ScreenEvent::Opened));
        jobs
    }
}
