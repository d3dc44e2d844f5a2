//! Where things stand on *Review*, and drawing them.

use ratatui::{buffer::Buffer, layout::Rect};

use super::{Focus, Review, Stage, revisions};
use crate::{
    engine::{Confidence, Preview},
    release::ApplyMethod,
    tui::{
        keymap::Action,
        screens::flags::Flag,
        shared::Shared,
        widgets::{put, rule, safe, wrap},
    },
};

/// The areas of the screen, top to bottom.
pub(super) struct Layout {
    title: Rect,
    headline: Rect,
    risks: Rect,
    pub(super) objects: Rect,
    pub(super) diff: Rect,
    flags: Rect,
    buttons: Rect,
}

/// What a preview rests on, in words.
pub(super) fn confidence(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::ServerDryRun => "live server dry-run",
        Confidence::LiveObjects => "live objects and our own merge (dry-run is not allowed)",
        Confidence::StoredManifests => "stored manifests only (live objects cannot be read)",
    }
}

impl Review {
    pub(super) fn layout(&self, area: Rect, shared: &Shared) -> Layout {
        let width = usize::from(area.width.saturating_sub(2));
        let (headline, risks) = match &self.stage {
            Stage::Ready(ready) => (wrap(&ready.1.headline, width).len(), risk_lines(&ready.1, width).len()),
            _ => (1, 0),
        };
        let headline = headline.min(3) as u16;
        let most = if self.all_risks { area.height / 2 } else { (area.height / 5).max(2) };
        let risks = (risks as u16).min(most);
        let flags = self.flag_places(area.width, shared).last().map_or(1, |(_, row, _)| row + 1);
        let row = |y: u16, height: u16| Rect {
            y: area.y + y.min(area.height),
            height: height.min(area.height.saturating_sub(y)),
            ..area
        };
        let top = 1 + headline + risks;
        let bottom = area.height.saturating_sub(flags + 1);
        let middle = row(top, bottom.saturating_sub(top));
        let list = (area.width / 3).clamp(24, 52);
        Layout {
            title: row(0, 1),
            headline: row(1, headline),
            risks: row(1 + headline, risks),
            objects: Rect { width: list, ..middle },
            diff: Rect { x: middle.x + list, width: middle.width - list, ..middle },
            flags: row(bottom, flags),
            buttons: row(bottom + flags, 1),
        }
    }

    pub(super) fn draw(&self, buffer: &mut Buffer, area: Rect, shared: &Shared) {
        let layout = self.layout(area, shared);
        let theme = &shared.theme;
        self.draw_title(buffer, layout.title, shared);
        match &self.stage {
            Stage::Loading => {
                let text = " asking the cluster what this would do …";
                put(buffer, layout.headline.x, layout.headline.y, layout.headline.width, text, theme.dim);
            }
            Stage::Failed(report) => draw_failure(
                buffer,
                Rect { height: area.height.saturating_sub(3), y: area.y + 1, ..area },
                report,
                shared,
            ),
            Stage::Ready(ready) => {
                draw_headline(buffer, layout.headline, &ready.1, shared);
                self.draw_risks(buffer, layout.risks, &ready.1, shared);
                self.objects.view(buffer, layout.objects, shared, self.focus == Focus::Objects);
                let inside = rule(buffer, layout.diff, theme);
                self.diff.view(buffer, inside, theme, self.focus == Focus::Diff);
            }
        }
        self.draw_flags(buffer, layout.flags, shared);
        self.draw_buttons(buffer, layout.buttons, shared);
    }

    fn draw_title(&self, buffer: &mut Buffer, area: Rect, shared: &Shared) {
        let theme = &shared.theme;
        let (button, asked) = (self.words().button, &self.asked);
        let place = format!(" {button} {} in {} on {}", asked.name, asked.namespace, shared.context);
        let (revisions, method, rests) = match self.ready() {
            Some((prepared, preview)) => {
                let method = match prepared.method {
                    ApplyMethod::ServerSide => "server-side",
                    ApplyMethod::ClientSide => "client-side",
                };
                let switch = if prepared.method_switch { " (switched)" } else { "" };
                let mark = if preview.confidence == Confidence::ServerDryRun { theme.glyphs.good } else { "!" };
                let rests = format!("confidence: {} {mark} ", confidence(preview.confidence));
                // The method gives way first where there is little room.
                let applies = !prepared.objects.is_empty() && area.width >= 120;
                let rests = if applies { format!("{method}{switch} {} {rests}", theme.glyphs.dot) } else { rests };
                (format!(":  {}", revisions(prepared, preview, theme.glyphs.arrow)), rests, preview.confidence)
            }
            None => (String::new(), String::new(), Confidence::ServerDryRun),
        };
        let used =
            put(buffer, area.x, area.y, area.width, &format!("{}{revisions}", safe::visible(&place)), theme.heading);
        let width = unicode_width::UnicodeWidthStr::width(method.as_str()) as u16;
        let style = if rests == Confidence::ServerDryRun { theme.good } else { theme.warn };
        let room = area.width.saturating_sub(used + 2);
        let width = width.min(room);
        put(buffer, area.right().saturating_sub(width), area.y, width, &method, style);
    }

