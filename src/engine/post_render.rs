//! Post-renderers: plugins of type `postrenderer/v1` that run as a process (helm/helm `pkg/postrenderer`,
//! `internal/plugin`).

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    thread,
};

use serde::Deserialize;

use crate::{chart::go_words, version::Version, yaml};

const TYPE: &str = "postrenderer/v1";
const FILE: &str = "plugin.yaml";

/// A plugin that changes manifests.
#[derive(Debug, Clone)]
pub struct PostRenderer {
    name: String,
    directory: PathBuf,
    commands: Vec<PlatformCommand>,
    arguments: Vec<String>,
    environment: BTreeMap<String, String>,
}

/// Why manifests could not be changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct PostRenderError {
    /// Helm's words.
    pub message: String,
    /// What the plugin wrote to its standard error.
    pub said: String,
}

/// The plugin that was asked for, and what is wrong with others on the way to it.
pub struct Found {
    /// The plugin, or why there is none.
    pub plugin: Result<PostRenderer, String>,
    /// Plugins that cannot be read, each with the reason.
    pub broken: Vec<(PathBuf, String)>,
}

/// `plugin.yaml`, as far as a post-renderer needs it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Metadata {
    #[serde(default, rename = "apiVersion")]
    _api_version: String,
    #[serde(default)]
    name: String,
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    runtime: String,
    #[serde(default)]
    version: String,
    #[serde(default, rename = "sourceURL")]
    _source_url: String,
    #[serde(default)]
    config: Option<serde_json::Map<String, serde_json::Value>>,
    #[serde(default)]
    runtime_config: Option<serde_json::Value>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct RuntimeConfig {
    #[serde(default)]
    platform_command: Vec<PlatformCommand>,
}

/// A command, and the system that it is for; for any where none is named.
#[derive(Debug, Clone, Deserialize)]
struct PlatformCommand {
    #[serde(default)]
    os: String,
    #[serde(default)]
    arch: String,
    #[serde(default)]
    command: String,
    #[serde(default)]
    args: Vec<String>,
}

impl PostRenderer {
    /// Looks for a plugin in folders of plugins, which `:` separates. It runs with the given environment.
    pub fn find(folders: &str, name: &str, arguments: &[String], environment: &BTreeMap<String, String>) -> Found {
        let mut broken = Vec::new();
        let plugin = search(folders, name, &mut broken).and_then(|found| {
            let (directory, metadata) =
                found.ok_or_else(|| format!("plugin: {{Name:{name} Type:{TYPE}}} not found"))?;
            let config = metadata.runtime_config.unwrap_or_default();
            let config: RuntimeConfig = serde_json::from_value(config).unwrap_or_default();
            Ok(Self {
                name: metadata.name,
                directory,
                commands: config.platform_command,
                arguments: arguments.to_vec(),
                environment: environment.clone(),
            })
        });
        Found { plugin, broken }
    }

    /// Runs the plugin with manifests on its standard input; what it writes to standard output takes their place.
    ///
    /// # Errors
    /// It cannot be started, fails, or writes nothing.
    pub fn run(&self, manifests: &str) -> Result<String, PostRenderError> {
        let invoked = |why: String, said: String| PostRenderError {
            message: format!("failed to invoke post-renderer plugin {:?}: {why}", self.name),
            said,
        };
        let (program, arguments) = self.command().map_err(|why| invoked(why, String::new()))?;
        let output = self
            .output(&program, &arguments, manifests)
            .map_err(|error| invoked(not_started(&program, &error), String::new()))?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        if !output.status.success() {
            return Err(invoked(format!("plugin {:?} exited with error", self.name), said));
        }
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        if text.trim().is_empty() {
            return Err(PostRenderError {
                message: format!("post-renderer {:?} produced empty output", self.name),
                said,
            });
        }
        Ok(text)
    }

    fn output(&self, program: &str, arguments: &[String], manifests: &str) -> io::Result<Output> {
        let mut child = Command::new(program)
            .args(arguments)
            .env_clear()
            .envs(self.variables())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let stdin = child.stdin.take();
        thread::scope(|scope| {
            // A plugin may answer before it has read everything, or read nothing at all.
            scope.spawn(|| stdin.map(|mut stdin| stdin.write_all(manifests.as_bytes())));
            child.wait_with_output()
        })
    }

    fn variables(&self) -> BTreeMap<String, String> {
        let mut variables = self.environment.clone();
        variables.insert("HELM_PLUGIN_NAME".to_owned(), self.name.clone());
        variables.insert("HELM_PLUGIN_DIR".to_owned(), self.directory.to_string_lossy().into_owned());
        variables
    }

    /// The command for this system with its variables filled in, and all arguments.
    fn command(&self) -> Result<(String, Vec<String>), String> {
        let none = || "failed to prepare plugin command: no plugin command is applicable".to_owned();
        let chosen = self.commands.iter().filter_map(|command| Some((command.fit()?, command)));
        // Of equal ones the first counts.
        let (_, command) = chosen.rev().max_by_key(|(fit, _)| *fit).ok_or_else(none)?;
        let variables = self.variables();
        let mut words = command.command.split(' ').chain(command.args.iter().map(String::as_str));
        let program = words.next().filter(|program| !program.is_empty()).ok_or_else(none)?;
        let mut arguments: Vec<String> = words.map(|word| expand(word, &variables)).collect();
        arguments.extend(self.arguments.iter().cloned());
        Ok((expand(program, &variables), arguments))
    }
}

