//! `show all|chart|crds|readme|values` (helm/helm `pkg/cmd/show.go`, `pkg/action/show.go`).

use std::path::Path;

use serde_json::Value;

use crate::{
    chart::{Chart, File},
    cli::{
        charts,
        commands::{Command, Completes, Takes, Verb},
        flags::{self, Flag},
        report::Report,
        session::Session,
        settings::Env,
    },
    values::{JsonPath, make_floats},
    yaml,
};

/// The command.
pub const COMMAND: Command = Command {
    name: "show",
    aliases: &["inspect"],
    short: "show information of a chart",
    long: include_str!("../help/show.txt"),
    children: &[
        Command {
            name: "all",
            short: "show all information of the chart",
            long: include_str!("../help/show-all.txt"),
            verb: Verb::ShowAll,
            ..ONE_CHART
        },
        Command {
            name: "readme",
            short: "show the chart's README",
            long: include_str!("../help/show-readme.txt"),
            verb: Verb::ShowReadme,
            ..ONE_CHART
        },
        Command {
            name: "values",
            short: "show the chart's values",
            long: include_str!("../help/show-values.txt"),
            flags: |env| {
                let mut flags = own_flags(env);
                flags.push(Flag::text("jsonpath", "supply a JSONPath expression to filter the output"));
                flags
            },
            verb: Verb::ShowValues,
            ..ONE_CHART
        },
        Command {
            name: "chart",
            short: "show the chart's definition",
            long: include_str!("../help/show-chart.txt"),
            verb: Verb::ShowChart,
            ..ONE_CHART
        },
        Command {
            name: "crds",
            short: "show the chart's CRDs",
            long: include_str!("../help/show-crds.txt"),
            verb: Verb::ShowCrds,
            ..ONE_CHART
        },
    ],
    ..Command::EMPTY
};

const ONE_CHART: Command = Command {
    arguments: "[CHART]",
    takes: Takes::Exactly(1),
    completes: Completes::Chart,
    flags: own_flags,
    ..Command::EMPTY
};

fn own_flags(env: &Env) -> Vec<Flag> {
    let mut flags = flags::source::chart_source(env);
    flags.push(Flag::bool(
        "devel",
        "use development versions, too. Equivalent to version '>0.0.0-0'. If --version is set, this is ignored",
    ));
    flags
}

/// `show all`.
pub fn all(session: &Session) -> Result<(), Report> {
    let chart = load(session)?;
    let mut text = definition(&chart)?;
    if let Some(values) = values_file(&chart) {
        text.extend_from_slice(b"---\n");
        add(&mut text, values);
    }
    if let Some(readme) = readme_file(&chart) {
        text.extend_from_slice(b"---\n");
        add(&mut text, readme);
    }
    text.extend(crd_files(&chart));
    session.console.print_bytes(&text)
}

/// `show chart`.
pub fn chart(session: &Session) -> Result<(), Report> {
    session.console.print_bytes(&definition(&load(session)?)?)
}

/// `show values`.
pub fn values(session: &Session) -> Result<(), Report> {
    let chart = load(session)?;
    let template = session.flags.text("jsonpath");
    if !template.is_empty() {
        return values_at(session, &chart, template);
    }
    let Some(file) = values_file(&chart) else {
        return Ok(());
    };
    let mut text = Vec::new();
    add(&mut text, file);
    session.console.print_bytes(&text)
}

/// `--jsonpath`. Helm forgets why a path finds nothing; here standard error tells it.
fn values_at(session: &Session, chart: &Chart, template: &str) -> Result<(), Report> {
    let path =
        JsonPath::parse(template).map_err(|why| Report::new(format!("error parsing jsonpath {template}: {why}")))?;
    let mut values = Value::Object(chart.values.clone());
    make_floats(&mut values);
    match path.execute(&values) {
        Ok(text) => session.console.print(&text),
        Err(why) => {
            session.console.note(&format!("  hint: {why}"));
            Ok(())
        }
    }
}

/// `show readme`.
pub fn readme(session: &Session) -> Result<(), Report> {
    let chart = load(session)?;
    let mut text = Vec::new();
    readme_file(&chart).into_iter().for_each(|file| add(&mut text, file));
    session.console.print_bytes(&text)
}

/// `show crds`.
pub fn crds(session: &Session) -> Result<(), Report> {
    session.console.print_bytes(&crd_files(&load(session)?))
}

fn load(session: &Session) -> Result<Chart, Report> {
    let path = charts::locate(session, session.arg(0))?;
    let chart = Chart::load_any(Path::new(&path))?;
    chart.notices.iter().for_each(|notice| session.console.note(&notice.to_string()));
    Ok(chart)
}

fn definition(chart: &Chart) -> Result<Vec<u8>, Report> {
    let metadata = serde_json::to_value(&chart.metadata).map_err(|error| Report::new(error.to_string()))?;
    Ok(format!("{}\n", yaml::to_string(&metadata)).into_bytes())
}

fn values_file(chart: &Chart) -> Option<&File> {
    chart.raw.iter().find(|file| file.name == "values.yaml")
}

fn readme_file(chart: &Chart) -> Option<&File> {
    let is_readme = |name: &str| matches!(name.to_lowercase().as_str(), "readme.md" | "readme.txt" | "readme");
    chart.files.iter().find(|file| is_readme(&file.name))
}

fn crd_files(chart: &Chart) -> Vec<u8> {
    let mut text = Vec::new();
    for (_, file) in chart.crds() {
        if !file.data.starts_with(b"---") {
            text.extend_from_slice(b"---\n");
        }
        add(&mut text, file);
    }
    text
}

fn add(text: &mut Vec<u8>, file: &File) {
    text.extend_from_slice(&file.data);
    text.push(b'\n');
}
