//! The frame around every screen: header, footer, layers.

use ratatui::{buffer::Buffer, layout::Rect};
use unicode_width::UnicodeWidthStr;

use super::{
    app::{App, LEAST},
    effect::Live,
    format,
    keymap::Spec,
    widgets::{put, safe},
};

/// The part of the terminal that is the screen's: header and footer left out.
pub fn inside(area: Rect) -> Rect {
    Rect { y: area.y + 1, height: area.height.saturating_sub(2), ..area }
}

/// Draws everything.
pub fn view(app: &App, buffer: &mut Buffer) {
    let area = buffer.area;
    let theme = &app.shared.theme;
    buffer.set_style(area, theme.text);
    if area.width < LEAST.0 || area.height < LEAST.1 {
        let text = format!("{}×{} is too small: {}×{} at least", area.width, area.height, LEAST.0, LEAST.1);
        let y = area.y + area.height / 2;
        put(buffer, area.x, y, area.width, &text, theme.text);
        return;
    }
    header(app, buffer, Rect { height: 1, ..area });
    app.screen().part().view(buffer, inside(area), &app.shared);
    footer(app, buffer, Rect { y: area.bottom() - 1, height: 1, ..area });
    for layer in app.layers() {
        layer.view(buffer, area, &app.shared);
    }
}

/// ` pilothouse  prod-eu ▸ payments ▸ checkout            ⟳ 1 running · k8s 1.33 · 214 releases · ● live`
fn header(app: &App, buffer: &mut Buffer, area: Rect) {
    let shared = &app.shared;
    let theme = &shared.theme;
    buffer.set_style(area, theme.bar);
    let right = status(app);
    let room = area.width.saturating_sub(right.width() as u16 + 2);
    let mut x = area.x + put(buffer, area.x, area.y, room, " pilothouse  ", theme.bar);
    let production = shared.config.is_production(&shared.context);
    let context = if production {
        format!(" {} ", safe::visible(&shared.context))
    } else {
        safe::visible(&shared.context).into()
    };
    x +=
        put(buffer, x, area.y, room.saturating_sub(x), &context, if production { theme.production } else { theme.bar });
    for crumb in app.screen().part().crumbs() {
        let text = format!(" {} {}", theme.glyphs.separator, safe::visible(&crumb));
        x += put(buffer, x, area.y, room.saturating_sub(x), &text, theme.bar);
    }
    if let Some((badge, style)) = app.screen().part().badge(shared) {
        x += put(buffer, x, area.y, room.saturating_sub(x), "  ", theme.bar);
        put(buffer, x, area.y, room.saturating_sub(x), &badge, theme.bar.patch(style));
    }
    let width = right.width() as u16;
    put(buffer, area.right().saturating_sub(width + 1), area.y, width, &right, theme.bar);
}

fn status(app: &App) -> String {
    let shared = &app.shared;
    let glyphs = &shared.theme.glyphs;
    let mut parts = Vec::new();
    match app.running().len() {
        0 => {}
        count => parts.push(format!("{} {count} running", glyphs.running)),
    }
    if let Some(why) = &shared.read_only {
        parts.push(if app.size().0 < 100 { "read-only".into() } else { why.clone() });
    }
    if let Some(version) = &shared.version {
        parts.push(format!("k8s {}", safe::visible(version.trim_start_matches('v'))));
    }
    if shared.releases > 0 {
        let word = if shared.releases == 1 { "release" } else { "releases" };
        parts.push(format!("{} {word}", shared.releases));
    }
    parts.push(match &shared.live {
        Live::Connecting => format!("{} connecting", glyphs.busy),
        Live::Live if shared.storage.as_ref().is_some_and(|storage| !storage.is_watched()) => {
            format!("{} as last read, ctrl-r reads again", glyphs.live)
        }
        Live::Live => format!("{} live", glyphs.live),
        Live::Reconnecting(since) => {
            format!("{} reconnecting, stale since {}", glyphs.busy, format::age(shared.now(), *since))
        }
        Live::Down => format!("{} not connected", glyphs.bad),
    });
    parts.join(&format!(" {} ", glyphs.dot))
}

/// The flash, what is waited on, or the keys of this place.
fn footer(app: &App, buffer: &mut Buffer, area: Rect) {
    let theme = &app.shared.theme;
    if let Some(flash) = app.flash() {
        let (glyph, style) = if flash.bad { (theme.glyphs.bad, theme.bad) } else { (theme.glyphs.good, theme.good) };
        put(buffer, area.x, area.y, area.width, &format!(" {glyph} {}", safe::visible(&flash.text)), style);
        return;
    }
    if let Some(what) = app.waiting() {
        let text = format!(" {} waiting for {} · esc stops", theme.glyphs.busy, safe::visible(what));
        put(buffer, area.x, area.y, area.width, &text, theme.busy);
        return;
    }
    keys(app, buffer, area);
}

fn keys(app: &App, buffer: &mut Buffer, area: Rect) {
    let theme = &app.shared.theme;
    let place = app.place();
    let hints: Vec<(&Spec, String)> = app
        .shared
        .keymap
        .rows()
        .filter(|(spec, _)| spec.applies(place) && !spec.hint.is_empty())
        .filter_map(|(spec, keys)| Some((spec, keys.first()?.to_string())))
        .collect();
    // Command and help come last and are always there.
    let tail = hints.len().saturating_sub(2);
    let width = |hint: &(&Spec, String)| (hint.1.width() + hint.0.hint.width() + 3) as u16;
    let kept: u16 = hints[tail..].iter().map(width).sum();
    let mut x = area.x + 1;
    for (index, hint) in hints.iter().enumerate() {
        let reserved = if index < tail { kept } else { 0 };
        if x + width(hint) + reserved > area.right() + 2 {
            continue;
        }
        let (spec, key) = hint;
        let dim = spec.mutates && app.shared.read_only.is_some();
        let (first, second) = if dim { (theme.dim, theme.dim) } else { (theme.accent, theme.text) };
        x += put(buffer, x, area.y, area.width, key, first) + 1;
        x += put(buffer, x, area.y, area.width, spec.hint, second) + 2;
    }
}
