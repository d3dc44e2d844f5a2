//! Flags that say where charts come from (helm/helm `pkg/cmd/flags.go`).

use std::path::Path;

use super::Flag;
use crate::cli::settings::Env;

/// Which version of a chart, from where, and with which credentials.
pub fn chart_source(env: &Env) -> Vec<Flag> {
    let mut flags = credentials();
    flags.extend([
        Flag::text(
            "version",
            "specify a version constraint for the chart version to use. This constraint can be a specific tag (e.g. 1.1.1) or it may reference a valid range (e.g. ^2.0.0). If this is not specified, the latest version is used",
        ),
        Flag::bool("verify", "verify the package before using it"),
        keyring(env, "location of public keys used for verification"),
        Flag::text("repo", "chart repository url where to locate the requested chart"),
        Flag::bool("pass-credentials", "pass credentials to all domains"),
    ]);
    flags
}

/// How to sign in where charts are.
pub fn credentials() -> Vec<Flag> {
    vec![
        Flag::text("username", "chart repository username where to locate the requested chart"),
        Flag::text("password", "chart repository password where to locate the requested chart"),
        Flag::text("cert-file", "identify HTTPS client using this SSL certificate file"),
        Flag::text("key-file", "identify HTTPS client using this SSL key file"),
        Flag::bool("insecure-skip-tls-verify", "skip tls certificate checks for the chart download"),
        Flag::bool("plain-http", "use insecure HTTP connections for the chart download"),
        Flag::text("ca-file", "verify certificates of HTTPS-enabled servers using this CA bundle"),
    ]
}

/// `--keyring`, GnuPG's own by default.
pub fn keyring(env: &Env, help: &'static str) -> Flag {
    let folder = match env.get("GNUPGHOME") {
        "" => Path::new(env.get("HOME")).join(".gnupg"),
        home => home.into(),
    };
    Flag::text("keyring", help).default(folder.join("pubring.gpg").to_string_lossy())
}
