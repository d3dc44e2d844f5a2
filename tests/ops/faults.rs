//! An operation of which one request fails: one source, run on the sandbox and on the real control plane.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use http::request::Parts;
use pilothouse::{
    chart::Chart,
    cluster::{Cluster, wait::WaitStrategy},
    engine::{
        Error, Operation, Options, Outcome, Request, RollbackTarget, ServerSideMode, Source, execute, prepare,
        record::{HEARTBEAT, HOLDER},
        world::World,
    },
    release::{Driver, HookEvent, RecordMeta, Status, Storage},
    sandbox::Fault,
};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

/// What is done while a request fails.
pub const OPERATIONS: [Operation; 4] =
    [Operation::Install, Operation::Upgrade, Operation::Rollback, Operation::Uninstall];
pub const METHODS: [ServerSideMode; 2] = [ServerSideMode::True, ServerSideMode::False];

/// The release in the same namespace that nobody may touch.
const NEIGHBOUR: &str = "neighbour";
/// Longer than any operation may take, whatever it meets.
const FOREVER: Duration = Duration::from_secs(3600);

/// What requests meet instead of an answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Trouble {
    /// One of them.
    Once(Fault),
    /// That one and all after it.
    FromHereOn(Fault),
}

/// Everything that a request may meet.
pub fn troubles(request: &str) -> Vec<Trouble> {
    let status = |code: u16| Fault::Status { code, message: format!("made up {code}"), retry_after: None };
    let mut faults = vec![status(500), status(429), status(409), Fault::Hang, Fault::Disconnect, Fault::Lost];
    if is_watch(request) {
        faults.push(Fault::Closed);
    }
    let mut troubles: Vec<Trouble> = faults.into_iter().map(Trouble::Once).collect();
    troubles.push(Trouble::FromHereOn(Fault::Disconnect));
    troubles
}

fn is_watch(request: &str) -> bool {
    request.contains("watch=true")
}

/// Counts requests and makes them fail.
#[derive(Clone, Default)]
pub struct Injector(Arc<Mutex<Injected>>);

#[derive(Default)]
struct Injected {
    seen: Vec<String>,
    trouble: Option<(usize, Trouble)>,
}

impl Injector {
    fn lock(&self) -> MutexGuard<'_, Injected> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a request meets; `None` for its answer.
    pub fn meet(&self, request: &Parts) -> Option<Fault> {
        let mut injected = self.lock();
        let place = injected.seen.len();
        let asked = format!("{} {}", request.method, request.uri);
        let watches = is_watch(&asked);
        injected.seen.push(asked);
        match &injected.trouble {
            // Requests that are sent at once change places from run to run; only a watch can be closed.
            Some((_, Trouble::Once(Fault::Closed))) if !watches => None,
            Some((at, Trouble::Once(fault))) if *at == place => Some(fault.clone()),
            Some((at, Trouble::FromHereOn(fault))) if *at <= place => Some(fault.clone()),
            _ => None,
        }
    }

    /// Starts to count anew.
    pub fn arm(&self, trouble: Option<(usize, Trouble)>) {
        *self.lock() = Injected { seen: Vec::new(), trouble };
    }

    /// No more trouble; what was asked for since.
    pub fn disarm(&self) -> Vec<String> {
        std::mem::take(&mut *self.lock()).seen
    }
}

/// How an operation with a failing request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ended {
    /// As if nothing had happened.
    Well,
    /// Before it had written anything.
    Refused,
    /// With a record that says so.
    Failed,
    /// With a record that says who held the release, and when it was last at work.
    Held,
}

/// A release of the chart `stage` and its neighbour.
pub struct Bench {
    /// The cluster, which answers.
    pub clear: Cluster,
    /// The same cluster through the injector.
    pub troubled: Cluster,
    pub injector: Injector,
    pub namespace: String,
    pub name: String,
    pub operation: Operation,
    pub method: ServerSideMode,
}

impl fmt::Display for Bench {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} ({:?})", self.operation.verb(), self.method)
    }
}

impl Bench {
    /// Installs the neighbour.
    pub async fn settle_neighbour(&self) {
        let request = Request::Install(Box::new(source(&json!({"extra": true, "role": true}))));
        self.run(&self.clear, NEIGHBOUR, request, true).await.expect("the neighbour is installed");
    }

    /// Brings the release to where the operation starts from.
    pub async fn set_up(&self) {
        let before: &[Operation] = match self.operation {
            Operation::Install => &[],
            Operation::Upgrade | Operation::Uninstall => &[Operation::Install],
            Operation::Rollback => &[Operation::Install, Operation::Upgrade],
        };
        for operation in before {
            self.operate(&self.clear, *operation, true).await.expect("nothing is in the way");
        }
    }

    /// Does what is to be done, with nothing in its way; the requests it takes.
    pub async fn undisturbed(&self) -> Vec<String> {
        self.injector.arm(None);
        self.operate(&self.troubled, self.operation, self.waits()).await.expect("nothing is in the way");
        self.injector.disarm()
    }

