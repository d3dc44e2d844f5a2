//! Charts and values that a command line names.

use std::{
    collections::HashMap,
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use super::{flags::chart::values_options, report::Report, session::Session};
use crate::{
    chart::{self, Chart},
    cluster::{FetchError, fetch},
    engine::post_render::PostRenderer,
    template::{PostRender, fmt::quote},
    values::Values,
};

/// How long a file of values may take to come, as in Helm.
const DOWNLOAD_TIMEOUT: Duration = Duration::from_secs(120);

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

/// Loads a chart that is to be rendered; what Helm logs about it goes to standard error.
///
/// # Errors
/// What is wrong with the chart, in Helm's words: broken, not installable, or without a dependency.
pub fn load(session: &Session, path: &Path) -> Result<Chart, Report> {
    let chart = Chart::load(path)?;
    chart.notices.iter().for_each(|notice| session.console.note(&notice.to_string()));
    if let Some(hint) = chart.misspelt() {
        session.console.note(&format!("  hint: {hint}"));
    }
    chart.check_kind()?;
    if chart.metadata.deprecated {
        session.console.note(r#"level=WARN msg="this chart is deprecated""#);
    }
    check_dependencies(session, &chart)?;
    Ok(chart)
}

fn check_dependencies(session: &Session, chart: &Chart) -> Result<(), Report> {
    if session.flags.bool("dependency-update") && !chart.missing_dependencies().is_empty() {
        let verb = session.path.command().name;
        return Err(Report::new(format!("--dependency-update is not built yet in pilothouse {verb}; use helm {verb}")));
    }
    Ok(chart.check_dependencies()?)
}

/// The post-renderer that was asked for. What its plugin says when it fails goes to standard error.
///
/// # Errors
/// Helm's words for a plugin that is not there.
pub fn post_renderer(session: &Session) -> Result<Option<Arc<PostRender>>, Report> {
    let (flags, env) = (&session.flags, &session.env);
    let name = flags.text("post-renderer");
    if name.is_empty() {
        return Ok(None);
    }
    let found = PostRenderer::find(&env.plugins(), name, flags.list("post-renderer-args"), &env.vars);
    for (path, why) in found.broken {
        let words = "failed to load plugin (ignoring)";
        session.console.note(&format!("level=WARN msg={words:?} plugin_yaml={} error={why:?}", path.display()));
    }
    let plugin = found
        .plugin
        .map_err(|why| Report::new(format!("invalid argument {name:?} for \"--post-renderer\" flag: {why}")))?;
    let console = session.console.clone();
    Ok(Some(Arc::new(move |manifests| {
        plugin.run(manifests).map_err(|error| {
            error.said.lines().for_each(|line| console.note(&format!("  hint: the plugin said: {line}")));
            error.message
        })
    })))
}

/// The values of `-f`, `--set` and its kin.
///
/// # Errors
/// Helm's words for what cannot be read.
pub fn values(session: &Session) -> Result<Values, Report> {
    values_options(&session.flags).merge(&mut read).map_err(Report::new)
}

/// As [`values`], with what each file held: standard input cannot be read twice.
///
/// # Errors
/// Those of [`values`].
pub fn values_and_files(session: &Session) -> Result<(Values, HashMap<String, Vec<u8>>), Report> {
    let mut files = HashMap::new();
    let mut keep = |path: &str| {
        let data = read(path)?;
        files.insert(path.to_owned(), data.clone());
        Ok(data)
    };
    let values = values_options(&session.flags).merge(&mut keep).map_err(Report::new)?;
    Ok((values, files))
}

/// Reads a path, an address, or `-`, which is standard input.
fn read(path: &str) -> Result<Vec<u8>, String> {
    if path.trim() == "-" {
        let mut data = Vec::new();
        io::stdin().read_to_end(&mut data).map_err(|error| chart::go_words(&error))?;
        return Ok(data);
    }
    match path.split_once("://") {
        Some(("http" | "https", _)) => return download(path),
        Some(("oci", _)) => return Err("values from oci URLs are not built yet in pilothouse".to_owned()),
        _ => {}
    }
    let opened = fs::File::open(path).map_err(|error| format!("open {path}: {}", chart::go_words(&error)));
    let mut data = Vec::new();
    opened?.read_to_end(&mut data).map_err(|error| format!("read {path}: {}", chart::go_words(&error)))?;
    Ok(data)
}

/// Reads an address (helm/helm `pkg/getter/httpgetter.go`).
fn download(url: &str) -> Result<Vec<u8>, String> {
    match fetch(url, DOWNLOAD_TIMEOUT) {
        Ok(data) => Ok(data.into()),
        Err(FetchError::NoAnswer(words)) => Err(words),
        Err(FetchError::Status(status)) => Err(format!("failed to fetch {url} : {status}")),
    }
}
