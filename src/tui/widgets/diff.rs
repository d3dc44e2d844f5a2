//! Changes of objects as a foldable text: one section an object, its hunks under it.

use ratatui::{buffer::Buffer, layout::Rect};

use super::text::{Kind, TextLine, TextPane};
use crate::{
    diff::{self, Change, Hunk, Line, ObjectDiff, Weight},
    engine::browse::Drift,
    tui::{keymap::Action, shared::Shared, theme::Theme},
};

/// One object's change, its hunks computed.
#[derive(Debug, Clone)]
pub struct Section {
    /// `Kind/name`, unique with its namespace.
    pub title: String,
    /// What happens to it.
    pub change: Change,
    /// How much it matters.
    pub weight: Weight,
    /// A few words: what changed.
    pub summary: String,
    /// Notes above the hunks, such as conflicts or refusals.
    pub notes: Vec<(Kind, String)>,
    /// The hunks with the asked-for context.
    pub hunks: Vec<Hunk>,
}

impl Section {
    /// Computes the hunks of one object's change. Takes time with long texts, so it belongs into a task.
    pub fn new(object: &ObjectDiff, context: usize) -> Self {
        let key = &object.key;
        Self {
            title: format!("{}/{}", key.kind, key.name),
            change: object.change,
            weight: object.weight,
            summary: summary(object),
            notes: Vec::new(),
            hunks: match object.weight {
                Weight::Same => Vec::new(),
                _ => diff::hunks(&object.old_text, &object.new_text, context),
            },
        }
    }

    /// Drift of one object; what could not be read says why.
    pub fn drift(drift: &Drift, context: usize) -> Self {
        let mut section = Self::new(&drift.diff, context);
        if let Some(error) = &drift.error {
            section.notes.push((Kind::Warn, error.clone()));
            section.weight = Weight::Real;
            section.summary = "could not be compared".into();
        }
        section
    }

    /// Sign, title and summary in one line.
    pub fn headline(&self) -> String {
        format!("{} {}  {}", sign(self.change), self.title, self.summary)
    }

    /// How its heading is painted.
    pub fn kind(&self) -> Kind {
        match (self.change, self.weight) {
            (_, Weight::LabelsOnly) => Kind::Dim,
            (Change::Create, _) => Kind::Added,
            (Change::Delete | Change::Recreate, _) => Kind::Removed,
            _ => Kind::Heading,
        }
    }

    fn folded_at_first(&self) -> bool {
        self.weight != Weight::Real || matches!(self.change, Change::None)
    }
}

/// `image 2.9.0 → 2.9.1, replicas, env` — what changed, values where they are short and few.
fn summary(object: &ObjectDiff) -> String {
    let mut words: Vec<String> = Vec::new();
    for highlight in &object.summary {
        let word = match (&highlight.old, &highlight.new) {
            (Some(old), Some(new)) if old.len() + new.len() < 40 => {
                format!("{} {old} → {new}", highlight.what)
            }
            _ => highlight.what.clone(),
        };
        if !words.contains(&word) {
            words.push(word);
        }
    }
    words.join(", ")
}

/// The sign of a change.
pub fn sign(change: Change) -> &'static str {
    match change {
        Change::Create => "+",
        Change::Update => "~",
        Change::Recreate => "±",
        Change::Delete => "-",
        Change::None => "=",
    }
}

/// What a row of the text belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Section(usize),
    Unchanged,
}

/// The pane.
#[derive(Default)]
pub struct DiffPane {
    sections: Vec<Section>,
    open: Vec<bool>,
    show_unchanged: bool,
    side_by_side: bool,
    places: Vec<Place>,
    text: TextPane,
}

impl DiffPane {
    /// An empty pane.
    pub fn new() -> Self {
        Self { text: TextPane::default().with_cursor(), ..Self::default() }
    }

    /// Shows other sections; what was folded by title stays so.
    pub fn set(&mut self, sections: &[Section]) {
        let open = sections.iter().map(|section| {
            let known =
                self.sections.iter().position(|known| known.title == section.title && known.weight == section.weight);
            known.and_then(|at| self.open.get(at).copied()).unwrap_or(!section.folded_at_first())
        });
        self.open = open.collect();
        self.sections = sections.to_vec();
        self.rebuild();
    }

    /// Whether there is anything to show.
    pub fn is_empty(&self) -> bool {
        self.sections.is_empty()
    }

    /// The index of the section the cursor is in.
    pub fn current(&self) -> Option<usize> {
        match self.places.get(self.text.cursor()?)? {
            Place::Section(index) => Some(*index),
            Place::Unchanged => None,
        }
    }

    /// Brings a section's heading into view and selects it.
    pub fn select(&mut self, section: usize) {
        if let Some(line) = self.places.iter().position(|place| *place == Place::Section(section)) {
            self.text.select(line);
        }
    }

    /// The text of the section under the cursor, for copying.
    pub fn copy_text(&self) -> String {
        let wanted = self.current().map(Place::Section);
        let lines = self.text.lines().iter().zip(&self.places).filter(|(_, place)| Some(**place) == wanted);
        lines.flat_map(|(line, _)| [line.text.as_str(), "\n"]).collect()
    }

