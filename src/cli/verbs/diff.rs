//! `diff`: what changed, what an operation would change, what drifted. helm-diff's verbs and flags where they exist.

mod flags;
pub mod text;

use serde_json::{Value, json};

use self::flags::Format;
use super::{install, revision_of, rollback, uninstall, upgrade};
use crate::{
    cli::{
        commands::{Command, Completes, Takes, Verb},
        flags::Flag,
        operation, output,
        report::Report,
        session::Session,
    },
    diff::{Change, ObjectDiff, Redactor},
    engine::{
        self, Confidence, Prepared, Source,
        browse::{self, Drift},
        preview,
        world::World,
    },
    release::{self, Release, Storage},
};

/// The command.
pub const COMMAND: Command = Command {
    name: "diff",
    short: "compare revisions of a release with each other and with the cluster",
    long: include_str!("../help/diff.txt"),
    children: &[
        Command {
            name: "upgrade",
            arguments: "RELEASE CHART",
            short: "show what an upgrade would do to the live cluster",
            long: include_str!("../help/diff-upgrade.txt"),
            takes: Takes::Exactly(2),
            completes: Completes::Release,
            flags: |env| flags::upgrading(&upgrade::COMMAND, env),
            verb: Verb::DiffUpgrade,
            ..Command::EMPTY
        },
        Command {
            name: "install",
            arguments: "[NAME] CHART",
            short: "show what an install would do to the live cluster",
            long: "\nThis command previews an install against the live cluster. It takes the flags of install, and changes nothing.",
            takes: Takes::Between(1, 2),
            completes: Completes::Nothing,
            flags: |env| flags::previewing(&install::COMMAND, env),
            verb: Verb::DiffInstall,
            ..Command::EMPTY
        },
        Command {
            name: "uninstall",
            arguments: "RELEASE_NAME",
            short: "show what an uninstall would delete from the live cluster",
            long: "\nThis command previews an uninstall against the live cluster. It changes nothing.",
            takes: Takes::Exactly(1),
            completes: Completes::Release,
            flags: |env| flags::previewing(&uninstall::COMMAND, env),
            verb: Verb::DiffUninstall,
            ..Command::EMPTY
        },
        Command {
            name: "rollback",
            arguments: "RELEASE_NAME [REVISION]",
            short: "show what a rollback would do to the live cluster",
            long: "\nThis command previews a rollback against the live cluster, by the very method the rollback would use. It takes the\nflags of rollback, and changes nothing.",
            takes: Takes::Between(1, 2),
            completes: Completes::ReleaseAndRevisions(1),
            flags: |env| flags::previewing(&rollback::COMMAND, env),
            verb: Verb::DiffRollback,
            ..Command::EMPTY
        },
        Command {
            name: "release",
            arguments: "RELEASE1 RELEASE2",
            short: "compare two releases of one chart",
            long: "\nThis command compares the newest manifests of two releases of the same chart, object by object of the same template.\nA release of another namespace is written NAMESPACE/NAME.",
            takes: Takes::Exactly(2),
            completes: Completes::Releases(2),
            flags: |env| flags::printing(env),
            verb: Verb::DiffRelease,
            ..Command::EMPTY
        },
        Command {
            name: "revision",
            arguments: "RELEASE_NAME REVISION1 [REVISION2]",
            short: "compare two revisions of a release",
            long: "\nThis command compares the manifests of two revisions, or of one revision and the newest.",
            takes: Takes::Between(2, 3),
            completes: Completes::ReleaseAndRevisions(2),
            flags: |env| flags::printing(env),
            verb: Verb::DiffRevision,
            ..Command::EMPTY
        },
        Command {
            name: "live",
            arguments: "RELEASE_NAME",
            short: "show where the live cluster differs from a release",
            long: "\nThis command compares what a release says with what the cluster runs.",
            takes: Takes::Exactly(1),
            completes: Completes::Release,
            flags: |env| {
                let mut flags = flags::printing(env);
                flags.push(Flag::int("revision", "compare with this revision instead of the newest").own());
                flags
            },
            verb: Verb::DiffLive,
            ..Command::EMPTY
        },
    ],
    ..Command::EMPTY
};

