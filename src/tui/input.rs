//! What is typed, read by a task of its own so that whatever arrived already can be asked for.

use crossterm::event::{Event as Raw, EventStream};
use futures::StreamExt;
use tokio::{sync::mpsc, task::JoinHandle};

use super::event::Event;

/// How much may be typed ahead.
const AHEAD: usize = 256;

/// The terminal's input. While it exists it alone reads the terminal.
pub struct Input {
    receiver: mpsc::Receiver<Event>,
    reader: JoinHandle<()>,
    gone: bool,
}

impl Input {
    /// Begins to read.
    pub fn open() -> Self {
        let (sender, receiver) = mpsc::channel(AHEAD);
        let reader = tokio::spawn(async move {
            let mut stream = EventStream::new();
            while let Some(Ok(raw)) = stream.next().await {
                if let Some(event) = translate(raw)
                    && sender.send(event).await.is_err()
                {
                    return;
                }
            }
        });
        Self { receiver, reader, gone: false }
    }

    /// The next event. When the terminal is gone: [`Event::Terminate`] once, then nothing any more.
    pub async fn next(&mut self) -> Event {
        match self.receiver.recv().await {
            Some(event) => event,
            None if self.gone => std::future::pending().await,
            None => {
                self.gone = true;
                Event::Terminate
            }
        }
    }

    /// The next event if there is one already.
    pub fn ready(&mut self) -> Option<Event> {
        self.receiver.try_recv().ok()
    }

    /// Stops reading, so that another program can, until [`Self::open`] makes another.
    pub async fn close(&mut self) {
        self.reader.abort();
        // It was aborted: how it ended says nothing.
        let _ = (&mut self.reader).await;
    }
}

fn translate(raw: Raw) -> Option<Event> {
    match raw {
        Raw::Key(key) => Some(Event::Key(key)),
        Raw::Mouse(mouse) => Some(Event::Mouse(mouse)),
        Raw::Paste(text) => Some(Event::Paste(text)),
        Raw::Resize(columns, rows) => Some(Event::Resize(columns, rows)),
        Raw::FocusGained | Raw::FocusLost => None,
    }
}
