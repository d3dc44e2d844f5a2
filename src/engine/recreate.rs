//! Objects that are deleted and made anew, because the server lets some of their fields be set only once (`--recreate`).

use tokio_util::sync::CancellationToken;

use super::{Error, Options, retry::patiently};
use crate::{
    cluster::{
        self, Cluster, ErrorKind,
        apply::{Deletion, Propagation},
        read::Target,
    },
    manifest::{Object, ObjectKey},
};

/// Kinds whose objects take others with them, of other releases too.
const REFUSED: [&str; 2] = ["Namespace", "CustomResourceDefinition"];
/// Workloads that take over the pods of their namespace that they select and nobody owns.
const ADOPTERS: [&str; 5] = ["Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "ReplicationController"];
/// How much of a name is kept beside [`STAND_IN`]: some kinds allow 63 characters.
const NAME_KEPT: usize = 50;
/// The end of the name under which a creation is tried.
const STAND_IN: &str = "-anew";

/// How objects are named: `Deployment/web`.
pub fn named(key: &ObjectKey) -> String {
    format!("{}/{}", key.kind, key.name)
}

/// Whether an object is to be made anew.
pub(super) fn is_asked(options: &Options, key: &ObjectKey) -> bool {
    options.recreate.iter().any(|asked| names(asked, key))
}

/// Kinds are read as kubectl reads them, in any case.
fn names(asked: &str, key: &ObjectKey) -> bool {
    asked.split_once('/').is_some_and(|(kind, name)| kind.eq_ignore_ascii_case(&key.kind) && name == key.name)
}

/// Checks what is to be made anew.
///
/// # Errors
/// A sentence where the release has no such object, and where others would go with it.
pub(super) fn check(options: &Options, revision: u32, objects: &[Object]) -> Result<(), Error> {
    let keys: Vec<ObjectKey> = objects.iter().map(Object::key).collect();
    for asked in &options.recreate {
        let Some(key) = keys.iter().find(|key| names(asked, key)) else {
            let mut others: Vec<String> = keys.iter().map(named).collect();
            others.truncate(5);
            let known = if others.is_empty() { "none".to_owned() } else { others.join(", ") };
            let words = format!("--recreate {asked}: revision {revision} has no such object");
            return Err(Error::Refused(format!("{words}; it has {known}")));
        };
        if REFUSED.contains(&key.kind.as_str()) {
            let words = "everything in it or of it would be deleted too, of this release or not";
            return Err(Error::Refused(format!("--recreate {asked}: {words}")));
        }
    }
    Ok(())
}

/// What becomes of an object's dependents: they stay where the new one takes them over.
pub(super) fn propagation(live: &Object, wanted: &Object) -> Propagation {
    let selector = |object: &Object| object.value["spec"]["selector"].clone();
    let labels = &wanted.value["spec"]["template"]["metadata"]["labels"];
    let same = selector(live) == selector(wanted) && !labels.is_null();
    if ADOPTERS.contains(&live.kind()) && same { Propagation::Orphan } else { Propagation::Background }
}

/// What the server makes of an object that nothing stands in the way of: it is asked under another name.
pub(super) async fn ask(cluster: &Cluster, target: &Target, wanted: &Object) -> Result<Object, cluster::Error> {
    let kept: String = target.key.name.chars().take(NAME_KEPT).collect();
    let name = kept.trim_end_matches(|last: char| !last.is_ascii_alphanumeric()).to_owned() + STAND_IN;
    let mut stand_in = wanted.clone();
    stand_in.value["metadata"]["name"] = name.as_str().into();
    let place = Target { key: ObjectKey { name, ..target.key.clone() }, ..target.clone() };
    let mut made = patiently(|| cluster.create(&place, &stand_in, true)).await?;
    made.value["metadata"]["name"] = target.key.name.as_str().into();
    Ok(made)
}

/// Deletes an object, once the server has said that it takes the new one, and waits until it is gone.
///
/// # Errors
/// The server's refusal, with nothing deleted; finalizers that hold the object beyond `--timeout`; a cancellation.
pub(super) async fn make_way(
    cluster: &Cluster,
    target: &Target,
    (live, wanted): (&Object, &Object),
    options: &Options,
    cancel: &CancellationToken,
) -> Result<(), cluster::Error> {
    match ask(cluster, target, wanted).await {
        Ok(_) => {}
        // It may be made all the same: only trying it in advance is refused.
        Err(error) if error.message.contains("does not support dry run") => {}
        Err(error) => return Err(error),
    }
    let deletion =
        Deletion { uid: Some(live.uid().to_owned()), propagation: propagation(live, wanted), dry_run: false };
    patiently(|| cluster.delete(target, &deletion)).await?;
    let gone = cluster.wait_deleted(std::slice::from_ref(target), options.timeout, cancel, &|_| {}).await;
    gone.map_err(|error| match error.kind {
        ErrorKind::Cancelled => error,
        _ => cluster::Error { message: format!("it was deleted and is not gone: {}", error.message), ..error },
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check_propagation(live: serde_json::Value, wanted: serde_json::Value, expected: Propagation) {
        assert_eq!(propagation(&Object::new(live), &Object::new(wanted)), expected);
    }

    #[test]
    fn pods_stay_where_the_new_object_takes_them_over() {
        let workload = |kind: &str, app: &str| {
            json!({"kind": kind, "spec": {
                "selector": {"matchLabels": {"app": app}}, "template": {"metadata": {"labels": {"app": app}}},
            }})
        };
        check_propagation(workload("StatefulSet", "a"), workload("StatefulSet", "a"), Propagation::Orphan);
        check_propagation(workload("Deployment", "a"), workload("Deployment", "b"), Propagation::Background);
        // A Job selects by a label that the server makes for each.
        check_propagation(workload("Job", "a"), workload("Job", "a"), Propagation::Background);
        check_propagation(json!({"kind": "Service"}), json!({"kind": "Service"}), Propagation::Background);
    }

    #[test]
    fn names_are_read_as_kubectl_reads_them() {
        let key =
            Object::new(json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}})).key();
        assert!(names("deployment/web", &key) && names("Deployment/web", &key));
        assert!(!names("Deployment/Web", &key) && !names("web", &key) && !names("Service/web", &key));
    }
}
