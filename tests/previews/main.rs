//! What `diff` shows before it happens, and plans that are made now and applied later; on the sandbox.

mod diff;
mod plan;

#[path = "../support/command.rs"]
mod command;

use std::path::Path;

use command::{Answer, run};
use pilothouse::{cluster::Cluster, sandbox::Sandbox};

/// A sandbox without anything in it, as its `default` namespace sees it.
fn empty() -> (Sandbox, Cluster) {
    let sandbox = Sandbox::empty();
    let cluster = Cluster::from_client(sandbox.client(), "sandbox", "default");
    (sandbox, cluster)
}

/// The folder of a chart of our own.
fn chart(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/charts").join(name).display().to_string()
}

/// Runs a line in which `CHART` stands for the chart `web`; it must succeed.
async fn succeed(line: &str, cluster: &Cluster) -> Answer {
    let answer = ran(line, cluster).await;
    assert_eq!(answer.code, 0, "{line}: {}", answer.err);
    answer
}

/// As [`succeed`], whatever comes of it.
async fn ran(line: &str, cluster: &Cluster) -> Answer {
    run(&line.replace("CHART", &chart("web")), cluster).await
}
