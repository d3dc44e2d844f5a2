//! The rollback stories of the sandbox, on the real server.

use std::time::Duration;

use pilothouse::{
    cluster::Cluster,
    diff::{Change, Redactor},
    engine::{Confidence, Phase, Preview, RollbackTarget, execute, prepare_rollback, preview},
    release::{Driver, Status, Storage},
};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::plane::plane;

#[path = "../ops/edges.rs"]
mod edges;
#[path = "../ops/rollback.rs"]
mod ops;

async fn fresh() -> (Cluster, String) {
    let namespace = plane().namespace();
    (plane().cluster("test", &namespace).await, namespace)
}

#[tokio::test]
async fn both_methods() {
    for method in ops::METHODS {
        let (cluster, namespace) = fresh().await;
        ops::a_deployment_scaled_to_zero_comes_back_even_from_the_only_revision(cluster, &namespace, method).await;
        let (cluster, namespace) = fresh().await;
        ops::what_a_failed_upgrade_left_behind_goes_and_what_is_kept_stays(cluster, &namespace, method).await;
        let (cluster, namespace) = fresh().await;
        ops::what_moved_since_the_review_stops_it(cluster, &namespace, method).await;
        let (cluster, namespace) = fresh().await;
        ops::a_failed_hook_leaves_the_release_as_it_was(cluster, &namespace, method).await;
    }
}

#[tokio::test]
async fn one_method() {
    let (cluster, namespace) = fresh().await;
    ops::an_injected_sidecar_survives(cluster, &namespace).await;
    let (cluster, namespace) = fresh().await;
    ops::a_hook_that_never_ends_is_cancelled(cluster, &namespace).await;
    let (cluster, namespace) = fresh().await;
    ops::the_record_is_a_lock(cluster, &namespace).await;
}

#[tokio::test]
async fn cancel_leaves_no_pending_record() {
    for phase in [Phase::Record, Phase::PreHooks, Phase::Apply, Phase::Delete, Phase::Wait, Phase::PostHooks] {
        let (cluster, namespace) = fresh().await;
        ops::cancel_leaves_no_pending_record(cluster, &namespace, phase).await;
    }
}

#[tokio::test]
async fn edges_of_both_methods() {
    for method in ops::METHODS {
        let (cluster, namespace) = fresh().await;
        edges::a_list_is_its_objects(cluster, &namespace, method).await;
        let (cluster, namespace) = fresh().await;
        edges::a_definition_and_its_objects_come_in_one_release(cluster, &namespace, method).await;
        let (cluster, namespace) = fresh().await;
        edges::a_namespace_and_its_objects_come_in_one_release(cluster, &namespace, method).await;
        let (cluster, namespace) = fresh().await;
        edges::a_version_no_longer_served_is_applied_as_the_served_one(cluster, &namespace, method).await;
        let (cluster, namespace) = fresh().await;
        edges::hooks_of_other_kinds_run(cluster, &namespace, method).await;
        let (cluster, namespace) = fresh().await;
        edges::a_hook_with_a_generated_name_is_cleaned_up(cluster, &namespace, method).await;
        let (cluster, namespace) = fresh().await;
        edges::what_a_finalizer_holds_is_told(cluster, &namespace, method).await;
        let (cluster, namespace) = fresh().await;
        edges::a_hook_held_by_a_finalizer_fails(cluster, &namespace, method).await;
        let (cluster, namespace) = fresh().await;
        edges::a_kind_that_is_not_served_fails_before_anything_is_applied(cluster, &namespace, method).await;
    }
}

#[tokio::test]
async fn edges_of_one_method() {
    let (cluster, namespace) = fresh().await;
    edges::a_generated_name_is_refused_before_anything_is_written(cluster, &namespace).await;
    let (cluster, namespace) = fresh().await;
    edges::history_max_spares_the_target_and_the_last_good(cluster, &namespace).await;
    let (cluster, namespace) = fresh().await;
    edges::a_hook_s_log_is_told_while_it_runs(cluster, &namespace).await;
    let (cluster, namespace) = fresh().await;
    edges::the_timeout_is_for_each_hook(cluster, &namespace, Duration::from_secs(8)).await;
    let now = jiff::Timestamp::now().to_string();
    for (beat, ending) in [(now.as_str(), "is still at work"), ("2026-01-01T00:00:00Z", "was last heard ")] {
        let (cluster, namespace) = fresh().await;
        edges::a_pending_record_is_told(cluster, &namespace, beat, ending).await;
    }
}

