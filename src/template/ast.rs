//! Parsed templates. The nodes of a file lie flat in its [`Code`] and are named by number, so that no depth of nesting
//! can overflow the stack when it is dropped, and parsing hardly ever asks for memory.

use super::{fmt::quote, stack};
use bytes::Bytes;
use std::{fmt::Write as _, ops::Range, rc::Rc, sync::Arc};

/// The text of a file, for the positions of its nodes.
#[derive(Debug, Clone)]
pub(super) struct Source {
    /// The name that error locations show.
    pub name: Arc<str>,
    pub text: Bytes,
}

/// What a file was parsed into, whichever thread did it.
pub(super) struct Parsed {
    pub code: Code,
    /// The file's own template, last, and those of its `define`s and `block`s.
    pub roots: Vec<Root>,
}

/// A template of a file.
#[derive(Clone)]
pub(super) struct Root {
    pub name: Arc<str>,
    pub nodes: Span,
    /// Whether nothing but space is in it: then it does not replace another template of its name.
    pub is_empty: bool,
}

/// A template that can be executed: a [`Root`] with the code of its file.
#[derive(Clone)]
pub(super) struct Tree {
    pub name: Arc<str>,
    pub code: Rc<Code>,
    pub nodes: Span,
    pub is_empty: bool,
}

/// The nodes of a file.
#[derive(Clone)]
pub(super) struct Code {
    pub source: Source,
    pub nodes: Vec<Node>,
    pub calls: Vec<Call>,
    pub pipes: Vec<Pipe>,
    pub variables: Vec<Variable>,
    pub commands: Vec<Command>,
    pub operands: Vec<Operand>,
    pub numbers: Vec<Number>,
    /// Strings that stand for something else than is written between their quotes.
    pub strings: Vec<Box<[u8]>>,
}

/// A range, of bytes in the text or of numbers in [`Code`], in half the space.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Span {
    start: u32,
    end: u32,
}

impl Span {
    /// Helm takes no files that are anywhere near four gigabytes.
    pub(super) fn new(range: Range<usize>) -> Self {
        Self { start: short(range.start), end: short(range.end) }
    }

    pub(super) fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    pub(super) fn start(self) -> Position {
        Position(self.start)
    }

    pub(super) fn is_empty(self) -> bool {
        self.start == self.end
    }

    /// The range from this one's start to the other's end.
    pub(super) fn to(self, other: Self) -> Self {
        Self { start: self.start, end: other.end }
    }

    /// The range between the quotes of a literal.
    pub(super) fn unquoted(self) -> Self {
        Self { start: self.start + 1, end: self.end.saturating_sub(1).max(self.start + 1) }
    }

    /// The range with the quotes of a literal.
    fn quoted(self) -> Self {
        Self { start: self.start.saturating_sub(1), end: self.end + 1 }
    }
}

/// A place in the text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Position(u32);

impl Position {
    pub(super) fn new(offset: usize) -> Self {
        Self(short(offset))
    }

    pub(super) fn offset(self) -> usize {
        self.0 as usize
    }
}

/// Which element of a list in [`Code`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Id(u32);

impl Id {
    /// The last element.
    pub(super) fn last<T>(list: &[T]) -> Self {
        Self(short(list.len().saturating_sub(1)))
    }

    pub(super) fn of<T>(self, list: &[T]) -> Option<&T> {
        list.get(self.0 as usize)
    }
}

fn short(offset: usize) -> u32 {
    u32::try_from(offset).unwrap_or(u32::MAX)
}

/// A variable's name as a number within its file; 0 is `$`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Symbol(pub u32);

/// A function as a number within its [`Templates`](super::Templates).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FunctionId(pub u16);

#[derive(Clone, Copy)]
pub(super) enum Node {
    Text(Span),
    /// Which of the pipes.
    Action(Id),
    If(Branch),
    With(Branch),
    Range(Branch),
    /// Which of the calls.
    Template(Id),
    Break,
    Continue,
}

#[derive(Clone, Copy)]
pub(super) struct Branch {
    pub pipe: Id,
    pub nodes: Span,
    /// Those of the `else`, if there is one.
    pub otherwise: Span,
}

