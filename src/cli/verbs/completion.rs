//! `completion bash|zsh|fish|powershell`: scripts that ask `__complete` (see `cli/complete.rs`) for every word.

use crate::cli::{
    commands::{Command, Verb},
    flags::Flag,
    report::Report,
    session::Session,
};

/// The command.
pub const COMMAND: Command = Command {
    name: "completion",
    short: "generate autocompletion scripts for the specified shell",
    long: "\nGenerate autocompletion scripts for Helm for the specified shell.",
    children: &[
        Command {
            name: "bash",
            short: "generate autocompletion script for bash",
            long: include_str!("../help/completion-bash.txt"),
            ..SHELL
        },
        Command {
            name: "zsh",
            short: "generate autocompletion script for zsh",
            long: include_str!("../help/completion-zsh.txt"),
            ..SHELL
        },
        Command {
            name: "fish",
            short: "generate autocompletion script for fish",
            long: include_str!("../help/completion-fish.txt"),
            ..SHELL
        },
        Command {
            name: "powershell",
            short: "generate autocompletion script for powershell",
            long: include_str!("../help/completion-powershell.txt"),
            ..SHELL
        },
    ],
    ..Command::EMPTY
};

const SHELL: Command = Command {
    flags: |_| vec![Flag::bool("no-descriptions", "disable completion descriptions")],
    verb: Verb::Completion,
    ..Command::EMPTY
};

/// Prints the script of the shell that the command is named after.
pub fn run(session: &Session) -> Result<(), Report> {
    let script = match session.path.command().name {
        "bash" => include_str!("../../../assets/completion/pilothouse.bash"),
        "zsh" => include_str!("../../../assets/completion/pilothouse.zsh"),
        "fish" => include_str!("../../../assets/completion/pilothouse.fish"),
        _ => include_str!("../../../assets/completion/pilothouse.ps1"),
    };
    let request = if session.flags.bool("no-descriptions") { "__completeNoDesc" } else { "__complete" };
    session.console.print(&script.replace("@REQUEST@", request))
}
