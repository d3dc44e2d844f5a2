//! The program in a real pseudo-terminal, on the sandbox.

#[path = "support/terminal.rs"]
mod terminal;

use terminal::Terminal;

const PROGRAM: &str = env!("CARGO_BIN_EXE_pilothouse");

/// The program started from a shell that tells afterwards whether the terminal was given back.
fn in_shell(args: &str, size: (u16, u16)) -> Terminal {
    let script = format!(
        "{PROGRAM} {args}; echo \"exit $?\"; stty -a | tr ' ' '\\n' | grep -E '^-?(icanon|echo|isig);?$' | xargs; read line"
    );
    Terminal::start(
        "bash",
        &["-c", &script],
        &[("XDG_CONFIG_HOME", "/nonexistent"), ("XDG_STATE_HOME", "/nonexistent")],
        size,
    )
}

/// After its end the shell's screen is back: no alternate screen, canonical input, echo and signals on.
#[track_caller]
fn check_given_back(terminal: &Terminal, exit: &str) {
    let screen = terminal.wait_for("icanon");
    assert!(screen.contains(exit), "{screen}");
    assert!(screen.contains("isig icanon echo"), "{screen}");
    assert!(!screen.contains("pilothouse  "), "the alternate screen was left on:\n{screen}");
}

#[test]
fn quitting_gives_the_terminal_back() {
    let mut terminal = in_shell("--sandbox", (100, 30));
    terminal.wait_for("my-app");
    terminal.keys("q");
    check_given_back(&terminal, "exit 0");
}

#[test]
fn a_termination_signal_gives_the_terminal_back() {
    for signal in ["TERM", "HUP"] {
        let terminal = in_shell("--sandbox", (100, 30));
        terminal.wait_for("my-app");
        terminal.signal(signal, "pilothouse");
        check_given_back(&terminal, "exit");
    }
}

#[test]
fn a_tiny_terminal_says_so_and_resizing_keeps_the_place() {
    let mut terminal = in_shell("--sandbox", (100, 30));
    terminal.wait_for("my-app");
    terminal.resize(40, 10);
    terminal.wait_for("60");
    terminal.resize(120, 40);
    terminal.wait_for("my-app");
    terminal.keys("q");
    check_given_back(&terminal, "exit 0");
}
