//! How containers behave: told by their image's tag, or by what they run.

use serde_json::Value;

/// How a container's process goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behaviour {
    /// Runs, or for a Job succeeds.
    Healthy,
    /// The image cannot be pulled.
    NoImage,
    /// Uses more and more memory until it is killed.
    Leaks,
    /// Ends with an error.
    Fails,
    /// For a Job: never ends.
    Hangs,
}

/// Images of the examples that go wrong; nothing in their names says so.
const EXAMPLES: &[(&str, Behaviour)] = &[
    ("/ledger:2.0.0", Behaviour::Leaks),
    ("/orders-api:3.3.0", Behaviour::NoImage),
    ("/smoke:1.5.0", Behaviour::Fails),
    ("/alerts-schema:1.2.0", Behaviour::Fails),
];

/// The behaviour of a container: told by its image when that is one of the examples' or its tag has `not-found`, `broken`,
/// `leak`, `crash`, `fail` or `hang`, or by a command that plainly fails.
pub fn behaviour(container: &Value) -> Behaviour {
    let image = container["image"].as_str().unwrap_or_default();
    let tag = tag(image);
    let has = |words: &[&str]| words.iter().any(|word| tag.contains(word));
    let run: Vec<&str> = ["command", "args"]
        .iter()
        .flat_map(|key| container[key].as_array().into_iter().flatten())
        .filter_map(Value::as_str)
        .collect();
    if let Some(behaviour) = example(image) {
        behaviour
    } else if has(&["not-found", "broken"]) {
        Behaviour::NoImage
    } else if has(&["leak"]) {
        Behaviour::Leaks
    } else if has(&["crash", "fail"]) || run == ["false"] || run.iter().any(|part| part.contains("exit 1")) {
        Behaviour::Fails
    } else if has(&["hang"]) || run.iter().any(|part| part.contains("infinity")) {
        Behaviour::Hangs
    } else {
        Behaviour::Healthy
    }
}

/// Whether an image leaks memory.
pub fn leaks(image: &str) -> bool {
    tag(image).contains("leak") || example(image) == Some(Behaviour::Leaks)
}

fn example(image: &str) -> Option<Behaviour> {
    let mut examples = EXAMPLES.iter();
    examples.find(|(end, _)| image.ends_with(end)).map(|(_, behaviour)| *behaviour)
}

fn tag(image: &str) -> &str {
    let last = image.rsplit('/').next().unwrap_or_default();
    last.split_once(':').map_or("", |(_, tag)| tag)
}
