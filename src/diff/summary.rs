//! The changes of an object that belong in a heading, the telling ones first.

use serde_json::Value;

use super::{
    Highlight,
    compare::{Difference, Step, differences, display},
    object::is_light,
};

/// What changed from `old` to `new`, both redacted. Labels and checksums count only where nothing else changed.
pub(super) fn summary(old: &Value, new: &Value) -> Vec<Highlight> {
    let all = differences(old, new);
    let light = all.iter().all(is_light);
    let mut ranked: Vec<(usize, Highlight)> = Vec::new();
    for difference in all.iter().filter(|difference| light || !is_light(difference)) {
        let (rank, highlight) = highlight(difference);
        if !ranked.iter().any(|(_, other)| (&other.what, &other.path) == (&highlight.what, &highlight.path)) {
            ranked.push((rank, highlight));
        }
    }
    ranked.sort_by_key(|(rank, _)| *rank);
    ranked.into_iter().map(|(_, highlight)| highlight).collect()
}

/// The words for one difference, and where they stand among others.
fn highlight(difference: &Difference) -> (usize, Highlight) {
    let Difference { path, old, new } = difference;
    let fields: Vec<&str> = path.iter().map(step_name).collect();
    let at = |name: &str| fields.iter().position(|field| *field == name);
    let (rank, what, depth) = match fields.as_slice() {
        [.., "image"] => (0, "image".to_owned(), path.len()),
        [.., "replicas"] => (1, "replicas".to_owned(), path.len()),
        [.., "type"] if fields.first() == Some(&"spec") => (5, "type".to_owned(), path.len()),
        ["data" | "binaryData" | "stringData", key] => (6, signed("data", key, difference), path.len()),
        _ => match [at("env"), at("resources"), at("ports")] {
            [Some(env), ..] if env + 1 < path.len() => {
                let whole = path.len() == env + 2;
                let word =
                    if whole { signed("env", fields[env + 1], difference) } else { format!("env {}", fields[env + 1]) };
                (2, word, env + 2)
            }
            [Some(env), ..] => (2, "env".to_owned(), env + 1),
            [_, Some(resources), _] => (3, "resources".to_owned(), resources + 1),
            [_, _, Some(ports)] => (4, "ports".to_owned(), ports + 1),
            _ => (7, last_field(path), path.len()),
        },
    };
    let (old, new) = if what == "image" { tags(*old, *new) } else { (old.map(words), new.map(words)) };
    (rank, Highlight { what, path: display(&path[..depth]), old, new })
}

fn step_name(step: &Step) -> &str {
    match step {
        Step::Field(name) | Step::Item(name) => name,
    }
}

fn last_field(path: &[Step]) -> String {
    let last = path.iter().rev().find(|step| matches!(step, Step::Field(_)));
    last.map_or(String::new(), |step| step_name(step).to_owned())
}

/// `env +KEY`, `env -KEY` or `env KEY`.
fn signed(what: &str, key: &str, difference: &Difference) -> String {
    match (difference.old, difference.new) {
        (None, _) => format!("{what} +{key}"),
        (_, None) => format!("{what} -{key}"),
        _ => format!("{what} {key}"),
    }
}

/// A value in a few words; an environment variable is its value.
fn words(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Object(map) if map.contains_key("name") && map.contains_key("value") => words(&map["value"]),
        other => other.to_string(),
    }
}

/// Both images, or only what follows the repository where that is the same.
fn tags(old: Option<&Value>, new: Option<&Value>) -> (Option<String>, Option<String>) {
    let (old, new) = (old.map(words), new.map(words));
    if let (Some(old), Some(new)) = (&old, &new) {
        let common: usize =
            old.chars().zip(new.chars()).take_while(|(a, b)| a == b).map(|(char, _)| char.len_utf8()).sum();
        // The separator is after the last `/`: a colon before it belongs to a port.
        let tag = old[..common].rfind([':', '@']).filter(|at| !old[*at..].contains('/') && !new[*at..].contains('/'));
        if let Some(tag) = tag {
            return (Some(old[tag + 1..].to_owned()), Some(new[tag + 1..].to_owned()));
        }
    }
    (old, new)
}
