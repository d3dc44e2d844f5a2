//! Installing and upgrading charts on the sandbox.

use std::sync::Arc;

use pilothouse::{cluster::Cluster, engine::Reporter, release::ApplyMethod, sandbox::Sandbox};

#[path = "ops/definitions.rs"]
mod definitions;
#[path = "ops/ordered.rs"]
mod ordered;

const METHODS: [ApplyMethod; 2] = [ApplyMethod::ClientSide, ApplyMethod::ServerSide];

/// Listens to nothing.
fn silent() -> Reporter {
    Arc::new(|_| {})
}

/// A cluster of its own for each test.
fn fresh() -> (Sandbox, Cluster) {
    let sandbox = Sandbox::empty();
    let cluster = Cluster::from_client(sandbox.client(), "sandbox", "default");
    (sandbox, cluster)
}

#[tokio::test]
async fn a_definition_is_applied_only_when_asked() {
    for method in METHODS {
        let (_sandbox, cluster) = fresh();
        definitions::a_definition_is_applied_only_when_asked(cluster, "default", method).await;
    }
}

#[tokio::test]
async fn a_stored_version_is_missed() {
    for method in METHODS {
        let (_sandbox, cluster) = fresh();
        definitions::a_stored_version_is_missed(cluster, "default", method, false).await;
    }
}

#[tokio::test]
async fn sub_charts_come_one_after_the_other() {
    let (_sandbox, cluster) = fresh();
    ordered::sub_charts_come_one_after_the_other(cluster, "default").await;
}

#[tokio::test]
async fn without_the_flag_they_come_by_kind() {
    let (_sandbox, cluster) = fresh();
    ordered::without_the_flag_they_come_by_kind(cluster, "default").await;
}

#[tokio::test]
async fn what_does_not_become_ready_holds_up_those_after_it() {
    let (_sandbox, cluster) = fresh();
    ordered::what_does_not_become_ready_holds_up_those_after_it(cluster, "default").await;
}

#[tokio::test]
async fn charts_that_cannot_be_ordered_are_refused() {
    let (_sandbox, cluster) = fresh();
    ordered::charts_that_cannot_be_ordered_are_refused(cluster, "default").await;
}
