//! Makes schemas ready (santhosh-tekuri/jsonschema 6, `compiler.go`, `objcompiler.go`): every keyword becomes a
//! [`Check`], in the order in which that library reports what is wrong.

use std::{collections::HashMap, slice};

use serde_json::{Map, Value};

use super::{
    document::{Document, Draft, address},
    formats,
    node::{Anchors, Check, Compiled, Dependency, Id, Limit, Node, Others, Pattern, Types},
    url,
};
use crate::template::fmt::quote;

/// A part of a document that is used as a schema where no draft expects one: it has still to be checked.
pub(super) struct Unexpected<'d> {
    pub(super) draft: Draft,
    pub(super) part: &'d Value,
    pub(super) location: String,
}

/// Why schemas cannot be compiled.
pub(super) enum Stop {
    /// A document is needed that is not there yet.
    Missing(String),
    /// Something is wrong, in the library's words.
    Error(String),
}

/// Compiles the first document's schema, which becomes the first, and all that it refers to.
///
/// # Errors
/// A document that is missing, or what is wrong.
pub(super) fn compile<'d>(documents: &[Document<'d>]) -> Result<(Compiled<'d>, Vec<Unexpected<'d>>), Stop> {
    let mut compiler = Compiler::new(documents);
    if let Some(document) = documents.first() {
        compiler.enqueue(document.root, 0, 0);
    }
    let mut next = 0;
    while let Some(work) = compiler.queue.get(next).copied() {
        compiler.schema(work)?;
        next += 1;
    }
    Ok((compiler.compiled, compiler.unexpected))
}

#[derive(Clone, Copy)]
struct Work<'d> {
    id: Id,
    value: &'d Value,
    document: usize,
    resource: usize,
}

struct Compiler<'d, 'c> {
    documents: &'c [Document<'d>],
    /// The place of each document's first resource among all.
    offsets: Vec<usize>,
    compiled: Compiled<'d>,
    ids: HashMap<usize, Id>,
    queue: Vec<Work<'d>>,
    unexpected: Vec<Unexpected<'d>>,
}

