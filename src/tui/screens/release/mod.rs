//! One release: its revisions, and tabs that follow the selected one.

mod hooks;
mod manifest;
mod resources;
mod revisions;
mod texts;
mod view;

use std::{collections::BTreeMap, sync::Arc};

use ratatui::{buffer::Buffer, layout::Rect, style::Style};

use self::{hooks::Hooks, manifest::Manifest, resources::Resources, revisions::RevisionRow};
use super::{Part, Review, Screen};
use crate::{
    engine::RollbackTarget,
    release::{RecordMeta, Release, storage::StorageEvent},
    tui::{
        app::Flash,
        effect::{Effect, Live, Slot},
        event::{News, ScreenEvent},
        format,
        keymap::{Action, Place},
        shared::Shared,
        tasks::Task,
        widgets::{diff::DiffPane, put, rule, table::Table, text::TextPane},
    },
};

/// The tabs, in the order of their numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tab {
    Changes,
    Manifest,
    Values,
    Resources,
    Hooks,
    Notes,
    Chart,
}

/// With their names, long and short.
const TABS: [(Tab, &str, &str); 7] = [
    (Tab::Changes, "Changes", "Chg"),
    (Tab::Manifest, "Manifest", "Man"),
    (Tab::Values, "Values", "Val"),
    (Tab::Resources, "Resources", "Res"),
    (Tab::Hooks, "Hooks", "Hook"),
    (Tab::Notes, "Notes", "Note"),
    (Tab::Chart, "Chart", "Chart"),
];

/// What a revision is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Against {
    Previous,
    Marked,
    Live,
}

/// How many unchanged lines stand around a change at first.
const CONTEXT: usize = 3;

/// One release.
pub struct ReleaseScreen {
    namespace: String,
    name: String,
    records: BTreeMap<u32, RecordMeta>,
    revisions: Table<RevisionRow>,
    loaded: bool,
    tab: Tab,
    on_body: bool,
    against: Against,
    values: texts::Shown,
    context: usize,
    /// What the body was asked to show, so that it is asked once.
    asked: String,
    /// Why the body cannot be shown.
    trouble: Option<String>,
    changes: DiffPane,
    manifest: Manifest,
    text: TextPane,
    resources: Resources,
    hooks: Hooks,
}

impl ReleaseScreen {
    /// A release; with `live` its drift is shown first.
    pub fn new(namespace: &str, name: &str, live: bool) -> Self {
        Self {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            records: BTreeMap::new(),
            revisions: Table::new(revisions::columns()),
            loaded: false,
            tab: Tab::Changes,
            on_body: false,
            against: if live { Against::Live } else { Against::Previous },
            values: texts::Shown::default(),
            context: CONTEXT,
            asked: String::new(),
            trouble: None,
            changes: DiffPane::new(),
            manifest: Manifest::default(),
            text: TextPane::default(),
            resources: Resources::default(),
            hooks: Hooks::default(),
        }
    }

    fn row(&self, revision: u32) -> Option<&RevisionRow> {
        self.revisions.rows().iter().find(|row| row.meta.revision == revision)
    }

    fn release(&self, revision: u32) -> Option<&Arc<Release>> {
        self.row(revision).and_then(RevisionRow::decoded)
    }

    fn selected(&self) -> Option<u32> {
        self.revisions.selected().map(|row| row.meta.revision)
    }

    /// The revision before another.
    fn before(&self, revision: u32) -> Option<u32> {
        self.records.range(..revision).next_back().map(|(revision, _)| *revision)
    }

    fn marked(&self) -> Option<u32> {
        self.revisions
            .marked()
            .iter()
            .filter_map(|key| key.parse().ok())
            .find(|marked| Some(*marked) != self.selected())
    }

    /// The revision the selected one is compared with, if it is one.
    fn other(&self, revision: u32) -> Option<u32> {
        match self.against {
            Against::Previous => self.before(revision),
            Against::Marked => self.marked(),
            Against::Live => None,
        }
    }

