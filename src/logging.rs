//! Where `tracing` goes: a file for the full-screen program, standard error for `--debug`.

use std::{
    fs::{self, File, OpenOptions},
    io,
    sync::Mutex,
};

use pilothouse::cli::settings::state_folder;
use tracing_subscriber::EnvFilter;

/// What the file may grow to before a start empties it, in bytes.
const LIMIT: u64 = 4 << 20;

/// Logs to standard error, everything this program says.
pub fn to_standard_error() {
    tracing_subscriber::fmt()
        .with_env_filter(filter("pilothouse=debug"))
        .with_writer(io::stderr)
        .with_ansi(false)
        .init();
}

/// Logs to `pilothouse.log` where the platform keeps state. The program works without it when that cannot be written.
pub fn to_file() {
    if let Ok(file) = open() {
        tracing_subscriber::fmt()
            .with_env_filter(filter("pilothouse=info"))
            .with_writer(Mutex::new(file))
            .with_ansi(false)
            .init();
    }
}

/// `PILOTHOUSE_LOG` in the form of `RUST_LOG`, or the default.
fn filter(default: &str) -> EnvFilter {
    EnvFilter::try_from_env("PILOTHOUSE_LOG").unwrap_or_else(|_| EnvFilter::new(default))
}

fn open() -> io::Result<File> {
    let folder = state_folder().ok_or(io::ErrorKind::NotFound)?;
    fs::create_dir_all(&folder)?;
    let path = folder.join("pilothouse.log");
    if fs::metadata(&path).is_ok_and(|known| known.len() > LIMIT) {
        fs::remove_file(&path)?;
    }
    OpenOptions::new().create(true).append(true).open(path)
}
