//! Schemas that are plainly valid. Nearly all are, and to read and compile the schema of their draft takes several times as
//! long as everything else that is done with them.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeSet,
};

use serde_json::{Number, Value};

use super::{document::Draft, formats, json::Json, plain::duplicates};

/// How deep schemas nest before they are left to the schema of their draft.
const MAXIMUM_DEPTH: usize = 64;
/// How many values of an `enum` are compared with each other.
const MAXIMUM_VALUES: usize = 64;

/// What can be told of a document's schemas at a glance. `false` says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Glance {
    /// Whether they plainly are schemas of their draft. What is asked of each keyword is the strictest that any draft asks,
    /// whether it is a keyword in this one or not.
    pub(super) is_sound: bool,
    /// Whether they are sound, none but the root has a name of its own, and each reference is to a schema in the document.
    pub(super) is_closed: bool,
}

/// Looks at a document.
pub(super) fn glance(root: &Json<'_>, draft: Draft) -> Glance {
    let sound = Sound { draft, root, is_closed: Cell::new(true), elsewhere: RefCell::default() };
    // In the oldest draft other values are allowed.
    let is_sound = draft > Draft::V4 && sound.schema(root, MAXIMUM_DEPTH);
    Glance { is_sound, is_closed: is_sound && sound.is_closed.get() }
}

/// What a reference names in its document: `#/definitions/port`, `#/properties/port`.
pub(super) fn place<'d>(root: &'d Json<'d>, reference: &str) -> Option<&'d Json<'d>> {
    reference.strip_prefix("#/")?.split('/').try_fold(root, |place, name| place.get(name))
}

/// Whether a reference is to a definition at the root, which is looked at anyway.
fn is_definition(reference: &str) -> bool {
    let name = ["#/definitions/", "#/$defs/"].iter().find_map(|table| reference.strip_prefix(table));
    name.is_some_and(|name| !name.contains('/'))
}

struct Sound<'d> {
    draft: Draft,
    root: &'d Json<'d>,
    is_closed: Cell<bool>,
    /// References to other places than definitions: no draft expects schemas at some of them.
    elsewhere: RefCell<BTreeSet<&'d str>>,
}

impl<'d> Sound<'d> {
    fn schema(&self, schema: &'d Json<'d>, depth: usize) -> bool {
        match schema {
            Json::Bool(_) => true,
            Json::Object(keywords) if depth > 0 => {
                keywords.iter().all(|(keyword, value)| self.keyword(keyword, value, depth - 1))
            }
            _ => false,
        }
    }

    fn keyword(&self, keyword: &str, value: &'d Json<'d>, depth: usize) -> bool {
        match keyword {
            "$schema" => value.as_str().and_then(Draft::of_url) == Some(self.draft),
            "$id" => {
                self.is_closed.set(self.is_closed.get() && depth + 1 == MAXIMUM_DEPTH);
                value.as_str().is_some_and(|id| is_plain_reference(id) && !id.contains('#'))
            }
            "$ref" => value.as_str().is_some_and(|reference| {
                self.is_closed.set(self.leads_to_schema(reference, depth) && self.is_closed.get());
                is_plain_reference(reference)
            }),
            "$comment" | "title" | "description" | "format" | "contentMediaType" | "contentEncoding" => {
                value.as_str().is_some()
            }
            "$defs" | "definitions" | "properties" | "dependentSchemas" => {
                members(value, |_, schema| self.schema(schema, depth))
            }
            "patternProperties" => {
                members(value, |name, schema| formats::regex(name).is_ok() && self.schema(schema, depth))
            }
            "additionalItems"
            | "additionalProperties"
            | "contains"
            | "contentSchema"
            | "else"
            | "if"
            | "items"
            | "not"
            | "propertyNames"
            | "then"
            | "unevaluatedItems"
            | "unevaluatedProperties" => self.schema(value, depth),
            "allOf" | "anyOf" | "oneOf" | "prefixItems" => {
                let list = value.as_array().unwrap_or_default();
                !list.is_empty() && list.iter().all(|schema| self.schema(schema, depth))
            }
            "pattern" => value.as_str().is_some_and(|pattern| formats::regex(pattern).is_ok()),
            "type" => is_type(value) || set(value).is_some_and(|types| !types.is_empty() && types.iter().all(is_type)),
            "enum" => set(value).is_some_and(|values| !values.is_empty()),
            "required" => are_names(value),
            "dependencies" => members(value, |_, member| are_names(member) || self.schema(member, depth)),
            "dependentRequired" => members(value, |_, names| are_names(names)),
            "examples" => value.as_array().is_some(),
            "readOnly" | "writeOnly" | "deprecated" | "uniqueItems" => matches!(value, Json::Bool(_)),
            "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" => value.as_number().is_some(),
            "multipleOf" => value.as_number().and_then(Number::as_f64).is_some_and(|number| number > 0.0),
            "minLength" | "maxLength" | "minItems" | "maxItems" | "minProperties" | "maxProperties" | "minContains"
            | "maxContains" => value.as_number().is_some_and(Number::is_u64),
            // Whatever else begins so is a name or a reference; anything else is nobody's keyword.
            other => other != "id" && !other.starts_with('$'),
        }
    }

