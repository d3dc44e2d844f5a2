//! What every screen may read: connection, settings, time. Only the app changes it.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    config::Config,
    effect::{Live, Slot},
    highlight::Highlighter,
    keymap::Keymap,
    log::Entry,
    report::Report,
    screens::ScreenId,
    template::Display,
    theme::Theme,
};
use crate::{
    cluster::{ContextInfo, read::NamespaceInfo},
    diff::Redactor,
    release::{Driver, Storage},
};

/// What every screen may read.
pub struct Shared {
    /// Colours and glyphs.
    pub theme: Theme,
    /// The live keymap.
    pub keymap: Keymap,
    /// The user's settings.
    pub config: Config,
    /// The user's own columns: title and template.
    pub extra_columns: Vec<(String, Display)>,
    /// Milliseconds since 1970, handed in: updating reads no clock.
    pub clock: i64,
    /// Hides secrets.
    pub(super) redactor: Redactor,
    /// Whether secrets are revealed.
    pub revealed: bool,
    /// Why nothing may be changed, if so.
    pub read_only: Option<String>,
    /// Records of all namespaces of the connection, once there is one.
    pub storage: Option<Storage>,
    /// Which driver holds the records.
    pub driver: Driver,
    /// The context's name as far as known.
    pub context: String,
    /// The namespace shown; empty for all.
    pub namespace: String,
    /// The server's version, once it answered.
    pub version: Option<String>,
    /// Whether what is shown follows the cluster.
    pub live: Live,
    /// The kubeconfig's contexts.
    pub contexts: Vec<ContextInfo>,
    /// The namespaces, once they are known, or why they may not be listed.
    pub namespaces: Option<Result<Vec<NamespaceInfo>, Report>>,
    /// How many releases are known.
    pub releases: usize,
    /// YAML colours, once loaded.
    pub highlighter: Option<Arc<Highlighter>>,
    /// What was done in this session, oldest first.
    pub log: Vec<Entry>,
    /// Tasks somebody waits for: what they wait on and since when (on `clock`).
    pub waiting: BTreeMap<(ScreenId, Slot), (String, i64)>,
}

impl Shared {
    /// What hides secrets now: nothing once they are revealed.
    pub fn redactor(&self) -> Redactor {
        if self.revealed { self.redactor.revealed() } else { self.redactor.clone() }
    }

    /// Seconds since 1970.
    pub fn now(&self) -> i64 {
        self.clock / 1000
    }

    /// The names of the namespaces as far as known.
    pub fn namespace_names(&self) -> impl Iterator<Item = &str> {
        let known = self.namespaces.iter().flatten().flatten();
        known.map(|namespace| namespace.name.as_str())
    }

    /// Storage of one namespace.
    pub fn storage_in(&self, namespace: &str) -> Option<Storage> {
        self.storage.as_ref().map(|storage| storage.in_namespace(namespace))
    }
}
