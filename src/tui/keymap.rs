//! One table of actions, their keys, their help and where they apply. Help, footer and palette are drawn from it.

use std::collections::HashMap;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// What a key or a command means. Keys become actions once, at the edge.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the table below describes each action to the user")]
pub enum Action {
    Up,
    Down,
    Top,
    Bottom,
    PageUp,
    PageDown,
    Left,
    Right,
    Open,
    Back,
    NextPane,
    PreviousPane,
    /// Tab by number, from 1.
    Tab(u8),
    Filter,
    SearchNext,
    SearchPrevious,
    Mark,
    DiffMarked,
    Rollback,
    /// `:rollback 9`.
    RollbackTo(u32),
    Upgrade,
    /// `:upgrade ./chart`.
    UpgradeTo(String),
    EditValues,
    Install,
    /// `:install NAME ./chart`.
    InstallAs(String, String),
    Uninstall,
    Test,
    StopTyping,
    Review,
    Undo,
    Redo,
    Sort,
    SortReverse,
    Against,
    Provenance,
    Wrap,
    LessContext,
    MoreContext,
    SideBySide,
    Fold,
    Reveal,
    Copy,
    Pager,
    Logs,
    Namespaces,
    SwitchContext,
    SwitchNamespace,
    ShowOperation,
    ShowLog,
    GoBack,
    GoForward,
    Command,
    Help,
    Refresh,
    Suspend,
    Quit,
    Confirm,
    Cancel,
    Details,
    /// Turns a flag of the review by its number in the row of flags.
    Toggle(u8),
    TakeFields,
    Recreate,
}

impl Action {
    /// The action of the table that this is, with what was typed after its name left out.
    #[must_use]
    pub fn in_table(&self) -> Self {
        match self {
            Self::RollbackTo(_) => Self::Rollback,
            Self::UpgradeTo(_) => Self::Upgrade,
            Self::InstallAs(..) => Self::Install,
            action => action.clone(),
        }
    }
}

/// Where an action applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Place {
    /// Every screen.
    Any,
    /// The home screen.
    Releases,
    /// One release with its tabs.
    Release,
    /// An install or upgrade being put together.
    Draft,
    /// Anywhere where text is typed: no other screen's keys apply, only those that name this place.
    Typing,
    /// The preview that confirms.
    Review,
    /// A running or finished operation.
    Operation,
    /// What was done in this session.
    Log,
}

/// One row of the table.
#[derive(Debug)]
pub struct Spec {
    /// The action.
    pub action: Action,
    /// Its name in the palette and in the configuration.
    pub name: &'static str,
    /// Default keys, separated by spaces.
    pub keys: &'static str,
    /// What it does, for help.
    pub help: &'static str,
    /// One or two words for the footer; empty keeps it out.
    pub hint: &'static str,
    /// Where it applies.
    pub places: &'static [Place],
    /// Whether it leads to a change of the cluster (dim in read-only mode).
    pub mutates: bool,
}

const ANY: &[Place] = &[Place::Any];
const ALSO_TYPING: &[Place] = &[Place::Any, Place::Typing];
const DRAFT: &[Place] = &[Place::Draft, Place::Typing];
const LISTS: &[Place] = &[Place::Releases, Place::Release, Place::Review, Place::Log];
const TEXTS: &[Place] = &[Place::Release, Place::Draft, Place::Review, Place::Operation, Place::Log];
const DIFFS: &[Place] = &[Place::Release, Place::Draft, Place::Review];
const BROWSE: &[Place] = &[Place::Releases, Place::Release];

const fn spec(
    action: Action,
    name: &'static str,
    keys: &'static str,
    help: &'static str,
    hint: &'static str,
    places: &'static [Place],
) -> Spec {
    Spec { action, name, keys, help, hint, places, mutates: false }
}

impl Spec {
    /// One that leads to a change of the cluster.
    const fn changing(mut self) -> Self {
        self.mutates = true;
        self
    }
}

