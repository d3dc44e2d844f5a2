//! Versions that are not served any more, in the manifests of revisions.

use std::collections::BTreeSet;

use super::{Code, Diagnosis, Edit, Finding, Repair};
use crate::{
    cluster::{Cluster, ErrorKind},
    engine::{browse::Revision, objects::label},
    manifest::{self, Object},
    release::{RecordMeta, Status},
};

/// Kinds that Kubernetes moved out of the group `extensions` (Deprecated API Migration Guide, v1.16 and v1.22).
const MOVED: &[(&str, &str)] = &[
    ("DaemonSet", "apps"),
    ("Deployment", "apps"),
    ("ReplicaSet", "apps"),
    ("Ingress", "networking.k8s.io"),
    ("NetworkPolicy", "networking.k8s.io"),
];

/// A version of a kind that is not served, and the one that is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Removed {
    kind: String,
    version: String,
    served: String,
}

pub(super) async fn examine(cluster: &Cluster, revisions: &[Revision]) -> Diagnosis {
    let mut diagnosis = Diagnosis::default();
    for (meta, release) in revisions {
        // What is uninstalled is not read by any operation.
        let Some(release) = release.as_ref().ok().filter(|_| meta.status != Status::Uninstalled) else {
            continue;
        };
        let objects = manifest::read(&release.manifest).unwrap_or_default();
        let kinds: BTreeSet<_> = objects.iter().map(|object| (object.api_version(), object.kind())).collect();
        for (version, kind) in kinds {
            match cluster.resource(version, kind).await {
                Err(error) if error.kind == ErrorKind::NoKind => {}
                Err(error) => {
                    diagnosis.notes.push(format!("whether {version} {kind} is served cannot be told: {error}"));
                    continue;
                }
                Ok(_) => continue,
            }
            let named: Vec<String> = objects
                .iter()
                .filter(|object| (object.api_version(), object.kind()) == (version, kind))
                .map(|object| label(&object.key()))
                .collect();
            let served = served(cluster, version, kind).await;
            diagnosis.findings.push(finding(meta, &release.manifest, (version, kind), &named, served));
        }
    }
    diagnosis
}

/// The served version of a kind, also in the group that Kubernetes moved it to.
async fn served(cluster: &Cluster, version: &str, kind: &str) -> Option<String> {
    let (group, _) = version.split_once('/').unwrap_or_default();
    let moved = MOVED.iter().filter(|(moved, _)| group == "extensions" && *moved == kind).map(|(_, to)| *to);
    for group in std::iter::once(group).chain(moved) {
        if let Ok(resource) = cluster.resource_any_version(group, kind).await {
            return Some(resource.api_version());
        }
    }
    None
}

fn finding(
    meta: &RecordMeta,
    manifest: &str,
    (version, kind): (&str, &str),
    named: &[String],
    served: Option<String>,
) -> Finding {
    let base = Finding { object: named.join(", "), ..Finding::of(Code::RemovedVersion, meta) };
    let lost = format!("{version} {kind} is not served any more");
    let Some(served) = served else {
        return Finding {
            explanation: format!("{lost}, nor is any other version of it"),
            proposal: "define the kind again, or leave its objects out of the chart".to_owned(),
            ..base
        };
    };
    let removed = Removed { kind: kind.to_owned(), version: version.to_owned(), served: served.clone() };
    let repair = removed.in_manifest(manifest).map(|_| Repair::Edit(meta.clone(), Edit::Serve(removed)));
    Finding {
        explanation: format!("{lost}; {served} is. Helm cannot upgrade from this revision or go back to it"),
        proposal: match repair {
            Some(_) => format!("write {served} into the record's manifest; fields stay as they are"),
            None => {
                format!("the manifest is not written as templates usually are: upgrade with a chart that has {served}")
            }
        },
        repair,
        ..base
    }
}

impl Removed {
    /// The manifest with the served version in the place of the removed one, and nothing else changed; `None` where that
    /// cannot be done.
    pub(super) fn in_manifest(&self, manifest: &str) -> Option<String> {
        let mut changed = String::with_capacity(manifest.len());
        let mut end = 0;
        for document in manifest::split(manifest) {
            changed.push_str(&manifest[end..document.offset]);
            end = document.offset + document.text.len();
            let own = manifest::read(document.text).is_ok_and(|objects| objects.iter().any(|one| self.is_of(one)));
            match own {
                true => changed.push_str(&self.in_document(document.text)?),
                false => changed.push_str(document.text),
            }
        }
        changed.push_str(&manifest[end..]);
        let expected: Vec<Object> =
            manifest::read(manifest).ok()?.into_iter().map(|object| self.applied_to(object)).collect();
        (manifest::read(&changed).ok()? == expected).then_some(changed)
    }

    fn is_of(&self, object: &Object) -> bool {
        object.kind() == self.kind && object.api_version() == self.version
    }

    fn applied_to(&self, mut object: Object) -> Object {
        if self.is_of(&object) {
            object.value["apiVersion"] = self.served.as_str().into();
        }
        object
    }

    /// A document whose own line `apiVersion:` names the served version.
    fn in_document(&self, text: &str) -> Option<String> {
        let line = text.lines().find(|line| line.starts_with("apiVersion:"))?;
        let at = line.find(&self.version)? + text.find(line)?;
        Some(format!("{}{}{}", &text[..at], self.served, &text[at + self.version.len()..]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn removed() -> Removed {
        Removed {
            kind: "PodDisruptionBudget".to_owned(),
            version: "policy/v1beta1".to_owned(),
            served: "policy/v1".to_owned(),
        }
    }

    #[test]
    fn nothing_but_the_version_changes() {
        let before = "---\n# Source: a\n# apiVersion: policy/v1beta1\nkind: PodDisruptionBudget\napiVersion: \"policy/v1beta1\" # old\n\
                      metadata:\n  name: a\n  annotations:\n    note: |\n      apiVersion: policy/v1beta1\n---\n\
                      apiVersion: policy/v1beta1\nkind: Eviction\nmetadata: {name: b}\n";
        let after = before.replacen("\"policy/v1beta1\" # old", "\"policy/v1\" # old", 1);
        assert_eq!(removed().in_manifest(before), Some(after));
    }

    #[test]
    fn what_is_written_otherwise_is_left_alone() {
        let flow = "---\n{apiVersion: policy/v1beta1, kind: PodDisruptionBudget, metadata: {name: a}}\n";
        assert_eq!(removed().in_manifest(flow), None);
        let list =
            "---\napiVersion: v1\nkind: List\nitems:\n- apiVersion: policy/v1beta1\n  kind: PodDisruptionBudget\n";
        assert_eq!(removed().in_manifest(list), None);
    }
}
