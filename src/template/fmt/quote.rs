//! Go's `strconv.Quote` and its kin.

/// Whether Go prints this character as it is: letters, marks, numbers, punctuation, symbols and the ASCII space.
pub(crate) fn is_print(char: char) -> bool {
    if char.is_ascii() {
        return matches!(char, ' '..='~');
    }
    // After another character Rust escapes exactly the characters that are not printable.
    let mut buffer = [b'a'; 5];
    let end = 1 + char.encode_utf8(&mut buffer[1..]).len();
    std::str::from_utf8(&buffer[..end]).is_ok_and(|text| text.escape_debug().nth(1) == Some(char))
}

/// `strconv.Quote`.
pub(crate) fn quote(text: &[u8]) -> String {
    quoted(text, false)
}

/// `strconv.Quote`, or `strconv.QuoteToASCII`.
pub(super) fn quoted(text: &[u8], ascii: bool) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for chunk in text.utf8_chunks() {
        chunk.valid().chars().for_each(|char| escape(&mut out, char, '"', ascii));
        chunk.invalid().iter().for_each(|byte| out.push_str(&format!("\\x{byte:02x}")));
    }
    out.push('"');
    out
}

/// `strconv.QuoteRune`, or `strconv.QuoteRuneToASCII`.
pub(crate) fn quoted_rune(char: char, ascii: bool) -> String {
    let mut out = String::from('\'');
    escape(&mut out, char, '\'', ascii);
    out.push('\'');
    out
}

fn escape(out: &mut String, char: char, quote: char, ascii: bool) {
    let short = match char {
        '\\' => '\\',
        _ if char == quote => quote,
        _ if is_print(char) && (char.is_ascii() || !ascii) => return out.push(char),
        '\x07' => 'a',
        '\x08' => 'b',
        '\x0c' => 'f',
        '\n' => 'n',
        '\r' => 'r',
        '\t' => 't',
        '\x0b' => 'v',
        _ => {
            let code = u32::from(char);
            return out.push_str(&match code {
                ..=0x7f => format!("\\x{code:02x}"),
                0x80..=0xffff => format!("\\u{code:04x}"),
                _ => format!("\\U{code:08x}"),
            });
        }
    };
    out.push('\\');
    out.push(short);
}

/// `strconv.CanBackquote`.
pub(super) fn can_backquote(text: &[u8]) -> bool {
    std::str::from_utf8(text).is_ok_and(|text| {
        !text.chars().any(|char| matches!(char, '\u{feff}' | '`' | '\x7f') || (char < ' ' && char != '\t'))
    })
}
