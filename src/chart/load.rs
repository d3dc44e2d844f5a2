//! From files to a chart with its sub-charts (helm/helm `pkg/chart/v2/loader/load.go`, `pkg/chart/loader/load.go`).

use std::{fs, path::Path};

use serde_json::Value;

use super::{
    API_V1, API_V2, Chart, Error, File, Lock,
    archive::{self, Budget, NOT_GZIP, is_gzip},
    decode::{Decode, Decoder, unmarshal},
    folder::{self, io_error},
    misspelt,
};
use crate::values::{self, Notice};

/// How deep charts may nest: an archive can hold itself.
const MAX_DEPTH: usize = 64;

/// What Helm 2's charts did not say, and what Helm 4 renders; others (`v3`) are refused by [`Chart::load`].
const KNOWN_VERSIONS: [&str; 3] = ["", API_V1, API_V2];

impl Chart {
    /// Loads a chart that is to be installed, rendered or packaged: a folder or an archive.
    ///
    /// # Errors
    /// Helm's words for what cannot be read, is no chart or is one of another `apiVersion`.
    pub fn load(path: &Path) -> Result<Self, Error> {
        if is_folder(path)? {
            return Self::load_folder(path);
        }
        let files = archive::read(&read_archive(path)?, &mut Budget::default());
        let files = files.map_err(|error| match error.message.as_str() {
            NOT_GZIP => not_a_chart(path, &error),
            _ => Error::new("unable to load chart archive"),
        })?;
        Self::from_detected(files)
    }

    /// Loads a chart's folder, as [`Chart::load`] does.
    ///
    /// # Errors
    /// Helm's words for what cannot be read, is no chart or is one of another `apiVersion`.
    pub fn load_folder(path: &Path) -> Result<Self, Error> {
        let name = absolute(path)?.join("Chart.yaml");
        let data = fs::read(&name).map_err(|error| {
            let outer = format!("unable to detect chart at {}", name.display());
            let entries = fs::read_dir(path).into_iter().flatten().flatten();
            let names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
            let hint = misspelt::hint(names.iter().map(String::as_str));
            Error { hint, ..io_error("open", &name, &error).within(outer) }
        })?;
        check_version(&data)?;
        Self::load_any(path)
    }

    /// Loads a chart to look at: as [`Chart::load`], of any `apiVersion`.
    ///
    /// # Errors
    /// Helm's words for what cannot be read or is no chart.
    pub fn load_any(path: &Path) -> Result<Self, Error> {
        if is_folder(path)? {
            let mut notices = Vec::new();
            let files = folder::read(&absolute(path)?, &mut notices)?;
            let mut chart = Self::from_files(files, &mut Budget::default(), 0)?;
            notices.append(&mut chart.notices);
            return Ok(Self { notices, ..chart });
        }
        let data = read_archive(path)?;
        let mut budget = Budget::default();
        let files = archive::read(&data, &mut budget).map_err(|error| match error.message.as_str() {
            NOT_GZIP => not_a_chart(path, &error),
            _ => error,
        })?;
        Self::from_files(files, &mut budget, 0)
    }

    /// Loads a chart from the bytes of an archive.
    ///
    /// # Errors
    /// Helm's words for what is no chart or one of another `apiVersion`.
    pub fn from_archive(archive: &[u8]) -> Result<Self, Error> {
        let files = archive::read(archive, &mut Budget::default()).map_err(|error| match error.message.as_str() {
            NOT_GZIP => Error::new(format!("stream does not appear to be a valid chart file (details: {error})")),
            _ => error.within("unable to load chart archive"),
        })?;
        Self::from_detected(files)
    }

    fn from_detected(files: Vec<File>) -> Result<Self, Error> {
        let Some(file) = files.iter().find(|file| file.name == "Chart.yaml") else {
            let problem = Error::new("unable to detect chart version, no Chart.yaml found");
            return Err(with_hint(problem, &files));
        };
        check_version(&file.data)?;
        Self::from_files(files, &mut Budget::default(), 0)
    }

