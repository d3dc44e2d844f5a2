//! The rows of the home screen.

use std::sync::Arc;

use ratatui::style::Style;

use crate::{
    release::{RecordMeta, codec::Summary},
    tui::{
        format,
        shared::Shared,
        template::Fields,
        theme::Theme,
        widgets::{
            safe,
            table::{Cell, Column, Row, SortKey},
        },
    },
};

/// Health (ready, total) and how many objects drifted.
pub type Condition = ((u32, u32), usize);

/// After how many seconds a pending release is worth a mark.
const STUCK: i64 = 600;

/// The columns there are, in their usual order; extra ones come before the last.
pub const COLUMNS: &[&str] = &["name", "namespace", "revision", "status", "health", "drift", "chart", "app", "updated"];

/// Columns that need more than the list's metadata.
pub fn is_lazy(column: &str) -> bool {
    matches!(column, "health" | "drift" | "chart" | "app")
}

/// One release.
#[derive(Clone)]
pub struct ReleaseRow {
    /// `namespace/name`.
    key: Arc<str>,
    /// Its newest record.
    pub meta: Arc<RecordMeta>,
    /// Chart and app, once decoded; an error marks the row.
    pub summary: Option<Result<Arc<Summary>, Arc<str>>>,
    /// Health and drift, once read.
    pub condition: Option<Result<Condition, Arc<str>>>,
}

impl ReleaseRow {
    /// A row of which only the record's metadata is known.
    pub fn new(meta: RecordMeta) -> Self {
        let key = format!("{}/{}", meta.namespace, meta.name).into();
        Self { key, meta: Arc::new(meta), summary: None, condition: None }
    }

    /// Whether this is the row of that very record.
    pub fn is_of(&self, meta: &RecordMeta) -> bool {
        self.meta.uid == meta.uid && self.meta.resource_version == meta.resource_version
    }

    fn updated(&self) -> i64 {
        let decoded = self.summary.as_ref().and_then(|summary| summary.as_ref().ok());
        let told = decoded.and_then(|summary| format::seconds(summary.last_deployed.as_deref()?));
        let modified = if self.meta.modified_at > 0 { self.meta.modified_at } else { self.meta.created_at };
        told.unwrap_or(modified)
    }

    fn summarised(&self, shared: &Shared, part: impl Fn(&Summary) -> String) -> Cell {
        match &self.summary {
            Some(Ok(summary)) => Cell::plain(safe::visible(&part(summary))),
            Some(Err(_)) => Cell::painted("unreadable", shared.theme.bad),
            None => Cell::painted(shared.theme.glyphs.unknown, shared.theme.dim),
        }
    }

    fn conditioned(&self, shared: &Shared, part: impl Fn(&Condition) -> Cell) -> Cell {
        let theme = &shared.theme;
        match &self.condition {
            Some(Ok(condition)) => part(condition),
            Some(Err(_)) => Cell::painted("?", theme.warn),
            None if matches!(self.summary, Some(Err(_))) => Cell::painted(theme.glyphs.none, theme.dim),
            None => Cell::painted(theme.glyphs.unknown, theme.dim),
        }
    }

    fn status(&self, shared: &Shared) -> Cell {
        let (mut text, style) = format::status(&self.meta.status, &shared.theme);
        if self.meta.status.is_pending() && shared.now() - self.updated() > STUCK {
            text.push_str(" !");
        }
        Cell::painted(text, style)
    }

    fn fields(&self) -> Fields {
        let meta = &self.meta;
        let fields = Fields::default()
            .text("name", &meta.name)
            .text("namespace", &meta.namespace)
            .number("revision", meta.revision.into())
            .text("status", meta.status.as_str())
            .map("labels", &meta.labels)
            .map("annotations", &meta.annotations);
        match &self.summary {
            Some(Ok(summary)) => fields
                .text("chart", &summary.chart_name)
                .text("chartVersion", &summary.chart_version)
                .text("appVersion", &summary.app_version)
                .text("description", &summary.description),
            _ => fields,
        }
    }
}

fn health((ready, total): (u32, u32), theme: &Theme) -> Cell {
    if total == 0 {
        return Cell::painted(theme.glyphs.none, theme.dim);
    }
    let style = if ready == total { theme.good } else { theme.warn };
    let sign = if ready == total { "" } else { " !" };
    Cell::painted(format!("{ready}/{total}{sign}"), style)
}

fn drift(count: usize, theme: &Theme) -> Cell {
    match count {
        0 => Cell::painted(theme.glyphs.none, theme.dim),
        count => Cell::painted(format!("~{count}"), theme.warn),
    }
}

impl Row for ReleaseRow {
    fn key(&self) -> &str {
        &self.key
    }

    fn cell(&self, column: &str, shared: &Shared) -> Cell {
        let theme = &shared.theme;
        match column {
            "name" => Cell::plain(safe::visible(&self.meta.name)),
            "namespace" => Cell::painted(safe::visible(&self.meta.namespace), theme.dim),
            "revision" => Cell::plain(self.meta.revision.to_string()),
            "status" => self.status(shared),
            "health" => self.conditioned(shared, |condition| health(condition.0, theme)),
            "drift" => self.conditioned(shared, |condition| drift(condition.1, theme)),
            "chart" => self.summarised(shared, |summary| format!("{}-{}", summary.chart_name, summary.chart_version)),
            "app" => self.summarised(shared, |summary| summary.app_version.clone()),
            "updated" => Cell::plain(format::age(shared.now(), self.updated())),
            extra => match shared.extra_columns.iter().find(|(title, _)| title == extra) {
                Some((_, template)) => Cell::plain(safe::visible(&template.fill(&self.fields()))),
                None => Cell::default(),
            },
        }
    }