/// Every action, in the order of help and footer.
pub const ACTIONS: &[Spec] = &[
    spec(Action::Open, "open", "enter", "open what is selected", "open", ANY),
    spec(Action::Back, "back", "esc", "clear the filter, then go back", "back", ANY),
    spec(Action::Rollback, "rollback", "r", "review a rollback", "roll back", BROWSE).changing(),
    spec(Action::Upgrade, "upgrade", "u", "draft an upgrade", "upgrade", BROWSE).changing(),
    spec(
        Action::EditValues,
        "edit",
        "e",
        "edit values, and upgrade with them",
        "edit",
        &[Place::Releases, Place::Release, Place::Draft],
    )
    .changing(),
    spec(Action::StopTyping, "stop-typing", "esc", "stop typing: keys are keys again", "stop typing", &[Place::Typing]),
    spec(Action::Undo, "undo", "ctrl-z", "undo", "undo", &[Place::Typing]),
    spec(Action::Redo, "redo", "ctrl-y", "do again what was undone", "redo", &[Place::Typing]),
    spec(Action::Review, "review", "ctrl-s", "review what was drafted", "review", DRAFT),
    spec(Action::Confirm, "confirm", "", "carry out what was reviewed", "", &[Place::Review]),
    spec(Action::TakeFields, "take-fields", "f", "take fields that others own", "take fields", &[Place::Review]),
    spec(
        Action::Recreate,
        "recreate",
        "x",
        "delete the selected object and make it anew, or not",
        "",
        &[Place::Review],
    ),
    spec(Action::Toggle(1), "toggle-1", "1", "change the first flag", "", &[Place::Review]),
    spec(Action::Toggle(2), "toggle-2", "2", "change the second flag", "", &[Place::Review]),
    spec(Action::Toggle(3), "toggle-3", "3", "change the third flag", "", &[Place::Review]),
    spec(Action::Toggle(4), "toggle-4", "4", "change the fourth flag", "", &[Place::Review]),
    spec(Action::Toggle(5), "toggle-5", "5", "change the fifth flag", "", &[Place::Review]),
    spec(Action::Toggle(6), "toggle-6", "6", "change the sixth flag", "", &[Place::Review]),
    spec(Action::Toggle(7), "toggle-7", "7", "change the seventh flag", "", &[Place::Review]),
    spec(Action::Toggle(8), "toggle-8", "8", "change the eighth flag", "", &[Place::Review]),
    spec(Action::Toggle(9), "toggle-9", "9", "change the ninth flag", "", &[Place::Review]),
    spec(Action::Cancel, "cancel", "x", "cancel the operation properly", "cancel", &[Place::Operation]),
    spec(Action::Filter, "filter", "/", "filter a list, search a text", "filter", ANY),
    spec(Action::Mark, "mark", "space", "mark what is selected", "mark", LISTS),
    spec(Action::DiffMarked, "diff", "d", "compare with the marked revision; drift on Releases", "diff", BROWSE),
    spec(
        Action::Against,
        "against",
        "v",
        "compare with previous, marked or live",
        "against",
        &[Place::Release, Place::Draft],
    ),
    spec(Action::Provenance, "provenance", "p", "where this line comes from", "where from", &[Place::Release]),
    spec(Action::Install, "install", "i", "draft an install", "install", BROWSE).changing(),
    spec(Action::Test, "test", "t", "run the tests of a release", "test", BROWSE).changing(),
    spec(Action::Uninstall, "uninstall", "D", "review an uninstall", "uninstall", BROWSE).changing(),
    spec(Action::Tab(1), "changes", "1", "Changes", "", &[Place::Release]),
    spec(Action::Tab(2), "manifest", "2", "Manifest", "", &[Place::Release]),
    spec(Action::Tab(3), "values", "3", "Values; again: computed, difference", "", &[Place::Release]),
    spec(Action::Tab(4), "resources", "4", "Resources", "", &[Place::Release]),
    spec(Action::Tab(5), "hooks", "5", "Hooks", "", &[Place::Release]),
    spec(Action::Tab(6), "notes", "6", "Notes", "", &[Place::Release]),
    spec(Action::Tab(7), "chart", "7", "Chart", "", &[Place::Release]),
    spec(Action::NextPane, "next-pane", "tab", "next pane", "pane", ALSO_TYPING),
    spec(Action::PreviousPane, "previous-pane", "backtab", "previous pane", "", ALSO_TYPING),
    spec(Action::LessContext, "less-context", "{", "fewer unchanged lines", "", DIFFS),
    spec(Action::MoreContext, "more-context", "}", "more unchanged lines", "", DIFFS),
    spec(Action::Fold, "fold", "z", "fold or unfold", "fold", DIFFS),
    spec(Action::SideBySide, "side-by-side", "s", "old and new side by side", "", DIFFS),
    spec(Action::Logs, "logs", "L", "events or logs of the selected object", "", &[Place::Release]),
    spec(Action::Reveal, "reveal", "R", "reveal secrets, or hide them again", "", DIFFS),
    spec(Action::Copy, "copy", "y", "copy", "copy", ANY),
    spec(Action::Pager, "pager", "o", "open in pager or editor", "", TEXTS),
    spec(Action::Wrap, "wrap", "w", "wrap long lines", "", TEXTS),
    spec(Action::SearchNext, "search-next", "n", "next match", "", TEXTS),
    spec(Action::SearchPrevious, "search-previous", "N", "previous match", "", TEXTS),
    spec(Action::Sort, "sort", "S", "sort by the next column", "", &[Place::Releases]),
    spec(Action::SortReverse, "sort-reverse", "I", "reverse the order", "", &[Place::Releases]),
    spec(Action::Namespaces, "namespaces", "b", "show or hide the namespaces pane", "", &[Place::Releases]),
    spec(
        Action::Details,
        "details",
        "p",
        "show or hide the preview pane; all risks",
        "",
        &[Place::Releases, Place::Review],
    ),
    spec(Action::SwitchNamespace, "ns", "ctrl-n", "choose a namespace", "", ANY),
    spec(Action::SwitchContext, "ctx", "ctrl-x", "choose a context", "", ANY),
    spec(Action::ShowOperation, "operation", "ctrl-o", "show the running operation", "", ANY),
    spec(Action::ShowLog, "log", "ctrl-l", "show what was done in this session", "", ANY),
    spec(Action::Up, "up", "k up", "up", "", ANY),
    spec(Action::Down, "down", "j down", "down", "", ANY),
    spec(Action::Top, "top", "g home", "to the top", "", ANY),
    spec(Action::Bottom, "bottom", "G end", "to the bottom", "", ANY),
    spec(Action::PageUp, "page-up", "ctrl-u pageup", "half a page up", "", ANY),
    spec(Action::PageDown, "page-down", "ctrl-d pagedown", "half a page down", "", ANY),
    spec(Action::Left, "left", "h left", "left", "", ANY),
    spec(Action::Right, "right", "l right", "right", "", ANY),
    spec(Action::GoBack, "go-back", "[", "to the screen before", "", ANY),
    spec(Action::GoForward, "go-forward", "]", "to the screen after", "", ANY),
    spec(Action::Refresh, "refresh", "ctrl-r", "read again", "", ANY),
    spec(Action::Suspend, "suspend", "ctrl-z", "suspend the program", "", ANY),
    spec(Action::Command, "command", ":", "type a command", "command", ANY),
    spec(Action::Help, "help", "?", "help for this place", "help", ANY),
    spec(Action::Quit, "quit", "q ctrl-c", "quit", "", ALSO_TYPING),
];

