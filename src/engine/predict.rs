//! What the server would make of one object, asked by dry-run in the very way execute will write.

use std::collections::{BTreeSet, HashSet};

use serde_json::Value;

use super::{
    Error, Prepared,
    apply::why_not_deleted,
    basis::Subject,
    fields,
    objects::{self, Originals, as_sent},
    preview::{Confidence, ConflictDetail, ObjectPreview},
    recreate,
    retry::patiently,
};
use crate::{
    cluster::{
        self, Cluster, ErrorKind,
        apply::{
            Deletion, FIELD_MANAGER, Propagation, ServerSide, apply_patch_locally, client_side_patch,
            migrated_managed_fields, server_side_locally,
        },
        error::FieldConflict,
        read::{Target, bounded},
    },
    diff::{self, Change, Redactor, fold_string_data},
    manifest::Object,
    release::ApplyMethod,
};

/// The prediction for one object, with what the list of risks needs beside it.
pub(super) struct Predicted {
    pub(super) preview: ObjectPreview,
    /// The version the manifest asks for, where it is not served any more.
    pub(super) removed_version: Option<String>,
    /// Whether execute moves field ownership to server-side apply first.
    pub(super) migrates: bool,
    /// Whether the pods' template changes.
    pub(super) template_changes: bool,
    /// Why it cannot be predicted yet.
    pub(super) unverifiable: Option<String>,
    /// Why an object that the target lacks is left alone.
    pub(super) stays: Option<String>,
    /// The same object in the current revision's manifest, as it would be sent.
    pub(super) original: Option<Object>,
    /// As it would be sent; `None` for a deletion.
    pub(super) wanted: Option<Object>,
}

/// What asking the server gave.
struct Answer {
    predicted: Option<Object>,
    confidence: Confidence,
    refusal: Option<cluster::Error>,
    conflicts: Vec<FieldConflict>,
    migrates: bool,
}

/// Asks about the objects of one prepared operation.
pub(super) struct Oracle<'a> {
    pub(super) cluster: &'a Cluster,
    pub(super) prepared: &'a Prepared,
    pub(super) redactor: &'a Redactor,
    /// Kinds that this release's own CustomResourceDefinitions define.
    pub(super) defined: BTreeSet<(String, String)>,
    /// Those of them that are served already, and will be otherwise.
    pub(super) changing: BTreeSet<(String, String)>,
}

