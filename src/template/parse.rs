//! Go 1.26's grammar of templates (`text/template/parse/parse.go`), with its error texts and line numbers.

mod expression;
mod number;
mod unquote;

use super::{
    Error,
    ast::{Branch, Call, Callee, Command, ListId, Node, Operand, Pipe, Source, Symbol, Tree},
    fmt::quote,
    lex::{Kind, Lexer, Token},
    stack,
    value::Str,
};
use std::{collections::HashMap, rc::Rc};
use unquote::unquote;

/// How deep parentheses nest, as in Go.
const MAXIMUM_PARENTHESES: usize = 10_000;
/// How deep control structures nest. Go has no limit but its stack's.
const MAXIMUM_NESTING: usize = 50_000;

/// What a file defines: its own template, last, and those of its `define`s and `block`s.
pub(super) type Trees = Vec<Rc<Tree>>;

/// Parses a file; `find` tells the functions that there are.
///
/// # Errors
/// Go's text: `template: NAME:LINE: …`.
pub(super) fn parse(source: &Rc<Source>, find: &dyn Fn(&str) -> Option<Rc<Callee>>) -> Result<Trees, Error> {
    let text = source.text.clone();
    let mut parser = Parser {
        source,
        find,
        lexer: Lexer::new(text.as_bytes()),
        tokens: [Token { kind: Kind::Eof, position: 0, text: &[], line: 0 }; 3],
        peeked: 0,
        symbols: HashMap::new(),
        strings: HashMap::new(),
        commands: Vec::new(),
        operands: Vec::new(),
        scope: Scope::new(),
        nesting: 0,
        trees: Vec::new(),
    };
    stack::ensure(|| parser.file())?;
    Ok(parser.trees)
}

struct Parser<'p> {
    source: &'p Rc<Source>,
    find: &'p dyn Fn(&str) -> Option<Rc<Callee>>,
    lexer: Lexer<'p>,
    /// Up to three tokens of lookahead, the newest first.
    tokens: [Token<'p>; 3],
    peeked: usize,
    symbols: HashMap<&'p [u8], Symbol>,
    /// Strings that were met; many are written again and again.
    strings: HashMap<&'p [u8], Str>,
    /// Commands and operands of what is not read to its end yet.
    commands: Vec<Command>,
    operands: Vec<Operand>,
    scope: Scope,
    nesting: usize,
    trees: Trees,
}

/// What each template of a file has for itself while it is parsed.
struct Scope {
    lists: Vec<Vec<Node>>,
    pipes: Vec<Pipe>,
    commands: Vec<Command>,
    operands: Vec<Operand>,
    /// The variables that are known, `$` first.
    variables: Vec<Symbol>,
    /// The line where the current action began, 0 outside.
    action_line: usize,
    ranges: usize,
    parentheses: usize,
}

impl Scope {
    fn new() -> Self {
        Self {
            lists: Vec::new(),
            pipes: Vec::new(),
            commands: Vec::new(),
            operands: Vec::new(),
            variables: vec![Symbol(0)],
            action_line: 0,
            ranges: 0,
            parentheses: 0,
        }
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
        self.error_at(self.tokens[0].line, message)
    }

    fn error_at<T>(&self, line: usize, message: impl std::fmt::Display) -> Result<T, Error> {
        Err(Error::parse(self.source, line, &message.to_string()))
    }

