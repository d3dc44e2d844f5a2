//! `doctor --repair` asks on a terminal.

use pilothouse::release::Status;

use crate::{
    PROGRAM,
    served::{Served, release},
    terminal::Terminal,
};

fn repair(served: &Served, folder: &tempfile::TempDir) -> Terminal {
    let kubeconfig = served.kubeconfig();
    let folder = folder.path().display().to_string();
    let args = ["doctor", "--repair", "--abandoned-after", "0s", "--backup-dir", &folder];
    let terminal = Terminal::start(PROGRAM, &args, &[("KUBECONFIG", &kubeconfig)], (100, 30));
    terminal.wait_for("Repair 1 of 1 findings? [y/N]");
    terminal
}

#[test]
fn a_repair_is_asked_for() {
    let served = Served::with_release();
    served.add(release("web", 2, Status::PendingUpgrade));
    let folder = tempfile::tempdir().expect("a folder");
    let mut terminal = repair(&served, &folder);
    terminal.keys("<enter>");
    terminal.wait_for("Error: nothing was changed");
    assert_eq!(terminal.wait_exit(), 1);
    assert_eq!(served.statuses("web"), ["deployed", "pending-upgrade"]);

    let mut terminal = repair(&served, &folder);
    terminal.keys("y<enter>");
    terminal.wait_for("written anew");
    assert_eq!(terminal.wait_exit(), 0);
    assert_eq!(served.statuses("web"), ["deployed", "failed"]);
}
