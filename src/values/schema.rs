//! Values against the JSON Schemas of a chart and its sub-charts (helm/helm `pkg/chart/common/util/jsonschema.go`),
//! drafts 4 to 2020-12. Which keyword is checked when, and what is said of it, is santhosh-tekuri/jsonschema 6's: Helm
//! prints its messages.

mod compile;
mod document;
mod formats;
mod json;
mod node;
mod numbers;
mod plain;
mod quick;
mod sound;
mod url;
mod validate;

use std::{borrow::Cow, sync::Arc};

use serde_json::Value;

use self::{
    compile::{Stop, Unexpected, compile},
    document::{Document, Draft},
    json::Json,
    node::Compiled,
    sound::Glance,
};
use super::{Notice, Tree};
use crate::template::fmt::quote;

/// Gives the text of a schema that another one refers to by this URL (`file:`, `http:`, `https:`), or says why not.
pub type Load<'a> = &'a dyn Fn(&str) -> Result<String, String>;

/// Where a chart's own schema is, as far as its references can tell.
const LOCATION: &str = "file:///values.schema.json";

/// Checks the values of a chart and those of its sub-charts, where they have a schema.
///
/// # Errors
/// Helm's words, without what it puts before them: a paragraph for each chart whose values do not fit.
pub fn check(chart: &impl Tree, values: &Value, load: Load<'_>, log: &mut Vec<Notice>) -> Result<(), String> {
    let mut found = String::new();
    if let Some(schema) = chart.schema()
        && let Err(problem) = check_alone(schema, values, load, log)
    {
        found.push_str(&format!("{}:\n{problem}", chart.name()));
    }
    for sub_chart in chart.dependencies() {
        let name = sub_chart.name();
        match values.get(name) {
            None | Some(Value::Null) => {}
            Some(values @ Value::Object(_)) => found.extend(check(sub_chart, values, load, log).err()),
            Some(other) => {
                let words = "invalid type for values: expected object (map), got";
                found.push_str(&format!("{name}:\n{words} {}\n", super::set::go_type(other)));
            }
        }
    }
    if found.is_empty() { Ok(()) } else { Err(found) }
}

/// Whether a chart or one of its sub-charts has a schema.
pub fn has_schema(chart: &impl Tree) -> bool {
    chart.schema().is_some() || chart.dependencies().iter().any(has_schema)
}

/// Checks values against one schema.
///
/// # Errors
/// What is wrong with them, a line each, or with the schema.
pub fn check_alone(schema: &[u8], values: &Value, load: Load<'_>, log: &mut Vec<Notice>) -> Result<(), String> {
    let root = Json::read(schema)?;
    let mut store = Store { load, log, documents: Vec::new() };
    let draft = store.draft(LOCATION, &root)?;
    let glance = check_schema(&root, LOCATION, draft)?;
    if glance.is_closed && quick::fits(&root, draft, values) == Some(true) {
        return Ok(());
    }
    store.documents.push(Stored { url: LOCATION.to_owned(), root: root.to_value().into(), draft });
    store.with_compiled(|compiled| match validate::problems(compiled, values) {
        None => Ok(()),
        Some(problems) => Err(format!("{}\n", problems.trim_start_matches('\n'))),
    })
}

/// The documents that a check needs, each checked against the schema of its draft when it comes in.
struct Store<'l> {
    load: Load<'l>,
    log: &'l mut Vec<Notice>,
    documents: Vec<Stored>,
}

struct Stored {
    url: String,
    // Shared, since places in it are known by their addresses.
    root: Arc<Value>,
    draft: Draft,
}