    pub(super) fn from_files(files: Vec<File>, budget: &mut Budget, depth: usize) -> Result<Self, Error> {
        if depth > MAX_DEPTH {
            return Err(Error::new(format!("charts nest deeper than {MAX_DEPTH}")));
        }
        let mut chart = Self { raw: files, ..Self::default() };
        let found = chart.read_metadata()?;
        let sub_charts = chart.read_files()?;
        if !found {
            return Err(with_hint(Error::new("Chart.yaml file is missing"), &chart.raw));
        }
        chart.metadata.validate()?;
        for (name, files) in sub_charts {
            if name.starts_with(['_', '.']) {
                continue;
            }
            let sub_chart = chart.sub_chart(&name, files, budget, depth)?;
            chart.dependencies.push(sub_chart);
        }
        for dependency in &mut chart.dependencies {
            chart.notices.append(&mut dependency.notices);
        }
        Ok(chart)
    }

    fn sub_chart(&self, name: &str, files: Vec<File>, budget: &mut Budget, depth: usize) -> Result<Self, Error> {
        let files = match files.as_slice() {
            [first, ..] if name.ends_with(".tgz") && first.name != name => {
                return Err(Error::new(format!(
                    "error unpacking subchart tar in {}: expected {name}, got {}",
                    self.name(),
                    first.name
                )));
            }
            [first, ..] if name.ends_with(".tgz") => archive::read(&first.data, budget),
            _ => Ok(files
                .into_iter()
                .filter_map(|file| {
                    let (_, name) = file.name.split_once('/')?;
                    Some(File { name: name.to_owned(), ..file })
                })
                .collect()),
        };
        files
            .and_then(|files| Self::from_files(files, budget, depth + 1))
            .map_err(|error| error.within(format!("error unpacking subchart {name} in {}", self.name())))
    }

    /// Reads `Chart.yaml`; whether there is one, or something that stands for it.
    fn read_metadata(&mut self) -> Result<bool, Error> {
        let mut found =
            self.raw.iter().any(|file| matches!(file.name.as_str(), "requirements.yaml" | "requirements.lock"));
        for file in self.raw.iter().filter(|file| file.name == "Chart.yaml") {
            found = true;
            self.modified = file.modified;
            unmarshal(&file.data, &mut self.metadata).map_err(|error| cannot_load("Chart.yaml", error))?;
            if self.metadata.api_version.is_empty() {
                API_V1.clone_into(&mut self.metadata.api_version);
            }
        }
        Ok(found)
    }

    /// Sorts the files into what they are for; returns those of sub-charts by the name below `charts/`.
    fn read_files(&mut self) -> Result<Vec<(String, Vec<File>)>, Error> {
        let mut sub_charts: Vec<(String, Vec<File>)> = Vec::new();
        let raw = std::mem::take(&mut self.raw);
        for file in &raw {
            match file.name.as_str() {
                "Chart.yaml" => {}
                "Chart.lock" => self.read_lock(file)?,
                "values.yaml" => {
                    let read = values::from_bytes(&file.data);
                    self.values = read.map_err(|error| cannot_load("values.yaml", error))?;
                }
                "values.schema.json" => self.schema = Some(file.clone()),
                "requirements.yaml" => {
                    self.old_file(file, "Dependencies are handled in Chart.yaml since apiVersion \"v2\". We recommend migrating dependencies to Chart.yaml.");
                    unmarshal(&file.data, &mut self.metadata).map_err(|error| cannot_load(&file.name, error))?;
                }
                "requirements.lock" => {
                    self.read_lock(file)?;
                    self.old_file(file, "Dependency locking is handled in Chart.lock since apiVersion \"v2\". We recommend migrating to Chart.lock.");
                }
                name if name.starts_with("templates/") => self.templates.push(file.clone()),
                name => match name.strip_prefix("charts/") {
                    Some(inner) if !inner.ends_with(".prov") => {
                        let (chart, _) = inner.split_once('/').unwrap_or((inner, ""));
                        let file = File { name: inner.to_owned(), ..file.clone() };
                        match sub_charts.iter_mut().find(|(name, _)| name == chart) {
                            Some((_, files)) => files.push(file),
                            None => sub_charts.push((chart.to_owned(), vec![file])),
                        }
                    }
                    _ => self.files.push(file.clone()),
                },
            }
        }
        self.raw = raw;
        Ok(sub_charts)
    }

    fn read_lock(&mut self, file: &File) -> Result<(), Error> {
        let mut lock = Lock::default();
        unmarshal(&file.data, &mut lock).map_err(|error| cannot_load(&file.name, error))?;
        self.lock = Some(lock);
        Ok(())
    }

    /// A file of `v1`, which stays among the files there and has no place in later charts.
    fn old_file(&mut self, file: &File, warning: &str) {
        if self.metadata.api_version == API_V1 {
            self.files.push(file.clone());
        } else {
            self.notices.push(Notice::info(format!("Warning: {warning}")));
        }
    }
}

