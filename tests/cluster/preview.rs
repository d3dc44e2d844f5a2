//! What a preview predicts is what the server then stores: create, update, delete, conflict, refusal, change of method.

use pilothouse::{
    diff::{Change, Redactor},
    engine::{
        Error, Options, Prepared, Preview, RollbackTarget, ServerSideMode, execute, prepare_rollback, preview,
        progress::Reporter,
    },
    manifest::Object,
    release::{Driver, Storage},
};
use serde_json::Value;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

use crate::plane::{chart, plane};

const METHODS: [&str; 2] = ["true", "false"];

/// A release of the chart `web` with two revisions, the second with another image and one more object.
fn two_revisions(method: &str) -> String {
    let plane = plane();
    let namespace = plane.namespace();
    let server_side = format!("--server-side={method}");
    plane.helm(&["install", "web", &chart("web"), "-n", &namespace, &server_side, "--set", "env.GONE=1"]);
    let second = "image=registry.example/web:2.0,extra=true,kept=true,env.NEW=1,replicas=5,config.greeting=bye";
    plane.helm(&["upgrade", "web", &chart("web"), "-n", &namespace, "--set", second]);
    namespace
}

async fn storage(namespace: &str) -> Storage {
    Storage::new(plane().cluster("test", namespace).await, Driver::Secrets, namespace)
}

async fn review(storage: &Storage, name: &str, options: &Options) -> (Prepared, Preview) {
    let prepared = prepare_rollback(storage, name, RollbackTarget::Previous, options).await.expect("prepare");
    let preview = preview(storage, &prepared, &Redactor::new([7; 32])).await.expect("preview");
    (prepared, preview)
}

async fn press(storage: &Storage, prepared: Prepared, preview: &Preview) -> Result<(), Error> {
    let silent: Reporter = Arc::new(|_| {});
    execute(storage, prepared, Some(&preview.basis), &silent, &CancellationToken::new()).await.map(drop)
}

/// What the server makes up: never predicted, never compared.
fn comparable(object: &Object) -> Value {
    let mut value = object.value.clone();
    if let Some(root) = value.as_object_mut() {
        root.remove("status");
    }
    if let Some(metadata) = value["metadata"].as_object_mut() {
        for field in ["uid", "resourceVersion", "generation", "creationTimestamp", "managedFields"] {
            metadata.remove(field);
        }
        // The Deployment controller counts here after every change of the template.
        if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
            annotations.remove("deployment.kubernetes.io/revision");
        }
    }
    if let Some(spec) = value["spec"].as_object_mut() {
        for field in ["clusterIP", "clusterIPs"] {
            spec.remove(field);
        }
    }
    value
}

/// Reviews and presses; every prediction must equal what is stored afterwards.
async fn check(label: &str, namespace: &str, name: &str, options: Options, expected: &[(&str, Change)]) {
    let storage = storage(namespace).await;
    let (prepared, preview) = review(&storage, name, &options).await;
    let mut changes: Vec<(String, Change)> =
        preview.objects.iter().map(|o| (format!("{}/{}", o.target.key.kind, o.target.key.name), o.change)).collect();
    changes.retain(|(_, change)| *change != Change::None);
    changes.sort();
    let expected: Vec<(String, Change)> = expected.iter().map(|(what, change)| ((*what).to_owned(), *change)).collect();
    assert_eq!(changes, expected, "{label}: {}", preview.headline);
    press(&storage, prepared, &preview).await.unwrap_or_else(|error| panic!("{label}: {error}"));
    for object in &preview.objects {
        let stored = storage.cluster().get(&object.target).await.expect("readable");
        if object.change == Change::Delete {
            let gone = stored.is_none_or(|stored| !stored.value["metadata"]["deletionTimestamp"].is_null());
            assert!(gone, "{label}: {:?} was to be deleted", object.target);
            continue;
        }
        let stored = stored.unwrap_or_else(|| panic!("{label}: {:?} is missing", object.target));
        let predicted =
            object.predicted.as_ref().unwrap_or_else(|| panic!("{label}: {:?} was not predicted", object.target));
        assert_eq!(comparable(predicted), comparable(&stored), "{label}: {:?}", object.target);
    }
}

/// The objects in which the two revisions of `two_revisions` differ. What is kept is not deleted.
const DIFFERENT: [(&str, Change); 3] =
    [("ConfigMap/web", Change::Update), ("ConfigMap/web-extra", Change::Delete), ("Deployment/web", Change::Update)];

#[tokio::test]
async fn update_and_delete_come_out_as_predicted() {
    for method in METHODS {
        let namespace = two_revisions(method);
        check(method, &namespace, "web", Options::default(), &DIFFERENT).await;
    }
}

