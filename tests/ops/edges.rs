//! Rollbacks that are easy to get wrong: lists, generated names, definitions and namespaces of the release itself, hooks
//! of every kind, limits, what hangs.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use pilothouse::{
    cluster::Cluster,
    diff::{Change, Redactor},
    engine::{
        Error, Options, Outcome, Prepared, Preview, Progress, Reporter, RollbackTarget, execute, prepare_rollback,
        preview,
        record::{HEARTBEAT, HOLDER},
    },
    manifest::Object,
    release::{ApplyMethod, Hook, HookEvent, Release, Status},
};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::ops::{Bench, brief, config, hook, silent};

/// Where most tests go back to.
const FIRST: RollbackTarget = RollbackTarget::Revision(1);

async fn review(bench: &Bench, target: RollbackTarget) -> (Prepared, Preview) {
    let prepared = bench.prepare_to(target, &brief()).await;
    let preview = preview(&bench.storage, &prepared, &Redactor::new([7; 32])).await.expect("preview");
    (prepared, preview)
}

async fn press(bench: &Bench, (prepared, preview): (Prepared, Preview)) -> Outcome {
    let cancel = CancellationToken::new();
    execute(&bench.storage, prepared, Some(&preview.basis), &silent(), &cancel).await.expect("rolls back")
}

/// What a preview says of this code.
fn told(preview: &Preview, code: &str) -> Vec<String> {
    preview.risks.iter().filter(|risk| risk.code == code).map(|risk| risk.message.clone()).collect()
}

async fn live(bench: &Bench, object: &Value) -> Option<Object> {
    let cluster = bench.storage.cluster();
    let target = cluster.target(&Object::new(object.clone()), bench.storage.namespace()).await.expect("a served kind");
    cluster.get(&target).await.expect("readable")
}

/// A reporter that keeps everything.
fn listening() -> (Reporter, Arc<Mutex<Vec<Progress>>>) {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let listener = heard.clone();
    (Arc::new(move |progress| listener.lock().expect("nobody panics").push(progress)), heard)
}

pub async fn a_generated_name_is_refused_before_anything_is_written(cluster: Cluster, namespace: &str) {
    let mut bench = Bench::new(cluster, namespace, ApplyMethod::ServerSide);
    let nameless = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "x-"}});
    bench.record(Status::Superseded, &[nameless], Vec::new()).await;
    bench.record(Status::Deployed, &[config("a", "1")], Vec::new()).await;
    let refused = prepare_rollback(&bench.storage, "web", FIRST, &brief()).await.err().map(|error| error.to_string());
    let words = "web/templates/all.yaml: ConfigMap has metadata.generateName, which only hooks may have: give it a metadata.name";
    assert_eq!(refused.as_deref(), Some(words));
    assert_eq!(bench.history().await.len(), 2, "nothing is written");
}

pub async fn a_list_is_its_objects(cluster: Cluster, namespace: &str, method: ApplyMethod) {
    let mut bench = Bench::new(cluster, namespace, method);
    let list = json!({"apiVersion": "v1", "kind": "List", "items": [config("a", "1"), config("b", "1")]});
    bench.record(Status::Superseded, &[list], Vec::new()).await;
    bench.add(Status::Deployed, &[config("a", "2"), config("b", "2"), config("c", "2")], Vec::new()).await;
    let reviewed = review(&bench, FIRST).await;
    let objects = reviewed.1.objects.iter();
    let mut changes: Vec<(&str, Change)> =
        objects.map(|object| (object.target.key.name.as_str(), object.change)).collect();
    changes.sort();
    assert_eq!(changes, [("a", Change::Update), ("b", Change::Update), ("c", Change::Delete)]);
    assert_eq!(press(&bench, reviewed).await.counts, [0, 2, 1, 0]);
}

/// A kind of its own in a group named after the namespace, so that tests do not meet.
fn definition(namespace: &str) -> Value {
    let schema = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("dials.{namespace}.example")},
        "spec": {
            "group": format!("{namespace}.example"), "scope": "Namespaced",
            "names": {"kind": "Dial", "listKind": "DialList", "plural": "dials", "singular": "dial"},
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": schema}}],
        },
    })
}

