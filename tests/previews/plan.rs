//! `--plan-out` and `apply`: the two stages of a pipeline.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use age::{secrecy::ExposeSecret, x25519::Identity};
use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::{ConfigMap, Namespace},
};
use kube::{
    Api,
    api::{DeleteParams, Patch, PatchParams, PostParams},
};
use pilothouse::{cluster::Cluster, sandbox::Sandbox};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::{chart, command::Answer, empty, ran, succeed};

/// A folder with two keys in it, and the recipient of the first.
struct Keys {
    folder: TempDir,
    recipient: String,
}

impl Keys {
    fn new() -> Self {
        let folder = TempDir::new().expect("a folder");
        let mine = Identity::generate();
        for (name, identity) in [("mine.txt", &mine), ("other.txt", &Identity::generate())] {
            let text = format!("# a key\n{}\n", identity.to_string().expose_secret());
            fs::write(folder.path().join(name), text).expect("a key file");
        }
        Self { folder, recipient: mine.to_public().to_string() }
    }

    fn file(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// A line in which `PLAN` stands for the plan's file, `MINE` and `OTHER` for the keys, `RECIPIENT` for whom the first is.
    fn line(&self, line: &str) -> String {
        let keys = [("PLAN", "plan"), ("MINE", "mine.txt"), ("OTHER", "other.txt")];
        let line = keys.iter().fold(line.to_owned(), |line, (word, name)| line.replace(word, &self.file(name)));
        line.replace("RECIPIENT", &self.recipient)
    }
}

/// What of a release two ways to the same end have in common: its history without times, and its newest manifest.
async fn left(cluster: &Cluster) -> (Value, String) {
    let history = ran("history web -o json", cluster).await;
    let mut history: Value = serde_json::from_str(&history.out).unwrap_or_default();
    for revision in history.as_array_mut().into_iter().flatten() {
        revision["updated"].take();
    }
    (history, ran("get manifest web", cluster).await.out)
}

/// The body of a plan that is not encrypted.
fn body(path: &str) -> Value {
    let text = fs::read_to_string(path).expect("a plan");
    let (_, body) = text.split_once('\n').expect("a head");
    serde_json::from_str(body).expect("JSON")
}

async fn config(sandbox: &Sandbox, name: &str, data: Value) {
    let configs: Api<ConfigMap> = Api::namespaced(sandbox.client(), "default");
    let patch = Patch::Merge(json!({"data": data}));
    configs.patch(name, &PatchParams::default(), &patch).await.expect("a hand's edit");
}

/// What each operation is planned with, what comes before it, and what the direct command would have said.
const OPERATIONS: [(&[&str], &str); 5] = [
    (&[], "install web CHART --labels team=shop --set replicas=2"),
    (&[], "upgrade --install web CHART --description planned"),
    (&["install web CHART"], "upgrade web CHART --set extra=true,password=other --labels team=shop"),
    (&["install web CHART", "upgrade web CHART --set extra=true,replicas=5"], "rollback web 1"),
    (&["install web CHART --set kept=true"], "uninstall web --keep-history"),
];

#[tokio::test]
async fn what_is_planned_is_what_the_command_does() {
    for (before, line) in OPERATIONS {
        let keys = Keys::new();
        let (direct, planned) = (empty(), empty());
        for cluster in [&direct.1, &planned.1] {
            for line in before {
                succeed(line, cluster).await;
            }
        }
        let unplanned = left(&planned.1).await;
        let plan = keys.line(&format!("{line} --plan-out PLAN --plan-recipient RECIPIENT"));
        let answer = succeed(&plan, &planned.1).await;
        let verb =
            line.split(' ').next().unwrap().replace("upgrade", if before.is_empty() { "install" } else { "upgrade" });
        let said =
            format!("The {verb} of release \"web\" is planned in {}; pilothouse apply does it.\n", keys.file("plan"));
        assert_eq!(answer.out, said, "{line}");
        assert!(answer.err.contains("confidence: live server dry-run"), "{line}: {}", answer.err);
        assert_eq!(left(&planned.1).await, unplanned, "{line}: a plan changes nothing");

        let done = succeed(line, &direct.1).await;
        let applied = succeed(&keys.line("apply PLAN --identity MINE"), &planned.1).await;
        assert_eq!(
            timeless(&applied),
            timeless(&done).replace("Release \"web\" does not exist. Installing it now.\n", ""),
            "{line}"
        );
        assert_eq!(left(&planned.1).await, left(&direct.1).await, "{line}");

        let again = ran(&keys.line("apply PLAN -i MINE"), &planned.1).await;
        assert_eq!(again.code, 1, "{line}: {}", again.out);
        assert!(again.err.contains("changed since the plan was made at 20"), "{line}: {}", again.err);
        assert!(again.err.ends_with("\n  hint: nothing was written: make the plan again\n"), "{line}: {}", again.err);
    }
}

/// What a command printed, without the time of the release.
fn timeless(answer: &Answer) -> String {
    let lines = answer.out.lines().filter(|line| !line.starts_with("LAST DEPLOYED: "));
    lines.map(|line| format!("{line}\n")).collect()
}

#[tokio::test]
async fn what_moved_since_the_plan_stops_it() {
    let keys = Keys::new();
    let (sandbox, cluster) = empty();
    succeed("install web CHART", &cluster).await;
    let plan = keys.line("upgrade web CHART --set replicas=4 --plan-out PLAN --plan-plaintext");
    let apply = keys.line("apply PLAN");

    succeed(&plan, &cluster).await;
    config(&sandbox, "web", json!({"by": "hand"})).await;
    let unapplied = left(&cluster).await;
    let refused = ran(&apply, &cluster).await;
    assert!(refused.err.contains("Z: ConfigMap/web was changed"), "{}", refused.err);
    assert_eq!((refused.code, left(&cluster).await), (1, unapplied));

    succeed(&plan, &cluster).await;
    succeed("upgrade web CHART", &cluster).await;
    let refused = ran(&apply, &cluster).await;
    let words = "Z: pilothouse wrote revision 2 (deployed)";
    assert!(refused.code == 1 && refused.err.contains(words), "{}", refused.err);

    succeed(&plan, &cluster).await;
    succeed("uninstall web", &cluster).await;
    let refused = ran(&apply, &cluster).await;
    assert!(refused.code == 1 && refused.err.contains("Z: the release was uninstalled; "), "{}", refused.err);

    let install = keys.line("install web CHART --plan-out PLAN --plan-plaintext");
    succeed(&install, &cluster).await;
    succeed("install web CHART", &cluster).await;
    let refused = ran(&apply, &cluster).await;
    assert!(refused.code == 1 && refused.err.contains("pilothouse wrote revision 1 (deployed)"), "{}", refused.err);
}

#[tokio::test]
async fn what_could_not_be_applied_is_not_planned() {
    let keys = Keys::new();
    let (sandbox, cluster) = empty();
    succeed("install web CHART", &cluster).await;
    let deployments: Api<Deployment> = Api::namespaced(sandbox.client(), "default");
    let hand = PatchParams { field_manager: Some("hand".to_owned()), ..PatchParams::default() };
    let scaled = Patch::Merge(json!({"spec": {"replicas": 7}}));
    deployments.patch("web", &hand, &scaled).await.expect("a hand scales it");

    let plan = keys.line("upgrade web CHART --set replicas=4 --plan-out PLAN --plan-plaintext");
    let refused = ran(&plan, &cluster).await;
    let words = "Error: UPGRADE FAILED: fields belong to others: Deployment/web: .spec.replicas belongs to hand\n  hint: --force-conflicts takes them\n";
    assert!(refused.code == 1 && refused.err.ends_with(words), "{}", refused.err);
    assert!(!Path::new(&keys.file("plan")).exists());
    let told = refused.err.lines().filter(|line| line.starts_with("! ") && line.contains("belongs to hand"));
    assert_eq!(told.count(), 1, "{}", refused.err);

    succeed(&format!("{plan} --force-conflicts"), &cluster).await;
    succeed(&keys.line("apply PLAN"), &cluster).await;
    let deployment = deployments.get("web").await.expect("it is there");
    assert_eq!(deployment.spec.and_then(|spec| spec.replicas), Some(4));
}

#[tokio::test]
async fn secrets_are_not_written_unasked() {
    let keys = Keys::new();
    let (_sandbox, cluster) = empty();
    let refused = ran(&keys.line("install web CHART --plan-out PLAN"), &cluster).await;
    assert_eq!(refused.code, 1);
    let words = "Error: INSTALLATION FAILED: there are secrets in the plan, so it is not written as it is\n";
    let hints = "  hint: --plan-recipient age1... encrypts it\n  hint: --plan-plaintext writes it all the same, readable by nobody but you\n";
    assert!(refused.err.ends_with(&format!("{words}{hints}")), "{}", refused.err);
    assert!(!Path::new(&keys.file("plan")).exists());

    // Every way in which a release may hold one.
    let raw = chart("raw");
    let object = r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":{"KEY":"VALUE"}}"#;
    for (key, value, more, secret) in [
        ("a", "b", "", false),
        ("apiToken", "b", "", true),
        ("a", "-----BEGIN RSA PRIVATE KEY-----", "", true),
        ("a", "b", "--set unused.password=hunter2", true),
        ("a", "b", "--set unused.password=", false),
    ] {
        let object = object.replace("KEY", key).replace("VALUE", value);
        let line = format!("install a {raw} --set-literal 'raw={object}' {more} --plan-out PLAN");
        let answer = ran(&keys.line(&line), &cluster).await;
        assert_eq!(answer.code == 1, secret, "{line}: {}{}", answer.out, answer.err);
    }

    succeed(&keys.line("install web CHART --plan-out PLAN --plan-recipient RECIPIENT"), &cluster).await;
    let sealed = fs::read(keys.file("plan")).unwrap();
    assert!(sealed.starts_with(b"age-encryption.org/v1\n"));
    assert!(!sealed.windows(6).any(|bytes| bytes == b"s3cret"));
    succeed(&keys.line("install web CHART --plan-out PLAN --plan-plaintext"), &cluster).await;
    let mode = fs::metadata(keys.file("plan")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn a_plan_holds_the_very_bytes() {
    let keys = Keys::new();
    let (_sandbox, cluster) = empty();
    let plan = "install web CHART --labels team=shop --set replicas=2 --set-json number=31.245270191439438 --plan-out PLAN --plan-plaintext";
    succeed(&keys.line(plan), &cluster).await;
    let body = body(&keys.file("plan"));
    let planned = &body["prepared"]["next"];
    assert_eq!((&body["program"], &body["driver"]), (&env!("CARGO_PKG_VERSION").into(), &"secrets".into()));
    assert_eq!(planned["labels"], json!({"team": "shop"}));
    succeed(&keys.line("apply PLAN"), &cluster).await;
    let manifest = succeed("get manifest web", &cluster).await.out;
    assert_eq!(planned["release"]["manifest"].as_str().map(str::trim), Some(manifest.trim()));
    let values = succeed("get values web -o json", &cluster).await.out;
    assert_eq!(values, "{\"number\":31.245270191439438,\"replicas\":2}\n");
    let metadata = succeed("get metadata web -o json", &cluster).await.out;
    assert!(metadata.contains(r#""labels":{"#) && metadata.contains(r#""team":"shop""#), "{metadata}");
}

#[tokio::test]
async fn what_is_no_plan_for_here_says_what_to_do() {
    let keys = Keys::new();
    let (sandbox, cluster) = empty();
    let file = keys.file("plan");
    let check = async |line: &str, words: &str| {
        let answer = ran(&keys.line(line), &cluster).await;
        assert_eq!(answer.code, 1, "{line}: {}", answer.out);
        assert!(answer.err.starts_with("Error: ") && answer.err.contains(words), "{line}: {}", answer.err);
        assert_eq!(answer.err.lines().count(), 1, "{line}: {}", answer.err);
    };
    check("apply PLAN", "no such file or directory").await;

    succeed(&keys.line("install web CHART --plan-out PLAN --plan-recipient RECIPIENT"), &cluster).await;
    check("apply PLAN", "the plan is encrypted: --identity FILE names").await;
    check("apply PLAN --identity OTHER", "not for any of these identities").await;
    check("apply PLAN --identity PLAN", "no age identity (AGE-SECRET-KEY-1…): ").await;
    check("apply PLAN --identity /nonexistent", "open /nonexistent: no such file or directory").await;
    let sealed = fs::read(&file).unwrap();
    for length in [25, 100, 300, sealed.len() / 2, sealed.len() - 1] {
        fs::write(&file, &sealed[..length]).unwrap();
        check("apply PLAN --identity MINE", "the plan is cut off or was changed: make it again").await;
    }

    succeed(&keys.line("install web CHART --plan-out PLAN --plan-plaintext"), &cluster).await;
    let plain = fs::read_to_string(&file).unwrap();
    fs::write(&file, &plain[..plain.len() / 2]).unwrap();
    check("apply PLAN", "the plan is cut off or was changed: make it again").await;
    fs::write(&file, plain.replacen("registry.example", "elsewhere.example", 1)).unwrap();
    check("apply PLAN", "the plan is cut off or was changed: make it again").await;
    for foreign in ["", "{\"kind\": \"Deployment\"}\n", "one two three\nfour\n", "\u{0}\u{1}\n"] {
        fs::write(&file, foreign).unwrap();
        check("apply PLAN", "this is no plan: --plan-out of install, upgrade, rollback and uninstall makes one").await;
    }
    fs::write(&file, plain.replacen("pilothouse-plan 1 ", "pilothouse-plan 2 ", 1)).unwrap();
    check("apply PLAN", "made by another version of pilothouse (form 2)").await;
    let later = plain.split_once('\n').unwrap().1.replacen("\"program\":", "\"later\":1,\"program\":", 1);
    let sum: String = Sha256::digest(&later).iter().map(|byte| format!("{byte:02x}")).collect();
    fs::write(&file, format!("pilothouse-plan 1 {sum}\n{later}")).unwrap();
    check("apply PLAN", "made by another version of pilothouse (0.1.0)").await;

    fs::write(&file, &plain).unwrap();
    check("apply PLAN -n other", "the plan is for namespace \"default\": leave out --namespace other").await;
    check("HELM_DRIVER=configmap apply PLAN", "made with HELM_DRIVER=secrets, and it is configmaps now").await;
    check("apply PLAN --read-only", "apply is refused: --read-only").await;
    let namespaces: Api<Namespace> = Api::all(sandbox.client());
    namespaces.delete("kube-system", &DeleteParams::default()).await.expect("another cluster's is another");
    let other = serde_json::from_value(json!({"metadata": {"name": "kube-system"}})).unwrap();
    namespaces.create(&PostParams::default(), &other).await.expect("another one");
    check("apply PLAN", "the plan was made for the cluster of context \"sandbox\", and this is ").await;
}

#[tokio::test]
async fn flags_of_plans_go_together() {
    let keys = Keys::new();
    let (_sandbox, cluster) = empty();
    succeed("install web CHART", &cluster).await;
    for (line, words) in [
        (
            "upgrade web CHART --plan-recipient RECIPIENT",
            "--plan-recipient is about a plan: name its file with --plan-out",
        ),
        ("rollback web --plan-plaintext", "--plan-plaintext is about a plan: name its file with --plan-out"),
        ("upgrade web CHART --plan-out PLAN --plan-recipient age1nobody", "\"age1nobody\" is no age recipient"),
        (
            "upgrade web CHART --plan-out PLAN --plan-recipient RECIPIENT --plan-plaintext",
            "[plan-plaintext plan-recipient] were all set",
        ),
        ("upgrade web CHART --plan-out PLAN --dry-run=server", "leave out --dry-run"),
        ("uninstall web --plan-out PLAN --dry-run", "leave out --dry-run"),
        ("uninstall web other --plan-out PLAN", "--plan-out plans one uninstall: name one release"),
        (
            "upgrade web CHART --plan-out /nonexistent/plan --plan-plaintext",
            "write /nonexistent/plan: no such file or directory",
        ),
    ] {
        let answer = ran(&keys.line(line), &cluster).await;
        assert_eq!(answer.code, 1, "{line}: {}", answer.out);
        assert!(answer.err.contains(words), "{line}: {}", answer.err);
        assert!(!Path::new(&keys.file("plan")).exists(), "{line}");
    }
    let planned = "upgrade web CHART --plan-out PLAN --plan-recipient RECIPIENT --read-only";
    succeed(&keys.line(planned), &cluster).await;
}
