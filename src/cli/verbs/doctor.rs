//! `doctor`: what is wrong with releases, and repairing it.

mod output;

use std::path::{Path, PathBuf};

use crate::{
    cli::{
        commands::{Command, Completes, Takes, Verb},
        flags::{Flag, Kind},
        operation::writable,
        report::Report,
        session::Session,
        settings::state_folder,
    },
    diff::visible,
    engine::doctor::{
        self, Finding, Question,
        backup::{self, Backup, Restored},
        transfer,
    },
    release::{Driver, Storage},
};

/// The command.
pub const COMMAND: Command = Command {
    name: "doctor",
    arguments: "[RELEASE]",
    short: "find and repair what is wrong with releases",
    long: include_str!("../help/doctor.txt"),
    takes: Takes::AtMost(1),
    completes: Completes::Release,
    flags: |_| {
        let flags = vec![
            Flag::bool("all-namespaces", "look at releases of all namespaces").short('A'),
            Flag::output(),
            Flag::bool("repair", "repair what can be repaired, a backup first"),
            Flag::bool("delete-orphans", "with --repair, delete objects of releases without records too"),
            Flag::new("abandoned-after", Kind::Duration, "how long Helm may be at work on a pending revision")
                .default("10m0s"),
            Flag::text("restore", "put back what is in a backup file"),
            Flag::text("move-to", "move records to another driver: secrets, configmaps or sql").choices(&[
                "secrets\tSecrets of the release's namespace",
                "configmaps\tConfigMaps of the release's namespace",
                "sql\tthe database of HELM_DRIVER_SQL_CONNECTION_STRING",
            ]),
            Flag::text("backup-dir", "where backups are written; by default where this program keeps state"),
            Flag::bool("dry-run", "say what would be done"),
            Flag::bool("yes", "do not ask").short('y'),
        ];
        flags.into_iter().map(Flag::own).collect()
    },
    verb: Verb::Doctor,
    ..Command::EMPTY
};

/// Runs it.
pub async fn run(session: &Session) -> Result<(), Report> {
    let flags = &session.flags;
    flags.exclusive(&["repair", "restore", "move-to"])?;
    let changes = ["repair", "restore", "move-to"].iter().any(|name| flags.is_set(name));
    if changes && !flags.bool("dry-run") {
        writable(session)?;
    }
    if flags.is_set("restore") {
        restore(session).await
    } else if flags.is_set("move-to") {
        move_records(session).await
    } else {
        diagnose(session).await
    }
}

async fn storage(session: &Session) -> Result<Storage, Report> {
    match session.flags.bool("all-namespaces") {
        true => session.storage_everywhere().await,
        false => session.storage().await,
    }
}

async fn diagnose(session: &Session) -> Result<(), Report> {
    let flags = &session.flags;
    let storage = storage(session).await?;
    let question = Question {
        release: flags.args.first().cloned(),
        patience: flags.duration("abandoned-after"),
        delete_orphans: flags.bool("delete-orphans"),
    };
    let diagnosis = doctor::diagnose(&storage, &question).await?;
    diagnosis.notes.iter().for_each(|note| session.console.note(&format!("NOTE: {}", visible(note))));
    session.console.print(&output::diagnosis(session, &diagnosis))?;
    let mut left = diagnosis.findings.iter().filter(|finding| !finding.is_repairable()).count();
    if !flags.bool("repair") || flags.bool("dry-run") {
        left = diagnosis.findings.len();
    } else if left < diagnosis.findings.len() {
        left += repair(session, &storage, &diagnosis.findings).await?;
    }
    if left == 0 { Ok(()) } else { Err(Report::found()) }
}

