//! Asking again when the server is busy or the line broke.

use std::{future::Future, time::Duration};

use crate::{
    cluster::{self, ErrorKind},
    release,
};

/// Tries of one request or object.
pub(super) const TRIES: u32 = 5;

/// Whether asking again may help: overload, a broken connection, a server that is starting.
pub(super) fn may_pass(error: &cluster::Error) -> bool {
    matches!(error.kind, ErrorKind::TooManyRequests | ErrorKind::Unreachable) || matches!(error.code, 502..=504)
}

/// How long to wait before another try: as long as the server asks, else a little longer each time.
pub(super) fn pause(cause: &cluster::Error, tried: u32) -> Duration {
    match cause.retry_after {
        Some(seconds) => Duration::from_secs(u64::from(seconds)),
        None if cause.kind == ErrorKind::Conflict => Duration::from_millis(10 << tried),
        None => Duration::from_millis(100 << tried),
    }
}

/// How long to wait before a record is written again; `None` where that would not help.
pub(super) fn pause_of_record(cause: &release::Error, tried: u32) -> Option<Duration> {
    match cause {
        release::Error::Cluster(cause) if may_pass(cause) => Some(pause(cause, tried)),
        release::Error::Unanswered(_) => Some(Duration::from_millis(100 << tried)),
        _ => None,
    }
}

/// Asks for records, or deletes them, until the answer is not one that may pass, five times at most.
pub(super) async fn persistently<T, F>(mut ask: impl FnMut() -> F) -> Result<T, release::Error>
where
    F: Future<Output = Result<T, release::Error>>,
{
    let mut tried = 1;
    loop {
        match ask().await {
            Err(error) if tried < TRIES => match pause_of_record(&error, tried) {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return Err(error),
            },
            answered => return answered,
        }
        tried += 1;
    }
}

/// Asks until the answer is not one that may pass, five times at most. Only for dry-runs: a controller that wrote in
/// between (a conflict) is no answer to them either.
pub(super) async fn patiently<T, F>(mut ask: impl FnMut() -> F) -> Result<T, cluster::Error>
where
    F: Future<Output = Result<T, cluster::Error>>,
{
    let mut tried = 1;
    loop {
        match ask().await {
            Err(error) if tried < TRIES && (error.kind == ErrorKind::Conflict || may_pass(&error)) => {
                tokio::time::sleep(pause(&error, tried)).await;
                tried += 1;
            }
            answered => return answered,
        }
    }
}