pub async fn a_definition_and_its_objects_come_in_one_release(cluster: Cluster, namespace: &str, method: ApplyMethod) {
    let mut bench = Bench::new(cluster, namespace, method);
    let dial = json!({"apiVersion": format!("{namespace}.example/v1"), "kind": "Dial",
        "metadata": {"name": "dial"}, "spec": {"size": 3}});
    bench.record(Status::Superseded, &[dial.clone(), definition(namespace)], Vec::new()).await;
    bench.add(Status::Deployed, &[config("a", "2")], Vec::new()).await;
    let reviewed = review(&bench, FIRST).await;
    let words = "Dial/dial cannot be foreseen: a CustomResourceDefinition of this release defines its kind first";
    assert_eq!(told(&reviewed.1, "unverifiable"), [words]);
    assert_eq!(press(&bench, reviewed).await.counts, [2, 0, 1, 0]);
    assert_eq!(live(&bench, &dial).await.expect("it was created").value["spec"]["size"], 3);
}

/// A namespace comes with its objects; their manifests' namespace is respected, and one on a cluster-scoped object dropped.
pub async fn a_namespace_and_its_objects_come_in_one_release(cluster: Cluster, namespace: &str, method: ApplyMethod) {
    let mut bench = Bench::new(cluster, namespace, method);
    let other = format!("{namespace}-{}", if method == ApplyMethod::ServerSide { "server" } else { "client" });
    let made = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": other}});
    let mut inside = config("inside", "1");
    inside["metadata"]["namespace"] = json!(other);
    let role = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
        "metadata": {"name": other, "namespace": "nonsense"},
        "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]});
    bench.record(Status::Superseded, &[inside.clone(), role.clone(), made], Vec::new()).await;
    bench.add(Status::Deployed, &[config("a", "2")], Vec::new()).await;
    let reviewed = review(&bench, FIRST).await;
    let words = format!("ConfigMap/inside cannot be foreseen: its namespace {other} is created by this release");
    assert_eq!(told(&reviewed.1, "unverifiable"), [words]);
    assert!(told(&reviewed.1, "refused").is_empty(), "{:?}", reviewed.1.risks);
    assert_eq!(press(&bench, reviewed).await.counts, [3, 0, 1, 0]);
    assert!(live(&bench, &inside).await.is_some(), "the manifest's namespace is respected");
    assert_eq!(live(&bench, &role).await.expect("it was created").namespace(), "");
    assert!(!bench.has_config("inside").await, "it is not in the release's own namespace");

    let prepared = bench.prepare_to(RollbackTarget::Revision(2), &brief()).await;
    bench.execute(prepared, &silent(), &CancellationToken::new()).await.expect("rolls back");
    assert!(live(&bench, &role).await.is_none(), "what revision 2 lacks is deleted in every scope");
}

pub async fn a_version_no_longer_served_is_applied_as_the_served_one(
    cluster: Cluster,
    namespace: &str,
    method: ApplyMethod,
) {
    let budget = |version: &str, least: u32| {
        json!({"apiVersion": version, "kind": "PodDisruptionBudget", "metadata": {"name": "web"},
            "spec": {"minAvailable": least, "selector": {"matchLabels": {"app": "web"}}}})
    };
    let mut bench = Bench::new(cluster, namespace, method);
    bench.record(Status::Superseded, &[budget("policy/v1beta1", 1)], Vec::new()).await;
    bench.add(Status::Deployed, &[budget("policy/v1", 2)], Vec::new()).await;
    let before = live(&bench, &budget("policy/v1", 2)).await.expect("it is there");
    let reviewed = review(&bench, FIRST).await;
    let words = "the cluster no longer serves policy/v1beta1: PodDisruptionBudget/web is applied as policy/v1";
    assert_eq!(told(&reviewed.1, "removed-api"), [words]);
    assert_eq!(press(&bench, reviewed).await.counts, [0, 1, 0, 0]);
    let after = live(&bench, &budget("policy/v1", 2)).await.expect("it is there");
    assert_eq!((after.uid(), &after.value["spec"]["minAvailable"]), (before.uid(), &json!(1)));
}