/// `diff upgrade`.
pub async fn upgrade(session: &Session) -> Result<(), Report> {
    check(session, &[&["force-replace", "force-conflicts"], &["force", "force-conflicts"]])?;
    let storage = session.storage().await?;
    let source = install::source(session, session.arg(1))?;
    let instead = if session.flags.bool("install") { upgrade::installing_instead(session).await? } else { None };
    let prepared = match instead {
        Some(options) => install::prepare(session, &storage, session.arg(0), source, &options).await?,
        None => {
            let source = Source { world: source.world.with_cluster(storage.cluster()), ..source };
            upgrade::prepare(session, &storage, source, &upgrade::options(session)?).await?
        }
    };
    previewed(session, &storage, &prepared).await
}

/// `diff install`.
pub async fn install(session: &Session) -> Result<(), Report> {
    check(session, &[&["force-replace", "force-conflicts"], &["force", "force-conflicts"]])?;
    let (name, chart) = install::name_and_chart(session, None, &World::new(&session.env.zone))?;
    let storage = session.storage().await?;
    let source = install::source(session, &chart)?;
    let prepared = install::prepare(session, &storage, &name, source, &install::options(session)?).await?;
    previewed(session, &storage, &prepared).await
}

/// `diff uninstall`.
pub async fn uninstall(session: &Session) -> Result<(), Report> {
    check(session, &[])?;
    let storage = session.storage().await?;
    let prepared = engine::prepare_uninstall(&storage, session.arg(0), &uninstall::options(session)?).await?;
    operation::warn(session, &prepared);
    previewed(session, &storage, &prepared).await
}

/// `diff rollback`.
pub async fn rollback(session: &Session) -> Result<(), Report> {
    check(session, &[&["force", "force-conflicts"], &["force-replace", "force-conflicts"]])?;
    let target = rollback::target(session)?;
    let storage = session.storage().await?;
    let prepared = rollback::prepare(session, &storage, target).await?;
    previewed(session, &storage, &prepared).await
}

/// Whether the flags make sense, before the cluster is asked.
fn check(session: &Session, exclusive: &[&[&str]]) -> Result<(), Report> {
    flags::format(&session.flags)?;
    flags::refuse(&session.flags)?;
    Ok(exclusive.iter().try_for_each(|group| session.flags.exclusive(group))?)
}

/// Prints what a prepared operation would do.
async fn previewed(session: &Session, storage: &Storage, prepared: &Prepared) -> Result<(), Report> {
    let redactor = redactor(session)?;
    let mut preview = engine::preview(storage, prepared, &redactor).await?;
    if session.flags.bool("include-tests") {
        preview.hooks.extend(preview::tests(prepared, &redactor));
    }
    let style = flags::style(session)?;
    let objects = preview.objects.iter_mut().map(|object| &mut object.diff);
    objects.chain(preview.hooks.iter_mut().map(|hook| &mut hook.diff)).for_each(|diff| style.suppress(diff));
    let diffs = text::diffs(&preview);
    session.console.print(&match flags::format(&session.flags)? {
        Format::Json => output::json(&preview::to_json(&preview)),
        Format::Simple => text::simple(&diffs, &style),
        Format::Diff => text::head(&preview) + &text::objects(&diffs, &style) + &text::left_alone(&preview, &style),
    })?;
    exit_code(session, &diffs)
}

/// `diff release`.
pub async fn release(session: &Session) -> Result<(), Report> {
    flags::format(&session.flags)?;
    let storage = session.storage().await?;
    let old = newest_release(&storage, session.arg(0)).await?;
    let new = newest_release(&storage, session.arg(1)).await?;
    let diffs = browse::differences(&old, &new, &redactor(session)?)?;
    let form =
        |diffs: &[ObjectDiff]| preview::changes_json(&new.name, &new.namespace, old.revision, new.revision, diffs);
    finish(session, form, diffs)
}

