//! Filling `charts/` from `Chart.yaml` or `Chart.lock`, as far as no network is needed: dependencies that are folders
//! (`file://…`) or there already (helm/helm `pkg/downloader/manager.go`, `internal/resolver/resolver.go`).

use std::{
    fs,
    path::{Path, PathBuf},
};

use jiff::Zoned;
use sha2::{Digest, Sha256};

use super::{
    API_V1, Chart, Dependency, Error, Lock,
    folder::{go_words, io_error},
};
use crate::{
    template::{clean_path, fmt::quote},
    version::{Constraint, Version},
    yaml::json,
};

/// What Helm prints meanwhile.
pub type Say<'a> = &'a mut dyn FnMut(&str);

/// The work on one chart.
struct Update<'a> {
    folder: &'a Path,
    /// Tells more, as `--debug` does.
    verbose: bool,
    say: Say<'a>,
}

/// Chooses versions as `Chart.yaml` wants them, fills `charts/` and writes `Chart.lock`. What loading logged comes back.
///
/// # Errors
/// Helm's words; one sentence where a dependency comes from a repository.
pub fn update(folder: &Path, verbose: bool, say: Say) -> Result<Chart, Error> {
    let chart = load(folder)?;
    Update { folder, verbose, say }.update(&chart)?;
    Ok(chart)
}

/// Fills `charts/` with what `Chart.lock` names; without one does what [`update`] does.
///
/// # Errors
/// Helm's words, also where the lock is older than `Chart.yaml`; one sentence where a dependency comes from a repository.
pub fn build(folder: &Path, verbose: bool, say: Say) -> Result<Chart, Error> {
    let chart = load(folder)?;
    Update { folder, verbose, say }.build(&chart)?;
    Ok(chart)
}

fn load(folder: &Path) -> Result<Chart, Error> {
    let status = fs::metadata(folder)
        .map_err(|error| io_error("stat", folder, &error).within(format!("could not find {}", folder.display())))?;
    if !status.is_dir() {
        return Err(Error::new("only unpacked charts can be updated"));
    }
    Chart::load_any(folder)
}

