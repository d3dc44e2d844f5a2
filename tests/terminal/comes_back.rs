//! Whatever happens, the terminal is given back as it was, and costs nothing while nothing happens.

use std::{io::Write as _, process::Command, time::Duration};

use pilothouse::release::Status;

use crate::{
    PROGRAM,
    served::{Served, hook, release},
    terminal::Terminal,
};

/// What the shell's terminal is like, in one line: `isig icanon echo` when keys are lines again.
pub const STATE: &str = "$(stty -a | tr ' ' '\\n' | grep -E '^-?(icanon|echo|isig);?$' | xargs)";
/// How long nothing may come from a screen on which nothing happens.
const IDLE: Duration = Duration::from_millis(1500);

/// A shell that runs a script, so that something is there to tell afterwards whether the terminal was given back.
fn shell(script: &str) -> Terminal {
    Terminal::start("bash", &["-c", script], &[], (100, 30))
}

/// The sandbox's home from a shell that tells the program's process id before and its exit code after it.
fn home() -> Terminal {
    let terminal =
        shell(&format!("sh -c 'echo pid $$; exec {PROGRAM} --sandbox'; echo \"exit $? {STATE}\"; read line"));
    terminal.wait_for("my-app");
    terminal
}

/// Sends a signal to the program that `home` started.
fn signal(terminal: &Terminal, name: &str) {
    let sent = terminal.sent();
    let sent = String::from_utf8_lossy(&sent);
    let (_, rest) = sent.split_once("pid ").expect("the shell told it");
    let pid: String = rest.chars().take_while(char::is_ascii_digit).collect();
    let killed = Command::new("kill").args(["-s", name, &pid]).status();
    assert!(killed.is_ok_and(|status| status.success()), "kill {pid}");
}

/// The shell's screen is back: no alternate screen, cursor, no mouse, keys are lines again, signals and echo are on.
#[track_caller]
fn check_given_back(terminal: &Terminal, said: &str) {
    let screen = terminal.wait_for(&format!("{said} isig icanon echo"));
    assert!(!screen.contains("pilothouse  "), "not the shell's screen:\n{screen}");
    let sent = terminal.sent();
    for (on, off) in [("\x1b[?1049h", "\x1b[?1049l"), ("\x1b[?25l", "\x1b[?25h"), ("\x1b[?2004h", "\x1b[?2004l")] {
        let last = |wanted: &str| sent.windows(wanted.len()).rposition(|bytes| bytes == wanted.as_bytes());
        assert!(last(off) > last(on), "{on:?} is not undone");
    }
}

#[test]
fn quitting_gives_it_back() {
    let mut terminal = home();
    terminal.keys("q");
    check_given_back(&terminal, "exit 0");
}

#[test]
fn signals_give_it_back() {
    for name in ["TERM", "HUP", "INT"] {
        let terminal = home();
        signal(&terminal, name);
        check_given_back(&terminal, "exit 0");
    }
}

/// The shell has job control, as one that is typed into: it sees the program stop, and brings it back.
#[test]
fn suspending_gives_it_back_until_the_program_is_continued() {
    let mut terminal = shell(&format!(
        "set -m; {PROGRAM} --sandbox; echo \"stopped $? {STATE}\"; read line; fg; echo \"exit $? {STATE}\"; read line"
    ));
    terminal.wait_for("my-app");
    terminal.keys("<ctrl-z>");
    // 128 + SIGTSTP.
    check_given_back(&terminal, "stopped 148");
    terminal.keys("<enter>");
    terminal.wait_until("the program to draw again", |screen| screen.contains("my-app") && !screen.contains("stopped"));
    terminal.keys("?");
    terminal.wait_for("Help");
    terminal.keys("<esc>");
    terminal.wait_until("the help to go", |screen| !screen.contains("Help"));
    terminal.keys("q");
    check_given_back(&terminal, "exit 0");
}

