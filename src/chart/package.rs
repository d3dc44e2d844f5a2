//! Charts into archives and folders (helm/helm `pkg/chart/v2/util/save.go`). The same files with the same times give the
//! same bytes.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use bytes::Bytes;
use flate2::{Compression, GzBuilder};
use jiff::Timestamp;
use serde_json::Value;

use super::{API_V1, API_V2, Chart, Error, File, Metadata, folder::io_error, tar};
use crate::{
    template::{clean_path, fmt::quote},
    yaml,
};

/// What Helm writes into the header of its archives, by which they are known.
const EXTRA: &[u8] = b"rr\x28\x00aHR0cHM6Ly95b3V0dS5iZS96OVV6MWljandyTQo=";
const UNIX_UNKNOWN: u8 = 255;

impl Chart {
    /// Writes the chart as `NAME-VERSION.tgz` into a folder, which is made where it is missing; returns its path.
    ///
    /// # Errors
    /// Helm's words for a chart that is not valid, and for what cannot be written.
    pub fn save(&mut self, folder: &Path) -> Result<PathBuf, Error> {
        self.metadata.validate().map_err(|error| error.within("chart validation"))?;
        let name = format!("{}-{}.tgz", self.name(), self.metadata.version);
        let path = PathBuf::from(clean_path(&folder.join(name).to_string_lossy()));
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        match fs::metadata(folder) {
            Ok(status) if !status.is_dir() => {
                return Err(Error::new(format!("is not a directory: {}", folder.display())));
            }
            Ok(_) => {}
            Err(_) => fs::create_dir_all(folder).map_err(|error| io_error("mkdir", folder, &error))?,
        }
        let archive = self.archive()?;
        fs::write(&path, archive).map_err(|error| io_error("open", &path, &error))?;
        Ok(path)
    }

    /// The chart as an archive.
    ///
    /// # Errors
    /// Helm's words for a chart that cannot be packaged.
    pub fn archive(&self) -> Result<Vec<u8>, Error> {
        let mut entries = Vec::new();
        self.entries("", &mut entries)?;
        let header = GzBuilder::new().extra(EXTRA).comment("Helm").operating_system(UNIX_UNKNOWN);
        let mut gzip = header.write(Vec::new(), Compression::default());
        let written = entries.iter().try_for_each(|entry| tar::write(&mut gzip, entry));
        let finished = written.and_then(|()| gzip.write_all(&tar::END)).and_then(|()| gzip.finish());
        finished.map_err(|error| Error::new(error.to_string()))
    }

    /// The files of the archive, in Helm's order, sub-charts after their parent.
    fn entries(&self, prefix: &str, entries: &mut Vec<File>) -> Result<(), Error> {
        check_name(self.name())?;
        let base = format!("{prefix}{}", self.name());
        let mut add = |name: &str, data: Bytes, modified: Option<Timestamp>| {
            let modified = Some(modified.unwrap_or_else(Timestamp::now));
            entries.push(File { name: format!("{base}/{}", clean_path(name)), data, modified });
        };
        add("Chart.yaml", self.metadata.to_yaml()?.into(), self.modified);
        if let Some(lock) = self.lock.as_ref().filter(|_| self.metadata.api_version == API_V2) {
            add("Chart.lock", lock.to_yaml()?.into(), lock.generated.parse().ok());
        }
        let values = self.raw.iter().filter(|file| file.name == "values.yaml");
        if let Some(schema) = &self.schema
            && serde_json::from_slice::<serde::de::IgnoredAny>(&schema.data).is_err()
        {
            return Err(Error::new("invalid JSON in values.schema.json"));
        }
        for file in values.chain(&self.schema).chain(&self.templates).chain(&self.files) {
            add(&file.name, file.data.clone(), file.modified);
        }
        self.dependencies.iter().try_for_each(|chart| chart.entries(&format!("{base}/charts/"), entries))
    }

    /// Writes the chart as a folder of its name into another, sub-charts as archives.
    ///
    /// # Errors
    /// Helm's words for what cannot be written.
    pub fn save_folder(&mut self, into: &Path) -> Result<(), Error> {
        check_name(self.name())?;
        let top = into.join(self.name());
        if fs::metadata(&top).is_ok_and(|status| !status.is_dir()) {
            return Err(Error::new(format!("file {} already exists and is not a directory", top.display())));
        }
        write_file(&top.join("Chart.yaml"), self.metadata.to_yaml()?.as_bytes())?;
        let values = self.raw.iter().filter(|file| file.name == "values.yaml");
        for file in values.chain(&self.schema).chain(&self.templates).chain(&self.files) {
            write_file(&top.join(&file.name), &file.data)?;
        }
        let parent = self.name().to_owned();
        for chart in &mut self.dependencies {
            let saved = chart.save(&top.join("charts"));
            saved.map_err(|error| error.within(format!("saving {parent}/charts/{}", chart.name())))?;
        }
        Ok(())
    }
}

impl Metadata {
    /// `Chart.yaml` as Helm writes it: those of `v1` keep their dependencies in a file of their own.
    ///
    /// # Errors
    /// None is known: what was read can be written.
    pub fn to_yaml(&self) -> Result<String, Error> {
        let mut value = to_value(self)?;
        if self.api_version == API_V1
            && let Some(entries) = value.as_object_mut()
        {
            entries.remove("dependencies");
        }
        Ok(yaml::to_string(&value))
    }
}

impl super::Lock {
    /// `Chart.lock` as Helm writes it.
    ///
    /// # Errors
    /// None is known: what was read can be written.
    pub fn to_yaml(&self) -> Result<String, Error> {
        to_value(self).map(|value| yaml::to_string(&value))
    }
}

fn to_value(value: &impl serde::Serialize) -> Result<Value, Error> {
    serde_json::to_value(value).map_err(|error| Error::new(error.to_string()))
}

/// Refuses names that would leave the folder.
fn check_name(name: &str) -> Result<(), Error> {
    let inside = !name.is_empty() && (name == "/" || !name.contains('/'));
    if inside { Ok(()) } else { Err(Error::new(format!("{} is not a valid chart name", quote(name.as_bytes())))) }
}

/// Writes a file and the folders above it.
pub(super) fn write_file(path: &Path, data: &[u8]) -> Result<(), Error> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|error| io_error("mkdir", folder, &error))?;
    }
    fs::write(path, data).map_err(|error| io_error("open", path, &error))
}
