//! `--rollback-on-failure`: a failed upgrade goes back, a failed install is uninstalled.

use tokio_util::sync::CancellationToken;

use super::{Outcome, execute};
use crate::{
    engine::{
        Error, Operation, Options, Prepared, RollbackTarget, prepare_rollback, prepare_uninstall, progress::Reporter,
    },
    release::Storage,
};

/// Undoes what failed with `error`, which is told in any case, in Helm's words.
pub(super) async fn after(
    storage: &Storage,
    prepared: &Prepared,
    error: Error,
    report: &Reporter,
) -> Result<Outcome, Error> {
    let (message, hints) = match error {
        Error::Failed { message, hints } => (message, hints),
        Error::Cancelled(message) => (message, Vec::new()),
        // Nothing was begun, so there is nothing to undo.
        error => return Err(error),
    };
    let name = &prepared.name;
    let options = Options { rollback_on_failure: false, cleanup_on_fail: false, ..prepared.options.clone() };
    let undone = match prepared.operation {
        Operation::Install => undo_install(storage, name, &options, report).await,
        Operation::Upgrade => undo_upgrade(storage, name, &options, report).await,
        Operation::Rollback | Operation::Uninstall => return Err(Error::Failed { message, hints }),
    };
    let message = match (prepared.operation, undone) {
        (Operation::Install, Ok(())) => {
            format!("release {name} failed, and has been uninstalled due to rollback-on-failure being set: {message}")
        }
        (_, Ok(())) => {
            format!("release {name} failed, and has been rolled back due to rollback-on-failure being set: {message}")
        }
        (Operation::Install, Err(error)) => {
            format!("an error occurred while uninstalling the release. original install error: {message}: {error}")
        }
        (_, Err(Error::NoGood(_))) => format!(
            "unable to find a previously successful release when attempting to rollback. original upgrade error: {message}"
        ),
        (_, Err(error)) => {
            format!("an error occurred while rolling back the release. original upgrade error: {message}: {error}")
        }
    };
    Err(Error::Failed { message, hints })
}

async fn undo_install(storage: &Storage, name: &str, options: &Options, report: &Reporter) -> Result<(), Error> {
    let options = Options { description: String::new(), keep_history: false, ..options.clone() };
    let prepared = prepare_uninstall(storage, name, &options).await?;
    undo(storage, prepared, report).await
}

async fn undo_upgrade(storage: &Storage, name: &str, options: &Options, report: &Reporter) -> Result<(), Error> {
    // What could not be changed on the way there cannot be changed back either; what came with it has gone already.
    let mut options = Options { description: String::new(), ..options.clone() };
    let recreate = std::mem::take(&mut options.recreate);
    let mut prepared = prepare_rollback(storage, name, RollbackTarget::LastGood, &options).await?;
    prepared.options.recreate = recreate;
    undo(storage, prepared, report).await
}

/// Runs to its end, also when it is a cancelled operation that is undone.
async fn undo(storage: &Storage, prepared: Prepared, report: &Reporter) -> Result<(), Error> {
    let never = CancellationToken::new();
    Box::pin(execute(storage, prepared, None, report, &never)).await.map(drop)
}
