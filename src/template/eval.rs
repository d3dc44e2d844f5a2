//! Executes templates as Go 1.26's `text/template/exec.go` does, with its error texts.

mod call;
mod pipeline;
mod range;

use super::{
    Context, Error, Fault,
    ast::{Branch, Call, Code, Command, Id, Node, Operand, Pipe, Position, Span, Symbol, Tree},
    error::Location,
    fmt, stack,
    value::Value,
};

/// How deep `template` may nest, as in Go.
const MAXIMUM_DEPTH: usize = 100_000;
/// How large the output of a template or a string may grow. Go has no limit but memory.
const MAXIMUM_SIZE: usize = 1 << 30;

/// A value as Go's reflection sees it. `Nil` behind an interface is a nil value of a known place, such as a missing key;
/// otherwise it is no value at all.
#[derive(Clone)]
pub(super) struct Reflected {
    pub value: Value,
    /// Whether its static type is `interface {}`, as that of elements of most maps and lists is; a pipeline looks through it.
    pub is_interface: bool,
}

impl Reflected {
    pub(super) fn plain(value: Value) -> Self {
        Self { value, is_interface: false }
    }

    fn interface(value: Value) -> Self {
        Self { value, is_interface: true }
    }
}

/// A variable of a running template.
pub(super) struct Variable {
    symbol: Symbol,
    value: Reflected,
}

type Evaluated<T> = Result<T, Box<Error>>;

/// How to go on after a node.
#[derive(PartialEq, Eq)]
enum Flow {
    On,
    Break,
    Continue,
}

