//! The confirm screen is the preview: what pressing the key will do to the live cluster, dangers first.

mod view;

use std::collections::BTreeMap;

use ratatui::{buffer::Buffer, layout::Rect};

use super::{
    Operation, Part, Screen,
    flags::{self, Flag},
    words::{self, Words},
};
use crate::{
    diff::{Change, ObjectDiff, Weight},
    engine::{self, Confidence, Options, Prepared, Preview, Request, RollbackTarget, preview::ObjectPreview, recreate},
    tui::{
        app::Flash,
        effect::{Effect, Slot},
        event::{News, ScreenEvent},
        keymap::{Action, Place},
        layers::{Confirm, Layer},
        report::Report,
        shared::Shared,
        tasks::Task,
        widgets::{
            diff::{DiffPane, Section, sign},
            table::{Cell, Column, Row, SortKey, Table},
            text::Kind,
        },
    },
};

/// Unchanged lines around a change, at first.
const CONTEXT: usize = 3;
/// The key of the row that folds what stays.
const UNCHANGED: &str = "unchanged";

/// What is asked for: enough to review it, and to review it anew.
#[derive(Clone)]
pub struct Asked {
    /// The release's namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// What is to be done.
    pub request: Request,
    /// How a command line names the chart; empty where the operation takes none.
    pub chart: String,
    /// The flags; the configuration's where none was touched.
    pub options: Option<Options>,
}

impl Asked {
    /// Asks for something that takes no chart.
    pub fn new(namespace: impl Into<String>, name: impl Into<String>, request: Request) -> Self {
        Self { namespace: namespace.into(), name: name.into(), request, chart: String::new(), options: None }
    }

    /// The flags as touched so far.
    pub fn options(&self, shared: &Shared) -> Options {
        self.options.clone().unwrap_or_else(|| flags::initial(&shared.config.review))
    }
}

/// What an operation would do, and the keys to do it.
pub struct Review {
    asked: Asked,
    stage: Stage,
    objects: Table<Line>,
    /// What was looked at, as it was looked at.
    reviewed: BTreeMap<String, ObjectDiff>,
    unchanged_open: bool,
    diff: DiffPane,
    context: usize,
    all_risks: bool,
    focus: Focus,
    flag: usize,
    /// Whether the button that goes on is chosen; *Cancel* is at first.
    go: bool,
}

enum Stage {
    Loading,
    Ready(Box<(Prepared, Preview)>),
    Failed(Report),
}

/// Where keys go; `tab` walks through in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Focus {
    Buttons,
    Objects,
    Diff,
    Flags,
}

impl Focus {
    const ORDER: [Self; 4] = [Self::Buttons, Self::Objects, Self::Diff, Self::Flags];

    fn step(self, by: usize) -> Self {
        let at = Self::ORDER.iter().position(|focus| *focus == self).unwrap_or(0);
        Self::ORDER[(at + by) % Self::ORDER.len()]
    }
}

/// One object of the list, or the row that folds what stays.
struct Line {
    key: String,
    text: String,
    change: Change,
    trouble: bool,
    minor: bool,
    reviewed: bool,
}

impl Row for Line {
    fn key(&self) -> &str {
        &self.key
    }

    fn cell(&self, _column: &str, shared: &Shared) -> Cell {
        let theme = &shared.theme;
        let style = match self.change {
            _ if self.trouble => theme.warn,
            _ if self.minor => theme.dim,
            Change::Create => theme.added,
            Change::Delete | Change::Recreate => theme.removed,
            _ => theme.text,
        };
        if self.key == UNCHANGED {
            return Cell::painted(self.text.clone(), theme.dim);
        }
        let check = if self.reviewed { "[x]" } else { "[ ]" };
        let mark = if self.trouble { " !" } else { "" };
        Cell::painted(format!("{check} {} {}{mark}", sign(self.change), self.text), style)
    }

