//! Where each line of a manifest comes from: which line of which template, and what set the values in it. The chart is
//! rendered once more for it, with recording.

use std::{collections::HashMap, fmt, iter, ops::Range, rc::Rc};

use super::{Document, Error, Failure, Head, Rendered, RenderedFile, Request, pipeline};
use crate::{
    chart::Chart,
    manifest,
    template::{self, Env, Options, Part},
    values::{self, Origin, Origins, Values},
    yaml,
};

/// The values as the user gave them, for those who ask what set a value.
pub struct Sources<'a> {
    /// What was given.
    pub options: &'a values::Options,
    /// Gives each file's bytes once more.
    pub read: &'a mut dyn FnMut(&str) -> Result<Vec<u8>, String>,
}

/// Where a line of a manifest comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Explanation {
    /// Helm writes it between documents.
    Separator,
    /// From a file of `crds/`, as it is.
    Copied(Place),
    /// From a template.
    Made {
        /// What gave its first character, in the innermost template.
        place: Place,
        /// The actions that called that template, the innermost first.
        included_from: Vec<Place>,
        /// The values that were read for it.
        reads: Vec<Read>,
    },
}

/// A line of a file of the chart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The path below the chart; `gotpl` is a text that `tpl` executed.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
}

/// A value that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    /// As the template's chart sees it: `.Values.image.tag`.
    pub name: String,
    /// Where it came from; `None` where nothing sets it, or nobody told what was given.
    pub set_by: Option<Origin>,
}

/// For each line of each text of a [`Rendered`] its explanation.
#[derive(Debug, Clone, Default)]
pub struct Explained {
    /// Of [`Rendered::crds`].
    pub crds: Vec<Vec<Explanation>>,
    /// Of [`Rendered::documents`].
    pub documents: Vec<Vec<Explanation>>,
    /// Of [`Rendered::hooks`].
    pub hooks: Vec<Vec<Explanation>>,
}

/// Renders a chart as [`super::render`] does and explains every line.
///
/// # Errors
/// Those of [`super::render`].
pub fn explain(
    chart: &mut Chart,
    given: &Values,
    request: &Request,
    env: &dyn Env,
    sources: Option<Sources<'_>>,
) -> Result<(Rendered, Explained), Failure> {
    let options = Options { record: true, ..Options::default() };
    let (rendered, files) = pipeline::render_files(chart, given, request, env, options)?;
    let explainer = Explainer {
        chart: chart.name(),
        origins: sources.map(|sources| Origins::new(sources.options, sources.read, &*chart)),
        files: files.iter().map(|file| (&*file.path, file)).collect(),
    };
    let explained = Explained {
        crds: rendered.crds.iter().map(|(path, data)| explainer.copied(path, &pipeline::text_of(data))).collect(),
        documents: rendered.documents.iter().map(|document| explainer.document(document)).collect(),
        hooks: rendered.hooks.iter().map(|hook| explainer.document(&hook.document)).collect(),
    };
    Ok((rendered, explained))
}

/// The explanations of a text's lines as [`super::push`] prints the text.
pub fn pushed(lines: &[Explanation]) -> impl Iterator<Item = &Explanation> {
    const HEAD: [&Explanation; 2] = [&Explanation::Separator; 2];
    HEAD.into_iter().chain(lines)
}

/// The lines of a printed manifest, from 0, that are meant by a line's number, or by a path inside the documents
/// such as `spec.containers[0].image`, with or without `Kind/name:` before it.
///
/// # Errors
/// That there is none.
pub fn lines_at(printed: &str, wanted: &str) -> Result<Vec<usize>, Error> {
    if let Ok(number) = wanted.parse::<usize>() {
        let count = printed.lines().count();
        return match number.checked_sub(1).filter(|line| *line < count) {
            Some(line) => Ok(vec![line]),
            None => Err(Error::new(format!("there is no line {number}: the manifest has {count} lines"))),
        };
    }
    let (object, path) = match wanted.split('[').next().and_then(|head| head.rsplit_once(':')) {
        Some((object, _)) => (Some(object), wanted.get(object.len() + 1..).unwrap_or_default()),
        None => (None, wanted),
    };
    let keys = keys(path);
    let mut found = Vec::new();
    for document in manifest::split(printed) {
        let is_meant = object.is_none_or(|object| {
            Head::read(document.text).is_ok_and(|head| format!("{}/{}", head.kind, head.name) == object)
        });
        if let Some(place) = is_meant.then(|| yaml::positions(document.text).ok()).flatten()
            && let Some(place) = keys.iter().try_fold(&place, |place, key| place.get(key)).filter(|_| !keys.is_empty())
        {
            let before = printed.get(..document.offset).unwrap_or_default().matches('\n').count();
            found.push(before + place.line.saturating_sub(1));
        }
    }
    if found.is_empty() { Err(Error::new(format!("there is no {wanted} in the manifest"))) } else { Ok(found) }
}

struct Explainer<'a> {
    /// The name of the top chart, with which all paths begin.
    chart: &'a str,
    origins: Option<Origins>,
    files: HashMap<&'a str, &'a RenderedFile>,
}

