//! The rollback stories of the sandbox, on the real server.

use std::time::Duration;

use pilothouse::{cluster::Cluster, engine::Phase};

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
