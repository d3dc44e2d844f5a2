//! Chooses the terminal program or a headless command.

use std::process::ExitCode;

use pilothouse::cli::{self, Request, console::Console, settings::Env};

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args_os()
        .skip(1)
        .map(|argument| argument.to_string_lossy().into_owned())
        .collect();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            Console::of_process().note(&format!("Error: the runtime does not start: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let code = runtime.block_on(async {
        match cli::request(&args, Env::of_process()) {
            Request::Command(command) => cli::run(command, Console::of_process(), None).await,
            Request::Screen(_) => {
                Console::of_process()
                    .note("Error: the terminal program is not built in yet; see pilothouse --help");
                1
            }
        }
    });
    // A request that hangs must not keep the program from ending.
    runtime.shutdown_background();
    ExitCode::from(code)
}
