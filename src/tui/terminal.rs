//! The terminal itself: taken once, given back on every way out.

use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitStatus,
    sync::{
        Once,
        atomic::{AtomicBool, Ordering},
    },
};

use crossterm::{
    cursor,
    event::{DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture},
    execute,
    terminal::{
        Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen, SetTitle, disable_raw_mode, enable_raw_mode,
    },
};
use ratatui::backend::CrosstermBackend;

/// Whether the terminal is ours at the moment, for whoever gives it back (exit, panic, signal).
static TAKEN: AtomicBool = AtomicBool::new(false);

/// The terminal while it is ours. Dropping it gives the terminal back.
pub struct Terminal {
    screen: ratatui::Terminal<CrosstermBackend<io::Stdout>>,
    mouse: bool,
}

impl Terminal {
    /// Takes the terminal: raw mode, alternate screen.
    pub fn take(mouse: bool) -> io::Result<Self> {
        static HOOK: Once = Once::new();
        HOOK.call_once(|| {
            let before = std::panic::take_hook();
            let owner = std::thread::current().id();
            std::panic::set_hook(Box::new(move |panic| {
                // A task's panic ends that task, which is reported; the loop and its terminal go on.
                if std::thread::current().id() == owner {
                    give_back();
                    before(panic);
                } else {
                    tracing::error!("{panic}");
                }
            }));
        });
        enter(mouse)?;
        Ok(Self { screen: ratatui::Terminal::new(CrosstermBackend::new(io::stdout()))?, mouse })
    }

    /// Draws a frame; only what differs from the last one is sent.
    pub fn draw(&mut self, view: impl FnOnce(&mut ratatui::Frame)) -> io::Result<()> {
        self.screen.draw(view).map(|_| ())
    }

    /// Columns and rows.
    pub fn size(&self) -> io::Result<(u16, u16)> {
        crossterm::terminal::size()
    }

    /// Writes a control sequence of ours, such as a clipboard's.
    pub fn write(&self, sequence: &str) -> io::Result<()> {
        let mut out = io::stdout();
        out.write_all(sequence.as_bytes())?;
        out.flush()
    }

    /// Sets the window's title.
    pub fn set_title(&self, title: &str) -> io::Result<()> {
        execute!(io::stdout(), SetTitle(title))
    }

    /// Gives the terminal back and stops the process, as ctrl-z does; returns when it was continued.
    pub fn suspend(&mut self) -> io::Result<()> {
        give_back();
        signal_hook::low_level::raise(signal_hook::consts::SIGTSTP)?;
        self.retake()
    }

    /// Shows a text in the user's pager: `PAGER`, else `VISUAL` or `EDITOR`, else `less`.
    pub async fn page(&mut self, text: &str) -> io::Result<()> {
        self.open(&["PAGER", "VISUAL", "EDITOR"], "less", text).await.map(drop)
    }

    /// Lets a text be changed in the user's editor: `VISUAL`, else `EDITOR`, else `vi`. What it became comes back; where
    /// the editor says that it failed, nothing does.
    pub async fn edit(&mut self, text: &str) -> io::Result<String> {
        let (text, status) = self.open(&["VISUAL", "EDITOR"], "vi", text).await?;
        if status.success() { Ok(text) } else { Err(io::Error::other(format!("the editor says {status}"))) }
    }

    /// Opens a text in a program that one of the variables names, and gives back what is in its file afterwards. The file
    /// is readable by the user alone, lies in memory where there is such a place, and is removed.
    async fn open(&mut self, variables: &[&str], otherwise: &str, text: &str) -> io::Result<(String, ExitStatus)> {
        let mut file = tempfile::Builder::new().prefix("pilothouse-").suffix(".yaml").tempfile_in(private_folder())?;
        file.write_all(text.as_bytes())?;
        file.flush()?;
        let chosen = variables.iter().find_map(|name| std::env::var(name).ok());
        let line = chosen.filter(|line| !line.trim().is_empty()).unwrap_or_else(|| otherwise.into());
        let mut words = line.split_whitespace();
        let program = words.next().unwrap_or(otherwise);
        let mut command = tokio::process::Command::new(program);
        command.args(words).arg(file.path());
        // `status` starts the program where it is called, not where it is awaited: the terminal must be given back first.
        let status = self.lend(async move { command.status().await }).await?;
        let status = status.map_err(|error| io::Error::new(error.kind(), format!("{program}: {error}")))?;
        // Read by its path: editors put a new file in its place.
        Ok((std::fs::read_to_string(file.path())?, status))
    }

