//! A command line as a shell would run it, on a cluster that is handed in.

use std::{
    collections::BTreeMap,
    io::Write,
    sync::{Arc, Mutex},
};

use jiff::tz::TimeZone;
use pilothouse::{
    cli::{self, Request, console::Console, settings::Env},
    cluster::Cluster,
    engine::world::Zone,
};

/// What a command printed, and its exit code.
#[derive(Debug, Default, PartialEq)]
pub struct Answer {
    pub out: String,
    pub err: String,
    pub code: u8,
}

/// Words of a line, quotes as a shell reads them.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote, mut begun) = (Vec::new(), String::new(), None, false);
    for character in line.chars() {
        match (character, quote) {
            ('\'' | '"', None) => (quote, begun) = (Some(character), true),
            (end, Some(open)) if end == open => quote = None,
            (' ', None) if begun => {
                words.push(std::mem::take(&mut word));
                begun = false;
            }
            (' ', None) => {}
            (other, _) => {
                word.push(other);
                begun = true;
            }
        }
    }
    if begun {
        words.push(word);
    }
    words
}

#[derive(Clone, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Buffer {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

/// Runs a line, `NAME=value` before it being environment, on a cluster.
pub async fn run(line: &str, cluster: &Cluster) -> Answer {
    let mut vars =
        BTreeMap::from([("HOME".to_owned(), "/root".to_owned()), ("KUBECONFIG".to_owned(), "/nonexistent".to_owned())]);
    let mut args = words(line);
    while let Some((name, value)) = args.first().and_then(|word| word.split_once('=')) {
        if name.is_empty() || name.contains(|letter: char| !letter.is_uppercase() && letter != '_') {
            break;
        }
        vars.insert(name.to_owned(), value.to_owned());
        args.remove(0);
    }
    let zone = vars.get("TZ").map_or("UTC", String::as_str);
    let env = Env {
        zone: Zone::Known(TimeZone::get(zone).unwrap()),
        vars,
        program: "pilothouse".to_owned(),
        terminal: false,
        error_terminal: false,
    };
    let (out, err) = (Buffer::default(), Buffer::default());
    let Request::Command(command) = cli::request(&args, env) else {
        panic!("{line} opens the screen");
    };
    let console = Console::new(out.clone(), err.clone());
    let code = cli::run(*command, console, Some(cluster.clone())).await;
    Answer { out: out.text(), err: err.text(), code }
}
