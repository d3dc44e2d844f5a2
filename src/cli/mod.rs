//! Headless commands: Helm's flags, output and exit codes. One file a verb, under `verbs/`.
//!
//! ```text
//! arguments ─► commands::find ─► flags::parse ─► Request ─► verb ─► Console (stdout is Helm's)
//!                                                             └──► Report (stderr, exit code)
//! ```

pub mod charts;
pub mod commands;
pub mod complete;
pub mod console;
pub mod flags;

pub mod legacy;
pub mod live;
pub mod operation;
mod output;
pub mod plan;
pub mod report;
pub mod selector;
pub mod session;
pub mod settings;
pub mod table;
pub mod usage;
pub mod verbs;

use commands::{Path, Verb};
use console::Console;
use flags::Parsed;
use report::Report;
use session::Session;
use settings::Env;

use std::path::PathBuf;

use crate::{
    cluster::{Cluster, ConnectOptions},
    release::{self, Driver},
};

/// What shells call to complete a line, with and without descriptions.
const COMPLETIONS: [&str; 2] = ["__complete", "__completeNoDesc"];

/// What a command line asks for.
pub enum Request {
    /// The terminal program.
    Screen(Box<Screen>),
    /// A headless command.
    Command(Box<Command>),
}

/// How the terminal program was asked for.
#[derive(Debug, Clone)]
pub struct Screen {
    /// How to connect.
    pub connect: ConnectOptions,
    /// Where records live, or why that is not known.
    pub driver: Result<Driver, release::Error>,
    /// `--sandbox`.
    pub sandbox: bool,
    /// `--read-only`.
    pub read_only: bool,
    /// `--config`.
    pub config: Option<PathBuf>,
    /// `--color never`, or `NO_COLOR`.
    pub plain: bool,
}

/// A headless command, found but not yet begun.
pub struct Command {
    path: Path,
    args: Vec<String>,
    /// What its flags say, or what is wrong with them.
    flags: Result<Parsed, String>,
    /// Why the line names no command.
    error: Option<String>,
    env: Env,
}

impl Command {
    fn new(path: Path, args: Vec<String>, error: Option<String>, env: Env) -> Self {
        let flags = flags::parse(&path.all_flags(&env), &args);
        Self { path, args, flags, error, env }
    }

    /// Whether it asks no cluster.
    pub fn is_offline(&self) -> bool {
        let is_completion = self.args.first().is_some_and(|first| COMPLETIONS.contains(&first.as_str()));
        match self.path.command().verb {
            _ if is_completion => false,
            Verb::Template => !self.flags.as_ref().is_ok_and(verbs::template::asks_server),
            verb => verb.is_offline(),
        }
    }

    /// Whether `--debug` is on, so that the log can be set up before anything runs.
    pub fn wants_debug(&self) -> bool {
        self.flags.as_ref().is_ok_and(|flags| flags.bool("debug"))
    }
}

/// Reads a command line (without the program name): a command, or the terminal program when there is none.
pub fn request(args: &[String], env: Env) -> Request {
    if args.first().is_some_and(|first| COMPLETIONS.contains(&first.as_str())) {
        return Request::Command(Box::new(Command::new(Path::root(), args.to_vec(), None, env)));
    }
    let (path, args, error) = match commands::find(&env, args) {
        Ok((path, args)) => (path, args, None),
        Err(error) => (Path::root(), args.to_vec(), Some(error)),
    };
    let command = Command::new(path, args, error, env);
    match &command.flags {
        Ok(flags)
            if command.path.is_root() && command.error.is_none() && command.env.terminal && !flags.bool("help") =>
        {
            Request::Screen(Box::new(screen(flags, &command.env)))
        }
        _ => Request::Command(command.into()),
    }
}

/// The terminal program's options.
fn screen(flags: &Parsed, env: &Env) -> Screen {
    Screen {
        connect: settings::connect_options(env, flags),
        driver: settings::driver(env, flags),
        sandbox: flags.bool("sandbox"),
        read_only: flags.bool("read-only"),
        config: Some(PathBuf::from(flags.text("config"))).filter(|path| !path.as_os_str().is_empty()),
        plain: flags.text("color") == "never",
    }
}

/// Runs a command; returns the exit code. Standard output is Helm's. A cluster handed in is used instead of connecting.
pub async fn run(command: Command, console: Console, cluster: Option<Cluster>) -> u8 {
    let terminal = command.env.terminal;
    let result = execute(command, &console, cluster).await;
    match result {
        Ok(()) => 0,
        Err(report) => {
            report.lines(terminal).iter().for_each(|line| console.note(line));
            report.exit_code()
        }
    }
}

async fn execute(command: Command, console: &Console, cluster: Option<Cluster>) -> Result<(), Report> {
    let Command { path, args, flags, error, env } = command;
    if let Some((request @ ("__complete" | "__completeNoDesc"), line)) =
        args.split_first().map(|(first, line)| (first.as_str(), line))
    {
        return complete::run(request == "__complete", line, env, console, cluster).await;
    }
    if let Some(message) = error {
        return Err(unknown_command(message, &args, &path));
    }
    if path.command().verb == Verb::Later {
        return Err(later(&path, &args));
    }
    let flags = check_flags(flags, &path, &args)?;
    flags.notices.iter().for_each(|notice| console.note(notice));
    if flags.bool("help") || !path.command().is_runnable() {
        return console.print(&usage::help(&path, &env));
    }
    path.check_arguments(flags.args.len())?;
    let session = Session::new(path, flags, env, console.clone(), cluster);
    verbs::run(&session).await
}

fn check_flags(flags: Result<Parsed, String>, path: &Path, args: &[String]) -> Result<Parsed, Report> {
    let flags = flags.map_err(|message| {
        let report = Report::new(message);
        match legacy::first(path.command().name, args) {
            Some((_, today)) => report.hint(today),
            None => report,
        }
    })?;
    match flags.text("color") {
        "never" | "auto" | "always" => Ok(flags),
        other => {
            let why = format!("invalid color mode {other:?}: must be one of: never, auto, always");
            Err(Report::logged(format!("level=WARN msg=\"command failed\" error={why:?}")))
        }
    }
}

/// Cobra's words for a command that is none, with today's way where an older Helm knew it.
fn unknown_command(message: String, args: &[String], path: &Path) -> Report {
    // The suggestions end with a line break, and the line after them says where help is.
    let report = Report::new(format!("{message}\nRun '{} --help' for usage.", path.name()));
    let words = args.iter().filter(|word| !word.starts_with('-'));
    match words.filter_map(|word| legacy::today("", word)).next() {
        Some(today) => report.hint(today),
        None => report,
    }
}

/// One of Helm's commands that is not built yet. What even Helm refuses is refused in its words.
fn later(path: &Path, args: &[String]) -> Report {
    match legacy::first(path.command().name, args) {
        Some((flag, today)) => Report::new(format!("unknown flag: {flag}")).hint(today),
        None => {
            let name = path.command().name;
            Report::new(format!("pilothouse {name} is not built yet; use helm {name}: both work on the same releases"))
        }
    }
}
