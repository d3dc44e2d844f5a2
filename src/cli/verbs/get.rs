//! `get all|hooks|manifest|metadata|notes|values` (helm/helm `pkg/cmd/get*.go`).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{release, status};
use crate::{
    cli::{
        commands::{Command, Completes, Takes, Verb},
        flags::Flag,
        output,
        report::Report,
        session::Session,
    },
    release::{ApplyMethod, Release},
    template::time::RFC3339,
};

/// The command.
pub const COMMAND: Command = Command {
    name: "get",
    short: "download extended information of a named release",
    long: include_str!("../help/get.txt"),
    children: &[
        Command {
            name: "all",
            short: "download all information for a named release",
            long: include_str!("../help/get-all.txt"),
            flags: |_| {
                vec![
                    revision_flag(),
                    Flag::text("template", "go template for formatting the output, eg: {{.Release.Name}}"),
                ]
            },
            verb: Verb::GetAll,
            ..ONE_RELEASE
        },
        Command {
            name: "values",
            short: "download the values file for a named release",
            long: include_str!("../help/get-values.txt"),
            flags: |_| {
                vec![revision_flag(), Flag::bool("all", "dump all (computed) values").short('a'), Flag::output()]
            },
            verb: Verb::GetValues,
            ..ONE_RELEASE
        },
        Command {
            name: "manifest",
            short: "download the manifest for a named release",
            long: include_str!("../help/get-manifest.txt"),
            verb: Verb::GetManifest,
            ..ONE_RELEASE
        },
        Command {
            name: "hooks",
            short: "download all hooks for a named release",
            long: include_str!("../help/get-hooks.txt"),
            verb: Verb::GetHooks,
            ..ONE_RELEASE
        },
        Command {
            name: "notes",
            short: "download the notes for a named release",
            long: include_str!("../help/get-notes.txt"),
            verb: Verb::GetNotes,
            ..ONE_RELEASE
        },
        Command {
            name: "metadata",
            short: "This command fetches metadata for a given release",
            flags: |_| vec![Flag::int("revision", "specify release revision"), Flag::output()],
            verb: Verb::GetMetadata,
            ..ONE_RELEASE
        },
    ],
    ..Command::EMPTY
};

const ONE_RELEASE: Command = Command {
    arguments: "RELEASE_NAME",
    takes: Takes::Exactly(1),
    completes: Completes::Release,
    flags: |_| vec![revision_flag()],
    ..Command::EMPTY
};

fn revision_flag() -> Flag {
    Flag::int("revision", "get the named release with revision")
}

/// `get all`.
pub async fn all(session: &Session) -> Result<(), Report> {
    if !session.flags.text("template").is_empty() {
        return Err(Report::new("--template is not built yet in pilothouse get all; use helm get all --template"));
    }
    let (_, release, _) = release(session).await?;
    session.console.print(&status::text(
        session,
        &release,
        &status::Shown { metadata: true, everything: true, ..status::Shown::STATUS },
    ))
}

/// `get hooks`.
pub async fn hooks(session: &Session) -> Result<(), Report> {
    let (_, release, _) = release(session).await?;
    session.console.print(&hooks_text(&release))
}

/// Every hook with where it came from.
pub fn hooks_text(release: &Release) -> String {
    release.hooks.iter().map(|hook| format!("---\n# Source: {}\n{}\n", hook.path, hook.manifest)).collect()
}

/// `get manifest`.
pub async fn manifest(session: &Session) -> Result<(), Report> {
    let (_, release, _) = release(session).await?;
    session.console.print(&format!("{}\n", release.manifest))
}

/// `get notes`.
pub async fn notes(session: &Session) -> Result<(), Report> {
    let (_, release, _) = release(session).await?;
    match release.info.notes.as_str() {
        "" => Ok(()),
        notes => session.console.print(&format!("NOTES:\n{notes}\n")),
    }
}

/// `get values`.
pub async fn values(session: &Session) -> Result<(), Report> {
    let (_, release, _) = release(session).await?;
    let all = session.flags.bool("all");
    let values = if all { computed(&release) } else { supplied(&release) };
    let heading = if all { "COMPUTED VALUES:" } else { "USER-SUPPLIED VALUES:" };
    session.console.print(&match session.flags.text("output") {
        "json" => output::json(&values),
        "yaml" => output::yaml(&values),
        _ => format!("{heading}\n{}", output::yaml(&values)),
    })
}