    /// The whole text, for the pager.
    pub fn text(&self) -> String {
        self.text.text()
    }

    /// Searches.
    pub fn search(&mut self, text: &str) {
        self.text.search(text);
    }

    /// What is searched for.
    pub fn searched(&self) -> &str {
        self.text.searched()
    }

    /// Moves, folds, sides; false when the action is none of its own.
    pub fn act(&mut self, action: &Action) -> bool {
        match action {
            Action::Fold | Action::Open => self.fold(),
            Action::SideBySide => {
                self.side_by_side = !self.side_by_side;
                self.rebuild();
            }
            _ => return self.text.act(action),
        }
        true
    }

    fn fold(&mut self) {
        let place = self.text.cursor().and_then(|line| self.places.get(line)).copied();
        match place {
            Some(Place::Section(index)) => {
                self.open[index] = !self.open[index];
                self.rebuild();
                self.select(index);
            }
            Some(Place::Unchanged) => {
                self.show_unchanged = !self.show_unchanged;
                self.rebuild();
            }
            None => {}
        }
    }

    fn rebuild(&mut self) {
        let (mut lines, mut places) = (Vec::new(), Vec::new());
        for (index, section) in self.sections.iter().enumerate().filter(|(_, section)| section.weight != Weight::Same) {
            let open = self.open[index];
            let body = if open { self.body(section) } else { Vec::new() };
            places.extend(std::iter::repeat_n(Place::Section(index), body.len() + 1));
            lines.push(heading(section, open));
            lines.extend(body);
        }
        let same: Vec<&Section> = self.sections.iter().filter(|section| section.weight == Weight::Same).collect();
        if !same.is_empty() {
            let objects = if same.len() == 1 { "object" } else { "objects" };
            let sign = if self.show_unchanged { "▾" } else { "▸" };
            lines.push(TextLine::new(Kind::Dim, &format!("= {} {objects} unchanged {sign}", same.len())));
            places.push(Place::Unchanged);
            if self.show_unchanged {
                places.extend(std::iter::repeat_n(Place::Unchanged, same.len()));
                lines.extend(same.iter().map(|section| TextLine::new(Kind::Dim, &format!("    = {}", section.title))));
            }
        }
        self.places = places;
        self.text.set(lines);
    }

    fn body(&self, section: &Section) -> Vec<TextLine> {
        let mut lines: Vec<TextLine> =
            section.notes.iter().map(|(kind, note)| TextLine::new(*kind, &format!("    {note}"))).collect();
        for hunk in &section.hunks {
            if !hunk.path.is_empty() {
                lines.push(TextLine::new(Kind::Dim, &format!("     {}", hunk.path)));
            }
            if self.side_by_side {
                lines.extend(two_columns(&hunk.lines));
            } else {
                lines.extend(hunk.lines.iter().map(one_column));
            }
        }
        lines
    }

    /// Fixes the place for an area.
    pub fn arrange(&mut self, area: Rect, shared: &Shared) {
        self.text.arrange(area, shared);
    }

    /// Draws the pane.
    pub fn view(&self, buffer: &mut Buffer, area: Rect, theme: &Theme, focused: bool) {
        self.text.view(buffer, area, theme, focused);
    }
}

fn heading(section: &Section, open: bool) -> TextLine {
    let fold = if open { "▾" } else { "▸" };
    let word = match (section.change, section.weight) {
        (Change::Create, _) => "created",
        (Change::Delete, _) => "deleted",
        (Change::Recreate, _) => "deleted and made anew",
        (_, Weight::LabelsOnly) => "only chart labels",
        _ => "",
    };
    let parts: Vec<&str> = [word, section.summary.as_str()].into_iter().filter(|part| !part.is_empty()).collect();
    let kind = section.kind();
    TextLine::new(kind, &format!("{} {} {fold}  {}", sign(section.change), section.title, parts.join(" · ")))
}

fn one_column(line: &Line) -> TextLine {
    match line {
        Line::Context(text) => TextLine::new(Kind::Plain, &format!("      {text}")),
        Line::Removed(text) => TextLine::new(Kind::Removed, &format!("    - {text}")),
        Line::Added(text) => TextLine::new(Kind::Added, &format!("    + {text}")),
    }
}

/// Pairs removed with added lines; context stands on both sides.
fn two_columns(lines: &[Line]) -> Vec<TextLine> {
    let mut rows: Vec<TextLine> = Vec::new();
    let mut waiting = 0;
    for line in lines {
        match line {
            Line::Context(text) => {
                waiting = rows.len() + 1;
                let side = TextLine::new(Kind::Plain, &format!("  {text}"));
                rows.push(TextLine { right: Some((side.text.clone(), Kind::Plain)), ..side });
            }
            Line::Removed(text) => rows.push(TextLine {
                right: Some((String::new(), Kind::Plain)),
                ..TextLine::new(Kind::Removed, &format!("- {text}"))
            }),
            Line::Added(text) => {
                let side = (TextLine::new(Kind::Added, &format!("+ {text}")).text, Kind::Added);
                match rows.get_mut(waiting) {
                    Some(row) => row.right = Some(side),
                    None => rows.push(TextLine { right: Some(side), ..TextLine::default() }),
                }
                waiting += 1;
            }
        }
    }
    rows
}
