//! One file a verb.

pub mod apply;
pub mod completion;
pub mod create;
pub mod dependency;
pub mod diff;
pub mod doctor;
pub mod env;
pub mod get;
pub mod history;
pub mod install;
pub mod lint;
pub mod list;
pub mod package;
pub mod rollback;
pub mod sandbox;
pub mod show;
pub mod status;
pub mod template;
pub mod test;
pub mod uninstall;
pub mod upgrade;
pub mod version;

use std::sync::Arc;

use futures::FutureExt;

use super::{commands, commands::Verb, report::Report, session::Session, usage};
use crate::{
    engine::{self, prepare::valid_name},
    release::{self, RecordMeta, Release, Storage, Summary},
};

/// Carries a command out. What it fails with is explained as far as the cluster that it asked can tell.
pub async fn run(session: &Session) -> Result<(), Report> {
    match carry_out(session).await {
        Err(report) if report.is_told() => Err(explained(session, report).boxed_local().await),
        done => done,
    }
}

async fn explained(session: &Session, mut report: Report) -> Report {
    if let Some(storage) = session.known_storage() {
        report.hints.extend(engine::hints::of(&storage, session.arg(0), &report.message).await);
    }
    report
}

async fn carry_out(session: &Session) -> Result<(), Report> {
    // On the heap: the stack of a debug build has no room for the states of all verbs side by side.
    match session.path.command().verb {
        Verb::Group | Verb::Later | Verb::Help => help(session),
        Verb::List => list::run(session).boxed_local().await,
        Verb::History => history::run(session).boxed_local().await,
        Verb::Status => status::run(session).boxed_local().await,
        Verb::GetAll => get::all(session).boxed_local().await,
        Verb::GetHooks => get::hooks(session).boxed_local().await,
        Verb::GetManifest => get::manifest(session).boxed_local().await,
        Verb::GetMetadata => get::metadata(session).boxed_local().await,
        Verb::GetNotes => get::notes(session).boxed_local().await,
        Verb::GetValues => get::values(session).boxed_local().await,
        Verb::Rollback => rollback::run(session).boxed_local().await,
        Verb::Apply => apply::run(session).boxed_local().await,
        Verb::Install => install::run(session).boxed_local().await,
        Verb::Test => test::run(session).boxed_local().await,
        Verb::Upgrade => upgrade::run(session).boxed_local().await,
        Verb::Uninstall => uninstall::run(session).boxed_local().await,
        Verb::Lint => lint::run(session),
        Verb::Template => template::run(session).boxed_local().await,
        Verb::DiffUpgrade => diff::upgrade(session).boxed_local().await,
        Verb::DiffInstall => diff::install(session).boxed_local().await,
        Verb::DiffUninstall => diff::uninstall(session).boxed_local().await,
        Verb::DiffRollback => diff::rollback(session).boxed_local().await,
        Verb::DiffRelease => diff::release(session).boxed_local().await,
        Verb::DiffRevision => diff::revision(session).boxed_local().await,
        Verb::DiffLive => diff::live(session).boxed_local().await,
        Verb::Doctor => doctor::run(session).boxed_local().await,
        Verb::Env => env::run(session),
        Verb::Version => version::run(session),
        Verb::Completion => completion::run(session),
        Verb::Sandbox => sandbox::run(session).boxed_local().await,
        Verb::Create => create::run(session),
        Verb::Package => package::run(session),
        Verb::DependencyList => dependency::list(session),
        Verb::DependencyBuild => dependency::build(session),
        Verb::DependencyUpdate => dependency::update(session),
        Verb::ShowAll => show::all(session),
        Verb::ShowChart => show::chart(session),
        Verb::ShowCrds => show::crds(session),
        Verb::ShowReadme => show::readme(session),
        Verb::ShowValues => show::values(session),
    }
}

/// `help [command]`: as cobra's, unknown topics print the usage on standard error and succeed.
fn help(session: &Session) -> Result<(), Report> {
    let topic = &session.flags.args;
    match commands::find(&session.env, topic) {
        Ok((path, _)) => session.console.print(&usage::help(&path, &session.env)),
        Err(_) => {
            let words: Vec<String> = topic.iter().map(|word| format!("`{word}`")).collect();
            session.console.note(&format!("Unknown help topic [{}]", words.join(" ")));
            session.console.note(usage::usage(&commands::Path::root(), &session.env).trim_end());
            if let Some((_, today)) = super::legacy::first("help", topic) {
                session.console.note(&format!("  hint: {today}"));
            }
            Ok(())
        }
    }
}

/// The revision a verb asks for, the newest for 0 (helm/helm `pkg/action/action.go`, `releaseContent`). The metadata
/// is there when the newest was asked for.
async fn release(session: &Session) -> Result<(Storage, Arc<Release>, Option<RecordMeta>), Report> {
    let storage = session.storage().await?;
    let name = session.arg(0);
    if !valid_name(name) {
        return Err(Report::new(format!("releaseContent: Release name is invalid: {name}")));
    }
    let revision = session.flags.int("revision");
    if revision > 0 {
        let release = revision_of(&storage, name, revision).await?;
        return Ok((storage, Arc::new(release), None));
    }
    let newest =
        engine::prepare::history(&storage, name).await?.pop().ok_or_else(|| Report::from(release::Error::NotFound))?;
    let release = storage.decode(&newest).await?;
    Ok((storage, release, Some(newest)))
}

/// One revision by number, errors in Helm's words.
async fn revision_of(storage: &Storage, name: &str, revision: i64) -> Result<Release, Report> {
    let Ok(revision) = u32::try_from(revision) else {
        return Err(release::Error::NotFound.into());
    };
    storage.get(name, revision).await.map_err(|error| {
        let key = format!("sh.helm.release.v1.{name}.v{revision}");
        in_words(error, &format!("get: failed to get {key:?}"))
    })
}

/// An error of the storage; what the server said gets Helm's words before it.
fn in_words(error: release::Error, words: &str) -> Report {
    match error {
        release::Error::Cluster(error) => Report::from(error).context(words),
        error => error.into(),
    }
}

/// `web-1.2.0` and the app version; `MISSING` twice for a record without a chart.
fn chart_columns(summary: &Summary) -> (String, String) {
    if summary.chart_name.is_empty() {
        return ("MISSING".to_owned(), "MISSING".to_owned());
    }
    (format!("{}-{}", summary.chart_name, summary.chart_version), summary.app_version.clone())
}

/// What lists show of records; those that cannot be decoded are named on standard error, and left out.
async fn summaries(session: &Session, storage: &Storage, metas: &[RecordMeta]) -> Vec<Summary> {
    let pairs = metas.iter().zip(storage.summaries(metas).await);
    pairs
        .filter_map(|(meta, summary)| match summary {
            Ok(summary) => Some(summary),
            Err(error) => {
                session.console.note(&format!("WARNING: namespace {}: {error}", meta.namespace));
                None
            }
        })
        .collect()
}

/// Go's zero time as `status` and `history` print it.
const ZERO_TIME: &str = "Mon Jan  1 00:00:00 0001";