    fn expect(&mut self, kinds: &[Kind], context: &str) -> Result<Token<'p>, Error> {
        let token = self.next_non_space();
        if kinds.contains(&token.kind) { Ok(token) } else { self.unexpected(token, context) }
    }

    fn unexpected<T>(&self, token: Token<'p>, context: &str) -> Result<T, Error> {
        if token.kind != Kind::Error {
            return self.error(format_args!("unexpected {} in {context}", self.print(token)));
        }
        let (message, line) = (&self.lexer.error, self.scope.action_line);
        if line == 0 || line == token.line {
            return self.error(message);
        }
        // "unclosed action in action" would be said otherwise.
        let place = if message.ends_with(" action") { "" } else { " in action" };
        self.error(format_args!("{message}{place} started at {}:{line}", self.source.name))
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
        let mut nodes = Vec::new();
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
                Item::Node(node) => nodes.push(node),
                Item::End => return self.error("unexpected {{end}}"),
                Item::Else => return self.error("unexpected {{else}}"),
            }
        }
        self.add(self.source.name.clone(), nodes)
    }

    /// Adds what was parsed as a template, unless it is empty and there is one of this name in the file.
    fn add(&mut self, name: Rc<str>, nodes: Vec<Node>) -> Result<(), Error> {
        let is_empty = nodes.iter().all(|node| self.is_blank(node));
        let root = self.list(nodes);
        let scope = std::mem::replace(&mut self.scope, Scope::new());
        let known = self.trees.iter().position(|tree| tree.name == name);
        if let Some(known) = known.and_then(|index| self.trees.get(index))
            && !known.is_empty
        {
            if is_empty {
                return Ok(());
            }
            let name = quote(name.as_bytes());
            return self.error(format_args!("template: multiple definition of template {name}"));
        }
        if let Some(index) = known {
            self.trees.remove(index);
        }
        let Scope { lists, pipes, commands, operands, .. } = scope;
        let source = self.source.clone();
        self.trees.push(Rc::new(Tree { name, source, root, is_empty, lists, pipes, commands, operands }));
        Ok(())
    }

    fn is_blank(&self, node: &Node) -> bool {
        let Node::Text(range) = node else {
            return false;
        };
        let text = self.source.text.as_bytes().get(range.clone()).unwrap_or_default();
        std::str::from_utf8(text).is_ok_and(|text| text.trim().is_empty())
    }

    fn list(&mut self, nodes: Vec<Node>) -> ListId {
        self.scope.lists.push(nodes);
        ListId(self.scope.lists.len() - 1)
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

    fn item_list(&mut self) -> Result<(Vec<Node>, Ending), Error> {
        let mut nodes = Vec::new();
        while self.peek_non_space().kind != Kind::Eof {
            match self.text_or_action()? {
                Item::Node(node) => nodes.push(node),
                Item::End => return Ok((nodes, Ending::End)),
                Item::Else => return Ok((nodes, Ending::Else)),
            }
        }
        self.error("unexpected EOF")
    }

    fn text_or_action(&mut self) -> Result<Item, Error> {
        let token = self.next_non_space();
        match token.kind {
            Kind::Text => Ok(Item::Node(Node::Text(token.position..token.position + token.text.len()))),
            Kind::LeftDelimiter => {
                self.scope.action_line = token.line;
                let item = self.action();
                self.scope.action_line = 0;
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
        let list = self.list(nodes);
        let otherwise = if ending == Ending::Else { Some(self.otherwise(context)?) } else { None };
        self.scope.variables.truncate(known);
        Ok(Branch { pipe, list, otherwise })
    }

    /// What follows `{{else`: `{{else if}}` is an `{{else}}` that holds an `{{if}}`, whose `{{end}}` ends both.
    fn otherwise(&mut self, context: &str) -> Result<ListId, Error> {
        let next = self.peek().kind;
        let nodes = if context == "if" && next == Kind::If {
            self.next();
            vec![Node::If(self.control("if")?)]
        } else if context == "with" && next == Kind::With {
            self.next();
            vec![Node::With(self.control("with")?)]
        } else {
            let (nodes, ending) = self.item_list()?;
            if ending != Ending::End {
                return self.error(format_args!("expected end; found {}", ending.print()));
            }
            nodes
        };
        Ok(self.list(nodes))
    }

    /// `{{block "name" pipeline}} … {{end}}`: a definition and its call.
    fn block(&mut self) -> Result<Node, Error> {
        let context = "block clause";
        let token = self.next_non_space();
        let name = self.template_name(token, context)?;
        let pipe = self.pipeline(context, Kind::RightDelimiter)?;
        let line = self.tokens[0].line;
        let outer = std::mem::replace(&mut self.scope, Scope::new());
        let (nodes, ending) = stack::ensure(|| self.item_list())?;
        if ending != Ending::End {
            return self.error_at(line, format_args!("unexpected {} in {context}", ending.print()));
        }
        self.add(name.clone(), nodes)?;
        self.scope = outer;
        Ok(Node::Template(Call { position: token.position, name, pipe: Some(pipe) }))
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
        Ok(Node::Template(Call { position: token.position, name, pipe }))
    }

    fn template_name(&mut self, token: Token<'p>, context: &str) -> Result<Rc<str>, Error> {
        if !matches!(token.kind, Kind::String | Kind::RawString) {
            return self.unexpected(token, context);
        }
        let name = self.unquote(token)?;
        Ok(name.to_text().as_ref().into())
    }

    fn unquote(&self, token: Token<'p>) -> Result<Str, Error> {
        match unquote(token.text) {
            Some(bytes) => Ok(Str::from_bytes(bytes)),
            None => self.error("invalid syntax"),
        }
    }
}