impl Update<'_> {
    fn update(&mut self, chart: &Chart) -> Result<(), Error> {
        let wanted = &chart.metadata.dependencies;
        if wanted.is_empty() {
            return Ok(());
        }
        self.check_sources(wanted)?;
        let mut locked = self.resolve(wanted)?;
        self.save_all(&mut locked)?;
        let digest = digest(wanted, &locked)?;
        if chart.lock.as_ref().is_some_and(|lock| lock.digest == digest) {
            return Ok(());
        }
        let now = Zoned::now();
        let generated = now.strftime(if now.offset().is_zero() { "%FT%T%.fZ" } else { "%FT%T%.f%:z" }).to_string();
        self.write_lock(&Lock { generated, digest, dependencies: locked }, &chart.metadata.api_version)
    }

    fn build(&mut self, chart: &Chart) -> Result<(), Error> {
        let Some(lock) = &chart.lock else {
            return self.update(chart);
        };
        let wanted = &chart.metadata.dependencies;
        self.check_sources(wanted)?;
        if digest(wanted, &lock.dependencies)? != lock.digest {
            if chart.metadata.api_version != API_V1 {
                return Err(Error::new(
                    "the lock file (Chart.lock) is out of sync with the dependencies file (Chart.yaml). Please update the dependencies with 'helm dependency update'",
                ));
            }
            if old_digest(wanted)? != lock.digest {
                return Err(Error::new(
                    "the lock file (requirements.lock) is out of sync with the dependencies file (requirements.yaml). Please update the dependencies",
                ));
            }
        }
        self.check_sources(&lock.dependencies)?;
        self.save_all(&mut lock.dependencies.clone())
    }

    /// Refuses what is not on this machine.
    fn check_sources(&mut self, dependencies: &[Dependency]) -> Result<(), Error> {
        for dependency in dependencies.iter().filter(|dependency| !dependency.repository.is_empty()) {
            let repository = &dependency.repository;
            if !repository.starts_with("file://") {
                return Err(Error {
                    message: format!(
                        "dependency {} comes from {repository}, and repositories are not built yet in pilothouse",
                        quote(dependency.name.as_bytes())
                    ),
                    hint: Some("helm dependency update and helm dependency build fetch it".to_owned()),
                });
            }
            self.local_path(repository)?;
            if self.verbose {
                (self.say)(&format!("Repository from local path: {repository}\n"));
            }
        }
        Ok(())
    }

    /// The folder that `file://PATH` or a path inside the chart means.
    fn local_path(&self, repository: &str) -> Result<PathBuf, Error> {
        let path = repository.strip_prefix("file://").unwrap_or(repository);
        let path = clean_path(&self.folder.join(path).to_string_lossy());
        match fs::metadata(&path) {
            Ok(_) => Ok(path.into()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                Err(Error::new(format!("directory {path} not found")))
            }
            Err(error) => Err(io_error("stat", Path::new(&path), &error)),
        }
    }

    /// The dependencies with the versions that are there.
    fn resolve(&self, wanted: &[Dependency]) -> Result<Vec<Dependency>, Error> {
        let (mut locked, mut missing) = (Vec::new(), Vec::new());
        for dependency in wanted {
            let Dependency { name, version, repository, .. } = dependency;
            let constraint = Constraint::parse(version).map_err(|error| {
                let name = quote(name.as_bytes());
                Error::new(format!("dependency {name} has an invalid version/constraint format: {error}"))
            })?;
            let found = if repository.is_empty() {
                self.local_path(&format!("charts/{name}"))?;
                version.clone()
            } else {
                Chart::load_any(&self.local_path(repository)?)?.metadata.version
            };
            if !repository.is_empty() && !Version::parse(&found).is_ok_and(|version| constraint.check(&version)) {
                let [name, repository, version] = [name, repository, version].map(|text| quote(text.as_bytes()));
                missing.push(format!("{name} (repository {repository}, version {version})"));
                continue;
            }
            let (name, repository) = (name.clone(), repository.clone());
            locked.push(Dependency { name, repository, version: found, ..Dependency::default() });
        }
        if missing.is_empty() {
            return Ok(locked);
        }
        Err(Error::new(format!(
            "can't get a valid version for {} subchart(s): {}. Make sure a matching chart version exists in the repo, or change the version constraint in Chart.yaml",
            missing.len(),
            missing.join(", ")
        )))
    }

    /// Archives all dependencies beside `charts/`, and moves them there when all are done.
    fn save_all(&mut self, dependencies: &mut [Dependency]) -> Result<(), Error> {
        let charts = self.folder.join("charts");
        match fs::metadata(&charts) {
            Ok(status) if !status.is_dir() => {
                let path = quote(charts.to_string_lossy().as_bytes());
                return Err(Error::new(format!("{path} is not a directory")));
            }
            Ok(_) => {}
            Err(_) => fs::create_dir_all(&charts).map_err(|error| io_error("mkdir", &charts, &error))?,
        }
        let place = tempfile::Builder::new().prefix("tmpcharts-").tempdir_in(self.folder);
        let place = place.map_err(|error| io_error("mkdir", self.folder, &error))?;
        (self.say)(&format!("Saving {} charts\n", dependencies.len()));
        for dependency in &mut *dependencies {
            if let Err(error) = self.save(dependency, &charts, place.path()) {
                (self.say)(&format!("Save error occurred:  {error}\n"));
                return Err(error);
            }
        }
        self.move_all(dependencies, place.path(), &charts)
    }

    fn save(&mut self, dependency: &mut Dependency, charts: &Path, place: &Path) -> Result<(), Error> {
        let Dependency { name, version, repository, .. } = &*dependency;
        if repository.is_empty() {
            (self.say)(&format!(
                "Dependency {name} did not declare a repository. Assuming it exists in the charts directory\n"
            ));
        } else if self.verbose {
            (self.say)(&format!("Archiving {name} from repo {repository}\n"));
        }
        let mut chart = if repository.is_empty() {
            let path = charts.join(name);
            let outer = format!("unable to load chart '{}'", path.display());
            Chart::load_any(&path).map_err(|error| error.within(outer))?
        } else {
            Chart::load_any(&self.local_path(repository)?)?
        };
        let constraint = Constraint::parse(version).map_err(|error| {
            Error::new(format!("dependency {name} has an invalid version/constraint format: {error}"))
        })?;
        let found = chart.metadata.version.clone();
        let fits = Version::parse(&found).is_ok_and(|version| constraint.check(&version));
        match (repository.as_str(), fits) {
            ("", true) => Ok(()),
            ("", false) => Err(Error::new(format!(
                "dependency {name} at version {found} does not satisfy the constraint {version}"
            ))),
            (_, false) => Err(Error::new(format!("can't get a valid version for dependency {name}"))),
            (_, true) => {
                chart.save(place)?;
                dependency.version = found;
                Ok(())
            }
        }
    }

    /// Moves the new archives and deletes those that nothing wants any more.
    fn move_all(&mut self, dependencies: &[Dependency], place: &Path, charts: &Path) -> Result<(), Error> {
        let (new, old) = (file_names(place)?, file_names(charts)?);
        for name in &new {
            let moved = fs::rename(place.join(name), charts.join(name));
            moved.map_err(|error| io_error("rename", &place.join(name), &error))?;
        }
        (self.say)("Deleting outdated charts\n");
        for name in old.iter().filter(|name| !new.contains(name)) {
            let path = charts.join(name);
            match Chart::load_any(&path) {
                Err(error) => {
                    (self.say)(&format!("Could not verify {} for deletion: {error} (Skipping)\n", path.display()))
                }
                Ok(chart) if dependencies.iter().any(|it| it.repository.is_empty() && it.name == chart.name()) => {}
                Ok(_) => {
                    if let Err(error) = fs::remove_file(&path) {
                        let (path, why) = (path.display(), go_words(&error));
                        (self.say)(&format!("Could not delete {path}: remove {path}: {why} (Skipping)"));
                    }
                }
            }
        }
        Ok(())
    }

    fn write_lock(&self, lock: &Lock, api_version: &str) -> Result<(), Error> {
        let name = if api_version == API_V1 { "requirements.lock" } else { "Chart.lock" };
        let path = self.folder.join(name);
        if let Ok(target) = fs::read_link(&path) {
            let target = quote(target.to_string_lossy().as_bytes());
            return Err(Error::new(format!("the {name} file is a symlink to {target}")));
        }
        fs::write(&path, lock.to_yaml()?).map_err(|error| io_error("open", &path, &error))
    }
}

