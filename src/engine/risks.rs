//! The dangers of an operation, worst first: what Review shows before anything else.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{
    Operation, Prepared, Recorded, fields,
    gitops::gitops_owner,
    hooks::event_name,
    objects::label,
    predict::Predicted,
    preview::{Confidence, ObjectPreview, Risk},
    record, recreate, time,
};
use crate::{
    cluster::apply::{FIELD_MANAGER, Propagation},
    diff::Change,
    manifest::Object,
    release::{ApplyMethod, HookEvent, Storage},
};

/// Codes from the worst down; risks are shown in this order.
const ORDER: &[&str] = &[
    "immutable-field",
    "admission",
    "refused",
    "field-conflict",
    "removed-api",
    "volume-deleted",
    "crd-deleted",
    "recreated",
    "crd-stored-versions",
    "statefulset-claims",
    "pending",
    "gitops",
    "drift-overwritten",
    "hpa-replicas",
    "service-selector",
    "config-not-picked-up",
    "deleting",
    "unverifiable",
    "method-switch",
    "target",
    "crd-left-alone",
    "left-behind",
    "hooks-not-undone",
];

/// How servers say that a field cannot be changed.
pub(super) const IMMUTABLE: &[&str] = &[
    "field is immutable",
    "updates to statefulset spec for fields other than",
    "may not be changed",
    "may not change once set",
    "is immutable after creation",
    "cannot change roleRef",
];

/// Drifted fields of one object that are told one by one.
const FIELDS_TOLD: usize = 4;

/// All risks of an operation. `left_alone` are definitions of `crds/` that are not applied, `scalers`
/// HorizontalPodAutoscalers, live and of the release.
pub(super) fn all(
    prepared: &Prepared,
    predicted: &[Predicted],
    left_alone: &[Predicted],
    scalers: &[Object],
) -> Vec<Risk> {
    let now = time::now_seconds();
    let mut risks = Vec::new();
    for one in predicted {
        refusal(one, &mut risks);
        conflicts(one, now, &mut risks);
        removed_api(one, &mut risks);
        lost_data(one, &mut risks);
        recreated(one, &mut risks);
        drift(one, now, &mut risks);
        scaled(one, scalers, &mut risks);
        selector(one, &mut risks);
        unsettled(one, &mut risks);
        stale_config(one, predicted, &mut risks);
    }
    for one in left_alone {
        differing_definition(one, &mut risks);
    }
    for one in predicted.iter().chain(left_alone) {
        stored_versions(one, &mut risks);
    }
    whole(prepared, predicted, &mut risks);
    risks.sort_by_key(|risk| ORDER.iter().position(|code| *code == risk.code).unwrap_or(ORDER.len()));
    risks
}

/// A record that Kubernetes does not store: nothing of it is begun.
pub(super) async fn too_large(storage: &Storage, prepared: &Prepared) -> Option<Risk> {
    if prepared.operation == Operation::Uninstall {
        return None;
    }
    let refused = storage.check_size(&record::grown(&prepared.next)).await.err()?;
    Some(risk("record-too-large", "", refused.to_string()))
}

fn risk(code: &str, object: &str, message: impl Into<String>) -> Risk {
    Risk { code: code.to_owned(), message: message.into(), object: object.to_owned() }
}

fn name(one: &Predicted) -> String {
    label(&one.preview.target.key)
}

/// What the server says when asked, in its words.
fn refusal(one: &Predicted, risks: &mut Vec<Risk>) {
    let Some(words) = &one.preview.refusal else {
        return;
    };
    let code = if IMMUTABLE.iter().any(|mark| words.contains(mark)) {
        "immutable-field"
    } else if words.contains("admission webhook") || words.contains("ValidatingAdmissionPolicy") {
        "admission"
    } else if one.removed_version.is_some() {
        return;
    } else {
        "refused"
    };
    let message = match webhook(words) {
        Some(webhook) => format!("{}: webhook {webhook} refuses it: {words}", name(one)),
        None => format!("the server refuses {}: {words}", name(one)),
    };
    risks.push(risk(code, &name(one), message));
}

/// The webhook that `admission webhook "NAME" denied the request` names.
fn webhook(words: &str) -> Option<&str> {
    words.split_once("admission webhook \"")?.1.split('"').next()
}