/// `{{template "name" pipeline}}`.
#[derive(Clone)]
pub(super) struct Call {
    pub position: Position,
    pub name: Arc<str>,
    pub pipe: Option<Id>,
}

#[derive(Clone)]
pub(super) struct Pipe {
    pub position: Position,
    /// Whether the variables are assigned (`=`), not declared.
    pub is_assign: bool,
    /// Which of the variables.
    pub variables: Span,
    /// Which of the commands.
    pub commands: Span,
}

#[derive(Clone, Copy)]
pub(super) struct Variable {
    pub symbol: Symbol,
    pub name: Span,
}

#[derive(Clone, Copy)]
pub(super) struct Command {
    pub position: Position,
    /// Which of the operands; the parser sees to it that there is one.
    pub operands: Span,
}

#[derive(Clone, Copy)]
pub(super) struct Operand {
    pub position: Position,
    pub term: Term,
}

#[derive(Clone, Copy)]
pub(super) enum Term {
    Bool(bool),
    Dot,
    Nil,
    /// Which of the numbers.
    Number(Id),
    /// A string that stands for what is written between its quotes.
    Verbatim(Span),
    /// Which of the strings, and how it is written.
    String(Id, Span),
    /// `.a.b.c`, as it is written.
    Field(Span),
    /// A variable, and the fields behind it.
    Variable(Variable, Span),
    Function(FunctionId, Span),
    /// `(pipeline).field` or `function.field`: which of the operands, and the fields.
    Chain(Id, Span),
    /// Which of the pipes.
    Pipe(Id),
}

/// A constant: which Go types it can become, and which it is where none is asked for.
#[derive(Clone)]
pub(super) struct Number {
    pub integer: Option<i64>,
    pub float: Option<f64>,
    /// `None` where the number is too large for either.
    pub ideal: Option<Ideal>,
    pub written: Span,
}

/// The type of a constant where none is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ideal {
    Int,
    Float64,
}

impl Parsed {
    /// What another file of the same text is parsed into, unless the text defines a template by the name of either file.
    pub(super) fn renamed(&self, name: &Arc<str>) -> Option<Self> {
        let source = Source { name: name.clone(), text: self.code.source.text.clone() };
        let mut roots = self.roots.clone();
        let (own, defined) = roots.split_last_mut()?;
        if own.name != self.code.source.name || defined.iter().any(|root| root.name == own.name || root.name == *name) {
            return None;
        }
        own.name.clone_from(name);
        Some(Self { code: Code { source, ..self.code.clone() }, roots })
    }
}

impl Tree {
    /// The templates of a file.
    pub(super) fn all(parsed: Parsed) -> impl Iterator<Item = Self> {
        let code = Rc::new(parsed.code);
        let tree = move |Root { name, nodes, is_empty }| Self { name, code: code.clone(), nodes, is_empty };
        parsed.roots.into_iter().map(tree)
    }
}

impl Code {
    /// No nodes yet, but room for those of so many actions: one of each, and two operands.
    pub(super) fn new(source: Source, actions: usize) -> Self {
        Self {
            source,
            nodes: Vec::with_capacity(actions),
            calls: Vec::new(),
            pipes: Vec::with_capacity(actions),
            variables: Vec::new(),
            commands: Vec::with_capacity(actions),
            operands: Vec::with_capacity(actions * 2),
            numbers: Vec::new(),
            strings: Vec::new(),
        }
    }

    pub(super) fn nodes(&self, nodes: Span) -> &[Node] {
        self.nodes.get(nodes.range()).unwrap_or_default()
    }

    pub(super) fn text(&self, span: Span) -> &[u8] {
        self.source.text.get(span.range()).unwrap_or_default()
    }

    pub(super) fn pipe_position(&self, id: Id) -> Position {
        id.of(&self.pipes).map_or(Position::default(), |pipe| pipe.position)
    }

    pub(super) fn variables(&self, pipe: &Pipe) -> &[Variable] {
        self.variables.get(pipe.variables.range()).unwrap_or_default()
    }

    pub(super) fn commands(&self, pipe: &Pipe) -> &[Command] {
        self.commands.get(pipe.commands.range()).unwrap_or_default()
    }

