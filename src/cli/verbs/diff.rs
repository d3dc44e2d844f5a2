//! `diff revision|rollback|live`: what changed, what would change, what drifted. helm-diff's flags where they exist.

use serde_json::{Value, json};

use super::{revision_of, rollback};
use crate::{
    cli::{
        commands::{Command, Completes, Takes, Verb},
        flags::Flag,
        operation,
        output::{self, Colors},
        report::Report,
        session::Session,
    },
    diff::{Change, Line, ObjectDiff, Redactor, hunks, visible},
    engine::{
        self, Confidence, Preview,
        browse::{self, Drift},
        preview,
    },
    release::{self, Storage},
};

/// The command.
pub const COMMAND: Command = Command {
    name: "diff",
    short: "compare revisions of a release with each other and with the cluster",
    long: "\nThis command compares: two revisions of a release, what a rollback would do to the live cluster,\nor what the cluster runs with what the release says. It changes nothing.\n\nSecrets are shown as fingerprints, unless --show-secrets is given.",
    children: &[
        Command {
            name: "revision",
            arguments: "RELEASE_NAME REVISION1 [REVISION2]",
            short: "compare two revisions of a release",
            long: "\nThis command compares the manifests of two revisions, or of one revision and the newest.",
            takes: Takes::Between(2, 3),
            completes: Completes::ReleaseAndRevisions(2),
            flags: |_| diff_flags(),
            verb: Verb::DiffRevision,
            ..Command::EMPTY
        },
        Command {
            name: "rollback",
            arguments: "RELEASE_NAME [REVISION]",
            short: "show what a rollback would do to the live cluster",
            long: "\nThis command previews a rollback against the live cluster, by the very method the rollback would use.",
            takes: Takes::Between(1, 2),
            completes: Completes::ReleaseAndRevisions(1),
            flags: |_| {
                let mut flags = diff_flags();
                flags.extend([rollback::last_good_flag(), operation::three_way_flag()]);
                flags.push(Flag::text("server-side", "as for rollback: true, false or auto").default("auto").own());
                flags.push(Flag::bool("force-conflicts", "as for rollback: take fields that belong to others").own());
                flags
            },
            verb: Verb::DiffRollback,
            ..Command::EMPTY
        },
        Command {
            name: "live",
            arguments: "RELEASE_NAME",
            short: "show where the live cluster differs from a release",
            long: "\nThis command compares what a release says with what the cluster runs.",
            takes: Takes::Exactly(1),
            completes: Completes::Release,
            flags: |_| {
                let mut flags = diff_flags();
                flags.push(Flag::int("revision", "compare with this revision instead of the newest").own());
                flags
            },
            verb: Verb::DiffLive,
            ..Command::EMPTY
        },
    ],
    ..Command::EMPTY
};

fn diff_flags() -> Vec<Flag> {
    vec![
        Flag::int("context", "output NUM lines of context around changes; -1 shows everything")
            .short('C')
            .default("-1")
            .own(),
        Flag::bool("show-secrets", "show secrets instead of fingerprints").own(),
        Flag::new("suppress", crate::cli::flags::Kind::List, "kinds whose content is not shown, for example Secret")
            .own(),
        Flag::bool("detailed-exitcode", "exit with 2 when there are changes").own(),
        Flag::bool("no-color", "no colors").own(),
        Flag::text("output", "text or json").short('o').default("text").choices(&["text", "json"]).own(),
    ]
}

/// How diffs are printed.
pub struct Style {
    context: usize,
    suppress: Vec<String>,
    colors: Colors,
}

impl Style {
    /// Three lines around changes, no colours.
    pub fn plain() -> Self {
        Self { context: 3, suppress: Vec::new(), colors: Colors(false) }
    }

    fn of(session: &Session) -> Self {
        let flags = &session.flags;
        Self {
            context: usize::try_from(flags.int("context")).unwrap_or(usize::MAX),
            suppress: flags.list("suppress").iter().flat_map(|kinds| kinds.split(',')).map(str::to_owned).collect(),
            colors: if flags.bool("no-color") { Colors(false) } else { session.colors() },
        }
    }
}

/// `diff revision`.
pub async fn revision(session: &Session) -> Result<(), Report> {
    let json = wants_json(session)?;
    let storage = session.storage().await?;
    let one = rollback::atoi(session.arg(1))?;
    let other = match session.flags.args.get(2) {
        Some(revision) => rollback::atoi(revision)?,
        None => newest(&storage, session.arg(0)).await?,
    };
    let old = revision_of(&storage, session.arg(0), one.min(other)).await?;
    let new = revision_of(&storage, session.arg(0), one.max(other)).await?;
    let diffs = browse::changes(Some(&old), &new, &redactor(session)?)?;
    let form = preview::changes_json(&new.name, &new.namespace, old.revision, new.revision, &diffs);
    finish(session, json.then_some(form), &diffs)
}

/// `diff live`.
pub async fn live(session: &Session) -> Result<(), Report> {
    let json = wants_json(session)?;
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
    let number = release.revision;
    let mut form = preview::changes_json(&release.name, &release.namespace, number, number, &diffs);
    form["confidence"] = json!(Confidence::LiveObjects);
    form["risks"] =
        unread.iter().map(|message| json!({"code": "unverifiable", "message": message, "object": ""})).collect();
    finish(session, json.then_some(form), &diffs)
}

