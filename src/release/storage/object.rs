//! A record as a Kubernetes object: its name, labels, data, and what of its metadata matters.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use super::{Driver, RecordMeta};
use crate::release::record::or_default;
use crate::release::{Error, Release, Status, codec};

const NAME_PREFIX: &str = "sh.helm.release.v1.";

/// Labels that Helm itself sets (helm/helm `pkg/storage/driver/util.go`, `systemLabels`).
const SYSTEM_LABELS: [&str; 6] = ["name", "owner", "status", "version", "createdAt", "modifiedAt"];

/// Object name of a record (helm/helm `pkg/storage/storage.go`, `makeKey`).
pub fn record_name(name: &str, revision: u32) -> String {
    format!("{NAME_PREFIX}{name}.v{revision}")
}

/// Labels without Helm's own.
pub(super) fn user_labels(labels: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut labels = labels.clone();
    labels.retain(|key, _| !SYSTEM_LABELS.contains(&key.as_str()));
    labels
}

/// The metadata of any object, as far as records need it. Smaller than the full type: a list of thousands
/// carries its managed fields, of which only managers and times are kept.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Metadata {
    pub name: String,
    pub namespace: String,
    pub uid: String,
    pub resource_version: String,
    #[serde(deserialize_with = "seconds")]
    creation_timestamp: i64,
    #[serde(deserialize_with = "or_default")]
    pub labels: BTreeMap<String, String>,
    #[serde(deserialize_with = "or_default")]
    annotations: BTreeMap<String, String>,
    #[serde(deserialize_with = "or_default")]
    managed_fields: Vec<ManagedFields>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct ManagedFields {
    manager: String,
    time: String,
}

/// `PartialObjectMetadata`, and any object whose other parts do not matter.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Partial {
    pub metadata: Metadata,
}

/// `PartialObjectMetadataList`. An empty one has `items: null`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct PartialList {
    pub metadata: ListMetadata,
    #[serde(deserialize_with = "or_default")]
    pub items: Vec<Partial>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ListMetadata {
    pub resource_version: String,
    #[serde(rename = "continue")]
    pub next: String,
}

/// A record's object with its data.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Stored {
    pub metadata: Metadata,
    data: Option<Data>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Data {
    release: Option<String>,
}

impl Metadata {
    /// `None` for an object that carries `owner=helm` but names no release, neither in labels nor in its name.
    pub fn into_record(self) -> Option<RecordMeta> {
        let label = |key: &str| self.labels.get(key).map(String::as_str);
        let in_name = self.name.strip_prefix(NAME_PREFIX);
        let in_name = in_name.and_then(|rest| rest.rsplit_once(".v"));
        let revision = label("version").and_then(|text| text.parse().ok());
        let revision = revision.or_else(|| in_name?.1.parse().ok())?;
        let name = label("name").or(in_name.map(|parts| parts.0))?.to_owned();
        let stamp = |key: &str| label(key).and_then(|text| text.parse::<i64>().ok());
        Some(RecordMeta {
            name,
            revision,
            status: Status::from(label("status").unwrap_or_default()),
            created_at: stamp("createdAt").unwrap_or(self.creation_timestamp),
            modified_at: stamp("modifiedAt").or(stamp("createdAt")).unwrap_or(0),
            labels: user_labels(&self.labels),
            writers: writers(self.managed_fields),
            record: self.name,
            namespace: self.namespace,
            uid: self.uid,
            resource_version: self.resource_version,
            annotations: self.annotations,
        })
    }
}

/// Managers with times, newest first. Times are all in UTC and in seconds, so their text sorts as they do.
fn writers(fields: Vec<ManagedFields>) -> Vec<(String, String)> {
    let mut writers: Vec<_> = fields.into_iter().map(|f| (f.manager, f.time)).collect();
    writers.sort_by(|a, b| b.1.cmp(&a.1));
    writers
}

impl Stored {
    /// What [`codec::decode`] takes.
    pub fn payload(&self, driver: Driver) -> Result<Vec<u8>, Error> {
        let corrupt = |message: String| Error::Corrupt { record: self.metadata.name.clone(), message };
        let release = self.data.as_ref().and_then(|data| data.release.as_deref());
        let release = release.ok_or_else(|| corrupt("its data has no key `release`".into()))?;
        match driver {
            Driver::ConfigMaps => Ok(release.as_bytes().to_vec()),
            Driver::Secrets => {
                STANDARD.decode(release).map_err(|error| corrupt(format!("Secret data is not base64: {error}")))
            }
        }
    }
}

/// What Kubernetes takes as data of one Secret or ConfigMap (k8s.io/api `core/v1`, `MaxSecretSize`).
const SIZE_LIMIT: usize = 1 << 20;

/// The object to write, as Helm builds it (helm/helm `pkg/storage/driver/secrets.go`, `newSecretsObject`).
/// `stamps` are the labels `createdAt` and `modifiedAt`; `metadata` holds what precedes them: name, preconditions …
pub(super) fn body(
    driver: Driver,
    release: &Release,
    stamps: &[(&str, i64)],
    mut metadata: Value,
) -> Result<Vec<u8>, Error> {
    let mut labels = user_labels(&release.labels);
    let mut set = |key: &str, value: String| labels.insert(key.to_owned(), value);
    set("name", release.name.clone());
    set("owner", "helm".to_owned());
    set("status", release.info.status.as_str().to_owned());
    set("version", release.revision.to_string());
    for (key, seconds) in stamps {
        set(key, seconds.to_string());
    }
    metadata["labels"] = json!(labels);
    let payload = codec::encode(release)?;
    if payload.len() > SIZE_LIMIT {
        return Err(too_large(release, payload.len()));
    }
    let object = match driver {
        Driver::Secrets => json!({
            "apiVersion": "v1", "kind": "Secret", "type": "helm.sh/release.v1",
            "metadata": metadata, "data": {"release": STANDARD.encode(payload)},
        }),
        Driver::ConfigMaps => json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": metadata, "data": {"release": String::from_utf8_lossy(&payload)},
        }),
    };
    Ok(object.to_string().into_bytes())
}

fn too_large(release: &Release, bytes: usize) -> Error {
    let chart = &release.chart;
    let hooks = release.hooks.iter().map(|hook| hook.manifest.len()).sum();
    let size = |files: Vec<(String, String)>| files.iter().map(|file| file.1.len()).sum::<usize>();
    let mut parts = [
        ("templates", size(chart.templates())),
        ("other files of the chart", size(chart.files())),
        ("manifest", release.manifest.len()),
        ("hooks", hooks),
        ("notes", release.info.notes.len()),
    ];
    parts.sort_by_key(|part| std::cmp::Reverse(part.1));
    let parts = parts.map(|(name, bytes)| format!("{name} {bytes}"));
    Error::TooLarge { record: record_name(&release.name, release.revision), bytes, parts: parts.join(", ") }
}

fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    let time = Option::<jiff::Timestamp>::deserialize(deserializer)?;
    Ok(time.map_or(0, jiff::Timestamp::as_second))
}
