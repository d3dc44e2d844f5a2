//! Operations as tasks: preparing with a preview, carrying out, testing.

use std::{sync::Arc, time::Duration};

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::Out;
use crate::{
    diff::Redactor,
    engine::{
        self, Basis, Options, Prepared, Preview, Progress, Reporter, Request,
        test::{self, TestFilter},
    },
    release::Storage,
    tui::{event::News, report::Report},
};

/// Prepares what is asked for and asks the cluster what it would do.
pub(super) async fn preview(
    storage: &Storage,
    name: &str,
    request: Request,
    options: &Options,
    redactor: &Redactor,
) -> Result<(Prepared, Preview), Report> {
    let work = async {
        let prepared = engine::prepare(storage, name, request, options).await?;
        let preview = engine::preview(storage, &prepared, redactor).await?;
        Ok((prepared, preview))
    };
    explained(storage, name, work.await).await
}

/// What came of work on a release; a failure with what the cluster can tell about it.
pub(super) async fn explained<T>(storage: &Storage, name: &str, done: Result<T, engine::Error>) -> Result<T, Report> {
    let Err(error) = done else { return done.map_err(Report::from) };
    let mut report = Report::from(error);
    report.hints.extend(engine::hints::of(storage, name, &report.message).await);
    Err(report)
}

/// Carries out what was prepared.
pub(super) async fn execute(storage: Storage, prepared: Prepared, basis: Basis, out: &Out, cancel: CancellationToken) {
    let work = async move |report: &Reporter| {
        let name = prepared.next.name.clone();
        let done = engine::execute(&storage, prepared, Some(&basis), report, &cancel).await;
        News::Executed(explained(&storage, &name, done).await.map(Box::new))
    };
    run(work, News::Executed, out).await;
}

/// Runs the tests of a release.
pub(super) async fn test(storage: Storage, name: String, timeout: Duration, out: &Out, cancel: CancellationToken) {
    let work = async move |report: &Reporter| {
        let done = test::test(&storage, &name, &TestFilter::default(), timeout, false, report, &cancel).await;
        News::Tested(explained(&storage, &name, done).await.map(Box::new))
    };
    run(work, News::Tested, out).await;
}

/// Drives an operation to its end on a thread of its own, as its future borrows too much of itself to move between
/// threads, and tells its progress. `lost` is the news where it ends in a way it should not.
async fn run<T>(
    work: impl AsyncFnOnce(&Reporter) -> News + Send + 'static,
    lost: impl FnOnce(Result<T, Report>) -> News,
    out: &Out,
) {
    let (sender, mut receiver) = mpsc::unbounded_channel::<Progress>();
    let report: Reporter = Arc::new(move |progress| {
        // The receiver lives until the operation ended.
        let _ = sender.send(progress);
    });
    let runtime = tokio::runtime::Handle::current();
    let ended = tokio::task::spawn_blocking(move || runtime.block_on(work(&report)));
    let forward = async {
        while let Some(progress) = receiver.recv().await {
            out.send(News::Progress(Box::new(progress))).await;
        }
    };
    let (ended, ()) = tokio::join!(ended, forward);
    out.send(ended.unwrap_or_else(|error| lost(Err(Report::new(error.to_string()))))).await;
}
