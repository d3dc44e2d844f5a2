//! Check sums.

use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};

use crate::template::{
    Str,
    func::{Function, function},
};

pub(super) fn functions() -> Vec<(&'static str, Function)> {
    vec![
        ("sha1sum", function(|text: Str| format!("{:x}", Sha1::digest(text.as_bytes())))),
        ("sha256sum", function(|text: Str| format!("{:x}", Sha256::digest(text.as_bytes())))),
        ("sha512sum", function(|text: Str| format!("{:x}", Sha512::digest(text.as_bytes())))),
        ("adler32sum", function(|text: Str| adler32(text.as_bytes()).to_string())),
    ]
}

/// The sum of RFC 1950.
fn adler32(bytes: &[u8]) -> u32 {
    const MODULUS: u32 = 65521;
    // As many bytes as 32 bits can sum up before the modulus is needed.
    let (low, high) = bytes.chunks(5552).fold((1_u32, 0_u32), |sums, chunk| {
        let (low, high) = chunk.iter().fold(sums, |(low, high), byte| {
            let low = low + u32::from(*byte);
            (low, high + low)
        });
        (low % MODULUS, high % MODULUS)
    });
    high << 16 | low
}
