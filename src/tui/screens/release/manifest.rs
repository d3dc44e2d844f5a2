//! The manifest of a revision, and where the line under the cursor comes from.

use std::sync::Arc;

use ratatui::{buffer::Buffer, layout::Rect, style::Style};

use crate::{
    engine::provenance::{Answer, Provenance},
    release::Release,
    tui::{
        effect::{Effect, Slot},
        keymap::Action,
        report::Report,
        shared::Shared,
        tasks::Task,
        theme::Theme,
        widgets::{
            put, safe,
            text::{TextLine, TextPane},
            wrap,
        },
    },
};

/// The slot of the task that finds out.
const SLOT: &str = "provenance";

/// The tab.
pub struct Manifest {
    text: TextPane,
    /// Whether it is shown where lines come from.
    open: bool,
    /// What it is asked of.
    shown: String,
    asked: bool,
    found: Option<Result<Box<Provenance>, Report>>,
}

impl Default for Manifest {
    fn default() -> Self {
        Self { text: TextPane::default().with_cursor(), open: false, shown: String::new(), asked: false, found: None }
    }
}

impl Manifest {
    /// Takes the lines of a revision's manifest; the place is kept.
    pub fn set(&mut self, lines: Vec<TextLine>) {
        self.text.set(lines);
    }

    /// Whether it is shown where lines come from.
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// Shows where lines come from, or no longer; then nobody waits for it.
    pub fn open(&mut self, open: bool) -> Vec<Effect> {
        self.open = open;
        if open || self.found.is_some() { Vec::new() } else { self.forget() }
    }

    /// Forgets where the lines come from.
    pub fn forget(&mut self) -> Vec<Effect> {
        self.found = None;
        let asked = std::mem::take(&mut self.asked);
        asked.then(|| Effect::Cancel(Slot::of(SLOT))).into_iter().collect()
    }

    /// Asks once where the lines come from; `shown` names the revision as it is shown now.
    pub fn wanted(&mut self, shown: String, release: Option<&Arc<Release>>, shared: &Shared) -> Vec<Effect> {
        let mut effects = Vec::new();
        if self.shown != shown {
            self.shown = shown;
            effects.extend(self.forget());
        }
        let wanted = self.open && !self.asked;
        if let Some((release, storage)) = release.filter(|_| wanted).zip(shared.storage.as_ref()) {
            self.asked = true;
            let task = Task::Provenance(storage.cluster().clone(), release.clone(), shared.redactor());
            effects.push(Effect::Run(Slot::of(SLOT), task));
        }
        effects
    }

    /// Takes what was found out.
    pub fn take(&mut self, found: Result<Box<Provenance>, Report>) {
        self.found = Some(found);
    }

    /// Moves, wraps, steps through matches.
    pub fn act(&mut self, action: &Action) -> bool {
        self.text.act(action)
    }

    /// Searches.
    pub fn search(&mut self, text: &str) {
        self.text.search(text);
    }

    /// What is searched for.
    pub fn searched(&self) -> &str {
        self.text.searched()
    }

    /// Whether nothing is hidden at the left.
    pub fn at_left_edge(&self) -> bool {
        self.text.at_left_edge()
    }

    /// The whole manifest.
    pub fn text(&self) -> String {
        self.text.text()
    }

    /// What is to be copied: where the line comes from, with the command that may be told there, else the manifest.
    pub fn copy_text(&self) -> String {
        match self.found.as_ref().filter(|_| self.open) {
            Some(Ok(provenance)) => {
                let answer = self.answer(provenance);
                [answer.told, answer.doubts].concat().join("\n")
            }
            _ => self.text(),
        }
    }

    fn answer(&self, provenance: &Provenance) -> Answer {
        provenance.of(self.text.cursor().unwrap_or_default())
    }

    /// Where the line under the cursor comes from, in rows of that width.
    fn rows(&self, width: u16, theme: &Theme) -> Vec<(String, Style)> {
        let sentences: Vec<(String, Style)> = match &self.found {
            None => vec![("rendering the recorded chart anew … esc stops".to_owned(), theme.dim)],
            Some(Ok(provenance)) => {
                let answer = self.answer(provenance);
                let told = answer.told.into_iter().map(|text| (text, theme.text));
                told.chain(answer.doubts.into_iter().map(|text| (text, theme.warn))).collect()
            }
            Some(Err(report)) => {
                let hints = report.hints.iter().map(|hint| (hint.clone(), theme.text));
                [(report.message.clone(), theme.bad)].into_iter().chain(hints).collect()
            }
        };
        let width = usize::from(width.saturating_sub(1));
        let rows = |(text, style): (String, Style)| {
            let lines: Vec<String> = text.lines().flat_map(|line| wrap(&safe::visible(line), width)).collect();
            lines.into_iter().map(move |line| (line, style))
        };
        sentences.into_iter().flat_map(rows).collect()
    }

    /// The text above, what is told of its line below. The edge between them stays where it is while the cursor moves.
    fn areas(&self, area: Rect) -> (Rect, Rect) {
        let lower = if self.open { (area.height / 2).clamp(3, 12).min(area.height) } else { 0 };
        let upper = Rect { height: area.height - lower, ..area };
        (upper, Rect { y: upper.bottom(), height: lower, ..area })
    }

    /// Fixes places.
    pub fn arrange(&mut self, area: Rect, shared: &Shared) {
        self.text.arrange(self.areas(area).0, shared);
    }

    /// Draws it.
    pub fn view(&self, buffer: &mut Buffer, area: Rect, shared: &Shared, focused: bool) {
        let theme = &shared.theme;
        let (upper, lower) = self.areas(area);
        self.text.view(buffer, upper, theme, focused);
        if lower.height < 2 {
            return;
        }
        put(buffer, lower.x, lower.y, lower.width, &theme.glyphs.horizontal.repeat(lower.width as usize), theme.dim);
        let (line, key) = (self.text.cursor().unwrap_or_default() + 1, shared.keymap.key_of(&Action::Provenance));
        let title = format!(" Where line {line} comes from  ({key} closes) ");
        put(buffer, lower.x + 1, lower.y, lower.width - 1, &title, theme.heading);
        let (rows, room) = (self.rows(lower.width, theme), usize::from(lower.height - 1));
        let kept = if rows.len() > room { room.saturating_sub(1) } else { room };
        let more = rows.len().saturating_sub(kept);
        let rest = (more > 0).then(|| (format!("… {more} more lines; a higher terminal shows them"), theme.dim));
        for ((text, style), y) in rows.iter().take(kept).chain(&rest).zip(lower.y + 1..lower.bottom()) {
            put(buffer, lower.x + 1, y, lower.width - 1, text, *style);
        }
    }
}
