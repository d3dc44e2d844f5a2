//! Preparing a rollback (helm/helm `pkg/action/rollback.go`).

use super::{
    Prepared, Recorded, history, namespace_of, namespaced,
    objects::{deletion_baseline, missing_from, originals, target_objects},
    valid_name,
};
use crate::{
    engine::{Error, Operation, Options, record, recreate},
    release::{ApplyMethod, Info, RecordMeta, Release, Status, Storage},
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

/// Prepares a rollback of `name` in the storage's namespace. No writes.
///
/// # Errors
/// [`Error::Refused`] in Helm's words: no such release or revision, a manifest that cannot be read.
pub async fn prepare_rollback(
    storage: &Storage,
    name: &str,
    target: RollbackTarget,
    options: &Options,
) -> Result<Prepared, Error> {
    if !valid_name(name) {
        return Err(Error::Refused(format!("prepareRollback: Release name is invalid: {name}")));
    }
    let storage = &namespaced(storage);
    let history = history(storage, name).await?;
    let newest = history.last().cloned().ok_or(crate::release::Error::NotFound)?;
    let mut warnings = Vec::new();
    warnings.extend(record::notice(storage, &newest));

    let from = storage.decode(&newest).await?;
    let to_meta = choose_target(storage, name, &history, target, &mut warnings).await?;
    let to = storage.decode(&to_meta).await?;
    if to.info.status == Status::Failed && to_meta.revision != newest.revision {
        warnings.push(format!("revision {} failed when it was applied: {}", to_meta.revision, to.info.description));
    }

    let namespace = namespace_of(&from, storage);
    let method = options.server_side.method(to.apply_method.unwrap_or_default());
    let next = next_release(name, &namespace, &from, &to, method);
    let objects = target_objects(&next, "unable to build kubernetes objects from new release manifest")?;
    recreate::check(options, next.revision, &objects)?;
    let baseline = deletion_baseline(storage, &history, &mut warnings).await;
    let deletions = missing_from(&objects, &baseline, &namespace, &mut warnings);
    Ok(Prepared {
        originals: originals(&from)?,
        method_switch: method != from.apply_method.unwrap_or_default(),
        newest: Some(newest.clone()),
        from: Some(Recorded { release: from, meta: newest }),
        objects,
        deletions,
        warnings,
        history,
        ..Prepared::of(Operation::Rollback, to, next, options)
    })
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
            good.ok_or(Error::NoGood(current))?
        }
    };
    history
        .iter()
        .find(|meta| meta.revision == wanted)
        .cloned()
        .ok_or_else(|| Error::Refused(format!("release has no {wanted} version")))
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
