//! Calls of functions and methods: how operands become arguments.

use super::{At, Evaluated, MAXIMUM_SIZE, Reflected, State};
use crate::template::{
    Fault,
    ast::{FunctionId, Ideal, Operand, Span, Term},
    func::{Callee, Signature, Special, Type},
    funcs,
    time::GoDuration,
    value::{ANY, List, Str, Value},
};
use smallvec::SmallVec;

/// Most calls have few arguments, which then lie on the stack.
type Arguments = SmallVec<[Value; 4]>;

impl<'t> State<'t, '_, '_> {
    /// `node` is what an error of the function itself names.
    pub(super) fn call_function(
        &mut self,
        dot: &Reflected,
        function: FunctionId,
        name: Span,
        node: At<'t>,
        operands: &'t [Operand],
        last: Option<Value>,
    ) -> Evaluated<Value> {
        let name = self.code.name(name);
        let Some(callee) = self.context.templates.function(function) else {
            return Ok(Value::Nil);
        };
        match callee {
            Callee::Function(function) => {
                let arguments = self.arguments(dot, name, &function.signature, operands, last)?;
                let result = (function.body)(self.context, &arguments);
                self.outcome(node, name, result)
            }
            Callee::Len(function) => {
                let value = match (operands, last) {
                    ([Operand { term: Term::Nil, .. }], None) => Reflected::plain(Value::Nil),
                    ([operand], None) => self.operand(dot, operand)?,
                    ([], Some(last)) => Reflected::plain(last),
                    (_, last) => {
                        self.arguments(dot, name, &function.signature, operands, last)?;
                        return Ok(Value::Nil);
                    }
                };
                let result = match value {
                    Reflected { value: Value::Nil, is_interface: false } => {
                        Err(Fault::new("reflect: call of reflect.Value.Type on zero Value"))
                    }
                    Reflected { value, .. } => (function.body)(self.context, &[value]),
                };
                self.outcome(node, name, result)
            }
            Callee::Special(Special::And) => self.and_or(dot, name, operands, last, false),
            Callee::Special(Special::Or) => self.and_or(dot, name, operands, last, true),
            Callee::Special(Special::Call) => {
                self.at_least_one(name, operands, last.as_ref())?;
                let shown = match (operands.first(), &last) {
                    (Some(operand), _) => self.print_operand(operand),
                    (None, Some(Value::String(text))) => text.to_text().into_owned(),
                    (None, last) => format!("<{} Value>", last.as_ref().map_or("".into(), Value::type_name)),
                };
                let signature = Signature { rest: Some(Type::Any), ..Signature::of(vec![Type::Any]) };
                let arguments = self.arguments(dot, name, &signature, operands, last)?;
                let fault = funcs::call(&shown, arguments.first().unwrap_or(&Value::Nil));
                self.outcome(node, name, Err(fault))
            }
        }
    }

    fn at_least_one(&self, name: &str, operands: &[Operand], last: Option<&Value>) -> Evaluated<()> {
        if operands.is_empty() && last.is_none() {
            return self.fail(format!("wrong number of args for {name}: want at least 1 got 0"));
        }
        Ok(())
    }

    /// `and` and `or` evaluate no further than the first argument that decides, and return it.
    fn and_or(
        &mut self,
        dot: &Reflected,
        name: &str,
        operands: &'t [Operand],
        last: Option<Value>,
        decides: bool,
    ) -> Evaluated<Value> {
        self.at_least_one(name, operands, last.as_ref())?;
        let mut value = Value::Nil;
        for operand in operands {
            value = self.argument(dot, operand, Type::Any)?;
            if value.is_true() == decides {
                return Ok(value);
            }
        }
        Ok(last.unwrap_or(value))
    }

