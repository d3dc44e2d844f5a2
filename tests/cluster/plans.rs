//! What is planned and then applied is what the command does by itself, on the real server, and nothing else is applied.

use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::{
    plane::{Plane, chart, plane},
    scenarios::outcome::{Watcher, said},
};

const METHODS: [&str; 2] = ["true", "false"];

/// How long controllers have to bring two namespaces to the same state.
const SETTLING: Duration = Duration::from_secs(20);

/// What comes before an operation, and the operation.
const OPERATIONS: [(&[&str], &str); 5] = [
    (&[], "install web CHART --set hooks.enabled=true,extra=true --labels team=shop"),
    (
        &["install web CHART --set hooks.enabled=true,extra=true"],
        "upgrade web CHART --reuse-values --set extra=false,replicas=2,password=other",
    ),
    (&["install web CHART --set kept=true", "upgrade web CHART --set extra=true,hooks.enabled=true"], "rollback web 1"),
    (&["install web CHART --set kept=true", "upgrade web CHART --set extra=true"], "uninstall web"),
    (&["install web CHART", "uninstall web --keep-history"], "upgrade --install web CHART --set replicas=1"),
];

fn words(line: &str, namespace: &str, method: &str) -> Vec<String> {
    let mut words: Vec<String> = line.split(' ').map(|word| word.replace("CHART", &chart("web"))).collect();
    words.extend(["-n".to_owned(), namespace.to_owned()]);
    if words[0] == "install" || words[0] == "upgrade" {
        words.push(format!("--server-side={method}"));
    }
    words
}

fn run(plane: &Plane, words: &[String], more: &[&str]) -> crate::plane::Ran {
    let words: Vec<&str> = words.iter().map(String::as_str).chain(more.iter().copied()).collect();
    plane.try_pilothouse(&words)
}

#[test]
fn what_is_planned_is_what_the_command_does() {
    let (plane, watcher, folder) = (plane(), Watcher::new(plane()), TempDir::new().expect("a folder"));
    // What is compared lists its kind.
    plane.kubectl(&["apply", "--server-side", "-f", &format!("{}/crds/gadgets.yaml", chart("gadget"))]);
    for method in METHODS {
        for (before, line) in OPERATIONS {
            let own = plane.namespace();
            let [direct, planned] = ["direct", "planned"].map(|way| format!("plan-{own}-{way}"));
            for namespace in [&direct, &planned] {
                plane.kubectl(&["create", "namespace", namespace]);
                for line in before {
                    let ran = run(plane, &words(line, namespace, method), &[]);
                    assert_eq!(ran.code, 0, "{line}: {}", ran.stderr);
                }
            }
            let file = folder.path().join("plan").display().to_string();
            let unplanned = versions(plane, &planned);
            let plan = run(plane, &words(line, &planned, method), &["--plan-out", &file, "--plan-plaintext"]);
            assert_eq!(plan.code, 0, "{line}: {}", plan.stderr);
            assert_eq!(versions(plane, &planned), unplanned, "{line}: a plan writes nothing");

            let done = run(plane, &words(line, &direct, method), &[]);
            let applied = plane.try_pilothouse(&["apply", &file]);
            let (done, applied) = (said(&done, &direct), said(&applied, &planned));
            let done = done.replace("Release \"web\" does not exist. Installing it now.\n", "");
            assert_eq!(applied, done, "{method}: {line}");
            assert!(applied.starts_with("exit code 0\n"), "{method}: {line}: {applied}");
            let deadline = Instant::now() + SETTLING;
            loop {
                let (planned, direct) = (watcher.stored(&planned), watcher.stored(&direct));
                if planned == direct {
                    break;
                }
                let apart: Vec<_> = planned.symmetric_difference(&direct).collect();
                assert!(Instant::now() < deadline, "{method}: {line}: {apart:#?}");
            }
        }
    }
}

/// Every object of a namespace that a hand or a program writes, with its resourceVersion.
fn versions(plane: &Plane, namespace: &str) -> String {
    let kinds = "secrets,configmaps,services,jobs";
    let fields = "custom-columns=KIND:.kind,NAME:.metadata.name,VERSION:.metadata.resourceVersion";
    plane.kubectl(&["get", kinds, "-n", namespace, "-o", fields])
}

