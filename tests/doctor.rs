//! `doctor` on the sandbox: findings, repairs, backups, moves, and what clients that are stopped leave to it.

use std::{
    collections::BTreeMap,
    io::BufReader,
    net::SocketAddr,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Child, ChildStderr, Command, Output, Stdio},
};

use pilothouse::{
    cluster::Cluster,
    engine::{Error, Options, Reporter, RollbackTarget, execute, prepare_rollback, record::HEARTBEAT},
    release::{Driver, Release, Status, Storage, codec},
    sandbox::{Fault, Sandbox},
};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

#[path = "ops/doctor.rs"]
mod ops;

/// A sandbox served over HTTP to programs of their own.
struct Served {
    sandbox: Sandbox,
    folder: TempDir,
}

impl Served {
    async fn empty() -> Self {
        let sandbox = Sandbox::empty();
        let address = sandbox.listen(SocketAddr::from(([127, 0, 0, 1], 0))).await.expect("a loopback port");
        let folder = TempDir::new().expect("a folder");
        std::fs::write(folder.path().join("kubeconfig"), Sandbox::kubeconfig(address)).expect("a file");
        Self { sandbox, folder }
    }

    fn command(&self, line: &str) -> Command {
        let chart = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/charts/web").display().to_string();
        let mut command = Command::new(env!("CARGO_BIN_EXE_pilothouse"));
        command.args(line.split(' ').map(|word| if word == "CHART" { &chart } else { word }));
        command.env_clear().env("KUBECONFIG", self.folder.path().join("kubeconfig")).env("HOME", self.folder.path());
        command.stdin(Stdio::null());
        command
    }

    /// A headless command that ends; what it said, and its exit code.
    fn run(&self, line: &str) -> (String, String, i32) {
        let Output { stdout, stderr, status } = self.command(line).output().expect("it starts");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
        (text(stdout), text(stderr), status.code().unwrap_or(-1))
    }

    /// An upgrade whose hook never ends, at the moment when that runs.
    fn hanging_upgrade(&self) -> (Child, BufReader<ChildStderr>) {
        assert_eq!(self.run("install web CHART").2, 0);
        let hook = "--set hooks.enabled=true,hooks.image=registry.example/hang:1";
        let mut command = self.command(&format!("upgrade web CHART --set replicas=2 {hook} --debug"));
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it starts");
        let mut said = BufReader::new(child.stderr.take().expect("piped"));
        hear(&mut said, "HookStarted");
        (child, said)
    }

    fn storage(&self) -> Storage {
        Storage::new(cluster(&self.sandbox), Driver::Secrets, "default")
    }
}

/// Reads on until a line has these words.
fn hear(said: &mut impl std::io::BufRead, words: &str) {
    let mut line = String::new();
    while !line.contains(words) {
        line.clear();
        assert_ne!(said.read_line(&mut line).expect("text"), 0, "it ended before it said {words}");
    }
}

