//! A release's life, typed in a real pseudo-terminal: installed, upgraded with other values, tested, uninstalled. Real Helm
//! made the chart and looks at what is left after each.

use crate::{plane::plane, terminal::Terminal};

#[test]
fn a_release_is_installed_upgraded_tested_and_uninstalled_by_keys() {
    let plane = plane();
    let is_listed = |screen: &str| screen.contains("NAME↑") && screen.contains(" 1 of ");
    for size in [(200, 60), (80, 24)] {
        let namespace = plane.namespace();
        let folder = tempfile::tempdir().expect("a folder");
        let chart = folder.path().join("shop").display().to_string();
        plane.helm(&["create", &chart]);
        let kubeconfig = plane.kubeconfig().display().to_string();
        let mut terminal = Terminal::start(env!("CARGO_BIN_EXE_pilothouse"), &[], &[("KUBECONFIG", &kubeconfig)], size);
        terminal.wait_for("live");
        let home = format!(":ns {namespace}<enter>");
        terminal.keys(&home);
        terminal.wait_for(&format!("there are no releases in {namespace}"));

        terminal.keys(&format!(":install shop {chart}<enter>"));
        terminal.wait_for("+ ServiceAccount/shop");
        terminal.keys("ereplicaCount: many");
        // A chart without a schema takes it; the server does not.
        terminal.wait_for("1 risk, see the review");
        terminal.keys("<ctrl-w>2");
        terminal.wait_for("rendered, asked");
        terminal.keys("<ctrl-s>");
        terminal.wait_for("confidence: live s");
        terminal.keys("l<enter>");
        terminal.wait_for("revision 1 of shop is deployed");
        let values = || plane.helm(&["get", "values", "shop", "-n", &namespace, "-o", "json"]);
        assert_eq!(values().trim(), r#"{"replicaCount":2}"#);

        terminal.keys(&home);
        terminal.wait_until("the release", is_listed);
        terminal.keys("e");
        terminal.wait_for("[against revision 1]");
        terminal.keys("<ctrl-e><ctrl-w>3");
        terminal.wait_for("replicas 2 → 3");
        terminal.keys("<ctrl-s>");
        terminal.wait_for("1 object changes");
        terminal.keys("l<enter>");
        terminal.wait_for("revision 2 of shop is deployed");
        assert_eq!(values().trim(), r#"{"replicaCount":3}"#);
        let ready = "jsonpath={.status.readyReplicas}";
        assert_eq!(plane.kubectl(&["get", "deploy/shop", "-n", &namespace, "-o", ready]), "3");

        terminal.keys(&home);
        terminal.wait_until("the release", is_listed);
        terminal.keys("t");
        terminal.wait_for("Run the tests of shop");
        terminal.keys("l<enter>");
        terminal.wait_for("the test of shop succeeded");
        let status = plane.helm(&["status", "shop", "-n", &namespace]);
        assert!(status.contains("TEST SUITE:     shop-test-connection"), "{status}");
        assert!(status.contains("Phase:          Succeeded"), "{status}");
        // Real Helm goes on from there.
        plane.helm(&["test", "shop", "-n", &namespace]);
        plane.helm(&["upgrade", "shop", &chart, "-n", &namespace, "--reuse-values", "--wait"]);

        terminal.keys(&home);
        terminal.wait_until("the release", is_listed);
        terminal.keys("D");
        terminal.wait_for("its 3 revisions are forgotten");
        terminal.keys("l<enter>");
        terminal.wait_for("shop is uninstalled");
        assert_eq!(plane.helm(&["list", "-n", &namespace, "-q"]).trim(), "");
        let left = plane.kubectl(&[
            "get",
            "deploy,service,serviceaccount",
            "-n",
            &namespace,
            "-l",
            "app.kubernetes.io/name=shop",
            "-o",
            "name",
        ]);
        assert_eq!(left.trim(), "");
        terminal.keys("<ctrl-l>");
        terminal.wait_for("helm uninstall shop");
        terminal.keys("q");
        assert_eq!(terminal.wait_exit(), 0);
    }
}
