//! `--wait=ordered` on every Kubernetes API, by the chart `stack`: postgresql, then python-api, then nginx, then its own.

use std::{
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use pilothouse::{
    chart::Chart,
    cluster::{Cluster, readiness::Status as Ready, wait::WaitStrategy},
    diff::Change,
    engine::{
        Error, Options, Outcome, Progress, Request, Source, execute, prepare,
        world::{World, Zone},
    },
    release::{Driver, Status, Storage},
};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

/// Sub-charts in their order, as their objects are called in the release `web`, and the chart's own.
const ORDER: [&str; 4] =
    ["StatefulSet/web-postgresql", "Deployment/web-python-api", "Deployment/web-nginx", "ConfigMap/web"];

fn stack() -> Chart {
    Chart::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/charts/stack")).expect("a chart")
}

fn source(chart: Chart, values: &Value) -> Box<Source> {
    Box::new(Source {
        chart,
        values: values.as_object().cloned().unwrap_or_default(),
        world: World::new(&Zone::System),
        skip_schema_validation: false,
        sub_chart_notes: false,
        hide_secrets: false,
    })
}

fn ordered(seconds: u64) -> Options {
    Options { wait: WaitStrategy::Ordered, timeout: Duration::from_secs(seconds), ..Options::default() }
}

/// Does it, and what was told of the objects meanwhile: `create StatefulSet/…`, `ready …`, `after …` for a stage.
async fn run(storage: &Storage, request: Request, options: &Options) -> (Result<Outcome, Error>, Vec<String>) {
    let told = Arc::new(Mutex::new(Vec::new()));
    let listener = told.clone();
    let report = Arc::new(move |progress| {
        let line = match progress {
            Progress::Stage(charts) => format!("now {}", charts.join(" ")),
            Progress::Object(key, change) => {
                let verb = if change == Change::Create { "create" } else { "change" };
                format!("{verb} {}/{}", key.kind, key.name)
            }
            Progress::Waiting(key, readiness, _) if readiness.status == Ready::Current => {
                format!("ready {}/{}", key.kind, key.name)
            }
            _ => return,
        };
        listener.lock().expect("nobody panics").push(line);
    });
    let prepared = prepare(storage, "web", request, options).await.expect("it is prepared");
    let done = execute(storage, prepared, None, &(report as _), &CancellationToken::new()).await;
    let told = told.lock().expect("nobody panics").clone();
    (done, told)
}

fn place(told: &[String], line: String) -> usize {
    told.iter().position(|one| *one == line).unwrap_or_else(|| panic!("no {line:?} in {told:#?}"))
}

/// Each is ready before the next is touched.
#[track_caller]
fn check_in_order(told: &[String], verb: &str) {
    for pair in ORDER.windows(2) {
        let (ready, next) = (place(told, format!("ready {}", pair[0])), place(told, format!("{verb} {}", pair[1])));
        assert!(ready < next, "{} was not waited for: {told:#?}", pair[0]);
    }
    let stages: Vec<&String> = told.iter().filter(|line| line.starts_with("now ")).collect();
    assert_eq!(stages, ["now postgresql", "now python-api", "now nginx", "now stack"]);
}

pub async fn sub_charts_come_one_after_the_other(cluster: Cluster, namespace: &str) {
    let storage = Storage::new(cluster, Driver::Secrets, namespace);
    let (done, told) = run(&storage, Request::Install(source(stack(), &json!({}))), &ordered(60)).await;
    done.expect("it installs");
    check_in_order(&told, "create");

    let image = |name: &str| json!({"image": format!("registry.example/{name}:2")});
    let values = json!({"postgresql": image("postgresql"), "python-api": image("python-api"), "nginx": image("nginx")});
    let (done, told) = run(&storage, Request::Upgrade(source(stack(), &values)), &ordered(60)).await;
    done.expect("it upgrades");
    check_in_order(&told, "change");
}

/// Without the flag, objects come by kind as Helm has them, and nothing is waited for between them.
pub async fn without_the_flag_they_come_by_kind(cluster: Cluster, namespace: &str) {
    let storage = Storage::new(cluster, Driver::Secrets, namespace);
    let options = Options { wait: WaitStrategy::Watcher, ..ordered(60) };
    let (done, told) = run(&storage, Request::Install(source(stack(), &json!({}))), &options).await;
    done.expect("it installs");
    let mut kinds: Vec<&str> = told.iter().filter_map(|line| line.strip_prefix("create ")?.split('/').next()).collect();
    kinds.dedup();
    assert_eq!(kinds, ["ConfigMap", "Service", "Deployment", "StatefulSet"]);
    let last = told.iter().rposition(|line| line.starts_with("create ")).expect("some are created");
    let first = told.iter().position(|line| line.starts_with("ready ")).expect("some become ready");
    assert!(last < first, "{told:#?}");
}

pub async fn what_does_not_become_ready_holds_up_those_after_it(cluster: Cluster, namespace: &str) {
    let storage = Storage::new(cluster, Driver::Secrets, namespace);
    let values = json!({"python-api": {"image": "registry.example/python-api:not-found"}});
    let (done, told) = run(&storage, Request::Install(source(stack(), &values)), &ordered(4)).await;
    let message = done.expect_err("it cannot become ready").to_string();
    let words = "python-api did not become ready, so nginx was not applied: resource Deployment/";
    assert!(message.starts_with(words), "{message}");
    place(&told, "ready StatefulSet/web-postgresql".to_owned());
    assert!(!told.iter().any(|line| line.contains("nginx") || line.contains("ConfigMap")), "{told:#?}");
    let newest = storage.history("web").await.expect("its history").pop().expect("a record");
    assert_eq!(newest.status, Status::Failed);
}

/// A sub-chart that values leave out holds up nobody; what does not fit together is refused before anything is written.
pub async fn charts_that_cannot_be_ordered_are_refused(cluster: Cluster, namespace: &str) {
    let storage = Storage::new(cluster, Driver::Secrets, namespace);
    let refusal = async |depends_on: &str| {
        let mut chart = stack();
        chart.metadata.dependencies[1].depends_on = vec![depends_on.to_owned()];
        let request = Request::Install(source(chart, &json!({})));
        prepare(&storage, "web", request, &ordered(60)).await.err().map(|error| error.to_string())
    };
    let circle = "the sub-charts of stack wait for each other: nginx → python-api → postgresql → nginx";
    assert_eq!(refusal("nginx").await.as_deref(), Some(circle));
    let unknown = "sub-chart postgresql of stack depends on \"redis\", which is none of its sub-charts (nginx, postgresql, python-api)";
    assert_eq!(refusal("redis").await.as_deref(), Some(unknown));
    assert!(storage.history("web").await.is_err(), "nothing is written");

    let request = Request::Install(source(stack(), &json!({"nginx": {"enabled": false}})));
    let (done, told) = run(&storage, request, &ordered(60)).await;
    done.expect("it installs");
    let stages: Vec<&String> = told.iter().filter(|line| line.starts_with("now ")).collect();
    assert_eq!(stages, ["now postgresql", "now python-api", "now stack"]);
}
