//! Building blocks that know nothing of releases.

pub mod diff;
pub mod editor;
pub mod input;
pub mod safe;
pub mod table;
pub mod text;

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::Style,
    widgets::{Block, BorderType, Borders, Clear, Widget},
};

use unicode_width::UnicodeWidthStr;

use super::theme::Theme;

/// Writes text into one row, cut at `width` columns with `…`; returns the columns used.
pub fn put(buffer: &mut Buffer, x: u16, y: u16, width: u16, text: &str, style: Style) -> u16 {
    if width == 0 || !buffer.area.contains((x, y).into()) {
        return 0;
    }
    let width = width.min(buffer.area.right().saturating_sub(x));
    let text = safe::fit(text, width as usize);
    buffer.set_stringn(x, y, &text, width as usize, style).0 - x
}

/// Writes a line from column `left` on into a row, painted by spans: where each ends, in bytes, and its style.
pub fn put_spans(buffer: &mut Buffer, area: Rect, line: &str, left: usize, spans: &[(usize, Style)]) {
    let (mut start, mut column) = (0, 0);
    for (end, style) in spans {
        let Some(part) = line.get(start..*end) else {
            continue;
        };
        let width = part.width();
        let skip = left.saturating_sub(column);
        let x = column.saturating_sub(left);
        if skip < width && x < area.width as usize {
            let room = area.width as usize - x;
            put(buffer, area.x + x as u16, area.y, room as u16, &safe::slice(part, skip, room), *style);
        }
        (start, column) = (*end, column + width);
    }
}

/// A vertical rule at the left edge of `area`; returns what remains.
pub fn rule(buffer: &mut Buffer, area: Rect, theme: &Theme) -> Rect {
    if area.width < 2 {
        return area;
    }
    for y in area.top()..area.bottom() {
        buffer.set_string(area.x, y, theme.glyphs.vertical, theme.dim);
    }
    Rect { x: area.x + 1, width: area.width - 1, ..area }
}

/// Clears a centred box of at most `width` × `height` and frames it; returns the inside.
pub fn dialog(buffer: &mut Buffer, area: Rect, width: u16, height: u16, title: &str, theme: &Theme) -> Rect {
    let (width, height) = (width.min(area.width), height.min(area.height));
    let outer = Rect { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 3, width, height };
    Clear.render(outer, buffer);
    let block = Block::new()
        .borders(Borders::ALL)
        .border_type(if theme.glyphs.ascii { BorderType::Plain } else { BorderType::Rounded })
        .border_style(theme.accent)
        .style(theme.text)
        .title(format!(" {title} "));
    let block = if theme.glyphs.ascii { block.border_set(super::theme::ASCII_BORDER) } else { block };
    let inner = block.inner(outer);
    block.render(outer, buffer);
    Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner }
}

/// Empties an area.
pub fn blank(buffer: &mut Buffer, area: Rect, style: Style) {
    Clear.render(area, buffer);
    buffer.set_style(area, style);
}

/// Breaks a line at spaces into rows of at most `width` columns; words longer than a row are cut.
pub fn wrap(line: &str, width: usize) -> Vec<String> {
    let width = width.max(1);
    let mut rows = vec![String::new()];
    for word in line.split(' ') {
        let mut word = word.to_owned();
        let last = rows.last().map_or(0, |row| row.width());
        if last > 0 && last + 1 + word.width() > width {
            rows.push(String::new());
        } else if last > 0
            && let Some(row) = rows.last_mut()
        {
            row.push(' ');
        }
        while word.width() > width {
            let part = safe::slice(&word, 0, width);
            let rest = word[part.len()..].to_owned();
            if part.is_empty() {
                break;
            }
            if let Some(row) = rows.last_mut() {
                row.push_str(&part);
            }
            rows.push(String::new());
            word = rest;
        }
        if let Some(row) = rows.last_mut() {
            row.push_str(&word);
        }
    }
    rows
}
