//! Reads the few protobuf bodies that Go clients send: their typed clients write built-in kinds in protobuf, whatever they accept
//! in return. Field numbers are those of `generated.proto` in k8s.io/api and apimachinery (v0.36.1).

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Map, Value};

use super::failure::Failure;
use crate::cluster::protobuf::{MAGIC, Reader, Wire, entry};

/// The fields of a message that are read: number, name in JSON, form. Others are skipped.
type Message = &'static [(u64, &'static str, Form)];

/// How a field is written.
enum Form {
    Text,
    Number,
    Bool,
    Texts,
    TextMap,
    /// Bytes by name, which JSON has in base64.
    ByteMap,
    One(Message),
    Many(Message),
}

use Form::{Bool, ByteMap, Many, Number, One, Text, TextMap, Texts};

const TYPE_META: Message = &[(1, "apiVersion", Text), (2, "kind", Text)];

const OWNER_REFERENCE: Message = &[
    (1, "kind", Text),
    (3, "name", Text),
    (4, "uid", Text),
    (5, "apiVersion", Text),
    (6, "controller", Bool),
    (7, "blockOwnerDeletion", Bool),
];

const METADATA: Message = &[
    (1, "name", Text),
    (2, "generateName", Text),
    (3, "namespace", Text),
    (5, "uid", Text),
    (6, "resourceVersion", Text),
    (11, "labels", TextMap),
    (12, "annotations", TextMap),
    (13, "ownerReferences", Many(OWNER_REFERENCE)),
    (14, "finalizers", Texts),
];

const DELETE_OPTIONS: Message = &[
    (1, "gracePeriodSeconds", Number),
    (2, "preconditions", One(&[(1, "uid", Text), (2, "resourceVersion", Text)])),
    (3, "orphanDependents", Bool),
    (4, "propagationPolicy", Text),
    (5, "dryRun", Texts),
];

const RESOURCE_ATTRIBUTES: Message = &[
    (1, "namespace", Text),
    (2, "verb", Text),
    (3, "group", Text),
    (4, "version", Text),
    (5, "resource", Text),
    (6, "subresource", Text),
    (7, "name", Text),
];

/// The message of a kind; `None` for those read as JSON only.
fn message(kind: &str) -> Option<Message> {
    Some(match kind {
        "Secret" => &[
            (1, "metadata", One(METADATA)),
            (2, "data", ByteMap),
            (3, "type", Text),
            (4, "stringData", TextMap),
            (5, "immutable", Bool),
        ],
        "ConfigMap" => {
            &[(1, "metadata", One(METADATA)), (2, "data", TextMap), (3, "binaryData", ByteMap), (4, "immutable", Bool)]
        }
        "Namespace" => &[(1, "metadata", One(METADATA)), (2, "spec", One(&[(1, "finalizers", Texts)]))],
        "DeleteOptions" => DELETE_OPTIONS,
        "Eviction" => &[(1, "metadata", One(METADATA)), (2, "deleteOptions", One(DELETE_OPTIONS))],
        "Scale" => &[(1, "metadata", One(METADATA)), (2, "spec", One(&[(1, "replicas", Number)]))],
        "SelfSubjectAccessReview" => &[(2, "spec", One(&[(1, "resourceAttributes", One(RESOURCE_ATTRIBUTES))]))],
        "SelfSubjectRulesReview" => &[(2, "spec", One(&[(1, "namespace", Text)]))],
        "SelfSubjectReview" => &[],
        _ => return None,
    })
}

/// The object of a body as JSON. What is no protobuf is 400, a kind that is not read so 415.
pub(super) fn decode(body: &[u8]) -> Result<Value, Failure> {
    let unreadable = || Failure::bad_request("error decoding the request body: it is no complete protobuf message");
    let unknown = body.strip_prefix(MAGIC).ok_or_else(unreadable)?;
    let mut typed = None;
    let mut raw: &[u8] = &[];
    let mut reader = Reader(unknown);
    while !reader.0.is_empty() {
        match reader.field().ok_or_else(unreadable)? {
            (1, Wire::Bytes(bytes)) => typed = Some(read(bytes, TYPE_META).ok_or_else(unreadable)?),
            (2, Wire::Bytes(bytes)) => raw = bytes,
            _ => {}
        }
    }
    let mut object = typed.ok_or_else(unreadable)?;
    let kind = object.get("kind").and_then(Value::as_str).unwrap_or_default();
    let message = message(kind).ok_or_else(|| {
        Failure::new(415, "UnsupportedMediaType", format!("the sandbox reads a {kind} as JSON or YAML only"))
    })?;
    object.extend(read(raw, message).ok_or_else(unreadable)?);
    Ok(Value::Object(object))
}

