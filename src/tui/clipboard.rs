//! The clipboard: the platform's own tool, else the terminal's (OSC 52).

use std::{process::Stdio, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use tokio::{io::AsyncWriteExt, process::Command};

/// Tools, the environment variable they need, and their arguments.
const TOOLS: &[(&str, &str, &[&str])] =
    &[("wl-copy", "WAYLAND_DISPLAY", &[]), ("xclip", "DISPLAY", &["-selection", "clipboard"]), ("pbcopy", "HOME", &[])];

/// Hands a text to the first tool that takes it and names the tool; `None` when none does.
pub async fn copy(text: &str) -> Option<String> {
    for (tool, variable, arguments) in TOOLS {
        let offered = *tool != "pbcopy" || cfg!(target_os = "macos");
        if offered && std::env::var_os(variable).is_some() && feed(tool, arguments, text).await.is_some() {
            return Some((*tool).to_owned());
        }
    }
    None
}

async fn feed(tool: &str, arguments: &[&str], text: &str) -> Option<()> {
    let mut child = Command::new(tool)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .ok()?;
    let mut input = child.stdin.take()?;
    let work = async {
        input.write_all(text.as_bytes()).await.ok()?;
        drop(input);
        child.wait().await.ok()?.success().then_some(())
    };
    tokio::time::timeout(Duration::from_secs(2), work).await.ok()?
}

/// The escape sequence by which a terminal takes a text onto its clipboard.
pub fn osc52(text: &str) -> String {
    format!("\u{1b}]52;c;{}\u{7}", STANDARD.encode(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn osc52_carries_base64_only() {
        assert_eq!(osc52("hi\u{1b}]"), "\u{1b}]52;c;aGkbXQ==\u{7}");
    }
}
