//! Go 1.26's grammar of templates (`text/template/parse/parse.go`), with its error texts and line numbers.

mod expression;
mod number;
mod unquote;

use super::{
    Error, FunctionNames,
    ast::{Branch, Call, Code, Command, Id, Node, Operand, Parsed, Position, Root, Source, Span, Symbol},
    fmt::quote,
    lex::{Kind, Lexer, Token, newlines},
    stack,
};
use std::{borrow::Cow, collections::HashMap, sync::Arc};
use unquote::unquote;

/// How deep parentheses nest, as in Go.
const MAXIMUM_PARENTHESES: usize = 10_000;
/// How deep control structures nest. Go has no limit but its stack's.
const MAXIMUM_NESTING: usize = 50_000;

/// Parses a file that calls these functions.
///
/// # Errors
/// Go's text: `template: NAME:LINE: …`.
pub(super) fn parse(source: Source, functions: &FunctionNames) -> Result<Parsed, Error> {
    let text = source.text.clone();
    let mut parser = Parser {
        functions,
        text: &text,
        lexer: Lexer::new(&text),
        tokens: [Token { kind: Kind::Eof, position: 0, text: &[] }; 3],
        peeked: 0,
        symbols: HashMap::new(),
        nodes: Vec::new(),
        commands: Vec::new(),
        operands: Vec::new(),
        scope: Scope::new(),
        nesting: 0,
        code: Code::new(source),
        roots: Vec::new(),
    };
    stack::ensure(|| parser.file())?;
    Ok(Parsed { code: parser.code, roots: parser.roots })
}

struct Parser<'p> {
    functions: &'p FunctionNames,
    text: &'p [u8],
    lexer: Lexer<'p>,
    /// Up to three tokens of lookahead, the newest first.
    tokens: [Token<'p>; 3],
    peeked: usize,
    symbols: HashMap<&'p [u8], Symbol>,
    /// Nodes, commands and operands of what is not read to its end yet.
    nodes: Vec<Node>,
    commands: Vec<Command>,
    operands: Vec<Operand>,
    scope: Scope,
    nesting: usize,
    code: Code,
    roots: Vec<Root>,
}

/// What each template of a file has for itself while it is parsed.
struct Scope {
    /// The variables that are known, `$` first.
    variables: Vec<Symbol>,
    /// Where the current action began, if there is one.
    action: Option<usize>,
    ranges: usize,
    parentheses: usize,
}

impl Scope {
    fn new() -> Self {
        Self { variables: vec![Symbol(0)], action: None, ranges: 0, parentheses: 0 }
    }
}

/// A node, or what ends a list of them.
enum Item {
    Node(Node),
    End,
    Else,
}

/// What ended a list of nodes.
#[derive(PartialEq, Eq)]
enum Ending {
    End,
    Else,
}

impl Ending {
    fn print(&self) -> &'static str {
        match self {
            Self::End => "{{end}}",
            Self::Else => "{{else}}",
        }
    }
}

