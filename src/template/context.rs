//! A rendering: what functions may use, and the calls from template to template.

use super::{
    Env, Error, Fault, HashMap, Options, Templates, Trees,
    ast::{Source, Tree},
    error::{WARNING_END, WARNING_START},
    eval::{self, Reflected},
    fmt::quote,
    func::{Function, with_context},
    provenance::{self, Part, Recorder},
    scope::{MAIN, Scope},
    value::{Map, Str, Value},
};
use std::rc::Rc;

/// How often a template may be included while it is being included, as in Helm.
const MAXIMUM_INCLUDES: u32 = 1000;
/// How deep calls of `include` and `tpl` may nest, whatever their names. Helm has no such limit: it crashes.
const MAXIMUM_DEPTH: usize = 10_000;

/// What would have failed, were it not for linting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Silenced {
    /// `required` of nothing.
    Missing,
    /// `required` of empty text.
    Empty,
    /// `fail`.
    Fail,
}

/// One rendering of a chart's templates. Functions that need more than their arguments get it: the world, the
/// templates, what was computed before.
pub struct Context<'a> {
    /// The world.
    pub env: &'a dyn Env,
    pub(super) templates: &'a Templates,
    pub(super) options: Options,
    pub(super) scope: Rc<Scope>,
    /// What failed while linting, with its message.
    pub silenced: Vec<(Silenced, String)>,
    /// What the running templates have printed, the innermost last.
    pub(super) out: Vec<u8>,
    /// Where the output of the innermost begins in it.
    pub(super) start: usize,
    /// The variables of all running templates, the innermost last.
    pub(super) variables: Vec<eval::Variable>,
    /// How often each name is being included now.
    included: HashMap<Rc<str>, u32>,
    depth: usize,
    /// Where the output comes from, where that is asked for.
    pub(super) recorder: Option<Box<Recorder>>,
    /// Of the template that was executed last.
    parts: Vec<Part>,
    /// Parsed texts of `tpl`.
    texts: HashMap<Str, Rc<Text>>,
}

/// A parsed text of `tpl`.
struct Text {
    main: Rc<Tree>,
    trees: Rc<Trees>,
}

impl<'a> Context<'a> {
    /// A rendering of these templates.
    pub fn new(templates: &'a Templates, options: Options, env: &'a dyn Env) -> Self {
        Self {
            env,
            templates,
            options,
            scope: Scope::new(None, templates.trees.clone()),
            silenced: Vec::new(),
            out: Vec::new(),
            start: 0,
            variables: Vec::new(),
            included: HashMap::default(),
            depth: 0,
            recorder: options.record.then(Box::default),
            parts: Vec::new(),
            texts: HashMap::default(),
        }
    }

    /// Executes the template of this name, without the `<no value>`s that Go prints and Helm removes.
    ///
    /// # Errors
    /// Go's; see [`Error::helm_message`].
    pub fn execute(&mut self, name: &str, data: Value) -> Result<Vec<u8>, Error> {
        if let Some(recorder) = &mut self.recorder {
            recorder.learn(&data);
        }
        let mut text = self.execute_plain(name, data)?;
        let removed = remove_no_value(&mut text);
        provenance::shift(&mut self.parts, &removed, NO_VALUE.len());
        Ok(text)
    }

    /// As [`Context::execute`], with the `<no value>`s.
    ///
    /// # Errors
    /// Those of [`Context::execute`].
    pub fn execute_plain(&mut self, name: &str, data: Value) -> Result<Vec<u8>, Error> {
        let tree = self.find(name)?;
        let result = self.run(&tree, data);
        let text = std::mem::take(&mut self.out);
        result.map(|()| text)
    }

    /// Where each part of the output comes from that the last call of [`Context::execute`] gave, in its order; nothing
    /// unless [`Options::record`] asks for it.
    pub fn parts(&mut self) -> Vec<Part> {
        std::mem::take(&mut self.parts)
    }

    fn find(&self, name: &str) -> Result<Rc<Tree>, Error> {
        self.scope.find(name).cloned().ok_or_else(|| {
            let name = quote(name.as_bytes());
            Error::missing(format!("template: no template {name} associated with template \"{MAIN}\""))
        })
    }

    /// Executes a template inside another, which goes on where it was.
    fn execute_tree(&mut self, tree: &Tree, data: Value) -> Result<Str, Error> {
        let outer = std::mem::replace(&mut self.start, self.out.len());
        let result = self.run(tree, data).map(|()| Str::from_slice(self.printed()));
        self.out.truncate(self.start);
        self.start = outer;
        result
    }

    fn run(&mut self, tree: &Tree, data: Value) -> Result<(), Error> {
        if let Some(recorder) = &mut self.recorder {
            recorder.begin_output();
        }
        let result = eval::execute(self, tree, Reflected::plain(data));
        if let Some(mut recorder) = self.recorder.take() {
            self.parts = recorder.end_output(self.printed());
            self.recorder = Some(recorder);
        }
        result.map_err(|error| *error)
    }

    /// What the innermost template has printed.
    fn printed(&self) -> &[u8] {
        self.out.get(self.start..).unwrap_or_default()
    }

    fn enter(&mut self) -> Result<(), Fault> {
        if self.depth == MAXIMUM_DEPTH {
            return Err(Fault::new(format!("exceeded maximum depth of include and tpl ({MAXIMUM_DEPTH})")));
        }
        self.depth += 1;
        Ok(())
    }

