//! An install or upgrade being put together: a chart, values as they are typed, and what comes of them. What is rendered
//! and what the cluster says to it follow the typing; nothing changes before the review.

mod secrets;
mod view;

use std::sync::Arc;

use crossterm::event::{KeyCode, KeyEvent};
use ratatui::{buffer::Buffer, layout::Rect};

pub use self::secrets::Secrets;
use super::{Part, Review, Screen, flags, review::Asked, words};
use crate::{
    engine::{Operation, Options},
    release::Release,
    tui::{
        app::Flash,
        effect::{Effect, Slot},
        event::{News, ScreenEvent},
        keymap::{Action, Place},
        report::Report,
        shared::Shared,
        tasks::{Answer, ChartFrom, Fault, Recipe, Rendered, Task},
        widgets::{diff::DiffPane, editor::Editor, input::LineEdit, text::TextPane},
    },
    values::Values,
    yaml,
};

const FOLLOW: &str = "draft";

/// An install or upgrade being put together.
pub struct Draft {
    operation: Operation,
    name: LineEdit,
    namespace: LineEdit,
    /// The path of the chart; for an upgrade empty where the recorded one is meant.
    chart: LineEdit,
    /// The revision that an upgrade starts from.
    base: Option<Arc<Release>>,
    values: Editor,
    secrets: Secrets,
    /// Whether the text holds secrets as they are.
    revealed: bool,
    focus: Focus,
    typing: bool,
    shown: Shown,
    stage: Stage,
    /// What came of the last text that could be rendered.
    rendered: Option<Rendered>,
    /// What the cluster said to it.
    answer: Option<Result<Answer, Report>>,
    changes: DiffPane,
    defaults: TextPane,
    /// Whether the button that goes on is chosen.
    go: bool,
    /// Whether the review is wanted as soon as what was typed is rendered.
    wanted: bool,
}

/// How the text stands to what is shown of it.
enum Stage {
    /// The record is being read.
    Reading,
    /// Something is missing, a sentence.
    Incomplete(&'static str),
    /// It is being rendered.
    Rendering,
    /// It is rendered.
    Fresh,
    /// It cannot be rendered.
    Faulty(Fault),
}

/// Where keys go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Focus {
    Name,
    Namespace,
    Chart,
    Values,
    Changes,
    Buttons,
}

/// What is shown beside the values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shown {
    /// Changes against the manifest of the revision in force.
    Rendered,
    /// Changes against live objects.
    Live,
    /// The chart's own values.
    Defaults,
}

impl Draft {
    /// An upgrade of a release with the chart it has, or the one at a path.
    pub fn upgrade(namespace: &str, name: &str, chart: &str) -> Self {
        Self::new(Operation::Upgrade, [namespace, name, chart], Focus::Values)
    }

    /// An install into a namespace; name and path of the chart may be empty.
    pub fn install(namespace: &str, name: &str, chart: &str) -> Self {
        let focus = if name.is_empty() { Focus::Name } else { Focus::Values };
        Self { typing: focus == Focus::Name, ..Self::new(Operation::Install, [namespace, name, chart], focus) }
    }

    fn new(operation: Operation, [namespace, name, chart]: [&str; 3], focus: Focus) -> Self {
        Self {
            operation,
            name: LineEdit::new(name),
            namespace: LineEdit::new(namespace),
            chart: LineEdit::new(chart),
            base: None,
            values: Editor::new(""),
            secrets: Secrets::default(),
            revealed: false,
            focus,
            typing: false,
            shown: Shown::Rendered,
            stage: Stage::Reading,
            rendered: None,
            answer: None,
            changes: DiffPane::new(),
            defaults: TextPane::default(),
            go: false,
            wanted: false,
        }
    }

    /// The same, with the cursor in the values.
    #[must_use]
    pub fn at_values(self) -> Self {
        Self { focus: Focus::Values, typing: true, ..self }
    }