/// Names of the files of a folder, sorted.
fn file_names(folder: &Path) -> Result<Vec<String>, Error> {
    let entries = fs::read_dir(folder).map_err(|error| io_error("open", folder, &error))?;
    let files = entries.flatten().filter(|entry| !entry.file_type().is_ok_and(|kind| kind.is_dir()));
    let mut names: Vec<String> = files.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    Ok(names)
}

/// The digest of a lock: of what was wanted and what was found.
fn digest(wanted: &[Dependency], locked: &[Dependency]) -> Result<String, Error> {
    hash(&[known(wanted), locked.to_vec()])
}

/// Helm 2's digest, of what was wanted.
fn old_digest(wanted: &[Dependency]) -> Result<String, Error> {
    hash(&std::collections::BTreeMap::from([("dependencies", known(wanted))]))
}

/// The dependencies as Helm knows them: what only we read has no part in its digests.
fn known(wanted: &[Dependency]) -> Vec<Dependency> {
    wanted.iter().map(|one| Dependency { depends_on: Vec::new(), ..one.clone() }).collect()
}

fn hash(value: &impl serde::Serialize) -> Result<String, Error> {
    let json = json::to_vec(value).map_err(|error| Error::new(error.to_string()))?;
    let hex: String = Sha256::digest(json).iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(format!("sha256:{hex}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Helm reads nothing of `depends-on`, so a lock that it made still fits.
    #[test]
    fn an_order_has_no_part_in_a_digest() {
        let plain = [Dependency { name: "web".to_owned(), version: "1.0.0".to_owned(), ..Dependency::default() }];
        let ordered = plain.clone().map(|one| Dependency { depends_on: vec!["db".to_owned()], ..one });
        assert_eq!(digest(&ordered, &[]), digest(&plain, &[]));
        assert_eq!(old_digest(&ordered), old_digest(&plain));
        assert_ne!(json::to_vec(&ordered).ok(), json::to_vec(&plain).ok(), "packages keep it");
    }
}
