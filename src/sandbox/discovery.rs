//! What the server offers: `/api`, `/apis`, `/version`, health; discovery both aggregated and classic.

use std::sync::Arc;

use http::{Response, request::Parts};
use serde_json::{Value, json};

use super::{
    api::{self, Body},
    failure::Failure,
    kinds::{Kind, Kinds},
    openapi,
};

/// The content type of aggregated discovery.
const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

/// Group, version, plural, kind, namespaced, verbs.
type VirtualResource = (&'static str, &'static str, &'static str, &'static str, bool, &'static [&'static str]);

/// Resources answered without a store.
const VIRTUAL: &[VirtualResource] = &[
    ("authentication.k8s.io", "v1", "selfsubjectreviews", "SelfSubjectReview", false, &["create"]),
    ("authorization.k8s.io", "v1", "selfsubjectaccessreviews", "SelfSubjectAccessReview", false, &["create"]),
    ("authorization.k8s.io", "v1", "selfsubjectrulesreviews", "SelfSubjectRulesReview", false, &["create"]),
    ("metrics.k8s.io", "v1beta1", "pods", "PodMetrics", true, &["get", "list"]),
    ("metrics.k8s.io", "v1beta1", "nodes", "NodeMetrics", false, &["get", "list"]),
];

const VERBS: &[&str] = &["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];

/// Answers a path that is about no object.
pub(super) fn answer(kinds: &Kinds, parts: &Parts) -> Result<Response<Body>, Failure> {
    let path = parts.uri.path().trim_end_matches('/');
    let accept = parts.headers.get(http::header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let aggregated = accept.contains("as=APIGroupDiscoveryList") && accept.contains("v=v2");
    let pieces: Vec<&str> = path.split('/').skip(1).collect();
    match pieces.as_slice() {
        ["healthz" | "readyz" | "livez"] => Ok(api::bytes(200, "text/plain; charset=utf-8", "ok".into())),
        ["version"] => Ok(api::json(200, &version())),
        ["api"] if aggregated => Ok(aggregate(kinds, true)),
        ["apis"] if aggregated => Ok(aggregate(kinds, false)),
        ["api"] => {
            Ok(api::json(200, &json!({ "kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": [] })))
        }
        ["apis"] => {
            let groups: Vec<Value> =
                groups(kinds).iter().filter(|(group, _)| !group.is_empty()).map(group_json).collect();
            Ok(api::json(200, &json!({ "kind": "APIGroupList", "apiVersion": "v1", "groups": groups })))
        }
        ["apis", name] => {
            let groups = groups(kinds);
            let group = groups.iter().find(|(group, _)| group == name).ok_or_else(not_found)?;
            let mut group = group_json(group);
            group["kind"] = "APIGroup".into();
            group["apiVersion"] = "v1".into();
            Ok(api::json(200, &group))
        }
        ["api", version] => resources(kinds, "", version),
        ["apis", group, version] => resources(kinds, group, version),
        ["openapi", "v3"] => Ok(openapi::index(kinds)),
        ["openapi", "v3", rest @ ..] => openapi::document(kinds, &rest.join("/")).ok_or_else(not_found),
        ["openapi", ..] => Err(not_found()),
        _ => Err(Failure::not_served(path)),
    }
}

fn not_found() -> Failure {
    Failure::new(404, "NotFound", "the server could not find the requested resource")
}

fn version() -> Value {
    json!({
        "major": "1", "minor": "36", "gitVersion": "v1.36.1", "gitCommit": "", "gitTreeState": "clean",
        "buildDate": "2026-05-12T00:00:00Z", "goVersion": "", "compiler": "", "platform": "sandbox",
    })
}

/// Groups with their version, core first.
fn groups(kinds: &Kinds) -> Vec<(String, String)> {
    let mut groups: Vec<(String, String)> = Vec::new();
    let stored = kinds.iter().map(|kind| (kind.group.clone(), kind.version.clone()));
    let virtual_ones = VIRTUAL.iter().map(|entry| (entry.0.to_owned(), entry.1.to_owned()));
    for group in stored.chain(virtual_ones) {
        if !groups.contains(&group) {
            groups.push(group);
        }
    }
    groups
}

fn group_json((group, version): &(String, String)) -> Value {
    let version = json!({ "groupVersion": format!("{group}/{version}"), "version": version });
    json!({ "name": group, "versions": [version], "preferredVersion": version })
}

/// Subresources of a kind: name, kind of what they exchange, verbs.
fn subresources(kind: &Kind) -> Vec<(&'static str, String, &'static [&'static str])> {
    let mut list = Vec::new();
    if kind.status {
        list.push(("status", kind.kind.clone(), &["get", "patch", "update"] as &[&str]));
    }
    if kind.scale {
        list.push(("scale", "Scale".to_owned(), &["get", "patch", "update"]));
    }
    if kind.kind == "Pod" {
        list.push(("log", "Pod".to_owned(), &["get"]));
        list.push(("eviction", "Eviction".to_owned(), &["create"]));
    }
    list
}

fn singular(kind: &Kind) -> String {
    kind.kind.to_lowercase()
}

fn resources(kinds: &Kinds, group: &str, version: &str) -> Result<Response<Body>, Failure> {
    let mut list: Vec<Value> = Vec::new();
    for kind in kinds.iter().filter(|kind| kind.group == group && kind.version == version) {
        list.push(json!({
            "name": kind.plural, "singularName": singular(kind), "namespaced": kind.namespaced, "kind": kind.kind,
            "verbs": VERBS, "shortNames": kind.short, "categories": categories(kind),
        }));
        for (name, exchanged, verbs) in subresources(kind) {
            let (group, version) = if name == "scale" { ("autoscaling", "v1") } else { ("", "") };
            list.push(json!({
                "name": format!("{}/{name}", kind.plural), "singularName": "", "namespaced": kind.namespaced, "group": group,
                "version": version, "kind": exchanged, "verbs": verbs,
            }));
        }
    }
    for (_, _, plural, kind, namespaced, verbs) in VIRTUAL.iter().filter(|entry| entry.0 == group && entry.1 == version)
    {
        list.push(
            json!({ "name": plural, "singularName": "", "namespaced": namespaced, "kind": kind, "verbs": verbs }),
        );
    }
    if list.is_empty() {
        return Err(not_found());
    }
    let group_version = if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
    Ok(api::json(
        200,
        &json!({ "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": list }),
    ))
}

fn categories(kind: &Kind) -> &'static [&'static str] {
    let all = [
        "Pod",
        "Service",
        "DaemonSet",
        "Deployment",
        "ReplicaSet",
        "StatefulSet",
        "CronJob",
        "Job",
        "HorizontalPodAutoscaler",
    ];
    if all.contains(&kind.kind.as_str()) { &["all"] } else { &[] }
}

fn aggregate(kinds: &Kinds, core: bool) -> Response<Body> {
    let wanted = groups(kinds).into_iter().filter(|(group, _)| group.is_empty() == core);
    let items: Vec<Value> = wanted
        .map(|(group, version)| {
            let resources = aggregated_resources(kinds, &group, &version);
            let versions = json!([{ "version": version, "resources": resources, "freshness": "Current" }]);
            json!({ "metadata": if core { json!({}) } else { json!({ "name": group }) }, "versions": versions })
        })
        .collect();
    let list = json!({ "kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items });
    api::bytes(200, AGGREGATED, list.to_string().into())
}

fn aggregated_resources(kinds: &Kinds, group: &str, version: &str) -> Vec<Value> {
    let scope = |namespaced: bool| if namespaced { "Namespaced" } else { "Cluster" };
    let stored = kinds.iter().filter(|kind| kind.group == group && kind.version == version).map(|kind: &Arc<Kind>| {
        let subresources: Vec<Value> = subresources(kind)
            .into_iter()
            .map(|(name, exchanged, verbs)| {
                let (group, version) = if name == "scale" { ("autoscaling", "v1") } else { (group, version) };
                json!({ "subresource": name, "responseKind": { "group": group, "version": version, "kind": exchanged }, "verbs": verbs })
            })
            .collect();
        json!({
            "resource": kind.plural, "responseKind": { "group": group, "version": version, "kind": kind.kind },
            "scope": scope(kind.namespaced), "singularResource": singular(kind), "verbs": VERBS, "shortNames": kind.short,
            "categories": categories(kind), "subresources": subresources,
        })
    });
    let virtual_ones =
        VIRTUAL.iter().filter(|entry| entry.0 == group).map(|(_, _, plural, kind, namespaced, verbs)| {
            json!({
                "resource": plural, "responseKind": { "group": group, "version": version, "kind": kind },
                "scope": scope(*namespaced), "singularResource": "", "verbs": verbs,
            })
        });
    stored.chain(virtual_ones).collect()
}
