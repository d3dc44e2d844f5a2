//! What an operation will do, fixed before anything is read from live objects.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use super::{
    Error, hooks,
    objects::{self, key_in},
    time,
};
use crate::{
    cluster::wait::WaitStrategy,
    manifest::{self, Object},
    release::{ApplyMethod, Hook, HookEvent, Info, RecordMeta, Release, Status, Storage},
};

/// Which revision to go back to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum RollbackTarget {
    /// Helm's: the current revision minus one; the only revision again where there is just one.
    #[default]
    Previous,
    /// The newest one below the current that really was deployed.
    LastGood,
    /// This one; 0 means `Previous`, as on Helm's command line.
    Revision(u32),
}

/// `--server-side` of rollback.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ServerSideMode {
    /// As the target revision was applied.
    #[default]
    Auto,
    /// Server-side.
    True,
    /// Client-side.
    False,
}

/// Every flag of `helm rollback`, and ours.
#[derive(Debug, Clone, PartialEq)]
pub struct RollbackOptions {
    /// Where to.
    pub target: RollbackTarget,
    /// Bound of each hook and of the wait.
    pub timeout: Duration,
    /// `--wait`.
    pub wait: WaitStrategy,
    /// `--wait-for-jobs`.
    pub wait_for_jobs: bool,
    /// `--no-hooks`.
    pub no_hooks: bool,
    /// `--force-replace`.
    pub force_replace: bool,
    /// `--force-conflicts`, and "take these fields" in Review.
    pub force_conflicts: bool,
    /// `--server-side`.
    pub server_side: ServerSideMode,
    /// `--cleanup-on-fail`.
    pub cleanup_on_fail: bool,
    /// `--history-max`; 0 means no limit.
    pub history_max: usize,
    /// `--three-way-custom-resources`: drift in custom resources is corrected client-side too.
    pub three_way_custom_resources: bool,
}

impl Default for RollbackOptions {
    fn default() -> Self {
        Self {
            target: RollbackTarget::default(),
            timeout: Duration::from_secs(300),
            wait: WaitStrategy::HookOnly,
            wait_for_jobs: false,
            no_hooks: false,
            force_replace: false,
            force_conflicts: false,
            server_side: ServerSideMode::Auto,
            cleanup_on_fail: false,
            history_max: 10,
            three_way_custom_resources: false,
        }
    }
}

/// A rollback ready to preview or execute. Holds the bytes that execute will apply.
#[derive(Clone)]
pub struct Prepared {
    /// Release name.
    pub name: String,
    /// Release namespace.
    pub namespace: String,
    /// The newest revision.
    pub from: Arc<Release>,
    /// Metadata of its record: UID, revision and status belong to the basis.
    pub from_meta: RecordMeta,
    /// The revision gone back to.
    pub to: Arc<Release>,
    /// The record that will be written, not yet timed.
    pub next: Release,
    /// Objects to apply, in install order, ownership labels and annotations set.
    pub objects: Vec<Object>,
    /// Deletion baseline: objects of revisions from the last deployed through the newest that `objects` lacks, `keep` left out.
    pub deletions: Vec<Object>,
    /// The current revision's objects, originals of the three-way merge.
    pub originals: Vec<Object>,
    /// Hooks that run before the apply, in order.
    pub pre_hooks: Vec<Hook>,
    /// Hooks that run after it, in order.
    pub post_hooks: Vec<Hook>,
    /// Method of this operation.
    pub method: ApplyMethod,
    /// Whether the method differs from the current revision's.
    pub method_switch: bool,
    /// Options as asked.
    pub options: RollbackOptions,
    /// Things to tell before going on: target failed, a pending record's age and writer, one revision re-applied.
    pub warnings: Vec<String>,
    /// All revisions' metadata when prepared, ascending.
    pub history: Vec<RecordMeta>,
}

