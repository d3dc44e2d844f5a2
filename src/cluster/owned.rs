//! What belongs to a live object: its pods and other dependents, by owner references.

use std::collections::{BTreeMap, HashSet};

use serde_json::Value;

use super::{Cluster, Error};
use crate::manifest::Object;

impl Cluster {
    /// Pods that belong to a live object, through owner references and, for a Service, its selector.
    pub async fn pods_of(&self, object: &Object) -> Result<Vec<Object>, Error> {
        match (object.group(), object.kind()) {
            ("", "Pod") => return Ok(vec![object.clone()]),
            ("batch", "CronJob") => return self.pods_of_jobs(object).await,
            _ => {}
        }
        let selector = label_selector(&object.value["spec"]["selector"], object.kind());
        if selector.is_empty() {
            return Ok(Vec::new());
        }
        let mut pods = self.list("v1", "Pod", object.namespace(), &selector).await?;
        if object.kind() == "Service" {
            return Ok(pods);
        }
        let mut owners = HashSet::from([object.uid().to_owned()]);
        if pods.iter().any(|pod| !owned(pod, &owners)) {
            // Deployments own their pods through ReplicaSets, some custom kinds do the same.
            let sets = self.list("apps/v1", "ReplicaSet", object.namespace(), &selector).await?;
            let own: Vec<_> = sets.iter().filter(|set| owned(set, &owners)).map(|set| set.uid().to_owned()).collect();
            owners.extend(own);
        }
        pods.retain(|pod| owned(pod, &owners));
        Ok(pods)
    }

    /// Direct dependents of a live object by owner reference: ReplicaSets of a Deployment, Jobs of a CronJob, pods.
    pub async fn owned_by(&self, object: &Object) -> Result<Vec<Object>, Error> {
        let (api_version, kind) = match (object.group(), object.kind()) {
            ("apps", "Deployment") => ("apps/v1", "ReplicaSet"),
            ("batch", "CronJob") => ("batch/v1", "Job"),
            ("apps", "ReplicaSet" | "StatefulSet" | "DaemonSet") | ("batch", "Job") | ("", "ReplicationController") => {
                ("v1", "Pod")
            }
            _ => return Ok(Vec::new()),
        };
        // A CronJob has no selector, so its Jobs are found by owner alone.
        let selector = label_selector(&object.value["spec"]["selector"], object.kind());
        let owners = HashSet::from([object.uid().to_owned()]);
        let mut dependents = self.list(api_version, kind, object.namespace(), &selector).await?;
        dependents.retain(|dependent| owned(dependent, &owners));
        Ok(dependents)
    }

    async fn pods_of_jobs(&self, cron_job: &Object) -> Result<Vec<Object>, Error> {
        let jobs = self.owned_by(cron_job).await?;
        let owners: HashSet<_> = jobs.iter().map(|job| job.uid().to_owned()).collect();
        if owners.is_empty() {
            return Ok(Vec::new());
        }
        // Every pod of a Job carries this label (k8s.io/api `batch/v1`, `JobNameLabel`).
        let mut pods = self.list("v1", "Pod", cron_job.namespace(), "batch.kubernetes.io/job-name").await?;
        pods.retain(|pod| owned(pod, &owners));
        Ok(pods)
    }
}

fn owned(object: &Object, owners: &HashSet<String>) -> bool {
    let references = object.value["metadata"]["ownerReferences"].as_array();
    references.into_iter().flatten().any(|reference| reference["uid"].as_str().is_some_and(|uid| owners.contains(uid)))
}

/// A `spec.selector` in the form of a `labelSelector` parameter; empty when there is none.
/// Services and ReplicationControllers have a plain map, the others matchLabels and matchExpressions.
pub(super) fn label_selector(selector: &Value, kind: &str) -> String {
    let plain = matches!(kind, "Service" | "ReplicationController");
    let labels: BTreeMap<_, _> = if plain { selector } else { &selector["matchLabels"] }
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(name, value)| Some((name, value.as_str()?)))
        .collect();
    let equal = labels.into_iter().map(|(name, value)| format!("{name}={value}"));
    let expressions = selector["matchExpressions"].as_array().into_iter().flatten().filter(|_| !plain);
    equal.chain(expressions.filter_map(requirement)).collect::<Vec<_>>().join(",")
}

fn requirement(expression: &Value) -> Option<String> {
    let key = expression["key"].as_str()?;
    let values: Vec<_> = expression["values"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    match expression["operator"].as_str()? {
        "In" => Some(format!("{key} in ({})", values.join(","))),
        "NotIn" => Some(format!("{key} notin ({})", values.join(","))),
        "Exists" => Some(key.to_owned()),
        "DoesNotExist" => Some(format!("!{key}")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(selector: Value, kind: &str, expected: &str) {
        assert_eq!(label_selector(&selector, kind), expected);
    }

    #[test]
    fn selectors_as_parameters() {
        check(json!({"app": "web", "tier": "front"}), "Service", "app=web,tier=front");
        check(json!({"matchLabels": {"app": "web"}}), "Deployment", "app=web");
        check(
            json!({"matchLabels": {"app": "web"}, "matchExpressions": [
                {"key": "env", "operator": "In", "values": ["a", "b"]},
                {"key": "old", "operator": "DoesNotExist"},
                {"key": "zone", "operator": "NotIn", "values": ["x"]},
                {"key": "team", "operator": "Exists"},
            ]}),
            "Deployment",
            "app=web,env in (a,b),!old,zone notin (x),team",
        );
        check(Value::Null, "CronJob", "");
    }
}
