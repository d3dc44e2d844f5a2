//! `__complete`: what could stand where the cursor is, in cobra's protocol: a choice a line, its description after a
//! tab, and `:N` at the end, where N tells the shell what to do.

use super::{
    commands::{self, Completes, Path},
    console::Console,
    flags::{self, Flag, Kind, Parsed},
    report::Report,
    session::Session,
    settings::{self, Env},
};
use crate::cluster::{self, Cluster};

/// Offer files as well.
const DEFAULT: u8 = 0;
/// Something went wrong; offer nothing.
const ERROR: u8 = 1;
/// Put no space after what was chosen.
const NO_SPACE: u8 = 2;
/// Offer no files.
const NO_FILES: u8 = 4;
/// Both.
const NO_SPACE_NO_FILES: u8 = NO_SPACE | NO_FILES;

type Answer = (Vec<String>, u8);

/// Answers one request.
pub async fn run(
    descriptions: bool,
    line: &[String],
    env: Env,
    console: &Console,
    cluster: Option<Cluster>,
) -> Result<(), Report> {
    let Some((word, before)) = line.split_last() else {
        return Err(Report::new("\"pilothouse __complete\" requires at least 1 argument"));
    };
    let (choices, directive) = answer(word, before, env, console, cluster).await;
    let mut text = String::new();
    for choice in choices {
        let choice = choice.lines().next().unwrap_or_default();
        let shown = if descriptions { choice } else { choice.split('\t').next().unwrap_or_default() };
        text += &format!("{}\n", shown.trim());
    }
    let name = match directive {
        DEFAULT => "ShellCompDirectiveDefault",
        ERROR => "ShellCompDirectiveError",
        NO_SPACE => "ShellCompDirectiveNoSpace",
        NO_SPACE_NO_FILES => "ShellCompDirectiveNoSpace, ShellCompDirectiveNoFileComp",
        _ => "ShellCompDirectiveNoFileComp",
    };
    console.print(&format!("{text}:{directive}\n"))?;
    console.note(&format!("Completion ended with directive: {name}"));
    Ok(())
}

async fn answer(word: &str, before: &[String], env: Env, console: &Console, cluster: Option<Cluster>) -> Answer {
    let Ok((path, mut args)) = commands::find(&env, before) else {
        return (Vec::new(), DEFAULT);
    };
    let all = path.all_flags(&env);
    let (flag, word) = flag_at(&all, &mut args, word);
    let Ok(parsed) = flags::parse(&all, &args) else {
        return (Vec::new(), DEFAULT);
    };
    if parsed.bool("help") {
        return (Vec::new(), NO_FILES);
    }
    if flag.is_none() && word.starts_with('-') && !word.contains('=') {
        return (flag_names(&path, &env, &parsed, word), NO_FILES);
    }
    let flag = flag.cloned();
    let session = Session::new(path, parsed, env, console.clone(), cluster);
    match flag {
        Some(flag) => flag_values(&session, &flag).await,
        None => arguments(&session, word).await,
    }
}

/// The flag whose value is being typed, and what of it is there. Its name is taken off `args`.
fn flag_at<'f, 'w>(all: &'f [Flag], args: &mut Vec<String>, word: &'w str) -> (Option<&'f Flag>, &'w str) {
    let named = |text: &str| match text.strip_prefix("--") {
        Some(name) => all.iter().find(|flag| flag.name == name),
        None => all.iter().find(|flag| flag.short.is_some_and(|letter| text.ends_with(letter))),
    };
    if let Some((name, value)) = word.split_once('=').filter(|(name, _)| name.starts_with('-')) {
        return (named(name), value);
    }
    let flag = args.last().filter(|last| last.starts_with('-') && !last.contains('=')).and_then(|last| named(last));
    let flag = flag.filter(|flag| flag.bare.is_none());
    if flag.is_some() {
        args.pop();
    }
    (flag, word)
}

/// Flags that may still come: inherited ones first, as cobra lists them.
fn flag_names(path: &Path, env: &Env, parsed: &Parsed, word: &str) -> Vec<String> {
    let mut global = settings::global_flags(env);
    global.sort_by_key(|flag| flag.name);
    let flags = global.into_iter().chain(path.local_flags(env));
    flags
        .filter(|flag| !flag.hidden && (!parsed.is_set(flag.name) || flag.kind == Kind::List))
        .flat_map(|flag| {
            let short = flag.short.map(|letter| format!("-{letter}"));
            let names = std::iter::once(format!("--{}", flag.name)).chain(short);
            names.map(move |name| (name, flag.help.clone())).collect::<Vec<_>>()
        })
        .filter(|(name, _)| name.starts_with(word))
        .map(|(name, help)| format!("{name}\t{help}"))
        .collect()
}