impl PlatformCommand {
    /// How well this is a command for this system; `None` if it is for another.
    fn fit(&self) -> Option<u8> {
        let os = if cfg!(target_os = "macos") { "darwin" } else { std::env::consts::OS };
        let arch = match std::env::consts::ARCH {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            other => other,
        };
        let same_os = self.os.eq_ignore_ascii_case(os);
        match (self.os.is_empty(), self.arch.is_empty()) {
            (true, true) => Some(0),
            (false, true) if same_os => Some(1),
            (false, false) if same_os && self.arch.eq_ignore_ascii_case(arch) => Some(2),
            _ => None,
        }
    }
}

/// The first plugin of that name and type.
fn search(
    folders: &str,
    name: &str,
    broken: &mut Vec<(PathBuf, String)>,
) -> Result<Option<(PathBuf, Metadata)>, String> {
    let mut wanted = None;
    for folder in std::env::split_paths(folders) {
        let mut names: BTreeMap<String, PathBuf> = BTreeMap::new();
        for directory in plugins_of(&folder) {
            let metadata = match load(&directory) {
                Ok(metadata) => metadata,
                Err(why) => {
                    let why = format!("failed to load plugin {:?}: {why}", directory.to_string_lossy());
                    broken.push((directory.join(FILE), why));
                    continue;
                }
            };
            if let Some(other) = names.insert(metadata.name.clone(), directory.clone()) {
                let (name, other, directory) = (&metadata.name, other.to_string_lossy(), directory.to_string_lossy());
                return Err(format!("two plugins claim the name {name:?} at {other:?} and {directory:?}"));
            }
            if wanted.is_none() && metadata.name == name && metadata.kind == TYPE {
                wanted = Some((directory, metadata));
            }
        }
    }
    Ok(wanted)
}

/// The folders of a folder that hold a plugin, sorted.
fn plugins_of(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut plugins: Vec<_> = entries.map(|entry| entry.path()).filter(|path| path.join(FILE).exists()).collect();
    plugins.sort_unstable();
    plugins
}

/// Reads `plugin.yaml`. One without `apiVersion` is Helm 3's, and no post-renderer.
fn load(directory: &Path) -> Result<Metadata, String> {
    let path = directory.join(FILE);
    let data = fs::read(&path).map_err(|error| go_words(&error))?;
    let text = yaml::text(&data).map_err(|error| error.message)?;
    let value = yaml::from_str(text).map_err(|error| format!("failed to peek {FILE} API version: {error}"))?;
    let field = |name: &str| value.get(name).and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
    let api_version = field("apiVersion");
    if !matches!(api_version.as_str(), "" | "v1") {
        return Err(format!("invalid plugin apiVersion: {api_version:?}"));
    }
    if api_version.is_empty() {
        let value = serde_json::json!({ "name": field("name"), "version": field("version") });
        return serde_json::from_value(value).map_err(|error| error.to_string());
    }
    let metadata: Metadata = serde_json::from_value(value).map_err(|error| error.to_string())?;
    check(&metadata)?;
    Ok(metadata)
}

fn check(metadata: &Metadata) -> Result<(), String> {
    let (name, version) = (&metadata.name, &metadata.version);
    let is_named = |char: char| char.is_ascii_alphanumeric() || matches!(char, '_' | '-');
    if name.is_empty() || !name.chars().all(is_named) {
        return Err("invalid plugin `name`".to_owned());
    }
    if version.is_empty() {
        return Err("plugin `version` is required".to_owned());
    }
    if Version::parse_strict(version).is_err() {
        return Err(format!("invalid plugin `version` {version:?}: must be valid semver"));
    }
    match (metadata.kind.as_str(), metadata.runtime.as_str()) {
        ("", _) => Err("`type` missing".to_owned()),
        (_, "") => Err("`runtime` missing".to_owned()),
        (TYPE, _) if metadata.config.as_ref().is_some_and(|config| !config.is_empty()) => {
            Err("failed to convert MetadataV1 to Metadata: a post-renderer has no config".to_owned())
        }
        (TYPE, "subprocess") => {
            let config = metadata.runtime_config.clone().unwrap_or_default();
            let read = serde_json::from_value::<Option<RuntimeConfig>>(config);
            read.map(|_| ())
                .map_err(|error| format!("failed to unmarshal runtimeConfig for subprocess runtime: {error}"))
        }
        (TYPE, "extism/v1") => Err("plugins in WebAssembly are not supported by pilothouse".to_owned()),
        (TYPE, runtime) => Err(format!("unsupported plugin runtime type: {runtime:?}")),
        _ => Ok(()),
    }
}

