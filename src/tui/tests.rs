//! The program by keys: type, feed what tasks would tell, look at the screen. No network, no clock, no waiting.

mod changes;
mod drafts;
mod provenance;
mod rollback;

use std::sync::Arc;

use ratatui::{buffer::Buffer, layout::Rect};

use super::{
    Options,
    app::App,
    config::Config,
    effect::{Effect, Job, Slot},
    event::{Event, News},
    frame,
    keymap::KeyPress,
    report::Report,
    screens::ScreenId,
    session::text_of,
    tasks::Task,
    testing::{CLOCK, record},
    widgets::{diff::Section, text::TextLine},
};
use crate::{
    cluster::{self, ErrorKind, read::NamespaceInfo},
    diff::{Change, Hunk, Line, Weight},
    release::{Info, RecordMeta, Release, codec::Summary, storage::StorageEvent},
};

/// The home screen is the first that is made.
const HOME: ScreenId = 1;

struct Program {
    app: App,
    jobs: Vec<Job>,
    size: (u16, u16),
}

impl Program {
    fn new(size: (u16, u16)) -> Self {
        Self::with(Config::default(), Options::default(), size)
    }

    fn with(config: Config, options: Options, size: (u16, u16)) -> Self {
        let app = App::new(options, config, [7; 32], CLOCK, (false, false));
        let mut program = Self { app, jobs: Vec::new(), size };
        program.app.shared.context = "prod-eu".into();
        program.resize(size);
        program
    }

    fn resize(&mut self, size: (u16, u16)) {
        self.size = size;
        self.event(Event::Resize(size.0, size.1));
    }

    fn event(&mut self, event: Event) {
        let jobs = self.app.update(event);
        self.jobs.extend(jobs);
        let area = Rect::new(0, 0, self.size.0, self.size.1);
        let jobs = self.app.arrange(frame::inside(area));
        self.jobs.extend(jobs);
    }

    fn news(&mut self, to: ScreenId, slot: &'static str, news: News) {
        self.event(Event::News(to, Slot::of(slot), news));
    }

    /// Keys separated by spaces, named as in the configuration.
    #[track_caller]
    fn keys(&mut self, keys: &str) {
        for name in keys.split(' ') {
            let press = KeyPress::parse(name).unwrap_or_else(|| panic!("there is no key {name}"));
            self.event(Event::Key(press.event()));
        }
    }

    fn type_text(&mut self, text: &str) {
        for character in text.chars() {
            let name = if character == ' ' { "space".to_owned() } else { character.to_string() };
            self.keys(&name);
        }
    }

    fn buffer(&self) -> Buffer {
        let mut buffer = Buffer::empty(Rect::new(0, 0, self.size.0, self.size.1));
        frame::view(&self.app, &mut buffer);
        buffer
    }

    fn screen(&self) -> String {
        text_of(&self.buffer())
    }

    #[track_caller]
    fn shows(&self, text: &str) {
        let screen = self.screen();
        assert!(screen.contains(text), "{text:?} is not on the screen:\n{screen}");
    }

    #[track_caller]
    fn lacks(&self, text: &str) {
        let screen = self.screen();
        assert!(!screen.contains(text), "{text:?} is on the screen:\n{screen}");
    }

    /// Feeds records and what is read lazily about them.
    fn home(size: (u16, u16)) -> Self {
        let mut program = Self::new(size);
        let names =
            ["payments", "orders", "vault"].map(|name| NamespaceInfo { name: name.into(), phase: "Active".into() });
        program.event(Event::News(0, Slot::of("namespaces"), News::Namespaces(Ok(names.to_vec()))));
        program.event(Event::News(0, Slot::of("version"), News::Version(Ok("v1.36.1".into()))));
        program.news(HOME, "watch", News::Records(String::new(), Box::new(StorageEvent::Restarted(records()))));
        let denied = cluster::Error::new(ErrorKind::Forbidden, "secrets is forbidden");
        program.news(HOME, "watch", News::Records("vault".into(), Box::new(StorageEvent::Denied(denied.into()))));
        for meta in records() {
            let summary =
                if meta.name == "checkout-jobs" { Err(Report::new("truncated")) } else { Ok(Box::new(summary(&meta))) };
            let readable = summary.is_ok();
            program.news(HOME, "summary", News::Summary(Box::new(meta.clone()), summary));
            if readable && meta.name != "catalog" {
                let condition = if meta.name == "checkout" { ((4, 6), 2) } else { ((1, 1), 0) };
                program.news(HOME, "condition", News::Condition(Box::new(meta), Ok(condition)));
            }
        }
        let lines =
            ["checkout 12 ← 11", "~ Deployment/checkout  image 2.9.0 → 2.9.1, replicas", "= 44 objects unchanged"];
        program.news(HOME, "details", News::Text(lines.map(|line| TextLine::new(Default::default(), line)).to_vec()));
        program
    }

