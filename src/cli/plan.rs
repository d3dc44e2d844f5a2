//! Plan files: `--plan-out` of the verbs that change releases, and what `apply` reads.

use std::{fs, io::Write, path::Path};

use super::{
    flags::{Flag, Kind},
    operation,
    report::Report,
    session::Session,
};
use crate::{
    chart::go_words,
    engine::{
        Plan, Prepared,
        plan::{Identities, Recipient},
    },
    release::Storage,
};

/// What `--plan-out` and its kin ask for.
pub struct Asked<'a> {
    file: &'a str,
    recipients: Vec<Recipient>,
    plaintext: bool,
}

/// `--plan-out`, `--plan-recipient` and `--plan-plaintext`.
pub fn flags() -> [Flag; 3] {
    [
        Flag::text(
            "plan-out",
            "write what would be done to this file and do nothing; \"pilothouse apply\" does exactly that, or says what moved",
        )
        .own(),
        Flag::new("plan-recipient", Kind::List, "age recipient (age1...) that the plan is encrypted to (can specify multiple)").own(),
        Flag::bool("plan-plaintext", "do not encrypt the plan even if there are secrets in it; its mode is 0600").own(),
    ]
}

/// Whether a plan is all that is asked for, and what for.
///
/// # Errors
/// Flags that contradict each other, and recipients that are none.
pub fn asked(session: &Session) -> Result<Option<Asked<'_>>, Report> {
    let flags = &session.flags;
    flags.exclusive(&["plan-recipient", "plan-plaintext"])?;
    let file = flags.text("plan-out");
    if file.is_empty() {
        return match ["plan-recipient", "plan-plaintext"].into_iter().find(|flag| flags.is_set(flag)) {
            Some(flag) => Err(Report::new(format!("--{flag} is about a plan: name its file with --plan-out"))),
            None => Ok(None),
        };
    }
    let recipients = flags.list("plan-recipient").iter().map(|text| text.trim().parse());
    let recipients = recipients.collect::<Result<_, _>>().map_err(Report::from)?;
    Ok(Some(Asked { file, recipients, plaintext: flags.bool("plan-plaintext") }))
}

/// Previews what was prepared, on standard error, and writes the plan. Nothing is written to the cluster.
///
/// # Errors
/// Those of the preview; a plan with secrets that nobody said how to keep; a file that cannot be written.
pub async fn save(session: &Session, storage: &Storage, prepared: Prepared, asked: &Asked<'_>) -> Result<(), Report> {
    let basis = operation::preview(session, storage, &prepared).await?;
    let what = format!("{} of release \"{}\"", prepared.operation.verb(), prepared.name);
    let plan = Plan::new(storage, prepared, basis).await?;
    if asked.recipients.is_empty() && !asked.plaintext && plan.holds_secrets() {
        let report = Report::new("there are secrets in the plan, so it is not written as it is");
        return Err(report
            .hint("--plan-recipient age1... encrypts it")
            .hint("--plan-plaintext writes it all the same, readable by nobody but you"));
    }
    let bytes = plan.to_bytes(&asked.recipients)?;
    write(Path::new(asked.file), &bytes)
        .map_err(|error| Report::new(format!("write {}: {}", asked.file, go_words(&error))))?;
    session.console.print(&format!("The {what} is planned in {}; pilothouse apply does it.\n", asked.file))
}

/// Writes a file that is there as a whole or not at all, for nobody but its owner.
fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

/// Reads the plan that the command line names, with the identities that it names.
///
/// # Errors
/// A file that cannot be read, or that is no plan for these identities.
pub fn read(session: &Session) -> Result<Plan, Report> {
    let mut identities = Identities::default();
    for path in session.flags.list("identity") {
        identities.add(&bytes(path)?).map_err(|error| Report::from(error).context(path))?;
    }
    let path = session.arg(0);
    Plan::from_bytes(&bytes(path)?, &identities).map_err(|error| Report::from(error).context(path))
}

fn bytes(path: &str) -> Result<Vec<u8>, Report> {
    fs::read(path).map_err(|error| Report::new(format!("open {path}: {}", go_words(&error))))
}
