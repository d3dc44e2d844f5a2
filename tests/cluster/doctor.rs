//! `doctor` on the real server: the findings of the sandbox, what killed clients leave, moves that real Helm goes on
//! from, records near the limit, and what is said about refusals.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use pilothouse::{
    cluster::Cluster,
    release::{Driver, Release, Status, Storage},
};
use tempfile::TempDir;

use crate::{
    plane::{Plane, chart, plane, succeed},
    sql::{self, database, vars},
};

#[path = "../ops/doctor.rs"]
mod ops;

async fn fresh() -> (Cluster, String) {
    let namespace = plane().namespace();
    (plane().cluster("test", &namespace).await, namespace)
}

#[tokio::test]
async fn findings_and_repairs() {
    let (cluster, namespace) = fresh().await;
    ops::an_abandoned_operation_is_marked_failed_and_can_be_put_back(cluster, &namespace).await;
    let (cluster, namespace) = fresh().await;
    ops::an_operation_at_work_is_left_alone(cluster, &namespace).await;
    let (cluster, namespace) = fresh().await;
    ops::several_deployed_become_one(cluster, &namespace).await;
    let (cluster, namespace) = fresh().await;
    ops::residue_of_a_failed_revision_is_deleted(cluster, &namespace).await;
    let (cluster, namespace) = fresh().await;
    ops::orphans_are_told_and_deleted_only_when_asked(cluster, &namespace).await;
    let (cluster, namespace) = fresh().await;
    ops::a_removed_version_is_named_with_the_served_one_and_written_anew(cluster, &namespace).await;
    let (cluster, namespace) = fresh().await;
    ops::a_record_that_cannot_be_read_is_deleted_and_comes_back(cluster, &namespace).await;
    let (cluster, namespace) = fresh().await;
    ops::a_large_record_is_told_with_what_makes_it_large(cluster, &namespace).await;
}

#[tokio::test]
async fn records_move_between_all_drivers() {
    let drivers = || [Driver::Secrets, Driver::ConfigMaps, sql::driver(&database().url("postgres"))];
    for from in 0..3 {
        for to in (0..3).filter(|to| *to != from) {
            let (cluster, namespace) = fresh().await;
            let storage = |at: usize| Storage::new(cluster.clone(), drivers()[at].clone(), namespace.as_str());
            ops::records_move_between_drivers(storage(from), storage(to)).await;
        }
    }
}

/// Rows have no place for a heartbeat, so that only their age tells.
#[tokio::test]
async fn a_row_of_a_database_is_repaired_and_put_back() {
    let namespace = plane().namespace();
    let storage = sql::storage(&namespace).await;
    let connection = database().url("postgres");
    let mut release =
        Release { name: "web".to_owned(), namespace: namespace.clone(), revision: 1, ..Release::default() };
    release.info.status = Status::PendingInstall;
    release.labels.insert("team".to_owned(), "a".to_owned());
    storage.create(&release, &Default::default()).await.expect("create a record");
    let folder = TempDir::new().expect("a folder");
    let kept = folder.path().display().to_string();
    let doctor = |args: &[&str]| {
        let args = [&["doctor", "--yes", "--backup-dir", &kept, "-n", &namespace][..], args].concat();
        plane().try_pilothouse_with(&vars(&connection), &args)
    };
    let young = doctor(&["--repair"]);
    assert!(young.code == 0 && young.stderr.contains("is pending-install for "), "{young:?}");
    let repaired = doctor(&["--repair", "--abandoned-after", "0s"]);
    assert_eq!(repaired.code, 0, "{repaired:?}");
    let meta = storage.history("web").await.expect("history").remove(0);
    assert_eq!((meta.status.as_str(), meta.labels["team"].as_str()), ("failed", "a"));
    let file = fs::read_dir(folder.path()).expect("the folder").next().expect("a backup").expect("a file").path();
    let file = file.display().to_string();
    let elsewhere = plane().try_pilothouse(&["doctor", "--yes", "--restore", &file]);
    assert!(elsewhere.stderr.contains("its records are of HELM_DRIVER=sql, not of secrets"), "{elsewhere:?}");
    assert_eq!(doctor(&["--restore", &file]).code, 0);
    let meta = storage.history("web").await.expect("history").remove(0);
    assert_eq!((meta.status.as_str(), meta.labels["team"].as_str()), ("pending-install", "a"));
}