#[tokio::test]
async fn create_comes_out_as_predicted() {
    for method in METHODS {
        let namespace = two_revisions(method);
        plane().kubectl(&["delete", "service/web", "deploy/web", "-n", &namespace]);
        let expected = [
            ("ConfigMap/web", Change::Update),
            ("ConfigMap/web-extra", Change::Delete),
            ("Deployment/web", Change::Create),
            ("Service/web", Change::Create),
        ];
        check(method, &namespace, "web", Options::default(), &expected).await;
    }
}

#[tokio::test]
async fn taken_fields_come_out_as_predicted() {
    for method in METHODS {
        let namespace = two_revisions(method);
        plane().kubectl(&["set", "image", "deploy/web", "web=registry.example/hand:1", "-n", &namespace]);
        plane().kubectl(&["label", "configmap/web", "hand=was-here", "-n", &namespace]);
        let options = Options { force_conflicts: method == "true", ..Options::default() };
        check(method, &namespace, "web", options, &DIFFERENT).await;
    }
}

#[tokio::test]
async fn a_change_of_method_comes_out_as_predicted() {
    for (from, to) in [("false", ServerSideMode::True), ("true", ServerSideMode::False)] {
        let namespace = two_revisions(from);
        plane().kubectl(&["scale", "deploy/web", "--replicas=7", "-n", &namespace]);
        let options = Options { server_side: to, force_conflicts: to == ServerSideMode::True, ..Options::default() };
        check(&format!("{from} to {to:?}"), &namespace, "web", options, &DIFFERENT).await;
    }
}

#[tokio::test]
async fn a_conflict_is_listed_with_its_owner_and_refused_before_anything_is_written() {
    let namespace = two_revisions("true");
    plane().kubectl(&["set", "image", "deploy/web", "web=registry.example/hand:1", "-n", &namespace]);
    let storage = storage(&namespace).await;
    let (prepared, preview) = review(&storage, "web", &Options::default()).await;
    let deployment = preview.objects.iter().find(|o| o.target.key.kind == "Deployment").expect("it is in the release");
    let conflict = deployment.conflicts.first().expect("kubectl owns the image");
    assert_eq!(conflict.conflict.manager, "kubectl-set");
    assert_eq!(conflict.conflict.field, ".spec.template.spec.containers[name=\"web\"].image");
    assert_eq!(
        (conflict.live.as_str(), conflict.wanted.as_str()),
        ("registry.example/hand:1", "registry.example/web:1.0")
    );
    assert!(!conflict.since.is_empty());
    assert!(preview.risks.iter().any(|risk| risk.code == "field-conflict"));
    assert!(matches!(press(&storage, prepared, &preview).await, Err(Error::Refused(_))));
    assert_eq!(storage.history("web").await.expect("history").len(), 2, "no record was written");
}

#[tokio::test]
async fn a_refusal_is_predicted_in_the_server_s_words() {
    let plane = plane();
    for method in METHODS {
        let namespace = plane.namespace();
        let server_side = format!("--server-side={method}");
        // A second kind of gadget in a group of its own, so that its schema can be tightened beside other tests.
        let crd = plane
            .shell(&format!("sed 's/pilothouse.example/{namespace}.example/' {}/crds/gadgets.yaml", chart("gadget")));
        let copy = std::env::temp_dir().join(format!("pilothouse-{}-{namespace}", std::process::id()));
        plane.shell(&format!(
            "cp -r {} {copy} && cat > {copy}/crds/gadgets.yaml <<'CRD'\n{crd}\nCRD\nsed -i 's/pilothouse.example/{namespace}.example/' {copy}/templates/gadget.yaml",
            chart("gadget"),
            copy = copy.display()
        ));
        let copied = copy.display().to_string();
        plane.helm(&["install", "gadget", &copied, "-n", &namespace, &server_side]);
        plane.helm(&["upgrade", "gadget", &copied, "-n", &namespace, "--set", "size=1"]);
        let tighter = r#"[{"op":"replace","path":"/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/size/maximum","value":2}]"#;
        plane.kubectl(&["patch", "crd", &format!("gadgets.test.{namespace}.example"), "--type=json", "-p", tighter]);
        let storage = storage(&namespace).await;
        // The API server takes a moment to serve the tighter schema: review until it refuses.
        let (prepared, preview, refusal) = loop {
            let (prepared, preview) = review(&storage, "gadget", &Options::default()).await;
            if let Some(refusal) = preview.objects.iter().find_map(|object| object.refusal.clone()) {
                break (prepared, preview, refusal);
            }
        };
        assert!(refusal.contains("should be less than or equal to 2"), "{method}: {refusal}");
        let error = press(&storage, prepared, &preview).await.expect_err("the server refuses").to_string();
        assert!(error.contains("should be less than or equal to 2"), "{method}: {error}");
        assert_eq!(
            plane.object(&namespace, &format!("gadgets.test.{namespace}.example/gadget"))["spec"]["size"],
            1,
            "{method}"
        );
        std::fs::remove_dir_all(&copy).expect("our own folder");
    }
}
