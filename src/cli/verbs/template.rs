//! `template` (helm/helm `pkg/cmd/template.go`).

mod explain;
mod output;

use std::collections::HashMap;

use tokio::runtime::Handle;

use super::install;
use crate::{
    chart::Chart,
    cli::{
        charts,
        commands::{Command, Completes, Takes, Verb},
        flags::{Flag, Kind, Parsed, chart as chart_flags},
        operation,
        report::Report,
        session::Session,
    },
    engine::{
        prepare::{check_labels, check_name, check_rendered},
        world::{World, capabilities},
    },
    render::{self, Capabilities, Explained, Failure, KubeVersion, ReleaseFacts, Rendered, Request, Sources},
    values::{self, Values},
};

/// The command.
pub const COMMAND: Command = Command {
    name: "template",
    arguments: "[NAME] [CHART]",
    short: "locally render templates",
    long: include_str!("../help/template.txt"),
    takes: Takes::AtLeast(1),
    completes: Completes::Nothing,
    flags: |env| {
        let mut flags = chart_flags::install(env);
        for flag in flags.iter_mut().filter(|flag| matches!(flag.name, "hide-notes" | "render-subchart-notes")) {
            flag.deprecated = Some("this flag has no effect for 'helm template' and will be removed in Helm 5");
            flag.hidden = true;
        }
        flags.extend(own_flags());
        flags
    },
    verb: Verb::Template,
    ..Command::EMPTY
};

fn own_flags() -> Vec<Flag> {
    vec![
        Flag::new("show-only", Kind::List, "only show manifests rendered from the given templates").short('s'),
        Flag::text("output-dir", "writes the executed templates to files in output-dir instead of stdout"),
        Flag::bool("validate", "deprecated").deprecated("use '--dry-run=server' instead"),
        Flag::bool("include-crds", "include CRDs in the templated output"),
        Flag::bool("skip-tests", "skip tests from templated output"),
        Flag::bool("is-upgrade", "set .Release.IsUpgrade instead of .Release.IsInstall"),
        Flag::text("kube-version", "Kubernetes version used for Capabilities.KubeVersion"),
        Flag::new(
            "api-versions",
            Kind::Strings,
            "Kubernetes api versions used for Capabilities.APIVersions (multiple can be specified)",
        )
        .short('a'),
        Flag::bool("release-name", "use release name in the output-dir path."),
        Flag::text(
            "dry-run",
            r#"simulates the operation either client-side or server-side. Must be either: "client", or "server". '--dry-run=client simulates the operation client-side only and avoids cluster connections. '--dry-run=server' simulates/validates the operation on the server, requiring cluster connectivity."#,
        )
        .default("client")
        .bare("unset"),
        Flag::text("seed", "make random values, passwords and certificates the same for the same seed; never for real use")
            .own(),
        Flag::text(
            "explain",
            "instead of the manifest, tell where a line of it comes from, given by its number or by a path such as spec.containers[0].image, with or without Kind/name: before it, and what set the values in it",
        )
        .own(),
    ]
}

