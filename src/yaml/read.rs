//! From parser events to values (`decode.go` of go-yaml v2, then the JSON step of sigs.k8s.io/yaml).

use std::collections::HashMap;

use libyaml_safer::{Event, EventData, Mark};
use serde_json::{Map, Value, map::Entry};

use super::{
    Error, MAX_DEPTH,
    events::{Events, failure},
    number,
    resolve::{Scalar, resolve},
    scalar::{Floats, go_syntax, scalar, unsupported_key},
};

const EXCESSIVE: &str = "yaml: document contains excessive aliasing";

/// How many bytes anchors and aliases may copy: Go shares what they name.
const MAX_COPIED_BYTES: usize = 64 << 20;

/// What a node takes without its text, about.
const NODE_BYTES: usize = 32;

/// A value, and how many nodes and bytes it took: aliases are paid for by what they expand to.
#[derive(Clone)]
struct Node {
    value: Value,
    nodes: usize,
    bytes: usize,
    mark: Mark,
}

/// A key that a mapping has twice, which Helm's strict reading refuses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Duplicate {
    /// 1-based line of the later one.
    pub line: usize,
    /// The key.
    pub key: String,
}

/// The value of a text's first document, `Null` where there is none, and the keys that it has twice.
pub(super) fn document(text: &str, floats: Floats) -> Result<(Value, Vec<Duplicate>), Error> {
    let mut reader = Reader {
        duplicates: Vec::new(),
        events: Events::new(text),
        floats,
        anchors: HashMap::new(),
        decoded: 1,
        aliased: 0,
        bytes: 0,
        copied_bytes: 0,
    };
    loop {
        let event = reader.events.next()?;
        match event.data {
            EventData::StreamEnd => return Ok((Value::Null, Vec::new())),
            EventData::DocumentStart { version_directive: Some(version), .. }
                if (version.major, version.minor) != (1, 1) =>
            {
                let words = "yaml: found incompatible YAML document";
                return Err(failure(event.start_mark, words));
            }
            EventData::DocumentStart { .. } => break,
            _ => {}
        }
    }
    let event = reader.events.next()?;
    match reader.node(event, 0) {
        Ok(node) => reader.events.next().map(|_| (node.value, reader.duplicates)),
        Err(error) => Err(reader.events.first(error)),
    }
}

struct Reader<'a> {
    duplicates: Vec<Duplicate>,
    events: Events<'a>,
    floats: Floats,
    /// Anchors so far; `None` while the anchored collection is still open.
    anchors: HashMap<String, Option<Node>>,
    /// Nodes so far, and those of them that came from aliases.
    decoded: usize,
    aliased: usize,
    /// Bytes so far, and those that were copied.
    bytes: usize,
    copied_bytes: usize,
}