    fn order(&self) -> &'static [Focus] {
        match self.operation {
            Operation::Install => {
                &[Focus::Name, Focus::Namespace, Focus::Chart, Focus::Values, Focus::Changes, Focus::Buttons]
            }
            _ => &[Focus::Values, Focus::Changes, Focus::Buttons, Focus::Chart],
        }
    }

    fn step(&mut self, by: usize) {
        let order = self.order();
        let at = order.iter().position(|focus| *focus == self.focus).unwrap_or(0);
        self.focus = order[(at + by) % order.len()];
        self.typing = !matches!(self.focus, Focus::Changes | Focus::Buttons);
    }

    fn field(&mut self) -> Option<&mut LineEdit> {
        match self.focus {
            Focus::Name => Some(&mut self.name),
            Focus::Namespace => Some(&mut self.namespace),
            Focus::Chart => Some(&mut self.chart),
            Focus::Values | Focus::Changes | Focus::Buttons => None,
        }
    }

    /// The flags that a review of this starts with.
    fn options(&self, shared: &Shared) -> Options {
        Options { create_namespace: self.makes_namespace(shared), ..flags::initial(&shared.config.review) }
    }

    /// Whether the namespace is known not to be there.
    fn makes_namespace(&self, shared: &Shared) -> bool {
        let known = matches!(&shared.namespaces, Some(Ok(_)));
        let namespace = self.namespace.text();
        self.operation == Operation::Install && known && shared.namespace_names().all(|name| name != namespace)
    }

    fn begin(&mut self, shared: &Shared) -> Vec<Effect> {
        if self.operation == Operation::Install || self.base.is_some() {
            return self.render(shared);
        }
        let Some(storage) = shared.storage_in(self.namespace.text()) else {
            return Vec::new();
        };
        let task = Task::InForce(storage, self.name.text().to_owned());
        vec![Effect::Run(Slot::of("record"), task)]
    }

    /// The record of the revision in force came: its values are what is edited.
    fn found(&mut self, found: Result<Arc<Release>, Report>, shared: &Shared) -> Vec<Effect> {
        match found {
            Ok(release) => {
                let text = text_of(&release.config);
                self.values = Editor::new(&text);
                self.base = Some(release);
                self.revealed = true;
                self.reveal(shared);
                self.render(shared)
            }
            Err(report) => {
                self.stage = Stage::Faulty(report.into());
                Vec::new()
            }
        }
    }

    /// Shows secrets, or their fingerprints, as everywhere.
    fn reveal(&mut self, shared: &Shared) {
        if self.revealed == shared.revealed {
            return;
        }
        self.revealed = shared.revealed;
        let text = self.values.text();
        let text = if self.revealed { self.secrets.reveal(&text) } else { self.secrets.hide(&text, &shared.redactor) };
        self.values.set(&text);
        if !self.revealed {
            // What was in sight must not come back by undoing.
            self.values.forget();
        }
    }

    /// Renders what there is; what was asked for before is forgotten.
    fn render(&mut self, shared: &Shared) -> Vec<Effect> {
        self.values.mark(None);
        self.answer = None;
        let (name, namespace, path) = (self.name.text(), self.namespace.text(), self.chart.text().trim());
        let chart = match &self.base {
            Some(base) if path.is_empty() => ChartFrom::Recorded(base.clone()),
            _ => ChartFrom::Path(path.to_owned()),
        };
        let missing = if name.is_empty() {
            "type a name for the release"
        } else if namespace.is_empty() {
            "type a namespace"
        } else if self.operation == Operation::Install && path.is_empty() {
            "type the path of a chart, a folder or an archive; repositories and OCI registries come later"
        } else {
            ""
        };
        if !missing.is_empty() {
            self.stage = Stage::Incomplete(missing);
            return vec![Effect::Cancel(Slot::of(FOLLOW))];
        }
        let Some(storage) = shared.storage_in(namespace) else {
            return Vec::new();
        };
        let recipe = Recipe {
            operation: self.operation,
            name: name.to_owned(),
            chart,
            values: self.values.text(),
            secrets: self.secrets.clone(),
            options: self.options(shared),
        };
        self.stage = Stage::Rendering;
        vec![Effect::Run(Slot::of(FOLLOW), Task::Draft(storage, Box::new(recipe), shared.redactor()))]
    }

    fn news(&mut self, news: News, shared: &Shared) -> Vec<Effect> {
        match news {
            News::InForce(found) => return self.found(found, shared),
            News::Rendered(Ok(rendered)) => {
                self.stage = Stage::Fresh;
                self.defaults = TextPane::yaml(&rendered.defaults);
                self.rendered = Some(*rendered);
                self.show_changes();
                if self.wanted {
                    return self.review(shared);
                }
            }
            News::Rendered(Err(fault)) => {
                self.values.mark(fault.line);
                self.stage = Stage::Faulty(*fault);
            }
            News::Answered(answer) => {
                self.answer = Some(answer.map(|answer| *answer));
                self.show_changes();
            }
            _ => {}
        }
        Vec::new()
    }

    /// Whether the values of an upgrade are not there yet.
    fn is_reading(&self) -> bool {
        self.operation == Operation::Upgrade && self.base.is_none()
    }

    fn show_changes(&mut self) {
        match (self.shown, &self.rendered, &self.answer) {
            (Shown::Live, _, Some(Ok(answer))) => self.changes.set(&answer.sections),
            (Shown::Rendered, Some(rendered), _) => self.changes.set(&rendered.sections),
            _ => {}
        }
    }

    fn key(&mut self, key: &KeyEvent, shared: &Shared) -> Vec<Effect> {
        if self.is_reading() {
            // The values are about to come.
            return Vec::new();
        }
        let Some(field) = self.field() else {
            return if self.values.key(key) { self.render(shared) } else { Vec::new() };
        };
        let before = field.text().to_owned();
        if key.code == KeyCode::Enter {
            self.step(1);
        } else if field.key(key) && field.text() != before {
            return self.render(shared);
        }
        Vec::new()
    }

    fn paste(&mut self, text: &str, shared: &Shared) -> Vec<Effect> {
        if !self.typing || self.is_reading() {
            return Vec::new();
        }
        match self.field() {
            Some(field) => field.insert(text),
            None => self.values.paste(text),
        }
        self.render(shared)
    }

    fn undo(&mut self, again: bool, shared: &Shared) -> Vec<Effect> {
        if self.focus == Focus::Values && self.values.undo(again) { self.render(shared) } else { Vec::new() }
    }

    fn act(&mut self, action: &Action, shared: &Shared) -> Vec<Effect> {
        match action {
            Action::StopTyping => {
                self.typing = false;
                if self.field().is_some() {
                    self.focus = Focus::Values;
                }
            }
            Action::NextPane => self.step(1),
            Action::PreviousPane => self.step(self.order().len() - 1),
            Action::EditValues => (self.focus, self.typing) = (Focus::Values, true),
            Action::Undo | Action::Redo => return self.undo(*action == Action::Redo, shared),
            Action::Review => return self.review(shared),
            Action::Refresh => return self.begin(shared),
            Action::Against => {
                self.shown = match self.shown {
                    Shown::Rendered => Shown::Live,
                    Shown::Live => Shown::Defaults,
                    Shown::Defaults => Shown::Rendered,
                };
                self.show_changes();
            }
            Action::Back => return self.leave(),
            Action::Copy if self.focus == Focus::Changes => return vec![Effect::Copy(self.body_text())],
            Action::Copy => return vec![Effect::Copy(self.values.text())],
            Action::Pager if self.focus == Focus::Changes => return vec![Effect::Pager(self.body_text().into())],
            Action::Pager => return vec![Effect::Edit(self.values.text())],
            _ => return self.act_in_focus(action, shared),
        }
        Vec::new()
    }

    fn act_in_focus(&mut self, action: &Action, shared: &Shared) -> Vec<Effect> {
        match (self.focus, action) {
            (Focus::Buttons, Action::Left | Action::Right) => self.go = !self.go,
            (Focus::Buttons, Action::Open) if self.go => return self.review(shared),
            (Focus::Buttons, Action::Open) => return self.leave(),
            (Focus::Changes, _) if self.shown == Shown::Defaults => {
                self.defaults.act(action);
            }
            (Focus::Changes, _) | (_, Action::Fold | Action::SideBySide | Action::Wrap) => {
                self.changes.act(action);
            }
            (_, Action::Open) => self.typing = true,
            (_, action) => {
                self.values.act(action);
            }
        }
        Vec::new()
    }

    fn body_text(&self) -> String {
        if self.shown == Shown::Defaults { self.defaults.text() } else { self.changes.text() }
    }

    /// The values are kept for whoever comes forward again.
    fn leave(&self) -> Vec<Effect> {
        let kept = Effect::Flash(Flash::good("the draft is kept until another screen is opened: ] goes back to it"));
        let edited = self.values.is_changed().then_some(kept);
        [Effect::Cancel(Slot::of(FOLLOW)), Effect::Back].into_iter().chain(edited).collect()
    }

    fn review(&mut self, shared: &Shared) -> Vec<Effect> {
        self.wanted = matches!(self.stage, Stage::Rendering);
        let why = match (&self.stage, &self.rendered) {
            (Stage::Fresh, Some(rendered)) => {
                let review = Review::new(self.to_review(rendered, shared));
                // Whoever comes back looks first.
                self.typing = false;
                return vec![Effect::Show(Box::new(Screen::Review(Box::new(review))))];
            }
            (Stage::Incomplete(missing), _) => (*missing).to_owned(),
            (Stage::Faulty(fault), _) => fault.report.message.lines().next().unwrap_or_default().to_owned(),
            (Stage::Rendering, _) => {
                return vec![Effect::Flash(Flash::good("the review opens as soon as this is rendered"))];
            }
            _ => "the record is being read".to_owned(),
        };
        vec![Effect::Flash(Flash::bad(why))]
    }

    fn to_review(&self, rendered: &Rendered, shared: &Shared) -> Asked {
        let path = self.chart.text().trim();
        let chart = match &self.base {
            // A record's chart has no path: Helm needs it anew.
            Some(base) if path.is_empty() => {
                let metadata = base.chart.metadata();
                format!("{}-{}.tgz", metadata.name, metadata.version)
            }
            _ => path.to_owned(),
        };
        let (namespace, name) = (self.namespace.text(), self.name.text());
        let request = rendered.request.clone();
        Asked { chart, options: Some(self.options(shared)), ..Asked::new(namespace, name, request) }
    }
}

