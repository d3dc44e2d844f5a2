//! Help as cobra prints it; Pilothouse's own flags in a section of their own.

use super::{
    commands::Path,
    flags::{Flag, Kind},
    settings::{self, Env},
};

/// What `--help` prints.
pub fn help(path: &Path, env: &Env) -> String {
    let command = path.command();
    let long = if command.long.is_empty() { command.short } else { command.long };
    format!("{}\n\n{}", long.trim_end(), usage(path, env))
}

/// The usage part of help.
pub fn usage(path: &Path, env: &Env) -> String {
    let command = path.command();
    let mut text = "Usage:".to_owned();
    if command.is_runnable() {
        text += &format!("\n  {}", path.use_line());
    }
    if !command.children.is_empty() {
        text += &format!("\n  {} [command]", path.name());
    }
    if !command.aliases.is_empty() {
        text += &format!("\n\nAliases:\n  {}, {}", command.name, command.aliases.join(", "));
    }
    text += &available_commands(path);
    let (own, local): (Vec<Flag>, Vec<Flag>) = path.local_flags(env).into_iter().partition(|flag| flag.own);
    let (own_global, global): (Vec<Flag>, Vec<Flag>) =
        settings::global_flags(env).into_iter().partition(|flag| flag.own);
    if path.is_root() {
        text += &section("Flags", local.into_iter().chain(global).collect());
    } else {
        text += &section("Flags", local);
        text += &section("Global Flags", global);
    }
    text += &section("Pilothouse Flags", own.into_iter().chain(own_global).collect());
    if !command.children.is_empty() {
        text += &format!("\n\nUse \"{} [command] --help\" for more information about a command.", path.name());
    }
    text + "\n"
}

fn available_commands(path: &Path) -> String {
    let children = path.command().children;
    if children.is_empty() {
        return String::new();
    }
    // Cobra measures every command, listed or not, and never less than 11.
    let width = children.iter().map(|command| command.name.len()).max().unwrap_or_default().max(11);
    let mut lines: Vec<String> = children
        .iter()
        .filter(|command| command.is_available())
        .map(|command| format!("\n  {:width$} {}", command.name, command.short))
        .collect();
    lines.sort();
    format!("\n\nAvailable Commands:{}", lines.concat())
}

fn section(title: &str, mut flags: Vec<Flag>) -> String {
    flags.retain(|flag| !flag.hidden);
    flags.sort_by_key(|flag| flag.name);
    let heads: Vec<String> = flags.iter().map(head).collect();
    let width = heads.iter().map(String::len).max().unwrap_or_default();
    let lines: Vec<String> = heads
        .iter()
        .zip(&flags)
        .map(|(head, flag)| format!("{head:width$}   {}{}", flag.help, default(flag)))
        .collect();
    if lines.is_empty() { String::new() } else { format!("\n\n{title}:\n{}", lines.join("\n")) }
}

/// `  -m, --max int`.
fn head(flag: &Flag) -> String {
    let mut head = match flag.short {
        Some(letter) => format!("  -{letter}, --{}", flag.name),
        None => format!("      --{}", flag.name),
    };
    let kind = match flag.kind {
        Kind::Bool => "",
        Kind::Int => " int",
        Kind::Uint => " uint",
        Kind::Float32 => " float32",
        Kind::Duration => " duration",
        Kind::Text => " string",
        Kind::List => " stringArray",
        Kind::Strings => " strings",
        Kind::Pairs => " stringToString",
        Kind::PostRenderer => " postRendererString",
        Kind::PostRendererArgs => " postRendererArgsSlice",
        Kind::Format => " format",
        Kind::Wait => " WaitStrategy",
    };
    head += kind;
    match (flag.kind, flag.bare) {
        (Kind::Text, Some(value)) => head += &format!("[={value:?}]"),
        (Kind::Bool, _) | (_, None) => {}
        (_, Some(value)) => head += &format!("[={value}]"),
    }
    head
}

/// ` (default 256)`, nothing for a type's zero.
fn default(flag: &Flag) -> String {
    match (flag.kind, flag.default.as_str()) {
        (Kind::Bool, "false")
        | (Kind::Int | Kind::Uint | Kind::Float32, "0")
        | (Kind::Duration, "0s")
        | (Kind::List | Kind::Strings, "[]")
        | (_, "") => String::new(),
        (Kind::Text, text) => format!(" (default {text:?})"),
        (_, text) => format!(" (default {text})"),
    }
}
