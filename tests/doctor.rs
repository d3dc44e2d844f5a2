//! `doctor` on the sandbox: findings, repairs, backups, moves, and what its command line says.

use pilothouse::{
    cluster::Cluster,
    release::{Driver, Storage},
    sandbox::Sandbox,
};

#[path = "ops/doctor.rs"]
mod ops;

fn cluster(sandbox: &Sandbox) -> Cluster {
    Cluster::from_client(sandbox.client(), "sandbox", "default")
}

#[tokio::test]
async fn an_abandoned_operation_is_marked_failed_and_can_be_put_back() {
    let sandbox = Sandbox::empty();
    ops::an_abandoned_operation_is_marked_failed_and_can_be_put_back(cluster(&sandbox), "default").await;
}

#[tokio::test]
async fn an_operation_at_work_is_left_alone() {
    let sandbox = Sandbox::empty();
    ops::an_operation_at_work_is_left_alone(cluster(&sandbox), "default").await;
}

#[tokio::test]
async fn several_deployed_become_one() {
    let sandbox = Sandbox::empty();
    ops::several_deployed_become_one(cluster(&sandbox), "default").await;
}

#[tokio::test]
async fn residue_of_a_failed_revision_is_deleted() {
    let sandbox = Sandbox::empty();
    ops::residue_of_a_failed_revision_is_deleted(cluster(&sandbox), "default").await;
}

#[tokio::test]
async fn orphans_are_told_and_deleted_only_when_asked() {
    let sandbox = Sandbox::empty();
    ops::orphans_are_told_and_deleted_only_when_asked(cluster(&sandbox), "default").await;
}

#[tokio::test]
async fn a_removed_version_is_named_with_the_served_one_and_written_anew() {
    let sandbox = Sandbox::empty();
    ops::a_removed_version_is_named_with_the_served_one_and_written_anew(cluster(&sandbox), "default").await;
}

#[tokio::test]
async fn a_record_that_cannot_be_read_is_deleted_and_comes_back() {
    let sandbox = Sandbox::empty();
    ops::a_record_that_cannot_be_read_is_deleted_and_comes_back(cluster(&sandbox), "default").await;
}

#[tokio::test]
async fn a_large_record_is_told_with_what_makes_it_large() {
    let sandbox = Sandbox::empty();
    ops::a_large_record_is_told_with_what_makes_it_large(cluster(&sandbox), "default").await;
}

#[tokio::test]
async fn records_move_between_drivers() {
    for (from, to) in [(Driver::Secrets, Driver::ConfigMaps), (Driver::ConfigMaps, Driver::Secrets)] {
        let sandbox = Sandbox::empty();
        let storage = |driver| Storage::new(cluster(&sandbox), driver, "default");
        ops::records_move_between_drivers(storage(from), storage(to)).await;
    }
}
