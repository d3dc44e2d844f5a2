//! Rendering beside real Helm, whole processes on the corpus' cases, then each step alone and an umbrella of a hundred
//! sub-charts: `cargo bench --bench render`. `HELM` names Helm's program, else the control plane's is used;
//! `PILOTHOUSE_CORPUS` the corpus. Prints medians and the ratio Helm ÷ Pilothouse; asserts nothing, for machines differ.

use std::{
    collections::HashSet,
    env, fs,
    hint::black_box,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use jiff::tz::TimeZone;
use pilothouse::{
    chart::{Chart, Dependency},
    engine::world::{World, Zone},
    render::{self, Capabilities, ReleaseFacts, Rendered, Request},
    template::Templates,
    values::{self, Nulls, Values},
    yaml,
};
use serde_json::Value;

use self::support::corpus;

#[path = "../support/corpus.rs"]
mod support;

const ROUNDS: usize = 5;

/// One run of a program.
#[derive(Clone, Copy)]
struct Figures {
    wall: Duration,
    peak_kb: u64,
}

struct Case {
    name: String,
    args: Vec<String>,
    bytes: u64,
    chart: String,
}

fn main() {
    env::set_current_dir(corpus()).expect("the corpus");
    beside_helm();
    steps();
    umbrella();
}

fn helm() -> PathBuf {
    if let Some(helm) = env::var_os("HELM") {
        return helm.into();
    }
    let build = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cluster/build.sh");
    let built = Command::new("bash").arg(build).output().expect("the control plane builds");
    Path::new(String::from_utf8_lossy(&built.stdout).trim()).join("helm")
}

/// The deterministic cases, largest output first.
fn cases() -> Vec<Case> {
    let all: Vec<Value> = serde_json::from_slice(&fs::read("cases.json").expect("cases")).expect("JSON");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let case = |case: &Value| Case {
        name: text(&case["case"]),
        args: case["args"].as_array().into_iter().flatten().map(text).collect(),
        bytes: case["bytes"].as_u64().unwrap_or_default(),
        chart: text(&case["chart"]),
    };
    let mut cases: Vec<Case> = all.iter().filter(|case| case["deterministic"] == true).map(case).collect();
    cases.sort_by_key(|case| std::cmp::Reverse(case.bytes));
    cases
}

fn beside_helm() {
    let helm = helm();
    let mut charts = HashSet::new();
    let mut ratios = Vec::new();
    println!("{:<52}{:>20}{:>20}{:>18}", "case", "helm wall/peak", "pilothouse", "ratio wall/peak");
    for case in cases() {
        let is_large = charts.insert(case.chart.clone()) && charts.len() <= 10;
        let rounds = if is_large { ROUNDS } else { 1 };
        let helm = median(rounds, || measure(&helm, &case.args));
        let ours = median(rounds.max(3), || measure(Path::new(env!("CARGO_BIN_EXE_pilothouse")), &case.args));
        let ratio = (helm.wall.as_secs_f64() / ours.wall.as_secs_f64(), helm.peak_kb as f64 / ours.peak_kb as f64);
        ratios.push(ratio);
        if is_large {
            print_row(&case.name, helm, ours, ratio);
        }
    }
    let middle = |pick: fn(&(f64, f64)) -> f64| {
        let mut all: Vec<f64> = ratios.iter().map(pick).collect();
        all.sort_by(f64::total_cmp);
        all.get(all.len() / 2).copied().unwrap_or_default()
    };
    let (wall, peak) = (middle(|ratio| ratio.0), middle(|ratio| ratio.1));
    println!("median of all {} cases: {wall:.1} × / {peak:.1} ×\n", ratios.len());
}

fn print_row(name: &str, helm: Figures, ours: Figures, ratio: (f64, f64)) {
    let show = |figures: Figures| format!("{:.1?}/{} MB", figures.wall, figures.peak_kb / 1024);
    println!("{name:<52}{:>20}{:>20}{:>18}", show(helm), show(ours), format!("{:.1} × / {:.1} ×", ratio.0, ratio.1));
}

fn start(program: &Path, args: &[String]) -> Child {
    let mut command = Command::new(program);
    command.arg("template").args(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().expect("the program starts")
}

/// The memory in a run of its own: looking at it takes time from the program.
fn measure(program: &Path, args: &[String]) -> Figures {
    let began = Instant::now();
    start(program, args).wait().expect("our own child");
    let wall = began.elapsed();
    let mut child = start(program, args);
    let status = format!("/proc/{}/status", child.id());
    let mut peak_kb = 0;
    // Sampled until the end: the last sample is a little short of the whole.
    while child.try_wait().expect("our own child").is_none() {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let peak = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let peak = peak.and_then(|line| line.split_whitespace().next()?.parse().ok());
        peak_kb = peak_kb.max(peak.unwrap_or(0));
        std::thread::sleep(Duration::from_micros(100));
    }
    Figures { wall, peak_kb }
}

fn median(rounds: usize, run: impl Fn() -> Figures) -> Figures {
    let mut runs: Vec<Figures> = (0..rounds).map(|_| run()).collect();
    runs.sort_by_key(|figures| figures.wall);
    runs[rounds / 2]
}

/// Each step of a large chart alone.
fn steps() {
    let path = Path::new("charts/kube-prometheus-stack-88.5.3.tgz");
    let chart = Chart::load(path).expect("a chart");
    let rendered = rendered(chart.clone());
    let manifest = rendered.manifest(false);
    let documents: Vec<Value> =
        rendered.documents.iter().map(|document| yaml::from_str(document.text()).expect("YAML")).collect();
    println!("{:<52}{:>20}", "kube-prometheus-stack, step by step", "median");
    time("load the archive", || Chart::load(path).expect("a chart").templates.len());
    time("merge values", || {
        let given = values::from_json(&Values::new());
        values::coalesce(&chart, &given, Nulls::Remove, &mut Vec::new()).expect("values");
        given.len()
    });
    time("parse templates", || parse(&chart));
    time("render whole", || self::rendered(chart.clone()).documents.len());
    time(&format!("read {} KB of YAML", manifest.len() / 1024), || {
        rendered.documents.iter().filter(|document| yaml::from_str(document.text()).is_ok()).count()
    });
    time("write it again", || documents.iter().map(|document| yaml::to_string(document).len()).sum());
    println!();
}

fn parse(chart: &Chart) -> usize {
    let charts = std::iter::once(chart).chain(&chart.dependencies);
    let files: Vec<_> =
        charts.flat_map(|chart| &chart.templates).map(|file| (file.name.as_str().into(), file.data.clone())).collect();
    Templates::new().add(&files).expect("templates");
    files.len()
}

/// Charts in one chart, beside the same charts one by one, each loaded and rendered: the ratio must stay near one.
fn umbrella() {
    let alone = time("a chart alone, loaded and rendered", || rendered(part()).documents.len());
    for count in [10, 50, 100, 200] {
        let whole = time(&format!("{count} of them in an umbrella"), || rendered(umbrella_of(count)).documents.len());
        println!("{:>72}", format!("{:.2} × the sum", whole.as_secs_f64() / alone.as_secs_f64() / f64::from(count)));
    }
}

fn part() -> Chart {
    Chart::load(Path::new("charts/prometheus-blackbox-exporter-11.17.2.tgz")).expect("a chart")
}

/// A chart of so many others, each under a name of its own and with a condition, as such charts have.
fn umbrella_of(count: u32) -> Chart {
    let mut umbrella = Chart::default();
    "umbrella".clone_into(&mut umbrella.metadata.name);
    for name in (0..count).map(|number| format!("part-{number}")) {
        let mut part = part();
        part.metadata.name.clone_from(&name);
        umbrella.metadata.dependencies.push(Dependency {
            condition: format!("{name}.enabled"),
            version: part.metadata.version.clone(),
            name,
            ..Dependency::default()
        });
        umbrella.dependencies.push(part);
    }
    umbrella
}

fn rendered(mut chart: Chart) -> Rendered {
    let request = Request {
        release: ReleaseFacts {
            name: "rel".to_owned(),
            namespace: "ns".to_owned(),
            revision: 1,
            is_install: true,
            is_upgrade: false,
        },
        capabilities: Capabilities::default(),
        skip_schema_validation: true,
        sub_chart_notes: false,
    };
    let world = World { seed: Some("bench".to_owned()), ..World::new(&Zone::Known(TimeZone::UTC)) };
    render::render(&mut chart, &Values::new(), &request, &world).map_err(|failure| failure.error).expect("a chart")
}

/// Prints the median time of something, after once for warmth.
fn time(name: &str, run: impl Fn() -> usize) -> Duration {
    black_box(run());
    let mut times: Vec<Duration> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            black_box(run());
            start.elapsed()
        })
        .collect();
    times.sort();
    let median = times[ROUNDS / 2];
    println!("{name:<52}{:>20}", format!("{median:.1?}"));
    median
}