fn conflicts(one: &Predicted, now: i64, risks: &mut Vec<Risk>) {
    for detail in &one.preview.conflicts {
        let since =
            time::seconds(&detail.since).map_or(String::new(), |since| format!(" since {}", time::age(now - since)));
        let message = format!(
            "{} {} belongs to {}{since}: {} now, {} wanted",
            name(one),
            detail.conflict.field,
            detail.conflict.manager,
            shown(&detail.live),
            shown(&detail.wanted)
        );
        risks.push(risk("field-conflict", &name(one), message));
    }
}

fn shown(value: &str) -> &str {
    if value.is_empty() { "nothing" } else { value }
}

fn removed_api(one: &Predicted, risks: &mut Vec<Risk>) {
    let Some(removed) = &one.removed_version else {
        return;
    };
    let message = if one.preview.refusal.is_some() {
        format!("the cluster serves no {} of {removed}: {} cannot be applied", one.preview.target.key.kind, name(one))
    } else {
        let served = &one.preview.target.api_version;
        format!("the cluster no longer serves {removed}: {} is applied as {served}", name(one))
    };
    risks.push(risk("removed-api", &name(one), message));
}

/// Volumes and definitions that go, with everything in them.
fn lost_data(one: &Predicted, risks: &mut Vec<Risk>) {
    let name = name(one);
    let kind = one.preview.target.key.kind.as_str();
    if matches!(one.preview.change, Change::Delete | Change::Recreate) {
        match kind {
            "PersistentVolumeClaim" | "PersistentVolume" => {
                risks.push(risk(
                    "volume-deleted",
                    &name,
                    format!("{name} is deleted, and its data with it unless its volume is retained"),
                ));
            }
            "Namespace" => {
                risks.push(risk("volume-deleted", &name, format!("{name} is deleted with everything in it")));
            }
            "StatefulSet" if claims_go_with_it(one) && !keeps_pods(one) => {
                risks.push(risk("volume-deleted", &name, format!("{name} is deleted, and so are its claims: persistentVolumeClaimRetentionPolicy.whenDeleted is Delete")));
            }
            "CustomResourceDefinition" => {
                risks.push(risk(
                    "crd-deleted",
                    &name,
                    format!("{name} is deleted, and so is every object of its kind, of this release or not"),
                ));
            }
            _ => {}
        }
    }
    let claims =
        |object: &Option<Object>| object.as_ref().map(|object| object.value["spec"]["volumeClaimTemplates"].clone());
    let both = one.original.is_some() && one.wanted.is_some();
    if kind == "StatefulSet"
        && one.preview.change == Change::Update
        && both
        && claims(&one.original) != claims(&one.wanted)
    {
        let message =
            format!("{name} changes its volumeClaimTemplates, which the server refuses for an existing StatefulSet");
        risks.push(risk("statefulset-claims", &name, message));
    }
}

/// Whether the pods of an object that is made anew stay.
fn keeps_pods(one: &Predicted) -> bool {
    let Predicted { wanted: Some(wanted), preview: ObjectPreview { live: Some(live), .. }, .. } = one else {
        return false;
    };
    one.preview.change == Change::Recreate && recreate::propagation(live, wanted) == Propagation::Orphan
}

fn recreated(one: &Predicted, risks: &mut Vec<Risk>) {
    if one.preview.change != Change::Recreate {
        return;
    }
    let name = name(one);
    let rest = match &one.preview.live {
        _ if keeps_pods(one) => "; its pods stay, and the new one takes them over",
        Some(live) if !live.value["spec"]["template"].is_null() => "; its pods go, and come anew",
        _ => "",
    };
    risks.push(risk("recreated", &name, format!("{name} is deleted and made anew{rest}")));
}

fn claims_go_with_it(one: &Predicted) -> bool {
    let live = one.preview.live.as_ref();
    live.is_some_and(|live| live.value["spec"]["persistentVolumeClaimRetentionPolicy"]["whenDeleted"] == "Delete")
}

/// A definition of `crds/` that is not applied, though it differs.
fn differing_definition(one: &Predicted, risks: &mut Vec<Risk>) {
    let name = name(one);
    let unless = "unless --crds=apply is given";
    let message = match (one.preview.change, &one.preview.live) {
        (Change::None, _) => return,
        (_, None) if one.preview.confidence == Confidence::StoredManifests => {
            format!(
                "{name} cannot be read: whether it is as the chart has it is not known, and it is not applied {unless}"
            )
        }
        (_, None) => format!("{name} is not in the cluster, and is not created {unless}"),
        (..) => {
            let mut paths: Vec<&str> = one.preview.diff.summary.iter().map(|change| change.path.as_str()).collect();
            paths.truncate(FIELDS_TOLD);
            format!("{name} differs from the chart's ({}), and is not changed {unless}", paths.join(", "))
        }
    };
    risks.push(risk("crd-left-alone", &name, message));
}