    /// The release screen of `checkout`, its revisions read.
    fn release(size: (u16, u16)) -> Self {
        let mut program = Self::home(size);
        program.keys("j enter");
        let history = [(9, "superseded"), (10, "failed"), (11, "superseded"), (12, "deployed")];
        let metas = history.map(|(revision, status)| record("payments", "checkout", revision, status));
        program.news(2, "watch", News::Records("payments".into(), Box::new(StorageEvent::Restarted(metas.to_vec()))));
        for meta in metas {
            let release = if meta.revision == 10 {
                Err(Report::new("record v10: unexpected end of file"))
            } else {
                Ok(release(&meta))
            };
            program.news(2, "decode", News::Decoded(Box::new(meta), release));
        }
        program.news(2, "body", News::Changes(Ok(Arc::new(sections()))));
        program
    }

    fn started(&self, wanted: impl Fn(&Task) -> bool) -> bool {
        self.jobs.iter().any(|job| match &job.effect {
            Effect::Run(_, task) | Effect::RunOnce(_, task) => wanted(task),
            _ => false,
        })
    }
}

fn records() -> Vec<RecordMeta> {
    let stuck =
        RecordMeta { created_at: CLOCK / 1000 - 10_800, ..record("payments", "checkout-edge", 5, "pending-upgrade") };
    vec![
        record("payments", "checkout", 12, "deployed"),
        record("payments", "checkout-jobs", 7, "failed"),
        stuck,
        record("orders", "catalog", 3, "deployed"),
        record("orders", "evil\u{1b}[2J\u{202e}", 1, "deployed"),
    ]
}

fn summary(meta: &RecordMeta) -> Summary {
    Summary {
        name: meta.name.clone(),
        chart_name: "checkout".into(),
        chart_version: "4.1.0".into(),
        app_version: "2.9.1".into(),
        ..Summary::default()
    }
}

fn release(meta: &RecordMeta) -> Arc<Release> {
    Arc::new(Release {
        name: meta.name.clone(),
        namespace: meta.namespace.clone(),
        revision: meta.revision,
        info: Info { description: "Upgrade complete".into(), notes: "Thank you\u{7}.".into(), ..Info::default() },
        ..Release::default()
    })
}

fn sections() -> Vec<Section> {
    let lines = vec![
        Line::Context("containers:".into()),
        Line::Removed("- image: registry/checkout:2.9.0".into()),
        Line::Added("- image: registry/checkout:2.9.1".into()),
    ];
    let hunk = Hunk { old_start: 20, new_start: 20, path: "spec.template.spec.containers[web]".into(), lines };
    let section = |title: &str, change, weight, hunks| Section {
        title: title.into(),
        change,
        weight,
        summary: if weight == Weight::Real { "image 2.9.0 → 2.9.1".into() } else { String::new() },
        notes: Vec::new(),
        hunks,
    };
    vec![
        section("Deployment/checkout", Change::Update, Weight::Real, vec![hunk]),
        section("ConfigMap/flags", Change::Delete, Weight::Real, Vec::new()),
        section("Service/checkout", Change::Update, Weight::LabelsOnly, Vec::new()),
        section("HorizontalPodAutoscaler/checkout", Change::None, Weight::Same, Vec::new()),
    ]
}

#[test]
fn the_first_frame_needs_no_connection() {
    let program = Program::new((80, 24));
    program.shows("connecting to prod-eu");
    program.shows("◐ connecting");
}

#[test]
fn home() {
    insta::assert_snapshot!("home_80x24", Program::home((80, 24)).screen());
    insta::assert_snapshot!("home_200x60", Program::home((200, 60)).screen());
}

#[test]
fn release_changes() {
    insta::assert_snapshot!("release_80x24", Program::release((80, 24)).screen());
    insta::assert_snapshot!("release_200x60", Program::release((200, 60)).screen());
}

#[test]
fn help() {
    let mut program = Program::home((100, 40));
    program.keys("?");
    insta::assert_snapshot!("help_100x40", program.screen());
    program.keys("esc");
    program.lacks("Help");
}

#[test]
fn the_filter_narrows_as_it_is_typed_and_esc_clears_it() {
    let mut program = Program::home((100, 30));
    program.keys("/");
    program.type_text("edge");
    program.shows("checkout-edge");
    program.lacks("catalog");
    program.keys("enter");
    program.shows("filter: edge");
    program.shows("1 of 5");
    program.keys("esc");
    program.shows("catalog");
}

#[test]
fn commands_complete_and_mistakes_are_told() {
    let mut program = Program::home((100, 30));
    program.keys(":");
    program.type_text("ns ord");
    program.shows("ns orders");
    program.keys("enter");
    program.shows("▸ orders");
    program.shows("2 of 5");
    program.keys(":");
    program.type_text("rollback nine");
    program.keys("enter");
    program.shows(":rollback takes a revision");
}

