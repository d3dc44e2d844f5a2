//! What is wrong with releases, on every Kubernetes API: one source, run on the sandbox and on the real control plane.

use std::{collections::BTreeMap, time::Duration};

use pilothouse::{
    cluster::{Cluster, read::Target},
    engine::{
        doctor::{
            Code, Diagnosis, Question, back_up,
            backup::{self, Backup, Restored},
            diagnose, repair, transfer,
        },
        record::{HEARTBEAT, HOLDER},
    },
    manifest::Object,
    release::{Driver, Release, Status, Storage, storage::record_name},
};
use serde_json::{Value, json};

/// A namespace of one's own, with records as Secrets.
struct Ward {
    storage: Storage,
}

impl Ward {
    fn new(cluster: Cluster, namespace: &str) -> Self {
        Self { storage: Storage::new(cluster, Driver::Secrets, namespace) }
    }

    fn namespace(&self) -> &str {
        self.storage.namespace()
    }

    /// Writes a revision of `web` whose manifest is this text.
    async fn record(&self, revision: u32, status: Status, manifest: &str, annotations: &[(&str, &str)]) {
        let mut release = Release {
            name: "web".to_owned(),
            namespace: self.namespace().to_owned(),
            revision,
            manifest: manifest.to_owned(),
            labels: BTreeMap::from([("team".to_owned(), "front".to_owned())]),
            unknown: json!({"of_tomorrow": [1]}).as_object().expect("a map").clone(),
            ..Release::default()
        };
        release.info.status = status;
        release.info.description = format!("revision {revision}");
        let annotations = annotations.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        self.storage.create(&release, &annotations).await.expect("create a record");
    }

    /// Makes a ConfigMap whose annotations name a release.
    async fn config(&self, name: &str, release: &str, change: impl FnOnce(&mut Value)) -> Object {
        let mut object = json!({"apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": name, "namespace": self.namespace(),
                "labels": {"app.kubernetes.io/managed-by": "Helm"},
                "annotations": {"meta.helm.sh/release-name": release,
                    "meta.helm.sh/release-namespace": self.namespace()}},
            "data": {"a": "1"}});
        change(&mut object);
        let object = Object::new(object);
        self.storage.cluster().create(&self.target(name), &object, false).await.expect("create")
    }

    fn target(&self, name: &str) -> Target {
        let object = json!({"apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": name, "namespace": self.namespace()}});
        Target { api_version: "v1".to_owned(), key: Object::new(object).key() }
    }

    async fn live(&self, name: &str) -> Option<Object> {
        self.storage.cluster().get(&self.target(name)).await.expect("readable")
    }

    async fn diagnose(&self, delete_orphans: bool) -> Diagnosis {
        let question = Question { release: None, patience: Duration::from_secs(600), delete_orphans };
        diagnose(&self.storage, &question).await.expect("a diagnosis")
    }

    /// Codes, revisions and objects of all that is found.
    async fn found(&self) -> Vec<(Code, u32, String)> {
        told(&self.diagnose(false).await)
    }

    /// Backs up into `folder` and repairs everything; the backup as it is read again.
    async fn repair(&self, diagnosis: &Diagnosis, folder: &std::path::Path) -> Backup {
        let kept = back_up(&self.storage, &diagnosis.findings).await.expect("readable");
        let path = kept.write(folder).expect("written");
        for repaired in repair(&self.storage, &diagnosis.findings).await {
            assert!(repaired.done.is_ok(), "{repaired:?}");
        }
        Backup::read(&path).expect("read")
    }

    async fn restore(&self, backup: &Backup) -> Vec<Restored> {
        assert_eq!(backup::foreign(&self.storage, backup), None);
        let done = std::sync::Mutex::new(Vec::new());
        let told = |_: &str, restored| done.lock().expect("nobody panics").push(restored);
        backup::restore(&self.storage.in_namespace(""), backup, &told).await.expect("restores");
        done.into_inner().expect("nobody panics")
    }

    /// Statuses of `web`, oldest first.
    async fn statuses(&self) -> Vec<String> {
        let metas = self.storage.history("web").await.expect("history");
        metas.iter().map(|meta| meta.status.as_str().to_owned()).collect()
    }
}