    /// What a function returned, or Go's error of the call.
    pub(super) fn outcome(&mut self, node: At<'t>, name: &str, result: Result<Value, Fault>) -> Evaluated<Value> {
        match result {
            Ok(Value::String(text)) if text.as_bytes().len() > MAXIMUM_SIZE => {
                self.at = node;
                self.fail(format!("error calling {name}: a string of more than {MAXIMUM_SIZE} bytes"))
            }
            Ok(value) => Ok(value),
            Err(fault) => {
                self.at = node;
                self.fail_with(format!("error calling {name}: "), Some(fault))
            }
        }
    }

    pub(super) fn arguments(
        &mut self,
        dot: &Reflected,
        name: &str,
        signature: &Signature,
        operands: &'t [Operand],
        last: Option<Value>,
    ) -> Evaluated<Arguments> {
        let fixed = signature.parameters.len();
        let count = operands.len() + usize::from(last.is_some());
        if signature.rest.is_some() && count < fixed {
            let given = operands.len();
            return self.fail(format!("wrong number of args for {name}: want at least {fixed} got {given}"));
        }
        if signature.rest.is_none() && count != fixed {
            return self.fail(format!("wrong number of args for {name}: want {fixed} got {count}"));
        }
        if let Some(words) = signature.refused {
            return self.fail(words.to_owned());
        }
        let mut types =
            signature.parameters.iter().copied().chain(std::iter::repeat(signature.rest.unwrap_or(Type::Any)));
        let mut arguments = Arguments::new();
        for (operand, expected) in operands.iter().zip(types.by_ref()) {
            arguments.push(self.argument(dot, operand, expected)?);
        }
        if let Some(last) = last {
            let expected = types.next().unwrap_or(Type::Any);
            arguments.push(self.validate(Reflected::plain(last), expected)?);
        }
        Ok(arguments)
    }

    fn argument(&mut self, dot: &Reflected, operand: &'t Operand, expected: Type) -> Evaluated<Value> {
        self.at = At::Operand(operand);
        match operand.term {
            Term::Bool(_) | Term::Number(_) | Term::Verbatim(_) | Term::String(..) => self.constant(operand, expected),
            Term::Nil if can_be_nil(expected) => Ok(Value::Nil),
            Term::Nil => self.fail(format!("cannot assign nil to {}", expected.go_name())),
            _ => {
                let value = self.operand(dot, operand)?;
                self.validate(value, expected)
            }
        }
    }

    /// The value of an operand that is no constant.
    pub(super) fn operand(&mut self, dot: &Reflected, operand: &'t Operand) -> Evaluated<Reflected> {
        self.at = At::Operand(operand);
        match &operand.term {
            Term::Dot => Ok(dot.clone()),
            Term::Field(names) => self.fields(dot, dot.clone(), operand, *names, &[], None),
            Term::Variable(variable, names) => {
                let value = self.variable(variable)?.clone();
                self.fields(dot, value, operand, *names, &[], None)
            }
            Term::Pipe(id) => self.parenthesized(dot, *id).map(Reflected::plain),
            Term::Function(function, name) => {
                let value = self.call_function(dot, *function, *name, At::Operand(operand), &[], None)?;
                // A function that returns nil is declared to return an interface.
                Ok(Reflected { is_interface: matches!(value, Value::Nil), value })
            }
            Term::Chain(start, names) => self.chain(dot, operand, *start, *names, &[], None),
            Term::Nil => self.fail(format!("indirection through explicit nil in {}", self.print_operand(operand))),
            Term::Bool(_) | Term::Number(_) | Term::Verbatim(_) | Term::String(..) => {
                self.constant(operand, Type::Any).map(Reflected::plain)
            }
        }
    }