/// One message as a JSON object; `None` when it is cut off or malformed.
fn read(bytes: &[u8], message: Message) -> Option<Map<String, Value>> {
    let mut object = Map::new();
    let mut reader = Reader(bytes);
    while !reader.0.is_empty() {
        let (number, wire) = reader.field()?;
        if let Some((_, name, form)) = message.iter().find(|field| field.0 == number) {
            put(&mut object, name, form, wire)?;
        }
    }
    Some(object)
}

/// Go writes texts that are not set as empty ones; JSON leaves them out.
fn put(object: &mut Map<String, Value>, name: &str, form: &Form, wire: Wire) -> Option<()> {
    let value: Value = match (form, wire) {
        (Text, Wire::Bytes([])) => return Some(()),
        (Text | Texts, Wire::Bytes(bytes)) => text(bytes)?.into(),
        // Negative numbers are written as the 64 bits of their two's complement.
        (Number, Wire::Number(number)) => number.cast_signed().into(),
        (Bool, Wire::Number(number)) => (number != 0).into(),
        (One(message) | Many(message), Wire::Bytes(bytes)) => read(bytes, message)?.into(),
        (TextMap | ByteMap, Wire::Bytes(bytes)) => {
            let (key, value) = entry(bytes)?;
            let key = text(key)?;
            let value = if matches!(form, ByteMap) { STANDARD.encode(value) } else { text(value)? };
            object.entry(name).or_insert_with(|| Map::new().into()).as_object_mut()?.insert(key, value.into());
            return Some(());
        }
        _ => return None,
    };
    if matches!(form, Texts | Many(_)) {
        object.entry(name).or_insert_with(|| Vec::<Value>::new().into()).as_array_mut()?.push(value);
    } else {
        object.insert(name.to_owned(), value);
    }
    Some(())
}

fn text(bytes: &[u8]) -> Option<String> {
    std::str::from_utf8(bytes).ok().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::decode;

    /// A Secret as Go's client writes it: k8s.io/api `Secret.Marshal` in a `runtime.Unknown`.
    const SECRET: &str = "6b3873000a0c0a0276311206536563726574127e0a560a1973682e68656c6d2e72656c656173652e76312e7765622e763112\
        001a0022002a003200380042005a0d0a056f776e6572120468656c6d5a120a0673746174757312086465706c6f7965647203\
        612f627203632f6412100a0772656c65617365120548347349411a1268656c6d2e73682f72656c656173652e76311a002200";

    fn bytes(hex: &str) -> Vec<u8> {
        let pairs = (0..hex.len()).step_by(2);
        pairs.map(|start| u8::from_str_radix(&hex[start..start + 2], 16).expect("two digits")).collect()
    }

    #[test]
    fn reads_what_go_writes() {
        let expected = json!({
            "apiVersion": "v1", "kind": "Secret", "type": "helm.sh/release.v1",
            "metadata": { "name": "sh.helm.release.v1.web.v1", "labels": { "owner": "helm", "status": "deployed" }, "finalizers": ["a/b", "c/d"] },
            "data": { "release": "SDRzSUE=" },
        });
        assert_eq!(decode(&bytes(SECRET)).expect("a secret"), expected);
    }

    #[test]
    fn refuses_what_is_cut_off_or_unknown() {
        let whole = bytes(SECRET);
        for length in [0, 3, 6, 20, whole.len() - 60] {
            assert_eq!(decode(&whole[..length]).expect_err("cut off").code, 400, "{length}");
        }
        let pod = [b"k8s\0".as_slice(), b"\x0a\x09\x0a\x02v1\x12\x03Pod\x12\0"].concat();
        assert_eq!(decode(&pod).expect_err("a pod").code, 415);
    }
}