#[test]
fn what_moved_since_the_plan_stops_it() {
    let (plane, folder) = (plane(), TempDir::new().expect("a folder"));
    let file = folder.path().join("plan").display().to_string();
    for method in METHODS {
        let namespace = plane.namespace();
        let ran = run(plane, &words("install web CHART", &namespace, method), &[]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        let line = "upgrade web CHART --set replicas=4,extra=true";
        let plan = || {
            let ran = run(plane, &words(line, &namespace, method), &["--plan-out", &file, "--plan-plaintext"]);
            assert_eq!(ran.code, 0, "{}", ran.stderr);
        };
        let refused = |words: &str| {
            let unapplied = versions(plane, &namespace);
            let ran = plane.try_pilothouse(&["apply", &file]);
            assert_eq!(ran.code, 1, "{}", ran.stdout);
            assert!(ran.stderr.contains(words), "{method}: {}", ran.stderr);
            assert_eq!(versions(plane, &namespace), unapplied, "{method}: nothing is written");
        };

        plan();
        plane.kubectl(&["patch", "configmap/web", "-n", &namespace, "-p", r#"{"data":{"by":"hand"}}"#]);
        refused("Z: ConfigMap/web was changed by kubectl-patch at ");
        plane.kubectl(&[
            "patch",
            "configmap/web",
            "-n",
            &namespace,
            "--type=json",
            "-p",
            r#"[{"op":"remove","path":"/data/by"}]"#,
        ]);

        plan();
        plane.kubectl(&["create", "configmap", "web-extra", "-n", &namespace, "--from-literal=a=b"]);
        refused("ConfigMap/web-extra was created by kubectl-create at ");
        plane.kubectl(&["delete", "configmap", "web-extra", "-n", &namespace]);

        plan();
        plane.helm(&["upgrade", "web", &chart("web"), "-n", &namespace]);
        refused("Z: Helm wrote revision 2 (deployed)");

        plan();
        // Status, and what controllers count, does not matter.
        plane.kubectl(&[
            "patch",
            "deploy/web",
            "-n",
            &namespace,
            "--subresource=status",
            "-p",
            r#"{"status":{"observedGeneration":9}}"#,
        ]);
        let ran = plane.try_pilothouse(&["apply", &file]);
        assert_eq!(ran.code, 0, "{method}: {}", ran.stderr);
    }
}

#[test]
fn a_repeated_upgrade_has_nothing_to_do() {
    let plane = plane();
    for method in METHODS {
        let namespace = plane.namespace();
        let line = "upgrade --install web CHART --set extra=true,hpa=true";
        let install = || {
            let ran = run(plane, &words(line, &namespace, method), &["--wait", "--timeout", "60s"]);
            assert_eq!(ran.code, 0, "{}", ran.stderr);
            // What controllers have a hand in moves by itself.
            ["configmap/web", "configmap/web-extra", "secret/web", "service/web"]
                .map(|what| plane.object(&namespace, what)["metadata"]["resourceVersion"].clone())
        };
        assert_eq!(install(), install(), "{method}: no object is written");
        let diff =
            |line: &str| run(plane, &words(&format!("diff {line}"), &namespace, method), &["--detailed-exitcode"]);
        let same = diff(&line.replace("CHART", &format!("CHART --server-side={method}")));
        assert_eq!((same.code, same.stderr.as_str()), (0, ""), "{method}: {}", same.stdout);
        assert!(same.stdout.starts_with("web: 2 → 3: nothing changes"), "{method}: {}", same.stdout);
        let other = diff("upgrade web CHART --set extra=true,hpa=true,config.greeting=bye -C 0");
        assert_eq!(other.code, 2, "{}", other.stderr);
        assert!(other.stdout.contains("-   greeting: hello\n+   greeting: bye\n"), "{}", other.stdout);
        assert_eq!(diff("install web CHART").code, 1, "its name is in use");
        assert_eq!(diff("uninstall web").code, 2);
    }
}
