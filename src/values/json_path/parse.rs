//! Templates of JSONPath become actions (client-go `util/jsonpath/parser.go`).

use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use super::Slice;

/// How deep unions and filters may stand in each other.
const MAX_DEPTH: usize = 50;

/// A part of a template.
pub(super) enum Node {
    /// What is in braces, one step after the other.
    List(Vec<Node>),
    Text(String),
    /// A number or a boolean.
    Constant(Value),
    Field(String),
    Wildcard,
    /// `..`
    Recursive,
    Slice(Slice),
    /// `[a,b]`
    Union(Vec<Vec<Node>>),
    /// `[?(left operator right)]`
    Filter {
        left: Vec<Node>,
        operator: String,
        right: Vec<Node>,
    },
    /// `range`, `end`
    Word(String),
}

/// Reads text with actions in braces.
pub(super) fn parse(template: &str) -> Result<Vec<Node>, String> {
    let mut nodes = Vec::new();
    let mut parser = Parser { rest: template, depth: 0 };
    while let Some((before, after)) = parser.rest.split_once('{') {
        if !before.is_empty() {
            nodes.push(Node::Text(before.to_owned()));
        }
        parser.rest = after;
        nodes.push(Node::List(parser.action()?));
    }
    if !parser.rest.is_empty() {
        nodes.push(Node::Text(parser.rest.to_owned()));
    }
    Ok(nodes)
}

struct Parser<'a> {
    rest: &'a str,
    depth: usize,
}

impl<'a> Parser<'a> {
    /// The steps up to the closing brace.
    fn action(&mut self) -> Result<Vec<Node>, String> {
        let mut nodes = Vec::new();
        loop {
            if self.skip("}") {
                return Ok(nodes);
            }
            if self.skip("[?(") {
                nodes.push(self.filter()?);
                continue;
            }
            if self.skip("..") {
                if matches!(nodes.last(), Some(Node::Recursive)) {
                    return Err("invalid multiple recursive descent".to_owned());
                }
                nodes.push(Node::Recursive);
                if self.rest.starts_with(is_word) {
                    nodes.push(self.field());
                }
                continue;
            }
            let Some(char) = self.rest.chars().next().filter(|char| !matches!(char, '\n' | '\r')) else {
                return Err("unclosed action".to_owned());
            };
            let after = &self.rest[char.len_utf8()..];
            match char {
                ' ' | '@' | '$' => self.rest = after,
                '[' => {
                    self.rest = after;
                    self.brackets(&mut nodes)?;
                }
                '"' | '\'' => nodes.push(self.quote(char)?),
                '.' => {
                    self.rest = after;
                    nodes.push(self.field());
                }
                '+' | '-' => nodes.push(self.number()?),
                _ if char.is_numeric() => nodes.push(self.number()?),
                _ if is_word(char) => nodes.push(self.word()),
                _ => return Err(format!("unrecognized character in action: U+{:04X} '{char}'", u32::from(char))),
            }
        }
    }

    /// The steps of a text that stands for an action.
    fn inner(&self, text: &str) -> Result<Vec<Node>, String> {
        if self.depth >= MAX_DEPTH {
            return Err("exceeded max depth".to_owned());
        }
        let text = format!("{text}}}");
        Parser { rest: &text, depth: self.depth + 1 }.action()
    }

    fn skip(&mut self, prefix: &str) -> bool {
        let after = self.rest.strip_prefix(prefix);
        self.rest = after.unwrap_or(self.rest);
        after.is_some()
    }

    fn take(&mut self, length: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(length);
        self.rest = rest;
        taken
    }

    fn word(&mut self) -> Node {
        let end = self.rest.find(is_end).unwrap_or(self.rest.len());
        match self.take(end) {
            "true" => Node::Constant(Value::Bool(true)),
            "false" => Node::Constant(Value::Bool(false)),
            word => Node::Word(word.to_owned()),
        }
    }

    fn field(&mut self) -> Node {
        let mut escaped = false;
        let end = self.rest.find(|char| {
            let ends = !escaped && is_end(char);
            escaped = !escaped && char == '\\';
            ends
        });
        match self.take(end.unwrap_or(self.rest.len())) {
            "*" => Node::Wildcard,
            name => Node::Field(name.replace('\\', "")),
        }
    }

    fn number(&mut self) -> Result<Node, String> {
        let digits = self.rest.trim_start_matches(['+', '-']);
        let sign = (self.rest.len() - digits.len()).min(1);
        let end = self.rest[sign..].find(|char: char| char != '.' && !char.is_numeric());
        let text = self.take(end.map_or(self.rest.len(), |end| sign + end));
        let number = match text.trim_start_matches('+').parse::<i64>() {
            Ok(number) => Some(number.into()),
            Err(_) => text.parse::<f64>().ok().and_then(serde_json::Number::from_f64),
        };
        number.map(|number| Node::Constant(Value::Number(number))).ok_or_else(|| format!("cannot parse number {text}"))
    }

