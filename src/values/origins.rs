//! Which file and line, or which flag, a value came from. This is found out only when somebody asks: merging itself
//! keeps no books.

use std::fmt;

use serde_json::Value;

use super::{
    GLOBAL, Options, Tree, Values, documents,
    set::{Reading, set},
};
use crate::yaml::{self, Place};

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// A file as the user named it, a chart's file by its path below the chart (`charts/redis/values.yaml`), or a flag
    /// with the name it sets (`--set image.tag`).
    pub source: String,
    /// The 1-based line in a file.
    pub line: Option<usize>,
}

/// As it is shown: `prod.yaml:7`.
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}", self.source),
            None => f.write_str(&self.source),
        }
    }
}

/// Everything that values of a rendering came from.
pub struct Origins {
    /// What the user gave, the strongest first.
    given: Vec<Layer>,
    chart: Defaults,
}

/// A source of values.
enum Layer {
    File {
        name: String,
        first_line: usize,
        place: Place,
    },
    Flag {
        flag: &'static str,
        values: Values,
    },
    /// A file of which only the values are known.
    Values {
        name: String,
        values: Values,
    },
}

/// The values of a chart itself, and of its sub-charts.
struct Defaults {
    name: String,
    layers: Vec<Layer>,
    imports: Vec<Import>,
    sub_charts: Vec<Defaults>,
}

/// An entry of `import-values`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// The sub-chart.
    pub chart: String,
    /// The path in its values.
    pub child: String,
    /// The path in the parent's, `.` for the top.
    pub parent: String,
}

/// What a layer knows of a path.
enum Answer {
    /// This is where it is set.
    Here(Origin),
    /// Something above it is set to what is no table: the path leads nowhere in weaker layers either.
    Cut,
    /// Nothing.
    Silent,
}

impl Origins {
    /// Reads all sources again: `read` gives what it gave when the values were merged. The chart's sub-charts have been
    /// chosen by then.
    pub fn new(options: &Options, read: &mut dyn FnMut(&str) -> Result<Vec<u8>, String>, chart: &impl Tree) -> Self {
        let mut given = Vec::new();
        for path in &options.files {
            let data = read(path).unwrap_or_default();
            given.extend(file_layers(path, &String::from_utf8_lossy(&data)));
        }
        let mut no_file = |_: &str| Ok(String::new());
        for (flag, lines) in [
            ("--set-json", &options.set_json),
            ("--set", &options.set),
            ("--set-string", &options.set_string),
            ("--set-file", &options.set_file),
            ("--set-literal", &options.set_literal),
        ] {
            for line in lines {
                given.push(Layer::Flag { flag, values: flag_values(flag, line, &mut no_file) });
            }
        }
        given.reverse();
        Self { given, chart: Defaults::new(chart, "") }
    }

    /// Where the value at a path came from. The path starts at the top chart's values (`redis`, `image`, `tag` for
    /// `.Values.image.tag` of its sub-chart `redis`); items of lists go by their index.
    pub fn of(&self, path: &[&str]) -> Option<Origin> {
        self.find(&self.chart, path, 0, false)
    }

    /// `inner` counts the keys at the head of a path that lead to the values of `chart`. What is imported is looked for
    /// below only: imports and globals could send each other round in circles.
    fn find(&self, chart: &Defaults, path: &[&str], inner: usize, is_import: bool) -> Option<Origin> {
        let rest = path.get(inner..)?;
        let key = *rest.first()?;
        // The values of a parent's `global` go over those of a sub-chart.
        if inner > 0 && key == GLOBAL && !is_import {
            let outer: Vec<&str> = path.iter().take(inner - 1).chain(rest).copied().collect();
            if let Some(origin) = self.of(&outer) {
                return Some(origin);
            }
        }
        if inner == 0 {
            match first_answer(&self.given, path) {
                Answer::Here(origin) => return Some(origin),
                Answer::Cut => return None,
                Answer::Silent => {}
            }
        }
        match first_answer(&chart.layers, rest) {
            Answer::Here(origin) => return Some(origin),
            Answer::Cut => return None,
            Answer::Silent => {}
        }
        for import in &chart.imports {
            let below: Vec<&str> = match import.parent.as_str() {
                "." => rest.to_vec(),
                parent => match strip(rest, parent) {
                    Some(below) => below.to_vec(),
                    None => continue,
                },
            };
            let child = import.child.split('.');
            let there: Vec<&str> = std::iter::once(import.chart.as_str()).chain(child).chain(below).collect();
            let whole: Vec<&str> = path.iter().take(inner).copied().chain(there).collect();
            let found =
                chart.sub_chart(&import.chart).and_then(|sub_chart| self.find(sub_chart, &whole, inner + 1, true));
            if found.is_some() {
                return found;
            }
        }
        self.find(chart.sub_chart(key)?, path, inner + 1, is_import)
    }
}

