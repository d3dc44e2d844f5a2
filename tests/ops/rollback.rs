//! Rolling back on every Kubernetes API: one source, run on the sandbox and on the real control plane.
//! Releases are written here as Helm writes them; words in image names ask for trouble (`fail`, `hang`).

use std::{sync::Arc, time::Duration};

use pilothouse::{
    cluster::{
        Cluster,
        apply::{Patch, ServerSide, client_side_patch},
        read::Target,
        wait::WaitStrategy,
    },
    diff::{Change, Redactor},
    engine::{
        Error, Options, Outcome, Phase, Prepared, Progress, Reporter, RollbackTarget, execute, prepare_rollback,
        preview,
    },
    manifest::Object,
    release::{ApplyMethod, Driver, Hook, HookEvent, Release, Status, Storage},
};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

/// Both ways to apply; every story is told for each.
pub const METHODS: [ApplyMethod; 2] = [ApplyMethod::ClientSide, ApplyMethod::ServerSide];

/// A release `web` under test.
pub struct Bench {
    pub storage: Storage,
    method: ApplyMethod,
    objects: Vec<Value>,
    revision: u32,
}

impl Bench {
    pub fn new(cluster: Cluster, namespace: &str, method: ApplyMethod) -> Self {
        let storage = Storage::new(cluster, Driver::Secrets, namespace);
        Self { storage, method, objects: Vec::new(), revision: 0 }
    }

    /// Writes the next revision and applies its objects, as `helm install` and `helm upgrade` do.
    pub async fn add(&mut self, status: Status, objects: &[Value], hooks: Vec<Hook>) {
        self.record(status, objects, hooks).await;
        for object in objects {
            self.apply(object).await;
        }
        self.objects = objects.to_vec();
    }

    /// Writes the next revision only: its objects are long gone, or never were.
    pub async fn record(&mut self, status: Status, objects: &[Value], hooks: Vec<Hook>) {
        if status == Status::Deployed {
            self.supersede_deployed().await;
        }
        self.revision += 1;
        let mut release = Release {
            name: "web".to_owned(),
            namespace: self.storage.namespace().to_owned(),
            revision: self.revision,
            manifest: objects
                .iter()
                .map(|object| format!("---\n# Source: web/templates/all.yaml\n{object}\n"))
                .collect(),
            hooks,
            apply_method: Some(self.method),
            ..Release::default()
        };
        release.info.status = status;
        release.info.description = format!("revision {}", self.revision);
        self.storage.create(&release, &Default::default()).await.expect("create a record");
    }

    async fn supersede_deployed(&self) {
        for meta in self.storage.list("name=web,status=deployed").await.expect("list") {
            let mut release = Release::clone(&*self.storage.decode(&meta).await.expect("decode"));
            release.info.status = Status::Superseded;
            self.storage.update(&meta, &release).await.expect("supersede");
        }
    }

    async fn apply(&self, recorded: &Value) {
        let cluster = self.storage.cluster();
        let mut object = Object::new(recorded.clone());
        let target = cluster.target(&object, self.storage.namespace()).await.expect("a served kind");
        let metadata = &mut object.value["metadata"];
        metadata["namespace"] = json!(self.storage.namespace());
        metadata["labels"]["app.kubernetes.io/managed-by"] = json!("Helm");
        metadata["annotations"]["meta.helm.sh/release-name"] = json!("web");
        metadata["annotations"]["meta.helm.sh/release-namespace"] = json!(self.storage.namespace());
        if self.method == ApplyMethod::ServerSide {
            let options = ServerSide { force: true, dry_run: false };
            cluster.apply(&target, &object, options).await.expect("apply");
            return;
        }
        match cluster.get(&target).await.expect("get") {
            None => drop(cluster.create(&target, &object, false).await.expect("create")),
            Some(live) => {
                let same = |before: &&Value| {
                    before["kind"] == recorded["kind"] && before["metadata"]["name"] == recorded["metadata"]["name"]
                };
                let original = self.objects.iter().find(same).map(|before| Object::new(before.clone()));
                let patch = client_side_patch(original.as_ref(), &object, &live, false).expect("a patch");
                cluster.patch(&target, &patch, false).await.expect("patch");
            }
        }
    }