    /// Does it with trouble at one request.
    ///
    /// # Errors
    /// What does not hold.
    pub async fn suffer(&self, before: &Seen, request: usize, trouble: Trouble) -> Result<(Ended, Seen), String> {
        self.injector.arm(Some((request, trouble)));
        let doing = self.operate(&self.troubled, self.operation, self.waits());
        let done = tokio::time::timeout(FOREVER, doing).await;
        self.injector.disarm();
        let done = done.map_err(|_| "it never ends".to_owned())?;
        let after = self.look().await;
        let ended = self.verdict(&before.history, &after.history, &done)?;
        if after.neighbour != before.neighbour {
            return Err(format!("{ended:?}, and the neighbour is not as before"));
        }
        let left: Vec<&String> = after.objects().collect();
        if self.operation == Operation::Uninstall && done.is_ok() && !left.is_empty() {
            return Err(format!("{ended:?}, and there is {left:?}"));
        }
        Ok((ended, after))
    }

    fn verdict(
        &self,
        before: &[RecordMeta],
        after: &[RecordMeta],
        done: &Result<Outcome, Error>,
    ) -> Result<Ended, String> {
        let newest = after.last();
        let status = newest.map_or("gone", |meta| meta.status.as_str());
        match (done, newest) {
            (Ok(_), None) if self.operation == Operation::Uninstall => Ok(Ended::Well),
            (Ok(_), Some(meta)) if meta.status == Status::Deployed && after.len() > before.len() => Ok(Ended::Well),
            (Ok(_), _) => Err(format!("it says that it is done, and the release is {status}")),
            (Err(_), _) if before == after => Ok(Ended::Refused),
            (Err(error), Some(meta)) if meta.status.is_pending() || meta.status == Status::Uninstalling => {
                match [HOLDER, HEARTBEAT].iter().all(|key| meta.annotations.contains_key(*key)) {
                    true => Ok(Ended::Held),
                    false => Err(format!("the release is {status}, and nobody knows by whom, after {error}")),
                }
            }
            // What could not be deleted with the release, its last hooks, is told.
            (Err(_), None) if self.operation == Operation::Uninstall => Ok(Ended::Failed),
            (Err(_), Some(_)) => Ok(Ended::Failed),
            (Err(error), None) => Err(format!("it failed, and the release is gone: {error}")),
        }
    }

    /// Upgrades, after what Helm's rules want first where the record says that somebody is at it.
    ///
    /// # Errors
    /// What does not hold.
    pub async fn upgrade(&self, from: &Seen) -> Result<(), String> {
        let newest = from.history.last().map(|meta| &meta.status);
        let goes_back = from.history.iter().any(|meta| matches!(meta.status, Status::Deployed | Status::Superseded));
        let steps: &[Operation] = match newest {
            None | Some(Status::Uninstalled) => &[Operation::Install],
            Some(status) if status.is_pending() && goes_back => &[Operation::Rollback, Operation::Upgrade],
            Some(Status::Uninstalling | Status::PendingInstall) => &[Operation::Uninstall, Operation::Install],
            Some(_) => &[Operation::Upgrade],
        };
        for step in steps {
            let request = match step {
                Operation::Rollback => Request::Rollback(RollbackTarget::LastGood),
                Operation::Uninstall => Request::Uninstall,
                Operation::Install => Request::Install(Box::new(source(&last()))),
                Operation::Upgrade => Request::Upgrade(Box::new(source(&last()))),
            };
            let done = self.run(&self.clear, &self.name, request, self.waits()).await;
            done.map_err(|error| format!("{} fails: {error}", step.verb()))?;
        }
        let after = self.look().await;
        let objects: Vec<&String> = after.objects().collect();
        let expected = ["ConfigMap", "Deployment", "Service"].map(|kind| format!("{kind}/{}", self.name));
        if !objects.iter().copied().eq(&expected) {
            return Err(format!("there is {objects:?}"));
        }
        let deployed = after.history.iter().filter(|meta| meta.status == Status::Deployed);
        let deployed: Vec<u32> = deployed.map(|meta| meta.revision).collect();
        match deployed.as_slice() {
            [_] if after.history.last().is_some_and(|meta| meta.status == Status::Deployed) => {}
            _ => return Err(format!("deployed are {deployed:?}")),
        }
        match after.neighbour == from.neighbour {
            true => Ok(()),
            false => Err("the neighbour is not as before".to_owned()),
        }
    }

    fn first(&self) -> Value {
        // Hooks before and after take the same requests: no need for both each time.
        let hooks = match self.operation {
            Operation::Install => vec![HookEvent::PostInstall],
            Operation::Upgrade => vec![HookEvent::PreUpgrade, HookEvent::PostUpgrade],
            Operation::Rollback => vec![HookEvent::PreRollback],
            Operation::Uninstall => vec![HookEvent::PreDelete],
        };
        let hooks: Vec<&str> = hooks.iter().map(HookEvent::as_str).collect();
        json!({"hooks": hooks, "hookPolicy": "before-hook-creation,hook-succeeded", "role": true})
    }

