//! Helm's codec: base64 over gzip over JSON (helm/helm `pkg/storage/driver/util.go`).

use std::fmt;
use std::io::{BufRead, BufReader, Read, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::bufread::MultiGzDecoder;
use flate2::write::GzEncoder;
use serde::de::{DeserializeOwned, DeserializeSeed, Error as _, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

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

/// Like [`decode_summary`], reading no further than the chart's metadata, which Helm writes near the beginning: unpacking
/// the rest of a big record costs many times as much as all else in a list. Damage behind that place goes unnoticed, and
/// namespace and revision, which Helm writes at the end, are the given ones.
pub fn peek_summary(record: &str, data: &[u8], namespace: &str, revision: u32) -> Result<Summary, Error> {
    let bytes = from_base64(data).map_err(|message| corrupt(record, message))?;
    let mut beginning = Beginning::default();
    let mut json = serde_json::Deserializer::from_reader(unpacked(&bytes).take(EXPANSION_LIMIT));
    match beginning.deserialize(&mut json) {
        Err(_) if beginning.is_read => {}
        // Not as Helm writes it, or damaged: the whole of it tells.
        _ => return decode_summary(record, data),
    }
    check_named(record, &beginning.summary.name)?;
    let found = beginning.summary;
    Ok(Summary { namespace: namespace.to_owned(), revision, ..found.into() })
}

/// Reads a record up to its chart's metadata, then stops with an error.
#[derive(Default)]
struct Beginning {
    summary: SummaryJson,
    has_info: bool,
    is_read: bool,
}

impl<'de> DeserializeSeed<'de> for &mut Beginning {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for &mut Beginning {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a Helm release")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "name" => self.summary.name = map.next_value::<Option<_>>()?.unwrap_or_default(),
                "info" => {
                    self.summary.info = map.next_value::<Option<_>>()?.unwrap_or_default();
                    self.has_info = true;
                }
                "chart" => map.next_value_seed(ChartBeginning(&mut *self))?,
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

/// The chart within [`Beginning`].
struct ChartBeginning<'a>(&'a mut Beginning);

impl<'de> DeserializeSeed<'de> for ChartBeginning<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for ChartBeginning<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a chart")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            if key == "metadata" {
                self.0.summary.chart.metadata = map.next_value::<Option<_>>()?.unwrap_or_default();
                self.0.is_read = self.0.has_info && !self.0.summary.name.is_empty();
                if self.0.is_read {
                    return Err(A::Error::custom("the rest is not looked at"));
                }
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
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
    let bytes = from_base64(data)?;
    if !bytes.starts_with(&GZIP_MAGIC) {
        return Ok(bytes);
    }
    let mut json = Vec::with_capacity(expected_length(&bytes));
    let read = unpacked(&bytes).take(limit + 1).read_to_end(&mut json);
    read.map_err(|error| format!("gzip is damaged or cut off: {error}"))?;
    if json.len() as u64 > limit {
        return Err(format!("expands to more than {} MiB", limit >> 20));
    }
    Ok(json)
}

/// Go's decoder skips line ends; nobody writes them, so they are looked for only where reading fails.
fn from_base64(data: &[u8]) -> Result<Vec<u8>, String> {
    let decoded = STANDARD.decode(data).or_else(|_| STANDARD.decode(without_line_ends(data)));
    decoded.map_err(|error| format!("not base64: {error}"))
}

/// The text of a record. Several members of gzip after one another are one stream to Go, and so to us.
fn unpacked(bytes: &[u8]) -> Box<dyn BufRead + '_> {
    if bytes.starts_with(&GZIP_MAGIC) { Box::new(BufReader::new(MultiGzDecoder::new(bytes))) } else { Box::new(bytes) }
}

fn without_line_ends(data: &[u8]) -> Vec<u8> {
    data.iter().copied().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect()
}

/// How long gzip says the text is (its last four bytes, RFC 1952), as far as that is believable.
fn expected_length(gzip: &[u8]) -> usize {
    let said = gzip.last_chunk().map_or(0, |length| u32::from_le_bytes(*length) as usize);
    said.min(gzip.len().saturating_mul(32))
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