async fn flag_values(session: &Session, flag: &Flag) -> Answer {
    match flag.name {
        "namespace" => match namespaces(session).await {
            Ok(names) => (names, NO_FILES),
            Err(_) => (Vec::new(), DEFAULT),
        },
        "kube-context" => (contexts(session), NO_FILES),
        "revision" if session.flags.args.len() == 1 => revisions(session).await,
        "revision" => (Vec::new(), NO_FILES),
        "version" if session.path.command().completes == Completes::Chart => (Vec::new(), NO_FILES),
        _ if !flag.choices.is_empty() => (flag.choices.iter().map(|choice| (*choice).to_owned()).collect(), NO_FILES),
        _ => (Vec::new(), DEFAULT),
    }
}

async fn namespaces(session: &Session) -> Result<Vec<String>, Report> {
    let namespaces = session.cluster().await?.namespaces().await?;
    Ok(namespaces.into_iter().map(|namespace| namespace.name).collect())
}

fn contexts(session: &Session) -> Vec<String> {
    let options = settings::connect_options(&session.env, &session.flags);
    let contexts = cluster::contexts(&options).unwrap_or_default();
    contexts.into_iter().map(|context| format!("{}\t{}", context.name, context.cluster)).collect()
}

async fn arguments(session: &Session, word: &str) -> Answer {
    let given = session.flags.args.len();
    let command = session.path.command();
    if given == 0 && !command.children.is_empty() {
        return (command_names(&session.path, word), NO_FILES);
    }
    match (command.completes, given) {
        (Completes::Release | Completes::ReleaseAndRevisions(_), 0) => releases(session).await,
        (Completes::Releases(most), _) if given < most => releases(session).await,
        (Completes::ReleaseAndRevisions(most), 1..) if given <= most => revisions(session).await,
        (Completes::EnvNames, 0) => {
            let names = settings::env_vars(&session.env, &session.flags, "");
            (names.into_keys().map(str::to_owned).collect(), NO_FILES)
        }
        (Completes::Files(most), _) if given < most => (Vec::new(), DEFAULT),
        (Completes::Chart, 0) => charts(word),
        (Completes::Commands, _) => match commands::find(&session.env, &session.flags.args) {
            Ok((path, _)) => (command_names(&path, word), NO_FILES),
            Err(_) => (Vec::new(), NO_FILES),
        },
        _ => {
            let message = "_activeHelp_ This command does not take any more arguments (but may accept flags).";
            (vec![message.to_owned()], NO_FILES)
        }
    }
}

fn command_names(path: &Path, word: &str) -> Vec<String> {
    let children = path.command().children.iter();
    let mut names: Vec<String> = children
        .filter(|command| command.is_available() && command.name.starts_with(word))
        .map(|command| format!("{}\t{}", command.name, command.short))
        .collect();
    names.sort();
    names
}

/// Beginnings of what names a chart, and files that begin as the word does (helm/helm `pkg/cmd/search_repo.go`).
fn charts(word: &str) -> Answer {
    const PREFIXES: [&str; 4] = [
        "oci://\tChart OCI prefix",
        "https://\tChart URL prefix",
        "http://\tChart URL prefix",
        "file://\tChart local URL prefix",
    ];
    let begun: Vec<String> = PREFIXES.iter().filter(|url| url.starts_with(word)).map(|url| (*url).to_owned()).collect();
    let mut choices = begun.clone();
    if word.is_empty() {
        choices.extend(
            ["./\tRelative path prefix to local chart", "/\tAbsolute path prefix to local chart"].map(str::to_owned),
        );
    } else if !begun.is_empty() {
        let entries = std::fs::read_dir(".").into_iter().flatten().flatten();
        let mut files: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        files.retain(|name| name.starts_with(word));
        files.sort();
        choices.extend(files);
    }
    (choices, if begun.is_empty() { DEFAULT } else { NO_SPACE })
}

async fn releases(session: &Session) -> Answer {
    let found = async {
        let storage = session.storage().await?;
        let mut metas = storage.list("status!=superseded").await?;
        metas.sort_by(|one, other| (&one.name, other.revision).cmp(&(&other.name, one.revision)));
        metas.dedup_by(|next, kept| next.name == kept.name);
        Ok::<_, Report>(storage.summaries(&metas).await)
    };
    match found.await {
        Ok(summaries) => {
            let lines = summaries.into_iter().flatten().map(|release| {
                let (name, chart, version) = (release.name, release.chart_name, release.chart_version);
                format!("{name}\t{chart}-{version} -> {}", release.status.as_str())
            });
            (lines.collect(), NO_FILES)
        }
        Err(_) => (Vec::new(), DEFAULT),
    }
}

async fn revisions(session: &Session) -> Answer {
    let found = async {
        let storage = session.storage().await?;
        let metas = storage.history(session.arg(0)).await?;
        Ok::<_, Report>(storage.summaries(&metas).await)
    };
    match found.await {
        Ok(summaries) => {
            let lines = summaries.into_iter().flatten().map(|revision| {
                let (chart, version) = (revision.chart_name, revision.chart_version);
                format!("{}\tApp: {}, Chart: {chart}-{version}", revision.revision, revision.app_version)
            });
            (lines.collect(), NO_FILES)
        }
        Err(_) => (Vec::new(), ERROR),
    }
}