pub async fn history_max_spares_the_target_and_the_last_good(cluster: Cluster, namespace: &str) {
    let mut bench = Bench::new(cluster, namespace, ApplyMethod::ServerSide);
    for status in [Status::Superseded, Status::Superseded, Status::Failed, Status::Failed, Status::Failed] {
        bench.record(status, &[config("a", "1")], Vec::new()).await;
    }
    let options = Options { history_max: 2, ..brief() };
    bench.rollback(&options, &silent(), &CancellationToken::new()).await.expect("rolls back");
    let left = bench.storage.history("web").await.expect("history");
    assert_eq!(left.iter().map(|meta| meta.revision).collect::<Vec<_>>(), [1, 2, 5, 6]);
}

fn plain_hook(name: &str, kind: &str, delete_policies: &[&str]) -> Hook {
    let object = json!({"apiVersion": "v1", "kind": kind, "metadata": {"name": name}});
    Hook {
        name: name.to_owned(),
        kind: kind.to_owned(),
        path: "web/charts/front/templates/hook.yaml".to_owned(),
        manifest: object.to_string(),
        events: vec![HookEvent::PreRollback],
        delete_policies: delete_policies.iter().map(|policy| (*policy).to_owned()).collect(),
        ..Hook::default()
    }
}

/// Hooks of a sub-chart, and of kinds that end as soon as they are made.
pub async fn hooks_of_other_kinds_run(cluster: Cluster, namespace: &str, method: ApplyMethod) {
    let mut bench = Bench::new(cluster, namespace, method);
    let hooks = vec![plain_hook("once", "ConfigMap", &["hook-succeeded"]), plain_hook("worker", "ServiceAccount", &[])];
    bench.add(Status::Superseded, &[config("a", "1")], hooks).await;
    bench.add(Status::Deployed, &[config("a", "2")], Vec::new()).await;
    let (prepared, preview) = review(&bench, FIRST).await;
    let lines = ["pre-rollback ConfigMap/once (weight 0)", "pre-rollback ServiceAccount/worker (weight 0)"];
    assert_eq!(preview.hooks.iter().map(ToString::to_string).collect::<Vec<_>>(), lines);
    let release = press(&bench, (prepared, preview)).await.release;
    assert!(release.hooks.iter().all(|hook| hook.last_run.phase == "Succeeded"), "{:?}", release.hooks);
    assert!(!bench.has_config("once").await, "its policy deletes it");
    let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "worker"}});
    assert!(live(&bench, &account).await.is_some(), "nothing deletes it");
}

pub async fn a_hook_with_a_generated_name_is_cleaned_up(cluster: Cluster, namespace: &str, method: ApplyMethod) {
    let mut bench = Bench::new(cluster.clone(), namespace, method);
    let mut generated = hook(HookEvent::PreRollback, "migrate:ok");
    let mut job: Value = serde_json::from_str(&generated.manifest).expect("JSON");
    job["metadata"] = json!({"generateName": "migrate-"});
    generated.manifest = job.to_string();
    generated.delete_policies = vec!["hook-succeeded".to_owned()];
    bench.add(Status::Superseded, &[config("a", "1")], vec![generated]).await;
    bench.add(Status::Deployed, &[config("a", "2")], Vec::new()).await;
    let (report, heard) = listening();
    bench.rollback(&brief(), &report, &CancellationToken::new()).await.expect("rolls back");
    let waited = heard.lock().expect("nobody panics").iter().any(
        |progress| matches!(progress, Progress::Waiting(key, ..) if key.kind == "Job" && key.name.starts_with("migrate-")),
    );
    assert!(waited, "it was made, under a name of the server's making");
    assert!(cluster.list("batch/v1", "Job", namespace, "").await.expect("jobs").is_empty());
}

