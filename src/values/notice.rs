//! What Helm writes to its log while it goes on.

use std::fmt;

use crate::template::fmt::{is_print, quote};

/// A line of Helm's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// How much it matters.
    pub level: Level,
    /// What it says.
    pub message: String,
    /// What it is about: names and texts, in order.
    pub facts: Vec<(&'static str, String)>,
}

/// How much a notice matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// `INFO`: what older parts of Helm print without a level.
    Info,
    /// `WARN`.
    Warn,
}

impl Notice {
    /// A message without a level of its own.
    pub fn info(message: impl Into<String>) -> Self {
        Self { level: Level::Info, message: message.into(), facts: Vec::new() }
    }

    /// A warning.
    pub fn warning(message: &str, facts: &[(&'static str, &str)]) -> Self {
        let facts = facts.iter().map(|(name, text)| (*name, (*text).to_owned())).collect();
        Self { level: Level::Warn, message: message.to_owned(), facts }
    }
}

/// As Go's `slog` writes it: `level=WARN msg="returned non-bool value" path=a.b`.
impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = match self.level {
            Level::Info => "INFO",
            Level::Warn => "WARN",
        };
        write!(f, "level={level} msg=")?;
        write_text(f, &self.message)?;
        for (name, text) in &self.facts {
            write!(f, " {name}=")?;
            write_text(f, text)?;
        }
        Ok(())
    }
}

/// `slog` quotes what would not read back as one word.
fn write_text(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    let is_plain = |char: char| is_print(char) && !matches!(char, ' ' | '"' | '=');
    if !text.is_empty() && text.chars().all(is_plain) {
        f.write_str(text)
    } else {
        f.write_str(&quote(text.as_bytes()))
    }
}
