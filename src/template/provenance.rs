//! Where each part of an output comes from, for those who ask: which text or action of which file gave it, by which way
//! it was included, and which values were read for it. A rendering records nothing unless it is told to.

use super::{
    ast::Source,
    lex::newlines,
    value::{Entries, Map, Value},
};
use std::{
    collections::{HashMap, VecDeque},
    ops::Range,
    rc::Rc,
    sync::Arc,
};

/// A line of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file, as in [`super::Location`].
    pub file: Arc<str>,
    /// The line, from 1.
    pub line: usize,
}

/// What gave a part of an output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The innermost text or action.
    pub place: Place,
    /// The actions that called its template, the innermost first.
    pub included_from: Vec<Place>,
    /// The values that it and the actions around it read, as paths such as `.Values.image.tag`, its own first.
    pub reads: Vec<Rc<str>>,
}

/// A part of an output, in bytes, with its origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Where it is.
    pub range: Range<usize>,
    /// Where it comes from.
    pub origin: Rc<Origin>,
}

/// What is recorded of a rendering.
#[derive(Default)]
pub(super) struct Recorder {
    /// The parts of the outputs that are being written, the innermost last.
    outputs: Vec<Output>,
    /// The actions that are being executed, the innermost last.
    actions: Vec<Action>,
    /// What values there are, by the address of the map.
    paths: HashMap<usize, Rc<str>>,
}

#[derive(Default)]
struct Output {
    parts: Vec<Part>,
    /// How many values the action that asked for it had read before.
    reads_before: usize,
}

struct Action {
    place: Place,
    /// Whether it is a `with` or `range`, whose values the actions in it print, but which calls no template.
    is_block: bool,
    reads: Vec<Rc<str>>,
    /// What templates gave that it included.
    included: Vec<Line>,
}

/// A line of an included text and its origin.
struct Line {
    text: Vec<u8>,
    origin: Rc<Origin>,
}

/// How deep values are known by their paths.
const MAXIMUM_DEPTH: usize = 100;

impl Recorder {
    /// Learns the paths of the values that a template will see.
    pub(super) fn learn(&mut self, data: &Value) {
        (self.outputs, self.actions, self.paths) = Default::default();
        if let Value::Map(data) = data
            && let Some(values) = data.get("Values")
        {
            self.learn_paths(".Values".into(), &values, MAXIMUM_DEPTH);
        }
    }

    fn learn_paths(&mut self, path: Rc<str>, value: &Value, depth: usize) {
        let Some(depth) = depth.checked_sub(1) else {
            return;
        };
        match value {
            Value::Map(map) if self.paths.insert(address(&map.entries), path.clone()).is_none() => {
                for (key, value) in map.snapshot() {
                    self.learn_paths(join(&path, &key), &value, depth);
                }
            }
            Value::List(list) => {
                for (index, item) in list.items.iter().enumerate() {
                    self.learn_paths(format!("{path}[{index}]").into(), item, depth);
                }
            }
            _ => {}
        }
    }

    /// A key was looked up in a map.
    pub(super) fn read(&mut self, map: &Map, key: &str) {
        let (Some(path), Some(action)) = (self.paths.get(&address(&map.entries)), self.actions.last_mut()) else {
            return;
        };
        let read = join(path, key);
        // Of `.Values.a.b` only the whole is told, not the way to it.
        if action.reads.last() == Some(path) {
            action.reads.pop();
        }
        if !action.reads.contains(&read) {
            action.reads.push(read);
        }
    }

    pub(super) fn begin_output(&mut self) {
        let reads_before = self.actions.last().map_or(0, |action| action.reads.len());
        self.outputs.push(Output { parts: Vec::new(), reads_before });
    }

    /// Ends the output of a template; the action that asked for it may print it, changed as it likes.
    pub(super) fn end_output(&mut self, text: &[u8]) -> Vec<Part> {
        let Output { parts, reads_before } = self.outputs.pop().unwrap_or_default();
        if let Some(action) = self.actions.last_mut() {
            // What a name or an image was made of counts for whatever is made of it; what chose among many lines does
            // not count for each of them.
            if text.trim_ascii().contains(&b'\n') {
                action.reads.truncate(reads_before);
            } else {
                action.add_reads(parts.iter().flat_map(|part| &part.origin.reads));
            }
            let mut start = 0;
            for line in text.split(|&byte| byte == b'\n') {
                let first = start + (line.len() - line.trim_ascii_start().len());
                start += line.len() + 1;
                let mut own = parts_of(&parts, first..start);
                if let Some(part) = own.next() {
                    let origin = own.fold(part.origin.clone(), |origin, part| with_reads(origin, &part.origin.reads));
                    action.included.push(Line { text: line.trim_ascii().to_vec(), origin });
                }
            }
        }
        parts
    }

