//! Bad input and trouble as the user meets them: told in words, one row marked, the terminal untouched.

use std::{
    net::{SocketAddr, TcpListener},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use k8s_openapi::api::core::v1::{Namespace, Secret};
use kube::api::{Api, PostParams};
use pilothouse::{
    release::{Release, Status},
    sandbox::Fault,
};
use serde_json::json;

use crate::served::{Served, hook, manifest, release};

const SIZE: (u16, u16) = (120, 40);

/// What would steer a terminal: a title, a bell, a colour, the clipboard, a link, C1, and text that runs backwards.
const EVIL: &str = "evil\x1b]0;pwned\x07\x1b[31m\x1b]52;c;cHduZWQ=\x07\x1b]8;;http://pwned\x1b\\\u{9b}31m\u{202e}end";

fn status(code: u16, message: &str) -> Fault {
    Fault::Status { code, message: message.to_owned(), retry_after: None }
}

/// None of what [`EVIL`] is made of was sent. The program's own colours never are `ESC [ 31 m`, and it sets no title.
#[track_caller]
fn check_harmless(sent: &[u8]) {
    for evil in ["\x1b]0;", "\x07", "\x1b[31m", "\x1b]52", "\x1b]8", "\u{9b}", "\u{202e}"] {
        let found = sent.windows(evil.len()).any(|bytes| bytes == evil.as_bytes());
        assert!(!found, "{evil:?} reached the terminal");
    }
}

#[test]
fn an_unreachable_server_is_told_with_what_to_do_next() {
    let served = Served::empty();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address: SocketAddr = listener.local_addr().expect("an address");
    drop(listener);
    served.write_kubeconfig(address);
    let mut terminal = served.open("", SIZE);
    let screen = terminal.wait_for("connection refused");
    assert!(screen.contains(&address.to_string()), "{screen}");
    assert!(screen.contains("ctrl-r tries again"), "{screen}");
    terminal.keys("xq");
    assert_eq!(terminal.wait_exit(), 0);

    let listed = served.run(&["list"]);
    let told = String::from_utf8_lossy(&listed.stderr).into_owned();
    assert_eq!(listed.status.code(), Some(1));
    assert!(told.starts_with("Error: ") && told.contains("connection refused"), "{told}");
}

#[test]
fn waiting_on_a_server_that_never_answers_is_told_and_can_be_ended() {
    let served = Served::with_release();
    served.sandbox.set_fault(|_| Some(Fault::Hang));
    let mut terminal = served.open("", SIZE);
    terminal.wait_for("waiting for the cluster's answer");
    terminal.keys("<esc>");
    let screen = terminal.wait_for("stopped waiting");
    assert!(screen.contains("not connected"), "{screen}");
    served.sandbox.clear_fault();
    terminal.keys("<ctrl-r>");
    terminal.wait_until("the release to be listed", |screen| screen.contains("live") && screen.contains("web"));
    terminal.keys("q");
    assert_eq!(terminal.wait_exit(), 0);
}

#[test]
fn an_expired_token_is_told_and_logging_in_again_helps() {
    let served = Served::with_release();
    served.sandbox.set_fault(|_| Some(status(401, "Unauthorized")));
    let mut terminal = served.open("", SIZE);
    terminal.wait_for("log in to the cluster again");
    served.sandbox.clear_fault();
    terminal.keys("x<ctrl-r>");
    // All that was asked is answered: what is on its way while tokens expire would be told in an error of its own.
    terminal.wait_until("the release to be looked at", |screen| {
        screen.contains("● live") && screen.contains("1/1") && screen.contains("k8s")
    });
    // It expires in the middle of a session as well; what is on the screen stays.
    served.sandbox.set_fault(|_| Some(status(401, "Unauthorized")));
    served.sandbox.break_watches();
    let screen = terminal.wait_for("reconnecting");
    assert!(screen.contains("web"), "{screen}");
    served.sandbox.clear_fault();
    terminal.wait_for("● live");
}

#[test]
fn reading_again_shows_namespaces_that_came() {
    let served = Served::with_release();
    let mut terminal = served.open("", SIZE);
    terminal.wait_until("the release to be listed", |screen| screen.contains("● live") && screen.contains("k8s"));
    let namespaces: Api<Namespace> = Api::all(served.client());
    let fresh = serde_json::from_value(json!({"metadata": {"name": "fresh"}})).expect("a namespace");
    served.block_on(namespaces.create(&PostParams::default(), &fresh)).expect("created");
    terminal.keys("<ctrl-r>");
    terminal.wait_for("fresh");
}

/// A plugin that asks a person gets the terminal, at the start and when its token no longer counts.
#[test]
fn an_interactive_credential_plugin_gets_the_terminal() {
    let served = Served::with_release();
    served.log_in_by(
        // It clears its question away: an old one on the screen would look like the next.
        r#"printf 'password: ' >&2; read -r word; printf '\033[2J' >&2
        [ "$word" = sesame ] || exit 1; echo '{"status": {"token": "t"}}'"#,
    );
    let is_live = |screen: &str| screen.contains("● live") && screen.contains("web");
    let mut terminal = served.open("", SIZE);
    let screen = terminal.wait_for("password: ");
    assert!(!screen.contains("pilothouse"), "{screen}");
    terminal.keys("wrong<enter>");
    terminal.wait_for("failed with exit code 1");
    terminal.keys("x<ctrl-r>");
    terminal.wait_for("password: ");
    terminal.keys("sesame<enter>");
    terminal.wait_until("the release to be listed", is_live);

    let refused = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&refused);
    served.sandbox.set_fault(move |_| {
        seen.store(true, Ordering::SeqCst);
        Some(status(401, "Unauthorized"))
    });
    served.sandbox.break_watches();
    terminal.wait_for("reconnecting");
    // Before that the token still counts, and the watch would come back by itself.
    let deadline = Instant::now() + Duration::from_secs(60);
    while !refused.load(Ordering::SeqCst) {
        assert!(Instant::now() < deadline, "the watch never asked again");
        std::thread::yield_now();
    }
    served.sandbox.clear_fault();
    terminal.keys("<ctrl-r>");
    terminal.wait_for("password: ");
    terminal.keys("sesame<enter>");
    terminal.wait_until("the release to be listed again", is_live);
}

