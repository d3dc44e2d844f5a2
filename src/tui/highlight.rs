//! YAML colours, for the lines that are on the screen only.

use ratatui::style::Style;
use syntect::parsing::{ParseState, Scope, ScopeStack, SyntaxSet};

use super::theme::Theme;

/// The loaded syntax definitions. Loading takes milliseconds, so it happens in a task.
pub struct Highlighter {
    set: SyntaxSet,
    key: Scope,
    string: Scope,
    number: Scope,
    comment: Scope,
}

impl Highlighter {
    /// Loads the definitions; `None` when the built-in scopes do not parse, which a test rules out.
    pub fn load() -> Option<Self> {
        Some(Self {
            set: SyntaxSet::load_defaults_newlines(),
            key: Scope::new("entity.name.tag").ok()?,
            string: Scope::new("string").ok()?,
            number: Scope::new("constant").ok()?,
            comment: Scope::new("comment").ok()?,
        })
    }

    /// The styles of one line of YAML: byte ranges in order, without gaps. Each line stands alone, so that any line of a
    /// long text can be shown without reading those above.
    pub fn line(&self, line: &str, theme: &Theme) -> Vec<(usize, Style)> {
        let plain = vec![(line.len(), theme.text)];
        let Some(syntax) = self.set.find_syntax_by_extension("yaml").filter(|_| line.len() < 1000) else {
            return plain;
        };
        let Ok(parsed) = ParseState::new(syntax).parse_line(&format!("{line}\n"), &self.set) else {
            return plain;
        };
        let mut stack = ScopeStack::new();
        let mut ends = Vec::new();
        for (at, operation) in &parsed {
            ends.push(((*at).min(line.len()), self.style(&stack, theme)));
            if stack.apply(operation).is_err() {
                return plain;
            }
        }
        ends.push((line.len(), self.style(&stack, theme)));
        ends
    }

    fn style(&self, stack: &ScopeStack, theme: &Theme) -> Style {
        for scope in stack.as_slice().iter().rev() {
            if self.comment.is_prefix_of(*scope) {
                return theme.comment;
            } else if self.key.is_prefix_of(*scope) {
                return theme.key;
            } else if self.number.is_prefix_of(*scope) {
                return theme.number;
            } else if self.string.is_prefix_of(*scope) {
                return theme.string;
            }
        }
        theme.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_numbers_and_comments_are_told_apart() {
        let highlighter = Highlighter::load().unwrap_or_else(|| panic!("scopes"));
        let theme = Theme::named("dark", false, false).unwrap_or_else(|| panic!("theme"));
        let spans = highlighter.line("replicas: 3 # few", &theme);
        let style_at = |at: usize| spans.iter().find(|(end, _)| *end > at).map(|span| span.1);
        assert_eq!(style_at(0), Some(theme.key));
        assert_eq!(style_at(10), Some(theme.number));
        assert_eq!(style_at(14), Some(theme.comment));
    }
}
