//! The rendering corpus: what real Helm 4.2.4 printed for 46 public charts (`../shared/corpus/README.md`), byte for byte.
//! `cargo test --release --test corpus`, with part of a case's name to run only that; `.ci/run` does it.

use std::{
    env, fs,
    io::Write,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use jiff::tz::TimeZone;
use pilothouse::{
    cli::{self, Request, console::Console, settings::Env},
    engine::world::Zone,
};
use regex::Regex;
use serde_json::Value;

use self::support::corpus;

#[path = "support/corpus.rs"]
mod support;

/// A command line and what must come of it.
struct Case {
    /// `cases`, `errors` or `lint`, and the name.
    family: &'static str,
    name: String,
    args: Vec<String>,
    expected: Expected,
}

/// What must come of a command line.
struct Expected {
    out: Vec<u8>,
    err: Option<String>,
    code: u8,
    changes: Changes,
}

/// What of the output changes from run to run in Helm itself.
enum Changes {
    Nothing,
    /// These lines, counted from one.
    Lines(Vec<usize>),
    /// The order of documents and keys, and this many lines.
    Order(usize),
    /// The order of words in a line.
    Words,
}

struct Answer {
    out: Vec<u8>,
    err: String,
    code: u8,
}

fn main() -> ExitCode {
    let corpus = corpus();
    env::set_current_dir(&corpus).expect("the corpus");
    let wanted = env::args().skip(1).find(|argument| !argument.starts_with('-')).unwrap_or_default();
    let mut cases = [template_cases(), error_cases(), lint_cases()].into_iter().flatten().collect::<Vec<_>>();
    cases.retain(|case| format!("{} {}", case.family, case.name).contains(&wanted));
    let failures = Mutex::new(Vec::new());
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let verdict = std::panic::catch_unwind(|| check(case)).unwrap_or_else(|_| Err("panicked".into()));
                    if let Err(why) = verdict {
                        failures.lock().expect("the failures").push((case, why));
                    }
                }
            });
        }
    });
    report(&cases, failures.into_inner().expect("the failures"))
}

/// Counts by family; failures grouped by what differs first.
fn report(cases: &[Case], mut failures: Vec<(&Case, String)>) -> ExitCode {
    failures.sort_by(|(a, a_why), (b, b_why)| a_why.cmp(b_why).then_with(|| a.name.cmp(&b.name)));
    for (case, why) in &failures {
        println!("failed {} {}\n{why}", case.family, case.name);
    }
    let families = ["cases", "flagged", "errors", "lint"];
    for family in families {
        let all = cases.iter().filter(|case| case.family == family).count();
        let failed = failures.iter().filter(|(case, _)| case.family == family).count();
        if all > 0 {
            println!("{family} {}/{all}", all - failed);
        }
    }
    if failures.is_empty() && !cases.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn json(path: &str) -> Vec<Value> {
    serde_json::from_slice(&fs::read(path).expect(path)).expect(path)
}

fn strings(value: &Value) -> impl Iterator<Item = String> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned)
}

fn template_args(case: &Value) -> Vec<String> {
    std::iter::once("template".to_owned()).chain(strings(&case["args"])).collect()
}

fn template_cases() -> Vec<Case> {
    let case = |case: &Value| {
        let changes = match (case["deterministic"].as_bool(), &case["volatile_lines"]) {
            (Some(true), _) => Changes::Nothing,
            // Helm ranges over Sprig's `keys` here: "a lower bound", says the corpus.
            (_, Value::Array(lines)) if case["chart"] == "app-template" => Changes::Order(lines.len()),
            (_, Value::Array(lines)) => {
                Changes::Lines(lines.iter().filter_map(Value::as_u64).map(|line| line as usize).collect())
            }
            _ => Changes::Order(0),
        };
        Case {
            family: if matches!(changes, Changes::Nothing) { "cases" } else { "flagged" },
            name: case["case"].as_str().unwrap_or_default().to_owned(),
            args: template_args(case),
            expected: Expected {
                out: fs::read(case["golden"].as_str().unwrap_or_default()).expect("a golden file"),
                err: None,
                code: 0,
                changes,
            },
        }
    };
    json("cases.json").iter().map(case).collect()
}

fn error_cases() -> Vec<Case> {
    let case = |case: &Value| Case {
        family: "errors",
        name: case["case"].as_str().unwrap_or_default().to_owned(),
        args: template_args(case),
        expected: Expected {
            out: Vec::new(),
            err: Some(fs::read_to_string(case["stderr"].as_str().unwrap_or_default()).expect("a message")),
            code: case["exit_code"].as_u64().and_then(|code| code.try_into().ok()).expect("an exit code"),
            changes: if case["stable"] == true { Changes::Nothing } else { Changes::Words },
        },
    };
    json("errors.json").iter().map(case).collect()
}

/// Files of `lint/`: the command, the exit code, both streams.
fn lint_cases() -> Vec<Case> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir("lint").expect("lint").map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths.iter().map(|path| lint_case(path)).collect()
}