/// Served by two groups or versions, and one object all the same: it is never deleted.
#[tokio::test]
async fn an_object_that_moved_to_another_group_or_version_is_the_same() {
    for method in ops::METHODS {
        for pair in [events, scalers] {
            for back in [false, true] {
                let (cluster, namespace) = fresh().await;
                let (old, new) = pair(&namespace);
                let (from, to) = if back { (&new, &old) } else { (&old, &new) };
                let mut bench = ops::Bench::new(cluster, &namespace, method);
                bench.add(Status::Superseded, std::slice::from_ref(to), Vec::new()).await;
                bench.record(Status::Deployed, std::slice::from_ref(from), Vec::new()).await;
                let what = format!("{}/web", to["kind"].as_str().unwrap_or_default());
                let before = plane().object(&namespace, &what);
                let prepared = bench.prepare(&ops::brief()).await;
                let foreseen = preview(&bench.storage, &prepared, &Redactor::new([7; 32])).await.expect("preview");
                let changes: Vec<Change> = foreseen.objects.iter().map(|object| object.change).collect();
                assert_eq!(
                    changes,
                    [Change::None],
                    "{method:?} {from} {:?} {:?}",
                    foreseen.risks,
                    foreseen.objects[0].diff
                );
                let cancel = CancellationToken::new();
                let done = execute(&bench.storage, prepared, Some(&foreseen.basis), &ops::silent(), &cancel).await;
                assert_eq!(done.expect("rolls back").counts, [0, 0, 0, 1], "{method:?} {from}");
                let after = plane().object(&namespace, &what);
                assert!(!before["metadata"]["uid"].is_null(), "{method:?} {from}");
                assert_eq!(before["metadata"]["uid"], after["metadata"]["uid"], "{method:?} {from}");
            }
        }
    }
}

fn events(namespace: &str) -> (Value, Value) {
    let about = json!({"kind": "Pod", "name": "nobody", "namespace": namespace});
    let both = json!({"metadata": {"name": "web"}, "kind": "Event", "type": "Normal", "reason": "Moved", "action": "Move",
        "eventTime": "2026-01-01T00:00:00.000000Z", "reportingInstance": "test"});
    let (mut core, mut own) = (both.clone(), both);
    core["apiVersion"] = json!("v1");
    (core["involvedObject"], core["message"], core["reportingComponent"]) =
        (about.clone(), json!("moved"), json!("test"));
    own["apiVersion"] = json!("events.k8s.io/v1");
    (own["regarding"], own["note"], own["reportingController"]) = (about, json!("moved"), json!("test"));
    (core, own)
}

