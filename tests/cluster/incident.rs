//! The incident, typed in a real pseudo-terminal: v2 leaks memory; walk there, see it, pick v1, review, press, Ready.

use std::time::{Duration, Instant};

use crate::{
    plane::{chart, plane},
    terminal::Terminal,
};

/// The whole walk, from the start of the process until everything is ready.
const BUDGET: Duration = Duration::from_secs(60);

#[test]
fn a_leaking_version_is_found_reviewed_and_rolled_back_by_keys() {
    let plane = plane();
    for (method, size) in [("true", (200, 60)), ("false", (80, 24))] {
        let namespace = plane.namespace();
        let server_side = format!("--server-side={method}");
        plane.helm(&["install", "web", &chart("web"), "-n", &namespace, &server_side, "--wait", "--timeout", "60s"]);
        plane.helm(&[
            "upgrade",
            "web",
            &chart("web"),
            "-n",
            &namespace,
            "--set",
            "image=registry.example/web-leak:2.0",
        ]);
        let killed = "jsonpath={.items[*].status.containerStatuses[*].lastState.terminated.reason}";
        plane.wait_until("a pod to be OOM-killed", || {
            plane.kubectl(&["get", "pods", "-n", &namespace, "-o", killed]).contains("OOMKilled")
        });

        let start = Instant::now();
        let kubeconfig = plane.kubeconfig().display().to_string();
        let mut terminal = Terminal::start(env!("CARGO_BIN_EXE_pilothouse"), &[], &[("KUBECONFIG", &kubeconfig)], size);
        terminal.wait_for("live");
        terminal.keys(&format!(":ns {namespace}<enter>"));
        terminal.wait_until("only our release to be listed", |screen| {
            screen.contains(" 1 of ") && screen.contains("▸ web ")
        });
        terminal.keys("<enter>");
        terminal.wait_for("web-leak:2.");
        terminal.keys("4");
        terminal.wait_for("OOMKilled");
        terminal.keys("j");
        terminal.keys("r");
        let review = terminal.wait_for("confidence: live server dry-run");
        assert!(review.contains("Deployment/web"), "{review}");
        terminal.keys("l<enter>");
        terminal.wait_for("is deployed");
        assert!(start.elapsed() < BUDGET, "{:?} from process start", start.elapsed());
        terminal.keys("q");
        assert_eq!(terminal.wait_exit(), 0);

        let state = "jsonpath={.status.readyReplicas} {.spec.template.spec.containers[0].image}";
        assert_eq!(plane.kubectl(&["get", "deploy/web", "-n", &namespace, "-o", state]), "3 registry.example/web:1.0");
        // Real Helm accepts what the keys did, and goes on from there.
        let history = plane.helm(&["history", "web", "-n", &namespace, "-o", "json"]);
        assert!(
            history.contains(
                r#""status":"deployed","chart":"web-1.0.0","app_version":"1.0","description":"Rollback to 1""#
            ),
            "{history}"
        );
        assert!(plane.helm(&["status", "web", "-n", &namespace]).contains("REVISION: 3"));
        plane.helm(&["rollback", "web", "2", "-n", &namespace]);
    }
}