impl Prepared {
    /// Options that contradict the method, in the words of helm/helm `pkg/kube/client.go`. Helm finds out after it wrote
    /// the record, so the headless way does too; a preview and a reviewed execute refuse at once.
    pub(super) fn contradiction(&self) -> Option<&'static str> {
        let server_side = self.method == ApplyMethod::ServerSide;
        let RollbackOptions { force_conflicts, force_replace, .. } = self.options;
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

/// Prepares a rollback of `name` in the storage's namespace. No writes.
pub async fn prepare_rollback(storage: &Storage, name: &str, options: &RollbackOptions) -> Result<Prepared, Error> {
    if !valid_name(name) {
        return Err(Error::Refused(format!("prepareRollback: Release name is invalid: {name}")));
    }
    // A name is only one release's within one namespace.
    let storage = &match storage.namespace() {
        "" => storage.in_namespace(storage.cluster().namespace()),
        _ => storage.clone(),
    };
    let history = storage.history(name).await?;
    let from_meta = history.last().cloned().ok_or(crate::release::Error::NotFound)?;
    let mut warnings = Vec::new();
    warnings.extend(pending_notice(&from_meta, time::now_seconds()));

    let from = storage.decode(&from_meta).await?;
    let to_meta = choose_target(storage, name, &history, options.target, &mut warnings).await?;
    let to = storage.decode(&to_meta).await?;
    if to.info.status == Status::Failed && to_meta.revision != from_meta.revision {
        warnings.push(format!("revision {} failed when it was applied: {}", to_meta.revision, to.info.description));
    }

    let namespace = if from.namespace.is_empty() { storage.namespace().to_owned() } else { from.namespace.clone() };
    let objects = target_objects(&to, name, &namespace)?;
    let baseline = deletion_baseline(storage, &history, &mut warnings).await;
    let deletions = missing_from(&objects, &baseline, &namespace, &mut warnings);
    let originals = match manifest::read(&from.manifest) {
        Ok(originals) => originals,
        Err(error) => {
            return Err(Error::Refused(format!(
                "unable to build kubernetes objects from current release manifest: {error}"
            )));
        }
    };

    let method = match options.server_side {
        ServerSideMode::Auto => to.apply_method.unwrap_or_default(),
        ServerSideMode::True => ApplyMethod::ServerSide,
        ServerSideMode::False => ApplyMethod::ClientSide,
    };
    let next = next_release(name, &namespace, &from, &to, method);
    let hooks_for = |event| {
        if options.no_hooks { Vec::new() } else { hooks::ordered(&next.hooks, &event) }
    };
    Ok(Prepared {
        pre_hooks: hooks_for(HookEvent::PreRollback),
        post_hooks: hooks_for(HookEvent::PostRollback),
        name: name.to_owned(),
        method_switch: method != from.apply_method.unwrap_or_default(),
        namespace,
        from,
        from_meta,
        to,
        next,
        objects,
        deletions,
        originals,
        method,
        options: options.clone(),
        warnings,
        history,
    })
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

/// What to say about a record that another operation holds: its age, who wrote it, and whether that writer still beats.
/// `now` is in seconds since 1970. `None` for a record that nobody holds.
pub fn pending_notice(meta: &RecordMeta, now: i64) -> Option<String> {
    if !meta.status.is_pending() {
        return None;
    }
    let since = meta.created_at.max(meta.modified_at);
    let writer = meta.writers.first().map_or("an unknown writer", |(manager, _)| manager.as_str());
    let mut notice = format!(
        "revision {} is {} for {}, written by {writer}",
        meta.revision,
        meta.status.as_str(),
        time::age(now - since)
    );
    if let Some(beat) = meta.annotations.get(super::record::HEARTBEAT).and_then(|text| time::seconds(text)) {
        let holder = meta.annotations.get(super::record::HOLDER).map_or("its holder", String::as_str);
        let quiet = now - beat;
        if quiet <= super::record::ALIVE_SECONDS {
            notice.push_str(&format!("; {holder} is still at work"));
        } else {
            notice.push_str(&format!("; {holder} was last heard {} ago", time::age(quiet)));
        }
    }
    Some(notice)
}

async fn choose_target(
    storage: &Storage,
    name: &str,
    history: &[RecordMeta],
    target: RollbackTarget,
    warnings: &mut Vec<String>,
) -> Result<RecordMeta, Error> {
    let current = history.last().map_or(0, |meta| meta.revision);
    let wanted = match target {
        RollbackTarget::Previous | RollbackTarget::Revision(0) if history.len() == 1 => {
            warnings.push(format!("revision {current} is the only one; it is applied again"));
            current
        }
        RollbackTarget::Previous | RollbackTarget::Revision(0) => current.saturating_sub(1),
        RollbackTarget::Revision(revision) => revision,
        RollbackTarget::LastGood => {
            let good = storage.last_good(name, current).await?;
            good.ok_or_else(|| Error::Refused(format!("no revision below {current} was deployed successfully")))?
        }
    };
    history
        .iter()
        .find(|meta| meta.revision == wanted)
        .cloned()
        .ok_or_else(|| Error::Refused(format!("release has no {wanted} version")))
}

async fn decode(storage: &Storage, metas: &[RecordMeta], warnings: &mut Vec<String>) -> Vec<Arc<Release>> {
    let mut releases = Vec::with_capacity(metas.len());
    for (meta, decoded) in metas.iter().zip(storage.decode_many(metas).await) {
        match decoded {
            Ok(release) => releases.push(release),
            Err(error) => warnings.push(format!("revision {} cannot be read: {error}", meta.revision)),
        }
    }
    releases
}

/// The revisions whose objects may be in the cluster, newest first: from the last deployed one through the newest.
/// Where a failed rollback left none deployed, the last good one stands in for it, and without that the oldest.
async fn deletion_baseline(storage: &Storage, history: &[RecordMeta], warnings: &mut Vec<String>) -> Vec<Arc<Release>> {
    let Some(newest) = history.last() else {
        return Vec::new();
    };
    let start = match history.iter().rposition(|meta| meta.status == Status::Deployed) {
        Some(start) => start,
        None => {
            // One that cannot be told leaves all revisions in the baseline: more to look at, nothing missed.
            let good = storage.last_good(&newest.name, newest.revision + 1).await;
            let good = good.unwrap_or_default();
            history.iter().position(|meta| Some(meta.revision) == good).unwrap_or(0)
        }
    };
    let mut releases = decode(storage, &history[start..], warnings).await;
    releases.reverse();
    releases
}

/// Objects of the baseline that the target lacks, each in its newest form, without those that are to be kept.
fn missing_from(
    objects: &[Object],
    baseline: &[Arc<Release>],
    namespace: &str,
    warnings: &mut Vec<String>,
) -> Vec<Object> {
    let mut seen: BTreeSet<_> = objects.iter().map(|object| key_in(object, namespace)).collect();
    let mut missing = Vec::new();
    for release in baseline {
        match manifest::read(&release.manifest) {
            Ok(recorded) => {
                for object in recorded {
                    let unseen = seen.insert(key_in(&object, namespace));
                    if unseen && !objects::is_kept(&object) && !object.name().is_empty() {
                        missing.push(object);
                    }
                }
            }
            Err(error) => warnings.push(format!(
                "the manifest of revision {} cannot be read, so objects that only it had stay: {error}",
                release.revision
            )),
        }
    }
    missing
}

fn target_objects(to: &Release, name: &str, namespace: &str) -> Result<Vec<Object>, Error> {
    let mut objects = manifest::read(&to.manifest).map_err(|error| {
        Error::Refused(format!("unable to build kubernetes objects from new release manifest: {error}"))
    })?;
    for object in &mut objects {
        if object.name().is_empty() {
            return Err(Error::Refused(nameless(object)));
        }
        objects::own(object, name, namespace);
    }
    manifest::install_order(&mut objects);
    Ok(objects)
}

fn nameless(object: &Object) -> String {
    let template = object.source.as_deref().unwrap_or("the manifest");
    let kind = object.kind();
    if object.value["metadata"]["generateName"].is_string() {
        format!("{template}: {kind} has metadata.generateName, which only hooks may have: give it a metadata.name")
    } else {
        format!("{template}: {kind} has no metadata.name")
    }
}

fn next_release(name: &str, namespace: &str, from: &Release, to: &Release, method: ApplyMethod) -> Release {
    Release {
        name: name.to_owned(),
        namespace: namespace.to_owned(),
        revision: from.revision + 1,
        info: Info {
            first_deployed: from.info.first_deployed.clone(),
            status: Status::PendingRollback,
            description: format!("Rollback to {}", to.revision),
            notes: to.info.notes.clone(),
            ..Info::default()
        },
        chart: to.chart.clone(),
        config: to.config.clone(),
        manifest: to.manifest.clone(),
        hooks: to.hooks.clone(),
        labels: to.labels.clone(),
        apply_method: Some(method),
        ..Release::default()
    }
}
