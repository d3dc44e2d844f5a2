//! From documents to text (`encoder.node` of go-yaml v3's `encode.go` and its `emitterc.go`), indented by two, with
//! sequences at the column of their key and lines of any length.

mod scalars;

use std::mem;

use super::{Comments, Document, Kind, Node};
use crate::yaml::is_break;

/// How long a key on one line may be.
const SIMPLE_KEY_LENGTH: usize = 128;

const INDENT: i64 = 2;

/// Writes documents one after another.
pub fn write(documents: &[Document]) -> String {
    let mut emitter = Emitter { whitespace: true, indention: true, indent: -1, foot_indent: -1, ..Emitter::default() };
    for (index, document) in documents.iter().enumerate() {
        emitter.document(document, index == 0);
    }
    emitter.out
}

/// Where a value is written.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    Root,
    /// After the `-` of an entry.
    Entry,
    /// In brackets.
    Flow,
    /// A key that stays on its line.
    Key,
    /// A key of its own lines, or a value.
    Value,
}

#[derive(Default)]
struct Emitter {
    out: String,
    column: i64,
    /// The last character was blank.
    whitespace: bool,
    /// The line holds nothing but its indent so far.
    indention: bool,
    indent: i64,
    indents: Vec<i64>,
    /// Where a comment below a value ended: an empty line follows it there.
    foot_indent: i64,
    flow: usize,
    /// Comments that are still to be written.
    waiting: Comments,
    /// One below the value before.
    tail: String,
    /// One behind a key, which goes behind its value.
    of_key: String,
}

impl Emitter {
    fn document(&mut self, document: &Document, first: bool) {
        if !first {
            self.new_line();
            self.indicator("---", true, false, false);
            self.new_line();
        }
        set(&mut self.waiting.head, &document.head);
        if !self.waiting.head.is_empty() {
            self.head_comment();
            self.put_break();
        }
        self.expect(&document.root, "");
        self.head_comment();
        self.open(&document.root, Place::Root);
        self.line_and_foot();
        self.fill(&document.root, Place::Root);
        set(&mut self.waiting.foot, &document.foot);
        self.foot_indent = 0;
        self.foot_comment();
        self.foot_indent = -1;
        self.new_line();
    }

    /// Takes the comments of a value that is about to be written. Those of a collection but the one above come with
    /// its end.
    fn expect(&mut self, node: &Node, tail: &str) {
        set(&mut self.waiting.head, &node.comments.head);
        set(&mut self.tail, tail);
        if matches!(node.kind, Kind::Scalar(..) | Kind::Alias(_)) {
            set(&mut self.waiting.line, &node.comments.line);
            set(&mut self.waiting.foot, &node.comments.foot);
        }
    }

    fn expect_end(&mut self, node: &Node, tail: &str) {
        set(&mut self.tail, tail);
        set(&mut self.waiting.line, &node.comments.line);
        set(&mut self.waiting.foot, &node.comments.foot);
    }

    /// Writes a scalar, or what stands before a collection.
    fn open(&mut self, node: &Node, place: Place) {
        match &node.kind {
            Kind::Alias(anchor) => self.anchor("*", anchor),
            Kind::Scalar(value, style) => self.scalar(node, value, *style, place),
            Kind::Sequence(..) | Kind::Mapping(..) => self.properties(node),
        }
    }

    /// Writes what a collection holds.
    fn fill(&mut self, node: &Node, place: Place) {
        match &node.kind {
            Kind::Sequence(items, flow) if *flow || self.flow > 0 || items.is_empty() => {
                self.flow_sequence(node, items, place);
            }
            Kind::Mapping(entries, flow) if *flow || self.flow > 0 || entries.is_empty() => {
                self.flow_mapping(node, entries, place);
            }
            Kind::Sequence(items, _) => self.block_sequence(node, items, place),
            Kind::Mapping(entries, _) => self.block_mapping(node, entries, place),
            Kind::Scalar(..) | Kind::Alias(_) => {}
        }
    }

    fn block_sequence(&mut self, node: &Node, items: &[Node], place: Place) {
        let compact = matches!(place, Place::Value | Place::Key) && (self.column == 0 || !self.indention);
        self.increase_indent(false, place, compact);
        for item in items {
            self.expect(item, "");
            self.head_comment();
            self.new_line();
            self.indicator("-", true, false, true);
            self.open(item, Place::Entry);
            self.line_and_foot();
            self.fill(item, Place::Entry);
        }
        self.expect_end(node, "");
        self.decrease_indent();
    }

