//! From a key to its frame with 10,000 releases on a screen of 200 × 60: `cargo bench --bench keys`.
//! The issue allows 10 ms.

use std::collections::BTreeMap;

use pilothouse::{
    release::{RecordMeta, Status, storage::StorageEvent},
    tui::{
        Options,
        app::App,
        config::Config,
        effect::Slot,
        event::{Event, News},
        frame,
        keymap::KeyPress,
    },
};
use ratatui::{buffer::Buffer, layout::Rect};

const RELEASES: u32 = 10_000;
const AREA: Rect = Rect::new(0, 0, 200, 60);

fn main() {
    divan::main();
}

fn record(number: u32) -> RecordMeta {
    let name = format!("release-{number:05}");
    RecordMeta {
        record: format!("sh.helm.release.v1.{name}.v1"),
        namespace: format!("team-{}", number % 50),
        name,
        revision: 1,
        status: Status::Deployed,
        uid: number.to_string(),
        resource_version: "1".into(),
        created_at: 1_772_000_000,
        modified_at: 0,
        writers: Vec::new(),
        annotations: BTreeMap::new(),
        labels: BTreeMap::new(),
    }
}

/// The home screen with every release on it.
fn home() -> App {
    let mut app = App::new(Options::default(), Config::default(), [1; 32], 1_772_366_400_000, (false, false));
    let records = (0..RELEASES).map(record).collect();
    let event = Box::new(StorageEvent::Restarted(records));
    let news = News::Records(String::new(), event);
    app.update(Event::Resize(AREA.width, AREA.height));
    app.update(Event::News(1, Slot::of("watch"), news));
    frame(&mut app);
    app
}

fn frame(app: &mut App) -> Buffer {
    app.arrange(frame::inside(AREA));
    let mut buffer = Buffer::empty(AREA);
    frame::view(app, &mut buffer);
    buffer
}

fn press(app: &mut App, key: &str) -> Buffer {
    let key = KeyPress::parse(key).expect("a key");
    app.update(Event::Key(key.event()));
    frame(app)
}

/// Down, half a page down, to the end and back.
#[divan::bench(args = ["j", "ctrl-d", "G", "g"])]
fn moving(bencher: divan::Bencher, key: &str) {
    bencher.with_inputs(home).bench_local_refs(|app| press(app, key));
}

/// One letter more in the filter.
#[divan::bench]
fn filtering(bencher: divan::Bencher) {
    let filter = || {
        let mut app = home();
        press(&mut app, "/");
        app
    };
    bencher.with_inputs(filter).bench_local_refs(|app| press(app, "9"));
}

/// One record changes and the list follows.
#[divan::bench]
fn following(bencher: divan::Bencher) {
    bencher.with_inputs(home).bench_local_refs(|app| {
        let changed = RecordMeta { resource_version: "2".into(), ..record(77) };
        let news = News::Records(String::new(), Box::new(StorageEvent::Applied(changed)));
        app.update(Event::News(1, Slot::of("watch"), news));
        frame(app)
    });
}
