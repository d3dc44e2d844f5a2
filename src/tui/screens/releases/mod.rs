//! Home: namespaces and releases, live.

mod book;
mod row;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use ratatui::{buffer::Buffer, layout::Rect};

use self::{
    book::Book,
    row::{NamespaceRow, ReleaseRow, columns, is_lazy},
};
use super::{Part, ReleaseScreen, Review, Screen};
use crate::{
    engine::RollbackTarget,
    release::storage::StorageEvent,
    tui::{
        app::Flash,
        effect::{Effect, Live, Slot},
        event::{News, ScreenEvent},
        keymap::{Action, Place},
        shared::Shared,
        tasks::Task,
        widgets::{
            put, rule, safe,
            table::{Column, Row, SortKey, Table},
            text::TextPane,
        },
    },
};

/// How many records are decoded at once for their chart and app.
const SUMMARIES: usize = 8;
/// How many releases are looked at live at once.
const CONDITIONS: usize = 3;
/// After how many milliseconds health and drift of a row in view are read again, if somebody is at the keys.
const FRESH: i64 = 30_000;
/// In how many namespaces records are followed singly where all at once is forbidden.
const SINGLE_WATCHES: usize = 100;

/// The home screen.
pub struct Releases {
    book: Book,
    table: Option<Table<ReleaseRow>>,
    namespaces: Table<NamespaceRow>,
    /// Namespaces whose records may not be read.
    forbidden: BTreeSet<String>,
    /// Whether namespaces are followed one by one.
    singly: bool,
    /// Whether a list came.
    loaded: bool,
    /// Tasks under way, by slot.
    reading: BTreeSet<Slot>,
    /// When each release was last looked at live, by key, in milliseconds.
    looked: HashMap<String, i64>,
    /// When the user last did something here, in milliseconds: nothing is read again for nobody.
    used: i64,
    /// Whether rows came, went or moved since the table was built.
    stale: bool,
    on_namespaces: bool,
    pane_hidden: bool,
    details_hidden: bool,
    details: TextPane,
    /// Which release the details are of.
    detailed: String,
}

impl Default for Releases {
    fn default() -> Self {
        let columns = vec![Column::new("name", "", 8, 24, 0), Column::new("count", "", 4, 9, 1).right()];
        Self {
            book: Book::default(),
            table: None,
            namespaces: Table::new(columns).without_headings(),
            forbidden: BTreeSet::new(),
            singly: false,
            loaded: false,
            reading: BTreeSet::new(),
            looked: HashMap::new(),
            used: 0,
            stale: true,
            on_namespaces: false,
            pane_hidden: false,
            details_hidden: false,
            details: TextPane::default(),
            detailed: String::new(),
        }
    }
}

/// Where its parts lie.
struct Areas {
    namespaces: Option<Rect>,
    table: Rect,
    details: Option<Rect>,
}

impl Releases {
    fn areas(&self, area: Rect) -> Areas {
        let mut rest = area;
        let mut namespaces = None;
        if !self.pane_hidden {
            let width = if area.width >= 110 { 26 } else { 23 };
            namespaces = Some(Rect { width, ..rest });
            rest = Rect { x: rest.x + width, width: rest.width - width, ..rest };
        }
        let mut details = None;
        if !self.details_hidden && area.width >= 180 {
            let width = area.width / 3;
            details = Some(Rect { x: rest.right() - width, width, ..rest });
            rest.width -= width;
        } else if !self.details_hidden {
            let height = if area.height >= 30 { area.height / 4 } else { 3 };
            details = Some(Rect { y: rest.bottom() - height, height, ..rest });
            rest.height -= height;
        }
        Areas { namespaces, table: rest, details }
    }

    /// Starts to follow records, all at once.
    fn follow(&mut self, shared: &Shared) -> Vec<Effect> {
        self.singly = false;
        self.forbidden.clear();
        self.table = None;
        self.stale = true;
        let watch = shared.storage.clone().map(|storage| Effect::Run(Slot::of("watch"), Task::Watch(storage)));
        watch.into_iter().collect()
    }

