//! The command that does the same with Helm.

use std::time::Duration;

use crate::{
    engine::{self, Prepared},
    tui::screens::flags,
};

/// For an operation that was reviewed; `chart` is how a command line names its chart.
pub(super) fn of(prepared: &Prepared, chart: &str) -> String {
    let Prepared { operation, name, namespace, options, .. } = prepared;
    let mut words = vec!["helm".to_owned(), operation.verb().to_owned(), name.clone()];
    match operation {
        engine::Operation::Install | engine::Operation::Upgrade => words.push(chart.to_owned()),
        engine::Operation::Rollback => words.push(prepared.to.revision.to_string()),
        engine::Operation::Uninstall => {}
    }
    words.push(format!("--namespace {namespace}"));
    words.extend(values(prepared));
    words.extend(flags::of(*operation).iter().filter_map(|flag| flag.helm(options)));
    let keeps = matches!(operation, engine::Operation::Upgrade | engine::Operation::Rollback);
    if keeps && options.history_max != engine::Options::default().history_max {
        words.push(format!("--history-max {}", options.history_max));
    }
    words.join(" ")
}

/// For the tests of a release.
pub(super) fn of_tests(namespace: &str, name: &str, timeout: Duration) -> String {
    let timeout = match timeout.as_secs() {
        300 => String::new(),
        seconds => format!(" --timeout {seconds}s"),
    };
    format!("helm test {name} --namespace {namespace}{timeout}")
}

/// Values have no place on a line: they are read back from the record that this made.
fn values(prepared: &Prepared) -> Option<String> {
    let Prepared { operation, name, namespace, next, .. } = prepared;
    match operation {
        engine::Operation::Install | engine::Operation::Upgrade if !next.config.is_empty() => {
            let revision = next.revision;
            Some(format!("--values <(helm get values {name} --namespace {namespace} --revision {revision})"))
        }
        engine::Operation::Upgrade => Some("--reset-values".to_owned()),
        _ => None,
    }
}
