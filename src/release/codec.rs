//! Helm's codec: base64 over gzip over JSON (helm/helm `pkg/storage/driver/util.go`).

use super::{Error, Release};

/// Decodes the `release` value of a record (of a Secret after its own base64 step). `record` names it in errors.
/// Records from before gzip are accepted, as Helm does. Expansion is bounded.
pub fn decode(_record: &str, _data: &[u8]) -> Result<Release, Error> {
    todo!()
}

/// Encodes a release as Helm does; the bytes go into the record's `release` key.
pub fn encode(_release: &Release) -> Result<Vec<u8>, Error> {
    todo!()
}