impl<'d, 'c> Compiler<'d, 'c> {
    fn new(documents: &'c [Document<'d>]) -> Self {
        let mut offsets = Vec::new();
        let mut compiled = Compiled::default();
        for document in documents {
            offsets.push(compiled.resources.len());
            compiled.resources.extend(document.resources.iter().map(|_| Anchors::default()));
        }
        Self { documents, offsets, compiled, ids: HashMap::new(), queue: Vec::new(), unexpected: Vec::new() }
    }

    fn enqueue(&mut self, value: &'d Value, document: usize, within: usize) -> Id {
        let next = self.compiled.nodes.len();
        let id = *self.ids.entry(address(value)).or_insert(next);
        if id == next {
            let own = self.documents.get(document).and_then(|document| document.resource_at(value));
            self.compiled.nodes.push(Node::default());
            let place = self.documents.get(document).map_or(("", value), |document| (document.url, document.root));
            self.compiled.places.push((place.0, place.1, value));
            self.queue.push(Work { id, value, document, resource: own.unwrap_or(within) });
        }
        id
    }

    fn schema(&mut self, work: Work<'d>) -> Result<(), Stop> {
        let Some(document) = self.documents.get(work.document) else { return Ok(()) };
        let Some(resource) = document.resources.get(work.resource) else { return Ok(()) };
        let global = self.offsets.get(work.document).copied().unwrap_or_default() + work.resource;
        // The dynamic anchors of a resource count as soon as one of its schemas is on the way to a reference.
        if address(resource.root) == address(work.value) {
            let mut anchors = Anchors::default();
            for anchor in &resource.dynamic {
                if let Some(value) = resource.anchors.get(anchor) {
                    anchors.dynamic.push((anchor, self.enqueue(value, work.document, work.resource)));
                }
            }
            anchors.is_recursive = work.value.get("$recursiveAnchor") == Some(&Value::Bool(true));
            if let Some(slot) = self.compiled.resources.get_mut(global) {
                *slot = anchors;
            }
        } else {
            self.enqueue(resource.root, work.document, work.resource);
        }
        let mut node = match work.value {
            Value::Bool(always) => Node { always: Some(*always), ..Node::default() },
            Value::Object(schema) if schema.is_empty() => Node { always: Some(true), ..Node::default() },
            Value::Object(schema) => Keywords { compiler: self, schema, work, draft: resource.draft }.read()?,
            _ => Node::default(),
        };
        node.resource = global;
        if let Some(slot) = self.compiled.nodes.get_mut(work.id) {
            *slot = node;
        }
        Ok(())
    }

    /// The schema that a reference names.
    fn resolve(&mut self, reference: &str, work: Work<'d>) -> Result<Id, Stop> {
        let documents = self.documents;
        let here = documents.get(work.document);
        let base = here.and_then(|here| here.resources.get(work.resource)).map_or("", |resource| resource.id.as_str());
        let fragment = reference.split_once('#').map_or("", |(_, fragment)| fragment);
        if let Err(problem) = url::decode(reference.split('#').next().unwrap_or_default()) {
            let quoted = quote(reference.as_bytes());
            return Err(Stop::Error(format!("error in parsing {quoted}: parse {quoted}: {problem}")));
        }
        let fragment = url::decode(fragment)
            .map_err(|problem| Stop::Error(format!("error in parsing {}: {problem}", quote(reference.as_bytes()))))?;
        let target = url::join(base, reference);
        let local = here.and_then(|here| here.resource_of(&target));
        let (document, resource) = match local {
            Some(resource) => (work.document, resource),
            None => match documents.iter().position(|document| document.url == target) {
                Some(document) => (document, 0),
                None => return Err(Stop::Missing(target)),
            },
        };
        self.fragment(document, resource, &fragment)
    }

    fn fragment(&mut self, document: usize, resource: usize, fragment: &str) -> Result<Id, Stop> {
        let documents = self.documents;
        let Some((place, document)) = documents.get(document).map(|found| (document, found)) else {
            return Err(Stop::Error("no such document".to_owned()));
        };
        let Some(start) = document.resources.get(resource) else {
            return Err(Stop::Error("no such resource".to_owned()));
        };
        if !fragment.is_empty() && !fragment.starts_with('/') {
            let Some(value) = start.anchors.get(fragment) else {
                let reference = quote(format!("{}#{fragment}", start.id).as_bytes());
                let words = format!("anchor in {reference} not found in schema {}", quote(document.url.as_bytes()));
                return Err(Stop::Error(words));
            };
            return Ok(self.enqueue(value, place, resource));
        }
        let mut value = start.root;
        let mut within = resource;
        for token in fragment.split('/').skip(1) {
            let token = token.replace("~1", "/").replace("~0", "~");
            let inner = match value {
                Value::Array(list) => token.parse::<usize>().ok().and_then(|index| list.get(index)),
                Value::Object(table) => table.get(&token),
                _ => None,
            };
            let Some(inner) = inner else {
                let location = quote(format!("{}#{fragment}", document.url).as_bytes());
                return Err(Stop::Error(format!("json-pointer in {location} not found")));
            };
            value = inner;
            within = document.resource_at(value).unwrap_or(within);
        }
        if !document.is_schema(value) && !self.ids.contains_key(&address(value)) {
            let draft = document.resources.get(within).map_or(Draft::V2020, |resource| resource.draft);
            let location = format!("{}#{fragment}", document.url);
            self.unexpected.push(Unexpected { draft, part: value, location });
        }
        Ok(self.enqueue(value, place, within))
    }
}

struct Keywords<'d, 'c, 'a> {
    compiler: &'a mut Compiler<'d, 'c>,
    schema: &'d Map<String, Value>,
    work: Work<'d>,
    draft: Draft,
}