    fn hear(&mut self, event: StorageEvent, shared: &Shared) -> Vec<Effect> {
        let live = match event {
            StorageEvent::Restarted(all) => {
                self.records = all.into_iter().map(|meta| (meta.revision, meta)).collect();
                Some(Live::Live)
            }
            StorageEvent::Applied(meta) => {
                self.records.insert(meta.revision, meta);
                Some(Live::Live)
            }
            StorageEvent::Gone { record, .. } => {
                self.records.retain(|_, meta| meta.record != record);
                Some(Live::Live)
            }
            StorageEvent::Connected => Some(Live::Live),
            StorageEvent::Disconnected(_) => match shared.live {
                Live::Reconnecting(_) => None,
                _ => Some(Live::Reconnecting(shared.now())),
            },
            StorageEvent::Denied(error) => {
                self.trouble = Some(error.to_string());
                None
            }
        };
        self.loaded = true;
        self.rebuild();
        live.filter(|live| *live != shared.live).map(Effect::Live).into_iter().collect()
    }

    /// Makes the rows follow the records, newest first. Whoever looks at the newest revision goes on doing so.
    fn rebuild(&mut self) {
        let newest = self.revisions.rows().first().map(|row| row.meta.revision);
        let on_newest = newest.is_none() || self.selected() == newest;
        let mut known: BTreeMap<u32, RevisionRow> = BTreeMap::new();
        self.revisions.change(|rows| known = rows.drain(..).map(|row| (row.meta.revision, row)).collect());
        let rows = self.records.values().rev().map(|meta| {
            let same = known.remove(&meta.revision).filter(|row| row.meta.resource_version == meta.resource_version);
            same.unwrap_or_else(|| RevisionRow::new(meta.clone()))
        });
        let rows: Vec<RevisionRow> = rows.collect();
        let top = rows.first().map(|row| row.meta.revision.to_string());
        self.revisions.set(rows);
        if let Some(top) = top.filter(|_| on_newest) {
            self.revisions.select(&top);
        }
    }

    fn news(&mut self, slot: &Slot, news: News, shared: &Shared) -> Vec<Effect> {
        match news {
            News::Records(_, event) => return self.hear(*event, shared),
            News::Decoded(meta, release) => {
                let release = release.map_err(|report| report.message.into());
                self.revisions.fill(&meta.revision.to_string(), |row| {
                    if row.meta.resource_version == meta.resource_version {
                        row.release = Some(release);
                    }
                });
            }
            News::Changes(Ok(sections)) => self.changes.set(&sections),
            News::Changes(Err(report)) => self.trouble = Some(report.message),
            News::Text(lines) if self.tab == Tab::Manifest => self.manifest.set(lines),
            News::Text(lines) => self.text.set(lines),
            News::Provenance(found) => self.manifest.take(found),
            News::Resources(found) => return self.resources.set(found, shared),
            News::Touched(target, object) => {
                let changed = self.resources.touch(&target, object.map(|object| *object));
                let again = changed && self.tab == Tab::Resources;
                return again.then(|| self.read_resources(true, shared)).flatten().into_iter().collect();
            }
            news if slot.0 == "below" && self.tab == Tab::Hooks => self.hooks.news(news),
            news if slot.0 == "below" => self.resources.news(news, shared),
            _ => {}
        }
        Vec::new()
    }

    fn read_resources(&self, again: bool, shared: &Shared) -> Option<Effect> {
        let release = self.release(self.selected()?)?.clone();
        let storage = shared.storage_in(&self.namespace)?;
        Some(Effect::Run(Slot::of("resources"), Task::Resources(storage, release, again)))
    }

