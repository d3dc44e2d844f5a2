//! Kubeconfig, contexts, in-cluster, `--kube-*` flags, impersonation.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderValue, Uri, header};
use hyper_util::{
    client::{legacy::connect::HttpConnector, proxy::matcher::Matcher},
    rt::TokioExecutor,
};
use kube::{
    Config,
    client::{Body, ConfigExt},
    config::{AuthInfo, KubeConfigOptions, Kubeconfig, KubeconfigError, NamedCluster, NamedContext},
};
use serde::Deserialize;
use tower_http::decompression::DecompressionLayer;

use super::{
    Cluster, Error, ErrorKind,
    credentials::Plugin,
    error::chain,
    transport::{Limiter, Transport},
};

/// How long the handshake with the server may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// When a credential plugin may own the terminal.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Interactive {
    /// Never: a screen owns it.
    #[default]
    Never,
    /// While connecting; the screen takes it back afterwards.
    Connecting,
    /// Whenever a credential is needed.
    Always,
}

/// Where and as whom to connect: Helm's `--kube-*` flags after flags and environment were merged.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ConnectOptions {
    /// Kubeconfig files in order of precedence; empty means `~/.kube/config`, then in-cluster.
    pub kubeconfig: Vec<PathBuf>,
    /// Context name.
    pub context: Option<String>,
    /// Namespace; the context's own otherwise.
    pub namespace: Option<String>,
    /// `--kube-apiserver`.
    pub api_server: Option<String>,
    /// `--kube-token`.
    pub token: Option<String>,
    /// `--kube-as-user`.
    pub as_user: Option<String>,
    /// `--kube-as-group`.
    pub as_groups: Vec<String>,
    /// `--kube-ca-file`.
    pub ca_file: Option<PathBuf>,
    /// `--kube-tls-server-name`.
    pub tls_server_name: Option<String>,
    /// `--kube-insecure-skip-tls-verify`.
    pub insecure: bool,
    /// `--qps`; 0 means no client-side limit.
    pub qps: f32,
    /// `--burst-limit`.
    pub burst: u32,
    /// When an interactive credential plugin may own the terminal.
    pub interactive: Interactive,
}

/// One context of the kubeconfig.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContextInfo {
    /// Context name.
    pub name: String,
    /// Cluster name.
    pub cluster: String,
    /// Default namespace.
    pub namespace: String,
    /// Whether it is the current one.
    pub current: bool,
}

/// The contexts of a kubeconfig, sorted by name. Only files are read.
pub fn contexts(options: &ConnectOptions) -> Result<Vec<ContextInfo>, Error> {
    let kubeconfig = load(options)?.unwrap_or_default();
    let current = options.context.as_ref().or(kubeconfig.current_context.as_ref());
    let mut contexts: Vec<_> = kubeconfig
        .contexts
        .iter()
        .map(|named| {
            let context = named.context.clone().unwrap_or_default();
            ContextInfo {
                name: named.name.clone(),
                cluster: context.cluster,
                namespace: non_empty(context.namespace).unwrap_or_else(|| "default".to_owned()),
                current: current == Some(&named.name),
            }
        })
        .collect();
    contexts.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(contexts)
}

impl Cluster {
    /// Reads the configuration and makes a client; runs the context's credential plugin, sends no request yet.
    pub async fn connect(options: &ConnectOptions) -> Result<Self, Error> {
        let (context, mut config) = configuration(options).await?;
        apply_flags(&mut config, options)?;
        config.connect_timeout = Some(CONNECT_TIMEOUT);
        // Retries are `Transport`'s: kube's would wait minutes for an aggregated API that is down.
        config.default_retry = false;
        let agent = HeaderValue::from_static(concat!("pilothouse/", env!("CARGO_PKG_VERSION")));
        config.headers.push((header::USER_AGENT, agent));

        let plugin = config.auth_info.exec.take().map(|exec| Plugin::new(exec, options.interactive));
        if let Some(plugin) = &plugin {
            use_certificate_of(plugin, &mut config.auth_info).await?;
        }
        let namespace = config.default_namespace.clone();
        let server = config.cluster_url.to_string().trim_end_matches('/').to_owned();
        let client = client(config).map_err(|error| Error::new(ErrorKind::Config, Error::from(error).message))?;
        let transport =
            Transport { client, limiter: Limiter::new(options.qps, options.burst), plugin, clock: Arc::default() };
        let clock = Arc::clone(&transport.clock);
        Ok(Self::new(transport.into_client(&namespace), context, namespace, server, clock))
    }

