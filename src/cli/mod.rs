//! Headless commands: Helm's flags, output and exit codes. One file a verb.

/// Runs a command line (without the program name); returns the exit code. Standard output is Helm's.
pub async fn run(_args: Vec<String>) -> u8 {
    todo!()
}