    fn include(&mut self, name: &str, data: Value) -> Result<Str, Fault> {
        let count = self.included.get(name).copied().unwrap_or_default();
        if count > MAXIMUM_INCLUDES {
            return Err(Fault::new(format!(
                "rendering template has a nested reference name: {name}: unable to execute template"
            )));
        }
        self.enter()?;
        self.count_include(name, count + 1);
        let result = self.find(name).and_then(|tree| self.execute_tree(&tree, data));
        self.count_include(name, count);
        self.depth -= 1;
        result.map_err(|error| Fault { message: String::new(), cause: Some(Box::new(error)) })
    }

    fn count_include(&mut self, name: &str, count: u32) {
        match self.included.get_mut(name) {
            Some(known) => *known = count,
            None => {
                self.included.insert(name.into(), count);
            }
        }
    }

    /// Helm clones all templates for each call, so that what the text defines is seen by what it calls and by nobody
    /// else; a scope in front of the others does the same.
    fn tpl(&mut self, text: &Str, data: Value) -> Result<Str, Fault> {
        let parsed = self.parsed(text).map_err(|error| Fault {
            message: format!("cannot parse template {}: ", quote(text.as_bytes())),
            cause: Some(Box::new(error)),
        })?;
        self.enter()?;
        let inner = Scope::new(Some(self.scope.clone()), parsed.trees.clone());
        let outer = std::mem::replace(&mut self.scope, inner);
        let result = self.execute_tree(&parsed.main, data);
        self.scope = outer;
        self.depth -= 1;
        result.map(without_no_value).map_err(|error| Fault {
            message: format!("error during tpl function execution for {}: ", quote(text.as_bytes())),
            cause: Some(Box::new(error)),
        })
    }

    fn parsed(&mut self, text: &Str) -> Result<Rc<Text>, Error> {
        if let Some(parsed) = self.texts.get(text) {
            return Ok(parsed.clone());
        }
        let source = Source { name: MAIN.into(), text: text.as_bytes().to_vec().into() };
        let trees: Vec<Rc<Tree>> = Tree::all(self.templates.parse(source)?).map(Rc::new).collect();
        // The text's own template comes last.
        let main = trees.last().cloned().ok_or_else(|| Error::missing(format!("template: no template {MAIN}")))?;
        let trees = trees.into_iter().map(|tree| (tree.name.clone(), tree)).collect();
        let parsed = Rc::new(Text { main, trees: Rc::new(trees) });
        self.texts.insert(text.clone(), parsed.clone());
        Ok(parsed)
    }

    fn required(&mut self, warning: &Str, value: Value) -> Result<Value, Fault> {
        match &value {
            Value::Nil => self.warn(warning, Silenced::Missing),
            Value::String(text) if text.as_bytes().is_empty() => self.warn(warning, Silenced::Empty),
            _ => Ok(value),
        }
    }

    /// Fails so that Helm finds the message in whatever is around it; only notes it while linting.
    fn warn(&mut self, warning: &Str, kind: Silenced) -> Result<Value, Fault> {
        if self.options.lint {
            self.silenced.push((kind, warning.to_text().into_owned()));
            return Ok("".into());
        }
        Err(Fault::new(format!("{WARNING_START}{}{WARNING_END}", warning.to_text())))
    }

    fn lookup(&self, api_version: &Str, kind: &Str, namespace: &Str, name: &Str) -> Result<Value, Fault> {
        if self.options.lint {
            return Ok(Map::new().into());
        }
        let [api_version, kind, namespace, name] = [api_version, kind, namespace, name].map(Str::to_text);
        let found = self.env.lookup(&api_version, &kind, &namespace, &name).map_err(Fault::new)?;
        Ok(Value::from_json(&found))
    }
}

const NO_VALUE: &[u8] = b"<no value>";

/// Go prints `<no value>` for what is missing even where it is told to print the zero value; Helm removes it afterwards,
/// wherever it comes from. Tells where it was.
fn remove_no_value(text: &mut Vec<u8>) -> Vec<usize> {
    let found: Vec<usize> = memchr::memmem::find_iter(text, NO_VALUE).collect();
    if found.is_empty() {
        return found;
    }
    let mut kept = Vec::with_capacity(text.len());
    let mut start = 0;
    for &position in &found {
        kept.extend_from_slice(text.get(start..position).unwrap_or_default());
        start = position + NO_VALUE.len();
    }
    kept.extend_from_slice(text.get(start..).unwrap_or_default());
    *text = kept;
    found
}

fn without_no_value(text: Str) -> Str {
    if memchr::memmem::find(text.as_bytes(), NO_VALUE).is_none() {
        return text;
    }
    let mut bytes = text.as_bytes().to_vec();
    remove_no_value(&mut bytes);
    Str::from_bytes(bytes)
}

/// Helm's functions that belong to a rendering.
pub(super) fn functions() -> Vec<(&'static str, Function)> {
    vec![
        (
            "include",
            with_context(|context: &mut Context<'_>, name: Str, data: Value| context.include(&name.to_text(), data)),
        ),
        ("tpl", with_context(|context: &mut Context<'_>, text: Str, data: Value| context.tpl(&text, data))),
        (
            "required",
            with_context(|context: &mut Context<'_>, warning: Str, value: Value| context.required(&warning, value)),
        ),
        ("fail", with_context(|context: &mut Context<'_>, warning: Str| context.warn(&warning, Silenced::Fail))),
        (
            "lookup",
            with_context(|context: &mut Context<'_>, api_version: Str, kind: Str, namespace: Str, name: Str| {
                context.lookup(&api_version, &kind, &namespace, &name)
            }),
        ),
    ]
}
