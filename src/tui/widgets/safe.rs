//! Text from a cluster, safe to draw, cut to columns.

use std::borrow::Cow;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

pub use crate::diff::visible;

/// The lines of a cluster text, each made visible; `\r\n` counts as one break.
pub fn lines(text: &str) -> Vec<String> {
    text.lines().map(|line| visible(line).into_owned()).collect()
}

/// Cuts a text to `width` columns, the last one an ellipsis when something was cut.
pub fn fit(text: &str, width: usize) -> Cow<'_, str> {
    if text.len() <= width || text.width() <= width {
        return Cow::Borrowed(text);
    }
    let mut out = String::new();
    let mut used = 0;
    for character in text.chars() {
        let columns = character.width().unwrap_or(0);
        if used + columns + 1 > width {
            break;
        }
        used += columns;
        out.push(character);
    }
    if width > 0 {
        out.push('…');
    }
    Cow::Owned(out)
}

/// The part of a text from column `left` on, at most `width` columns; a wide character cut in half becomes a space.
pub fn slice(text: &str, left: usize, width: usize) -> String {
    let mut out = String::new();
    let (mut column, mut used) = (0, 0);
    for character in text.chars() {
        let columns = character.width().unwrap_or(0);
        let start = column;
        column += columns;
        if start < left {
            if column > left && used < width {
                out.push(' ');
                used += 1;
            }
            continue;
        }
        if used + columns > width {
            break;
        }
        used += columns;
        out.push(character);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_breaks_split_and_lone_returns_show() {
        assert_eq!(lines("one\r\ntwo\rthree\n"), ["one", "two␍three"]);
    }

    #[test]
    fn cutting_counts_columns() {
        assert_eq!(fit("漢字漢字", 5), "漢字…");
        assert_eq!(fit("short", 5), "short");
        assert_eq!(slice("漢字ab", 1, 3), " 字");
        assert_eq!(slice("abcdef", 2, 3), "cde");
    }
}
