//! `templates/` (helm/helm `pkg/chart/v2/lint/rules/template.go`), and hooks that Helm leaves out.

use serde_json::Value;

use super::{Entry, Linter, deprecations::deprecation, names, when};
use crate::{
    chart::{self, Chart},
    render::{
        Capabilities, Error, ReleaseFacts, RenderedFile, capabilities, documents, engine, pipeline::check_schemas,
    },
    template::{Env, Options, fmt::quote},
    values::{self, Nulls},
    yaml,
};

const FOLDER: &str = "templates/";

/// What the rules read of a rendered object.
#[derive(Default)]
pub(super) struct Object {
    pub(super) api_version: String,
    pub(super) kind: String,
    name: String,
    value: Value,
}

impl Linter<'_> {
    pub(super) fn templates(&mut self, env: &dyn Env) {
        let subject = self.subject;
        let is_there = subject.templates != Entry::Missing;
        if !self.warning(FOLDER, when(!is_there, || "directory does not exist".to_owned())) {
            return;
        }
        if !self.error(FOLDER, when(subject.templates != Entry::Folder, || "not a directory".to_owned())) {
            return;
        }
        let mut chart = match &subject.chart {
            Ok(chart) => chart.clone(),
            Err(error) => {
                self.error(FOLDER, Some(error.to_string()));
                return;
            }
        };
        match self.render(&mut chart, env) {
            Some(Ok(files)) => {
                self.files(&chart, &files);
                self.hooks(&chart, &files);
            }
            Some(Err(error)) => {
                self.error(FOLDER, Some(error.to_string()));
            }
            // What is wrong with sub-charts is silent here, as in Helm.
            None => {}
        }
    }

    fn render(&mut self, chart: &mut Chart, env: &dyn Env) -> Option<Result<Vec<RenderedFile>, Error>> {
        let given = values::from_json(self.rules.values);
        chart::process_dependencies(chart, self.rules.values, &mut self.log).ok()?;
        values::coalesce(chart, &given, Nulls::Remove, &mut self.log).ok()?;
        if !self.rules.skip_schema_validation
            && let Err(error) = check_schemas(chart, &given, env, &mut self.log)
        {
            return Some(Err(error));
        }
        let release = ReleaseFacts {
            name: "test-release".to_owned(),
            namespace: self.rules.namespace.to_owned(),
            revision: 0,
            is_upgrade: false,
            is_install: false,
        };
        let options = Options { lint: true, ..Options::default() };
        let capabilities = capabilities::value(self.capabilities());
        Some(engine::execute(chart, given, &release, capabilities, options, env, &mut self.log))
    }

    fn capabilities(&self) -> Capabilities {
        let defaults = Capabilities::default();
        let kube_version = self.rules.kube_version.clone().unwrap_or(defaults.kube_version);
        Capabilities { kube_version, ..defaults }
    }

    /// Every template of the chart itself, rendered.
    fn files(&mut self, chart: &Chart, files: &[RenderedFile]) {
        for template in &chart.templates {
            let name = &template.name;
            let extension = name.rsplit('/').next().and_then(|name| name.rfind('.').map(|dot| &name[dot..]));
            let extension = extension.unwrap_or_default();
            let is_allowed = matches!(extension, ".yaml" | ".yml" | ".tpl" | ".txt");
            self.error(
                name,
                when(!is_allowed, || {
                    format!("file extension '{extension}' not valid. Valid extensions are .yaml, .yml, .tpl, or .txt")
                }),
            );
            if !matches!(extension.to_lowercase().as_str(), ".yaml" | ".yml") {
                continue;
            }
            let path = format!("{}/{name}", chart.name());
            let rendered = files.iter().find(|file| *file.path == *path);
            let text = rendered.map_or("", |file| file.text.as_str());
            if !text.trim().is_empty() && !self.file(name, text) {
                return;
            }
        }
    }

    /// What a template gave; whether to go on with others.
    fn file(&mut self, name: &str, text: &str) -> bool {
        self.warning(name, illegal_indent(text));
        for object in Object::all(text) {
            let object = match object {
                Ok(Some(object)) => object,
                Ok(None) => continue,
                Err(why) => return self.error(name, Some(format!("unable to parse YAML: {why}"))),
            };
            self.warning(name, names::problem(&object.kind, &object.name));
            let kubernetes = self.capabilities().kube_version;
            self.warning(name, deprecation(&object.api_version, &object.kind, &kubernetes));
            self.error(name, object.selector_problem(text));
            self.error(name, object.list_problem());
        }
        true
    }

    /// Objects that name hooks which Helm does not know: it leaves them out without a word.
    fn hooks(&mut self, chart: &Chart, files: &[RenderedFile]) {
        let Ok(sorted) = documents::sort(files) else {
            return;
        };
        for document in sorted.skipped {
            let path = document.path.strip_prefix(&format!("{}/", chart.name())).unwrap_or(&document.path).to_owned();
            let hooks = document.head.annotations.get(documents::EVENTS_ANNOTATION).cloned().unwrap_or_default();
            let object = format!("{} {}", document.head.kind, quote(document.head.name.as_bytes()));
            self.warning(
                &path,
                Some(format!("{object} is left out: Helm does not know the hook {}", quote(hooks.as_bytes()))),
            );
        }
    }
}