    pub fn target(&self, api_version: &str, kind: &str, name: &str) -> Target {
        let object = Object::new(json!({"apiVersion": api_version, "kind": kind,
            "metadata": {"name": name, "namespace": self.storage.namespace()}}));
        Target { api_version: api_version.to_owned(), key: object.key() }
    }

    /// A hand's merge patch of the Deployment `web`.
    pub async fn hand(&self, body: Value) {
        let patch = Patch { content_type: "application/merge-patch+json", body };
        let target = self.target("apps/v1", "Deployment", "web");
        self.storage.cluster().patch(&target, &patch, false).await.expect("the hand may");
    }

    /// Spec of the Deployment `web`.
    pub async fn deployment(&self) -> Value {
        let live = self.storage.cluster().get(&self.target("apps/v1", "Deployment", "web")).await;
        live.expect("readable").expect("there").value["spec"].clone()
    }

    /// Whether a ConfigMap is there.
    pub async fn has_config(&self, name: &str) -> bool {
        let live = self.storage.cluster().get(&self.target("v1", "ConfigMap", name)).await.expect("readable");
        live.is_some()
    }

    /// Status and description of every revision.
    pub async fn history(&self) -> Vec<String> {
        let metas = self.storage.history("web").await.expect("history");
        let releases = self.storage.decode_many(&metas).await;
        let line = |release: Arc<Release>| format!("{} {}", release.info.status.as_str(), release.info.description);
        releases.into_iter().map(|release| line(release.expect("decodes"))).collect()
    }

    /// Back to revision 1.
    pub async fn prepare(&self, options: &Options) -> Prepared {
        self.prepare_to(RollbackTarget::Revision(1), options).await
    }

    pub async fn prepare_to(&self, target: RollbackTarget, options: &Options) -> Prepared {
        prepare_rollback(&self.storage, "web", target, options).await.expect("prepare")
    }

    /// Prepares and executes without a review; `report` hears of every step.
    pub async fn rollback(
        &self,
        options: &Options,
        report: &Reporter,
        cancel: &CancellationToken,
    ) -> Result<Outcome, Error> {
        self.execute(self.prepare(options).await, report, cancel).await
    }

    pub async fn execute(
        &self,
        prepared: Prepared,
        report: &Reporter,
        cancel: &CancellationToken,
    ) -> Result<Outcome, Error> {
        execute(&self.storage, prepared, None, report, cancel).await
    }
}

/// A reporter that listens to nothing.
pub fn silent() -> Reporter {
    Arc::new(|_| {})
}

/// The options of a test: soon over.
pub fn brief() -> Options {
    Options { timeout: Duration::from_secs(60), ..Options::default() }
}

pub fn deployment(image: &str, replicas: u32) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [{"name": "web", "image": format!("registry.example/{image}")}]},
            },
        },
    })
}

pub fn config(name: &str, value: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"key": value}})
}

pub fn hook(event: HookEvent, image: &str) -> Hook {
    let job = json!({
        "apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "migrate"},
        "spec": {"backoffLimit": 0, "template": {"spec": {"restartPolicy": "Never",
            "containers": [{"name": "migrate", "image": format!("registry.example/{image}")}]}}},
    });
    Hook {
        name: "migrate".to_owned(),
        kind: "Job".to_owned(),
        path: "web/templates/hook.yaml".to_owned(),
        manifest: job.to_string(),
        events: vec![event],
        ..Hook::default()
    }
}

pub async fn a_deployment_scaled_to_zero_comes_back_even_from_the_only_revision(
    cluster: Cluster,
    namespace: &str,
    method: ApplyMethod,
) {
    let mut bench = Bench::new(cluster, namespace, method);
    bench.add(Status::Deployed, &[deployment("web:1", 3)], Vec::new()).await;
    bench.hand(json!({"spec": {"replicas": 0}})).await;
    let prepared = bench.prepare_to(RollbackTarget::Previous, &Options::default()).await;
    assert_eq!(prepared.warnings, ["revision 1 is the only one; it is applied again"]);
    let outcome =
        execute(&bench.storage, prepared, None, &silent(), &CancellationToken::new()).await.expect("rolls back");
    assert_eq!(outcome.counts, [0, 1, 0, 0]);
    assert_eq!(bench.deployment().await["replicas"], 3);
    assert_eq!(bench.history().await, ["superseded revision 1", "deployed Rollback to 1"]);
}

