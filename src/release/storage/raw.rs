//! Records as they are stored, readable or not: what is backed up, put back, and moved to another driver.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::object::Stamps;
use super::{RecordMeta, Storage, blocking, moved, record_name, size};
use crate::release::{Error, Info, Release, codec};

/// A record as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Raw {
    /// Its metadata.
    pub meta: RecordMeta,
    /// What [`codec::decode`] takes; empty where the record has nothing of the kind.
    #[serde(serialize_with = "as_base64", deserialize_with = "from_base64")]
    pub payload: Vec<u8>,
}

impl Raw {
    /// Whether another holds the same: times of writing and annotations apart, for which not every driver has a place.
    pub fn is_same(&self, other: &Self) -> bool {
        let identity = |raw: &Self| {
            let meta = &raw.meta;
            (meta.record.clone(), meta.namespace.clone(), meta.name.clone(), meta.revision, meta.status.clone())
        };
        identity(self) == identity(other) && self.meta.labels == other.meta.labels && self.payload == other.payload
    }

    /// As much of the release as drivers write beside the payload.
    fn head(&self) -> Release {
        Release {
            name: self.meta.name.clone(),
            namespace: self.meta.namespace.clone(),
            revision: self.meta.revision,
            info: Info { status: self.meta.status.clone(), ..Info::default() },
            labels: self.meta.labels.clone(),
            ..Release::default()
        }
    }
}

impl Storage {
    /// A record as it is stored, if it is still the one in `meta`.
    ///
    /// # Errors
    /// [`Error::Moved`] where it was written since, [`Error::NotFound`].
    pub async fn raw(&self, meta: &RecordMeta) -> Result<Raw, Error> {
        let stored = self.fetch(&meta.namespace, &meta.record, &meta.resource_version).await?.stored()?;
        if stored.metadata.resource_version != meta.resource_version {
            return Err(moved(meta));
        }
        let payload = stored.payload().map(<[u8]>::to_vec).unwrap_or_default();
        Ok(Raw { meta: meta.clone(), payload })
    }

    /// Writes a record as it is in `raw`: a new one, or in the place of `over` if that was not written since.
    ///
    /// # Errors
    /// [`Error::Exists`] or [`Error::Moved`], [`Error::TooLarge`].
    pub async fn put(&self, raw: &Raw, over: Option<&RecordMeta>) -> Result<RecordMeta, Error> {
        self.check_raw(raw).await?;
        let RecordMeta { namespace, annotations, created_at, modified_at, .. } = &raw.meta;
        let payload = raw.payload.clone();
        match over {
            Some(over) => {
                let over = RecordMeta { annotations: annotations.clone(), ..over.clone() };
                self.overwrite(&over, &raw.head(), payload).await
            }
            None => {
                let modified = Some(*modified_at).filter(|modified| modified > created_at);
                let stamps = Stamps { created: *created_at, modified };
                self.insert(namespace, &raw.head(), annotations, stamps, payload).await
            }
        }
    }

    /// Whether [`Self::put`] has a place for a record.
    ///
    /// # Errors
    /// [`Error::TooLarge`]; [`Error::Corrupt`] where its name is not made from its release and revision as Helm makes it.
    pub async fn check_raw(&self, raw: &Raw) -> Result<(), Error> {
        let RecordMeta { record, name, revision, .. } = &raw.meta;
        if *record != record_name(name, *revision) {
            let message = format!("it is not named after revision {revision} of {name}");
            return Err(Error::Corrupt { record: record.clone(), message });
        }
        if self.size_limit().is_none_or(|limit| raw.payload.len() <= limit) {
            return Ok(());
        }
        let (raw, named) = (raw.clone(), record.clone());
        let too_large = blocking(record, move || {
            let release = codec::decode(&named, &raw.payload)?;
            Ok(size::too_large(&release, raw.payload.len()))
        });
        Err(too_large.await?)
    }
}

fn as_base64<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&STANDARD.encode(bytes))
}

fn from_base64<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    let text = String::deserialize(deserializer)?;
    STANDARD.decode(text).map_err(serde::de::Error::custom)
}
