//! What execute would do to the live cluster, object by object. No writes.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    fmt,
};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    Error, Operation, Prepared, basis, hooks,
    objects::{defined_kinds, label},
    predict::{Oracle, Predicted},
    risks,
};
use crate::{
    cluster::{
        Cluster,
        error::FieldConflict,
        read::{Target, bounded},
    },
    diff::{self, Change, Line, ObjectDiff, Redactor},
    manifest::{self, Object, ObjectKey},
    release::{Hook, HookEvent, Storage},
};

/// What a preview rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub enum Confidence {
    /// Only stored manifests: live objects could not be read.
    #[serde(rename = "stored manifests")]
    StoredManifests,
    /// Live objects, compared by our own merge: dry-run is forbidden.
    #[serde(rename = "live objects")]
    LiveObjects,
    /// The server's own dry-run.
    #[serde(rename = "live server dry-run")]
    ServerDryRun,
}

/// A danger worth reading first.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Risk {
    /// Stable short name: `immutable-field`, `admission`, `refused`, `field-conflict`, `removed-api`, `volume-deleted`,
    /// `crd-deleted`, `crd-stored-versions`, `statefulset-claims`, `pending`, `gitops`, `drift-overwritten`, `hpa-replicas`, `service-selector`,
    /// `config-not-picked-up`, `deleting`, `unverifiable`, `method-switch`, `target`, `crd-left-alone`, `left-behind`,
    /// `hooks-not-undone`.
    pub code: String,
    /// The sentence shown.
    pub message: String,
    /// `Kind/name` it is about; empty for the whole operation.
    pub object: String,
}

/// What is predicted for one object.
#[derive(Debug, Clone)]
pub struct ObjectPreview {
    /// Where it lives.
    pub target: Target,
    /// What happens.
    pub change: Change,
    /// Live now (`None` when absent).
    pub live: Option<Object>,
    /// Predicted after execute (`None` when deleted or not predictable).
    pub predicted: Option<Object>,
    /// Live → predicted, redacted.
    pub diff: ObjectDiff,
    /// Fields others own that a server-side apply would refuse, with when they took them and both values.
    pub conflicts: Vec<ConflictDetail>,
    /// Pods this change restarts.
    pub restarts: u32,
    /// What goes wrong when the server is asked (immutable field, admission …), in its words.
    pub refusal: Option<String>,
    /// What this object's prediction rests on.
    pub confidence: Confidence,
}

/// A hook as a preview lists it; shown as `pre-rollback Job/db-migrate (weight -5)`.
#[derive(Debug, Clone)]
pub struct HookPreview {
    /// When it runs.
    pub event: HookEvent,
    /// Where it stands among those of the event.
    pub weight: i64,
    /// The same hook of the revision in force → this one, as their records have them, redacted.
    pub diff: ObjectDiff,
}

impl fmt::Display for HookPreview {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ObjectKey { kind, name, .. } = &self.diff.key;
        write!(f, "{} {kind}/{name} (weight {})", self.event.as_str(), self.weight)
    }
}

/// A conflict as Review lists it.
#[derive(Debug, Clone, PartialEq)]
pub struct ConflictDetail {
    /// Field and owner as the server named them.
    pub conflict: FieldConflict,
    /// RFC 3339 time the owner last wrote, empty when unknown.
    pub since: String,
    /// Value now, redacted.
    pub live: String,
    /// Value wanted, redacted.
    pub wanted: String,
}

/// What the reviewed facts were: if these no longer hold, execute stops.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Basis {
    /// UID, revision and status word of the newest record.
    pub record: (String, u32, String),
    /// Per object: UID (empty when absent) and hash of it without `status`, `managedFields`, `resourceVersion`, `generation`.
    pub objects: BTreeMap<String, (String, String)>,
    /// Fields that others own and that were not asked to be taken: a reviewed execute refuses while there are any.
    pub conflicts: Vec<String>,
}

/// The preview of an operation.
#[derive(Debug, Clone)]
pub struct Preview {
    /// Release, namespace, from, to.
    pub release: String,
    /// Namespace.
    pub namespace: String,
    /// Revision in force; 0 before an install.
    pub from: u32,
    /// Revision gone back to, or made; for an uninstall the one that goes.
    pub to: u32,
    /// Objects: changed ones first, then unchanged.
    pub objects: Vec<ObjectPreview>,
    /// How definitions of the charts' `crds/` folders differ that an upgrade leaves alone.
    pub definitions: Vec<ObjectDiff>,
    /// Hooks that will run, in order.
    pub hooks: Vec<HookPreview>,
    /// Dangers, worst first.
    pub risks: Vec<Risk>,
    /// The facts it rests on.
    pub basis: Basis,
    /// The weakest confidence of any object.
    pub confidence: Confidence,
    /// `3 objects change, 1 is deleted, 44 stay · Deployment/checkout restarts 6 pods · hook … runs`.
    pub headline: String,
}

