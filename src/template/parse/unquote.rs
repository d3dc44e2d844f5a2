//! What Go's literals of strings and characters stand for: `strconv.Unquote` and `UnquoteChar`.

use super::super::lex::decode;
use std::borrow::Cow;

/// What a Go string literal stands for, in double quotes or back quotes; `None` where its syntax is invalid.
/// Borrowed where it stands for what is written between the quotes.
pub(super) fn unquote(literal: &[u8]) -> Option<Cow<'_, [u8]>> {
    match literal {
        [b'`', text @ .., b'`'] if memchr::memchr(b'\r', text).is_none() => Some(text.into()),
        [b'`', text @ .., b'`'] => Some(text.iter().copied().filter(|&byte| byte != b'\r').collect()),
        [b'"', text @ .., b'"'] if memchr::memchr3(b'\\', b'"', b'\n', text).is_none() => Some(text.into()),
        [b'"', text @ .., b'"'] => {
            let mut bytes = Vec::with_capacity(text.len());
            let mut rest = text;
            while !rest.is_empty() {
                rest = match unquote_one(rest, b'"')? {
                    (One::Byte(byte), rest) => {
                        bytes.push(byte);
                        rest
                    }
                    (One::Character(character), tail) => {
                        let length = rest.len() - tail.len();
                        let verbatim = rest.get(..length).filter(|text| !text.starts_with(b"\\"));
                        let mut buffer = [0; 4];
                        bytes.extend_from_slice(
                            verbatim.unwrap_or_else(|| character.encode_utf8(&mut buffer).as_bytes()),
                        );
                        tail
                    }
                };
            }
            Some(bytes.into())
        }
        _ => None,
    }
}

/// The number of the character that a literal in single quotes holds, and whether it holds no more than that.
pub(super) fn unquote_character(literal: &[u8]) -> Option<(u32, bool)> {
    let (one, tail) = unquote_one(literal.get(1..)?, b'\'')?;
    let number = match one {
        One::Byte(byte) => byte.into(),
        One::Character(character) => character.into(),
    };
    Some((number, tail == b"'"))
}

enum One {
    /// Written as `\xff` or `\377`: a byte, not a character.
    Byte(u8),
    Character(char),
}

fn unquote_one(text: &[u8], quote: u8) -> Option<(One, &[u8])> {
    match *text {
        [first, ..] if first == quote => None,
        [b'\n', ..] if quote == b'"' => None,
        [b'\\', escape, ref rest @ ..] => unescape(escape, rest, quote),
        _ => {
            let (character, length) = decode(text)?;
            Some((One::Character(character), text.get(length..)?))
        }
    }
}

fn unescape(escape: u8, rest: &[u8], quote: u8) -> Option<(One, &[u8])> {
    let simple = match escape {
        b'a' => '\x07',
        b'b' => '\x08',
        b'f' => '\x0c',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'v' => '\x0b',
        b'\\' => '\\',
        b'\'' | b'"' if escape == quote => char::from(quote),
        b'x' => return byte(rest, 16, 2),
        b'u' => return character(rest, 4),
        b'U' => return character(rest, 8),
        b'0'..=b'7' => return octal(escape, rest),
        _ => return None,
    };
    Some((One::Character(simple), rest))
}

fn digits(text: &[u8], radix: u32, count: usize) -> Option<u32> {
    text.get(..count)?
        .iter()
        .try_fold(0_u32, |number, &digit| number.checked_mul(radix)?.checked_add(char::from(digit).to_digit(radix)?))
}

fn byte(rest: &[u8], radix: u32, count: usize) -> Option<(One, &[u8])> {
    let number = digits(rest, radix, count)?;
    Some((One::Byte(u8::try_from(number).ok()?), rest.get(count..)?))
}

fn octal(first: u8, rest: &[u8]) -> Option<(One, &[u8])> {
    let number = u32::from(first - b'0') * 64 + digits(rest, 8, 2)?;
    Some((One::Byte(u8::try_from(number).ok()?), rest.get(2..)?))
}

fn character(rest: &[u8], count: usize) -> Option<(One, &[u8])> {
    let number = digits(rest, 16, count)?;
    Some((One::Character(char::from_u32(number)?), rest.get(count..)?))
}