/// A drift's diff, with the namespace the object lives in where its manifest names none.
fn placed(drift: Drift) -> ObjectDiff {
    match drift.target {
        Some(target) => ObjectDiff { key: target.key, ..drift.diff },
        None => drift.diff,
    }
}

/// `diff rollback`.
pub async fn rollback(session: &Session) -> Result<(), Report> {
    let json = wants_json(session)?;
    let target = rollback::target(session)?;
    let storage = session.storage().await?;
    let prepared = rollback::prepare(session, &storage, target).await?;
    let preview = engine::preview(&storage, &prepared, &redactor(session)?).await?;
    session.console.print(&if json {
        output::json(&preview::to_json(&preview))
    } else {
        preview_text(&preview, &Style::of(session))
    })?;
    exit_code(session, preview.objects.iter().any(|object| object.change != Change::None))
}

fn wants_json(session: &Session) -> Result<bool, Report> {
    match session.flags.text("output") {
        "text" | "" => Ok(false),
        "json" => Ok(true),
        _ => Err(Report::new("invalid output format: must be text or json")),
    }
}

async fn newest(storage: &Storage, name: &str) -> Result<i64, Report> {
    let newest =
        engine::prepare::history(storage, name).await?.pop().ok_or_else(|| Report::from(release::Error::NotFound))?;
    Ok(newest.revision.into())
}

fn redactor(session: &Session) -> Result<Redactor, Report> {
    let redactor = session.redactor()?;
    Ok(if session.flags.bool("show-secrets") { redactor.revealed() } else { redactor })
}

/// Prints a comparison, as JSON in the given form or as text.
fn finish(session: &Session, form: Option<Value>, diffs: &[ObjectDiff]) -> Result<(), Report> {
    let style = Style::of(session);
    session.console.print(&match form {
        Some(form) => output::json(&form),
        None => diffs.iter().map(|diff| object_text(diff, &style)).collect(),
    })?;
    exit_code(session, diffs.iter().any(|diff| diff.change != Change::None))
}

fn exit_code(session: &Session, changed: bool) -> Result<(), Report> {
    if changed && session.flags.bool("detailed-exitcode") { Err(Report::differs()) } else { Ok(()) }
}

/// A preview as text: what happens in a sentence, dangers, then each object that changes.
pub fn preview_text(preview: &Preview, style: &Style) -> String {
    let mut text = format!("{}: {} → {}: {}\n", preview.release, preview.from, preview.to, preview.headline);
    let confidence = serde_json::to_value(preview.confidence).unwrap_or_default();
    text += &format!("confidence: {}\n", confidence.as_str().unwrap_or_default());
    preview.risks.iter().for_each(|risk| text += &format!("! {}\n", risk.message));
    preview.hooks.iter().for_each(|hook| text += &format!("hook: {hook}\n"));
    for object in &preview.objects {
        for detail in &object.conflicts {
            let (conflict, since) = (&detail.conflict, &detail.since);
            text += &format!(
                "! {}/{}: {} belongs to {} since {since}: {} would become {}\n",
                object.target.key.kind,
                object.target.key.name,
                conflict.field,
                conflict.manager,
                detail.live,
                detail.wanted
            );
        }
        if let Some(refusal) = &object.refusal {
            text += &format!("! {}/{} is refused: {refusal}\n", object.target.key.kind, object.target.key.name);
        }
    }
    text = text.lines().map(|line| format!("{}\n", visible(line))).collect();
    text.push('\n');
    preview.objects.iter().for_each(|object| text += &object_text(&object.diff, style));
    text
}

/// One changed object in helm-diff's form; nothing for one that stays.
fn object_text(diff: &ObjectDiff, style: &Style) -> String {
    let verb = match diff.change {
        Change::Create => "has been added",
        Change::Update => "has changed",
        Change::Recreate => "has to be recreated",
        Change::Delete => "has been removed",
        Change::None => return String::new(),
    };
    let group = diff.api_version.rsplit_once('/').map_or(diff.api_version.as_str(), |(group, _)| group);
    let heading = format!("{}, {}, {} ({group}) {verb}:", diff.key.namespace, diff.key.name, diff.key.kind);
    let mut text = style.colors.paint("33", "0", &visible(&heading)) + "\n";
    if style.suppress.contains(&diff.key.kind) {
        return text + &format!("+ Changes suppressed on sensitive content of type {}\n\n", diff.key.kind);
    }
    for line in lines(diff, style.context) {
        let line = line.trim_end_matches('\n');
        let color = match line.as_bytes().first() {
            Some(b'-') => "31",
            Some(b'+') => "32",
            _ => "",
        };
        text += &if color.is_empty() { line.to_owned() } else { style.colors.paint(color, "0", line) };
        text.push('\n');
    }
    text + "\n"
}

/// The lines of a diff, `- `, `+ ` or two blanks before each, `...` between hunks; control characters made visible.
fn lines(diff: &ObjectDiff, context: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for (at, hunk) in hunks(&diff.old_text, &diff.new_text, context).into_iter().enumerate() {
        if at > 0 {
            lines.push("...\n".to_owned());
        }
        lines.extend(hunk.lines.into_iter().map(|line| match line {
            Line::Context(text) => format!("  {}\n", visible(&text)),
            Line::Removed(text) => format!("- {}\n", visible(&text)),
            Line::Added(text) => format!("+ {}\n", visible(&text)),
        }));
    }
    lines
}
