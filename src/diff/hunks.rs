//! Hunks between two texts, and where in the YAML they are.

use similar::{ChangeTag, DiffOp, TextDiff};

use super::{Hunk, Line};

/// Hunks between two texts with `context` unchanged lines around each; `usize::MAX` shows everything.
pub fn hunks(old: &str, new: &str, context: usize) -> Vec<Hunk> {
    let diff = TextDiff::from_lines(old, new);
    let (old_places, new_places) = (Places::new(old), Places::new(new));
    let groups = match context {
        usize::MAX => vec![diff.ops().to_vec()],
        // Nothing is further away than all lines are long.
        _ => diff.grouped_ops(context.min(diff.old_len() + diff.new_len())),
    };
    let hunk = |ops: Vec<DiffOp>| {
        let first = ops.first()?;
        let changed = ops.iter().find(|op| !matches!(op, DiffOp::Equal { .. }));
        let path = changed.map_or(String::new(), |op| match op.new_range() {
            range if range.is_empty() => old_places.path(op.old_range().start),
            range => new_places.path(range.start),
        });
        let lines = ops.iter().flat_map(|op| diff.iter_changes(op)).map(|change| {
            let text = change.value().trim_end_matches('\n').to_owned();
            match change.tag() {
                ChangeTag::Equal => Line::Context(text),
                ChangeTag::Delete => Line::Removed(text),
                ChangeTag::Insert => Line::Added(text),
            }
        });
        Some(Hunk {
            old_start: first.old_range().start + 1,
            new_start: first.new_range().start + 1,
            path,
            lines: lines.collect(),
        })
    };
    groups.into_iter().filter_map(hunk).collect()
}

/// The lines of a YAML text as this program writes it.
struct Places<'a> {
    lines: Vec<&'a str>,
    indents: Vec<usize>,
    /// Lines inside a block scalar: what looks like keys there is text.
    quoted: Vec<bool>,
}

impl<'a> Places<'a> {
    fn new(text: &'a str) -> Self {
        let lines: Vec<&str> = text.lines().collect();
        let indents: Vec<usize> = lines.iter().map(|line| indent(line)).collect();
        let mut block: Option<usize> = None;
        let quoted = lines.iter().zip(&indents).map(|(line, indent)| {
            let inside = block.is_some_and(|column| line.is_empty() || *indent > column);
            if !inside {
                let column = || key(line).map_or(*indent, |_| key_column(line));
                block = starts_block(line).then(column);
            }
            inside
        });
        let quoted = quoted.collect();
        Self { lines, indents, quoted }
    }

    /// The path that encloses a line: `spec.template.spec.containers[web]`.
    fn path(&self, line: usize) -> String {
        let mut steps: Vec<String> = Vec::new();
        let Some(text) = self.lines.get(line) else {
            return String::new();
        };
        let mut column = self.indents[line];
        let mut is_item = !self.quoted[line] && is_item_start(text);
        for at in (0..line).rev() {
            if column == 0 && !is_item {
                break;
            }
            let text = self.lines[at];
            if self.indents[at] > column || self.quoted[at] || text.is_empty() {
                continue;
            }
            let encloses = |key: usize| key < column || (key == column && is_item);
            if let Some(key) = key(text)
                && encloses(key_column(text))
            {
                steps.push(format!(".{key}"));
                (column, is_item) = (key_column(text), false);
            }
            if is_item_start(text) && self.indents[at] < column {
                steps.push(format!("[{}]", self.item(at)));
                (column, is_item) = (self.indents[at], true);
            }
        }
        steps.iter().rev().map(String::as_str).collect::<String>().trim_start_matches('.').to_owned()
    }

    /// The name of the item that starts at a line, or its place in the list.
    fn item(&self, start: usize) -> String {
        let column = self.indents[start];
        let own = |at: &usize| *at == start || self.indents[*at] > column || self.lines[*at].is_empty();
        let name = (start..self.lines.len()).take_while(own).find_map(|at| {
            let line = self.lines[at];
            let of_item = !self.quoted[at] && key_column(line) == column + 2;
            line.trim_start_matches([' ', '-']).strip_prefix("name: ").filter(|_| of_item)
        });
        name.map_or_else(|| self.place(start, column).to_string(), str::to_owned)
    }

    fn place(&self, start: usize, column: usize) -> usize {
        let starts = |at: &usize| self.indents[*at] == column && is_item_start(self.lines[*at]);
        let of_list = |at: &usize| self.lines[*at].is_empty() || self.indents[*at] > column || starts(at);
        (0..start).rev().take_while(of_list).filter(starts).count()
    }
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

fn is_item_start(line: &str) -> bool {
    let text = line.trim_start_matches(' ');
    text.starts_with("- ") || text == "-"
}

/// The column of the line's key, which may follow dashes.
fn key_column(line: &str) -> usize {
    line.len() - line.trim_start_matches([' ', '-']).len()
}

fn key(line: &str) -> Option<&str> {
    let text = line.trim_start_matches([' ', '-']);
    let (key, _) = text.split_once(": ").or_else(|| Some((text.strip_suffix(':')?, "")))?;
    Some(key.trim_matches(['"', '\'']))
}

fn starts_block(line: &str) -> bool {
    let Some((_, header)) = line.rsplit_once(' ') else {
        return false;
    };
    header.starts_with('|') && header[1..].chars().all(|char| matches!(char, '0'..='9' | '+' | '-'))
}
