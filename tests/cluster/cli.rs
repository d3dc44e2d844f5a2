//! Pilothouse and real Helm asked the same on the same cluster: standard output and exit code must be equal.

use std::{
    io::Read,
    path::Path,
    process::{Command, Stdio},
};

use regex::Regex;

use crate::plane::{Ran, chart, plane, succeed};

/// A namespace with a release of several revisions, one that failed, one whose history was kept, and a test that ran.
fn releases() -> String {
    let plane = plane();
    let namespace = plane.namespace();
    let web = chart("web");
    let helm = |args: &[&str]| plane.try_helm(&[args, &["-n", &namespace]].concat());
    let set = |value: &'static str| ["--set", value];
    assert_eq!(helm(&["install", "web", &web, "--labels", "team=a"]).code, 0);
    let upgraded =
        helm(&[&["upgrade", "web", &web][..], &set("replicas=1"), &["--description", "one\nand two"]].concat());
    assert_eq!(upgraded.code, 0, "{}", upgraded.stderr);
    assert_eq!(helm(&["upgrade", "web", &web, "--set", "extra=true,config.a=<b>&c"]).code, 0);
    assert_eq!(helm(&["install", "store", &chart("store")]).code, 0);
    assert_ne!(helm(&[&["upgrade", "web", &web][..], &set("replicas=-1")].concat()).code, 0);
    assert_eq!(helm(&["install", "umbrella", &chart("umbrella"), "--server-side=false"]).code, 0);
    assert_eq!(helm(&["install", "gone", &web]).code, 0);
    assert_eq!(helm(&["uninstall", "gone", "--keep-history"]).code, 0);
    namespace
}

#[track_caller]
fn check(namespace: &str, line: &str) {
    check_with(&[], namespace, line);
}

/// Runs both on a line, with more variables in their environment; `NS` stands for the namespace.
#[track_caller]
pub fn check_with(vars: &[(&str, &str)], namespace: &str, line: &str) {
    let args: Vec<&str> = line.split(' ').map(|word| if word == "NS" { namespace } else { word }).collect();
    let (helm, ours) = (plane().try_helm_with(vars, &args), plane().try_pilothouse_with(vars, &args));
    let (helm, ours) = (comparable(helm, line), comparable(ours, line));
    assert_eq!(ours.stdout, helm.stdout, "standard output of {line}");
    assert_eq!(ours.code, helm.code, "exit code of {line}\nhelm: {}\nours: {}", helm.stderr, ours.stderr);
    let (helm_error, our_error) = (error_line(&helm.stderr), error_line(&ours.stderr));
    assert_eq!(our_error, helm_error, "error of {line}");
}

fn error_line(text: &str) -> String {
    text.lines().find(|line| line.starts_with("Error: ")).unwrap_or_default().to_owned()
}

