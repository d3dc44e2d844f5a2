//! The files of a chart's folder, links followed (helm/helm `pkg/chart/v2/loader/directory.go`, `internal/sympath`).

use std::{
    fs,
    path::{Path, PathBuf},
};

use bytes::Bytes;
use jiff::Timestamp;

use super::{
    Error, File,
    archive::{MAX_FILE_SIZE, without_bom},
    ignore::Rules,
};
use crate::{
    template::{clean_path, fmt::quote},
    values::Notice,
};

/// How deep folders may nest; a link to a folder above itself would never end.
const MAX_DEPTH: usize = 100;

/// Reads every file that `.helmignore` does not leave out, in lexical order, and notes the links that were followed.
///
/// # Errors
/// Helm's words: what cannot be read, is no regular file or is too large.
pub(super) fn read(folder: &Path, notices: &mut Vec<Notice>) -> Result<Vec<File>, Error> {
    let rules = match fs::read(folder.join(".helmignore")) {
        Ok(text) => Rules::parse(&String::from_utf8_lossy(&text))?,
        Err(_) => Rules::parse("")?,
    };
    let mut walk = Walk { rules, files: Vec::new(), notices };
    walk.folder(folder, "", 0)?;
    Ok(walk.files)
}

struct Walk<'a> {
    rules: Rules,
    files: Vec<File>,
    notices: &'a mut Vec<Notice>,
}

impl Walk<'_> {
    fn folder(&mut self, folder: &Path, inside: &str, depth: usize) -> Result<(), Error> {
        if depth > MAX_DEPTH {
            return Err(Error::new(format!("{}: folders nest deeper than {MAX_DEPTH}", folder.display())));
        }
        for (name, path) in entries(folder)? {
            let inside = if inside.is_empty() { name } else { format!("{inside}/{name}") };
            let status = self.status(&path)?;
            if self.rules.ignore(&inside, status.is_dir()) {
                continue;
            }
            if status.is_dir() {
                self.folder(&path, &inside, depth + 1)?;
            } else {
                self.files.push(file(&path, inside, &status)?);
            }
        }
        Ok(())
    }

    /// The status of a file, or of what a link leads to.
    fn status(&mut self, path: &Path) -> Result<fs::Metadata, Error> {
        let status = fs::symlink_metadata(path).map_err(|error| io_error("lstat", path, &error))?;
        if !status.is_symlink() {
            return Ok(status);
        }
        let failed = |error: &std::io::Error| {
            let broken = io_error("lstat", &first_missing(path), error);
            broken.within(format!("error evaluating symlink {}", path.display()))
        };
        let resolved = fs::canonicalize(path).map_err(|error| failed(&error))?;
        let facts = [("path", path), ("resolved", &resolved)];
        self.notices.push(Notice {
            facts: facts.map(|(name, path)| (name, path.display().to_string())).into(),
            ..Notice::info("found symbolic link in path. Contents of linked file included and used")
        });
        fs::metadata(&resolved).map_err(|error| failed(&error))
    }
}

/// The first part of a link's way that is not there.
fn first_missing(link: &Path) -> PathBuf {
    let mut path = link.to_owned();
    for _ in 0..MAX_DEPTH {
        let Ok(target) = fs::read_link(&path) else { break };
        path = path.parent().unwrap_or(&path).join(target);
    }
    let path = PathBuf::from(clean_path(&path.to_string_lossy()));
    let missing = path.ancestors().filter(|part| fs::symlink_metadata(part).is_err()).last();
    missing.unwrap_or(&path).to_owned()
}

/// Names and paths in a folder, sorted.
fn entries(folder: &Path) -> Result<Vec<(String, PathBuf)>, Error> {
    let failed = |error: std::io::Error| io_error("open", folder, &error);
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        entries.push((entry.file_name().to_string_lossy().into_owned(), entry.path()));
    }
    entries.sort();
    Ok(entries)
}

fn file(path: &Path, name: String, status: &fs::Metadata) -> Result<File, Error> {
    if !status.is_file() {
        let path = path.display();
        return Err(Error::new(format!("cannot load irregular file {path} as it has file mode type bits set")));
    }
    if status.len() > MAX_FILE_SIZE {
        let name = name.rsplit('/').next().unwrap_or(&name);
        let problem =
            format!("chart file {} is larger than the maximum file size {MAX_FILE_SIZE}", quote(name.as_bytes()));
        return Err(Error::new(problem));
    }
    let data =
        fs::read(path).map_err(|error| io_error("open", path, &error).within(format!("error reading {name}")))?;
    let modified = status.modified().ok().and_then(|time| Timestamp::try_from(time).ok());
    Ok(File { name, data: without_bom(Bytes::from(data)), modified })
}

/// Go's `PathError`: `open x: no such file or directory`.
pub(super) fn io_error(operation: &str, path: &Path, error: &std::io::Error) -> Error {
    Error::new(format!("{operation} {}: {}", path.display(), go_words(error)))
}

/// What Go says where the system refuses: `no such file or directory`.
pub fn go_words(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_lowercase()
}
