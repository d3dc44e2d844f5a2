//! What screens ask for: data, so that updating stays pure.

use std::sync::Arc;

use super::{
    app::Flash,
    keymap::Action,
    layers::Layer,
    log::Entry,
    screens::{Screen, ScreenId},
    tasks::Task,
};
use crate::cluster::ConnectOptions;

/// Names a task within its owner: starting another in the same slot cancels the one before.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Slot(pub &'static str, pub String);

impl Slot {
    /// A slot there is one of.
    pub fn of(name: &'static str) -> Self {
        Self(name, String::new())
    }
}

/// What an update asks for. The app carries out the first group itself; the others leave it.
pub enum Effect {
    // Carried out by the app
    /// Open a screen on top of the asking one.
    Show(Box<Screen>),
    /// Open a screen in the place of the asking one.
    Replace(Box<Screen>),
    /// Go back to the screen before.
    Back,
    /// Put a layer over the screen.
    Layer(Box<Layer>),
    /// Show a line for some seconds.
    Flash(Flash),
    /// Write into the session's log.
    Log(Entry),
    /// Act as if this action's key was pressed.
    Do(Action),
    /// Run what was typed after `:`.
    Command(String),
    /// Hand the filter line's text to the screen.
    Filter(String),
    /// Connect to another context.
    UseContext(String),
    /// Show this namespace only; empty shows all.
    UseNamespace(String),
    /// The connection is live, or not.
    Live(Live),
    /// How many releases there are, for the header.
    Count(usize),
    /// Put a text on the clipboard.
    Copy(String),
    /// Leave now; running operations are cancelled properly first.
    CancelAndQuit,
    /// Leave as soon as nothing runs.
    WaitAndQuit,

    // Carried out by the tasks
    /// Start a task.
    Run(Slot, Task),
    /// Start a task unless one runs in the slot already.
    RunOnce(Slot, Task),
    /// Cancel the task in a slot.
    Cancel(Slot),
    /// Cancel every task of the asking owner (it is gone).
    CancelAll,

    // Carried out by whoever owns the terminal
    /// Connect with the terminal in the hands of the credential plugin.
    LogIn(Box<ConnectOptions>),
    /// Show a text in the user's pager.
    Pager(Arc<str>),
    /// Let a text be changed in the user's editor.
    Edit(String),
    /// Write a control sequence of ours to the terminal.
    Sequence(String),
    /// Set the window's title.
    Title(String),
    /// Stop as ctrl-z does.
    Suspend,
    /// Send the next frame whole.
    Redraw,
    /// Leave.
    Exit,
}

/// An effect and who asked for it.
pub struct Job {
    /// The asking screen, or the app.
    pub owner: ScreenId,
    /// What it asked for.
    pub effect: Effect,
}

/// Whether what is shown follows the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Live {
    /// Not connected yet.
    Connecting,
    /// The watch runs.
    Live,
    /// The watch broke at this time (seconds since 1970) and is being restored.
    Reconnecting(i64),
    /// There is no connection.
    Down,
}
