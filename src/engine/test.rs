//! `test`: the hooks of a release that test it (helm/helm `pkg/action/release_testing.go`).

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{
    Error, Phase, Progress, Reporter,
    hooks::Runner,
    prepare::{history, namespace_of, valid_name},
    record::Recorder,
};
use crate::{
    cluster::{Cluster, read::Target},
    manifest::ObjectKey,
    release::{self, Hook, HookEvent, Release, Storage},
};

/// Which tests run, by the names of their hooks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TestFilter {
    /// Only these; all where there are none.
    pub include: Vec<String>,
    /// None of these.
    pub exclude: Vec<String>,
}

impl TestFilter {
    fn takes(&self, hook: &Hook) -> bool {
        let included = self.include.is_empty() || self.include.contains(&hook.name);
        included && !self.exclude.contains(&hook.name)
    }
}

/// The log of a container of a test's pod, or why it cannot be read.
#[derive(Debug, Clone)]
pub struct TestLog {
    /// Pod.
    pub pod: String,
    /// Container.
    pub container: String,
    /// Its text, or the cluster's words.
    pub text: Result<String, String>,
}

/// How tests ended.
#[derive(Debug, Clone)]
pub struct Tested {
    /// The release as recorded, with the tests' last runs.
    pub release: Release,
    /// Logs, where they were asked for, and what is wrong with a pod as the error.
    pub logs: Result<Vec<TestLog>, String>,
    /// Why a test did not succeed.
    pub failure: Option<Error>,
}

/// Runs the tests of a release's newest revision. Logs are read before pods are deleted.
///
/// # Errors
/// Those of reading and writing the record; a test that fails is no error here.
pub async fn test(
    storage: &Storage,
    name: &str,
    filter: &TestFilter,
    timeout: Duration,
    with_logs: bool,
    report: &Reporter,
    cancel: &CancellationToken,
) -> Result<Tested, Error> {
    if !valid_name(name) {
        return Err(Error::Refused(format!("releaseTest: Release name is invalid: {name}")));
    }
    report(Progress::PhaseStarted(Phase::Record, 1));
    let newest = history(storage, name).await?.pop().ok_or(release::Error::NotFound)?;
    let mut release = Release::clone(&*storage.decode(&newest).await?);
    let namespace = namespace_of(&release, storage);
    // Helm writes the hooks that a filter leaves out first.
    release.hooks.sort_by_key(|hook| filter.takes(hook));
    let mut recorder = Recorder::take(storage, &newest, &release).await?;
    report(Progress::PhaseDone(Phase::Record));
    let runner = Runner {
        cluster: storage.cluster(),
        namespace: &namespace,
        timeout,
        method: release.apply_method.unwrap_or_default(),
        report,
        cancel,
    };
    let wanted = |hook: &Hook| filter.takes(hook);
    let tests = release.hooks.iter().filter(|hook| wanted(hook) && hook.events.contains(&HookEvent::Test)).count();
    report(Progress::PhaseStarted(Phase::Tests, tests));
    let ran = runner.run_all(&HookEvent::Test, &wanted, &mut release, &mut recorder).await;
    let logs = match with_logs {
        true => logs(storage.cluster(), &namespace, &release, filter).await,
        false => Ok(Vec::new()),
    };
    let failure = match runner.clean_up(&release, ran).await {
        Ok(()) => None,
        Err(failure) if failure.cancelled => Some(Error::Cancelled("the tests were stopped".to_owned())),
        Err(failure) => Some(Error::Failed { message: failure.message, hints: failure.hints }),
    };
    if failure.is_none() {
        report(Progress::PhaseDone(Phase::Tests));
    }
    report(Progress::PhaseStarted(Phase::Final, 1));
    recorder.finish(&release).await?;
    report(Progress::PhaseDone(Phase::Final));
    Ok(Tested { release, logs, failure })
}

/// The logs of the pods that are called as the tests are, by weight.
async fn logs(
    cluster: &Cluster,
    namespace: &str,
    release: &Release,
    filter: &TestFilter,
) -> Result<Vec<TestLog>, String> {
    let mut tests: Vec<&Hook> = release.hooks.iter().filter(|hook| filter.takes(hook)).collect();
    tests.retain(|hook| hook.events.contains(&HookEvent::Test));
    tests.sort_by_key(|hook| (hook.weight, &hook.name));
    let mut logs = Vec::new();
    for hook in tests {
        let key = ObjectKey {
            group: String::new(),
            kind: "Pod".to_owned(),
            namespace: namespace.to_owned(),
            name: hook.name.clone(),
        };
        let unknown = |why: String| format!("unable to get pod {}: {why}", hook.name);
        let found = cluster.get(&Target { api_version: "v1".to_owned(), key }).await;
        let pod = found.map_err(|error| unknown(error.message))?;
        let pod = pod.ok_or_else(|| unknown(format!("pods {:?} not found", hook.name)))?;
        for kind in ["initContainers", "containers"] {
            for container in pod.value["spec"][kind].as_array().into_iter().flatten() {
                let container = container["name"].as_str().unwrap_or_default().to_owned();
                let text = cluster.log_text(namespace, &hook.name, &container).await.map_err(|error| {
                    format!("unable to get logs for pod {}, container {container}: {error}", hook.name)
                });
                logs.push(TestLog { pod: hook.name.clone(), container, text });
            }
        }
    }
    Ok(logs)
}
