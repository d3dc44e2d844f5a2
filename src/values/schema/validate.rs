//! Values against compiled schemas (santhosh-tekuri/jsonschema 6, `validator.go`, `kind/kind.go`, `output.go`).

use std::{borrow::Cow, collections::BTreeSet, fmt::Write as _};

use serde_json::{Map, Value};

use super::{
    node::{Check, Compiled, Dependency, Id, Node, Others},
    numbers,
    plain::{self, above, below, contained, duplicates, quote, quoted},
};
use crate::template::fmt::quote as go_quote;

/// What is wrong: a tree of messages.
#[derive(Default)]
pub(super) struct Failure {
    at: String,
    message: String,
    kind: Kind,
    causes: Vec<Failure>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Kind {
    #[default]
    Plain,
    /// Several failures of one schema.
    Group,
    /// What a reference leads to; not shown where it has one cause.
    Reference,
}

/// Checks a value against the first schema; what is wrong, a line each, deeper ones further to the right.
pub(super) fn problems(compiled: &Compiled<'_>, value: &Value) -> Option<String> {
    let run = |quick| {
        let mut run = Run { compiled, path: Vec::new(), quick };
        let scope = Scope { schema: 0, value: 0, keyword: None, parent: None };
        let all = run.left(0, value, false);
        run.schema(value, &scope, all).err()
    };
    // Most values are right, and messages cost more than answers.
    run(true)?;
    let failure = run(false)?;
    let failures = if failure.kind == Kind::Group { failure.causes } else { vec![failure] };
    let mut out = String::new();
    write(&mut out, &failures, 0);
    Some(out)
}

fn write(out: &mut String, failures: &[Failure], indent: usize) {
    for failure in failures {
        let is_hidden = failure.kind == Kind::Reference && failure.causes.len() == 1;
        if !is_hidden {
            out.push('\n');
            out.push_str(&"  ".repeat(indent));
            // Writing to a string cannot fail.
            let _ = write!(out, "- at {}: {}", quote(&failure.at), failure.message);
        }
        write(out, &failure.causes, if is_hidden { indent } else { indent + 1 });
    }
}

/// The way from the whole schema to this one: for references that depend on it, and to find circles.
struct Scope<'s> {
    schema: Id,
    /// How deep the value is: schemas of one value share it.
    value: usize,
    /// The keyword of the reference that led here.
    keyword: Option<&'static str>,
    parent: Option<&'s Scope<'s>>,
}

/// The members of a value that no keyword has looked at, as far as somebody asks.
#[derive(Default)]
struct Left<'v> {
    properties: BTreeSet<&'v str>,
    items: BTreeSet<usize>,
}

impl Left<'_> {
    fn is_empty(&self) -> bool {
        self.properties.is_empty() && self.items.is_empty()
    }

    fn keep(&mut self, other: &Self) {
        self.properties.retain(|name| other.properties.contains(name));
        self.items.retain(|index| other.items.contains(index));
    }
}

enum Step<'v> {
    Property(&'v str),
    Item(usize),
}

struct Run<'c, 'd, 'v> {
    compiled: &'c Compiled<'d>,
    path: Vec<Step<'v>>,
    /// Whether only the answer counts, not what is wrong.
    quick: bool,
}

/// What one schema finds.
struct Found<'v> {
    failures: Vec<Failure>,
    left: Left<'v>,
}

type Outcome<'v> = Result<Left<'v>, Failure>;