impl Oracle<'_> {
    /// Predicts applying objects, several at once.
    pub(super) async fn apply_all(&self, subjects: &[Subject<'_>]) -> Result<Vec<Predicted>, Error> {
        bounded(subjects.iter().map(|subject| self.apply(subject))).await.into_iter().collect()
    }

    /// Predicts applying an object.
    pub(super) async fn apply(&self, subject: &Subject<'_>) -> Result<Predicted, Error> {
        let target = match &subject.target {
            Ok(target) => target,
            Err(error) if error.kind == ErrorKind::NoKind => {
                return Ok(self.without_kind(subject.object, error));
            }
            Err(error) => return Err(error.clone().into()),
        };
        let wanted = as_sent(subject.object, target);
        let originals = Originals::new(&self.prepared.originals, &self.prepared.namespace);
        let original = match &subject.live {
            Ok(Some(live)) => originals.find(self.cluster, target, live).await,
            _ => originals.by_key(target).map(|original| as_sent(original, target)),
        };
        let recreates = recreate::is_asked(&self.prepared.options, &target.key);
        let (live, answer) = match &subject.live {
            Ok(Some(live)) if recreates => (Some(live.clone()), self.ask_recreate(target, &wanted, live).await?),
            Ok(Some(live)) => (Some(live.clone()), self.ask_update(target, &wanted, live, original.as_ref()).await?),
            Ok(None) => (None, self.ask_create(target, &wanted).await?),
            Err(error) if error.kind == ErrorKind::Forbidden => (self.as_installed(&original), stored(wanted.clone())),
            Err(error) => return Err(error.clone().into()),
        };
        let unverifiable = self.unverifiable(target, live.as_ref(), &answer);
        let asked_version = subject.object.api_version();
        let removed = (asked_version != target.api_version).then(|| asked_version.to_owned());
        let mut predicted = self.judge(target.clone(), live, answer);
        let preview = &mut predicted.preview;
        if let Some(live) = preview.live.as_ref().filter(|_| recreates) {
            (preview.change, preview.diff.change) = (Change::Recreate, Change::Recreate);
            if recreate::propagation(live, &wanted) == Propagation::Background {
                preview.restarts = pods_that_roll(Some(live), preview.predicted.as_ref());
            }
        }
        if unverifiable.is_some() {
            predicted.preview.refusal = None;
            predicted.preview.predicted.get_or_insert_with(|| wanted.clone());
        }
        Ok(Predicted { removed_version: removed, unverifiable, original, wanted: Some(wanted), ..predicted })
    }

    /// What stands in for a live object that may not be read: the current revision's, as Helm left it.
    fn as_installed(&self, original: &Option<Object>) -> Option<Object> {
        let mut installed = original.clone()?;
        objects::own(&mut installed, &self.prepared.name, &self.prepared.namespace);
        Some(installed)
    }

    /// Predicts deleting an object that the target lacks; `None` when there is nothing to delete.
    pub(super) async fn delete(
        &self,
        subject: &Subject<'_>,
        applied: &HashSet<String>,
    ) -> Result<Option<Predicted>, Error> {
        let target = match &subject.target {
            Ok(target) => target,
            Err(error) if error.kind == ErrorKind::NoKind => return Ok(None),
            Err(error) => return Err(error.clone().into()),
        };
        let (live, confidence) = match &subject.live {
            Ok(Some(live)) if applied.contains(live.uid()) => return Ok(None),
            Ok(Some(live)) => (live.clone(), Confidence::ServerDryRun),
            Ok(None) => return Ok(None),
            Err(error) if error.kind == ErrorKind::Forbidden => {
                (as_sent(subject.object, target), Confidence::StoredManifests)
            }
            Err(error) => return Err(error.clone().into()),
        };
        let mut answer = Answer { predicted: None, confidence, refusal: None, conflicts: Vec::new(), migrates: false };
        let stays = match confidence {
            Confidence::StoredManifests => None,
            _ => why_not_deleted(&live, self.prepared),
        };
        if stays.is_some() {
            answer.predicted = Some(live.clone());
        } else if confidence == Confidence::ServerDryRun {
            let deletion = Deletion { uid: Some(live.uid().to_owned()), dry_run: true, ..Deletion::default() };
            match patiently(|| self.cluster.delete(target, &deletion)).await {
                Ok(_) => {}
                Err(error) if lacks_rights(&error) => answer.confidence = Confidence::LiveObjects,
                Err(error) if is_answer(&error) => answer.refusal = Some(error),
                Err(error) => return Err(error.into()),
            }
        }
        let predicted = self.judge(target.clone(), Some(live), answer);
        Ok(Some(Predicted { stays, original: Some(as_sent(subject.object, target)), ..predicted }))
    }

    /// A kind that is not served: this release may define it, else the server will refuse.
    fn without_kind(&self, object: &Object, error: &cluster::Error) -> Predicted {
        let target = Target { api_version: object.api_version().to_owned(), key: object.key() };
        let own = self.defined.contains(&(object.group().to_owned(), object.kind().to_owned()));
        let answer = Answer {
            predicted: Some(object.clone()),
            confidence: Confidence::StoredManifests,
            refusal: (!own).then(|| error.clone()),
            conflicts: Vec::new(),
            migrates: false,
        };
        let unverifiable = own.then(|| "a CustomResourceDefinition of this release defines its kind first".to_owned());
        let removed = (!own).then(|| object.api_version().to_owned());
        let predicted = self.judge(target, None, answer);
        Predicted { unverifiable, removed_version: removed, wanted: Some(object.clone()), ..predicted }
    }

    fn unverifiable(&self, target: &Target, live: Option<&Object>, answer: &Answer) -> Option<String> {
        if self.changing.contains(&(target.key.group.clone(), target.key.kind.clone())) {
            return Some("the definition of its kind changes first".to_owned());
        }
        let namespace = &target.key.namespace;
        let refused = answer.refusal.as_ref()?;
        let made_here = |object: &Object| object.kind() == "Namespace" && object.name() == namespace;
        let created = self.prepared.objects.iter().any(made_here)
            || (self.prepared.options.create_namespace && *namespace == self.prepared.namespace);
        if live.is_none() && refused.kind == ErrorKind::NotFound && created {
            return Some(format!("its namespace {namespace} is created by this release"));
        }
        None
    }

    async fn ask_create(&self, target: &Target, wanted: &Object) -> Result<Answer, Error> {
        let asked = if self.prepared.method == ApplyMethod::ServerSide {
            patiently(|| self.cluster.apply(target, wanted, ServerSide { force: true, dry_run: true })).await
        } else {
            patiently(|| self.cluster.create(target, wanted, true)).await
        };
        answer(asked, || wanted.clone())
    }

    /// Both halves of making an object anew: whether it may be deleted, and what the new one will be.
    async fn ask_recreate(&self, target: &Target, wanted: &Object, live: &Object) -> Result<Answer, Error> {
        if let Some(why) = why_not_deleted(live, self.prepared) {
            return answer(Err(cluster::Error::new(ErrorKind::Forbidden, why)), || wanted.clone());
        }
        let deletion = Deletion { uid: Some(live.uid().to_owned()), dry_run: true, ..Deletion::default() };
        let asked = match patiently(|| self.cluster.delete(target, &deletion)).await {
            Ok(_) => recreate::ask(self.cluster, target, wanted).await,
            Err(error) => Err(error),
        };
        answer(asked, || wanted.clone())
    }

    async fn ask_update(
        &self,
        target: &Target,
        wanted: &Object,
        live: &Object,
        original: Option<&Object>,
    ) -> Result<Answer, Error> {
        if self.prepared.method == ApplyMethod::ServerSide {
            return match migrated_managed_fields(live).filter(|_| self.prepared.migrates(target)) {
                Some(migrated) => self.ask_migrating(target, wanted, live, migrated).await,
                None => self.ask_server_side(target, wanted, live).await,
            };
        }
        if self.prepared.options.force_replace {
            let asked = patiently(|| self.cluster.replace(target, wanted, true)).await;
            return answer(asked, || wanted.clone());
        }
        let three_way = self.prepared.three_way();
        let patch = match client_side_patch(Some(original.unwrap_or(live)), wanted, live, three_way) {
            Ok(patch) => patch,
            Err(error) => return answer(Err(error), || live.clone()),
        };
        if patch.is_empty() {
            return answer(Ok(live.clone()), || live.clone());
        }
        let asked = patiently(|| self.cluster.patch(target, &patch, true)).await;
        // Where even our own merge cannot tell, the manifest is the best guess.
        answer(asked, || apply_patch_locally(live, &patch).unwrap_or_else(|_| wanted.clone()))
    }

    async fn ask_server_side(&self, target: &Target, wanted: &Object, live: &Object) -> Result<Answer, Error> {
        let force = self.prepared.options.force_conflicts;
        let asked = patiently(|| self.cluster.apply(target, wanted, ServerSide { force, dry_run: true })).await;
        let local = || server_side_locally(live, wanted);
        let Err(cluster::Error { kind: ErrorKind::FieldConflicts(conflicts), .. }) = asked else {
            return answer(asked, local);
        };
        // What would come out if the fields were taken, so that both values can be shown.
        let taken = ServerSide { force: true, dry_run: true };
        let answer = answer(patiently(|| self.cluster.apply(target, wanted, taken)).await, local)?;
        Ok(Answer { conflicts, ..answer })
    }

    /// Execute will first move what client-side `helm` owned to server-side `helm`, and a dry-run cannot chain after
    /// that. So the outcome is computed here, and a dry-run PUT of it adds the server's defaults and judgement.
    async fn ask_migrating(
        &self,
        target: &Target,
        wanted: &Object,
        live: &Object,
        migrated: Value,
    ) -> Result<Answer, Error> {
        let mut owned = live.clone();
        owned.value["metadata"]["managedFields"] = migrated;
        let mut outcome = server_side_locally(&owned, wanted);
        if let Some(metadata) = outcome.value["metadata"].as_object_mut() {
            metadata.remove("managedFields");
        }
        let mut conflicts = Vec::new();
        if !self.prepared.options.force_conflicts {
            let unforced = ServerSide { force: false, dry_run: true };
            let asked = patiently(|| self.cluster.apply(target, wanted, unforced)).await;
            if let Err(cluster::Error { kind: ErrorKind::FieldConflicts(found), .. }) = asked {
                // Those with Helm itself go away with the migration.
                conflicts = found;
                conflicts.retain(|conflict| conflict.manager != FIELD_MANAGER);
            }
        }
        let asked = patiently(|| self.cluster.replace(target, &outcome, true)).await;
        let answer = answer(asked, || outcome.clone())?;
        Ok(Answer { conflicts, migrates: true, ..answer })
    }

    fn judge(&self, target: Target, live: Option<Object>, answer: Answer) -> Predicted {
        let diff = diff::object(live.as_ref(), answer.predicted.as_ref(), self.redactor);
        let template = |object: &Option<Object>| object.as_ref().map(|object| object.value["spec"]["template"].clone());
        let template_changes = live.is_some()
            && answer.predicted.is_some()
            && answer.refusal.is_none()
            && template(&live) != template(&answer.predicted);
        let restarts = if template_changes { pods_that_roll(live.as_ref(), answer.predicted.as_ref()) } else { 0 };
        let details = answer.conflicts.into_iter();
        let preview = ObjectPreview {
            conflicts: details
                .map(|conflict| self.detail(conflict, live.as_ref(), answer.predicted.as_ref()))
                .collect(),
            target,
            change: diff.change,
            live,
            predicted: answer.predicted,
            diff,
            restarts,
            refusal: answer.refusal.map(|error| error.message),
            confidence: answer.confidence,
        };
        Predicted {
            preview,
            removed_version: None,
            migrates: answer.migrates,
            template_changes,
            unverifiable: None,
            stays: None,
            original: None,
            wanted: None,
        }
    }

    fn detail(&self, conflict: FieldConflict, live: Option<&Object>, predicted: Option<&Object>) -> ConflictDetail {
        let show = |object: Option<&Object>| {
            let value = object.and_then(|object| fields::lookup(&object.value, &conflict.field));
            value.map_or_else(String::new, |value| {
                let secret = object.is_some_and(|object| object.kind() == "Secret");
                let text = fields::text(value);
                if secret { self.redactor.fingerprint(&text) } else { text }
            })
        };
        let entries = live.and_then(|live| live.value["metadata"]["managedFields"].as_array());
        let times = entries.into_iter().flatten().filter(|entry| entry["manager"] == conflict.manager.as_str());
        ConflictDetail {
            since: times.filter_map(|entry| entry["time"].as_str()).max().unwrap_or_default().to_owned(),
            live: show(live),
            wanted: show(predicted),
            conflict,
        }
    }
}

