//! Installs and upgrades drafted by keys, on the sandbox's examples.

use std::{fs, path::Path};

use serde_json::{Value, json};

use super::changes::{Place, SIZE};
use crate::{
    release::{Release, Status},
    tui::{effect::Effect, event::Event},
    yaml,
};

/// The chart of the cluster's tests, which has no schema.
fn web() -> String {
    format!("{}/tests/charts/web", env!("CARGO_MANIFEST_DIR"))
}

/// A chart with one ConfigMap and a schema, in a folder of its own.
fn flags() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("written");
    fs::create_dir(folder.path().join("templates")).expect("made");
    write("Chart.yaml", "apiVersion: v2\nname: flags\nversion: 0.1.0\n");
    write("values.yaml", "# How many.\ncount: 1\n");
    write("values.schema.json", r#"{"properties": {"count": {"type": "integer"}}}"#);
    write(
        "templates/flags.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}\ndata:\n  count: {{ required \"a count is needed\" .Values.count | quote }}\n",
    );
    folder
}

fn value<'a>(release: &'a Release, pointer: &str) -> &'a Value {
    let (first, rest) = pointer.split_once('/').unwrap_or((pointer, ""));
    let found = release.config.get(first).expect("a value");
    if rest.is_empty() { found } else { found.pointer(&format!("/{rest}")).expect("a value") }
}

#[tokio::test]
async fn the_values_of_an_upgrade() {
    for (name, size) in [("draft_80x24", (80, 24)), ("draft_200x60", (200, 60))] {
        let mut place = Place::at("payments", "checkout", size).await;
        place.keys("e");
        place.until("1 risk, see the review").await;
        place.keys("down down down down down down end");
        place.types("-debug");
        insta::assert_snapshot!(name, place.settled("LOG_LEVEL").await);
    }
}

#[tokio::test]
async fn edited_values_are_reviewed_and_upgraded_with() {
    let mut place = Place::at("dev", "my-app", SIZE).await;
    let before = place.newest("my-app").await.expect("a record");
    place.keys("u");
    place.until("objects unchanged").await;
    place.keys("e end");
    place.keys("enter");
    place.types("  timeout: 9s");
    place.until("+   timeout: 9s").await;
    place.keys("esc v");
    place.until("2 objects change, 1 stays").await;
    assert_eq!(place.newest("my-app").await.expect("a record").revision, before.revision, "nothing was done yet");
    place.keys("ctrl-s");
    place.until("confidence: live server dry-run").await;
    place.shows("Upgrade my-app in dev on prod-eu:  3 → 4");
    place.keys("l enter");
    place.until("✓ revision 4 of my-app is deployed").await;
    let after = place.newest("my-app").await.expect("a record");
    assert_eq!((after.revision, &after.info.status), (4, &Status::Deployed));
    assert_eq!(value(&after, "config/timeout"), "9s");
    assert_eq!(value(&after, "image/tag"), value(&before, "image/tag"));
    assert_eq!(
        place.commands(),
        [
            "helm upgrade my-app my-app-1.1.0.tgz --namespace dev --values <(helm get values my-app --namespace dev --revision 4) --wait --kube-context prod-eu"
        ]
    );
    // Back at the draft, the next upgrade starts from what is there now.
    place.keys("esc");
    place.until("Upgrade my-app in dev on prod-eu:  4 → 5").await;
}

#[tokio::test]
async fn secrets_are_fingerprints_until_revealed_and_go_on_as_they_were() {
    let mut place = Place::at("prod", "my-app", SIZE).await;
    place.keys("u");
    let hidden = place.until("LICENSE_KEY: «fingerprint ").await;
    assert!(!hidden.contains("7f3a"), "{hidden}");
    place.keys("R");
    place.until("LICENSE_KEY: 7f3a-91c2-prod").await;
    place.keys("R");
    place.until("LICENSE_KEY: «fingerprint ").await;
    place.keys("e");
    place.keys("ctrl-z");
    assert!(!place.screen().contains("7f3a"), "undoing brings no secret back");
    place.keys("down down down down end enter");
    place.types("  banner: hello");
    place.until("+   banner: hello").await;
    place.keys("ctrl-s");
    place.until("confidence").await;
    place.keys("l enter");
    place.until("is deployed").await;
    let after = place.newest("my-app").await.expect("a record");
    assert_eq!(value(&after, "secret/LICENSE_KEY"), "7f3a-91c2-prod");
}

