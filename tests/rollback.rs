//! Rolling back on the sandbox, and trouble that only it can make.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use ops::{Bench, METHODS, brief, deployment, silent};
use pilothouse::{
    cluster::Cluster,
    engine::Phase,
    release::{ApplyMethod, Status},
    sandbox::{Fault, Sandbox},
};
use tokio_util::sync::CancellationToken;

#[path = "ops/edges.rs"]
mod edges;
#[path = "ops/rollback.rs"]
mod ops;

fn cluster(sandbox: &Sandbox) -> Cluster {
    Cluster::from_client(sandbox.client(), "sandbox", "default")
}

#[tokio::test]
async fn a_deployment_scaled_to_zero_comes_back() {
    for method in METHODS {
        let sandbox = Sandbox::empty();
        ops::a_deployment_scaled_to_zero_comes_back_even_from_the_only_revision(cluster(&sandbox), "default", method)
            .await;
    }
}

#[tokio::test]
async fn an_injected_sidecar_survives() {
    let sandbox = Sandbox::empty();
    ops::an_injected_sidecar_survives(cluster(&sandbox), "default").await;
}

#[tokio::test]
async fn residue_goes_and_what_is_kept_stays() {
    for method in METHODS {
        let sandbox = Sandbox::empty();
        ops::what_a_failed_upgrade_left_behind_goes_and_what_is_kept_stays(cluster(&sandbox), "default", method).await;
    }
}

#[tokio::test]
async fn a_failed_hook_leaves_the_release_as_it_was() {
    for method in METHODS {
        let sandbox = Sandbox::empty();
        ops::a_failed_hook_leaves_the_release_as_it_was(cluster(&sandbox), "default", method).await;
    }
}

#[tokio::test]
async fn cancel_leaves_no_pending_record() {
    for phase in [Phase::Record, Phase::PreHooks, Phase::Apply, Phase::Delete, Phase::Wait, Phase::PostHooks] {
        let sandbox = Sandbox::empty();
        ops::cancel_leaves_no_pending_record(cluster(&sandbox), "default", phase).await;
    }
}

#[tokio::test]
async fn a_hook_that_never_ends_is_cancelled() {
    let sandbox = Sandbox::empty();
    ops::a_hook_that_never_ends_is_cancelled(cluster(&sandbox), "default").await;
}

#[tokio::test]
async fn what_moved_since_the_review_stops_it() {
    for method in METHODS {
        let sandbox = Sandbox::empty();
        ops::what_moved_since_the_review_stops_it(cluster(&sandbox), "default", method).await;
    }
}

#[tokio::test]
async fn the_record_is_a_lock() {
    let sandbox = Sandbox::empty();
    ops::the_record_is_a_lock(cluster(&sandbox), "default").await;
}

#[tokio::test]
async fn a_list_is_its_objects() {
    for method in METHODS {
        let sandbox = Sandbox::empty();
        edges::a_list_is_its_objects(cluster(&sandbox), "default", method).await;
    }
}

#[tokio::test]
async fn a_definition_and_its_objects_come_in_one_release() {
    for method in METHODS {
        let sandbox = Sandbox::empty();
        edges::a_definition_and_its_objects_come_in_one_release(cluster(&sandbox), "default", method).await;
    }
}

#[tokio::test]
async fn a_namespace_and_its_objects_come_in_one_release() {
    for method in METHODS {
        let sandbox = Sandbox::empty();
        edges::a_namespace_and_its_objects_come_in_one_release(cluster(&sandbox), "default", method).await;
    }
}

#[tokio::test]
async fn a_version_no_longer_served_is_applied_as_the_served_one() {
    for method in METHODS {
        let sandbox = Sandbox::empty();
        edges::a_version_no_longer_served_is_applied_as_the_served_one(cluster(&sandbox), "default", method).await;
    }
}

#[tokio::test]
async fn hooks_of_other_kinds_run() {
    for method in METHODS {
        let sandbox = Sandbox::empty();
        edges::hooks_of_other_kinds_run(cluster(&sandbox), "default", method).await;
    }
}

#[tokio::test]
async fn a_hook_with_a_generated_name_is_cleaned_up() {
    for method in METHODS {
        let sandbox = Sandbox::empty();
        edges::a_hook_with_a_generated_name_is_cleaned_up(cluster(&sandbox), "default", method).await;
    }
}

#[tokio::test]
async fn what_a_finalizer_holds_is_told() {
    for method in METHODS {
        let sandbox = Sandbox::empty();
        edges::what_a_finalizer_holds_is_told(cluster(&sandbox), "default", method).await;
    }
}

