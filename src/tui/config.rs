//! The user's configuration file. A missing one is fine; a broken one is told with file and line.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    time::Duration,
};

use regex::Regex;
use serde::Deserialize;

use super::{keymap::Keymap, template::Display, theme};

/// What the file may say; every field has a default.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    /// One of [`theme::NAMES`].
    pub theme: String,
    /// Plain ASCII signs; by default only where the locale is not UTF-8.
    pub ascii: Option<bool>,
    /// Whether the mouse works (then the terminal's own selecting does not).
    pub mouse: bool,
    /// Whether the cluster may not be changed from here.
    pub read_only: bool,
    /// Other keys for actions, by the action's name.
    pub keys: HashMap<String, Vec<String>>,
    /// Columns of *Releases*, in order; extra columns by their title.
    pub columns: Vec<String>,
    /// The user's own columns.
    pub extra_columns: Vec<ExtraColumn>,
    /// Template of the terminal's title, over `context`, `namespace`, `release`; empty leaves the title alone.
    pub terminal_title: String,
    /// Where changes ask for the release's name.
    pub protected: Protected,
    /// Patterns of contexts that are coloured as production.
    pub production: Vec<String>,
    /// What a review starts with.
    pub review: ReviewDefaults,
}

/// A column drawn by a user's template over a row's fields.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExtraColumn {
    /// Heading; also its name in `columns`.
    pub title: String,
    /// A Go template, for example `{{ .labels.team }}`.
    pub template: String,
}

/// Patterns with `*`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Protected {
    /// Context names.
    pub contexts: Vec<String>,
    /// Namespaces.
    pub namespaces: Vec<String>,
}

/// What a review starts with.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct ReviewDefaults {
    /// Whether it waits for readiness.
    pub wait: bool,
    /// Seconds, or text such as `5m`.
    #[serde(deserialize_with = "duration")]
    pub timeout: Duration,
    /// Revisions kept.
    pub history_max: usize,
}

impl Default for ReviewDefaults {
    fn default() -> Self {
        Self { wait: true, timeout: Duration::from_secs(300), history_max: 10 }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            theme: "default".into(),
            ascii: None,
            mouse: false,
            read_only: false,
            keys: HashMap::new(),
            columns: Vec::new(),
            extra_columns: Vec::new(),
            terminal_title: String::new(),
            protected: Protected::default(),
            production: vec!["prod*".into(), "*-prod".into(), "*-prod-*".into()],
            review: ReviewDefaults::default(),
        }
    }
}

/// A number of seconds or Go's notation, `1h30m`.
fn duration<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    let text = match serde_yaml::Value::deserialize(from)? {
        serde_yaml::Value::Number(number) => format!("{number}s"),
        serde_yaml::Value::String(text) => text,
        _ => {
            return Err(serde::de::Error::custom("a duration is a number of seconds or text such as 5m"));
        }
    };
    parse_duration(&text)
        .ok_or_else(|| serde::de::Error::custom(format!("{text:?} is no duration; write for example 5m")))
}

/// Reads hours, minutes and seconds in Go's notation.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let mut total = 0;
    let mut number = String::new();
    for character in text.chars() {
        let unit = match character {
            '0'..='9' => {
                number.push(character);
                continue;
            }
            'h' => 3600,
            'm' => 60,
            's' => 1,
            _ => return None,
        };
        total += std::mem::take(&mut number).parse::<u64>().ok()?.checked_mul(unit)?;
    }
    (number.is_empty() && !text.is_empty()).then(|| Duration::from_secs(total))
}

/// Where the file is unless told otherwise: `config.yaml` in the platform's configuration folder.
pub fn default_path() -> Option<PathBuf> {
    directories::ProjectDirs::from("", "", "pilothouse").map(|dirs| dirs.config_dir().join("config.yaml"))
}

