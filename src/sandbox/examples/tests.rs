//! The examples hold together.

use super::*;

#[test]
fn every_story_can_be_told() {
    let mut store = Store::new();
    let now = "2026-11-02T09:30:00Z".parse().expect("a time");
    populate(&mut store, now).expect("told");
}
