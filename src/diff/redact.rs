//! Hiding what is secret.

use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, Mac};
use serde_json::{Map, Value};
use sha2::Sha256;

use crate::{manifest, yaml};

const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// How every fingerprint begins.
pub const FINGERPRINT: &str = "«fingerprint ";

/// Hides what is secret: `Secret` data and values under keys that look secret become fingerprints
/// (HMAC-SHA256 with a random key per run, first 8 hex digits): same or changed is visible, content is not.
#[derive(Clone)]
pub struct Redactor {
    key: Arc<[u8; 32]>,
    show: Show,
}

/// What is shown in the place of a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Show {
    Fingerprints,
    /// It itself.
    Secrets,
    /// It itself, the data of Secrets as the text they stand for.
    Decoded,
}

impl Redactor {
    /// A redactor keyed with the bytes handed in (this room knows no randomness).
    pub fn new(key: [u8; 32]) -> Self {
        Self { key: Arc::new(key), show: Show::Fingerprints }
    }

    /// The same redactor, showing everything.
    pub fn revealed(&self) -> Self {
        Self { key: self.key.clone(), show: Show::Secrets }
    }

    /// The same redactor, showing everything, and what a Secret's `data` stands for as `stringData` where it is text.
    pub fn decoded(&self) -> Self {
        Self { key: self.key.clone(), show: Show::Decoded }
    }

    /// The fingerprint of a value, as `«fingerprint a91f07c3»`.
    pub fn fingerprint(&self, value: &str) -> String {
        self.bytes(value.as_bytes())
    }

    /// A copy of an object with secrets replaced: `data`, `stringData` of Secrets, and the
    /// `kubectl.kubernetes.io/last-applied-configuration` annotation of Secrets. The same content has the
    /// same fingerprint in `data` and in `stringData`.
    pub fn object(&self, object: &Value) -> Value {
        self.shown(object).into_owned()
    }

    /// As [`Self::object`], without the copy where there is nothing to hide.
    pub(super) fn shown<'a>(&self, object: &'a Value) -> Cow<'a, Value> {
        if self.show == Show::Secrets || !holds_secret(object) {
            return Cow::Borrowed(object);
        }
        let mut object = object.clone();
        match object.get_mut("items").and_then(Value::as_array_mut) {
            Some(items) => items.iter_mut().for_each(|item| *item = self.object(item)),
            None if self.show == Show::Decoded => decode(&mut object),
            None => self.secret(&mut object),
        }
        Cow::Owned(object)
    }

    fn secret(&self, secret: &mut Value) {
        for (field, value) in fields(secret, "/data") {
            *value = match value.as_str().map(|text| (text, STANDARD.decode(text.replace(['\r', '\n'], "")))) {
                Some((_, Ok(content))) => self.bytes(&content).into(),
                Some((text, Err(_))) => self.fingerprint(text).into(),
                None => self.fingerprint(&format!("{field}: {value}")).into(),
            };
        }
        for (_, value) in fields(secret, "/stringData") {
            *value = self.leaf(value);
        }
        for (annotation, value) in fields(secret, "/metadata/annotations") {
            if annotation == LAST_APPLIED {
                *value = self.leaf(value);
            }
        }
    }

    /// A copy of release values with everything under secret-looking keys replaced. What only switches or is
    /// absent (booleans, nulls, empty strings) stays, and so do names of and paths to secrets.
    pub fn values(&self, values: &Value) -> Value {
        if self.show != Show::Fingerprints {
            return values.clone();
        }
        self.value(values, false)
    }

    fn value(&self, value: &Value, secret: bool) -> Value {
        match value {
            Value::Object(map) => {
                // `{name: DB_PASSWORD, value: …}`, as in an environment.
                let named = map.get("name").and_then(Value::as_str).is_some_and(looks_secret);
                let replace = |(key, value): (&String, &Value)| {
                    let secret = secret || looks_secret(key) || (named && key == "value");
                    (key.clone(), self.value(value, secret))
                };
                Value::Object(map.iter().map(replace).collect())
            }
            Value::Array(items) => items.iter().map(|item| self.value(item, secret)).collect(),
            Value::String(text) if secret || text.contains("PRIVATE KEY-----") => self.leaf(value),
            Value::Number(_) if secret => self.leaf(value),
            _ => value.clone(),
        }
    }

    fn leaf(&self, value: &Value) -> Value {
        match value {
            Value::Null | Value::Bool(_) => value.clone(),
            Value::String(text) if text.is_empty() => value.clone(),
            Value::String(text) => self.fingerprint(text).into(),
            other => self.fingerprint(&other.to_string()).into(),
        }
    }

    /// Whether there is anything to hide in an object or in values: a Secret, or what [`Self::values`] hides.
    pub fn hides(&self, value: &Value) -> bool {
        holds_secret(value) || self.values(value) != *value
    }

    /// A text with what [`Self::values`] hides of these values replaced wherever it is quoted, as errors do. What is
    /// shorter than four characters keeps no secret.
    pub fn quoting(&self, text: &str, values: &Value) -> String {
        let mut hidden = Vec::new();
        differences(values, &self.values(values), &mut hidden);
        let text_of = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let mut hidden: Vec<_> = hidden.into_iter().map(|(secret, shown)| (text_of(secret), shown)).collect();
        hidden.retain(|(secret, _)| secret.len() >= 4);
        // The longest first: one may contain another.
        hidden.sort_by_key(|(secret, _)| std::cmp::Reverse(secret.len()));
        hidden.iter().fold(text.to_owned(), |text, (secret, shown)| text.replace(secret, shown))
    }

    /// What [`Self::values`] hides of these values, by what it shows instead. Nobody can tell a value from its fingerprint,
    /// so whoever lets what is shown be edited puts the values back with this.
    pub fn hidden(&self, values: &Value) -> BTreeMap<String, Value> {
        let mut hidden = Vec::new();
        differences(values, &self.values(values), &mut hidden);
        hidden.into_iter().map(|(value, shown)| (shown, value.clone())).collect()
    }

    /// A manifest text with the Secrets in it redacted; other documents stay byte for byte.
    pub fn manifest(&self, text: &str) -> String {
        if self.show != Show::Fingerprints {
            return text.to_owned();
        }
        let mut shown = String::with_capacity(text.len());
        let mut copied = 0;
        for document in manifest::split(text) {
            if !document.text.contains("Secret") {
                continue;
            }
            let replacement = match yaml::from_str(document.text) {
                Ok(value) if !holds_secret(&value) => continue,
                Ok(value) => yaml::to_string(&self.object(&value)),
                Err(_) => "# not shown: this text names a Secret and cannot be read as YAML\n".to_owned(),
            };
            let content = document.offset + comments(document.text);
            shown.push_str(&text[copied..content]);
            shown.push_str(&replacement);
            copied = document.offset + document.text.len();
        }
        shown.push_str(&text[copied..]);
        shown
    }

    fn bytes(&self, content: &[u8]) -> String {
        // HMAC takes keys of every length.
        let Ok(mac) = Hmac::<Sha256>::new_from_slice(self.key.as_slice()) else {
            return "«hidden»".to_owned();
        };
        let digest = mac.chain_update(content).finalize().into_bytes();
        let digits: String = digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
        format!("{FINGERPRINT}{digits}»")
    }
}

