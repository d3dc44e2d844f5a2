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

/// The behaviour of a container: tags with `not-found`, `broken`, `leak`, `crash`, `fail`, `hang`, and commands that plainly fail.
pub fn behaviour(container: &Value) -> Behaviour {
    let image = container["image"].as_str().unwrap_or_default();
    let tag = tag(image);
    let has = |words: &[&str]| words.iter().any(|word| tag.contains(word));
    let run: Vec<&str> = ["command", "args"]
        .iter()
        .flat_map(|key| container[key].as_array().into_iter().flatten())
        .filter_map(Value::as_str)
        .collect();
    if has(&["not-found", "broken"]) {
        Behaviour::NoImage
    } else if leaks(image) {
        Behaviour::Leaks
    } else if has(&["crash", "fail"]) || run == ["false"] || run.iter().any(|part| part.contains("exit 1")) {
        Behaviour::Fails
    } else if has(&["hang"]) || run.iter().any(|part| part.contains("infinity")) {
        Behaviour::Hangs
    } else {
        Behaviour::Healthy
    }
}

/// Whether an image leaks memory: a tag with `leak`, and version 2.0.0 of the example `ledger`.
pub fn leaks(image: &str) -> bool {
    tag(image).contains("leak") || image.ends_with("/ledger:2.0.0")
}

fn tag(image: &str) -> &str {
    let last = image.rsplit('/').next().unwrap_or_default();
    last.split_once(':').map_or("", |(_, tag)| tag)
}