/// Supplied values; Go has nothing, not an empty map, when none were supplied.
pub fn supplied(release: &Release) -> Value {
    if release.config.is_empty() { Value::Null } else { as_go_holds(Value::Object(release.config.clone())) }
}

/// Computed values.
pub fn computed(release: &Release) -> Value {
    as_go_holds(Value::Object(release.computed_values()))
}

fn as_go_holds(mut values: Value) -> Value {
    output::as_go_holds(&mut values);
    values
}

/// helm/helm `pkg/action/get_metadata.go`, `Metadata`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Metadata<'a> {
    name: &'a str,
    chart: &'a str,
    version: &'a str,
    app_version: &'a str,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    annotations: &'a BTreeMap<String, String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    labels: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    dependencies: Vec<Dependency>,
    namespace: &'a str,
    revision: u32,
    status: &'a str,
    deployed_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    apply_method: Option<&'static str>,
}

/// helm/helm `pkg/chart/v2/dependency.go`, in its order.
#[derive(Serialize, Deserialize, Default)]
#[serde(default, rename_all = "kebab-case")]
struct Dependency {
    name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    version: String,
    repository: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    condition: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    enabled: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    import_values: Vec<Value>,
    #[serde(skip_serializing_if = "String::is_empty")]
    alias: String,
}

/// `get metadata`.
pub async fn metadata(session: &Session) -> Result<(), Report> {
    let (storage, release, meta) = release(session).await?;
    let chart = release.chart.metadata();
    let deployed = session.time(release.info.last_deployed.as_deref());
    let metadata = Metadata {
        name: &release.name,
        chart: &chart.name,
        version: &chart.version,
        app_version: &chart.app_version,
        annotations: &chart.annotations,
        labels: meta.map_or_else(|| release.labels.clone(), |meta| storage.labels_by_name(&meta)),
        dependencies: dependencies(&release),
        namespace: &release.namespace,
        revision: release.revision,
        status: release.info.status.as_str(),
        deployed_at: deployed.map_or_else(|| "0001-01-01T00:00:00Z".to_owned(), |time| time.format(RFC3339)),
        apply_method: release.apply_method.map(ApplyMethod::as_str),
    };
    session.console.print(&match session.flags.text("output") {
        "json" => output::json(&metadata),
        "yaml" => output::yaml(&metadata),
        _ => metadata_text(&metadata),
    })
}

fn metadata_text(metadata: &Metadata<'_>) -> String {
    let pairs = |map: &BTreeMap<String, String>| {
        map.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(",")
    };
    let mut dependencies: Vec<&str> = metadata
        .dependencies
        .iter()
        .map(|dependency| if dependency.alias.is_empty() { &dependency.name } else { &dependency.alias })
        .map(String::as_str)
        .collect();
    dependencies.sort_unstable();
    let method = match metadata.apply_method {
        Some("ssa") => "server-side apply",
        Some(_) => "client-side apply",
        None => "client-side apply (defaulted)",
    };
    let rows = [
        ("NAME", metadata.name.to_owned()),
        ("CHART", metadata.chart.to_owned()),
        ("VERSION", metadata.version.to_owned()),
        ("APP_VERSION", metadata.app_version.to_owned()),
        ("ANNOTATIONS", pairs(metadata.annotations)),
        ("LABELS", pairs(&metadata.labels)),
        ("DEPENDENCIES", dependencies.join(",")),
        ("NAMESPACE", metadata.namespace.to_owned()),
        ("REVISION", metadata.revision.to_string()),
        ("STATUS", metadata.status.to_owned()),
        ("DEPLOYED_AT", metadata.deployed_at.clone()),
        ("APPLY_METHOD", method.to_owned()),
    ];
    rows.map(|(name, value)| format!("{name}: {value}\n")).concat()
}

/// The chart's dependencies with every field that Helm prints.
fn dependencies(release: &Release) -> Vec<Dependency> {
    #[derive(Deserialize, Default)]
    #[serde(default)]
    struct Chart {
        metadata: Metadata,
    }
    #[derive(Deserialize, Default)]
    #[serde(default)]
    struct Metadata {
        dependencies: Option<Vec<Dependency>>,
    }
    let chart: Chart = release.chart.raw().and_then(|raw| serde_json::from_str(raw).ok()).unwrap_or_default();
    chart.metadata.dependencies.unwrap_or_default()
}
