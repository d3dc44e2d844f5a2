//! The little of Helm's template language that the example charts are written in: `define` and `include`, `if` and
//! `range` on lines of their own, `toYaml`, `quote`, `b64enc`, `sha256sum`, `nindent`. Real Helm renders the charts to the same.

use std::collections::BTreeMap;

use base64::Engine as _;
use serde_json::Value;

use crate::yaml;

/// What a template is rendered with.
#[derive(Debug, Clone)]
pub(super) struct Scope<'a> {
    /// `.Values`, `.Release`, `.Chart`.
    pub dot: &'a Value,
    /// `_helpers.tpl` of the chart.
    pub helpers: &'a str,
    /// Variables of the enclosing `range`.
    pub variables: BTreeMap<String, Value>,
}

/// A line that controls others.
enum Control<'t> {
    If(&'t str),
    /// Two variables and what is ranged over.
    Range(&'t str, &'t str, &'t str),
    Define,
}

impl Scope<'_> {
    /// Renders a template.
    pub fn render(&self, template: &str) -> String {
        let lines: Vec<&str> = template.lines().collect();
        let mut out = String::new();
        self.block(&lines, &mut out);
        out
    }

    fn block(&self, lines: &[&str], out: &mut String) {
        let mut rest = lines;
        while let [line, after @ ..] = rest {
            let Some(control) = control(line) else {
                self.line(line, out);
                rest = after;
                continue;
            };
            let (body, otherwise, after) = parts(after);
            rest = after;
            match control {
                Control::If(path) if is_true(&self.value(path)) => self.block(body, out),
                Control::If(_) => self.block(otherwise, out),
                Control::Range(key, value, path) => self.range((key, value), path, body, out),
                Control::Define => {}
            }
        }
    }

    fn range(&self, (key, value): (&str, &str), path: &str, body: &[&str], out: &mut String) {
        for (name, item) in self.value(path).as_object().into_iter().flatten() {
            let mut inner = self.clone();
            inner.variables.insert(key.to_owned(), name.clone().into());
            inner.variables.insert(value.to_owned(), item.clone());
            inner.block(body, out);
        }
    }

    fn line(&self, line: &str, out: &mut String) {
        let mut rest = line;
        while let Some((before, (expression, after))) =
            rest.split_once("{{").and_then(|(before, rest)| Some((before, rest.split_once("}}")?)))
        {
            out.push_str(before);
            let expression = match expression.strip_prefix('-') {
                Some(expression) => {
                    out.truncate(out.trim_end().len());
                    expression
                }
                None => expression,
            };
            out.push_str(&text(&self.pipeline(expression)));
            rest = after;
        }
        out.push_str(rest);
        out.push('\n');
    }

    fn pipeline(&self, expression: &str) -> Value {
        let mut steps = expression.split('|').map(str::trim);
        let first = steps.next().unwrap_or_default();
        let start = match first.split_once(' ') {
            Some(("toYaml", path)) => yaml::to_string(&self.value(path)).trim_end().into(),
            Some(("include", name)) => self.include(name).into(),
            _ => self.value(first),
        };
        steps.fold(start, |value, step| piped(&text(&value), step))
    }

    fn include(&self, call: &str) -> String {
        let start = format!("{{{{- define {} -}}}}\n", call.trim_end_matches('.').trim());
        let Some((_, body)) = self.helpers.split_once(&start) else {
            return String::new();
        };
        let lines: Vec<&str> = body.lines().collect();
        let mut out = String::new();
        self.block(parts(&lines).0, &mut out);
        out.trim_end().to_owned()
    }

    fn value(&self, path: &str) -> Value {
        if let Some(name) = path.strip_prefix('$') {
            return self.variables.get(name).cloned().unwrap_or_default();
        }
        let keys = path.trim_start_matches('.').split('.');
        keys.fold(self.dot, |value, key| &value[key]).clone()
    }
}

fn control(line: &str) -> Option<Control<'_>> {
    let inside = line.trim().strip_prefix("{{- ")?;
    let inside = inside.strip_suffix("}}")?.trim_end_matches('-').trim();
    let (word, rest) = inside.split_once(' ')?;
    match word {
        "if" => Some(Control::If(rest)),
        "define" => Some(Control::Define),
        "range" => {
            let (variables, path) = rest.split_once(" := ")?;
            let (key, value) = variables.split_once(", ")?;
            Some(Control::Range(key.trim_start_matches('$'), value.trim_start_matches('$'), path))
        }
        _ => None,
    }
}

/// The lines up to `else`, those up to the matching `end`, those after it.
fn parts<'l, 't>(lines: &'l [&'t str]) -> (&'l [&'t str], &'l [&'t str], &'l [&'t str]) {
    let (mut depth, mut otherwise) = (0_usize, None);
    for (index, line) in lines.iter().enumerate() {
        match line.trim() {
            "{{- end }}" if depth == 0 => {
                let middle = otherwise.unwrap_or(index);
                let second = lines.get(middle + 1..index).unwrap_or_default();
                return (&lines[..middle], second, &lines[index + 1..]);
            }
            "{{- end }}" => depth -= 1,
            "{{- else }}" if depth == 0 => otherwise = Some(index),
            _ if control(line).is_some() => depth += 1,
            _ => {}
        }
    }
    (lines, &[], &[])
}

fn is_true(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(bool) => *bool,
        Value::Number(number) => number.as_i64() != Some(0),
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => !list.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn piped(text: &str, function: &str) -> Value {
    match function.split_once(' ') {
        Some(("nindent", width)) => {
            let margin = " ".repeat(width.parse().unwrap_or(0));
            text.lines().map(|line| format!("\n{margin}{line}")).collect::<String>().into()
        }
        _ if function == "quote" => format!("{text:?}").into(),
        _ if function == "b64enc" => base64::engine::general_purpose::STANDARD.encode(text).into(),
        _ => {
            let digest = <sha2::Sha256 as sha2::Digest>::digest(text.as_bytes());
            digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into()
        }
    }
}
