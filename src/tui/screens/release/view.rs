//! Where things stand on *Release*, and drawing them.

use ratatui::{buffer::Buffer, layout::Rect};

use super::{Against, ReleaseScreen, TABS, Tab};
use crate::tui::{
    keymap::Action,
    shared::Shared,
    widgets::{put, safe, wrap},
};

impl ReleaseScreen {
    pub(super) fn areas(area: Rect) -> (Rect, Rect) {
        let width = if area.width >= 110 { 42 } else { 30 };
        (Rect { width, ..area }, Rect { x: area.x + width, width: area.width.saturating_sub(width), ..area })
    }

    /// The body's part of the right side: tabs and heading left out.
    pub(super) fn body(right: Rect) -> Rect {
        Rect {
            x: right.x + 1,
            y: right.y + 2,
            width: right.width.saturating_sub(1),
            height: right.height.saturating_sub(2),
        }
    }

    pub(super) fn view_tabs(&self, buffer: &mut Buffer, area: Rect, shared: &Shared) {
        let theme = &shared.theme;
        let mut x = area.x + 1;
        for (index, (tab, long, short)) in TABS.iter().enumerate() {
            let chosen = *tab == self.tab;
            let style = if chosen { theme.selected } else { theme.text };
            let title = if chosen || area.width >= 74 { long } else { short };
            let room = area.right().saturating_sub(x);
            x += put(buffer, x, area.y, room, &format!("{} {title}", index + 1), style) + 1;
        }
    }

    /// What the body shows, in words.
    pub(super) fn heading(&self, shared: &Shared) -> String {
        let key = |action: &Action| shared.keymap.key_of(action);
        let Some(selected) = self.selected() else {
            return String::new();
        };
        match self.tab {
            Tab::Changes => {
                let place = |is: bool, text: String| if is { format!("[{text}]") } else { text };
                let previous = self.before(selected).map_or("nothing".into(), |before| before.to_string());
                let marked = self.marked().map_or("marked".into(), |marked| format!("marked {marked}"));
                format!(
                    "revision {selected} against  {}  {}  {}   {} changes it",
                    place(self.against == Against::Previous, previous),
                    place(self.against == Against::Marked, marked),
                    place(self.against == Against::Live, "live".into()),
                    key(&Action::Against),
                )
            }
            Tab::Values => {
                let (word, key) = (self.values.word(), key(&Action::Tab(3)));
                format!("{word} values of revision {selected}   {key} changes it")
            }
            _ => {
                let described =
                    self.release(selected).map(|release| release.info.description.as_str()).unwrap_or_default();
                let more = match self.tab {
                    Tab::Manifest => format!("   {} where a line comes from", key(&Action::Provenance)),
                    _ => String::new(),
                };
                format!("revision {selected}{more}   {}", safe::visible(described))
            }
        }
    }

    pub(super) fn why_empty(&self) -> Option<(String, bool)> {
        if let Some(trouble) = &self.trouble {
            return Some((trouble.clone(), true));
        }
        match self.selected() {
            None if !self.loaded => Some(("reading revisions …".into(), false)),
            None => Some((format!("there is no release {} in {} any more", self.name, self.namespace), true)),
            Some(selected) if self.release(selected).is_none() => {
                Some((format!("reading revision {selected} …"), false))
            }
            Some(_) if self.tab == Tab::Changes && self.changes.is_empty() => {
                Some(("there are no objects".into(), false))
            }
            Some(_) => None,
        }
    }

    pub(super) fn view_body(&self, buffer: &mut Buffer, area: Rect, shared: &Shared) {
        let theme = &shared.theme;
        if let Some((why, bad)) = self.why_empty() {
            for (line, y) in wrap(&safe::visible(&why), area.width as usize).iter().zip(area.top()..area.bottom()) {
                put(buffer, area.x, y, area.width, line, if bad { theme.bad } else { theme.dim });
            }
            return;
        }
        match self.tab {
            Tab::Changes => self.changes.view(buffer, area, theme, self.on_body),
            Tab::Manifest => self.manifest.view(buffer, area, shared, self.on_body),
            Tab::Resources => self.resources.view(buffer, area, shared, self.on_body),
            Tab::Hooks => self.hooks.view(buffer, area, shared, self.on_body),
            _ => self.text.view(buffer, area, theme, false),
        }
    }
}