    /// A part of a file's text was printed; each of its lines has a place of its own.
    pub(super) fn text(&mut self, source: &Source, position: usize, text: &[u8], out: usize) {
        let mut place = place(source, position);
        let mut start = out;
        for line in text.split_inclusive(|&byte| byte == b'\n') {
            let origin = self.origin(place.clone(), Vec::new());
            self.push(start..start + line.len(), Rc::new(origin));
            start += line.len();
            place.line += 1;
        }
    }

    pub(super) fn begin_action(&mut self, source: &Source, position: usize, is_block: bool) {
        let place = place(source, position);
        self.actions.push(Action { place, is_block, reads: Vec::new(), included: Vec::new() });
    }

    /// A `with`, `range` or `template` is over.
    pub(super) fn end_silent_action(&mut self) {
        self.actions.pop();
    }

    /// An action printed something. A line that an included template gave, perhaps indented, comes from there.
    pub(super) fn end_action(&mut self, text: &[u8], out: usize) {
        let Some(Action { place, mut reads, included, .. }) = self.actions.pop() else {
            return;
        };
        for block in self.actions.iter().rev().take_while(|action| action.is_block) {
            reads.extend(block.reads.iter().cloned());
        }
        let own = Rc::new(self.origin(place, reads));
        let mut known: HashMap<&[u8], VecDeque<&Rc<Origin>>> = HashMap::new();
        for line in included.iter().filter(|line| !line.text.is_empty()) {
            known.entry(&line.text).or_default().push_back(&line.origin);
        }
        let mut start = out;
        for line in text.split_inclusive(|&byte| byte == b'\n') {
            let found = known.get_mut(line.trim_ascii()).and_then(VecDeque::pop_front);
            let origin = found.map_or_else(|| own.clone(), |inner| with_reads(inner.clone(), &own.reads));
            self.push(start..start + line.len(), origin);
            start += line.len();
        }
    }

    fn origin(&self, place: Place, reads: Vec<Rc<str>>) -> Origin {
        let calls = self.actions.iter().rev().filter(|action| !action.is_block);
        Origin { place, included_from: calls.map(|action| action.place.clone()).collect(), reads }
    }

    fn push(&mut self, range: Range<usize>, origin: Rc<Origin>) {
        if let Some(output) = self.outputs.last_mut() {
            output.parts.push(Part { range, origin });
        }
    }
}

impl Action {
    fn add_reads<'a>(&mut self, reads: impl Iterator<Item = &'a Rc<str>>) {
        for read in reads {
            if !self.reads.contains(read) {
                self.reads.push(read.clone());
            }
        }
    }
}

/// Moves parts to where they are after texts of one length were removed in front of them.
pub(super) fn shift(parts: &mut [Part], removed: &[usize], length: usize) {
    let moved = |position: usize| position.saturating_sub(length * removed.partition_point(|&start| start < position));
    for part in parts {
        part.range = moved(part.range.start)..moved(part.range.end);
    }
}

/// The parts that are in this range; parts are in order.
pub fn parts_of(parts: &[Part], range: Range<usize>) -> impl Iterator<Item = &Part> {
    let first = parts.partition_point(|part| part.range.end <= range.start);
    parts.iter().skip(first).take_while(move |part| part.range.start < range.end)
}

fn with_reads(mut origin: Rc<Origin>, more: &[Rc<str>]) -> Rc<Origin> {
    for read in more {
        if !origin.reads.contains(read) {
            Rc::make_mut(&mut origin).reads.push(read.clone());
        }
    }
    origin
}

fn place(source: &Source, position: usize) -> Place {
    let before = source.text.get(..position).unwrap_or_default();
    Place { file: source.name.clone(), line: 1 + newlines(before) }
}

fn address(entries: &Rc<Entries>) -> usize {
    Rc::as_ptr(entries).addr()
}

fn join(path: &str, key: &str) -> Rc<str> {
    let is_name = !key.is_empty() && key.chars().all(|character| character == '_' || character.is_alphanumeric());
    if is_name { format!("{path}.{key}").into() } else { format!("{path}[{key:?}]").into() }
}
