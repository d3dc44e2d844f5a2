//! The resources of a revision: a tree of live objects and pods, with events or logs below.

use ratatui::{buffer::Buffer, layout::Rect, style::Style};

use crate::{
    cluster::{
        logs::EventInfo,
        read::Target,
        readiness::{Status, readiness},
    },
    engine::browse::ResourceNode,
    manifest::Object,
    tui::{
        effect::{Effect, Slot},
        event::News,
        format,
        keymap::Action,
        report::Report,
        shared::Shared,
        tasks::Task,
        theme::Theme,
        widgets::{
            put, safe,
            table::{Cell, Column, Row, SortKey, Table},
            text::{Kind, TextLine, TextPane},
        },
    },
};

/// One row of the tree.
struct ResourceRow {
    key: String,
    depth: usize,
    node: ResourceNode,
}

impl Row for ResourceRow {
    fn key(&self) -> &str {
        &self.key
    }

    fn cell(&self, column: &str, shared: &Shared) -> Cell {
        let theme = &shared.theme;
        let (glyph, style) = sign(self.node.readiness.status, theme);
        match column {
            "object" => {
                let key = &self.node.target.key;
                let branch = if self.depth > 0 { "  └ " } else { "" };
                Cell::plain(safe::visible(&format!("{branch}{}/{}", key.kind, key.name)))
            }
            "ready" => match self.node.readiness.replicas {
                Some((ready, wanted)) => Cell::painted(format!("{glyph} {ready}/{wanted}"), style),
                None => Cell::painted(glyph, style),
            },
            "status" => match &self.node.trouble {
                Some(trouble) => Cell::painted(safe::visible(trouble), theme.bad),
                None => Cell::painted(safe::visible(&self.node.readiness.message), theme.dim),
            },
            "use" => Cell::plain(self.node.usage.as_deref().map(safe::visible).unwrap_or_default()),
            _ => Cell::painted(self.age(shared.now()), theme.dim),
        }
    }

    fn sort_key(&self, _column: &str) -> SortKey {
        SortKey::Text(self.key.clone())
    }

    fn filter_text(&self, column: &str) -> String {
        let key = &self.node.target.key;
        match column {
            "kind" => key.kind.clone(),
            "name" => key.name.clone(),
            _ => format!("{}/{} {}", key.kind, key.name, self.node.trouble.as_deref().unwrap_or_default()),
        }
    }
}

impl ResourceRow {
    fn age(&self, now: i64) -> String {
        let created = self.node.live.as_ref().and_then(|live| live.value["metadata"]["creationTimestamp"].as_str());
        created.and_then(format::seconds).map(|then| format::age(now, then)).unwrap_or_default()
    }
}

fn sign(status: Status, theme: &Theme) -> (&'static str, Style) {
    match status {
        Status::Current => (theme.glyphs.good, theme.good),
        Status::InProgress | Status::Terminating => (theme.glyphs.busy, theme.warn),
        Status::Failed | Status::NotFound => (theme.glyphs.bad, theme.bad),
        Status::Unknown => (theme.glyphs.idle, theme.dim),
    }
}

/// What is shown below the tree.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
enum Below {
    #[default]
    Events,
    Log,
}

/// The tab.
pub struct Resources {
    table: Table<ResourceRow>,
    below: Below,
    text: TextPane,
    /// What the text below is of.
    shown: String,
    /// Where the watched objects live; watching anew only when it differs.
    watched: Vec<Target>,
    trouble: Option<Report>,
    loaded: bool,
}

impl Default for Resources {
    fn default() -> Self {
        let columns = vec![
            Column::new("object", "OBJECT", 20, 60, 0),
            Column::new("ready", "READY", 5, 9, 0),
            Column::new("status", "STATUS", 14, 70, 1),
            Column::new("use", "USE", 8, 20, 3),
            Column::new("age", "AGE", 4, 5, 2).right(),
        ];
        Self {
            table: Table::new(columns),
            below: Below::default(),
            text: TextPane::default(),
            shown: String::new(),
            watched: Vec::new(),
            trouble: None,
            loaded: false,
        }
    }
}

impl Resources {
    /// Forgets everything: another revision is shown.
    pub fn clear(&mut self) {
        *self = Self { below: self.below.clone(), ..Self::default() };
    }

    /// Takes what was read; asks for a watch over it.
    pub fn set(&mut self, found: Result<Vec<ResourceNode>, Report>, shared: &Shared) -> Vec<Effect> {
        self.loaded = true;
        let nodes = match found {
            Ok(nodes) => nodes,
            Err(report) => {
                self.trouble = Some(report);
                return Vec::new();
            }
        };
        self.trouble = None;
        let mut rows = Vec::new();
        for node in nodes {
            flatten(node, 0, &mut rows);
        }
        let targets: Vec<Target> = rows.iter().map(|row| row.node.target.clone()).collect();
        self.table.set(rows);
        let Some(storage) = shared.storage.as_ref().filter(|_| targets != self.watched) else {
            return Vec::new();
        };
        self.watched = targets.clone();
        vec![Effect::Run(Slot::of("objects"), Task::WatchObjects(storage.cluster().clone(), targets))]
    }

    /// Takes a live change; true when the tree should be read anew.
    pub fn touch(&mut self, target: &Target, object: Option<Object>) -> bool {
        let version = |object: Option<&Object>| {
            object.map(|object| object.value["metadata"]["resourceVersion"].as_str().unwrap_or_default().to_owned())
        };
        let mut changed = false;
        self.table.change(|rows| {
            for row in rows.iter_mut().filter(|row| row.node.target == *target) {
                if version(row.node.live.as_ref()) != version(object.as_ref()) {
                    if let Some(object) = &object {
                        row.node.readiness = readiness(object);
                    }
                    row.node.live = object.clone();
                    changed = true;
                }
            }
        });
        changed
    }

