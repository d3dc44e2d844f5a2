//! Parsed templates. Pipelines and lists of nodes lie flat in their [`Tree`] and are named by number, so that no depth of
//! nesting can overflow the stack when a tree is dropped.

use super::{Function, Str, Value, fmt::quote, stack};
use std::{fmt::Write as _, ops::Range, rc::Rc};

/// The text of a file, for the positions of its nodes.
#[derive(Debug)]
pub(super) struct Source {
    /// The name that error locations show.
    pub name: Rc<str>,
    pub text: Str,
}

/// One template: a file, or the body of a `define` or `block` in it.
pub(super) struct Tree {
    pub name: Rc<str>,
    pub source: Rc<Source>,
    pub root: ListId,
    /// Whether nothing but space is in it: then it does not replace another template of its name.
    pub is_empty: bool,
    pub lists: Vec<Vec<Node>>,
    pub pipes: Vec<Pipe>,
    pub commands: Vec<Command>,
    pub operands: Vec<Operand>,
}

/// A range, of bytes in the text or of numbers in a tree, in half the space.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    start: u32,
    end: u32,
}

impl Span {
    /// Helm takes no files that are anywhere near four gigabytes.
    pub(super) fn new(range: Range<usize>) -> Self {
        let short = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
        Self { start: short(range.start), end: short(range.end) }
    }

    pub(super) fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    pub(super) fn is_empty(self) -> bool {
        self.start == self.end
    }

    /// The range from this one's start to the other's end.
    pub(super) fn to(self, other: Self) -> Self {
        Self { start: self.start, end: other.end }
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) struct ListId(pub usize);
#[derive(Debug, Clone, Copy)]
pub(super) struct PipeId(pub usize);
/// A variable's name as a number within its file; 0 is `$`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Symbol(pub u32);

pub(super) enum Node {
    Text(Range<usize>),
    Action(PipeId),
    If(Branch),
    With(Branch),
    Range(Branch),
    Template(Call),
    Break,
    Continue,
}

pub(super) struct Branch {
    pub pipe: PipeId,
    pub list: ListId,
    pub otherwise: Option<ListId>,
}

/// `{{template "name" pipeline}}`.
pub(super) struct Call {
    pub position: usize,
    pub name: Rc<str>,
    pub pipe: Option<PipeId>,
}

pub(super) struct Pipe {
    pub position: usize,
    /// Whether the variables are assigned (`=`), not declared.
    pub is_assign: bool,
    pub variables: Vec<Variable>,
    /// Which of the tree's commands.
    pub commands: Span,
}

#[derive(Clone, Copy)]
pub(super) struct Variable {
    pub symbol: Symbol,
    pub name: Span,
}

pub(super) struct Command {
    pub position: usize,
    /// Which of the tree's operands; the parser sees to it that there is one.
    pub operands: Span,
}

pub(super) struct Operand {
    pub position: usize,
    pub term: Term,
}

pub(super) enum Term {
    Bool(bool),
    Dot,
    Nil,
    Number(Box<Number>),
    /// A string, and how it is written.
    String(Str, Span),
    /// `.a.b.c`, as it is written.
    Field(Span),
    Variable(Variable, Span),
    Function(Rc<Callee>),
    /// `(pipeline).field` or `function.field`.
    Chain(Box<Operand>, Span),
    Pipe(PipeId),
}

/// A constant: which Go types it can become, and which it is where none is asked for.
pub(super) struct Number {
    pub integer: Option<i64>,
    pub float: Option<f64>,
    /// The `int` or `float64`, `None` where the number is too large for either.
    pub ideal: Option<Value>,
    pub written: Span,
}

pub(super) struct Callee {
    pub name: Rc<str>,
    pub kind: CalleeKind,
}

/// Functions whose arguments the evaluator treats in a way of their own, and all others.
pub(super) enum CalleeKind {
    And,
    Or,
    Call,
    /// Go's `len` tells no value at all from a nil value, which nothing else does.
    Len(Rc<Function>),
    Function(Rc<Function>),
}

impl Tree {
    pub(super) fn list(&self, id: ListId) -> &[Node] {
        self.lists.get(id.0).map_or(&[], Vec::as_slice)
    }

    pub(super) fn text(&self, range: &Range<usize>) -> &[u8] {
        self.source.text.as_bytes().get(range.clone()).unwrap_or_default()
    }

    pub(super) fn pipe_position(&self, id: PipeId) -> usize {
        self.pipes.get(id.0).map_or(0, |pipe| pipe.position)
    }

    pub(super) fn commands(&self, pipe: &Pipe) -> &[Command] {
        self.commands.get(pipe.commands.range()).unwrap_or_default()
    }

    pub(super) fn operands(&self, command: &Command) -> &[Operand] {
        self.operands.get(command.operands.range()).unwrap_or_default()
    }

    /// A part of the text that the lexer found to be a name.
    pub(super) fn name(&self, span: Span) -> &str {
        match &self.source.text {
            Str::Text(text) => text.get(span.range()).unwrap_or_default(),
            Str::Raw(bytes) => std::str::from_utf8(bytes.get(span.range()).unwrap_or_default()).unwrap_or_default(),
        }
    }

    /// The names of `.a.b.c`.
    pub(super) fn fields(&self, span: Span) -> impl Iterator<Item = &str> {
        self.name(span).split('.').skip(1)
    }

    fn push_text(&self, span: Span, out: &mut String) {
        out.push_str(&String::from_utf8_lossy(self.text(&span.range())));
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

    fn push_pipe(&self, id: PipeId, out: &mut String) {
        if let Some(pipe) = self.pipes.get(id.0) {
            self.push_pipeline(pipe, out);
        }
    }

    fn push_pipeline(&self, pipe: &Pipe, out: &mut String) {
        let names: Vec<&str> = pipe.variables.iter().map(|variable| self.name(variable.name)).collect();
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
            Term::Number(number) => self.push_text(number.written, out),
            Term::String(_, written) | Term::Field(written) => self.push_text(*written, out),
            Term::Variable(variable, fields) => {
                self.push_text(variable.name, out);
                self.push_text(*fields, out);
            }
            Term::Function(callee) => out.push_str(&callee.name),
            Term::Chain(operand, fields) => {
                self.push_parenthesized(operand, out);
                self.push_text(*fields, out);
            }
            Term::Pipe(id) => stack::ensure(|| self.push_pipe(*id, out)),
        }
    }
}