impl Explainer<'_> {
    fn copied(&self, path: &str, text: &str) -> Vec<Explanation> {
        let place = |(index, _)| Explanation::Copied(self.place(path, index + 1));
        text.split('\n').enumerate().map(place).collect()
    }

    fn document(&self, document: &Document) -> Vec<Explanation> {
        let parts = self.files.get(&*document.path).map_or(&[][..], |file| &file.parts);
        let scope = scope(&document.path);
        let mut start = document.range.start;
        let explain = |line: &str| {
            let first = start + (line.len() - line.trim_start().len());
            // The end of the line may belong to what stands on the next one.
            let end = (start + line.len()).max(first + 1);
            start += line.len() + 1;
            self.line(parts, first..end, &scope)
        };
        document.text().split('\n').map(explain).collect()
    }

    fn line(&self, parts: &[Part], range: Range<usize>, scope: &[&str]) -> Explanation {
        let mut own = template::parts_of(parts, range);
        let Some(first) = own.next() else {
            return Explanation::Separator;
        };
        let mut names: Vec<&Rc<str>> = Vec::new();
        for name in iter::once(first).chain(own).flat_map(|part| &part.origin.reads) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let place = |place: &template::Place| self.place(&place.file, place.line);
        Explanation::Made {
            place: place(&first.origin.place),
            included_from: first.origin.included_from.iter().map(place).collect(),
            reads: names.into_iter().map(|name| self.read(name, scope)).collect(),
        }
    }

    fn read(&self, name: &str, scope: &[&str]) -> Read {
        let inner = keys(name.strip_prefix(".Values").unwrap_or(name));
        let path: Vec<&str> = scope.iter().copied().chain(inner.iter().map(String::as_str)).collect();
        Read { name: name.to_owned(), set_by: self.origins.as_ref().and_then(|origins| origins.of(&path)) }
    }

    fn place(&self, path: &str, line: usize) -> Place {
        let below = path.strip_prefix(self.chart).and_then(|rest| rest.strip_prefix('/'));
        Place { file: below.unwrap_or(path).to_owned(), line }
    }
}

impl Explanation {
    /// It in words: where the line comes from, then a line for each value.
    pub fn tell(&self) -> Vec<String> {
        match self {
            Self::Separator => vec!["written between documents, by no template".to_owned()],
            Self::Copied(place) => vec![format!("comes from {place} as it is")],
            Self::Made { place, included_from, reads } => {
                let way: Vec<String> = included_from.iter().map(ToString::to_string).collect();
                let way =
                    if way.is_empty() { String::new() } else { format!(" (included from {})", way.join(", from ")) };
                iter::once(format!("comes from {place}{way}")).chain(reads.iter().map(ToString::to_string)).collect()
            }
        }
    }
}

/// In words: `.Values.image.tag, set by prod.yaml:7`.
impl fmt::Display for Read {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.set_by {
            Some(origin) => write!(f, "{}, set by {origin}", self.name),
            None => write!(f, "{}, not set", self.name),
        }
    }
}

/// As it is shown: `templates/deployment.yaml:42`.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// The sub-charts that lead to a template: `a` and `b` for `top/charts/a/charts/b/templates/file.yaml`.
fn scope(path: &str) -> Vec<&str> {
    let mut segments = path.split('/').skip(1);
    iter::from_fn(|| segments.next().filter(|segment| *segment == "charts").and_then(|_| segments.next())).collect()
}

/// The keys of a path: `a`, `0` and `b.c` for `.a[0]["b.c"]`.
fn keys(path: &str) -> Vec<String> {
    let mut keys = Vec::new();
    let mut rest = path;
    while !rest.is_empty() {
        let (key, next) = if let Some(inner) = rest.strip_prefix('[') {
            let cut = inner.strip_prefix('"').map_or_else(|| inner.split_once(']'), |text| text.split_once("\"]"));
            cut.unwrap_or((inner, ""))
        } else {
            let inner = rest.strip_prefix('.').unwrap_or(rest);
            inner.split_at(inner.find(['.', '[']).unwrap_or(inner.len()))
        };
        if !key.is_empty() {
            keys.push(key.to_owned());
        }
        rest = next;
    }
    keys
}

#[cfg(test)]
mod tests {
    use super::{keys, lines_at, scope};

    #[test]
    fn finds_lines_by_number_and_path() {
        let printed = "---\n# Source: a/templates/b.yaml\nkind: A\nmetadata:\n  name: x:y\n  labels: {\"k.io/a\": b}\n\n---\nkind: B\nmetadata:\n  name: z\nlist:\n- a: 1\n- a: 2\n";
        for (wanted, expected) in [
            ("3", Ok(vec![2])),
            ("metadata.name", Ok(vec![4, 10])),
            (".metadata.name", Ok(vec![4, 10])),
            ("A/x:y:metadata.name", Ok(vec![4])),
            ("B/z:list[1].a", Ok(vec![13])),
            ("list.0", Ok(vec![12])),
            ("metadata.labels[\"k.io/a\"]", Ok(vec![5])),
            ("list[2]", Err("there is no list[2] in the manifest")),
            ("", Err("there is no  in the manifest")),
            ("[", Err("there is no [ in the manifest")),
            ("0", Err("there is no line 0: the manifest has 14 lines")),
            ("15", Err("there is no line 15: the manifest has 14 lines")),
        ] {
            let found = lines_at(printed, wanted);
            assert_eq!(found.map_err(|error| error.message), expected.map_err(str::to_owned), "{wanted}");
        }
    }

    #[test]
    fn reads_paths() {
        assert_eq!(keys(".a[0][\"b.c\"].d"), ["a", "0", "b.c", "d"]);
        assert_eq!(keys("a..b[c"), ["a", "b", "c"]);
        assert_eq!(scope("top/charts/a/charts/b/templates/file.yaml"), ["a", "b"]);
        assert!(scope("top/templates/charts/file.yaml").is_empty());
    }
}