impl Defaults {
    fn new(chart: &impl Tree, folder: &str) -> Self {
        let name = format!("{folder}values.yaml");
        let mut layers = match chart.values_text() {
            Some(text) => file_layers(&name, &String::from_utf8_lossy(text)),
            None => vec![Layer::Values { name, values: chart.values().clone() }],
        };
        layers.reverse();
        let sub_charts = chart.dependencies().iter();
        Self {
            name: chart.name().to_owned(),
            layers,
            imports: chart.imports(),
            sub_charts: sub_charts
                .map(|sub_chart| Self::new(sub_chart, &format!("{folder}charts/{}/", sub_chart.name())))
                .collect(),
        }
    }

    fn sub_chart(&self, name: &str) -> Option<&Self> {
        self.sub_charts.iter().find(|sub_chart| sub_chart.name == name)
    }
}

impl Layer {
    fn answer(&self, path: &[&str]) -> Answer {
        match self {
            Self::File { name, first_line, place } => {
                let mut at = place;
                for key in path {
                    match at.get(key) {
                        Some(inner) => at = inner,
                        None if at.is_table() || std::ptr::eq(at, place) => return Answer::Silent,
                        None => return Answer::Cut,
                    }
                }
                Answer::Here(Origin { source: name.clone(), line: Some(first_line + at.line - 1) })
            }
            Self::Flag { flag, values } => within(values, path, || format!("{flag} {}", path.join("."))),
            Self::Values { name, values } => within(values, path, || name.clone()),
        }
    }
}

/// What values say of a path, with the name of their source where they set it.
fn within(values: &Values, path: &[&str], name: impl Fn() -> String) -> Answer {
    let mut at: Option<&Value> = None;
    for key in path {
        let inner = match at {
            None => values.get(*key),
            Some(Value::Object(table)) => table.get(*key),
            Some(Value::Array(list)) => key.parse::<usize>().ok().and_then(|index| list.get(index)),
            Some(_) => return Answer::Cut,
        };
        match inner {
            // Items that a flag does not name are null here.
            None | Some(Value::Null) if matches!(at, Some(Value::Array(_))) => return Answer::Silent,
            None => return Answer::Silent,
            inner => at = inner,
        }
    }
    Answer::Here(Origin { source: name(), line: None })
}

fn first_answer(layers: &[Layer], path: &[&str]) -> Answer {
    let answers = layers.iter().map(|layer| layer.answer(path));
    answers.into_iter().find(|answer| !matches!(answer, Answer::Silent)).unwrap_or(Answer::Silent)
}

/// What follows these dotted keys in a path.
fn strip<'a, 'p>(path: &'a [&'p str], keys: &str) -> Option<&'a [&'p str]> {
    let count = keys.split('.').count();
    let (head, rest) = path.split_at_checked(count)?;
    head.iter().copied().eq(keys.split('.')).then_some(rest)
}

/// The documents of a file, the weakest first. A text that cannot be read sets nothing.
fn file_layers(name: &str, text: &str) -> Vec<Layer> {
    let start = text.as_ptr().addr();
    let layer = |document: &str| {
        let before = text.get(..document.as_ptr().addr() - start).unwrap_or_default();
        let first_line = before.matches('\n').count() + 1;
        let place = yaml::positions(document).unwrap_or_default();
        Layer::File { name: name.to_owned(), first_line, place }
    };
    documents(text).unwrap_or_default().into_iter().map(layer).collect()
}

fn flag_values(flag: &str, line: &str, no_file: &mut dyn FnMut(&str) -> Result<String, String>) -> Values {
    if flag == "--set-json" && line.trim().starts_with('{') {
        return serde_json::from_str(line).unwrap_or_default();
    }
    let mut reading = match flag {
        "--set-json" => Reading::Json,
        "--set-file" => Reading::File(no_file),
        "--set-literal" => Reading::Literal,
        _ => Reading::Text,
    };
    let mut values = Values::new();
    // What is wrong with the line was said when the values were merged.
    let _ = set(line, &mut reading, &mut values);
    values
}
