//! The test bed itself works: real Helm installs our charts and everything becomes ready.

use crate::plane::{chart, plane};

#[test]
fn helm_installs_every_test_chart() {
    let plane = plane();
    let namespace = plane.namespace();
    for name in ["web", "store", "gadget", "umbrella"] {
        plane.helm(&["install", name, &chart(name), "-n", &namespace, "--wait", "--timeout", "60s"]);
        let history = plane.helm(&["history", name, "-n", &namespace, "-o", "json"]);
        assert!(history.contains("\"status\":\"deployed\""), "{history}");
    }
    assert_eq!(plane.kubectl(&["logs", "deploy/web", "-n", &namespace]), "starting up\nready\n");
}