fn lint_case(path: &Path) -> Case {
    let text = fs::read_to_string(path).expect("a case of lint");
    let (head, rest) = text.split_once("--- stdout\n").expect("standard output");
    let (out, err) = rest.split_once("--- stderr\n").expect("standard error");
    let err = err.split("--- helm3").next().unwrap_or_default();
    let command = head.lines().next().and_then(|line| line.strip_prefix("$ helm4 ")).expect("a command");
    let code = head.lines().find_map(|line| line.strip_prefix("exit code: ")).expect("an exit code");
    Case {
        family: "lint",
        name: path.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
        args: command.split(' ').map(str::to_owned).collect(),
        expected: Expected {
            out: out.as_bytes().to_vec(),
            err: Some(err.to_owned()),
            code: code.parse().expect("an exit code"),
            changes: Changes::Nothing,
        },
    }
}

fn check(case: &Case) -> Result<(), String> {
    let answer = run(&case.args);
    let expected = &case.expected;
    if answer.code != expected.code {
        return Err(format!("  exit code {} instead of {}: {}", answer.code, expected.code, answer.err));
    }
    let (helm, ours) = (String::from_utf8_lossy(&expected.out), String::from_utf8_lossy(&answer.out));
    if case.family == "lint" {
        compare(&settled(&helm), &settled(&ours), &expected.changes)?;
    } else {
        compare(&helm, &ours, &expected.changes)?;
    }
    match &expected.err {
        Some(err) => compare(&settled(err), &settled(&answer.err), &expected.changes),
        None => Ok(()),
    }
}

/// A text without what depends on the machine: where it is, no name of the network is known.
fn settled(text: &str) -> String {
    const NETWORK: &str = r"(HTTP request failed for \S+: ).*?(no such host|yet in pilothouse)";
    Regex::new(NETWORK).expect("a pattern").replace_all(text, "$1").trim_end().to_owned()
}

/// Holds an output against Helm's.
fn compare(helm: &str, ours: &str, changes: &Changes) -> Result<(), String> {
    if helm == ours {
        return Ok(());
    }
    let (helm, ours): (Vec<&str>, Vec<&str>) = (helm.split('\n').collect(), ours.split('\n').collect());
    let may_change = |line: usize| matches!(changes, Changes::Lines(lines) if lines.contains(&line));
    match changes {
        Changes::Order(lines) => compare_unordered(&helm, &ours, *lines),
        Changes::Words => {
            let sorted = |lines: &[&str]| lines.iter().map(|line| sorted_words(line)).collect::<Vec<_>>().join("\n");
            compare(&sorted(&helm), &sorted(&ours), &Changes::Nothing)
        }
        _ => match (1..).zip(helm.iter().zip(&ours)).find(|(line, (a, b))| a != b && !may_change(*line)) {
            Some((line, (a, b))) => Err(format!("  line {line}\n    helm {a:?}\n    ours {b:?}")),
            None if helm.len() == ours.len() => Ok(()),
            None => Err(format!("  {} lines instead of {}", ours.len(), helm.len())),
        },
    }
}

fn sorted_words(line: &str) -> String {
    let mut words: Vec<&str> = line.split([' ', ',']).filter(|word| !word.is_empty()).collect();
    words.sort_unstable();
    words.join(" ")
}

/// Every line must be there, wherever it is, but for as many as change.
fn compare_unordered(helm: &[&str], ours: &[&str], changes: usize) -> Result<(), String> {
    let mut left = ours.to_vec();
    let mut missing = helm.iter().filter(|line| match left.iter().position(|other| other == *line) {
        Some(place) => {
            left.swap_remove(place);
            false
        }
        None => true,
    });
    let missing: Vec<_> = missing.by_ref().collect();
    if missing.len() <= changes && left.len() <= changes {
        return Ok(());
    }
    Err(format!("  missing {missing:?}\n  too many {left:?}"))
}

/// Runs a command line as the program would, with its streams in memory.
fn run(args: &[String]) -> Answer {
    let env = Env {
        vars: [("HOME".to_owned(), "/nonexistent".to_owned())].into(),
        program: "pilothouse".to_owned(),
        terminal: false,
        error_terminal: false,
        zone: Zone::Known(TimeZone::UTC),
    };
    let (out, err) = (Stream::default(), Stream::default());
    let Request::Command(command) = cli::request(args, env) else {
        panic!("a headless command");
    };
    let console = Console::new(out.clone(), err.clone());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let code = runtime.block_on(cli::run(*command, console, None));
    Answer { out: out.take(), err: String::from_utf8_lossy(&err.take()).into_owned(), code }
}

#[derive(Clone, Default)]
struct Stream(Arc<Mutex<Vec<u8>>>);

impl Stream {
    fn take(&self) -> Vec<u8> {
        std::mem::take(&mut self.0.lock().expect("a stream"))
    }
}

impl Write for Stream {
    fn write(&mut self, data: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("a stream").extend_from_slice(data);
        Ok(data.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
