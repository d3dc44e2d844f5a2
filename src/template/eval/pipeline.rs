//! Pipelines, commands and chains of fields.

use super::{At, Evaluated, Reflected, State};
use crate::template::{
    ast::{Command, Id, Operand, Span, Term},
    fmt::quote,
    func::Type,
    methods, stack,
    value::{ANY_MAP, List, Map, Value},
};

impl<'t> State<'t, '_, '_> {
    /// The value of a pipeline; its variables are declared or assigned.
    pub(super) fn pipeline(&mut self, dot: &Reflected, id: Id) -> Evaluated<Value> {
        let code = self.code;
        let Some(pipe) = id.of(&code.pipes) else {
            return Ok(Value::Nil);
        };
        self.at = At::Pipe(pipe);
        let mut last = None;
        for command in code.commands(pipe) {
            last = Some(self.command(dot, command, last)?);
        }
        let value = last.unwrap_or_default();
        for variable in code.variables(pipe) {
            let value = Reflected::plain(value.clone());
            if pipe.is_assign {
                self.assign(variable, value)?;
            } else {
                self.push(variable.symbol, value);
            }
        }
        Ok(value)
    }

    /// A pipeline in parentheses, which may be nested deeper than the stack is.
    pub(super) fn parenthesized(&mut self, dot: &Reflected, id: Id) -> Evaluated<Value> {
        stack::ensure(|| self.pipeline(dot, id))
    }

    /// `last` is the value of the command before in the pipeline, this one's last argument.
    fn command(&mut self, dot: &Reflected, command: &'t Command, last: Option<Value>) -> Evaluated<Value> {
        let Some((first, arguments)) = self.code.operands(command).split_first() else {
            return Ok(Value::Nil);
        };
        match &first.term {
            Term::Field(names) => {
                self.at = At::Operand(first);
                let value = self.fields(dot, dot.clone(), first, *names, arguments, last)?;
                Ok(value.value)
            }
            Term::Variable(variable, names) => {
                self.at = At::Operand(first);
                let value = self.variable(variable)?.clone();
                if names.is_empty() {
                    self.no_arguments(first, arguments, last.as_ref())?;
                    return Ok(value.value);
                }
                Ok(self.fields(dot, value, first, *names, arguments, last)?.value)
            }
            Term::Function(function, name) => {
                self.at = At::Operand(first);
                self.call_function(dot, *function, *name, At::Command(command), arguments, last)
            }
            Term::Chain(start, names) => Ok(self.chain(dot, first, *start, *names, arguments, last)?.value),
            Term::Pipe(id) => {
                self.no_arguments(first, arguments, last.as_ref())?;
                self.parenthesized(dot, *id)
            }
            constant => {
                self.at = At::Operand(first);
                self.no_arguments(first, arguments, last.as_ref())?;
                match constant {
                    Term::Dot => Ok(dot.value.clone()),
                    Term::Nil => self.fail("nil is not a command"),
                    _ => self.constant(first, Type::Any),
                }
            }
        }
    }

    fn no_arguments(&self, first: &Operand, arguments: &[Operand], last: Option<&Value>) -> Evaluated<()> {
        if arguments.is_empty() && last.is_none() {
            return Ok(());
        }
        let name = self.print_operand(first);
        self.fail(format!("can't give argument to non-function {name}"))
    }

    /// `(pipeline).field` or `function.field`.
    pub(super) fn chain(
        &mut self,
        dot: &Reflected,
        node: &'t Operand,
        start: Id,
        names: Span,
        arguments: &'t [Operand],
        last: Option<Value>,
    ) -> Evaluated<Reflected> {
        self.at = At::Operand(node);
        let Some(start) = start.of(&self.code.operands) else {
            return Ok(Reflected::plain(Value::Nil));
        };
        let start = self.operand(dot, start)?;
        self.fields(dot, start, node, names, arguments, last)
    }

