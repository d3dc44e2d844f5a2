//! How the dependencies of a chart stand (helm/helm `pkg/action/dependency.go`).

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{Chart, Dependency, Error};
use crate::version::{Constraint, Version};

impl Chart {
    /// The names of dependencies that `Chart.yaml` wants and `charts/` does not have.
    pub fn missing_dependencies(&self) -> Vec<&str> {
        let wanted = self.metadata.dependencies.iter().map(|dependency| dependency.name.as_str());
        wanted.filter(|name| self.dependencies.iter().all(|chart| chart.name() != *name)).collect()
    }

    /// Whether it is a chart that can be installed.
    ///
    /// # Errors
    /// Helm's words for one that is not, such as a library.
    pub fn check_kind(&self) -> Result<(), Error> {
        match self.metadata.kind.as_str() {
            "" | "application" => Ok(()),
            kind => Err(Error::new(format!("{kind} charts are not installable"))),
        }
    }

    /// Whether every dependency that `Chart.yaml` wants is there.
    ///
    /// # Errors
    /// Helm's words for those that are not.
    pub fn check_dependencies(&self) -> Result<(), Error> {
        match self.missing_dependencies().join(", ").as_str() {
            "" => Ok(()),
            missing => Err(Error::new(format!(
                "an error occurred while checking for chart dependencies. You may need to run 'helm dependency build' to fetch missing dependencies: found in Chart.yaml, but missing in charts/ directory: {missing}"
            ))),
        }
    }

    /// One word or two on a dependency of the chart at `path`: `ok`, `unpacked`, `missing`, `wrong version`, ….
    pub fn dependency_status(&self, path: &Path, dependency: &Dependency) -> &'static str {
        match archive_status(&archives(path, &dependency.name), dependency) {
            Some(status) => status,
            None => match self.dependencies.iter().rfind(|chart| chart.name() == dependency.name) {
                None => "missing",
                Some(chart) => version_status(chart, dependency).unwrap_or("unpacked"),
            },
        }
    }
}

/// `charts/NAME-*.tgz`, sorted.
fn archives(path: &Path, name: &str) -> Vec<PathBuf> {
    let prefix = format!("{name}-");
    let wanted = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.strip_prefix(&prefix).is_some_and(|rest| rest.ends_with(".tgz"))
    };
    vendored(path).into_iter().filter(wanted).collect()
}

/// Everything in `charts/`, sorted.
pub fn vendored(path: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(path.join("charts")).into_iter().flatten().flatten();
    let mut entries: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    entries.sort();
    entries
}

/// `None` where no archive decides.
fn archive_status(archives: &[PathBuf], dependency: &Dependency) -> Option<&'static str> {
    match archives {
        [] => None,
        [archive] => status_of(archive, dependency),
        several => {
            let with_version = |path: &&PathBuf| {
                let stem = path.file_stem().unwrap_or_default().to_string_lossy();
                let version = stem.strip_prefix(&format!("{}-", dependency.name)).map(Version::parse_strict);
                version.is_some_and(|version| version.is_ok())
            };
            let mut found = several.iter().filter(with_version);
            match (found.next(), found.next()) {
                (Some(archive), None) => status_of(archive, dependency),
                (Some(_), Some(_)) => Some("too many matches"),
                (None, _) => None,
            }
        }
    }
}

fn status_of(archive: &Path, dependency: &Dependency) -> Option<&'static str> {
    fs::metadata(archive).ok()?;
    let Ok(chart) = Chart::load_any(archive) else {
        return Some("corrupt");
    };
    if chart.name() != dependency.name {
        return Some("misnamed");
    }
    Some(version_status(&chart, dependency).unwrap_or("ok"))
}

/// What is wrong with the version of a chart that is there.
fn version_status(chart: &Chart, dependency: &Dependency) -> Option<&'static str> {
    let version = &chart.metadata.version;
    if *version == dependency.version {
        return None;
    }
    match (Constraint::parse(&dependency.version), Version::parse(version)) {
        (Ok(constraint), Ok(version)) if constraint.check(&version) => None,
        (Ok(_), Ok(_)) => Some("wrong version"),
        _ => Some("invalid version"),
    }
}