    /// Follows every known namespace by itself, because all at once is forbidden.
    fn follow_singly(&mut self, shared: &Shared) -> Vec<Effect> {
        self.singly = true;
        let Some(storage) = &shared.storage else {
            return Vec::new();
        };
        let mut names: BTreeSet<String> = shared.namespace_names().map(str::to_owned).collect();
        names.insert(storage.cluster().namespace().to_owned());
        names.insert(shared.namespace.clone());
        names.retain(|name| !name.is_empty());
        let mut effects = Vec::new();
        if names.len() > SINGLE_WATCHES {
            let told = format!(
                "listing all namespaces is forbidden; the first {SINGLE_WATCHES} of {} are followed",
                names.len()
            );
            effects.push(Effect::Flash(Flash::bad(told)));
        }
        for name in names.into_iter().take(SINGLE_WATCHES) {
            let slot = Slot("watch", name.clone());
            if self.reading.insert(slot.clone()) {
                effects.push(Effect::Run(slot, Task::Watch(storage.in_namespace(&name))));
            }
        }
        effects
    }

    fn hear(&mut self, scope: &str, event: StorageEvent, shared: &Shared) -> Vec<Effect> {
        let live = match &event {
            StorageEvent::Disconnected(_) => match shared.live {
                Live::Reconnecting(_) => None,
                _ => Some(Live::Reconnecting(shared.now())),
            },
            _ if shared.live == Live::Live => None,
            _ => Some(Live::Live),
        };
        let why = match &event {
            // Nothing is shown yet that could be stale, so the reason is all there is to see.
            StorageEvent::Disconnected(why) if !self.loaded && live.is_some() => Some(Flash::bad(why.clone())),
            _ => None,
        };
        self.loaded |= !matches!(event, StorageEvent::Disconnected(_) | StorageEvent::Connected);
        self.stale = true;
        if matches!(event, StorageEvent::Denied(_)) {
            self.forbidden.insert(scope.to_owned());
        }
        self.book.hear(scope, event);
        let count = Effect::Count(self.book.len());
        let shown = live.map(Effect::Live).into_iter().chain(why.map(Effect::Flash));
        shown.chain([count]).collect()
    }

    fn news(&mut self, slot: &Slot, news: News, shared: &Shared) -> Vec<Effect> {
        match news {
            News::Records(scope, event) if scope.is_empty() && matches!(*event, StorageEvent::Denied(_)) => {
                return self.follow_singly(shared);
            }
            News::Records(scope, event) => return self.hear(&scope, *event, shared),
            News::Summary(meta, summary) => {
                if let Some(row) = self.book.row_mut(&meta) {
                    row.summary =
                        Some(summary.map(|summary| (*summary).into()).map_err(|report| report.message.into()));
                    let row = row.clone();
                    self.put_row(row);
                }
            }
            News::Condition(meta, condition) => {
                if let Some(row) = self.book.row_mut(&meta) {
                    row.condition = Some(condition.map_err(|report| report.message.into()));
                    let row = row.clone();
                    self.put_row(row);
                }
            }
            News::Text(lines) if slot.0 == "details" => {
                self.details.set(lines);
            }
            _ => {}
        }
        Vec::new()
    }

    /// A task that ended without an answer is not tried again and again.
    fn give_up(&mut self, slot: &Slot) {
        let Some((namespace, name)) = slot.1.split_once('/') else {
            return;
        };
        let Some(row) = self.book.row_of(namespace, name) else {
            return;
        };
        match slot.0 {
            "summary" if row.summary.is_none() => row.summary = Some(Err("not read".into())),
            "condition" if row.condition.is_none() => row.condition = Some(Err("not read".into())),
            _ => return,
        }
        let row = row.clone();
        self.put_row(row);
    }

    /// Puts a filled-in row into the table; only an order that depends on it is made anew.
    fn put_row(&mut self, row: ReleaseRow) {
        let Some(table) = &mut self.table else { return };
        let ordered = table.sorted().is_some_and(|(column, _)| is_lazy(column));
        self.stale |= ordered || !table.filter().is_empty();
        let key = row.key().to_owned();
        table.fill(&key, |known| *known = row);
    }