    /// `.a.b.c` from a receiver; the last may be a method that takes arguments.
    pub(super) fn fields(
        &mut self,
        dot: &Reflected,
        mut receiver: Reflected,
        node: &'t Operand,
        names: Span,
        arguments: &'t [Operand],
        last: Option<Value>,
    ) -> Evaluated<Reflected> {
        let mut names = self.code.fields(names);
        let Some(mut name) = names.next() else {
            return Ok(receiver);
        };
        for next in names {
            receiver = self.field(dot, &receiver, node, name, &[], None)?;
            name = next;
        }
        self.field(dot, &receiver, node, name, arguments, last)
    }

    fn field(
        &mut self,
        dot: &Reflected,
        receiver: &Reflected,
        node: &'t Operand,
        name: &str,
        arguments: &'t [Operand],
        last: Option<Value>,
    ) -> Evaluated<Reflected> {
        let has_arguments = !arguments.is_empty() || last.is_some();
        match &receiver.value {
            Value::Map(map) if let Some(signature) = methods::find(map, name) => {
                let arguments = self.arguments(dot, name, &signature, arguments, last)?;
                let result = methods::call(map, name, &arguments);
                self.outcome(At::Operand(node), name, result).map(Reflected::plain)
            }
            Value::Map(_) if has_arguments => self.fail(format!("{name} is not a method but has arguments")),
            Value::Map(map) => self.entry(map, name),
            Value::Nil if receiver.is_interface => self.fail(format!("nil pointer evaluating interface {{}}.{name}")),
            Value::Nil if self.context.options.strict => {
                self.fail(format!("nil data; no entry for key {}", quote(name.as_bytes())))
            }
            Value::Nil => Ok(receiver.clone()),
            Value::Object(object) => {
                if let Some(signature) = object.method(name) {
                    let arguments = self.arguments(dot, name, &signature, arguments, last)?;
                    let result = object.call(name, &arguments, self.context);
                    return self.outcome(At::Operand(node), name, result).map(Reflected::plain);
                }
                match object.field(name) {
                    Some(_) if has_arguments && object.kind() == "map" => {
                        self.fail(format!("{name} is not a method but has arguments"))
                    }
                    Some(_) if has_arguments => {
                        self.fail(format!("{name} has arguments but cannot be invoked as function"))
                    }
                    Some(value) => Ok(Reflected { is_interface: matches!(value, Value::Nil), value }),
                    None => self.no_field(receiver, name),
                }
            }
            _ => self.no_field(receiver, name),
        }
    }

    fn no_field<T>(&self, receiver: &Reflected, name: &str) -> Evaluated<T> {
        let of = if receiver.is_interface { "interface {}".into() } else { receiver.value.type_name() };
        self.fail(format!("can't evaluate field {name} in type {of}"))
    }

    fn entry(&mut self, map: &Map, name: &str) -> Evaluated<Reflected> {
        if let Some(recorder) = &mut self.context.recorder {
            recorder.read(map, name);
        }
        // Other names are those of named types, all of which are maps of interfaces.
        let element = if map.type_name == ANY_MAP { None } else { map.type_name.strip_prefix("map[string]") };
        match map.get(name) {
            Some(value) => Ok(Reflected { value, is_interface: element.is_none() }),
            None if self.context.options.strict => {
                self.fail(format!("map has no entry for key {}", quote(name.as_bytes())))
            }
            None => Ok(element.map_or(Reflected::interface(Value::Nil), zero)),
        }
    }
}

/// Go's zero value of a type with this name.
fn zero(type_name: &'static str) -> Reflected {
    Reflected::plain(match type_name {
        "string" => "".into(),
        "bool" => false.into(),
        "int" => Value::Int(0),
        "int64" => Value::Int64(0),
        "float64" => Value::Float64(0.0),
        other => match other.strip_prefix("[]") {
            Some(element) => List { element, is_nil: true, ..List::any(Vec::new()) }.into(),
            None if other.starts_with("map[") => Map { type_name: other, ..Map::new() }.into(),
            None => return Reflected::interface(Value::Nil),
        },
    })
}
