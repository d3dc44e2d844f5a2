//! Functions that templates call: plain typed Rust functions, made callable by [`function`] and [`with_context`].
//! How values become arguments is said once, in [`Argument`]; the evaluator checks types beforehand, with Go's words.

use super::{
    Context, Fault,
    value::{ANY_MAP, List, Map, Str, Value},
};

/// A Go type as a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// `interface {}`.
    Any,
    /// `bool`.
    Bool,
    /// `int`.
    Int,
    /// `int64`.
    Int64,
    /// `float64`.
    Float64,
    /// `string`.
    String,
    /// `[]interface {}`.
    List,
    /// `[]string`.
    Strings,
    /// `map[string]interface {}`.
    Map,
    /// `uint32`, which only constants can be.
    Uint32,
    /// `time.Duration`, which constants can be as well.
    Duration,
    /// An [`Object`](super::Object) of the type of this name.
    Object(&'static str),
}

impl Type {
    /// Go's name of it, as errors print it.
    pub fn go_name(self) -> &'static str {
        match self {
            Self::Any => "interface {}",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Int64 => "int64",
            Self::Float64 => "float64",
            Self::String => "string",
            Self::List => "[]interface {}",
            Self::Strings => "[]string",
            Self::Map => "map[string]interface {}",
            Self::Uint32 => "uint32",
            Self::Duration => "time.Duration",
            Self::Object(name) => name,
        }
    }
}

/// What a function takes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Signature {
    /// The fixed parameters.
    pub parameters: Vec<Type>,
    /// The type of each further argument of a variadic function.
    pub rest: Option<Type>,
    /// Go's words for a method that gives several results, which no template can take.
    pub refused: Option<&'static str>,
}

impl Signature {
    /// Takes just these.
    pub fn of(parameters: Vec<Type>) -> Self {
        Self { parameters, ..Self::default() }
    }
}

/// A function that templates can call by name.
pub struct Function {
    /// What it takes.
    pub signature: Signature,
    /// Its body; gets arguments that fit the signature.
    pub body: Box<Body>,
}