pub async fn an_injected_sidecar_survives(cluster: Cluster, namespace: &str) {
    let mut bench = Bench::new(cluster, namespace, ApplyMethod::ClientSide);
    bench.add(Status::Deployed, &[deployment("web:1", 1)], Vec::new()).await;
    bench.add(Status::Deployed, &[deployment("web:2", 1)], Vec::new()).await;
    let sidecar = json!({"name": "sidecar", "image": "registry.example/sidecar:1"});
    let both = json!([{"name": "web", "image": "registry.example/web:2"}, sidecar]);
    bench.hand(json!({"spec": {"template": {"spec": {"containers": both}}}})).await;
    let prepared = bench.prepare_to(RollbackTarget::Previous, &Options::default()).await;
    bench.execute(prepared, &silent(), &CancellationToken::new()).await.expect("rolls back");
    let spec = bench.deployment().await;
    let containers = spec["template"]["spec"]["containers"].as_array().expect("a list");
    let mut images: Vec<&str> = containers.iter().filter_map(|container| container["image"].as_str()).collect();
    images.sort_unstable();
    assert_eq!(images, ["registry.example/sidecar:1", "registry.example/web:1"]);
}

/// The deletion baseline reaches from the last deployed revision through the failed one, and what is kept stays.
pub async fn what_a_failed_upgrade_left_behind_goes_and_what_is_kept_stays(
    cluster: Cluster,
    namespace: &str,
    method: ApplyMethod,
) {
    let mut bench = Bench::new(cluster, namespace, method);
    let mut kept = config("kept", "x");
    kept["metadata"]["annotations"] = json!({"helm.sh/resource-policy": "keep"});
    bench.add(Status::Deployed, &[config("all", "1")], Vec::new()).await;
    bench.add(Status::Deployed, &[config("all", "2"), kept, config("second", "2")], Vec::new()).await;
    bench.add(Status::Failed, &[config("all", "3"), config("third", "3")], Vec::new()).await;

    let prepared = bench.prepare(&brief()).await;
    let foreseen = preview(&bench.storage, &prepared, &Redactor::new([7; 32])).await.expect("preview");
    let mut changes: Vec<(String, Change)> =
        foreseen.objects.iter().map(|object| (object.target.key.name.clone(), object.change)).collect();
    changes.sort();
    let expected = [("all", Change::Update), ("second", Change::Delete), ("third", Change::Delete)];
    assert_eq!(changes, expected.map(|(name, change)| (name.to_owned(), change)), "{}", foreseen.headline);
    assert_eq!(foreseen.headline, "1 object changes, 2 are deleted");

    let outcome = execute(&bench.storage, prepared, Some(&foreseen.basis), &silent(), &CancellationToken::new()).await;
    assert_eq!(outcome.expect("rolls back").counts, [0, 1, 2, 0]);
    let mut left = Vec::new();
    for name in ["all", "kept", "second", "third"] {
        if bench.has_config(name).await {
            left.push(name);
        }
    }
    assert_eq!(left, ["all", "kept"]);
    let history = ["superseded revision 1", "superseded revision 2", "failed revision 3", "deployed Rollback to 1"];
    assert_eq!(bench.history().await, history);
}

pub async fn a_failed_hook_leaves_the_release_as_it_was(cluster: Cluster, namespace: &str, method: ApplyMethod) {
    let mut bench = Bench::new(cluster, namespace, method);
    bench.add(Status::Deployed, &[deployment("web:1", 1)], vec![hook(HookEvent::PreRollback, "migrate:fail")]).await;
    bench.add(Status::Deployed, &[deployment("web:2", 1)], Vec::new()).await;
    let failed = bench.rollback(&brief(), &silent(), &CancellationToken::new()).await;
    let Err(Error::Failed { message, .. }) = failed else { panic!("the hook fails: {failed:?}") };
    let history = bench.history().await;
    assert_eq!(history[1], "deployed revision 2");
    assert_eq!(history[2], format!("failed Rollback \"web\" failed: pre-rollback hooks failed: {message}"));
    let record = bench.storage.get("web", 3).await.expect("the record");
    assert_eq!(record.hooks[0].last_run.phase, "Failed");
    assert!(record.hooks[0].last_run.started_at.is_some() && record.hooks[0].last_run.completed_at.is_some());
    assert_eq!(bench.deployment().await["template"]["spec"]["containers"][0]["image"], "registry.example/web:2");
}

