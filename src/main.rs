//! Chooses the terminal program or a headless command.

fn main() {}
