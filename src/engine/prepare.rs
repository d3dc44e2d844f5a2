//! What an operation will do, fixed before anything of the release's objects is written.

mod content;
mod install;
mod objects;
mod rollback;
mod uninstall;
mod upgrade;

use std::{collections::BTreeMap, sync::Arc};

pub use content::Source;
pub(super) use content::file_name;
pub use install::{check_name, check_rendered, offline_install, prepare_install};
pub use rollback::{RollbackTarget, prepare_rollback};
pub use uninstall::prepare_uninstall;
pub(super) use upgrade::in_force;
pub use upgrade::prepare_upgrade;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{Error, Operation, Options, hooks, plan, time};
use crate::{
    chart::{self, Chart},
    cluster::{self, read::Target, wait::WaitStrategy},
    manifest::Object,
    release::{self, ApplyMethod, Hook, RecordMeta, Release, Storage, storage::SYSTEM_LABELS},
    values::Notice,
};

/// What is asked for, beside the options.
#[derive(Clone)]
pub enum Request {
    /// See [`prepare_install`].
    Install(Box<Source>),
    /// See [`prepare_upgrade`].
    Upgrade(Box<Source>),
    /// See [`prepare_rollback`].
    Rollback(RollbackTarget),
    /// See [`prepare_uninstall`].
    Uninstall,
}

impl Request {
    /// What it asks for.
    pub fn operation(&self) -> Operation {
        match self {
            Self::Install(_) => Operation::Install,
            Self::Upgrade(_) => Operation::Upgrade,
            Self::Rollback(_) => Operation::Rollback,
            Self::Uninstall => Operation::Uninstall,
        }
    }
}

/// Prepares what is asked for.
///
/// # Errors
/// Those of the operation.
pub async fn prepare(storage: &Storage, name: &str, request: Request, options: &Options) -> Result<Prepared, Error> {
    match request {
        Request::Install(source) => prepare_install(storage, name, *source, options).await,
        Request::Upgrade(source) => prepare_upgrade(storage, name, *source, options).await,
        Request::Rollback(target) => prepare_rollback(storage, name, target, options).await,
        Request::Uninstall => prepare_uninstall(storage, name, options).await,
    }
}

/// A revision with its record.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recorded {
    /// What is in it.
    #[serde(with = "plan::labelled")]
    pub release: Arc<Release>,
    /// Metadata of the record.
    pub meta: RecordMeta,
}

/// An operation ready to preview or execute. Holds the bytes that execute will apply. A plan keeps all of it: what a new
/// field holds has to be kept too, or be skipped with a reason.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prepared {
    /// What is done.
    pub operation: Operation,
    /// Release name.
    pub name: String,
    /// Release namespace.
    pub namespace: String,
    /// The newest record; its UID, revision and status belong to the basis.
    pub newest: Option<RecordMeta>,
    /// The revision that is in force, as far as records tell; `None` for an install.
    pub from: Option<Recorded>,
    /// The revision whose content is put in place: a rollback's target, what uninstall removes, else `next` itself.
    #[serde(with = "plan::labelled")]
    pub to: Arc<Release>,
    /// The record that will be written, not yet timed.
    #[serde(with = "plan::labelled")]
    pub next: Release,
    /// Definitions of the charts' `crds/` folders, put in place before everything else: path and objects of each file.
    pub definitions: Vec<(String, Vec<Object>)>,
    /// Files of these folders that an upgrade leaves alone, not yet read: the preview tells of them, so no plan needs them.
    #[serde(skip)]
    pub left_alone: Vec<(String, Bytes)>,
    /// Objects to apply, in install order, ownership labels and annotations set.
    pub objects: Vec<Object>,
    /// The order of sub-charts that `--wait=ordered` keeps.
    pub order: Option<chart::Order>,
    /// Objects of earlier revisions that `objects` lacks, `keep` left out; for an uninstall all, in its order.
    pub deletions: Vec<Object>,
    /// Originals of the three-way merge: the objects of `from`, and those that are taken over as they will be.
    pub originals: Vec<Object>,
    /// Objects that stay because their recorded policy is `keep`; told by uninstall.
    pub kept: Vec<Object>,
    /// Hooks that run before, in order.
    pub pre_hooks: Vec<Hook>,
    /// Hooks that run after, in order.
    pub post_hooks: Vec<Hook>,
    /// Method of this operation.
    pub method: ApplyMethod,
    /// Whether the method differs from that of `from`.
    pub method_switch: bool,
    /// Options as asked.
    pub options: Options,
    /// Things to tell before going on: target failed, a pending record's age and writer, one revision re-applied.
    pub warnings: Vec<String>,
    /// What Helm logs while it renders: told before anything else happens, so no plan needs it.
    #[serde(skip)]
    pub log: Vec<Notice>,
    /// All revisions' metadata when prepared, ascending.
    pub history: Vec<RecordMeta>,
}