fn told(diagnosis: &Diagnosis) -> Vec<(Code, u32, String)> {
    let line = |finding: &pilothouse::engine::doctor::Finding| (finding.code, finding.revision, finding.object.clone());
    diagnosis.findings.iter().map(line).collect()
}

fn manifest(names: &[&str]) -> String {
    let document = |name: &&str| {
        format!(
            "---\n# Source: web/templates/{name}.yaml\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\n"
        )
    };
    names.iter().map(document).collect()
}

pub async fn an_abandoned_operation_is_marked_failed_and_can_be_put_back(cluster: Cluster, namespace: &str) {
    let ward = Ward::new(cluster, namespace);
    ward.record(1, Status::Deployed, &manifest(&["a"]), &[]).await;
    let gone = [(HOLDER, "pilothouse[42]"), (HEARTBEAT, "2026-01-01T00:00:00Z")];
    ward.record(2, Status::PendingUpgrade, &manifest(&["a"]), &gone).await;
    let diagnosis = ward.diagnose(false).await;
    let record = record_name("web", 2);
    assert_eq!(told(&diagnosis), [(Code::Abandoned, 2, record)]);
    assert!(diagnosis.findings[0].explanation.contains("; pilothouse[42] was last heard "), "{diagnosis:?}");

    let folder = tempfile::tempdir().expect("a folder");
    let backup = ward.repair(&diagnosis, folder.path()).await;
    assert_eq!(ward.statuses().await, ["deployed", "failed"]);
    let release = ward.storage.get("web", 2).await.expect("the record");
    assert!(release.info.description.starts_with("Upgrade \"web\" failed: abandoned: "), "{:?}", release.info);
    assert!(release.unknown.contains_key("of_tomorrow") && release.labels["team"] == "front");
    assert_eq!(ward.found().await, []);

    assert_eq!(ward.restore(&backup).await, [Restored::Replaced]);
    assert_eq!(ward.restore(&backup).await, [Restored::Same]);
    assert_eq!(told(&ward.diagnose(false).await), told(&diagnosis));
}

pub async fn an_operation_at_work_is_left_alone(cluster: Cluster, namespace: &str) {
    let ward = Ward::new(cluster, namespace);
    let at =
        |seconds| jiff::Timestamp::from_second(ward.storage.cluster().now() - seconds).expect("a time").to_string();
    ward.record(1, Status::PendingInstall, "", &[(HOLDER, "pilothouse[42]"), (HEARTBEAT, &at(5))]).await;
    let diagnosis = ward.diagnose(false).await;
    assert_eq!(told(&diagnosis), []);
    assert!(diagnosis.notes[0].ends_with("pilothouse[42] is still at work; it is left alone"), "{diagnosis:?}");

    // One that looked gone, and beats between diagnosis and repair.
    let meta = ward.storage.history("web").await.expect("history").remove(0);
    let beat = |text: String| BTreeMap::from([(HEARTBEAT.to_owned(), text)]);
    let meta = ward.storage.annotate(&meta, &beat(at(300))).await.expect("annotate");
    let diagnosis = ward.diagnose(false).await;
    assert_eq!(diagnosis.findings.len(), 1);
    ward.storage.annotate(&meta, &beat(at(0))).await.expect("annotate");
    let repaired = repair(&ward.storage, &diagnosis.findings).await;
    assert!(repaired[0].done.is_err(), "{repaired:?}");
    assert_eq!(ward.statuses().await, ["pending-install"]);
}

pub async fn several_deployed_become_one(cluster: Cluster, namespace: &str) {
    let ward = Ward::new(cluster, namespace);
    for revision in [1, 2, 3] {
        ward.record(revision, Status::Deployed, "", &[]).await;
    }
    let diagnosis = ward.diagnose(false).await;
    let record = |revision| (Code::SeveralDeployed, revision, record_name("web", revision));
    assert_eq!(told(&diagnosis), [record(1), record(2)]);
    let folder = tempfile::tempdir().expect("a folder");
    ward.repair(&diagnosis, folder.path()).await;
    assert_eq!(ward.statuses().await, ["superseded", "superseded", "deployed"]);
}

