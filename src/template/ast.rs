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
    pub commands: Vec<Command>,
}

#[derive(Clone)]
pub(super) struct Variable {
    pub symbol: Symbol,
    pub name: Rc<str>,
}

pub(super) struct Command {
    pub position: usize,
    /// The operands; the parser sees to it that there is one.
    pub operands: Vec<Operand>,
}

pub(super) struct Operand {
    pub position: usize,
    pub term: Term,
}

pub(super) enum Term {
    Bool(bool),
    Dot,
    Nil,
    Number(Number),
    /// A string, and how it is written.
    String(Value, Range<usize>),
    Field(Vec<Rc<str>>),
    Variable(Variable, Vec<Rc<str>>),
    Function(Callee),
    /// `(pipeline).field` or `function.field`.
    Chain(Box<Operand>, Vec<Rc<str>>),
    Pipe(PipeId),
}

/// A constant: which Go types it can become, and which it is where none is asked for.
pub(super) struct Number {
    pub integer: Option<i64>,
    pub float: Option<f64>,
    /// The `int` or `float64`, `None` where the number is too large for either.
    pub ideal: Option<Value>,
    pub written: Range<usize>,
}

#[derive(Clone)]
pub(super) struct Callee {
    pub name: Rc<str>,
    pub kind: CalleeKind,
}

/// Functions whose arguments the evaluator treats in a way of their own, and all others.
#[derive(Clone)]
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

    fn push_text(&self, range: &Range<usize>, out: &mut String) {
        out.push_str(&String::from_utf8_lossy(self.text(range)));
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
        let names: Vec<&str> = pipe.variables.iter().map(|variable| &*variable.name).collect();
        if !names.is_empty() {
            let sign = if pipe.is_assign { "=" } else { ":=" };
            let _ = write!(out, "{} {sign} ", names.join(", "));
        }
        for (index, command) in pipe.commands.iter().enumerate() {
            if index > 0 {
                out.push_str(" | ");
            }
            self.push_command(command, out);
        }
    }

    fn push_command(&self, command: &Command, out: &mut String) {
        for (index, operand) in command.operands.iter().enumerate() {
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
            Term::Number(number) => self.push_text(&number.written, out),
            Term::String(_, written) => self.push_text(written, out),
            Term::Field(names) => push_fields(names, out),
            Term::Variable(variable, fields) => {
                out.push_str(&variable.name);
                push_fields(fields, out);
            }
            Term::Function(callee) => out.push_str(&callee.name),
            Term::Chain(operand, fields) => {
                self.push_parenthesized(operand, out);
                push_fields(fields, out);
            }
            Term::Pipe(id) => stack::ensure(|| self.push_pipe(*id, out)),
        }
    }
}

fn push_fields(names: &[Rc<str>], out: &mut String) {
    for name in names {
        out.push('.');
        out.push_str(name);
    }
}
