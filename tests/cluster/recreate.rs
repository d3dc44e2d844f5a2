//! `--recreate`: what the server lets nobody change is deleted and made anew, and pods stay where that can be.

use serde_json::{Value, json};

use crate::{
    plane::{Plane, chart, plane, raw},
    terminal::Terminal,
};

fn workload(kind: &str, app: &str, more: Value) -> Value {
    let containers = json!([{"name": "app", "image": "registry.example/app:1"}]);
    let mut spec = json!({
        "replicas": 2,
        "selector": {"matchLabels": {"app": app}},
        "template": {"metadata": {"labels": {"app": app, "of": kind}}, "spec": {"containers": containers}},
    });
    spec.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    json!({"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": "web"}, "spec": spec})
}

fn stateful(service: &str) -> Value {
    workload("StatefulSet", "db", json!({"serviceName": service}))
}

/// The UID of a workload, and of its pods in order.
fn uids(plane: &Plane, namespace: &str, kind: &str) -> (String, Vec<String>) {
    let uid = |object: &Value| object["metadata"]["uid"].as_str().unwrap_or_default().to_owned();
    let pods = || -> Vec<Value> {
        let pods = plane.object(namespace, "pods")["items"].as_array().expect("pods").clone();
        pods.into_iter().filter(|pod| pod["metadata"]["labels"]["of"] == kind).collect()
    };
    let live = |pod: &Value| pod["metadata"]["deletionTimestamp"].is_null() && pod["status"]["phase"] == "Running";
    plane.wait_until("two pods", || pods().len() == 2 && pods().iter().all(live));
    let mut pods: Vec<String> = pods().iter().map(uid).collect();
    pods.sort_unstable();
    (uid(&plane.object(namespace, &format!("{kind}/web"))), pods)
}

#[test]
fn pods_stay_where_the_new_object_takes_them_over() {
    let (plane, chart) = (plane(), chart("raw"));
    for method in ["--server-side=true", "--server-side=false"] {
        let namespace = plane.namespace();
        let run = |more: &[&str], set: &str| {
            let args = ["web", &chart, "-n", &namespace, method, "--set-json", set];
            plane.try_pilothouse(&[more, &args].concat())
        };
        let (first, second) = (raw(&[stateful("one")]), raw(&[stateful("two")]));
        assert_eq!(run(&["install"], &first).code, 0);
        let (set, pods) = uids(plane, &namespace, "StatefulSet");

        let refused = run(&["upgrade"], &second);
        assert_eq!(refused.code, 1);
        assert!(refused.stderr.contains("--recreate StatefulSet/web"), "{}", refused.stderr);

        let preview = run(&["diff", "upgrade", "-o", "json", "--recreate", "StatefulSet/web"], &second);
        let preview: Value = serde_json::from_str(&preview.stdout).expect("JSON");
        assert_eq!(preview["objects"][0]["change"], "recreate", "{preview}");
        let words = "StatefulSet/web is deleted and made anew; its pods stay, and the new one takes them over";
        assert!(preview["risks"].to_string().contains(words), "{preview}");
        assert_eq!(uids(plane, &namespace, "StatefulSet"), (set.clone(), pods.clone()), "the preview changes nothing");

        let done = run(&["upgrade", "--recreate", "statefulset/web", "--wait", "--timeout=60s"], &second);
        assert_eq!(done.code, 0, "{}", done.stderr);
        let (anew, adopted) = uids(plane, &namespace, "StatefulSet");
        assert_ne!(anew, set);
        assert_eq!(adopted, pods);
        assert_eq!(plane.object(&namespace, "statefulset/web")["spec"]["serviceName"], "two");
        // Helm goes on with it.
        plane.helm(&["upgrade", "web", &chart, "-n", &namespace, "--set-json", &second]);

        let back = ["rollback", "web", "1", "-n", &namespace, "--recreate", "StatefulSet/web", "--review"];
        plane.pilothouse(&back);
        assert_eq!(plane.object(&namespace, "statefulset/web")["spec"]["serviceName"], "one");
        assert_eq!(uids(plane, &namespace, "StatefulSet").1, pods);
    }
}

