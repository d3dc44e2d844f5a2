//! The command tree, and how a command is found in it (spf13/cobra's `Find` and suggestions).

use super::{
    flags::{Flag, Kind},
    settings::{self, Env},
    verbs,
};

/// How many arguments a command takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// None.
    None,
    /// Exactly this many.
    Exactly(usize),
    /// This many or more.
    AtLeast(usize),
    /// This many or fewer.
    AtMost(usize),
    /// Between the two.
    Between(usize, usize),
    /// Anything.
    Any,
}

/// What carries a command out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is named after its command")]
pub enum Verb {
    /// Only groups others: prints help.
    Group,
    /// Helm's, not built yet.
    Later,
    Help,
    List,
    History,
    Status,
    GetAll,
    GetHooks,
    GetManifest,
    GetMetadata,
    GetNotes,
    GetValues,
    Rollback,
    Apply,
    Install,
    Upgrade,
    Uninstall,
    Test,
    Lint,
    Template,
    DiffUpgrade,
    DiffInstall,
    DiffUninstall,
    DiffRollback,
    DiffRelease,
    DiffRevision,
    DiffLive,
    Doctor,
    Env,
    Version,
    Completion,
    Sandbox,
    Create,
    Package,
    DependencyList,
    DependencyBuild,
    DependencyUpdate,
    ShowAll,
    ShowChart,
    ShowCrds,
    ShowReadme,
    ShowValues,
}

impl Verb {
    /// Whether it never talks to a cluster, whatever its flags say. One that is forgotten here only starts slower.
    pub fn is_offline(self) -> bool {
        matches!(
            self,
            Self::Group
                | Self::Later
                | Self::Help
                | Self::Lint
                | Self::Env
                | Self::Version
                | Self::Completion
                | Self::Create
                | Self::Package
                | Self::DependencyList
                | Self::DependencyBuild
                | Self::DependencyUpdate
                | Self::ShowAll
                | Self::ShowChart
                | Self::ShowCrds
                | Self::ShowReadme
                | Self::ShowValues
        )
    }
}

/// What completion offers for arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Completes {
    /// Nothing, and it says so.
    Nothing,
    /// A release name first.
    Release,
    /// This many release names.
    Releases(usize),
    /// A release name, then this many revisions.
    ReleaseAndRevisions(usize),
    /// Names of environment variables.
    EnvNames,
    /// Names of commands.
    Commands,
    /// Files, for this many arguments.
    Files(usize),
    /// A chart.
    Chart,
}

/// One command.
#[derive(Debug)]
pub struct Command {
    /// Name.
    pub name: &'static str,
    /// Other names.
    pub aliases: &'static [&'static str],
    /// Arguments as the usage line shows them.
    pub arguments: &'static str,
    /// One line.
    pub short: &'static str,
    /// Help text.
    pub long: &'static str,
    /// How many arguments it takes.
    pub takes: Takes,
    /// What completion offers for arguments.
    pub completes: Completes,
    /// Its own flags, in any order.
    pub flags: fn(&Env) -> Vec<Flag>,
    /// Commands under it.
    pub children: &'static [Command],
    /// What carries it out.
    pub verb: Verb,
}

impl Command {
    /// A command without anything to fill in from, for struct update syntax.
    pub const EMPTY: Self = Self {
        name: "",
        aliases: &[],
        arguments: "",
        short: "",
        long: "",
        takes: Takes::None,
        completes: Completes::Nothing,
        flags: |_| Vec::new(),
        children: &[],
        verb: Verb::Group,
    };

