//! Trouble that only a real API server makes: rights, tokens, and others who work on the same release.

use std::{fs, thread};

use crate::{
    plane::{Plane, Ran, chart, plane},
    terminal::Terminal,
};

const SIZE: (u16, u16) = (140, 40);

/// A namespace of its own with the release `web` of two revisions, where `walker` may do everything, `reader` reads all
/// but changes nothing, and `mute` may nothing; nobody of them may list namespaces.
fn shared_release(plane: &Plane) -> String {
    let namespace = plane.namespace();
    let web = chart("web");
    plane.helm(&["install", "web", &web, "-n", &namespace]);
    plane.helm(&["upgrade", "web", &web, "-n", &namespace, "--set", "replicas=2,extra=true"]);
    plane.kubectl(&["create", "role", "reader", "--verb=get,list,watch", "--resource=*.*", "-n", &namespace]);
    plane.kubectl(&["create", "rolebinding", "reader", "--role=reader", "--user=reader", "-n", &namespace]);
    plane.kubectl(&["create", "rolebinding", "walker", "--clusterrole=admin", "--user=walker", "-n", &namespace]);
    namespace
}

/// The full-screen program as a user in a namespace.
fn open(plane: &Plane, user: &str, namespace: &str) -> Terminal {
    let kubeconfig = plane.kubeconfig().display().to_string();
    let args = ["--kube-context", user, "-n", namespace];
    Terminal::start(env!("CARGO_BIN_EXE_pilothouse"), &args, &[("KUBECONFIG", &kubeconfig)], SIZE)
}

fn quit(mut terminal: Terminal) {
    terminal.keys("q");
    assert_eq!(terminal.wait_exit(), 0);
    let given_back = terminal.sent().windows(8).any(|bytes| bytes == b"\x1b[?1049l");
    assert!(given_back, "the alternate screen is left");
}

/// `REVISION STATUS` of every revision.
fn history(plane: &Plane, namespace: &str) -> Vec<String> {
    let text = plane.helm(&["history", "web", "-n", namespace, "-o", "json"]);
    let rows: Vec<serde_json::Value> = serde_json::from_str(&text).expect("helm prints JSON");
    let line = |row: &serde_json::Value| format!("{} {}", row["revision"], row["status"].as_str().unwrap_or_default());
    rows.iter().map(line).collect()
}

#[test]
fn who_may_not_list_namespaces_works_in_the_one_named() {
    let plane = plane();
    let namespace = shared_release(plane);
    let mut terminal = open(plane, "walker", &namespace);
    terminal.wait_until("the release", |screen| {
        screen.contains(&namespace) && screen.contains("1 of 1") && screen.contains("● live")
    });
    terminal.keys(":rollback 1<enter>");
    let review = terminal.wait_for("confidence: live server dry-run");
    assert!(review.contains("ConfigMap/web-extra"), "{review}");
    // The terminal may be resized at any time, in the middle of an operation too.
    terminal.keys("l<enter>");
    for width in (50..140).step_by(9) {
        terminal.resize(width, 40);
    }
    terminal.resize(SIZE.0, SIZE.1);
    terminal.wait_for("is deployed");
    quit(terminal);
    assert_eq!(history(plane, &namespace), ["1 superseded", "2 superseded", "3 deployed"]);
}

#[test]
fn who_may_only_read_sees_the_preview_by_our_own_merge_and_is_refused() {
    let plane = plane();
    let namespace = shared_release(plane);
    let preview =
        plane.pilothouse(&["diff", "rollback", "web", "1", "-n", &namespace, "--kube-context", "reader", "-o", "json"]);
    let preview: serde_json::Value = serde_json::from_str(&preview).expect("JSON");
    let whole = plane.pilothouse(&["diff", "rollback", "web", "1", "-n", &namespace, "-o", "json"]);
    let whole: serde_json::Value = serde_json::from_str(&whole).expect("JSON");
    let changes = |preview: &serde_json::Value| -> Vec<String> {
        let objects = preview["objects"].as_array().expect("objects");
        objects.iter().map(|object| format!("{} {} {}", object["kind"], object["name"], object["change"])).collect()
    };
    assert_ne!(preview["confidence"], whole["confidence"]);
    assert_eq!(changes(&preview), changes(&whole));

    let mut terminal = open(plane, "reader", &namespace);
    terminal.wait_until("the release", |screen| screen.contains("1 of 1"));
    terminal.keys(":rollback 1<enter>");
    terminal.wait_for("dry-run is not allowed");
    terminal.keys("l<enter>");
    terminal.wait_for("cannot create resource");
    terminal.keys("x");
    quit(terminal);
    assert_eq!(history(plane, &namespace), ["1 superseded", "2 deployed"]);
}

