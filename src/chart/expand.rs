//! An archive's files on disk, below a folder with the chart's name (helm/helm `pkg/chart/v2/util/expand.go`).

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{
    Error, Metadata,
    archive::{self, Budget},
    folder::io_error,
};
use crate::template::fmt::quote;

/// Writes the files of a chart's archive below a folder; returns the chart's own folder. The archive's reader refuses
/// names that lead elsewhere.
///
/// # Errors
/// Helm's words.
pub fn expand(into: &Path, archive: &[u8]) -> Result<PathBuf, Error> {
    let files = archive::read(archive, &mut Budget::default())?;
    let mut name = String::new();
    for file in files.iter().filter(|file| file.name == "Chart.yaml") {
        let metadata = Metadata::from_yaml(&file.data);
        name = metadata.map_err(|error| Error::new(format!("cannot load Chart.yaml: {error}")))?.name;
    }
    let quoted = quote(name.as_bytes());
    match name.as_str() {
        "" => return Err(Error::new("chart name not specified")),
        "." | ".." => return Err(Error::new(format!("chart name {quoted} is not allowed"))),
        name if name.contains('/') => {
            return Err(Error::new(format!("chart name {quoted} must not contain path separators")));
        }
        _ => {}
    }
    let folder = into.join(name);
    for file in &files {
        let path = folder.join(&file.name);
        let parent = path.parent().unwrap_or(&folder);
        fs::create_dir_all(parent).map_err(|error| io_error("mkdir", parent, &error))?;
        fs::write(&path, &file.data).map_err(|error| io_error("open", &path, &error))?;
    }
    Ok(folder)
}