impl Spec {
    /// Whether it applies at a place.
    pub fn applies(&self, place: Place) -> bool {
        self.places.iter().any(|at| *at == place || *at == Place::Any && place != Place::Typing)
    }
}

/// A key as written in the configuration: `r`, `G`, `ctrl-d`, `alt-x`, `space`, `pageup`, `f5`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyPress {
    code: KeyCode,
    modifiers: KeyModifiers,
}

const NAMED: &[(&str, KeyCode)] = &[
    ("enter", KeyCode::Enter),
    ("esc", KeyCode::Esc),
    ("tab", KeyCode::Tab),
    ("backtab", KeyCode::BackTab),
    ("space", KeyCode::Char(' ')),
    ("up", KeyCode::Up),
    ("down", KeyCode::Down),
    ("left", KeyCode::Left),
    ("right", KeyCode::Right),
    ("home", KeyCode::Home),
    ("end", KeyCode::End),
    ("pageup", KeyCode::PageUp),
    ("pagedown", KeyCode::PageDown),
    ("backspace", KeyCode::Backspace),
    ("delete", KeyCode::Delete),
    ("insert", KeyCode::Insert),
];

impl KeyPress {
    /// Reads a key's name; `None` when it is none.
    pub fn parse(name: &str) -> Option<Self> {
        let mut rest = name;
        let mut modifiers = KeyModifiers::NONE;
        loop {
            if let Some(tail) = rest.strip_prefix("ctrl-") {
                (rest, modifiers) = (tail, modifiers | KeyModifiers::CONTROL);
            } else if let Some(tail) = rest.strip_prefix("alt-") {
                (rest, modifiers) = (tail, modifiers | KeyModifiers::ALT);
            } else {
                break;
            }
        }
        let named = NAMED.iter().find(|(known, _)| *known == rest).map(|(_, code)| *code);
        let function = rest.strip_prefix('f').and_then(|number| number.parse().ok()).map(KeyCode::F);
        let mut characters = rest.chars();
        let single = match (characters.next(), characters.next()) {
            (Some(character), None) => Some(KeyCode::Char(character)),
            _ => None,
        };
        Some(Self { code: named.or(function).or(single)?, modifiers })
    }

