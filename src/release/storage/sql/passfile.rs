//! Passwords in a file like `~/.pgpass` (lib/pq `internal/pgpass`).

use std::path::Path;

/// The password that a file holds for host, port, database and user. A file that others may read counts for nothing.
pub(super) fn password(file: &Path, wanted: [&str; 4]) -> Option<String> {
    if !is_private(file) {
        return None;
    }
    let text = std::fs::read_to_string(file).ok()?;
    text.lines().find_map(|line| of_line(line, wanted))
}

fn of_line(line: &str, wanted: [&str; 4]) -> Option<String> {
    let mut fields = vec![String::new()];
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        if character == ':' {
            fields.push(String::new());
            continue;
        }
        let character = if character == '\\' { characters.next()? } else { character };
        fields.last_mut()?.push(character);
    }
    let [known @ .., password] = fields.as_slice() else { return None };
    let fits = |(known, wanted): (&String, &str)| known == "*" || known == wanted;
    let all = known.len() == wanted.len() && known.iter().zip(wanted).all(fits);
    (all && !line.starts_with('#')).then(|| password.clone())
}

#[cfg(unix)]
fn is_private(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    file.metadata().is_ok_and(|found| found.permissions().mode() & 0o077 == 0)
}

#[cfg(not(unix))]
fn is_private(_: &Path) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, expected: Option<&str>) {
        assert_eq!(of_line(line, ["db", "5432", "helm", "me"]).as_deref(), expected);
    }

    #[test]
    fn a_line_fits_by_its_first_four_fields() {
        check("db:5432:helm:me:secret", Some("secret"));
        check("*:*:*:*:a b#c", Some("a b#c"));
        check(r"db:*:helm:me:a\:b\\c", Some(r"a:b\c"));
        check("db:5432:helm:you:secret", None);
        check("#db:5432:helm:me:secret", None);
        check("*:*:*:secret", None);
        check("*:*:*:*:secret:more", None);
        check("", None);
    }

    #[test]
    #[cfg(unix)]
    fn a_file_that_others_read_does_not_count() {
        use std::os::unix::fs::PermissionsExt as _;
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "# mine\n*:*:*:you:no\n*:*:*:*:secret\n").unwrap();
        let found = |mode| {
            std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(mode)).unwrap();
            password(file.path(), ["db", "5432", "helm", "me"])
        };
        assert_eq!(found(0o600).as_deref(), Some("secret"));
        assert_eq!(found(0o640), None);
    }
}