    /// The server's version, for example `v1.36.1`. The cheapest request, so also the reachability check;
    /// its failures are told as Go tells them.
    pub async fn server_version(&self) -> Result<String, Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Version {
            git_version: String,
        }
        let version: Version = self.get_json("/version").await.map_err(|error| self.as_go_tells(error))?;
        Ok(version.git_version)
    }

    fn as_go_tells(&self, mut error: Error) -> Error {
        let server = self.server();
        let address = server.split_once("://").map_or(server, |(_, address)| address);
        match error.kind {
            // client-go `apimachinery/pkg/api/errors`, `NewGenericServerResponse`.
            ErrorKind::Unauthorized if error.code == 401 => {
                error.message = "the server has asked for the client to provide credentials".to_owned();
            }
            ErrorKind::Unreachable if !server.is_empty() => {
                let dial = error.message == "connect: connection refused" || error.message == "i/o timeout";
                let dial = if dial { format!("dial tcp {address}: ") } else { String::new() };
                error.message = format!("Get \"{server}/version\": {dial}{}", error.message);
            }
            _ => {}
        }
        error
    }
}

/// kube's own client where there is a proxy. Else the same parts over a connection without Nagle's algorithm, which
/// costs the first request of every connection 40 ms, and which kube leaves on.
pub(super) fn client(config: Config) -> kube::Result<kube::Client> {
    if config.proxy_url.is_some() {
        return kube::Client::try_from(config);
    }
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    connector.set_nodelay(true);
    connector.set_connect_timeout(config.connect_timeout);
    let connector = config.rustls_https_connector_with_connector(connector)?;
    let client = hyper_util::client::legacy::Client::builder(TokioExecutor::new()).build::<_, Body>(connector);
    let service = tower::ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .option_layer(config.auth_layer()?)
        .layer(config.extra_headers_layer()?)
        .layer(DecompressionLayer::new())
        .map_err(tower::BoxError::from)
        .service(client);
    Ok(kube::Client::new(service, config.default_namespace))
}

/// The chosen context's name and configuration, before flags.
async fn configuration(options: &ConnectOptions) -> Result<(String, Config), Error> {
    let kubeconfig = load(options)?;
    if kubeconfig.is_none() && options.api_server.is_none() && options.context.is_none() {
        let config = Config::incluster().map_err(|_| no_configuration())?;
        return Ok(("in-cluster".to_owned(), config));
    }
    let kubeconfig = select(kubeconfig.unwrap_or_default(), options)?;
    let context = kubeconfig.current_context.clone().unwrap_or_default();
    let clusters = kubeconfig.clusters.iter().filter_map(|named| named.cluster.as_ref());
    let own_proxy = clusters.filter_map(|cluster| cluster.proxy_url.as_ref()).any(|url| !url.is_empty());
    let mut config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
        .await
        .map_err(|error| config_error(format!("context {context:?}: {}", chain(&error))))?;
    if !own_proxy && bypasses_proxy(&config.cluster_url) {
        config.proxy_url = None;
    }
    Ok((context, config))
}

/// The kubeconfig files merged; `None` when there is none. Of several files some may be missing, as for client-go.
fn load(options: &ConnectOptions) -> Result<Option<Kubeconfig>, Error> {
    let default = || std::env::home_dir().map(|home| home.join(".kube").join("config"));
    let files: Vec<PathBuf> = match options.kubeconfig.as_slice() {
        [] => default().into_iter().filter(|file| file.exists()).collect(),
        [file] if !file.exists() => {
            return Err(config_error(format!("stat {}: no such file or directory", file.display())));
        }
        files => files.iter().filter(|file| file.exists()).cloned().collect(),
    };
    let mut merged: Option<Kubeconfig> = None;
    for file in &files {
        let next = Kubeconfig::read_from(file).map_err(|error| in_file(file, &error))?;
        merged = Some(match merged {
            Some(merged) => merged.merge(next).map_err(|error| in_file(file, &error))?,
            None => next,
        });
    }
    Ok(merged)
}

