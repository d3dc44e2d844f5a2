//! Chart, values and capabilities become ordered objects, hooks and notes; `lint`; where a line came from.

mod capabilities;
mod files;
mod glob;

pub use capabilities::{Capabilities, KubeVersion};
