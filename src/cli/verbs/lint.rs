//! `lint` (helm/helm `pkg/cmd/lint.go`, `pkg/action/lint.go`).

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{
    chart::{Chart, go_words},
    cli::{
        charts,
        commands::{Command, Takes, Verb},
        flags::{Flag, chart as chart_flags},
        report::Report,
        session::Session,
        verbs::template::kube_version,
    },
    engine::world::World,
    render::lint::{Entry, Message, Rules, Severity, Subject, lint},
};

/// The command.
pub const COMMAND: Command = Command {
    name: "lint",
    arguments: "PATH",
    short: "examine a chart for possible issues",
    long: include_str!("../help/lint.txt"),
    takes: Takes::AtLeast(1),
    flags: |_| {
        let mut flags = chart_flags::values();
        flags.extend([
            Flag::bool("strict", "fail on lint warnings"),
            Flag::bool("with-subcharts", "lint dependent charts"),
            Flag::bool("quiet", "print only warnings and errors"),
            Flag::bool("skip-schema-validation", "if set, disables JSON schema validation"),
            Flag::text("kube-version", "Kubernetes version used for capabilities and deprecation checks"),
        ]);
        flags
    },
    verb: Verb::Lint,
    ..Command::EMPTY
};

/// Runs it.
pub fn run(session: &Session) -> Result<(), Report> {
    let flags = &session.flags;
    let kube_version = kube_version(session)?;
    let mut paths = flags.args.clone();
    if flags.bool("with-subcharts") {
        flags.args.iter().for_each(|path| sub_charts(&Path::new(path).join("charts"), &mut paths));
    }
    let namespace = session.offline_namespace();
    let values = charts::values(session)?;
    let rules = Rules {
        values: &values,
        namespace: &namespace,
        kube_version,
        skip_schema_validation: flags.bool("skip-schema-validation"),
    };
    let quiet = flags.bool("quiet");
    let lowest = if flags.bool("strict") { Severity::Warning } else { Severity::Error };
    let (mut text, mut failed, mut troubled) = (String::new(), 0, 0);
    for path in &paths {
        let result = lint_path(session, path, &rules);
        let is_trouble = |message: &Message| message.severity > Severity::Info;
        let (has_failed, has_trouble) = match &result {
            Ok(messages) => (messages.iter().any(|m| m.severity >= lowest), messages.iter().any(is_trouble)),
            Err(_) => (true, true),
        };
        failed += usize::from(has_failed);
        troubled += usize::from(has_trouble);
        if quiet && !has_trouble {
            continue;
        }
        text.push_str(&format!("==> Linting {path}\n"));
        match result {
            Ok(messages) => messages
                .iter()
                .filter(|message| !quiet || is_trouble(message))
                .for_each(|message| text.push_str(&format!("{message}\n"))),
            Err(why) => text.push_str(&format!("Error {why}\n")),
        }
        text.push('\n');
    }
    let summary = format!("{} chart(s) linted, {failed} chart(s) failed", paths.len());
    if failed == 0 && (!quiet || troubled > 0) {
        text.push_str(&format!("{summary}\n"));
    }
    session.console.print(&text)?;
    if failed > 0 { Err(Report::new(summary)) } else { Ok(()) }
}

/// Charts anywhere below a folder, in the order of names.
fn sub_charts(folder: &Path, found: &mut Vec<String>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    let mut entries: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    entries.sort();
    for path in entries {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name == "Chart.yaml" {
            found.push(folder.to_string_lossy().into_owned());
        } else if is_archive(&name) {
            found.push(path.to_string_lossy().into_owned());
        } else if !path.is_symlink() && path.is_dir() {
            sub_charts(&path, found);
        }
    }
}

fn is_archive(name: &str) -> bool {
    name.ends_with(".tgz") || name.ends_with(".tar.gz")
}

fn lint_path(session: &Session, path: &str, rules: &Rules<'_>) -> Result<Vec<Message>, String> {
    if !is_archive(path) {
        return lint_folder(session, Path::new(path), rules);
    }
    let folder = tempfile::Builder::new().prefix("helm-lint").tempdir();
    let folder =
        folder.map_err(|error| format!("unable to create temp dir to extract tarball: {}", go_words(&error)))?;
    let data = fs::read(path).map_err(|error| format!("unable to open tarball: open {path}: {}", go_words(&error)))?;
    let chart =
        crate::chart::expand(folder.path(), &data).map_err(|error| format!("unable to extract tarball: {error}"))?;
    lint_folder(session, &chart, rules)
}

fn lint_folder(session: &Session, path: &Path, rules: &Rules<'_>) -> Result<Vec<Message>, String> {
    let chart_yaml = path.join("Chart.yaml");
    fs::metadata(&chart_yaml).map_err(|error| {
        let why = go_words(&error);
        format!("unable to check Chart.yaml file in chart: stat {}: {why}", chart_yaml.display())
    })?;
    let path = std::path::absolute(path).map_err(|error| error.to_string())?;
    let subject = Subject {
        chart_yaml: entry(&path.join("Chart.yaml")),
        values: entry(&path.join("values.yaml")),
        schema: entry(&path.join("values.schema.json")),
        templates: entry(&path.join("templates")),
        crds: entry(&path.join("crds")),
        chart: Chart::load(&path),
        path: path.to_string_lossy().into_owned(),
    };
    let findings = lint(&subject, rules, &World::new(&session.env.zone));
    findings.log.iter().for_each(|notice| session.console.note(&notice.to_string()));
    Ok(findings.messages)
}

fn entry(path: &Path) -> Entry {
    match fs::metadata(path) {
        Err(_) => Entry::Missing,
        Ok(status) if status.is_dir() => Entry::Folder,
        Ok(_) => {
            let read = fs::read(path).map_err(|error| format!("open {}: {}", path.display(), go_words(&error)));
            Entry::File(read.map(Into::into))
        }
    }
}
