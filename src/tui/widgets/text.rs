//! A text of many lines: only visible ones are touched. Scrolling, wrapping, searching, two columns.

use ratatui::{buffer::Buffer, layout::Rect, style::Style};
use unicode_width::UnicodeWidthStr;

use super::{put, put_spans, safe};
use crate::tui::{highlight::Highlighter, keymap::Action, shared::Shared, theme::Theme};

/// How a line is painted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Kind {
    /// Plain text.
    #[default]
    Plain,
    /// YAML, coloured once the definitions are loaded.
    Yaml,
    /// Only on the new side.
    Added,
    /// Only on the old side.
    Removed,
    /// A heading.
    Heading,
    /// Less important.
    Dim,
    /// Something to mind.
    Warn,
    /// Something wrong.
    Bad,
    /// Something right.
    Good,
}

/// One line, already made safe. With `right` it is shown in two columns.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TextLine {
    /// The text, or the left column.
    pub text: String,
    /// How it is painted.
    pub kind: Kind,
    /// The right column and its paint.
    pub right: Option<(String, Kind)>,
}

impl TextLine {
    /// A line from text that may come from a cluster.
    pub fn new(kind: Kind, text: &str) -> Self {
        Self { text: safe::visible(text).into_owned(), kind, right: None }
    }
}

/// The pane.
#[derive(Default)]
pub struct TextPane {
    lines: Vec<TextLine>,
    top: usize,
    /// Rows of the top line that are above the pane, when wrapped.
    skipped: usize,
    left: usize,
    cursor: Option<usize>,
    wrap: bool,
    search: String,
    area: Rect,
    painted: Vec<(usize, Vec<(usize, Style)>)>,
}

impl TextPane {
    /// A pane over plain text.
    pub fn plain(text: &str) -> Self {
        Self::of(text, Kind::Plain)
    }

    /// A pane over YAML.
    pub fn yaml(text: &str) -> Self {
        Self::of(text, Kind::Yaml)
    }

    fn of(text: &str, kind: Kind) -> Self {
        let mut pane = Self::default();
        pane.set(safe::lines(text).into_iter().map(|text| TextLine { text, kind, right: None }).collect());
        pane
    }

    /// A pane in which a line is selected, moved by up and down.
    #[must_use]
    pub fn with_cursor(mut self) -> Self {
        self.cursor = Some(0);
        self
    }

    /// Replaces the lines; the place is kept as far as the text reaches.
    pub fn set(&mut self, lines: Vec<TextLine>) {
        self.lines = lines;
        self.painted.clear();
        self.clamp();
    }

    /// Adds lines at the end; a pane that showed the end follows.
    pub fn append(&mut self, lines: impl IntoIterator<Item = TextLine>) {
        let follows = self.top + self.height() >= self.lines.len();
        self.lines.extend(lines);
        if follows {
            self.top = self.lines.len().saturating_sub(self.height());
        }
    }

    /// The lines.
    pub fn lines(&self) -> &[TextLine] {
        &self.lines
    }

    /// The selected line's index.
    pub fn cursor(&self) -> Option<usize> {
        self.cursor.map(|at| at.min(self.lines.len().saturating_sub(1)))
    }

    /// Selects a line and brings it into view.
    pub fn select(&mut self, line: usize) {
        if self.cursor.is_some() {
            self.cursor = Some(line);
        }
        self.reveal(line);
    }

    /// The whole text, for copying.
    pub fn text(&self) -> String {
        self.lines.iter().flat_map(|line| [line.text.as_str(), "\n"]).collect()
    }

    /// Whether nothing is hidden at the left.
    pub fn at_left_edge(&self) -> bool {
        self.left == 0
    }

    fn height(&self) -> usize {
        self.area.height.max(1) as usize
    }

    /// Moves, wraps or steps through matches; false when the action is none of its own.
    pub fn act(&mut self, action: &Action) -> bool {
        let page = (self.height() / 2).max(1);
        match action {
            Action::Up => self.step(1, false),
            Action::Down => self.step(1, true),
            Action::PageUp => self.step(page, false),
            Action::PageDown => self.step(page, true),
            Action::Top => self.step(self.lines.len(), false),
            Action::Bottom => self.step(self.lines.len(), true),
            Action::Left => self.left = self.left.saturating_sub(8),
            Action::Right if !self.wrap => self.left += 8,
            Action::Wrap => (self.wrap, self.left, self.skipped) = (!self.wrap, 0, 0),
            Action::SearchNext => self.find(true),
            Action::SearchPrevious => self.find(false),
            _ => return false,
        }
        self.clamp();
        true
    }