    /// The event without what differs between terminals: shift is in the character itself.
    pub fn of(event: &KeyEvent) -> Self {
        let modifiers = event.modifiers & (KeyModifiers::CONTROL | KeyModifiers::ALT);
        let code = match event.code {
            KeyCode::Char(character) if modifiers.contains(KeyModifiers::CONTROL) => {
                KeyCode::Char(character.to_ascii_lowercase())
            }
            KeyCode::Tab if event.modifiers.contains(KeyModifiers::SHIFT) => KeyCode::BackTab,
            code => code,
        };
        Self { code, modifiers }
    }

    /// Whether it is a character to type.
    pub fn is_text(&self) -> bool {
        matches!(self.code, KeyCode::Char(_)) && self.modifiers.is_empty()
    }

    /// The terminal event of this key.
    pub fn event(&self) -> KeyEvent {
        KeyEvent::new(self.code, self.modifiers)
    }
}

impl std::fmt::Display for KeyPress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.modifiers.contains(KeyModifiers::CONTROL) {
            f.write_str("ctrl-")?;
        }
        if self.modifiers.contains(KeyModifiers::ALT) {
            f.write_str("alt-")?;
        }
        match self.code {
            KeyCode::Enter => f.write_str("↵"),
            KeyCode::Char(' ') => f.write_str("space"),
            KeyCode::Char(character) => write!(f, "{character}"),
            KeyCode::F(number) => write!(f, "f{number}"),
            code => match NAMED.iter().find(|(_, known)| *known == code) {
                Some((name, _)) => f.write_str(name),
                None => write!(f, "{code:?}"),
            },
        }
    }
}

/// The live keymap: the table with the user's changes.
#[derive(Debug, Clone)]
pub struct Keymap {
    /// Keys of each row of [`ACTIONS`].
    keys: Vec<Vec<KeyPress>>,
}

impl Default for Keymap {
    fn default() -> Self {
        let parse = |spec: &Spec| spec.keys.split_whitespace().filter_map(KeyPress::parse).collect();
        Self { keys: ACTIONS.iter().map(parse).collect() }
    }
}

impl Keymap {
    /// The default keys with some actions' keys replaced; `Err` names an unknown action or key, or a clash.
    pub fn with(changes: &HashMap<String, Vec<String>>) -> Result<Self, String> {
        let parse = |name: &str| KeyPress::parse(name).ok_or_else(|| format!("keys: there is no key {name:?}"));
        let mut keys = Vec::new();
        for spec in ACTIONS {
            let row: Result<Vec<_>, _> = match changes.get(spec.name) {
                Some(names) => names.iter().map(|name| parse(name)).collect(),
                None => spec.keys.split_whitespace().map(parse).collect(),
            };
            keys.push(row?);
        }
        for name in changes.keys() {
            if !ACTIONS.iter().any(|spec| spec.name == name) {
                return Err(format!("keys: there is no action {name:?}"));
            }
        }
        let keymap = Self { keys };
        keymap.clash().map_or(Ok(keymap), Err)
    }

