//! The app with its tasks, without a terminal: what the run loop drives, and tests too.

use std::time::Duration;

use ratatui::{buffer::Buffer, layout::Rect};

use super::{
    Options,
    app::{App, Flash},
    config::Config,
    effect::{Effect, Job},
    event::Event,
    frame,
    keymap::KeyPress,
    tasks::Tasks,
};

/// Milliseconds since 1970.
pub type Clock = fn() -> i64;

/// The app with its tasks.
pub struct Session {
    app: App,
    tasks: Tasks,
    clock: Clock,
}

impl Session {
    /// A session that has not begun to connect. `key` keys the fingerprints of secrets.
    pub fn new(options: Options, key: [u8; 32], clock: Clock) -> Self {
        let (config, trouble) = Config::load(options.config.as_deref());
        let looks = (options.plain, options.ascii);
        let mut app = App::new(options, config, key, clock(), looks);
        if let Some(trouble) = trouble {
            app.set_flash(Flash::bad(trouble));
        }
        Self { app, tasks: Tasks::default(), clock }
    }

    /// The app, to look at.
    pub fn app(&self) -> &App {
        &self.app
    }

    /// Shows a line for some seconds.
    pub fn flash(&mut self, flash: Flash) {
        self.app.set_flash(flash);
    }

    /// Begins to connect.
    pub fn start(&mut self) -> Vec<Effect> {
        let jobs = self.app.start();
        self.spawn(jobs)
    }

    /// Takes an event; what concerns the terminal comes back.
    pub fn handle(&mut self, event: Event) -> Vec<Effect> {
        self.app.shared.clock = (self.clock)();
        let jobs = self.app.update(event);
        self.spawn(jobs)
    }

    /// The one place that starts and cancels tasks.
    fn spawn(&mut self, jobs: Vec<Job>) -> Vec<Effect> {
        let mut outside = Vec::new();
        for Job { owner, effect } in jobs {
            match effect {
                Effect::Run(slot, task) => self.tasks.run(owner, slot, task),
                Effect::RunOnce(slot, task) if !self.tasks.has(owner, &slot) => {
                    self.tasks.run(owner, slot, task);
                }
                Effect::RunOnce(..) => {}
                Effect::Cancel(slot) => self.tasks.cancel(owner, &slot),
                Effect::CancelAll => self.tasks.cancel_all(owner),
                effect => outside.push(effect),
            }
        }
        outside
    }

    /// The next thing a task tells.
    pub async fn next(&mut self) -> Event {
        self.tasks.next().await
    }

    /// The next thing a task has told already.
    pub fn ready(&mut self) -> Option<Event> {
        self.tasks.ready()
    }

    /// How long until something changes by itself.
    pub fn next_wake(&mut self) -> Duration {
        self.app.shared.clock = (self.clock)();
        Duration::from_millis(u64::try_from(self.app.next_wake()).unwrap_or(1).max(1))
    }

    /// Fixes sizes for a terminal before drawing and asks for what came into view.
    pub fn arrange(&mut self, area: Rect) -> Vec<Effect> {
        let jobs = self.app.arrange(frame::inside(area));
        self.spawn(jobs)
    }

    /// Draws into a buffer of that size.
    pub fn draw(&mut self, columns: u16, rows: u16) -> Buffer {
        let area = Rect::new(0, 0, columns, rows);
        self.handle(Event::Resize(columns, rows));
        self.arrange(area);
        let mut buffer = Buffer::empty(area);
        frame::view(&self.app, &mut buffer);
        buffer
    }

    /// Types keys, named as in the configuration and separated by spaces; returns what concerns the terminal.
    pub fn keys(&mut self, keys: &str) -> Vec<Effect> {
        let presses = keys.split_whitespace().filter_map(KeyPress::parse);
        presses.flat_map(|press| self.handle(Event::Key(press.event()))).collect()
    }

    /// Handles what tasks tell until none that ends by itself is left and nothing is waiting; drawing may start more.
    pub async fn settle(&mut self, columns: u16, rows: u16) {
        loop {
            self.draw(columns, rows);
            while let Some(event) = self.ready() {
                self.handle(event);
            }
            self.draw(columns, rows);
            if !self.tasks.is_busy() {
                return;
            }
            let event = self.next().await;
            self.handle(event);
        }
    }

    /// Handles what tasks tell until the screen shows a text; gives up, with the screen, after a minute.
    pub async fn until(&mut self, columns: u16, rows: u16, text: &str) -> Result<Buffer, String> {
        let wait = async {
            loop {
                let buffer = self.draw(columns, rows);
                if text_of(&buffer).contains(text) {
                    return buffer;
                }
                let event = self.next().await;
                self.handle(event);
            }
        };
        match tokio::time::timeout(Duration::from_secs(60), wait).await {
            Ok(buffer) => Ok(buffer),
            Err(_) => Err(format!("{text:?} did not appear:\n{}", text_of(&self.draw(columns, rows)))),
        }
    }
}

/// The characters of a buffer, a line a row, without trailing spaces.
pub fn text_of(buffer: &Buffer) -> String {
    use unicode_width::UnicodeWidthStr;
    let mut out = String::new();
    for y in buffer.area.top()..buffer.area.bottom() {
        let mut line = String::new();
        let mut x = buffer.area.left();
        while x < buffer.area.right() {
            let symbol = buffer[(x, y)].symbol();
            line.push_str(symbol);
            x += (symbol.width() as u16).max(1);
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}