    fn draw_risks(&self, buffer: &mut Buffer, area: Rect, preview: &Preview, shared: &Shared) {
        let theme = &shared.theme;
        let lines = risk_lines(preview, usize::from(area.width.saturating_sub(2)));
        let hidden = lines.len().saturating_sub(usize::from(area.height));
        for (line, y) in lines.iter().zip(area.top()..area.bottom()) {
            put(buffer, area.x + 1, y, area.width.saturating_sub(1), line, theme.warn);
        }
        if hidden > 0 && area.height > 0 {
            let text = format!(
                "  … {} more: {} shows all ",
                hidden + 1,
                shared.keymap.key_of(&crate::tui::keymap::Action::Details)
            );
            let y = area.bottom() - 1;
            put(buffer, area.x, y, area.width, &" ".repeat(usize::from(area.width)), theme.text);
            put(buffer, area.x, y, area.width, &text, theme.warn);
        }
    }

    /// The flags in words, each with its row and column.
    fn flag_places(&self, width: u16, shared: &Shared) -> Vec<(String, u16, u16)> {
        let (mut x, mut y) = (1, 0);
        let options = self.asked.options(shared);
        let place = |(index, flag): (usize, &Flag)| {
            // There are nine digits.
            let digit = if index < 9 { format!("{} ", index + 1) } else { String::new() };
            let text = format!("{digit}{} [{}]", flag.name, flag.state(&options));
            let taken = text.len() as u16;
            if x + taken > width {
                (x, y) = (1, y + 1);
            }
            x += taken + 2;
            (text, y, x - taken - 2)
        };
        self.flags().iter().enumerate().map(place).collect()
    }

    fn draw_flags(&self, buffer: &mut Buffer, area: Rect, shared: &Shared) {
        let theme = &shared.theme;
        let places = self.flag_places(area.width, shared);
        for (index, (text, row, column)) in places.iter().enumerate().filter(|(_, place)| place.1 < area.height) {
            let style = if self.focus == Focus::Flags && index == self.flag { theme.selected } else { theme.text };
            put(buffer, area.x + column, area.y + row, area.width.saturating_sub(*column), text, style);
        }
    }

    fn draw_buttons(&self, buffer: &mut Buffer, area: Rect, shared: &Shared) {
        let theme = &shared.theme;
        let focused = self.focus == Focus::Buttons;
        let possible =
            self.ready().is_some_and(|(_, preview)| preview.basis.conflicts.is_empty()) && shared.read_only.is_none();
        let go = format!("[ {} ]", self.words().button);
        let labels = [("[ Cancel ]", !self.go, true), (go.as_str(), self.go, possible)];
        let width: usize = labels.iter().map(|(label, ..)| label.len() + 2).sum();
        let mut x = area.right().saturating_sub(width as u16);
        for (label, chosen, possible) in labels {
            let style = match (chosen, focused) {
                (true, true) => theme.selected,
                (true, false) => theme.selected_idle,
                _ if !possible => theme.dim,
                _ => theme.text,
            };
            x += put(buffer, x, area.y, area.right().saturating_sub(x), label, style) + 2;
        }
        let why = match (&shared.read_only, self.ready()) {
            (Some(why), _) => why.clone(),
            (None, Some((_, preview))) if !preview.basis.conflicts.is_empty() => {
                format!("{} takes the fields that others own", shared.keymap.key_of(&Action::TakeFields))
            }
            (None, Some((_, preview))) if preview.risks.iter().any(|risk| risk.code == "immutable-field") => {
                format!("{} makes the selected object anew", shared.keymap.key_of(&Action::Recreate))
            }
            _ => String::new(),
        };
        let progress = self.progress();
        let width = width as u16 + progress.len() as u16 + 2;
        put(buffer, area.right().saturating_sub(width), area.y, progress.len() as u16, &progress, theme.dim);
        put(buffer, area.x + 1, area.y, area.width.saturating_sub(width + 2), &why, theme.warn);
    }
}

fn draw_headline(buffer: &mut Buffer, area: Rect, preview: &Preview, shared: &Shared) {
    let lines = wrap(&safe::visible(&preview.headline), usize::from(area.width.saturating_sub(2)));
    for (line, y) in lines.iter().zip(area.top()..area.bottom()) {
        put(buffer, area.x + 1, y, area.width.saturating_sub(1), line, shared.theme.text);
    }
}

fn draw_failure(buffer: &mut Buffer, area: Rect, report: &crate::tui::report::Report, shared: &Shared) {
    let width = usize::from(area.width.saturating_sub(4));
    let words = safe::visible(&report.message);
    let lines = words.lines().flat_map(|line| wrap(line, width)).map(|line| (line, shared.theme.bad));
    let hints =
        report.hints.iter().flat_map(|hint| wrap(&safe::visible(hint), width)).map(|line| (line, shared.theme.text));
    for ((line, style), y) in lines.chain(hints).zip(area.top()..area.bottom()) {
        put(buffer, area.x + 2, y, area.width.saturating_sub(2), &line, style);
    }
}

fn risk_lines(preview: &Preview, width: usize) -> Vec<String> {
    let line = |risk: &crate::engine::Risk| {
        let rows = wrap(&safe::visible(&risk.message), width.saturating_sub(2));
        rows.into_iter()
            .enumerate()
            .map(|(at, row)| format!("{} {row}", if at == 0 { "!" } else { " " }))
            .collect::<Vec<_>>()
    };
    preview.risks.iter().flat_map(line).collect()
}
