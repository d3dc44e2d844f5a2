//! A revision's record as Helm writes it.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{
    chart::{self, Rendered},
    story::{Edition, Example},
};
use crate::{
    manifest::Object,
    release::{Hook, HookEvent, HookRun, Info, Release, codec, storage::record_name},
};

/// The release of an edition at `time`, its hooks not yet run. `first` is when revision 1 came.
pub(super) fn release(
    example: &Example,
    edition: &Edition,
    rendered: &Rendered,
    (first, time): (Timestamp, Timestamp),
) -> Result<Release, String> {
    let mut hooks: Vec<Hook> = rendered.hooks.iter().map(hook).collect();
    hooks.sort_by_key(|hook| hook.weight);
    Ok(Release {
        name: example.name.clone(),
        namespace: example.namespace.clone(),
        info: Info {
            first_deployed: Some(first.to_string()),
            last_deployed: Some(time.to_string()),
            description: edition.description.clone(),
            status: edition.status.clone(),
            notes: rendered.notes.clone(),
            ..Info::default()
        },
        chart: chart::stored(example, edition)?,
        config: edition.values.clone(),
        manifest: rendered.manifest.clone(),
        hooks,
        revision: u32::try_from(edition.number).unwrap_or(u32::MAX),
        apply_method: example.method.recorded(),
        ..Release::default()
    })
}

fn hook((path, text, object): &(String, String, Object)) -> Hook {
    let list = |key: &str| {
        let words = object.annotation(key).unwrap_or_default().split(',');
        words.map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect::<Vec<_>>()
    };
    let weight = object.annotation("helm.sh/hook-weight").unwrap_or_default();
    Hook {
        name: object.name().to_owned(),
        kind: object.kind().to_owned(),
        path: path.clone(),
        manifest: text.clone(),
        events: list("helm.sh/hook").iter().map(|word| HookEvent::from(word.as_str())).collect(),
        weight: weight.parse().unwrap_or(0),
        delete_policies: list("helm.sh/hook-delete-policy"),
        ..Hook::default()
    }
}

/// A hook's run that began at `start`.
pub(super) fn run(start: Timestamp, succeeded: bool) -> HookRun {
    let end = start.checked_add(SignedDuration::from_millis(8_640)).unwrap_or(start);
    HookRun {
        started_at: Some(start.to_string()),
        completed_at: Some(end.to_string()),
        phase: if succeeded { "Succeeded" } else { "Failed" }.to_owned(),
        ..HookRun::default()
    }
}

/// The record's Secret, last written at `time` (helm/helm `pkg/storage/driver/secrets.go`). What was only created carries
/// another label than what was updated since.
pub(super) fn secret(release: &Release, time: Timestamp) -> Result<Value, String> {
    let payload = codec::encode(release).map_err(|error| error.to_string())?;
    let written = if release.info.status.is_pending() { "createdAt" } else { "modifiedAt" };
    let mut labels = json!({
        "name": release.name, "owner": "helm", "status": release.info.status.as_str(), "version": release.revision.to_string(),
    });
    labels[written] = time.as_second().to_string().into();
    Ok(json!({
        "apiVersion": "v1", "kind": "Secret", "type": "helm.sh/release.v1", "data": { "release": STANDARD.encode(payload) },
        "metadata": { "name": record_name(&release.name, release.revision), "namespace": release.namespace, "labels": labels },
    }))
}
