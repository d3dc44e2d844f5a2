//! Go 1.26's grammar of templates (`text/template/parse/parse.go`), with its error texts and line numbers.

mod number;
mod unquote;

use super::{
    Error,
    ast::{
        Branch, Call, Callee, Command, ListId, Node, Number, Operand, Pipe, PipeId, Source, Symbol, Term, Tree,
        Variable,
    },
    fmt::quote,
    lex::{Kind, Lexer, Token},
    stack,
    value::{Str, Value},
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
pub(super) fn parse(source: &Rc<Source>, find: &dyn Fn(&str) -> Option<Callee>) -> Result<Trees, Error> {
    let text = source.text.clone();
    let mut parser = Parser {
        source,
        find,
        lexer: Lexer::new(text.as_bytes()),
        tokens: [Token { kind: Kind::Eof, position: 0, text: &[], line: 0 }; 3],
        peeked: 0,
        symbols: HashMap::new(),
        scope: Scope::new(),
        nesting: 0,
        trees: Vec::new(),
    };
    stack::ensure(|| parser.file())?;
    Ok(parser.trees)
}

struct Parser<'p> {
    source: &'p Rc<Source>,
    find: &'p dyn Fn(&str) -> Option<Callee>,
    lexer: Lexer<'p>,
    /// Up to three tokens of lookahead, the newest first.
    tokens: [Token<'p>; 3],
    peeked: usize,
    symbols: HashMap<Rc<str>, Symbol>,
    scope: Scope,
    nesting: usize,
    trees: Trees,
}

/// What each template of a file has for itself while it is parsed.
struct Scope {
    lists: Vec<Vec<Node>>,
    pipes: Vec<Pipe>,
    /// The variables that are known, `$` first.
    variables: Vec<Rc<str>>,
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
            variables: vec!["$".into()],
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
        let (lists, pipes) = (scope.lists, scope.pipes);
        self.trees.push(Rc::new(Tree { name, source: self.source.clone(), root, is_empty, lists, pipes }));
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
        let body = self.item_list();
        self.scope.ranges -= ranges;
        let (nodes, ending) = body?;
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

    fn pipeline(&mut self, context: &str, end: Kind) -> Result<PipeId, Error> {
        let position = self.peek_non_space().position;
        let mut pipe = Pipe { position, is_assign: false, variables: Vec::new(), commands: Vec::new() };
        while self.declaration(&mut pipe, context)? {}
        loop {
            let token = self.next_non_space();
            match token.kind {
                kind if kind == end => break,
                Kind::Bool
                | Kind::CharConstant
                | Kind::Complex
                | Kind::Dot
                | Kind::Field
                | Kind::Identifier
                | Kind::Number
                | Kind::Nil
                | Kind::RawString
                | Kind::String
                | Kind::Variable
                | Kind::LeftParen => {
                    self.backup();
                    let command = self.command()?;
                    pipe.commands.push(command);
                }
                _ => return self.unexpected(token, context),
            }
        }
        self.check_pipeline(&pipe, context)?;
        self.scope.pipes.push(pipe);
        Ok(PipeId(self.scope.pipes.len() - 1))
    }

    /// Reads a variable that is declared or assigned, if there is one here, and tells whether another may follow.
    fn declaration(&mut self, pipe: &mut Pipe, context: &str) -> Result<bool, Error> {
        let token = self.peek_non_space();
        if token.kind != Kind::Variable {
            return Ok(false);
        }
        self.next();
        // A space is a token, so that telling `$x foo` from `$x :=` takes three of them.
        let after = self.peek();
        let next = self.peek_non_space();
        match next.kind {
            Kind::Assign | Kind::Declare => {
                pipe.is_assign = next.kind == Kind::Assign;
                self.next_non_space();
                self.declare(token, pipe);
                Ok(false)
            }
            Kind::Char if next.text == b"," => {
                self.next_non_space();
                self.declare(token, pipe);
                if context != "range" || pipe.variables.len() > 1 {
                    return self.error(format_args!("too many declarations in {context}"));
                }
                let kind = self.peek_non_space().kind;
                if !matches!(kind, Kind::Variable | Kind::RightDelimiter | Kind::RightParen) {
                    return self.error("range can only initialize variables");
                }
                Ok(true)
            }
            _ => {
                if after.kind == Kind::Space {
                    self.backup3(token, after);
                } else {
                    self.backup2(token);
                }
                Ok(false)
            }
        }
    }

    fn declare(&mut self, token: Token<'p>, pipe: &mut Pipe) {
        let variable = self.variable(token);
        self.scope.variables.push(variable.name.clone());
        pipe.variables.push(variable);
    }

    fn variable(&mut self, token: Token<'p>) -> Variable {
        let name = text(token.text);
        if name == "$" {
            return Variable { symbol: Symbol(0), name: "$".into() };
        }
        let next = Symbol(u32::try_from(self.symbols.len()).unwrap_or(u32::MAX - 1) + 1);
        if let Some((name, symbol)) = self.symbols.get_key_value(name) {
            return Variable { symbol: *symbol, name: name.clone() };
        }
        let name: Rc<str> = name.into();
        self.symbols.insert(name.clone(), next);
        Variable { symbol: next, name }
    }

    fn check_pipeline(&self, pipe: &Pipe, context: &str) -> Result<(), Error> {
        if pipe.commands.is_empty() {
            return self.error(format_args!("missing value for {context}"));
        }
        for (index, command) in pipe.commands.iter().enumerate().skip(1) {
            let first = command.operands.first().map(|operand| &operand.term);
            if let Some(Term::Bool(_) | Term::Dot | Term::Nil | Term::Number(_) | Term::String(..)) = first {
                return self.error(format_args!("non executable command in pipeline stage {}", index + 1));
            }
        }
        Ok(())
    }

    fn command(&mut self) -> Result<Command, Error> {
        let position = self.peek_non_space().position;
        let mut operands = Vec::new();
        loop {
            self.peek_non_space();
            operands.extend(self.operand()?);
            let token = self.next();
            match token.kind {
                Kind::Space => continue,
                Kind::RightDelimiter | Kind::RightParen => self.backup(),
                Kind::Pipe => {}
                _ => return self.unexpected(token, "operand"),
            }
            break;
        }
        if operands.is_empty() {
            return self.error("empty command");
        }
        Ok(Command { position, operands })
    }

    /// A term and the fields behind it.
    fn operand(&mut self) -> Result<Option<Operand>, Error> {
        let Some(mut operand) = self.term()? else {
            return Ok(None);
        };
        let token = self.peek();
        if token.kind != Kind::Field {
            return Ok(Some(operand));
        }
        let mut fields = Vec::new();
        while self.peek().kind == Kind::Field {
            fields.push(field_name(self.next()));
        }
        let position = token.position;
        match &mut operand.term {
            Term::Field(names) | Term::Variable(_, names) => {
                names.append(&mut fields);
                operand.position = position;
                Ok(Some(operand))
            }
            Term::Bool(_) | Term::String(..) | Term::Number(_) | Term::Nil | Term::Dot => {
                let start = operand.position;
                let term = self.source.text.as_bytes().get(start..position).unwrap_or_default();
                self.error(format_args!("unexpected . after term {}", quote(term)))
            }
            Term::Function(_) | Term::Chain(..) | Term::Pipe(_) => {
                Ok(Some(Operand { position, term: Term::Chain(Box::new(operand), fields) }))
            }
        }
    }

    fn term(&mut self) -> Result<Option<Operand>, Error> {
        let token = self.next_non_space();
        let written = token.position..token.position + token.text.len();
        let term = match token.kind {
            Kind::Identifier => match (self.find)(text(token.text)) {
                Some(callee) => Term::Function(callee),
                None => return self.error(format_args!("function {} not defined", quote(token.text))),
            },
            Kind::Dot => Term::Dot,
            Kind::Nil => Term::Nil,
            Kind::Variable => {
                let variable = self.variable(token);
                if !self.scope.variables.contains(&variable.name) {
                    return self.error(format_args!("undefined variable {}", quote(token.text)));
                }
                Term::Variable(variable, Vec::new())
            }
            Kind::Field => Term::Field(vec![field_name(token)]),
            Kind::Bool => Term::Bool(token.text == b"true"),
            Kind::CharConstant => Term::Number(self.constant(number::character(token.text, written))?),
            Kind::Complex | Kind::Number => Term::Number(self.constant(number::number(token.text, written))?),
            Kind::LeftParen => Term::Pipe(self.parenthesized()?),
            Kind::String | Kind::RawString => Term::String(Value::String(self.unquote(token)?), written),
            _ => {
                self.backup();
                return Ok(None);
            }
        };
        Ok(Some(Operand { position: token.position, term }))
    }

    fn constant(&self, number: Result<Number, String>) -> Result<Number, Error> {
        number.or_else(|message| self.error(message))
    }

    fn parenthesized(&mut self) -> Result<PipeId, Error> {
        if self.scope.parentheses >= MAXIMUM_PARENTHESES {
            return self.error("max expression depth exceeded");
        }
        self.scope.parentheses += 1;
        let pipe = stack::ensure(|| self.pipeline("parenthesized pipeline", Kind::RightParen));
        self.scope.parentheses -= 1;
        pipe
    }
}

/// The text of a token that is a name.
fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or_default()
}

fn field_name(token: Token<'_>) -> Rc<str> {
    text(token.text).trim_start_matches('.').into()
}
