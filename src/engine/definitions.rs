//! Waiting for CustomResourceDefinitions, so that objects of their kinds can follow.

use std::{collections::BTreeSet, time::Duration};

use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::cluster::{
    Cluster, Error,
    read::Target,
    wait::{WaitOptions, WaitStrategy},
};

/// How long definitions may take to be served (helm/helm `pkg/action/install.go`).
const SERVED: Duration = Duration::from_secs(60);
/// How often the server is asked what it serves.
const LOOK: Duration = Duration::from_millis(100);

/// Waits until definitions are established and discovery tells of their kinds (group and kind), which comes a moment
/// later. A kind that is not told of in time is left for whoever needs it to find missing.
///
/// # Errors
/// Definitions that are not established in time; a caller that cancels.
pub(super) async fn await_served(
    cluster: &Cluster,
    definitions: &[Target],
    kinds: &BTreeSet<(String, String)>,
    cancel: &CancellationToken,
) -> Result<(), Error> {
    let until = Instant::now() + SERVED;
    let options = WaitOptions { strategy: WaitStrategy::Watcher, jobs: false, timeout: SERVED };
    cluster.wait_ready(definitions, &options, cancel, &|_| ()).await?;
    loop {
        cluster.refresh_discovery();
        let mut unserved = false;
        for (group, kind) in kinds {
            unserved |= cluster.resource_any_version(group, kind).await.is_err();
        }
        if !unserved || cancel.is_cancelled() || Instant::now() > until {
            return Ok(());
        }
        sleep(LOOK).await;
    }
}
