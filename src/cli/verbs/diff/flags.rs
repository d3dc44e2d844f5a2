//! The flags of `diff`, by helm-diff's names (databus23/helm-diff `cmd/options.go`, `cmd/upgrade.go`).

use regex::Regex;

use super::text::Style;
use crate::cli::{
    commands::Command,
    flags::{Flag, Kind, Parsed},
    output::Colors,
    report::Report,
    session::Session,
    settings::Env,
};

/// How a comparison is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Every object that differs, with its lines.
    Diff,
    /// A line an object.
    Simple,
    /// The stable form.
    Json,
}

/// Flags of the operation that change nothing of what a preview shows. They are taken all the same, so that the line of an
/// operation can be previewed as it is.
const WITHOUT_EFFECT: &[&str] = &[
    "timeout",
    "wait",
    "wait-for-jobs",
    "hide-notes",
    "render-subchart-notes",
    "rollback-on-failure",
    "cleanup-on-fail",
    "history-max",
    "labels",
    "description",
    "ignore-not-found",
    "cascade",
];

/// Flags of the operation that a preview has otherwise, or not at all.
const OF_THE_OPERATION: &[&str] =
    &["dry-run", "hide-secret", "output", "review", "plan-out", "plan-recipient", "plan-plaintext"];

/// How differences are printed.
pub fn printing(env: &Env) -> Vec<Flag> {
    let context = env.get("HELM_DIFF_OUTPUT_CONTEXT").parse::<i64>().unwrap_or(-1);
    let output = match env.get("HELM_DIFF_OUTPUT").trim() {
        "" => "diff",
        output => output,
    };
    vec![
        Flag::int("context", "output NUM lines of context around changes; -1 shows everything")
            .short('C')
            .default(context.to_string())
            .own(),
        Flag::bool("show-secrets", "show secrets instead of fingerprints").own(),
        Flag::bool("show-secrets-decoded", "show secrets, and what their base64 stands for").own(),
        Flag::new("suppress", Kind::List, "kinds whose content is not shown, for example Secret").own(),
        Flag::bool("suppress-secrets", "do not show the content of Secrets").short('q').own(),
        Flag::new("suppress-output-line-regex", Kind::List, "a regex of changed lines that are not shown").own(),
        Flag::new(
            "find-renames",
            Kind::Float32,
            "show an object that goes and one of its kind that comes as one change, where at most this fraction of their lines differs",
        )
        .short('D')
        .own(),
        Flag::bool("detailed-exitcode", "exit with 2 when there are changes").own(),
        Flag::bool("no-color", "no colors").own(),
        Flag::text("output", "diff, simple or json")
            .short('o')
            .default(output)
            .choices(&["diff", "simple", "json"])
            .own(),
        Flag::bool("strip-trailing-cr", "as always here: objects are compared, not their texts").own(),
        Flag::bool("normalize-manifests", "as always here: objects are compared, not their texts").own(),
    ]
}

/// The flags of `operation` that decide what it will do, and those of its preview.
pub fn previewing(operation: &Command, env: &Env) -> Vec<Flag> {
    let mut flags = (operation.flags)(env);
    flags.retain(|flag| !OF_THE_OPERATION.contains(&flag.name));
    for flag in &mut flags {
        flag.hidden |= WITHOUT_EFFECT.contains(&flag.name);
    }
    flags.extend(printing(env));
    flags.extend([
        Flag::bool("include-tests", "compare the tests of the release as well").own(),
        Flag::bool("three-way-merge", "as always here: the live objects are compared with what they will be")
            .default("true")
            .own(),
    ]);
    flags
}

/// Those of an upgrade, and helm-diff's of its own.
pub fn upgrading(operation: &Command, env: &Env) -> Vec<Flag> {
    let mut flags = previewing(operation, env);
    flags.extend([
        Flag::bool("allow-unreleased", "another name of --install").sets("install").own(),
        Flag::text("dry-run", "server, as always here: the cluster is asked").default("server").bare("client").own(),
        Flag::new("api-versions", Kind::List, "").short('a').hidden(),
        Flag::text("kube-version", "").hidden(),
        Flag::bool("include-crds", "as always here: definitions in crds/ are compared").own(),
        Flag::bool("disable-validation", "").hidden(),
    ]);
    flags
}

/// One sentence about a flag of helm-diff's that means something else than a preview of an operation.
///
/// # Errors
/// Then.
pub fn refuse(flags: &Parsed) -> Result<(), String> {
    for (name, why) in [
        ("api-versions", "the cluster itself says what it serves: template --api-versions renders for another"),
        ("kube-version", "the cluster itself says its version: template --kube-version renders for another"),
        ("disable-validation", "the cluster itself judges every object: template renders without asking it"),
    ] {
        if flags.is_set(name) {
            return Err(format!("--{name} has no place in a preview: {why}"));
        }
    }
    if flags.is_set("three-way-merge") && !flags.bool("three-way-merge") {
        return Err("a preview always compares live objects: diff revision compares what records say".to_owned());
    }
    match flags.text("dry-run") {
        "" | "server" | "none" | "false" => Ok(()),
        _ => Err("a preview asks the cluster: template renders without one".to_owned()),
    }
}

/// The format asked for.
///
/// # Errors
/// A sentence for one that is not there.
pub fn format(flags: &Parsed) -> Result<Format, Report> {
    match flags.text("output") {
        "diff" | "" => Ok(Format::Diff),
        "simple" => Ok(Format::Simple),
        "json" => Ok(Format::Json),
        other => Err(Report::new(format!("invalid output format {other:?}: must be diff, simple or json"))),
    }
}

/// The style asked for.
///
/// # Errors
/// A sentence for a regular expression that is none.
pub fn style(session: &Session) -> Result<Style, Report> {
    let flags = &session.flags;
    let mut suppress: Vec<String> =
        flags.list("suppress").iter().flat_map(|kinds| kinds.split(',')).map(str::to_owned).collect();
    if flags.bool("suppress-secrets") {
        suppress.push("Secret".to_owned());
    }
    let regex = |text: &String| {
        Regex::new(text)
            .map_err(|_| Report::new(format!("--suppress-output-line-regex {text:?} is no regular expression")))
    };
    Ok(Style {
        context: usize::try_from(flags.int("context")).unwrap_or(usize::MAX),
        suppress,
        suppress_lines: flags.list("suppress-output-line-regex").iter().map(regex).collect::<Result<_, _>>()?,
        find_renames: flags.float("find-renames"),
        colors: if flags.bool("no-color") { Colors(false) } else { session.colors() },
    })
}