/// Functions whose arguments the evaluator treats in a way of their own, and all others.
pub(super) enum Callee {
    Special(Special),
    /// Go's `len` tells no value at all from a nil value, which nothing else does.
    Len(Function),
    Function(Function),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Special {
    And,
    Or,
    Call,
}

type Body = dyn Fn(&mut Context<'_>, &[Value]) -> Result<Value, Fault>;

/// How a parameter is taken from an argument that the evaluator found to fit [`Argument::TYPE`].
pub trait Argument: Sized {
    /// Its Go type.
    const TYPE: Type;
    /// The argument as this type; the zero value where it does not fit.
    fn take(value: &Value) -> Self;
}

/// The further arguments of a variadic function.
pub struct Rest<T>(pub Vec<T>);

/// How a result becomes a value.
pub trait Outcome {
    /// The value, or why there is none.
    ///
    /// # Errors
    /// The function's own error.
    fn give(self) -> Result<Value, Fault>;
}

impl<T: Into<Value>> Outcome for T {
    fn give(self) -> Result<Value, Fault> {
        Ok(self.into())
    }
}

impl<T: Into<Value>> Outcome for Result<T, Fault> {
    fn give(self) -> Result<Value, Fault> {
        self.map(Into::into)
    }
}

impl Argument for Value {
    const TYPE: Type = Type::Any;
    fn take(value: &Value) -> Self {
        value.clone()
    }
}

impl Argument for bool {
    const TYPE: Type = Type::Bool;
    fn take(value: &Value) -> Self {
        matches!(value, Value::Bool(true))
    }
}

/// Go's `uint32`.
impl Argument for u32 {
    const TYPE: Type = Type::Uint32;
    fn take(value: &Value) -> Self {
        match value {
            Value::Uint64(value) => *value as Self,
            _ => 0,
        }
    }
}

/// Go's `int`.
impl Argument for i64 {
    const TYPE: Type = Type::Int;
    fn take(value: &Value) -> Self {
        match value {
            Value::Int(value) | Value::Int64(value) => *value,
            _ => 0,
        }
    }
}

impl Argument for f64 {
    const TYPE: Type = Type::Float64;
    fn take(value: &Value) -> Self {
        match value {
            Value::Float64(value) => *value,
            _ => 0.0,
        }
    }
}

impl Argument for Str {
    const TYPE: Type = Type::String;
    fn take(value: &Value) -> Self {
        match value {
            Value::String(text) => text.clone(),
            _ => "".into(),
        }
    }
}

impl Argument for List {
    const TYPE: Type = Type::List;
    fn take(value: &Value) -> Self {
        match value {
            Value::List(list) => list.clone(),
            _ => Self { is_nil: true, ..Self::any(Vec::new()) },
        }
    }
}

impl Argument for Map {
    const TYPE: Type = Type::Map;
    fn take(value: &Value) -> Self {
        match value {
            // Go's parameter is of the plain type, whatever name the argument's had.
            Value::Map(map) => Self { type_name: ANY_MAP, entries: map.entries.clone() },
            _ => Self::new(),
        }
    }
}

/// A map that may be Go's nil map.
impl Argument for Option<Map> {
    const TYPE: Type = Type::Map;
    fn take(value: &Value) -> Self {
        matches!(value, Value::Map(_)).then(|| Map::take(value))
    }
}

/// A plain function as a template function: `function(trunc)` for `fn trunc(length: i64, text: Str) -> String`.
pub fn function<P>(body: impl Plain<P>) -> Function {
    body.into_function()
}

/// A function whose first parameter is the [`Context`]: for `include`, `now`, `randAlpha`, `lookup`.
pub fn with_context<P>(body: impl Contextual<P>) -> Function {
    body.into_function()
}

/// What [`function`] takes.
pub trait Plain<P> {
    /// It as a template function.
    fn into_function(self) -> Function;
}

/// What [`with_context`] takes.
pub trait Contextual<P> {
    /// It as a template function.
    fn into_function(self) -> Function;
}

macro_rules! arities {
    ($(($($name:ident)*))*) => {$(
        impl<F, R, $($name),*> Plain<($($name,)* R,)> for F
        where F: Fn($($name),*) -> R + 'static, R: Outcome, $($name: Argument),*
        {
            fn into_function(self) -> Function {
                let signature = Signature::of(vec![$($name::TYPE),*]);
                Function { signature, body: Box::new(move |_, _arguments| {
                    let mut _next = _arguments.iter();
                    self($($name::take(_next.next().unwrap_or(&Value::Nil))),*).give()
                }) }
            }
        }

        impl<F, R, V, $($name),*> Plain<($($name,)* Rest<V>, R)> for F
        where F: Fn($($name,)* Rest<V>) -> R + 'static, R: Outcome, V: Argument, $($name: Argument),*
        {
            fn into_function(self) -> Function {
                let signature = Signature { rest: Some(V::TYPE), ..Signature::of(vec![$($name::TYPE),*]) };
                Function { signature, body: Box::new(move |_, arguments| {
                    let mut _next = arguments.iter();
                    self($($name::take(_next.next().unwrap_or(&Value::Nil)),)* Rest(_next.map(V::take).collect())).give()
                }) }
            }
        }

        impl<F, R, $($name),*> Contextual<($($name,)* R,)> for F
        where F: Fn(&mut Context<'_>, $($name),*) -> R + 'static, R: Outcome, $($name: Argument),*
        {
            fn into_function(self) -> Function {
                let signature = Signature::of(vec![$($name::TYPE),*]);
                Function { signature, body: Box::new(move |context, _arguments| {
                    let mut _next = _arguments.iter();
                    self(context, $($name::take(_next.next().unwrap_or(&Value::Nil))),*).give()
                }) }
            }
        }
    )*};
}

arities! { () (A) (A B) (A B C) (A B C D) (A B C D E) (A B C D E G) }
