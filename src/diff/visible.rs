//! Text from a cluster is not trusted with the terminal: control characters become visible symbols.

use std::borrow::Cow;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// One line of cluster text with everything that could steer a terminal or reorder text made visible:
/// C0 and DEL as Unicode control pictures, C1, bidirectional controls, zero-width and tag characters as `‹202e›`.
/// A tab becomes spaces up to the next multiple of eight columns.
pub fn visible(line: &str) -> Cow<'_, str> {
    if line.bytes().all(|byte| (0x20..0x7f).contains(&byte)) || !line.chars().any(is_unsafe) {
        return Cow::Borrowed(line);
    }
    let mut out = String::with_capacity(line.len() + 8);
    for character in line.chars() {
        match character {
            '\t' => {
                let column = out.width();
                out.extend(std::iter::repeat_n(' ', 8 - column % 8));
            }
            '\u{0}'..='\u{1f}' => out.extend(char::from_u32(0x2400 + character as u32)),
            '\u{7f}' => out.push('\u{2421}'),
            _ if is_unsafe(character) => out.push_str(&format!("‹{:04x}›", character as u32)),
            _ => out.push(character),
        }
    }
    Cow::Owned(out)
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

/// Whether a character steers the terminal, hides itself or reorders its neighbours.
fn is_unsafe(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{180e}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(input: &str, expected: &str) {
        let shown = visible(input);
        assert_eq!(shown, expected);
        assert!(!shown.chars().any(is_unsafe), "{shown:?} still has unsafe characters");
    }

    #[test]
    fn plain_text_stays_as_it_is() {
        check("image: nginx:1.27 — größer 漢字", "image: nginx:1.27 — größer 漢字");
    }

    #[test]
    fn escape_sequences_are_shown_not_sent() {
        check("\u{1b}[2J\u{1b}]0;owned\u{7}", "␛[2J␛]0;owned␇");
        check("\u{9b}31m\u{9d}52;c;aGk=\u{9c}", "‹009b›31m‹009d›52;c;aGk=‹009c›");
        check("back\u{8}\u{7f}", "back␈␡");
    }

    #[test]
    fn bidirectional_and_hidden_characters_are_shown() {
        check("user\u{202e}nimda\u{202c}", "user‹202e›nimda‹202c›");
        check("a\u{200b}b\u{feff}c\u{ad}d", "a‹200b›b‹feff›c‹00ad›d");
        check("\u{2066}x\u{2069}\u{e0041}", "‹2066›x‹2069›‹e0041›");
    }

    #[test]
    fn cutting_counts_columns() {
        assert_eq!(fit("漢字漢字", 5), "漢字…");
        assert_eq!(fit("short", 5), "short");
    }

    #[test]
    fn tabs_reach_the_next_stop() {
        check("a\tb", "a       b");
        check("漢\tb", "漢      b");
    }
}
