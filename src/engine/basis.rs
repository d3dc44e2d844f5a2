//! The facts a preview rests on, and whether they still hold.

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{Error, Prepared, objects::label, prepare::history_or_none, preview::Basis};
use crate::{
    cluster::{self, Cluster, read::Target},
    manifest::{Object, ObjectKey},
    release::{RecordMeta, Storage},
};

/// One object of an operation and what lives in its place.
pub(super) struct Subject<'a> {
    /// As prepared.
    pub(super) object: &'a Object,
    /// Where it lives.
    pub(super) target: Result<Target, cluster::Error>,
    /// What lives there; an error repeats the target's.
    pub(super) live: Result<Option<Object>, cluster::Error>,
}

/// Reads what lives in the place of each object, in order.
pub(super) async fn read_live<'a>(cluster: &Cluster, objects: &'a [Object], namespace: &str) -> Vec<Subject<'a>> {
    let mut targets = Vec::with_capacity(objects.len());
    for object in objects {
        targets.push(cluster.target(object, namespace).await);
    }
    let known: Vec<Target> = targets.iter().filter_map(|target| target.as_ref().ok().cloned()).collect();
    let mut answers = cluster.get_many(&known).await.into_iter();
    let pair = |(object, target): (&'a Object, Result<Target, cluster::Error>)| {
        let live = match &target {
            Ok(_) => answers.next().unwrap_or(Ok(None)),
            Err(error) => Err(error.clone()),
        };
        Subject { object, target, live }
    };
    objects.iter().zip(targets).map(pair).collect()
}

/// The basis from what was read.
pub(super) fn of<'a>(newest: Option<&RecordMeta>, subjects: impl Iterator<Item = &'a Subject<'a>>) -> Basis {
    let fact = |subject: &Subject<'_>| {
        let key = subject.target.as_ref().map_or_else(|_| subject.object.key(), |target| target.key.clone());
        let fact = match &subject.live {
            Ok(Some(live)) => (live.uid().to_owned(), fingerprint(live)),
            Ok(None) => (String::new(), String::new()),
            Err(_) => (String::new(), "unreadable".to_owned()),
        };
        (basis_key(&key), fact)
    };
    Basis {
        record: newest.map_or_else(Default::default, |newest| {
            (newest.uid.clone(), newest.revision, newest.status.as_str().to_owned())
        }),
        objects: subjects.map(fact).collect(),
        conflicts: Vec::new(),
    }
}

/// Compares the facts now with those reviewed; each line says what moved.
pub(super) async fn check(storage: &Storage, prepared: &Prepared, basis: &Basis) -> Result<(), Error> {
    let history = history_or_none(storage, &prepared.name).await?;
    let newest = history.last();
    let defined: Vec<Object> = prepared.defined().cloned().collect();
    let mut subjects = Vec::new();
    for objects in [&defined, &prepared.objects, &prepared.deletions] {
        subjects.extend(read_live(storage.cluster(), objects, &prepared.namespace).await);
    }
    let now = of(newest, subjects.iter());

    let mut moved = Vec::new();
    if now.record != basis.record {
        moved.push(newest.map_or_else(
            || "the release was uninstalled".to_owned(),
            |newest| {
                let writer = newest.writers.first().map_or("someone", |(manager, _)| manager.as_str());
                format!("{writer} wrote revision {} ({})", newest.revision, newest.status.as_str())
            },
        ));
    }
    for subject in &subjects {
        let key = subject.target.as_ref().map_or_else(|_| subject.object.key(), |target| target.key.clone());
        let name = basis_key(&key);
        let (before, after) = (basis.objects.get(&name), now.objects.get(&name));
        if before != after {
            moved.push(what_moved(&key, before, subject));
        }
    }
    if moved.is_empty() { Ok(()) } else { Err(Error::Moved(moved)) }
}

fn what_moved(key: &ObjectKey, before: Option<&(String, String)>, subject: &Subject<'_>) -> String {
    let name = label(key);
    let before_uid = before.map_or("", |(uid, _)| uid.as_str());
    match &subject.live {
        Err(error) => format!("{name} can no longer be read: {error}"),
        Ok(None) => format!("{name} was deleted"),
        Ok(Some(live)) => {
            let by = last_writer(live).map_or(String::new(), |(manager, time)| format!(" by {manager} at {time}"));
            if before_uid.is_empty() {
                format!("{name} was created{by}")
            } else if before_uid == live.uid() {
                format!("{name} was changed{by}")
            } else {
                format!("{name} was deleted and made anew{by}")
            }
        }
    }
}

/// The manager that last wrote anything but status, and when.
fn last_writer(live: &Object) -> Option<(String, String)> {
    let entries = live.value["metadata"]["managedFields"].as_array()?;
    let spec = entries.iter().filter(|entry| entry["subresource"].as_str().is_none_or(str::is_empty));
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    spec.map(|entry| (text(&entry["manager"]), text(&entry["time"]))).max_by(|a, b| a.1.cmp(&b.1))
}

fn basis_key(key: &ObjectKey) -> String {
    format!("{}/{}/{}/{}", key.group, key.kind, key.namespace, key.name)
}

/// Where the Deployment controller counts, some time after a template changed.
const CONTROLLERS_COUNT: &str = "deployment.kubernetes.io/revision";

/// A hash of an object without what changes by itself: `status`, `managedFields`, `resourceVersion`, `generation`, and
/// the Deployment controller's count.
pub(super) fn fingerprint(object: &Object) -> String {
    let mut value = object.value.clone();
    if let Some(fields) = value.as_object_mut() {
        fields.remove("status");
    }
    if let Some(metadata) = value.get_mut("metadata").and_then(Value::as_object_mut) {
        for field in ["managedFields", "resourceVersion", "generation"] {
            metadata.remove(field);
        }
        if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
            annotations.remove(CONTROLLERS_COUNT);
            if annotations.is_empty() {
                metadata.remove("annotations");
            }
        }
    }
    Sha256::digest(value.to_string()).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_crash_looping_deployment_does_not_move() {
        let before = json!({"metadata": {"name": "web", "uid": "1", "resourceVersion": "5", "generation": 2,
            "managedFields": [{"manager": "helm"}]}, "spec": {"replicas": 2}, "status": {"readyReplicas": 2}});
        let mut after = before.clone();
        after["status"] = json!({"readyReplicas": 0, "unavailableReplicas": 2});
        after["metadata"]["resourceVersion"] = json!("9");
        after["metadata"]["generation"] = json!(3);
        after["metadata"]["annotations"] = json!({CONTROLLERS_COUNT: "2"});
        after["metadata"]["managedFields"] = json!([{"manager": "kube-controller-manager", "subresource": "status"}]);
        assert_eq!(fingerprint(&Object::new(before.clone())), fingerprint(&Object::new(after.clone())));
        after["spec"]["replicas"] = json!(3);
        assert_ne!(fingerprint(&Object::new(before)), fingerprint(&Object::new(after)));
    }
}
