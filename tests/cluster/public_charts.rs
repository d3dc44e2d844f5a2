//! Public charts in and out of a real cluster: installed, upgraded with changed values, rolled back, uninstalled, and
//! nothing of them is left.

use std::{collections::BTreeMap, path::PathBuf};

use crate::{
    corpus::corpus,
    plane::{Plane, plane},
};

/// Charts of the corpus by name, and a value that changes what they render.
const CHARTS: &[(&str, &str)] = &[
    ("argo-workflows", "commonLabels.changed=yes"),
    ("datadog", "replicaCount=3"),
    ("external-secrets", "replicaCount=3"),
    ("fluent-bit", "podAnnotations.changed=yes"),
    ("gateway", "podAnnotations.changed=yes"),
    ("ghost", "replicaCount=3"),
    ("grafana", "replicaCount=3"),
    ("grafana-loki", "gateway.replicaCount=2"),
    ("jenkins", "controller.podAnnotations.changed=yes"),
    ("keda", "additionalLabels.changed=yes"),
    ("keycloak", "replicaCount=3"),
    ("kube-state-metrics", "podAnnotations.changed=yes"),
    ("metallb", "controller.podAnnotations.changed=yes"),
    ("metrics-server", "podAnnotations.changed=yes"),
    ("minio", "podAnnotations.changed=yes"),
    ("nats", "config.merge.debug=true"),
    ("opentelemetry-demo", "default.replicas=2"),
    ("prometheus", "server.podAnnotations.changed=yes"),
    ("prometheus-blackbox-exporter", "podAnnotations.changed=yes"),
    ("redis", "replica.replicaCount=2"),
    ("traefik", "commonLabels.changed=yes"),
    ("vault", "fullnameOverride=other"),
    ("wordpress", "replicaCount=3"),
];

/// Kinds that charts leave in namespaces, and outside of them.
const NAMESPACED: &str =
    "all,cm,secret,sa,role,rolebinding,ingress,pvc,pdb,networkpolicy,hpa,serviceaccount,endpoints,lease";
const CLUSTER_WIDE: &str = "clusterrole,clusterrolebinding,validatingwebhookconfiguration,mutatingwebhookconfiguration,priorityclass,storageclass,ingressclass,apiservice";

#[test]
fn public_charts_come_and_go() {
    let plane = plane();
    let archives = archives();
    let mut trouble = Vec::new();
    for (chart, change) in CHARTS {
        let archive = archives.get(*chart).unwrap_or_else(|| panic!("the corpus has no {chart}"));
        let went = come_and_go(plane, &archive.display().to_string(), change, &plane.namespace());
        trouble.extend(went.err().map(|why| format!("{chart}: {why}")));
    }
    println!("public charts installed, upgraded, rolled back and uninstalled: {}", CHARTS.len() - trouble.len());
    assert!(trouble.is_empty(), "{}", trouble.join("\n"));
}

/// Everything that may happen to a chart; the first thing that goes wrong.
fn come_and_go(plane: &Plane, archive: &str, change: &str, namespace: &str) -> Result<(), String> {
    let step = |args: &[&str]| {
        let ran = plane.try_pilothouse(&[args, &["-n", namespace, "--timeout", "2m"]].concat());
        if ran.code == 0 { Ok(()) } else { Err(format!("{args:?}: {}{}", ran.stdout, ran.stderr)) }
    };
    let manifest = || plane.pilothouse(&["get", "manifest", "rel", "-n", namespace]);
    step(&["install", "rel", archive])?;
    let first = manifest();
    step(&["upgrade", "rel", archive, "--set", change])?;
    if manifest() == first {
        return Err(format!("{change} changes nothing"));
    }
    step(&["rollback", "rel", "1"])?;
    if manifest() != first {
        return Err("the first revision's manifest did not come back".to_owned());
    }
    step(&["uninstall", "rel"])?;
    // Pods and the like go a little after what made them; definitions go when the server gets to it.
    plane.wait_until(&format!("nothing of {archive} is left"), || is_gone(plane, namespace));
    Ok(())
}

/// Whether nothing is left of a release that was alone in its namespace.
fn is_gone(plane: &Plane, namespace: &str) -> bool {
    let owned = ["-l", "app.kubernetes.io/managed-by=Helm", "-o", "name"];
    let left = plane.kubectl(&[&["get", NAMESPACED, "-n", namespace], &owned[..]].concat());
    let everywhere = plane.kubectl(&["get", CLUSTER_WIDE, "-o", "json"]);
    left.is_empty() && !everywhere.contains(&format!("\"meta.helm.sh/release-namespace\": \"{namespace}\""))
}

/// The corpus' archives by the names of their charts.
fn archives() -> BTreeMap<String, PathBuf> {
    let charts = corpus().join("charts");
    let files = std::fs::read_dir(&charts).unwrap_or_else(|error| panic!("{}: {error}", charts.display()));
    let named = files.filter_map(|file| {
        let path = file.ok()?.path();
        let name = path.file_name()?.to_str()?.strip_suffix(".tgz")?.to_owned();
        let version = name.match_indices('-').find(|(at, _)| {
            let rest = name[at + 1..].trim_start_matches('v');
            rest.starts_with(|first: char| first.is_ascii_digit())
        })?;
        Some((name[..version.0].to_owned(), path))
    });
    named.collect()
}
