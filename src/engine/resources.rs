//! The resources of a release as they live: a tree of objects and their pods, and its health.

use std::collections::BTreeMap;

use super::{Error, basis, browse::read_manifest};
use crate::{
    cluster::{
        Cluster,
        logs::ContainerUse,
        read::{Target, bounded},
        readiness::{Readiness, Status, pod_trouble, readiness},
    },
    manifest::{Object, quantity},
    release::{Release, Storage},
};

/// A node of the resources tree.
#[derive(Debug, Clone)]
pub struct ResourceNode {
    /// Where it lives.
    pub target: Target,
    /// Live object, `None` when missing or not readable.
    pub live: Option<Object>,
    /// Its readiness.
    pub readiness: Readiness,
    /// Trouble in a few words (pods), or why it could not be read.
    pub trouble: Option<String>,
    /// Use against limits for pods, `120Mi / 128Mi`, where metrics answer.
    pub usage: Option<String>,
    /// Dependents: ReplicaSets are skipped, their pods shown under the Deployment.
    pub children: Vec<ResourceNode>,
}

/// Kinds whose pods are shown beneath them.
const WITH_PODS: &[&str] =
    &["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController", "Job", "CronJob"];

/// Objects of a revision with live status, and their pods.
pub async fn resources(storage: &Storage, release: &Release) -> Result<Vec<ResourceNode>, Error> {
    let objects = read_manifest(release)?;
    let cluster = storage.cluster();
    let subjects = basis::read_live(cluster, &objects, &release.namespace).await;
    let uses = pod_uses(cluster, &subjects).await;
    let nodes = subjects.into_iter().map(|subject| node(cluster, subject, &uses));
    Ok(bounded(nodes).await)
}

/// Health of a release: ready and wanted pods of its workloads, and one more wanted for every other object that is
/// not as it should be.
pub fn health(nodes: &[ResourceNode]) -> (u32, u32) {
    nodes.iter().fold((0, 0), |(ready, wanted), node| match node.readiness.replicas {
        Some((own_ready, own_wanted)) => (ready + own_ready.min(own_wanted), wanted + own_wanted),
        None => (ready, wanted + u32::from(node.readiness.status != Status::Current)),
    })
}

async fn pod_uses(cluster: &Cluster, subjects: &[basis::Subject<'_>]) -> Vec<ContainerUse> {
    let places = subjects.iter().filter_map(|subject| subject.target.as_ref().ok());
    let mut namespaces: Vec<&str> = places
        .filter(|target| WITH_PODS.contains(&target.key.kind.as_str()) || target.key.kind == "Pod")
        .map(|target| target.key.namespace.as_str())
        .collect();
    namespaces.sort_unstable();
    namespaces.dedup();
    let asked = namespaces.into_iter().map(|namespace| cluster.pod_use(namespace));
    bounded(asked).await.concat()
}

async fn node(cluster: &Cluster, subject: basis::Subject<'_>, uses: &[ContainerUse]) -> ResourceNode {
    let fallback = || Target { api_version: subject.object.api_version().to_owned(), key: subject.object.key() };
    let target = subject.target.clone().unwrap_or_else(|_| fallback());
    let mut node = ResourceNode {
        target,
        live: None,
        readiness: Readiness { status: Status::NotFound, message: "not found".to_owned(), replicas: None },
        trouble: None,
        usage: None,
        children: Vec::new(),
    };
    match subject.live {
        Ok(Some(live)) => {
            node.readiness = readiness(&live);
            if live.kind() == "Pod" {
                describe_pod(&mut node, &live, uses);
            }
            if WITH_PODS.contains(&live.kind()) {
                match cluster.pods_of(&live).await {
                    Ok(pods) => node.children = pods.into_iter().map(|pod| pod_node(pod, uses)).collect(),
                    Err(error) => node.trouble = Some(format!("pods cannot be read: {error}")),
                }
            }
            node.live = Some(live);
        }
        Ok(None) => node.trouble = Some("missing in the cluster".to_owned()),
        Err(error) => {
            node.readiness.status = Status::Unknown;
            node.readiness.message.clone_from(&error.message);
            node.trouble = Some(error.message);
        }
    }
    node
}

fn pod_node(pod: Object, uses: &[ContainerUse]) -> ResourceNode {
    let mut node = ResourceNode {
        target: Target { api_version: "v1".to_owned(), key: pod.key() },
        live: None,
        readiness: readiness(&pod),
        trouble: None,
        usage: None,
        children: Vec::new(),
    };
    // Items of a list carry no kind of their own.
    "Pod".clone_into(&mut node.target.key.kind);
    describe_pod(&mut node, &pod, uses);
    node.live = Some(pod);
    node
}

fn describe_pod(node: &mut ResourceNode, pod: &Object, uses: &[ContainerUse]) {
    node.trouble = pod_trouble(pod);
    let own: BTreeMap<&str, u64> = uses
        .iter()
        .filter(|used| used.pod == pod.name())
        .map(|used| (used.container.as_str(), used.memory_bytes))
        .collect();
    node.usage = (!own.is_empty()).then(|| usage(pod, &own));
}

/// Memory of a pod's containers in use, against the sum of their limits when each has one.
fn usage(pod: &Object, memory: &BTreeMap<&str, u64>) -> String {
    let used = mebibytes(memory.values().sum());
    let containers = pod.value["spec"]["containers"].as_array().map_or(&[][..], Vec::as_slice);
    let limits: Option<Vec<u64>> =
        containers.iter().map(|container| bytes(container["resources"]["limits"]["memory"].as_str()?)).collect();
    match limits {
        Some(limits) if !limits.is_empty() => {
            format!("{used} / {}", mebibytes(limits.iter().sum()))
        }
        _ => used,
    }
}

fn mebibytes(bytes: u64) -> String {
    format!("{}Mi", bytes.div_ceil(1 << 20))
}

/// Bytes of a Kubernetes memory quantity; `None` for what is not one.
fn bytes(text: &str) -> Option<u64> {
    // Limits are far below 2^53, where f64 counts bytes exactly; the cast saturates.
    Some(quantity(text)? as u64)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn memory_quantities() {
        let read: Vec<_> = ["128Mi", "1Gi", "1.5Gi", "200M", "1024", "x", ""].iter().map(|text| bytes(text)).collect();
        let expected =
            [Some(134_217_728), Some(1_073_741_824), Some(1_610_612_736), Some(200_000_000), Some(1024), None, None];
        assert_eq!(read, expected);
    }

    #[test]
    fn usage_names_the_limit_when_every_container_has_one() {
        let limited = json!({"resources": {"limits": {"memory": "128Mi"}}});
        let pod = |containers| Object::new(json!({"spec": {"containers": containers}}));
        let memory = BTreeMap::from([("web", 125_829_120)]);
        assert_eq!(usage(&pod(json!([limited])), &memory), "120Mi / 128Mi");
        assert_eq!(usage(&pod(json!([limited, {}])), &memory), "120Mi");
    }
}
