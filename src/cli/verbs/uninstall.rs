//! `uninstall` (helm/helm `pkg/cmd/uninstall.go`).

use crate::{
    cli::{
        commands::{Command, Completes, Takes, Verb},
        flags::{Flag, chart as chart_flags},
        operation, plan,
        report::Report,
        session::Session,
    },
    cluster::apply::Propagation,
    engine::{
        self, Options, Prepared,
        prepare::{history, valid_name},
    },
    release::Storage,
};

/// The command.
pub const COMMAND: Command = Command {
    name: "uninstall",
    aliases: &["del", "delete", "un"],
    arguments: "RELEASE_NAME [...]",
    short: "uninstall a release",
    long: include_str!("../help/uninstall.txt"),
    takes: Takes::AtLeast(1),
    completes: Completes::Release,
    flags: |_| {
        let mut flags = vec![
            Flag::bool("dry-run", "simulate a uninstall"),
            Flag::bool("no-hooks", "prevent hooks from running during uninstallation"),
            Flag::bool("ignore-not-found", r#"Treat "release not found" as a successful uninstall"#),
            Flag::bool(
                "keep-history",
                "remove all associated resources and mark the release as deleted, but retain the release history",
            ),
            Flag::text(
                "cascade",
                r#"Must be "background", "orphan", or "foreground". Selects the deletion cascading strategy for the dependents. Defaults to background. Use "foreground" with --wait to ensure resources with finalizers are fully deleted before returning."#,
            )
            .default("background"),
            chart_flags::timeout(),
            Flag::text("description", "add a custom description"),
            chart_flags::wait(),
            operation::review_flag(),
        ];
        flags.extend(plan::flags());
        flags
    },
    verb: Verb::Uninstall,
    ..Command::EMPTY
};

/// Runs it.
pub async fn run(session: &Session) -> Result<(), Report> {
    let flags = &session.flags;
    let options = options(session)?;
    operation::check_changes(session, !options.dry_run)?;
    if !flags.text("plan-out").is_empty() && flags.args.len() > 1 {
        return Err(Report::new("--plan-out plans one uninstall: name one release"));
    }
    let storage = session.storage().await?;
    for name in &flags.args {
        let kept = match options.dry_run {
            true => find(session, &storage, name).await.map(|()| Some(String::new()))?,
            false => uninstall(session, &storage, name, &options).await?,
        };
        if let Some(kept) = kept {
            done(session, name, &kept)?;
        }
    }
    Ok(())
}

/// Says that it is uninstalled, and what was kept.
///
/// # Errors
/// Standard output that is closed.
pub fn done(session: &Session, name: &str, kept: &str) -> Result<(), Report> {
    if !kept.is_empty() {
        session.console.print(&format!("These resources were kept due to the resource policy:\n{kept}\n"))?;
    }
    session.console.print(&format!("release \"{name}\" uninstalled\n"))
}

/// What stays, a line an object.
pub fn kept(prepared: &Prepared) -> String {
    prepared.kept.iter().map(|object| format!("[{}] {}\n", object.kind(), object.name())).collect()
}

/// The flags of `uninstall` as options.
///
/// # Errors
/// Helm's words for an unknown `--cascade`.
pub fn options(session: &Session) -> Result<Options, Report> {
    let flags = &session.flags;
    let cascade = match flags.text("cascade") {
        "background" => Propagation::Background,
        "foreground" => Propagation::Foreground,
        "orphan" => Propagation::Orphan,
        other => {
            let must = r#"Must be "background", "foreground", or "orphan""#;
            return Err(Report::new(format!("invalid cascade value ({other}). {must}")));
        }
    };
    Ok(Options {
        dry_run: flags.bool("dry-run"),
        keep_history: flags.bool("keep-history"),
        cascade,
        description: flags.text("description").to_owned(),
        ..operation::options(session)?
    })
}

/// A dry run only looks whether there is such a release.
async fn find(session: &Session, storage: &Storage, name: &str) -> Result<(), Report> {
    if !valid_name(name) {
        return Err(Report::new(format!("releaseContent: Release name is invalid: {name}")));
    }
    match history(storage, name).await {
        Err(_) if session.flags.bool("ignore-not-found") => Ok(()),
        found => Ok(found.map(drop)?),
    }
}

/// Uninstalls one release, and gives what stays; `None` where only a plan was written.
async fn uninstall(
    session: &Session,
    storage: &Storage,
    name: &str,
    options: &Options,
) -> Result<Option<String>, Report> {
    let prepared = match engine::prepare_uninstall(storage, name, options).await {
        Err(engine::Error::NotLoaded(_)) if session.flags.bool("ignore-not-found") => return Ok(Some(String::new())),
        prepared => prepared?,
    };
    operation::warn(session, &prepared);
    let kept = kept(&prepared);
    Ok(operation::execute(session, storage, prepared, "").await?.map(|_| kept))
}
