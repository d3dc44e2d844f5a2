//! A text of many lines being edited: typing, pasting, undoing.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::{Modifier, Style},
};
use unicode_width::UnicodeWidthStr;

use super::{put, safe};
use crate::tui::{keymap::Action, shared::Shared, theme::Theme};

/// How many changes can be undone.
const UNDONE: usize = 200;
/// Columns of the line numbers, with a mark and a space.
const GUTTER: u16 = 6;
/// A step of indentation.
const STEP: usize = 2;

/// A text being edited, with its cursor.
#[derive(Default)]
pub struct Editor {
    text: Text,
    before: Vec<Text>,
    after: Vec<Text>,
    /// Whether the last change was a typed character: a run of them is undone at once.
    typed: bool,
    top: usize,
    left: usize,
    /// The line that something is wrong with.
    fault: Option<usize>,
    area: Rect,
    painted: Vec<(usize, Vec<(usize, Style)>)>,
}

#[derive(Clone, Default)]
struct Text {
    /// The lines without their ends. A text that ends with a newline has an empty last line.
    lines: Vec<String>,
    line: usize,
    /// Bytes before the cursor on its line.
    at: usize,
}

impl Text {
    fn of(text: &str) -> Self {
        Self { lines: text.split('\n').map(str::to_owned).collect(), line: 0, at: 0 }
    }

    fn current(&self) -> &str {
        self.lines.get(self.line).map_or("", String::as_str)
    }

    /// What is before and behind the cursor on its line.
    fn around(&self) -> (&str, &str) {
        self.current().split_at_checked(self.at).unwrap_or((self.current(), ""))
    }

    fn replace(&mut self, line: String) {
        match self.lines.get_mut(self.line) {
            Some(current) => *current = line,
            None => self.lines.push(line),
        }
    }

    fn insert(&mut self, text: &str) {
        let (before, behind) = self.around();
        let (mut first, last) = (before.to_owned(), behind.to_owned());
        let mut parts = text.split('\n');
        first.push_str(parts.next().unwrap_or_default());
        self.at = first.len();
        self.replace(first);
        for part in parts {
            self.line += 1;
            self.at = part.len();
            self.lines.insert(self.line.min(self.lines.len()), part.to_owned());
        }
        let line = format!("{}{last}", self.current());
        self.replace(line);
    }

    /// Deletes so many bytes before the cursor on its line; at its start, the end of the line above.
    fn delete_before(&mut self, bytes: usize) {
        let (before, behind) = self.around();
        if before.is_empty() && self.line > 0 {
            let behind = behind.to_owned();
            self.lines.remove(self.line);
            self.line -= 1;
            self.at = self.current().len();
            self.replace(format!("{}{behind}", self.current()));
            return;
        }
        let kept = before.get(..before.len().saturating_sub(bytes)).unwrap_or_default();
        let (at, line) = (kept.len(), format!("{kept}{behind}"));
        self.at = at;
        self.replace(line);
    }

    /// Deletes so many bytes behind the cursor on its line; at its end, that end.
    fn delete_behind(&mut self, bytes: usize) {
        let (before, behind) = self.around();
        if behind.is_empty() && self.line + 1 < self.lines.len() {
            let before = before.to_owned();
            let next = self.lines.remove(self.line + 1);
            self.replace(format!("{before}{next}"));
            return;
        }
        let line = format!("{before}{}", behind.get(bytes..).unwrap_or_default());
        self.replace(line);
    }

    fn left(&mut self) {
        match self.around().0.chars().next_back() {
            Some(character) => self.at -= character.len_utf8(),
            None if self.line > 0 => {
                self.line -= 1;
                self.at = self.current().len();
            }
            None => {}
        }
    }

    fn right(&mut self) {
        match self.around().1.chars().next() {
            Some(character) => self.at += character.len_utf8(),
            None if self.line + 1 < self.lines.len() => (self.line, self.at) = (self.line + 1, 0),
            None => {}
        }
    }

    /// Goes to another line, to the same column where it has one.
    fn go_to(&mut self, line: usize) {
        let column = self.around().0.chars().count();
        self.line = line.min(self.lines.len().saturating_sub(1));
        self.at = self.current().char_indices().nth(column).map_or(self.current().len(), |(at, _)| at);
    }