    fn second(&self) -> Value {
        let mut values = self.first();
        values["greeting"] = json!("again");
        values["extra"] = json!(true);
        values["role"] = json!(false);
        values
    }

    /// Hooks and waiting are the same with either method: no need for them each time.
    fn waits(&self) -> bool {
        self.method == ServerSideMode::True
    }

    async fn operate(&self, cluster: &Cluster, operation: Operation, waits: bool) -> Result<Outcome, Error> {
        let request = match operation {
            Operation::Install => Request::Install(Box::new(source(&self.first()))),
            Operation::Upgrade => Request::Upgrade(Box::new(source(&self.second()))),
            Operation::Rollback => Request::Rollback(RollbackTarget::Previous),
            Operation::Uninstall => Request::Uninstall,
        };
        self.run(cluster, &self.name, request, waits).await
    }

    async fn run(&self, cluster: &Cluster, name: &str, request: Request, waits: bool) -> Result<Outcome, Error> {
        let options = Options {
            wait: if waits { WaitStrategy::Watcher } else { WaitStrategy::HookOnly },
            no_hooks: !waits,
            timeout: Duration::from_secs(120),
            server_side: self.method,
            replace: true,
            ..Options::default()
        };
        let storage = self.storage(cluster);
        let prepared = prepare(&storage, name, request, &options).await?;
        execute(&storage, prepared, None, &(Arc::new(|_| {}) as _), &CancellationToken::new()).await
    }

    fn storage(&self, cluster: &Cluster) -> Storage {
        Storage::new(cluster.clone(), Driver::Secrets, &self.namespace)
    }

    /// What is there now.
    pub async fn look(&self) -> Seen {
        let mut seen = Seen::default();
        for (api_version, kind) in KINDS {
            let listed = self.clear.list(api_version, kind, &self.namespace, "").await.expect("the cluster answers");
            for object in listed {
                let name = format!("{kind}/{}", object.name());
                let of = |release: &str| object.name() == release || object.name().starts_with(&format!("{release}-"));
                if of(NEIGHBOUR) {
                    seen.neighbour.insert((name, object.value["metadata"]["resourceVersion"].to_string()));
                } else if of(&self.name) {
                    let says = |field: &str| object.value[field].to_string();
                    seen.own.insert(name, ["spec", "data", "rules"].map(says).concat());
                }
            }
        }
        let mut records = self.storage(&self.clear).list("").await.expect("the cluster answers");
        records.sort_by_key(|meta| meta.revision);
        let neighbours = records.iter().filter(|meta| meta.name == NEIGHBOUR);
        seen.neighbour.extend(neighbours.map(|meta| (meta.record.clone(), meta.resource_version.clone())));
        records.retain(|meta| meta.name == self.name);
        seen.history = records;
        seen
    }
}

/// The kinds of what the chart makes.
const KINDS: [(&str, &str); 5] = [
    ("v1", "ConfigMap"),
    ("v1", "Service"),
    ("apps/v1", "Deployment"),
    ("batch/v1", "Job"),
    ("rbac.authorization.k8s.io/v1", "Role"),
];

/// What is there of the release and its neighbour.
#[derive(Default)]
pub struct Seen {
    /// Revisions, ascending.
    pub history: Vec<RecordMeta>,
    /// Objects and what they say.
    pub own: BTreeMap<String, String>,
    /// Objects and records with their resourceVersions.
    neighbour: BTreeSet<(String, String)>,
}

impl Seen {
    /// The release's objects, without its hooks.
    fn objects(&self) -> impl Iterator<Item = &String> {
        self.own.keys().filter(|object| !object.starts_with("Job/"))
    }
}

/// How many were tried and survived, and how the operations ended.
pub fn told(results: &[Result<Ended, String>]) -> String {
    let count = |ended: Ended| results.iter().filter(|result| **result == Ok(ended)).count();
    let [well, refused, failed, held] = [Ended::Well, Ended::Refused, Ended::Failed, Ended::Held].map(count);
    format!(
        "{} faults tried, {} survived: {well} ended well, {refused} before anything was written, {failed} with a record that says \
         so, {held} with one that names its holder; what was left was upgraded",
        results.len(),
        well + refused + failed + held,
    )
}

fn last() -> Value {
    json!({"port": 8080})
}

fn source(values: &Value) -> Source {
    let chart = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/charts/stage");
    Source {
        chart: Chart::load(&chart).expect("a chart of ours"),
        values: values.as_object().cloned().unwrap_or_default(),
        world: World::default(),
        skip_schema_validation: false,
        sub_chart_notes: false,
        hide_secrets: false,
    }
}