/// The newest revision of `NAME` or `NAMESPACE/NAME`.
async fn newest_release(storage: &Storage, release: &str) -> Result<Release, Report> {
    let (storage, name) = match release.split_once('/') {
        Some((namespace, name)) => (storage.in_namespace(namespace), name),
        None => (storage.clone(), release),
    };
    let revision = newest(&storage, name).await.map_err(|report| report.context(release))?;
    revision_of(&storage, name, revision).await
}

/// `diff revision`.
pub async fn revision(session: &Session) -> Result<(), Report> {
    flags::format(&session.flags)?;
    let storage = session.storage().await?;
    let one = rollback::atoi(session.arg(1))?;
    let other = match session.flags.args.get(2) {
        Some(revision) => rollback::atoi(revision)?,
        None => newest(&storage, session.arg(0)).await?,
    };
    let old = revision_of(&storage, session.arg(0), one.min(other)).await?;
    let new = revision_of(&storage, session.arg(0), one.max(other)).await?;
    let diffs = browse::changes(Some(&old), &new, &redactor(session)?)?;
    let form =
        |diffs: &[ObjectDiff]| preview::changes_json(&new.name, &new.namespace, old.revision, new.revision, diffs);
    finish(session, form, diffs)
}

/// `diff live`.
pub async fn live(session: &Session) -> Result<(), Report> {
    flags::format(&session.flags)?;
    let storage = session.storage().await?;
    let revision = match session.flags.int("revision") {
        0 => newest(&storage, session.arg(0)).await?,
        revision => revision,
    };
    let release = revision_of(&storage, session.arg(0), revision).await?;
    let drift = browse::drift(&storage, &release, &redactor(session)?).await?;
    let unread = drift.iter().filter_map(|drift| Some((&drift.diff.key, drift.error.as_ref()?)));
    let unread: Vec<String> = unread.map(|(key, why)| format!("{}/{}: {why}", key.kind, key.name)).collect();
    unread.iter().for_each(|line| session.console.note(&format!("WARNING: {line}")));
    let diffs: Vec<ObjectDiff> = drift.into_iter().filter(|drift| drift.error.is_none()).map(placed).collect();
    let form = |diffs: &[ObjectDiff]| {
        let number = release.revision;
        let mut form = preview::changes_json(&release.name, &release.namespace, number, number, diffs);
        form["confidence"] = json!(Confidence::LiveObjects);
        form["risks"] =
            unread.iter().map(|message| json!({"code": "unverifiable", "message": message, "object": ""})).collect();
        form
    };
    finish(session, form, diffs)
}

/// A drift's diff, with the namespace the object lives in where its manifest names none.
fn placed(drift: Drift) -> ObjectDiff {
    match drift.target {
        Some(target) => ObjectDiff { key: target.key, ..drift.diff },
        None => drift.diff,
    }
}

async fn newest(storage: &Storage, name: &str) -> Result<i64, Report> {
    let newest =
        engine::prepare::history(storage, name).await?.pop().ok_or_else(|| Report::from(release::Error::NotFound))?;
    Ok(newest.revision.into())
}

fn redactor(session: &Session) -> Result<Redactor, Report> {
    let redactor = session.redactor()?;
    Ok(if session.flags.bool("show-secrets-decoded") {
        redactor.decoded()
    } else if session.flags.bool("show-secrets") {
        redactor.revealed()
    } else {
        redactor
    })
}

/// Prints a comparison, as JSON in the given form or as text.
fn finish(
    session: &Session,
    form: impl FnOnce(&[ObjectDiff]) -> Value,
    mut diffs: Vec<ObjectDiff>,
) -> Result<(), Report> {
    let style = flags::style(session)?;
    diffs.iter_mut().for_each(|diff| style.suppress(diff));
    session.console.print(&match flags::format(&session.flags)? {
        Format::Json => output::json(&form(&diffs)),
        Format::Simple => text::simple(&diffs, &style),
        Format::Diff => text::objects(&diffs, &style),
    })?;
    exit_code(session, &diffs)
}

fn exit_code(session: &Session, diffs: &[ObjectDiff]) -> Result<(), Report> {
    let changed = diffs.iter().any(|diff| diff.change != Change::None);
    if changed && session.flags.bool("detailed-exitcode") { Err(Report::found()) } else { Ok(()) }
}