impl<'c, 'd, 'v> Run<'c, 'd, 'v> {
    fn schema(&mut self, value: &'v Value, scope: &Scope<'_>, left: Left<'v>) -> Outcome<'v> {
        let compiled = self.compiled;
        let Some(node) = compiled.nodes.get(scope.schema) else { return Ok(left) };
        match node.always {
            Some(true) => return Ok(left),
            Some(false) => return Err(self.failure("false schema")),
            None => {}
        }
        if let Some(before) = scope.circle() {
            let (way, way_before) = (self.way(scope), self.way(before));
            let place = go_quote(compiled.location(scope.schema).as_bytes());
            let words = format!("both {way} and {way_before} resolve to {place} causing reference cycle");
            return Err(self.failure(words));
        }
        let mut found = Found { failures: Vec::new(), left };
        for check in &node.checks {
            let count = found.failures.len();
            self.check(check, value, scope, &mut found);
            let is_last = matches!(check, Check::Type(_) | Check::Const(_) | Check::Enum(_) | Check::Format(..));
            if found.failures.len() > count && (self.quick || is_last) {
                return Err(found.failures.pop().unwrap_or_default());
            }
        }
        self.unevaluated(node, value, scope, &mut found);
        match found.failures.len() {
            0 => Ok(found.left),
            1 => Err(found.failures.pop().unwrap_or_default()),
            _ => Err(Failure { kind: Kind::Group, causes: found.failures, ..self.failure("validation failed") }),
        }
    }

    fn check(&mut self, check: &'c Check<'d>, value: &'v Value, scope: &Scope<'_>, found: &mut Found<'v>) {
        let problem = match (check, value) {
            (Check::Reference(target), _) => return self.reference(*target, "$ref", value, scope, found),
            (Check::RecursiveReference(target), _) => {
                let target = self.recursive_target(*target, scope);
                return self.reference(target, "$recursiveRef", value, scope, found);
            }
            (Check::DynamicReference(target, anchor), _) => {
                let target = self.dynamic_target(*target, *anchor, scope);
                return self.reference(target, "$dynamicRef", value, scope, found);
            }
            (Check::Not(schema), _) => {
                let fits = self.quietly(|run| run.same(*schema, None, value, scope, found).is_ok());
                fits.then(|| "'not' failed".to_owned())
            }
            (Check::AllOf(_) | Check::AnyOf(_) | Check::OneOf(_), _) => {
                return self.combination(check, value, scope, found);
            }
            (Check::If { condition, then, otherwise }, _) => {
                let holds = self.quietly(|run| run.same(*condition, None, value, scope, found).is_ok());
                if let Some(schema) = if holds { then } else { otherwise } {
                    let outcome = self.same(*schema, None, value, scope, found);
                    found.failures.extend(outcome.err());
                }
                None
            }
            (_, Value::Object(table)) => return self.table_check(check, table, value, scope, found),
            (_, Value::Array(list)) => return self.list_check(check, list, value, scope, found),
            (check, value) => plain::problem(check, value, self.quick),
        };
        found.failures.extend(problem.map(|problem| self.failure(problem)));
    }

    fn table_check(
        &mut self,
        check: &'c Check<'d>,
        table: &'v Map<String, Value>,
        value: &'v Value,
        scope: &Scope<'_>,
        found: &mut Found<'v>,
    ) {
        let missing = |names: &[&'d str]| {
            let missing: Vec<&str> = names.iter().copied().filter(|name| !table.contains_key(*name)).collect();
            (!missing.is_empty()).then_some(missing)
        };
        let problem = match check {
            Check::MinProperties(want) => below("minProperties", table.len(), *want),
            Check::MaxProperties(want) => above("maxProperties", table.len(), *want),
            Check::Required(names) => missing(names).map(|missing| match missing.as_slice() {
                [one] => format!("missing property {}", quote(one)),
                many => format!("missing properties {}", quoted(many)),
            }),
            Check::Dependencies(dependencies) => {
                for (name, dependency) in dependencies.iter().filter(|(name, _)| table.contains_key(*name)) {
                    match dependency {
                        Dependency::Properties(names) => {
                            let problem = missing(names).map(|missing| {
                                format!("properties {} required, if {} exists", quoted(&missing), quote(name))
                            });
                            found.failures.extend(problem.map(|problem| self.failure(problem)));
                        }
                        Dependency::Schema(schema) => {
                            let outcome = self.same(*schema, None, value, scope, found);
                            found.failures.extend(outcome.err());
                        }
                    }
                }
                None
            }
            Check::Members { .. } => return self.members(check, table, scope, found),
            Check::PropertyNames(schema) => return self.property_names(*schema, table, found),
            _ => plain::problem(check, value, self.quick),
        };
        found.failures.extend(problem.map(|problem| self.failure(problem)));
    }

    fn members(
        &mut self,
        check: &'c Check<'d>,
        table: &'v Map<String, Value>,
        scope: &Scope<'_>,
        found: &mut Found<'v>,
    ) {
        let Check::Members { properties, patterns, others } = check else { return };
        let mut refused = Vec::new();
        for (name, value) in table {
            if self.quick && !found.failures.is_empty() {
                return;
            }
            let mut is_known = false;
            let property = properties.binary_search_by(|(known, _)| (*known).cmp(name)).ok();
            let property = property.and_then(|place| properties.get(place)).map(|(_, schema)| *schema);
            let matching = patterns.iter().filter(|(pattern, _)| pattern.is_match(name)).map(|(_, schema)| *schema);
            for schema in property.into_iter().chain(matching) {
                is_known = true;
                let outcome = self.inner(schema, value, Step::Property(name), scope);
                found.failures.extend(outcome.err());
            }
            if !is_known {
                match others {
                    Some(Others::Refused) => refused.push(name.as_str()),
                    Some(Others::Schema(schema)) => {
                        let outcome = self.inner(*schema, value, Step::Property(name), scope);
                        found.failures.extend(outcome.err());
                    }
                    Some(Others::Allowed) => {}
                    None => continue,
                }
            }
            found.left.properties.remove(name.as_str());
        }
        if !refused.is_empty() {
            found.failures.push(self.failure(format!("additional properties {} not allowed", quoted(&refused))));
        }
    }

    /// Names are checked as values of their own.
    fn property_names(&mut self, schema: Id, table: &'v Map<String, Value>, found: &mut Found<'v>) {
        for name in table.keys() {
            let value = Value::from(name.as_str());
            let causes = {
                let mut run = Run { compiled: self.compiled, path: Vec::new(), quick: self.quick };
                let scope = Scope { schema, value: 0, keyword: None, parent: None };
                run.schema(&value, &scope, Left::default()).err()
            };
            let Some(cause) = causes else { continue };
            let causes = if cause.kind == Kind::Group { cause.causes } else { vec![cause] };
            let message = format!("invalid propertyName {}", quote(name));
            found.failures.push(Failure { message, causes, ..Failure::default() });
        }
    }

    fn list_check(
        &mut self,
        check: &'c Check<'d>,
        list: &'v [Value],
        value: &'v Value,
        scope: &Scope<'_>,
        found: &mut Found<'v>,
    ) {
        let problem = match check {
            Check::MinItems(want) => below("minItems", list.len(), *want),
            Check::MaxItems(want) => above("maxItems", list.len(), *want),
            Check::UniqueItems => duplicates(list).map(|(first, second)| {
                format!("items at {} and {} are equal", numbers::whole(first), numbers::whole(second))
            }),
            Check::Items { first, others } => {
                for ((index, item), schema) in list.iter().enumerate().zip(first) {
                    let outcome = self.inner(*schema, item, Step::Item(index), scope);
                    found.failures.extend(outcome.err());
                }
                let rest = list.get(first.len()..).unwrap_or_default();
                match others {
                    Some(Others::Schema(schema)) => {
                        for (index, item) in rest.iter().enumerate() {
                            let outcome = self.inner(*schema, item, Step::Item(index), scope);
                            found.failures.extend(outcome.err());
                        }
                        None
                    }
                    Some(Others::Refused) if !rest.is_empty() => {
                        Some(format!("last {} additionalItem(s) not allowed", numbers::whole(rest.len())))
                    }
                    _ => None,
                }
            }
            Check::Contains { .. } => return self.contains(check, list, scope, found),
            _ => plain::problem(check, value, self.quick),
        };
        found.failures.extend(problem.map(|problem| self.failure(problem)));
    }

    fn contains(&mut self, check: &'c Check<'d>, list: &'v [Value], scope: &Scope<'_>, found: &mut Found<'v>) {
        let Check::Contains { schema, min, max, evaluates } = check else { return };
        let mut causes = Vec::new();
        let mut matched = Vec::new();
        for (index, item) in list.iter().enumerate() {
            match self.inner(*schema, item, Step::Item(index), scope) {
                Err(failure) => causes.push(failure),
                Ok(_) => {
                    matched.push(index);
                    if *evaluates {
                        found.left.items.remove(&index);
                    }
                }
            }
        }
        let count = matched.len() as u64;
        let too_few = match min {
            Some(want) if count < *want => Some(contained("min", &matched, *want)),
            None if matched.is_empty() => Some("no items match contains schema".to_owned()),
            _ => None,
        };
        if let Some(message) = too_few {
            found.failures.push(Failure { causes, ..self.failure(message) });
        }
        if let Some(want) = max.filter(|want| count > *want) {
            found.failures.push(self.failure(contained("max", &matched, want)));
        }
    }

    fn combination(&mut self, check: &'c Check<'d>, value: &'v Value, scope: &Scope<'_>, found: &mut Found<'v>) {
        let mut causes = Vec::new();
        let message = match check {
            Check::AllOf(schemas) => {
                for schema in schemas {
                    causes.extend(self.same(*schema, None, value, scope, found).err());
                    if self.quick && !causes.is_empty() {
                        break;
                    }
                }
                (!causes.is_empty()).then(|| "'allOf' failed".to_owned())
            }
            Check::AnyOf(schemas) => {
                let mut matches = false;
                for schema in schemas {
                    match self.same(*schema, None, value, scope, found) {
                        Err(failure) => causes.push(failure),
                        Ok(()) => {
                            matches = true;
                            // Who asks what is left unevaluated has to hear all of them.
                            if found.left.is_empty() {
                                break;
                            }
                        }
                    }
                }
                (!matches).then(|| "'anyOf' failed".to_owned())
            }
            Check::OneOf(schemas) => self.one_of(schemas, value, scope, found, &mut causes),
            _ => None,
        };
        if let Some(message) = message {
            found.failures.push(Failure { causes, ..self.failure(message) });
        }
    }

    fn one_of(
        &mut self,
        schemas: &[Id],
        value: &'v Value,
        scope: &Scope<'_>,
        found: &mut Found<'v>,
        causes: &mut Vec<Failure>,
    ) -> Option<String> {
        let mut matched = None;
        for (index, schema) in schemas.iter().enumerate() {
            let outcome = match matched {
                None => self.same(*schema, None, value, scope, found),
                Some(_) => self.quietly(|run| run.same(*schema, None, value, scope, found)),
            };
            match (outcome, matched) {
                (Err(failure), None) => causes.push(failure),
                (Err(_), Some(_)) => {}
                (Ok(()), None) => matched = Some(index),
                (Ok(()), Some(first)) => {
                    causes.clear();
                    return Some(format!("'oneOf' failed, subschemas {first}, {index} matched"));
                }
            }
        }
        matched.is_none().then(|| "'oneOf' failed, none matched".to_owned())
    }

    fn unevaluated(&mut self, node: &Node<'d>, value: &'v Value, scope: &Scope<'_>, found: &mut Found<'v>) {
        if let (Some(schema), Value::Object(table)) = (node.unevaluated_properties, value) {
            for name in std::mem::take(&mut found.left.properties) {
                if let Some(value) = table.get(name) {
                    found.failures.extend(self.inner(schema, value, Step::Property(name), scope).err());
                }
            }
        }
        if let (Some(schema), Value::Array(list)) = (node.unevaluated_items, value) {
            for index in std::mem::take(&mut found.left.items) {
                if let Some(value) = list.get(index) {
                    found.failures.extend(self.inner(schema, value, Step::Item(index), scope).err());
                }
            }
        }
    }

    /// Another schema for the same value.
    fn same(
        &mut self,
        schema: Id,
        keyword: Option<&'static str>,
        value: &'v Value,
        scope: &Scope<'_>,
        found: &mut Found<'v>,
    ) -> Result<(), Failure> {
        let scope = Scope { schema, value: scope.value, keyword, parent: Some(scope) };
        let left = self.left(schema, value, !found.left.is_empty());
        found.left.keep(&self.schema(value, &scope, left)?);
        Ok(())
    }

    /// A schema for a value inside this one.
    fn inner(&mut self, schema: Id, value: &'v Value, step: Step<'v>, scope: &Scope<'_>) -> Result<(), Failure> {
        let scope = Scope { schema, value: scope.value + 1, keyword: None, parent: Some(scope) };
        let left = self.left(schema, value, false);
        self.path.push(step);
        let outcome = self.schema(value, &scope, left);
        self.path.pop();
        outcome.map(|_| ())
    }

    fn quietly<T>(&mut self, run: impl FnOnce(&mut Self) -> T) -> T {
        let before = std::mem::replace(&mut self.quick, true);
        let outcome = run(self);
        self.quick = before;
        outcome
    }

    fn reference(
        &mut self,
        target: Id,
        keyword: &'static str,
        value: &'v Value,
        scope: &Scope<'_>,
        found: &mut Found<'v>,
    ) {
        let Err(failure) = self.same(target, Some(keyword), value, scope, found) else { return };
        let causes = if failure.kind == Kind::Group { failure.causes } else { vec![failure] };
        found.failures.push(Failure { kind: Kind::Reference, causes, ..self.failure("validation failed") });
    }

    fn recursive_target(&self, target: Id, scope: &Scope<'_>) -> Id {
        if !self.compiled.nodes.get(target).is_some_and(|node| node.recursive_anchor) {
            return target;
        }
        let is_recursive = |scope: &Scope<'_>| self.anchors(scope.schema).is_some_and(|anchors| anchors.is_recursive);
        scope.ways().filter(|scope| is_recursive(scope)).last().map_or(target, |scope| scope.schema)
    }

    fn dynamic_target(&self, target: Id, anchor: Option<&str>, scope: &Scope<'_>) -> Id {
        let Some(anchor) = anchor else { return target };
        if self.compiled.nodes.get(target).and_then(|node| node.dynamic_anchor) != Some(anchor) {
            return target;
        }
        let named = |scope: &Scope<'_>| {
            let anchors = self.anchors(scope.schema)?;
            anchors.dynamic.iter().find(|(name, _)| *name == anchor).map(|(_, schema)| *schema)
        };
        scope.ways().filter_map(named).last().unwrap_or(target)
    }