/// Versions that objects may be stored in and that a definition is to lose: the server refuses that.
fn stored_versions(one: &Predicted, risks: &mut Vec<Risk>) {
    let (Some(wanted), Some(live)) = (&one.wanted, &one.preview.live) else {
        return;
    };
    let names = |versions: &Value| -> Vec<String> {
        let versions = versions.as_array().into_iter().flatten();
        versions.filter_map(|version| version.as_str().or(version["name"].as_str()).map(str::to_owned)).collect()
    };
    let kept = names(&wanted.value["spec"]["versions"]);
    let mut dropped = names(&live.value["status"]["storedVersions"]);
    dropped.retain(|version| !kept.contains(version));
    if wanted.kind() == "CustomResourceDefinition" && !dropped.is_empty() {
        let name = name(one);
        let message = format!(
            "{name} loses {}, in which objects may be stored: they have to be migrated, and status.storedVersions to be without it, before the server takes that",
            dropped.join(", ")
        );
        risks.push(risk("crd-stored-versions", &name, message));
    }
}

/// Fields that someone changed since the current revision and that this operation sets otherwise.
fn drift(one: &Predicted, now: i64, risks: &mut Vec<Risk>) {
    let (Some(original), Some(live), Some(predicted)) = (&one.original, &one.preview.live, &one.preview.predicted)
    else {
        return;
    };
    if one.wanted.is_none() || one.preview.change == Change::None {
        return;
    }
    let (recorded, present, after) = (fields::leaves(original), fields::leaves(live), fields::leaves(predicted));
    let contested: BTreeSet<&str> = one.preview.conflicts.iter().map(|detail| detail.conflict.field.as_str()).collect();
    let mut told = Vec::new();
    for (path, recorded) in &recorded {
        let (present, after) = (present.get(path), after.get(path));
        let Some(after) = after else { continue };
        let same = |other: &fields::Leaf<'_>| other.value == recorded.value;
        if present.is_some_and(same) || present.is_some_and(|present| present.value == after.value) {
            continue;
        }
        if contested.iter().any(|field| field.trim_start_matches('.') == path) {
            continue;
        }
        let owners = present.map(|present| fields::owners(live, &present.steps)).unwrap_or_default();
        let stranger = owners.iter().find(|(manager, _)| manager != FIELD_MANAGER);
        if stranger.is_none() && !owners.is_empty() {
            // Helm itself wrote it: an earlier operation that did not end well, no hand.
            continue;
        }
        told.push(drifted(live, path, present.map(|present| present.value), after.value, stranger, now));
    }
    let more = told.len().saturating_sub(FIELDS_TOLD);
    told.truncate(FIELDS_TOLD);
    let mut message = told.join("; ");
    if more > 0 {
        message.push_str(&format!("; and {more} more fields"));
    }
    if !message.is_empty() {
        let name = name(one);
        risks.push(risk("drift-overwritten", &name, format!("{name}: {message}")));
    }
}

fn drifted(
    live: &Object,
    path: &str,
    present: Option<&Value>,
    after: &Value,
    stranger: Option<&(String, String)>,
    now: i64,
) -> String {
    let by = stranger.map_or(String::new(), |(manager, since)| {
        let age = time::seconds(since).map_or(String::new(), |since| format!(" {} ago", time::age(now - since)));
        format!(" by {manager}{age}")
    });
    let field = path.strip_prefix("spec.").unwrap_or(path);
    if live.kind() == "Secret" {
        return format!("{field}, changed{by}, is set back");
    }
    match present {
        Some(present) => format!("{field} set to {}{by} will become {}", fields::text(present), fields::text(after)),
        None => format!("{field}, removed{by}, will be {} again", fields::text(after)),
    }
}

/// Replicas that a HorizontalPodAutoscaler decides.
fn scaled(one: &Predicted, scalers: &[Object], risks: &mut Vec<Risk>) {
    let (Some(wanted), Some(live)) = (&one.wanted, &one.preview.live) else {
        return;
    };
    let (sets, has) = (&wanted.value["spec"]["replicas"], &live.value["spec"]["replicas"]);
    if sets.is_null() || sets == has {
        return;
    }
    let key = &one.preview.target.key;
    let aims = |scaler: &&Object| {
        let aim = &scaler.value["spec"]["scaleTargetRef"];
        let here = scaler.namespace().is_empty() || scaler.namespace() == key.namespace;
        here && aim["kind"] == key.kind.as_str() && aim["name"] == key.name.as_str()
    };
    if let Some(scaler) = scalers.iter().find(aims) {
        let message = format!(
            "{} goes from {has} to {sets} replicas until HorizontalPodAutoscaler/{} decides again",
            name(one),
            scaler.name()
        );
        risks.push(risk("hpa-replicas", &name(one), message));
    }
}

