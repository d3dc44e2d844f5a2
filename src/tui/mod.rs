//! The full-screen program: run loop, app, event, action, effect, keymap, theme, screens, layers, widgets.
//!
//! ```text
//! key ─► keymap ─► Action ─► App::update(Event) -> Vec<Job>     (pure, synchronous)
//!                                  │
//!                                  ▼
//!            Session::spawn: Tasks::run(owner, slot, Task)      (generation, cancel token)
//!                                  │
//!                                  ▼
//!               Event::News(owner, slot, News) ─► update ─► view(&App)  (reads only)
//! ```
//!
//! **A screen** is a struct in `screens/` that implements [`screens::Part`] and a variant of [`screens::Screen`]:
//! `update(ScreenEvent, &Shared) -> Vec<Effect>` changes it, `arrange(area)` fixes scroll places and asks for what came
//! into view, `view` only draws. It is opened with `Effect::Show(Box::new(Screen::…))`, left with `Effect::Back`.
//! It hears `ScreenEvent::Opened` at first and after every (re)connection: ask for data there, from `shared.storage_in(…)`.
//! **An action** is a variant of [`keymap::Action`] and a row of [`keymap::ACTIONS`] (name, keys, help, footer hint, places);
//! help, footer, palette and configuration follow. Screens get it as `ScreenEvent::Action`.
//! **An effect** that needs time is a variant of [`tasks::Task`] and an arm of `tasks::carry_out`; what it tells is a variant
//! of [`event::News`] and arrives as `ScreenEvent::News(slot, …)` at the screen that asked with `Effect::Run(slot, task)`.
//! A slot holds one task: running another there cancels it, and what it still says is dropped.
//! **A screen that runs on** when nobody looks (an operation) says so with `Part::running`.
//!
//! Cluster text is made safe where it enters a widget: `widgets::safe::visible` for cells, `TextLine::new` for texts.

pub mod app;
mod clipboard;
pub mod command;
pub mod config;
pub mod effect;
pub mod event;
pub mod format;
pub mod frame;
pub mod highlight;
mod input;
pub mod keymap;
pub mod layers;
pub mod log;
pub mod report;
pub mod screens;
pub mod session;
pub mod shared;
pub mod svg;
pub mod tasks;
pub mod template;
mod terminal;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
pub mod theme;
pub mod widgets;

use std::{io, path::PathBuf};

use ratatui::layout::Rect;
use tokio::signal::unix::{SignalKind, signal};

use self::{
    app::Flash,
    effect::{Effect, Slot},
    event::{Event, News},
    input::Input,
    report::Report,
    session::Session,
    terminal::Terminal,
};
use crate::{
    cluster::{Cluster, ConnectOptions, Interactive},
    release::Driver,
};

/// How to start.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Where to connect, as whom.
    pub connect: ConnectOptions,
    /// Open on the embedded cluster with example releases instead.
    pub sandbox: bool,
    /// Change nothing.
    pub read_only: bool,
    /// Where records live.
    pub driver: Driver,
    /// The configuration file; the platform's place otherwise.
    pub config: Option<PathBuf>,
    /// No colours, whatever the configuration says.
    pub plain: bool,
    /// Only ASCII glyphs, unless the configuration says otherwise.
    pub ascii: bool,
}

/// How many events may be handled before the screen is drawn again.
const BATCH: usize = 500;

