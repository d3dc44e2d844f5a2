//! From text to documents (go-yaml v3's `parserc.go` and the first half of its `decode.go`).

use std::{collections::HashSet, mem};

use libyaml_safer::{Encoding, ScalarStyle, Scanner, TokenData};

use super::{
    Comments, Document, Kind, Node, Style,
    comments::{self, Comment, Token},
};
use crate::yaml::{Error, MAX_DEPTH, events::Events};

/// Reads the first document of a text; `None` where there is none.
///
/// # Errors
/// What is wrong with the text, in the words of go-yaml v3 (`yaml: line 3: …`), which counts lines from zero at times.
pub fn read(text: &str) -> Result<Option<Document>, Error> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut events = Events::v3(text);
    events.skip_document()?;
    let whole = if text.ends_with('\n') { text.to_owned() } else { format!("{text}\n") };
    let mut scanner = Scanner::new();
    scanner.set_encoding(Encoding::Utf8);
    scanner.set_input(whole.as_bytes());
    // What is after the first document may be broken, and is not asked for.
    let mut scanned: Vec<_> = scanner.map_while(Result::ok).collect();
    for token in &mut scanned {
        if let TokenData::Scalar { value, style: ScalarStyle::Literal | ScalarStyle::Folded } = &mut token.data {
            events.without_added_break(value, token.end_mark);
        }
    }
    let (tokens, comments) = comments::collect(text, scanned);
    Parser {
        tokens: tokens.into_iter().peekable(),
        comments: comments.into_iter().peekable(),
        waiting: Comments::default(),
        stem: String::new(),
        handles: Vec::new(),
        anchors: HashSet::new(),
        depth: 0,
    }
    .document()
}

struct Parser {
    tokens: std::iter::Peekable<std::vec::IntoIter<Token>>,
    comments: std::iter::Peekable<std::vec::IntoIter<Comment>>,
    /// Comments for the next value that takes any.
    waiting: Comments,
    /// A comment above an entry of a sequence that is itself a collection.
    stem: String,
    /// Handles of tags that the document declares.
    handles: Vec<(String, String)>,
    anchors: HashSet<String>,
    depth: usize,
}

impl Parser {
    fn document(mut self) -> Result<Option<Document>, Error> {
        self.skip_if(|token| matches!(token, TokenData::StreamStart { .. }));
        let mut head = String::new();
        let implicit = !matches!(
            self.peek(),
            TokenData::VersionDirective { .. } | TokenData::TagDirective { .. } | TokenData::DocumentStart
        );
        match self.peek() {
            TokenData::StreamEnd => return Ok(None),
            _ if implicit => head = self.document_head(),
            _ => self.directives(),
        }
        let root = match self.peek() {
            TokenData::DocumentEnd | TokenData::DocumentStart | TokenData::StreamEnd => Node::scalar("", Style::Plain),
            _ => self.node(true, false)?,
        };
        self.peek();
        self.skip_if(|token| matches!(token, TokenData::DocumentEnd));
        let Comments { head: above, foot, .. } = self.take();
        Ok(Some(Document { head, root, foot: if foot.is_empty() { above } else { foot } }))
    }

    /// The part of the first comment that an empty line sets apart from the first value.
    fn document_head(&mut self) -> String {
        let comment = &self.waiting.head;
        let Some(at) = (1..comment.len()).rev().find(|at| {
            let bytes = comment.as_bytes();
            bytes[*at] == b'\n' && (*at == bytes.len() - 1 || bytes[*at - 1] == b'\n')
        }) else {
            return String::new();
        };
        let end = if at == comment.len() - 1 { at } else { at - 1 };
        let (head, rest) = (comment[..end].to_owned(), comment[at + 1..].to_owned());
        self.waiting.head = rest;
        head
    }

    fn directives(&mut self) {
        while !matches!(self.peek(), TokenData::DocumentStart | TokenData::StreamEnd) {
            if let TokenData::TagDirective { handle, prefix } = self.skip() {
                self.handles.push((handle, prefix));
            }
        }
        self.skip_if(|token| matches!(token, TokenData::DocumentStart));
    }

