//! Credential plugins (`users[].user.exec` of a kubeconfig): run once, shared, run again when the credential expired.
//!
//! `kube` can run them too, but does so several times while connecting and blocks the thread meanwhile.

use std::{
    collections::HashMap,
    io::IsTerminal,
    process::{Output, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use jiff::Timestamp;
use kube::config::{ExecConfig, ExecInteractiveMode};
use serde::Deserialize;
use serde_json::json;

use super::{Error, ErrorKind, Interactive, error::chain, shared::Shared};

/// A plugin and the credential it last gave.
pub(super) struct Plugin {
    exec: ExecConfig,
    interactive: Interactive,
    /// Whether a credential was given before.
    connected: AtomicBool,
    issued: Shared<Credential>,
}

/// What a plugin gave: a token, a client certificate with key in PEM, or both.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Credential {
    pub(super) token: Option<String>,
    pub(super) client_certificate_data: Option<String>,
    pub(super) client_key_data: Option<String>,
    expiration_timestamp: Option<Timestamp>,
}

#[derive(Deserialize)]
struct Answer {
    status: Option<Credential>,
}

impl Plugin {
    pub(super) fn new(exec: ExecConfig, interactive: Interactive) -> Self {
        Self { exec, interactive, connected: AtomicBool::new(false), issued: Shared::default() }
    }

    /// The credential in force.
    pub(super) async fn credential(&self) -> Result<Arc<Credential>, Error> {
        self.issued.forget_if(|credential| credential.expired());
        self.issued.get(|| self.run()).await
    }

    /// The server refused this credential: the next request gets another.
    pub(super) fn refused(&self, credential: &Arc<Credential>) {
        self.issued.forget_if(|current| Arc::ptr_eq(current, credential));
    }

    async fn run(&self) -> Result<Credential, Error> {
        let name = self.exec.command.as_deref().unwrap_or_default();
        if name.is_empty() {
            return Err(config("command must be specified to use an exec authentication plugin"));
        }
        let terminal = self.terminal(name)?;
        // Not `output()`, which would capture what the plugin asks on standard error.
        let started = self.command(name, terminal)?.spawn().map_err(|error| self.not_started(name, &error))?;
        let output = started.wait_with_output().await.map_err(|error| self.not_started(name, &error))?;
        if !output.status.success() {
            return Err(failed(name, &output));
        }
        let answer: Answer = serde_json::from_slice(&output.stdout).map_err(|error| {
            config(format!("getting credentials: exec: executable {name}: decoding stdout: {error}"))
        })?;
        let credential = answer.status.unwrap_or_default();
        if credential.token.is_none() && credential.client_certificate_data.is_none() {
            return Err(config(format!(
                "getting credentials: exec: executable {name} didn't return a token or cert/key pair"
            )));
        }
        self.connected.store(true, Ordering::Relaxed);
        Ok(credential)
    }

    /// Whether this run owns the terminal (client-go `exec.go`, `isInteractive`).
    fn terminal(&self, name: &str) -> Result<bool, Error> {
        let allowed = match self.interactive {
            Interactive::Never => false,
            Interactive::Connecting => !self.connected.load(Ordering::Relaxed),
            Interactive::Always => true,
        };
        let available = allowed && std::io::stdin().is_terminal();
        match self.exec.interactive_mode {
            Some(ExecInteractiveMode::Never) => Ok(false),
            Some(ExecInteractiveMode::Always) if !available => Err(Error::new(
                ErrorKind::NeedsTerminal,
                format!(
                    "getting credentials: exec: executable {name} needs the terminal (interactiveMode: Always), which is not available here"
                ),
            )),
            _ => Ok(available),
        }
    }

    fn command(&self, name: &str, terminal: bool) -> Result<tokio::process::Command, Error> {
        let cluster = serde_json::to_value(&self.exec.cluster).map_err(|error| config(error.to_string()))?;
        let mut spec = json!({ "interactive": terminal });
        if !cluster.is_null() {
            spec["cluster"] = cluster;
        }
        let info = json!({ "kind": "ExecCredential", "apiVersion": self.exec.api_version, "spec": spec });
        let mut command = tokio::process::Command::new(name);
        command
            .args(self.exec.args.iter().flatten())
            .envs(self.exec.env.iter().flatten().filter_map(variable))
            .env("KUBERNETES_EXEC_INFO", info.to_string())
            .stdin(if terminal { Stdio::inherit() } else { Stdio::null() })
            .stderr(if terminal { Stdio::inherit() } else { Stdio::piped() })
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        Ok(command)
    }

    fn not_started(&self, name: &str, error: &std::io::Error) -> Error {
        let message = match error.kind() {
            std::io::ErrorKind::NotFound => {
                format!("getting credentials: exec: executable {name} not found")
            }
            _ => format!("getting credentials: exec: executable {name}: {}", chain(error)),
        };
        config(message).with_details(self.exec.install_hint.clone())
    }
}

impl Credential {
    fn expired(&self) -> bool {
        self.expiration_timestamp.is_some_and(|expires| expires <= Timestamp::now())
    }
}

fn variable(entry: &HashMap<String, String>) -> Option<(&String, &String)> {
    Some((entry.get("name")?, entry.get("value")?))
}

fn config(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Config, message)
}

