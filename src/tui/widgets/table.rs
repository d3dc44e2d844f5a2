//! The one table: sorting, filtering, marking, columns; only visible rows are asked for their cells.

use std::{cmp::Ordering, collections::BTreeSet};

use nucleo_matcher::{
    Config, Matcher, Utf32Str,
    pattern::{CaseMatching, Normalization, Pattern},
};
use ratatui::{buffer::Buffer, layout::Rect, style::Style};
use unicode_width::UnicodeWidthStr;

use super::put;
use crate::tui::{keymap::Action, shared::Shared, theme::Theme};

/// What a cell shows.
#[derive(Debug, Clone, Default)]
pub struct Cell {
    /// Text, already safe.
    pub text: String,
    /// Paint; the row's own when `None`.
    pub style: Option<Style>,
}

impl Cell {
    /// A cell in the row's own paint.
    pub fn plain(text: impl Into<String>) -> Self {
        Self { text: text.into(), style: None }
    }

    /// A painted cell.
    pub fn painted(text: impl Into<String>, style: Style) -> Self {
        Self { text: text.into(), style: Some(style) }
    }
}

/// What rows are ordered by: unknown ones come last.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum SortKey {
    /// A number.
    Number(i64),
    /// A text.
    Text(String),
    /// Not loaded yet.
    Unknown,
}

/// What a row must tell.
pub trait Row {
    /// What identifies it while rows come, go and move.
    fn key(&self) -> &str;
    /// One cell.
    fn cell(&self, column: &str, shared: &Shared) -> Cell;
    /// Its place in the order of a column.
    fn sort_key(&self, column: &str) -> SortKey;
    /// The text a filter looks at, of the whole row (empty column) or of one column.
    fn filter_text(&self, column: &str) -> String;
    /// Paint of the whole row.
    fn style(&self, theme: &Theme) -> Style {
        theme.text
    }
}

/// One column.
#[derive(Debug, Clone)]
pub struct Column {
    /// Its name: what rows are asked with.
    pub name: String,
    /// Its heading.
    pub title: String,
    /// Columns it never goes below while it is shown.
    pub least: u16,
    /// Columns it never goes above.
    pub most: u16,
    /// Numbers are right-aligned.
    pub right: bool,
    /// When there is too little room the highest goes first; 0 stays.
    pub expendable: u8,
}

impl Column {
    /// A left-aligned column.
    pub fn new(name: &str, title: &str, least: u16, most: u16, expendable: u8) -> Self {
        Self { name: name.into(), title: title.into(), least, most, right: false, expendable }
    }

    /// The same, right-aligned.
    #[must_use]
    pub fn right(mut self) -> Self {
        self.right = true;
        self
    }
}

/// The table.
pub struct Table<R> {
    rows: Vec<R>,
    /// Indexes of rows that pass the filter, in order.
    order: Vec<usize>,
    cursor: usize,
    top: usize,
    height: usize,
    marked: BTreeSet<String>,
    columns: Vec<Column>,
    /// Shown columns (index) and their widths; widths only grow, so that columns do not dance.
    widths: Vec<(usize, u16)>,
    grown: Vec<u16>,
    sort: Option<(String, bool)>,
    filter: String,
    headings: bool,
}

impl<R: Row> Table<R> {
    /// An empty table that keeps the rows' own order until sorted.
    pub fn new(columns: Vec<Column>) -> Self {
        let grown = vec![0; columns.len()];
        Self {
            rows: Vec::new(),
            order: Vec::new(),
            cursor: 0,
            top: 0,
            height: 1,
            marked: BTreeSet::new(),
            columns,
            widths: Vec::new(),
            grown,
            sort: None,
            filter: String::new(),
            headings: true,
        }
    }

    /// The same without a row of headings.
    #[must_use]
    pub fn without_headings(mut self) -> Self {
        self.headings = false;
        self
    }

    /// All rows, in the order they were given.
    pub fn rows(&self) -> &[R] {
        &self.rows
    }

    /// Replaces the rows; the cursor stays on the same key.
    pub fn set(&mut self, rows: Vec<R>) {
        let selected = self.selected().map(|row| row.key().to_owned());
        self.rows = rows;
        self.refresh(selected);
    }

    /// Changes rows in place, then sorts and filters anew.
    pub fn change(&mut self, change: impl FnOnce(&mut Vec<R>)) {
        let selected = self.selected().map(|row| row.key().to_owned());
        change(&mut self.rows);
        self.refresh(selected);
    }

