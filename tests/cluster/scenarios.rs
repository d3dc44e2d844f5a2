//! The scenarios of `scenarios.txt`: real Helm runs each in one namespace, we in another, and after every step what was
//! said, recorded and stored must be the same. `SCENARIO=words` runs those alone whose title has these words.

pub mod outcome;

use std::{
    collections::BTreeSet,
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use pilothouse::release::{Driver, Status, Storage};

use self::outcome::Watcher;
use crate::plane::{Plane, Ran, chart, plane};

/// How many scenarios run at once. Most of the time they wait for controllers.
const WORKERS: usize = 6;
/// How long controllers have to bring two namespaces to the same state.
const SETTLING: Duration = Duration::from_secs(20);

/// A scenario under one method of applying.
struct Scenario {
    title: String,
    method: Method,
    steps: Vec<Step>,
}

#[derive(Clone)]
struct Step {
    line: String,
    /// What may differ after it, `< ` with Helm and `> ` with us.
    differences: Vec<String>,
}

/// How a release is applied first, and how from its first upgrade on; nothing says as before.
#[derive(Clone, Copy)]
struct Method {
    name: &'static str,
    install: &'static str,
    upgrade: Option<&'static str>,
}

const METHODS: [Method; 4] = [
    Method { name: "server", install: "--server-side=true", upgrade: None },
    Method { name: "client", install: "--server-side=false", upgrade: None },
    Method { name: "to-server", install: "--server-side=false", upgrade: Some("--server-side=true") },
    Method { name: "to-client", install: "--server-side=true", upgrade: Some("--server-side=false") },
];

/// What the table must cover under every method.
const STATES: [&str; 9] = [
    "clean",
    "hand-edited",
    "failed previous",
    "pending",
    "keep",
    "custom resource",
    "version move",
    "hook failure",
    "restricted user",
];

/// Which program works on which namespace.
struct Stage<'a> {
    plane: &'a Plane,
    method: Method,
    theirs: String,
    ours: String,
}

#[test]
fn end_as_with_helm() {
    let scenarios = scenarios();
    let wanted = std::env::var("SCENARIO").unwrap_or_default();
    let chosen: Vec<&Scenario> = scenarios.iter().filter(|scenario| scenario.name().contains(&wanted)).collect();
    let plane = plane();
    // Known to the cluster before, so that it does not matter which scenario comes first.
    plane.kubectl(&["apply", "--server-side", "-f", &format!("{}/crds/gadgets.yaml", chart("gadget"))]);
    let next = AtomicUsize::new(0);
    let failed: Vec<String> = std::thread::scope(|scope| {
        let work = || {
            let watcher = Watcher::new(plane);
            let next = || chosen.get(next.fetch_add(1, Ordering::Relaxed));
            std::iter::from_fn(next).filter_map(|scenario| scenario.run(plane, &watcher).err()).collect::<Vec<_>>()
        };
        let workers: Vec<_> = (0..WORKERS).map(|_| scope.spawn(work)).collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("a scenario can be run")).collect()
    });
    println!("{} scenarios, {} as with Helm", chosen.len(), chosen.len() - failed.len());
    assert!(failed.is_empty(), "{} of {} scenarios differ:\n{}", failed.len(), chosen.len(), failed.join("\n"));
}

#[test]
fn cover_every_state_under_every_method() {
    let scenarios = scenarios();
    for state in STATES {
        for method in METHODS {
            let covers = |scenario: &Scenario| {
                scenario.title.starts_with(&format!("{state}: ")) && scenario.method.name == method.name
            };
            assert!(scenarios.iter().any(covers), "{state} under {} is missing", method.name);
        }
    }
    assert!(scenarios.len() >= 60, "{} scenarios", scenarios.len());
}

/// Reads the table; its head says how it is written.
fn scenarios() -> Vec<Scenario> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cluster/scenarios.txt");
    let text = std::fs::read_to_string(path).expect("the table");
    let mut scenarios: Vec<Scenario> = Vec::new();
    // One heading makes as many scenarios as it names methods.
    let mut made = 0;
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some(heading) = line.strip_prefix("== ") {
            let (title, methods) = heading.split_once(" (").expect("a heading names methods");
            let methods = methods.trim_end_matches(')');
            let of = |method: &Method| methods == "all" || methods.split(", ").any(|name| name == method.name);
            made = METHODS.iter().filter(|method| of(method)).count();
            scenarios.extend(METHODS.into_iter().filter(of).map(|method| Scenario {
                title: title.to_owned(),
                method,
                steps: Vec::new(),
            }));
            continue;
        }
        let first = scenarios.len() - made;
        for scenario in &mut scenarios[first..] {
            match line.starts_with("< ") || line.starts_with("> ") {
                true => scenario.steps.last_mut().expect("a step before").differences.push(line.to_owned()),
                false => scenario.steps.push(Step { line: line.to_owned(), differences: Vec::new() }),
            }
        }
    }
    scenarios
}

impl Scenario {
    fn name(&self) -> String {
        format!("{} ({})", self.title, self.method.name)
    }

    /// Runs it; the error names it, the step and the difference.
    fn run(&self, plane: &Plane, watcher: &Watcher) -> Result<(), String> {
        // Names that nothing else contains, so that they can be taken out of whatever is compared.
        let own = plane.namespace();
        let [theirs, ours] = ["theirs", "ours"].map(|whose| format!("scenario-{own}-{whose}"));
        for namespace in [&theirs, &ours] {
            plane.kubectl(&["create", "namespace", namespace]);
        }
        let mut stage = Stage { plane, method: self.method, theirs, ours };
        let done = self.steps.iter().try_for_each(|step| {
            let differences = stage.take(watcher, step);
            match differences.is_empty() {
                true => Ok(()),
                false => Err(format!("{}\n  {}\n    {}", self.name(), step.line, differences.join("\n    "))),
            }
        });
        for namespace in [&stage.theirs, &stage.ours] {
            plane.kubectl(&["delete", "namespace", namespace, "--wait=false"]);
        }
        done
    }
}