    /// Two actions of one place that want the same key.
    fn clash(&self) -> Option<String> {
        for (index, (spec, keys)) in ACTIONS.iter().zip(&self.keys).enumerate() {
            for (other, others) in ACTIONS.iter().zip(&self.keys).skip(index + 1) {
                let meet = spec.places.iter().any(|place| other.applies(*place))
                    || other.places.iter().any(|place| spec.applies(*place));
                if let Some(key) = keys.iter().find(|key| meet && others.contains(key)) {
                    return Some(format!("keys: {key} is both {} and {}", spec.name, other.name));
                }
            }
        }
        None
    }

    /// The row a key means at a place.
    pub fn resolve(&self, key: KeyPress, place: Place) -> Option<&'static Spec> {
        ACTIONS.iter().zip(&self.keys).find(|(spec, keys)| spec.applies(place) && keys.contains(&key)).map(|row| row.0)
    }

    /// The first key of an action, empty when it has none.
    pub fn key_of(&self, action: &Action) -> String {
        self.rows()
            .find(|(spec, _)| spec.action == *action)
            .and_then(|(_, keys)| keys.first())
            .map(KeyPress::to_string)
            .unwrap_or_default()
    }

    /// Every action with its keys.
    pub fn rows(&self) -> impl Iterator<Item = (&'static Spec, &[KeyPress])> {
        ACTIONS.iter().zip(self.keys.iter().map(Vec::as_slice))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(name: &str, keys: &[&str]) -> HashMap<String, Vec<String>> {
        HashMap::from([(name.to_owned(), keys.iter().map(|key| (*key).to_owned()).collect())])
    }

    #[test]
    fn defaults_have_no_clash_and_all_keys_parse() {
        let keymap = Keymap::with(&HashMap::new()).unwrap_or_else(|error| panic!("{error}"));
        let key = KeyPress::parse("ctrl-d").unwrap_or_else(|| panic!("ctrl-d"));
        assert_eq!(keymap.resolve(key, Place::Releases).map(|spec| spec.name), Some("page-down"));
    }

    #[test]
    fn one_key_may_differ_by_place() {
        let keymap = Keymap::with(&HashMap::new()).unwrap_or_else(|error| panic!("{error}"));
        let key = KeyPress::parse("1").unwrap_or_else(|| panic!("1"));
        assert_eq!(keymap.resolve(key, Place::Release).map(|spec| spec.name), Some("changes"));
        assert_eq!(keymap.resolve(key, Place::Review).map(|spec| spec.name), Some("toggle-1"));
    }

    #[test]
    fn the_users_keys_replace_the_defaults() {
        let keymap = Keymap::with(&changed("rollback", &["f9"])).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(keymap.key_of(&Action::Rollback), "f9");
    }

    #[test]
    fn mistakes_are_named() {
        assert_eq!(
            Keymap::with(&changed("rolback", &["x"])).err().as_deref(),
            Some("keys: there is no action \"rolback\"")
        );
        assert_eq!(
            Keymap::with(&changed("rollback", &["hyper-x"])).err().as_deref(),
            Some("keys: there is no key \"hyper-x\"")
        );
        assert_eq!(
            Keymap::with(&changed("rollback", &["y"])).err().as_deref(),
            Some("keys: y is both rollback and copy")
        );
    }

    #[test]
    fn ctrl_d_never_changes_anything() {
        let key = KeyPress::parse("ctrl-d").unwrap_or_else(|| panic!("ctrl-d"));
        let keymap = Keymap::with(&HashMap::new()).unwrap_or_else(|error| panic!("{error}"));
        for place in [Place::Releases, Place::Release, Place::Review, Place::Operation, Place::Log] {
            assert!(keymap.resolve(key, place).is_some_and(|spec| !spec.mutates));
        }
    }
}
