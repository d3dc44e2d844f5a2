//! Executes a chart's templates (helm/helm `pkg/engine/engine.go`).

use std::sync::Arc;

use super::{Error, ReleaseFacts, RenderedFile, documents::is_partial, scope};
use crate::{
    chart::Chart,
    template::{Context, Env, Map, Options, Silenced, Templates, Value},
    values::{Level, Notice},
};

/// Reads all templates of a chart and its sub-charts and executes those that are no partials, in Helm's order.
pub(super) fn execute(
    chart: &Chart,
    values: Map,
    release: &ReleaseFacts,
    capabilities: Value,
    options: Options,
    env: &dyn Env,
    log: &mut Vec<Notice>,
) -> Result<Vec<RenderedFile>, Error> {
    let scoped = scope::templates(chart, values, release, capabilities);
    let mut templates = Templates::new();
    let sources: Vec<_> = scoped.iter().map(|template| (template.path.clone(), template.text.clone())).collect();
    templates.add(&sources)?;
    let mut context = Context::new(&templates, options, env);
    let mut files = Vec::new();
    for template in scoped.iter().filter(|template| !is_partial(&template.path)) {
        let text = context.execute(&template.path, template.data());
        log.extend(context.silenced.drain(..).map(notice));
        let (text, is_utf8) = match String::from_utf8(text?) {
            Ok(text) => (text, true),
            Err(error) => (String::from_utf8_lossy(error.as_bytes()).into_owned(), false),
        };
        files.push(RenderedFile { path: template.path.clone(), text: Arc::new(text), is_utf8, parts: context.parts() });
    }
    Ok(files)
}

/// What Helm logs of `required` and `fail` while it lints.
fn notice((kind, message): (Silenced, String)) -> Notice {
    let (level, words) = match kind {
        Silenced::Missing => (Level::Warn, "missing required value"),
        Silenced::Empty => (Level::Warn, "missing required values"),
        Silenced::Fail => (Level::Info, "funcMap fail"),
    };
    Notice { level, message: words.to_owned(), facts: vec![("message", message)] }
}

/// The name of a release from `--name-template`, which sees nothing (`TemplateName` of helm/helm
/// `pkg/action/install.go`).
///
/// # Errors
/// Go's words.
pub fn name(template: &str, env: &dyn Env) -> Result<String, Error> {
    text("name-template", template, Value::Nil, env)
}

/// Executes a template of the user's own, as Go alone does: what is missing is `<no value>`.
///
/// # Errors
/// Go's words.
pub fn text(name: &str, template: &str, data: Value, env: &dyn Env) -> Result<String, Error> {
    let mut templates = Templates::new();
    let go = |error: crate::template::Error| Error { message: error.to_string(), ..Error::from(error) };
    templates.add(&[(name.into(), template.as_bytes().to_vec().into())]).map_err(go)?;
    let mut context = Context::new(&templates, Options::default(), env);
    let text = context.execute_plain(name, data).map_err(go)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}