/// Repairs what can be; how many repairs could not be carried out.
async fn repair(session: &Session, storage: &Storage, findings: &[Finding]) -> Result<usize, Report> {
    let repairable = findings.iter().filter(|finding| finding.is_repairable()).count();
    session.confirm(&format!("Repair {repairable} of {} findings?", findings.len())).await?;
    keep(session, &doctor::back_up(storage, findings).await?)?;
    let mut failed = 0;
    for repaired in doctor::repair(storage, findings).await {
        match repaired.done {
            Ok(done) => session.console.note(&format!("{}: {done}", repaired.object)),
            Err(why) => {
                failed += 1;
                session.console.note(&visible(&format!("{}: left alone: {why}", repaired.object)));
            }
        }
    }
    Ok(failed)
}

/// Writes a backup and says where, unless there is nothing in it.
fn keep(session: &Session, backup: &Backup) -> Result<(), Report> {
    if backup.is_empty() {
        return Ok(());
    }
    let folder = match session.flags.text("backup-dir") {
        "" => {
            state_folder().ok_or_else(|| Report::new("there is no folder for backups: name one with --backup-dir"))?
        }
        folder => PathBuf::from(folder),
    };
    let path = backup.write(&folder)?;
    session.console.note(&format!("backed up to {}", path.display()));
    Ok(())
}

/// `--restore`: what is there and different is backed up as well.
async fn restore(session: &Session) -> Result<(), Report> {
    let storage = session.storage_everywhere().await?;
    let backup = Backup::read(Path::new(session.flags.text("restore")))?;
    if let Some(why) = backup::foreign(&storage, &backup) {
        return Err(Report::new(format!("the backup does not belong here: {why}")));
    }
    let overwritten = backup::overwritten(&storage, &backup).await?;
    let question = format!(
        "Put back {} records and {} objects of {}, in the place of {} records?",
        backup.records.len(),
        backup.objects.len(),
        backup.made,
        overwritten.records.len()
    );
    if session.flags.bool("dry-run") {
        session.console.note(&question);
        return Ok(());
    }
    session.confirm(&question).await?;
    keep(session, &overwritten)?;
    let told = |what: &str, done: Restored| {
        let done = match done {
            Restored::Created => "put back",
            Restored::Replaced => "put back in the place of another",
            Restored::Same => "is as it was",
            Restored::LeftAlone => "left alone: there is one of this name",
        };
        session.console.note(&format!("{what}: {done}"));
    };
    Ok(backup::restore(&storage, &backup, &told).await?)
}

/// `--move-to`.
async fn move_records(session: &Session) -> Result<(), Report> {
    if session.flags.bool("all-namespaces") {
        return Err(Report::new("records are moved one namespace at a time: name it with -n"));
    }
    let from = session.storage().await?;
    let to = destination(session, &from)?;
    let release = session.flags.args.first().map(String::as_str);
    let transfer = transfer::plan(&from, &to, release).await?;
    let count = transfer.backup.records.len();
    let what = format!("{count} records of {} from {} to {}", from.namespace(), from.driver(), to.driver());
    if transfer.there > 0 {
        session.console.note(&format!("{} are there already", transfer.there));
    }
    if session.flags.bool("dry-run") || count == 0 {
        return session.console.print(&format!("would move {what}\n"));
    }
    session.confirm(&format!("Move {what}?")).await?;
    keep(session, &transfer.backup)?;
    transfer::carry_out(&from, &to, &transfer).await?;
    session.console.print(&format!("moved {what}\n"))
}

/// Where records go; it must be another place than where they are.
fn destination(session: &Session, from: &Storage) -> Result<Storage, Report> {
    let word = session.flags.text("move-to");
    if !matches!(word, "secrets" | "configmaps" | "sql") {
        return Err(Report::new(format!("--move-to {word:?} is none of secrets, configmaps and sql")));
    }
    let env = |name: &str| if name == "HELM_DRIVER" { word } else { session.env.get(name) };
    let to = Storage::new(from.cluster().clone(), Driver::from_env(env)?, from.namespace());
    match (from.driver(), to.driver()) {
        ("memory", _) => Err(Report::new("records of HELM_DRIVER=memory are not moved")),
        (here, there) if here == there => {
            let report = Report::new(format!("the records are in {here} already"));
            Err(report.hint("HELM_DRIVER says where they are now"))
        }
        _ => Ok(to),
    }
}
