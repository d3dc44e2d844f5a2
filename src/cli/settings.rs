//! Helm's environment and global flags (`pkg/cli/environment.go`, `pkg/helmpath`).

use std::{
    collections::BTreeMap,
    io::IsTerminal,
    path::{Path, PathBuf},
};

use super::flags::{Flag, Kind, Parsed};
use crate::{
    cluster::{ConnectOptions, Interactive},
    engine::world::Zone,
    release::{self, Driver},
};

/// The process around a command: variables, terminal, zone. Handed in so that tests choose it.
#[derive(Debug, Clone)]
pub struct Env {
    /// Environment variables.
    pub vars: BTreeMap<String, String>,
    /// How the program was called, `argv[0]`.
    pub program: String,
    /// Whether standard output is a terminal.
    pub terminal: bool,
    /// Whether standard error is one, too.
    pub error_terminal: bool,
    /// The local time zone.
    pub zone: Zone,
}

impl Env {
    /// Reads it from this process.
    pub fn of_process() -> Self {
        Self {
            vars: std::env::vars_os()
                .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
                .collect(),
            program: std::env::args_os().next().unwrap_or_default().to_string_lossy().into_owned(),
            terminal: std::io::stdout().is_terminal(),
            error_terminal: std::io::stderr().is_terminal(),
            zone: Zone::System,
        }
    }

    /// A variable; empty when absent.
    pub fn get(&self, name: &str) -> &str {
        self.vars.get(name).map_or("", String::as_str)
    }

    fn or(&self, name: &str, default: String) -> String {
        self.vars.get(name).cloned().unwrap_or(default)
    }

    fn truthy(&self, name: &str) -> bool {
        matches!(self.get(name), "1" | "t" | "T" | "true" | "TRUE" | "True")
    }

    fn path(&self, helm: &str, xdg: &str, default: &str, rest: &str) -> String {
        let base = match (self.get(helm), self.get(xdg)) {
            ("", "") => Path::new(self.get("HOME")).join(default).join("helm"),
            ("", xdg) => Path::new(xdg).join("helm"),
            (helm, _) => PathBuf::from(helm),
        };
        // Through components, because Go's `filepath.Join` drops doubled and trailing slashes.
        base.join(rest).components().collect::<PathBuf>().to_string_lossy().into_owned()
    }

    /// A path in Helm's cache.
    pub fn cache(&self, rest: &str) -> String {
        let default = if cfg!(target_os = "macos") { "Library/Caches" } else { ".cache" };
        self.path("HELM_CACHE_HOME", "XDG_CACHE_HOME", default, rest)
    }

    /// A path in Helm's configuration.
    pub fn config(&self, rest: &str) -> String {
        let default = if cfg!(target_os = "macos") { "Library/Preferences" } else { ".config" };
        self.path("HELM_CONFIG_HOME", "XDG_CONFIG_HOME", default, rest)
    }

    /// A path in Helm's data.
    pub fn data(&self, rest: &str) -> String {
        let default = if cfg!(target_os = "macos") { "Library" } else { ".local/share" };
        self.path("HELM_DATA_HOME", "XDG_DATA_HOME", default, rest)
    }

    /// Where plugins are.
    pub fn plugins(&self) -> String {
        self.or("HELM_PLUGINS", self.data("plugins"))
    }

    /// `HELM_MAX_HISTORY`, 10 by default.
    pub fn max_history(&self) -> i64 {
        self.get("HELM_MAX_HISTORY").parse().unwrap_or(10)
    }

    fn burst(&self) -> i64 {
        self.get("HELM_BURST_LIMIT").parse().unwrap_or(100)
    }

    fn qps(&self) -> f32 {
        self.get("HELM_QPS").parse().unwrap_or(0.0)
    }

    fn color(&self) -> &'static str {
        if !self.get("NO_COLOR").is_empty() {
            return "never";
        }
        match self.get("HELM_COLOR").to_lowercase().as_str() {
            "never" => "never",
            "always" => "always",
            _ => "auto",
        }
    }

    fn groups(&self) -> Vec<String> {
        let trimmed = self.get("HELM_KUBEASGROUPS").trim_matches([',', ' ']);
        if trimmed.is_empty() { Vec::new() } else { trimmed.split(',').map(str::to_owned).collect() }
    }
}