#[tokio::test]
async fn a_generated_name_is_refused_before_anything_is_written() {
    let sandbox = Sandbox::empty();
    edges::a_generated_name_is_refused_before_anything_is_written(cluster(&sandbox), "default").await;
}

#[tokio::test]
async fn history_max_spares_the_target_and_the_last_good() {
    let sandbox = Sandbox::empty();
    edges::history_max_spares_the_target_and_the_last_good(cluster(&sandbox), "default").await;
}

#[tokio::test]
async fn a_hook_s_log_is_told_while_it_runs() {
    let sandbox = Sandbox::empty();
    edges::a_hook_s_log_is_told_while_it_runs(cluster(&sandbox), "default").await;
}

#[tokio::test]
async fn the_timeout_is_for_each_hook() {
    let sandbox = Sandbox::empty();
    edges::the_timeout_is_for_each_hook(cluster(&sandbox), "default", Duration::from_secs(3)).await;
}

#[tokio::test]
async fn a_pending_record_is_told() {
    let now = jiff::Timestamp::now().to_string();
    for (beat, ending) in [(now.as_str(), "is still at work"), ("2026-01-01T00:00:00Z", "was last heard ")] {
        let sandbox = Sandbox::empty();
        edges::a_pending_record_is_told(cluster(&sandbox), "default", beat, ending).await;
    }
}

#[tokio::test]
async fn a_hook_held_by_a_finalizer_fails() {
    for method in METHODS {
        let sandbox = Sandbox::empty();
        edges::a_hook_held_by_a_finalizer_fails(cluster(&sandbox), "default", method).await;
    }
}

#[tokio::test]
async fn a_kind_that_is_not_served_fails_before_anything_is_applied() {
    for method in METHODS {
        let sandbox = Sandbox::empty();
        edges::a_kind_that_is_not_served_fails_before_anything_is_applied(cluster(&sandbox), "default", method).await;
    }
}

/// Breaks the first two writes of the Deployment; the rollback must come through.
async fn check_survives(method: ApplyMethod, fault: Fault) {
    let sandbox = Sandbox::empty();
    let mut bench = Bench::new(cluster(&sandbox), "default", method);
    bench.add(Status::Deployed, &[deployment("web:1", 1)], Vec::new()).await;
    bench.add(Status::Deployed, &[deployment("web:2", 1)], Vec::new()).await;
    let hits = Arc::new(AtomicU32::new(0));
    let counter = hits.clone();
    let told = format!("{method:?} {fault:?}");
    sandbox.set_fault(move |request| {
        let write = request.method == http::Method::PATCH && request.uri.path().contains("/deployments/");
        (write && counter.fetch_add(1, Ordering::SeqCst) < 2).then(|| fault.clone())
    });
    bench
        .rollback(&brief(), &silent(), &CancellationToken::new())
        .await
        .unwrap_or_else(|error| panic!("{told}: {error}"));
    assert!(hits.load(Ordering::SeqCst) > 2, "{told}: it was not tried again");
    assert_eq!(
        bench.deployment().await["template"]["spec"]["containers"][0]["image"],
        "registry.example/web:1",
        "{told}"
    );
}

#[tokio::test]
async fn overload_conflicts_and_disconnects_midway_pass() {
    let status = |code, message: &str, retry_after| Fault::Status { code, message: message.to_owned(), retry_after };
    for method in METHODS {
        check_survives(method, status(429, "slow down", Some(0))).await;
        check_survives(method, status(503, "starting", None)).await;
        check_survives(method, Fault::Disconnect).await;
    }
    let conflict = "Operation cannot be fulfilled on deployments.apps \"web\": the object has been modified";
    check_survives(ApplyMethod::ClientSide, status(409, conflict, None)).await;
}

#[tokio::test]
async fn a_refusal_midway_is_recorded_in_helm_s_words() {
    let sandbox = Sandbox::empty();
    let mut bench = Bench::new(cluster(&sandbox), "default", ApplyMethod::ClientSide);
    bench.add(Status::Deployed, &[deployment("web:1", 1)], Vec::new()).await;
    bench.add(Status::Deployed, &[deployment("web:2", 1)], Vec::new()).await;
    sandbox.set_fault(|request| {
        let write = request.method == http::Method::PATCH && request.uri.path().contains("/deployments/");
        write.then(|| Fault::Status { code: 500, message: "boom".to_owned(), retry_after: None })
    });
    let ended = bench.rollback(&brief(), &silent(), &CancellationToken::new()).await;
    let words = "cannot patch \"web\" with kind Deployment: boom";
    assert_eq!(ended.expect_err("the server refuses").to_string(), words);
    let failed = format!("failed Rollback \"web\" failed: {words}");
    assert_eq!(bench.history().await, ["superseded revision 1", "superseded revision 2", failed.as_str()]);
}