/// Previews a prepared operation against the live cluster. No writes; at most 16 requests at once.
pub async fn preview(storage: &Storage, prepared: &Prepared, redactor: &Redactor) -> Result<Preview, Error> {
    if let Some(words) = prepared.contradiction() {
        return Err(Error::Refused(words.to_owned()));
    }
    let cluster = storage.cluster();
    let defined: Vec<Object> = prepared.defined().cloned().collect();
    let definitions = basis::read_live(cluster, &defined, &prepared.namespace).await;
    let subjects = basis::read_live(cluster, &prepared.objects, &prepared.namespace).await;
    let doomed = basis::read_live(cluster, &prepared.deletions, &prepared.namespace).await;
    let basis = basis::of(prepared.newest.as_ref(), definitions.iter().chain(&subjects).chain(&doomed));
    let defined = defined_kinds(defined.iter().chain(&prepared.objects));
    let mut oracle = Oracle { cluster, prepared, redactor, defined, changing: BTreeSet::new() };

    let applied: HashSet<String> = subjects
        .iter()
        .filter_map(|subject| subject.live.as_ref().ok()?.as_ref())
        .map(|live| live.uid().to_owned())
        .collect();
    let mut predicted = oracle.apply_all(&definitions).await?;
    let changed = predicted.iter().filter(|one| one.preview.change == Change::Update);
    oracle.changing = defined_kinds(changed.filter_map(|one| one.wanted.as_ref()));
    predicted.extend(oracle.apply_all(&subjects).await?);
    let deletes = doomed.iter().map(|subject| oracle.delete(subject, &applied));
    for deleted in bounded(deletes).await {
        predicted.extend(deleted?);
    }

    let scalers = scalers(cluster, prepared, &predicted).await;
    let left_alone = left_alone(&oracle).await?;
    let mut risks = risks::all(prepared, &predicted, &left_alone, &scalers);
    risks.splice(0..0, risks::too_large(storage, prepared).await);
    let differing = left_alone.into_iter().filter(|one| one.preview.change != Change::None);
    let definitions = differing.map(|one| one.preview.diff).collect();
    let hooks = hooks_run(prepared, redactor);
    Ok(assemble(prepared, predicted, definitions, hooks, risks, basis))
}

/// What applying the definitions would do that stay as they are. One that cannot be read as YAML is nobody's concern.
async fn left_alone(oracle: &Oracle<'_>) -> Result<Vec<Predicted>, Error> {
    let files = oracle.prepared.left_alone.iter();
    let text = |data: &[u8]| manifest::read(&String::from_utf8_lossy(data)).unwrap_or_default();
    let objects: Vec<Object> = files.flat_map(|(_, data)| text(data)).collect();
    let subjects = basis::read_live(oracle.cluster, &objects, &oracle.prepared.namespace).await;
    oracle.apply_all(&subjects).await
}

fn assemble(
    prepared: &Prepared,
    predicted: Vec<Predicted>,
    definitions: Vec<ObjectDiff>,
    hooks: Vec<HookPreview>,
    risks: Vec<Risk>,
    mut basis: Basis,
) -> Preview {
    let mut objects: Vec<ObjectPreview> = predicted.into_iter().map(|predicted| predicted.preview).collect();
    objects.sort_by_key(|object| object.change == Change::None && object.refusal.is_none());
    let conflicts = objects.iter().flat_map(|object| {
        let name = label(&object.target.key);
        object
            .conflicts
            .iter()
            .map(move |detail| format!("{name} {} is owned by {}", detail.conflict.field, detail.conflict.manager))
    });
    basis.conflicts = conflicts.collect();
    Preview {
        release: prepared.name.clone(),
        namespace: prepared.namespace.clone(),
        from: prepared.from_revision(),
        to: prepared.to.revision,
        definitions,
        hooks,
        headline: headline(prepared, &objects),
        confidence: objects.iter().map(|object| object.confidence).min().unwrap_or(Confidence::ServerDryRun),
        objects,
        risks,
        basis,
    }
}

fn hooks_run(prepared: &Prepared, redactor: &Redactor) -> Vec<HookPreview> {
    let of = |event, hooks| hook_previews(prepared, event, hooks, redactor);
    let mut all = of(prepared.operation.before(), &prepared.pre_hooks);
    all.extend(of(prepared.operation.after(), &prepared.post_hooks));
    all
}

