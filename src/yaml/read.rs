//! From parser events to values (`decode.go` of go-yaml v2, then the JSON step of sigs.k8s.io/yaml).

use std::collections::HashMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use libyaml_safer::{Encoding, ErrorKind, Event, EventData, Mark, Parser};
use serde_json::{Map, Value};

use super::{
    Document, Error, MAX_DEPTH, number,
    resolve::{Scalar, resolve},
};

const TAG_PREFIX: &str = "tag:yaml.org,2002:";

/// A value and how many nodes it took: aliases are paid for by what they expand to.
#[derive(Clone)]
struct Node {
    value: Value,
    nodes: usize,
    mark: Mark,
}

/// Reads one document after the other.
pub(super) struct Reader<'a> {
    parser: Parser<&'a [u8]>,
    /// Anchors of the current document; `None` while the anchored collection is still open.
    anchors: HashMap<String, Option<Node>>,
    decoded: usize,
    aliased: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let mut parser = Parser::new();
        // The encoding is known, and detection would mistake other characters for a byte order mark.
        parser.set_encoding(Encoding::Utf8);
        parser.set_input(text.strip_prefix('\u{feff}').unwrap_or(text).as_bytes());
        Self {
            parser,
            anchors: HashMap::new(),
            decoded: 0,
            aliased: 0,
        }
    }

    /// The next document, `None` at the end of the stream.
    pub(super) fn document(&mut self) -> Result<Option<Document>, Error> {
        loop {
            let event = self.next()?;
            match event.data {
                EventData::StreamEnd => return Ok(None),
                EventData::DocumentStart { .. } => break,
                _ => {}
            }
        }
        self.anchors.clear();
        (self.decoded, self.aliased) = (1, 0);
        let event = self.next()?;
        let line = line(event.start_mark);
        let node = self.node(event, 0)?;
        self.next()?;
        Ok(Some(Document {
            value: node.value,
            line,
        }))
    }

    fn next(&mut self) -> Result<Event, Error> {
        self.parser.parse().map_err(|error| syntax(&error))
    }

    fn node(&mut self, event: Event, depth: usize) -> Result<Node, Error> {
        let mark = event.start_mark;
        if depth > MAX_DEPTH {
            return Err(failure(
                mark,
                &format!("yaml: exceeded max depth of {MAX_DEPTH}"),
            ));
        }
        self.decoded += 1;
        let before = self.decoded;
        let (anchor, value) = match event.data {
            EventData::Alias { anchor } => return self.alias(&anchor, mark),
            EventData::Scalar {
                anchor,
                tag,
                value,
                plain_implicit,
                ..
            } => (anchor, scalar(tag.as_deref(), value, plain_implicit, mark)?),
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
        let node = Node {
            value,
            nodes: self.decoded - before + 1,
            mark,
        };
        if let Some(anchor) = anchor {
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
                return Err(failure(
                    mark,
                    &format!("yaml: unknown anchor '{anchor}' referenced"),
                ));
            }
            Some(None) => {
                return Err(failure(
                    mark,
                    &format!("yaml: anchor '{anchor}' value contains itself"),
                ));
            }
            Some(Some(node)) => node,
        };
        self.decoded += node.nodes;
        self.aliased += node.nodes;
        #[expect(clippy::cast_precision_loss, reason = "a ratio")]
        let ratio = self.aliased as f64 / self.decoded as f64;
        if self.aliased > 100 && self.decoded > 1000 && ratio > allowed_alias_ratio(self.decoded) {
            return Err(failure(mark, "yaml: document contains excessive aliasing"));
        }
        Ok(Node {
            value: node.value.clone(),
            nodes: node.nodes + 1,
            mark,
        })
    }

    fn sequence(&mut self, depth: usize) -> Result<Value, Error> {
        let mut items = Vec::new();
        loop {
            let event = self.next()?;
            if event.data == EventData::SequenceEnd {
                return Ok(Value::Array(items));
            }
            items.push(self.node(event, depth + 1)?.value);
        }
    }

    fn mapping(&mut self, depth: usize) -> Result<Value, Error> {
        let mut map = Map::new();
        loop {
            let event = self.next()?;
            if event.data == EventData::MappingEnd {
                return Ok(Value::Object(map));
            }
            if is_merge(&event.data) {
                self.merge(&mut map, depth)?;
                continue;
            }
            let (key, float) = self.key(event, depth)?;
            let value_event = self.next()?;
            let node = self.node(value_event, depth + 1)?;
            let key = match key {
                Value::String(key) => key,
                Value::Bool(key) => key.to_string(),
                Value::Number(key) => float.map_or_else(|| key.to_string(), number::format_key),
                // Go meets the collection while it decodes, the other key in the JSON step.
                Value::Null => return Err(unsupported_key(node.mark, &node.value)),
                Value::Array(_) | Value::Object(_) => {
                    return Err(failure(
                        node.mark,
                        &format!("yaml: invalid map key: {}", go_syntax(&key)),
                    ));
                }
            };
            map.insert(key, node.value);
        }
    }

    /// A key, and its number when it is a float: floats print differently as keys.
    fn key(&mut self, event: Event, depth: usize) -> Result<(Value, Option<f64>), Error> {
        let float = match &event.data {
            EventData::Scalar {
                anchor: None,
                tag: None,
                value,
                plain_implicit: true,
                ..
            } => match resolve(value) {
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
        let event = self.next()?;
        let mark = event.start_mark;
        let inline_list = matches!(event.data, EventData::SequenceStart { .. });
        let maps = match self.node(event, depth + 1)?.value {
            Value::Array(items) if inline_list => items,
            other => vec![other],
        };
        for merged in maps.into_iter().rev() {
            let Value::Object(merged) = merged else {
                return Err(failure(
                    mark,
                    "yaml: map merge requires map or sequence of maps as the value",
                ));
            };
            map.extend(merged);
        }
        Ok(())
    }
}

fn is_merge(data: &EventData) -> bool {
    let EventData::Scalar {
        tag,
        value,
        plain_implicit,
        ..
    } = data
    else {
        return false;
    };
    value == "<<" && (*plain_implicit || tag.as_deref() == Some("tag:yaml.org,2002:merge"))
}

/// How much of a document may come from aliases: 99% of a small one, 10% of a very large one.
fn allowed_alias_ratio(decoded: usize) -> f64 {
    const LOW: f64 = 400_000.0;
    const HIGH: f64 = 4_000_000.0;
    #[expect(clippy::cast_precision_loss, reason = "a ratio")]
    let decoded = decoded as f64;
    0.99 - 0.89 * ((decoded - LOW) / (HIGH - LOW)).clamp(0.0, 1.0)
}

fn scalar(tag: Option<&str>, text: String, plain: bool, mark: Mark) -> Result<Value, Error> {
    let tag = tag.unwrap_or_default();
    match tag.strip_prefix(TAG_PREFIX) {
        None if !tag.is_empty() || !plain => Ok(Value::String(text)),
        None => to_value(resolve(&text), text, mark),
        Some(wanted @ ("bool" | "int" | "float" | "null" | "timestamp")) => {
            tagged(wanted, text, mark)
        }
        Some("binary") => match STANDARD.decode(text.replace(['\r', '\n'], "")) {
            Ok(bytes) => Ok(Value::String(String::from_utf8_lossy(&bytes).into_owned())),
            Err(_) => Err(failure(
                mark,
                "yaml: !!binary value contains invalid base64 data",
            )),
        },
        Some(_) => Ok(Value::String(text)),
    }
}

fn tagged(wanted: &str, text: String, mark: Mark) -> Result<Value, Error> {
    let scalar = match resolve(&text) {
        #[expect(
            clippy::cast_precision_loss,
            reason = "`!!float 1` is a float, as in Go"
        )]
        Scalar::Int(value) if wanted == "float" => Scalar::Float(value as f64),
        other => other,
    };
    if &scalar.tag()[2..] != wanted {
        return Err(failure(
            mark,
            &format!(
                "yaml: cannot decode {} `{text}` as a !!{wanted}",
                scalar.tag()
            ),
        ));
    }
    to_value(scalar, text, mark)
}

