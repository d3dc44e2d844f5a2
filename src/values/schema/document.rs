//! Documents that hold schemas: which draft they are written in, what their identifiers and anchors name
//! (santhosh-tekuri/jsonschema 6, `draft.go`, `root.go`, `roots.go`).

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};

use super::url;
use crate::template::fmt::quote;

/// A version of the JSON Schema specification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Draft {
    V4,
    V6,
    V7,
    V2019,
    V2020,
}

/// A schema with an identifier of its own, or the root of a document.
pub(super) struct Resource<'d> {
    pub(super) root: &'d Value,
    pub(super) id: String,
    pub(super) draft: Draft,
    pub(super) anchors: HashMap<&'d str, &'d Value>,
    /// Which of the anchors are dynamic.
    pub(super) dynamic: Vec<&'d str>,
}

/// A document as its references see it.
pub(super) struct Document<'d> {
    pub(super) url: &'d str,
    pub(super) root: &'d Value,
    pub(super) resources: Vec<Resource<'d>>,
    /// Which resource begins at a value, by the value's address.
    starts: HashMap<usize, usize>,
    /// The addresses of all that are known to be schemas.
    schemas: HashSet<usize>,
}

/// Whether a value has this identity: the same place in the same document.
pub(super) fn address(value: &Value) -> usize {
    std::ptr::from_ref(value).addr()
}

impl Draft {
    /// The draft that `$schema` names.
    pub(super) fn of_url(url: &str) -> Option<Self> {
        let url = url.strip_suffix('#').unwrap_or(url);
        let name = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://")).unwrap_or(url);
        match name.strip_prefix("json-schema.org/")? {
            "schema" | "draft/2020-12/schema" => Some(Self::V2020),
            "draft/2019-09/schema" => Some(Self::V2019),
            "draft-07/schema" => Some(Self::V7),
            "draft-06/schema" => Some(Self::V6),
            "draft-04/schema" => Some(Self::V4),
            _ => None,
        }
    }

    /// Where its own schema is.
    pub(super) fn url(self) -> &'static str {
        match self {
            Self::V4 => "http://json-schema.org/draft-04/schema",
            Self::V6 => "http://json-schema.org/draft-06/schema",
            Self::V7 => "http://json-schema.org/draft-07/schema",
            Self::V2019 => "https://json-schema.org/draft/2019-09/schema",
            Self::V2020 => "https://json-schema.org/draft/2020-12/schema",
        }
    }

    /// The identifier of a schema, without its fragment. Beside `$ref`, older drafts ignore it.
    fn id(self, schema: &Map<String, Value>) -> Option<&str> {
        if self < Self::V2019 && schema.contains_key("$ref") {
            return None;
        }
        let id = schema.get(self.id_key())?.as_str()?.split('#').next()?;
        (!id.is_empty()).then_some(id)
    }

    fn id_key(self) -> &'static str {
        if self == Self::V4 { "id" } else { "$id" }
    }

    /// The draft of a schema: what `$schema` names, otherwise this one.
    fn of(self, schema: &Map<String, Value>) -> Self {
        schema.get("$schema").and_then(Value::as_str).and_then(Self::of_url).unwrap_or(self)
    }
}

impl<'d> Document<'d> {
    /// Reads what names the parts of a document.
    ///
    /// # Errors
    /// Two schemas of one name, or names that are no URL.
    pub(super) fn read(url: &'d str, root: &'d Value, draft: Draft) -> Result<Self, String> {
        let mut document = Self { url, root, resources: Vec::new(), starts: HashMap::new(), schemas: HashSet::new() };
        document.collect(root, url, draft, None)?;
        Ok(document)
    }

    /// The resource that a value begins.
    pub(super) fn resource_at(&self, value: &Value) -> Option<usize> {
        self.starts.get(&address(value)).copied()
    }

    /// Whether a value is where drafts expect schemas.
    pub(super) fn is_schema(&self, value: &Value) -> bool {
        self.schemas.contains(&address(value))
    }

    /// The resource of this name.
    pub(super) fn resource_of(&self, id: &str) -> Option<usize> {
        if id == self.url {
            return Some(0);
        }
        self.resources.iter().position(|resource| resource.id == id)
    }

    fn collect(&mut self, value: &'d Value, base: &str, draft: Draft, within: Option<usize>) -> Result<(), String> {
        self.schemas.insert(address(value));
        let Value::Object(schema) = value else {
            if within.is_none() {
                self.start(value, base.to_owned(), draft);
            }
            return Ok(());
        };
        let own = draft.of(schema);
        // Inside a document, `$schema` counts only beside an identifier.
        let (own, id) = match own.id(schema) {
            None if within.is_some() => (draft, draft.id(schema)),
            id => (own, id),
        };
        let base = match id {
            Some(id) => url::join(base, id),
            None => base.to_owned(),
        };
        let resource = match within {
            Some(within) if id.is_none() => within,
            _ if self.resources.iter().any(|resource| resource.id == base) => {
                return Err(format!("duplicate id {} in {}", quote(base.as_bytes()), quote(self.url.as_bytes())));
            }
            _ => self.start(value, base.clone(), own),
        };
        self.collect_anchors(schema, value, resource)?;
        for inner in sub_schemas(own, schema) {
            self.collect(inner, &base, own, Some(resource))?;
        }
        Ok(())
    }

