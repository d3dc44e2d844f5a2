//! From parser events to values (`decode.go` of go-yaml v2, then the JSON step of sigs.k8s.io/yaml).

use std::{
    collections::HashMap,
    io::{Chain, Read},
    sync::LazyLock,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use libyaml_safer::{
    Encoding, ErrorKind, Event, EventData, Mark, Parser, ScalarStyle, Scanner, TokenData,
};
use regex::Regex;
use serde_json::{Map, Value};

use super::{
    Document, Error, MAX_DEPTH, is_break, number,
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
    /// The text, with a line break after it where it ends without one: the parser does not expect its end inside a line.
    parser: Parser<Chain<&'a [u8], &'static [u8]>>,
    text: &'a str,
    /// What is wrong with the text where the parser would not survive it.
    rejected: Option<Error>,
    /// The parser is not asked any more.
    stopped: bool,
    /// Anchors of the current document; `None` while the anchored collection is still open.
    anchors: HashMap<String, Option<Node>>,
    decoded: usize,
    aliased: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        Self {
            parser: parser(text),
            text,
            rejected: tag_before_comma(text),
            stopped: false,
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
                EventData::DocumentStart {
                    version_directive: Some(version),
                    ..
                } if (version.major, version.minor) != (1, 1) => {
                    return Err(failure(
                        event.start_mark,
                        "yaml: found incompatible YAML document",
                    ));
                }
                EventData::DocumentStart { .. } => break,
                _ => {}
            }
        }
        self.anchors.clear();
        (self.decoded, self.aliased) = (1, 0);
        let event = self.next()?;
        let line = line(event.start_mark);
        let value = self
            .node(event, 0)
            .map_err(|error| self.first(error))?
            .value;
        self.next()?;
        Ok(Some(Document { value, line }))
    }

    /// Go parses a whole document before it decodes: where both fail, its error is the parser's.
    fn first(&mut self, error: Error) -> Error {
        while !self.stopped {
            match self.next() {
                Ok(event)
                    if matches!(
                        event.data,
                        EventData::DocumentEnd { .. } | EventData::StreamEnd
                    ) =>
                {
                    break;
                }
                Ok(_) => {}
                Err(syntax) => return syntax,
            }
        }
        error
    }

    fn next(&mut self) -> Result<Event, Error> {
        let event = match self.rejected.take() {
            Some(error) => Err(error),
            None => self
                .parser
                .parse()
                .map_err(|error| syntax(&error, self.text)),
        };
        self.stopped |= event.is_err();
        event
    }

    fn node(&mut self, event: Event, depth: usize) -> Result<Node, Error> {
        let mark = event.start_mark;
        if depth > MAX_DEPTH {
            self.stopped = true;
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
                mut value,
                plain_implicit,
                style,
                ..
            } => {
                if matches!(style, ScalarStyle::Literal | ScalarStyle::Folded) {
                    self.without_added_break(&mut value, event.end_mark);
                }
                (anchor, scalar(tag.as_deref(), value, plain_implicit, mark)?)
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

    /// A block scalar that runs to the end of a text without a last line break must not gain one.
    fn without_added_break(&self, value: &mut String, end: Mark) {
        let at_end = usize::try_from(end.index).is_ok_and(|end| end >= self.text.len());
        let last_line = self.text.rsplit(is_break).next().unwrap_or_default();
        let of_last_line = !last_line.trim_matches(' ').is_empty()
            || value.ends_with("\n\n")
            || value.ends_with(" \n");
        if at_end && !last_line.is_empty() && of_last_line && value.ends_with('\n') {
            value.pop();
        }
    }

    fn open(&mut self, anchor: Option<&str>) {
        if let Some(anchor) = anchor {
            self.anchors.insert(anchor.to_owned(), None);
        }
    }

    fn alias(&mut self, anchor: &str, mark: Mark) -> Result<Node, Error> {
        let node = match self.anchors.get(anchor) {
            None => {
                self.stopped = true;
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
        Scalar::Timestamp | Scalar::Str => Value::String(text),
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
fn syntax(error: &libyaml_safer::Error, text: &str) -> Error {
    let mut problem = error.problem_mark().unwrap_or_default();
    if error.problem() == "found unexpected end of stream" {
        // Where a line break was added, the end is one line further than Go sees it.
        problem.line = problem.line.min(text.matches('\n').count() as u64);
    }
    let context = error.context_mark().unwrap_or_default();
    let go_line = match problem.line {
        0 => context.line,
        line if error.kind() == ErrorKind::Scanner => line + 1,
        line => line,
    };
    let words = error.problem();
    let message = if go_line == 0 {
        format!("yaml: {words}")
    } else {
        format!("yaml: line {go_line}: {words}")
    };
    failure(problem, &message)
}

fn parser(text: &str) -> Parser<Chain<&[u8], &'static [u8]>> {
    let mut parser = Parser::new();
    // The encoding is known, and detection would mistake other characters for a byte order mark.
    parser.set_encoding(Encoding::Utf8);
    let end: &[u8] = if text.ends_with(is_break) { b"" } else { b"\n" };
    parser.set_input(text.as_bytes().chain(end));
    parser
}

/// The parser panics at a tag that is followed by a comma (`[!a, b]`), which Go takes for a part of the tag. Such
/// a tag is refused; to know it from the same characters in a scalar, the tokens of the text with a space before
/// each of these commas are asked.
fn tag_before_comma(text: &str) -> Option<Error> {
    static TAG: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"!(?:(?:<[^>\s]*>|[^\s,<])[^\s,]*)?,").expect("a constant pattern")
    });
    let mut spaced = String::new();
    let mut spaces = Vec::new();
    let mut copied = 0;
    for found in TAG.find_iter(text) {
        spaced.push_str(&text[copied..found.end() - 1]);
        spaces.push(spaced.len() as u64);
        spaced.push(' ');
        copied = found.end() - 1;
    }
    if spaces.is_empty() {
        return None;
    }
    spaced.push_str(&text[copied..]);
    spaced.push('\n');
    let mut scanner = Scanner::new();
    scanner.set_encoding(Encoding::Utf8);
    scanner.set_input(spaced.as_bytes());
    for token in scanner {
        let token = match token {
            Ok(token) => token,
            // Tokens before the error may have been held back, such a tag among them.
            Err(error) => return Some(syntax(&error, text)),
        };
        if matches!(token.data, TokenData::Tag { .. })
            && spaces.binary_search(&token.end_mark.index).is_ok()
        {
            let line = token.start_mark.line + 1;
            let words =
                format!("yaml: line {line}: did not find expected whitespace or line break");
            return Some(failure(token.start_mark, &words));
        }
    }
    None
}