#[test]
fn read_only_mode_refuses_and_says_why() {
    let options = Options { read_only: true, ..Options::default() };
    let mut program = Program::with(Config::default(), options, (100, 30));
    program.news(HOME, "watch", News::Records(String::new(), Box::new(StorageEvent::Restarted(records()))));
    for (key, name) in
        [("r", "rollback"), ("u", "upgrade"), ("e", "edit"), ("i", "install"), ("t", "test"), ("D", "uninstall")]
    {
        program.keys(key);
        program.shows(&format!("{name}: not in read-only mode (--read-only)"));
    }
    program.keys(":");
    program.type_text("install web ./web");
    program.keys("enter");
    program.shows("install: not in read-only mode (--read-only)");
    program.keys(":");
    program.type_text("rollback 9");
    program.keys("enter");
    program.shows("rollback: not in read-only mode (--read-only)");
}

#[test]
fn a_forbidden_namespace_is_a_row_that_says_so() {
    let mut program = Program::home((100, 30));
    program.shows("⊘ vault");
    program.shows("forbidden");
    program.keys(":");
    program.type_text("ns vault");
    program.keys("enter");
    program.shows("you may not read releases in vault");
}

#[test]
fn the_scrubber_reads_neighbours_and_a_corrupt_record_is_one_marked_row() {
    let mut program = Program::release((100, 30));
    program.shows("✗ unreadable");
    program.jobs.clear();
    program.keys("j");
    program.shows("revision 11 against  [10]");
    assert!(program.started(|task| matches!(task, Task::Changes(..))));
    program.keys("j");
    program.shows("unexpected end of file");
    program.keys("j 6");
    program.shows("revision 9");
    assert!(program.started(|task| matches!(task, Task::Text(_))));
}

#[test]
fn marked_revisions_are_compared() {
    let mut program = Program::release((100, 30));
    program.keys("d");
    program.shows("mark another revision with space first");
    program.keys("G space g");
    program.jobs.clear();
    program.keys("d");
    program.shows("[marked 9]");
    let of_marked =
        |task: &Task| matches!(task, Task::Changes(Some(old), new, ..) if (old.revision, new.revision) == (9, 12));
    assert!(program.started(of_marked));
}

#[test]
fn changes_fold_and_turn_side_by_side() {
    let mut program = Program::release((140, 30));
    program.shows("    - - image: registry/checkout:2.9.0");
    program.keys("tab s");
    program.shows("- - image: registry/checkout:2.9.0");
    program.shows("+ - image: registry/checkout:2.9.1");
    program.keys("z");
    program.lacks("registry/checkout:2.9.1");
    program.keys("G z");
    program.shows("= HorizontalPodAutoscaler/checkout");
}

#[test]
fn rolling_back_reviews_the_selected_revision() {
    let mut program = Program::release((100, 30));
    program.keys("j r");
    assert!(matches!(program.app.screen(), super::screens::Screen::Review(_)));
    program.keys("[");
    program.shows("revision 11");
    program.keys("]");
    assert!(matches!(program.app.screen(), super::screens::Screen::Review(_)));
}

#[test]
fn waiting_says_on_what_and_esc_ends_it() {
    let mut program = Program::new((100, 30));
    program.jobs = program.app.start();
    program.app.shared.clock += 200;
    program.shows("waiting for the cluster's answer");
    program.keys("esc");
    program.shows("stopped waiting");
    program.shows("not connected");
}

#[test]
fn an_error_is_a_layer_and_stays_in_the_log() {
    let mut program = Program::new((100, 30));
    let error = cluster::Error::new(ErrorKind::Unauthorized, "the token expired\u{1b}[31m");
    program.event(Event::News(0, Slot::of("connect"), News::Connected(Err(error.into()), None)));
    program.shows("the token expired␛[31m");
    program.shows("log in to the cluster again");
    program.keys("x");
    program.lacks("log in to the cluster again");
    program.keys("ctrl-l");
    program.shows("the token expired");
}

#[test]
fn any_size_draws_and_keeps_the_place() {
    let layers = ["", "?", ":", "/", "ctrl-x", "ctrl-n"];
    for layer in layers {
        let mut draft = Program::home((100, 30));
        draft.keys("i");
        draft.type_text("shop");
        draft.keys("esc");
        let mut programs = [Program::home((100, 30)), Program::release((100, 30)), draft];
        for program in &mut programs {
            if !layer.is_empty() {
                program.keys(layer);
            }
            for size in [
                (1, 1),
                (59, 15),
                (60, 14),
                (60, 15),
                (61, 17),
                (80, 24),
                (110, 15),
                (180, 20),
                (300, 100),
                (0, 0),
                (100, 30),
            ] {
                program.resize(size);
                program.buffer();
            }
        }
    }
    let mut program = Program::release((100, 30));
    program.keys("j");
    program.resize((40, 10));
    program.shows("is too small");
    program.resize((100, 30));
    program.shows("revision 11");
}

#[test]
fn ten_thousand_releases_are_moved_through_without_looking_at_each() {
    let mut program = Program::new((200, 60));
    let many = (0..10_000).map(|number| record("shop", &format!("release-{number:05}"), 1, "deployed")).collect();
    program.news(HOME, "watch", News::Records(String::new(), Box::new(StorageEvent::Restarted(many))));
    program.keys("G");
    program.shows("release-09999");
    program.keys("g ctrl-d");
    program.shows("release-00000");
    assert!(!program.started(|task| matches!(task, Task::Condition(..))), "nothing is connected");
}
