//! The house rules of `src/ARCHITECTURE.md`, held by reading the sources.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Each room and the rooms it may use. A file directly under `src` (`lib.rs`, `main.rs`) is no room.
const ROOMS: &[(&str, &[&str])] = &[
    ("yaml", &[]),
    ("version", &[]),
    ("template", &["version", "yaml"]),
    ("values", &["template", "yaml"]),
    ("chart", &["template", "values", "version", "yaml"]),
    ("render", &["chart", "manifest", "template", "values", "version", "yaml"]),
    ("manifest", &["yaml"]),
    ("diff", &["manifest", "yaml"]),
    ("cluster", &["diff", "manifest", "yaml"]),
    ("release", &["chart", "cluster", "manifest", "values", "yaml"]),
    (
        "engine",
        &[
            "chart", "cluster", "diff", "manifest", "release", "render", "sandbox", "template", "values", "version",
            "yaml",
        ],
    ),
    ("sandbox", &["cluster", "manifest", "release", "yaml"]),
    (
        "cli",
        &[
            "chart", "cluster", "diff", "engine", "manifest", "release", "render", "sandbox", "template", "values",
            "version", "yaml",
        ],
    ),
    (
        "tui",
        &[
            "chart", "cluster", "diff", "engine", "manifest", "release", "render", "sandbox", "template", "values",
            "version", "yaml",
        ],
    ),
];

/// External crates that only some rooms may import.
const CRATES: &[(&[&str], &[&str])] = &[
    (&["kube", "k8s_openapi"], &["cluster", "release", "sandbox"]),
    (&["ratatui", "crossterm", "syntect", "gtmpl", "nucleo_matcher"], &["tui"]),
    (&["hyper", "hyper_util", "tower"], &["cluster", "release", "sandbox"]),
    (&["libyaml_safer"], &["yaml"]),
    (&["tokio_postgres", "tokio_postgres_rustls", "rustls"], &["release"]),
    // `cluster` names the nearest kind with it.
    (&["similar"], &["cluster", "diff"]),
];

/// Rooms that touch no network, clock, randomness or environment, and words that would.
const PURE: &[&str] = &["yaml", "version", "template", "values", "render", "manifest", "diff"];
const IMPURE: &[&str] = &[
    "std::env",
    "std::fs",
    "std::net",
    "std::process",
    "std::time::SystemTime",
    "Instant::now",
    "getrandom",
    "tokio::",
    "Timestamp::now",
    "Zoned::now",
    "TimeZone::system",
];

/// Writes of `cluster`: only `engine` calls them. `read_only` names are fine anywhere.
const WRITES: &[&str] = &[".migrate_field_managers(", ".apply(&", ".patch(&", ".replace(&target", ".delete(&target"];

struct Source {
    room: String,
    path: PathBuf,
    /// The code without comments and without its `mod tests`.
    code: String,
}

fn sources() -> Vec<Source> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut folders = vec![src.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("src is readable") {
            let path = entry.expect("src is readable").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let inside = path.strip_prefix(&src).expect("it was found below src").to_path_buf();
                let room = if inside.components().count() > 1 { inside.components().next() } else { None };
                let room = room.map_or(String::new(), |first| first.as_os_str().to_string_lossy().into_owned());
                found.push(Source {
                    room,
                    code: production_code(&inside, &fs::read_to_string(&path).expect("UTF-8")),
                    path: inside,
                });
            }
        }
    }
    found
}

