//! Pairing, and what is told of the example releases.

use serde_json::{Value, json, value::RawValue};

use super::*;
use crate::{
    release::{self, Driver, Info, Storage},
    sandbox::Sandbox,
};

fn redactor() -> Redactor {
    Redactor::new([7; 32])
}

/// A chart as a record holds it, of templates and values.
fn recorded(templates: &[(&str, &str)], values: Value, dependencies: Value) -> release::Chart {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let file = |(name, text): &(&str, &str)| json!({ "name": name, "data": STANDARD.encode(text) });
    let chart = json!({
        "metadata": { "name": "web", "version": "1.0.0", "apiVersion": "v2", "dependencies": dependencies },
        "templates": templates.iter().map(file).collect::<Vec<_>>(), "values": values,
    });
    release::Chart::new(RawValue::from_string(chart.to_string()).expect("JSON").into())
}

fn release(chart: release::Chart, config: Value, manifest: &str) -> Release {
    Release {
        name: "shop".to_owned(),
        namespace: "prod".to_owned(),
        revision: 3,
        chart,
        config: config.as_object().cloned().unwrap_or_default(),
        manifest: manifest.to_owned(),
        ..Release::default()
    }
}

/// What is told of the line that holds a text.
#[track_caller]
fn told(release: &Release, text: &str) -> Answer {
    let request = Request {
        release: facts(release),
        capabilities: Default::default(),
        skip_schema_validation: true,
        sub_chart_notes: false,
    };
    let rendered = render_anew(release, &request, &World::default(), &redactor());
    let provenance = Provenance::new(release, &redactor(), rendered);
    let manifest = browse::manifest(release, &redactor());
    let line = manifest.lines().position(|line| line.contains(text));
    provenance.of(line.unwrap_or_else(|| panic!("{text} is not in\n{manifest}")))
}

#[track_caller]
fn tells(release: &Release, text: &str, expected: &[&str], doubts: &[&str]) {
    let answer = told(release, text);
    assert_eq!((answer.told, answer.doubts), (strings(expected), strings(doubts)), "{text}");
}

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

const MAP: (&str, &str) = (
    "templates/map.yaml",
    "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}\ndata:\n  revision: \"{{ .Release.Revision }}\"\n  size: {{ .Values.size | quote }}\n  mode: {{ .Values.mode }}\n",
);
const SECRET: (&str, &str) = (
    "templates/secret.yaml",
    "# kept\nkind: Secret\napiVersion: v1\nmetadata: {name: {{ .Release.Name }}}\nstringData:\n  user: {{ .Values.user }}\n  password: {{ .Values.password }}\n",
);

#[test]
fn lines_name_template_and_values() {
    let chart = recorded(&[MAP], json!({ "size": 1, "mode": "lru" }), json!([]));
    let manifest = "---\n# Source: web/templates/map.yaml\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: shop\ndata:\n  revision: \"3\"\n  size: \"7\"\n  mode: lru\n";
    let release = release(chart, json!({ "a": 1, "size": 7 }), manifest);
    tells(&release, "---", &["written between documents, by no template"], &[]);
    tells(&release, "# Source", &["written between documents, by no template"], &[]);
    tells(&release, "size", &["comes from templates/map.yaml:7", ".Values.size, set by the release's values:2"], &[]);
    tells(&release, "mode", &["comes from templates/map.yaml:8", ".Values.mode, set by values.yaml"], &[]);
}

#[test]
fn what_reads_differently_is_said() {
    let chart = recorded(&[MAP], json!({ "size": 1, "mode": "lru" }), json!([]));
    // As a post-renderer leaves it: other order, a label more, a value replaced.
    let manifest = "---\napiVersion: v1\ndata:\n  mode: random\n  size: \"1\"\nkind: ConfigMap\nmetadata:\n  labels:\n    added: later\n  name: shop\n";
    let release = release(chart, json!({}), manifest);
    let differs = "what is random, or taken from time, cluster or a post-renderer, differs each time";
    tells(
        &release,
        "mode",
        &["comes from templates/map.yaml:8", ".Values.mode, set by values.yaml"],
        &["rendered anew, this line reads: mode: lru", differs],
    );
    tells(&release, "size", &["comes from templates/map.yaml:7", ".Values.size, set by values.yaml"], &[]);
    let command = "ask the chart itself: pilothouse template shop CHART -n prod -f VALUES --explain";
    tells(
        &release,
        "added",
        &["comes from a template that the manifest does not name"],
        &["rendered anew, the object has no such line", &format!("{command} ConfigMap/shop:metadata.labels.added")],
    );
}