    fn act(&mut self, action: &Action, shared: &Shared) -> Vec<Effect> {
        match action {
            Action::NextPane | Action::PreviousPane => self.on_namespaces = !self.on_namespaces && !self.pane_hidden,
            Action::Namespaces => {
                self.pane_hidden = !self.pane_hidden;
                self.on_namespaces = false;
            }
            Action::Details => self.details_hidden = !self.details_hidden,
            Action::Refresh => return self.refresh(shared),
            Action::Left if !self.pane_hidden => self.on_namespaces = true,
            Action::Right => self.on_namespaces = false,
            Action::Open if self.on_namespaces => self.on_namespaces = false,
            Action::Back => return self.back(shared),
            action if self.on_namespaces => {
                self.namespaces.act(action);
                let chosen = self.namespaces.selected().map(|row| row.name.clone()).unwrap_or_default();
                if chosen != shared.namespace {
                    return vec![Effect::UseNamespace(chosen)];
                }
            }
            action => return self.act_on_release(action, shared),
        }
        Vec::new()
    }

    fn act_on_release(&mut self, action: &Action, shared: &Shared) -> Vec<Effect> {
        let Some(table) = &mut self.table else {
            return Vec::new();
        };
        let Some(row) = table.selected() else {
            return Vec::new();
        };
        let (namespace, name) = (row.meta.namespace.clone(), row.meta.name.clone());
        let review = |target| Screen::Review(Box::new(Review::rollback(&namespace, &name, target)));
        let screen = match action {
            Action::Open => Screen::Release(Box::new(ReleaseScreen::new(&namespace, &name, false))),
            Action::DiffMarked => Screen::Release(Box::new(ReleaseScreen::new(&namespace, &name, true))),
            Action::Rollback => review(RollbackTarget::LastGood),
            Action::RollbackTo(revision) => review(RollbackTarget::Revision(*revision)),
            Action::Copy => return vec![Effect::Copy(name)],
            action => {
                let begun = super::begin(action, &namespace, &name, shared);
                if begun.is_none() {
                    table.act(action);
                }
                return begun.into_iter().collect();
            }
        };
        vec![Effect::Show(Box::new(screen))]
    }

    /// `esc`: filter, then marks, then the namespace.
    fn back(&mut self, shared: &Shared) -> Vec<Effect> {
        let Some(table) = &mut self.table else {
            return Vec::new();
        };
        if !table.filter().is_empty() {
            table.set_filter("");
        } else if !table.marked().is_empty() {
            table.unmark();
        } else if self.on_namespaces {
            self.on_namespaces = false;
        } else if !shared.namespace.is_empty() {
            return vec![Effect::UseNamespace(String::new())];
        }
        Vec::new()
    }

    /// Reads again what was read lazily, and lists anew.
    fn refresh(&mut self, shared: &Shared) -> Vec<Effect> {
        for row in self.book.rows_mut() {
            (row.summary, row.condition) = (None, None);
        }
        self.detailed.clear();
        self.follow(shared)
    }

    /// Builds table and pane anew after rows came, went or moved.
    fn rebuild(&mut self, shared: &Shared) {
        self.stale = false;
        let table = self.table.get_or_insert_with(|| {
            let mut table = Table::new(columns(shared));
            table.sort_by("name", false);
            table
        });
        table.set(self.book.rows(&shared.namespace).cloned().collect());
        let mut counts: BTreeMap<String, usize> = shared.namespace_names().map(|name| (name.to_owned(), 0)).collect();
        counts.extend(self.book.counts());
        counts.extend(self.forbidden.iter().map(|name| (name.clone(), 0)));
        let all = NamespaceRow { name: String::new(), count: self.book.len(), forbidden: false };
        let each = counts.into_iter().map(|(name, count)| {
            let forbidden = self.forbidden.contains(&name);
            NamespaceRow { name, count, forbidden }
        });
        self.namespaces.set(std::iter::once(all).chain(each).collect());
        self.namespaces.select(&shared.namespace);
    }