impl<'d> Keywords<'d, '_, '_> {
    fn read(&mut self) -> Result<Node<'d>, Stop> {
        let mut node = Node::default();
        if let Some(reference) = self.text("$ref") {
            let target = self.compiler.resolve(reference, self.work)?;
            if self.draft < Draft::V2019 {
                node.checks.push(Check::Reference(target));
                return Ok(node);
            }
        }
        self.any_type(&mut node)?;
        self.tables(&mut node)?;
        self.lists(&mut node);
        self.texts(&mut node)?;
        self.numbers(&mut node);
        self.references(&mut node)?;
        self.combinations(&mut node);
        Ok(node)
    }

    fn get(&self, key: &str, since: Draft) -> Option<&'d Value> {
        if self.draft < since { None } else { self.schema.get(key) }
    }

    fn text(&self, key: &str) -> Option<&'d str> {
        self.schema.get(key)?.as_str()
    }

    fn count(&self, key: &str) -> Option<u64> {
        let number = self.schema.get(key)?;
        number.as_u64().or_else(|| number.as_f64().filter(|number| number.fract() == 0.0).map(|number| number as u64))
    }

    fn enqueue(&mut self, value: &'d Value) -> Id {
        self.compiler.enqueue(value, self.work.document, self.work.resource)
    }

    fn one(&mut self, key: &str, since: Draft) -> Option<Id> {
        let value = self.get(key, since)?;
        Some(self.enqueue(value))
    }

    fn list(&mut self, key: &str) -> Vec<Id> {
        let list = self.schema.get(key).and_then(Value::as_array);
        list.into_iter().flatten().map(|value| self.enqueue(value)).collect()
    }

    fn table(&mut self, key: &str, since: Draft) -> Vec<(&'d str, Id)> {
        let table = self.get(key, since).and_then(Value::as_object);
        table.into_iter().flatten().map(|(name, value)| (name.as_str(), self.enqueue(value))).collect()
    }

    fn others(&mut self, key: &str) -> Option<Others> {
        Some(match self.schema.get(key)? {
            Value::Bool(true) => Others::Allowed,
            Value::Bool(false) => Others::Refused,
            value => Others::Schema(self.enqueue(value)),
        })
    }

    fn pattern(&self, text: &'d str, key: &str) -> Result<Pattern<'d>, Stop> {
        match formats::regex(text) {
            Ok(()) => Ok(Pattern::new(text)),
            Err(problem) => {
                let location = format!("{}/{key}", self.compiler.compiled.location(self.work.id));
                let (text, location) = (quote(text.as_bytes()), quote(location.as_bytes()));
                Err(Stop::Error(format!("invalid regex {text} at {location}: {problem}")))
            }
        }
    }

    fn any_type(&mut self, node: &mut Node<'d>) -> Result<(), Stop> {
        if let Some(names) = self.schema.get("type") {
            let names = names.as_array().map_or(slice::from_ref(names), Vec::as_slice);
            let types = Types::of(texts(names));
            node.checks.extend((!types.is_empty()).then_some(Check::Type(types)));
        }
        node.checks.extend(self.get("const", Draft::V6).map(Check::Const));
        if let Some(values) = self.schema.get("enum").and_then(Value::as_array) {
            node.checks.push(Check::Enum(values));
        }
        // Formats are only notes since 2019, but in the drafts' own schemas.
        let is_own = self.compiler.documents.get(self.work.document).is_some_and(|document| is_own(document.url));
        if let Some(name) = self.text("format")
            && (self.draft < Draft::V2019 || is_own)
            && let Some(format) = formats::find(name)
        {
            node.checks.push(Check::Format(name, format));
        }
        if let Some(reference) = self.text("$ref") {
            node.checks.push(Check::Reference(self.compiler.resolve(reference, self.work)?));
        }
        Ok(())
    }

    fn tables(&mut self, node: &mut Node<'d>) -> Result<(), Stop> {
        node.checks.extend(self.count("minProperties").map(Check::MinProperties));
        node.checks.extend(self.count("maxProperties").map(Check::MaxProperties));
        if let Some(names) = self.schema.get("required").and_then(Value::as_array).filter(|names| !names.is_empty()) {
            node.checks.push(Check::Required(texts(names)));
        }
        let mut dependencies = Vec::new();
        for (name, value) in self.schema.get("dependencies").and_then(Value::as_object).into_iter().flatten() {
            dependencies.push((name.as_str(), self.dependency(value)));
        }
        if !dependencies.is_empty() {
            node.checks.push(Check::Dependencies(dependencies));
        }
        self.members(node)?;
        node.checks.extend(self.one("propertyNames", Draft::V6).map(Check::PropertyNames));
        let mut dependents: Vec<(&str, Dependency)> = Vec::new();
        for (name, id) in self.table("dependentSchemas", Draft::V2019) {
            dependents.push((name, Dependency::Schema(id)));
        }
        let required = self.get("dependentRequired", Draft::V2019).and_then(Value::as_object);
        for (name, value) in required.into_iter().flatten() {
            dependents.extend(value.as_array().map(|names| (name.as_str(), Dependency::Properties(texts(names)))));
        }
        if !dependents.is_empty() {
            node.checks.push(Check::Dependencies(dependents));
        }
        node.unevaluated_properties = self.one("unevaluatedProperties", Draft::V2019);
        Ok(())
    }

    fn dependency(&mut self, value: &'d Value) -> Dependency<'d> {
        match value {
            Value::Array(names) => Dependency::Properties(texts(names)),
            value => Dependency::Schema(self.enqueue(value)),
        }
    }

    fn members(&mut self, node: &mut Node<'d>) -> Result<(), Stop> {
        let properties = self.table("properties", Draft::V4);
        let mut patterns = Vec::new();
        for (text, id) in self.table("patternProperties", Draft::V4) {
            patterns.push((self.pattern(text, "patternProperties")?, id));
        }
        let others = self.others("additionalProperties");
        node.all_properties = others.is_some();
        if !properties.is_empty() || !patterns.is_empty() || others.is_some() {
            node.checks.push(Check::Members { properties, patterns, others });
        }
        Ok(())
    }

    fn lists(&mut self, node: &mut Node<'d>) {
        node.checks.extend(self.count("minItems").map(Check::MinItems));
        node.checks.extend(self.count("maxItems").map(Check::MaxItems));
        if self.schema.get("uniqueItems") == Some(&Value::Bool(true)) {
            node.checks.push(Check::UniqueItems);
        }
        let (first, others) = if self.draft >= Draft::V2020 {
            (self.list("prefixItems"), self.one("items", Draft::V2020).map(Others::Schema))
        } else if self.schema.get("items").is_some_and(Value::is_array) {
            (self.list("items"), self.others("additionalItems"))
        } else {
            (Vec::new(), self.one("items", Draft::V4).map(Others::Schema))
        };
        node.all_items = others.is_some();
        node.first_items = first.len();
        if !first.is_empty() || others.is_some() {
            node.checks.push(Check::Items { first, others });
        }
        if let Some(schema) = self.one("contains", Draft::V6) {
            let is_new = self.draft >= Draft::V2019;
            let min = self.count("minContains").filter(|_| is_new);
            let max = self.count("maxContains").filter(|_| is_new);
            node.checks.push(Check::Contains { schema, min, max, evaluates: self.draft >= Draft::V2020 });
        }
        node.unevaluated_items = self.one("unevaluatedItems", Draft::V2019);
    }

    fn texts(&mut self, node: &mut Node<'d>) -> Result<(), Stop> {
        node.checks.extend(self.count("minLength").map(Check::MinLength));
        node.checks.extend(self.count("maxLength").map(Check::MaxLength));
        if let Some(text) = self.text("pattern") {
            node.checks.push(Check::Pattern(self.pattern(text, "pattern")?));
        }
        Ok(())
    }

    /// In draft 4 `exclusiveMinimum` is a boolean that changes `minimum`; every draft reads it so.
    fn numbers(&mut self, node: &mut Node<'d>) {
        let number = |key: &str| self.schema.get(key).and_then(Value::as_f64);
        let is_exclusive = |key: &str| self.schema.get(key) == Some(&Value::Bool(true));
        let minimum = if is_exclusive("exclusiveMinimum") { Limit::ExclusiveMinimum } else { Limit::Minimum };
        let maximum = if is_exclusive("exclusiveMaximum") { Limit::ExclusiveMaximum } else { Limit::Maximum };
        let limits = [
            (minimum, number("minimum")),
            (maximum, number("maximum")),
            (Limit::ExclusiveMinimum, number("exclusiveMinimum")),
            (Limit::ExclusiveMaximum, number("exclusiveMaximum")),
            (Limit::MultipleOf, number("multipleOf")),
        ];
        node.checks.extend(limits.into_iter().filter_map(|(limit, number)| Some(Check::Limit(limit, number?))));
    }

    fn references(&mut self, node: &mut Node<'d>) -> Result<(), Stop> {
        if self.draft < Draft::V2019 {
            return Ok(());
        }
        if let Some(reference) = self.text("$recursiveRef") {
            node.checks.push(Check::RecursiveReference(self.compiler.resolve(reference, self.work)?));
        }
        node.recursive_anchor = self.schema.get("$recursiveAnchor") == Some(&Value::Bool(true));
        if self.draft < Draft::V2020 {
            return Ok(());
        }
        if let Some(reference) = self.text("$dynamicRef") {
            let anchor = reference.split_once('#').map(|(_, anchor)| anchor);
            let anchor = anchor.filter(|anchor| !anchor.is_empty() && !anchor.starts_with('/'));
            node.checks.push(Check::DynamicReference(self.compiler.resolve(reference, self.work)?, anchor));
        }
        node.dynamic_anchor = self.text("$dynamicAnchor");
        Ok(())
    }

    fn combinations(&mut self, node: &mut Node<'d>) {
        node.checks.extend(self.one("not", Draft::V4).map(Check::Not));
        for (key, check) in
            [("allOf", Check::AllOf as fn(Vec<Id>) -> Check<'d>), ("anyOf", Check::AnyOf), ("oneOf", Check::OneOf)]
        {
            let list = self.list(key);
            if !list.is_empty() {
                node.checks.push(check(list));
            }
        }
        if let Some(condition) = self.one("if", Draft::V7) {
            let then = self.one("then", Draft::V7);
            let otherwise = self.one("else", Draft::V7);
            node.checks.push(Check::If { condition, then, otherwise });
        }
    }
}

/// Whether a document is one of the drafts' own.
pub(super) fn is_own(url: &str) -> bool {
    url.starts_with("http://json-schema.org/") || url.starts_with("https://json-schema.org/")
}

fn texts(values: &[Value]) -> Vec<&str> {
    values.iter().filter_map(Value::as_str).collect()
}
