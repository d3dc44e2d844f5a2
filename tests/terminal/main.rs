//! The program in a real pseudo-terminal, on the sandbox: the terminal comes back, trouble is told, progress is drawn.

mod comes_back;
mod doctor;
mod editor;
mod live;
mod served;
#[path = "../support/terminal.rs"]
mod terminal;
mod trouble;

const PROGRAM: &str = env!("CARGO_BIN_EXE_pilothouse");
