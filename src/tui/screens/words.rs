//! How screens call what is done to a release.

use crate::engine;

/// The words of one operation.
pub(super) struct Words {
    /// `roll back`, as in a sentence.
    pub(super) verb: &'static str,
    /// `Roll back`, on a button and in a heading.
    pub(super) button: &'static str,
    /// While it goes on.
    pub(super) doing: &'static str,
    /// Once it went well.
    pub(super) done: &'static str,
    /// Once it did not.
    pub(super) failed: &'static str,
}

/// The tests of a release.
pub(super) const TEST: Words =
    Words { verb: "test", button: "Test", doing: "Testing", done: "Tested", failed: "The tests did not succeed for" };

/// The words of an operation.
pub(super) const fn of(operation: engine::Operation) -> &'static Words {
    match operation {
        engine::Operation::Install => &Words {
            verb: "install",
            button: "Install",
            doing: "Installing",
            done: "Installed",
            failed: "Could not install",
        },
        engine::Operation::Upgrade => &Words {
            verb: "upgrade",
            button: "Upgrade",
            doing: "Upgrading",
            done: "Upgraded",
            failed: "Could not upgrade",
        },
        engine::Operation::Rollback => &Words {
            verb: "roll back",
            button: "Roll back",
            doing: "Rolling back",
            done: "Rolled back",
            failed: "Could not roll back",
        },
        engine::Operation::Uninstall => &Words {
            verb: "uninstall",
            button: "Uninstall",
            doing: "Uninstalling",
            done: "Uninstalled",
            failed: "Could not uninstall",
        },
    }
}
