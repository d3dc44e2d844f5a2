//! The command line beside what real Helm answered on the same records (`tests/data/cli`).

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
};

use command::{Answer, run};
use k8s_openapi::api::core::v1::Secret;
use kube::{Api, api::PostParams};
use pilothouse::{cluster::Cluster, sandbox::Sandbox};

#[path = "support/command.rs"]
mod command;

/// One command and Helm's answer.
struct Case {
    line: String,
    answer: Answer,
}

/// Cases of a file: `$` a command, `|` a line of standard output, `!` of standard error, `=` the exit code.
fn cases(text: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    for line in text.lines() {
        let Some((mark, rest)) = line.split_at_checked(1) else {
            continue;
        };
        match (mark, cases.last_mut()) {
            ("$", _) => cases.push(Case { line: rest.trim_start().to_owned(), answer: Answer::default() }),
            ("|", Some(case)) => case.answer.out += &format!("{rest}\n"),
            ("!", Some(case)) => case.answer.err += &format!("{rest}\n"),
            ("=", Some(case)) => case.answer.code = rest.parse().expect("an exit code"),
            _ => {}
        }
    }
    cases
}

/// What Helm would have said: its name, without what is ours alone.
fn as_helm(answer: Answer) -> Answer {
    let out = answer.out.replace("pilothouse", "helm");
    let out = match out.split_once("\n\nPilothouse Flags:\n") {
        Some((before, own)) => {
            let after = own.find("\n\n").map_or("\n", |end| &own[end..]);
            format!("{before}{after}")
        }
        None => out,
    };
    let err = answer.err.replace("pilothouse", "helm");
    let ours = |line: &&str| line.starts_with("  hint: ") || line.starts_with("WARNING: ");
    let lines = err.lines().filter(|line| !ours(line));
    Answer { out, err: lines.map(|line| format!("{line}\n")).collect(), code: answer.code }
}

/// A sandbox that holds the records Helm wrote.
async fn cluster() -> (Sandbox, Cluster) {
    let sandbox = Sandbox::empty();
    let records: Vec<Secret> = serde_json::from_str(include_str!("data/cli/records.json")).unwrap();
    let namespace = serde_json::json!({"metadata": {"name": "payments"}});
    let namespaces: Api<k8s_openapi::api::core::v1::Namespace> = Api::all(sandbox.client());
    namespaces.create(&PostParams::default(), &serde_json::from_value(namespace).unwrap()).await.unwrap();
    for record in records {
        let namespace = record.metadata.namespace.clone().unwrap();
        let secrets: Api<Secret> = Api::namespaced(sandbox.client(), &namespace);
        secrets.create(&PostParams::default(), &record).await.unwrap();
    }
    let cluster = Cluster::from_client(sandbox.client(), "sandbox", "default");
    (sandbox, cluster)
}

#[tokio::test]
async fn answers_are_helms() {
    let (_sandbox, cluster) = cluster().await;
    let cases = cases(include_str!("data/cli/commands.txt"));
    assert!(cases.len() > 100, "{} cases", cases.len());
    for case in cases {
        let answer = as_helm(run(&case.line, &cluster).await);
        assert_eq!(answer.out, case.answer.out, "standard output of {}", case.line);
        assert_eq!(answer.err, case.answer.err, "standard error of {}", case.line);
        assert_eq!(answer.code, case.answer.code, "exit code of {}", case.line);
    }
}

#[tokio::test]
async fn a_record_that_cannot_be_read_costs_one_line() {
    let (_sandbox, cluster) = cluster().await;
    let answer = run("list -A -q", &cluster).await;
    assert_eq!(answer.out, "berlin\nbig\ngone\nlines\nnochart\nshop\nstuck\nweb\n");
    assert_eq!(answer.err.lines().count(), 1, "{}", answer.err);
    assert!(answer.err.contains("sh.helm.release.v1.rotten.v4"), "{}", answer.err);
}

#[tokio::test]
async fn old_habits_get_todays_command() {
    let (_sandbox, cluster) = cluster().await;
    for (line, hint) in [
        ("init", "since Helm 3"),
        ("serve", "OCI"),
        ("delete --purge web", "helm uninstall NAME"),
        ("install --name web web", "helm install NAME CHART"),
        ("--home /x list", "HELM_DATA_HOME"),
        ("--tiller-namespace x list", "-n NAMESPACE"),
        ("list --all", "pilothouse list"),
        ("help chart", "helm create"),
    ] {
        let answer = run(line, &cluster).await;
        let last = answer.err.lines().last().unwrap_or_default();
        assert!(last.starts_with("  hint: ") && last.contains(hint), "{line}: {last}");
    }
}

#[tokio::test]
async fn what_is_not_built_yet_says_so() {
    let (_sandbox, cluster) = cluster().await;
    let answer = run("repo list", &cluster).await;
    assert_eq!(answer.code, 1);
    assert_eq!(answer.err, "Error: pilothouse repo is not built yet; use helm repo: both work on the same releases\n");
}

/// The program itself, with nothing of this machine's configuration.
fn program(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pilothouse"));
    command.args(args).env_clear().env("HOME", "/nonexistent").stdin(Stdio::null());
    command
}

