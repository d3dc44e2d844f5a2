//! YAML with what its author wrote beside the values: order, styles, anchors, tags and comments. Read and written as
//! `yaml.Node` of go-yaml v3 is, with kyaml's indent; this is what post-renderers are given. `render/post_render.rs`
//! holds it to Go's answers.

mod comments;
mod read;
mod write;

pub use read::read;
pub use write::write;

/// A document of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// The comment above it, apart from that of its first value.
    pub head: String,
    /// What it holds.
    pub root: Node,
    /// The comment below it.
    pub foot: String,
}

/// A value of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// What it is.
    pub kind: Kind,
    /// Its tag, `!!str` or `!own`, if one was written.
    pub tag: String,
    /// Its anchor, if it has one.
    pub anchor: String,
    /// The comments that belong to it.
    pub comments: Comments,
}

/// What a value is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A scalar and how it was written.
    Scalar(String, Style),
    /// A sequence, and whether it was written in brackets.
    Sequence(Vec<Node>, bool),
    /// A mapping, and whether it was written in braces.
    Mapping(Vec<(Node, Node)>, bool),
    /// An anchor's value once more.
    Alias(String),
}

/// How a scalar was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// As it is.
    Plain,
    /// `'…'`
    SingleQuoted,
    /// `"…"`
    DoubleQuoted,
    /// `|`
    Literal,
    /// `>`
    Folded,
}

/// The comments of a value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Comments {
    /// The lines above.
    pub head: String,
    /// The one behind.
    pub line: String,
    /// The lines below.
    pub foot: String,
}

impl Node {
    /// A scalar with nothing beside it.
    pub fn scalar(value: &str, style: Style) -> Self {
        Self::of(Kind::Scalar(value.to_owned(), style))
    }

    /// A value with nothing beside it.
    pub fn of(kind: Kind) -> Self {
        Self { kind, tag: String::new(), anchor: String::new(), comments: Comments::default() }
    }

    /// Whether it is null, as go-yaml v3 resolves it.
    pub fn is_null(&self) -> bool {
        match &self.kind {
            Kind::Scalar(value, Style::Plain) if self.tag.is_empty() => {
                matches!(value.as_str(), "" | "~" | "null" | "Null" | "NULL")
            }
            Kind::Scalar(..) => self.tag == "!!null",
            _ => false,
        }
    }

    /// The text of a scalar; nothing for anything else.
    pub fn text(&self) -> &str {
        match &self.kind {
            Kind::Scalar(value, _) => value,
            _ => "",
        }
    }

    /// The value of a key.
    pub fn get(&self, name: &str) -> Option<&Self> {
        match &self.kind {
            Kind::Mapping(entries, _) => entries.iter().find(|(key, _)| key.text() == name).map(|(_, value)| value),
            _ => None,
        }
    }
}
