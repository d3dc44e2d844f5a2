//! Where a command writes.

use std::{
    io::{self, BufWriter, ErrorKind, Write},
    sync::{Arc, Mutex, PoisonError},
};

use super::report::Report;

/// How much is gathered before it is written: what a pipe holds.
const BUFFER: usize = 64 * 1024;

/// Standard output and standard error, or buffers in tests. Clones write to the same place.
#[derive(Clone)]
pub struct Console {
    out: Sink,
    err: Sink,
}

type Sink = Arc<Mutex<Box<dyn Write + Send>>>;

impl Console {
    /// Writes to the given places.
    pub fn new(out: impl Write + Send + 'static, err: impl Write + Send + 'static) -> Self {
        Self { out: Arc::new(Mutex::new(Box::new(out))), err: Arc::new(Mutex::new(Box::new(err))) }
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
        write(&self.out, bytes).map_err(refused)
    }

    /// As [`Console::print`], one text after the other.
    pub fn print_all<'a>(&self, texts: impl IntoIterator<Item = &'a str>) -> Result<(), Report> {
        let mut sink = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        let mut out = BufWriter::with_capacity(BUFFER, &mut *sink);
        let written = texts.into_iter().try_for_each(|text| out.write_all(text.as_bytes()));
        written.and_then(|()| out.flush()).map_err(refused)
    }

    /// Writes a line to standard error. Nothing can be done when that fails.
    pub fn note(&self, line: &str) {
        let _ = write(&self.err, format!("{line}\n").as_bytes());
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