/// Runs it.
pub async fn run(session: &Session) -> Result<(), Report> {
    let flags = &session.flags;
    flags.exclusive(&["force-replace", "force-conflicts"])?;
    flags.exclusive(&["force", "force-conflicts"])?;
    flags.exclusive(&["validate", "dry-run"])?;
    flags.exclusive(&["explain", "output-dir"])?;
    flags
        .exclusive(&["explain", "post-renderer"])
        .map_err(|words| Report::new(words).hint("nothing is known about where lines of a post-renderer come from"))?;
    let post_renderer = charts::post_renderer(session)?;
    let kube_version = kube_version(session)?;
    operation::check_dry_run_of_template(session)?;
    let server = asks_server(flags);
    let (name, chart) = install::name_and_chart(session, Some("release-name"), &world(session))?;
    let path = charts::locate(session, &chart)?;
    let values = GivenValues::read(session)?;
    let chart = charts::load(session, &path)?;
    let mut capabilities = if server { capabilities(session.cluster().await?).await? } else { Capabilities::default() };
    if !server {
        capabilities.kube_version = kube_version.unwrap_or(capabilities.kube_version);
        capabilities.api_versions.extend_from_slice(flags.list("api-versions"));
    }
    check_name(&name)?;
    let release = ReleaseFacts {
        name: name.clone(),
        namespace: session.offline_namespace(),
        revision: 1,
        is_install: !flags.bool("is-upgrade"),
        is_upgrade: flags.bool("is-upgrade"),
    };
    let request = Request {
        release,
        capabilities,
        skip_schema_validation: flags.bool("skip-schema-validation"),
        sub_chart_notes: false,
    };
    check_labels(&flags.pairs("labels"))?;
    let facts = request.release.clone();
    let result = if server {
        let cluster = session.cluster().await?.clone();
        let world = World { post_renderer, ..world(session) };
        let runtime = Handle::current();
        let task = move || {
            let world = World { cluster: Some((cluster, runtime)), ..world };
            values.render(chart, &request, &world)
        };
        tokio::task::spawn_blocking(task).await.map_err(|error| Report::new(error.to_string()))?
    } else {
        values.render(chart, &request, &World { post_renderer, ..world(session) })
    };
    if let Ok((rendered, _)) = &result
        && server
    {
        let manifest = rendered.manifest(flags.bool("include-crds"));
        check_rendered(session.cluster().await?, &facts, &manifest, flags.bool("take-ownership")).await?;
    }
    print(session, result, &name)
}

/// The values, with what `--explain` needs to tell where they came from.
struct GivenValues {
    values: Values,
    sources: Option<(values::Options, HashMap<String, Vec<u8>>)>,
}

impl GivenValues {
    fn read(session: &Session) -> Result<Self, Report> {
        if session.flags.text("explain").is_empty() {
            return Ok(Self { values: charts::values(session)?, sources: None });
        }
        let (values, files) = charts::values_and_files(session)?;
        Ok(Self { values, sources: Some((chart_flags::values_options(&session.flags), files)) })
    }

    /// Renders with them, and explains every line where that is asked for.
    fn render(
        self,
        mut chart: Chart,
        request: &Request,
        world: &World,
    ) -> Result<(Rendered, Option<Explained>), Failure> {
        let Some((options, files)) = self.sources else {
            return Ok((render::render(&mut chart, &self.values, request, world)?, None));
        };
        let mut read = |path: &str| Ok(files.get(path).cloned().unwrap_or_default());
        let sources = Sources { options: &options, read: &mut read };
        let (rendered, explained) = render::explain(&mut chart, &self.values, request, world, Some(sources))?;
        Ok((rendered, Some(explained)))
    }
}

/// `--kube-version`, where it is given.
pub(super) fn kube_version(session: &Session) -> Result<Option<KubeVersion>, Report> {
    let text = session.flags.text("kube-version");
    if text.is_empty() {
        return Ok(None);
    }
    let read = KubeVersion::parse(text);
    read.map(Some).map_err(|why| Report::new(format!("invalid kube version '{text}': {why}")))
}

/// Whether a cluster is asked what it serves and what is there.
pub fn asks_server(flags: &Parsed) -> bool {
    flags.bool("validate") || flags.text("dry-run") == "server"
}

fn world(session: &Session) -> World {
    World {
        seed: Some(session.flags.text("seed").to_owned()).filter(|seed| !seed.is_empty()),
        dns: session.flags.bool("enable-dns"),
        ..World::new(&session.env.zone)
    }
}

/// Prints what was rendered, or as much of it as `--debug` shows before the error.
fn print(session: &Session, result: Result<(Rendered, Option<Explained>), Failure>, name: &str) -> Result<(), Report> {
    match result {
        Ok((rendered, explained)) => {
            rendered.log.iter().for_each(|notice| session.console.note(&notice.to_string()));
            match explained {
                Some(explained) => explain::print(session, &rendered, &explained),
                None => output::write(session, &rendered, name),
            }
        }
        Err(Failure { error, partial }) => {
            let debug = session.flags.bool("debug");
            let mut report = Report::from(error);
            match partial {
                Some(rendered) if debug => output::write(session, &rendered, name)?,
                Some(_) => report.message.push_str("\n\nUse --debug flag to render out invalid YAML"),
                None => {}
            }
            Err(report)
        }
    }
}