/// The first line that is not blank must not be indented.
fn illegal_indent(text: &str) -> Option<String> {
    let line = text.lines().find(|line| !line.trim().is_empty())?;
    when(line.starts_with([' ', '\t']), || {
        let line = quote(line.as_bytes());
        format!("document starts with an illegal indent: {line}, which may cause parsing problems")
    })
}

impl Object {
    /// The objects of a text, `None` for a document that is empty; nothing follows an error.
    pub(super) fn all(text: &str) -> Vec<Result<Option<Self>, String>> {
        let mut objects = Vec::new();
        match values::documents(text) {
            Ok(documents) => {
                for document in documents {
                    let object = Self::read(document);
                    let failed = object.is_err();
                    objects.push(object);
                    if failed {
                        break;
                    }
                }
            }
            Err(why) => objects.push(Err(why)),
        }
        objects
    }

    fn read(document: &str) -> Result<Option<Self>, String> {
        let value = yaml::from_str(document).map_err(|error| error.message)?;
        let wrong = |found: &Value, wanted: &str| {
            let found = yaml::json::kind(found);
            format!("error unmarshaling JSON: while decoding JSON: json: cannot unmarshal {found} into Go {wanted}")
        };
        let mut object = Self::default();
        let entries = match &value {
            Value::Null => return Ok(None),
            Value::Object(entries) => entries,
            other => return Err(wrong(other, "value of type rules.k8sYamlStruct")),
        };
        let text = |value: &Value, field: &str| match value {
            Value::Null => Ok(String::new()),
            Value::String(text) => Ok(text.clone()),
            Value::Bool(_) | Value::Number(_) => Ok(value.to_string()),
            other => Err(wrong(other, &format!("struct field {field} of type string"))),
        };
        for (key, value) in entries {
            match (key.to_ascii_lowercase().as_str(), value) {
                ("apiversion", value) => object.api_version = text(value, "k8sYamlStruct.apiVersion")?,
                ("kind", value) => object.kind = text(value, "k8sYamlStruct.Kind")?,
                ("metadata", Value::Object(metadata)) => {
                    for (key, value) in metadata {
                        match key.to_ascii_lowercase().as_str() {
                            "name" => object.name = text(value, "k8sYamlMetadata.Metadata.Name")?,
                            "namespace" => drop(text(value, "k8sYamlMetadata.Metadata.Namespace")?),
                            _ => {}
                        }
                    }
                }
                ("metadata", Value::Null) => {}
                ("metadata", other) => {
                    return Err(wrong(other, "struct field k8sYamlStruct.Metadata of type rules.k8sYamlMetadata"));
                }
                _ => {}
            }
        }
        object.value = value;
        Ok(Some(object))
    }

    /// A workload must select its pods; the words anywhere in the file are enough.
    fn selector_problem(&self, text: &str) -> Option<String> {
        let is_workload = matches!(self.kind.as_str(), "Deployment" | "ReplicaSet" | "DaemonSet" | "StatefulSet");
        let selects = text.contains("matchLabels") || text.contains("matchExpressions");
        when(is_workload && !selects, || {
            let name = quote(self.name.as_bytes());
            format!("a {} must contain matchLabels or matchExpressions, and {name} does not", self.kind)
        })
    }

    fn list_problem(&self) -> Option<String> {
        let items = self.value.get("items").and_then(Value::as_array);
        let policy = |item: &Value| !item["metadata"]["annotations"]["helm.sh/resource-policy"].is_null();
        when(self.kind == "List" && items.is_some_and(|items| items.iter().any(policy)), || {
            "annotation 'helm.sh/resource-policy' within List objects are ignored".to_owned()
        })
    }
}