/// What is evaluated now, for errors.
#[derive(Clone, Copy)]
enum At<'t> {
    Start,
    Pipe(&'t Pipe),
    Command(&'t Command),
    Operand(&'t Operand),
    Call(&'t Call),
}

/// A running template.
struct State<'t, 'c, 'a> {
    tree: &'t Tree,
    code: &'t Code,
    context: &'c mut Context<'a>,
    at: At<'t>,
    /// Where its variables begin.
    base: usize,
    /// How many `template` actions it is in.
    depth: usize,
}

/// Go's `Execute`, which appends to the context's output.
pub(super) fn execute(context: &mut Context<'_>, tree: &Tree, data: Reflected) -> Evaluated<()> {
    let base = context.variables.len();
    let result = stack::ensure(|| State::run(context, tree, data, 0));
    context.variables.truncate(base);
    result
}

impl<'t, 'a> State<'t, '_, 'a> {
    fn run(context: &mut Context<'a>, tree: &'t Tree, dot: Reflected, depth: usize) -> Evaluated<()> {
        let base = context.variables.len();
        context.variables.push(Variable { symbol: Symbol(0), value: dot.clone() });
        let mut state = State { tree, code: &tree.code, context, at: At::Start, base, depth };
        if state.context.env.is_cancelled() {
            return state.fail("the rendering was cancelled");
        }
        state.list(&dot, tree.nodes)?;
        state.pop(base);
        Ok(())
    }

    fn fail<T>(&self, message: impl Into<String>) -> Evaluated<T> {
        self.fail_with(message.into(), None)
    }

    fn fail_with<T>(&self, message: String, cause: Option<Fault>) -> Evaluated<T> {
        let (position, context) = match self.at {
            At::Start => (Position::default(), String::new()),
            At::Pipe(pipe) => (pipe.position, self.code.print_pipe(pipe)),
            At::Command(command) => (command.position, self.code.print_command(command)),
            At::Operand(operand) => (operand.position, self.code.print_operand(operand)),
            At::Call(call) => (call.position, self.code.print_call(call)),
        };
        let location = Location::new(&self.code.source, position.offset());
        Err(Box::new(Error::execution(location, self.tree.name.clone(), context, message, cause)))
    }

    fn print_operand(&self, operand: &Operand) -> String {
        self.code.print_operand(operand)
    }

    fn mark(&self) -> usize {
        self.context.variables.len()
    }

    fn pop(&mut self, mark: usize) {
        self.context.variables.truncate(mark);
    }

    fn push(&mut self, symbol: Symbol, value: Reflected) {
        self.context.variables.push(Variable { symbol, value });
    }

    /// The value of the variable that was declared last with this name.
    fn variable(&self, wanted: &super::ast::Variable) -> Evaluated<&Reflected> {
        let own = self.context.variables.get(self.base..).unwrap_or_default();
        match own.iter().rev().find(|variable| variable.symbol == wanted.symbol) {
            Some(variable) => Ok(&variable.value),
            None => self.fail(format!("undefined variable: {}", self.code.name(wanted.name))),
        }
    }

    fn assign(&mut self, wanted: &super::ast::Variable, value: Reflected) -> Evaluated<()> {
        let own = self.context.variables.get_mut(self.base..).unwrap_or_default();
        if let Some(variable) = own.iter_mut().rev().find(|variable| variable.symbol == wanted.symbol) {
            variable.value = value;
            return Ok(());
        }
        self.fail(format!("undefined variable: {}", self.code.name(wanted.name)))
    }

    fn list(&mut self, dot: &Reflected, nodes: Span) -> Evaluated<Flow> {
        for node in self.code.nodes(nodes) {
            let flow = self.node(dot, node)?;
            if flow != Flow::On {
                return Ok(flow);
            }
        }
        Ok(Flow::On)
    }

    /// A list inside another, which may be nested deeper than the stack is.
    fn inner_list(&mut self, dot: &Reflected, nodes: Span) -> Evaluated<Flow> {
        stack::ensure(|| self.list(dot, nodes))
    }

    fn node(&mut self, dot: &Reflected, node: &'t Node) -> Evaluated<Flow> {
        match node {
            Node::Text(span) => {
                let text = self.code.text(*span);
                if let Some(recorder) = &mut self.context.recorder {
                    let out = self.context.out.len() - self.context.start;
                    recorder.text(&self.code.source, span.range().start, text, out);
                }
                self.context.out.extend_from_slice(text);
            }
            Node::Action(pipe) => self.action(dot, *pipe)?,
            Node::If(branch) => return self.if_or_with(dot, branch, false),
            Node::With(branch) => return self.if_or_with(dot, branch, true),
            Node::Range(branch) => return self.range(dot, branch),
            Node::Template(id) => self.template(dot, *id)?,
            Node::Break => return Ok(Flow::Break),
            Node::Continue => return Ok(Flow::Continue),
        }
        Ok(Flow::On)
    }

    /// Variables that an action declares last until the end of the list around it; then nothing is printed.
    fn action(&mut self, dot: &Reflected, id: Id) -> Evaluated<()> {
        if self.context.recorder.is_none() {
            return self.unrecorded_action(dot, id);
        }
        let start = self.context.out.len();
        self.begin_recording(self.code.pipe_position(id), false);
        let result = self.unrecorded_action(dot, id);
        let printed = self.context.out.get(start..).unwrap_or_default();
        if let Some(recorder) = &mut self.context.recorder {
            recorder.end_action(printed, start - self.context.start);
        }
        result
    }

    fn begin_recording(&mut self, position: Position, is_block: bool) {
        if let Some(recorder) = &mut self.context.recorder {
            recorder.begin_action(&self.code.source, position.offset(), is_block);
        }
    }

    fn end_recording(&mut self) {
        if let Some(recorder) = &mut self.context.recorder {
            recorder.end_silent_action();
        }
    }

    fn unrecorded_action(&mut self, dot: &Reflected, id: Id) -> Evaluated<()> {
        let value = self.pipeline(dot, id)?;
        if id.of(&self.code.pipes).is_some_and(|pipe| pipe.variables.is_empty()) {
            fmt::print(&mut self.context.out, &value);
            if self.context.out.len() > MAXIMUM_SIZE {
                return self.fail(format!("the output is larger than {MAXIMUM_SIZE} bytes"));
            }
        }
        Ok(())
    }

    fn if_or_with(&mut self, dot: &Reflected, branch: &'t Branch, is_with: bool) -> Evaluated<Flow> {
        let mark = self.mark();
        if is_with {
            self.begin_recording(self.code.pipe_position(branch.pipe), true);
        }
        let value = self.pipeline(dot, branch.pipe)?;
        let flow = if value.is_true() {
            if is_with {
                self.inner_list(&Reflected::plain(value), branch.nodes)?
            } else {
                self.inner_list(dot, branch.nodes)?
            }
        } else {
            self.otherwise(dot, branch)?
        };
        if is_with {
            self.end_recording();
        }
        self.pop(mark);
        Ok(flow)
    }

    fn otherwise(&mut self, dot: &Reflected, branch: &'t Branch) -> Evaluated<Flow> {
        if branch.otherwise.is_empty() {
            return Ok(Flow::On);
        }
        self.inner_list(dot, branch.otherwise)
    }

    fn template(&mut self, dot: &Reflected, id: Id) -> Evaluated<()> {
        let Some(call) = id.of(&self.code.calls) else {
            return Ok(());
        };
        self.at = At::Call(call);
        let Some(tree) = self.context.scope.find(&call.name).cloned() else {
            return self.fail(format!("template {} not defined", fmt::quote(call.name.as_bytes())));
        };
        if self.depth == MAXIMUM_DEPTH {
            return self.fail(format!("exceeded maximum template depth ({MAXIMUM_DEPTH})"));
        }
        let dot = match call.pipe {
            Some(pipe) => self.pipeline(dot, pipe)?,
            None => Value::Nil,
        };
        self.begin_recording(call.position, false);
        stack::ensure(|| State::run(self.context, &tree, Reflected::plain(dot), self.depth + 1))?;
        self.end_recording();
        Ok(())
    }
}