/// A hook that ends well and one that never does: the second has the whole time for itself. So has the wait.
pub async fn the_timeout_is_for_each_hook(cluster: Cluster, namespace: &str, timeout: Duration) {
    let mut bench = Bench::new(cluster, namespace, ApplyMethod::ServerSide);
    let mut second = hook(HookEvent::PreRollback, "migrate:hang");
    second.name = "waits".to_owned();
    second.manifest = second.manifest.replace("\"name\":\"migrate\"", "\"name\":\"waits\"");
    bench.add(Status::Superseded, &[config("a", "1")], vec![hook(HookEvent::PreRollback, "migrate:ok"), second]).await;
    bench.add(Status::Deployed, &[config("a", "2")], Vec::new()).await;
    let (report, heard) = listening();
    let options = Options { timeout, ..brief() };
    let ended = bench.rollback(&options, &report, &CancellationToken::new()).await;
    let Err(Error::Failed { message, .. }) = ended else { panic!("it never ends: {ended:?}") };
    assert_eq!(
        message,
        format!(
            "resource Job/{namespace}/waits not ready. status: InProgress, message: Job in progress\ncontext deadline exceeded"
        )
    );
    let heard = heard.lock().expect("nobody panics");
    let done: Vec<(&str, bool, u64)> = heard
        .iter()
        .filter_map(|progress| match progress {
            Progress::HookDone(name, good, took) => Some((name.as_str(), *good, *took)),
            _ => None,
        })
        .collect();
    let [("migrate", true, _), ("waits", false, took)] = done[..] else { panic!("two hooks: {done:?}") };
    assert!(u128::from(took) >= timeout.as_millis(), "{took} ms: the first hook's time was taken from it");
}

/// A hook's log is told while it runs, whatever its policy says.
pub async fn a_hook_s_log_is_told_while_it_runs(cluster: Cluster, namespace: &str) {
    let mut bench = Bench::new(cluster, namespace, ApplyMethod::ServerSide);
    bench.add(Status::Superseded, &[config("a", "1")], vec![hook(HookEvent::PreRollback, "migrate:hang")]).await;
    bench.add(Status::Deployed, &[config("a", "2")], Vec::new()).await;
    let cancel = CancellationToken::new();
    let trigger = cancel.clone();
    let (keep, heard) = listening();
    let report: Reporter = Arc::new(move |progress| {
        if matches!(progress, Progress::HookLog(..)) {
            trigger.cancel();
        }
        keep(progress);
    });
    let ended = bench.rollback(&brief(), &report, &cancel).await;
    assert!(matches!(ended, Err(Error::Cancelled(_))), "a line was told before the hook's time was over: {ended:?}");
    let heard = heard.lock().expect("nobody panics");
    assert!(!heard.iter().any(|progress| matches!(progress, Progress::HookOutput(..))), "no policy asks for it");
}

/// Deleting does not wait for what a finalizer holds; going back to it names the danger.
pub async fn what_a_finalizer_holds_is_told(cluster: Cluster, namespace: &str, method: ApplyMethod) {
    let mut bench = Bench::new(cluster.clone(), namespace, method);
    let mut held = config("held", "2");
    held["metadata"]["finalizers"] = json!(["pilothouse.dev/hold"]);
    bench.add(Status::Superseded, &[config("a", "1")], Vec::new()).await;
    bench.add(Status::Deployed, &[config("a", "2"), held.clone()], Vec::new()).await;
    bench.rollback(&brief(), &silent(), &CancellationToken::new()).await.expect("rolls back");
    let stuck = live(&bench, &held).await.expect("a finalizer holds it");
    let since = stuck.value["metadata"]["deletionTimestamp"].as_str().expect("it is being deleted");
    let (_, preview) = review(&bench, RollbackTarget::Revision(2)).await;
    let words = format!("ConfigMap/held is being deleted since {since}: what is applied goes with it");
    assert_eq!(told(&preview, "deleting"), [words]);
}