    fn block_mapping(&mut self, node: &Node, entries: &[(Node, Node)], place: Place) {
        self.increase_indent(false, place, false);
        let mut tail = "";
        for (key, value) in entries {
            self.expect_key(key, tail);
            tail = &key.comments.foot;
            self.head_comment();
            self.new_line();
            if !self.waiting.line.is_empty() {
                self.of_key = mem::take(&mut self.waiting.line);
            }
            let simple = self.key(key, true);
            self.expect(value, "");
            if simple {
                self.indicator(":", false, false, false);
            } else {
                self.new_line();
                self.indicator(":", true, false, true);
            }
            self.comment_of_key(value);
            self.open(value, Place::Value);
            self.line_and_foot();
            self.fill(value, Place::Value);
        }
        self.expect_end(node, tail);
        self.head_comment();
        self.decrease_indent();
    }

    /// The comment below a key's value is not written before that value.
    fn expect_key(&mut self, key: &Node, tail: &str) {
        let foot = mem::take(&mut self.waiting.foot);
        self.expect(key, tail);
        self.waiting.foot = foot;
    }

    /// Writes a key; whether its value may stand on the same line.
    fn key(&mut self, key: &Node, indention: bool) -> bool {
        let simple = is_simple_key(key);
        if !simple {
            self.indicator("?", true, false, indention);
        }
        let place = if simple { Place::Key } else { Place::Value };
        self.open(key, place);
        self.fill(key, place);
        simple
    }

    /// A comment behind a key is written behind its value, or before it where that is a block.
    fn comment_of_key(&mut self, value: &Node) {
        if self.of_key.is_empty() {
            return;
        }
        match &value.kind {
            Kind::Scalar(..) => {
                if self.waiting.line.is_empty() {
                    self.waiting.line = mem::take(&mut self.of_key);
                }
            }
            Kind::Sequence(_, true) | Kind::Mapping(_, true) | Kind::Alias(_) => {}
            Kind::Mapping(..) | Kind::Sequence(..) => {
                mem::swap(&mut self.waiting.line, &mut self.of_key);
                self.line_comment(false);
                mem::swap(&mut self.waiting.line, &mut self.of_key);
            }
        }
    }

    fn flow_sequence(&mut self, node: &Node, items: &[Node], place: Place) {
        self.indicator("[", true, true, false);
        self.increase_indent(true, place, false);
        self.flow += 1;
        let mut comma = false;
        for item in items {
            self.expect(item, "");
            if comma {
                self.indicator(",", false, false, false);
            }
            self.head_comment();
            if self.column == 0 {
                self.new_line();
            }
            self.open(item, Place::Flow);
            comma = !self.trail();
            self.fill(item, Place::Flow);
        }
        self.expect_end(node, "");
        self.flow -= 1;
        self.decrease_indent();
        if self.column == 0 {
            self.new_line();
        }
        self.indicator("]", false, false, false);
        self.line_and_foot();
    }

    fn flow_mapping(&mut self, node: &Node, entries: &[(Node, Node)], place: Place) {
        self.indicator("{", true, true, false);
        self.increase_indent(true, place, false);
        self.flow += 1;
        let mut comma = false;
        let mut tail = "";
        for (key, value) in entries {
            self.expect_key(key, tail);
            tail = &key.comments.foot;
            if comma {
                self.indicator(",", false, false, false);
            }
            self.head_comment();
            if self.column == 0 {
                self.new_line();
            }
            let simple = self.key(key, false);
            self.expect(value, "");
            self.indicator(":", !simple, false, false);
            self.open(value, Place::Flow);
            comma = !self.trail();
            self.fill(value, Place::Flow);
        }
        self.expect_end(node, tail);
        let comments = [&self.waiting.head, &self.waiting.foot, &self.tail];
        if comma && comments.iter().any(|comment| !comment.is_empty()) {
            self.indicator(",", false, false, false);
        }
        self.head_comment();
        self.flow -= 1;
        self.decrease_indent();
        self.indicator("}", false, false, false);
        self.line_and_foot();
    }

    /// Comments behind an item, after its comma; whether there were any.
    fn trail(&mut self) -> bool {
        let comments = [&self.waiting.line, &self.waiting.foot, &self.tail];
        let any = comments.iter().any(|comment| !comment.is_empty());
        if any {
            self.indicator(",", false, false, false);
        }
        self.line_and_foot();
        any
    }

    fn properties(&mut self, node: &Node) {
        if !node.anchor.is_empty() {
            self.anchor("&", &node.anchor);
        }
        if node.tag.starts_with('!') {
            self.space();
            let tag = node.tag.clone();
            self.put_tag(&tag);
        } else if !node.tag.is_empty() {
            self.indicator("!<", true, false, false);
            let tag = node.tag.clone();
            self.put_tag(&tag);
            self.indicator(">", false, false, false);
        }
    }