    /// Changes the row of a key without looking at the order again, unless it is sorted by a column that may have changed.
    pub fn fill(&mut self, key: &str, change: impl FnOnce(&mut R)) {
        if let Some(row) = self.rows.iter_mut().find(|row| row.key() == key) {
            change(row);
        }
    }

    fn refresh(&mut self, selected: Option<String>) {
        self.order = matching(&self.rows, &self.filter);
        if let Some((column, descending)) = &self.sort {
            let mut keyed: Vec<(SortKey, usize)> =
                self.order.iter().map(|index| (self.rows[*index].sort_key(column), *index)).collect();
            keyed.sort_by(|(left, _), (right, _)| compare(left, right, *descending));
            self.order = keyed.into_iter().map(|(_, index)| index).collect();
        }
        let place = selected.and_then(|key| self.order.iter().position(|index| self.rows[*index].key() == key));
        self.cursor = place.unwrap_or(self.cursor).min(self.order.len().saturating_sub(1));
        self.reveal();
    }

    /// The selected row.
    pub fn selected(&self) -> Option<&R> {
        self.order.get(self.cursor).map(|index| &self.rows[*index])
    }

    /// Selects the row of a key, if it is shown.
    pub fn select(&mut self, key: &str) {
        if let Some(at) = self.order.iter().position(|index| self.rows[*index].key() == key) {
            self.cursor = at;
            self.reveal();
        }
    }

    /// The rows in view, top to bottom.
    pub fn visible(&self) -> impl Iterator<Item = &R> {
        self.order.iter().skip(self.top).take(self.height).map(|index| &self.rows[*index])
    }

    /// How many rows pass the filter.
    pub fn shown(&self) -> usize {
        self.order.len()
    }

    /// The rows that pass the filter, in order.
    pub fn ordered(&self) -> impl Iterator<Item = &R> {
        self.order.iter().map(|index| &self.rows[*index])
    }

    /// Keys that are marked.
    pub fn marked(&self) -> &BTreeSet<String> {
        &self.marked
    }

    /// Marks the selected row or takes its mark.
    pub fn mark(&mut self) {
        if let Some(key) = self.selected().map(|row| row.key().to_owned())
            && !self.marked.remove(&key)
        {
            self.marked.insert(key);
        }
    }

    /// Takes all marks.
    pub fn unmark(&mut self) {
        self.marked.clear();
    }

    /// The filter's text.
    pub fn filter(&self) -> &str {
        &self.filter
    }

    /// Filters: words that all must match fuzzily; `!word` must not be in the row; `column:text` looks at one column.
    pub fn set_filter(&mut self, text: &str) {
        if self.filter != text {
            self.filter = text.to_owned();
            self.change(|_| {});
        }
    }

    /// The column it is sorted by and whether descending.
    pub fn sorted(&self) -> Option<(&str, bool)> {
        self.sort.as_ref().map(|(column, descending)| (column.as_str(), *descending))
    }

    /// Sorts by a column.
    pub fn sort_by(&mut self, column: &str, descending: bool) {
        self.sort = Some((column.to_owned(), descending));
        self.change(|_| {});
    }

    /// Sorts by the column after the current one, round and round.
    pub fn sort_next(&mut self) {
        let at = self.sort.as_ref().and_then(|(name, _)| self.columns.iter().position(|column| column.name == *name));
        let next = at.map_or(0, |at| (at + 1) % self.columns.len().max(1));
        if let Some(name) = self.columns.get(next).map(|column| column.name.clone()) {
            self.sort_by(&name, false);
        }
    }

    /// Moves the cursor; false when the action is none of its own.
    pub fn act(&mut self, action: &Action) -> bool {
        let last = self.order.len().saturating_sub(1);
        let page = (self.height / 2).max(1);
        self.cursor = match action {
            Action::Up => self.cursor.saturating_sub(1),
            Action::Down => self.cursor + 1,
            Action::PageUp => self.cursor.saturating_sub(page),
            Action::PageDown => self.cursor + page,
            Action::Top => 0,
            Action::Bottom => last,
            Action::Mark => {
                self.mark();
                self.cursor + 1
            }
            Action::Sort => {
                self.sort_next();
                self.cursor
            }
            Action::SortReverse => {
                if let Some((column, descending)) = self.sort.clone() {
                    self.sort_by(&column, !descending);
                }
                self.cursor
            }
            _ => return false,
        }
        .min(last);
        self.reveal();
        true
    }

    fn reveal(&mut self) {
        if self.cursor < self.top {
            self.top = self.cursor;
        } else if self.cursor >= self.top + self.height {
            self.top = self.cursor + 1 - self.height;
        }
        self.top = self.top.min(self.order.len().saturating_sub(self.height));
    }