/// Fills in `$NAME` and `${NAME}` as Go's `os.Expand` does; what is not set is empty.
fn expand(text: &str, variables: &BTreeMap<String, String>) -> String {
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        expanded.push_str(before);
        let is_name = |char: char| char.is_ascii_alphanumeric() || char == '_';
        let (name, more) = match after.strip_prefix('{').and_then(|braced| braced.split_once('}')) {
            Some(braced) => braced,
            None => after.split_at(after.find(|char| !is_name(char)).unwrap_or(after.len())),
        };
        if name.is_empty() && !after.starts_with("{}") {
            expanded.push('$');
        }
        expanded.push_str(variables.get(name).map_or("", String::as_str));
        rest = more;
    }
    expanded + rest
}

/// Go's words for a program that cannot be started.
fn not_started(program: &str, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound if !program.contains('/') => {
            format!("exec: {program:?}: executable file not found in $PATH")
        }
        _ => format!("fork/exec {program}: {}", go_words(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plugin(folder: &Path, name: &str, text: &str) {
        let folder = folder.join(name);
        fs::create_dir_all(&folder).expect("a folder");
        fs::write(folder.join(FILE), text).expect("a file");
    }

    fn named(name: &str, command: &str) -> String {
        format!(
            "apiVersion: v1\nname: {name}\ntype: {TYPE}\nversion: 1.0.0\nruntime: subprocess\nruntimeConfig:\n  \
             platformCommand:\n{command}"
        )
    }

    fn find(folders: &str, name: &str, arguments: &[&str]) -> Found {
        let arguments: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        PostRenderer::find(folders, name, &arguments, &std::env::vars().collect())
    }

    /// Order of choice, expanded words and arguments are those of Helm's `PrepareCommands`.
    #[test]
    fn the_command_for_this_system_runs() {
        let folder = tempfile::tempdir().expect("a folder");
        let os = if cfg!(target_os = "macos") { "darwin" } else { "linux" };
        let commands = format!(
            "  - {{command: echo any}}\n  - {{os: {os}, command: 'echo $HELM_PLUGIN_NAME', args: ['a $X${{Y}}b', '$']}}\n  - \
             {{os: {os}, command: echo later}}\n  - {{os: plan9, arch: amd64, command: echo never}}\n"
        );
        plugin(folder.path(), "one", &named("echo", &commands));
        let folders = folder.path().display().to_string();
        let found = find(&folders, "echo", &["last $HOME"]).plugin.expect("a plugin");
        assert_eq!(found.run("given").as_deref(), Ok("echo a b $ last $HOME\n"));
    }

    #[test]
    fn large_manifests_pass_through() {
        let folder = tempfile::tempdir().expect("a folder");
        plugin(folder.path(), "cat", &named("cat", "  - command: cat\n"));
        let found = find(&folder.path().display().to_string(), "cat", &[]).plugin.expect("a plugin");
        let manifests = "a: b\n".repeat(200_000);
        assert!(found.run(&manifests) == Ok(manifests));
    }

    #[test]
    fn what_cannot_run_says_why() {
        let folder = tempfile::tempdir().expect("a folder");
        plugin(folder.path(), "none", &named("none", "  - {os: plan9, command: cat}\n"));
        plugin(folder.path(), "gone", &named("gone", "  - command: no-such-program\n"));
        plugin(folder.path(), "away", &named("away", "  - command: /no/such/program\n"));
        plugin(folder.path(), "broken", "name: [\n");
        plugin(folder.path(), "strange", &named("strange", "  - command: cat\nmore: x\n"));
        plugin(folder.path(), "old", "name: old\nversion: 1.0.0\ncommand: cat\n");
        let folders = folder.path().display().to_string();
        let run = |name| find(&folders, name, &[]).plugin.expect("a plugin").run("a: b").map_err(|error| error.message);
        let failed = |name: &str, why: &str| Err(format!("failed to invoke post-renderer plugin {name:?}: {why}"));
        assert_eq!(run("none"), failed("none", "failed to prepare plugin command: no plugin command is applicable"));
        assert_eq!(run("gone"), failed("gone", "exec: \"no-such-program\": executable file not found in $PATH"));
        assert_eq!(run("away"), failed("away", "fork/exec /no/such/program: no such file or directory"));
        let found = find(&folders, "old", &[]);
        assert_eq!(found.plugin.err().as_deref(), Some("plugin: {Name:old Type:postrenderer/v1} not found"));
        let broken: Vec<_> = found.broken.iter().map(|(path, _)| path.clone()).collect();
        assert_eq!(broken, ["broken", "strange"].map(|name| folder.path().join(name).join(FILE)));
    }

    #[test]
    fn two_plugins_of_one_name_are_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        plugin(folder.path(), "a", &named("twin", "  - command: cat\n"));
        plugin(folder.path(), "b", &named("twin", "  - command: cat\n"));
        let path = |name: &str| folder.path().join(name).display().to_string();
        let refused = find(&folder.path().display().to_string(), "other", &[]).plugin.err();
        let words = format!("two plugins claim the name \"twin\" at {:?} and {:?}", path("a"), path("b"));
        assert_eq!(refused, Some(words));
    }
}