/// The part of `Chart.yaml` that says how to read the rest.
#[derive(Default)]
struct Base {
    api_version: String,
}

impl Decode for Base {
    const TYPE: (&'static str, &'static str) = ("loader", "chartBase");
    const FIELDS: &'static [&'static str] = &["apiVersion"];

    fn field(&mut self, _name: &str, value: &Value, decoder: &mut Decoder) {
        decoder.string(value, &mut self.api_version);
    }
}

fn check_version(chart_yaml: &[u8]) -> Result<(), Error> {
    let mut base = Base::default();
    unmarshal(chart_yaml, &mut base).map_err(|error| cannot_load("Chart.yaml", error))?;
    match base.api_version.as_str() {
        version if KNOWN_VERSIONS.contains(&version) => Ok(()),
        "v3" => Err(Error::new("invalid chart apiVersion")),
        _ => Err(Error::new("unsupported chart version")),
    }
}

fn cannot_load(name: &str, problem: String) -> Error {
    Error::new(problem).within(format!("cannot load {name}"))
}

fn is_folder(path: &Path) -> Result<bool, Error> {
    fs::metadata(path).map(|status| status.is_dir()).map_err(|error| io_error("stat", path, &error))
}

fn absolute(path: &Path) -> Result<std::path::PathBuf, Error> {
    std::path::absolute(path).map_err(|error| Error::new(error.to_string()))
}

fn not_a_chart(path: &Path, error: &Error) -> Error {
    let path = path.display();
    Error::new(format!("file '{path}' does not appear to be a valid chart file (details: {error})"))
}

fn read_archive(path: &Path) -> Result<Vec<u8>, Error> {
    let data = fs::read(path).map_err(|error| io_error("open", path, &error))?;
    if is_gzip(&data) {
        return Ok(data);
    }
    let path = path.display().to_string();
    let problem = if path.ends_with(".yml") || path.ends_with(".yaml") {
        format!("file '{path}' seems to be a YAML file, but expected a gzipped archive")
    } else {
        let kind = content_type(&data);
        format!("file '{path}' does not appear to be a gzipped archive; got '{kind}'")
    };
    Err(Error::new(problem))
}

/// What Go's `http.DetectContentType` calls the beginning of a file, as Helm asks it: filled up with zeros to 512 bytes,
/// which makes short texts binary. Of pictures, sounds and fonts only those are told apart that anyone could mistake.
fn content_type(data: &[u8]) -> &'static str {
    const KINDS: [(&[u8], &str); 10] = [
        (b"%PDF-", "application/pdf"),
        (b"%!PS-Adobe-", "application/postscript"),
        (b"\xef\xbb\xbf", "text/plain; charset=utf-8"),
        (b"\xff\xfe", "text/plain; charset=utf-16le"),
        (b"\xfe\xff", "text/plain; charset=utf-16be"),
        (b"PK\x03\x04", "application/zip"),
        (b"Rar!\x1a\x07", "application/x-rar-compressed"),
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"\xff\xd8\xff", "image/jpeg"),
        (b"\0asm", "application/wasm"),
    ];
    let start = data.get(..512).unwrap_or(data);
    let trimmed = start.trim_ascii_start();
    let lower = trimmed.get(..20).unwrap_or(trimmed).to_ascii_lowercase();
    let is_html = [&b"<!doctype html"[..], b"<html", b"<head", b"<script", b"<title", b"<body", b"<!--"]
        .iter()
        .any(|tag| lower.strip_prefix(*tag).is_some_and(|rest| rest.starts_with(b" ") || rest.starts_with(b">")));
    let is_binary = |byte: &u8| matches!(byte, 0..=8 | 0x0b | 0x0e..=0x1a | 0x1c..=0x1f);
    match KINDS.iter().find(|(magic, _)| start.starts_with(magic)) {
        _ if is_html => "text/html; charset=utf-8",
        _ if trimmed.starts_with(b"<?xml") => "text/xml; charset=utf-8",
        Some((_, kind)) => kind,
        None if start.len() < 512 || start.iter().any(is_binary) => "application/octet-stream",
        None => "text/plain; charset=utf-8",
    }
}

/// Names a file that is nearly the one that is missing.
fn with_hint(error: Error, files: &[File]) -> Error {
    Error { hint: misspelt::hint(files.iter().map(|file| file.name.as_str())), ..error }
}