impl Config {
    /// Reads the file. The second part tells what is wrong with it; then the defaults stand.
    pub fn load(path: Option<&Path>) -> (Self, Option<String>) {
        let Some(path) = path.map(Path::to_owned).or_else(default_path) else {
            return (Self::default(), None);
        };
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return (Self::default(), None);
            }
            Err(error) => {
                return (Self::default(), Some(format!("{}: {error}", path.display())));
            }
        };
        match Self::parse(&text) {
            Ok(config) => (config, None),
            Err(message) => (Self::default(), Some(format!("{}: {message}", path.display()))),
        }
    }

    /// Reads a configuration; errors name the line where YAML or a field is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.lines().all(|line| line.trim().is_empty() || line.starts_with('#')) {
            return Ok(Self::default());
        }
        let config: Self = serde_yaml::from_str(text).map_err(|error| error.to_string())?;
        if !theme::NAMES.contains(&config.theme.as_str()) {
            return Err(format!("theme: there is no {:?}; there are {}", config.theme, theme::NAMES.join(", ")));
        }
        Keymap::with(&config.keys)?;
        for column in &config.extra_columns {
            Display::parse(&column.template).map_err(|error| format!("extra-columns: {}: {error}", column.title))?;
        }
        Display::parse(&config.terminal_title).map_err(|error| format!("terminal-title: {error}"))?;
        Ok(config)
    }

    /// Whether a change there asks for the release's name.
    pub fn is_protected(&self, context: &str, namespace: &str) -> bool {
        matches_any(&self.protected.contexts, context) || matches_any(&self.protected.namespaces, namespace)
    }

    /// Whether a context is coloured as production.
    pub fn is_production(&self, context: &str) -> bool {
        matches_any(&self.production, context)
    }
}

/// Whether a name matches one of the patterns, in which `*` stands for any text.
fn matches_any(patterns: &[String], name: &str) -> bool {
    patterns.iter().any(|pattern| {
        let expression = pattern.split('*').map(regex::escape).collect::<Vec<_>>().join(".*");
        Regex::new(&format!("^{expression}$")).is_ok_and(|regex| regex.is_match(name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_file_is_the_default() {
        let config = Config::parse("# nothing yet\n").unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(config.theme, "default");
        assert!(config.review.wait);
    }

    #[test]
    fn the_readme_s_example_reads() {
        let readme = include_str!("../../README.md");
        let example = readme.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next());
        let config = Config::parse(example.unwrap_or_default()).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!((config.theme.as_str(), config.columns.len()), ("colour-blind", 7));
    }

    #[test]
    fn every_field_reads() {
        let text = "theme: dark\nascii: true\nmouse: true\nread-only: true\nkeys: {rollback: [f9]}\n\
            columns: [name, TEAM]\nextra-columns: [{title: TEAM, template: '{{ .labels.team }}'}]\n\
            terminal-title: '{{ .context }}'\nprotected: {contexts: ['*live*'], namespaces: [kube-system]}\n\
            production: [main]\nreview: {wait: false, timeout: 1h30m, history-max: 0}\n";
        let config = Config::parse(text).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(config.review.timeout, Duration::from_secs(5400));
        assert!(config.is_protected("eu-live-1", "x") && config.is_protected("dev", "kube-system"));
        assert!(!config.is_protected("dev", "kube-systems"));
        assert!(config.is_production("main") && !config.is_production("mainly"));
    }

    #[track_caller]
    fn check_error(text: &str, expected: &str) {
        match Config::parse(text) {
            Ok(_) => panic!("accepted"),
            Err(message) => assert!(message.contains(expected), "{message}"),
        }
    }

    #[test]
    fn mistakes_name_the_place() {
        check_error("theme: dark\ncolour: red\n", "unknown field `colour`");
        check_error("theme: dark\ncolour: red\n", "line 2");
        check_error("mouse: maybe\n", "line 1");
        check_error("theme: neon\n", "there is no \"neon\"; there are default");
        check_error("keys: {rollback: [y]}\n", "y is both rollback and copy");
        check_error("review: {timeout: soon}\n", "\"soon\" is no duration");
        check_error("extra-columns: [{title: T, template: '{{ if }}'}]\n", "extra-columns: T");
    }

    #[test]
    fn a_missing_file_is_fine_and_a_broken_one_is_named() {
        let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"));
        let path = folder.path().join("config.yaml");
        assert_eq!(Config::load(Some(&path)).1, None);
        std::fs::write(&path, "theme: [").unwrap_or_else(|error| panic!("{error}"));
        let message = Config::load(Some(&path)).1.unwrap_or_default();
        assert!(message.starts_with(&path.display().to_string()) && message.contains("line"), "{message}");
    }
}