    fn act(&mut self, action: &Action, shared: &Shared) -> Vec<Effect> {
        match action {
            Action::Tab(number) => self.choose_tab(*number),
            Action::NextPane | Action::PreviousPane => self.on_body = !self.on_body,
            Action::Open if self.on_body && self.tab == Tab::Manifest => return self.show_provenance(true),
            Action::Provenance => return self.show_provenance(!self.shows_provenance()),
            Action::Open if !self.on_body => self.on_body = true,
            Action::Right if !self.on_body => self.on_body = true,
            Action::Left if self.on_body && self.at_left_edge() => self.on_body = false,
            Action::Mark => self.mark(),
            Action::DiffMarked | Action::Against => return self.turn_against(action),
            Action::LessContext => self.context = self.context.saturating_sub(2),
            Action::MoreContext => self.context = (self.context + 2).min(200),
            Action::Refresh => {
                self.asked.clear();
                return self.manifest.forget().into_iter().chain(self.follow(shared)).collect();
            }
            Action::Back => return self.back(),
            Action::Copy => return self.copy_text().map(Effect::Copy).into_iter().collect(),
            Action::Pager => return vec![Effect::Pager(self.body_text().into())],
            Action::Rollback => return self.review(RollbackTarget::LastGood),
            Action::RollbackTo(revision) => {
                return self.review(RollbackTarget::Revision(*revision));
            }
            action => match super::begin(action, &self.namespace, &self.name, shared) {
                Some(effect) => return vec![effect],
                None => self.move_in_pane(action),
            },
        }
        Vec::new()
    }

    fn shows_provenance(&self) -> bool {
        self.tab == Tab::Manifest && self.manifest.is_open()
    }

    /// Goes to the manifest for it, whatever the tab is.
    fn show_provenance(&mut self, open: bool) -> Vec<Effect> {
        self.tab = Tab::Manifest;
        self.on_body = true;
        self.manifest.open(open)
    }

    fn at_left_edge(&self) -> bool {
        if self.tab == Tab::Manifest { self.manifest.at_left_edge() } else { self.text.at_left_edge() }
    }

    fn choose_tab(&mut self, number: u8) {
        let Some((tab, ..)) = TABS.get(usize::from(number).wrapping_sub(1)) else {
            return;
        };
        if *tab == Tab::Values && self.tab == Tab::Values {
            self.values = self.values.next();
        }
        self.tab = *tab;
    }

    /// One revision is marked at a time.
    fn mark(&mut self) {
        let marked = self.revisions.marked().clone();
        self.revisions.unmark();
        if let Some(selected) = self.selected().filter(|selected| !marked.contains(&selected.to_string())) {
            self.revisions.select(&selected.to_string());
            self.revisions.mark();
        } else if self.against == Against::Marked {
            self.against = Against::Previous;
        }
    }

    fn turn_against(&mut self, action: &Action) -> Vec<Effect> {
        let marked = self.marked().is_some();
        self.tab = Tab::Changes;
        self.against = match (action, self.against) {
            (Action::DiffMarked, _) if !marked => {
                return vec![Effect::Flash(Flash::bad("mark another revision with space first"))];
            }
            (Action::DiffMarked, _) => Against::Marked,
            (_, Against::Previous) if marked => Against::Marked,
            (_, Against::Previous | Against::Marked) => Against::Live,
            (_, Against::Live) => Against::Previous,
        };
        Vec::new()
    }

    /// `r` goes to the selected revision; on the newest one to the last good one.
    fn review(&self, target: RollbackTarget) -> Vec<Effect> {
        let newest = self.records.keys().next_back().copied();
        let target = match (target, self.selected()) {
            (RollbackTarget::LastGood, Some(selected)) if Some(selected) != newest => {
                RollbackTarget::Revision(selected)
            }
            (target, _) => target,
        };
        let review = Review::rollback(&self.namespace, &self.name, target);
        vec![Effect::Show(Box::new(Screen::Review(Box::new(review))))]
    }

    fn back(&mut self) -> Vec<Effect> {
        if self.filter().is_some_and(|text| !text.is_empty()) {
            self.set_filter("");
        } else if self.shows_provenance() {
            return self.show_provenance(false);
        } else if self.on_body {
            self.on_body = false;
        } else {
            return vec![Effect::Back];
        }
        Vec::new()
    }

    fn move_in_pane(&mut self, action: &Action) {
        let moves = matches!(
            action,
            Action::Up | Action::Down | Action::Top | Action::Bottom | Action::PageUp | Action::PageDown
        );
        if moves && !self.on_body {
            self.revisions.act(action);
            return;
        }
        match self.tab {
            Tab::Changes => self.changes.act(action),
            Tab::Manifest => self.manifest.act(action),
            Tab::Resources => self.resources.act(action),
            Tab::Hooks => self.hooks.act(action),
            _ => self.text.act(action),
        };
    }