impl Prepared {
    /// An operation that writes `next` to put `to` in place, with nothing to apply or delete yet.
    fn of(operation: Operation, to: Arc<Release>, next: Release, options: &Options) -> Self {
        let hooks = |event| if options.no_hooks { Vec::new() } else { hooks::ordered(&next.hooks, &event) };
        Self {
            pre_hooks: hooks(operation.before()),
            post_hooks: hooks(operation.after()),
            operation,
            name: next.name.clone(),
            namespace: next.namespace.clone(),
            newest: None,
            from: None,
            to,
            definitions: Vec::new(),
            left_alone: Vec::new(),
            objects: Vec::new(),
            order: None,
            deletions: Vec::new(),
            originals: Vec::new(),
            kept: Vec::new(),
            method: next.apply_method.unwrap_or_default(),
            method_switch: false,
            next,
            options: options.clone(),
            warnings: Vec::new(),
            log: Vec::new(),
            history: Vec::new(),
        }
    }

    /// The objects in the stages that they are applied in, each with its charts: all at once unless they are ordered.
    pub(super) fn stages(&self) -> Vec<(Vec<String>, Vec<&Object>)> {
        let Some(order) = &self.order else {
            return vec![(Vec::new(), self.objects.iter().collect())];
        };
        let mut stages: Vec<_> = (0..order.len()).map(|stage| (order.charts(stage), Vec::new())).collect();
        for object in &self.objects {
            if let Some((_, objects)) = stages.get_mut(order.stage_of(object.source.as_deref())) {
                objects.push(object);
            }
        }
        stages.retain(|(_, objects)| !objects.is_empty());
        stages
    }

    /// The objects of `crds/` that are put in place.
    pub(super) fn defined(&self) -> impl Iterator<Item = &Object> {
        self.definitions.iter().flat_map(|(_, objects)| objects)
    }

    /// Whether this is an object of `crds/`, which belongs to no release.
    pub(super) fn defines(&self, target: &Target) -> bool {
        let key = &target.key;
        self.defined().any(|object| object.kind() == key.kind && object.name() == key.name)
    }

    /// Whether fields that client-side `helm` owns move to server-side `helm` first. Helm does so on an upgrade only
    /// where the revision in force was applied client-side; how definitions were applied is not recorded.
    pub(super) fn migrates(&self, target: &Target) -> bool {
        let from = self.from.as_ref().and_then(|from| from.release.apply_method);
        self.operation != Operation::Upgrade || from != Some(ApplyMethod::ServerSide) || self.defines(target)
    }

    /// Whether custom resources are merged three-way on the client: where asked, and by an install that takes them over.
    pub(super) fn three_way(&self) -> bool {
        let adopts = self.operation == Operation::Install && self.options.take_ownership;
        self.options.three_way_custom_resources || adopts
    }

    /// The record as Helm shows it in a dry run.
    pub fn rehearsed(self) -> Release {
        // An install has Helm's words in any case.
        let description = match self.operation {
            Operation::Upgrade => self.options.description.as_str(),
            _ => "",
        };
        rehearsed(self.next, description)
    }

