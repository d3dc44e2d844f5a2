//! What a step left behind, as lines that two namespaces can be compared by.

use std::{collections::BTreeSet, io::Read as _, sync::LazyLock};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use flate2::read::GzDecoder;
use kube::config::{KubeConfigOptions, Kubeconfig};
use regex::Regex;
use serde_json::Value;

use crate::plane::{Plane, Ran};

/// Where objects of the scenarios' charts live in the API.
const PATHS: [&str; 10] = [
    "api/v1/namespaces/%/configmaps",
    "api/v1/namespaces/%/secrets",
    "api/v1/namespaces/%/services",
    "api/v1/namespaces/%/persistentvolumeclaims",
    "apis/apps/v1/namespaces/%/deployments",
    "apis/apps/v1/namespaces/%/replicasets",
    "apis/batch/v1/namespaces/%/jobs",
    "apis/autoscaling/v2/namespaces/%/horizontalpodautoscalers",
    "apis/rbac.authorization.k8s.io/v1/namespaces/%/roles",
    "apis/test.pilothouse.example/v1/namespaces/%/gadgets",
];

/// Fields that the server, its controllers and the clock decide, and labels of records that tell the time.
const DROPPED: [&str; 14] = [
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "clusterIP",
    "clusterIPs",
    "nodePort",
    "namespace",
    "status",
    "managedFields",
    "createdAt",
    "modifiedAt",
    "deployment.kubernetes.io/revision",
];

/// Times of records, which never are the same.
const TIMES: [&str; 5] = ["first_deployed", "last_deployed", "deleted", "started_at", "completed_at"];

/// Without the namespace's name and the identifiers that the server makes.
fn plain(text: &str, namespace: &str) -> String {
    static UID: LazyLock<Regex> =
        LazyLock::new(|| Regex::new("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}").expect("a pattern"));
    UID.replace_all(&text.replace(namespace, "NAMESPACE"), "UID").into_owned()
}

/// What one run of a program said: its exit code, its standard output, and its error without log lines and hints.
pub fn said(ran: &Ran, namespace: &str) -> String {
    static TIME: LazyLock<Regex> = LazyLock::new(|| {
        let iso = r"\d{4}-\d\d-\d\dT[0-9:.]+(Z|[+-]\d\d:\d\d)";
        Regex::new(&format!(r"{iso}|[A-Z][a-z]{{2}} [A-Z][a-z]{{2}} [ \d]\d \d\d:\d\d:\d\d \d{{4}}"))
            .expect("a pattern")
    });
    let mut text = format!("exit code {}\n{}", ran.code, ran.stdout);
    if let Some((_, error)) = ran.stderr.split_once("Error: ") {
        let error: Vec<&str> = error.lines().take_while(|line| !line.contains("hint: ")).collect();
        text.push_str(&format!("Error: {}\n", error.join("\n")));
    }
    TIME.replace_all(&plain(&text, namespace), "TIME").into_owned()
}

/// Reads what is stored, apart from both programs under comparison.
pub struct Watcher {
    runtime: tokio::runtime::Runtime,
    client: kube::Client,
}

impl Watcher {
    /// As the administrator.
    pub fn new(plane: &Plane) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let client = runtime.block_on(async {
            let kubeconfig = Kubeconfig::read_from(plane.kubeconfig()).expect("the test kubeconfig");
            let config = kube::Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await;
            kube::Client::try_from(config.expect("the test kubeconfig is right")).expect("a client")
        });
        Self { runtime, client }
    }

    /// Waits for what is asynchronous.
    pub fn block_on<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// A line for every field of every object and record, in the namespace and in the one that is named `NAMESPACE-new`.
    pub fn stored(&self, namespace: &str) -> BTreeSet<String> {
        let namespaces = [namespace.to_owned(), format!("{namespace}-new")];
        let lists = namespaces.iter().flat_map(|name| PATHS.iter().map(|path| self.items(path.replace('%', name))));
        let lists = self.block_on(futures::future::join_all(lists));
        let mut lines = Vec::new();
        for object in lists.into_iter().flatten() {
            match &object["type"] {
                Value::String(kind) if kind.starts_with("helm.sh/release") => record(&object, &mut lines),
                _ => stored(&object, &mut lines),
            }
        }
        lines.into_iter().map(|line| plain(&line, namespace)).collect()
    }

    async fn items(&self, path: String) -> Vec<Value> {
        let request = http::Request::get(format!("/{path}")).body(Vec::new()).expect("a request");
        let mut list: Value = self.client.request(request).await.expect("the administrator may list everything");
        let kind = list["kind"].as_str().unwrap_or_default().trim_end_matches("List").to_owned();
        let Value::Array(mut items) = list["items"].take() else { return Vec::new() };
        items.iter_mut().for_each(|item| item["kind"] = Value::from(kind.clone()));
        items
    }
}

fn stored(object: &Value, lines: &mut Vec<String>) {
    let metadata = &object["metadata"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let what = format!("{}/{}", text(&object["kind"]), text(&metadata["name"]));
    match what.as_str() {
        "ConfigMap/kube-root-ca.crt" => return,
        // Made by a controller, in its own time; one that is left alone was orphaned by a deletion.
        _ if what.starts_with("ReplicaSet/") => {
            if metadata["ownerReferences"].is_null() {
                lines.push(format!("{what} is an orphan"));
            }
            return;
        }
        _ => {}
    }
    let mut own = Vec::new();
    fields(object, &what, &mut own);
    for entry in metadata["managedFields"].as_array().into_iter().flatten() {
        if entry["subresource"] != "status" {
            let by = [&entry["manager"], &entry["operation"], &entry["apiVersion"]].map(text).join(" ");
            fields(&entry["fieldsV1"], &format!("{what} managed by {by}: "), &mut own);
        }
    }
    if !metadata["deletionTimestamp"].is_null() {
        own.push(format!("{what} is being deleted"));
    }
    lines.append(&mut own);
}

/// Everything in a record but its times. Who wrote it and when it was alive is ours to tell (`engine/record.rs`).
fn record(object: &Value, lines: &mut Vec<String>) {
    let text = object["data"]["release"].as_str().unwrap_or_default();
    let text = STANDARD.decode(text).expect("base64 of the API");
    let packed = STANDARD.decode(text).expect("base64 of Helm");
    let mut json = String::new();
    GzDecoder::new(packed.as_slice()).read_to_string(&mut json).expect("gzip");
    let release: Value = serde_json::from_str(&json).expect("JSON");
    let what = format!("{} v{}", release["name"].as_str().unwrap_or_default(), release["version"]);
    lines.push(format!("{what} is {}", release["info"]["status"]));
    lines.push(format!("{what} is labelled {}", object["metadata"]["labels"]["status"]));
    fields(&release, &what, lines);
    fields(&object["metadata"], &format!("record of {what}"), lines);
}

/// A line for every leaf.
fn fields(value: &Value, path: &str, lines: &mut Vec<String>) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (key, value) in map {
                let dropped = DROPPED.contains(&key.as_str()) || TIMES.contains(&key.as_str());
                let beats = key.starts_with("pilothouse.dev/");
                if !dropped && !beats {
                    fields(value, &format!("{path}.{key}"), lines);
                }
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for (at, item) in items.iter().enumerate() {
                fields(item, &format!("{path}[{at}]"), lines);
            }
        }
        leaf => lines.push(format!("{path} = {leaf}")),
    }
}