    fn start(&mut self, root: &'d Value, id: String, draft: Draft) -> usize {
        self.starts.insert(address(root), self.resources.len());
        self.resources.push(Resource { root, id, draft, anchors: HashMap::new(), dynamic: Vec::new() });
        self.resources.len() - 1
    }

    fn collect_anchors(&mut self, schema: &'d Map<String, Value>, value: &'d Value, at: usize) -> Result<(), String> {
        let Some(resource) = self.resources.get_mut(at) else { return Ok(()) };
        let text = |key: &str| schema.get(key).and_then(Value::as_str);
        let mut anchors = Vec::new();
        if resource.draft < Draft::V2019 {
            if schema.contains_key("$ref") {
                return Ok(());
            }
            let fragment = text(resource.draft.id_key()).and_then(|id| id.split_once('#'));
            anchors.extend(
                fragment.map(|(_, anchor)| anchor).filter(|anchor| !anchor.is_empty() && !anchor.starts_with('/')),
            );
        } else {
            anchors.extend(text("$anchor"));
        }
        if resource.draft >= Draft::V2020 {
            anchors.extend(text("$dynamicAnchor"));
            resource.dynamic.extend(text("$dynamicAnchor"));
        }
        for anchor in anchors {
            let before = resource.anchors.insert(anchor, value);
            if before.is_some_and(|before| address(before) != address(value)) {
                return Err(format!("duplicate anchor {} in {}", quote(anchor.as_bytes()), quote(self.url.as_bytes())));
            }
        }
        Ok(())
    }
}

/// The schemas directly inside a schema.
fn sub_schemas(draft: Draft, schema: &Map<String, Value>) -> impl Iterator<Item = &Value> {
    schema.iter().flat_map(move |(key, value)| {
        let since = match key.as_str() {
            "definitions"
            | "properties"
            | "patternProperties"
            | "dependencies"
            | "not"
            | "allOf"
            | "anyOf"
            | "oneOf"
            | "additionalProperties"
            | "items"
            | "additionalItems" => Draft::V4,
            "propertyNames" | "contains" => Draft::V6,
            "if" | "then" | "else" => Draft::V7,
            "$defs" | "dependentSchemas" | "unevaluatedProperties" | "unevaluatedItems" | "contentSchema" => {
                Draft::V2019
            }
            "prefixItems" => Draft::V2020,
            _ => return Vec::new(),
        };
        if draft < since {
            return Vec::new();
        }
        match (key.as_str(), value) {
            ("definitions" | "properties" | "patternProperties" | "dependencies" | "$defs" | "dependentSchemas", _) => {
                value.as_object().map(|table| table.values().collect()).unwrap_or_default()
            }
            ("allOf" | "anyOf" | "oneOf" | "prefixItems" | "items", Value::Array(list)) => list.iter().collect(),
            ("allOf" | "anyOf" | "oneOf" | "prefixItems", _) => Vec::new(),
            _ => vec![value],
        }
    })
}

/// The drafts' own schemas, by their URL without the scheme.
pub(super) fn own_schema(url: &str) -> Option<&'static str> {
    let name = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"))?;
    Some(match name.strip_prefix("json-schema.org/")? {
        "draft-04/schema" => include_str!("../../../assets/metaschemas/draft-04.json"),
        "draft-06/schema" => include_str!("../../../assets/metaschemas/draft-06.json"),
        "draft-07/schema" => include_str!("../../../assets/metaschemas/draft-07.json"),
        "draft/2019-09/schema" => include_str!("../../../assets/metaschemas/2019-09/schema.json"),
        "draft/2019-09/meta/applicator" => include_str!("../../../assets/metaschemas/2019-09/applicator.json"),
        "draft/2019-09/meta/content" => include_str!("../../../assets/metaschemas/2019-09/content.json"),
        "draft/2019-09/meta/core" => include_str!("../../../assets/metaschemas/2019-09/core.json"),
        "draft/2019-09/meta/format" => include_str!("../../../assets/metaschemas/2019-09/format.json"),
        "draft/2019-09/meta/meta-data" => include_str!("../../../assets/metaschemas/2019-09/meta-data.json"),
        "draft/2019-09/meta/validation" => include_str!("../../../assets/metaschemas/2019-09/validation.json"),
        "schema" | "draft/2020-12/schema" => include_str!("../../../assets/metaschemas/2020-12/schema.json"),
        "draft/2020-12/meta/applicator" => include_str!("../../../assets/metaschemas/2020-12/applicator.json"),
        "draft/2020-12/meta/content" => include_str!("../../../assets/metaschemas/2020-12/content.json"),
        "draft/2020-12/meta/core" => include_str!("../../../assets/metaschemas/2020-12/core.json"),
        "draft/2020-12/meta/format-annotation" => {
            include_str!("../../../assets/metaschemas/2020-12/format-annotation.json")
        }
        "draft/2020-12/meta/format-assertion" => {
            include_str!("../../../assets/metaschemas/2020-12/format-assertion.json")
        }
        "draft/2020-12/meta/meta-data" => include_str!("../../../assets/metaschemas/2020-12/meta-data.json"),
        "draft/2020-12/meta/unevaluated" => include_str!("../../../assets/metaschemas/2020-12/unevaluated.json"),
        "draft/2020-12/meta/validation" => include_str!("../../../assets/metaschemas/2020-12/validation.json"),
        _ => return None,
    })
}
