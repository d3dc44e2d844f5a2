//! A record as a Kubernetes object: its name, labels, data, and what of its metadata matters.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use super::{RecordMeta, requests::unexpected};
use crate::cluster::protobuf::{self, Reader, Wire};
use crate::release::record::or_default;
use crate::release::{Error, Release, Status};

/// The kinds of objects that hold records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Secret,
    ConfigMap,
}

impl Kind {
    /// Plural resource name, as in URLs.
    pub fn resource(self) -> &'static str {
        match self {
            Self::Secret => "secrets",
            Self::ConfigMap => "configmaps",
        }
    }
}

const NAME_PREFIX: &str = "sh.helm.release.v1.";

/// Labels that Helm itself sets (helm/helm `pkg/storage/driver/util.go`, `systemLabels`).
pub const SYSTEM_LABELS: [&str; 6] = ["name", "owner", "status", "version", "createdAt", "modifiedAt"];

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
#[derive(Debug, Default)]
pub(super) struct Stored {
    pub metadata: Metadata,
    /// The value of the key `release`, of a Secret after its own base64 step.
    release: Option<Vec<u8>>,
}

/// When a record was created and, if it was, changed: seconds since 1970.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stamps {
    pub created: i64,
    pub modified: Option<i64>,
}

impl Stamps {
    /// Of a record that is created now.
    pub fn now() -> Self {
        Self { created: super::now(), modified: None }
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct StoredJson {
    metadata: Metadata,
    #[serde(deserialize_with = "or_default")]
    data: Data,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Data {
    release: Option<String>,
}

impl Metadata {
    /// `ObjectMeta` (apimachinery `meta/v1/generated.proto`): what telling one record from another takes, not who wrote it.
    fn from_protobuf(message: &[u8]) -> Option<Self> {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok();
        let mut metadata = Self::default();
        let mut reader = Reader(message);
        while !reader.0.is_empty() {
            match reader.field()? {
                (1, Wire::Bytes(bytes)) => metadata.name = text(bytes)?,
                (3, Wire::Bytes(bytes)) => metadata.namespace = text(bytes)?,
                (5, Wire::Bytes(bytes)) => metadata.uid = text(bytes)?,
                (6, Wire::Bytes(bytes)) => metadata.resource_version = text(bytes)?,
                (11, Wire::Bytes(bytes)) => {
                    let (key, value) = protobuf::entry(bytes)?;
                    metadata.labels.insert(text(key)?, text(value)?);
                }
                _ => {}
            }
        }
        Some(metadata)
    }

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
    /// A record that was never an object.
    pub fn new(meta: RecordMeta, payload: Vec<u8>) -> Self {
        let metadata = Metadata {
            name: meta.record,
            uid: meta.uid,
            resource_version: meta.resource_version,
            labels: meta.labels,
            ..Metadata::default()
        };
        Self { metadata, release: Some(payload) }
    }

    /// Reads the object as the server sent it: in protobuf, or in JSON where it (or a proxy, or the sandbox) has no protobuf.
    pub fn read(kind: Kind, body: &[u8]) -> Result<Self, Error> {
        let Some(envelope) = body.strip_prefix(protobuf::MAGIC) else {
            return Self::from_json(kind, body);
        };
        let read = in_field(envelope, 2).and_then(Self::from_protobuf);
        read.ok_or_else(|| unexpected("the protobuf message is cut off").into())
    }

    /// What [`codec::decode`] takes.
    pub fn payload(&self) -> Result<&[u8], Error> {
        self.release.as_deref().ok_or_else(|| Error::Corrupt {
            record: self.metadata.name.clone(),
            message: "its data has no key `release`".into(),
        })
    }

    fn from_json(kind: Kind, body: &[u8]) -> Result<Self, Error> {
        let StoredJson { metadata, data } = serde_json::from_slice(body).map_err(unexpected)?;
        let release = match (kind, data.release) {
            (Kind::Secret, Some(text)) => Some(STANDARD.decode(text).map_err(|error| Error::Corrupt {
                record: metadata.name.clone(),
                message: format!("Secret data is not base64: {error}"),
            })?),
            (_, text) => text.map(String::into_bytes),
        };
        Ok(Self { metadata, release })
    }

    /// A Secret or a ConfigMap: metadata in field 1, data in field 2 (k8s.io/api `core/v1/generated.proto`), of Secrets as
    /// bytes. Half the work of JSON for both sides, which counts where hundreds of records are read.
    fn from_protobuf(object: &[u8]) -> Option<Self> {
        let mut stored = Self::default();
        let mut reader = Reader(object);
        while !reader.0.is_empty() {
            match reader.field()? {
                (1, Wire::Bytes(metadata)) => stored.metadata = Metadata::from_protobuf(metadata)?,
                (2, Wire::Bytes(data)) => {
                    let (key, value) = protobuf::entry(data)?;
                    if key == b"release" {
                        stored.release = Some(value.to_vec());
                    }
                }
                _ => {}
            }
        }
        Some(stored)
    }
}

/// The bytes of a message's field; empty when it is not there, `None` when the message is cut off.
fn in_field(message: &[u8], wanted: u64) -> Option<&[u8]> {
    let mut found: &[u8] = &[];
    let mut reader = Reader(message);
    while !reader.0.is_empty() {
        match reader.field()? {
            (number, Wire::Bytes(bytes)) if number == wanted => found = bytes,
            _ => {}
        }
    }
    Some(found)
}

/// The object to write, as Helm builds it (helm/helm `pkg/storage/driver/secrets.go`, `newSecretsObject`).
/// `metadata` holds what precedes the labels: name, preconditions …
pub(super) fn body(kind: Kind, release: &Release, stamps: Stamps, mut metadata: Value, payload: &[u8]) -> Vec<u8> {
    let mut labels = user_labels(&release.labels);
    let mut set = |key: &str, value: String| labels.insert(key.to_owned(), value);
    set("name", release.name.clone());
    set("owner", "helm".to_owned());
    set("status", release.info.status.as_str().to_owned());
    set("version", release.revision.to_string());
    set("createdAt", stamps.created.to_string());
    if let Some(seconds) = stamps.modified {
        set("modifiedAt", seconds.to_string());
    }
    metadata["labels"] = json!(labels);
    let object = match kind {
        Kind::Secret => json!({
            "apiVersion": "v1", "kind": "Secret", "type": "helm.sh/release.v1",
            "metadata": metadata, "data": {"release": STANDARD.encode(payload)},
        }),
        Kind::ConfigMap => json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": metadata, "data": {"release": String::from_utf8_lossy(payload)},
        }),
    };
    object.to_string().into_bytes()
}

fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    let time = Option::<jiff::Timestamp>::deserialize(deserializer)?;
    Ok(time.map_or(0, jiff::Timestamp::as_second))
}