    pub(super) fn operands(&self, command: &Command) -> &[Operand] {
        self.operands.get(command.operands.range()).unwrap_or_default()
    }

    /// A part of the text that the lexer found to be a name.
    pub(super) fn name(&self, span: Span) -> &str {
        std::str::from_utf8(self.text(span)).unwrap_or_default()
    }

    /// The names of `.a.b.c`.
    pub(super) fn fields(&self, span: Span) -> impl Iterator<Item = &str> {
        let mut rest = self.name(span);
        // In a loop of its own, since `split` calls memchr for each of these few bytes.
        std::iter::from_fn(move || {
            let names = rest.strip_prefix('.')?;
            let end = names.bytes().position(|byte| byte == b'.').unwrap_or(names.len());
            let name = names.get(..end)?;
            rest = names.get(end..)?;
            Some(name)
        })
    }

    fn push_text(&self, span: Span, out: &mut String) {
        out.push_str(&String::from_utf8_lossy(self.text(span)));
    }

    /// How Go prints a `template` action in an error.
    pub(super) fn print_call(&self, call: &Call) -> String {
        let mut out = format!("{{{{template {}", quote(call.name.as_bytes()));
        if let Some(pipe) = call.pipe {
            out.push(' ');
            self.push_pipe(pipe, &mut out);
        }
        out + "}}"
    }

    /// How Go prints a pipeline in an error.
    pub(super) fn print_pipe(&self, pipe: &Pipe) -> String {
        let mut out = String::new();
        self.push_pipeline(pipe, &mut out);
        out
    }

    /// How Go prints a command in an error.
    pub(super) fn print_command(&self, command: &Command) -> String {
        let mut out = String::new();
        self.push_command(command, &mut out);
        out
    }

    /// How Go prints an operand in an error.
    pub(super) fn print_operand(&self, operand: &Operand) -> String {
        let mut out = String::new();
        self.push_operand(operand, &mut out);
        out
    }

    fn push_pipe(&self, id: Id, out: &mut String) {
        if let Some(pipe) = id.of(&self.pipes) {
            self.push_pipeline(pipe, out);
        }
    }

    fn push_pipeline(&self, pipe: &Pipe, out: &mut String) {
        let names: Vec<&str> = self.variables(pipe).iter().map(|variable| self.name(variable.name)).collect();
        if !names.is_empty() {
            let sign = if pipe.is_assign { "=" } else { ":=" };
            let _ = write!(out, "{} {sign} ", names.join(", "));
        }
        for (index, command) in self.commands(pipe).iter().enumerate() {
            if index > 0 {
                out.push_str(" | ");
            }
            self.push_command(command, out);
        }
    }

    fn push_command(&self, command: &Command, out: &mut String) {
        for (index, operand) in self.operands(command).iter().enumerate() {
            if index > 0 {
                out.push(' ');
            }
            self.push_parenthesized(operand, out);
        }
    }

    fn push_parenthesized(&self, operand: &Operand, out: &mut String) {
        let is_pipe = matches!(operand.term, Term::Pipe(_));
        if is_pipe {
            out.push('(');
        }
        self.push_operand(operand, out);
        if is_pipe {
            out.push(')');
        }
    }

    fn push_operand(&self, operand: &Operand, out: &mut String) {
        match &operand.term {
            Term::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Term::Dot => out.push('.'),
            Term::Nil => out.push_str("nil"),
            Term::Number(id) => {
                self.push_text(id.of(&self.numbers).map_or(Span::default(), |number| number.written), out)
            }
            Term::Verbatim(span) => self.push_text(span.quoted(), out),
            Term::String(_, written) | Term::Field(written) | Term::Function(_, written) => {
                self.push_text(*written, out)
            }
            Term::Variable(variable, fields) => {
                self.push_text(variable.name, out);
                self.push_text(*fields, out);
            }
            Term::Chain(id, fields) => {
                if let Some(operand) = id.of(&self.operands) {
                    self.push_parenthesized(operand, out);
                }
                self.push_text(*fields, out);
            }
            Term::Pipe(id) => stack::ensure(|| self.push_pipe(*id, out)),
        }
    }
}
