//! Drawing a draft: fields, values, and beside or below them what comes of them.

use ratatui::{buffer::Buffer, layout::Rect, style::Style};
use unicode_width::UnicodeWidthStr;

use super::{Draft, Focus, Shown, Stage};
use crate::{
    engine::Operation,
    tui::{
        keymap::Action,
        report::Report,
        screens::words,
        shared::Shared,
        tasks::Rendered,
        widgets::{input::LineEdit, put, rule, safe, wrap},
    },
};

/// From this width on, values and changes stand side by side.
const SIDE_BY_SIDE: u16 = 110;
/// The columns of a field's name.
const LABEL: u16 = 11;

/// The areas of the screen.
pub(super) struct Layout {
    title: Rect,
    fields: Rect,
    values_title: Rect,
    pub(super) values: Rect,
    changes_title: Rect,
    pub(super) changes: Rect,
    buttons: Rect,
}

impl Draft {
    pub(super) fn layout(&self, area: Rect) -> Layout {
        let row = |y: u16, height: u16| Rect {
            y: area.y + y.min(area.height),
            height: height.min(area.height.saturating_sub(y)),
            ..area
        };
        let fields = if self.operation == Operation::Install { 3 } else { 1 };
        let top = 1 + fields;
        let body = row(top, area.height.saturating_sub(top + 1));
        let (values, changes) = if area.width >= SIDE_BY_SIDE {
            let left = area.width * 2 / 5;
            (Rect { width: left, ..body }, Rect { x: body.x + left, width: body.width - left, ..body })
        } else {
            let upper = body.height.div_ceil(2);
            (Rect { height: upper, ..body }, Rect { y: body.y + upper, height: body.height - upper, ..body })
        };
        let below = |area: Rect| Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
        let first = |area: Rect| Rect { height: area.height.min(1), ..area };
        Layout {
            title: row(0, 1),
            fields: row(1, fields),
            values_title: first(values),
            values: below(values),
            changes_title: first(changes),
            changes: if area.width >= SIDE_BY_SIDE { inside_rule(below(changes)) } else { below(changes) },
            buttons: row(area.height.saturating_sub(1), 1),
        }
    }

    pub(super) fn draw(&self, buffer: &mut Buffer, area: Rect, shared: &Shared) {
        let layout = self.layout(area);
        self.draw_title(buffer, layout.title, shared);
        self.draw_fields(buffer, layout.fields, shared);
        self.draw_values(buffer, &layout, shared);
        if area.width >= SIDE_BY_SIDE {
            let column = Rect {
                x: layout.changes_title.x,
                width: 2,
                y: layout.values_title.y,
                height: layout.values.height + 1,
            };
            rule(buffer, column, &shared.theme);
        }
        self.draw_changes_title(buffer, layout.changes_title, shared);
        self.draw_changes(buffer, layout.changes, shared);
        self.draw_buttons(buffer, layout.buttons, shared);
    }

    fn draw_title(&self, buffer: &mut Buffer, area: Rect, shared: &Shared) {
        let theme = &shared.theme;
        let button = words::of(self.operation).button;
        let (name, namespace) = (self.name.text(), self.namespace.text());
        let place = match name {
            "" => format!(" {button} a release in {namespace} on {}", shared.context),
            name => format!(" {button} {name} in {namespace} on {}", shared.context),
        };
        let revisions = match &self.rendered {
            Some(Rendered { revisions: (from, to), .. }) if *from > 0 => {
                let began = self.base.as_ref().map_or(*from, |base| base.revision);
                let old = if began == *from { String::new() } else { format!(", from the values of {began}") };
                format!(":  {from} {} {to}{old}", theme.glyphs.arrow)
            }
            _ => String::new(),
        };
        let title = format!("{}{revisions}", safe::visible(&place));
        let used = put(buffer, area.x, area.y, area.width, &title, theme.heading);
        let (words, style) = self.state(shared);
        let width = (words.width() as u16).min(area.width.saturating_sub(used + 2));
        put(buffer, area.right().saturating_sub(width + 1), area.y, width, &words, style);
    }

