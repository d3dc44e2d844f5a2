//! `Chart.yaml` (helm/helm `pkg/chart/v2/lint/rules/chartfile.go`).

use bytes::Bytes;
use serde_json::Value;

use super::{Entry, Linter, addresses, when};
use crate::{
    chart::{API_V1, API_V2, Metadata},
    template::fmt::quote,
    version::{Constraint, Version},
    yaml,
};

const FILE: &str = "Chart.yaml";

impl Linter<'_> {
    pub(super) fn chart_file(&mut self) {
        let is_folder = self.subject.chart_yaml == Entry::Folder;
        self.error(FILE, when(is_folder, || "should be a file, not a directory".to_owned()));
        let read = self.read_chart_file();
        let unreadable = |why: &String| format!("unable to parse YAML\n\t{why}");
        self.error(FILE, read.as_ref().err().map(unreadable));
        let Ok((data, metadata)) = read else {
            return;
        };
        let not_strict = |why| format!("failed to strictly parse chart metadata file\n\t{why}");
        self.warning(FILE, Metadata::strict_problem(&data).map(not_strict));
        let text = String::from_utf8_lossy(&data);
        let plain = yaml::from_str(&text).unwrap_or_default();
        self.error(FILE, name(&metadata));
        self.error(FILE, api_version(&metadata));
        self.error(FILE, text_type(&plain, "version"));
        self.error(FILE, version(&metadata));
        self.error(FILE, text_type(&plain, "appVersion"));
        self.error(FILE, maintainers(&metadata));
        self.error(FILE, sources(&metadata));
        self.info(FILE, when(metadata.icon.is_empty(), || "icon is recommended".to_owned()));
        self.error(FILE, icon(&metadata));
        self.error(FILE, kind(&metadata));
        self.error(FILE, dependencies(&metadata));
        self.warning(FILE, strict_version(&metadata));
    }

    fn read_chart_file(&self) -> Result<(Bytes, Metadata), String> {
        match &self.subject.chart_yaml {
            Entry::File(data) => {
                let data = data.clone()?;
                let metadata = Metadata::from_yaml(&data)?;
                Ok((data, metadata))
            }
            Entry::Folder => Err(format!("read {}/{FILE}: is a directory", self.subject.path)),
            Entry::Missing => Err(format!("open {}/{FILE}: no such file or directory", self.subject.path)),
        }
    }
}

fn name(metadata: &Metadata) -> Option<String> {
    match metadata.name.as_str() {
        "" => Some("name is required".to_owned()),
        name => when(name.contains('/'), || format!("chart name {} is invalid", quote(name.as_bytes()))),
    }
}

fn api_version(metadata: &Metadata) -> Option<String> {
    match metadata.api_version.as_str() {
        "" => Some(r#"apiVersion is required. The value must be either "v1" or "v2""#.to_owned()),
        API_V1 | API_V2 => None,
        other => Some(format!(r#"apiVersion '{other}' is not valid. The value must be either "v1" or "v2""#)),
    }
}

/// Versions that YAML reads as numbers are a mistake.
fn text_type(document: &Value, key: &str) -> Option<String> {
    let found = match document.get(key)? {
        Value::String(_) => return None,
        Value::Null => "<nil>",
        Value::Bool(_) => "bool",
        Value::Number(_) => "float64",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    };
    Some(format!("{key} should be of type string but it's of type {found}"))
}

fn version(metadata: &Metadata) -> Option<String> {
    if metadata.version.is_empty() {
        return Some("version is required".to_owned());
    }
    let Ok(version) = Version::parse(&metadata.version) else {
        return Some(format!("version '{}' is not a valid SemVer", metadata.version));
    };
    let wanted = Constraint::parse(">0.0.0-0").ok()?;
    when(!wanted.check(&version), || format!("version {} is less than or equal to 0.0.0-0", metadata.version))
}

fn strict_version(metadata: &Metadata) -> Option<String> {
    when(Version::parse_strict(&metadata.version).is_err(), || {
        format!("version '{}' is not a valid SemVerV2", metadata.version)
    })
}

fn maintainers(metadata: &Metadata) -> Option<String> {
    if metadata.empty_entries.contains("maintainers") {
        return Some("a maintainer entry is empty".to_owned());
    }
    metadata.maintainers.iter().find_map(|maintainer| {
        let name = &maintainer.name;
        if name.is_empty() {
            Some("each maintainer requires a name".to_owned())
        } else if !maintainer.email.is_empty() && !addresses::is_email(&maintainer.email) {
            Some(format!("invalid email '{}' for maintainer '{name}'", maintainer.email))
        } else if !maintainer.url.is_empty() && !addresses::is_url(&maintainer.url) {
            Some(format!("invalid url '{}' for maintainer '{name}'", maintainer.url))
        } else {
            None
        }
    })
}

fn sources(metadata: &Metadata) -> Option<String> {
    let wrong = metadata.sources.iter().find(|source| source.is_empty() || !addresses::is_request_url(source))?;
    Some(format!("invalid source URL '{wrong}'"))
}

fn icon(metadata: &Metadata) -> Option<String> {
    let icon = &metadata.icon;
    when(!icon.is_empty() && !addresses::is_request_url(icon), || format!("invalid icon URL '{icon}'"))
}

fn kind(metadata: &Metadata) -> Option<String> {
    let version = &metadata.api_version;
    when(!metadata.kind.is_empty() && version != API_V2, || {
        format!("chart type is not valid in apiVersion '{version}'. It is valid in apiVersion '{API_V2}'")
    })
}

fn dependencies(metadata: &Metadata) -> Option<String> {
    let version = &metadata.api_version;
    when(!metadata.dependencies.is_empty() && version != API_V2, || {
        format!(
            "dependencies are not valid in the Chart file with apiVersion '{version}'. They are valid in apiVersion '{API_V2}'"
        )
    })
}
