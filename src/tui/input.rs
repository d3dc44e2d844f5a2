//! What is typed, read by a task of its own so that whatever arrived already can be asked for.

use crossterm::event::{Event as Raw, EventStream};
use futures::StreamExt;
use tokio::{
    sync::mpsc::{self, error::TryRecvError},
    task::JoinHandle,
};

use super::event::Event;

/// How much may be typed ahead.
const AHEAD: usize = 256;

/// The terminal's input. While it exists it alone reads the terminal.
pub struct Input {
    receiver: mpsc::Receiver<Event>,
    reader: JoinHandle<()>,
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
        Self { receiver, reader }
    }

    /// The next event; [`Event::Terminate`] when the terminal is gone.
    pub async fn next(&mut self) -> Event {
        self.receiver.recv().await.unwrap_or(Event::Terminate)
    }

    /// The next event if there is one already.
    pub fn ready(&mut self) -> Option<Event> {
        match self.receiver.try_recv() {
            Ok(event) => Some(event),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => Some(Event::Terminate),
        }
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