#[test]
fn who_may_nothing_is_told_so() {
    let plane = plane();
    let namespace = shared_release(plane);
    let terminal = open(plane, "mute", &namespace);
    let screen = terminal.wait_for(&format!("you may not read releases in {namespace}"));
    assert!(screen.contains("forbidden"), "{screen}");
    quit(terminal);
}

/// Who may change the objects but not the records changes nothing: the record comes first.
#[test]
fn who_may_not_write_records_changes_nothing() {
    let plane = plane();
    let namespace = shared_release(plane);
    for (name, verbs, resources) in [
        ("see", "--verb=get,list,watch", "--resource=*.*"),
        ("write", "--verb=create,update,patch,delete", "--resource=deployments.apps,services,configmaps"),
    ] {
        plane.kubectl(&["create", "role", name, verbs, resources, "-n", &namespace]);
        let role = format!("--role={name}");
        plane.kubectl(&["create", "rolebinding", name, &role, "--user=mute", "-n", &namespace]);
    }
    let before = plane.object(&namespace, "deployment/web")["metadata"]["generation"].clone();
    let ran = plane.try_pilothouse(&["rollback", "web", "1", "-n", &namespace, "--kube-context", "mute"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.stderr.contains("secrets is forbidden: User \"mute\" cannot create"), "{ran:?}");
    assert_eq!(plane.object(&namespace, "deployment/web")["metadata"]["generation"], before);
    assert_eq!(history(plane, &namespace), ["1 superseded", "2 deployed"]);
}

#[test]
fn a_token_the_server_does_not_know_is_told() {
    let plane = plane();
    let known = fs::read_to_string(plane.kubeconfig()).expect("readable");
    let expired = tempfile::NamedTempFile::new().expect("a file");
    fs::write(expired.path(), known.replace("admin-token", "expired-token")).expect("written");
    let path = expired.path().display().to_string();
    let mut terminal = Terminal::start(env!("CARGO_BIN_EXE_pilothouse"), &[], &[("KUBECONFIG", &path)], SIZE);
    terminal.wait_for("log in to the cluster again");
    terminal.keys("x");
    quit(terminal);
    // Headless in the words of Helm, whatever they are.
    let args = ["list", "--kubeconfig", &path];
    let (ours, theirs) = (plane.try_pilothouse(&args), plane.try_helm(&args));
    let error = |ran: &Ran| ran.stderr.lines().find(|line| line.starts_with("Error: ")).map(str::to_owned);
    assert!(ours.code == 1 && theirs.code == 1, "{ours:?} {theirs:?}");
    assert_eq!(error(&ours), error(&theirs));
}

#[test]
fn what_another_changed_during_the_review_stops_it() {
    let plane = plane();
    let namespace = shared_release(plane);
    let mut terminal = open(plane, "test", &namespace);
    terminal.wait_until("the release", |screen| screen.contains("● live") && screen.contains("web"));
    terminal.keys(&format!(":ns {namespace}<enter>"));
    terminal.wait_for("1 of ");
    terminal.keys(":rollback 1<enter>");
    terminal.wait_for("confidence: live server dry-run");
    plane.helm(&["upgrade", "web", &chart("web"), "-n", &namespace, "--set", "replicas=4"]);
    terminal.keys("l<enter>");
    let told = terminal.wait_for("changed since the review");
    assert!(told.contains("ctrl-r reviews it anew"), "{told}");
    terminal.keys("x");
    quit(terminal);
    assert_eq!(history(plane, &namespace), ["1 superseded", "2 superseded", "3 deployed"]);
    assert_eq!(plane.object(&namespace, "deployment/web")["spec"]["replicas"], 4);
}

/// Who runs a command line of a race.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Runner {
    Ours,
    Helm,
}