#[test]
fn the_sandbox_is_served_until_interrupted() {
    let mut served = program(&["sandbox"]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(served.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let kubeconfig = line.trim().strip_prefix("export KUBECONFIG=").unwrap().to_owned();
    let listed = program(&["list", "-A", "-q"]).env("KUBECONFIG", &kubeconfig).output().unwrap();
    let ended = Command::new("kill").args(["-INT", &served.id().to_string()]).status().unwrap();
    let status = served.wait().unwrap();
    assert!(String::from_utf8_lossy(&listed.stdout).contains("my-app\n"), "{listed:?}");
    assert!(ended.success() && status.success(), "{status}");
    assert!(!Path::new(&kubeconfig).exists(), "{kubeconfig} was left behind");
}

#[test]
fn a_closed_reader_ends_the_program_quietly() {
    let script = format!("{} help rollback | head -n 1; echo ${{PIPESTATUS[0]}}", env!("CARGO_BIN_EXE_pilothouse"));
    let ran = Command::new("bash").args(["-c", &script]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&ran.stderr), "");
    let code = String::from_utf8_lossy(&ran.stdout).lines().last().unwrap_or_default().to_owned();
    assert!(code == "0" || code == "141", "{code}");
}

/// Bash, with the script loaded, offers what the program answers.
#[test]
fn bash_completes() {
    let program = Path::new(env!("CARGO_BIN_EXE_pilothouse"));
    let folder = program.parent().unwrap().display();
    let complete = |line: &str| {
        let script = format!(
            "PATH={folder}:$PATH; source <(pilothouse completion bash); compopt() {{ :; }}
             COMP_LINE='{line}'; COMP_POINT=${{#COMP_LINE}}; COMP_TYPE=9; COMP_WORDS=({line}); [[ \"$COMP_LINE\" == *' ' ]] && COMP_WORDS+=('')
             COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); __pilothouse_complete; printf '%s\\n' \"${{COMPREPLY[@]}}\""
        );
        let ran = Command::new("bash").args(["-c", &script]).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&ran.stderr), "", "{line}");
        String::from_utf8(ran.stdout).unwrap()
    };
    assert_eq!(complete("pilothouse ro"), "rollback\n");
    assert_eq!(complete("pilothouse get m"), "manifest\nmetadata\n");
    assert_eq!(complete("pilothouse list --fa"), "--failed\n");
    assert_eq!(complete("pilothouse list -o "), "json\ntable\nyaml\n");
    assert_eq!(complete("pilothouse --sandbox -n prod status my-a"), "my-app\n");
}

#[tokio::test]
async fn revisions_are_compared_without_telling_secrets() {
    let (_sandbox, cluster) = cluster().await;
    let text = run("diff revision web 1 2 -n payments --context 0 --color never", &cluster).await;
    let expected = "payments, web-secret, Secret (v1) has changed:\n-   password: «fingerprint ";
    assert!(text.out.starts_with(expected), "{}", text.out);
    assert!(!text.out.contains("s3cret"), "{}", text.out);
    assert!(text.out.contains("-   replicas: 2\n+   replicas: 3\n"), "{}", text.out);
    let shown = run("diff revision web 1 2 -n payments --show-secrets", &cluster).await;
    assert!(shown.out.contains("-   password: s3cret\n+   password: hunter2\n"), "{}", shown.out);
    let hidden = run("diff revision web 1 2 -n payments --suppress Secret,Deployment", &cluster).await;
    assert!(hidden.out.contains("+ Changes suppressed on sensitive content of type Secret\n"), "{}", hidden.out);
    assert!(!hidden.out.contains("replicas"), "{}", hidden.out);
}

#[tokio::test]
async fn differences_can_be_an_exit_code() {
    let (_sandbox, cluster) = cluster().await;
    for (line, code) in [
        ("diff revision web 1 2 -n payments", 0),
        ("diff revision web 1 2 -n payments --detailed-exitcode", 2),
        ("diff revision web 2 2 -n payments --detailed-exitcode", 0),
        ("diff revision web 1 9 -n payments --detailed-exitcode", 1),
        ("diff revision web x -n payments", 1),
    ] {
        assert_eq!(run(line, &cluster).await.code, code, "{line}");
    }
}

#[tokio::test]
async fn diffs_have_one_json_form() {
    let (_sandbox, cluster) = cluster().await;
    let answer = run("diff revision web 2 1 -n payments -o json", &cluster).await;
    let form: serde_json::Value = serde_json::from_str(&answer.out).unwrap();
    assert_eq!((&form["release"], &form["from"], &form["to"]), (&"web".into(), &1.into(), &2.into()));
    assert_eq!(form["confidence"], "stored manifests");
    let changes: Vec<&str> =
        form["objects"].as_array().unwrap().iter().map(|object| object["change"].as_str().unwrap()).collect();
    assert_eq!(changes, ["update", "update", "none", "none", "none"]);
}

#[tokio::test]
async fn a_rollback_prints_helms_one_line() {
    let (_sandbox, cluster) = cluster().await;
    let answer = run("rollback web 1 -n payments --no-hooks", &cluster).await;
    assert_eq!(answer.out, "Rollback was a success! Happy Helming!\n", "{}", answer.err);
    let history = run("history web -n payments", &cluster).await;
    let last = history.out.lines().last().unwrap_or_default().to_owned();
    assert!(last.starts_with('4') && last.contains("deployed") && last.contains("Rollback to 1"), "{last}");
}

#[tokio::test]
async fn a_reviewed_rollback_shows_the_preview_on_standard_error() {
    let (_sandbox, cluster) = cluster().await;
    for line in ["rollback web 1 -n payments --dry-run=server", "rollback web 1 -n payments --review --no-hooks"] {
        let answer = run(line, &cluster).await;
        assert_eq!(answer.out, "Rollback was a success! Happy Helming!\n", "{}", answer.err);
        assert!(answer.err.starts_with("web: 3 → 1: "), "{}", answer.err);
    }
}

#[tokio::test]
async fn read_only_refuses_to_roll_back() {
    let (_sandbox, cluster) = cluster().await;
    let answer = run("rollback web 1 -n payments --read-only", &cluster).await;
    assert_eq!((answer.code, answer.err.as_str()), (1, "Error: rollback is refused: --read-only\n"));
}