    /// How the text stands to what is shown of it.
    fn state(&self, shared: &Shared) -> (String, Style) {
        let theme = &shared.theme;
        match (&self.stage, &self.answer) {
            (Stage::Reading, _) => (format!("{} reading the record", theme.glyphs.busy), theme.busy),
            (Stage::Incomplete(_), _) => (format!("{} incomplete", theme.glyphs.idle), theme.dim),
            (Stage::Rendering, _) => (format!("{} rendering", theme.glyphs.busy), theme.busy),
            (Stage::Faulty(_), _) => (format!("{} cannot be rendered", theme.glyphs.bad), theme.bad),
            (Stage::Fresh, None) => (format!("{} asking the cluster", theme.glyphs.busy), theme.busy),
            (Stage::Fresh, Some(Err(_))) => (format!("{} the cluster cannot be asked", theme.glyphs.bad), theme.bad),
            (Stage::Fresh, Some(Ok(answer))) => match answer.risks.len() {
                0 => (format!("{} rendered, asked", theme.glyphs.good), theme.good),
                1 => ("! 1 risk, see the review".to_owned(), theme.warn),
                count => (format!("! {count} risks, see the review"), theme.warn),
            },
        }
    }

    fn draw_fields(&self, buffer: &mut Buffer, area: Rect, shared: &Shared) {
        let new = if self.makes_namespace(shared) { "is not there: the review creates it" } else { "" };
        let recorded = self.base.as_ref().map(|base| {
            let metadata = base.chart.metadata();
            format!("{} {}, as recorded in revision {}; or type a path", metadata.name, metadata.version, base.revision)
        });
        let path = recorded.unwrap_or_else(|| "the path of a folder or an archive".to_owned());
        let chart = (Focus::Chart, "chart", &self.chart, path.as_str(), "");
        let fields = match self.operation {
            Operation::Install => vec![
                (Focus::Name, "name", &self.name, "", ""),
                (Focus::Namespace, "namespace", &self.namespace, "", new),
                chart,
            ],
            _ => vec![chart],
        };
        for ((focus, label, line, empty, note), y) in fields.into_iter().zip(area.top()..area.bottom()) {
            let row = Rect { y, height: 1, ..area };
            self.draw_field(buffer, row, (focus, label, line), (empty, note), shared);
        }
    }

    fn draw_field(
        &self,
        buffer: &mut Buffer,
        area: Rect,
        (focus, label, line): (Focus, &str, &LineEdit),
        (empty, note): (&str, &str),
        shared: &Shared,
    ) {
        let theme = &shared.theme;
        put(buffer, area.x + 1, area.y, LABEL, label, theme.dim);
        let inside = Rect { x: area.x + LABEL, width: area.width.saturating_sub(LABEL), ..area };
        let typing = self.focus == focus && self.typing;
        let used = match line.text() {
            "" if typing => 0,
            "" => put(buffer, inside.x, area.y, inside.width, &safe::visible(empty), theme.dim),
            text => put(buffer, inside.x, area.y, inside.width, &safe::visible(text), theme.text),
        };
        let (note, style) = if typing && used == 0 { (empty, theme.dim) } else { (note, theme.warn) };
        let rest = inside.width.saturating_sub(used + 2);
        put(buffer, inside.x + used + 2, area.y, rest, &safe::visible(note), style);
        if typing {
            // Over the rest: a long line scrolls with its cursor.
            line.view(buffer, Rect { width: inside.width.min(used + 1), ..inside }, "", theme);
        }
    }

    fn draw_values(&self, buffer: &mut Buffer, layout: &Layout, shared: &Shared) {
        let theme = &shared.theme;
        let (area, focused) = (layout.values_title, self.focus == Focus::Values);
        let style = if focused { theme.heading } else { theme.dim };
        let keys = |action: &Action| shared.keymap.key_of(action);
        let hint = match focused && self.typing {
            true => format!("{} undoes, {} ends", keys(&Action::Undo), keys(&Action::StopTyping)),
            false => format!("{} types here, {} in an editor", keys(&Action::EditValues), keys(&Action::Pager)),
        };
        let used = put(buffer, area.x, area.y, area.width, " Values", style);
        put(buffer, area.x + used + 2, area.y, area.width.saturating_sub(used + 3), &hint, theme.dim);
        self.values.view(buffer, layout.values, theme, (focused, focused && self.typing));
    }