    fn sort_key(&self, column: &str) -> SortKey {
        let decoded = self.summary.as_ref().and_then(|summary| summary.as_ref().ok());
        let condition = self.condition.as_ref().and_then(|condition| condition.as_ref().ok());
        match column {
            "revision" => SortKey::Number(self.meta.revision.into()),
            "updated" => SortKey::Number(-self.updated()),
            "status" => SortKey::Text(self.meta.status.as_str().to_owned()),
            "namespace" => SortKey::Text(self.key.replace('/', "\0")),
            "health" => condition
                .map_or(SortKey::Unknown, |((ready, total), _)| SortKey::Number(i64::from(*ready) - i64::from(*total))),
            "drift" => condition.map_or(SortKey::Unknown, |(_, drift)| SortKey::Number(-(*drift as i64))),
            "chart" => decoded.map_or(SortKey::Unknown, |summary| {
                SortKey::Text(format!("{}-{}", summary.chart_name, summary.chart_version))
            }),
            "app" => decoded.map_or(SortKey::Unknown, |summary| SortKey::Text(summary.app_version.clone())),
            _ => SortKey::Text(format!("{}\0{}", self.meta.name, self.meta.namespace)),
        }
    }

    fn filter_text(&self, column: &str) -> String {
        let decoded = self.summary.as_ref().and_then(|summary| summary.as_ref().ok());
        match column {
            "name" => self.meta.name.clone(),
            "ns" | "namespace" => self.meta.namespace.clone(),
            "rev" | "revision" => self.meta.revision.to_string(),
            "status" => self.meta.status.as_str().to_owned(),
            "chart" => {
                decoded.map(|summary| format!("{}-{}", summary.chart_name, summary.chart_version)).unwrap_or_default()
            }
            "app" => decoded.map(|summary| summary.app_version.clone()).unwrap_or_default(),
            _ => format!("{} {} {}", self.meta.name, self.meta.namespace, self.meta.status.as_str()),
        }
    }

    fn style(&self, theme: &Theme) -> Style {
        if matches!(self.summary, Some(Err(_))) { theme.bad } else { theme.text }
    }
}

/// The columns the user wants.
pub fn columns(shared: &Shared) -> Vec<Column> {
    let usual = |name: &str| match name {
        "name" => Some(Column::new("name", "NAME", 12, 40, 0)),
        "namespace" => Some(Column::new("namespace", "NAMESPACE", 9, 24, 2)),
        "revision" => Some(Column::new("revision", "REV", 4, 6, 3).right()),
        "status" => Some(Column::new("status", "STATUS", 10, 20, 0)),
        "health" => Some(Column::new("health", "HEALTH", 7, 9, 1)),
        "drift" => Some(Column::new("drift", "DRIFT", 6, 6, 6)),
        "chart" => Some(Column::new("chart", "CHART", 12, 32, 8)),
        "app" => Some(Column::new("app", "APP", 6, 14, 9)),
        "updated" => Some(Column::new("updated", "UPDATED", 7, 8, 5)),
        _ => None,
    };
    let extra = |title: &str| Column::new(title, title, 4, 30, 7);
    let extras = || shared.extra_columns.iter().map(|(title, _)| title.as_str());
    let wanted: Vec<&str> = match shared.config.columns.as_slice() {
        [] => COLUMNS.iter().copied().chain(extras()).collect(),
        names => names.iter().map(String::as_str).collect(),
    };
    let known = |name: &&str| usual(name).is_some() || extras().any(|title| title == *name);
    wanted.into_iter().filter(known).map(|name| usual(name).unwrap_or_else(|| extra(name))).collect()
}

/// One namespace of the pane.
pub struct NamespaceRow {
    /// Its name, empty for all.
    pub name: String,
    /// How many releases it has.
    pub count: usize,
    /// Whether its records may not be read.
    pub forbidden: bool,
}

impl Row for NamespaceRow {
    fn key(&self) -> &str {
        &self.name
    }

    fn cell(&self, column: &str, shared: &Shared) -> Cell {
        let theme = &shared.theme;
        match column {
            "name" if self.name.is_empty() => Cell::plain("all"),
            "name" if self.forbidden => {
                Cell::plain(format!("{} {}", theme.glyphs.forbidden, safe::visible(&self.name)))
            }
            "name" => Cell::plain(safe::visible(&self.name)),
            _ if self.forbidden => Cell::painted("forbidden", theme.warn),
            _ => Cell::painted(self.count.to_string(), theme.dim),
        }
    }

    fn sort_key(&self, _column: &str) -> SortKey {
        SortKey::Text(self.name.clone())
    }

    fn filter_text(&self, _column: &str) -> String {
        self.name.clone()
    }

    fn style(&self, theme: &Theme) -> Style {
        if self.forbidden { theme.dim } else { theme.text }
    }
}
