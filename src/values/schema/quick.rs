//! Values against schemas without making these ready first: one walk through both at once, which tells nearly always.

use std::{cell::RefCell, collections::BTreeMap, slice};

use serde_json::Value;

use super::{
    document::Draft,
    formats,
    json::{Json, Members},
    node::{Check, Limit, Pattern, Types},
    plain::{duplicates, problem},
    sound::place,
};

/// How many schemas lead to each other before it is left to those made ready, which know circles.
const MAXIMUM_DEPTH: usize = 64;

/// Whether a value fits the schema of a document that is [closed](super::sound::Glance::is_closed). `None` where that takes
/// more than a glance at each keyword.
pub(super) fn fits(root: &Json<'_>, draft: Draft, value: &Value) -> Option<bool> {
    Quick { root, draft, patterns: RefCell::default() }.fits(root, value, MAXIMUM_DEPTH)
}

struct Quick<'d> {
    root: &'d Json<'d>,
    draft: Draft,
    /// Those that were needed: one is asked of many members.
    patterns: RefCell<BTreeMap<&'d str, Pattern<'d>>>,
}

impl<'d> Quick<'d> {
    fn fits(&self, schema: &'d Json<'d>, value: &Value, depth: usize) -> Option<bool> {
        let depth = depth.checked_sub(1)?;
        match schema {
            Json::Bool(always) => Some(*always),
            Json::Object(keywords) => match keywords.get("$ref") {
                // It stood alone then.
                Some(reference) if self.draft < Draft::V2019 => self.reference(reference, value, depth),
                _ => all(keywords.iter().map(|(name, wanted)| self.keyword(keywords, name, wanted, value, depth))),
            },
            _ => None,
        }
    }

    fn keyword(
        &self,
        keywords: &'d Members<'d>,
        name: &str,
        wanted: &'d Json<'d>,
        value: &Value,
        depth: usize,
    ) -> Option<bool> {
        let fits = |schema: &'d Json<'d>, value: &Value| self.fits(schema, value, depth);
        match (name, value) {
            ("$ref", _) => self.reference(wanted, value, depth),
            ("properties", Value::Object(table)) => {
                let properties = wanted.as_object()?;
                all(table.iter().filter_map(|(name, value)| Some(fits(properties.get(name)?, value))))
            }
            ("patternProperties", Value::Object(table)) => all(wanted.as_object()?.iter().map(|(pattern, schema)| {
                let matching = table.iter().filter(|(name, _)| self.matches(pattern, name));
                all(matching.map(|(_, value)| fits(schema, value)))
            })),
            ("additionalProperties", Value::Object(table)) => {
                let members = |keyword: &str| keywords.get(keyword).and_then(Json::as_object);
                let (properties, patterns) = (members("properties"), members("patternProperties"));
                let is_other = |name: &str| {
                    properties.is_none_or(|known| known.get(name).is_none())
                        && patterns.is_none_or(|known| !known.iter().any(|(pattern, _)| self.matches(pattern, name)))
                };
                all(table.iter().filter(|(name, _)| is_other(name)).map(|(_, value)| fits(wanted, value)))
            }
            ("required", Value::Object(table)) => {
                Some(wanted.as_array()?.iter().filter_map(Json::as_str).all(|name| table.contains_key(name)))
            }
            ("items", Value::Array(list)) if wanted.as_array().is_none() && keywords.get("prefixItems").is_none() => {
                all(list.iter().map(|item| fits(wanted, item)))
            }
            ("uniqueItems", Value::Array(list)) => Some(*wanted == Json::Bool(false) || duplicates(list).is_none()),
            ("allOf", _) => all(wanted.as_array()?.iter().map(|schema| fits(schema, value))),
            ("anyOf", _) => not(all(wanted.as_array()?.iter().map(|schema| not(fits(schema, value))))),
            ("oneOf", _) => {
                let fitting: Option<Vec<bool>> = wanted.as_array()?.iter().map(|schema| fits(schema, value)).collect();
                Some(fitting?.into_iter().filter(|fits| *fits).count() == 1)
            }
            ("not", _) => not(fits(wanted, value)),
            ("if", _) if self.draft >= Draft::V7 => {
                let branch = if fits(wanted, value)? { "then" } else { "else" };
                keywords.get(branch).map_or(Some(true), |schema| fits(schema, value))
            }
            (
                "propertyNames" | "dependencies" | "dependentRequired" | "dependentSchemas" | "unevaluatedProperties",
                Value::Object(_),
            )
            | ("items" | "prefixItems" | "additionalItems" | "contains" | "unevaluatedItems", Value::Array(_))
            | ("if", _) => None,
            _ => self.own(name, wanted, value),
        }
    }

