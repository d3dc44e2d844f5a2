//! The pictures in `screenshots/`, drawn from the real screens on the sandbox: they cannot lie. `UPDATE_SCREENSHOTS=1`
//! draws them anew; otherwise a picture that is not what the screen shows fails.

use std::{fs, path::Path, sync::Arc, time::Duration};

use pilothouse::{
    cluster::{
        Cluster,
        apply::ServerSide,
        wait::{WaitOptions, WaitStrategy},
    },
    manifest::Object,
    release::{ApplyMethod, Chart, Driver, Info, Release, Status, Storage},
    sandbox::Sandbox,
    tui::{
        Options,
        effect::Slot,
        event::{Event, News},
        screens::APP,
        session::{Session, text_of},
        svg,
    },
};
use ratatui::buffer::Buffer;
use serde_json::{Value, json, value::to_raw_value};
use tokio_util::sync::CancellationToken;

/// Columns and rows of the pictures.
const SIZE: (u16, u16) = (132, 32);

/// 2026-03-01T12:00:00Z: ages in the pictures do not depend on when they are drawn.
fn clock() -> i64 {
    1_772_366_400_000
}

fn deployment(image: &str, replicas: u32) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "my-app"},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": "my-app"}},
            "template": {
                "metadata": {"labels": {"app": "my-app"}},
                "spec": {"containers": [{"name": "web", "image": format!("registry.example/my-app:{image}")}]},
            },
        },
    })
}

fn settings(theme: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "my-app"}, "data": {"theme": theme}})
}

/// Writes a revision as Helm does.
async fn record(
    cluster: &Cluster,
    namespace: &str,
    name: &str,
    revision: u32,
    status: Status,
    day: &str,
    objects: &[Value],
) {
    let version = format!("2.{revision}.0");
    let chart = json!({"metadata": {"name": name, "version": "1.4.0", "appVersion": version}});
    let release = Release {
        name: name.into(),
        namespace: namespace.into(),
        revision,
        info: Info {
            last_deployed: Some(format!("2026-{day}:00Z")),
            description: if revision == 1 { "Install complete" } else { "Upgrade complete" }.into(),
            status,
            ..Info::default()
        },
        chart: Chart::new(Arc::from(to_raw_value(&chart).expect("JSON"))),
        manifest: objects
            .iter()
            .map(|object| format!("---\n# Source: {name}/templates/all.yaml\n{object}\n"))
            .collect(),
        apply_method: Some(ApplyMethod::ServerSide),
        ..Release::default()
    };
    let storage = Storage::new(cluster.clone(), Driver::Secrets, namespace);
    storage.create(&release, &Default::default()).await.expect("a record");
}

/// Applies objects as Helm does for `my-app`, and waits until they are ready.
async fn apply(cluster: &Cluster, namespace: &str, objects: &[Value]) {
    let mut targets = Vec::new();
    for object in objects {
        let mut object = Object::new(object.clone());
        let target = cluster.target(&object, namespace).await.expect("a served kind");
        let metadata = &mut object.value["metadata"];
        metadata["namespace"] = json!(namespace);
        metadata["labels"]["app.kubernetes.io/managed-by"] = json!("Helm");
        metadata["annotations"]["meta.helm.sh/release-name"] = json!("my-app");
        metadata["annotations"]["meta.helm.sh/release-namespace"] = json!(namespace);
        let options = ServerSide { force: true, dry_run: false };
        cluster.apply(&target, &object, options).await.expect("an applied object");
        targets.push(target);
    }
    let options = WaitOptions { strategy: WaitStrategy::Watcher, jobs: false, timeout: Duration::from_secs(60) };
    let ready = cluster.wait_ready(&targets, &options, &CancellationToken::new(), &|_| {}).await;
    ready.expect("all is ready");
}

/// A few releases, one of them scaled by hand since its last revision.
async fn cluster() -> (Cluster, Sandbox) {
    let sandbox = Sandbox::empty();
    let cluster = Cluster::from_client(sandbox.client(), "prod-eu", "default");
    for namespace in ["payments", "search"] {
        let object = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}});
        let object = Object::new(object);
        let target = cluster.target(&object, "").await.expect("a served kind");
        cluster.create(&target, &object, false).await.expect("a namespace");
    }
    let first = [deployment("2.1.0", 3), settings("light")];
    let second = [deployment("2.2.0", 3), settings("dark")];
    let third = [deployment("2.3.0", 5), settings("dark")];
    record(&cluster, "payments", "my-app", 1, Status::Superseded, "02-10T09:00", &first).await;
    record(&cluster, "payments", "my-app", 2, Status::Superseded, "02-20T09:00", &second).await;
    record(&cluster, "payments", "my-app", 3, Status::Deployed, "03-01T11:46", &third).await;
    apply(&cluster, "payments", &[deployment("2.3.0", 8), settings("dark")]).await;
    record(&cluster, "payments", "gateway", 5, Status::PendingUpgrade, "03-01T09:00", &[]).await;
    record(&cluster, "search", "indexer", 7, Status::Failed, "02-27T18:30", &[]).await;
    record(&cluster, "default", "notes", 1, Status::Deployed, "01-04T08:00", &[]).await;
    (cluster, sandbox)
}

async fn until(session: &mut Session, text: &str) -> Buffer {
    let shown = session.until(SIZE.0, SIZE.1, text).await;
    shown.unwrap_or_else(|screen| panic!("{screen}"));
    session.settle(SIZE.0, SIZE.1).await;
    session.draw(SIZE.0, SIZE.1)
}

/// Compares a screen with its picture, or draws the picture.
#[track_caller]
fn check(name: &str, buffer: &Buffer) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("screenshots/{name}.svg"));
    let drawn = svg::draw(buffer);
    if std::env::var_os("UPDATE_SCREENSHOTS").is_some() {
        fs::write(&path, drawn).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        return;
    }
    let stored = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        stored == drawn,
        "{} is stale; UPDATE_SCREENSHOTS=1 draws it anew. The screen:\n{}",
        path.display(),
        text_of(buffer)
    );
}

#[tokio::test]
async fn the_pictures_show_what_the_screens_show() {
    let (cluster, sandbox) = cluster().await;
    let options = Options { config: Some("/nonexistent/config.yaml".into()), ..Options::default() };
    let mut session = Session::new(options, [7; 32], clock);
    let connected = News::Connected(Ok(cluster), Some(sandbox));
    session.handle(Event::News(APP, Slot::of("connect"), connected));
    until(&mut session, "my-app").await;
    session.keys("j j");
    check("releases", &until(&mut session, "~1").await);
    session.keys("enter");
    check("release", &until(&mut session, "[2]").await);
    session.keys("j r");
    check("review", &until(&mut session, "confidence").await);
}