fn selector(one: &Predicted, risks: &mut Vec<Risk>) {
    let (Some(live), Some(predicted)) = (&one.preview.live, &one.preview.predicted) else {
        return;
    };
    let (before, after) = (&live.value["spec"]["selector"], &predicted.value["spec"]["selector"]);
    if one.preview.target.key.kind == "Service" && before != after {
        let message = format!("{} selects other pods: {before} becomes {after}", name(one));
        risks.push(risk("service-selector", &name(one), message));
    }
}

/// What is on its way out, cannot be foreseen, or stays though the target lacks it.
fn unsettled(one: &Predicted, risks: &mut Vec<Risk>) {
    let name = name(one);
    let gone_since = one.preview.live.as_ref().and_then(|live| live.value["metadata"]["deletionTimestamp"].as_str());
    if let (Some(since), true) = (gone_since, one.preview.change != Change::Delete) {
        let message = format!("{name} is being deleted since {since}: what is applied goes with it");
        risks.push(risk("deleting", &name, message));
    }
    if let Some(why) = &one.unverifiable {
        risks.push(risk("unverifiable", &name, format!("{name} cannot be foreseen: {why}")));
    }
    if let Some(why) = &one.stays {
        risks.push(risk("left-behind", &name, format!("{name} stays: {why}")));
    }
}

/// A ConfigMap or Secret that changes while the pods that read it do not restart.
fn stale_config(one: &Predicted, all: &[Predicted], risks: &mut Vec<Risk>) {
    let key = &one.preview.target.key;
    let references: &[&str] = match key.kind.as_str() {
        "ConfigMap" => &["configMap", "configMapRef", "configMapKeyRef"],
        "Secret" => &["secret", "secretRef", "secretKeyRef"],
        _ => return,
    };
    let content = |object: &Option<Object>| {
        object.as_ref().map(|object| (object.value["data"].clone(), object.value["binaryData"].clone()))
    };
    if one.preview.change != Change::Update || content(&one.preview.live) == content(&one.preview.predicted) {
        return;
    }
    for workload in all {
        let place = &workload.preview.target.key;
        let Some(predicted) = &workload.preview.predicted else {
            continue;
        };
        let template = &predicted.value["spec"]["template"];
        let unmoved =
            workload.preview.change != Change::Create && !workload.template_changes && workload.wanted.is_some();
        if place.namespace == key.namespace && unmoved && mentions(template, references, &key.name) {
            let message = format!(
                "{} changes but {} does not restart: its pods go on with what they have read",
                name(one),
                label(place)
            );
            risks.push(risk("config-not-picked-up", &name(one), message));
        }
    }
}

/// Whether a pod template refers to a ConfigMap or Secret under one of these keys.
fn mentions(value: &Value, references: &[&str], wanted: &str) -> bool {
    let named = |value: &Value| value["name"] == wanted || value["secretName"] == wanted;
    match value {
        Value::Object(fields) => fields.iter().any(|(key, value)| {
            (references.contains(&key.as_str()) && named(value)) || mentions(value, references, wanted)
        }),
        Value::Array(items) => items.iter().any(|item| mentions(item, references, wanted)),
        _ => false,
    }
}

/// Risks of the whole operation.
fn whole(prepared: &Prepared, predicted: &[Predicted], risks: &mut Vec<Risk>) {
    // A pending record is the first thing that prepare warns of.
    let pending = usize::from(prepared.newest.as_ref().is_some_and(|newest| newest.status.is_pending()));
    for (at, warning) in prepared.warnings.iter().enumerate() {
        let code = if at < pending { "pending" } else { "target" };
        risks.push(risk(code, "", warning.clone()));
    }

    let live: Vec<&Object> = predicted.iter().filter_map(|one| one.preview.live.as_ref()).collect();
    let writers = prepared.newest.as_ref().map_or(&[][..], |newest| &newest.writers);
    if let Some(owner) = gitops_owner(&live, writers) {
        let message = match &prepared.from {
            Some(from) => format!("{owner} will put back what it wants, revision {} or newer", from.release.revision),
            None => format!("{owner} will put back what it wants"),
        };
        risks.push(risk("gitops", "", message));
    }
    method_switch(prepared, predicted, risks);
    definitions(prepared, risks);
    hooks(prepared, risks);
}