/// A plugin that ran and failed: mostly an expired login, and its own words say so.
fn failed(name: &str, output: &Output) -> Error {
    let code = output.status.code().map_or_else(|| output.status.to_string(), |code| format!("exit code {code}"));
    let stderr = String::from_utf8_lossy(&output.stderr);
    let mut message = format!("getting credentials: exec: executable {name} failed with {code}");
    if !stderr.trim().is_empty() {
        message.push_str(": ");
        message.push_str(stderr.trim());
    }
    Error::new(ErrorKind::Unauthorized, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plugin(script: &str) -> Plugin {
        let exec = ExecConfig {
            api_version: Some("client.authentication.k8s.io/v1".to_owned()),
            command: Some("sh".to_owned()),
            args: Some(vec!["-c".to_owned(), script.to_owned()]),
            env: Some(vec![HashMap::from([
                ("name".to_owned(), "TOKEN".to_owned()),
                ("value".to_owned(), "t0ken".to_owned()),
            ])]),
            install_hint: Some("install it".to_owned()),
            ..ExecConfig::default()
        };
        Plugin::new(exec, Interactive::Never)
    }

    #[tokio::test]
    async fn runs_once_and_again_after_expiry_or_refusal() {
        let directory = tempfile::tempdir().expect("a directory");
        let runs = directory.path().join("runs");
        let count = || std::fs::read_to_string(&runs).unwrap_or_default().len();
        let script = |expires: &str| {
            format!(r#"printf x >>{}; printf '{{"status":{{"token":"%s"{expires}}}}}' "$TOKEN""#, runs.display())
        };

        let lasting = plugin(&script(""));
        let first = lasting.credential().await.expect("a credential");
        assert_eq!(first.token.as_deref(), Some("t0ken"));
        lasting.credential().await.expect("a credential");
        assert_eq!(count(), 1);
        lasting.refused(&first);
        lasting.credential().await.expect("a credential");
        assert_eq!(count(), 2);

        let brief = plugin(&script(r#","expirationTimestamp":"2020-01-01T00:00:00Z""#));
        brief.credential().await.expect("a credential");
        brief.credential().await.expect("a credential");
        assert_eq!(count(), 4);
    }

    #[tokio::test]
    async fn the_terminal_is_out_of_reach_and_the_plugin_is_told() {
        let script = r#"read -r line && exit 3; case "$KUBERNETES_EXEC_INFO" in *'"interactive":false'*) printf '{"status":{"token":"ok"}}';; esac"#;
        let credential = plugin(script).credential().await.expect("a credential");
        assert_eq!(credential.token.as_deref(), Some("ok"));
    }

    #[track_caller]
    fn check(result: Result<Arc<Credential>, Error>, kind: &ErrorKind, message: &str) {
        let error = result.expect_err("an error");
        assert_eq!((&error.kind, error.message.as_str()), (kind, message));
    }

    #[tokio::test]
    async fn failures_name_the_plugin_and_its_words() {
        check(
            plugin("echo 'login expired' >&2; exit 4").credential().await,
            &ErrorKind::Unauthorized,
            "getting credentials: exec: executable sh failed with exit code 4: login expired",
        );
        check(
            plugin("echo '{}'").credential().await,
            &ErrorKind::Config,
            "getting credentials: exec: executable sh didn't return a token or cert/key pair",
        );
        let mut missing = plugin("");
        missing.exec.command = Some("no-such-plugin".to_owned());
        check(
            missing.credential().await,
            &ErrorKind::Config,
            "getting credentials: exec: executable no-such-plugin not found",
        );
        let mut always = plugin("");
        always.exec.interactive_mode = Some(ExecInteractiveMode::Always);
        assert_eq!(always.credential().await.expect_err("an error").kind, ErrorKind::NeedsTerminal);
    }
}