#[test]
fn a_key_makes_the_selected_object_anew() {
    let (plane, chart) = (plane(), chart("raw"));
    let namespace = plane.namespace();
    for (verb, service) in [(&["install"][..], "one"), (&["upgrade", "--recreate=StatefulSet/web"], "two")] {
        let set = raw(&[stateful(service)]);
        plane.pilothouse(&[verb, &["web", &chart, "-n", &namespace, "--set-json", &set]].concat());
    }
    let (set, pods) = uids(plane, &namespace, "StatefulSet");
    let kubeconfig = plane.kubeconfig().display().to_string();
    let program = env!("CARGO_BIN_EXE_pilothouse");
    let mut terminal = Terminal::start(program, &["-n", &namespace], &[("KUBECONFIG", &kubeconfig)], (140, 40));
    terminal.wait_until("the release", |screen| screen.contains("● live") && screen.contains(" 1 of "));
    terminal.keys(":rollback 1<enter>");
    let review = terminal.wait_for("x makes the selected object anew");
    assert!(review.contains("the server refuses StatefulSet/web"), "{review}");
    terminal.keys("x");
    terminal.wait_for("its pods stay, and the new one takes them over");
    terminal.keys("l<enter>");
    terminal.wait_for("is deployed");
    terminal.keys("q");
    assert_eq!(terminal.wait_exit(), 0);
    let (anew, adopted) = uids(plane, &namespace, "StatefulSet");
    assert!(anew != set && adopted == pods);
    assert_eq!(plane.object(&namespace, "statefulset/web")["spec"]["serviceName"], "one");
}

#[test]
fn pods_come_anew_where_the_new_object_selects_others() {
    let (plane, chart) = (plane(), chart("raw"));
    let namespace = plane.namespace();
    let run = |verb: &[&str], app: &str| {
        let set = raw(&[workload("Deployment", app, json!({}))]);
        plane.try_pilothouse(&[verb, &["web", &chart, "-n", &namespace, "--set-json", &set]].concat())
    };
    assert_eq!(run(&["install"], "a").code, 0);
    let (_, pods) = uids(plane, &namespace, "Deployment");
    let done = run(&["upgrade", "--recreate=Deployment/web"], "b");
    assert_eq!(done.code, 0, "{}", done.stderr);
    plane.wait_until("the pods of before to go", || {
        let (_, anew) = uids(plane, &namespace, "Deployment");
        anew.iter().all(|uid| !pods.contains(uid))
    });
}

/// What the server will not take is never deleted for it, nor what the release does not have, nor what takes others along.
#[test]
fn nothing_is_deleted_in_vain() {
    let (plane, chart) = (plane(), chart("raw"));
    let namespace = plane.namespace();
    let run = |verb: &[&str], set: &str| {
        plane.try_pilothouse(&[verb, &["web", &chart, "-n", &namespace, "--set-json", set]].concat())
    };
    let inner = format!("{namespace}-inner");
    let space = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": inner}});
    let with = |object: Value| raw(&[object, space.clone()]);
    assert_eq!(run(&["install"], &with(stateful("one"))).code, 0);
    let (set, pods) = uids(plane, &namespace, "StatefulSet");

    let mut wrong = stateful("two");
    wrong["spec"]["template"]["metadata"]["labels"]["app"] = "other".into();
    let refused = run(&["upgrade", "--recreate", "StatefulSet/web"], &with(wrong));
    assert!(refused.stderr.contains("StatefulSet/web cannot be made anew: "), "{}", refused.stderr);
    assert!(refused.stderr.contains("`selector` does not match template `labels`"), "{}", refused.stderr);

    let kept = json!({"annotations": {"helm.sh/resource-policy": "keep"}});
    plane.kubectl(&["patch", "statefulset/web", "-n", &namespace, "-p", &json!({"metadata": kept}).to_string()]);
    let refused = run(&["upgrade", "--recreate", "StatefulSet/web"], &with(stateful("two")));
    assert!(refused.stderr.contains("its helm.sh/resource-policy is keep"), "{}", refused.stderr);
    assert_eq!(uids(plane, &namespace, "StatefulSet"), (set, pods));

    let revisions = || plane.helm(&["history", "web", "-n", &namespace]).lines().count();
    let before = revisions();
    let unknown = run(&["upgrade", "--recreate", "Deployment/none"], &with(stateful("two")));
    assert!(unknown.stderr.contains("--recreate Deployment/none: revision 4 has no such object; it has "));
    let space = run(&["upgrade", "--recreate", &format!("Namespace/{inner}")], &with(stateful("two")));
    assert!(space.stderr.contains("would be deleted too, of this release or not"), "{}", space.stderr);
    assert_eq!((unknown.code, space.code, revisions()), (1, 1, before));
}