    fn draw_changes_title(&self, buffer: &mut Buffer, area: Rect, shared: &Shared) {
        let theme = &shared.theme;
        let focused = self.focus == Focus::Changes;
        let mut x = area.x + 1;
        let against = self.rendered.as_ref().map_or(0, |rendered| rendered.revisions.0);
        let rendered = if against > 0 { format!("against revision {against}") } else { "rendered".to_owned() };
        for (shown, label) in [
            (Shown::Rendered, rendered.as_str()),
            (Shown::Live, "against live"),
            (Shown::Defaults, "the chart's values"),
        ] {
            let text = if shown == self.shown { format!("[{label}]") } else { format!(" {label} ") };
            let style = match shown == self.shown {
                true if focused => theme.heading,
                true => theme.text,
                false => theme.dim,
            };
            x += put(buffer, x, area.y, area.right().saturating_sub(x), &text, style) + 1;
        }
    }

    fn draw_changes(&self, buffer: &mut Buffer, area: Rect, shared: &Shared) {
        let theme = &shared.theme;
        let focused = self.focus == Focus::Changes;
        match (&self.stage, self.shown, &self.answer) {
            (Stage::Reading, ..) => {}
            (Stage::Incomplete(words), ..) => {
                draw_lines(buffer, area, [(*words, theme.text)]);
            }
            (Stage::Faulty(fault), ..) => self.draw_fault(buffer, area, &fault.report, fault.line, shared),
            (_, Shown::Defaults, _) => self.defaults.view(buffer, area, theme, focused),
            (_, Shown::Live, None) => {
                draw_lines(buffer, area, [("asking the cluster what this would do …", theme.dim)]);
            }
            (_, Shown::Live, Some(Err(report))) => self.draw_fault(buffer, area, report, None, shared),
            (_, Shown::Live, Some(Ok(answer))) => {
                let used = draw_lines(buffer, area, [(answer.headline.as_str(), theme.text)]);
                let rest = Rect { y: area.y + used, height: area.height.saturating_sub(used), ..area };
                self.changes.view(buffer, rest, theme, focused);
            }
            (_, Shown::Rendered, _) if self.rendered.is_some() => self.changes.view(buffer, area, theme, focused),
            (_, Shown::Rendered, _) => {}
        }
    }

    fn draw_fault(&self, buffer: &mut Buffer, area: Rect, report: &Report, line: Option<usize>, shared: &Shared) {
        let theme = &shared.theme;
        let place = line.map(|line| format!("line {line} of the values:"));
        let message = report.message.lines().map(|line| (line, theme.bad));
        let hints = report.hints.iter().flat_map(|hint| hint.lines()).map(|line| (line, theme.text));
        draw_lines(buffer, area, place.iter().map(|line| (line.as_str(), theme.heading)).chain(message).chain(hints));
    }

    fn draw_buttons(&self, buffer: &mut Buffer, area: Rect, shared: &Shared) {
        let theme = &shared.theme;
        let focused = self.focus == Focus::Buttons;
        let possible = matches!(self.stage, Stage::Fresh);
        let review = format!("[ Review  {} ]", shared.keymap.key_of(&Action::Review));
        let labels = [("[ Cancel ]", !self.go, true), (review.as_str(), self.go, possible)];
        let width: usize = labels.iter().map(|(label, ..)| label.width() + 2).sum();
        let mut x = area.right().saturating_sub(width as u16);
        let chart = self.rendered.as_ref().map(|rendered| rendered.chart.as_str()).unwrap_or_default();
        put(buffer, area.x + 1, area.y, x.saturating_sub(area.x + 2), &safe::visible(chart), theme.dim);
        for (label, chosen, possible) in labels {
            let style = match (chosen, focused) {
                (true, true) => theme.selected,
                _ if !possible => theme.dim,
                _ => theme.text,
            };
            x += put(buffer, x, area.y, area.right().saturating_sub(x), label, style) + 2;
        }
    }
}

fn inside_rule(area: Rect) -> Rect {
    Rect { x: area.x + 1, width: area.width.saturating_sub(1), ..area }
}

/// Draws lines, wrapped and made safe; the rows used.
fn draw_lines<'a>(buffer: &mut Buffer, area: Rect, lines: impl IntoIterator<Item = (&'a str, Style)>) -> u16 {
    let width = usize::from(area.width.saturating_sub(2));
    let rows = lines.into_iter().flat_map(|(line, style)| {
        wrap(&safe::visible(line), width).into_iter().map(move |row| (row, style)).collect::<Vec<_>>()
    });
    let mut used = 0;
    for ((row, style), y) in rows.zip(area.top()..area.bottom()) {
        put(buffer, area.x + 1, y, area.width.saturating_sub(1), &row, style);
        used += 1;
    }
    used
}
