//! Helm's codec: base64 over gzip over JSON (helm/helm `pkg/storage/driver/util.go`).

use std::borrow::Cow;
use std::io::{Read, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::chart::ChartMetadata;
use super::record::{or_default, time};
use super::{Error, Release, Status};

/// A record may expand to this many bytes of JSON. Helm has no bound; real records are far below.
const EXPANSION_LIMIT: u64 = 256 << 20;

const GZIP_MAGIC: [u8; 3] = [0x1f, 0x8b, 0x08];

/// What lists show of a revision, decoded without its chart's files, values, manifest and hooks.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Summary {
    /// Release name.
    pub name: String,
    /// Namespace.
    pub namespace: String,
    /// Revision number.
    pub revision: u32,
    /// Status from the record itself, which is what Helm shows; the label may differ in a damaged one.
    pub status: Status,
    /// `first_deployed`, as in [`super::Info`].
    pub first_deployed: Option<String>,
    /// `last_deployed`.
    pub last_deployed: Option<String>,
    /// `description`.
    pub description: String,
    /// Chart name, empty when the record has no chart.
    pub chart_name: String,
    /// Chart version.
    pub chart_version: String,
    /// `appVersion` of the chart.
    pub app_version: String,
}

/// Decodes the `release` value of a record (of a Secret after its own base64 step). `record` names it in errors.
/// Records from before gzip are accepted, as Helm does. Expansion is bounded.
pub fn decode(record: &str, data: &[u8]) -> Result<Release, Error> {
    let json = expand(record, data)?;
    let release: Release = parse(record, &json)?;
    check_named(record, &release.name)?;
    Ok(release)
}

/// Like [`decode`], only what lists show; the rest is checked to be JSON and skipped.
pub fn decode_summary(record: &str, data: &[u8]) -> Result<Summary, Error> {
    let json = expand(record, data)?;
    let release: SummaryJson = parse(record, &json)?;
    check_named(record, &release.name)?;
    Ok(release.into())
}

/// Encodes a release as Helm does; the bytes go into the record's `release` key.
pub fn encode(release: &Release) -> Result<Vec<u8>, Error> {
    let failed = |message: String| Error::Corrupt {
        record: super::storage::record_name(&release.name, release.revision),
        message: format!("cannot be encoded: {message}"),
    };
    let json = crate::yaml::json::to_vec(release).map_err(|error| failed(error.to_string()))?;
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    let bytes = gzip.write_all(&json).and_then(|()| gzip.finish());
    let bytes = bytes.map_err(|error| failed(error.to_string()))?;
    Ok(STANDARD.encode(bytes).into_bytes())
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct SummaryJson {
    #[serde(deserialize_with = "or_default")]
    name: String,
    #[serde(deserialize_with = "or_default")]
    namespace: String,
    #[serde(deserialize_with = "or_default")]
    version: u32,
    #[serde(deserialize_with = "or_default")]
    info: InfoJson,
    #[serde(deserialize_with = "or_default")]
    chart: ChartJson,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct InfoJson {
    status: Status,
    #[serde(deserialize_with = "time")]
    first_deployed: Option<String>,
    #[serde(deserialize_with = "time")]
    last_deployed: Option<String>,
    #[serde(deserialize_with = "or_default")]
    description: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ChartJson {
    #[serde(deserialize_with = "or_default")]
    metadata: ChartMetadata,
}

impl Summary {
    /// The summary of a decoded release.
    pub fn of(release: &Release) -> Self {
        let chart = release.chart.metadata();
        Self {
            name: release.name.clone(),
            namespace: release.namespace.clone(),
            revision: release.revision,
            status: release.info.status.clone(),
            first_deployed: release.info.first_deployed.clone(),
            last_deployed: release.info.last_deployed.clone(),
            description: release.info.description.clone(),
            chart_name: chart.name.clone(),
            chart_version: chart.version.clone(),
            app_version: chart.app_version.clone(),
        }
    }
}

impl From<SummaryJson> for Summary {
    fn from(json: SummaryJson) -> Self {
        Self {
            name: json.name,
            namespace: json.namespace,
            revision: json.version,
            status: json.info.status,
            first_deployed: json.info.first_deployed,
            last_deployed: json.info.last_deployed,
            description: json.info.description,
            chart_name: json.chart.metadata.name,
            chart_version: json.chart.metadata.version,
            app_version: json.chart.metadata.app_version,
        }
    }
}

/// The JSON of a record.
fn expand(record: &str, data: &[u8]) -> Result<Vec<u8>, Error> {
    expand_within(EXPANSION_LIMIT, data).map_err(|message| corrupt(record, message))
}

fn expand_within(limit: u64, data: &[u8]) -> Result<Vec<u8>, String> {
    let bytes = STANDARD.decode(without_line_ends(data)).map_err(|error| format!("not base64: {error}"))?;
    if !bytes.starts_with(&GZIP_MAGIC) {
        return Ok(bytes);
    }
    // Several members after one another are one stream to Go, and so to us.
    let mut json = Vec::new();
    let read = MultiGzDecoder::new(bytes.as_slice()).take(limit + 1).read_to_end(&mut json);
    read.map_err(|error| format!("gzip is damaged or cut off: {error}"))?;
    if json.len() as u64 > limit {
        return Err(format!("expands to more than {} MiB", limit >> 20));
    }
    Ok(json)
}

/// Go's decoder skips line ends in base64.
fn without_line_ends(data: &[u8]) -> Cow<'_, [u8]> {
    let is_line_end = |byte: &u8| matches!(byte, b'\r' | b'\n');
    if data.iter().any(is_line_end) { data.iter().copied().filter(|b| !is_line_end(b)).collect() } else { data.into() }
}

/// Reads JSON; text that is not UTF-8 gets U+FFFD, as in Go. Looking for such text beforehand would cost as much as
/// skipping over the chart.
fn parse<T: DeserializeOwned>(record: &str, json: &[u8]) -> Result<T, Error> {
    let mut read = serde_json::from_slice(json);
    if read.is_err() && std::str::from_utf8(json).is_err() {
        read = serde_json::from_str(&String::from_utf8_lossy(json));
    }
    read.map_err(|error| corrupt(record, format!("not a Helm release: {error}")))
}

/// Any JSON object would pass for a release; one without a name is something else.
fn check_named(record: &str, name: &str) -> Result<(), Error> {
    if name.is_empty() {
        return Err(corrupt(record, "not a Helm release: it has no name".into()));
    }
    Ok(())
}

fn corrupt(record: &str, message: String) -> Error {
    Error::Corrupt { record: record.to_owned(), message }
}
