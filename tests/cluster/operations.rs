//! The installs and upgrades of the sandbox, on the real server.

use std::sync::Arc;

use pilothouse::{cluster::Cluster, engine::Reporter, release::ApplyMethod};

use crate::plane::plane;

#[path = "../ops/definitions.rs"]
mod definitions;
#[path = "../ops/ordered.rs"]
mod ordered;

/// Listens to nothing.
fn silent() -> Reporter {
    Arc::new(|_| {})
}

async fn fresh() -> (Cluster, String) {
    let namespace = plane().namespace();
    (plane().cluster("test", &namespace).await, namespace)
}

#[tokio::test]
async fn sub_charts_in_order() {
    let (cluster, namespace) = fresh().await;
    ordered::sub_charts_come_one_after_the_other(cluster, &namespace).await;
    let (cluster, namespace) = fresh().await;
    ordered::without_the_flag_they_come_by_kind(cluster, &namespace).await;
    let (cluster, namespace) = fresh().await;
    ordered::what_does_not_become_ready_holds_up_those_after_it(cluster, &namespace).await;
    let (cluster, namespace) = fresh().await;
    ordered::charts_that_cannot_be_ordered_are_refused(cluster, &namespace).await;
}

#[tokio::test]
async fn definitions_in_place() {
    for method in [ApplyMethod::ClientSide, ApplyMethod::ServerSide] {
        let (cluster, namespace) = fresh().await;
        definitions::a_definition_is_applied_only_when_asked(cluster, &namespace, method).await;
        let (cluster, namespace) = fresh().await;
        definitions::a_stored_version_is_missed(cluster, &namespace, method, true).await;
    }
}