    /// The bytes that backspace takes: a character, or back to the last step of indentation.
    fn step_back(&self) -> usize {
        let before = self.around().0;
        let indents = !before.is_empty() && before.bytes().all(|byte| byte == b' ');
        match before.len() % STEP {
            0 if indents => STEP,
            rest if indents => rest,
            _ => before.chars().next_back().map_or(0, char::len_utf8),
        }
    }

    fn word_before(&self) -> usize {
        let before = self.around().0;
        let start = before.trim_end().rfind(' ').map_or(0, |space| space + 1);
        before.len() - start
    }
}

impl Editor {
    /// An editor of a text.
    pub fn new(text: &str) -> Self {
        Self { text: Text::of(text), ..Self::default() }
    }

    /// The text.
    pub fn text(&self) -> String {
        self.text.lines.join("\n")
    }

    /// Replaces the whole text, as one change. The cursor stays on its line.
    pub fn set(&mut self, text: &str) {
        if text == self.text() {
            return;
        }
        self.remember();
        let line = self.text.line;
        self.text = Text::of(text);
        self.text.go_to(line);
    }

    /// Marks the line, from 1, that something is wrong with.
    pub fn mark(&mut self, line: Option<usize>) {
        self.fault = line;
    }

    /// The line of the cursor, from 1.
    pub fn line(&self) -> usize {
        self.text.line + 1
    }

    /// Brings a line, from 1, into view and goes there.
    pub fn go_to(&mut self, line: usize) {
        self.text.go_to(line.saturating_sub(1));
    }

    /// Inserts a text of any number of lines at the cursor.
    pub fn paste(&mut self, text: &str) {
        self.remember();
        self.text.insert(&text.replace("\r\n", "\n").replace('\r', "\n"));
    }

    /// Whether there is anything to undo.
    pub fn is_changed(&self) -> bool {
        !self.before.is_empty()
    }

    /// Forgets what could be undone.
    pub fn forget(&mut self) {
        (self.before, self.after) = (Vec::new(), Vec::new());
    }

    /// Keeps what is there, so that it can be undone.
    fn remember(&mut self) {
        self.typed = false;
        self.after.clear();
        self.before.push(self.text.clone());
        if self.before.len() > UNDONE {
            self.before.remove(0);
        }
    }

    /// Undoes the last change, or does it again; false where there is none.
    pub fn undo(&mut self, again: bool) -> bool {
        let (from, to) = if again { (&mut self.after, &mut self.before) } else { (&mut self.before, &mut self.after) };
        let Some(text) = from.pop() else {
            return false;
        };
        to.push(std::mem::replace(&mut self.text, text));
        self.typed = false;
        true
    }