/// Makes the chosen context the current one, and sure that what it names exists (client-go
/// `clientcmd/client_config.go`). With `--kube-apiserver` no context is needed.
fn select(mut kubeconfig: Kubeconfig, options: &ConnectOptions) -> Result<Kubeconfig, Error> {
    let chosen = non_empty(options.context.clone()).or(non_empty(kubeconfig.current_context.take()));
    let name = chosen.clone().unwrap_or_default();
    let mut context = match kubeconfig.contexts.iter().find(|named| named.name == name) {
        Some(named) => named.context.clone().unwrap_or_default(),
        None if chosen.is_some() => {
            return Err(config_error(format!("context {name:?} does not exist")));
        }
        None if options.api_server.is_some() => kube::config::Context::default(),
        None => {
            return Err(config_error("the kubeconfig has no current context; choose one with --kube-context"));
        }
    };
    let user = context.user.as_deref().unwrap_or_default();
    if !user.is_empty() && !kubeconfig.auth_infos.iter().any(|named| named.name == user) {
        return Err(config_error(format!("auth info {user:?} does not exist")));
    }
    let has_cluster = kubeconfig.clusters.iter().any(|named| named.name == context.cluster);
    if !has_cluster && !context.cluster.is_empty() {
        return Err(config_error(format!("cluster {:?} does not exist", context.cluster)));
    }
    if !has_cluster {
        kubeconfig.clusters.push(NamedCluster { name: String::new(), ..NamedCluster::default() });
    }
    kubeconfig.clusters.retain(|named| named.name == context.cluster);
    for named in &mut kubeconfig.clusters {
        let cluster = named.cluster.get_or_insert_default();
        cluster.server = options.api_server.clone().or(cluster.server.take());
        if non_empty(cluster.server.clone()).is_none() {
            return Err(config_error(format!("no server found for cluster {:?}", named.name)));
        }
    }
    context.namespace = non_empty(context.namespace);
    kubeconfig.contexts = vec![NamedContext { name: name.clone(), context: Some(context), ..NamedContext::default() }];
    kubeconfig.current_context = Some(name);
    Ok(kubeconfig)
}

/// The `--kube-*` flags win over what the files or the pod say.
fn apply_flags(config: &mut Config, options: &ConnectOptions) -> Result<(), Error> {
    if options.api_server.is_some() {
        // A server name of the file is about the file's server (client-go `getCluster`).
        config.tls_server_name = None;
    }
    if config.cluster_url.scheme().is_none() {
        // client-go takes a bare host as plain HTTP (`rest/url_utils.go`, `DefaultServerURL`).
        config.cluster_url = format!("http://{}", config.cluster_url)
            .parse()
            .map_err(|error| config_error(format!("{}: {error}", config.cluster_url)))?;
    }
    if let Some(name) = &options.tls_server_name {
        config.tls_server_name = Some(name.clone());
    }
    if let Some(file) = &options.ca_file {
        if let Err(error) = std::fs::File::open(file) {
            return Err(config_error(format!("--kube-ca-file {}: {error}", file.display())));
        }
        (config.root_cert, config.root_cert_file) = (None, Some(file.clone()));
        config.accept_invalid_certs = false;
    }
    if options.insecure {
        (config.root_cert, config.root_cert_file) = (None, None);
        config.accept_invalid_certs = true;
    }
    if let Some(token) = &options.token {
        config.auth_info.token = Some(token.clone().into());
        (config.auth_info.token_file, config.auth_info.exec, config.auth_info.auth_provider) = (None, None, None);
    }
    impersonate(&mut config.auth_info, options)?;
    if let Some(namespace) = non_empty(options.namespace.clone()) {
        config.default_namespace = namespace;
    }
    Ok(())
}

fn impersonate(auth: &mut AuthInfo, options: &ConnectOptions) -> Result<(), Error> {
    if let Some(user) = non_empty(options.as_user.clone()) {
        auth.impersonate = Some(user);
    }
    if !options.as_groups.is_empty() {
        auth.impersonate_groups = Some(options.as_groups.clone());
    }
    let groups = auth.impersonate_groups.as_ref().is_some_and(|groups| !groups.is_empty());
    if groups && auth.impersonate.is_none() {
        return Err(config_error(
            "requesting groups without impersonating a user: --kube-as-group needs --kube-as-user",
        ));
    }
    Ok(())
}

/// Client certificates are part of the TLS set-up, so the plugin runs before it.
async fn use_certificate_of(plugin: &Plugin, auth: &mut AuthInfo) -> Result<(), Error> {
    let credential = plugin.credential().await?;
    if let (Some(certificate), Some(key)) = (&credential.client_certificate_data, &credential.client_key_data) {
        auth.client_certificate_data = Some(STANDARD.encode(certificate));
        auth.client_key_data = Some(STANDARD.encode(key).into());
    }
    Ok(())
}

/// Whether `NO_PROXY` or a loopback address keeps this server away from `HTTPS_PROXY`; Go knows both rules,
/// and kube asks `NO_PROXY` about the proxy instead of the server.
fn bypasses_proxy(server: &Uri) -> bool {
    let host = server.host().unwrap_or_default().trim_matches(['[', ']']);
    let loopback = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    loopback || Matcher::from_env().intercept(server).is_none()
}

fn no_configuration() -> Error {
    config_error("no configuration has been provided: there is no kubeconfig, and this is not a pod of a cluster")
}

fn in_file(file: &Path, error: &KubeconfigError) -> Error {
    config_error(format!("error loading config file {:?}: {}", file.display().to_string(), chain(error)))
}

fn config_error(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Config, message)
}