    fn node(&mut self, block: bool, indentless: bool) -> Result<Node, Error> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(failure(format!("yaml: exceeded max depth of {MAX_DEPTH}")));
        }
        let node = self.any_node(block, indentless);
        self.depth -= 1;
        node
    }

    fn any_node(&mut self, block: bool, indentless: bool) -> Result<Node, Error> {
        if matches!(self.peek(), TokenData::Alias { .. }) {
            let comments = self.take();
            let TokenData::Alias { value } = self.skip() else { return Err(unexpected()) };
            if !self.anchors.contains(&value) {
                return Err(failure(format!("yaml: unknown anchor '{value}' referenced")));
            }
            return Ok(Node { comments, ..Node::of(Kind::Alias(value)) });
        }
        let (mut tag, mut anchor) = (String::new(), String::new());
        while matches!(self.peek(), TokenData::Anchor { .. } | TokenData::Tag { .. }) {
            match self.skip() {
                TokenData::Anchor { value } => anchor = value,
                TokenData::Tag { handle, suffix } => tag = self.tag(&handle, &suffix),
                _ => return Err(unexpected()),
            }
        }
        let properties = !tag.is_empty() || !anchor.is_empty();
        if !anchor.is_empty() {
            self.anchors.insert(anchor.clone());
        }
        let mut node = match self.peek() {
            TokenData::BlockEntry if indentless => self.indentless_sequence()?,
            TokenData::Scalar { .. } => self.scalar()?,
            TokenData::FlowSequenceStart => self.flow_sequence()?,
            TokenData::FlowMappingStart => self.flow_mapping()?,
            TokenData::BlockSequenceStart if block => self.block_sequence()?,
            TokenData::BlockMappingStart if block => self.block_mapping()?,
            _ if properties => Node::scalar("", Style::Plain),
            _ => return Err(unexpected()),
        };
        node.tag = match tag.as_str() {
            // go-yaml writes the tag that it gives to merge keys.
            "" | "!" if node.kind == Kind::Scalar("<<".to_owned(), Style::Plain) => "!!merge".to_owned(),
            "!" => String::new(),
            _ => tag,
        };
        node.anchor = anchor;
        Ok(node)
    }

    /// The tag in short, as go-yaml keeps it.
    fn tag(&self, handle: &str, suffix: &str) -> String {
        let declared = self.handles.iter().find(|(declared, _)| declared == handle).map(|(_, prefix)| prefix.as_str());
        let prefix = declared.unwrap_or(if handle == "!!" { LONG } else { handle });
        let tag = format!("{prefix}{suffix}");
        tag.strip_prefix(LONG).map(|short| format!("!!{short}")).unwrap_or(tag)
    }

    fn scalar(&mut self) -> Result<Node, Error> {
        let comments = self.take();
        let TokenData::Scalar { value, style } = self.skip() else { return Err(unexpected()) };
        let style = match style {
            ScalarStyle::SingleQuoted => Style::SingleQuoted,
            ScalarStyle::DoubleQuoted => Style::DoubleQuoted,
            ScalarStyle::Literal => Style::Literal,
            ScalarStyle::Folded => Style::Folded,
            _ => Style::Plain,
        };
        Ok(Node { comments, ..Node::of(Kind::Scalar(value, style)) })
    }

    fn indentless_sequence(&mut self) -> Result<Node, Error> {
        let mut items = Vec::new();
        while matches!(self.peek(), TokenData::BlockEntry) {
            items.push(self.entry(|token| {
                matches!(token, TokenData::BlockEntry | TokenData::Key | TokenData::Value | TokenData::BlockEnd)
            })?);
        }
        Ok(Node::of(Kind::Sequence(items, false)))
    }

    fn block_sequence(&mut self) -> Result<Node, Error> {
        let head = mem::take(&mut self.stem);
        self.skip();
        let mut items = Vec::new();
        while matches!(self.peek(), TokenData::BlockEntry) {
            items.push(self.entry(|token| matches!(token, TokenData::BlockEntry | TokenData::BlockEnd))?);
        }
        self.skip_if(|token| matches!(token, TokenData::BlockEnd));
        let comments = Comments { head, ..Comments::default() };
        Ok(Node { comments, ..Node::of(Kind::Sequence(items, false)) })
    }

    /// What is behind a `-`. The comment above it belongs to the whole collection that begins there.
    fn entry(&mut self, empty: impl Fn(&TokenData) -> bool) -> Result<Node, Error> {
        let stem = self.waiting.head.len();
        self.skip();
        if stem > 0 && matches!(self.peek(), TokenData::BlockSequenceStart | TokenData::BlockMappingStart) {
            let rest = self.waiting.head.get(stem + 1..).unwrap_or_default().to_owned();
            self.stem = mem::replace(&mut self.waiting.head, rest);
            self.stem.truncate(stem);
        }
        if empty(self.peek()) { Ok(Node::scalar("", Style::Plain)) } else { self.node(true, false) }
    }

    fn block_mapping(&mut self) -> Result<Node, Error> {
        let head = mem::take(&mut self.stem);
        self.skip();
        let mut entries: Vec<(Node, Node)> = Vec::new();
        while matches!(self.peek(), TokenData::Key) {
            let mut key = self.block_key()?;
            if !key.comments.foot.is_empty()
                && let Some((last, _)) = entries.last_mut()
            {
                last.comments.foot = mem::take(&mut key.comments.foot);
            }
            let value = self.block_value()?;
            entries.push(feet_to_key(key, value));
        }
        let Comments { line, foot, .. } = self.take();
        self.skip_if(|token| matches!(token, TokenData::BlockEnd));
        let mut comments = Comments { head, line, foot };
        if !comments.foot.is_empty()
            && let Some((last, _)) = entries.last_mut()
        {
            last.comments.foot = mem::take(&mut comments.foot);
        }
        Ok(Node { comments, ..Node::of(Kind::Mapping(entries, false)) })
    }

    fn block_key(&mut self) -> Result<Node, Error> {
        self.skip();
        match self.peek() {
            TokenData::Key | TokenData::Value | TokenData::BlockEnd => Ok(Node::scalar("", Style::Plain)),
            _ => self.node(true, true),
        }
    }

    fn block_value(&mut self) -> Result<Node, Error> {
        self.peek();
        if !self.skip_if(|token| matches!(token, TokenData::Value)) {
            return Ok(Node::scalar("", Style::Plain));
        }
        match self.peek() {
            TokenData::Key | TokenData::Value | TokenData::BlockEnd => Ok(Node::scalar("", Style::Plain)),
            _ => self.node(true, true),
        }
    }

    fn flow_sequence(&mut self) -> Result<Node, Error> {
        let mut comments = self.take();
        self.skip();
        let mut items = Vec::new();
        while !matches!(self.peek(), TokenData::FlowSequenceEnd) {
            if !items.is_empty() {
                self.skip_if(|token| matches!(token, TokenData::FlowEntry));
            }
            match self.peek() {
                TokenData::FlowSequenceEnd => break,
                TokenData::Key => {
                    self.skip();
                    items.push(self.pair()?);
                }
                _ => items.push(self.node(false, false)?),
            }
        }
        Comments { line: comments.line, foot: comments.foot, .. } = self.take();
        self.skip();
        Ok(Node { comments, ..Node::of(Kind::Sequence(items, true)) })
    }

    /// `key: value` in brackets.
    fn pair(&mut self) -> Result<Node, Error> {
        let end = |token: &TokenData| matches!(token, TokenData::FlowEntry | TokenData::FlowSequenceEnd);
        let entry = self.flow_entry(end)?;
        Ok(Node::of(Kind::Mapping(vec![entry], true)))
    }

    /// A key and its value inside brackets, either of which may be left out before what `end` tells.
    fn flow_entry(&mut self, end: fn(&TokenData) -> bool) -> Result<(Node, Node), Error> {
        let key = match self.peek() {
            TokenData::Value => Node::scalar("", Style::Plain),
            token if end(token) => Node::scalar("", Style::Plain),
            _ => self.node(false, false)?,
        };
        self.peek();
        let has_value = self.skip_if(|token| matches!(token, TokenData::Value)) && !end(self.peek());
        let value = if has_value { self.node(false, false)? } else { Node::scalar("", Style::Plain) };
        Ok((key, value))
    }

    fn flow_mapping(&mut self) -> Result<Node, Error> {
        let mut comments = self.take();
        self.skip();
        let mut entries: Vec<(Node, Node)> = Vec::new();
        let end = |token: &TokenData| matches!(token, TokenData::FlowEntry | TokenData::FlowMappingEnd);
        while !matches!(self.peek(), TokenData::FlowMappingEnd) {
            if !entries.is_empty() {
                self.skip_if(|token| matches!(token, TokenData::FlowEntry));
            }
            let (key, value) = match self.peek() {
                TokenData::FlowMappingEnd => break,
                TokenData::Key => {
                    self.skip();
                    self.flow_entry(end)?
                }
                _ => (self.node(false, false)?, Node::scalar("", Style::Plain)),
            };
            entries.push(feet_to_key(key, value));
        }
        Comments { line: comments.line, foot: comments.foot, .. } = self.take();
        self.skip();
        Ok(Node { comments, ..Node::of(Kind::Mapping(entries, true)) })
    }

    fn take(&mut self) -> Comments {
        self.stem.clear();
        mem::take(&mut self.waiting)
    }

    /// The next token, once the comments up to it wait for a value.
    fn peek(&mut self) -> &TokenData {
        let Some(token) = self.tokens.peek() else { return &TokenData::StreamEnd };
        let ends = matches!(token.data, TokenData::BlockEnd);
        // No comment stands above an end: it waits for what follows.
        while let Some(comment) =
            self.comments.next_if(|comment| token.start >= comment.token && (!ends || comment.head.is_empty()))
        {
            for (waiting, more) in [
                (&mut self.waiting.head, &comment.head),
                (&mut self.waiting.foot, &comment.foot),
                (&mut self.waiting.line, &comment.line),
            ] {
                if !more.is_empty() && !waiting.is_empty() {
                    waiting.push('\n');
                }
                waiting.push_str(more);
            }
        }
        &token.data
    }

    fn skip(&mut self) -> TokenData {
        self.tokens.next().map_or(TokenData::StreamEnd, |token| token.data)
    }

    fn skip_if(&mut self, wanted: impl Fn(&TokenData) -> bool) -> bool {
        self.tokens.next_if(|token| wanted(&token.data)).is_some()
    }
}

/// What `!!` stands for.
const LONG: &str = "tag:yaml.org,2002:";

/// A comment below a value is kept with its key.
fn feet_to_key(mut key: Node, mut value: Node) -> (Node, Node) {
    if key.comments.foot.is_empty() {
        key.comments.foot = mem::take(&mut value.comments.foot);
    }
    (key, value)
}

/// The text was read by the parser before, so its tokens are in order.
fn unexpected() -> Error {
    failure("yaml: did not find expected node content".to_owned())
}

fn failure(message: String) -> Error {
    Error { message, line: 0, column: 0 }
}