#[test]
fn the_pager_has_the_terminal_until_it_ends() {
    let script = format!("{PROGRAM} --sandbox; echo \"exit $? {STATE}\"; read line");
    let mut pager = tempfile::NamedTempFile::new().expect("a file");
    writeln!(pager, "echo \"paging {STATE}\"\nread line").expect("it is written");
    let line = format!("bash {}", pager.path().display());
    let envs = [("PAGER", line.as_str())];
    let mut terminal = Terminal::start("bash", &["-c", &script], &envs, (100, 30));
    terminal.wait_for("my-app");
    terminal.keys("<enter>2");
    terminal.wait_for("apiVersion");
    terminal.keys("o");
    terminal.wait_for("paging isig icanon echo");
    terminal.keys("<enter>");
    terminal.wait_for("apiVersion");
    terminal.keys("q");
    check_given_back(&terminal, "exit 0");
}

#[test]
fn a_tiny_terminal_says_so_and_resizing_keeps_the_place() {
    let mut terminal = home();
    terminal.keys("j");
    for (columns, rows) in [(40, 10), (1, 1), (59, 15), (300, 3)] {
        terminal.resize(columns, rows);
    }
    terminal.resize(40, 10);
    terminal.wait_for("is too small: 60×15 at least");
    terminal.resize(120, 40);
    terminal.wait_for("my-app");
    terminal.keys("q");
    check_given_back(&terminal, "exit 0");
}

/// A key and a new size that the program finds together: neither is left lying until the next key.
#[test]
fn keys_typed_while_the_terminal_is_resized_arrive() {
    let mut terminal = home();
    for round in 0..40 {
        terminal.keys("?");
        terminal.resize(100, 30 + round % 2);
        terminal.wait_for("Help");
        terminal.keys("<esc>");
        terminal.resize(100, 32 + round % 2);
        // A screen that is being drawn anew shows nothing for a moment; its footer comes last.
        terminal.wait_until("the help to go", |screen| !screen.contains("Help") && screen.contains("? help"));
    }
    terminal.keys("q");
    check_given_back(&terminal, "exit 0");
}

/// Nothing is sent while nothing happens, in the middle of a live connection.
#[test]
fn an_idle_screen_draws_nothing() {
    let served = Served::with_release();
    let terminal = served.open("", (120, 40));
    terminal.wait_until("the release to be looked at", |screen| {
        screen.contains("live") && screen.contains("1/1") && screen.contains("k8s")
    });
    // A slow machine is still being told of the cluster when the release shows, and ages move on by the minute: it has to
    // come to rest, which a program that draws for no reason never does.
    let rests = || {
        let before = terminal.sent().len();
        terminal.within(IDLE, |_, sent| sent > before).is_err()
    };
    assert!((0..20).any(|_| rests()), "it draws on and on");
}

/// A rollback whose hook never ends: resized all the while, it stays the same screen; then a signal ends the program.
#[test]
fn a_signal_during_an_operation_cancels_it_properly() {
    let served = Served::empty();
    let mut first = release("web", 1, Status::Superseded);
    first.hooks = vec![hook("migrate:hang")];
    served.add(first);
    served.add(release("web", 2, Status::Deployed));
    let mut terminal = served.open("", (120, 40));
    terminal.wait_for("web");
    terminal.keys("<enter>");
    terminal.wait_for("revision 2 against");
    terminal.keys(":rollback 1<enter>");
    terminal.wait_for("confidence: live server dry-run");
    terminal.keys("l<enter>");
    terminal.wait_for("x cancel");
    for width in (40..110).rev().step_by(7) {
        terminal.resize(width, 10 + width / 4);
    }
    terminal.resize(120, 40);
    terminal.wait_until("a frame of the last size", |screen| {
        let header = screen.lines().next().unwrap_or_default().trim_end();
        header.ends_with("● live") && header.chars().count() == 119 && screen.contains("x cancels")
    });
    terminal.keys("q");
    terminal.wait_for("It is not finished");
    terminal.keys("<esc>");
    signal(&terminal, "TERM");
    assert_eq!(terminal.wait_exit(), 0);
    assert_eq!(served.statuses("web"), ["superseded", "deployed", "failed"]);
}