    /// Whether a reference leads to a schema, of which only the definitions are known to be looked at.
    fn leads_to_schema(&self, reference: &'d str, depth: usize) -> bool {
        let Some(place) = place(self.root, reference) else { return false };
        let is_known = is_definition(reference) || !self.elsewhere.borrow_mut().insert(reference);
        is_known || self.schema(place, depth)
    }
}

/// Whether something is an object of which this holds for each member.
fn members<'v>(value: &'v Json<'v>, holds: impl Fn(&str, &'v Json<'v>) -> bool) -> bool {
    value.as_object().is_some_and(|members| members.iter().all(|(name, member)| holds(name, member)))
}

/// A list of things that all differ.
fn set<'v>(value: &'v Json<'v>) -> Option<&'v [Json<'v>]> {
    let list = value.as_array().filter(|list| list.len() <= MAXIMUM_VALUES)?;
    let values: Vec<Value> = list.iter().map(Json::to_value).collect();
    duplicates(&values).is_none().then_some(list)
}

fn are_names(value: &Json<'_>) -> bool {
    set(value).is_some_and(|names| names.iter().all(|name| name.as_str().is_some()))
}

fn is_type(value: &Json<'_>) -> bool {
    let name = value.as_str().unwrap_or_default();
    matches!(name, "array" | "boolean" | "integer" | "null" | "number" | "object" | "string")
}

