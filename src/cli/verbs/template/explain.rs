//! `template --explain`: where a line comes from and what set the values in it.

use super::output;
use crate::{
    cli::{report::Report, session::Session},
    render::{Explained, Explanation, Rendered, lines_at, push, pushed},
};

/// Prints the lines that the flag means, each with its explanation.
pub(super) fn print(session: &Session, rendered: &Rendered, explained: &Explained) -> Result<(), Report> {
    let (text, explanations) = printed(session, rendered, explained)?;
    let lines: Vec<&str> = text.lines().collect();
    let mut told = String::new();
    for at in lines_at(&text, session.flags.text("explain"))? {
        let explanation = explanations.get(at).copied().unwrap_or(&Explanation::Separator);
        told.push_str(&format!("{}: {}\n", at + 1, lines.get(at).unwrap_or(&"")));
        explanation.tell().iter().for_each(|words| told.push_str(&format!("  {words}\n")));
    }
    session.console.print(&told)
}

/// What `template` prints with the same flags, and an explanation for each line.
fn printed<'a>(
    session: &Session,
    rendered: &Rendered,
    explained: &'a Explained,
) -> Result<(String, Vec<&'a Explanation>), Report> {
    let crds = if session.flags.bool("include-crds") { explained.crds.as_slice() } else { &[] };
    let mut text = output::manifest(session, rendered);
    let mut lines: Vec<_> = crds.iter().chain(&explained.documents).flat_map(|lines| pushed(lines)).collect();
    lines.resize(text.lines().count(), &Explanation::Separator);
    for (index, document) in output::hooks(session, rendered) {
        push(&mut text, &document.path, document.text());
        lines.extend(explained.hooks.get(index).into_iter().flat_map(|lines| pushed(lines)));
    }
    let wanted = session.flags.list("show-only");
    if wanted.is_empty() {
        return Ok((text, lines));
    }
    let mut shown = (String::new(), Vec::new());
    for (start, document) in output::only(&text, wanted)? {
        let before = text.get(..start).unwrap_or_default().matches('\n').count();
        shown.0.push_str(&format!("---\n{document}\n"));
        shown.1.push(&Explanation::Separator);
        let count = document.split('\n').count();
        let own = lines.iter().copied().skip(before).chain(std::iter::repeat(&Explanation::Separator));
        shown.1.extend(own.take(count));
    }
    Ok(shown)
}
