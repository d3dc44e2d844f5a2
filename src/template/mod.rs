//! Go's text/template with Sprig's and Helm's functions: lex, parse, evaluate.
//!
//! [`Templates`] holds parsed files; [`Templates::execute`] renders one with a data value. Errors carry Go's words and
//! positions. The functions are in `funcs/`, one file a family.

pub mod env;
pub(crate) mod fmt;
pub mod func;
pub mod funcs;
#[cfg(test)]
mod tests;
pub mod value;

pub use env::Env;
pub use value::{List, Map, Object, Str, Value};

/// Why a function failed: Go's `error` value of a function, before the evaluator says where.
#[derive(Debug, Clone)]
pub struct Fault {
    /// The error's text.
    pub message: String,
}

impl Fault {
    /// A failure with this text.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into() }
    }
}

/// What functions with a context may use: the world, the templates, how deep they are.
pub struct Context<'a> {
    /// The world.
    pub env: &'a dyn Env,
}