    /// What came into view and is not known yet or no longer fresh, a few at a time.
    fn wanted(&mut self, shared: &Shared) -> Vec<Effect> {
        let (Some(table), Some(storage)) = (&self.table, &shared.storage) else {
            return Vec::new();
        };
        let lazily = table.sorted().is_some_and(|(column, _)| is_lazy(column));
        let rest = table.ordered().filter(|_| lazily).map(|row| (row, false));
        let busy = |name| self.reading.iter().filter(|slot| slot.0 == name).count();
        let (mut summaries, mut conditions) = (busy("summary"), busy("condition"));
        let mut effects = Vec::new();
        for (row, in_view) in table.visible().map(|row| (row, true)).chain(rest) {
            let place = storage.in_namespace(&row.meta.namespace);
            let slot = Slot("summary", row.key().to_owned());
            if row.summary.is_none() && summaries < SUMMARIES && self.reading.insert(slot.clone()) {
                summaries += 1;
                effects.push(Effect::Run(slot, Task::Summary(place.clone(), Box::new((*row.meta).clone()))));
            }
            let slot = Slot("condition", row.key().to_owned());
            let readable = matches!(row.summary, Some(Ok(_)));
            let old = || in_view && self.looked.get(row.key()).is_some_and(|at| self.used - at >= FRESH);
            let due = readable && (row.condition.is_none() || old());
            if due && conditions < CONDITIONS && self.reading.insert(slot.clone()) {
                conditions += 1;
                self.looked.insert(row.key().to_owned(), shared.clock);
                let task = Task::Condition(place, Box::new((*row.meta).clone()), shared.redactor());
                effects.push(Effect::Run(slot, task));
            }
            if summaries >= SUMMARIES && conditions >= CONDITIONS {
                break;
            }
        }
        effects
    }

    /// What the selected release's last revision changed.
    fn wanted_details(&mut self, shared: &Shared) -> Option<Effect> {
        let row = self.table.as_ref()?.selected()?;
        let key = format!("{} {}", row.key(), row.meta.resource_version);
        if self.details_hidden || self.detailed == key {
            return None;
        }
        let storage = shared.storage_in(&row.meta.namespace)?;
        let task = Task::LastChange(storage, Box::new((*row.meta).clone()), shared.redactor());
        self.detailed = key;
        self.details.set(Vec::new());
        Some(Effect::Run(Slot::of("details"), task))
    }

    fn view_table(&self, buffer: &mut Buffer, area: Rect, shared: &Shared) {
        let theme = &shared.theme;
        let Some(table) = &self.table else { return };
        put(buffer, area.x, area.y, area.width, &title(table), theme.heading);
        let count = format!("{} of {} ", table.shown(), self.book.len());
        let width = count.len() as u16;
        put(buffer, area.right().saturating_sub(width), area.y, width, &count, theme.dim);
        let body = below(area, 1);
        if table.shown() > 0 {
            table.view(buffer, body, shared, !self.on_namespaces);
        } else {
            put(
                buffer,
                body.x + 2,
                body.y + 1,
                body.width.saturating_sub(2),
                &self.why_empty(table, shared),
                theme.dim,
            );
        }
    }

    fn why_empty(&self, table: &Table<ReleaseRow>, shared: &Shared) -> String {
        let context = safe::visible(&shared.context);
        match &shared.live {
            Live::Connecting => format!("connecting to {context} …"),
            Live::Down => format!("no connection to {context}: ctrl-r tries again, :ctx chooses another context"),
            _ if !self.loaded => "reading releases …".into(),
            _ if !table.filter().is_empty() => "nothing matches the filter; esc clears it".into(),
            _ if self.forbidden.contains(&shared.namespace) => {
                format!("you may not read releases in {}", safe::visible(&shared.namespace))
            }
            _ if shared.namespace.is_empty() => "there are no releases".into(),
            _ => format!("there are no releases in {}", safe::visible(&shared.namespace)),
        }
    }
}