impl Reader<'_> {
    fn node(&mut self, event: Event, depth: usize) -> Result<Node, Error> {
        let mark = event.start_mark;
        if depth > MAX_DEPTH {
            self.events.stop();
            return Err(failure(mark, &format!("yaml: exceeded max depth of {MAX_DEPTH}")));
        }
        self.decoded += 1;
        let (nodes_before, bytes_before) = (self.decoded, self.bytes);
        self.bytes += NODE_BYTES;
        let (anchor, value) = match event.data {
            EventData::Alias { anchor } => return self.alias(&anchor, mark),
            EventData::Scalar { anchor, tag, value, plain_implicit, .. } => {
                self.bytes += value.len();
                (anchor, scalar(tag.as_deref(), value, plain_implicit, self.floats, mark)?)
            }
            EventData::SequenceStart { anchor, .. } => {
                self.open(anchor.as_deref());
                (anchor, self.sequence(depth)?)
            }
            EventData::MappingStart { anchor, .. } => {
                self.open(anchor.as_deref());
                (anchor, self.mapping(depth)?)
            }
            _ => return Err(failure(mark, "yaml: unknown problem parsing YAML content")),
        };
        let node = Node { value, nodes: self.decoded - nodes_before + 1, bytes: self.bytes - bytes_before, mark };
        if let Some(anchor) = anchor {
            self.copied_bytes += node.bytes;
            if self.copied_bytes > MAX_COPIED_BYTES {
                return Err(failure(mark, EXCESSIVE));
            }
            self.anchors.insert(anchor, Some(node.clone()));
        }
        Ok(node)
    }

    fn open(&mut self, anchor: Option<&str>) {
        if let Some(anchor) = anchor {
            self.anchors.insert(anchor.to_owned(), None);
        }
    }

    fn alias(&mut self, anchor: &str, mark: Mark) -> Result<Node, Error> {
        let node = match self.anchors.get(anchor) {
            None => {
                self.events.stop();
                return Err(failure(mark, &format!("yaml: unknown anchor '{anchor}' referenced")));
            }
            Some(None) => {
                return Err(failure(mark, &format!("yaml: anchor '{anchor}' value contains itself")));
            }
            Some(Some(node)) => node,
        };
        self.decoded += node.nodes;
        self.aliased += node.nodes;
        self.bytes += node.bytes;
        self.copied_bytes += node.bytes;
        let ratio = self.aliased as f64 / self.decoded as f64;
        let too_many = self.aliased > 100 && self.decoded > 1000 && ratio > allowed_alias_ratio(self.decoded);
        if too_many || self.copied_bytes > MAX_COPIED_BYTES {
            return Err(failure(mark, EXCESSIVE));
        }
        Ok(Node { value: node.value.clone(), nodes: node.nodes + 1, bytes: node.bytes, mark })
    }

    fn sequence(&mut self, depth: usize) -> Result<Value, Error> {
        let mut items = Vec::new();
        loop {
            let event = self.events.next()?;
            if event.data == EventData::SequenceEnd {
                return Ok(Value::Array(items));
            }
            items.push(self.node(event, depth + 1)?.value);
        }
    }

    fn mapping(&mut self, depth: usize) -> Result<Value, Error> {
        let mut map = Map::new();
        loop {
            let event = self.events.next()?;
            if event.data == EventData::MappingEnd {
                return Ok(Value::Object(map));
            }
            if is_merge(&event.data) {
                self.merge(&mut map, depth)?;
                continue;
            }
            let line = usize::try_from(event.start_mark.line).unwrap_or_default() + 1;
            let (key, float) = self.key(event, depth)?;
            let value_event = self.events.next()?;
            let node = self.node(value_event, depth + 1)?;
            let key = match key {
                Value::String(key) => key,
                Value::Bool(key) => key.to_string(),
                Value::Number(key) => float.map_or_else(|| key.to_string(), number::format_key),
                // Go meets the collection while it decodes, the other key in the JSON step.
                Value::Null => return Err(unsupported_key(node.mark, &node.value)),
                Value::Array(_) | Value::Object(_) => {
                    return Err(failure(node.mark, &format!("yaml: invalid map key: {}", go_syntax(&key))));
                }
            };
            match map.entry(key) {
                Entry::Vacant(entry) => {
                    entry.insert(node.value);
                }
                Entry::Occupied(mut entry) => {
                    self.duplicates.push(Duplicate { line, key: entry.key().clone() });
                    entry.insert(node.value);
                }
            }
        }
    }

    /// A key, and its number when it is a float: floats print differently as keys.
    fn key(&mut self, event: Event, depth: usize) -> Result<(Value, Option<f64>), Error> {
        let float = match &event.data {
            EventData::Scalar { anchor: None, tag: None, value, plain_implicit: true, .. } => match resolve(value) {
                Scalar::Float(float) => Some(float),
                _ => None,
            },
            _ => None,
        };
        match float {
            Some(float) => {
                self.decoded += 1;
                Ok((Value::from(0), Some(float)))
            }
            None => Ok((self.node(event, depth + 1)?.value, None)),
        }
    }

    /// `<<: map` or `<<: [map, map]`, where earlier maps win. As in go-yaml v2 the merged keys take
    /// effect where they stand: they replace keys above, and keys below replace them.
    fn merge(&mut self, map: &mut Map<String, Value>, depth: usize) -> Result<(), Error> {
        let event = self.events.next()?;
        let mark = event.start_mark;
        let inline_list = matches!(event.data, EventData::SequenceStart { .. });
        let maps = match self.node(event, depth + 1)?.value {
            Value::Array(items) if inline_list => items,
            other => vec![other],
        };
        for merged in maps.into_iter().rev() {
            let Value::Object(merged) = merged else {
                return Err(failure(mark, "yaml: map merge requires map or sequence of maps as the value"));
            };
            map.extend(merged);
        }
        Ok(())
    }
}

fn is_merge(data: &EventData) -> bool {
    let EventData::Scalar { tag, value, plain_implicit, .. } = data else {
        return false;
    };
    value == "<<" && (*plain_implicit || tag.as_deref() == Some("tag:yaml.org,2002:merge"))
}

/// How much of a document may come from aliases: 99% of a small one, 10% of a very large one.
fn allowed_alias_ratio(decoded: usize) -> f64 {
    const LOW: f64 = 400_000.0;
    const HIGH: f64 = 4_000_000.0;
    let decoded = decoded as f64;
    0.99 - 0.89 * ((decoded - LOW) / (HIGH - LOW)).clamp(0.0, 1.0)
}
