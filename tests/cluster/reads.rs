//! The cluster room against a real server: discovery, reads, readiness by watch, logs, events, access.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use pilothouse::{
    cluster::{
        Cluster, ErrorKind,
        access::Ask,
        read::Target,
        readiness::Status,
        wait::{WaitOptions, WaitStrategy},
    },
    manifest::ObjectKey,
};
use tokio_util::sync::CancellationToken;

use crate::plane::{chart, plane};

fn target(api_version: &str, kind: &str, namespace: &str, name: &str) -> Target {
    let group = api_version.split_once('/').map_or("", |(group, _)| group);
    Target {
        api_version: api_version.to_owned(),
        key: ObjectKey {
            group: group.to_owned(),
            kind: kind.to_owned(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        },
    }
}

fn watcher(seconds: u64) -> WaitOptions {
    WaitOptions { strategy: WaitStrategy::Watcher, jobs: false, timeout: Duration::from_secs(seconds) }
}

/// Deploys `name` with one pod of this image.
fn deploy(namespace: &str, name: &str, image: &str) {
    plane().kubectl(&["create", "deployment", name, "--image", image, "-n", namespace]);
}

async fn admin(namespace: &str) -> Cluster {
    plane().cluster("test", namespace).await
}

#[tokio::test]
async fn discovery_knows_builtin_kinds_and_names_what_is_missing() {
    let cluster = admin("default").await;
    assert!(cluster.server_version().await.expect("a version").starts_with("v1."));

    let deployment = cluster.resource("apps/v1", "Deployment").await.expect("served");
    assert_eq!((deployment.plural.as_str(), deployment.namespaced), ("deployments", true));
    let role = cluster.resource("rbac.authorization.k8s.io/v1", "ClusterRole").await.expect("served");
    assert!(!role.namespaced);

    let gone = cluster.resource("policy/v1beta1", "PodDisruptionBudget").await.expect_err("not served");
    assert_eq!(gone.kind, ErrorKind::NoKind);
    assert_eq!(gone.message, "no matches for kind \"PodDisruptionBudget\" in version \"policy/v1beta1\"");
    assert_eq!(gone.details, ["the server has kind \"PodDisruptionBudget\" in version \"policy/v1\""]);
    let served = cluster.resource_any_version("policy", "PodDisruptionBudget").await.expect("served");
    assert_eq!(served.api_version(), "policy/v1");
}

#[tokio::test]
async fn many_objects_come_in_order_with_one_answer_each() {
    let namespace = plane().namespace();
    for name in ["a", "b", "c", "d"] {
        plane().kubectl(&["create", "serviceaccount", name, "-n", &namespace]);
    }
    plane().kubectl(&["create", "configmap", "settings", "-n", &namespace]);
    let cluster = admin(&namespace).await;
    let account = |name: &str| target("v1", "ServiceAccount", &namespace, name);
    let targets = [
        account("c"),
        account("missing"),
        target("v1", "ConfigMap", &namespace, "settings"),
        account("a"),
        target("v1", "Gadget", &namespace, "x"),
        account("d"),
        target("v1", "Namespace", "", &namespace),
    ];
    let answers = cluster.get_many(&targets).await;
    let names: Vec<_> = answers
        .iter()
        .map(|answer| match answer {
            Ok(Some(object)) => format!("{} {}", object.kind(), object.name()),
            Ok(None) => "none".to_owned(),
            Err(error) => format!("{:?}", error.kind),
        })
        .collect();
    let expected = [
        "ServiceAccount c".to_owned(),
        "none".to_owned(),
        "ConfigMap settings".to_owned(),
        "ServiceAccount a".to_owned(),
        "NoKind".to_owned(),
        "ServiceAccount d".to_owned(),
        format!("Namespace {namespace}"),
    ];
    assert_eq!(names, expected);
}

#[tokio::test]
async fn a_deployment_becomes_ready_and_its_pods_are_found() {
    let namespace = plane().namespace();
    deploy(&namespace, "web", "registry.example/web:1");
    let cluster = admin(&namespace).await;
    let web = target("apps/v1", "Deployment", &namespace, "web");

    let heard = Arc::new(Mutex::new(Vec::new()));
    let waiting = {
        let (cluster, web, heard) = (cluster.clone(), web.clone(), Arc::clone(&heard));
        tokio::spawn(async move {
            let news = move |news: pilothouse::cluster::wait::WaitNews| {
                heard.lock().expect("not poisoned").push(news.readiness.status);
            };
            cluster.wait_ready(&[web], &watcher(60), &CancellationToken::new(), &news).await
        })
    };
    waiting.await.expect("no panic").expect("ready");
    assert_eq!(heard.lock().expect("not poisoned").last(), Some(&Status::Current));

    let live = cluster.get(&web).await.expect("readable").expect("there");
    let pods = cluster.pods_of(&live).await.expect("pods");
    assert_eq!(pods.len(), 1);
    assert_eq!(pods[0].kind(), "Pod");
    let sets = cluster.owned_by(&live).await.expect("sets");
    assert_eq!(sets[0].kind(), "ReplicaSet");

    let log = cluster.log_text(&namespace, pods[0].name(), "").await.expect("a log");
    assert_eq!(log, "starting up\nready\n");
    let (sender, mut lines) = tokio::sync::mpsc::channel(8);
    cluster.logs(&namespace, pods[0].name(), "", 1, false, sender, &CancellationToken::new()).await.expect("a log");
    assert_eq!(lines.recv().await.as_deref(), Some("ready"));
    assert_eq!(lines.recv().await, None);

    // Controllers tell of what they did some time after they did it.
    let told = async || {
        let events = cluster.events_of(&live).await.expect("events");
        events.iter().any(|event| event.reason == "ScalingReplicaSet")
    };
    let deadline = Instant::now() + Duration::from_secs(30);
    while !told().await {
        assert!(Instant::now() < deadline, "nothing was told of scaling");
    }
    assert!(!cluster.events(&namespace).await.expect("events").is_empty());

    let legacy = WaitOptions { strategy: WaitStrategy::Legacy, ..watcher(20) };
    cluster.wait_ready(&[web], &legacy, &CancellationToken::new(), &|_| ()).await.expect("ready by Helm 3's rules");
}

/// Real Helm waits for the same release, so its words are the expected ones; the details go beyond them.
#[tokio::test]
async fn a_timeout_says_what_helm_says_and_what_blocks() {
    let namespace = plane().namespace();
    let values = "image=registry.example/not-found:1,replicas=1";
    let install = ["install", "web", &chart("web"), "-n", &namespace, "--set", values];
    let helm = plane().try_helm(&[&install[..], &["--wait", "--timeout", "5s"]].concat());
    let cluster = admin(&namespace).await;
    let web = target("apps/v1", "Deployment", &namespace, "web");
    let error =
        cluster.wait_ready(&[web], &watcher(5), &CancellationToken::new(), &|_| ()).await.expect_err("never ready");
    assert_eq!(error.kind, ErrorKind::Timeout);
    assert!(error.message.ends_with("Available: 0/1\ncontext deadline exceeded"), "{error}");
    assert!(helm.stderr.contains(&error.message), "{}", helm.stderr);
    assert!(
        matches!(&error.details[..], [line] if line.starts_with("Deployment/web: web-") && line.contains("ImagePull")),
        "{:?}",
        error.details
    );
}

#[tokio::test]
async fn hooks_finish_or_are_cancelled() {
    let namespace = plane().namespace();
    let cluster = admin(&namespace).await;
    let run = |name: &str, image: &str| {
        plane().kubectl(&["create", "job", name, "--image", image, "-n", &namespace]);
        target("batch/v1", "Job", &namespace, name)
    };
    let (cancel, minute) = (CancellationToken::new(), Duration::from_secs(60));

    let good = run("good", "registry.example/migrate:1");
    cluster.wait_finished(&good, minute, &cancel, &|_| ()).await.expect("finished");
    let pods = cluster.hook_pods(&good).await.expect("pods");
    assert_eq!(pods.len(), 1);

    let endless = run("endless", "registry.example/hang:1");
    let cancelled = cancel.clone();
    let heard = move |_| cancelled.cancel();
    let error = cluster.wait_finished(&endless, minute, &cancel, &heard).await.expect_err("cancelled");
    assert_eq!(error.kind, ErrorKind::Cancelled);
}

#[tokio::test]
async fn deletion_is_awaited_and_finalizers_are_named() {
    let namespace = plane().namespace();
    let cluster = admin(&namespace).await;
    for name in ["free", "held"] {
        plane().kubectl(&["create", "configmap", name, "-n", &namespace]);
    }
    let patch = r#"{"metadata":{"finalizers":["example.com/wait"]}}"#;
    plane().kubectl(&["patch", "configmap", "held", "-n", &namespace, "--type", "merge", "-p", patch]);
    let [free, held, never] = ["free", "held", "never"].map(|name| target("v1", "ConfigMap", &namespace, name));
    let cancel = CancellationToken::new();

    let gone = [free, never];
    let (waited, ()) = tokio::join!(cluster.wait_deleted(&gone, Duration::from_secs(30), &cancel, &|_| ()), async {
        plane().kubectl(&["delete", "configmap", "free", "-n", &namespace]);
    });
    waited.expect("gone");

    plane().kubectl(&["delete", "configmap", "held", "-n", &namespace, "--wait=false"]);
    let error = cluster.wait_deleted(&[held], Duration::from_secs(1), &cancel, &|_| ()).await.expect_err("held");
    assert_eq!(
        error.message,
        format!(
            "resource ConfigMap/{namespace}/held still exists. status: Terminating, message: Resource scheduled for deletion\ncontext deadline exceeded"
        )
    );
    assert_eq!(error.details, ["ConfigMap/held: held by finalizers example.com/wait"]);
    plane().kubectl(&[
        "patch",
        "configmap",
        "held",
        "-n",
        &namespace,
        "--type",
        "merge",
        "-p",
        r#"{"metadata":{"finalizers":null}}"#,
    ]);
}

#[tokio::test]
async fn watched_objects_are_told_until_cancelled() {
    let namespace = plane().namespace();
    let cluster = admin(&namespace).await;
    let watched = target("v1", "ConfigMap", &namespace, "watched");
    let (cancel, step) = (CancellationToken::new(), Mutex::new(0));
    let changed = |_: Target, object: Option<pilothouse::manifest::Object>| {
        let mut step = step.lock().expect("not poisoned");
        *step = match (*step, object.is_some()) {
            (0, false) => {
                plane().kubectl(&["create", "configmap", "watched", "-n", &namespace]);
                1
            }
            (1, true) => {
                plane().kubectl(&["delete", "configmap", "watched", "-n", &namespace]);
                2
            }
            (2, false) => {
                cancel.cancel();
                3
            }
            (same, _) => same,
        };
    };
    let watching = cluster.watch_objects(std::slice::from_ref(&watched), &cancel, &changed);
    tokio::time::timeout(Duration::from_secs(30), watching).await.expect("cancelled in time").expect("no error");
    assert_eq!(*step.lock().expect("not poisoned"), 3);
}

#[tokio::test]
async fn restricted_users_hear_what_they_may_and_what_is_refused() {
    let ask = |verb: &str, group: &str, resource: &str, namespace: &str| Ask {
        verb: verb.to_owned(),
        group: group.to_owned(),
        resource: resource.to_owned(),
        namespace: namespace.to_owned(),
    };
    let asks = [
        ask("get", "", "secrets", "walk"),
        ask("get", "", "pods/log", "walk"),
        ask("patch", "apps", "deployments", "walk"),
        ask("get", "", "secrets", "default"),
        ask("list", "", "namespaces", ""),
    ];
    for (user, expected) in [
        ("test", [true, true, true, true, true]),
        ("walker", [true, true, true, false, false]),
        ("reader", [true, true, false, false, false]),
        ("mute", [false, false, false, false, false]),
    ] {
        let cluster = plane().cluster(user, "walk").await;
        assert_eq!(cluster.may(&asks).await.expect("an answer"), expected, "{user}");
    }

    let mute = plane().cluster("mute", "walk").await;
    let error = mute.namespaces().await.expect_err("refused");
    assert_eq!((error.kind, error.code), (ErrorKind::Forbidden, 403));
    assert!(error.message.starts_with("namespaces is forbidden: User \"mute\" cannot list"), "{}", error.message);
    let secrets = [target("v1", "Secret", "walk", "x"), target("v1", "Secret", "default", "x")];
    let walker = plane().cluster("walker", "walk").await;
    let answers = walker.get_many(&secrets).await;
    assert!(matches!(answers[0], Ok(None)), "{answers:?}");
    assert!(matches!(&answers[1], Err(error) if error.kind == ErrorKind::Forbidden), "{answers:?}");
}