    fn sort_key(&self, _column: &str) -> SortKey {
        SortKey::Text(self.text.clone())
    }

    fn filter_text(&self, _column: &str) -> String {
        self.text.clone()
    }
}

impl Review {
    /// A review of rolling a release back.
    pub fn rollback(namespace: &str, name: &str, target: RollbackTarget) -> Self {
        Self::new(Asked::new(namespace, name, Request::Rollback(target)))
    }

    /// A review of taking a release away.
    pub fn uninstall(namespace: &str, name: &str) -> Self {
        Self::new(Asked::new(namespace, name, Request::Uninstall))
    }

    /// A review of what is asked for.
    pub fn new(asked: Asked) -> Self {
        let columns = vec![Column::new("object", "", 12, 200, 0)];
        Self {
            asked,
            stage: Stage::Loading,
            objects: Table::new(columns).without_headings(),
            reviewed: BTreeMap::new(),
            unchanged_open: false,
            diff: DiffPane::new(),
            context: CONTEXT,
            all_risks: false,
            focus: Focus::Buttons,
            flag: 0,
            go: false,
        }
    }

    fn words(&self) -> &'static Words {
        words::of(self.asked.request.operation())
    }

    fn flags(&self) -> &'static [Flag] {
        flags::of(self.asked.request.operation())
    }

    fn ready(&self) -> Option<&(Prepared, Preview)> {
        match &self.stage {
            Stage::Ready(ready) => Some(ready),
            _ => None,
        }
    }

    fn preview(&mut self, shared: &Shared) -> Vec<Effect> {
        let Some(storage) = shared.storage_in(&self.asked.namespace) else {
            return Vec::new();
        };
        self.stage = Stage::Loading;
        let Asked { name, request, .. } = self.asked.clone();
        let task = Task::Preview(storage, name, request, self.asked.options(shared), shared.redactor());
        vec![Effect::Run(Slot::of("preview"), task)]
    }

    fn toggle(&mut self, flag: usize, shared: &Shared) -> Vec<Effect> {
        let Some(toggle) = self.flags().get(flag) else {
            return Vec::new();
        };
        let mut options = self.asked.options(shared);
        toggle.step(&mut options);
        self.flag = flag;
        self.asked.options = Some(options);
        self.preview(shared)
    }

    /// The selected object is to be made anew, or no longer.
    fn recreate(&mut self, shared: &Shared) -> Vec<Effect> {
        let Some(object) = self.selected() else {
            return vec![Effect::Flash(Flash::bad("select an object that changes"))];
        };
        let named = recreate::named(&object.target.key);
        let mut options = self.asked.options(shared);
        match options.recreate.iter().position(|asked| *asked == named) {
            Some(at) => drop(options.recreate.remove(at)),
            None if matches!(object.change, Change::Update) => options.recreate.push(named),
            None => {
                let words = format!("{named} does not change in place: there is nothing to make anew");
                return vec![Effect::Flash(Flash::bad(words))];
            }
        }
        self.asked.options = Some(options);
        self.preview(shared)
    }

    fn previewed(&mut self, result: Result<Box<(Prepared, Preview)>, Report>) {
        self.stage = match result {
            Ok(ready) => Stage::Ready(ready),
            Err(report) => Stage::Failed(report),
        };
        // What was looked at stays looked at, unless the new preview says something else about it.
        if let Stage::Ready(ready) = &self.stage {
            let same = |seen: &String, diff: &ObjectDiff| {
                ready.1.objects.iter().any(|object| key(object) == *seen && object.diff == *diff)
            };
            self.reviewed.retain(|seen, diff| same(seen, diff));
        }
        self.list();
        self.show_selected();
    }

    /// Fills the list: what changes, then one row for what stays, which unfolds.
    fn list(&mut self) {
        let Stage::Ready(ready) = &self.stage else {
            self.objects.set(Vec::new());
            return;
        };
        let line = |object: &ObjectPreview| Line {
            key: key(object),
            text: format!("{}/{}", object.target.key.kind, object.target.key.name),
            change: object.change,
            trouble: object.refusal.is_some() || !object.conflicts.is_empty(),
            minor: stays(object) || object.diff.weight == Weight::LabelsOnly,
            reviewed: self.reviewed.contains_key(&key(object)),
        };
        let (same, mut changed): (Vec<_>, Vec<_>) = ready.1.objects.iter().partition(|object| stays(object));
        changed.sort_by_key(|object| object.diff.weight == Weight::LabelsOnly && object.conflicts.is_empty());
        let mut lines: Vec<Line> = changed.into_iter().map(line).collect();
        if !same.is_empty() {
            let words = if same.len() == 1 { "object stays" } else { "objects stay" };
            let open = self.unchanged_open;
            lines.push(Line {
                key: UNCHANGED.to_owned(),
                text: format!("= {} {words} {}", same.len(), if open { "▾" } else { "▸" }),
                change: Change::None,
                trouble: false,
                minor: true,
                reviewed: false,
            });
            if open {
                lines.extend(same.into_iter().map(line));
            }
        }
        self.objects.set(lines);
    }

    /// How many of the objects that do not stay were looked at: `2 of 3 reviewed`.
    fn progress(&self) -> String {
        let objects = self.ready().map(|(_, preview)| preview.objects.as_slice()).unwrap_or_default();
        let changed: Vec<_> = objects.iter().filter(|object| !stays(object)).collect();
        let seen = changed.iter().filter(|object| self.reviewed.contains_key(&key(object))).count();
        if changed.is_empty() { String::new() } else { format!("{seen} of {} reviewed", changed.len()) }
    }

    fn selected(&self) -> Option<&ObjectPreview> {
        let selected = self.objects.selected()?.key();
        self.ready()?.1.objects.iter().find(|object| key(object) == selected)
    }

    fn show_selected(&mut self) {
        let section = match (self.selected(), self.ready()) {
            (Some(object), Some((_, preview))) => Some(section(object, preview, self.context)),
            _ => None,
        };
        self.diff.set(section.as_slice());
    }

    fn step_context(&mut self, more: bool) {
        self.context = if more { (self.context * 2).clamp(1, 1 << 20) } else { self.context / 2 };
        self.show_selected();
    }

    fn mark(&mut self) {
        let Some((key, diff)) = self.selected().map(|object| (key(object), object.diff.clone())) else {
            return;
        };
        if self.reviewed.remove(&key).is_none() {
            self.reviewed.insert(key, diff);
        }
        self.list();
        self.objects.act(&Action::Down);
        self.show_selected();
    }

    /// The key was pressed: go, or say what stands in the way.
    fn press(&self, shared: &Shared) -> Vec<Effect> {
        let Some((prepared, preview)) = self.ready() else {
            return vec![Effect::Flash(Flash::bad("there is no preview yet"))];
        };
        if let Some(why) = &shared.read_only {
            return vec![Effect::Flash(Flash::bad(format!("{}: not in {why}", self.words().verb)))];
        }
        let conflicts = preview.basis.conflicts.len();
        if conflicts > 0 {
            let fields = if conflicts == 1 {
                "1 field belongs to others"
            } else {
                &format!("{conflicts} fields belong to others")
            };
            let words = format!("{fields}: {} takes them", shared.keymap.key_of(&Action::TakeFields));
            return vec![Effect::Flash(Flash::bad(words))];
        }
        let operation = Operation::reviewed(self.asked.clone(), prepared.clone(), preview.basis.clone());
        let start = vec![Effect::Replace(Box::new(Screen::Operation(Box::new(operation))))];
        self.question(prepared, preview, shared, start)
    }

    /// Asks once more where the release is protected, held by another operation, or where the server will refuse.
    fn question(&self, prepared: &Prepared, preview: &Preview, shared: &Shared, start: Vec<Effect>) -> Vec<Effect> {
        let protected = shared.config.is_protected(&shared.context, &self.asked.namespace);
        let refused = preview.objects.iter().filter(|object| object.refusal.is_some()).count();
        let held = prepared.newest.as_ref().is_some_and(|newest| newest.status.is_pending());
        if !protected && !held && refused == 0 {
            return start;
        }
        let mut body = vec![format!("{}: {}", revisions(prepared, preview, "→"), preview.headline)];
        if held {
            body.extend(prepared.warnings.iter().cloned());
        }
        if refused > 0 {
            let noun = prepared.operation.verb();
            body.push(format!("The server refuses {refused} of these changes: the {noun} will fail midway."));
        }
        let (name, button) = (&self.asked.name, self.words().button);
        let mut confirm = Confirm::new(format!("{button} {name}?"), body, "Cancel").answer(button, start);
        if protected {
            confirm = confirm.demand(name);
        }
        vec![Effect::Layer(Box::new(Layer::Confirm(confirm)))]
    }

    fn act(&mut self, action: &Action, shared: &Shared) -> Vec<Effect> {
        match action {
            Action::Back if !self.objects.filter().is_empty() => {
                self.objects.set_filter("");
                self.show_selected();
            }
            Action::Back => return leave(),
            Action::Refresh => return self.preview(shared),
            Action::NextPane => self.focus = self.focus.step(1),
            Action::PreviousPane => self.focus = self.focus.step(Focus::ORDER.len() - 1),
            Action::Toggle(number) => {
                return self.toggle(usize::from(*number).saturating_sub(1), shared);
            }
            Action::TakeFields => {
                let flag = flags::take_fields(self.asked.request.operation());
                return flag.map(|flag| self.toggle(flag, shared)).unwrap_or_default();
            }
            Action::Recreate => return self.recreate(shared),
            Action::Confirm => return self.press(shared),
            Action::Details => self.all_risks = !self.all_risks,
            Action::Mark => self.mark(),
            Action::MoreContext => self.step_context(true),
            Action::LessContext => self.step_context(false),
            Action::Copy => return vec![Effect::Copy(self.diff.copy_text())],
            Action::Pager => return vec![Effect::Pager(self.diff.text().into())],
            _ => return self.act_in_focus(action, shared),
        }
        Vec::new()
    }

    fn act_in_focus(&mut self, action: &Action, shared: &Shared) -> Vec<Effect> {
        match (self.focus, action) {
            (Focus::Buttons, Action::Left | Action::Right) => self.go = !self.go,
            (Focus::Buttons, Action::Open) if self.go => return self.press(shared),
            (Focus::Buttons, Action::Open) => return leave(),
            (Focus::Flags, Action::Left) => self.flag = (self.flag + self.flags().len() - 1) % self.flags().len(),
            (Focus::Flags, Action::Right) => self.flag = (self.flag + 1) % self.flags().len(),
            (Focus::Flags, Action::Open) => return self.toggle(self.flag, shared),
            (Focus::Diff, _) => {
                self.diff.act(action);
            }
            (_, Action::Fold | Action::Open) if self.on_unchanged() => {
                self.unchanged_open = !self.unchanged_open;
                self.list();
            }
            (_, Action::Open) => self.focus = Focus::Diff,
            (_, Action::Fold | Action::SideBySide | Action::Wrap | Action::SearchNext | Action::SearchPrevious) => {
                self.diff.act(action);
            }
            (_, action) => {
                if self.objects.act(action) {
                    self.show_selected();
                }
            }
        }
        Vec::new()
    }

    fn on_unchanged(&self) -> bool {
        self.objects.selected().is_some_and(|line| line.key == UNCHANGED)
    }
}

