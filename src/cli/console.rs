//! Where a command writes.

use std::{
    io::{ErrorKind, Write},
    sync::{Arc, Mutex, PoisonError},
};

use super::report::Report;

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
        Self::new(std::io::stdout(), std::io::stderr())
    }

    /// Writes text to standard output as it is. A closed reader ends the command quietly.
    pub fn print(&self, text: &str) -> Result<(), Report> {
        self.print_bytes(text.as_bytes())
    }

    /// As [`Console::print`], for what may be no text.
    pub fn print_bytes(&self, bytes: &[u8]) -> Result<(), Report> {
        write(&self.out, bytes).map_err(|error| match error.kind() {
            ErrorKind::BrokenPipe => Report::closed(),
            _ => Report::new(format!("unable to write output: {error}")),
        })
    }

    /// Writes a line to standard error. Nothing can be done when that fails.
    pub fn note(&self, line: &str) {
        let _ = write(&self.err, format!("{line}\n").as_bytes());
    }
}

fn write(sink: &Sink, text: &[u8]) -> std::io::Result<()> {
    let mut sink = sink.lock().unwrap_or_else(PoisonError::into_inner);
    sink.write_all(text)?;
    sink.flush()
}
