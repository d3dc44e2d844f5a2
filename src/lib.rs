//! Pilothouse: Helm releases in a terminal, with the Helm engine underneath.
//!
//! The rooms of the house and who may use whom are told in `src/ARCHITECTURE.md`.
//! Rust programs want [`engine`]: prepare, preview and execute operations on releases.

pub mod chart;
pub mod cli;
pub mod cluster;
pub mod diff;
pub mod engine;
pub mod manifest;
pub mod release;
pub mod render;
pub mod sandbox;
pub mod template;
pub mod tui;
pub mod values;
pub mod version;
pub mod yaml;
