//! What the room's tests share.

use std::collections::BTreeMap;

use super::{Options, app::App, config::Config, shared::Shared};
use crate::release::RecordMeta;

/// The time in tests: 2026-03-01T12:00:00Z, in milliseconds.
pub const CLOCK: i64 = 1_772_366_400_000;

/// What a screen reads, with defaults, without a connection.
pub fn shared() -> Shared {
    app().shared
}

/// A program that has not connected.
pub fn app() -> App {
    App::new(Options::default(), Config::default(), [7; 32], CLOCK, (false, false))
}

/// A record's metadata.
pub fn record(namespace: &str, name: &str, revision: u32, status: &str) -> RecordMeta {
    RecordMeta {
        record: format!("sh.helm.release.v1.{name}.v{revision}"),
        namespace: namespace.into(),
        name: name.into(),
        revision,
        status: status.into(),
        uid: format!("{namespace}-{name}-{revision}"),
        resource_version: "1".into(),
        created_at: CLOCK / 1000 - 3_600,
        modified_at: 0,
        writers: Vec::new(),
        annotations: BTreeMap::new(),
        labels: BTreeMap::new(),
    }
}