    /// The revision in force; 0 where there is none.
    pub fn from_revision(&self) -> u32 {
        self.from.as_ref().map_or(0, |from| from.release.revision)
    }

    /// Options that contradict the method, in the words of helm/helm `pkg/kube/client.go`. Helm finds out after it wrote
    /// the record, so the headless way does too; a preview and a reviewed execute refuse at once.
    pub(super) fn contradiction(&self) -> Option<&'static str> {
        let server_side = self.method == ApplyMethod::ServerSide;
        let Options { force_conflicts, force_replace, .. } = self.options;
        if !server_side && force_conflicts {
            Some("invalid client update option(s): forceConflicts enabled when serverSideApply disabled")
        } else if force_conflicts && force_replace {
            Some("invalid operation: cannot use force conflicts and force replace together")
        } else if server_side && force_replace {
            Some("invalid operation: cannot use server-side apply and force replace together")
        } else {
            None
        }
    }
}

/// Helm's rule for release names (helm/helm `pkg/chart/v2/util/validate_name.go`): DNS labels joined by dots, at most 53 bytes.
pub fn valid_name(name: &str) -> bool {
    let alphanumeric = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let label = |label: &str| {
        let bytes = label.as_bytes();
        bytes.first().is_some_and(|byte| alphanumeric(*byte))
            && bytes.last().is_some_and(|byte| alphanumeric(*byte))
            && bytes.iter().all(|byte| alphanumeric(*byte) || *byte == b'-')
    };
    name.len() <= 53 && name.split('.').all(label)
}

/// All revisions' metadata, ascending; where the cluster does not tell them, in the words of Helm's driver
/// (helm/helm `pkg/storage/driver/secrets.go`, `Query`).
///
/// # Errors
/// Those, and [`release::Error::NotFound`].
pub async fn history(storage: &Storage, name: &str) -> Result<Vec<RecordMeta>, release::Error> {
    storage.history(name).await.map_err(|error| match error {
        release::Error::Cluster(error) => {
            let message = format!("query: failed to query with labels: {}", error.message);
            cluster::Error { message, ..error }.into()
        }
        error => error,
    })
}

/// The revisions of a release; none where there is no release.
pub(super) async fn history_or_none(storage: &Storage, name: &str) -> Result<Vec<RecordMeta>, release::Error> {
    match history(storage, name).await {
        Err(release::Error::NotFound) => Ok(Vec::new()),
        history => history,
    }
}

/// Where the objects of a release live: old records do not name it, and are stored in the same namespace.
pub(super) fn namespace_of(release: &Release, storage: &Storage) -> String {
    let namespace = if release.namespace.is_empty() { storage.namespace() } else { &release.namespace };
    namespace.to_owned()
}

/// The storage of the cluster's own namespace where it has none: a name is only one release's within one namespace.
fn namespaced(storage: &Storage) -> Storage {
    match storage.namespace() {
        "" => storage.in_namespace(storage.cluster().namespace()),
        _ => storage.clone(),
    }
}

/// The order of a chart's sub-charts, where it is asked for.
fn order(chart: &Chart, options: &Options) -> Result<Option<chart::Order>, Error> {
    let asked = options.wait == WaitStrategy::Ordered;
    asked.then(|| chart::Order::of(chart)).transpose().map_err(Error::Refused)
}

fn rehearsed(mut release: Release, description: &str) -> Release {
    let now = time::now();
    release.info.first_deployed.get_or_insert_with(|| now.clone());
    release.info.last_deployed = Some(now);
    release.info.description = if description.is_empty() { "Dry run complete" } else { description }.to_owned();
    release
}

/// Refuses labels for a release that Helm sets itself.
///
/// # Errors
/// Helm's words.
pub fn check_labels(labels: &BTreeMap<String, String>) -> Result<(), Error> {
    if SYSTEM_LABELS.iter().any(|own| labels.contains_key(*own)) {
        let words = "user supplied labels contains system reserved label name. System labels:";
        return Err(Error::Refused(format!("{words} [{}]", SYSTEM_LABELS.join(" "))));
    }
    Ok(())
}
