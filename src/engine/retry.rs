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

/// How long to wait before a record is asked for again; `None` where that would not help. A record is worth more tries
/// than an object: without it nobody knows what came of the operation.
fn pause_of_record(cause: &release::Error, tried: u32) -> Option<Duration> {
    match cause {
        release::Error::Cluster(cause) if cause.is_transient() || cause.kind == ErrorKind::Conflict => {
            Some(pause(cause, tried))
        }
        release::Error::Unanswered(_) => Some(Duration::from_millis(100 << tried)),
        _ => None,
    }
}

/// Asks for records, writes or deletes them, until the answer is not one that may pass, five times at most.
pub(super) async fn persistently<T, F>(ask: impl FnMut() -> F) -> Result<T, release::Error>
where
    F: Future<Output = Result<T, release::Error>>,
{
    repeat(ask, pause_of_record).await
}

/// Asks until the answer is not one that may pass, five times at most. Only for what may be done twice: reads, dry-runs,
/// deletions, server-side apply. A controller that wrote in between (a conflict) is no answer to them either.
pub(super) async fn patiently<T, F>(ask: impl FnMut() -> F) -> Result<T, cluster::Error>
where
    F: Future<Output = Result<T, cluster::Error>>,
{
    let passes = |error: &cluster::Error| error.kind == ErrorKind::Conflict || may_pass(error);
    repeat(ask, |error, tried| passes(error).then(|| pause(error, tried))).await
}

/// Asks again after the pause that an error wants, as long as it wants one.
async fn repeat<T, E, F>(mut ask: impl FnMut() -> F, pause: impl Fn(&E, u32) -> Option<Duration>) -> Result<T, E>
where
    F: Future<Output = Result<T, E>>,
{
    let mut tried = 1;
    loop {
        let answer = ask().await;
        let wanted = answer.as_ref().err().filter(|_| tried < TRIES).and_then(|error| pause(error, tried));
        let Some(pause) = wanted else {
            return answer;
        };
        tokio::time::sleep(pause).await;
        tried += 1;
    }
}
