//! What users of Helm 2 and 3 still type: Helm's own refusal, and one line with today's command.

/// Commands and flags of old, each with today's way. Commands are bare words; flags start with `--`.
const OLD: &[(&str, &str, &str)] = &[
    ("", "init", "there is nothing to set up since Helm 3: no Tiller, no local store"),
    ("", "serve", "charts are served by any web server, or pushed to an OCI registry: helm push"),
    ("", "reset", "there is no Tiller to remove since Helm 3"),
    ("", "home", "pilothouse env HELM_DATA_HOME"),
    ("", "--home", "Helm's files are found by HELM_CONFIG_HOME, HELM_CACHE_HOME and HELM_DATA_HOME: pilothouse env"),
    ("", "--tiller-namespace", "releases live in their own namespace since Helm 3: -n NAMESPACE"),
    ("", "--host", "there is no Tiller since Helm 3; the cluster is chosen by --kube-context or --kubeconfig"),
    ("", "--tiller-connection-timeout", "there is no Tiller since Helm 3"),
    ("", "--tls", "there is no Tiller since Helm 3; the kubeconfig says how to connect"),
    ("uninstall", "--purge", "history goes unless asked to stay: helm uninstall NAME (keep it with --keep-history)"),
    ("install", "--name", "the name comes first: helm install NAME CHART (or --generate-name)"),
    ("list", "--all", "every status is shown unless one is asked for: pilothouse list"),
    ("list", "-a", "every status is shown unless one is asked for: pilothouse list"),
    ("list", "--tiller-namespace", "releases live in their own namespace since Helm 3: -n NAMESPACE, or -A for all"),
    ("list", "--col-width", "columns are as wide as they need to be: pilothouse list"),
    ("list", "--namespace-all", "pilothouse list -A"),
    ("history", "--col-width", "columns are as wide as they need to be: pilothouse history NAME"),
    ("rollback", "--recreate-pods", "kubectl rollout restart does this since Helm 3"),
    ("rollback", "--description", "a rollback describes itself"),
    ("status", "--show-desc", "the description is always shown"),
    ("status", "--show-resources", "resources are always shown"),
    ("version", "--client", "there is only a client since Helm 3: pilothouse version"),
    ("version", "-c", "there is only a client since Helm 3: pilothouse version"),
    ("version", "--server", "there is no server since Helm 3: pilothouse version"),
    ("help", "chart", "about charts: helm create --help, helm package --help"),
];

/// Today's way for a word an older Helm knew under `command`; the root is the empty command.
pub fn today(command: &str, word: &str) -> Option<&'static str> {
    let word = word.split('=').next().unwrap_or_default();
    let of =
        |wanted: &str| OLD.iter().find(|(command, old, _)| *command == wanted && *old == word).map(|entry| entry.2);
    of(command).or_else(|| of("").filter(|_| word.starts_with("--")))
}

/// The first word of a line that an older Helm knew under `command`, and today's way.
pub fn first<'a>(command: &str, args: &'a [String]) -> Option<(&'a str, &'static str)> {
    args.iter().find_map(|argument| Some((argument.split('=').next()?, today(command, argument)?)))
}