    /// Fixes place and column widths for an area.
    pub fn arrange(&mut self, area: Rect, shared: &Shared) {
        self.height = (area.height.saturating_sub(u16::from(self.headings)) as usize).max(1);
        self.reveal();
        for (index, column) in self.columns.iter().enumerate() {
            let cells = self.order.iter().skip(self.top).take(self.height);
            let widest = cells.map(|row| self.rows[*row].cell(&column.name, shared).text.width()).max().unwrap_or(0);
            let title = if self.headings { column.title.width() + 1 } else { 0 };
            let wanted = (widest.max(title) as u16).clamp(column.least, column.most);
            self.grown[index] = self.grown[index].max(wanted);
        }
        self.widths = self.fit(area.width.saturating_sub(2));
    }

    /// Drops expendable columns, then narrows the widest ones until the rest fits.
    fn fit(&self, room: u16) -> Vec<(usize, u16)> {
        let total = |widths: &[(usize, u16)]| widths.iter().map(|(_, width)| width + 2).sum::<u16>().saturating_sub(2);
        let mut widths: Vec<(usize, u16)> = self.grown.iter().copied().enumerate().collect();
        let least: fn(&Column) -> u16 = |column| column.least;
        while widths.iter().map(|(index, _)| least(&self.columns[*index]) + 2).sum::<u16>() > room {
            let worst = widths.iter().max_by_key(|(index, _)| self.columns[*index].expendable).map(|(index, _)| *index);
            match worst.filter(|index| self.columns[*index].expendable > 0) {
                Some(index) => widths.retain(|(known, _)| *known != index),
                None => break,
            }
        }
        while total(&widths) > room {
            let widest =
                widths.iter_mut().filter(|(index, width)| *width > self.columns[*index].least).max_by_key(|row| row.1);
            match widest {
                Some((_, width)) => *width -= 1,
                None => break,
            }
        }
        widths
    }

    /// Draws the table.
    pub fn view(&self, buffer: &mut Buffer, area: Rect, shared: &Shared, focused: bool) {
        let theme = &shared.theme;
        let mut y = area.y;
        if self.headings && area.height > 0 {
            self.view_headings(buffer, area, theme);
            y += 1;
        }
        for (offset, row) in self.visible().enumerate() {
            if y >= area.bottom() {
                break;
            }
            let selected = self.top + offset == self.cursor;
            self.view_row(buffer, Rect { y, height: 1, ..area }, row, selected, shared);
            if selected {
                buffer.set_style(
                    Rect { y, height: 1, ..area },
                    if focused { theme.selected } else { theme.selected_idle },
                );
            }
            y += 1;
        }
    }

    fn view_headings(&self, buffer: &mut Buffer, area: Rect, theme: &Theme) {
        let mut x = area.x + 2;
        for (index, width) in &self.widths {
            let column = &self.columns[*index];
            let arrow = match &self.sort {
                Some((name, descending)) if *name == column.name => match (theme.glyphs.ascii, descending) {
                    (false, false) => "↑",
                    (false, true) => "↓",
                    (true, false) => "^",
                    (true, true) => "v",
                },
                _ => "",
            };
            let title = format!("{}{arrow}", column.title);
            let indent = if column.right { width.saturating_sub(title.width() as u16) } else { 0 };
            put(buffer, x + indent, area.y, width - indent.min(*width), &title, theme.dim);
            x += width + 2;
        }
    }

    fn view_row(&self, buffer: &mut Buffer, area: Rect, row: &R, selected: bool, shared: &Shared) {
        let theme = &shared.theme;
        let style = row.style(theme);
        buffer.set_style(area, style);
        if selected {
            put(buffer, area.x, area.y, 1, theme.glyphs.cursor, theme.accent);
        } else if self.marked.contains(row.key()) {
            put(buffer, area.x, area.y, 1, theme.glyphs.mark, theme.warn);
        }
        if selected && self.marked.contains(row.key()) {
            put(buffer, area.x + 1, area.y, 1, theme.glyphs.mark, theme.warn);
        }
        let mut x = area.x + 2;
        for (index, width) in &self.widths {
            let column = &self.columns[*index];
            let cell = row.cell(&column.name, shared);
            let indent = if column.right { width.saturating_sub(cell.text.width() as u16) } else { 0 };
            let room = area.right().saturating_sub(x + indent).min(width - indent.min(*width));
            put(buffer, x + indent, area.y, room, &cell.text, cell.style.unwrap_or(style));
            x += width + 2;
        }
    }
}

