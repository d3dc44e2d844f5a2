//! Comparisons as text, in helm-diff's form.

use regex::Regex;

use crate::{
    cli::output::Colors,
    diff::{Change, Line, ObjectDiff, hunks, visible},
    engine::Preview,
};

/// How diffs are printed.
pub struct Style {
    /// Lines around changes; `usize::MAX` shows everything.
    pub context: usize,
    /// Kinds whose content is not shown.
    pub suppress: Vec<String>,
    /// Changed lines that are not shown.
    pub suppress_lines: Vec<Regex>,
    /// The largest fraction of lines that differ where one object stands for another; 0 pairs none.
    pub find_renames: f32,
    /// Colours.
    pub colors: Colors,
}

impl Style {
    /// Three lines around changes, no colours.
    pub fn plain() -> Self {
        Self { context: 3, suppress: Vec::new(), suppress_lines: Vec::new(), find_renames: 0.0, colors: Colors(false) }
    }

    /// Takes the content out of a kind that is not to be shown.
    pub fn suppress(&self, diff: &mut ObjectDiff) {
        if self.suppress.contains(&diff.key.kind) {
            diff.old_text.clear();
            diff.new_text.clear();
        }
    }
}

/// What is said of a preview before its objects: what happens in a sentence, then dangers.
pub fn head(preview: &Preview) -> String {
    let mut text = format!("{}: {} → {}: {}\n", preview.release, preview.from, preview.to, preview.headline);
    let confidence = serde_json::to_value(preview.confidence).unwrap_or_default();
    text += &format!("confidence: {}\n", confidence.as_str().unwrap_or_default());
    preview.risks.iter().for_each(|risk| text += &format!("! {}\n", risk.message));
    preview.hooks.iter().for_each(|hook| text += &format!("hook: {hook}\n"));
    text.lines().map(|line| format!("{}\n", visible(line))).chain(["\n".to_owned()]).collect()
}

/// A preview as text: what happens in a sentence, dangers, then each object that changes.
pub fn preview(preview: &Preview, style: &Style) -> String {
    head(preview) + &objects(&diffs(preview), style) + &left_alone(preview, style)
}

/// Definitions that differ and are not applied.
pub fn left_alone(preview: &Preview, style: &Style) -> String {
    preview.definitions.iter().map(|diff| told(diff, "differs, and is left alone", style)).collect()
}

/// What differs in a preview: objects, then hooks.
pub fn diffs(preview: &Preview) -> Vec<ObjectDiff> {
    let objects = preview.objects.iter().map(|object| &object.diff);
    objects.chain(preview.hooks.iter().map(|hook| &hook.diff)).cloned().collect()
}

/// Each object that changes, with its lines.
pub fn objects(diffs: &[ObjectDiff], style: &Style) -> String {
    renamed(diffs, style.find_renames).iter().map(|diff| object(diff, style)).collect()
}

/// A line for each object that changes, and their numbers.
pub fn simple(diffs: &[ObjectDiff], style: &Style) -> String {
    let diffs = renamed(diffs, style.find_renames);
    let mut text = String::new();
    for diff in &diffs {
        let (verb, color) = match diff.change {
            Change::Create => ("to be added", "32"),
            Change::Update => ("to be changed", "33"),
            Change::Recreate => ("to be recreated", "33"),
            Change::Delete => ("to be removed", "31"),
            Change::None => continue,
        };
        text += &(style.colors.paint(color, "0", &visible(&format!("{} {verb}.", name(diff)))) + "\n");
    }
    let count = |changes: &[Change]| diffs.iter().filter(|diff| changes.contains(&diff.change)).count();
    let (added, removed) = (count(&[Change::Create]), count(&[Change::Delete]));
    let changed = count(&[Change::Update, Change::Recreate]);
    text + &format!("Plan: {added} to add, {changed} to change, {removed} to destroy.\n")
}

