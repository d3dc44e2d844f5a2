//! Go's text/template with Sprig's and Helm's functions: lex, parse, evaluate.
//!
//! [`Templates`] holds parsed files; a [`Context`] is one rendering of them, and [`Context::execute`] executes one with a
//! data value. Errors carry Go's words and positions. The functions are in `funcs/`, one file a family.

mod ast;
mod context;
pub mod env;
mod error;
mod eval;
pub(crate) mod fmt;
pub mod func;
pub mod funcs;
mod lex;
mod methods;
pub(crate) mod parallel;
mod parse;
mod provenance;
mod scope;
mod stack;
mod table;
#[cfg(test)]
mod tests;
pub mod time;
pub mod value;

pub use context::{Context, Silenced};
pub use env::{Env, PostRender};
pub use error::{Error, Location};
pub use func::Function;
pub(crate) use funcs::{Regex, check_regex, clean_path, compile_regex, parse_url};
pub use provenance::{Origin, Part, Place, parts_of};
pub use value::{List, Map, Object, Str, Value};

use ast::{FunctionId, Parsed, Source, Tree};
use bytes::Bytes;
use func::{Callee, Special};
use std::{rc::Rc, sync::Arc};

/// How templates are executed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Whether a missing key is an error, `--strict`.
    pub strict: bool,
    /// Whether `required` and `fail` say nothing and `lookup` finds nothing.
    pub lint: bool,
    /// Whether it is recorded where the output comes from, for [`Context::parts`].
    pub record: bool,
}

/// Parsed templates that can call each other, and the functions that they call.
pub struct Templates {
    names: FunctionNames,
    functions: Vec<Callee>,
    trees: Rc<Trees>,
}

/// A map whose hasher takes a fraction of the time of the standard library's for names, and is seeded at random as well.
type HashMap<K, V> = std::collections::HashMap<K, V, foldhash::fast::RandomState>;

/// Functions by their names.
type FunctionNames = HashMap<&'static [u8], FunctionId>;

/// Templates by their names.
type Trees = HashMap<Arc<str>, Rc<Tree>>;

impl Templates {
    /// No templates yet, but all functions.
    pub fn new() -> Self {
        let special = [
            ("and", Callee::Special(Special::And)),
            ("or", Callee::Special(Special::Or)),
            ("call", Callee::Special(Special::Call)),
        ];
        let all = context::functions().into_iter().chain(funcs::all());
        let all = all.map(|(name, function)| match name {
            "len" => (name, Callee::Len(function)),
            _ => (name, Callee::Function(function)),
        });
        let (names, functions): (Vec<_>, Vec<_>) = special.into_iter().chain(all).unzip();
        let names = names.into_iter().map(str::as_bytes).zip((0..).map(FunctionId)).collect();
        Self { names, functions, trees: Rc::default() }
    }

    /// Parses files, each a name and a text, and adds their templates and those that they define. Of two with the same
    /// name the later one counts, unless nothing but space is in it. Helm adds the deepest files first.
    ///
    /// # Errors
    /// What Go's parser says of the first file that it refuses; see [`Error::helm_message`].
    pub fn add(&mut self, files: &[(Arc<str>, Bytes)]) -> Result<(), Error> {
        let names = &self.names;
        let bytes = files.iter().map(|(_, text)| text.len()).sum();
        let parsed = parallel::map(&same_texts(files), bytes, |same| parse_same(same, names));
        let mut parsed: Vec<_> = parsed.into_iter().collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect();
        parsed.sort_unstable_by_key(|(index, _)| *index);
        let trees = Rc::make_mut(&mut self.trees);
        for tree in parsed.into_iter().flat_map(|(_, file)| Tree::all(file)) {
            if !tree.is_empty || !trees.contains_key(&tree.name) {
                trees.insert(tree.name.clone(), tree.into());
            }
        }
        Ok(())
    }

    fn parse(&self, source: Source) -> Result<Parsed, Error> {
        parse::parse(source, &self.names)
    }

    fn function(&self, id: FunctionId) -> Option<&Callee> {
        self.functions.get(usize::from(id.0))
    }
}

/// A file and which one it is.
type File<'f> = (usize, &'f (Arc<str>, Bytes));

/// Files by their texts, those of one text together, in the order of the first of each. A library chart is in many
/// sub-charts, so only files of one name and length are compared.
fn same_texts(files: &[(Arc<str>, Bytes)]) -> Vec<Vec<File<'_>>> {
    let mut texts: Vec<Vec<File<'_>>> = Vec::with_capacity(files.len());
    let mut known: HashMap<(&str, usize), usize> = HashMap::with_capacity_and_hasher(files.len(), Default::default());
    for file @ (_, (name, text)) in files.iter().enumerate() {
        let base = name.rsplit_once('/').map_or(&**name, |(_, base)| base);
        let place = *known.entry((base, text.len())).or_insert(texts.len());
        match texts.get_mut(place) {
            Some(same) if same.first().is_some_and(|(_, (_, first))| first == text) => same.push(file),
            _ => texts.push(vec![file]),
        }
    }
    texts
}

/// Parses files of one text.
fn parse_same(same: &[File<'_>], names: &FunctionNames) -> Result<Vec<(usize, Parsed)>, Error> {
    let mut all: Vec<(usize, Parsed)> = Vec::with_capacity(same.len());
    for (index, (name, text)) in same {
        let renamed = all.first().and_then(|(_, first)| first.renamed(name));
        let parsed = match renamed {
            Some(parsed) => parsed,
            None => parse::parse(Source { name: name.clone(), text: text.clone() }, names)?,
        };
        all.push((*index, parsed));
    }
    Ok(all)
}

impl Default for Templates {
    fn default() -> Self {
        Self::new()
    }
}

/// Why a function failed: Go's `error` value of a function, before the evaluator says where.
#[derive(Debug, Clone)]
pub struct Fault {
    /// The error's text, or what stands before that of its cause.
    pub message: String,
    /// The error of a template that the function executed.
    pub cause: Option<Box<Error>>,
}

impl Fault {
    /// A failure with this text.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), cause: None }
    }
}
