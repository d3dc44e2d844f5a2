//! Searching for a compiled pattern.

use std::{
    ops::Range,
    sync::{
        OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
};

use regex_automata::{
    Input,
    meta::{self, Config},
    util::{primitives::NonMaxUsize, syntax},
};

/// How large a compiled pattern may be.
const MAX_SIZE: usize = 1 << 26;
/// How many bytes a pattern looks through before it is worth its while to make automata of it.
const WORTHWHILE: usize = 16 * 1024;
/// How long a pattern may be that is not made ready for all texts at once: what it comes to then cannot be too large.
const SHORT: usize = 200;

/// A pattern of the crate `regex`. Charts look for most of theirs once or twice in a name, so that making automata takes a
/// hundred times as long as the search: short ASCII texts are searched without these.
#[derive(Debug)]
pub(crate) struct Regex {
    pattern: String,
    /// For texts in ASCII. `None` where only Unicode's rules will do.
    quick: Option<meta::Regex>,
    /// For all texts.
    full: OnceLock<meta::Regex>,
    /// How many bytes `quick` has looked through.
    searched: AtomicUsize,
}

/// Where the groups of a match are, the whole match first.
#[derive(Debug, Default)]
pub(crate) struct Groups(Vec<Option<NonMaxUsize>>);

impl Groups {
    pub(crate) fn get(&self, index: usize) -> Option<Range<usize>> {
        let place = |slot: usize| self.0.get(slot).copied().flatten().map(NonMaxUsize::get);
        Some(place(2 * index)?..place(2 * index + 1)?)
    }
}

impl Regex {
    /// Compiles a pattern.
    ///
    /// # Errors
    /// It is too large, or not the crate's syntax.
    pub(crate) fn new(pattern: &str) -> Result<Self, Box<meta::BuildError>> {
        let may_wait = pattern.len() <= SHORT && pattern.is_ascii();
        let quick = may_wait.then(|| build_quick(pattern)).and_then(Result::ok);
        let full = OnceLock::new();
        if quick.is_none() {
            let _ = full.set(build_full(pattern)?);
        }
        Ok(Self { pattern: pattern.to_owned(), quick, full, searched: AtomicUsize::new(0) })
    }

    pub(crate) fn is_match(&self, text: &str) -> bool {
        self.engine(text.len(), text).is_some_and(|engine| engine.is_match(text))
    }

    /// Finds the first match at or behind an offset.
    pub(crate) fn find_at(&self, text: &str, at: usize, groups: &mut Groups) -> Option<Range<usize>> {
        let engine = self.engine(text.len().saturating_sub(at), text)?;
        groups.0.clear();
        groups.0.resize(engine.group_info().slot_len(), None);
        engine.search_slots(&Input::new(text).range(at..), &mut groups.0)?;
        groups.get(0)
    }

    /// What to look through so many bytes of a text with.
    fn engine(&self, length: usize, text: &str) -> Option<&meta::Regex> {
        if let Some(quick) = &self.quick
            && text.is_ascii()
            && self.searched.fetch_add(length, Ordering::Relaxed) < WORTHWHILE
        {
            return Some(quick);
        }
        if self.full.get().is_none() {
            let _ = self.full.set(build_full(&self.pattern).ok()?);
        }
        self.full.get()
    }
}

/// What simulates the pattern on the text, without Unicode's classes, which are large.
fn build_quick(pattern: &str) -> Result<meta::Regex, Box<meta::BuildError>> {
    let simple = Config::new().dfa(false).hybrid(false).onepass(false).auto_prefilter(false);
    let config = simple.pool_capacity(1).utf8_empty(false).nfa_size_limit(Some(MAX_SIZE));
    build(pattern, config, syntax().unicode(false))
}

fn build_full(pattern: &str) -> Result<meta::Regex, Box<meta::BuildError>> {
    build(pattern, Config::new().utf8_empty(false).nfa_size_limit(Some(MAX_SIZE)), syntax())
}

fn syntax() -> syntax::Config {
    syntax::Config::new().utf8(false).nest_limit(2000)
}

fn build(pattern: &str, config: Config, syntax: syntax::Config) -> Result<meta::Regex, Box<meta::BuildError>> {
    meta::Regex::builder().configure(config).syntax(syntax).build(pattern).map_err(Box::new)
}

#[cfg(test)]
mod tests {
    use super::{Groups, Regex, WORTHWHILE};

    fn found(regex: &Regex, text: &str) -> Vec<Option<std::ops::Range<usize>>> {
        let mut groups = Groups::default();
        regex.find_at(text, 0, &mut groups);
        (0..3).map(|index| groups.get(index)).collect()
    }

    #[test]
    fn both_ways_of_searching_find_the_same() {
        for pattern in [r"a+(b)?", r"^(?-u:\w+)-(.)", "[^a-z]+$", "(?i)K(.*?)e", r"(?-u:\b)x", "", "é", r"\p{Lu}(.)"] {
            let regex = Regex::new(pattern).expect("a pattern");
            let texts = ["", "aab", "xaa-b", "kEee", "a x", "K\u{212a}", "é", "Ab", "Éb", "\n"];
            let before: Vec<_> = texts.iter().map(|text| found(&regex, text)).collect();
            regex.is_match(&"-".repeat(WORTHWHILE));
            let after: Vec<_> = texts.iter().map(|text| found(&regex, text)).collect();
            assert_eq!(before, after, "{pattern}");
        }
    }

    #[test]
    fn what_is_not_ascii_is_known_to_classes() {
        let any = Regex::new("^.$").expect("a pattern");
        assert!(any.is_match("a") && any.is_match("é") && !any.is_match("ab") && !any.is_match("éé"));
    }

    #[test]
    fn what_is_too_large_is_refused_at_once() {
        assert!(Regex::new(&r"\p{L}{1000}".repeat(30)).is_err());
        assert!(Regex::new("(").is_err());
    }
}