    /// A command of Helm's that is not built yet.
    const fn later(name: &'static str, aliases: &'static [&'static str]) -> Self {
        Self { name, aliases, takes: Takes::Any, verb: Verb::Later, ..Self::EMPTY }
    }

    /// Whether help and completion list it.
    pub fn is_available(&self) -> bool {
        self.verb != Verb::Later
    }

    /// Whether it does something itself.
    pub fn is_runnable(&self) -> bool {
        self.verb != Verb::Group
    }
}

/// The program. Children are in Helm's order, which suggestions keep.
pub static ROOT: Command = Command {
    name: "pilothouse",
    short: "Helm releases in a terminal",
    long: include_str!("help/root.txt"),
    takes: Takes::Any,
    children: &[
        verbs::create::COMMAND,
        verbs::dependency::COMMAND,
        Command::later("pull", &["fetch"]),
        verbs::show::COMMAND,
        verbs::lint::COMMAND,
        verbs::package::COMMAND,
        Command::later("repo", &[]),
        Command::later("search", &[]),
        Command::later("verify", &[]),
        verbs::get::COMMAND,
        verbs::history::COMMAND,
        verbs::install::COMMAND,
        verbs::list::COMMAND,
        verbs::test::COMMAND,
        verbs::rollback::COMMAND,
        verbs::status::COMMAND,
        verbs::template::COMMAND,
        verbs::uninstall::COMMAND,
        verbs::upgrade::COMMAND,
        verbs::completion::COMMAND,
        verbs::env::COMMAND,
        Command::later("plugin", &[]),
        verbs::version::COMMAND,
        Command::later("registry", &[]),
        Command::later("push", &[]),
        verbs::diff::COMMAND,
        verbs::doctor::COMMAND,
        verbs::apply::COMMAND,
        verbs::sandbox::COMMAND,
        Command {
            name: "help",
            arguments: "[command]",
            short: "Help about any command",
            long: "Help provides help for any command in the application.\nSimply type pilothouse help [path to command] for full details.",
            takes: Takes::Any,
            completes: Completes::Commands,
            verb: Verb::Help,
            ..Command::EMPTY
        },
    ],
    ..Command::EMPTY
};

/// A command and the ones above it, from the root down.
#[derive(Debug, Clone)]
pub struct Path(Vec<&'static Command>);

impl Path {
    /// The root.
    pub fn root() -> Self {
        Self(vec![&ROOT])
    }

    /// The command itself.
    pub fn command(&self) -> &'static Command {
        self.0.last().copied().unwrap_or(&ROOT)
    }

    /// Whether it is the program itself.
    pub fn is_root(&self) -> bool {
        self.0.len() == 1
    }

    /// `pilothouse get values`.
    pub fn name(&self) -> String {
        self.0.iter().map(|command| command.name).collect::<Vec<_>>().join(" ")
    }

    /// `pilothouse get values RELEASE_NAME [flags]`.
    pub fn use_line(&self) -> String {
        let words = [self.name(), self.command().arguments.to_owned(), "[flags]".to_owned()];
        words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
    }

    /// The command's own flags, `--help` included, sorted by name.
    pub fn local_flags(&self, env: &Env) -> Vec<Flag> {
        let mut flags = (self.command().flags)(env);
        flags.push(Flag::bool("help", format!("help for {}", self.command().name)).short('h'));
        flags.sort_by_key(|flag| flag.name);
        flags
    }

    /// Every flag the command accepts.
    pub fn all_flags(&self, env: &Env) -> Vec<Flag> {
        let mut flags = self.local_flags(env);
        flags.extend(settings::global_flags(env));
        flags.extend(klog_flags());
        flags
    }

    /// Cobra's refusal when the number of arguments is wrong.
    pub fn check_arguments(&self, count: usize) -> Result<(), String> {
        let plural = |number: usize| if number == 1 { "argument" } else { "arguments" };
        let wrong = match self.command().takes {
            Takes::None if count > 0 => "accepts no arguments".to_owned(),
            Takes::Exactly(wanted) if count != wanted => {
                format!("requires {wanted} {}", plural(wanted))
            }
            Takes::AtLeast(wanted) if count < wanted => {
                format!("requires at least {wanted} {}", plural(wanted))
            }
            Takes::AtMost(wanted) if count > wanted => {
                format!("accepts at most {wanted} {}", plural(wanted))
            }
            Takes::Between(least, most) if count < least || count > most => {
                format!("requires {least} to {most} arguments")
            }
            _ => return Ok(()),
        };
        Err(format!("{:?} {wrong}\n\nUsage:  {}", self.name(), self.use_line()))
    }
}

/// Flags of Kubernetes' logging library, which Helm accepts without listing them.
fn klog_flags() -> Vec<Flag> {
    let bools = [
        "add-dir-header",
        "alsologtostderr",
        "legacy-stderr-threshold-behavior",
        "logtostderr",
        "one-output",
        "skip-headers",
        "skip-log-headers",
    ];
    let texts = ["log-backtrace-at", "log-dir", "log-file", "stderrthreshold", "vmodule"];
    let hidden = |name, kind| Flag::new(name, kind, "").hidden();
    bools
        .into_iter()
        .map(|name| hidden(name, Kind::Bool))
        .chain(texts.into_iter().map(|name| hidden(name, Kind::Text)))
        .chain([hidden("log-file-max-size", Kind::Int), hidden("v", Kind::Int).short('v')])
        .collect()
}

/// The command a line names, and the line without the names, as cobra finds it: flags may stand before the command.
/// The error is cobra's sentence for a word that names no command.
pub fn find(env: &Env, args: &[String]) -> Result<(Path, Vec<String>), String> {
    let mut path = Path::root();
    let mut args = args.to_vec();
    loop {
        if !path.is_root() && path.command().children.is_empty() {
            return Ok((path, args));
        }
        let flags = FlagWords::new(&path, env);
        let words = flags.positions(&args);
        let Some(word) = words.first().map(|at| args[*at].clone()) else {
            return Ok((path, args));
        };
        let named = |command: &&Command| command.name == word || command.aliases.contains(&word.as_str());
        if let Some(child) = path.command().children.iter().find(named) {
            // Cobra removes the first equal word that is no flag's value, which is this one.
            args.remove(words[0]);
            path.0.push(child);
        } else if path.is_root() {
            return Err(format!("unknown command {word:?} for {:?}{}", path.name(), suggestions(&word)));
        } else {
            return Ok((path, args));
        }
    }
}

/// Tells arguments from flags and their values before flags are parsed.
struct FlagWords {
    flags: Vec<Flag>,
}

impl FlagWords {
    fn new(path: &Path, env: &Env) -> Self {
        let mut flags = path.all_flags(env);
        // Cobra has not added `--help` yet when it looks for the command.
        flags.retain(|flag| flag.name != "help");
        Self { flags }
    }