fn production_code(path: &Path, text: &str) -> String {
    if path.components().any(|part| part.as_os_str() == "tests" || part.as_os_str() == "tests.rs") {
        return String::new();
    }
    let code = text.split("\n#[cfg(test)]\nmod ").next().unwrap_or_default();
    code.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// Names that follow `prefix` anywhere in the code, so `crate::diff::x` and `use crate::{diff, yaml}` both count.
fn names_after(code: &str, prefix: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for rest in code.split(prefix).skip(1) {
        let name =
            |text: &str| text.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
        if let Some(group) = rest.strip_prefix('{') {
            let mut depth = 0_usize;
            let mut item = String::new();
            for c in group.chars() {
                match c {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    ',' if depth == 0 => {
                        names.insert(name(&item));
                        item.clear();
                        continue;
                    }
                    _ => {}
                }
                item.push(c);
            }
            names.insert(name(&item));
        } else {
            names.insert(name(rest));
        }
    }
    names
}

#[test]
fn rooms_import_only_what_they_may() {
    let rooms: BTreeMap<_, _> = ROOMS.iter().copied().collect();
    let mut wrong = Vec::new();
    for source in sources().iter().filter(|source| !source.room.is_empty()) {
        let Some(may) = rooms.get(source.room.as_str()) else {
            wrong.push(format!("{} is in no known room", source.path.display()));
            continue;
        };
        for used in names_after(&source.code, "crate::") {
            if rooms.contains_key(used.as_str()) && used != source.room && !may.contains(&used.as_str()) {
                wrong.push(format!("{} uses {used}", source.path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "rooms use what they may not (src/ARCHITECTURE.md):\n{}", wrong.join("\n"));
}

#[test]
fn crates_stay_in_their_rooms() {
    let mut wrong = Vec::new();
    for source in sources() {
        for (crates, may) in CRATES {
            for name in *crates {
                let imports =
                    source.code.contains(&format!("{name}::")) && !source.code.contains(&format!("_{name}::"));
                if imports && !may.contains(&source.room.as_str()) {
                    wrong.push(format!("{} uses {name}", source.path.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "crates outside their rooms (src/ARCHITECTURE.md):\n{}", wrong.join("\n"));
}

#[test]
fn pure_rooms_touch_no_world() {
    let mut wrong = Vec::new();
    for source in sources().iter().filter(|source| PURE.contains(&source.room.as_str())) {
        for word in IMPURE.iter().filter(|word| source.code.contains(**word)) {
            wrong.push(format!("{} has {word}", source.path.display()));
        }
    }
    assert!(wrong.is_empty(), "network, clock, randomness or environment in a pure room:\n{}", wrong.join("\n"));
}

#[test]
fn only_the_engine_writes_to_a_cluster_and_it_never_prints() {
    let mut wrong = Vec::new();
    for source in sources() {
        if ["cli", "tui"].contains(&source.room.as_str()) {
            for word in WRITES.iter().filter(|word| source.code.contains(**word)) {
                wrong.push(format!("{} has {word}", source.path.display()));
            }
        }
        if !["cli", ""].contains(&source.room.as_str()) {
            for word in ["println!(", "eprintln!(", "print!("].iter().filter(|word| source.code.contains(**word)) {
                wrong.push(format!("{} has {word}", source.path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_dependency_is_explained_and_freely_licensed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let told = fs::read_to_string(root.join("src/ARCHITECTURE.md")).expect("src/ARCHITECTURE.md");
    let rustc = Command::new("rustc").arg("-vV").output().expect("rustc");
    let rustc = String::from_utf8_lossy(&rustc.stdout).into_owned();
    let host = rustc.lines().find_map(|line| line.strip_prefix("host: ")).expect("rustc -vV names its host");
    // Only what this platform builds has been downloaded; offline, so that a test never waits on a network.
    let arguments = ["metadata", "--format-version", "1", "--offline", "--locked", "--filter-platform", host];
    let output = Command::new(env!("CARGO")).args(arguments).current_dir(root).output().expect("cargo");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).expect("cargo prints JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    let mut wrong = Vec::new();
    for package in packages {
        let (name, licence) =
            (package["name"].as_str().unwrap_or_default(), package["license"].as_str().unwrap_or("none"));
        if name == env!("CARGO_PKG_NAME") {
            let named = package["dependencies"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|dependency| dependency["name"].as_str());
            wrong.extend(
                named
                    .filter(|name| !told.contains(&format!("`{name}`")))
                    .map(|name| format!("{name}: no reason in src/ARCHITECTURE.md")),
            );
        }
        // libyaml-safer ships the MIT text as a file instead of naming it.
        if !is_free(licence) && name != "libyaml-safer" {
            wrong.push(format!("{name}: licence {licence}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Whether an SPDX expression can be met with permissive licences alone.
fn is_free(expression: &str) -> bool {
    const FREE: &[&str] = &[
        "MIT",
        "MIT-0",
        "Apache-2.0",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "ISC",
        "Zlib",
        "Unicode-3.0",
        "0BSD",
        "CC0-1.0",
        "BSL-1.0",
        "Unlicense",
        "CDLA-Permissive-2.0",
        "MPL-2.0",
        "WTFPL",
    ];
    let plain = expression.replace(['(', ')'], " ").replace('/', " OR ").replace(" WITH LLVM-exception", "");
    plain.split(" AND ").all(|all| all.split(" OR ").any(|one| FREE.contains(&one.trim())))
}
