//! New charts: Helm's own starter, starters of the user's, and ours (helm/helm `pkg/chart/v2/util/create.go`).

use std::{fs, path::Path};

use bytes::Bytes;

use super::{API_V2, Chart, Error, Metadata, folder::io_error, package::write_file};
use crate::{template::fmt::quote, values::Notice};

/// What starters have where the chart's name goes.
const PLACEHOLDER: &str = "<CHARTNAME>";
const MAX_NAME_LENGTH: usize = 250;

/// A starter that is part of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Starter {
    /// What `helm create` writes.
    Helm,
    /// A web service with a database.
    WebDb,
}

/// Files of a starter: paths and texts.
type Files = &'static [(&'static str, &'static str)];

macro_rules! starter {
    ($folder:literal: $($path:literal),+ $(,)?) => {
        &[$(($path, include_str!(concat!("../../assets/starter/", $folder, "/", $path)))),+]
    };
}

/// What `helm create` writes, in its order.
const HELM: Files = starter!("chart":
    "Chart.yaml",
    "values.yaml",
    ".helmignore",
    "templates/ingress.yaml",
    "templates/httproute.yaml",
    "templates/deployment.yaml",
    "templates/service.yaml",
    "templates/serviceaccount.yaml",
    "templates/hpa.yaml",
    "templates/NOTES.txt",
    "templates/_helpers.tpl",
    "templates/tests/test-connection.yaml",
);

/// A web service with a database, ours.
const WEB_DB: Files = starter!("web-db":
    "Chart.yaml",
    "values.yaml",
    "values-dev.yaml",
    "values-stage.yaml",
    "values-prod.yaml",
    "values.schema.json",
    ".helmignore",
    "README.md",
    "charts/database/Chart.yaml",
    "charts/database/templates/_helpers.tpl",
    "charts/database/templates/secret.yaml",
    "charts/database/templates/service.yaml",
    "charts/database/templates/statefulset.yaml",
    "charts/database/values.yaml",
    "templates/NOTES.txt",
    "templates/_helpers.tpl",
    "templates/deployment.yaml",
    "templates/hpa.yaml",
    "templates/ingress.yaml",
    "templates/service.yaml",
    "templates/tests/test-connection.yaml",
);

/// Makes a chart from a starter of ours in a folder; returns Helm's warnings about files that were there.
///
/// # Errors
/// Helm's words for a name that is none, and for what cannot be written.
pub fn create(starter: Starter, name: &str, into: &Path) -> Result<Vec<String>, Error> {
    check_name(name)?;
    let into = std::path::absolute(into).map_err(|error| Error::new(error.to_string()))?;
    if !fs::metadata(&into).map_err(|error| io_error("stat", &into, &error))?.is_dir() {
        return Err(Error::new(format!("no such directory {}", into.display())));
    }
    let top = into.join(name);
    if fs::metadata(&top).is_ok_and(|status| !status.is_dir()) {
        return Err(Error::new(format!("file {} already exists and is not a directory", top.display())));
    }
    let mut warnings = Vec::new();
    let files = match starter {
        Starter::Helm => HELM,
        Starter::WebDb => WEB_DB,
    };
    for (path, text) in files {
        let path = top.join(path);
        if path.exists() {
            warnings.push(format!(
                "WARNING: File {} already exists. Overwriting.",
                quote(path.display().to_string().as_bytes())
            ));
        }
        write_file(&path, text.replace(PLACEHOLDER, name).as_bytes())?;
    }
    let charts = top.join("charts");
    fs::create_dir_all(&charts).map_err(|error| io_error("mkdir", &charts, &error))?;
    Ok(warnings)
}

fn check_name(name: &str) -> Result<(), Error> {
    if name.is_empty() || name.len() > MAX_NAME_LENGTH {
        let problem = format!("chart name must be between 1 and {MAX_NAME_LENGTH} characters");
        return Err(Error::new(problem));
    }
    if name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte)) {
        return Ok(());
    }
    Err(Error::new("chart name must match the regular expression \"^[a-zA-Z0-9._-]+$\""))
}

/// Makes a chart from a starter: any chart, its name replaced, its placeholders filled. What loading logged comes back.
///
/// # Errors
/// Helm's words for what cannot be loaded or written.
pub fn create_from(starter: &Path, name: &str, into: &Path) -> Result<Vec<Notice>, Error> {
    let mut chart =
        Chart::load_any(starter).map_err(|error| error.within(format!("could not load {}", starter.display())))?;
    chart.metadata = Metadata {
        name: name.to_owned(),
        description: "A Helm chart for Kubernetes".to_owned(),
        kind: "application".to_owned(),
        version: "0.1.0".to_owned(),
        app_version: "0.1.0".to_owned(),
        api_version: API_V2.to_owned(),
        ..Metadata::default()
    };
    let values = chart.raw.iter_mut().filter(|file| file.name == "values.yaml");
    for file in values.chain(&mut chart.templates) {
        file.data = fill(&file.data, name);
    }
    chart.save_folder(into)?;
    Ok(chart.notices)
}

/// The text with the name where the placeholders were.
fn fill(data: &Bytes, name: &str) -> Bytes {
    let mut filled = Vec::with_capacity(data.len());
    let mut rest = data.as_ref();
    while let Some(at) = rest.windows(PLACEHOLDER.len()).position(|part| part == PLACEHOLDER.as_bytes()) {
        let (before, after) = rest.split_at(at);
        filled.extend_from_slice(before);
        filled.extend_from_slice(name.as_bytes());
        rest = after.get(PLACEHOLDER.len()..).unwrap_or_default();
    }
    filled.extend_from_slice(rest);
    filled.into()
}