impl Store<'_> {
    fn add(&mut self, url: &str, text: &str) -> Result<(), String> {
        let root = read(url, text)?;
        let draft = self.draft(url, &root)?;
        if !compile::is_own(url) {
            check_schema(&root, url, draft)?;
        }
        self.documents.push(Stored { url: url.to_owned(), root: root.to_value().into(), draft });
        Ok(())
    }

    /// The draft of a document. A `$schema` that is no draft's is itself a schema of one.
    fn draft(&mut self, url: &str, root: &Json<'_>) -> Result<Draft, String> {
        let mut seen = vec![url.to_owned()];
        let mut name = root.get("$schema").and_then(Json::as_str).map(str::to_owned);
        while let Some(meta) = name {
            if let Some(draft) = Draft::of_url(&meta) {
                return Ok(draft);
            }
            let meta = meta.split('#').next().unwrap_or_default().to_owned();
            if seen.contains(&meta) {
                return Err(format!("cycle in resolving $schema in {}", quote(meta.as_bytes())));
            }
            let text = self.fetch(&meta)?;
            name = read(&meta, &text)?.get("$schema").and_then(Json::as_str).map(str::to_owned);
            seen.push(meta);
        }
        Ok(Draft::V2020)
    }

    /// The text of another document.
    fn fetch(&mut self, url: &str) -> Result<Cow<'static, str>, String> {
        if let Some(text) = document::own_schema(url) {
            return Ok(text.into());
        }
        match url::scheme(url) {
            Some("file" | "http" | "https") => {
                (self.load)(url).map(Cow::Owned).map_err(|problem| not_loaded(url, &problem))
            }
            // A URN that nobody knows allows everything.
            Some("urn") => {
                let words = "unresolved URN reference ignored; using permissive schema";
                self.log.push(Notice::warning(words, &[("urn", url)]));
                Ok("true".into())
            }
            _ => Err(not_loaded(url, &format!("no URLLoader registered for {}", quote(url.as_bytes())))),
        }
    }

    /// Compiles the first document, and gives it to a function. Starts again whenever a document is missing.
    fn with_compiled<T>(&mut self, run: impl FnOnce(&Compiled<'_>) -> Result<T, String>) -> Result<T, String> {
        loop {
            let missing = {
                let mut documents = Vec::new();
                for stored in &self.documents {
                    documents.push(Document::read(&stored.url, &stored.root, stored.draft)?);
                }
                match compile(&documents) {
                    Ok((compiled, unexpected)) => {
                        check_unexpected(&unexpected)?;
                        return run(&compiled);
                    }
                    Err(Stop::Error(message)) => return Err(message),
                    Err(Stop::Missing(url)) => url,
                }
            };
            let text = self.fetch(&missing)?;
            self.add(&missing, &text)?;
        }
    }
}

fn read<'t>(url: &str, text: &'t str) -> Result<Json<'t>, String> {
    Json::read(text.as_bytes()).map_err(|problem| not_loaded(url, &problem))
}

fn not_loaded(url: &str, problem: &str) -> String {
    format!("failing loading {}: {problem}", quote(url.as_bytes()))
}

fn check_unexpected(parts: &[Unexpected<'_>]) -> Result<(), String> {
    for draft in [Draft::V4, Draft::V6, Draft::V7, Draft::V2019, Draft::V2020] {
        let parts: Vec<_> = parts.iter().filter(|part| part.draft == draft).collect();
        if !parts.is_empty() {
            let of_draft = parts.iter().map(|part| (part.part, part.location.as_str()));
            check_against_draft(draft, of_draft)?;
        }
    }
    Ok(())
}

/// Checks that a document is a schema, and gives what was seen of it on the way.
fn check_schema(root: &Json<'_>, url: &str, draft: Draft) -> Result<Glance, String> {
    let glance = sound::glance(root, draft);
    if !glance.is_sound {
        check_against_draft(draft, [(&root.to_value(), format!("{url}#").as_str())])?;
    }
    Ok(glance)
}

/// Checks schemas against that of their draft, each with the place that names it in a message.
fn check_against_draft<'v>(draft: Draft, parts: impl IntoIterator<Item = (&'v Value, &'v str)>) -> Result<(), String> {
    let load: Load<'_> = &|url| Err(format!("{url} is not among the schemas of drafts"));
    let mut store = Store { load, log: &mut Vec::new(), documents: Vec::new() };
    let own = store.fetch(draft.url())?;
    store.add(draft.url(), &own)?;
    store.with_compiled(|compiled| {
        for (part, location) in parts {
            if let Some(problems) = validate::problems(compiled, part) {
                let head = format!("jsonschema validation failed with '{}#'", draft.url());
                let location = quote(location.as_bytes());
                return Err(format!("{location} is not valid against metaschema: {head}{problems}"));
            }
        }
        Ok(())
    })
}