use Runner::{Helm, Ours};

/// Runs all at once, in a namespace; how each ended.
fn race(plane: &Plane, namespace: &str, runs: &[(Runner, &[&str])]) -> Vec<(Runner, Ran)> {
    let run = |runner: Runner, args: &[&str]| {
        let args = [args, &["-n", namespace, "--timeout", "60s"]].concat();
        match runner {
            Ours => (runner, plane.try_pilothouse(&args)),
            Helm => (runner, plane.try_helm(&args)),
        }
    };
    thread::scope(|scope| {
        let running: Vec<_> = runs.iter().map(|(runner, args)| scope.spawn(|| run(*runner, args))).collect();
        running.into_iter().map(|ran| ran.join().expect("it ran")).collect()
    })
}

/// Creating the record is the lock: who wins has a revision of its own and ends it, who loses writes nothing and says who
/// is at it, as far as the record tells; real Helm and Pilothouse respect each other. How many won.
fn check_race(plane: &Plane, namespace: &str, before: usize, runs: &[(Runner, &[&str])]) -> usize {
    let ran = race(plane, namespace, runs);
    let won = ran.iter().filter(|(_, ran)| ran.code == 0).count();
    assert!(won > 0, "{ran:?}");
    for (_, lost) in ran.iter().filter(|(runner, ran)| *runner == Ours && ran.code != 0) {
        let told = &lost.stderr;
        let in_progress = told.contains("another operation (install/upgrade/rollback) is in progress");
        assert!(
            in_progress || told.contains("another operation runs on web") || told.contains("still in use"),
            "{lost:?}"
        );
        if in_progress || told.contains("another operation runs") {
            assert!(told.contains(" for "), "since when: {lost:?}");
            assert!(told.contains("written by pilothouse") || told.contains("written by Helm"), "by whom: {lost:?}");
        }
    }
    let history = history(plane, namespace);
    assert_eq!(history.len(), won + before, "a revision each, and no more: {history:?} {ran:?}");
    // A rollback goes on over a pending one, as Helm's does: of two that overlap, which ends last is nobody's to say, and
    // either may find the other not yet deployed. None is left pending or failed.
    let ended = |status: &str| history.iter().filter(|line| line.ends_with(status)).count();
    let (deployed, superseded) = (ended(" deployed"), ended(" superseded"));
    assert!(deployed > 0 && deployed + superseded == won + before, "{history:?}");
    won
}

#[test]
fn of_those_who_install_one_release_at_once_one_wins() {
    let plane = plane();
    let web = chart("web");
    let install = &["install", "web", &web][..];
    for _ in 0..3 {
        let runs = [(Ours, install), (Helm, install), (Ours, install), (Ours, install)];
        assert_eq!(check_race(plane, &plane.namespace(), 0, &runs), 1);
    }
}

#[test]
fn of_those_who_work_on_one_release_at_once_one_wins_each_revision() {
    let plane = plane();
    let web = chart("web");
    let rollback = &["rollback", "web", "1", "--wait"][..];
    let upgrade = &["upgrade", "web", &web, "--set", "replicas=2"][..];
    let races: [&[(Runner, &[&str])]; 4] = [
        &[(Ours, rollback), (Helm, rollback), (Ours, rollback), (Helm, rollback), (Ours, rollback)],
        &[(Ours, upgrade), (Ours, upgrade), (Ours, upgrade), (Ours, upgrade)],
        &[(Ours, upgrade), (Helm, upgrade), (Ours, upgrade), (Helm, upgrade)],
        &[(Ours, upgrade), (Ours, rollback), (Ours, upgrade), (Ours, rollback)],
    ];
    for runs in races {
        check_race(plane, &shared_release(plane), 2, runs);
    }
}