fn stored(wanted: Object) -> Answer {
    Answer {
        predicted: Some(wanted),
        confidence: Confidence::StoredManifests,
        refusal: None,
        conflicts: Vec::new(),
        migrates: false,
    }
}

/// Sorts what the server said: an outcome, no right to ask (then our own merge stands in), a refusal, or no answer at all.
fn answer(asked: Result<Object, cluster::Error>, local: impl FnOnce() -> Object) -> Result<Answer, Error> {
    let local = || as_stored(local());
    let (predicted, confidence, refusal) = match asked {
        Ok(predicted) => (predicted, Confidence::ServerDryRun, None),
        Err(error) if lacks_rights(&error) || error.message.contains("does not support dry run") => {
            (local(), Confidence::LiveObjects, None)
        }
        Err(error) if is_answer(&error) => (local(), Confidence::ServerDryRun, Some(error)),
        Err(error) => return Err(error.into()),
    };
    Ok(Answer { predicted: Some(predicted), confidence, refusal, conflicts: Vec::new(), migrates: false })
}

/// What our own merge came to, in the form the server keeps it: a Secret has no `stringData`.
fn as_stored(mut object: Object) -> Object {
    if object.kind() == "Secret" {
        fold_string_data(&mut object.value);
    }
    object
}

/// Whether a 403 is about rights (`User "x" cannot patch resource …`), not an admission plugin's refusal.
fn lacks_rights(error: &cluster::Error) -> bool {
    error.kind == ErrorKind::Forbidden && error.message.contains("\" cannot ")
}