fn non_empty(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "
apiVersion: v1
kind: Config
clusters: [{name: one, cluster: {server: 'https://one.example:6443', tls-server-name: inner}}]
users: [{name: me, user: {token: first}}]
contexts:
- {name: b, context: {cluster: one, user: me, namespace: shop}}
- {name: lost, context: {cluster: nowhere, user: me}}
- {name: nobody, context: {cluster: one, user: stranger}}
current-context: b
";
    const TWO: &str = "
clusters: [{name: two, cluster: {server: 'https://two.example', proxy-url: 'http://proxy.example:3128'}}]
users: [{name: me, user: {token: second}}]
contexts: [{name: a, context: {cluster: two, user: me}}]
current-context: a
";

    /// Both files, written anew, as `KUBECONFIG=one:missing:two` names them.
    fn options(directory: &tempfile::TempDir) -> ConnectOptions {
        let [one, missing, two] = ["one", "missing", "two"].map(|name| directory.path().join(name));
        std::fs::write(&one, ONE).expect("written");
        std::fs::write(&two, TWO).expect("written");
        ConnectOptions { kubeconfig: vec![one, missing, two], ..ConnectOptions::default() }
    }

    async fn configured(options: &ConnectOptions) -> Result<(String, Config), Error> {
        let (context, mut config) = configuration(options).await?;
        apply_flags(&mut config, options)?;
        Ok((context, config))
    }

    #[tokio::test]
    async fn the_first_file_wins_and_contexts_of_all_are_there() {
        let directory = tempfile::tempdir().expect("a directory");
        let options = options(&directory);
        let listed = contexts(&options).expect("readable");
        let names: Vec<_> = listed.iter().map(|context| (context.name.as_str(), context.current)).collect();
        assert_eq!(names, [("a", false), ("b", true), ("lost", false), ("nobody", false)]);
        assert_eq!((listed[0].namespace.as_str(), listed[1].namespace.as_str()), ("default", "shop"));

        let (context, config) = configured(&options).await.expect("a configuration");
        assert_eq!(context, "b");
        assert_eq!(config.cluster_url, "https://one.example:6443/");
        assert_eq!(config.default_namespace, "shop");
        assert_eq!(config.tls_server_name.as_deref(), Some("inner"));

        let other = ConnectOptions { context: Some("a".to_owned()), ..options };
        let (_, config) = configured(&other).await.expect("a configuration");
        assert_eq!(config.proxy_url.expect("a proxy"), "http://proxy.example:3128/");
    }

    #[tokio::test]
    async fn flags_win() {
        let directory = tempfile::tempdir().expect("a directory");
        let flags = ConnectOptions {
            api_server: Some("localhost:8080".to_owned()),
            namespace: Some("other".to_owned()),
            as_user: Some("jane".to_owned()),
            as_groups: vec!["dev".to_owned(), "ops".to_owned()],
            insecure: true,
            ..options(&directory)
        };
        let (_, config) = configured(&flags).await.expect("a configuration");
        assert_eq!(config.cluster_url, "http://localhost:8080/");
        // The file's server name is about the file's server.
        assert_eq!(config.tls_server_name, None);
        assert_eq!(config.default_namespace, "other");
        assert_eq!(config.auth_info.impersonate.as_deref(), Some("jane"));
        assert_eq!(config.auth_info.impersonate_groups.as_deref(), Some(&["dev".to_owned(), "ops".to_owned()][..]));
        assert!(config.accept_invalid_certs);
    }

    #[track_caller]
    fn check(result: Result<(String, Config), Error>, message: &str) {
        let error = result.expect_err("an error");
        assert_eq!((&error.kind, error.message.as_str()), (&ErrorKind::Config, message));
    }

    /// client-go's words, `tools/clientcmd/client_config.go`.
    #[tokio::test]
    async fn errors_name_what_is_missing() {
        let directory = tempfile::tempdir().expect("a directory");
        let with = |context: &str| ConnectOptions { context: Some(context.to_owned()), ..options(&directory) };
        check(configured(&with("x")).await, "context \"x\" does not exist");
        check(configured(&with("lost")).await, "cluster \"nowhere\" does not exist");
        check(configured(&with("nobody")).await, "auth info \"stranger\" does not exist");
        let groups = ConnectOptions { as_groups: vec!["dev".to_owned()], ..options(&directory) };
        check(
            configured(&groups).await,
            "requesting groups without impersonating a user: --kube-as-group needs --kube-as-user",
        );
        let missing = directory.path().join("none");
        let alone = ConnectOptions { kubeconfig: vec![missing.clone()], ..ConnectOptions::default() };
        check(configured(&alone).await, &format!("stat {}: no such file or directory", missing.display()));

        std::fs::write(&missing, "clusters: {").expect("written");
        let broken = configured(&alone).await.expect_err("broken");
        assert!(
            broken.message.starts_with(&format!("error loading config file \"{}\": ", missing.display())),
            "{broken}"
        );
    }
}