    fn put_tag(&mut self, tag: &str) {
        for byte in tag.bytes() {
            if byte.is_ascii_alphanumeric() || b"-!;/?:@&=+$,_.~*'()[]".contains(&byte) {
                self.put_char(char::from(byte));
            } else {
                self.put(&format!("%{byte:02X}"));
            }
        }
        self.whitespace = false;
        self.indention = false;
    }

    fn anchor(&mut self, indicator: &str, name: &str) {
        self.indicator(indicator, true, false, false);
        self.put(name);
        self.whitespace = false;
        self.indention = false;
    }

    /// The comment below the value before, and that above the next one.
    fn head_comment(&mut self) {
        if !self.tail.is_empty() {
            self.new_line();
            let tail = mem::take(&mut self.tail);
            self.comment(&tail);
            self.foot_indent = self.indent.max(0);
        }
        if !self.waiting.head.is_empty() {
            self.new_line();
            let head = mem::take(&mut self.waiting.head);
            self.comment(&head);
        }
    }

    fn line_comment(&mut self, line_break: bool) {
        if self.waiting.line.is_empty() {
            if line_break {
                self.put_break();
            }
            return;
        }
        self.space();
        let line = mem::take(&mut self.waiting.line);
        self.comment(&line);
    }

    fn foot_comment(&mut self) {
        if !self.waiting.foot.is_empty() {
            self.new_line();
            let foot = mem::take(&mut self.waiting.foot);
            self.comment(&foot);
            self.foot_indent = self.indent.max(0);
        }
    }

    fn line_and_foot(&mut self) {
        self.line_comment(false);
        self.foot_comment();
    }

    fn comment(&mut self, comment: &str) {
        let (mut breaks, mut pound) = (false, false);
        for char in comment.chars() {
            if is_break(char) {
                self.copy_break(char);
                (breaks, pound) = (true, false);
                continue;
            }
            if mem::take(&mut breaks) {
                self.new_line();
            }
            if !mem::replace(&mut pound, true) && char != '#' {
                self.put("# ");
            }
            self.put_char(char);
            self.indention = false;
        }
        if !breaks {
            self.put_break();
        }
        self.whitespace = true;
    }

    fn increase_indent(&mut self, flow: bool, place: Place, compact: bool) {
        self.indents.push(self.indent);
        self.indent = match place {
            _ if self.indent < 0 => i64::from(flow) * INDENT,
            Place::Entry => self.indent + 2,
            _ => INDENT * ((self.indent + INDENT) / INDENT) - i64::from(compact) * 2,
        };
    }

    fn decrease_indent(&mut self) {
        self.indent = self.indents.pop().unwrap_or(-1);
    }

    fn indicator(&mut self, indicator: &str, space_before: bool, whitespace: bool, indention: bool) {
        if space_before {
            self.space();
        }
        self.put(indicator);
        self.whitespace = whitespace;
        self.indention &= indention;
    }

    fn space(&mut self) {
        if !self.whitespace {
            self.put(" ");
        }
    }

    /// Goes to the indent, on a new line where there is something on this one.
    fn new_line(&mut self) {
        let indent = self.indent.max(0);
        if !self.indention || self.column > indent || (self.column == indent && !self.whitespace) {
            self.put_break();
        }
        if self.foot_indent == indent {
            self.put_break();
        }
        while self.column < indent {
            self.put(" ");
        }
        self.whitespace = true;
        self.foot_indent = -1;
    }

    fn put(&mut self, text: &str) {
        text.chars().for_each(|char| self.put_char(char));
    }

    fn put_char(&mut self, char: char) {
        self.out.push(char);
        self.column += 1;
    }

    fn put_break(&mut self) {
        self.copy_break('\n');
    }

    fn copy_break(&mut self, char: char) {
        self.out.push(char);
        self.column = 0;
        self.indention = true;
    }
}

/// Whether a key may stand on one line with its value.
fn is_simple_key(key: &Node) -> bool {
    let length = key.anchor.len() + key.tag.len();
    match &key.kind {
        Kind::Alias(anchor) => anchor.len() <= SIMPLE_KEY_LENGTH,
        Kind::Scalar(value, _) => !value.contains(is_break) && length + value.len() <= SIMPLE_KEY_LENGTH,
        Kind::Sequence(items, _) => items.is_empty() && length <= SIMPLE_KEY_LENGTH,
        Kind::Mapping(entries, _) => entries.is_empty() && length <= SIMPLE_KEY_LENGTH,
    }
}

/// A comment takes the place of one that was not written.
fn set(waiting: &mut String, comment: &str) {
    if !comment.is_empty() {
        comment.clone_into(waiting);
    }
}