/// A hook whose last run cannot be deleted: nothing new runs, and what holds the old one is told.
pub async fn a_hook_held_by_a_finalizer_fails(cluster: Cluster, namespace: &str, method: ApplyMethod) {
    let mut bench = Bench::new(cluster.clone(), namespace, method);
    let mut held = config("held", "1");
    held["metadata"]["finalizers"] = json!(["pilothouse.dev/hold"]);
    let target = bench.target("v1", "ConfigMap", "held");
    bench.add(Status::Superseded, &[config("a", "1")], vec![plain_hook("held", "ConfigMap", &[])]).await;
    bench.add(Status::Deployed, &[config("a", "2")], Vec::new()).await;
    held["metadata"]["namespace"] = json!(namespace);
    cluster.create(&target, &Object::new(held), false).await.expect("create");
    let options = Options { timeout: Duration::from_secs(2), ..brief() };
    let ended = bench.rollback(&options, &silent(), &CancellationToken::new()).await;
    let Err(Error::Failed { message, hints }) = ended else { panic!("it is held: {ended:?}") };
    assert_eq!(
        message,
        format!(
            "resource ConfigMap/{namespace}/held still exists. status: Terminating, message: Resource scheduled for deletion\ncontext deadline exceeded"
        )
    );
    assert_eq!(hints, ["ConfigMap/held: held by finalizers pilothouse.dev/hold"]);
}

pub async fn a_kind_that_is_not_served_fails_before_anything_is_applied(
    cluster: Cluster,
    namespace: &str,
    method: ApplyMethod,
) {
    let mut bench = Bench::new(cluster, namespace, method);
    let dial = json!({"apiVersion": "gone.example/v1", "kind": "Dial", "metadata": {"name": "dial"}});
    bench.record(Status::Superseded, &[config("a", "1"), dial], Vec::new()).await;
    bench.add(Status::Deployed, &[config("a", "2")], Vec::new()).await;
    let (_, preview) = review(&bench, FIRST).await;
    let words = "the cluster serves no Dial of gone.example/v1: Dial/dial cannot be applied";
    assert_eq!(told(&preview, "removed-api"), [words]);
    let ended = bench.rollback(&brief(), &silent(), &CancellationToken::new()).await;
    // As real Helm says when its discovery cache is fresh.
    let words = "unable to build kubernetes objects from new release manifest: resource mapping not found for name: \"dial\" namespace: \"\" from \"\": no matches for kind \"Dial\" in version \"gone.example/v1\"\nensure CRDs are installed first";
    assert_eq!(ended.expect_err("the kind is gone").to_string(), words);
    let history = bench.history().await;
    assert_eq!(history[1..], ["deployed revision 2".to_owned(), format!("failed Rollback \"web\" failed: {words}")]);
}

/// The words about a record that somebody holds: how old, who, and whether that somebody is still there.
pub async fn a_pending_record_is_told(cluster: Cluster, namespace: &str, beat: &str, ending: &str) {
    let mut bench = Bench::new(cluster, namespace, ApplyMethod::ServerSide);
    bench.add(Status::Deployed, &[config("a", "1")], Vec::new()).await;
    let first = bench.storage.get("web", 1).await.expect("the record");
    let mut pending = Release { revision: 2, ..Release::clone(&first) };
    pending.info.status = Status::PendingUpgrade;
    let beats =
        BTreeMap::from([(HOLDER.to_owned(), "pilothouse[42]".to_owned()), (HEARTBEAT.to_owned(), beat.to_owned())]);
    bench.storage.create(&pending, &beats).await.expect("create a record");
    let (_, preview) = review(&bench, FIRST).await;
    let [words] = &told(&preview, "pending")[..] else { panic!("one risk: {:?}", preview.risks) };
    assert!(words.contains("revision 2 is pending-upgrade for ") && words.contains(", written by "), "{words}");
    assert!(words.contains(&format!("; pilothouse[42] {ending}")), "{words}");
}