/// Whether the server spoke about the object, rather than not being there or not knowing us.
fn is_answer(error: &cluster::Error) -> bool {
    let deaf = matches!(
        error.kind,
        ErrorKind::Unreachable
            | ErrorKind::Unauthorized
            | ErrorKind::Timeout
            | ErrorKind::Cancelled
            | ErrorKind::Config
    );
    !deaf && error.kind != ErrorKind::TooManyRequests
}

/// Pods that a changed template replaces: as many as are wanted afterwards, none when the workload does not roll by itself.
fn pods_that_roll(live: Option<&Object>, predicted: Option<&Object>) -> u32 {
    let (Some(live), Some(predicted)) = (live, predicted) else {
        return 0;
    };
    let number = |value: &Value| u32::try_from(value.as_u64().unwrap_or_default()).unwrap_or(u32::MAX);
    let spec = &predicted.value["spec"];
    match predicted.kind() {
        "Deployment" if spec["paused"] == true => 0,
        "StatefulSet" | "DaemonSet" if spec["updateStrategy"]["type"] == "OnDelete" => 0,
        "Deployment" | "StatefulSet" if live.value["spec"]["replicas"] == 0 => 0,
        "Deployment" | "StatefulSet" => spec.get("replicas").map_or(1, number),
        "DaemonSet" => number(&live.value["status"]["desiredNumberScheduled"]),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check_roll(kind: &str, live: Value, predicted: Value, expected: u32) {
        let object =
            |spec: Value| Object::new(json!({"kind": kind, "spec": spec, "status": {"desiredNumberScheduled": 4}}));
        assert_eq!(pods_that_roll(Some(&object(live)), Some(&object(predicted))), expected);
    }

    #[test]
    fn pods_roll_unless_told_not_to() {
        check_roll("Deployment", json!({"replicas": 8}), json!({"replicas": 6}), 6);
        check_roll("Deployment", json!({"replicas": 0}), json!({"replicas": 3}), 0);
        check_roll("Deployment", json!({"replicas": 3}), json!({"replicas": 3, "paused": true}), 0);
        check_roll("StatefulSet", json!({}), json!({"replicas": 2, "updateStrategy": {"type": "OnDelete"}}), 0);
        check_roll("DaemonSet", json!({}), json!({}), 4);
        check_roll("CronJob", json!({}), json!({}), 0);
    }

    #[test]
    fn a_refusal_of_admission_is_not_a_lack_of_rights() {
        let error = |message: &str| cluster::Error::new(ErrorKind::Forbidden, message);
        assert!(lacks_rights(&error(
            r#"deployments.apps "web" is forbidden: User "bob" cannot patch resource "deployments" in API group "apps" in the namespace "shop""#
        )));
        assert!(!lacks_rights(&error(r#"admission webhook "policy.example" denied the request: no"#)));
        assert!(!lacks_rights(&error(r#"pods "web" is forbidden: exceeded quota: compute"#)));
    }
}
