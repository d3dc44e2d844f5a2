//! The pictures in `screenshots/`, drawn from the real screens on the sandbox: they cannot lie. `UPDATE_SCREENSHOTS=1`
//! draws them anew; otherwise a picture that is not what the screen shows fails.

use std::{fs, path::Path};

use pilothouse::{
    cluster::Cluster,
    sandbox::Sandbox,
    tui::{
        Options,
        effect::Slot,
        event::{Event, News},
        screens::APP,
        session::{Session, text_of},
        svg,
    },
};
use ratatui::buffer::Buffer;

/// Columns and rows of the pictures.
const SIZE: (u16, u16) = (132, 32);

/// 2026-03-01T12:00:00Z: ages in the pictures do not depend on when they are drawn.
fn clock() -> i64 {
    1_772_366_400_000
}

/// A session on the example releases as of [`clock`].
async fn session() -> Session {
    let now = jiff::Timestamp::from_millisecond(clock()).expect("a time");
    let sandbox = Sandbox::with_examples_at(now).await;
    let cluster = Cluster::from_client(sandbox.client(), "prod-eu", "default");
    // No configuration of whoever runs this.
    let options = Options { config: Some("/nonexistent/config.yaml".into()), ..Options::default() };
    let mut session = Session::new(options, [7; 32], clock);
    let connected = News::Connected(Ok(cluster), Some(sandbox));
    session.handle(Event::News(APP, Slot::of("connect"), connected));
    session
}

async fn until(session: &mut Session, text: &str) -> Buffer {
    let shown = session.until(SIZE.0, SIZE.1, text).await;
    shown.unwrap_or_else(|screen| panic!("{screen}"));
    session.settle(SIZE.0, SIZE.1).await;
    session.draw(SIZE.0, SIZE.1)
}

/// Compares a screen with its picture, or draws the picture.
#[track_caller]
fn check(name: &str, buffer: &Buffer) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("screenshots/{name}.svg"));
    let drawn = svg::draw(buffer);
    if std::env::var_os("UPDATE_SCREENSHOTS").is_some() {
        fs::write(&path, drawn).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        return;
    }
    let stored = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        stored == drawn,
        "{} is stale; UPDATE_SCREENSHOTS=1 draws it anew. The screen:\n{}",
        path.display(),
        text_of(buffer)
    );
}

#[tokio::test]
async fn the_pictures_show_what_the_screens_show() {
    let mut session = session().await;
    until(&mut session, "my-app").await;
    session.keys("/ n s : p r o d space m y - a p p enter");
    until(&mut session, "1 of 15").await;
    session.keys("esc");
    check("releases", &until(&mut session, "~1").await);
    session.keys("enter");
    check("release", &until(&mut session, "[2]").await);
    session.keys("2 p");
    until(&mut session, "written between documents").await;
    session.keys("/ i m a g e : enter");
    check("manifest", &until(&mut session, "comes from templates").await);
    session.keys("esc esc esc 1 j r");
    check("review", &until(&mut session, "confidence").await);
    session.keys("l enter");
    check("operation", &until(&mut session, "is deployed").await);
    session.keys("esc esc u");
    until(&mut session, "objects unchanged").await;
    session.keys("e down down down down down end backspace backspace backspace backspace d e b u g");
    session.keys("down down end backspace 2");
    check("draft", &until(&mut session, "log-level: debug").await);
    session.keys("ctrl-s");
    check("upgrade", &until(&mut session, "confidence").await);
    session.keys("esc esc D");
    check("uninstall", &until(&mut session, "confidence").await);
}
