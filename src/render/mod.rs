//! Chart, values and capabilities become ordered objects, hooks and notes; `lint`; where a line came from.

mod capabilities;
mod documents;
mod engine;
mod error;
mod explain;
mod files;
mod glob;
mod head;
pub mod lint;
mod pipeline;
mod post_render;
mod scope;

pub use capabilities::{Capabilities, KubeVersion};
pub use documents::{Document, Hook, RenderedFile, Sorted, sort};
pub use engine::{name, text};
pub use error::{Error, Excerpt};
pub use explain::{Explained, Explanation, Place, Read, Sources, explain, lines_at, pushed};
pub use head::Head;
pub use pipeline::{Failure, Rendered, Request, pieces, push, render};
pub use scope::ReleaseFacts;