#[test]
fn helm_goes_on_with_a_release_that_was_moved() {
    let (plane, namespace, web) = (plane(), plane().namespace(), chart("web"));
    let connection = database().url("postgres");
    let sql = vars(&connection);
    let folder = TempDir::new().expect("a folder");
    let kept = folder.path().display().to_string();
    let helm = |vars: &[(&str, &str)], args: &str| {
        let args: Vec<&str> = args.split(' ').chain(["-n", &namespace]).collect();
        succeed("helm", &args, plane.try_helm_with(vars, &args))
    };
    let moved = |vars: &[(&str, &str)], to: &str| {
        let args = ["doctor", "--move-to", to, "--yes", "--backup-dir", &kept, "-n", &namespace];
        succeed("pilothouse", &args, plane.try_pilothouse_with(vars, &args))
    };
    helm(&[], &format!("install web {web} --labels team=a --set config.a=x"));
    helm(&[], &format!("upgrade web {web} --set replicas=1"));
    helm(&[], &format!("install other {web}"));
    let before = [helm(&[], "history web -o json"), helm(&[], "get all web")];
    assert_eq!(moved(&sql[1..], "sql"), format!("moved 3 records of {namespace} from secrets to sql\n"));
    assert_eq!(helm(&[], "list -q"), "");
    assert_eq!([helm(&sql, "history web -o json"), helm(&sql, "get all web")], before);
    assert!(helm(&sql, "get metadata web").contains("LABELS: team=a\n"));
    helm(&sql, &format!("upgrade web {web} --set replicas=2"));
    helm(&sql, "rollback web 1");
    moved(&sql, "configmaps");
    let config_maps = [("HELM_DRIVER", "configmap")];
    helm(&config_maps, &format!("upgrade web {web}"));
    moved(&config_maps, "secrets");
    helm(&[], "rollback web 2");
    let history = helm(&[], "history web");
    assert_eq!((history.lines().count(), history.matches("deployed").count()), (7, 1), "{history}");
    helm(&[], "uninstall web other");
    assert_eq!(fs::read_dir(&kept).expect("the folder").count(), 3);
}

/// Helm cannot build a revision whose API versions are gone; once they are written anew it can.
#[tokio::test]
async fn helm_upgrades_again_after_a_removed_version_was_replaced() {
    let (plane, (cluster, namespace)) = (plane(), fresh().await);
    let folder = TempDir::new().expect("a folder");
    let kept = folder.path().join("kept").display().to_string();
    let budget = "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: x}\nspec: {minAvailable: 1, selector: {matchLabels: {a: b}}}\n";
    fs::create_dir(folder.path().join("templates")).expect("a folder");
    fs::write(folder.path().join("Chart.yaml"), "apiVersion: v2\nname: x\nversion: 1.0.0\n").expect("a file");
    fs::write(folder.path().join("templates/x.yaml"), budget).expect("a file");
    let path = folder.path().display().to_string();
    plane.helm(&["install", "x", &path, "-n", &namespace]);
    let storage = Storage::new(cluster, Driver::Secrets, namespace.as_str());
    let meta = storage.history("x").await.expect("history").remove(0);
    let mut release = storage.get("x", 1).await.expect("the record");
    release.manifest = release.manifest.replace("policy/v1", "policy/v1beta1");
    storage.update(&meta, &release).await.expect("update");

    let upgrade = ["upgrade", "x", &path, "-n", &namespace];
    let refused = plane.try_helm(&upgrade);
    assert!(refused.stderr.contains("no matches for kind \"PodDisruptionBudget\" in version \"policy/v1beta1\""));
    let found = plane.try_pilothouse(&["doctor", "x", "-n", &namespace]);
    assert!(found.stdout.contains("  removed-version revision 1: PodDisruptionBudget/x\n"), "{found:?}");
    plane.pilothouse(&["doctor", "x", "-n", &namespace, "--repair", "--yes", "--backup-dir", &kept]);
    plane.helm(&upgrade);
    assert_eq!(plane.object(&namespace, "poddisruptionbudget/x")["metadata"]["generation"], 1, "nothing changed live");
}

