//! What was done in this session: operations with their `helm` command, and errors after their flash is gone.

/// How an entry ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// It is going on.
    Running,
    /// It went well.
    Good,
    /// It failed.
    Bad,
}

/// One line of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Seconds since 1970; 0 is filled in when the entry is written.
    pub at: i64,
    /// How it ended.
    pub mark: Mark,
    /// What was done or went wrong.
    pub what: String,
    /// The equivalent `helm` command; empty when there is none.
    pub command: String,
    /// More lines: causes and hints.
    pub details: Vec<String>,
}