fn method_switch(prepared: &Prepared, predicted: &[Predicted], risks: &mut Vec<Risk>) {
    let word = |method: ApplyMethod| {
        if method == ApplyMethod::ServerSide { "server-side" } else { "client-side" }
    };
    let migrating = predicted.iter().filter(|one| one.migrates).count();
    if let (true, Some(from)) = (prepared.method_switch, &prepared.from) {
        let message = format!(
            "revision {} was applied {}, this applies {}",
            from.release.revision,
            word(from.release.apply_method.unwrap_or_default()),
            word(prepared.method)
        );
        risks.push(risk("method-switch", "", message));
    }
    if migrating > 0 {
        let objects = if migrating == 1 { "1 object".to_owned() } else { format!("{migrating} objects") };
        let message = format!(
            "fields of {objects} move from client-side to server-side ownership first; those the target lacks go"
        );
        risks.push(risk("method-switch", "", message));
    }
}

/// Definitions in the chart's `crds/` folder, which a rollback leaves alone. An upgrade tells of each by itself.
fn definitions(prepared: &Prepared, risks: &mut Vec<Risk>) {
    let of = |release: &crate::release::Release| -> Vec<(String, String)> {
        let files = release.chart.files().into_iter();
        files.filter(|(path, _)| path.starts_with("crds/")).collect()
    };
    let Some(Recorded { release: from, .. }) = &prepared.from else {
        return;
    };
    if prepared.operation == Operation::Rollback && of(from) != of(&prepared.to) {
        let message = format!(
            "the CRDs of the chart differ between revision {} and {}; they are left alone",
            from.revision, prepared.to.revision
        );
        risks.push(risk("crd-left-alone", "", message));
    }
}

fn hooks(prepared: &Prepared, risks: &mut Vec<Risk>) {
    let (Operation::Rollback, Some(Recorded { release: from, .. })) = (prepared.operation, &prepared.from) else {
        return;
    };
    let ran =
        from.hooks.iter().filter(|hook| hook.last_run.started_at.is_some() && !hook.events.contains(&HookEvent::Test));
    let names: Vec<String> = ran
        .map(|hook| {
            let events: Vec<&str> = hook.events.iter().map(event_name).collect();
            format!("{}/{} ({})", hook.kind, hook.name, events.join(", "))
        })
        .collect();
    if !names.is_empty() {
        let message = format!("what hooks did for revision {} is not undone: {}", from.revision, names.join(", "));
        risks.push(risk("hooks-not-undone", "", message));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn references_are_found_wherever_a_pod_makes_them() {
        let template = json!({"spec": {
            "volumes": [{"name": "a", "configMap": {"name": "files"}}, {"name": "b", "secret": {"secretName": "token"}},
                {"name": "c", "projected": {"sources": [{"configMap": {"name": "projected"}}]}}],
            "containers": [{"name": "web", "envFrom": [{"configMapRef": {"name": "env"}}],
                "env": [{"name": "X", "valueFrom": {"secretKeyRef": {"name": "key", "key": "x"}}}]}],
        }});
        let maps: &[&str] = &["configMap", "configMapRef", "configMapKeyRef"];
        let secrets: &[&str] = &["secret", "secretRef", "secretKeyRef"];
        for (references, found) in [(maps, ["files", "projected", "env"].as_slice()), (secrets, &["token", "key"])] {
            for name in found {
                assert!(mentions(&template, references, name), "{name}");
            }
            assert!(!mentions(&template, references, "web"));
        }
    }

    #[test]
    fn a_webhook_is_named() {
        let words = "admission webhook \"policy.example.com\" denied the request: no latest tags";
        assert_eq!(webhook(words), Some("policy.example.com"));
    }

    #[test]
    fn a_hand_s_scaling_is_told_with_its_owner() {
        let live = Object::new(json!({"kind": "Deployment", "spec": {"replicas": 8}}));
        let hand = ("kubectl-scale".to_owned(), "2026-01-01T00:00:00Z".to_owned());
        let now = time::seconds("2026-01-01T02:00:00Z").unwrap_or_default();
        let told = drifted(&live, "spec.replicas", Some(&json!(8)), &json!(4), Some(&hand), now);
        assert_eq!(told, "replicas set to 8 by kubectl-scale 2h ago will become 4");
    }
}
