//! Flags that many verbs share: values, where a chart comes from, how it is installed (helm/helm `pkg/cmd/flags.go`,
//! `pkg/cmd/install.go`).

use super::{Flag, Kind, Parsed, source};
use crate::{cli::settings::Env, values};

/// `-f`, `--set` and its kin.
pub fn values() -> Vec<Flag> {
    let list = |name, help| Flag::new(name, Kind::List, help);
    vec![
        Flag::new("values", Kind::Strings, "specify values in a YAML file or a URL (can specify multiple)").short('f'),
        list(
            "set",
            "set values on the command line (can specify multiple or separate values with commas: key1=val1,key2=val2)",
        ),
        list(
            "set-string",
            "set STRING values on the command line (can specify multiple or separate values with commas: key1=val1,key2=val2)",
        ),
        list(
            "set-file",
            "set values from respective files specified via the command line (can specify multiple or separate values with commas: key1=path1,key2=path2)",
        ),
        list(
            "set-json",
            r#"set JSON values on the command line (can specify multiple or separate values with commas: key1=jsonval1,key2=jsonval2 or using json format: {"key1": jsonval1, "key2": "jsonval2"})"#,
        ),
        list("set-literal", "set a literal STRING value on the command line"),
    ]
}

/// What [`values()`] say.
pub fn values_options(flags: &Parsed) -> values::Options {
    let list = |name| flags.list(name).to_vec();
    values::Options {
        files: list("values"),
        set_json: list("set-json"),
        set: list("set"),
        set_string: list("set-string"),
        set_file: list("set-file"),
        set_literal: list("set-literal"),
    }
}

/// Which version of a chart, from where, and with which credentials.
pub fn chart_source(env: &Env) -> Vec<Flag> {
    let mut flags = vec![
        Flag::text(
            "version",
            "specify a version constraint for the chart version to use. This constraint can be a specific tag (e.g. 1.1.1) or it may reference a valid range (e.g. ^2.0.0). If this is not specified, the latest version is used",
        ),
        Flag::bool("verify", "verify the package before using it"),
        source::keyring(env, "location of public keys used for verification"),
        Flag::text("repo", "chart repository url where to locate the requested chart"),
    ];
    flags.extend(source::credentials());
    flags.push(Flag::bool("pass-credentials", "pass credentials to all domains"));
    flags
}

/// What `install` and `template` have in common, with [`values()`] and [`chart_source`].
pub fn install(env: &Env) -> Vec<Flag> {
    let mut flags = vec![
        Flag::bool("create-namespace", "create the release namespace if not present"),
        Flag::bool("force-replace", "force resource updates by replacement"),
        Flag::bool("force", "deprecated").deprecated("use --force-replace instead").sets("force-replace"),
        Flag::bool("force-conflicts", "if set server-side apply will force changes against conflicts"),
        Flag::bool("server-side", "object updates run in the server instead of the client").default("true"),
        Flag::bool("no-hooks", "prevent hooks from running during install"),
        Flag::bool(
            "replace",
            "reuse the given name, only if that name is a deleted release which remains in the history. This is unsafe in production",
        ),
        timeout(),
        wait_for_jobs(),
        Flag::bool("generate-name", "generate the name (and omit the NAME parameter)").short('g'),
        Flag::text("name-template", "specify template used to name the release"),
        Flag::text("description", "add a custom description"),
        Flag::bool(
            "devel",
            "use development versions, too. Equivalent to version '>0.0.0-0'. If --version is set, this is ignored",
        ),
        Flag::bool("dependency-update", "update dependencies if they are missing before installing the chart"),
        Flag::bool(
            "disable-openapi-validation",
            "if set, the installation process will not validate rendered templates against the Kubernetes OpenAPI Schema",
        ),
        Flag::bool(
            "rollback-on-failure",
            r#"if set, Helm will rollback (uninstall) the installation upon failure. The --wait flag will be default to "watcher" if --rollback-on-failure is set"#,
        ),
        Flag::bool("atomic", "deprecated").deprecated("use --rollback-on-failure instead").sets("rollback-on-failure"),
        Flag::bool(
            "skip-crds",
            "if set, no CRDs will be installed. By default, CRDs are installed if not already present",
        ),
        Flag::bool("render-subchart-notes", "if set, render subchart notes along with the parent"),
        Flag::bool("skip-schema-validation", "if set, disables JSON schema validation"),
        Flag::new("labels", Kind::Pairs, "Labels that would be added to release metadata. Should be divided by comma.")
            .short('l'),
        Flag::bool("enable-dns", "enable DNS lookups when rendering templates"),
        Flag::bool(
            "hide-notes",
            "if set, do not show notes in install output. Does not affect presence in chart metadata",
        ),
        Flag::bool(
            "take-ownership",
            "if set, install will ignore the check for helm annotations and take ownership of the existing resources",
        ),
        wait(),
    ];
    flags.extend(post_rendering());
    flags.extend(values());
    flags.extend(chart_source(env));
    flags
}

/// `--timeout`.
pub fn timeout() -> Flag {
    let help = "time to wait for any individual Kubernetes operation (like Jobs for hooks)";
    Flag::new("timeout", Kind::Duration, help).default("5m0s")
}

/// `--wait`.
pub fn wait() -> Flag {
    Flag::new(
        "wait",
        Kind::Wait,
        "wait until resources are ready (up to --timeout). Use '--wait' alone for 'watcher' strategy, or specify one of: 'watcher', 'hookOnly', 'legacy'. Default when flag is omitted: 'hookOnly'.",
    )
    .default("hookOnly")
    .bare("watcher")
}

/// `--wait-for-jobs`.
pub fn wait_for_jobs() -> Flag {
    Flag::bool(
        "wait-for-jobs",
        "if set and --wait enabled, will wait until all Jobs have been completed before marking the release as successful. It will wait for as long as --timeout",
    )
}

/// The post-renderer and its arguments.
pub fn post_rendering() -> [Flag; 2] {
    [
        Flag::new(
            "post-renderer",
            Kind::PostRenderer,
            "the name of a postrenderer type plugin to be used for post rendering. If it exists, the plugin will be used",
        ),
        Flag::new(
            "post-renderer-args",
            Kind::PostRendererArgs,
            "an argument to the post-renderer (can specify multiple)",
        ),
    ]
}