/// An object as helm-diff names it.
fn name(diff: &ObjectDiff) -> String {
    let group = diff.api_version.rsplit_once('/').map_or(diff.api_version.as_str(), |(group, _)| group);
    format!("{}, {}, {} ({group})", diff.key.namespace, diff.key.name, diff.key.kind)
}

/// One changed object; nothing for one that stays.
fn object(diff: &ObjectDiff, style: &Style) -> String {
    let verb = match diff.change {
        Change::Create => "has been added",
        Change::Update => "has changed",
        Change::Recreate => "has to be recreated",
        Change::Delete => "has been removed",
        Change::None => return String::new(),
    };
    told(diff, verb, style)
}

/// An object under what is said of it.
fn told(diff: &ObjectDiff, verb: &str, style: &Style) -> String {
    let heading = |words: &str| style.colors.paint("33", "0", &visible(&format!("{} {words}", name(diff)))) + "\n";
    if style.suppress.contains(&diff.key.kind) {
        let words = format!("+ Changes suppressed on sensitive content of type {}\n\n", diff.key.kind);
        return heading(&format!("{verb}:")) + &words;
    }
    let Some(lines) = lines(diff, style) else {
        return heading(&format!("{verb}, but diff is empty after suppression.")) + "\n";
    };
    heading(&format!("{verb}:")) + &lines + "\n"
}

/// The lines of a diff, `- `, `+ ` or two blanks before each, `...` between hunks; control characters made visible.
/// `None` where all that changed is suppressed.
fn lines(diff: &ObjectDiff, style: &Style) -> Option<String> {
    let shown = |text: &str| !style.suppress_lines.iter().any(|regex| regex.is_match(text));
    let (mut text, mut changed) = (String::new(), false);
    for (at, hunk) in hunks(&diff.old_text, &diff.new_text, style.context).into_iter().enumerate() {
        if at > 0 {
            text += "...\n";
        }
        for line in hunk.lines {
            let (mark, color, line) = match &line {
                Line::Context(line) => ("  ", "", line),
                Line::Removed(line) => ("- ", "31", line),
                Line::Added(line) => ("+ ", "32", line),
            };
            if !shown(line) {
                continue;
            }
            changed |= !color.is_empty();
            let line = format!("{mark}{}", visible(line));
            text += &if color.is_empty() { line } else { style.colors.paint(color, "0", &line) };
            text.push('\n');
        }
    }
    (changed || style.suppress_lines.is_empty()).then_some(text)
}

/// The same objects, where one that goes and one of its kind that comes are one change if no more than this fraction of
/// their lines differs (helm-diff `diff/diff.go`, `contentSearch`).
fn renamed(diffs: &[ObjectDiff], most: f32) -> Vec<ObjectDiff> {
    let mut shown: Vec<ObjectDiff> = diffs.to_vec();
    if most <= 0.0 {
        return shown;
    }
    for gone in diffs.iter().filter(|diff| diff.change == Change::Delete) {
        let comes = shown.iter().enumerate().filter(|(_, diff)| {
            diff.change == Change::Create && (&diff.key.group, &diff.key.kind) == (&gone.key.group, &gone.key.kind)
        });
        let closest = comes.map(|(at, diff)| (fraction(gone, diff), at)).min_by(|one, other| one.0.total_cmp(&other.0));
        let Some((_, at)) = closest.filter(|(fraction, _)| *fraction < most) else { continue };
        let new = shown.remove(at);
        if let Some(one) = shown.iter_mut().find(|diff| diff.key == gone.key) {
            *one = ObjectDiff { change: Change::Update, new_text: new.new_text, ..one.clone() };
        }
    }
    shown
}

/// How much of two objects' lines differs.
fn fraction(old: &ObjectDiff, new: &ObjectDiff) -> f32 {
    let hunks = hunks(&old.old_text, &new.new_text, usize::MAX);
    let lines: Vec<&Line> = hunks.iter().flat_map(|hunk| &hunk.lines).collect();
    let changed = lines.iter().filter(|line| !matches!(line, Line::Context(_))).count();
    changed as f32 / lines.len().max(1) as f32
}