/// Without what is ours alone, and what differs between two runs of Helm: ages, the order of kinds, the list's version.
fn comparable(ran: Ran, line: &str) -> Ran {
    let mut text = ran.stdout.replace("pilothouse", "helm");
    if let Some((before, own)) = text.split_once("\n\nPilothouse Flags:\n") {
        let after = own.find("\n\n").map_or("\n", |end| &own[end..]);
        text = format!("{before}{after}");
    }
    if line.starts_with("status") {
        let changing = Regex::new(r#"(?m)\d+[smh](\d+[smh])?$|("|\b)resourceVersion"?: ?"\d+""#).unwrap();
        text = changing.replace_all(&text, "").into_owned();
        let mut blocks: Vec<&str> = text.split("\n\n").collect();
        blocks.sort_unstable();
        text = blocks.join("\n\n").replace("RESOURCES:\n", "");
        let mut lines: Vec<&str> = text.lines().collect();
        lines.sort_unstable();
        text = lines.join("\n");
    }
    Ran { stdout: text, stderr: ran.stderr.replace("pilothouse", "helm"), ..ran }
}

/// Reading verbs, in every format, with every flag.
const READING: &str = "\
list -n NS
list -n NS -o json
ls -n NS -o yaml
list -n NS -q
list -n NS -q -o json
list -n NS -dr
list -n NS --no-headers --max 1 --offset 1
list -n NS --failed
list -n NS --deployed --uninstalled -o json
list -n NS --superseded
list -n NS -f ^w
list -n NS -f (
list -n NS -l team=a
list -n NS -l a=b,,
list -n NS --time-format 2006-01-02T15:04:05.000Z07:00
list -n NS --color always
list -n nowhere
history web -n NS
hist web -n NS -o json
history web -n NS -o yaml --max 2
history gone -n NS
history nope -n NS
history Web_ -n NS
status web -n NS
status web -n NS --revision 1
status web -n NS -o json
status store -n NS
status store -n NS -o yaml
status umbrella -n NS --color always
status gone -n NS
status web -n NS --revision 99
get all web -n NS
get all umbrella -n NS
get hooks web -n NS
get manifest web -n NS --revision 3
get notes web -n NS
get notes store -n NS
get values web -n NS
get values web -n NS --revision 3 -o json
get values web -n NS -a
get values umbrella -n NS --all -o json
get values store -n NS -o yaml
get metadata web -n NS
get metadata web -n NS --revision 2 -o json
get metadata umbrella -n NS -o yaml
env HELM_NAMESPACE -n NS
help list
rollback --help
get values -h
status
lst
list --max x
__complete status -n NS w
__complete rollback -n NS web 
__complete list -o j";

/// What the restricted users see, and what a wrong address or credential gives.
const REFUSED: &str = "\
list -n walk --kube-context mute
list -A --kube-context mute
history web -n walk --kube-context mute
status web -n walk --kube-context mute
status web -n walk --revision 1 --kube-context mute
get values web -n walk --kube-context mute
list -n walk --kube-context reader
list -A --kube-context walker
rollback web -n walk --kube-context mute
list --kube-context nope
list --kube-token wrong
list --kubeconfig /nonexistent";

/// Rollbacks that change nothing, and then some that do, one after the other by each program.
const ROLLBACKS: &str = "\
rollback web 99 -n NS
rollback nope -n NS
rollback Web_ -n NS
rollback web x -n NS
rollback web 1 -n NS --dry-run
rollback web 1 -n NS --dry-run=true
rollback web 1 -n NS --dry-run=client
rollback web -n NS --server-side=maybe
rollback web -n NS --force-replace --force-conflicts
rollback web 1 -n NS
rollback web 3 -n NS --wait --timeout 30s
rollback web 2 -n NS --no-hooks --history-max 20 --cleanup-on-fail
rollback umbrella 1 -n NS
rollback umbrella 1 -n NS --force";

#[test]
fn reading_verbs_answer_as_helm_does() {
    let namespace = releases();
    READING.lines().for_each(|line| check(&namespace, line));
}

#[test]
fn refusals_are_helms() {
    REFUSED.lines().for_each(|line| check("walk", line));
}

#[test]
fn rollback_answers_as_helm_does() {
    let namespace = releases();
    ROLLBACKS.lines().for_each(|line| check(&namespace, line));
    let history = plane().helm(&["history", "web", "-n", &namespace]);
    assert_eq!(history.matches("deployed").count(), 1, "{history}");
}

/// With `HELM_DRIVER=memory`, each line by itself: nothing is left of the one before.
const IN_MEMORY: &str = "\
list -n default
list -A -o json
list -n prod
list -n default -l owner=helm
history web -n default
status web -n default
get all web -n default
get metadata web -n default -o json
get manifest web -n default --revision 1
get values db -n prod
get values db -n default
rollback web 1 -n default
rollback web 7 -n default
upgrade db CHART -n default
uninstall web -n default
uninstall nope -n default
install web CHART -n default";

#[test]
fn memory_answers_as_helms_does() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/memory.yaml").display().to_string();
    let vars = [("HELM_DRIVER", "memory"), ("HELM_MEMORY_DRIVER_DATA", data.as_str())];
    let lines = IN_MEMORY.replace("CHART", &chart("web"));
    lines.lines().for_each(|line| check_with(&vars, "", line));
    let namespace = plane().namespace();
    let install = ["install", "web", &chart("web"), "-n", &namespace];
    succeed("pilothouse", &install, plane().try_pilothouse_with(&vars, &install));
    assert_eq!(plane().kubectl(&["get", "service", "-n", &namespace, "-o", "name"]), "", "no object without a record");
}

/// The first SIGINT cancels: the program says so, ends with 1, and the record does not stay pending.
#[test]
fn an_interrupted_rollback_is_not_left_pending() {
    let plane = plane();
    let namespace = plane.namespace();
    let web = chart("web");
    let hanging = "hooks.enabled=true,hooks.image=registry.example/hang:1";
    plane.helm(&["install", "web", &web, "-n", &namespace, "--set", hanging]);
    plane.helm(&["upgrade", "web", &web, "-n", &namespace, "--reset-values"]);
    let mut child = Command::new(env!("CARGO_BIN_EXE_pilothouse"))
        .args(["rollback", "web", "1", "-n", &namespace, "--debug"])
        .env("KUBECONFIG", plane.kubeconfig())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut said = child.stderr.take().expect("standard error is piped");
    let mut text = String::new();
    let mut bytes = [0; 4096];
    // The hook never ends, so the rollback is at work from here on.
    while !text.contains("HookStarted") {
        let read = said.read(&mut bytes).expect("standard error is open");
        assert_ne!(read, 0, "it ended early:\n{text}");
        text += &String::from_utf8_lossy(&bytes[..read]);
    }
    plane.shell(&format!("kill -INT {}", child.id()));
    said.read_to_string(&mut text).expect("standard error is text");
    let status = child.wait().expect("it ends");
    let history = plane.helm(&["history", "web", "-n", &namespace]);
    assert_eq!(status.code(), Some(1), "{text}");
    assert!(text.contains("Error: cancelled"), "{text}");
    assert!(!history.contains("pending"), "{history}");
}
