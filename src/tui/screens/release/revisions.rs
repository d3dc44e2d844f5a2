//! The revisions of a release: the history scrubber's rows.

use std::sync::Arc;

use ratatui::style::Style;

use crate::{
    release::{RecordMeta, Release},
    tui::{
        format,
        shared::Shared,
        theme::Theme,
        widgets::{
            safe,
            table::{Cell, Column, Row, SortKey},
        },
    },
};

/// One revision.
pub struct RevisionRow {
    key: String,
    /// Its record.
    pub meta: RecordMeta,
    /// The record decoded; an error marks the row.
    pub release: Option<Result<Arc<Release>, Arc<str>>>,
}

impl RevisionRow {
    /// A revision of which only the record's metadata is known.
    pub fn new(meta: RecordMeta) -> Self {
        Self { key: meta.revision.to_string(), meta, release: None }
    }

    /// The decoded record.
    pub fn decoded(&self) -> Option<&Arc<Release>> {
        self.release.as_ref().and_then(|release| release.as_ref().ok())
    }

    fn updated(&self) -> i64 {
        let told = self.decoded().and_then(|release| format::seconds(release.info.last_deployed.as_deref()?));
        let modified = if self.meta.modified_at > 0 { self.meta.modified_at } else { self.meta.created_at };
        told.unwrap_or(modified)
    }
}

impl Row for RevisionRow {
    fn key(&self) -> &str {
        &self.key
    }

    fn cell(&self, column: &str, shared: &Shared) -> Cell {
        let theme = &shared.theme;
        match column {
            "revision" => Cell::plain(&self.key),
            "status" if matches!(self.release, Some(Err(_))) => {
                Cell::painted(format!("{} unreadable", theme.glyphs.bad), theme.bad)
            }
            "status" => {
                let (text, style) = format::status(&self.meta.status, theme);
                Cell::painted(text, style)
            }
            "age" => Cell::painted(format::age(shared.now(), self.updated()), theme.dim),
            _ => match self.decoded() {
                Some(release) => Cell::plain(safe::visible(&release.chart.metadata().app_version)),
                None if self.release.is_some() => Cell::painted(theme.glyphs.none, theme.dim),
                None => Cell::painted(theme.glyphs.unknown, theme.dim),
            },
        }
    }

    fn sort_key(&self, _column: &str) -> SortKey {
        SortKey::Number(-i64::from(self.meta.revision))
    }

    fn filter_text(&self, _column: &str) -> String {
        let described = self.decoded().map_or("", |release| release.info.description.as_str());
        format!("{} {} {described}", self.key, self.meta.status.as_str())
    }

    fn style(&self, theme: &Theme) -> Style {
        if matches!(self.release, Some(Err(_))) { theme.bad } else { theme.text }
    }
}

/// The columns of the pane.
pub fn columns() -> Vec<Column> {
    vec![
        Column::new("revision", "REV", 3, 6, 0).right(),
        Column::new("status", "STATUS", 10, 18, 0),
        Column::new("age", "AGE", 4, 5, 1).right(),
        Column::new("app", "APP", 5, 10, 2),
    ]
}