/// The tests that the release will have, beside those of the revision in force. No operation runs them.
pub fn tests(prepared: &Prepared, redactor: &Redactor) -> Vec<HookPreview> {
    let tests = hooks::ordered(&prepared.next.hooks, &HookEvent::Test);
    hook_previews(prepared, HookEvent::Test, &tests, redactor)
}

fn hook_previews(prepared: &Prepared, event: HookEvent, hooks: &[Hook], redactor: &Redactor) -> Vec<HookPreview> {
    let before = prepared.from.as_ref().map_or(&[][..], |from| &from.release.hooks);
    let preview = |hook: &Hook| {
        let same = before.iter().find(|old| (&old.kind, &old.name) == (&hook.kind, &hook.name));
        let mut diff = diff::object(same.and_then(hook_object).as_ref(), hook_object(hook).as_ref(), redactor);
        diff.key.kind.clone_from(&hook.kind);
        diff.key.name.clone_from(&hook.name);
        if diff.key.namespace.is_empty() {
            diff.key.namespace.clone_from(&prepared.namespace);
        }
        HookPreview { event: event.clone(), weight: hook.weight, diff }
    };
    hooks.iter().map(preview).collect()
}

/// A hook's object; `None` where its manifest cannot be read, which running it will tell.
fn hook_object(hook: &Hook) -> Option<Object> {
    manifest::read(&hook.manifest).ok()?.into_iter().next()
}

/// HorizontalPodAutoscalers of the namespaces touched. One that cannot be read warns of nothing.
async fn scalers(cluster: &Cluster, prepared: &Prepared, predicted: &[Predicted]) -> Vec<Object> {
    let scaled = predicted.iter().filter(|predicted| {
        predicted.wanted.as_ref().is_some_and(|wanted| !wanted.value["spec"]["replicas"].is_null())
    });
    let mut namespaces: Vec<&str> = scaled.map(|predicted| predicted.preview.target.key.namespace.as_str()).collect();
    namespaces.sort_unstable();
    namespaces.dedup();
    let of_release = prepared.objects.iter().filter(|object| object.kind() == "HorizontalPodAutoscaler").cloned();
    let mut scalers: Vec<Object> = of_release.collect();
    for namespace in namespaces.into_iter().filter(|namespace| !namespace.is_empty()) {
        let live = cluster.list("autoscaling/v2", "HorizontalPodAutoscaler", namespace, "").await;
        scalers.extend(live.unwrap_or_default());
    }
    scalers
}

/// `3 objects change, 1 is deleted, 44 stay · Deployment/checkout restarts 6 pods · hook pre-rollback/db-migrate runs first`.
fn headline(prepared: &Prepared, objects: &[ObjectPreview]) -> String {
    let count = |change: Change| objects.iter().filter(|object| object.change == change).count();
    let objects_of = |number: usize| if number == 1 { "object" } else { "objects" };
    let is = |number: usize| if number == 1 { "is" } else { "are" };
    let changing = count(Change::Update);
    let mut counts = Vec::new();
    match changing {
        0 => {}
        1 => counts.push("1 object changes".to_owned()),
        many => counts.push(format!("{many} objects change")),
    }
    for (number, word) in
        [(count(Change::Create), "created"), (count(Change::Recreate), "made anew"), (count(Change::Delete), "deleted")]
    {
        if number > 0 {
            let noun = if counts.is_empty() { format!(" {}", objects_of(number)) } else { String::new() };
            counts.push(format!("{number}{noun} {} {word}", is(number)));
        }
    }
    match (counts.is_empty(), count(Change::None)) {
        (true, _) => counts.push("nothing changes".to_owned()),
        (false, 0) => {}
        (false, 1) => counts.push("1 stays".to_owned()),
        (false, many) => counts.push(format!("{many} stay")),
    }
    let parts = [counts.join(", "), restarts(objects), hooks_told(prepared), left(prepared)];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · ")
}

fn restarts(objects: &[ObjectPreview]) -> String {
    let rolling: Vec<&ObjectPreview> = objects.iter().filter(|object| object.restarts > 0).collect();
    let pods: u32 = rolling.iter().map(|object| object.restarts).sum();
    let pods = if pods == 1 { "1 pod".to_owned() } else { format!("{pods} pods") };
    match rolling[..] {
        [] => String::new(),
        [one] => format!("{} restarts {pods}", label(&one.target.key)),
        [first, ..] => {
            let same = rolling.iter().all(|object| object.target.key.kind == first.target.key.kind);
            let kind = if same { format!("{}s", first.target.key.kind) } else { "workloads".to_owned() };
            format!("{} {kind} restart, {pods}", rolling.len())
        }
    }
}

