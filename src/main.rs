//! Chooses the terminal program or a headless command.

mod logging;

use std::process::ExitCode;

use pilothouse::{
    cli::{self, Request, Screen, console::Console, settings::Env},
    tui,
};
use tokio::runtime::{Builder, Runtime};

fn main() -> ExitCode {
    let args: Vec<String> =
        std::env::args_os().skip(1).map(|argument| argument.to_string_lossy().into_owned()).collect();
    let console = Console::of_process();
    let request = cli::request(&args, Env::of_process());
    let runtime = match runtime(&request) {
        Ok(runtime) => runtime,
        Err(error) => {
            console.note(&format!("Error: the runtime does not start: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let code = runtime.block_on(async {
        match request {
            Request::Command(command) => {
                if command.wants_debug() {
                    logging::to_standard_error();
                }
                cli::run(*command, console, None).await
            }
            Request::Screen(screen) => {
                logging::to_file();
                show(*screen, &console).await
            }
        }
    });
    // A request that hangs must not keep the program from ending.
    runtime.shutdown_background();
    ExitCode::from(code)
}

/// Threads and connections cost more than a small chart takes to render: only what talks to a cluster gets them.
fn runtime(request: &Request) -> std::io::Result<Runtime> {
    match request {
        Request::Command(command) if command.is_offline() => Builder::new_current_thread().build(),
        _ => Runtime::new(),
    }
}

async fn show(screen: Screen, console: &Console) -> u8 {
    let driver = match screen.driver {
        Ok(driver) => driver,
        Err(error) => {
            console.note(&format!("Error: {error}"));
            return 1;
        }
    };
    let options = tui::Options {
        connect: screen.connect,
        sandbox: screen.sandbox,
        read_only: screen.read_only,
        driver,
        config: screen.config,
        plain: screen.plain,
        ascii: false,
    };
    match tui::run(options).await {
        Ok(()) => 0,
        Err(error) => {
            console.note(&format!("Error: {error}"));
            1
        }
    }
}