#[tokio::test]
async fn a_fingerprint_that_was_changed_is_refused_with_its_line() {
    let mut place = Place::at("prod", "my-app", SIZE).await;
    place.keys("e");
    place.until("= ").await;
    let text = place.session.keys("esc o").into_iter().find_map(|effect| match effect {
        Effect::Edit(text) => Some(text),
        _ => None,
    });
    let text = text.expect("the editor is asked for");
    assert!(!text.contains("7f3a"), "no secret leaves for a file: {text}");
    place.session.handle(Event::Edited(text.replace("LICENSE_KEY: «", "LICENSE_KEY: x«")));
    place.until("stands for no value that was here").await;
    place.shows("of the values:");
    place.session.handle(Event::Edited(text));
    place.until("objects unchanged").await;
}

#[tokio::test]
async fn what_is_wrong_is_told_with_its_line() {
    let chart = flags();
    let mut place = Place::at("dev", "my-app", SIZE).await;
    place.keys(":");
    place.types(&format!("install flags {}", chart.path().display()));
    place.keys("enter");
    place.until("+ ConfigMap/flags").await;
    place.keys("v v");
    place.until("# How many.").await;
    place.keys("e");
    place.types("count: many");
    place.until("line 1 of the values:").await;
    place.shows("- at '/count': got string, want integer");
    place.shows("✗  1  count: many");
    place.keys("ctrl-u");
    place.types("count:");
    let screen = place.until("a count is needed").await;
    assert!(screen.contains("flags/templates/flags.yaml:6"), "{screen}");
    place.types(" [");
    place.until("did not find expected node content").await;
    place.keys("ctrl-s");
    assert!(place.screen().contains("error converting YAML"), "the review waits for what can be rendered");
}

#[tokio::test]
async fn a_chart_is_installed_into_a_namespace_of_its_own() {
    let mut place = Place::at("dev", "my-app", SIZE).await;
    place.storage = place.storage.in_namespace("shop");
    place.keys("i");
    place.until("type a name for the release").await;
    place.types("web");
    place.keys("enter ctrl-u");
    place.types("shop");
    place.until("is not there: the review creates it").await;
    place.keys("enter");
    place.until("repositories and OCI").await;
    place.session.handle(Event::Paste(web()));
    place.until("+ Secret/web").await;
    place.keys("enter");
    place.session.handle(Event::Paste("replicas: 2\r\n".into()));
    place.until("replicas: 2").await;
    place.keys("esc tab tab l enter");
    place.until("5 create namespace [on]").await;
    place.until("confidence").await;
    place.keys("l enter");
    place.until("✓ revision 1 of web is deployed").await;
    let release = place.newest("web").await.expect("a record");
    assert_eq!(Value::Object(release.config), json!({ "replicas": 2 }));
    let command = place.commands().pop().expect("a command");
    assert!(command.starts_with(&format!("helm install web {} --namespace shop --values <(", web())), "{command}");
    assert!(command.contains(" --create-namespace "), "{command}");
}

#[tokio::test]
async fn a_chart_with_sub_charts_needs_its_path() {
    let mut place = Place::at("orders", "orders-api", SIZE).await;
    place.keys("u");
    place.until("records hold no sub-charts, and this chart has some: redis").await;
    place.keys("ctrl-s");
    place.shows("✗ records hold no sub-charts");
    place.keys("backtab");
    place.types("./nowhere");
    place.until("there is no chart at \"./nowhere\"").await;
    place.keys("ctrl-u");
    place.session.handle(Event::Paste(web()));
    place.until("web 1.0.0").await;
}

#[tokio::test]
async fn the_draft_is_kept_when_it_is_left() {
    let mut place = Place::at("dev", "my-app", SIZE).await;
    place.keys("e");
    place.until("objects unchanged").await;
    place.types("#");
    place.keys("esc esc");
    place.until("▸ my-app").await;
    place.shows("] goes back to it");
    place.keys("]");
    place.until("1  #config:").await;
}

#[test]
fn the_chart_is_there() {
    let values = fs::read_to_string(Path::new(&web()).join("values.yaml")).expect("values");
    assert!(yaml::from_str(&values).is_ok_and(|values| values.is_object()));
}
