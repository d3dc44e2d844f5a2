//! Go 1.26's grammar of templates (`text/template/parse/parse.go`), with its error texts and line numbers.

mod expression;
mod number;
mod unquote;

use super::{
    Error, FunctionNames, HashMap,
    ast::{Branch, Call, Code, Command, Id, Node, Operand, Parsed, Position, Root, Source, Span, Symbol},
    fmt::quote,
    lex::{Kind, Lexer, Token, count_actions, newlines},
    stack,
};
use std::{borrow::Cow, sync::Arc};
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
        tokens: [Token { space: Position::default(), span: Span::default(), kind: Kind::Eof }; 2],
        peeked: 0,
        symbols: HashMap::default(),
        nodes: Vec::new(),
        commands: Vec::new(),
        operands: Vec::new(),
        scope: Scope::new(),
        nesting: 0,
        code: Code::new(source, count_actions(&text)),
        roots: Vec::new(),
    };
    stack::ensure(|| parser.file()).map_err(|error| *error)?;
    Ok(Parsed { code: parser.code, roots: parser.roots })
}

/// What was read, or the error, which is seldom and large.
type Parsing<T> = Result<T, Box<Error>>;

struct Parser<'p> {
    functions: &'p FunctionNames,
    text: &'p [u8],
    lexer: Lexer<'p>,
    /// Up to two tokens of lookahead, the newest first; Go has a third, since a space is one.
    tokens: [Token; 2],
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
    action: Option<Position>,
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
    #[inline]
    fn next(&mut self) -> Token {
        if self.peeked > 0 {
            self.peeked -= 1;
            self.tokens[self.peeked.min(1)]
        } else {
            let token = self.lexer.token();
            self.tokens[0] = token;
            token
        }
    }

    fn backup(&mut self) {
        self.peeked += 1;
    }

    /// Gives back the token before the newest as well.
    fn backup2(&mut self, before: Token) {
        self.tokens[1] = before;
        self.peeked = 2;
    }

    fn peek(&mut self) -> Token {
        let token = self.next();
        self.backup();
        token
    }

    /// What is written of a token.
    fn written(&self, token: Token) -> &'p [u8] {
        self.text.get(token.span.range()).unwrap_or_default()
    }

    fn error<T>(&self, message: impl std::fmt::Display) -> Parsing<T> {
        self.error_at(self.tokens[0].position(), message)
    }

    #[cold]
    fn error_at<T>(&self, position: Position, message: impl std::fmt::Display) -> Parsing<T> {
        Err(Box::new(Error::parse(&self.code.source, position.offset(), &message.to_string())))
    }

    fn line(&self, position: Position) -> usize {
        1 + newlines(self.text.get(..position.offset()).unwrap_or_default())
    }

    fn expect(&mut self, kinds: &[Kind], context: &str) -> Parsing<Token> {
        let token = self.next();
        if kinds.contains(&token.kind) { Ok(token) } else { self.unexpected(token, context) }
    }

    fn unexpected<T>(&self, token: Token, context: &str) -> Parsing<T> {
        if token.kind != Kind::Error {
            return self.error(format_args!("unexpected {} in {context}", self.print(token)));
        }
        let message = &self.lexer.error;
        let line = match self.scope.action.map(|position| self.line(position)) {
            Some(line) if line != self.line(token.position()) => line,
            _ => return self.error(message),
        };
        // "unclosed action in action" would be said otherwise.
        let place = if message.ends_with(" action") { "" } else { " in action" };
        self.error(format_args!("{message}{place} started at {}:{line}", self.code.source.name))
    }

    /// How Go prints a token.
    fn print(&self, token: Token) -> String {
        let written = self.written(token);
        match token.kind {
            Kind::Eof => "EOF".into(),
            Kind::Error => self.lexer.error.clone(),
            kind if kind >= Kind::Block => format!("<{}>", String::from_utf8_lossy(written)),
            _ if written.len() > 10 => {
                let text = String::from_utf8_lossy(written);
                format!("{}...", quote(text.chars().take(10).collect::<String>().as_bytes()))
            }
            _ => quote(written),
        }
    }

    fn file(&mut self) -> Parsing<()> {
        while self.peek().kind != Kind::Eof {
            if self.peek().kind == Kind::LeftDelimiter {
                let delimiter = self.next();
                if self.next().kind == Kind::Define {
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
    fn add(&mut self, name: Arc<str>, nodes: Span) -> Parsing<()> {
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
        self.code.nodes.extend(self.nodes.iter().skip(mark).copied());
        self.nodes.truncate(mark);
        Span::new(first..self.code.nodes.len())
    }

    /// `{{define "name"}} … {{end}}`, of which the keyword was read.
    fn definition(&mut self) -> Parsing<()> {
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

    fn item_list(&mut self) -> Parsing<(Span, Ending)> {
        let mark = self.nodes.len();
        while self.peek().kind != Kind::Eof {
            match self.text_or_action()? {
                Item::Node(node) => self.nodes.push(node),
                Item::End => return Ok((self.list(mark), Ending::End)),
                Item::Else => return Ok((self.list(mark), Ending::Else)),
            }
        }
        self.error("unexpected EOF")
    }

    fn text_or_action(&mut self) -> Parsing<Item> {
        let token = self.next();
        match token.kind {
            Kind::Text => Ok(Item::Node(Node::Text(token.span))),
            Kind::LeftDelimiter => {
                self.scope.action = Some(token.position());
                let item = self.action();
                self.scope.action = None;
                item
            }
            _ => self.unexpected(token, "input"),
        }
    }

    fn action(&mut self) -> Parsing<Item> {
        let token = self.next();
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

    fn loop_control(&mut self, word: &str, node: Node) -> Parsing<Node> {
        let token = self.next();
        if token.kind != Kind::RightDelimiter {
            return self.unexpected(token, word);
        }
        if self.scope.ranges == 0 {
            return self.error(format_args!("{word} outside {{{{range}}}}"));
        }
        Ok(node)
    }

    /// `{{else}}`; the keyword of `{{else if …}}` stays to be read.
    fn else_control(&mut self) -> Parsing<Item> {
        if !matches!(self.peek().kind, Kind::If | Kind::With) {
            self.expect(&[Kind::RightDelimiter], "else")?;
        }
        Ok(Item::Else)
    }

    fn control(&mut self, context: &str) -> Parsing<Branch> {
        if self.nesting == MAXIMUM_NESTING {
            return self.error("max nesting depth exceeded");
        }
        self.nesting += 1;
        let branch = stack::ensure(|| self.branch(context));
        self.nesting -= 1;
        branch
    }

    fn branch(&mut self, context: &str) -> Parsing<Branch> {
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
    fn otherwise(&mut self, context: &str) -> Parsing<Span> {
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
    fn block(&mut self) -> Parsing<Node> {
        let context = "block clause";
        let token = self.next();
        let name = self.template_name(token, context)?;
        let pipe = self.pipeline(context, Kind::RightDelimiter)?;
        let start = self.tokens[0].position();
        let outer = std::mem::replace(&mut self.scope, Scope::new());
        let (nodes, ending) = stack::ensure(|| self.item_list())?;
        if ending != Ending::End {
            return self.error_at(start, format_args!("unexpected {} in {context}", ending.print()));
        }
        self.add(name.clone(), nodes)?;
        self.scope = outer;
        Ok(self.call(token, name, Some(pipe)))
    }

    fn template(&mut self) -> Parsing<Node> {
        let context = "template clause";
        let token = self.next();
        let name = self.template_name(token, context)?;
        let pipe = if self.next().kind == Kind::RightDelimiter {
            None
        } else {
            self.backup();
            Some(self.pipeline(context, Kind::RightDelimiter)?)
        };
        Ok(self.call(token, name, pipe))
    }

    fn call(&mut self, token: Token, name: Arc<str>, pipe: Option<Id>) -> Node {
        self.code.calls.push(Call { position: token.position(), name, pipe });
        Node::Template(Id::last(&self.code.calls))
    }

    fn template_name(&mut self, token: Token, context: &str) -> Parsing<Arc<str>> {
        if !matches!(token.kind, Kind::String | Kind::RawString) {
            return self.unexpected(token, context);
        }
        let name = self.unquote(token)?;
        Ok(String::from_utf8_lossy(&name).into())
    }

    fn unquote(&self, token: Token) -> Parsing<Cow<'p, [u8]>> {
        match unquote(self.written(token)) {
            Some(bytes) => Ok(bytes),
            None => self.error("invalid syntax"),
        }
    }
}
