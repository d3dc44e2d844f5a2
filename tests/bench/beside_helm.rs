//! Pilothouse beside real Helm in one run, whole processes, on the real control plane: `cargo bench --bench beside_helm`.
//! Prints medians and the ratio Helm ÷ Pilothouse; asserts nothing, for machines differ.

#[path = "../ops/faults.rs"]
#[expect(dead_code, reason = "requests are only counted here")]
mod faults;
#[path = "../cluster/plane.rs"]
#[expect(dead_code, reason = "the cluster tests use the rest of it")]
mod plane;
#[path = "../cluster/proxy.rs"]
mod proxy;

use std::{
    collections::BTreeMap,
    fs,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use futures::{StreamExt, stream};
use pilothouse::release::{Chart, Driver, Release, Status, Storage};
use plane::{Plane, chart, plane};

const RELEASES: u32 = 200;
const REVISIONS: u32 = 5;
/// Random bytes in each chart, so that a record is about 110 KB however well it is compressed.
const BALLAST: usize = 60_000;
const ROUNDS: usize = 5;
/// Objects of the release that is upgraded, one of which changes.
const OBJECTS: usize = 300;

/// One run of a program.
struct Figures {
    wall: Duration,
    cpu: Duration,
    peak_kb: u64,
}

fn main() {
    let plane = plane();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    println!("upgrade of {OBJECTS} objects, of which one changes");
    for method in ["--server-side=true", "--server-side=false"] {
        upgrades(plane, &runtime, method);
    }
    runtime.block_on(seed(plane));
    println!("{:<26}{:>26}{:>26}{:>20}", "", "helm  wall/cpu/peak", "pilothouse wall/cpu/peak", "ratio wall/peak");
    for args in [
        &["version", "--short"][..],
        &["list", "-A", "--max", "1000"],
        &["history", "big-7", "-n", "big"],
        &["status", "big-7", "-n", "big"],
        &["get", "manifest", "big-7", "-n", "big"],
    ] {
        let (mut helm, mut ours) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            helm.push(measure(plane, plane.helm_path(), args));
            ours.push(measure(plane, env!("CARGO_BIN_EXE_pilothouse").into(), args));
        }
        let (helm, ours) = (median(helm), median(ours));
        println!(
            "{:<26}{:>26}{:>26}{:>19}",
            args.join(" "),
            show(&helm),
            show(&ours),
            format!(
                "{:.1} × / {:.1} ×",
                helm.wall.as_secs_f64() / ours.wall.as_secs_f64(),
                helm.peak_kb as f64 / ours.peak_kb as f64
            )
        );
    }
}

/// Upgrades by both programs, each of a release of its own; the requests are counted in one upgrade more.
fn upgrades(plane: &Plane, runtime: &tokio::runtime::Runtime, method: &str) {
    let folder = tempfile::TempDir::new().expect("a folder");
    let chart = wide(folder.path());
    let programs = [plane.helm_path(), env!("CARGO_BIN_EXE_pilothouse").into()];
    let namespaces = [plane.namespace(), plane.namespace()];
    plane.helm(&["install", "wide", &chart, method, "-n", &namespaces[0]]);
    plane.pilothouse(&["install", "wide", &chart, method, "-n", &namespaces[1]]);
    let mut runs = [Vec::new(), Vec::new()];
    for round in 1..=ROUNDS {
        let changed = format!("changed={round}");
        for (side, program) in programs.iter().enumerate() {
            let args = ["upgrade", "wide", &chart, "--set", &changed, "-n", &namespaces[side]];
            runs[side].push(measure(plane, program.clone(), &args));
        }
    }
    let injector = faults::Injector::default();
    let client = runtime.block_on(proxy::client(plane.kubeconfig()));
    let address = runtime.block_on(proxy::serve(client, injector.clone()));
    let server = format!("http://{address}");
    let count = |side: usize| {
        injector.arm(None);
        let namespace = &namespaces[side];
        let args = ["upgrade", "wide", &chart, "--set", "changed=last", "-n", namespace, "--kube-apiserver", &server];
        measure(plane, programs[side].clone(), &args);
        injector.disarm().len()
    };
    let requests = [count(0), count(1)];
    let [helm, ours] = runs.map(median);
    let ratio = helm.wall.as_secs_f64() / ours.wall.as_secs_f64();
    println!(
        "{method:<26}{:>26}{:>26}{:>19}  requests {} / {}",
        show(&helm),
        show(&ours),
        format!("{ratio:.1} ×"),
        requests[0],
        requests[1]
    );
}