    pub(super) fn constant(&mut self, operand: &'t Operand, expected: Type) -> Evaluated<Value> {
        let code = self.code;
        let text = match &operand.term {
            Term::Verbatim(span) => Some(code.text(*span)),
            Term::String(id, _) => id.of(&code.strings).map(|text| &**text),
            _ => None,
        };
        let number = match &operand.term {
            Term::Number(id) => id.of(&code.numbers),
            _ => None,
        };
        let integer = number.and_then(|number| number.integer);
        let float = number.and_then(|number| number.float);
        let wanted = match (&operand.term, expected) {
            (Term::Bool(value), Type::Bool | Type::Any) => return Ok(Value::Bool(*value)),
            (_, Type::String | Type::Any) if let Some(text) = text => return Ok(Str::from_slice(text).into()),
            (Term::Number(_), Type::Any) => match (number.and_then(|number| number.ideal), integer, float) {
                (Some(Ideal::Int), Some(integer), _) => return Ok(Value::Int(integer)),
                (Some(Ideal::Float64), _, Some(float)) => return Ok(Value::Float64(float)),
                _ => return self.fail(self.print_operand(operand) + " overflows int"),
            },
            (_, Type::Int) if let Some(integer) = integer => return Ok(Value::Int(integer)),
            (_, Type::Int64) if let Some(integer) = integer => return Ok(Value::Int64(integer)),
            (_, Type::Float64) if let Some(float) = float => return Ok(Value::Float64(float)),
            (_, Type::Duration) if let Some(integer) = integer => return Ok(funcs::span(GoDuration(integer))),
            (_, Type::Uint32) if let Some(Ok(integer)) = integer.map(u64::try_from) => {
                return Ok(Value::Uint64(integer));
            }
            (_, Type::Bool) => "bool",
            (_, Type::Int | Type::Int64 | Type::Duration) => "integer",
            (_, Type::Uint32) => "unsigned integer",
            (_, Type::Float64) => "float",
            (_, Type::String) => "string",
            (_, other) => {
                let (constant, expected) = (self.print_operand(operand), other.go_name());
                return self.fail(format!("can't handle {constant} for arg of type {expected}"));
            }
        };
        self.fail(format!("expected {wanted}; found {}", self.print_operand(operand)))
    }

    /// The value, if it may be assigned to the type.
    fn validate(&self, value: Reflected, expected: Type) -> Evaluated<Value> {
        let Reflected { value, is_interface } = value;
        if is_assignable(&value, expected) || (!is_interface && matches!(value, Value::Nil) && can_be_nil(expected)) {
            return Ok(value);
        }
        let expected = expected.go_name();
        match value {
            Value::Nil if !is_interface => self.fail(format!("invalid value; expected {expected}")),
            Value::Nil => self.fail(format!("wrong type for value; expected {expected}; got {ANY}")),
            other => self.fail(format!("wrong type for value; expected {expected}; got {}", other.type_name())),
        }
    }
}

fn can_be_nil(expected: Type) -> bool {
    match expected {
        Type::Any | Type::List | Type::Strings | Type::Map => true,
        Type::Object(name) => name.starts_with('*'),
        Type::Bool | Type::Int | Type::Int64 | Type::Uint32 | Type::Float64 | Type::String | Type::Duration => false,
    }
}

fn is_assignable(value: &Value, expected: Type) -> bool {
    match (expected, value) {
        (Type::Any, _)
        | (Type::Bool, Value::Bool(_))
        | (Type::Int, Value::Int(_))
        | (Type::Int64, Value::Int64(_))
        | (Type::Float64, Value::Float64(_))
        | (Type::String, Value::String(_)) => true,
        (Type::List, Value::List(List { element, .. })) => *element == ANY,
        (Type::Object(name), Value::Object(object)) => object.type_name() == name,
        (Type::Duration, Value::Object(object)) => object.type_name() == "time.Duration",
        (Type::Strings, Value::List(List { element, .. })) => *element == "string",
        // Named types are assignable to the unnamed type that they are.
        (Type::Map, Value::Map(map)) => {
            !map.type_name.starts_with("map[") || map.type_name == crate::template::value::ANY_MAP
        }
        _ => false,
    }
}
