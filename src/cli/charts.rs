//! Charts that a command line names.

use std::path::{Path, PathBuf};

use super::{report::Report, session::Session};
use crate::template::fmt::quote;

/// Where the chart of a command line is: a folder or an archive. Charts of repositories are not looked for yet.
///
/// # Errors
/// Helm's words for a path that is not there; a sentence for what is no path.
pub fn locate(session: &Session, name: &str) -> Result<PathBuf, Report> {
    let name = name.trim();
    let verb = session.path.name().replacen("pilothouse ", "", 1);
    if session.flags.text("repo").is_empty() {
        let path = Path::new(name);
        if path.exists() {
            match (session.flags.bool("verify"), path.is_dir()) {
                (true, true) => return Err(Report::new("unpacked charts cannot be verified")),
                (true, false) => {
                    return Err(Report::new(format!(
                        "--verify is not built yet in pilothouse {verb}; use helm verify"
                    )));
                }
                _ => return std::path::absolute(name).map_err(|error| Report::new(error.to_string())),
            }
        }
        if path.is_absolute() || name.starts_with('.') {
            return Err(Report::new(format!("path {} not found", quote(name.as_bytes()))));
        }
        if !name.contains('/') {
            let form = "non-absolute URLs should be in form of repo_name/path_to_chart";
            return Err(Report::new(format!("{form}, got: {name}")));
        }
    }
    Err(Report::new(format!(
        "repositories are not built yet in pilothouse {verb}, which takes charts from folders and archives; use helm {verb}"
    )))
}