pub async fn cancel_leaves_no_pending_record(cluster: Cluster, namespace: &str, phase: Phase) {
    let mut bench = Bench::new(cluster, namespace, ApplyMethod::ServerSide);
    bench.add(Status::Deployed, &[deployment("web:1", 1)], vec![hook(HookEvent::PreRollback, "migrate:ok")]).await;
    bench.add(Status::Deployed, &[deployment("web:2", 1), config("extra", "x")], Vec::new()).await;
    let cancel = CancellationToken::new();
    let trigger = cancel.clone();
    let report: Reporter = Arc::new(move |progress| {
        if matches!(progress, Progress::PhaseStarted(started, _) if started == phase) {
            trigger.cancel();
        }
    });
    let options = Options { wait: WaitStrategy::Watcher, ..brief() };
    let ended = bench.rollback(&options, &report, &cancel).await;
    assert!(matches!(ended, Err(Error::Cancelled(_))), "{phase:?}: {ended:?}");
    let history = bench.history().await;
    match phase {
        Phase::Record => assert_eq!(history.len(), 2, "nothing is written"),
        _ => {
            assert!(history[2].starts_with("failed ") && history[2].contains("cancelled"), "{phase:?}: {}", history[2])
        }
    }
    // Once applying began, the current revision may be half overwritten, and Helm says superseded.
    let current =
        if matches!(phase, Phase::Apply | Phase::Delete) { "superseded revision 2" } else { "deployed revision 2" };
    assert_eq!(history[1], current, "{phase:?}");
    assert_eq!(bench.has_config("extra").await, phase <= Phase::Delete, "{phase:?}");
}

pub async fn a_hook_that_never_ends_is_cancelled(cluster: Cluster, namespace: &str) {
    let mut bench = Bench::new(cluster, namespace, ApplyMethod::ServerSide);
    bench.add(Status::Deployed, &[deployment("web:1", 1)], vec![hook(HookEvent::PreRollback, "migrate:hang")]).await;
    let cancel = CancellationToken::new();
    let trigger = cancel.clone();
    let report: Reporter = Arc::new(move |progress| {
        if matches!(progress, Progress::Waiting(..)) {
            trigger.cancel();
        }
    });
    let ended = bench.rollback(&brief(), &report, &cancel).await;
    assert!(matches!(ended, Err(Error::Cancelled(_))), "{ended:?}");
    let record = bench.storage.get("web", 2).await.expect("the record");
    assert_eq!((record.info.status, record.hooks[0].last_run.phase.as_str()), (Status::Failed, "Failed"));
}

pub async fn what_moved_since_the_review_stops_it(cluster: Cluster, namespace: &str, method: ApplyMethod) {
    let mut bench = Bench::new(cluster, namespace, method);
    bench.add(Status::Deployed, &[deployment("web:1", 1)], Vec::new()).await;
    bench.add(Status::Deployed, &[deployment("web:2", 1)], Vec::new()).await;
    let prepared = bench.prepare(&brief()).await;
    let reviewed = preview(&bench.storage, &prepared, &Redactor::new([7; 32])).await.expect("preview");
    bench.hand(json!({"spec": {"replicas": 2}})).await;
    let ended = execute(&bench.storage, prepared, Some(&reviewed.basis), &silent(), &CancellationToken::new()).await;
    let Err(Error::Moved(moved)) = ended else { panic!("it moved: {ended:?}") };
    assert!(moved.len() == 1 && moved[0].starts_with("Deployment/web was changed"), "{moved:?}");
    assert_eq!(bench.history().await.len(), 2, "nothing is written");
}

pub async fn the_record_is_a_lock(cluster: Cluster, namespace: &str) {
    let mut bench = Bench::new(cluster, namespace, ApplyMethod::ServerSide);
    bench.add(Status::Deployed, &[deployment("web:1", 1)], Vec::new()).await;
    let (first, second) = (bench.prepare(&brief()).await, bench.prepare(&brief()).await);
    let cancel = CancellationToken::new();
    execute(&bench.storage, first, None, &silent(), &cancel).await.expect("the first is in time");
    let late = execute(&bench.storage, second, None, &silent(), &cancel).await;
    let Err(Error::Refused(words)) = late else { panic!("the second is late: {late:?}") };
    assert!(words.starts_with("release: already exists: another operation runs on web: "), "{words}");
}