impl Stage<'_> {
    /// Takes a step in both namespaces; what came out differently.
    fn take(&mut self, watcher: &Watcher, step: &Step) -> Vec<String> {
        let words: Vec<&str> = step.line.split(' ').collect();
        match words.as_slice() {
            ["swap"] => std::mem::swap(&mut self.theirs, &mut self.ours),
            ["$", rest @ ..] => {
                for namespace in [&self.theirs, &self.ours] {
                    self.plane.kubectl(&[rest, &["-n", namespace]].concat());
                }
            }
            ["mark", release, revision, status] => {
                for namespace in [&self.theirs, &self.ours] {
                    watcher.block_on(self.mark(namespace, release, revision, status));
                }
            }
            _ => return self.compare(watcher, step),
        }
        Vec::new()
    }

    fn compare(&self, watcher: &Watcher, step: &Step) -> Vec<String> {
        let (theirs, ours) = (self.arguments(&step.line, &self.theirs), self.arguments(&step.line, &self.ours));
        let (theirs, ours) = std::thread::scope(|scope| {
            let helm = scope.spawn(|| self.plane.try_helm(&borrowed(&theirs)));
            let ours = self.plane.try_pilothouse(&borrowed(&ours));
            (helm.join().expect("helm runs"), ours)
        });
        let told = |ran: &Ran, namespace: &str| outcome::said(ran, namespace);
        let said = lines_apart(&told(&theirs, &self.theirs), &told(&ours, &self.ours));
        let deadline = Instant::now() + SETTLING;
        loop {
            let (theirs, ours) = (watcher.stored(&self.theirs), watcher.stored(&self.ours));
            let mut apart = said.clone();
            apart.extend(theirs.difference(&ours).map(|line| format!("< {line}")));
            apart.extend(ours.difference(&theirs).map(|line| format!("> {line}")));
            let unexpected = unexpected(apart, &step.differences);
            if unexpected.is_empty() || Instant::now() > deadline {
                return unexpected;
            }
        }
    }

    /// A command line of the table for one namespace.
    fn arguments(&self, line: &str, namespace: &str) -> Vec<String> {
        let mut arguments: Vec<String> = unquoted(line)
            .into_iter()
            .map(|word| match word.strip_prefix('@') {
                Some(name) => chart(name),
                None => word.replace('%', namespace),
            })
            .collect();
        let installs = arguments.iter().any(|word| word == "install" || word == "--install");
        match self.method.upgrade {
            Some(upgrade) if arguments[0] == "upgrade" => arguments.push(upgrade.to_owned()),
            _ if installs => arguments.push(self.method.install.to_owned()),
            _ => {}
        }
        if !arguments.iter().any(|word| word == "-n") {
            arguments.extend(["-n".to_owned(), namespace.to_owned()]);
        }
        arguments
    }

    /// Rewrites a record's status.
    async fn mark(&self, namespace: &str, release: &str, revision: &str, status: &str) {
        let cluster = self.plane.cluster("test", namespace).await;
        let driver = Driver::from_env(|_| "").expect("the default driver");
        let storage = Storage::new(cluster, driver, namespace);
        let history = storage.history(release).await.expect("a release");
        let meta = history.iter().find(|meta| meta.revision.to_string() == revision).expect("the revision");
        let mut record = (*storage.decode(meta).await.expect("a record")).clone();
        record.info.status = Status::from(status);
        storage.update(meta, &record).await.expect("written");
    }
}

fn borrowed(words: &[String]) -> Vec<&str> {
    words.iter().map(String::as_str).collect()
}

/// The words of a line. Quotes hold spaces together, as in a shell; nothing else is special.
fn unquoted(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for character in line.chars() {
        match character {
            '"' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            character => words.last_mut().expect("one at least").push(character),
        }
    }
    words
}

/// The lines that one text has and the other lacks.
fn lines_apart(theirs: &str, ours: &str) -> Vec<String> {
    if theirs == ours {
        return Vec::new();
    }
    let lacks = |other: &str, line: &&str| !other.lines().any(|own| own == *line);
    let mut apart: Vec<String> =
        theirs.lines().filter(|line| lacks(ours, line)).map(|line| format!("< {line}")).collect();
    apart.extend(ours.lines().filter(|line| lacks(theirs, line)).map(|line| format!("> {line}")));
    if apart.is_empty() {
        apart.push(format!("the order of lines:\n{theirs}\n{ours}"));
    }
    apart
}

/// The differences that nobody expects, and the expectations that nothing met.
fn unexpected(apart: Vec<String>, expected: &[String]) -> Vec<String> {
    let meets = |line: &str, expected: &str| match expected.strip_suffix('*') {
        Some(start) => line.starts_with(start),
        None => line == expected,
    };
    let unmet = expected.iter().filter(|expected| !apart.iter().any(|line| meets(line, expected)));
    let unmet: BTreeSet<String> = unmet.map(|expected| format!("no more: {expected}")).collect();
    let unexpected = apart.into_iter().filter(|line| !expected.iter().any(|expected| meets(line, expected)));
    unexpected.chain(unmet).collect()
}