    /// What a keyword asks of a value in itself.
    fn own(&self, name: &str, wanted: &'d Json<'d>, value: &Value) -> Option<bool> {
        let holds = |check: &Check<'_>| Some(problem(check, value, true).is_none());
        let limit = |limit: Limit| holds(&Check::Limit(limit, wanted.as_number()?.as_f64()?));
        let counted = |count: usize| {
            let want = wanted.as_number()?.as_u64()?;
            Some(if name.starts_with("min") { count as u64 >= want } else { count as u64 <= want })
        };
        match (name, value) {
            ("type", _) => {
                let names = wanted.as_array().unwrap_or(slice::from_ref(wanted));
                holds(&Check::Type(Types::of(names.iter().filter_map(Json::as_str))))
            }
            ("const", _) => holds(&Check::Const(&wanted.to_value())),
            ("enum", _) => holds(&Check::Enum(wanted.to_value().as_array()?)),
            ("minimum", Value::Number(_)) => limit(Limit::Minimum),
            ("maximum", Value::Number(_)) => limit(Limit::Maximum),
            ("exclusiveMinimum", Value::Number(_)) => limit(Limit::ExclusiveMinimum),
            ("exclusiveMaximum", Value::Number(_)) => limit(Limit::ExclusiveMaximum),
            ("multipleOf", Value::Number(_)) => limit(Limit::MultipleOf),
            ("minLength" | "maxLength", Value::String(text)) => counted(text.chars().count()),
            ("pattern", Value::String(text)) => Some(self.matches(wanted.as_str()?, text)),
            ("minItems" | "maxItems", Value::Array(list)) => counted(list.len()),
            ("minProperties" | "maxProperties", Value::Object(table)) => counted(table.len()),
            // Formats are only notes since 2019.
            ("format", Value::String(_)) if self.draft < Draft::V2019 => {
                let name = wanted.as_str()?;
                formats::find(name).map_or(Some(true), |format| holds(&Check::Format(name, format)))
            }
            _ => Some(true),
        }
    }

    fn matches(&self, pattern: &'d str, text: &str) -> bool {
        self.patterns.borrow_mut().entry(pattern).or_insert_with(|| Pattern::new(pattern)).is_match(text)
    }

    fn reference(&self, reference: &'d Json<'d>, value: &Value, depth: usize) -> Option<bool> {
        self.fits(place(self.root, reference.as_str()?)?, value, depth)
    }
}

/// Whether all of them hold: one that does not decides, also beside others that cannot be told.
fn all(answers: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let mut all = Some(true);
    for answer in answers {
        match answer {
            Some(true) => {}
            Some(false) => return Some(false),
            None => all = None,
        }
    }
    all
}

fn not(answer: Option<bool>) -> Option<bool> {
    answer.map(|answer| !answer)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{
        super::{LOCATION, Store, sound::glance, validate},
        *,
    };

    /// Every schema of the table whose errors real Helm told, with every value of it.
    #[test]
    fn tells_what_schemas_made_ready_tell() {
        let cases = include_str!("../tests/schema.jsonl").lines();
        let cases: Vec<Value> = cases.map(|line| serde_json::from_str(line).expect("a line is JSON")).collect();
        let distinct = |key: &str| cases.iter().map(|case| case[key].to_string()).collect::<BTreeSet<String>>();
        let read = |text: &String| serde_json::from_str::<Value>(text).expect("JSON");
        let values: Vec<Value> = distinct("values").iter().map(read).collect();
        let mut told = [0, 0];
        for schema in &distinct("schema") {
            let mut log = Vec::new();
            let mut store = Store { load: &|url| Err(url.to_owned()), log: &mut log, documents: Vec::new() };
            let json = Json::read(schema.as_bytes()).expect("JSON");
            let Ok(draft) = store.draft(LOCATION, &json) else { continue };
            if !glance(&json, draft).is_closed {
                continue;
            }
            store.add(LOCATION, schema).expect("a schema");
            let checked = store.with_compiled(|compiled| {
                for value in &values {
                    if let Some(answer) = fits(&json, draft, value) {
                        assert_eq!(answer, validate::problems(compiled, value).is_none(), "{schema} of {value}");
                        told[usize::from(answer)] += 1;
                    }
                }
                Ok(())
            });
            assert_eq!(checked, Ok(()), "{schema}");
        }
        assert!(told.iter().all(|count| *count > 5000), "{told:?}");
    }
}