fn signal(child: &Child, name: &str) {
    let killed = Command::new("kill").args(["-s", name, &child.id().to_string()]).status();
    assert!(killed.is_ok_and(|status| status.success()), "kill");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_upgrade_leaves_is_explained_and_repaired() {
    let served = Served::empty().await;
    let (mut child, _said) = served.hanging_upgrade();
    child.kill().expect("it runs");
    child.wait().expect("it ends");

    let held = "revision 2 is pending-upgrade for ";
    let refused = "Error: UPGRADE FAILED: another operation (install/upgrade/rollback) is in progress\n  hint: ";
    let (_, said, code) = served.run("upgrade web CHART");
    assert_eq!(code, 1);
    assert!(said.starts_with(&format!("{refused}{held}")) && said.ends_with("is still at work\n"), "{said}");
    let (found, noted, code) = served.run("doctor web");
    assert_eq!((found.as_str(), code), ("1 release: nothing found\n", 0));
    assert!(noted.contains("is still at work; it is left alone"), "{noted}");

    // Half a minute later.
    let storage = served.storage();
    let newest = storage.history("web").await.expect("history").pop().expect("a record");
    let quiet = jiff::Timestamp::from_second(storage.cluster().now() - 31).expect("a time").to_string();
    storage.annotate(&newest, &BTreeMap::from([(HEARTBEAT.to_owned(), quiet)])).await.expect("annotate");
    let (_, said, _) = served.run("upgrade web CHART");
    assert!(said.contains(" was last heard 3"), "{said}");
    assert!(said.contains("hint: pilothouse doctor web -n default --repair marks it failed"), "{said}");
    let (found, _, code) = served.run("doctor web");
    assert_eq!(code, 2);
    assert!(found.starts_with("default/web\n  abandoned revision 2: sh.helm.release.v1.web.v2\n"), "{found}");

    assert_eq!(served.run("doctor --repair --dry-run").2, 2);
    let (_, said, code) = served.run("doctor --repair");
    assert_eq!((said.contains("--yes"), code), (true, 1), "nobody was asked");
    assert!(served.run("doctor --repair --yes --read-only").1.contains("--read-only"));
    let folder = served.folder.path().join("kept/here");
    let repair = format!("doctor --repair --yes --backup-dir {}", folder.display());
    let (_, said, code) = served.run(&repair);
    assert_eq!(code, 0, "{said}");
    let kept: Vec<_> =
        std::fs::read_dir(&folder).expect("the folder").map(|file| file.expect("a file").path()).collect();
    let mode = |path: &Path| std::fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!((kept.len(), mode(&kept[0]), mode(&folder)), (1, 0o600, 0o700));

    assert_eq!(served.run("upgrade web CHART --set replicas=1").2, 0);
    let statuses: Vec<String> =
        storage.history("web").await.expect("history").iter().map(|meta| meta.status.as_str().to_owned()).collect();
    assert_eq!(statuses, ["superseded", "failed", "deployed"]);
    let restore = format!("doctor --restore {} --yes --backup-dir {}", kept[0].display(), folder.display());
    let (_, said, code) = served.run(&restore);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("sh.helm.release.v1.web.v2: put back in the place of another"), "{said}");
    let files = std::fs::read_dir(&folder).expect("the folder").count();
    assert_eq!(files, 2, "what was written over is kept as well");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_signal_ends_it_properly() {
    for name in ["INT", "TERM"] {
        let served = Served::empty().await;
        let (mut child, mut said) = served.hanging_upgrade();
        signal(&child, name);
        hear(&mut said, "Error: UPGRADE FAILED: cancelled");
        assert_eq!(child.wait().expect("it ends").code(), Some(1));
        let newest = served.storage().history("web").await.expect("history").pop().expect("a record");
        assert_eq!(newest.status.as_str(), "failed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_ends_it_at_once() {
    let served = Served::empty().await;
    let (mut child, mut said) = served.hanging_upgrade();
    let is_record = |request: &http::request::Parts| request.uri.path().contains("/secrets");
    served.sandbox.set_fault(move |request| is_record(request).then_some(Fault::Hang));
    signal(&child, "INT");
    hear(&mut said, "once more to give up on that");
    signal(&child, "INT");
    assert_eq!(child.wait().expect("it ends").code(), Some(130));
}

fn cluster(sandbox: &Sandbox) -> Cluster {
    Cluster::from_client(sandbox.client(), "sandbox", "default")
}

#[tokio::test]
async fn an_abandoned_operation_is_marked_failed_and_can_be_put_back() {
    let sandbox = Sandbox::empty();
    ops::an_abandoned_operation_is_marked_failed_and_can_be_put_back(cluster(&sandbox), "default").await;
}

#[tokio::test]
async fn an_operation_at_work_is_left_alone() {
    let sandbox = Sandbox::empty();
    ops::an_operation_at_work_is_left_alone(cluster(&sandbox), "default").await;
}

#[tokio::test]
async fn several_deployed_become_one() {
    let sandbox = Sandbox::empty();
    ops::several_deployed_become_one(cluster(&sandbox), "default").await;
}

#[tokio::test]
async fn residue_of_a_failed_revision_is_deleted() {
    let sandbox = Sandbox::empty();
    ops::residue_of_a_failed_revision_is_deleted(cluster(&sandbox), "default").await;
}

#[tokio::test]
async fn orphans_are_told_and_deleted_only_when_asked() {
    let sandbox = Sandbox::empty();
    ops::orphans_are_told_and_deleted_only_when_asked(cluster(&sandbox), "default").await;
}

#[tokio::test]
async fn a_removed_version_is_named_with_the_served_one_and_written_anew() {
    let sandbox = Sandbox::empty();
    ops::a_removed_version_is_named_with_the_served_one_and_written_anew(cluster(&sandbox), "default").await;
}

#[tokio::test]
async fn a_record_that_cannot_be_read_is_deleted_and_comes_back() {
    let sandbox = Sandbox::empty();
    ops::a_record_that_cannot_be_read_is_deleted_and_comes_back(cluster(&sandbox), "default").await;
}

#[tokio::test]
async fn a_large_record_is_told_with_what_makes_it_large() {
    let sandbox = Sandbox::empty();
    ops::a_large_record_is_told_with_what_makes_it_large(cluster(&sandbox), "default").await;
}

#[tokio::test]
async fn records_move_between_drivers() {
    for (from, to) in [(Driver::Secrets, Driver::ConfigMaps), (Driver::ConfigMaps, Driver::Secrets)] {
        let sandbox = Sandbox::empty();
        let storage = |driver| Storage::new(cluster(&sandbox), driver, "default");
        ops::records_move_between_drivers(storage(from), storage(to)).await;
    }
}

/// What a failure says is cut short where a record that fits has no room for it.
#[tokio::test]
async fn a_failure_is_recorded_in_a_record_that_is_nearly_full() {
    let sandbox = Sandbox::empty();
    let storage = Storage::new(cluster(&sandbox), Driver::Secrets, "default");
    let limit = storage.size_limit().expect("a limit");
    let noise = ops::noise(limit);
    let mut release =
        Release { name: "web".to_owned(), namespace: "default".to_owned(), revision: 1, ..Release::default() };
    release.info.status = Status::Deployed;
    let mut fill = |length: usize| {
        let comment = &noise[..length];
        release.manifest = format!("---\n# {comment}\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a}}\n");
        (codec::encode(&release).expect("encodes").len(), release.clone())
    };
    let some = limit / 2;
    let (bytes, _) = fill(some);
    let (bytes, release) = fill(some * (limit - 2000) / bytes);
    assert!((limit - 8000..limit - 500).contains(&bytes), "{bytes}");
    storage.create(&release, &BTreeMap::new()).await.expect("create a record");

    let words = ops::noise(50_000);
    sandbox.set_fault(move |request| {
        let refusal = Fault::Status { code: 422, message: words.clone(), retry_after: None };
        (request.method != "GET" && request.uri.path().contains("/configmaps")).then_some(refusal)
    });
    let options = Options::default();
    let prepared = prepare_rollback(&storage, "web", RollbackTarget::Previous, &options).await.expect("prepared");
    let silent: Reporter = std::sync::Arc::new(|_| ());
    let failed = execute(&storage, prepared, None, &silent, &CancellationToken::new()).await;
    assert!(matches!(failed, Err(Error::Failed { .. })), "it is refused");
    let recorded = storage.get("web", 2).await.expect("the record");
    assert_eq!(recorded.info.status, Status::Failed);
    assert!(recorded.info.description.starts_with("Rollback \"web\" failed: "), "{:?}", recorded.info);
}
