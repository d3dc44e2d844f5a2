//! A program in a real pseudo-terminal: type keys, look at the screen, wait for what should appear.

use std::{
    io::{Read, Write},
    num::NonZero,
    sync::{Arc, Condvar, Mutex},
    thread,
    time::{Duration, Instant},
};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

/// How long anything may take to appear before a test gives up; conditions normally hold within milliseconds.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running program and the screen it draws.
pub struct Terminal {
    child: Box<dyn Child + Send + Sync>,
    master: Box<dyn MasterPty + Send>,
    input: Box<dyn Write + Send>,
    shared: Arc<(Mutex<Screen>, Condvar)>,
}

struct Screen {
    parser: vt100::Parser,
    /// Every byte the program has sent.
    sent: Vec<u8>,
    closed: bool,
}

impl Terminal {
    /// Starts `program` with arguments and extra environment on a screen of `columns` × `rows`.
    pub fn start(program: &str, args: &[&str], envs: &[(&str, &str)], (columns, rows): (u16, u16)) -> Self {
        let pair = native_pty_system().openpty(size(columns, rows)).expect("a pseudo-terminal");
        let mut command = CommandBuilder::new(program);
        command.args(args);
        command.cwd(env!("CARGO_MANIFEST_DIR"));
        command.env("TERM", "xterm-256color");
        command.env("LC_ALL", "C.UTF-8");
        command.env_remove("NO_COLOR");
        // Nothing of the tester's own configuration, and no log in the tester's home.
        for folder in ["XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"] {
            command.env(folder, env!("CARGO_TARGET_TMPDIR"));
        }
        for (name, value) in envs {
            command.env(name, value);
        }
        let child = pair.slave.spawn_command(command).expect("the program starts");
        let mut output = pair.master.try_clone_reader().expect("the terminal is readable");
        let input = pair.master.take_writer().expect("the terminal is writable");
        let screen =
            Screen { parser: vt100::Parser::new(nonzero(rows), nonzero(columns), 0), sent: Vec::new(), closed: false };
        let shared = Arc::new((Mutex::new(screen), Condvar::new()));
        let reader = shared.clone();
        thread::spawn(move || {
            let mut buffer = [0; 16 * 1024];
            loop {
                let count = output.read(&mut buffer).unwrap_or(0);
                let mut screen = reader.0.lock().expect("no holder panics");
                screen.parser.process(&buffer[..count]);
                screen.sent.extend_from_slice(&buffer[..count]);
                screen.closed = count == 0;
                reader.1.notify_all();
                if count == 0 {
                    return;
                }
            }
        });
        Self { child, master: pair.master, input, shared }
    }

    /// Types text; `<enter> <esc> <tab> <up> <down> <left> <right> <space> <ctrl-x>` are keys.
    pub fn keys(&mut self, keys: &str) {
        let mut bytes = Vec::new();
        let mut rest = keys;
        while let Some(start) = rest.find('<') {
            bytes.extend_from_slice(&rest.as_bytes()[..start]);
            let end = start + rest[start..].find('>').expect("a key name ends with >");
            let name = &rest[start + 1..end];
            match name {
                "enter" => bytes.push(b'\r'),
                "esc" => bytes.push(0x1b),
                "tab" => bytes.push(b'\t'),
                "space" => bytes.push(b' '),
                "up" => bytes.extend(b"\x1b[A"),
                "down" => bytes.extend(b"\x1b[B"),
                "right" => bytes.extend(b"\x1b[C"),
                "left" => bytes.extend(b"\x1b[D"),
                _ => match name.strip_prefix("ctrl-") {
                    Some(letter) => bytes.push(letter.as_bytes()[0] & 0x1f),
                    None => panic!("unknown key <{name}>"),
                },
            }
            rest = &rest[end + 1..];
        }
        bytes.extend_from_slice(rest.as_bytes());
        self.input.write_all(&bytes).and_then(|()| self.input.flush()).expect("the terminal takes keys");
    }

    /// Every byte the program has sent so far.
    pub fn sent(&self) -> Vec<u8> {
        self.shared.0.lock().expect("no holder panics").sent.clone()
    }

    /// Waits until the screen shows `text`; returns the screen.
    #[track_caller]
    pub fn wait_for(&self, text: &str) -> String {
        self.wait_until(&format!("{text:?} to appear"), |screen| screen.contains(text))
    }

    /// Waits until the screen satisfies `holds`; panics with the screen when it never does.
    #[track_caller]
    pub fn wait_until(&self, what: &str, holds: impl Fn(&str) -> bool) -> String {
        match self.within(PATIENCE, |text, _| holds(text)) {
            Ok(text) => text,
            Err(text) => panic!("waited in vain for {what}; the screen:\n{text}"),
        }
    }

    /// Waits so long for the screen and the number of bytes sent to satisfy `holds`: the screen that does, or the last one.
    pub fn within(&self, patience: Duration, holds: impl Fn(&str, usize) -> bool) -> Result<String, String> {
        let deadline = Instant::now() + patience;
        let mut screen = self.shared.0.lock().expect("no holder panics");
        loop {
            let text = screen.parser.screen().contents();
            if holds(&text, screen.sent.len()) {
                return Ok(text);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || screen.closed {
                return Err(text);
            }
            let waited = self.shared.1.wait_timeout(screen, left);
            screen = waited.expect("no holder panics").0;
        }
    }

    /// Changes the size of the terminal; the program gets SIGWINCH.
    pub fn resize(&self, columns: u16, rows: u16) {
        self.shared.0.lock().expect("no holder panics").parser.screen_mut().set_size(nonzero(rows), nonzero(columns));
        self.master.resize(size(columns, rows)).expect("the terminal resizes");
    }

    /// Waits for the program's end; its exit code.
    pub fn wait_exit(&mut self) -> u32 {
        let code = self.child.wait().expect("the program ends").exit_code();
        // What it wrote last may still be on its way here.
        let screen = self.shared.0.lock().expect("no holder panics");
        let waited = self.shared.1.wait_timeout_while(screen, PATIENCE, |screen| !screen.closed);
        assert!(!waited.expect("no holder panics").1.timed_out(), "the terminal of an ended program stays open");
        code
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // Already ended is fine: nothing may outlive the test, that is all.
        let _ended = self.child.kill();
    }
}

fn size(columns: u16, rows: u16) -> PtySize {
    PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 }
}

fn nonzero(cells: u16) -> NonZero<u16> {
    NonZero::new(cells).expect("a terminal has rows and columns")
}
