//! The rollback stories of the sandbox, on the real server.

use pilothouse::{cluster::Cluster, engine::Phase};

use crate::plane::plane;

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