    fn quote(&mut self, quote: char) -> Result<Node, String> {
        let mut text = String::new();
        let mut chars = self.rest.char_indices().skip(1);
        while let Some((at, char)) = chars.next() {
            match char {
                '\n' => break,
                _ if char == quote => {
                    self.rest = &self.rest[at + char.len_utf8()..];
                    return Ok(Node::Text(text));
                }
                '\\' => match chars.next().map(|(_, escaped)| escaped) {
                    Some('n') => text.push('\n'),
                    Some('t') => text.push('\t'),
                    Some('r') => text.push('\r'),
                    Some(escaped) if escaped == quote || escaped == '\\' => text.push(escaped),
                    _ => return Err(format!("unquote string {} error invalid syntax", self.rest)),
                },
                _ => text.push(char),
            }
        }
        Err("unterminated quoted string".to_owned())
    }

    /// An index, a slice, a key in quotes, or several of them.
    fn brackets(&mut self, nodes: &mut Vec<Node>) -> Result<(), String> {
        static KEY: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^'([^']*)'$").expect("a constant pattern"));
        static SLICE: LazyLock<Regex> =
            LazyLock::new(|| Regex::new(r"^(-?[\d]*)(:-?[\d]*)?(:-?[\d]*)?$").expect("a constant pattern"));
        let end = self.rest.find([']', '\n']).filter(|end| self.rest[*end..].starts_with(']'));
        let text = self.take(end.ok_or("unterminated array")?);
        self.skip("]");
        let text = if text == "*" { ":" } else { text };
        if text.contains(',') {
            let branches = text.split(',').map(|branch| self.inner(&format!("[{}]", branch.trim_matches(' '))));
            nodes.push(Node::Union(branches.collect::<Result<_, _>>()?));
            return Ok(());
        }
        if let Some(key) = KEY.captures(text).and_then(|found| found.get(1)) {
            nodes.extend(self.inner(&format!(".{}", key.as_str()))?);
            return Ok(());
        }
        let found = SLICE.captures(text).ok_or_else(|| format!("invalid array index {text}"))?;
        let part = |at| found.get(at).map(|part| part.as_str());
        let number = |text: &str| match text {
            "" => Ok(None),
            text => text.parse::<i64>().map(Some).map_err(|_| format!("array index {text} is not a number")),
        };
        let bound = |at| number(part(at).map_or("", |part| part.trim_start_matches(':')));
        let from = number(part(1).unwrap_or_default())?;
        let derived = part(2).is_none_or(str::is_empty);
        let to = if derived { Some(from.unwrap_or(0) + 1) } else { bound(2)? };
        nodes.push(Node::Slice(Slice { from, to, derived, step: bound(3)? }));
        Ok(())
    }

    fn filter(&mut self) -> Result<Node, String> {
        static COMPARISON: LazyLock<Regex> =
            LazyLock::new(|| Regex::new(r"^([^!<>=]+)([!<>=]+)(.+?)$").expect("a constant pattern"));
        let end = end_of_filter(self.rest).ok_or("unterminated filter")?;
        let text = self.take(end);
        self.skip(")");
        if !self.skip("]") {
            return Err("unclosed array expect ]".to_owned());
        }
        match COMPARISON.captures(text) {
            Some(found) => {
                let (_, [left, operator, right]) = found.extract();
                Ok(Node::Filter { left: self.inner(left)?, operator: operator.to_owned(), right: self.inner(right)? })
            }
            None => Ok(Node::Filter { left: self.inner(text)?, operator: "exists".to_owned(), right: Vec::new() }),
        }
    }
}

/// Where the `)` of a filter is; one text in it may be quoted.
fn end_of_filter(text: &str) -> Option<usize> {
    let mut quote = None;
    let mut closed = false;
    let mut previous = ' ';
    for (at, char) in text.char_indices() {
        match char {
            '\n' => return None,
            '"' | '\'' if quote.is_none() => quote = Some(char),
            '"' | '\'' if previous != '\\' && quote == Some(char) => closed = true,
            ')' if quote.is_some() == closed => return Some(at),
            _ => {}
        }
        previous = char;
    }
    None
}

fn is_word(char: char) -> bool {
    char == '_' || char.is_alphabetic() || char.is_numeric()
}

/// What a name ends before.
fn is_end(char: char) -> bool {
    matches!(char, ' ' | '\t' | '\r' | '\n' | '.' | ',' | '[' | ']' | '$' | '@' | '{' | '}')
}