/// Values as they are edited: nothing for none.
fn text_of(values: &Values) -> String {
    if values.is_empty() { String::new() } else { yaml::to_string(&serde_json::Value::Object(values.clone())) }
}

impl Part for Draft {
    fn place(&self) -> Place {
        Place::Draft
    }

    fn typing(&self) -> bool {
        self.typing
    }

    fn crumbs(&self) -> Vec<String> {
        let name = if self.name.text().is_empty() { "new release" } else { self.name.text() };
        vec![self.namespace.text().to_owned(), name.to_owned(), words::of(self.operation).verb.to_owned()]
    }

    fn filter(&self) -> Option<String> {
        Some(if self.shown == Shown::Defaults { self.defaults.searched() } else { self.changes.searched() }.to_owned())
    }

    fn update(&mut self, event: ScreenEvent, shared: &Shared) -> Vec<Effect> {
        if matches!(event, ScreenEvent::Action(_) | ScreenEvent::Key(_) | ScreenEvent::Shown) {
            self.wanted = false;
        }
        match event {
            ScreenEvent::Opened => return self.begin(shared),
            // The release may have changed meanwhile.
            ScreenEvent::Shown if !matches!(self.stage, Stage::Reading) => return self.render(shared),
            ScreenEvent::Changed => {
                let before = self.revealed;
                self.reveal(shared);
                if before != self.revealed {
                    return self.render(shared);
                }
            }
            ScreenEvent::News(_, news) => return self.news(news, shared),
            ScreenEvent::Key(key) => return self.key(&key, shared),
            ScreenEvent::Paste(text) => return self.paste(&text, shared),
            ScreenEvent::Edited(text) => {
                self.values.set(&text);
                return self.render(shared);
            }
            ScreenEvent::Filter(text) if self.shown == Shown::Defaults => self.defaults.search(&text),
            ScreenEvent::Filter(text) => self.changes.search(&text),
            ScreenEvent::Action(action) => return self.act(&action, shared),
            ScreenEvent::Ended(_) | ScreenEvent::Shown => {}
        }
        Vec::new()
    }

    fn arrange(&mut self, area: Rect, shared: &Shared) -> Vec<Effect> {
        let layout = self.layout(area);
        self.values.arrange(layout.values, shared);
        self.changes.arrange(layout.changes, shared);
        self.defaults.arrange(layout.changes, shared);
        Vec::new()
    }

    fn view(&self, buffer: &mut Buffer, area: Rect, shared: &Shared) {
        self.draw(buffer, area, shared);
    }
}