/// A chart of many small objects, of which one says what `changed` is.
fn wide(folder: &std::path::Path) -> String {
    let template = format!(
        "{{{{- range $i := until {OBJECTS} }}}}\n---\napiVersion: v1\nkind: {{{{ index (list \"ConfigMap\" \"ServiceAccount\" \"Secret\") (mod $i 3) }}}}\n\
         metadata:\n  name: wide-{{{{ $i }}}}\n  labels: {{app: wide}}\n  annotations: {{note: \"{{{{ if eq $i 0 }}}}{{{{ $.Values.changed }}}}{{{{ end }}}}\"}}\n{{{{- end }}}}\n"
    );
    fs::create_dir_all(folder.join("templates")).expect("a folder");
    fs::write(folder.join("Chart.yaml"), "apiVersion: v2\nname: wide\nversion: 1.0.0\n").expect("written");
    fs::write(folder.join("values.yaml"), "changed: never\n").expect("written");
    fs::write(folder.join("templates/all.yaml"), template).expect("written");
    folder.display().to_string()
}

/// Releases as Helm writes them, made from a real one.
async fn seed(plane: &Plane) {
    plane.kubectl(&["create", "namespace", "big"]);
    plane.helm(&["install", "web", &chart("web"), "-n", "big"]);
    let storage = Storage::new(plane.cluster("test", "big").await, Driver::Secrets, "big");
    let template = storage.get("web", 1).await.expect("the release Helm wrote");
    let records = (1..=RELEASES).flat_map(|number| (1..=REVISIONS).map(move |revision| (number, revision)));
    stream::iter(records)
        .for_each_concurrent(8, |(number, revision)| {
            let (storage, template) = (storage.clone(), template.clone());
            async move {
                let release = record(template, number, revision);
                storage.create(&release, &BTreeMap::new()).await.expect("a new record");
            }
        })
        .await;
}

fn record(mut release: Release, number: u32, revision: u32) -> Release {
    release.name = format!("big-{number}");
    release.revision = revision;
    release.info.status = if revision == REVISIONS { Status::Deployed } else { Status::Superseded };
    // As text: fields stay in Helm's order, of which `files` is the last.
    let chart = release.chart.raw().expect("Helm stores the chart");
    let (before, _) = chart.rsplit_once(r#""files":"#).expect("Helm stores the files");
    let mut ballast = vec![0; BALLAST];
    getrandom::fill(&mut ballast).expect("randomness");
    let files = serde_json::json!([{ "name": "ballast.bin", "data": STANDARD.encode(ballast) }]);
    let chart = serde_json::value::RawValue::from_string(format!(r#"{before}"files":{files}}}"#));
    release.chart = Chart::new(chart.expect("JSON").into());
    release
}

fn measure(plane: &Plane, program: std::path::PathBuf, args: &[&str]) -> Figures {
    let start = Instant::now();
    let mut child = Command::new(program)
        .args(args)
        .env("KUBECONFIG", plane.kubeconfig())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    let proc = format!("/proc/{}", child.id());
    let mut figures = Figures { wall: Duration::ZERO, cpu: Duration::ZERO, peak_kb: 0 };
    // Sampled until the end: the last sample is at most a millisecond short of the whole.
    while child.try_wait().expect("our own child").is_none() {
        if let Ok(status) = fs::read_to_string(format!("{proc}/status")) {
            let peak = status
                .lines()
                .find_map(|line| line.strip_prefix("VmHWM:"))
                .and_then(|line| line.split_whitespace().next()?.parse().ok());
            figures.peak_kb = figures.peak_kb.max(peak.unwrap_or(0));
        }
        if let Ok(stat) = fs::read_to_string(format!("{proc}/stat")) {
            let ticks: u64 = stat
                .rsplit(") ")
                .next()
                .unwrap_or("")
                .split(' ')
                .skip(11)
                .take(2)
                .filter_map(|n| n.parse::<u64>().ok())
                .sum();
            figures.cpu = figures.cpu.max(Duration::from_millis(ticks * 10));
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    figures.wall = start.elapsed();
    figures
}

fn median(mut runs: Vec<Figures>) -> Figures {
    let middle = runs.len() / 2;
    let mut pick = |key: fn(&Figures) -> u128| {
        runs.sort_by_key(key);
        key(&runs[middle])
    };
    let (wall, cpu, peak) =
        (pick(|f| f.wall.as_micros()), pick(|f| f.cpu.as_micros()), pick(|f| u128::from(f.peak_kb)));
    let micros = |value| Duration::from_micros(u64::try_from(value).unwrap_or(u64::MAX));
    Figures { wall: micros(wall), cpu: micros(cpu), peak_kb: u64::try_from(peak).unwrap_or(u64::MAX) }
}

fn show(figures: &Figures) -> String {
    format!(
        "{:.0} ms/{:.0} ms/{} MB",
        figures.wall.as_secs_f64() * 1e3,
        figures.cpu.as_secs_f64() * 1e3,
        figures.peak_kb / 1024
    )
}