fn scalers(_: &str) -> (Value, Value) {
    let scaler = |version: &str| {
        json!({"apiVersion": version, "kind": "HorizontalPodAutoscaler", "metadata": {"name": "web"},
            "spec": {"minReplicas": 2, "maxReplicas": 4,
                "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "nobody"}}})
    };
    let (mut old, mut new) = (scaler("autoscaling/v1"), scaler("autoscaling/v2"));
    old["spec"]["targetCPUUtilizationPercentage"] = json!(70);
    new["spec"]["metrics"] = json!([{"type": "Resource",
        "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}}}]);
    (old, new)
}

/// A definition stops serving the version that both revisions were written in.
#[tokio::test]
async fn a_version_that_is_served_no_more_is_found_by_group_and_kind() {
    for method in ops::METHODS {
        let (cluster, namespace) = fresh().await;
        let group = format!("{namespace}.example");
        let version = |name: &str, stored: bool| {
            json!({"name": name, "served": true, "storage": stored,
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}})
        };
        let names = json!({"kind": "Knob", "listKind": "KnobList", "plural": "knobs", "singular": "knob"});
        let definition = json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": format!("knobs.{group}")},
            "spec": {"group": group, "scope": "Namespaced", "names": names,
                "versions": [version("v1beta1", false), version("v1", true)]}});
        let kubectl = plane().kubectl_path();
        plane().shell(&format!("{} apply -f - <<'CRD'\n{definition}\nCRD", kubectl.display()));
        plane().kubectl(&["wait", "--for=condition=Established", &format!("crd/knobs.{group}")]);
        let knob = |size: u32| {
            json!({"apiVersion": format!("{group}/v1beta1"), "kind": "Knob", "metadata": {"name": "knob"},
                "spec": {"size": size}})
        };
        let mut bench = ops::Bench::new(cluster, &namespace, method);
        bench.add(Status::Superseded, &[knob(1)], Vec::new()).await;
        bench.add(Status::Deployed, &[knob(2)], Vec::new()).await;
        let stop = r#"[{"op":"replace","path":"/spec/versions/0/served","value":false}]"#;
        plane().kubectl(&["patch", "crd", &format!("knobs.{group}"), "--type=json", "-p", stop]);
        let path = format!("/apis/{group}");
        plane().wait_until("v1beta1 to be served no more", || {
            !plane().kubectl(&["get", "--raw", &path]).contains("v1beta1")
        });
        let bench = ops::Bench::new(plane().cluster("test", &namespace).await, &namespace, method);
        let done = bench.rollback(&ops::brief(), &ops::silent(), &CancellationToken::new()).await;
        assert_eq!(done.expect("rolls back").counts, [0, 1, 0, 0], "{method:?}");
        let live = plane().object(&namespace, &format!("knobs.{group}/knob"));
        assert_eq!((&live["apiVersion"], &live["spec"]["size"]), (&json!(format!("{group}/v1")), &json!(1)));
    }
}

/// Without the right to ask for a dry-run the preview rests on live objects, without the right to read them on what is
/// stored; it foresees the same and says what it rests on.
#[tokio::test]
async fn without_rights_the_preview_rests_on_less_and_says_so() {
    for method in ops::METHODS {
        let (cluster, namespace) = fresh().await;
        let mut bench = ops::Bench::new(cluster, &namespace, method);
        bench.add(Status::Superseded, &[ops::deployment("web:1", 3), ops::config("a", "1")], Vec::new()).await;
        let second = [ops::deployment("web:2", 5), ops::config("a", "1"), ops::config("b", "2")];
        bench.add(Status::Deployed, &second, Vec::new()).await;
        let (seen, _) = review_as("test", &namespace).await;
        assert_eq!(seen.confidence, Confidence::ServerDryRun);

        allow(&namespace, "reader", "*");
        allow(&namespace, "mute", "secrets");
        for (user, rests_on, words) in [
            ("reader", Confidence::LiveObjects, "live objects"),
            ("mute", Confidence::StoredManifests, "stored manifests"),
        ] {
            let (preview, refused) = review_as(user, &namespace).await;
            assert_eq!(preview.confidence, rests_on, "{method:?} {user}");
            assert_eq!(changes(&preview), changes(&seen), "{method:?} {user}");
            assert!(refused.contains("cannot create resource \"secrets\""), "{method:?} {user}: {refused}");
            let said = plane().pilothouse(&["diff", "rollback", "web", "1", "-n", &namespace, "--kube-context", user]);
            assert!(said.contains(words), "{method:?} {user}: {said}");
        }
        assert_eq!(bench.history().await.len(), 2, "nothing is written");
    }
}

fn allow(namespace: &str, user: &str, resource: &str) {
    let rules = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role",
        "metadata": {"name": user, "namespace": namespace},
        "rules": [{"apiGroups": ["*"], "resources": [resource], "verbs": ["get", "list", "watch"]}]});
    plane().shell(&format!("{} apply -f - <<'ROLE'\n{rules}\nROLE", plane().kubectl_path().display()));
    plane().kubectl(&["create", "rolebinding", user, "--role", user, "--user", user, "-n", namespace]);
}

/// What a user sees, and what comes of pressing the button all the same.
async fn review_as(user: &str, namespace: &str) -> (Preview, String) {
    let storage = Storage::new(plane().cluster(user, namespace).await, Driver::Secrets, namespace);
    let prepared = prepare_rollback(&storage, "web", RollbackTarget::Revision(1), &ops::brief())
        .await
        .expect("records are readable");
    let seen = preview(&storage, &prepared, &Redactor::new([7; 32])).await.expect("preview");
    if user == "test" {
        return (seen, String::new());
    }
    let ended = execute(&storage, prepared, Some(&seen.basis), &ops::silent(), &CancellationToken::new()).await;
    (seen, ended.expect_err("it may not write").to_string())
}

fn changes(preview: &Preview) -> Vec<(String, Change, Vec<String>)> {
    let mut changes: Vec<_> = preview
        .objects
        .iter()
        .map(|object| {
            let key = &object.target.key;
            let spec = object.predicted.as_ref().map(|predicted| &predicted.value["spec"]);
            let told = ["/replicas", "/template/spec/containers/0/image"];
            let told = told.iter().filter_map(|path| Some(spec?.pointer(path)?.to_string()));
            (format!("{}/{}", key.kind, key.name), object.change, told.collect())
        })
        .collect();
    changes.sort();
    changes
}