/// Flags every command has, defaults from the environment.
pub fn global_flags(env: &Env) -> Vec<Flag> {
    let color = |name, of: &Env| {
        Flag::text(name, "use colored output (never, auto, always)")
            .default(of.color())
            .sets("color")
            .choices(&["never", "auto", "always"])
    };
    let text = |name, help, variable: &str| Flag::text(name, help).default(env.get(variable));
    vec![
        text("namespace", "namespace scope for this request", "HELM_NAMESPACE").short('n'),
        Flag::text("kubeconfig", "path to the kubeconfig file"),
        text("kube-context", "name of the kubeconfig context to use", "HELM_KUBECONTEXT"),
        text("kube-token", "bearer token used for authentication", "HELM_KUBETOKEN"),
        text("kube-as-user", "username to impersonate for the operation", "HELM_KUBEASUSER"),
        Flag::new(
            "kube-as-group",
            Kind::List,
            "group to impersonate for the operation, this flag can be repeated to specify multiple groups.",
        )
        .default(format!("[{}]", env.groups().join(","))),
        text("kube-apiserver", "the address and the port for the Kubernetes API server", "HELM_KUBEAPISERVER"),
        text(
            "kube-ca-file",
            "the certificate authority file for the Kubernetes API server connection",
            "HELM_KUBECAFILE",
        ),
        text(
            "kube-tls-server-name",
            "server name to use for Kubernetes API server certificate validation. If it is not provided, the hostname used to contact the server is used",
            "HELM_KUBETLS_SERVER_NAME",
        ),
        Flag::bool(
            "kube-insecure-skip-tls-verify",
            "if true, the Kubernetes API server's certificate will not be checked for validity. This will make your HTTPS connections insecure",
        )
        .default(env.truthy("HELM_KUBEINSECURE_SKIP_TLS_VERIFY").to_string()),
        Flag::bool("debug", "enable verbose output").default(env.truthy("HELM_DEBUG").to_string()),
        Flag::text("registry-config", "path to the registry config file")
            .default(env.or("HELM_REGISTRY_CONFIG", env.config("registry/config.json"))),
        Flag::text("repository-config", "path to the file containing repository names and URLs")
            .default(env.or("HELM_REPOSITORY_CONFIG", env.config("repositories.yaml"))),
        Flag::text("repository-cache", "path to the directory containing cached repository indexes")
            .default(env.or("HELM_REPOSITORY_CACHE", env.cache("repository"))),
        Flag::text("content-cache", "path to the directory containing cached content (e.g. charts)")
            .default(env.or("HELM_CONTENT_CACHE", env.cache("content"))),
        Flag::int("burst-limit", "client-side default throttling limit").default(env.burst().to_string()),
        Flag::new(
            "qps",
            Kind::Float32,
            "queries per second used when communicating with the Kubernetes API, not including bursting",
        )
        .default(env.qps().to_string()),
        color("color", env),
        color("colour", env),
        Flag::bool("sandbox", "use the embedded example cluster instead of a real one").own(),
        Flag::bool("read-only", "refuse every change").own(),
        Flag::text("config", "configuration file of the full-screen program").own(),
    ]
}

/// How to connect, from the flags (which carry the environment as defaults).
pub fn connect_options(env: &Env, flags: &Parsed) -> ConnectOptions {
    let some = |name: &str| Some(flags.text(name).to_owned()).filter(|text| !text.is_empty());
    let kubeconfig = match flags.text("kubeconfig") {
        "" => std::env::split_paths(env.get("KUBECONFIG")).filter(|path| !path.as_os_str().is_empty()).collect(),
        path => vec![PathBuf::from(path)],
    };
    ConnectOptions {
        kubeconfig,
        context: some("kube-context"),
        namespace: some("namespace"),
        api_server: some("kube-apiserver"),
        token: some("kube-token"),
        as_user: some("kube-as-user"),
        as_groups: flags.list("kube-as-group").to_vec(),
        ca_file: some("kube-ca-file").map(PathBuf::from),
        tls_server_name: some("kube-tls-server-name"),
        insecure: flags.bool("kube-insecure-skip-tls-verify"),
        qps: flags.float("qps"),
        burst: u32::try_from(flags.int("burst-limit")).unwrap_or_default(),
        interactive: Interactive::Always,
    }
}

/// Where the platform keeps what this program itself remembers: its log, backups.
pub fn state_folder() -> Option<PathBuf> {
    let folders = directories::ProjectDirs::from("", "", "pilothouse")?;
    Some(folders.state_dir().unwrap_or(folders.data_local_dir()).to_owned())
}

/// Where records live, from the environment.
///
/// # Errors
/// Those of [`Driver::from_env`]; `--sandbox` refuses a database, which would be a real one.
pub fn driver(env: &Env, flags: &Parsed) -> Result<Driver, release::Error> {
    if flags.bool("sandbox") && env.get("HELM_DRIVER") == "sql" {
        let refusal = "--sandbox does not touch a database: run it without HELM_DRIVER=sql";
        return Err(release::Error::Driver(refusal.to_owned()));
    }
    Driver::from_env(|name| env.get(name))
}

/// What `helm env` prints, by name. `namespace` is the one in force.
pub fn env_vars(env: &Env, flags: &Parsed, namespace: &str) -> BTreeMap<&'static str, String> {
    let flag = |name| flags.text(name).to_owned();
    let mut vars = BTreeMap::from([
        ("HELM_BIN", env.program.clone()),
        ("HELM_CACHE_HOME", env.cache("")),
        ("HELM_CONFIG_HOME", env.config("")),
        ("HELM_DATA_HOME", env.data("")),
        ("HELM_DEBUG", flags.bool("debug").to_string()),
        ("HELM_PLUGINS", env.plugins()),
        ("HELM_REGISTRY_CONFIG", flag("registry-config")),
        ("HELM_REPOSITORY_CACHE", flag("repository-cache")),
        ("HELM_CONTENT_CACHE", flag("content-cache")),
        ("HELM_REPOSITORY_CONFIG", flag("repository-config")),
        ("HELM_NAMESPACE", namespace.to_owned()),
        ("HELM_MAX_HISTORY", env.max_history().to_string()),
        ("HELM_BURST_LIMIT", flags.int("burst-limit").to_string()),
        ("HELM_QPS", format!("{:.2}", flags.float("qps"))),
        ("HELM_KUBECONTEXT", flag("kube-context")),
        ("HELM_KUBETOKEN", flag("kube-token")),
        ("HELM_KUBEASUSER", flag("kube-as-user")),
        ("HELM_KUBEASGROUPS", flags.list("kube-as-group").join(",")),
        ("HELM_KUBEAPISERVER", flag("kube-apiserver")),
        ("HELM_KUBECAFILE", flag("kube-ca-file")),
        ("HELM_KUBEINSECURE_SKIP_TLS_VERIFY", flags.bool("kube-insecure-skip-tls-verify").to_string()),
        ("HELM_KUBETLS_SERVER_NAME", flag("kube-tls-server-name")),
    ]);
    if !flags.text("kubeconfig").is_empty() {
        vars.insert("KUBECONFIG", flag("kubeconfig"));
    }
    vars
}
