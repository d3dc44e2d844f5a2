//! Preparing an uninstall (helm/helm `pkg/action/uninstall.go`).

use super::{
    Prepared, Recorded, history, namespace_of, namespaced,
    objects::{deletion_baseline, missing_from},
    valid_name,
};
use crate::{
    engine::{Error, Operation, Options, objects, record},
    manifest::{self, Object},
    release::{self, Release, Status, Storage},
};

/// Prepares an uninstall of `name` in the storage's namespace. No writes.
///
/// # Errors
/// [`Error::Refused`] in Helm's words: no such release, or one that is uninstalled already while its history is kept.
pub async fn prepare_uninstall(storage: &Storage, name: &str, options: &Options) -> Result<Prepared, Error> {
    if !valid_name(name) {
        return Err(Error::Refused(format!("uninstall: Release name is invalid: {name}")));
    }
    let storage = &namespaced(storage);
    let history = history(storage, name).await.map_err(|error| match error {
        release::Error::NotFound => Error::NotLoaded(name.to_owned()),
        error => Error::from(error).context(&format!("uninstall: Release not loaded: {name}")),
    })?;
    let newest = history.last().cloned().ok_or_else(|| Error::NotLoaded(name.to_owned()))?;
    let release = storage.decode(&newest).await?;
    let mut warnings: Vec<String> = record::notice(storage, &newest).into_iter().collect();
    let namespace = namespace_of(&release, storage);
    let gone = newest.status == Status::Uninstalled;
    if gone && options.keep_history {
        return Err(Error::Refused(format!("the release named {name:?} is already deleted")));
    }
    let (deletions, kept) = if gone {
        (Vec::new(), Vec::new())
    } else {
        let baseline = deletion_baseline(storage, &history, &mut warnings).await;
        let mut deletions = missing_from(&[], &baseline, &namespace, &mut warnings);
        manifest::uninstall_order(&mut deletions);
        (deletions, kept(&release))
    };
    let mut next = Release::clone(&release);
    if !gone {
        next.info.status = Status::Uninstalling;
        "Deletion in progress (or silently failed)".clone_into(&mut next.info.description);
    }
    Ok(Prepared {
        newest: Some(newest.clone()),
        from: Some(Recorded { release: release.clone(), meta: newest }),
        history,
        deletions,
        kept,
        warnings,
        ..Prepared::of(Operation::Uninstall, release, next, options)
    })
}

/// The objects of the manifest that are to stay, in the order of uninstalling.
fn kept(release: &Release) -> Vec<Object> {
    let mut kept = manifest::read(&release.manifest).unwrap_or_default();
    kept.retain(objects::is_kept);
    manifest::uninstall_order(&mut kept);
    kept
}