fn hooks_told(prepared: &Prepared) -> String {
    let Prepared { operation, pre_hooks: pre, post_hooks: post, .. } = prepared;
    match (&pre[..], &post[..]) {
        ([], []) => String::new(),
        ([one], []) => format!("hook {}/{} runs first", operation.before().as_str(), one.name),
        ([], [one]) => format!("hook {}/{} runs last", operation.after().as_str(), one.name),
        _ => format!("{} hooks run", pre.len() + post.len()),
    }
}

/// What an uninstall leaves behind, and what it does not.
fn left(prepared: &Prepared) -> String {
    if prepared.operation != Operation::Uninstall {
        return String::new();
    }
    let history = match (prepared.options.keep_history, prepared.history.len()) {
        (true, _) => "its history is kept".to_owned(),
        (false, 1) => "its only revision is forgotten".to_owned(),
        (false, revisions) => format!("its {revisions} revisions are forgotten"),
    };
    let kept: Vec<String> = prepared.kept.iter().map(|object| label(&object.key())).collect();
    match kept.is_empty() {
        true => history,
        false => format!("kept by policy: {} · {history}", kept.join(", ")),
    }
}

/// The stable JSON form of a preview, also `diff -o json`. A hook has `event` and `weight` where an object has `risks`; its
/// `change` is from the same hook of the revision in force.
pub fn to_json(preview: &Preview) -> Value {
    let objects = preview.objects.iter().map(|object| {
        let name = label(&object.target.key);
        let risks: Vec<&Risk> = preview.risks.iter().filter(|risk| risk.object == name).collect();
        let mut form = object_json(&object.diff, &object.target);
        form["risks"] = json!(risks);
        form
    });
    let hooks = preview.hooks.iter().map(|hook| {
        let mut form = diff_json(&hook.diff);
        form["event"] = json!(hook.event);
        form["weight"] = json!(hook.weight);
        form
    });
    json!({
        "release": preview.release,
        "namespace": preview.namespace,
        "from": preview.from,
        "to": preview.to,
        "confidence": preview.confidence,
        "objects": objects.collect::<Vec<_>>(),
        "definitionsLeftAlone": preview.definitions.iter().map(compared_json).collect::<Vec<_>>(),
        "hooks": hooks.collect::<Vec<_>>(),
        "risks": preview.risks,
    })
}

/// The same form for a comparison of two stored revisions (`from` is 0 when there is no older one): nothing runs, and
/// nothing is risked.
pub fn changes_json(release: &str, namespace: &str, from: u32, to: u32, changes: &[ObjectDiff]) -> Value {
    let objects = changes.iter().map(compared_json);
    json!({
        "release": release,
        "namespace": namespace,
        "from": from,
        "to": to,
        "confidence": Confidence::StoredManifests,
        "objects": objects.collect::<Vec<_>>(),
        "hooks": [],
        "risks": [],
    })
}

/// A comparison from which nothing follows.
fn compared_json(diff: &ObjectDiff) -> Value {
    let mut form = diff_json(diff);
    form["risks"] = json!([]);
    form
}

/// A comparison under the name that it has in the manifest.
fn diff_json(diff: &ObjectDiff) -> Value {
    object_json(diff, &Target { api_version: diff.api_version.clone(), key: diff.key.clone() })
}

fn object_json(diff: &ObjectDiff, target: &Target) -> Value {
    json!({
        "apiVersion": target.api_version,
        "kind": target.key.kind,
        "namespace": target.key.namespace,
        "name": target.key.name,
        "change": diff.change,
        "diff": unified(diff),
    })
}

/// A diff as text: hunks with three lines of context under `@@` lines, `-` and `+` before changed lines.
fn unified(diff: &ObjectDiff) -> String {
    let mut text = String::new();
    for hunk in diff::hunks(&diff.old_text, &diff.new_text, 3) {
        let head = format!("@@ -{} +{} @@ {}", hunk.old_start, hunk.new_start, hunk.path);
        text.push_str(head.trim_end());
        text.push('\n');
        for line in &hunk.lines {
            let (mark, line) = match line {
                Line::Context(line) => (' ', line),
                Line::Removed(line) => ('-', line),
                Line::Added(line) => ('+', line),
            };
            text.push(mark);
            text.push_str(line);
            text.push('\n');
        }
    }
    text
}