/// A reference without anything that a URL would have to escape.
fn is_plain_reference(reference: &str) -> bool {
    let plain = |text: &str| {
        text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'_' | b'.' | b'$'))
    };
    let reference = ["https://", "http://", "file://"]
        .iter()
        .find_map(|scheme| reference.strip_prefix(scheme))
        .unwrap_or(reference);
    let (path, place) = reference.split_once('#').unwrap_or((reference, ""));
    plain(path) && plain(place)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::{Value, json};

    use super::{
        super::{check_against_draft, document::own_schema},
        *,
    };

    const DRAFTS: [Draft; 4] = [Draft::V6, Draft::V7, Draft::V2019, Draft::V2020];

    /// Where the drafts' own schemas tell all keywords that there are.
    const OWN: [&str; 17] = [
        "draft-04/schema",
        "draft-06/schema",
        "draft-07/schema",
        "draft/2019-09/schema",
        "draft/2019-09/meta/applicator",
        "draft/2019-09/meta/content",
        "draft/2019-09/meta/core",
        "draft/2019-09/meta/format",
        "draft/2019-09/meta/meta-data",
        "draft/2019-09/meta/validation",
        "draft/2020-12/schema",
        "draft/2020-12/meta/applicator",
        "draft/2020-12/meta/content",
        "draft/2020-12/meta/core",
        "draft/2020-12/meta/meta-data",
        "draft/2020-12/meta/unevaluated",
        "draft/2020-12/meta/validation",
    ];

    fn keywords() -> BTreeSet<String> {
        let documents = OWN.iter().map(|name| own_schema(&format!("http://json-schema.org/{name}")).expect("a schema"));
        let documents = documents.map(|text| serde_json::from_str::<Value>(text).expect("JSON"));
        documents
            .flat_map(|document| document["properties"].as_object().cloned().unwrap_or_default())
            .map(|(key, _)| key)
            .collect()
    }

    /// The schemas of a table whose errors real Helm told, and each keyword with values that some draft refuses.
    fn schemas() -> Vec<Value> {
        let table = include_str!("../tests/schema.jsonl").lines();
        let mut schemas: Vec<Value> = table
            .map(|line| serde_json::from_str::<Value>(line).expect("a line is JSON"))
            .filter_map(|case| case.get("schema").cloned())
            .collect();
        let values = json!([
            null, true, -1, 0, 1, 1.0, 1.5, "", "object", "(?!x)", "#/$defs/a", "#/%", "a:b", "://", "1:2/x", "https://a.b/c", "file://../a.json#/b", "http://json-schema.org/draft-07/schema#",
            [], ["a"], ["a", "a"], [{}], [1], ["string", "null"], [{"type": 1}], {}, {"a": {}}, {"a": 1}, {"a": ["b"]},
            {"a": {"type": "nothing"}}, {"(?!x)": {}}, {"type": 1},
        ]);
        for keyword in keywords() {
            for value in values.as_array().into_iter().flatten() {
                schemas.push(json!({ &*keyword: value }));
                schemas.push(json!({"properties": {"p": {"items": { &*keyword: value }}}}));
            }
        }
        schemas
    }

    fn look(schema: &Value, draft: Draft) -> Glance {
        glance(&Json::read(schema.to_string().as_bytes()).expect("JSON"), draft)
    }

    #[test]
    fn what_is_plainly_sound_fits_the_schema_of_its_draft() {
        let schemas = schemas();
        for draft in DRAFTS {
            let sound = schemas.iter().filter(|schema| look(schema, draft).is_sound);
            let named: Vec<(&Value, String)> = sound.map(|schema| (schema, schema.to_string())).collect();
            assert!(named.len() > 400, "{draft:?}: only {} are", named.len());
            let checked = check_against_draft(draft, named.iter().map(|(schema, name)| (*schema, name.as_str())));
            assert_eq!(checked, Ok(()), "{draft:?}");
        }
    }

    #[test]
    fn what_charts_write_is_plainly_sound() {
        let schema = json!({
            "$schema": "http://json-schema.org/draft-07/schema#",
            "definitions": {"port": {"type": "integer", "minimum": 1, "maximum": 65535}},
            "properties": {
                "image": {"type": "object", "required": ["repository"], "additionalProperties": false,
                    "properties": {"repository": {"type": "string", "pattern": "^[a-z/]+$", "form": true}}},
                "port": {"$ref": "#/definitions/port"},
                "mode": {"enum": ["a", "b"], "default": "a", "title": "Mode"},
                "extra": {"oneOf": [{"type": ["string", "null"]}, {"items": {"type": "string"}}]},
            },
        });
        assert_eq!(look(&schema, Draft::V7), Glance { is_sound: true, is_closed: true });
        assert!(!look(&schema, Draft::V2020).is_sound, "it names another draft");
    }

    #[test]
    fn follows_references_to_any_place_of_the_document() {
        let is_closed = |shared: Value, reference: &str| {
            let schema =
                json!({"shared": shared, "properties": {"a": {"$ref": reference}}, "items": {"type": "object"}});
            let glance = look(&schema, Draft::V2020);
            assert!(glance.is_sound, "{schema}");
            glance.is_closed
        };
        let port = json!({"port": {"type": "integer"}, "ports": {"items": {"$ref": "#/shared/port"}}});
        assert!(is_closed(port.clone(), "#/shared/port"));
        assert!(is_closed(port.clone(), "#/shared/ports"));
        assert!(is_closed(port.clone(), "#/items"));
        assert!(is_closed(json!({"list": {"items": {"$ref": "#/shared/list"}}}), "#/shared/list"), "in a circle");
        assert!(!is_closed(port, "#/shared/host"), "nothing is there");
        assert!(!is_closed(json!([true]), "#/shared/0"), "lists are left alone");
        assert!(!is_closed(json!({"port": 1}), "#/shared/port"), "no schema");
        assert!(!is_closed(json!({"port": {"type": "port"}}), "#/shared/port"), "no valid schema");
        assert!(!is_closed(json!({"port": {"$ref": "#/shared/host"}}), "#/shared/port"), "the next leads nowhere");
        assert!(!is_closed(json!({"port": {"$id": "https://a.b/c"}}), "#/shared/port"), "with a name of its own");
    }
}
