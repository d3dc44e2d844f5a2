//! Sprig's functions on paths: Go's packages `path` and, on Unix the same, `path/filepath`.

use crate::template::{
    Str,
    func::{Function, function},
};

pub(crate) fn functions() -> Vec<(&'static str, Function)> {
    let mut functions = Vec::new();
    functions.extend(["base", "osBase"].map(|name| (name, function(|path: Str| base(&path.to_text()).to_owned()))));
    functions.extend(["dir", "osDir"].map(|name| (name, function(|path: Str| dir(&path.to_text())))));
    functions.extend(["clean", "osClean"].map(|name| (name, function(|path: Str| clean(&path.to_text())))));
    functions.extend(["ext", "osExt"].map(|name| (name, function(|path: Str| extension(&path.to_text()).to_owned()))));
    functions.extend(["isAbs", "osIsAbs"].map(|name| (name, function(|path: Str| path.as_bytes().starts_with(b"/")))));
    functions
}

fn base(path: &str) -> &str {
    if path.is_empty() {
        return ".";
    }
    let last = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    if last.is_empty() { "/" } else { last }
}

fn dir(path: &str) -> String {
    clean(path.rfind('/').map_or("", |slash| &path[..=slash]))
}

fn extension(path: &str) -> &str {
    let last = path.rsplit('/').next().unwrap_or_default();
    last.rfind('.').map_or("", |dot| &last[dot..])
}

/// Go's `path.Clean`: without doubled slashes, `.`, and `..` after a name.
pub fn clean(path: &str) -> String {
    let is_rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if is_rooted => {}
            _ => parts.push(part),
        }
    }
    match (is_rooted, parts.join("/")) {
        (true, path) => format!("/{path}"),
        (false, path) if path.is_empty() => ".".to_owned(),
        (false, path) => path,
    }
}