#[test]
fn secrets_stay_hidden() {
    let values = json!({ "user": "app", "password": "old" });
    let chart = recorded(&[SECRET], values, json!([]));
    let manifest = "---\n# Source: web/templates/secret.yaml\n# kept\nkind: Secret\napiVersion: v1\nmetadata: {name: shop}\nstringData:\n  user: app\n  password: swordfish\n";
    let release = release(chart, json!({ "password": "hunter2" }), manifest);
    tells(&release, "user", &["comes from templates/secret.yaml:6", ".Values.user, set by values.yaml"], &[]);
    let answer = told(&release, "password");
    assert_eq!(answer.told, ["comes from templates/secret.yaml:7", ".Values.password, set by the release's values:1"]);
    let fingerprint = redactor().fingerprint("hunter2");
    assert_eq!(answer.doubts[0], format!("rendered anew, this line reads: password: {fingerprint}"));
    let fails = ("templates/a.yaml", "{{ fail (printf \"%s is too short\" .Values.password) }}");
    let chart = recorded(&[fails], json!({}), json!([]));
    let answer = told(&self::release(chart, json!({ "password": "hunter2" }), manifest), "user");
    assert!(answer.doubts[0].ends_with(&format!(": {fingerprint} is too short")), "{answer:?}");
}

#[test]
fn what_cannot_be_rendered_is_told_with_the_next_step() {
    let manifest = "---\n# Source: web/charts/db/templates/map.yaml\nkind: ConfigMap\nmetadata:\n  name: db\ndata:\n  k8s.io/a: [x]\n";
    let source = "comes from charts/db/templates/map.yaml, as the manifest says";
    let next = "ask the chart itself: pilothouse template shop CHART -n prod -f VALUES --explain ConfigMap/db:data[\"k8s.io/a\"][0]";
    let umbrella = recorded(&[], json!({}), json!([{ "name": "db" }]));
    let holds = "records hold no sub-charts, so what they give cannot be rendered anew";
    tells(&release(umbrella, json!({}), manifest), "k8s.io", &[source], &[holds, next]);
    let broken = recorded(&[("templates/a.yaml", "{{ fail \"no\" }}")], json!({}), json!([]));
    let why = "the recorded chart cannot be rendered anew: execution error at (web/templates/a.yaml:1:3): no";
    tells(&release(broken, json!({}), manifest), "k8s.io", &[source], &[why, next]);
    let next = "ask the chart itself: pilothouse template shop CHART -n prod -f VALUES --explain ConfigMap/db:kind";
    let why = "the recorded chart cannot be rendered anew: the record holds no chart";
    tells(&release(release::Chart::default(), json!({}), manifest), "kind", &[source], &[why, next]);
}

#[test]
fn a_rollback_has_the_facts_of_its_target() {
    let facts_of = |revision: u32, description: &str| {
        let info = Info { description: description.to_owned(), ..Info::default() };
        let facts = facts(&Release { revision, info, ..Release::default() });
        (facts.revision, facts.is_install, facts.is_upgrade)
    };
    assert_eq!(facts_of(1, "Install complete"), (1, true, false));
    assert_eq!(facts_of(4, "Install complete"), (1, true, false));
    assert_eq!(facts_of(4, "Upgrade complete"), (4, false, true));
    assert_eq!(facts_of(4, "Rollback to 2"), (2, false, true));
    assert_eq!(facts_of(4, "Rollback to 1"), (1, true, false));
}

#[tokio::test]
async fn every_line_of_the_examples_is_explained() {
    let sandbox = Sandbox::with_examples().await;
    let cluster = Cluster::from_client(sandbox.client(), "sandbox", "");
    let storage = Storage::new(cluster.clone(), Driver::Secrets, "");
    let mut explained = 0;
    for meta in storage.list("").await.expect("records") {
        let release = storage.decode(&meta).await.expect("a record");
        let found = provenance(&cluster, &release, &redactor(), &CancellationToken::new()).await.expect("it is served");
        for (index, line) in browse::manifest(&release, &redactor()).lines().enumerate() {
            let answer = found.of(index);
            let in_sub_chart = answer.told[0].starts_with("comes from charts/redis/");
            assert_eq!(
                answer.doubts.is_empty(),
                !in_sub_chart,
                "{} {}: {line}: {answer:?}",
                release.name,
                release.revision
            );
            explained += usize::from(!in_sub_chart);
        }
    }
    assert!(explained > 1000, "{explained} lines");
}