    /// Searches as the text is typed: the first match from the top of the pane on comes into view.
    pub fn search(&mut self, text: &str) {
        self.search = text.to_lowercase();
        let from = self.cursor().unwrap_or(self.top);
        let first = self.matches_from(from).next();
        if let Some(line) = first {
            self.select(line);
        }
        self.clamp();
    }

    /// What is searched for; empty when nothing is.
    pub fn searched(&self) -> &str {
        &self.search
    }

    fn matches_from(&self, from: usize) -> impl Iterator<Item = usize> {
        let total = self.lines.len();
        let found = |line: &TextLine| {
            line.text.to_lowercase().contains(&self.search)
                || line.right.as_ref().is_some_and(|(text, _)| text.to_lowercase().contains(&self.search))
        };
        let count = if self.search.is_empty() { 0 } else { total };
        (0..count).map(move |step| (from + step) % total).filter(move |line| found(&self.lines[*line]))
    }

    fn find(&mut self, forward: bool) {
        let total = self.lines.len();
        let here = self.cursor().unwrap_or(self.top);
        let next = if forward {
            self.matches_from(here + 1).next()
        } else {
            let all: Vec<usize> = self.matches_from(0).collect();
            all.iter().rev().find(|line| **line < here).or(all.last()).copied()
        };
        if let Some(line) = next.filter(|_| total > 0) {
            if self.cursor.is_some() {
                self.select(line);
            } else {
                self.top = line;
            }
        }
    }

    fn step(&mut self, by: usize, down: bool) {
        let last = self.lines.len().saturating_sub(1);
        if let Some(at) = self.cursor() {
            let to = if down { (at + by).min(last) } else { at.saturating_sub(by) };
            self.cursor = Some(to);
            self.reveal(to);
        } else if self.wrap && by == 1 {
            self.step_row(down);
        } else {
            self.skipped = 0;
            self.top = if down { self.top + by } else { self.top.saturating_sub(by) };
        }
    }

    /// One row down or up inside wrapped lines.
    fn step_row(&mut self, down: bool) {
        let rows = |line: Option<&TextLine>| line.map_or(1, |line| self.rows_of(line));
        if down && self.skipped + 1 < rows(self.lines.get(self.top)) {
            self.skipped += 1;
        } else if down {
            (self.top, self.skipped) = (self.top + 1, 0);
        } else if self.skipped > 0 {
            self.skipped -= 1;
        } else if self.top > 0 {
            (self.top, self.skipped) = (self.top - 1, rows(self.lines.get(self.top - 1)) - 1);
        }
    }

    fn rows_of(&self, line: &TextLine) -> usize {
        let width = self.area.width.max(1) as usize;
        if self.wrap && line.right.is_none() { line.text.width().div_ceil(width).max(1) } else { 1 }
    }

    /// Brings a line into view, whole where it fits.
    fn reveal(&mut self, line: usize) {
        let rows = |line: usize| self.lines.get(line).map_or(1, |line| self.rows_of(line));
        let (mut first, mut used) = (line, rows(line));
        while first > self.top && used + rows(first - 1) <= self.height() {
            first -= 1;
            used += rows(first);
        }
        self.top = if line < self.top { line } else { first };
        self.skipped = 0;
    }

    fn clamp(&mut self) {
        let last_top =
            if self.wrap { self.lines.len().saturating_sub(1) } else { self.lines.len().saturating_sub(self.height()) };
        self.top = self.top.min(last_top);
    }

    /// Fixes the place for an area and colours what will be visible.
    pub fn arrange(&mut self, area: Rect, shared: &Shared) {
        self.area = area;
        if let Some(cursor) = self.cursor() {
            self.reveal(cursor);
        }
        self.clamp();
        let Some(highlighter) = &shared.highlighter else {
            return;
        };
        let shown = self.top..self.lines.len().min(self.top + self.height());
        let mut before = std::mem::take(&mut self.painted);
        for at in shown {
            let line = &self.lines[at];
            if line.kind == Kind::Yaml {
                let known = before.iter().position(|(known, _)| *known == at).map(|index| before.swap_remove(index));
                self.painted.push(known.unwrap_or_else(|| (at, paint(highlighter, &line.text, &shared.theme))));
            }
        }
    }