impl<'p> Parser<'p> {
    fn next(&mut self) -> Token<'p> {
        if self.peeked > 0 {
            self.peeked -= 1;
        } else {
            self.tokens[0] = self.lexer.token();
        }
        self.tokens[self.peeked.min(2)]
    }

    fn backup(&mut self) {
        self.peeked += 1;
    }

    /// Gives back the token before the newest as well.
    fn backup2(&mut self, before: Token<'p>) {
        self.tokens[1] = before;
        self.peeked = 2;
    }

    /// Gives back the two tokens before the newest as well.
    fn backup3(&mut self, second: Token<'p>, first: Token<'p>) {
        self.tokens[1] = first;
        self.tokens[2] = second;
        self.peeked = 3;
    }

    fn peek(&mut self) -> Token<'p> {
        let token = self.next();
        self.backup();
        token
    }

    fn next_non_space(&mut self) -> Token<'p> {
        loop {
            let token = self.next();
            if token.kind != Kind::Space {
                return token;
            }
        }
    }

    fn peek_non_space(&mut self) -> Token<'p> {
        let token = self.next_non_space();
        self.backup();
        token
    }

    fn error<T>(&self, message: impl std::fmt::Display) -> Result<T, Error> {
        self.error_at(self.tokens[0].position, message)
    }

    fn error_at<T>(&self, position: usize, message: impl std::fmt::Display) -> Result<T, Error> {
        Err(Error::parse(&self.code.source, position, &message.to_string()))
    }

    fn line(&self, position: usize) -> usize {
        1 + newlines(self.text.get(..position).unwrap_or_default())
    }

    fn expect(&mut self, kinds: &[Kind], context: &str) -> Result<Token<'p>, Error> {
        let token = self.next_non_space();
        if kinds.contains(&token.kind) { Ok(token) } else { self.unexpected(token, context) }
    }

    fn unexpected<T>(&self, token: Token<'p>, context: &str) -> Result<T, Error> {
        if token.kind != Kind::Error {
            return self.error(format_args!("unexpected {} in {context}", self.print(token)));
        }
        let message = &self.lexer.error;
        let line = match self.scope.action.map(|position| self.line(position)) {
            Some(line) if line != self.line(token.position) => line,
            _ => return self.error(message),
        };
        // "unclosed action in action" would be said otherwise.
        let place = if message.ends_with(" action") { "" } else { " in action" };
        self.error(format_args!("{message}{place} started at {}:{line}", self.code.source.name))
    }

    /// How Go prints a token.
    fn print(&self, token: Token<'p>) -> String {
        match token.kind {
            Kind::Eof => "EOF".into(),
            Kind::Error => self.lexer.error.clone(),
            kind if kind >= Kind::Block => format!("<{}>", String::from_utf8_lossy(token.text)),
            _ if token.text.len() > 10 => {
                let text = String::from_utf8_lossy(token.text);
                format!("{}...", quote(text.chars().take(10).collect::<String>().as_bytes()))
            }
            _ => quote(token.text),
        }
    }

    fn file(&mut self) -> Result<(), Error> {
        while self.peek().kind != Kind::Eof {
            if self.peek().kind == Kind::LeftDelimiter {
                let delimiter = self.next();
                if self.next_non_space().kind == Kind::Define {
                    self.definition()?;
                    continue;
                }
                self.backup2(delimiter);
            }
            match self.text_or_action()? {
                Item::Node(node) => self.nodes.push(node),
                Item::End => return self.error("unexpected {{end}}"),
                Item::Else => return self.error("unexpected {{else}}"),
            }
        }
        let nodes = self.list(0);
        self.add(self.code.source.name.clone(), nodes)
    }

    /// Adds what was parsed as a template, unless it is empty and there is one of this name in the file.
    fn add(&mut self, name: Arc<str>, nodes: Span) -> Result<(), Error> {
        let is_empty = self.code.nodes(nodes).iter().all(|node| self.is_blank(node));
        let known = self.roots.iter().position(|root| root.name == name);
        if let Some(known) = known.and_then(|index| self.roots.get(index))
            && !known.is_empty
        {
            if is_empty {
                return Ok(());
            }
            let name = quote(name.as_bytes());
            return self.error(format_args!("template: multiple definition of template {name}"));
        }
        if let Some(index) = known {
            self.roots.remove(index);
        }
        self.roots.push(Root { name, nodes, is_empty });
        Ok(())
    }

    fn is_blank(&self, node: &Node) -> bool {
        let Node::Text(text) = node else {
            return false;
        };
        std::str::from_utf8(self.code.text(*text)).is_ok_and(|text| text.trim().is_empty())
    }

    /// The nodes that were read since there were so many, as a list.
    fn list(&mut self, mark: usize) -> Span {
        let first = self.code.nodes.len();
        self.code.nodes.extend(self.nodes.drain(mark..));
        Span::new(first..self.code.nodes.len())
    }

    /// `{{define "name"}} … {{end}}`, of which the keyword was read.
    fn definition(&mut self) -> Result<(), Error> {
        let context = "define clause";
        let outer = std::mem::replace(&mut self.scope, Scope::new());
        let token = self.expect(&[Kind::String, Kind::RawString], context)?;
        let name = self.template_name(token, context)?;
        self.expect(&[Kind::RightDelimiter], context)?;
        let (nodes, ending) = self.item_list()?;
        if ending != Ending::End {
            return self.error(format_args!("unexpected {} in {context}", ending.print()));
        }
        self.add(name, nodes)?;
        self.scope = outer;
        Ok(())
    }

    fn item_list(&mut self) -> Result<(Span, Ending), Error> {
        let mark = self.nodes.len();
        while self.peek_non_space().kind != Kind::Eof {
            match self.text_or_action()? {
                Item::Node(node) => self.nodes.push(node),
                Item::End => return Ok((self.list(mark), Ending::End)),
                Item::Else => return Ok((self.list(mark), Ending::Else)),
            }
        }
        self.error("unexpected EOF")
    }

    fn text_or_action(&mut self) -> Result<Item, Error> {
        let token = self.next_non_space();
        match token.kind {
            Kind::Text => Ok(Item::Node(Node::Text(token.span()))),
            Kind::LeftDelimiter => {
                self.scope.action = Some(token.position);
                let item = self.action();
                self.scope.action = None;
                item
            }
            _ => self.unexpected(token, "input"),
        }
    }

    fn action(&mut self) -> Result<Item, Error> {
        let token = self.next_non_space();
        let node = match token.kind {
            Kind::Block => self.block()?,
            Kind::Break => self.loop_control("{{break}}", Node::Break)?,
            Kind::Continue => self.loop_control("{{continue}}", Node::Continue)?,
            Kind::Else => return self.else_control(),
            Kind::End => {
                self.expect(&[Kind::RightDelimiter], "end")?;
                return Ok(Item::End);
            }
            Kind::If => Node::If(self.control("if")?),
            Kind::Range => Node::Range(self.control("range")?),
            Kind::With => Node::With(self.control("with")?),
            Kind::Template => self.template()?,
            _ => {
                self.backup();
                Node::Action(self.pipeline("command", Kind::RightDelimiter)?)
            }
        };
        Ok(Item::Node(node))
    }

    fn loop_control(&mut self, word: &str, node: Node) -> Result<Node, Error> {
        let token = self.next_non_space();
        if token.kind != Kind::RightDelimiter {
            return self.unexpected(token, word);
        }
        if self.scope.ranges == 0 {
            return self.error(format_args!("{word} outside {{{{range}}}}"));
        }
        Ok(node)
    }

    /// `{{else}}`; the keyword of `{{else if …}}` stays to be read.
    fn else_control(&mut self) -> Result<Item, Error> {
        if !matches!(self.peek_non_space().kind, Kind::If | Kind::With) {
            self.expect(&[Kind::RightDelimiter], "else")?;
        }
        Ok(Item::Else)
    }

    fn control(&mut self, context: &str) -> Result<Branch, Error> {
        if self.nesting == MAXIMUM_NESTING {
            return self.error("max nesting depth exceeded");
        }
        self.nesting += 1;
        let branch = stack::ensure(|| self.branch(context));
        self.nesting -= 1;
        branch
    }

    fn branch(&mut self, context: &str) -> Result<Branch, Error> {
        let known = self.scope.variables.len();
        let pipe = self.pipeline(context, Kind::RightDelimiter)?;
        let ranges = usize::from(context == "range");
        self.scope.ranges += ranges;
        let (nodes, ending) = self.item_list()?;
        self.scope.ranges -= ranges;
        let otherwise = if ending == Ending::Else { self.otherwise(context)? } else { Span::default() };
        self.scope.variables.truncate(known);
        Ok(Branch { pipe, nodes, otherwise })
    }

    /// What follows `{{else`: `{{else if}}` is an `{{else}}` that holds an `{{if}}`, whose `{{end}}` ends both.
    fn otherwise(&mut self, context: &str) -> Result<Span, Error> {
        let next = self.peek().kind;
        let mark = self.nodes.len();
        let node = if context == "if" && next == Kind::If {
            self.next();
            Node::If(self.control("if")?)
        } else if context == "with" && next == Kind::With {
            self.next();
            Node::With(self.control("with")?)
        } else {
            let (nodes, ending) = self.item_list()?;
            if ending != Ending::End {
                return self.error(format_args!("expected end; found {}", ending.print()));
            }
            return Ok(nodes);
        };
        self.nodes.push(node);
        Ok(self.list(mark))
    }

    /// `{{block "name" pipeline}} … {{end}}`: a definition and its call.
    fn block(&mut self) -> Result<Node, Error> {
        let context = "block clause";
        let token = self.next_non_space();
        let name = self.template_name(token, context)?;
        let pipe = self.pipeline(context, Kind::RightDelimiter)?;
        let start = self.tokens[0].position;
        let outer = std::mem::replace(&mut self.scope, Scope::new());
        let (nodes, ending) = stack::ensure(|| self.item_list())?;
        if ending != Ending::End {
            return self.error_at(start, format_args!("unexpected {} in {context}", ending.print()));
        }
        self.add(name.clone(), nodes)?;
        self.scope = outer;
        Ok(self.call(token, name, Some(pipe)))
    }

    fn template(&mut self) -> Result<Node, Error> {
        let context = "template clause";
        let token = self.next_non_space();
        let name = self.template_name(token, context)?;
        let pipe = if self.next_non_space().kind == Kind::RightDelimiter {
            None
        } else {
            self.backup();
            Some(self.pipeline(context, Kind::RightDelimiter)?)
        };
        Ok(self.call(token, name, pipe))
    }

    fn call(&mut self, token: Token<'p>, name: Arc<str>, pipe: Option<Id>) -> Node {
        self.code.calls.push(Call { position: Position::new(token.position), name, pipe });
        Node::Template(Id::last(&self.code.calls))
    }

    fn template_name(&mut self, token: Token<'p>, context: &str) -> Result<Arc<str>, Error> {
        if !matches!(token.kind, Kind::String | Kind::RawString) {
            return self.unexpected(token, context);
        }
        let name = self.unquote(token)?;
        Ok(String::from_utf8_lossy(&name).into())
    }

    fn unquote(&self, token: Token<'p>) -> Result<Cow<'p, [u8]>, Error> {
        match unquote(token.text) {
            Some(bytes) => Ok(bytes),
            None => self.error("invalid syntax"),
        }
    }
}
