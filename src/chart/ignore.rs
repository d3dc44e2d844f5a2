//! `.helmignore` (helm/helm `pkg/ignore/rules.go`): patterns of Go's `filepath.Match`, checked in order, the first that
//! decides ends it.

use super::Error;

/// The rules of a folder.
#[derive(Debug, Default)]
pub(super) struct Rules {
    rules: Vec<Rule>,
}

#[derive(Debug)]
struct Rule {
    pattern: String,
    /// `!pattern`: what does not match is ignored.
    negated: bool,
    /// `pattern/`: matches folders only.
    folders_only: bool,
    /// A pattern without `/` is held against the last part of a path.
    last_part_only: bool,
}

impl Rules {
    /// The rules of a file's text, and those that Helm always adds: dotfiles in `templates/`.
    ///
    /// # Errors
    /// Helm's words for `**` and for patterns that are none.
    pub(super) fn parse(text: &str) -> Result<Self, Error> {
        let mut rules = Self::default();
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        for line in text.lines().chain(["templates/.?*"]) {
            rules.add(line.trim())?;
        }
        Ok(rules)
    }

    fn add(&mut self, line: &str) -> Result<(), Error> {
        if line.is_empty() || line.starts_with('#') {
            return Ok(());
        }
        if line.contains("**") {
            return Err(Error::new("double-star (**) syntax is not supported"));
        }
        path_matches(line, "abc").ok_or_else(|| Error::new("syntax error in pattern"))?;
        let (negated, pattern) = cut(line, |line| line.strip_prefix('!'));
        let (folders_only, pattern) = cut(pattern, |line| line.strip_suffix('/'));
        let last_part_only = !pattern.contains('/');
        let pattern = pattern.strip_prefix('/').unwrap_or(pattern).to_owned();
        self.rules.push(Rule { pattern, negated, folders_only, last_part_only });
        Ok(())
    }

    /// Whether the file or folder at a path inside the chart is left out.
    pub(super) fn ignore(&self, path: &str, is_folder: bool) -> bool {
        for rule in &self.rules {
            let fits_kind = is_folder || !rule.folders_only;
            if rule.negated {
                if !fits_kind || !rule.matches(path) {
                    return true;
                }
            } else if fits_kind && rule.matches(path) {
                return true;
            }
        }
        false
    }
}

impl Rule {
    fn matches(&self, path: &str) -> bool {
        let last = path.rsplit('/').next().unwrap_or(path);
        path_matches(&self.pattern, if self.last_part_only { last } else { path }).unwrap_or(false)
    }
}

fn cut<'a>(text: &'a str, cut: impl Fn(&'a str) -> Option<&'a str>) -> (bool, &'a str) {
    cut(text).map_or((false, text), |rest| (true, rest))
}

/// Go's `filepath.Match`: `*` and `?` do not cross `/`, `[a-z]` and `[^a-z]` are classes, `\` escapes. `None` where the
/// pattern is none, as far as matching had to look at it: what follows a star that cannot match is not checked.
pub fn path_matches(pattern: &str, name: &str) -> Option<bool> {
    let (mut pattern, mut name) = (pattern, name);
    while !pattern.is_empty() {
        let (star, chunk, rest) = next_chunk(pattern);
        pattern = rest;
        if star && chunk.is_empty() {
            return Some(!name.contains('/'));
        }
        let tail = match_chunk(chunk, name)?;
        match tail {
            Some(tail) if tail.is_empty() || !pattern.is_empty() => {
                name = tail;
                continue;
            }
            _ => {}
        }
        match if star { after_star(chunk, name, pattern.is_empty())? } else { None } {
            Some(tail) => name = tail,
            None => return Some(false),
        }
    }
    Some(name.is_empty())
}

/// Tries a chunk at every place that a star before it may reach.
fn after_star<'a>(chunk: &str, name: &'a str, is_last: bool) -> Option<Option<&'a str>> {
    for (at, char) in name.char_indices() {
        if char == '/' {
            break;
        }
        let from = name.get(at + char.len_utf8()..).unwrap_or_default();
        match match_chunk(chunk, from)? {
            Some(tail) if !is_last || tail.is_empty() => return Some(Some(tail)),
            _ => {}
        }
    }
    Some(None)
}

/// Leading stars, then what stands before the next star outside a class.
fn next_chunk(pattern: &str) -> (bool, &str, &str) {
    let chunk = pattern.trim_start_matches('*');
    let star = chunk.len() < pattern.len();
    let (mut in_class, mut escaped) = (false, false);
    for (at, char) in chunk.char_indices() {
        match char {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '[' => in_class = true,
            ']' => in_class = false,
            '*' if !in_class => {
                let (chunk, rest) = chunk.split_at(at);
                return (star, chunk, rest);
            }
            _ => {}
        }
    }
    (star, chunk, "")
}

/// Holds a chunk without stars against the start of a name: what is left of it, `Some(None)` where it does not match.
fn match_chunk<'a>(chunk: &str, name: &'a str) -> Option<Option<&'a str>> {
    let (mut pattern, mut name) = (chunk.chars(), name.chars());
    let mut failed = false;
    while let Some(wanted) = pattern.next() {
        failed = failed || name.as_str().is_empty();
        let char = if failed { None } else { name.next() };
        match wanted {
            '[' => failed |= !class(&mut pattern, char)?,
            '?' => failed |= char == Some('/'),
            '\\' => failed |= Some(pattern.next()?) != char,
            wanted => failed |= Some(wanted) != char,
        }
    }
    Some((!failed).then_some(name.as_str()))
}

/// Reads a class after its `[`; whether the character is in it.
fn class(pattern: &mut std::str::Chars, char: Option<char>) -> Option<bool> {
    let negated = pattern.as_str().starts_with('^');
    if negated {
        pattern.next();
    }
    let mut found = false;
    let mut ranges = 0;
    loop {
        if ranges > 0 && pattern.as_str().starts_with(']') {
            pattern.next();
            return Some(char.is_some() && found != negated);
        }
        let low = class_char(pattern)?;
        let high = if pattern.as_str().starts_with('-') {
            pattern.next();
            class_char(pattern)?
        } else {
            low
        };
        found |= char.is_some_and(|char| (low..=high).contains(&char));
        ranges += 1;
    }
}

/// One character of a class, which something must follow.
fn class_char(pattern: &mut std::str::Chars) -> Option<char> {
    let char = match pattern.next()? {
        '-' | ']' => return None,
        '\\' => pattern.next()?,
        other => other,
    };
    (!pattern.as_str().is_empty()).then_some(char)
}