    /// Draws the pane; `focused` shows the selected line as the active one.
    pub fn view(&self, buffer: &mut Buffer, area: Rect, theme: &Theme, focused: bool) {
        let mut y = area.y;
        for (at, line) in self.lines.iter().enumerate().skip(self.top) {
            let first = if at == self.top { self.skipped } else { 0 };
            for row in first..self.rows_of(line).max(first + 1) {
                if y >= area.bottom() {
                    return;
                }
                let place = Rect { y, height: 1, ..area };
                let left = if self.wrap { row * area.width as usize } else { self.left };
                self.view_line(buffer, place, at, left, theme);
                if self.cursor() == Some(at) && focused {
                    buffer.set_style(place, theme.selected);
                }
                y += 1;
            }
        }
    }

    fn view_line(&self, buffer: &mut Buffer, area: Rect, at: usize, left: usize, theme: &Theme) {
        let line = &self.lines[at];
        let Some((right, kind)) = &line.right else {
            self.view_text(buffer, area, at, left, theme);
            return;
        };
        let half = area.width / 2;
        put(
            buffer,
            area.x,
            area.y,
            half.saturating_sub(1),
            &safe::slice(&line.text, left, half as usize),
            style(line.kind, theme),
        );
        buffer.set_string(area.x + half.saturating_sub(1), area.y, theme.glyphs.vertical, theme.dim);
        let text = safe::slice(right, left, (area.width - half) as usize);
        put(buffer, area.x + half, area.y, area.width - half, &text, style(*kind, theme));
    }

    fn view_text(&self, buffer: &mut Buffer, area: Rect, at: usize, left: usize, theme: &Theme) {
        let line = &self.lines[at];
        let whole = vec![(line.text.len(), style(line.kind, theme))];
        let spans = self.painted.iter().find(|(known, _)| *known == at).map_or(&whole, |(_, spans)| spans);
        put_spans(buffer, area, &line.text, left, spans);
        self.view_found(buffer, area, &line.text, left, theme);
    }

    fn view_found(&self, buffer: &mut Buffer, area: Rect, text: &str, left: usize, theme: &Theme) {
        if self.search.is_empty() {
            return;
        }
        let lower = text.to_lowercase();
        for (at, found) in lower.match_indices(&self.search) {
            let column = lower[..at].width();
            let x = column.saturating_sub(left);
            if column >= left && x < area.width as usize {
                let width = (found.width() as u16).min(area.width - x as u16);
                buffer.set_style(Rect { x: area.x + x as u16, width, ..area }, theme.found);
            }
        }
    }
}

fn paint(highlighter: &Highlighter, text: &str, theme: &Theme) -> Vec<(usize, Style)> {
    highlighter.line(text, theme)
}

/// The style of a kind of line.
pub fn style(kind: Kind, theme: &Theme) -> Style {
    match kind {
        Kind::Plain | Kind::Yaml => theme.text,
        Kind::Added => theme.added,
        Kind::Removed => theme.removed,
        Kind::Heading => theme.heading,
        Kind::Dim => theme.dim,
        Kind::Warn => theme.warn,
        Kind::Bad => theme.bad,
        Kind::Good => theme.good,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::testing;

    #[test]
    fn the_cursor_stays_in_view_where_lines_wrap() {
        let area = Rect::new(0, 0, 10, 6);
        let shared = testing::shared();
        let mut pane = TextPane::plain(&format!("{}last", "0123456789abcdefghij\n".repeat(5))).with_cursor();
        pane.act(&Action::Wrap);
        pane.arrange(area, &shared);
        let mut shown = |action: &Action| {
            pane.act(action);
            pane.arrange(area, &shared);
            (pane.cursor(), pane.top)
        };
        assert_eq!([(); 3].map(|()| shown(&Action::Down)), [(Some(1), 0), (Some(2), 0), (Some(3), 1)]);
        assert_eq!(shown(&Action::Bottom), (Some(5), 3));
        assert_eq!([(); 3].map(|()| shown(&Action::Up)), [(Some(4), 3), (Some(3), 3), (Some(2), 2)]);
    }
}
