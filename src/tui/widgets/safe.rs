//! Text from a cluster, safe to draw, cut to columns.

use unicode_width::UnicodeWidthChar;

pub use crate::diff::{fit, visible};

/// The lines of a cluster text, each made visible; `\r\n` counts as one break.
pub fn lines(text: &str) -> Vec<String> {
    text.lines().map(|line| visible(line).into_owned()).collect()
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
        assert_eq!(slice("漢字ab", 1, 3), " 字");
        assert_eq!(slice("abcdef", 2, 3), "cde");
    }
}
