//! Values in the user's own editor.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use crate::{PROGRAM, terminal::Terminal};

#[test]
fn values_go_to_the_editor_in_a_file_for_the_user_alone_which_is_gone_afterwards() {
    let folder = tempfile::tempdir().expect("a folder");
    let (editor, seen) = (folder.path().join("editor"), folder.path().join("seen"));
    let script = format!(
        "#!/bin/sh\nstat -c '%a %n' \"$1\" > {}\nsed 's/pager/phone/' \"$1\" > \"$1.new\" && mv \"$1.new\" \"$1\"\n",
        seen.display()
    );
    fs::write(&editor, script).expect("written");
    fs::set_permissions(&editor, fs::Permissions::from_mode(0o700)).expect("it can be run");
    let editor = editor.display().to_string();
    let vars = [("EDITOR", editor.as_str()), ("VISUAL", editor.as_str())];
    let mut terminal = Terminal::start(PROGRAM, &["--sandbox"], &vars, (120, 40));
    terminal.wait_for("▸ alerts ");
    terminal.keys("u");
    terminal.wait_for("receiver: pager");
    terminal.keys("o");
    terminal.wait_for("+   receiver: phone");
    let told = fs::read_to_string(&seen).expect("the editor ran");
    let (mode, path) = told.trim().split_once(' ').expect("mode and path");
    assert_eq!(mode, "600");
    assert!(!Path::new(path).exists(), "{path} is still there");
    terminal.keys("q");
    assert_eq!(terminal.wait_exit(), 0);
}
