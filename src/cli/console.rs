//! Where a command writes.

use std::{
    io::{self, BufWriter, ErrorKind, Write},
    sync::{Arc, Mutex, PoisonError},
};

use super::report::Report;

/// How much is gathered before it is written: what a pipe holds.
const BUFFER: usize = 64 * 1024;

/// How large a terminal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Columns.
    pub columns: usize,
    /// Rows.
    pub rows: usize,
}

impl Size {
    /// Of the terminal at standard error; what terminals usually have where it does not say.
    pub fn of_terminal() -> Self {
        let told = rustix::termios::tcgetwinsize(std::io::stderr()).ok();
        let told = told.filter(|size| size.ws_col > 0 && size.ws_row > 0);
        told.map_or(Self { columns: 80, rows: 24 }, |size| Self {
            columns: size.ws_col.into(),
            rows: size.ws_row.into(),
        })
    }
}

/// Standard output and standard error, or buffers in tests. Clones write to the same place.
#[derive(Clone)]
pub struct Console {
    out: Sink,
    err: Sink,
    block: Arc<Mutex<Block>>,
}

/// Lines at the end of the terminal that are drawn again.
#[derive(Default)]
struct Block {
    lines: Vec<String>,
    /// How wide the terminal was when they were drawn.
    columns: usize,
}

type Sink = Arc<Mutex<Box<dyn Write + Send>>>;

impl Console {
    /// Writes to the given places.
    pub fn new(out: impl Write + Send + 'static, err: impl Write + Send + 'static) -> Self {
        let sink = |stream: Box<dyn Write + Send>| Arc::new(Mutex::new(stream));
        Self { out: sink(Box::new(out)), err: sink(Box::new(err)), block: Arc::default() }
    }

    /// This process's own streams.
    pub fn of_process() -> Self {
        Self::new(io::stdout(), io::stderr())
    }

    /// Writes text to standard output as it is. A closed reader ends the command quietly.
    pub fn print(&self, text: &str) -> Result<(), Report> {
        self.print_bytes(text.as_bytes())
    }

    /// As [`Console::print`], for what may be no text.
    pub fn print_bytes(&self, bytes: &[u8]) -> Result<(), Report> {
        self.above(|| write(&self.out, bytes)).map_err(refused)
    }

    /// As [`Console::print`], one text after the other.
    pub fn print_all<'a>(&self, texts: impl IntoIterator<Item = &'a str>) -> Result<(), Report> {
        let written = self.above(|| {
            let mut sink = self.out.lock().unwrap_or_else(PoisonError::into_inner);
            let mut out = BufWriter::with_capacity(BUFFER, &mut *sink);
            let written = texts.into_iter().try_for_each(|text| out.write_all(text.as_bytes()));
            written.and_then(|()| out.flush())
        });
        written.map_err(refused)
    }

    /// Writes a line to standard error. Nothing can be done when that fails.
    pub fn note(&self, line: &str) {
        let _ = self.above(|| write(&self.err, format!("{line}\n").as_bytes()));
    }

    /// Draws lines on standard error, a terminal, in the place of those drawn before; whatever is written otherwise comes
    /// above them. They fit into the terminal.
    pub fn draw(&self, lines: &[String], size: Size) {
        let mut block = self.block.lock().unwrap_or_else(PoisonError::into_inner);
        if block.lines == lines && block.columns == size.columns {
            return;
        }
        // Where the terminal got smaller, nobody knows what became of the lines: they are left, and others drawn below.
        let is_there = block.columns <= size.columns && block.lines.len() < size.rows;
        let place = if is_there { block.first() } else { String::new() };
        *block = Block { lines: lines.to_vec(), columns: size.columns };
        let _ = write(&self.err, format!("{place}{}", block.text()).as_bytes());
    }

    /// Leaves the drawn lines where they are.
    pub fn leave(&self) {
        *self.block.lock().unwrap_or_else(PoisonError::into_inner) = Block::default();
    }

    /// Writes above the drawn lines, where there are any.
    fn above<T>(&self, written: impl FnOnce() -> T) -> T {
        let block = self.block.lock().unwrap_or_else(PoisonError::into_inner);
        if block.lines.is_empty() {
            return written();
        }
        let _ = write(&self.err, format!("{}\u{1b}[J", block.first()).as_bytes());
        let result = written();
        let _ = write(&self.err, block.text().as_bytes());
        result
    }
}

impl Block {
    /// Goes to the first of the lines.
    fn first(&self) -> String {
        match self.lines.len() {
            0 => String::new(),
            lines => format!("\r\u{1b}[{lines}A"),
        }
    }

    /// Draws over what is there, and clears what follows.
    fn text(&self) -> String {
        let lines = self.lines.iter().map(|line| format!("{line}\u{1b}[K\n"));
        lines.chain(["\u{1b}[J".to_owned()]).collect()
    }
}

/// Why standard output takes no more.
fn refused(error: io::Error) -> Report {
    match error.kind() {
        ErrorKind::BrokenPipe => Report::closed(),
        _ => Report::new(format!("unable to write output: {error}")),
    }
}

fn write(sink: &Sink, text: &[u8]) -> io::Result<()> {
    let mut sink = sink.lock().unwrap_or_else(PoisonError::into_inner);
    sink.write_all(text)?;
    sink.flush()
}

#[cfg(test)]
mod tests {
    use std::num::NonZero;

    use super::*;

    /// A screen of vt100's that both streams write to.
    #[derive(Clone)]
    struct Screen(Arc<Mutex<vt100::Parser>>);

    impl Write for Screen {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            // What the terminal's line discipline makes of a line break.
            let text = String::from_utf8_lossy(bytes).replace('\n', "\r\n");
            self.0.lock().expect("nobody panics").process(text.as_bytes());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn screen(rows: u16, columns: u16) -> (Console, Screen) {
        let cells = |number| NonZero::new(number).expect("a screen has cells");
        let screen = Screen(Arc::new(Mutex::new(vt100::Parser::new(cells(rows), cells(columns), 0))));
        (Console::new(screen.clone(), screen.clone()), screen)
    }

    #[track_caller]
    fn check(screen: &Screen, expected: &str) {
        assert_eq!(screen.0.lock().expect("nobody panics").screen().contents(), expected);
    }

    #[test]
    fn what_is_written_comes_above_what_is_drawn() {
        let (console, screen) = screen(10, 20);
        let size = Size { columns: 20, rows: 10 };
        let draw = |lines: &[&str]| console.draw(&lines.iter().map(ToString::to_string).collect::<Vec<_>>(), size);
        console.note("first");
        draw(&["one", "two", "three"]);
        draw(&["one, longer", "two"]);
        console.note("a note");
        console.print("output\n").expect("it is written");
        check(&screen, "first\na note\noutput\none, longer\ntwo");
        draw(&["done"]);
        console.leave();
        console.note("last");
        check(&screen, "first\na note\noutput\ndone\nlast");
    }

    #[test]
    fn in_a_terminal_that_got_smaller_nothing_else_is_overwritten() {
        let (console, screen) = screen(10, 20);
        let draw = |line: &str, columns| console.draw(&[line.to_owned()], Size { columns, rows: 10 });
        console.note("first");
        draw("one", 20);
        draw("two", 10);
        draw("three", 10);
        check(&screen, "first\none\nthree");
    }
}