    /// Where in `args` the words are that are neither flags nor flags' values.
    fn positions(&self, args: &[String]) -> Vec<usize> {
        let mut words = Vec::new();
        let mut at = 0;
        while at < args.len() {
            let argument = args[at].as_str();
            if argument == "--" {
                break;
            }
            if self.takes_next(argument) {
                if args.len() - at <= 2 {
                    break;
                }
                at += 1;
            } else if !argument.is_empty() && !argument.starts_with('-') {
                words.push(at);
            }
            at += 1;
        }
        words
    }

    fn takes_next(&self, argument: &str) -> bool {
        if argument.contains('=') {
            return false;
        }
        let bare = |flag: Option<&Flag>| flag.is_some_and(|flag| flag.bare.is_some());
        match (argument.strip_prefix("--"), argument.strip_prefix('-')) {
            (Some(name), _) => !bare(self.flags.iter().find(|flag| flag.name == name)),
            (None, Some(letter)) if letter.len() == 1 => {
                !bare(self.flags.iter().find(|flag| flag.short.is_some_and(|short| letter.starts_with(short))))
            }
            _ => false,
        }
    }
}

/// Cobra's "Did you mean this?", over all of Helm's commands.
fn suggestions(word: &str) -> String {
    let word = word.to_lowercase();
    let close = |name: &str| distance(&word, name) <= 2 || name.starts_with(&word);
    let names: Vec<String> = ROOT
        .children
        .iter()
        .filter(|command| close(command.name))
        .map(|command| format!("\t{}\n", command.name))
        .collect();
    if names.is_empty() { String::new() } else { format!("\n\nDid you mean this?\n{}", names.concat()) }
}

/// Levenshtein's distance, as cobra counts it: a step costs one more than the cheapest neighbour, unless the bytes agree.
fn distance(left: &str, right: &str) -> usize {
    let (left, right) = (left.as_bytes(), right.as_bytes());
    let mut previous: Vec<usize> = (0..=left.len()).collect();
    for (row, byte) in right.iter().enumerate() {
        let mut current = vec![row + 1];
        for (column, other) in left.iter().enumerate() {
            let diagonal = previous[column];
            let cheapest = diagonal.min(previous[column + 1]).min(current[column]);
            current.push(if byte == other { diagonal } else { cheapest + 1 });
        }
        previous = current;
    }
    previous[left.len()]
}
