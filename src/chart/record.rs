//! A chart as Helm keeps it in a release's record: JSON with the names of Go's struct (helm/helm `pkg/chart/v2/chart.go`).
//! Sub-charts are not in it.

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use jiff::Timestamp;
use serde::{Serialize, Serializer};
use serde_json::Value;

use super::{
    Chart, Error, File, Lock,
    decode::{self, Decode, Decoder},
};
use crate::{
    values::{self, Values},
    yaml::json,
};

/// Go's zero time.
const ZERO_TIME: &str = "0001-01-01T00:00:00Z";

impl Chart {
    /// The chart as a record holds it. Values are as they are now.
    ///
    /// # Errors
    /// None is known: values that Go cannot write cannot be read either.
    pub fn to_record(&self) -> Result<Vec<u8>, Error> {
        // Go's map is nil where no file was there to fill it.
        let unread = self.values.is_empty() && self.raw.iter().all(|file| file.name != "values.yaml");
        let files = |files| Some(files).filter(|files: &&Vec<File>| !files.is_empty());
        let record = Written {
            metadata: &self.metadata,
            lock: self.lock.as_ref(),
            templates: files(&self.templates),
            values: Some(&self.values).filter(|_| !unread),
            schema: self.schema.as_ref().map(|schema| Base64(&schema.data)),
            schemamodtime: time(self.schema.as_ref().and_then(|file| file.modified))
                .unwrap_or_else(|| ZERO_TIME.to_owned()),
            files: files(&self.files),
            modtime: time(self.modified),
        };
        json::to_vec(&record).map_err(|error| Error::new(error.to_string()))
    }

    /// The chart that a record holds, without sub-charts. What it does not hold is empty.
    ///
    /// # Errors
    /// Go's words for JSON that is none, or fields that do not fit.
    pub fn from_record(json: &[u8]) -> Result<Self, Error> {
        let value: Value = serde_json::from_slice(json).map_err(|error| Error::new(error.to_string()))?;
        let mut read = Read::default();
        decode::from_json(&value, &mut read).map_err(Error::new)?;
        Ok(read.0)
    }
}

#[derive(Serialize)]
struct Written<'a> {
    metadata: &'a super::Metadata,
    lock: Option<&'a Lock>,
    templates: Option<&'a Vec<File>>,
    values: Option<&'a Values>,
    schema: Option<Base64<'a>>,
    schemamodtime: String,
    files: Option<&'a Vec<File>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    modtime: Option<String>,
}

/// Bytes as Go's JSON has them.
struct Base64<'a>(&'a Bytes);

impl Serialize for Base64<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(self.0))
    }
}

impl Serialize for File {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Written<'a> {
            name: &'a str,
            data: Base64<'a>,
            #[serde(skip_serializing_if = "Option::is_none")]
            modtime: Option<String>,
        }
        Written { name: &self.name, data: Base64(&self.data), modtime: time(self.modified) }.serialize(serializer)
    }
}

fn time(time: Option<Timestamp>) -> Option<String> {
    time.map(|time| time.to_string())
}

#[derive(Default)]
struct Read(Chart);

impl Decode for Read {
    const TYPE: (&'static str, &'static str) = ("v2", "Chart");
    const FIELDS: &'static [&'static str] =
        &["metadata", "lock", "templates", "values", "schema", "schemamodtime", "files", "modtime"];

    fn field(&mut self, name: &str, value: &Value, decoder: &mut Decoder) {
        let chart = &mut self.0;
        match name {
            "metadata" => decoder.structure(value, &mut chart.metadata),
            "lock" if value.is_null() => chart.lock = None,
            "lock" => decoder.structure(value, chart.lock.get_or_insert_default()),
            "templates" => {
                decoder.structures(value, &mut chart.templates);
            }
            "values" => {
                chart.values = value.as_object().cloned().unwrap_or_default();
                chart.values.values_mut().for_each(values::make_floats);
            }
            "schema" if value.is_null() => chart.schema = None,
            "schema" => read_bytes(value, &mut chart.schema.get_or_insert_default().data, decoder),
            "schemamodtime" => {
                if let Some(schema) = &mut chart.schema {
                    schema.modified = read_time(value);
                }
            }
            "files" => {
                decoder.structures(value, &mut chart.files);
            }
            _ => chart.modified = read_time(value),
        }
    }
}

impl Decode for File {
    const TYPE: (&'static str, &'static str) = ("common", "File");
    const FIELDS: &'static [&'static str] = &["name", "data", "modtime"];

    fn field(&mut self, name: &str, value: &Value, decoder: &mut Decoder) {
        match name {
            "name" => decoder.string(value, &mut self.name),
            "data" => read_bytes(value, &mut self.data, decoder),
            _ => self.modified = read_time(value),
        }
    }
}

fn read_bytes(value: &Value, target: &mut Bytes, decoder: &mut Decoder) {
    match value.as_str().map(|text| STANDARD.decode(text)) {
        Some(Ok(bytes)) => *target = bytes.into(),
        Some(Err(error)) => decoder.fail(error.to_string()),
        None => {}
    }
}

fn read_time(value: &Value) -> Option<Timestamp> {
    value.as_str().filter(|text| *text != ZERO_TIME)?.parse().ok()
}