/// One of our commands at the moment when it said these words.
fn stopped_at(plane: &Plane, args: &[&str], words: &str) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pilothouse"));
    command.args(args).arg("--debug").env("KUBECONFIG", plane.kubeconfig()).stdin(Stdio::null());
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it starts");
    let mut said = BufReader::new(child.stderr.take().expect("piped"));
    let mut line = String::new();
    while !line.contains(words) {
        line.clear();
        assert_ne!(said.read_line(&mut line).expect("text"), 0, "it ended before it said {words}");
    }
    child
}

/// Four operations are killed midway; half a minute later each is recognised, repaired, and goes on with real Helm.
#[test]
fn what_killed_clients_leave_is_repaired_and_helm_goes_on() {
    let (plane, namespace, web) = (plane(), plane().namespace(), chart("web"));
    let hanging = "hooks.enabled=true,hooks.image=registry.example/hang:1";
    let n = ["-n", namespace.as_str()];
    for name in ["upgraded", "back", "gone"] {
        plane.helm(&[&["install", name, &web, "--set", hanging][..], &n].concat());
    }
    plane.helm(&[&["upgrade", "back", &web, "--reset-values"][..], &n].concat());
    // An object that does not go away keeps the uninstall waiting.
    let held = ["patch", "configmap/gone", "-p", r#"{"metadata":{"finalizers":["example.com/hold"]}}"#];
    plane.kubectl(&[&held[..], &n].concat());
    let waiting = ["install", "new", &web, "--wait", "--set", "image=registry.example/fail:1"];
    let mut killed = vec![
        stopped_at(plane, &[&["upgrade", "upgraded", &web, "--set", hanging][..], &n].concat(), "HookStarted"),
        stopped_at(plane, &[&["rollback", "back", "1"][..], &n].concat(), "HookStarted"),
        stopped_at(plane, &[&["uninstall", "gone", "--wait"][..], &n].concat(), "PhaseStarted(Wait"),
        stopped_at(plane, &[&waiting[..], &n].concat(), "PhaseStarted(Wait"),
    ];
    for child in &mut killed {
        child.kill().expect("it runs");
        child.wait().expect("it ends");
    }
    for name in ["upgraded", "back"] {
        let args = [&["upgrade", name, &web][..], &n].concat();
        assert!(plane.try_helm(&args).stderr.contains("another operation (install/upgrade/rollback) is in progress"));
        let ours = plane.try_pilothouse(&args).stderr;
        assert!(ours.contains("  hint: revision ") && ours.contains("is still at work"), "{ours}");
    }
    let found = || plane.try_pilothouse(&[&["doctor"][..], &n].concat());
    plane.wait_until("the hearts to stop", || found().stdout.matches("  abandoned revision ").count() == 4);
    assert_eq!(found().code, 2);

    let folder = TempDir::new().expect("a folder");
    let kept = folder.path().display().to_string();
    let repair = plane.pilothouse(&[&["doctor", "--repair", "--yes", "--backup-dir", &kept][..], &n].concat());
    assert!(repair.ends_with("4 releases: 4 found\n"), "{repair}");
    assert_eq!((found().stdout.as_str(), found().code), ("4 releases: nothing found\n", 0));
    let listed = plane.helm(&[&["list", "-q", "--failed"][..], &n].concat());
    assert_eq!(listed, "back\ngone\nnew\nupgraded\n");
    plane.kubectl(&[&["patch", "configmap/gone", "-p", r#"{"metadata":{"finalizers":null}}"#][..], &n].concat());
    for name in ["upgraded", "back", "new", "gone"] {
        plane.helm(&[&["upgrade", name, &web, "--reset-values"][..], &n].concat());
        plane.helm(&[&["uninstall", name][..], &n].concat());
    }
}

/// A chart whose record is as large as this many bytes that nothing compresses.
fn big_chart(folder: &Path, bytes: usize) -> String {
    let path = folder.join(format!("big{bytes}"));
    fs::create_dir_all(path.join("templates")).expect("a folder");
    fs::create_dir_all(path.join("crds")).expect("a folder");
    let write = |name: &str, text: &[u8]| fs::write(path.join(name), text).expect("a file");
    write("Chart.yaml", b"apiVersion: v2\nname: big\nversion: 1.0.0\n");
    write("templates/c.yaml", b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: \"{{ .Release.Name }}\"}\ndata: {size: \"{{ len (.Files.Get \"noise.bin\") }}\"}\n");
    let definition = fs::read_to_string(Path::new(&chart("gadget")).join("crds/gadgets.yaml")).expect("a definition");
    write("crds/d.yaml", definition.replace("gadget", "bigone").replace("Gadget", "Bigone").as_bytes());
    let mut state = 1_u64;
    let noise: Vec<u8> = (0..bytes)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as u8
        })
        .collect();
    write("noise.bin", &noise);
    path.display().to_string()
}

#[test]
fn a_record_too_large_is_refused_before_anything_is_there() {
    let (plane, folder) = (plane(), TempDir::new().expect("a folder"));
    let (small, big) = (big_chart(folder.path(), 10), big_chart(folder.path(), 800_000));
    let namespace = format!("{}-large", plane.namespace());
    let install = ["install", "big", &big, "-n", &namespace, "--create-namespace"];
    let refused = plane.try_pilothouse(&install);
    assert_eq!(refused.code, 1);
    let words = "Error: INSTALLATION FAILED: record sh.helm.release.v1.big.v1 would be ";
    assert!(refused.stderr.starts_with(words), "{refused:?}");
    assert!(
        refused.stderr.contains("other files of the chart 80") && refused.stderr.contains("noise.bin 80"),
        "{refused:?}"
    );
    assert!(plane.try_kubectl(&["get", "namespace", &namespace]).code != 0, "no namespace was made");
    assert!(plane.try_kubectl(&["get", "crd", "bigones.example.com"]).code != 0, "no definition was made");
    // Helm finds out when both are there.
    let theirs = plane.try_helm(&install);
    assert!(theirs.stderr.contains("Too long: may not be more than 1048576 bytes"), "{theirs:?}");
    plane.kubectl(&["get", "namespace", &namespace]);

    plane.pilothouse(&["install", "big", &small, "-n", &namespace]);
    let before = plane.object(&namespace, "configmap/big");
    let upgrade = ["upgrade", "big", &big, "-n", &namespace];
    for args in [&upgrade[..], &[&upgrade[..], &["--review"]].concat()] {
        let refused = plane.try_pilothouse(args);
        assert!(refused.code == 1 && refused.stderr.contains("sh.helm.release.v1.big.v2 would be "), "{refused:?}");
    }
    assert_eq!(plane.object(&namespace, "configmap/big"), before);
    assert_eq!(plane.helm(&["history", "big", "-n", &namespace]).lines().count(), 2);
    // A database has room for it.
    let connection = database().url("postgres");
    let sql = vars(&connection);
    succeed("pilothouse", &upgrade, plane.try_pilothouse_with(&sql, &["install", "roomy", &big, "-n", &namespace]));
    let back = ["doctor", "--move-to", "secrets", "--yes", "-n", &namespace];
    let refused = plane.try_pilothouse_with(&sql, &back);
    assert!(refused.stderr.starts_with("Error: record sh.helm.release.v1.roomy.v1 would be "), "{refused:?}");
    succeed("helm", &[], plane.try_helm_with(&sql, &["uninstall", "roomy", "-n", &namespace]));
}

/// Where the limit is: what is checked beforehand is what the server checks.
#[tokio::test]
async fn the_limit_is_the_servers() {
    let (cluster, namespace) = fresh().await;
    let storage = Storage::new(cluster, Driver::Secrets, namespace.as_str());
    let limit = storage.size_limit().expect("a limit");
    let write = |name: &str, bytes: usize| {
        let file = tempfile::NamedTempFile::new().expect("a file");
        fs::write(file.path(), vec![b'x'; bytes]).expect("written");
        let from = format!("--from-file=release={}", file.path().display());
        plane().try_kubectl(&["create", "secret", "generic", name, &from, "-n", &namespace])
    };
    assert_eq!(write("fits", limit).code, 0);
    let refused = write("too-large", limit + 1);
    assert!(refused.code != 0 && refused.stderr.contains(&limit.to_string()), "{refused:?}");
}

/// Both fail with the same words, under which we say more.
#[track_caller]
fn check(args: &[&str], hints: &[&str]) {
    let clean = || {
        if let ["install", name, _, rest @ ..] = args {
            plane().try_helm(&[&["uninstall", name][..], &rest[..2]].concat());
        }
    };
    let ours = plane().try_pilothouse(args);
    clean();
    let theirs = plane().try_helm(args);
    clean();
    let error = |text: &str| text.lines().find(|line| line.starts_with("Error: ")).map(str::to_owned);
    assert_eq!((ours.code, error(&ours.stderr)), (1, error(&theirs.stderr)), "{ours:?}");
    let said: Vec<&str> = ours.stderr.lines().filter_map(|line| line.strip_prefix("  hint: ")).collect();
    assert_eq!(said, hints, "{ours:?}");
}

#[test]
fn refusals_are_explained() {
    let (plane, namespace, web) = (plane(), plane().namespace(), chart("web"));
    let other = plane.namespace();
    let n = ["-n", namespace.as_str()];
    plane.helm(&[&["install", "web", &web][..], &n].concat());
    plane.helm(&[&["install", "lonely", &chart("umbrella")][..], &n].concat());
    check(&["install", "web2", &web, "-n", "not-yet-made"], &["--create-namespace of install makes it"]);
    let elsewhere = format!("there is a release lonely in {namespace}: -n names the namespace");
    check(&["upgrade", "lonely", &web, "-n", &other], &[&elsewhere]);
    check(&["rollback", "lonely", "1", "-n", &other], &[&elsewhere]);
    check(&["uninstall", "lonely", "-n", &other], &[&elsewhere]);

    let folder = TempDir::new().expect("a folder");
    let make = |chart_yaml: &str, template: &str| {
        fs::create_dir_all(folder.path().join("templates")).expect("a folder");
        let head = format!("apiVersion: v2\nname: x\nversion: 1.0.0\n{chart_yaml}");
        fs::write(folder.path().join("Chart.yaml"), head).expect("a file");
        fs::write(folder.path().join("templates/x.yaml"), template).expect("a file");
        folder.path().display().to_string()
    };
    let service =
        "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {ports: [{port: 80}], selector: {a: b}}\n";
    let owned = format!("it belongs to the release web of {namespace}");
    check(&["install", "x", &make("", service), "-n", &namespace], &[&owned, "--take-ownership takes it over"]);
    let misspelt = "apiVersion: apps/v1\nkind: Deploymnt\nmetadata: {name: x}\n---\napiVersion: policy/v1beta1\nkind: PodDisruptionBudget\nmetadata: {name: x}\n";
    let nearest = [
        "the server has kind \"PodDisruptionBudget\" in version \"policy/v1\"",
        "the server has kind \"Deployment\" in version \"apps/v1\"",
    ];
    check(&["install", "x", &make("", misspelt), "-n", &namespace], &nearest);
    let newer = make("kubeVersion: '>=1.99.0'\n", service);
    let version = plane.kubectl(&["version", "-o", "yaml"]);
    let version = version.split("serverVersion:").nth(1).and_then(|text| text.split("gitVersion: ").nth(1));
    let version = version.and_then(|text| text.lines().next()).expect("a version");
    let older = format!("an older version of the chart may take {version}; its Chart.yaml says which cluster it wants");
    check(&["install", "x", &newer, "-n", &namespace], &[&older]);

    let config = |name: &str| format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\n");
    plane.kubectl(&[&["create", "quota", "few", "--hard=count/configmaps=2"][..], &["-n", &other]].concat());
    plane.wait_until("the quota to count", || {
        plane.object(&other, "quota/few")["status"]["used"]["count/configmaps"] == "1"
    });
    plane.kubectl(&["create", "configmap", "one", "-n", &other]);
    let allows = "the ResourceQuota few allows count/configmaps=2, count/configmaps=2 is used and count/configmaps=1 more would be: \
                  raise it, or free some";
    check(&["install", "x", &make("", &config("x")), "-n", &other], &[allows]);

    let elsewhere = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x, namespace: defaul}\n";
    let near = [
        "a template of the chart names the namespace defaul: it has to be there before",
        "there is a namespace default",
    ];
    check(&["install", "y", &make("", elsewhere), "-n", &namespace], &near);

    let selector = |value: &str| {
        format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: d}}\nspec: {{replicas: 0, selector: {{matchLabels: {{a: {value}}}}}, template: {{metadata: {{labels: {{a: {value}}}}}, spec: {{containers: [{{name: a, image: a}}]}}}}}}\n"
        )
    };
    plane.helm(&[&["install", "d", &make("", &selector("b"))][..], &n].concat());
    let fixed = "Deployment/d: spec.selector cannot be changed once the object exists: leave it as it is, or let the object \
                 be deleted and made anew with --recreate Deployment/d";
    for method in ["true", "false"] {
        let flag = format!("--server-side={method}");
        check(&["upgrade", "d", &make("", &selector("c")), "-n", &namespace, &flag], &[fixed]);
    }

    // Who may write all but records, and a webhook that nobody answers for.
    let role = ["--verb=*", "--resource=configmaps,services,deployments.apps"];
    plane.kubectl(&[&["create", "role", "objects"][..], &role, &["-n", &other]].concat());
    plane.kubectl(&["create", "rolebinding", "objects", "--role=objects", "--user=mute", "-n", &other]);
    let rights = "releases are recorded in secrets: that takes the rights to get, list, create, update and delete them; \
                  HELM_DRIVER=configmaps records new releases in configmaps";
    check(&["install", "z", &make("", &config("z")), "-n", &other, "--kube-context", "mute"], &[rights]);
    let guard = format!(
        r#"{{"apiVersion":"admissionregistration.k8s.io/v1","kind":"ValidatingWebhookConfiguration","metadata":{{"name":"{namespace}"}},
        "webhooks":[{{"name":"guard.example.com","clientConfig":{{"service":{{"name":"guard","namespace":"default"}}}},
        "rules":[{{"apiGroups":[""],"apiVersions":["v1"],"operations":["CREATE"],"resources":["configmaps"]}}],
        "namespaceSelector":{{"matchLabels":{{"kubernetes.io/metadata.name":"{namespace}"}}}},
        "admissionReviewVersions":["v1"],"sideEffects":"None"}}]}}"#
    );
    let file = folder.path().join("guard.json");
    fs::write(&file, guard).expect("a file");
    plane.kubectl(&["apply", "-f", &file.display().to_string()]);
    plane.wait_until("the webhook", || {
        plane.try_kubectl(&["create", "configmap", "probe", "-n", &namespace, "--dry-run=server"]).code != 0
    });
    let answers = format!(
        "the webhook guard.example.com is of ValidatingWebhookConfiguration/{namespace}; the Service guard of default answers for it"
    );
    check(&["install", "g", &make("", &config("g")), "-n", &namespace], &[&answers]);
    plane.kubectl(&["delete", "validatingwebhookconfiguration", &namespace]);
}
