//! Patterns of `.Files.Glob` (github.com/gobwas/glob with `/` as its separator): `*` and `?` stay inside a folder, `**`
//! does not; `[abc]`, `[!a-z]`, `{one,two}`; a backslash takes the next character as it is. Known to differ: gobwas does not
//! match `f/g/h` with `f/{**,x}`.

use crate::template::Regex;

/// A pattern, ready to match.
pub(super) struct Glob(Regex);

impl Glob {
    /// Reads a pattern; `None` where it is malformed.
    pub(super) fn new(pattern: &str) -> Option<Self> {
        let mut reader = Reader { rest: pattern, depth: 0 };
        Regex::new(&format!("(?s)^(?:{})$", reader.translate()?)).ok().map(Self)
    }

    /// Whether a path matches.
    pub(super) fn matches(&self, path: &str) -> bool {
        self.0.is_match(path)
    }
}

struct Reader<'a> {
    rest: &'a str,
    /// How many braces are open.
    depth: usize,
}

impl Reader<'_> {
    /// The whole pattern as a regular expression.
    fn translate(&mut self) -> Option<String> {
        let mut expression = String::new();
        while let Some(char) = self.next() {
            match char {
                '*' if self.take('*') => expression.push_str(".*"),
                '*' => expression.push_str("[^/]*"),
                '?' => expression.push_str("[^/]"),
                '[' => expression.push_str(&self.class()?),
                '{' => {
                    self.depth += 1;
                    expression.push_str("(?:");
                }
                ',' if self.depth > 0 => expression.push('|'),
                '}' if self.depth > 0 => {
                    self.depth -= 1;
                    expression.push(')');
                }
                '\\' => {
                    if let Some(escaped) = self.next() {
                        push_literal(&mut expression, escaped);
                    }
                }
                char => push_literal(&mut expression, char),
            }
        }
        // Braces that are never closed end with the pattern.
        expression.push_str(&")".repeat(self.depth));
        Some(expression)
    }

    /// What follows `[`: one range, or a list of characters.
    fn class(&mut self) -> Option<String> {
        let mut expression = if self.take('!') { "[^".to_owned() } else { "[".to_owned() };
        let mut ahead = self.rest.chars();
        if let (Some(low), Some('-')) = (ahead.next(), ahead.next()) {
            let high = ahead.next()?;
            self.rest = ahead.as_str();
            if high < low || !self.take(']') {
                return None;
            }
            push_literal(&mut expression, low);
            expression.push('-');
            push_literal(&mut expression, high);
        } else {
            let empty = expression.len();
            loop {
                match self.next()? {
                    ']' => break,
                    '\\' => push_literal(&mut expression, self.next()?),
                    char => push_literal(&mut expression, char),
                }
            }
            if expression.len() == empty {
                return None;
            }
        }
        expression.push(']');
        Some(expression)
    }

    fn next(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let char = chars.next();
        self.rest = chars.as_str();
        char
    }

    fn take(&mut self, char: char) -> bool {
        let rest = self.rest.strip_prefix(char);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }
}

/// The code point, so that no character has a meaning of its own.
fn push_literal(expression: &mut String, char: char) {
    expression.push_str(&format!("\\x{{{:x}}}", u32::from(char)));
}

#[cfg(test)]
mod tests {
    use super::Glob;