/// Runs the program until the user leaves. Errors are the terminal's own.
pub async fn run(mut options: Options) -> io::Result<()> {
    options.plain |= std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    options.ascii |= !speaks_utf8();
    options.connect.interactive = Interactive::Never;
    let mut key = [0; 32];
    getrandom::fill(&mut key).map_err(|error| io::Error::other(error.to_string()))?;
    let mut session = Session::new(options, key, clock);
    let mut terminal = Terminal::take(session.app().shared.config.mouse)?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut input = Input::open();
    let (columns, rows) = terminal.size()?;
    session.handle(Event::Resize(columns, rows));
    draw(&mut session, &mut terminal)?;
    let mut outside = session.start();
    let mut gone = false;
    loop {
        outside.extend(drain(&mut session, &mut input));
        for effect in std::mem::take(&mut outside) {
            if matches!(effect, Effect::Exit) {
                return Ok(());
            }
            outside.extend(carry_out(effect, &mut session, &mut terminal, &mut input).await?);
        }
        match draw(&mut session, &mut terminal) {
            Ok(effects) => outside.extend(effects),
            // The terminal is gone (SIGHUP). What runs still ends properly, unseen.
            Err(_) if gone => {}
            Err(_) => {
                gone = true;
                outside.extend(session.handle(Event::Terminate));
                continue;
            }
        }
        let wake = session.next_wake();
        let event = tokio::select! {
            event = input.next() => event,
            event = session.next() => event,
            _ = terminate.recv() => Event::Terminate,
            _ = hangup.recv() => Event::Terminate,
            _ = interrupt.recv() => Event::Terminate,
            () = tokio::time::sleep(wake) => Event::Clock,
        };
        outside.extend(session.handle(event));
    }
}

/// Handles what has arrived already, so that drawing happens once.
fn drain(session: &mut Session, input: &mut Input) -> Vec<Effect> {
    let mut outside = Vec::new();
    for _ in 0..BATCH {
        let Some(event) = input.ready().or_else(|| session.ready()) else {
            break;
        };
        outside.extend(session.handle(event));
    }
    outside
}

fn draw(session: &mut Session, terminal: &mut Terminal) -> io::Result<Vec<Effect>> {
    let (columns, rows) = session.app().size();
    let outside = session.arrange(Rect::new(0, 0, columns, rows));
    terminal.draw(|frame| frame::view(session.app(), frame.buffer_mut()))?;
    Ok(outside)
}

/// What needs the terminal itself.
async fn carry_out(
    effect: Effect,
    session: &mut Session,
    terminal: &mut Terminal,
    input: &mut Input,
) -> io::Result<Vec<Effect>> {
    match effect {
        Effect::Sequence(sequence) => terminal.write(&sequence)?,
        Effect::Title(title) => terminal.set_title(&title)?,
        Effect::Redraw => terminal.renew()?,
        Effect::Suspend => {
            terminal.suspend()?;
            resized(session, terminal)?;
        }
        Effect::LogIn(options) => {
            input.close().await;
            let options = ConnectOptions { interactive: Interactive::Connecting, ..*options };
            let connected = terminal.lend(Cluster::connect(&options)).await?;
            *input = Input::open();
            resized(session, terminal)?;
            // What fails now is told: the plugin had its chance.
            let connected = connected.map_err(|error| Report { needs_terminal: false, ..error.into() });
            let news = News::Connected(connected, None);
            return Ok(session.handle(Event::News(screens::APP, Slot::of("connect"), news)));
        }
        Effect::Pager(text) => {
            input.close().await;
            let shown = terminal.page(&text).await;
            *input = Input::open();
            if let Err(error) = shown {
                session.flash(Flash::bad(error.to_string()));
            }
            resized(session, terminal)?;
        }
        Effect::Edit(text) => {
            input.close().await;
            let edited = terminal.edit(&text).await;
            *input = Input::open();
            resized(session, terminal)?;
            match edited {
                Ok(text) => return Ok(session.handle(Event::Edited(text))),
                Err(error) => session.flash(Flash::bad(error.to_string())),
            }
        }
        _ => {}
    }
    Ok(Vec::new())
}

fn resized(session: &mut Session, terminal: &Terminal) -> io::Result<()> {
    let (columns, rows) = terminal.size()?;
    session.handle(Event::Resize(columns, rows));
    Ok(())
}

fn clock() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// Whether the locale's encoding is UTF-8; a locale that names none is taken to be.
fn speaks_utf8() -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
    locale.is_none_or(|locale| {
        let upper = locale.to_uppercase();
        upper.contains("UTF-8")
            || upper.contains("UTF8")
            || !matches!(upper.as_str(), "C" | "POSIX") && !upper.contains('.')
    })
}
