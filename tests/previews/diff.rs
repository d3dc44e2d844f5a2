//! `diff install`, `upgrade`, `uninstall`, `rollback` and `release`, with helm-diff's flags.

use serde_json::Value;

use crate::{empty, ran, succeed};

/// `change kind/name` of each object of a form.
fn changes(form: &Value) -> Vec<String> {
    let objects = form["objects"].as_array().expect("objects").iter();
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    objects.map(|one| format!("{} {}/{}", text(&one["change"]), text(&one["kind"]), text(&one["name"]))).collect()
}

#[tokio::test]
async fn an_upgrade_is_seen_before_it_happens() {
    let (_sandbox, cluster) = empty();
    succeed("install web CHART", &cluster).await;
    let line = "diff upgrade web CHART --set replicas=5,password=new,extra=true -C 0";
    let shown = succeed(line, &cluster).await.out;
    let head = "web: 1 → 2: 2 objects change, 1 is created, 2 stay\nconfidence: live server dry-run\n";
    assert!(shown.starts_with(head), "{shown}");
    assert!(
        shown.contains("default, web, Deployment (apps) has changed:\n-   replicas: 3\n+   replicas: 5\n\n"),
        "{shown}"
    );
    assert!(shown.contains("default, web, Secret (v1) has changed:\n-   password: «fingerprint "), "{shown}");
    assert!(shown.contains("default, web-extra, ConfigMap (v1) has been added:\n+ apiVersion: v1\n"), "{shown}");
    assert!(!shown.contains("s3cret") && !shown.contains("new"), "{shown}");

    let history = succeed("history web -o json", &cluster).await.out;
    assert_eq!(
        serde_json::from_str::<Value>(&history).unwrap().as_array().map(Vec::len),
        Some(1),
        "nothing is written"
    );
}

#[tokio::test]
async fn a_preview_has_one_json_form() {
    let (_sandbox, cluster) = empty();
    succeed("install web CHART", &cluster).await;
    succeed("upgrade web CHART --set hooks.enabled=true,extra=true", &cluster).await;
    let line =
        "diff upgrade web CHART --set hooks.enabled=true,hooks.image=registry.example/other:2,replicas=4 -o json";
    let form: Value = serde_json::from_str(&succeed(line, &cluster).await.out).unwrap();
    let mut keys: Vec<&String> = form.as_object().unwrap().keys().collect();
    keys.sort();
    assert_eq!(
        keys,
        ["confidence", "definitionsLeftAlone", "from", "hooks", "namespace", "objects", "release", "risks", "to"]
    );
    assert_eq!((&form["release"], &form["namespace"]), (&"web".into(), &"default".into()));
    assert_eq!((&form["from"], &form["to"]), (&2.into(), &3.into()));
    let expected = [
        "update Deployment/web",
        "delete ConfigMap/web-extra",
        "none Secret/web",
        "none ConfigMap/web",
        "none Service/web",
    ];
    assert_eq!(changes(&form), expected);
    let mut keys: Vec<&String> = form["objects"][0].as_object().unwrap().keys().collect();
    keys.sort();
    assert_eq!(keys, ["apiVersion", "change", "diff", "kind", "name", "namespace", "risks"]);
    assert!(form["objects"][0]["diff"].as_str().unwrap().contains("\n-  replicas: 3\n+  replicas: 4\n"), "{form}");
    let hook = &form["hooks"][0];
    assert_eq!(
        (&hook["event"], &hook["weight"], &hook["name"]),
        (&"pre-upgrade".into(), &(-5).into(), &"web-pre-upgrade".into())
    );
    assert_eq!(hook["change"], "update", "its image differs from the one that ran last");
}

