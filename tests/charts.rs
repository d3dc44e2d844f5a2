//! `create`, `package`, `show` and `dependency` beside what real Helm answered on the same charts (`tests/data/charts`):
//! what is printed, the exit code, and the files that are left, one command after the other.

use std::{
    collections::BTreeMap,
    fs,
    io::Read,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, UNIX_EPOCH},
};

use sha2::{Digest, Sha256};
use tempfile::TempDir;

/// When every file of `files.txt` was last changed: 2020-01-01T12:00:00Z.
const CHANGED: Duration = Duration::from_secs(1_577_880_000);

#[derive(Debug, Default, PartialEq)]
struct Answer {
    out: String,
    err: String,
    code: i32,
    /// Files made or changed with the beginning of their hash, and files deleted.
    changes: String,
}

/// Unpacks `files.txt`.
fn unpack(folder: &Path) {
    let text = include_str!("data/charts/files.txt");
    for part in text.split("\n-- ").skip(1) {
        let (name, body) = part.split_once('\n').unwrap_or((part, ""));
        let (path, target) = name.split_once(" -> ").map_or((name, None), |(path, target)| (path, Some(target)));
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        if let Some(target) = target {
            std::os::unix::fs::symlink(target, path).unwrap();
        } else if name.ends_with('/') {
            fs::create_dir_all(path).unwrap();
        } else {
            let body = match body.strip_suffix('\\') {
                Some(body) => body.to_owned(),
                None if body.is_empty() => String::new(),
                None => format!("{body}\n"),
            };
            fs::write(&path, body).unwrap();
            let file = fs::File::options().write(true).open(path).unwrap();
            file.set_modified(UNIX_EPOCH + CHANGED).unwrap();
        }
    }
}

/// The files of a folder that are no links, with the beginning of their hash.
fn tree(folder: &Path) -> BTreeMap<PathBuf, String> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap().map(Result::unwrap) {
            match entry.file_type().unwrap() {
                kind if kind.is_dir() => folders.push(entry.path()),
                kind if kind.is_file() => {
                    let name = entry.path().strip_prefix(folder).unwrap().to_owned();
                    files.insert(name, hash(&entry.path()));
                }
                _ => {}
            }
        }
    }
    files
}

fn hash(path: &Path) -> String {
    let mut data = fs::read(path).unwrap();
    let mut inflated = Vec::new();
    if path.extension().is_some_and(|kind| kind == "tgz")
        && flate2::read::GzDecoder::new(data.as_slice()).read_to_end(&mut inflated).is_ok()
    {
        data = inflated;
    }
    if path.extension().is_some_and(|kind| kind == "lock") {
        let text = String::from_utf8(data).unwrap();
        data = text.split_inclusive('\n').filter(|line| !line.starts_with("generated:")).collect::<String>().into();
    }
    Sha256::digest(data).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

fn run(line: &str, folder: &Path) -> (String, String, i32) {
    let place = folder.to_str().unwrap();
    let line = line.replace("$DIR", place);
    let ran = Command::new(env!("CARGO_BIN_EXE_pilothouse"))
        .args(line.split_whitespace())
        .current_dir(folder)
        .env_clear()
        .envs([("HOME", "/root"), ("TZ", "UTC"), ("HELM_DATA_HOME", &format!("{place}/data"))])
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap().replace(place, "$DIR").replace("pilothouse", "helm");
    (text(ran.stdout), text(ran.stderr), ran.status.code().unwrap_or(-1))
}

/// The commands and answers of `commands.txt`; its head says what the marks mean.
fn cases() -> Vec<(String, Answer)> {
    let mut cases: Vec<(String, Answer)> = Vec::new();
    for line in include_str!("data/charts/commands.txt").lines() {
        let (mark, rest) = line.split_at_checked(1).unwrap_or_default();
        match (mark, cases.last_mut()) {
            ("$", _) => cases.push((rest.trim_start().to_owned(), Answer::default())),
            ("|", Some((_, answer))) => answer.out += &format!("{rest}\n"),
            ("!", Some((_, answer))) => answer.err += &format!("{rest}\n"),
            ("=", Some((_, answer))) => answer.code = rest.parse().unwrap(),
            ("+" | "-", Some((_, answer))) => answer.changes += &format!("{line}\n"),
            _ => {}
        }
    }
    cases
}

#[test]
fn charts_are_made_shown_and_packaged_as_helm_does() {
    let folder = TempDir::new().unwrap();
    unpack(folder.path());
    let mut before = tree(folder.path());
    let cases = cases();
    assert!(cases.len() > 100, "{} cases", cases.len());
    for (line, expected) in cases {
        let (out, err, code) = run(&line, folder.path());
        let after = tree(folder.path());
        let mut changes = String::new();
        let names: std::collections::BTreeSet<_> = before.keys().chain(after.keys()).collect();
        for name in names {
            match (before.get(name), after.get(name)) {
                (_, None) => changes += &format!("-{}\n", name.display()),
                (old, Some(new)) if old != Some(new) => changes += &format!("+{} {new}\n", name.display()),
                _ => {}
            }
        }
        let err = err.lines().filter(|line| !line.starts_with("  hint: ")).map(|line| format!("{line}\n")).collect();
        assert_eq!(Answer { out, err, code, changes }, expected, "{line}");
        before = after;
    }
}
