//! What a running command has at hand: its flags, where it writes, the cluster.

use std::{
    io::{self, IsTerminal as _},
    sync::OnceLock,
};

use tokio::{io::AsyncBufReadExt as _, sync::OnceCell};

use super::{commands::Path, console::Console, flags::Parsed, output::Colors, report::Report, settings, settings::Env};
use crate::{
    cluster::{self, Cluster},
    diff::Redactor,
    release::{self, Driver, Storage},
    sandbox::Sandbox,
    template::time::GoTime,
};

/// One run of a command.
pub struct Session {
    /// The command.
    pub path: Path,
    /// Its flags and arguments.
    pub flags: Parsed,
    /// The process around it.
    pub env: Env,
    /// Where it writes.
    pub console: Console,
    cluster: OnceCell<Cluster>,
    /// Kept, because the records of `memory` live in it.
    driver: OnceLock<Driver>,
    /// Keeps the cluster of `--sandbox` or of `HELM_DRIVER=memory` alive.
    sandbox: OnceCell<Sandbox>,
}

impl Session {
    /// A run that connects when it first needs to, or uses the cluster handed in.
    pub fn new(path: Path, flags: Parsed, env: Env, console: Console, cluster: Option<Cluster>) -> Self {
        let cluster = OnceCell::new_with(cluster);
        Self { path, flags, env, console, cluster, driver: OnceLock::new(), sandbox: OnceCell::new() }
    }

    /// The nth argument; empty when absent.
    pub fn arg(&self, at: usize) -> &str {
        self.flags.args.get(at).map_or("", String::as_str)
    }

    /// The cluster, checked once to answer, as Helm checks before every command.
    pub async fn cluster(&self) -> Result<&Cluster, Report> {
        let connected = self.cluster.get_or_try_init(async || {
            let cluster = self.connect().await?;
            cluster.server_version().await?;
            Ok::<_, crate::cluster::Error>(cluster)
        });
        connected.await.map_err(|error| Report::from(error).context("kubernetes cluster unreachable"))
    }

    async fn connect(&self) -> Result<Cluster, crate::cluster::Error> {
        if self.flags.bool("sandbox") {
            let sandbox = self.sandbox.get_or_init(Sandbox::with_examples).await;
            return Ok(Cluster::from_client(sandbox.client(), "sandbox", "default"));
        }
        if matches!(self.driver(), Ok(Driver::Memory(_))) {
            // Real objects would outlive their records; Helm does without a cluster here as well.
            let namespace = self.offline_namespace();
            let sandbox = self.sandbox.get_or_init(async || Sandbox::with_namespace(&namespace)).await;
            return Ok(Cluster::from_client(sandbox.client(), "memory", namespace));
        }
        Cluster::connect(&settings::connect_options(&self.env, &self.flags)).await
    }

    /// The namespace in force: the flag's, else the connection's.
    pub async fn namespace(&self) -> Result<String, Report> {
        match self.flags.text("namespace") {
            "" => Ok(self.cluster().await?.namespace().to_owned()),
            namespace => Ok(namespace.to_owned()),
        }
    }

    /// The namespace in force, without asking the cluster: the flag's, the context's, or `default`.
    pub fn offline_namespace(&self) -> String {
        let options = settings::connect_options(&self.env, &self.flags);
        if let Some(namespace) = options.namespace.clone() {
            return namespace;
        }
        let chosen = options.context.clone();
        let contexts = cluster::contexts(&options).unwrap_or_default();
        let context = contexts.into_iter().find(|context| match &chosen {
            Some(name) => context.name == *name,
            None => context.current,
        });
        let namespace = context.map(|context| context.namespace).filter(|namespace| !namespace.is_empty());
        namespace.unwrap_or_else(|| "default".to_owned())
    }

    /// Records of the namespace in force.
    pub async fn storage(&self) -> Result<Storage, Report> {
        self.driver()?;
        self.storage_in(&self.namespace().await?).await
    }

    /// Records of a namespace.
    pub async fn storage_in(&self, namespace: &str) -> Result<Storage, Report> {
        let driver = self.driver()?;
        Ok(Storage::new(self.cluster().await?.with_namespace(namespace), driver, namespace))
    }

    /// Records of the namespace in force, if the cluster was asked before.
    pub fn known_storage(&self) -> Option<Storage> {
        let (cluster, driver) = (self.cluster.get()?, self.driver().ok()?);
        let namespace = match self.flags.text("namespace") {
            "" => cluster.namespace().to_owned(),
            namespace => namespace.to_owned(),
        };
        Some(Storage::new(cluster.with_namespace(&namespace), driver, namespace))
    }

    /// Records of every namespace.
    pub async fn storage_everywhere(&self) -> Result<Storage, Report> {
        let driver = self.driver()?;
        Ok(Storage::new(self.cluster().await?.clone(), driver, ""))
    }

    fn driver(&self) -> Result<Driver, Report> {
        if let Some(driver) = self.driver.get() {
            return Ok(driver.clone());
        }
        let driver = settings::driver(&self.env, &self.flags).map_err(|error| match error {
            release::Error::Driver(message) => Report::logged(format!("level=INFO msg={message:?}")),
            error => error.into(),
        })?;
        Ok(self.driver.get_or_init(|| driver).clone())
    }

    /// Asks before something is changed, unless `--yes` was given.
    ///
    /// # Errors
    /// The answer is no, or there is nobody to ask.
    pub async fn confirm(&self, question: &str) -> Result<(), Report> {
        if self.flags.bool("yes") {
            return Ok(());
        }
        if !io::stdin().is_terminal() {
            let report = Report::new(format!("nothing was changed: there is no terminal to ask on: {question}"));
            return Err(report.hint("--yes does without asking"));
        }
        self.console.note(&format!("{question} [y/N]"));
        let mut answer = String::new();
        let mut input = tokio::io::BufReader::new(tokio::io::stdin());
        input.read_line(&mut answer).await.map_err(|error| Report::new(format!("no answer: {error}")))?;
        match answer.trim() {
            "y" | "Y" | "yes" => Ok(()),
            _ => Err(Report::new("nothing was changed")),
        }
    }

    /// Colours as `--color` and the terminal have it.
    pub fn colors(&self) -> Colors {
        Colors(match self.flags.text("color") {
            "never" => false,
            "always" => true,
            _ => self.env.terminal && self.env.get("TERM") != "dumb",
        })
    }

    /// A stored time, in the zone Go would show it in.
    pub fn time(&self, stored: Option<&str>) -> Option<GoTime> {
        GoTime::parse(stored?, &self.env.zone.get())
    }

    /// What hides secrets, with a fresh key.
    pub fn redactor(&self) -> Result<Redactor, Report> {
        let mut key = [0; 32];
        getrandom::fill(&mut key).map_err(|error| Report::new(format!("no randomness for fingerprints: {error}")))?;
        Ok(Redactor::new(key))
    }
}
