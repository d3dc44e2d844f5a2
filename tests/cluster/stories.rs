//! The classic stories of an incident, headless: a hand changes what Helm installed, a rollback puts it back.

use crate::plane::{Plane, Ran, chart, plane};

/// How a release is applied: `--server-side=true` or `false`.
const METHODS: [&str; 2] = ["true", "false"];

/// The hands: what each does to the Deployment `web`.
fn hand(plane: &Plane, namespace: &str, name: &str) {
    let edit = format!("{} edit deploy/web -n {namespace}", plane.kubectl_path().display());
    match name {
        "scale" => drop(plane.kubectl(&["scale", "deploy/web", "--replicas=0", "-n", namespace])),
        "set image" => {
            drop(plane.kubectl(&["set", "image", "deploy/web", "web=registry.example/hand:1", "-n", namespace]))
        }
        "patch" => drop(plane.kubectl(&["patch", "deploy/web", "-n", namespace, "-p", r#"{"spec":{"replicas":0}}"#])),
        "edit" => drop(plane.shell(&format!("KUBE_EDITOR=\"sed -i 's/replicas: 3/replicas: 0/'\" {edit}"))),
        _ => unreachable!("the table below names no other hand"),
    }
}

/// Replicas and image of the Deployment `web`.
fn deployed(plane: &Plane, namespace: &str) -> String {
    let fields = "jsonpath={.spec.replicas} {.spec.template.spec.containers[?(@.name==\"web\")].image}";
    plane.kubectl(&["get", "deploy/web", "-n", namespace, "-o", fields])
}

/// `STATUS DESCRIPTION` of every revision, as real Helm reads our records.
fn history(plane: &Plane, namespace: &str) -> Vec<String> {
    let text = plane.helm(&["history", "web", "-n", namespace, "-o", "json"]);
    let rows: Vec<serde_json::Value> = serde_json::from_str(&text).expect("helm prints JSON");
    rows.iter()
        .map(|row| format!("{} {}", row["status"].as_str().unwrap_or(""), row["description"].as_str().unwrap_or("")))
        .collect()
}

fn install(plane: &Plane, method: &str, more: &[&str]) -> String {
    let namespace = plane.namespace();
    let chart = chart("web");
    let server_side = format!("--server-side={method}");
    plane.helm(&[&["install", "web", &chart, "-n", &namespace, &server_side], more].concat());
    namespace
}

/// What server-side apply says of fields a hand took, in Helm's words.
fn check_conflict(ran: &Ran) {
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.stderr.contains("Error: conflict occurred while applying object "), "{ran:?}");
}

#[test]
fn a_hand_is_undone_by_rollback_without_a_number_when_revision_1_is_the_only_one() {
    let plane = plane();
    for method in METHODS {
        for name in ["scale", "edit", "set image", "patch"] {
            let namespace = install(plane, method, &[]);
            hand(plane, &namespace, name);
            assert_ne!(
                deployed(plane, &namespace),
                "3 registry.example/web:1.0",
                "{method} {name}: the hand changed nothing"
            );
            let mut ran = plane.try_pilothouse(&["rollback", "web", "-n", &namespace]);
            // `kubectl scale` goes through a subresource and so takes nothing from Helm; the other hands own their fields.
            if method == "true" && name != "scale" {
                check_conflict(&ran);
                ran = plane.try_pilothouse(&["rollback", "web", "1", "-n", &namespace, "--force-conflicts"]);
            }
            assert_eq!(
                (ran.code, ran.stdout.as_str()),
                (0, "Rollback was a success! Happy Helming!\n"),
                "{method} {name}: {}",
                ran.stderr
            );
            assert_eq!(deployed(plane, &namespace), "3 registry.example/web:1.0", "{method} {name}");
            assert_eq!(
                history(plane, &namespace).last().map(String::as_str),
                Some("deployed Rollback to 1"),
                "{method} {name}"
            );
        }
    }
}

#[test]
fn a_rollback_without_a_number_goes_to_the_revision_before() {
    let plane = plane();
    for method in METHODS {
        let namespace = install(plane, method, &[]);
        plane.helm(&[
            "upgrade",
            "web",
            &chart("web"),
            "-n",
            &namespace,
            "--set",
            "image=registry.example/web:2.0,extra=true",
        ]);
        hand(plane, &namespace, "scale");
        plane.pilothouse(&["rollback", "web", "-n", &namespace, "--wait", "--timeout", "60s"]);
        assert_eq!(deployed(plane, &namespace), "3 registry.example/web:1.0", "{method}");
        assert!(
            plane.object(&namespace, "configmap/web-extra").is_null(),
            "{method}: what revision 1 lacks is deleted"
        );
        assert_eq!(
            history(plane, &namespace),
            ["superseded Install complete", "superseded Upgrade complete", "deployed Rollback to 1"],
            "{method}"
        );
        // The result is Helm's own: it goes on from there.
        plane.helm(&["rollback", "web", "2", "-n", &namespace]);
        assert_eq!(deployed(plane, &namespace), "3 registry.example/web:2.0", "{method}");
        assert!(plane.helm(&["status", "web", "-n", &namespace]).contains("STATUS: deployed"), "{method}");
    }
}

#[test]
fn an_injected_sidecar_survives() {
    let plane = plane();
    let sidecar =
        r#"{"spec":{"template":{"spec":{"containers":[{"name":"sidecar","image":"registry.example/sidecar:1"}]}}}}"#;
    for method in METHODS {
        let namespace = install(plane, method, &[]);
        plane.helm(&["upgrade", "web", &chart("web"), "-n", &namespace, "--set", "image=registry.example/web:2.0"]);
        plane.kubectl(&["patch", "deploy/web", "-n", &namespace, "-p", sidecar]);
        plane.pilothouse(&["rollback", "web", "1", "-n", &namespace]);
        let containers = "jsonpath={range .spec.template.spec.containers[*]}{.name}={.image} {end}";
        let containers = plane.kubectl(&["get", "deploy/web", "-n", &namespace, "-o", containers]);
        let mut containers: Vec<&str> = containers.split_whitespace().collect();
        containers.sort_unstable();
        assert_eq!(containers, ["sidecar=registry.example/sidecar:1", "web=registry.example/web:1.0"], "{method}");
    }
}

#[test]
fn drift_in_a_custom_resource_is_shown_and_corrected() {
    let plane = plane();
    for method in METHODS {
        let namespace = plane.namespace();
        let server_side = format!("--server-side={method}");
        plane.helm(&["install", "gadget", &chart("gadget"), "-n", &namespace, &server_side]);
        plane.helm(&["upgrade", "gadget", &chart("gadget"), "-n", &namespace, "--set", "colour=red"]);
        plane.kubectl(&[
            "patch",
            "gadgets.test.pilothouse.example/gadget",
            "-n",
            &namespace,
            "--type=merge",
            "-p",
            r#"{"spec":{"size":9}}"#,
        ]);
        let drift = plane.pilothouse(&["diff", "live", "gadget", "-n", &namespace]);
        assert!(drift.contains("size: 3") && drift.contains("size: 9"), "{method}: {drift}");
        let correct = if method == "true" { "--force-conflicts" } else { "--three-way-custom-resources" };
        plane.pilothouse(&["rollback", "gadget", "-n", &namespace, correct]);
        let spec = &plane.object(&namespace, "gadgets.test.pilothouse.example/gadget")["spec"];
        assert_eq!((&spec["size"], &spec["colour"]), (&serde_json::json!(3), &serde_json::json!("green")), "{method}");
    }
}

#[test]
fn what_a_failed_upgrade_left_behind_is_deleted_and_what_is_kept_stays() {
    let plane = plane();
    for method in METHODS {
        let namespace = install(plane, method, &[]);
        let more = "extra=true,kept=true,hooks.enabled=false,service.port=not-a-port";
        let failed = plane.try_helm(&["upgrade", "web", &chart("web"), "-n", &namespace, "--set", more]);
        assert_ne!(failed.code, 0, "the port is refused");
        plane.kubectl(&["create", "configmap", "web-foreign", "-n", &namespace]);
        plane.pilothouse(&["rollback", "web", "1", "-n", &namespace]);
        assert!(plane.object(&namespace, "configmap/web-extra").is_null(), "{method}: residue of the failed revision");
        assert!(!plane.object(&namespace, "configmap/web-foreign").is_null(), "{method}: not Helm's");
        assert_eq!(deployed(plane, &namespace), "3 registry.example/web:1.0", "{method}");
    }
}