/// Filter, marks and, where the order rests on what is read lazily, how much of it is known.
fn title(table: &Table<ReleaseRow>) -> String {
    let mut title = String::from(" Releases");
    if !table.filter().is_empty() {
        title.push_str(&format!("  filter: {}", table.filter()));
    }
    if !table.marked().is_empty() {
        title.push_str(&format!("  {} marked", table.marked().len()));
    }
    if let Some((column, _)) = table.sorted().filter(|(column, _)| is_lazy(column)) {
        let known = table.rows().iter().filter(|row| row.sort_key(column) != SortKey::Unknown).count();
        title.push_str(&format!("  by {column}: {known} of {} loaded", table.rows().len()));
    }
    title
}

fn below(area: Rect, rows: u16) -> Rect {
    let rows = rows.min(area.height);
    Rect { y: area.y + rows, height: area.height - rows, ..area }
}

impl Part for Releases {
    fn place(&self) -> Place {
        Place::Releases
    }

    fn crumbs(&self) -> Vec<String> {
        let chosen = self.namespaces.selected().map(|row| row.name.clone());
        chosen.filter(|name| !name.is_empty()).into_iter().collect()
    }

    fn filter(&self) -> Option<String> {
        self.table.as_ref().map(|table| table.filter().to_owned())
    }

    fn update(&mut self, event: ScreenEvent, shared: &Shared) -> Vec<Effect> {
        if matches!(event, ScreenEvent::Action(_) | ScreenEvent::Filter(_) | ScreenEvent::Shown) {
            self.used = shared.clock;
        }
        match event {
            ScreenEvent::Opened => self.follow(shared),
            ScreenEvent::Action(action) => self.act(&action, shared),
            ScreenEvent::Filter(text) => {
                if let Some(table) = &mut self.table {
                    table.set_filter(&text);
                }
                Vec::new()
            }
            ScreenEvent::News(slot, news) => self.news(&slot, news, shared),
            ScreenEvent::Ended(slot) => {
                self.reading.remove(&slot);
                self.give_up(&slot);
                Vec::new()
            }
            ScreenEvent::Changed => {
                self.stale = true;
                if self.singly { self.follow_singly(shared) } else { Vec::new() }
            }
            // Nothing is typed here.
            ScreenEvent::Shown | ScreenEvent::Key(_) | ScreenEvent::Paste(_) | ScreenEvent::Edited(_) => Vec::new(),
        }
    }

    fn arrange(&mut self, area: Rect, shared: &Shared) -> Vec<Effect> {
        if self.stale || self.table.is_none() {
            self.rebuild(shared);
        }
        let areas = self.areas(area);
        if let Some(table) = &mut self.table {
            table.arrange(below(areas.table, 1), shared);
        }
        if let Some(area) = areas.namespaces {
            self.namespaces.arrange(Rect { width: area.width - 2, ..below(area, 1) }, shared);
        }
        if let Some(area) = areas.details {
            self.details.arrange(below(area, 1), shared);
        }
        let mut effects = self.wanted(shared);
        effects.extend(self.wanted_details(shared));
        effects
    }

    fn view(&self, buffer: &mut Buffer, area: Rect, shared: &Shared) {
        let theme = &shared.theme;
        let areas = self.areas(area);
        if let Some(area) = areas.namespaces {
            put(buffer, area.x, area.y, area.width, " Namespaces", theme.heading);
            let list = Rect { width: area.width - 2, ..below(area, 1) };
            self.namespaces.view(buffer, list, shared, self.on_namespaces);
            rule(buffer, Rect { x: area.right() - 1, width: 2, ..area }, theme);
        }
        self.view_table(buffer, areas.table, shared);
        if let Some(area) = areas.details {
            let beside = areas.table.right() == area.x;
            let area = if beside { rule(buffer, area, theme) } else { area };
            let title =
                if beside { " Last change".to_owned() } else { theme.glyphs.horizontal.repeat(area.width as usize) };
            put(buffer, area.x, area.y, area.width, &title, if beside { theme.heading } else { theme.dim });
            let inner = below(area, 1);
            self.details.view(
                buffer,
                Rect { x: inner.x + 1, width: inner.width.saturating_sub(1), ..inner },
                theme,
                false,
            );
        }
    }
}
