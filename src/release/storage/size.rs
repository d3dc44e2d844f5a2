//! How large a record may be, and what makes it large.

use super::{Backend, Storage, blocking, record_name};
use crate::release::{Error, Release, codec};

/// What Kubernetes takes as data of one Secret or ConfigMap (k8s.io/api `core/v1`, `MaxSecretSize`).
pub(super) const OBJECT_LIMIT: usize = 1 << 20;

/// Files of a chart that are named one by one.
const FILES_TOLD: usize = 3;

impl Storage {
    /// How many bytes a record may have; `None` where nothing limits it.
    pub fn size_limit(&self) -> Option<usize> {
        matches!(self.backend, Backend::Objects(_)).then_some(OBJECT_LIMIT)
    }

    /// Whether a release could be recorded, without writing anything.
    ///
    /// # Errors
    /// [`Error::TooLarge`]; a release that cannot be encoded.
    pub async fn check_size(&self, release: &Release) -> Result<(), Error> {
        let Some(limit) = self.size_limit() else {
            return Ok(());
        };
        let release = release.clone();
        let record = record_name(&release.name, release.revision);
        blocking(&record, move || {
            // Compressing never adds more than a little, so that most releases need not be compressed to know that they fit.
            let plain = crate::yaml::json::to_vec(&release).map_or(usize::MAX, |json| json.len());
            if plain <= limit / 2 { Ok(()) } else { encode(&release, Some(limit)).map(drop) }
        })
        .await
    }
}

/// Encodes a release, unless it is larger than `limit`.
pub(super) fn encode(release: &Release, limit: Option<usize>) -> Result<Vec<u8>, Error> {
    let payload = codec::encode(release)?;
    match limit {
        Some(limit) if payload.len() > limit => Err(too_large(release, payload.len())),
        _ => Ok(payload),
    }
}

pub(super) fn too_large(release: &Release, bytes: usize) -> Error {
    Error::TooLarge { record: record_name(&release.name, release.revision), bytes, parts: parts(release) }
}

/// What a record is made of, in bytes before compression, largest first: what to trim.
pub fn parts(release: &Release) -> String {
    let [templates, files] = release.chart.sizes();
    let hooks = release.hooks.iter().map(|hook| (hook.name.clone(), hook.manifest.len())).collect();
    let values = serde_json::to_string(&release.config).map_or(0, |text| text.len());
    let mut parts = [
        part("templates", templates),
        part("other files of the chart", files),
        part("hooks", hooks),
        (release.manifest.len(), format!("manifest {}", release.manifest.len())),
        (values, format!("values {values}")),
        (release.info.notes.len(), format!("notes {}", release.info.notes.len())),
    ];
    parts.sort_by_key(|part| std::cmp::Reverse(part.0));
    parts.map(|(_, told)| told).join(", ")
}

/// The size of a part that has parts of its own, of which the largest are named.
fn part(name: &str, mut items: Vec<(String, usize)>) -> (usize, String) {
    let total = items.iter().map(|(_, bytes)| bytes).sum::<usize>();
    items.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
    let largest: Vec<String> = items.iter().take(FILES_TOLD).map(|(path, bytes)| format!("{path} {bytes}")).collect();
    let told = if largest.is_empty() { String::new() } else { format!(" ({})", largest.join(", ")) };
    (total, format!("{name} {total}{told}"))
}