    /// Takes news about what is below.
    pub fn news(&mut self, news: News, shared: &Shared) {
        match news {
            News::ObjectEvents(Ok(events)) => {
                let lines: Vec<TextLine> = events.iter().map(|event| event_line(event, shared.now())).collect();
                self.text.set(if lines.is_empty() { vec![TextLine::new(Kind::Dim, "no events")] } else { lines });
            }
            News::LogLines(lines) => self.text.append(lines.iter().map(|line| TextLine::new(Kind::Plain, line))),
            News::ObjectEvents(Err(report)) | News::LogEnded(Err(report)) => {
                self.text.append([TextLine::new(Kind::Bad, &report.message)]);
            }
            News::LogEnded(Ok(())) => self.text.append([TextLine::new(Kind::Dim, "— end of the log —")]),
            _ => {}
        }
    }

    /// What is asked for because another row is selected.
    pub fn wanted(&mut self, shared: &Shared) -> Option<Effect> {
        let row = self.table.selected()?;
        let live = row.node.live.clone()?;
        let pod = row.node.target.key.kind == "Pod";
        let key = format!("{:?} {}", self.below, row.key);
        if key == self.shown {
            return None;
        }
        self.shown = key;
        let cluster = shared.storage.as_ref()?.cluster().clone();
        let task = match self.below {
            Below::Log if pod => {
                Task::Logs(cluster, live.namespace().to_owned(), live.name().to_owned(), String::new())
            }
            Below::Log => {
                self.text.set(vec![TextLine::new(Kind::Dim, "select a pod for its log; L shows events")]);
                return Some(Effect::Cancel(Slot::of("below")));
            }
            Below::Events => Task::Events(cluster, Box::new(live)),
        };
        self.text = TextPane::default();
        Some(Effect::Run(Slot::of("below"), task))
    }

    /// Moves, or turns between events and logs.
    pub fn act(&mut self, action: &Action) -> bool {
        match action {
            Action::Logs => {
                self.below = if self.below == Below::Events { Below::Log } else { Below::Events };
                true
            }
            Action::Wrap | Action::SearchNext | Action::SearchPrevious => self.text.act(action),
            Action::Mark => false,
            action => self.table.act(action),
        }
    }

    /// Filters the tree.
    pub fn set_filter(&mut self, text: &str) {
        self.table.set_filter(text);
    }

    /// The filter.
    pub fn filter(&self) -> &str {
        self.table.filter()
    }

    /// `Kind/name` of the selected object.
    pub fn copy_text(&self) -> String {
        self.table
            .selected()
            .map(|row| format!("{}/{}", row.node.target.key.kind, row.node.target.key.name))
            .unwrap_or_default()
    }

    /// What is below, for the pager.
    pub fn text(&self) -> String {
        self.text.text()
    }

    fn areas(area: Rect) -> (Rect, Rect) {
        let lower = (area.height * 2 / 5).max(3).min(area.height);
        let upper = Rect { height: area.height - lower, ..area };
        (upper, Rect { y: upper.bottom(), height: lower, ..area })
    }

    /// Fixes places.
    pub fn arrange(&mut self, area: Rect, shared: &Shared) {
        let (upper, lower) = Self::areas(area);
        self.table.arrange(upper, shared);
        self.text.arrange(Rect { y: lower.y + 1, height: lower.height - 1, ..lower }, shared);
    }

    /// Draws it.
    pub fn view(&self, buffer: &mut Buffer, area: Rect, shared: &Shared, focused: bool) {
        let theme = &shared.theme;
        let (upper, lower) = Self::areas(area);
        if let Some(report) = &self.trouble {
            put(buffer, upper.x + 1, upper.y, upper.width, &safe::visible(&report.message), theme.bad);
        } else if self.loaded {
            self.table.view(buffer, upper, shared, focused);
        } else {
            put(buffer, upper.x + 1, upper.y, upper.width, "reading live objects …", theme.dim);
        }
        let of = self.table.selected().map(|row| row.node.target.key.name.as_str()).unwrap_or_default();
        let (word, other) = if self.below == Below::Events { ("Events", "log") } else { ("Log", "events") };
        let line = theme.glyphs.horizontal.repeat(lower.width as usize);
        put(buffer, lower.x, lower.y, lower.width, &line, theme.dim);
        let title = format!(" {word} of {}  (L {other}) ", safe::visible(of));
        put(buffer, lower.x + 1, lower.y, lower.width - 1, &title, theme.heading);
        let body = Rect { y: lower.y + 1, height: lower.height - 1, ..lower };
        self.text.view(buffer, body, theme, false);
    }
}

fn flatten(mut node: ResourceNode, depth: usize, rows: &mut Vec<ResourceRow>) {
    let children = std::mem::take(&mut node.children);
    let key = &node.target.key;
    let key = format!("{}/{}/{}/{}", key.group, key.kind, key.namespace, key.name);
    rows.push(ResourceRow { key, depth, node });
    for child in children {
        flatten(child, depth + 1, rows);
    }
}

fn event_line(event: &EventInfo, now: i64) -> TextLine {
    let age = format::seconds(&event.last_seen).map(|then| format::age(now, then)).unwrap_or_default();
    let kind = if event.kind == "Warning" { Kind::Warn } else { Kind::Plain };
    let times = if event.count > 1 { format!(" ({}×)", event.count) } else { String::new() };
    TextLine::new(kind, &format!(" {age:>4}  {}  {}{times}  {}", event.reason, event.message, event.object))
}