    fn set_filter(&mut self, text: &str) {
        match self.tab {
            _ if !self.on_body => self.revisions.set_filter(text),
            Tab::Changes => self.changes.search(text),
            Tab::Manifest => self.manifest.search(text),
            Tab::Resources => self.resources.set_filter(text),
            Tab::Hooks => self.hooks.set_filter(text),
            _ => self.text.search(text),
        }
    }

    fn copy_text(&self) -> Option<String> {
        if !self.on_body {
            return Some(self.name.clone());
        }
        Some(match self.tab {
            Tab::Changes => self.changes.copy_text(),
            Tab::Manifest => self.manifest.copy_text(),
            Tab::Resources => self.resources.copy_text(),
            _ => self.body_text(),
        })
    }

    fn body_text(&self) -> String {
        match self.tab {
            Tab::Changes => self.changes.text(),
            Tab::Manifest => self.manifest.text(),
            Tab::Resources => self.resources.text(),
            Tab::Hooks => self.hooks.text(),
            _ => self.text.text(),
        }
    }

    fn follow(&mut self, shared: &Shared) -> Vec<Effect> {
        self.resources.clear();
        let storage = shared.storage_in(&self.namespace);
        let watch = |storage| Effect::Run(Slot::of("watch"), Task::WatchHistory(storage, self.name.clone()));
        storage.map(watch).into_iter().collect()
    }

    /// Decodes the selected revision, its neighbours and what it is compared with.
    fn wanted_records(&self, shared: &Shared) -> Vec<Effect> {
        let (Some(selected), Some(storage)) = (self.selected(), shared.storage_in(&self.namespace)) else {
            return Vec::new();
        };
        let after = self.records.range(selected + 1..).next().map(|(revision, _)| *revision);
        let wanted = [Some(selected), self.other(selected), self.before(selected), after];
        let mut effects: Vec<Effect> = Vec::new();
        for revision in wanted.into_iter().flatten() {
            let Some(row) = self.row(revision).filter(|row| row.release.is_none()) else {
                continue;
            };
            let slot = Slot("decode", format!("{revision} {}", row.meta.resource_version));
            let task = Task::Decode(storage.clone(), Box::new(row.meta.clone()));
            effects.push(Effect::RunOnce(slot, task));
        }
        effects
    }

    /// Names what the body should show now.
    fn wish(&self, selected: u32, shared: &Shared) -> String {
        let version = self.row(selected).map(|row| row.meta.resource_version.as_str()).unwrap_or_default();
        let detail = match self.tab {
            Tab::Changes => format!("{:?} {:?} {}", self.against, self.other(selected), self.context),
            Tab::Values => format!("{:?}", self.values),
            _ => String::new(),
        };
        format!("{:?} {selected} {version} {} {detail}", self.tab, shared.revealed)
    }

    /// Asks once for what the tab shows of the selected revision, as soon as its record is decoded.
    fn wanted_body(&mut self, shared: &Shared) -> Option<Effect> {
        let selected = self.selected()?;
        let wish = self.wish(selected, shared);
        if wish == self.asked {
            return None;
        }
        if let Some(Err(message)) = self.row(selected).and_then(|row| row.release.as_ref()) {
            (self.trouble, self.asked) = (Some(message.to_string()), wish);
            return None;
        }
        let release = self.release(selected)?.clone();
        let task = match self.tab {
            Tab::Changes => self.changes_task(selected, release, shared)?,
            Tab::Resources => {
                self.resources.clear();
                Task::Resources(shared.storage_in(&self.namespace)?, release, false)
            }
            Tab::Hooks => {
                self.hooks.set(&release);
                (self.trouble, self.asked) = (None, wish);
                return None;
            }
            tab => self.text_task(tab, selected, release, shared)?,
        };
        (self.trouble, self.asked) = (None, wish);
        let slot = if self.tab == Tab::Resources { "resources" } else { "body" };
        Some(Effect::Run(Slot::of(slot), task))
    }

    fn changes_task(&self, selected: u32, release: Arc<Release>, shared: &Shared) -> Option<Task> {
        if self.against == Against::Live {
            let storage = shared.storage_in(&self.namespace)?;
            return Some(Task::Drift(storage, release, shared.redactor(), self.context));
        }
        let old = match self.other(selected) {
            Some(other) => match self.row(other)?.release.as_ref()? {
                Ok(old) => Some(old.clone()),
                Err(_) => None,
            },
            None => None,
        };
        Some(Task::Changes(old, release, shared.redactor(), self.context))
    }