fn leave() -> Vec<Effect> {
    vec![Effect::Cancel(Slot::of("preview")), Effect::Back]
}

/// Which revision gives way to which, or which one comes or goes.
fn revisions(prepared: &Prepared, preview: &Preview, arrow: &str) -> String {
    match prepared.operation {
        engine::Operation::Install => format!("revision {}", prepared.next.revision),
        engine::Operation::Uninstall => format!("revision {}", preview.to),
        engine::Operation::Upgrade | engine::Operation::Rollback => {
            format!("{} {arrow} {}", preview.from, preview.to)
        }
    }
}

/// Whether nothing happens to an object and nothing stands in its way.
fn stays(object: &ObjectPreview) -> bool {
    object.change == Change::None && object.refusal.is_none() && object.conflicts.is_empty()
}

fn key(object: &ObjectPreview) -> String {
    let key = &object.target.key;
    format!("{}/{}/{}/{}", key.group, key.kind, key.namespace, key.name)
}

/// The diff of an object with everything to mind about it above.
pub(in crate::tui) fn section(object: &ObjectPreview, preview: &Preview, context: usize) -> Section {
    let mut section = Section::new(&object.diff, context);
    section.change = object.change;
    let name = format!("{}/{}", object.target.key.kind, object.target.key.name);
    if object.restarts > 0 {
        let pods = if object.restarts == 1 { "pod" } else { "pods" };
        section.notes.push((Kind::Warn, format!("restarts {} {pods}", object.restarts)));
    }
    section.notes.extend(object.refusal.iter().map(|words| (Kind::Bad, format!("the server refuses: {words}"))));
    section.notes.extend(object.conflicts.iter().map(|detail| {
        let since = if detail.since.is_empty() { String::new() } else { format!(" since {}", detail.since) };
        let words = format!(
            "{} belongs to {}{since}: {} would become {}",
            detail.conflict.field, detail.conflict.manager, detail.live, detail.wanted
        );
        (Kind::Warn, words)
    }));
    let own = preview
        .risks
        .iter()
        .filter(|risk| risk.object == name && risk.code != "field-conflict" && risk.code != "immutable-field");
    section.notes.extend(own.map(|risk| (Kind::Warn, risk.message.clone())));
    if object.confidence != Confidence::ServerDryRun {
        section.notes.push((Kind::Dim, format!("rests on {}", view::confidence(object.confidence))));
    }
    if section.weight == Weight::Same && !section.notes.is_empty() {
        // A section without a difference would fold away what is to be read.
        section.weight = Weight::Real;
    }
    section
}