#[tokio::test]
async fn exit_codes_are_helm_diffs() {
    let (_sandbox, cluster) = empty();
    for (line, code) in [
        ("diff upgrade web CHART --detailed-exitcode", 1),
        ("diff upgrade web CHART --detailed-exitcode --install", 2),
        ("diff upgrade web CHART --detailed-exitcode --allow-unreleased -o simple", 2),
        ("diff install web CHART --detailed-exitcode", 2),
        ("upgrade --install web CHART", 0),
        ("diff install web CHART --detailed-exitcode", 1),
        ("diff upgrade web CHART --detailed-exitcode", 0),
        (
            "diff upgrade --install web CHART --detailed-exitcode --wait --timeout 1m --atomic --description x --include-crds",
            0,
        ),
        ("diff upgrade web CHART --detailed-exitcode --set hooks.enabled=true", 2),
        ("diff upgrade web CHART --detailed-exitcode --set hooks.enabled=true --no-hooks", 0),
        ("diff upgrade web CHART --set replicas=4", 0),
        ("diff uninstall web --detailed-exitcode", 2),
        ("diff uninstall other --detailed-exitcode", 1),
        ("diff release web web --detailed-exitcode", 0),
    ] {
        let answer = ran(line, &cluster).await;
        assert_eq!(answer.code, code, "{line}: {}{}", answer.out, answer.err);
    }
}

/// The lines are those of helm-diff 3.15 (`diff/report.go`), its sum without owners.
#[tokio::test]
async fn a_simple_diff_counts() {
    let (_sandbox, cluster) = empty();
    succeed("install web CHART --set extra=true", &cluster).await;
    let shown = succeed("diff upgrade web CHART --set replicas=4,hooks.enabled=true -o simple", &cluster).await.out;
    let expected = "default, web, Deployment (apps) to be changed.\ndefault, web-extra, ConfigMap (v1) to be removed.\n\
        default, web-pre-upgrade, Job (batch) to be added.\nPlan: 1 to add, 1 to change, 1 to destroy.\n";
    assert_eq!(shown, expected);
}

#[tokio::test]
async fn what_is_not_to_be_shown_is_not() {
    let (_sandbox, cluster) = empty();
    succeed("install web CHART", &cluster).await;
    let upgrade = "diff upgrade web CHART --set password=hunter2,replicas=4,image=x:2 -C 0";
    let check = async |flags: &str, shown: &[&str], hidden: &[&str]| {
        let out = succeed(&format!("{upgrade} {flags}"), &cluster).await.out;
        shown.iter().for_each(|text| assert!(out.contains(text), "{flags} hides {text}: {out}"));
        hidden.iter().for_each(|text| assert!(!out.contains(text), "{flags} shows {text}: {out}"));
    };
    check("", &["«fingerprint ", "replicas: 4"], &["hunter2", "aHVudGVyMg=="]).await;
    check("--show-secrets", &["aHVudGVyMg=="], &["hunter2", "fingerprint"]).await;
    check("--show-secrets-decoded", &["+   password: hunter2\n"], &["aHVudGVyMg==", "fingerprint"]).await;
    let suppressed = "+ Changes suppressed on sensitive content of type Secret\n";
    check("-q --show-secrets", &[suppressed, "replicas: 4"], &["aHVudGVyMg=="]).await;
    check("--suppress Deployment", &["«fingerprint "], &["replicas: 4"]).await;
    check("--suppress-output-line-regex replicas", &["x:2"], &["replicas:"]).await;
    let empty = "default, web, Deployment (apps) has changed, but diff is empty after suppression.\n";
    check("--suppress-output-line-regex replicas|image:", &[empty], &["replicas:", "x:2"]).await;
    check("-q --show-secrets -o json", &["\"kind\":\"Secret\""], &["aHVudGVyMg=="]).await;
}

#[tokio::test]
async fn a_renamed_object_is_one_change_when_asked() {
    let (_sandbox, cluster) = empty();
    let raw = crate::chart("raw");
    succeed(&format!("install one {raw} --set-literal 'raw={}'", config("before")), &cluster).await;
    let upgrade = format!("diff upgrade one {raw} --set-literal 'raw={}' -o simple", config("after"));
    let plain = succeed(&upgrade, &cluster).await.out;
    assert!(plain.ends_with("Plan: 1 to add, 0 to change, 1 to destroy.\n"), "{plain}");
    let renamed = succeed(&format!("{upgrade} -D 0.5"), &cluster).await.out;
    assert_eq!(renamed, "default, before, ConfigMap (v1) to be changed.\nPlan: 0 to add, 1 to change, 0 to destroy.\n");
    let unlike = succeed(&format!("{upgrade} -D 0.05"), &cluster).await.out;
    assert_eq!(unlike, plain, "too much of it differs");
}