    fn text_task(&self, tab: Tab, selected: u32, release: Arc<Release>, shared: &Shared) -> Option<Task> {
        let redactor = shared.redactor();
        let shown = self.values;
        let before = match self.before(selected) {
            Some(before) => self.row(before)?.release.as_ref()?.as_ref().ok().cloned(),
            None => None,
        };
        Some(Task::Text(match tab {
            Tab::Manifest => Box::new(move || texts::manifest(&release, &redactor)),
            Tab::Values => Box::new(move || texts::values(&release, before.as_deref(), shown, &redactor)),
            Tab::Notes => Box::new(move || texts::notes(&release)),
            _ => Box::new(move || texts::chart(&release)),
        }))
    }
}

impl Part for ReleaseScreen {
    fn place(&self) -> Place {
        Place::Release
    }

    fn crumbs(&self) -> Vec<String> {
        vec![self.namespace.clone(), self.name.clone()]
    }

    fn badge(&self, shared: &Shared) -> Option<(String, Style)> {
        let (revision, newest) = self.records.last_key_value()?;
        let (text, _) = format::status(&newest.status, &shared.theme);
        Some((format!("{text} {revision}"), Style::new()))
    }

    fn filter(&self) -> Option<String> {
        Some(match self.tab {
            _ if !self.on_body => self.revisions.filter().to_owned(),
            Tab::Changes => self.changes.searched().to_owned(),
            Tab::Manifest => self.manifest.searched().to_owned(),
            Tab::Resources => self.resources.filter().to_owned(),
            Tab::Hooks => self.hooks.filter().to_owned(),
            _ => self.text.searched().to_owned(),
        })
    }

    fn update(&mut self, event: ScreenEvent, shared: &Shared) -> Vec<Effect> {
        match event {
            ScreenEvent::Opened => self.follow(shared),
            ScreenEvent::Action(action) => self.act(&action, shared),
            ScreenEvent::Filter(text) => {
                self.set_filter(&text);
                Vec::new()
            }
            ScreenEvent::News(slot, news) => self.news(&slot, news, shared),
            _ => Vec::new(),
        }
    }

    fn arrange(&mut self, area: Rect, shared: &Shared) -> Vec<Effect> {
        let (left, right) = Self::areas(area);
        let body = Self::body(right);
        self.revisions.arrange(Rect { width: left.width - 1, ..left }, shared);
        let mut effects = self.wanted_records(shared);
        effects.extend(self.wanted_body(shared));
        match self.tab {
            Tab::Changes => self.changes.arrange(body, shared),
            Tab::Manifest => {
                let release = self.selected().and_then(|selected| self.release(selected)).cloned();
                let shown = self.selected().map(|selected| self.wish(selected, shared)).unwrap_or_default();
                effects.extend(self.manifest.wanted(shown, release.as_ref(), shared));
                self.manifest.arrange(body, shared);
            }
            Tab::Resources => {
                self.resources.arrange(body, shared);
                effects.extend(self.resources.wanted(shared));
            }
            Tab::Hooks => {
                effects.extend(self.hooks.wanted(shared));
                self.hooks.arrange(body, shared);
            }
            _ => self.text.arrange(body, shared),
        }
        effects
    }

    fn view(&self, buffer: &mut Buffer, area: Rect, shared: &Shared) {
        let theme = &shared.theme;
        let (left, right) = Self::areas(area);
        self.revisions.view(buffer, Rect { width: left.width - 1, ..left }, shared, !self.on_body);
        rule(buffer, Rect { x: left.right() - 1, width: 2, ..left }, theme);
        self.view_tabs(buffer, right, shared);
        let heading = Rect { x: right.x + 1, y: right.y + 1, width: right.width.saturating_sub(1), height: 1 };
        put(buffer, heading.x, heading.y, heading.width, &self.heading(shared), theme.dim);
        self.view_body(buffer, Self::body(right), shared);
    }
}