impl Part for Review {
    fn place(&self) -> Place {
        Place::Review
    }

    fn crumbs(&self) -> Vec<String> {
        vec![self.asked.namespace.clone(), self.asked.name.clone(), self.words().verb.into()]
    }

    fn filter(&self) -> Option<String> {
        Some(if self.focus == Focus::Diff { self.diff.searched() } else { self.objects.filter() }.to_owned())
    }

    fn update(&mut self, event: ScreenEvent, shared: &Shared) -> Vec<Effect> {
        match event {
            ScreenEvent::Opened if self.ready().is_none() => return self.preview(shared),
            // Secrets were revealed or hidden: the preview redacts.
            ScreenEvent::Changed => return self.preview(shared),
            ScreenEvent::News(_, News::Previewed(result)) => self.previewed(result),
            ScreenEvent::Filter(text) if self.focus == Focus::Diff => self.diff.search(&text),
            ScreenEvent::Filter(text) => {
                self.objects.set_filter(&text);
                self.show_selected();
            }
            ScreenEvent::Action(action) => return self.act(&action, shared),
            _ => {}
        }
        Vec::new()
    }

    fn arrange(&mut self, area: Rect, shared: &Shared) -> Vec<Effect> {
        let layout = self.layout(area, shared);
        self.objects.arrange(layout.objects, shared);
        self.diff.arrange(layout.diff, shared);
        Vec::new()
    }

    fn view(&self, buffer: &mut Buffer, area: Rect, shared: &Shared) {
        self.draw(buffer, area, shared);
    }
}