/// Revision 2 failed and left `b`, `c`, `d` and `e` behind, of which revision 3 has `c`, `d` is kept and `e` another's.
pub async fn residue_of_a_failed_revision_is_deleted(cluster: Cluster, namespace: &str) {
    let ward = Ward::new(cluster, namespace);
    ward.record(1, Status::Superseded, &manifest(&["a"]), &[]).await;
    ward.record(2, Status::Failed, &manifest(&["a", "b", "c", "d", "e", "f"]), &[]).await;
    let keep = |object: &mut Value| object["metadata"]["annotations"]["helm.sh/resource-policy"] = json!("keep");
    for name in ["a", "b", "c"] {
        ward.config(name, "web", |_| ()).await;
    }
    ward.config("d", "web", keep).await;
    ward.config("e", "other", keep).await;
    // As long as the failed revision is the newest, its objects are what the next operation starts from.
    assert_eq!(ward.found().await, []);
    ward.record(3, Status::Deployed, &manifest(&["a", "c"]), &[]).await;
    let diagnosis = ward.diagnose(false).await;
    assert_eq!(told(&diagnosis), [(Code::Residue, 2, "ConfigMap/b".to_owned())]);

    let folder = tempfile::tempdir().expect("a folder");
    let backup = ward.repair(&diagnosis, folder.path()).await;
    assert!(ward.live("b").await.is_none() && ward.live("c").await.is_some() && ward.live("d").await.is_some());
    assert_eq!(ward.restore(&backup).await, [Restored::Created]);
    assert_eq!(ward.restore(&backup).await, [Restored::LeftAlone]);
    assert_eq!(ward.live("b").await.expect("it is back").value["data"], json!({"a": "1"}));

    // After an uninstall that keeps the history nothing of the release should be there.
    for name in ["a", "c"] {
        ward.storage.cluster().delete(&ward.target(name), &Default::default()).await.expect("deleted");
    }
    let meta = ward.storage.history("web").await.expect("history").remove(2);
    let mut release = ward.storage.get("web", 3).await.expect("the record");
    release.info.status = Status::Uninstalled;
    ward.storage.update(&meta, &release).await.expect("uninstalled");
    assert_eq!(ward.found().await, [(Code::Residue, 2, "ConfigMap/b".to_owned())]);
}

pub async fn orphans_are_told_and_deleted_only_when_asked(cluster: Cluster, namespace: &str) {
    let ward = Ward::new(cluster, namespace);
    ward.record(1, Status::Deployed, &manifest(&["a"]), &[]).await;
    let owner = ward.config("a", "web", |_| ()).await;
    ward.config("lost", "gone", |_| ()).await;
    ward.config("kept", "gone", |object| {
        object["metadata"]["annotations"]["helm.sh/resource-policy"] = json!("keep");
    })
    .await;
    ward.config("dependent", "gone", |object| {
        object["metadata"]["ownerReferences"] =
            json!([{"apiVersion": "v1", "kind": "ConfigMap", "name": "a", "uid": owner.uid()}]);
    })
    .await;
    // Of a release whose records lie elsewhere.
    ward.config("there", "moved", |_| ()).await;
    let elsewhere = Storage::new(ward.storage.cluster().clone(), Driver::ConfigMaps, namespace);
    let mut moved = Release { name: "moved".to_owned(), revision: 1, ..Release::default() };
    moved.info.status = Status::Deployed;
    elsewhere.create(&moved, &BTreeMap::new()).await.expect("create a record");

    let diagnosis = ward.diagnose(false).await;
    assert_eq!(told(&diagnosis), [(Code::Orphan, 0, "ConfigMap/lost".to_owned())]);
    assert!(!diagnosis.findings[0].is_repairable());
    assert_eq!(diagnosis.notes, [format!("{namespace}/moved: its records are in configmaps")]);
    let diagnosis = ward.diagnose(true).await;
    let folder = tempfile::tempdir().expect("a folder");
    let backup = ward.repair(&diagnosis, folder.path()).await;
    assert!(ward.live("lost").await.is_none() && ward.live("kept").await.is_some());
    assert_eq!(ward.restore(&backup).await, [Restored::Created]);
}

