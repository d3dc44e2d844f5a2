//! What the room's tests share.

use super::{Options, app::App, config::Config, shared::Shared};

/// The time in tests: 2026-03-01T12:00:00Z, in milliseconds.
pub const CLOCK: i64 = 1_772_366_400_000;

/// What a screen reads, with defaults, without a connection.
pub fn shared() -> Shared {
    app().shared
}

/// A program that has not connected.
pub fn app() -> App {
    App::new(
        Options::default(),
        Config::default(),
        [7; 32],
        CLOCK,
        (false, false),
    )
}
