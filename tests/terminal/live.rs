//! What a headless operation draws while it runs: at the end of a terminal, on standard error, and nowhere else.

use crate::{PROGRAM, comes_back::STATE, served::Served};

/// Sub-charts one after the other: enough to wait for.
fn stack() -> String {
    format!("{}/tests/charts/stack", env!("CARGO_MANIFEST_DIR"))
}

/// Standard output of an install, without the time.
fn timeless(text: &str) -> Vec<String> {
    text.lines().filter(|line| !line.starts_with("LAST DEPLOYED")).map(str::to_owned).collect()
}

#[test]
fn an_install_is_drawn_until_it_is_done() {
    let served = Served::empty();
    let (out, stack) = (served.path("out"), stack());
    let install = format!("install web {stack} --wait=ordered");
    for size in [(80, 24), (200, 60)] {
        let script = format!("echo before; {PROGRAM} {install} >{out}; echo \"exit $? {STATE}\"; read line");
        let mut terminal = served.shell(&script, &[], size);
        terminal.wait_for("◐ install web · ");
        let screen = terminal.wait_for("exit 0 isig icanon echo");
        let lines: Vec<&str> = screen.lines().map(str::trim_end).collect();
        assert_eq!(lines[0], "before");
        assert!(lines[1].starts_with("✓ install web · revision 1 deployed · 7 created · 0:"), "{screen}");
        let shown = ["Service/web-postgresql", "StatefulSet/web-postgresql  created · 1/1 ready", "ConfigMap/web"];
        for shown in shown {
            assert!(screen.contains(&format!("  ✓ {shown}")), "no {shown:?} in\n{screen}");
        }
        // Heading and objects, and nothing drawn twice.
        assert_eq!(lines.iter().position(|line| line.starts_with("exit 0")), Some(9), "{screen}");
        terminal.keys("<enter>");

        let uninstall = format!("{PROGRAM} uninstall web --wait; echo \"exit $?\"; read line");
        let screen = served.shell(&uninstall, &[], size).wait_for("exit 0");
        let lines: Vec<&str> = screen.lines().map(str::trim_end).collect();
        assert!(lines[0].starts_with("✓ uninstall web · 7 deleted · 0:"), "{screen}");
        assert!(screen.contains("  ✓ StatefulSet/web-postgresql  deleted · gone"), "{screen}");
        assert_eq!(lines[8], "release \"web\" uninstalled", "{screen}");
    }
    let drawn = std::fs::read_to_string(&out).expect("standard output");
    let plain = served.run(&install.split(' ').collect::<Vec<_>>());
    assert_eq!(timeless(&drawn), timeless(&String::from_utf8_lossy(&plain.stdout)));
    assert_eq!(String::from_utf8_lossy(&plain.stderr), "", "no terminal, no list");
}

/// What blocks is told while it blocks; ctrl-c in the middle cancels, and the terminal is as it was.
#[test]
fn what_blocks_is_told_and_ctrl_c_leaves_a_tidy_terminal() {
    let served = Served::empty();
    let script = format!(
        "{PROGRAM} install web {} --wait=ordered --set python-api.image=registry.example/api:not-found; echo \"exit $? {STATE}\"; read line",
        stack()
    );
    let mut terminal = served.shell(&script, &[], (80, 24));
    let blocked = |screen: &str| {
        let mut rows = screen.lines().skip_while(|line| !line.contains("◐ Deployment/web-python-api   0/2 ready"));
        rows.nth(1).is_some_and(|reason| reason.contains("    → web-python-api-") && reason.contains("ImagePull"))
    };
    terminal.wait_until("what blocks", blocked);
    terminal.keys("<ctrl-c>");
    let screen = terminal.wait_for("exit 1 isig icanon echo");
    for said in [
        "Release web has been cancelled.",
        "cancelling: the final status",
        "Error: INSTALLATION FAILED: cancelled: python-api did",
    ] {
        assert_eq!(screen.matches(said).count(), 1, "{said:?} in\n{screen}");
    }
    assert_eq!(screen.matches("install web · ").count(), 1, "one list:\n{screen}");
    assert!(screen.contains("✗ install web · revision 1 failed · "), "{screen}");
    let sent = String::from_utf8_lossy(&terminal.sent()).into_owned();
    assert!(!sent.contains("\x1b[?"), "no mode of the terminal is touched");
    assert_eq!(served.statuses("web"), ["failed"]);
}

#[test]
fn a_terminal_that_only_prints_or_wants_no_colours_gets_what_it_can() {
    let served = Served::empty();
    let run = |name: &str, redirect: &str, env: (&str, &str)| {
        let script = format!("{PROGRAM} install {name} {} --wait {redirect}; echo \"exit $?\"; read line", stack());
        let terminal = served.shell(&script, &[env], (80, 24));
        let screen = terminal.wait_for("exit 0");
        (screen, String::from_utf8_lossy(&terminal.sent()).into_owned())
    };
    let (screen, sent) = run("plain", "", ("NO_COLOR", "1"));
    assert!(screen.contains("✓ install plain") && !sent.contains("\x1b[3"), "{sent:?}");
    for (name, redirect, env) in [("dumb", "", ("TERM", "dumb")), ("quiet", "2>/dev/null", ("A", "b"))] {
        let (screen, sent) = run(name, redirect, env);
        assert!(screen.starts_with(&format!("NAME: {name}")) && !sent.contains("\x1b[K"), "{sent:?}");
    }
}

/// However small it is, and whatever becomes of its size meanwhile, what was there before stays.
#[test]
fn a_small_terminal_keeps_what_was_there() {
    let served = Served::empty();
    let script = format!(
        "echo before; {PROGRAM} install web {} --wait=ordered >/dev/null; printf 'exit %s' $?; read line",
        stack()
    );
    let terminal = served.shell(&script, &[], (30, 8));
    terminal.wait_for("◐ install web · ");
    let screen = terminal.wait_for("exit 0");
    assert!(screen.starts_with("before\n✓ install web · revision 1 d…\n"), "{screen}");
    assert!(screen.contains("\n  … and 3 more\nexit 0"), "{screen}");
}