pub async fn a_removed_version_is_named_with_the_served_one_and_written_anew(cluster: Cluster, namespace: &str) {
    let ward = Ward::new(cluster, namespace);
    let budget = "---\n# Source: web/templates/pdb.yaml\napiVersion: policy/v1beta1\nkind: PodDisruptionBudget\n\
                  metadata:\n  name: web\n";
    let unknown = "---\napiVersion: nobody.example/v1\nkind: Dial\nmetadata:\n  name: x\n";
    ward.record(1, Status::Superseded, &format!("{budget}{unknown}"), &[]).await;
    ward.record(2, Status::Deployed, &manifest(&["a"]), &[]).await;
    let diagnosis = ward.diagnose(false).await;
    let finding = |object: &str| (Code::RemovedVersion, 1, object.to_owned());
    assert_eq!(told(&diagnosis), [finding("Dial/x"), finding("PodDisruptionBudget/web")]);
    let repairable: Vec<bool> = diagnosis.findings.iter().map(|finding| finding.is_repairable()).collect();
    assert_eq!(repairable, [false, true]);
    assert!(diagnosis.findings[1].explanation.contains("; policy/v1 is"), "{diagnosis:?}");
    let folder = tempfile::tempdir().expect("a folder");
    ward.repair(&diagnosis, folder.path()).await;
    let release = ward.storage.get("web", 1).await.expect("the record");
    assert_eq!(release.manifest, format!("{budget}{unknown}").replace("v1beta1", "v1"));
    assert_eq!(ward.found().await, [finding("Dial/x")]);
}

pub async fn a_record_that_cannot_be_read_is_deleted_and_comes_back(cluster: Cluster, namespace: &str) {
    let ward = Ward::new(cluster, namespace);
    ward.record(1, Status::Deployed, &manifest(&["a"]), &[]).await;
    ward.record(2, Status::Superseded, &manifest(&["a"]), &[]).await;
    let record = record_name("web", 2);
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": record}});
    let secret = ward.storage.cluster().target(&Object::new(secret), namespace).await.expect("served");
    let patch = pilothouse::cluster::apply::Patch {
        content_type: "application/merge-patch+json",
        body: json!({"data": {"release": "SDRzSW4AAAA="}}),
    };
    ward.storage.cluster().patch(&secret, &patch, false).await.expect("damaged");
    let before = ward.storage.cluster().get(&secret).await.expect("readable").expect("there");
    let diagnosis = ward.diagnose(false).await;
    assert_eq!(told(&diagnosis), [(Code::Unreadable, 2, record)]);
    let folder = tempfile::tempdir().expect("a folder");
    let backup = ward.repair(&diagnosis, folder.path()).await;
    assert_eq!(ward.statuses().await, ["deployed"]);
    assert_eq!(ward.restore(&backup).await, [Restored::Created]);
    let after = ward.storage.cluster().get(&secret).await.expect("readable").expect("there");
    for part in ["data", "type"] {
        assert_eq!(after.value[part], before.value[part]);
    }
    assert_eq!(after.value["metadata"]["labels"], before.value["metadata"]["labels"]);
}

/// A file that nothing compresses.
pub fn noise(bytes: usize) -> String {
    let mut state = 1_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(b'!' + ((state >> 33) % 94) as u8)
    };
    (0..bytes).map(|_| next()).collect()
}

