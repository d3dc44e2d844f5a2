//! What keeps an object from becoming ready, from its conditions, its pods and their events.

use serde_json::Value;

use super::{
    Cluster,
    logs::EventInfo,
    readiness::{Status, pod_trouble, readiness},
};
use crate::manifest::Object;

/// Pods named in one blocker.
const NAMED: usize = 3;

/// What was found out about an object that is not ready.
pub(super) struct Findings {
    /// `web-6f: ImagePullBackOff …`; `None` when nothing is wrong as far as can be read.
    pub(super) blocker: Option<String>,
    /// Its pods.
    pub(super) pods: Vec<Object>,
}

impl Cluster {
    /// Looks closer at a live object. What may not be read is left out.
    pub(super) async fn findings(&self, object: &Object) -> Findings {
        let pods = self.pods_of(object).await.unwrap_or_default();
        let blocker = match held(object).or_else(|| pods_in_trouble(object, &pods)).or_else(|| refused(object)) {
            Some(blocker) => Some(blocker),
            None => self.warning(object, &pods).await,
        };
        Findings { blocker, pods }
    }

    /// The newest warning about the object, else about its first pod that is not ready.
    async fn warning(&self, object: &Object, pods: &[Object]) -> Option<String> {
        let newest = |events: Vec<EventInfo>| events.into_iter().find(|event| event.kind == "Warning");
        let own = self.events_of(object).await.unwrap_or_default();
        if let Some(event) = newest(own) {
            return Some(format!("{}: {}", event.reason, event.message));
        }
        let pod = pods.iter().find(|pod| readiness(pod).status != Status::Current)?;
        let event = newest(self.events_of(pod).await.unwrap_or_default())?;
        Some(format!("{}: {}: {}", pod.name(), event.reason, event.message))
    }
}

/// The finalizers that hold an object being deleted.
pub(super) fn held(object: &Object) -> Option<String> {
    object.value["metadata"]["deletionTimestamp"].as_str()?;
    let finalizers = &object.value["metadata"]["finalizers"];
    let names: Vec<_> = finalizers.as_array()?.iter().filter_map(Value::as_str).collect();
    (!names.is_empty()).then(|| format!("held by finalizers {}", names.join(", ")))
}

fn pods_in_trouble(object: &Object, pods: &[Object]) -> Option<String> {
    let of_itself = object.kind() == "Pod";
    let troubles: Vec<_> = pods
        .iter()
        .filter_map(|pod| {
            let trouble = pod_trouble(pod)?;
            Some(if of_itself { trouble } else { format!("{}: {trouble}", pod.name()) })
        })
        .collect();
    let shown = troubles.iter().take(NAMED).cloned().collect::<Vec<_>>().join("; ");
    match troubles.len() {
        0 => None,
        count if count > NAMED => Some(format!("{shown}; and {} more", count - NAMED)),
        _ => Some(shown),
    }
}

/// A controller that may not create its pods (quota, admission) says so in a condition.
fn refused(object: &Object) -> Option<String> {
    let conditions = object.value["status"]["conditions"].as_array()?;
    let failure = conditions.iter().find(|one| one["type"] == "ReplicaFailure" && one["status"] == "True")?;
    Some(failure["message"].as_str()?.to_owned())
}