/// Unknown keys stay last, whichever way the rest is turned.
fn compare(left: &SortKey, right: &SortKey, descending: bool) -> Ordering {
    match (left, right) {
        (SortKey::Unknown, SortKey::Unknown) => Ordering::Equal,
        (SortKey::Unknown, _) => Ordering::Greater,
        (_, SortKey::Unknown) => Ordering::Less,
        _ if descending => right.cmp(left),
        _ => left.cmp(right),
    }
}

/// Indexes of the rows that pass a filter, in their own order.
fn matching<R: Row>(rows: &[R], filter: &str) -> Vec<usize> {
    let mut matcher = Matcher::new(Config::DEFAULT);
    let mut indexes: Vec<usize> = (0..rows.len()).collect();
    for word in filter.split_whitespace() {
        let (inverse, word) = word.strip_prefix('!').map_or((false, word), |rest| (true, rest));
        let (column, text) = word.split_once(':').unwrap_or(("", word));
        if text.is_empty() {
            continue;
        }
        let exact = inverse || !column.is_empty();
        let lower = text.to_lowercase();
        let pattern = Pattern::parse(text, CaseMatching::Ignore, Normalization::Smart);
        let mut letters = Vec::new();
        indexes.retain(|index| {
            let hay = rows[*index].filter_text(column);
            let found = if exact {
                hay.to_lowercase().contains(&lower)
            } else {
                pattern.score(Utf32Str::new(&hay, &mut letters), &mut matcher).is_some()
            };
            found != inverse
        });
    }
    indexes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::testing::shared;

    struct Named(&'static str, i64);

    impl Row for Named {
        fn key(&self) -> &str {
            self.0
        }
        fn cell(&self, column: &str, _shared: &Shared) -> Cell {
            Cell::plain(self.filter_text(column))
        }
        fn sort_key(&self, column: &str) -> SortKey {
            match column {
                "size" if self.1 < 0 => SortKey::Unknown,
                "size" => SortKey::Number(self.1),
                _ => SortKey::Text(self.0.into()),
            }
        }
        fn filter_text(&self, column: &str) -> String {
            match column {
                "size" => self.1.to_string(),
                _ => self.0.to_owned(),
            }
        }
    }

    fn table() -> Table<Named> {
        let mut table = Table::new(vec![Column::new("name", "NAME", 4, 20, 0), Column::new("size", "SIZE", 4, 6, 1)]);
        table.set(vec![Named("checkout", 3), Named("cart", -1), Named("search", 10), Named("漢字検索", 7)]);
        table
    }

    #[track_caller]
    fn check(table: &Table<Named>, expected: &[&str]) {
        let names: Vec<&str> = table.ordered().map(|row| row.0).collect();
        assert_eq!(names, expected);
    }

    #[test]
    fn filters_fuzzy_inverse_and_by_column() {
        let mut table = table();
        table.set_filter("cko");
        check(&table, &["checkout"]);
        table.set_filter("!ch");
        check(&table, &["cart", "漢字検索"]);
        table.set_filter("size:1 !size:10");
        check(&table, &["cart"]);
        table.set_filter("");
        check(&table, &["checkout", "cart", "search", "漢字検索"]);
    }

    #[test]
    fn sorting_keeps_the_unknown_last_and_the_cursor_on_its_row() {
        let mut table = table();
        table.select("search");
        table.sort_by("size", true);
        check(&table, &["search", "漢字検索", "checkout", "cart"]);
        table.sort_by("size", false);
        check(&table, &["checkout", "漢字検索", "search", "cart"]);
        assert_eq!(table.selected().map(|row| row.0), Some("search"));
    }

    #[test]
    fn the_cursor_stays_in_range_when_rows_go() {
        let mut table = table();
        table.act(&Action::Bottom);
        table.set(vec![Named("cart", 1)]);
        assert_eq!(table.selected().map(|row| row.0), Some("cart"));
        table.set(Vec::new());
        assert!(table.selected().is_none());
        table.act(&Action::Down);
        table.act(&Action::Mark);
    }

    #[test]
    fn narrow_areas_drop_expendable_columns_and_never_panic() {
        let shared = shared();
        for width in 0..40 {
            for height in 0..6 {
                let mut table = table();
                let area = Rect::new(0, 0, width, height);
                table.arrange(area, &shared);
                table.view(&mut Buffer::empty(area), area, &shared, true);
            }
        }
        let mut table = table();
        table.arrange(Rect::new(0, 0, 10, 5), &shared);
        assert_eq!(table.widths.len(), 1);
    }
}