#[test]
fn a_lost_connection_is_told_and_comes_back() {
    let served = Served::with_release();
    let terminal = served.open("", SIZE);
    terminal.wait_until("the release to be listed", |screen| screen.contains("live") && screen.contains("web"));
    served.sandbox.set_fault(|_| Some(Fault::Disconnect));
    served.sandbox.break_watches();
    let screen = terminal.wait_for("stale since");
    assert!(screen.contains("web"), "{screen}");
    served.sandbox.clear_fault();
    served.add(release("late", 1, Status::Deployed));
    terminal.wait_until("what happened meanwhile", |screen| screen.contains("● live") && screen.contains("late"));
}

/// One row each for a truncated record, one that is no record at all, and one whose number does not fit its name.
#[test]
fn records_that_cannot_be_read_are_marked_rows_among_the_others() {
    let served = Served::with_release();
    served.add(release("zebra", 1, Status::Deployed));
    let secrets: Api<Secret> = Api::namespaced(served.client(), "default");
    let whole = served.block_on(secrets.get("sh.helm.release.v1.web.v1")).expect("the record");
    let data = whole.data.expect("data")["release"].0.clone();
    for (name, data) in
        [("cut", data[..data.len() / 2].to_vec()), ("foreign", b"not a record".to_vec()), ("void", Vec::new())]
    {
        let record = json!({
            "metadata": {
                "name": format!("sh.helm.release.v1.{name}.v1"),
                "labels": {"owner": "helm", "name": name, "status": "deployed", "version": "1"},
            },
            "type": "helm.sh/release.v1",
        });
        let mut record: Secret = serde_json::from_value(record).expect("a secret");
        record.data = Some([("release".to_owned(), k8s_openapi::ByteString(data))].into());
        served.block_on(secrets.create(&PostParams::default(), &record)).expect("created");
    }
    let mut terminal = served.open("", SIZE);
    let screen = terminal.wait_until("every row", |screen| {
        screen.matches("unreadable").count() == 3 && screen.matches("1/1").count() == 2
    });
    for name in ["cut", "foreign", "void"] {
        let row = screen.lines().find(|line| line.contains(name)).expect("a row");
        assert!(row.contains("unreadable"), "{row}");
    }
    terminal.keys("q");

    let listed = served.run(&["list", "-q"]);
    assert_eq!(String::from_utf8_lossy(&listed.stdout), "web\nzebra\n");
    let told = String::from_utf8_lossy(&listed.stderr).into_owned();
    for name in ["cut", "foreign", "void"] {
        assert!(told.contains(&format!("sh.helm.release.v1.{name}.v1")), "{told}");
    }
}

/// Two revisions that say evil things wherever a chart's author or a cluster can say something.
fn evil(revision: u32) -> Release {
    let config = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "evil", "annotations": {"said": EVIL}},
        "data": {"said": format!("{revision} {EVIL}")},
    });
    let mut evil = release("evil", revision, Status::Deployed);
    // YAML allows C1 characters as escapes only.
    let escaped = |text: String| text.replace('\u{9b}', "\\u009b");
    evil.manifest = escaped(manifest(&[config]));
    evil.info.notes = format!("first\n{EVIL}\n");
    evil.info.description = EVIL.to_owned();
    evil.config = [("said".to_owned(), json!(EVIL))].into_iter().collect();
    evil.hooks = vec![hook(EVIL)];
    evil.hooks[0].manifest = escaped(evil.hooks[0].manifest.clone());
    evil
}

#[test]
fn what_a_cluster_says_never_steers_the_terminal() {
    let served = Served::empty();
    let mut first = evil(1);
    first.info.status = Status::Superseded;
    served.add(first);
    served.add(evil(2));
    let mut terminal = served.open("", (200, 50));
    // Home already shows description and notes of the selected release.
    terminal.wait_for("␛]0;pwned␇");
    terminal.keys("<enter>");
    terminal.wait_for("revision 2 against");
    let tabs = [
        ("2", "# Source"),
        ("3", "supplied"),
        ("5", "(L log)"),
        ("6", "␛[31m"),
        ("4", "ConfigMap/evil"),
        ("1", "against"),
    ];
    for (key, shown) in tabs {
        terminal.keys(key);
        terminal.wait_until(shown, |screen| screen.contains(shown) && (screen.contains("pwned") || key == "4"));
    }
    terminal.keys(":rollback 1<enter>");
    terminal.wait_for("confidence:");
    terminal.keys("q");
    assert_eq!(terminal.wait_exit(), 0);
    check_harmless(&terminal.sent());

    for args in [&["diff", "revision", "evil", "1", "2"][..], &["diff", "rollback", "evil", "1"]] {
        let ran = served.run(args);
        let said = String::from_utf8_lossy(&ran.stdout);
        assert!(said.contains("evil"), "{args:?} says nothing of it: {said}");
        check_harmless(&ran.stdout);
        check_harmless(&ran.stderr);
    }
}