pub async fn a_large_record_is_told_with_what_makes_it_large(cluster: Cluster, namespace: &str) {
    let ward = Ward::new(cluster, namespace);
    let comment = format!("---\n# {}\n{}", noise(600_000), manifest(&["a"]));
    ward.record(1, Status::Superseded, &comment, &[]).await;
    ward.record(2, Status::Deployed, &format!("{comment}# {}\n", noise(200_000)), &[]).await;
    let diagnosis = ward.diagnose(false).await;
    assert_eq!(told(&diagnosis), [(Code::LargeRecord, 2, record_name("web", 2))]);
    let words = &diagnosis.findings[0].explanation;
    assert!(
        words.contains(" bytes of the 1048576 that Kubernetes stores; before compression, manifest 800"),
        "{words}"
    );
}

/// Moves `web` from one driver to another: what an interruption left is gone on with, what differs is refused.
pub async fn records_move_between_drivers(from: Storage, to: Storage) {
    let ward = Ward { storage: from.clone() };
    ward.record(1, Status::Superseded, &manifest(&["a"]), &[]).await;
    ward.record(2, Status::Deployed, &manifest(&["a", "b"]), &[]).await;
    ward.record(3, Status::PendingUpgrade, "", &[]).await;
    let before: Vec<Release> = releases(&from).await;

    // Interrupted after one was written there.
    let plan = transfer::plan(&from, &to, Some("web")).await.expect("a plan");
    assert_eq!((plan.backup.records.len(), plan.there), (3, 0));
    let written = to.put(&plan.backup.records[0], None).await.expect("put");
    let plan = transfer::plan(&from, &to, None).await.expect("a plan");
    assert_eq!((plan.backup.records.len(), plan.there), (3, 1));

    // Somebody made another of it.
    let mut other = Release::clone(&*to.decode(&written).await.expect("decodes"));
    other.info.description = "another".to_owned();
    let changed = to.update(&written, &other).await.expect("update");
    let refused = transfer::plan(&from, &to, None).await.err().map(|error| error.to_string());
    let words = format!("nothing was moved: {} is in {} already, and differs", record_name("web", 1), to.driver());
    assert_eq!(refused, Some(words));
    assert!(transfer::carry_out(&from, &to, &plan).await.is_err(), "it is looked at again before anything is deleted");
    assert_eq!(from.history("web").await.expect("history").len(), 3);
    to.put(&plan.backup.records[0], Some(&changed)).await.expect("put");

    // A record came while it was moved.
    let plan = transfer::plan(&from, &to, None).await.expect("a plan");
    ward.record(4, Status::Failed, "", &[]).await;
    let refused = transfer::carry_out(&from, &to, &plan).await.err().map(|error| error.to_string());
    let words = format!("records were written meanwhile: nothing was deleted from {}", from.driver());
    assert_eq!(refused, Some(words));
    assert_eq!(from.history("web").await.expect("history").len(), 4);
    let late = from.history("web").await.expect("history").pop().expect("a record");
    from.delete(&late).await.expect("deleted");

    // Interrupted after the first was deleted here.
    let plan = transfer::plan(&from, &to, None).await.expect("a plan");
    assert_eq!(plan.there, 3);
    from.delete(&from.history("web").await.expect("history")[0]).await.expect("deleted");
    let plan = transfer::plan(&from, &to, None).await.expect("a plan");
    transfer::carry_out(&from, &to, &plan).await.expect("moved");
    assert!(from.list("").await.expect("list").is_empty());
    let after: Vec<Release> = releases(&to).await;
    let json = |releases: &[Release]| serde_json::to_value(releases).expect("JSON");
    assert_eq!(json(&after), json(&before));
    assert!(after.iter().all(|release| release.labels["team"] == "front" && !release.unknown.is_empty()));
    let metas = to.history("web").await.expect("history");
    let statuses: Vec<&str> = metas.iter().map(|meta| meta.status.as_str()).collect();
    assert_eq!(statuses, ["superseded", "deployed", "pending-upgrade"]);
}

async fn releases(storage: &Storage) -> Vec<Release> {
    let metas = storage.history("web").await.expect("history");
    let decoded = storage.decode_many(&metas).await.into_iter();
    decoded.map(|release| Release::clone(&release.expect("decodes"))).collect()
}
