//! What `template` prints and writes.

use std::{collections::HashSet, fs, io::Write, path::Path};

use crate::{
    chart::{go_words, path_matches},
    cli::{report::Report, session::Session},
    manifest,
    render::{Document, Hook, Rendered, pieces, push},
};

/// Prints manifest and hooks, or writes them below `--output-dir`.
pub(super) fn write(session: &Session, rendered: &Rendered, release: &str) -> Result<(), Report> {
    let flags = &session.flags;
    let mut text = String::new();
    match flags.text("output-dir") {
        "" if flags.list("show-only").is_empty() => return print(session, rendered),
        "" => {
            text = manifest(session, rendered);
            hooks(session, rendered).for_each(|(_, document)| push(&mut text, &document.path, document.text()));
        }
        folder => {
            let named = if flags.bool("release-name") { Path::new(folder).join(release) } else { folder.into() };
            let mut writer = Writer { session, written: HashSet::new() };
            for (path, data) in rendered.crds.iter().filter(|_| flags.bool("include-crds")) {
                writer.add(folder, path, &String::from_utf8_lossy(data))?;
            }
            for document in rendered.documents.iter().chain(hooks(session, rendered).map(|(_, document)| document)) {
                writer.add(&named.to_string_lossy(), &document.path, document.text())?;
            }
            text.push('\n');
        }
    }
    match flags.list("show-only") {
        [] => session.console.print(&text),
        wanted => {
            let found = only(&text, wanted)?;
            let found: String = found.into_iter().map(|(_, document)| format!("---\n{document}\n")).collect();
            session.console.print(&found)
        }
    }
}

/// Prints piece by piece: joined, all of it would take as much memory as the rendering before.
fn print(session: &Session, rendered: &Rendered) -> Result<(), Report> {
    let mut entries: Vec<_> = rendered.entries(session.flags.bool("include-crds")).collect();
    let mut end = String::new();
    if let Some((path, text)) = entries.pop() {
        push(&mut end, path, &text);
    }
    end_manifest(&mut end);
    let hooks = hooks(session, rendered).flat_map(|(_, hook)| pieces(&hook.path, hook.text()));
    let entries = entries.iter().flat_map(|(path, text)| pieces(path, text));
    session.console.print_all(entries.chain([end.as_str()]).chain(hooks))
}

/// What is printed before the hooks. It begins with a separator: there is only an end to trim.
pub(super) fn manifest(session: &Session, rendered: &Rendered) -> String {
    let mut text = rendered.manifest(session.flags.bool("include-crds"));
    end_manifest(&mut text);
    text
}

fn end_manifest(text: &mut String) {
    text.truncate(text.trim_end().len());
    text.push('\n');
}

/// The hooks that are printed, with their indexes.
pub(super) fn hooks<'a>(
    session: &Session,
    rendered: &'a Rendered,
) -> impl Iterator<Item = (usize, &'a Document)> + use<'a> {
    let (no_hooks, no_tests) = (session.flags.bool("no-hooks"), session.flags.bool("skip-tests"));
    let is_printed = move |hook: &Hook| !(no_hooks || no_tests && hook.is_test());
    let hooks = rendered.hooks.iter().enumerate().filter(move |(_, hook)| is_printed(hook));
    hooks.map(|(index, hook)| (index, &hook.document))
}

/// The documents whose template matches, pattern by pattern, and where they begin.
pub(super) fn only<'a>(text: &'a str, patterns: &[String]) -> Result<Vec<(usize, &'a str)>, Report> {
    let trimmed = text.trim_start();
    let document = |part: &manifest::Document<'a>| {
        let document = part.text.trim_start();
        (text.len() - trimmed.len() + part.offset + (part.text.len() - document.len()), document)
    };
    let documents: Vec<(usize, &str)> = manifest::split(trimmed).iter().map(document).collect();
    let mut found = Vec::new();
    for pattern in patterns {
        let before = found.len();
        found.extend(
            documents
                .iter()
                .copied()
                .filter(|(_, document)| source(document).is_some_and(|path| path_matches(pattern, path) == Some(true))),
        );
        if found.len() == before {
            return Err(Report::new(format!("could not find template {pattern} in chart")));
        }
    }
    Ok(found)
}

/// The path below the chart, from the first comment `# Source: chart/path` anywhere in a document.
fn source(document: &str) -> Option<&str> {
    document.match_indices("# Source: ").find_map(|(at, marker)| {
        let line = document.get(at + marker.len()..)?.lines().next()?;
        let (chart, path) = line.split_once('/')?;
        (!chart.is_empty() && !path.is_empty()).then_some(path)
    })
}

struct Writer<'a> {
    session: &'a Session,
    written: HashSet<String>,
}

impl Writer<'_> {
    /// Writes a document to a file of its template's name; a second one is added to it.
    fn add(&mut self, folder: &str, path: &str, text: &str) -> Result<(), Report> {
        let file = format!("{folder}/{path}");
        let failed = |error: std::io::Error| Report::new(format!("open {file}: {}", go_words(&error)));
        if let Some(parent) = Path::new(&file).parent() {
            fs::create_dir_all(parent).map_err(failed)?;
        }
        let again = !self.written.insert(file.clone());
        let mut options = fs::OpenOptions::new();
        let options = if again { options.append(true) } else { options.write(true).create(true).truncate(true) };
        let mut document = String::new();
        push(&mut document, path, text);
        options.open(&file).and_then(|mut file| file.write_all(document.as_bytes())).map_err(failed)?;
        self.session.console.print(&format!("wrote {file}\n"))
    }
}
