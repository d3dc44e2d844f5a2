//! What `template` prints and writes.

use std::{collections::HashSet, fs, io::Write, path::Path};

use crate::{
    chart::{go_words, path_matches},
    cli::{report::Report, session::Session},
    manifest,
    render::{Rendered, push},
};

/// Prints manifest and hooks, or writes them below `--output-dir`.
pub(super) fn write(session: &Session, rendered: &Rendered, release: &str) -> Result<(), Report> {
    let flags = &session.flags;
    let with_crds = flags.bool("include-crds");
    let hooks = rendered.hooks.iter().filter(|hook| !(flags.bool("skip-tests") && hook.is_test()));
    let hooks: Vec<_> = hooks.filter(|_| !flags.bool("no-hooks")).map(|hook| &hook.document).collect();
    let mut text = String::new();
    match flags.text("output-dir") {
        "" => {
            text = rendered.manifest(with_crds);
            // It begins with a separator: there is only an end to trim.
            text.truncate(text.trim_end().len());
            text.push('\n');
            hooks.iter().for_each(|document| push(&mut text, &document.path, &document.text));
        }
        folder => {
            let named = if flags.bool("release-name") { Path::new(folder).join(release) } else { folder.into() };
            let mut writer = Writer { session, written: HashSet::new() };
            for (path, data) in rendered.crds.iter().filter(|_| with_crds) {
                writer.add(folder, path, &String::from_utf8_lossy(data))?;
            }
            for document in rendered.documents.iter().chain(hooks) {
                writer.add(&named.to_string_lossy(), &document.path, &document.text)?;
            }
            text.push('\n');
        }
    }
    match flags.list("show-only") {
        [] => session.console.print(&text),
        wanted => session.console.print(&only(&text, wanted)?),
    }
}

/// The documents whose template matches, pattern by pattern.
fn only(text: &str, patterns: &[String]) -> Result<String, Report> {
    let documents: Vec<&str> = manifest::split(text.trim_start()).iter().map(|part| part.text.trim_start()).collect();
    let mut found = String::new();
    for pattern in patterns {
        let before = found.len();
        for document in documents
            .iter()
            .filter(|document| source(document).is_some_and(|path| path_matches(pattern, path) == Some(true)))
        {
            found.push_str(&format!("---\n{document}\n"));
        }
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