fn config(name: &str) -> String {
    format!(
        r#"{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"{name}"}},"data":{{"a":"1","b":"2","c":"3"}}}}"#
    )
}

#[tokio::test]
async fn releases_of_one_chart_are_compared_across_namespaces() {
    let (_sandbox, cluster) = empty();
    succeed("install one CHART", &cluster).await;
    succeed("install two CHART -n stage --create-namespace --set replicas=7", &cluster).await;
    let shown = succeed("diff release one stage/two -C 0", &cluster).await.out;
    assert!(shown.contains("-   replicas: 3\n+   replicas: 7\n"), "{shown}");
    assert!(shown.contains("stage, two, Deployment (apps) has changed:\n"), "{shown}");
    let form = succeed("diff release one stage/two -o json", &cluster).await.out;
    let form: Value = serde_json::from_str(&form).unwrap();
    assert_eq!(
        (&form["release"], &form["namespace"], &form["confidence"]),
        (&"two".into(), &"stage".into(), &"stored manifests".into())
    );

    let raw = crate::chart("raw");
    succeed(&format!("install other {raw}"), &cluster).await;
    let refused = ran("diff release one other", &cluster).await;
    let words = "Error: one is a release of web and other one of raw: only releases of one chart can be compared\n";
    assert_eq!((refused.code, refused.err.as_str()), (1, words));
}

#[tokio::test]
async fn what_may_come_next_is_completed() {
    let (_sandbox, cluster) = empty();
    succeed("install web CHART", &cluster).await;
    for (line, choices) in [
        ("__complete diff ''", &["install", "live", "release", "revision", "rollback", "uninstall", "upgrade"][..]),
        ("__complete diff upgrade ''", &["web"]),
        ("__complete diff release web ''", &["web"]),
        ("__complete diff upgrade web CHART --output ''", &["diff", "simple", "json"]),
        ("__complete upgrade web CHART --plan", &["--plan-out", "--plan-plaintext", "--plan-recipient"]),
        ("__complete apply --i", &["--identity"]),
    ] {
        let answer = succeed(line, &cluster).await.out;
        let offered: Vec<&str> = answer.lines().filter(|choice| !choice.starts_with(':')).collect();
        let names: Vec<&str> = offered.iter().map(|choice| choice.split('\t').next().unwrap_or_default()).collect();
        assert_eq!(names, choices, "{line}: {answer}");
    }
}

#[tokio::test]
async fn tests_are_compared_when_asked() {
    let (_sandbox, cluster) = empty();
    let stage = crate::chart("stage");
    let hooks = async |flags: &str| {
        let out = succeed(&format!("diff install s {stage} --set hooks[0]=test -o json {flags}"), &cluster).await.out;
        let form: Value = serde_json::from_str(&out).unwrap();
        form["hooks"].as_array().unwrap().iter().filter(|hook| hook["event"] == "test").count()
    };
    assert_eq!(hooks("").await, 0);
    assert_eq!(hooks("--include-tests").await, 1);
}

#[tokio::test]
async fn what_has_no_place_in_a_preview_says_so() {
    let (_sandbox, cluster) = empty();
    for (flags, why) in [
        ("--kube-version 1.30", "--kube-version has no place in a preview"),
        ("-a apps/v1", "--api-versions has no place in a preview"),
        ("--disable-validation", "template renders without asking it"),
        ("--dry-run", "template renders without one"),
        ("--three-way-merge=false", "a preview always compares live objects"),
        ("-o dyff", "invalid output format \"dyff\": must be diff, simple or json"),
        ("--suppress-output-line-regex (", "is no regular expression"),
    ] {
        let answer = ran(&format!("diff upgrade web CHART --install {flags}"), &cluster).await;
        assert_eq!((answer.code, answer.out.as_str()), (1, ""), "{flags}");
        assert!(answer.err.contains(why) && answer.err.lines().count() == 1, "{flags}: {}", answer.err);
    }
}