    fn anchors(&self, schema: Id) -> Option<&'c super::node::Anchors<'d>> {
        self.compiled.resources.get(self.compiled.nodes.get(schema)?.resource)
    }

    /// The keywords that lead to a schema.
    fn way(&self, scope: &Scope<'_>) -> String {
        let mut steps = Vec::new();
        for scope in scope.ways() {
            let Some(parent) = scope.parent else { break };
            steps.push(match scope.keyword {
                Some(keyword) => format!("/{keyword}"),
                None => {
                    let outer = self.compiled.location(parent.schema);
                    let inner = self.compiled.location(scope.schema);
                    inner.strip_prefix(&outer).unwrap_or_default().to_owned()
                }
            });
        }
        steps.into_iter().rev().collect()
    }

    /// What of a value a schema may leave unevaluated, if it or who calls it asks.
    fn left(&self, schema: Id, value: &'v Value, is_asked: bool) -> Left<'v> {
        let mut left = Left::default();
        let Some(node) = self.compiled.nodes.get(schema) else { return left };
        match value {
            Value::Object(table) if !node.all_properties && (is_asked || node.unevaluated_properties.is_some()) => {
                left.properties.extend(table.keys().map(String::as_str));
            }
            Value::Array(list) if !node.all_items && (is_asked || node.unevaluated_items.is_some()) => {
                left.items.extend(node.first_items..list.len());
            }
            _ => {}
        }
        left
    }

    fn failure(&self, message: impl Into<Cow<'static, str>>) -> Failure {
        if self.quick {
            return Failure::default();
        }
        let mut at = String::new();
        for step in &self.path {
            at.push('/');
            match step {
                Step::Property(name) => at.push_str(&name.replace('~', "~0").replace('/', "~1")),
                Step::Item(index) => at.push_str(&index.to_string()),
            }
        }
        Failure { at, message: message.into().into_owned(), ..Failure::default() }
    }
}

impl Scope<'_> {
    /// This and everything on the way to it, backwards.
    fn ways(&self) -> impl Iterator<Item = &Self> {
        std::iter::successors(Some(self), |scope| scope.parent)
    }

    /// The same schema for the same value, further back.
    fn circle(&self) -> Option<&Self> {
        let mut same_value = self.ways().skip(1).take_while(|scope| scope.value == self.value);
        same_value.find(|scope| scope.schema == self.schema)
    }
}