    /// Gives the terminal back while something else needs it.
    pub async fn lend<T>(&mut self, work: impl Future<Output = T>) -> io::Result<T> {
        give_back();
        let done = work.await;
        self.retake()?;
        Ok(done)
    }

    fn retake(&mut self) -> io::Result<()> {
        enter(self.mouse)?;
        self.renew()
    }

    /// Forgets what is on the screen: the next frame is sent whole. After a resize nobody knows what a terminal kept, not
    /// even when it is as large as before.
    pub fn renew(&mut self) -> io::Result<()> {
        execute!(io::stdout(), Clear(ClearType::All))?;
        // Made anew rather than cleared: clearing asks the terminal where its cursor is, and whoever reads the keys
        // would swallow the answer.
        self.screen = ratatui::Terminal::new(CrosstermBackend::new(io::stdout()))?;
        Ok(())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        give_back();
    }
}

/// A folder in memory for the user alone, or the ordinary one.
fn private_folder() -> PathBuf {
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    runtime
        .into_iter()
        .chain([PathBuf::from("/dev/shm")])
        .find(|folder| folder.is_dir())
        .unwrap_or_else(std::env::temp_dir)
}

fn enter(mouse: bool) -> io::Result<()> {
    enable_raw_mode()?;
    TAKEN.store(true, Ordering::SeqCst);
    execute!(io::stdout(), EnterAlternateScreen, EnableBracketedPaste, cursor::Hide)?;
    if mouse { execute!(io::stdout(), EnableMouseCapture) } else { Ok(()) }
}

/// Gives the terminal back if it is ours. Errors have nobody to hear them: the terminal may be gone (SIGHUP).
pub fn give_back() {
    if TAKEN.swap(false, Ordering::SeqCst) {
        let _ = execute!(io::stdout(), DisableMouseCapture, DisableBracketedPaste, LeaveAlternateScreen, cursor::Show);
        let _ = disable_raw_mode();
    }
}

#[cfg(test)]
mod tests {
    use std::{env, io::Read};

    use portable_pty::{CommandBuilder, PtySize, native_pty_system};

    use super::*;

    /// Its own process in a pseudo-terminal, because it panics for good.
    #[test]
    #[ignore = "started by the test below"]
    fn panics() {
        let _terminal = Terminal::take(true).expect("this runs in a terminal");
        panic!("out of bounds, on purpose");
    }

    #[test]
    fn a_panic_gives_the_terminal_back_before_it_is_told() {
        let pair = native_pty_system().openpty(PtySize::default());
        let pair = pair.expect("a pseudo-terminal");
        let mut command = CommandBuilder::new("sh");
        let program = env::current_exe().expect("this is a program");
        let arguments = "--exact tui::terminal::tests::panics --ignored --nocapture";
        let script = format!("{} {arguments}; echo \"exit $?\"; stty -a", program.display());
        command.args(["-c", &script]);
        let mut child = pair.slave.spawn_command(command).expect("a shell");
        let mut output = pair.master.try_clone_reader().expect("readable");
        drop(pair.slave);
        let mut said = Vec::new();
        // Where the other end of a pseudo-terminal is gone, Linux answers with an error: that is the end.
        let _ = output.read_to_end(&mut said);
        child.wait().expect("it ends");
        let said = String::from_utf8_lossy(&said);
        let place = |wanted: &str| said.find(wanted).unwrap_or_else(|| panic!("no {wanted:?} in {said}"));
        let told = place("out of bounds, on purpose");
        for (on, off) in [("\x1b[?1049h", "\x1b[?1049l"), ("\x1b[?25l", "\x1b[?25h"), ("\x1b[?1003h", "\x1b[?1003l")] {
            assert!(place(on) < place(off) && place(off) < told, "{said}");
        }
        assert!(place("exit 101") > told);
        let state = &said[told..];
        assert!(state.contains(" icanon ") && state.contains(" echo "), "{state}");
    }
}