fn to_value(scalar: Scalar, text: String, mark: Mark) -> Result<Value, Error> {
    Ok(match scalar {
        Scalar::Null => Value::Null,
        Scalar::Bool(value) => Value::Bool(value),
        Scalar::Int(value) => value.into(),
        Scalar::Uint(value) => value.into(),
        Scalar::Float(value) => match number::json(value) {
            Some(number) => Value::Number(number),
            None => {
                return Err(failure(
                    mark,
                    &format!("json: unsupported value: {}", go_infinity(value)),
                ));
            }
        },
        Scalar::Timestamp | Scalar::Merge | Scalar::Str => Value::String(text),
    })
}

fn go_infinity(value: f64) -> &'static str {
    match value {
        f64::INFINITY => "+Inf",
        f64::NEG_INFINITY => "-Inf",
        _ => "NaN",
    }
}

fn unsupported_key(mark: Mark, value: &Value) -> Error {
    let value = if value.is_null() {
        "<nil>".to_owned()
    } else {
        go_syntax(value)
    };
    failure(
        mark,
        &format!("unsupported map key of type: %!s(<nil>), key: <nil>, value: {value}"),
    )
}

/// A value as Go's `%#v` prints it after decoding.
fn go_syntax(value: &Value) -> String {
    match value {
        Value::Null => "interface {}(nil)".to_owned(),
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(go_syntax).collect();
            format!("[]interface {{}}{{{}}}", items.join(", "))
        }
        Value::Object(map) => {
            let pairs: Vec<_> = map
                .iter()
                .map(|(key, value)| format!("{key:?}:{}", go_syntax(value)))
                .collect();
            format!("map[interface {{}}]interface {{}}{{{}}}", pairs.join(", "))
        }
        other => other.to_string(),
    }
}

fn line(mark: Mark) -> usize {
    usize::try_from(mark.line).map_or(0, |line| line + 1)
}

fn failure(mark: Mark, words: &str) -> Error {
    let column = usize::try_from(mark.column).map_or(0, |column| column + 1);
    Error {
        message: format!("error converting YAML to JSON: {words}"),
        line: line(mark),
        column,
    }
}

/// A scanner's or parser's error. Go prints the line from zero for a parser's error, from one for a scanner's,
/// and none on the first line or for the reader.
fn syntax(error: &libyaml_safer::Error) -> Error {
    let problem = error.problem_mark().unwrap_or_default();
    let context = error.context_mark().unwrap_or_default();
    let go_line = match problem.line {
        0 => context.line,
        line if error.kind() == ErrorKind::Scanner => line + 1,
        line => line,
    };
    let place = if go_line == 0 {
        String::new()
    } else {
        format!("line {go_line}: ")
    };
    failure(problem, &format!("yaml: {place}{}", error.problem()))
}