/// Moves what is text in a Secret's `data` to `stringData`.
fn decode(secret: &mut Value) {
    let text = |encoded: &Value| String::from_utf8(STANDARD.decode(encoded.as_str()?).ok()?).ok();
    let texts: Map<String, Value> =
        fields(secret, "/data").filter_map(|(key, value)| Some((key.clone(), text(value)?.into()))).collect();
    let Some(secret) = secret.as_object_mut().filter(|_| !texts.is_empty()) else { return };
    if let Some(data) = secret.get_mut("data").and_then(Value::as_object_mut) {
        data.retain(|key, _| !texts.contains_key(key));
        if data.is_empty() {
            secret.remove("data");
        }
    }
    let mut decoded = texts;
    if let Some(Value::Object(given)) = secret.remove("stringData") {
        decoded.extend(given);
    }
    secret.insert("stringData".to_owned(), decoded.into());
}

/// The leaves that differ, of values of the same shape.
fn differences<'a>(values: &'a Value, shown: &Value, found: &mut Vec<(&'a Value, String)>) {
    match (values, shown) {
        (Value::Object(values), Value::Object(shown)) => {
            values.values().zip(shown.values()).for_each(|(value, shown)| differences(value, shown, found));
        }
        (Value::Array(values), Value::Array(shown)) => {
            values.iter().zip(shown).for_each(|(value, shown)| differences(value, shown, found));
        }
        (value, Value::String(shown)) if value != shown.as_str() => found.push((value, shown.clone())),
        _ => {}
    }
}

/// Whether it is a Secret, or a list that holds one.
fn holds_secret(object: &Value) -> bool {
    let listed = object.get("items").and_then(Value::as_array);
    object["kind"] == "Secret" || listed.is_some_and(|items| items.iter().any(holds_secret))
}

fn fields<'a>(object: &'a mut Value, path: &str) -> impl Iterator<Item = (&'a String, &'a mut Value)> {
    object.pointer_mut(path).and_then(Value::as_object_mut).into_iter().flat_map(Map::iter_mut)
}

/// How many bytes of blank lines and comments come first.
fn comments(text: &str) -> usize {
    let lines = text.split_inclusive('\n');
    lines.take_while(|line| line.trim().is_empty() || line.trim_start().starts_with('#')).map(str::len).sum()
}

/// Whether a key holds a secret by its name, and not the name of one or a path to one.
fn looks_secret(key: &str) -> bool {
    const WORDS: [&str; 13] = [
        "password",
        "passwd",
        "passphrase",
        "secret",
        "token",
        "apikey",
        "accesskey",
        "privatekey",
        "credential",
        "signingkey",
        "encryptionkey",
        "connectionstring",
        "htpasswd",
    ];
    const REFERENCES: [&str; 6] = ["name", "names", "ref", "refs", "path", "file"];
    let key: String = key.chars().filter(char::is_ascii_alphanumeric).map(|char| char.to_ascii_lowercase()).collect();
    let reference = key.starts_with("existing") || key.ends_with("pullsecrets");
    WORDS.iter().any(|word| key.contains(word)) && !reference && !REFERENCES.iter().any(|end| key.ends_with(end))
}