    /// Edits or moves; whether the text changed.
    pub fn key(&mut self, key: &KeyEvent) -> bool {
        if key.modifiers.contains(KeyModifiers::ALT) || self.moves(key) {
            return false;
        }
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Char(character) if !control => self.type_character(character),
            KeyCode::Enter => {
                let before = self.text.around().0;
                let indentation = before.len() - before.trim_start_matches(' ').len();
                self.change(|text| text.insert(&format!("\n{}", " ".repeat(indentation))));
            }
            KeyCode::Backspace => self.change(|text| text.delete_before(text.step_back())),
            KeyCode::Delete => {
                self.change(|text| text.delete_behind(text.around().1.chars().next().map_or(0, char::len_utf8)));
            }
            KeyCode::Char('k') if control => self.change(|text| text.delete_behind(text.around().1.len())),
            KeyCode::Char('u') if control => self.change(|text| text.delete_before(text.at)),
            KeyCode::Char('w') if control => self.change(|text| text.delete_before(text.word_before())),
            _ => return false,
        }
        true
    }

    fn change(&mut self, change: impl FnOnce(&mut Text)) {
        self.remember();
        change(&mut self.text);
    }

    fn type_character(&mut self, character: char) {
        if !self.typed {
            self.remember();
        }
        self.typed = character != ' ';
        self.text.insert(character.encode_utf8(&mut [0; 4]));
    }

    fn moves(&mut self, key: &KeyEvent) -> bool {
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Left => self.text.left(),
            KeyCode::Right => self.text.right(),
            KeyCode::Up => self.text.go_to(self.text.line.saturating_sub(1)),
            KeyCode::Down => self.text.go_to(self.text.line + 1),
            KeyCode::PageUp => self.text.go_to(self.text.line.saturating_sub(self.page())),
            KeyCode::PageDown => self.text.go_to(self.text.line + self.page()),
            KeyCode::Home => self.text.at = 0,
            KeyCode::End => self.text.at = self.text.current().len(),
            KeyCode::Char('a') if control => self.text.at = 0,
            KeyCode::Char('e') if control => self.text.at = self.text.current().len(),
            _ => return false,
        }
        self.typed = false;
        true
    }

    /// Moves as everywhere, while nothing is typed; false when the action is none of its own.
    pub fn act(&mut self, action: &Action) -> bool {
        let line = self.text.line;
        match action {
            Action::Up => self.text.go_to(line.saturating_sub(1)),
            Action::Down => self.text.go_to(line + 1),
            Action::PageUp => self.text.go_to(line.saturating_sub(self.page())),
            Action::PageDown => self.text.go_to(line + self.page()),
            Action::Top => self.text.go_to(0),
            Action::Bottom => self.text.go_to(usize::MAX),
            Action::Left => self.text.left(),
            Action::Right => self.text.right(),
            _ => return false,
        }
        true
    }

    fn page(&self) -> usize {
        usize::from(self.area.height / 2).max(1)
    }

    /// The columns before the cursor, as they are drawn.
    fn column(&self) -> usize {
        safe::visible(self.text.around().0).width()
    }

    /// Brings the cursor into view and colours what will be visible.
    pub fn arrange(&mut self, area: Rect, shared: &Shared) {
        self.area = area;
        let (height, width) = (usize::from(area.height.max(1)), usize::from(area.width.saturating_sub(GUTTER).max(1)));
        let (line, column) = (self.text.line, self.column());
        self.top = self.top.clamp((line + 1).saturating_sub(height), line);
        self.left = if column < width { 0 } else { self.left.clamp((column + 1).saturating_sub(width), column) };
        self.painted.clear();
        if let Some(highlighter) = &shared.highlighter {
            let shown = self.text.lines.iter().enumerate().skip(self.top).take(height);
            self.painted.extend(shown.map(|(at, line)| (at, highlighter.line(&safe::visible(line), &shared.theme))));
        }
    }

    /// Draws numbers and lines; `typing` shows where the next character goes, `focused` the line that is meant.
    pub fn view(&self, buffer: &mut Buffer, area: Rect, theme: &Theme, (focused, typing): (bool, bool)) {
        for ((at, line), y) in self.text.lines.iter().enumerate().skip(self.top).zip(area.top()..area.bottom()) {
            let row = Rect { y, height: 1, ..area };
            let faulty = self.fault == Some(at + 1);
            let mark = if faulty { theme.glyphs.bad } else { " " };
            let style = if faulty { theme.bad } else { theme.dim };
            put(buffer, row.x, y, GUTTER, &format!("{mark}{:>3} ", at + 1), style);
            let inside = Rect { x: row.x + GUTTER, width: row.width.saturating_sub(GUTTER), ..row };
            self.view_line(buffer, inside, at, &safe::visible(line), theme);
            if focused && !typing && at == self.text.line {
                buffer.set_style(row, theme.selected);
            }
        }
        let (x, y) = (self.column().saturating_sub(self.left), self.text.line.saturating_sub(self.top));
        let cursor = Rect { x: area.x + GUTTER + x as u16, y: area.y + y as u16, width: 1, height: 1 };
        if typing && area.contains(cursor.as_position()) {
            buffer.set_style(cursor, theme.text.add_modifier(Modifier::REVERSED));
        }
    }

    fn view_line(&self, buffer: &mut Buffer, area: Rect, at: usize, line: &str, theme: &Theme) {
        let whole = vec![(line.len(), theme.text)];
        let spans = self.painted.iter().find(|(known, _)| *known == at).map_or(&whole, |(_, spans)| spans);
        super::put_spans(buffer, area, line, self.left, spans);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::testing;

    fn typed(editor: &mut Editor, keys: &[KeyCode]) -> String {
        for code in keys {
            editor.key(&KeyEvent::from(*code));
        }
        editor.text()
    }

    fn control(editor: &mut Editor, character: char) -> String {
        editor.key(&KeyEvent::new(KeyCode::Char(character), KeyModifiers::CONTROL));
        editor.text()
    }

    #[test]
    fn a_new_line_is_indented_as_the_one_before_and_backspace_goes_back_by_steps() {
        let mut editor = Editor::new("image:\n  tag: größe\nreplicas: 1\n");
        let text = typed(&mut editor, &[KeyCode::Down, KeyCode::End, KeyCode::Enter, KeyCode::Char('a')]);
        assert_eq!(text, "image:\n  tag: größe\n  a\nreplicas: 1\n");
        let text = typed(&mut editor, &[KeyCode::Backspace, KeyCode::Backspace]);
        assert_eq!(text, "image:\n  tag: größe\n\nreplicas: 1\n");
        let text = typed(&mut editor, &[KeyCode::Backspace, KeyCode::Backspace, KeyCode::Backspace]);
        assert_eq!(text, "image:\n  tag: grö\nreplicas: 1\n");
    }

    #[test]
    fn lines_join_and_part() {
        let mut editor = Editor::new("a: 1\nb: 2");
        assert_eq!(typed(&mut editor, &[KeyCode::End, KeyCode::Delete]), "a: 1b: 2");
        assert_eq!(typed(&mut editor, &[KeyCode::Enter]), "a: 1\nb: 2");
        assert_eq!(typed(&mut editor, &[KeyCode::Backspace]), "a: 1b: 2");
        assert_eq!(typed(&mut editor, &[KeyCode::Home, KeyCode::Backspace]), "a: 1b: 2");
        assert_eq!(control(&mut editor, 'e'), "a: 1b: 2");
        assert_eq!(control(&mut editor, 'w'), "a: 1b: ");
        assert_eq!(control(&mut editor, 'u'), "");
        assert_eq!(typed(&mut editor, &[KeyCode::Delete, KeyCode::Backspace]), "");
    }

    #[test]
    fn undoing_takes_a_word_at_a_time_and_can_be_undone() {
        let mut editor = Editor::new("");
        typed(&mut editor, &"one two".chars().map(KeyCode::Char).collect::<Vec<_>>());
        editor.paste("\r\nthree: 3\nfour");
        assert_eq!(editor.text(), "one two\nthree: 3\nfour");
        let mut undone = Vec::new();
        while editor.undo(false) {
            undone.push(editor.text());
        }
        assert_eq!(undone, ["one two", "one ", ""]);
        while editor.undo(true) {}
        assert_eq!(editor.text(), "one two\nthree: 3\nfour");
        editor.undo(false);
        typed(&mut editor, &[KeyCode::Char('!')]);
        assert!(!editor.undo(true), "what was undone is gone once something else is typed");
    }

    #[test]
    fn the_cursor_stays_in_view_and_control_characters_take_their_columns() {
        let shared = testing::shared();
        let area = Rect::new(0, 0, 16, 4);
        let mut editor = Editor::new(&"a long line, as they come\u{1b}[2J\n".repeat(20));
        for keys in [[KeyCode::PageDown, KeyCode::End], [KeyCode::Down, KeyCode::Right], [KeyCode::PageUp, KeyCode::Up]]
        {
            typed(&mut editor, &keys);
            editor.arrange(area, &shared);
            let mut buffer = Buffer::empty(area);
            editor.view(&mut buffer, area, &shared.theme, (true, true));
            let reversed = |cell: &&ratatui::buffer::Cell| cell.modifier.contains(Modifier::REVERSED);
            assert_eq!(buffer.content.iter().filter(reversed).count(), 1, "{buffer:?}");
            assert!(!buffer.content.iter().any(|cell| cell.symbol().contains('\u{1b}')));
        }
    }
}
