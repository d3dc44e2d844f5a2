//! Go's `encoding/base64` and `encoding/base32` with the standard alphabets, decoded as leniently as Go does.

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::template::Str;

const BASE64: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const BASE32: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

pub(super) fn encode64(text: Str) -> String {
    STANDARD.encode(text.as_bytes())
}

/// The decoded text, or Go's error in its place.
/// Go's `base64.StdEncoding.DecodeString`.
///
/// # Errors
/// Go's words.
pub(in crate::template::funcs) fn bytes64(text: &Str) -> Result<Vec<u8>, String> {
    let bytes = text.as_bytes();
    STANDARD.decode(bytes).or_else(|_| lenient64(bytes)).map_err(|at| format!("illegal base64 data at input byte {at}"))
}

pub(super) fn decode64(text: Str) -> Str {
    bytes64(&text).map_or_else(Str::from, Str::from_bytes)
}

pub(super) fn encode32(text: Str) -> String {
    let mut out = String::new();
    for chunk in text.as_bytes().chunks(5) {
        let bits = chunk.iter().chain(&[0; 5]).take(5).fold(0u64, |bits, byte| bits << 8 | u64::from(*byte));
        let digits = (chunk.len() * 8).div_ceil(5);
        for digit in 0..8 {
            let value = (bits >> (35 - 5 * digit)) & 31;
            out.push(if digit < digits { char::from(BASE32[value as usize]) } else { '=' });
        }
    }
    out
}

/// The decoded text, or Go's error in its place.
pub(super) fn decode32(text: Str) -> Str {
    let stripped: Vec<u8> = text.as_bytes().iter().copied().filter(|byte| !is_break(*byte)).collect();
    match lenient32(&stripped) {
        Ok(bytes) => Str::from_bytes(bytes),
        Err(at) => format!("illegal base32 data at input byte {at}").into(),
    }
}

fn is_break(byte: u8) -> bool {
    matches!(byte, b'\r' | b'\n')
}

fn digit(alphabet: &[u8], byte: u8) -> Option<u64> {
    alphabet.iter().position(|digit| *digit == byte).map(|value| value as u64)
}

/// The bytes of as many digits as there are, of a group of so many digits.
fn unpack(digits: &[u64], group: usize, width: usize) -> Vec<u8> {
    let bits = digits.iter().chain(&[0; 8]).take(group).fold(0, |bits, digit| bits << width | digit);
    let bytes = group * width / 8;
    (0..digits.len() * width / 8).map(|index| (bits >> (8 * (bytes - 1 - index))) as u8).collect()
}

/// Line breaks anywhere are skipped and bits left over are not looked at; the error is the place.
fn lenient64(text: &[u8]) -> Result<Vec<u8>, usize> {
    let mut out = Vec::new();
    let mut at = 0;
    let breaks = |at: usize| text[at.min(text.len())..].iter().take_while(|byte| is_break(**byte)).count();
    loop {
        let mut digits = Vec::with_capacity(4);
        while digits.len() < 4 {
            let Some(byte) = text.get(at).copied() else {
                return if digits.is_empty() { Ok(out) } else { Err(at - digits.len()) };
            };
            at += 1;
            match digit(BASE64, byte) {
                Some(value) => digits.push(value),
                None if is_break(byte) => {}
                None if byte != b'=' || digits.len() < 2 => return Err(at - 1),
                None => {
                    if digits.len() == 2 {
                        at += breaks(at);
                        match text.get(at) {
                            None => return Err(text.len()),
                            Some(b'=') => at += 1,
                            Some(_) => return Err(at - 1),
                        }
                    }
                    at += breaks(at);
                    out.extend(unpack(&digits, 4, 6));
                    return if at < text.len() { Err(at) } else { Ok(out) };
                }
            }
        }
        out.extend(unpack(&digits, 4, 6));
    }
}

fn lenient32(text: &[u8]) -> Result<Vec<u8>, usize> {
    let mut out = Vec::new();
    for (group, chunk) in text.chunks(8).enumerate() {
        let start = group * 8;
        let mut digits = Vec::with_capacity(8);
        for (index, byte) in chunk.iter().enumerate() {
            let left = text.len() - start - index - 1;
            if *byte == b'=' && index >= 2 && left < 8 {
                if left + index < 7 {
                    return Err(text.len());
                }
                if let Some(wrong) = chunk[index..].iter().position(|byte| *byte != b'=') {
                    return Err(start + index + wrong - 1);
                }
                if matches!(index, 3 | 6) {
                    return Err(start + index);
                }
                out.extend(unpack(&digits, 8, 5));
                return Ok(out);
            }
            digits.push(digit(BASE32, *byte).ok_or(start + index)?);
        }
        if digits.len() < 8 {
            return Err(text.len() - digits.len());
        }
        out.extend(unpack(&digits, 8, 5));
    }
    Ok(out)
}
