//! The screens: one enum, one trait, one file or folder each.

pub mod draft;
mod flags;
pub mod log;
pub mod operation;
pub mod release;
pub mod releases;
pub mod review;
mod words;

use ratatui::{buffer::Buffer, layout::Rect, style::Style};

use super::{
    effect::Effect,
    event::ScreenEvent,
    keymap::{Action, Place},
    layers::{Confirm, Layer},
    shared::Shared,
};
pub use {draft::Draft, log::Log, operation::Operation, release::ReleaseScreen, releases::Releases, review::Review};

/// Names a screen for as long as the program runs.
pub type ScreenId = u64;

/// The app itself, as the owner of tasks.
pub const APP: ScreenId = 0;

/// What every screen does. Updating is pure and synchronous, drawing reads only.
pub trait Part {
    /// Where its keys apply.
    fn place(&self) -> Place;

    /// Where it is, after the context: namespace, release …
    fn crumbs(&self) -> Vec<String>;

    /// What the header says about it at the right: text and paint.
    fn badge(&self, _shared: &Shared) -> Option<(String, Style)> {
        None
    }

    /// Whether characters are typed into it rather than being keys.
    fn typing(&self) -> bool {
        false
    }

    /// What stands in its filter or search line; `None` when it has none.
    fn filter(&self) -> Option<String> {
        None
    }

    /// What runs in it and goes on when nobody looks; a few words.
    fn running(&self) -> Option<String> {
        None
    }

    /// Takes an event and says what is to be done.
    fn update(&mut self, event: ScreenEvent, shared: &Shared) -> Vec<Effect>;

    /// Fixes sizes and scroll places for `area` before drawing, and asks for what came into view.
    fn arrange(&mut self, area: Rect, shared: &Shared) -> Vec<Effect>;

    /// Draws it.
    fn view(&self, buffer: &mut Buffer, area: Rect, shared: &Shared);
}

/// What a key begins with a release, wherever the release is looked at; `None` for keys that begin nothing.
fn begin(action: &Action, namespace: &str, name: &str, shared: &Shared) -> Option<Effect> {
    let screen = match action {
        Action::Upgrade => Screen::Draft(Box::new(Draft::upgrade(namespace, name, ""))),
        Action::UpgradeTo(chart) => Screen::Draft(Box::new(Draft::upgrade(namespace, name, chart))),
        Action::EditValues => Screen::Draft(Box::new(Draft::upgrade(namespace, name, "").at_values())),
        Action::Uninstall => Screen::Review(Box::new(Review::uninstall(namespace, name))),
        Action::Test => return Some(Effect::Layer(Box::new(Layer::Confirm(run_tests(namespace, name, shared))))),
        _ => return None,
    };
    Some(Effect::Show(Box::new(screen)))
}

/// Asks before tests run: they are made by the chart, and make objects.
fn run_tests(namespace: &str, name: &str, shared: &Shared) -> Confirm {
    let operation = Operation::test(namespace, name, shared.config.review.timeout);
    let body = vec!["Its test hooks run in the cluster, and its record notes how they ended.".to_owned()];
    let start = vec![Effect::Show(Box::new(Screen::Operation(Box::new(operation))))];
    let confirm = Confirm::new(format!("Run the tests of {name} in {namespace}?"), body, "Cancel");
    let confirm = confirm.answer("Run the tests", start);
    if shared.config.is_protected(&shared.context, namespace) { confirm.demand(name) } else { confirm }
}

/// A screen.
pub enum Screen {
    /// Namespaces and releases: home.
    Releases(Box<Releases>),
    /// One release: revisions and tabs.
    Release(Box<ReleaseScreen>),
    /// An install or upgrade being put together.
    Draft(Box<Draft>),
    /// The preview that confirms.
    Review(Box<Review>),
    /// A running or finished operation.
    Operation(Box<Operation>),
    /// What was done in this session.
    Log(Box<Log>),
}

impl Screen {
    /// What it does.
    pub fn part(&self) -> &dyn Part {
        match self {
            Self::Releases(screen) => screen.as_ref(),
            Self::Release(screen) => screen.as_ref(),
            Self::Draft(screen) => screen.as_ref(),
            Self::Review(screen) => screen.as_ref(),
            Self::Operation(screen) => screen.as_ref(),
            Self::Log(screen) => screen.as_ref(),
        }
    }

    /// The same, to change it.
    pub fn part_mut(&mut self) -> &mut dyn Part {
        match self {
            Self::Releases(screen) => screen.as_mut(),
            Self::Release(screen) => screen.as_mut(),
            Self::Draft(screen) => screen.as_mut(),
            Self::Review(screen) => screen.as_mut(),
            Self::Operation(screen) => screen.as_mut(),
            Self::Log(screen) => screen.as_mut(),
        }
    }
}
