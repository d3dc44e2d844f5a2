//! What happens to the program: one closed set.

use std::sync::Arc;

use crossterm::event::{KeyEvent, MouseEvent};

use super::{
    effect::Slot,
    highlight::Highlighter,
    keymap::Action,
    report::Report,
    screens::ScreenId,
    tasks::{Answer, Fault, Rendered},
    widgets::{diff::Section, text::TextLine},
};
use crate::{
    cluster::{Cluster, ContextInfo, logs::EventInfo, read::NamespaceInfo, read::Target},
    engine::{Outcome, Prepared, Preview, Progress, browse::ResourceNode, provenance::Provenance, test::Tested},
    manifest::Object,
    release::{RecordMeta, Release, codec::Summary, storage::StorageEvent},
    sandbox::Sandbox,
};

/// Everything the run loop can hear.
pub enum Event {
    /// A key was pressed.
    Key(KeyEvent),
    /// Text was pasted.
    Paste(String),
    /// The text that an editor was given came back.
    Edited(String),
    /// The mouse did something (only when switched on).
    Mouse(MouseEvent),
    /// The terminal has this many columns and rows.
    Resize(u16, u16),
    /// SIGTERM or SIGHUP: leave, giving a running operation its chance to end properly.
    Terminate,
    /// Time moved on; ages and expiring things want a look.
    Clock,
    /// A task tells its owner something.
    News(ScreenId, Slot, News),
    /// A task ended, whatever came of it.
    Ended(ScreenId, Slot),
}

/// What tasks tell. Grouped by domain.
pub enum News {
    // Connection
    /// The connection was made, or not; nothing was asked of the server yet. A sandbox lives as long as it is held.
    Connected(Result<Cluster, Report>, Option<Sandbox>),
    /// The server's version: it answers.
    Version(Result<String, Report>),
    /// The kubeconfig's contexts.
    Contexts(Result<Vec<ContextInfo>, Report>),
    /// The namespaces the user may list.
    Namespaces(Result<Vec<NamespaceInfo>, Report>),

    // Records
    /// The live list of a scope (a namespace, or all when empty) changed.
    Records(String, Box<StorageEvent>),
    /// Chart and app of a record.
    Summary(Box<RecordMeta>, Result<Box<Summary>, Report>),
    /// A record was decoded; the record's name comes back with it.
    Decoded(Box<RecordMeta>, Result<Arc<Release>, Report>),
    /// Health (ready, total) and number of drifted objects of a release.
    Condition(Box<RecordMeta>, Result<((u32, u32), usize), Report>),
    /// A release's revisions, ascending.
    History(Result<Vec<RecordMeta>, Report>),

    // One release
    /// Changes between two sides, ready to show.
    Changes(Result<Arc<Vec<Section>>, Report>),
    /// A text that took work to make.
    Text(Vec<TextLine>),
    /// Where the lines of a revision's manifest come from.
    Provenance(Result<Box<Provenance>, Report>),
    /// The resources of a revision, live.
    Resources(Result<Vec<ResourceNode>, Report>),
    /// Some watched object changed.
    Touched(Target, Option<Box<Object>>),
    /// Events about an object.
    ObjectEvents(Result<Vec<EventInfo>, Report>),
    /// Lines of a log.
    LogLines(Vec<String>),
    /// A log ended or could not be read.
    LogEnded(Result<(), Report>),

    // Operations
    /// The revision that an upgrade starts from.
    InForce(Result<Arc<Release>, Report>),
    /// What was typed of an install or upgrade was rendered, or cannot be.
    Rendered(Result<Box<Rendered>, Box<Fault>>),
    /// What the cluster says to what was rendered.
    Answered(Result<Box<Answer>, Report>),
    /// What is asked for was prepared and previewed.
    Previewed(Result<Box<(Prepared, Preview)>, Report>),
    /// A running operation reports.
    Progress(Box<Progress>),
    /// An operation ended.
    Executed(Result<Box<Outcome>, Report>),
    /// Tests ended.
    Tested(Result<Box<Tested>, Report>),

    // The program itself
    /// Text was copied; says by what.
    Copied(String),
    /// There is no clipboard tool for this text; the terminal has to take it.
    NoClipboard(String),
    /// A task failed in a way it should not.
    Broken(Report),
    /// The syntax definitions are loaded.
    Highlighter(Arc<Highlighter>),
}

/// What a screen hears.
pub enum ScreenEvent {
    /// It was opened, or the connection came (again): ask for what is shown.
    Opened,
    /// It is looked at again after another screen was.
    Shown,
    /// An action that is not the frame's own.
    Action(Action),
    /// A key was pressed while the screen takes typing.
    Key(KeyEvent),
    /// Text was pasted while the screen takes typing.
    Paste(String),
    /// The text that an editor was given came back.
    Edited(String),
    /// The text of the filter or search line changed.
    Filter(String),
    /// One of its tasks tells something.
    News(Slot, News),
    /// A task of its ended.
    Ended(Slot),
    /// Something every screen may care about changed: namespace filter, reveal, read-only.
    Changed,
}