    /// Answers of gobwas/glob 0.2.3, `glob.Compile(pattern, '/')`: pattern, path, answer (`None`: does not compile).
    const ANSWERS: &[(&str, &str, Option<bool>)] = &[
        ("*", "abc", Some(true)),
        ("*", "]", Some(true)),
        ("*", "b.txt", Some(true)),
        ("*", "dash/y/z.yaml", Some(false)),
        ("*", "a/b/c.txt", Some(false)),
        ("**", "dash/x.json", Some(true)),
        ("**", "files/q/r/x-.yaml", Some(true)),
        ("**", "a,b", Some(true)),
        ("a/*", "a/b", Some(true)),
        ("a/*", "a/b.txt", Some(true)),
        ("a/*", "-", Some(false)),
        ("a/*", "abc", Some(false)),
        ("a/**", "a/b/c.txt", Some(true)),
        ("a/**", "a/b.txt", Some(true)),
        ("a/**", "a/b", Some(true)),
        ("a/**", "dash/y/z.yaml", Some(false)),
        ("a/**", "files/x-1.yaml", Some(false)),
        ("**/b.txt", "a/b.txt", Some(true)),
        ("**/b.txt", "a}", Some(false)),
        ("**/b.txt", "dash/x.json", Some(false)),
        ("**.txt", "a/b/c.txt", Some(true)),
        ("**.txt", "b.txt", Some(true)),
        ("**.txt", "a.txt", Some(true)),
        ("**.txt", "files/x-1.yaml", Some(false)),
        ("**.txt", "dx", Some(false)),
        ("*.txt", "b.txt", Some(true)),
        ("*.txt", "a.txt", Some(true)),
        ("*.txt", "a/b.txt", Some(false)),
        ("*.txt", "files/x-1.yaml", Some(false)),
        ("a?c", "abc", Some(true)),
        ("a?c", "", Some(false)),
        ("a?c", "files/x-1.yaml", Some(false)),
        ("a/?", "a/b", Some(true)),
        ("a/?", "a,b", Some(false)),
        ("a/?", "files/q/r/x-.yaml", Some(false)),
        ("[abc]x", "ax", Some(true)),
        ("[abc]x", "b/x.t", Some(false)),
        ("[abc]x", "-", Some(false)),
        ("[!abc]x", "dx", Some(true)),
        ("[!abc]x", "dash/y/z.yaml", Some(false)),
        ("[!abc]x", "ab", Some(false)),
        ("[a-c]x", "ax", Some(true)),
        ("[a-c]x", "]", Some(false)),
        ("[a-c]x", "-", Some(false)),
        ("[!a-c]x", "dx", Some(true)),
        ("[!a-c]x", "dash/x.json", Some(false)),
        ("[!a-c]x", "b", Some(false)),
        ("[a-]", "", None),
        ("[c-a]", "", None),
        ("[]", "", None),
        ("[!]", "", None),
        ("{a,b}.txt", "b.txt", Some(true)),
        ("{a,b}.txt", "a.txt", Some(true)),
        ("{a,b}.txt", "]", Some(false)),
        ("{a,b}.txt", "files/q/r/x-.yaml", Some(false)),
        ("{a,b", "b", Some(true)),
        ("{a,b", "a", Some(true)),
        ("{a,b", "*", Some(false)),
        ("{a,b", "f/g/h", Some(false)),
        ("a}", "a}", Some(true)),
        ("a}", "dash/y/z.yaml", Some(false)),
        ("a}", "]", Some(false)),
        ("a,b", "a,b", Some(true)),
        ("a,b", "dash/y/z.yaml", Some(false)),
        ("a,b", "dx", Some(false)),
        ("{a,{b,c}}/*.t", "b/x.t", Some(true)),
        ("{a,{b,c}}/*.t", "", Some(false)),
        ("{a,{b,c}}/*.t", "files/x-1.yaml", Some(false)),
        ("\\*", "*", Some(true)),
        ("\\*", "]", Some(false)),
        ("\\*", "ab", Some(false)),
        ("\\", "", Some(true)),
        ("\\", "a/b/c.txt", Some(false)),
        ("\\", "dash/x.json", Some(false)),
        ("a\\", "a", Some(true)),
        ("a\\", "a/b", Some(false)),
        ("a\\", "b/x.t", Some(false)),
        ("[\\]]", "]", Some(true)),
        ("[\\]]", "*", Some(false)),
        ("[\\]]", "dash/y/z.yaml", Some(false)),
        ("[a-\\]]", "", None),
        ("dash/{*.json,**.yaml}", "dash/y/z.yaml", Some(true)),
        ("dash/{*.json,**.yaml}", "dash/x.json", Some(true)),
        ("dash/{*.json,**.yaml}", "a", Some(false)),
        ("dash/{*.json,**.yaml}", "files/q/r/x-.yaml", Some(false)),
        ("{,a}b", "ab", Some(true)),
        ("{,a}b", "b", Some(true)),
        ("{,a}b", "a/b", Some(false)),
        ("{,a}b", "b/x.t", Some(false)),
        ("conf/*.d/**", "conf/x.d/y/z", Some(true)),
        ("conf/*.d/**", "a.txt", Some(false)),
        ("conf/*.d/**", "ax", Some(false)),
        ("", "", Some(true)),
        ("", "]", Some(false)),
        ("", "b/x.t", Some(false)),
        ("*/*", "dash/x.json", Some(true)),
        ("*/*", "files/x-1.yaml", Some(true)),
        ("*/*", "a/b", Some(true)),
        ("*/*", "b", Some(false)),
        ("*/*", "files/x/x-1.yml", Some(false)),
        ("**/*", "files/x-1.yaml", Some(true)),
        ("**/*", "a/b.txt", Some(true)),
        ("**/*", "conf/x.d/y/z", Some(true)),
        ("**/*", "ab", Some(false)),
        ("**/*", "a,b", Some(false)),
        ("**/**.json", "dash/x.json", Some(true)),
        ("**/**.json", "b/x.t", Some(false)),
        ("**/**.json", "ab", Some(false)),
        ("a[!/]b", "a,b", Some(true)),
        ("a[!/]b", "", Some(false)),
        ("a[!/]b", "a/b.txt", Some(false)),
        ("[-a]", "a", Some(true)),
        ("[-a]", "-", Some(true)),
        ("[-a]", "f/g/h", Some(false)),
        ("[-a]", "conf/x.d/y/z", Some(false)),
        ("{*}", "ax", Some(true)),
        ("{*}", "*", Some(true)),
        ("{*}", "a", Some(true)),
        ("{*}", "f/g/h", Some(false)),
        ("{*}", "b/x.t", Some(false)),
        ("files/**/x-*.y?ml", "files/q/r/x-.yaml", Some(true)),
        ("files/**/x-*.y?ml", "b/x.t", Some(false)),
        ("files/**/x-*.y?ml", "conf/x.d/y/z", Some(false)),
    ];

    #[test]
    fn matches_as_gobwas_does() {
        for (pattern, path, expected) in ANSWERS {
            let answer = Glob::new(pattern).map(|glob| glob.matches(path));
            assert_eq!(answer, *expected, "{pattern} {path}");
        }
    }
}
